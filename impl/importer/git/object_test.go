package git

import (
	"bufio"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
)

func TestTheValueIsTheWaitInHoursRoundedHalfToEven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.OneOf(rapid.Int64Range(0, 999999999999999999), rapid.Int64Range(0, 100), rapid.Int64Range(1<<40, 1<<40+8_000_000_000))
		a, c := seconds.Draw(t, "authored"), seconds.Draw(t, "committed")
		got := waited(date{seconds: a, ok: true}, date{seconds: c, ok: true})
		require.Equal(t, plainWaited(strconv.FormatInt(a, 10), strconv.FormatInt(c, 10)), got)
	})
	require.EqualValues(t, 2, waited(date{ok: true}, date{seconds: 9, ok: true}), "2.5 thousandths")
	require.EqualValues(t, 8, waited(date{ok: true}, date{seconds: 27, ok: true}), "7.5 thousandths")
	require.EqualValues(t, -8, waited(date{seconds: 27, ok: true}, date{ok: true}), "-7.5 thousandths")
}

func nameOf(content []byte) []byte {
	h := sha1.Sum(fmt.Appendf(nil, "commit %d\x00%s", len(content), content))
	return h[:]
}

func FuzzParseCommit(f *testing.F) {
	tree, parent := "tree "+strings.Repeat("a", 40)+"\n", "parent "+strings.Repeat("b", 40)+"\n"
	f.Add([]byte(tree + parent + parent + sampleAuthor + "\n" + sampleCommitter + "\n\nm"))
	f.Add([]byte(tree + "author \xff<\n" + "committer >< -1 +\ngpgsig x\n"))
	f.Add([]byte(tree + "parent zz\n"))
	f.Add([]byte("tree " + strings.Repeat("a", 64)))
	f.Fuzz(func(t *testing.T, content []byte) {
		p := newParser(sha1.Size)
		o, err := p.parse(nameOf(content), content)
		if err != nil {
			require.ErrorIs(t, err, ErrCommit)
			return
		}
		e := event.Event{Value: o.value, Payload: o.payload}
		_, err = e.Append(nil)
		require.NoError(t, err)
		lines := strings.Split(string(o.payload), "\n")
		require.Len(t, lines, 6+len(o.parents), "six lines end and each parent's")
		for _, c := range o.payload {
			require.True(t, c == '\n' || (' ' <= c && c <= '~'), "byte %x", c)
		}
		before := string(o.payload)
		o, err = p.parse(nameOf(content), content)
		require.NoError(t, err)
		require.Equal(t, before, string(o.payload), "a parser can be used again")
		if len(content) > 0 {
			name := nameOf(content)
			content[len(content)/2] ^= 1
			_, err = p.parse(name, content)
			require.ErrorIs(t, err, ErrCorrupt)
		}
	})
}

func TestACommitOutOfFormIsRefused(t *testing.T) {
	tree := "tree " + strings.Repeat("a", 40) + "\n"
	for content, says := range map[string]string{
		"":                                       `want a line "tree"`,
		"tree":                                   `want a line "tree"`,
		"tree abc\n":                             "has 3 digits, want 40",
		"tree " + strings.Repeat("a", 64) + "\n": "has 64 digits, want 40",
		"tree " + strings.Repeat("x", 40) + "\n": "invalid byte",
		tree + "parent " + strings.Repeat("a", 39) + "\n":           "has 39 digits",
		tree + sampleCommitter:                                      `want a line "author"`,
		tree + sampleAuthor + "\nx":                                 `want a line "committer"`,
		tree + sampleAuthor + "\nparent " + strings.Repeat("a", 40): `want a line "committer"`,
	} {
		_, err := newParser(sha1.Size).parse(nameOf([]byte(content)), []byte(content))
		require.ErrorIs(t, err, ErrCommit)
		require.ErrorContains(t, err, says)
	}
	content := []byte(tree + sampleAuthor + "\n" + sampleCommitter + "\n")
	h := sha256.Sum256(fmt.Appendf(nil, "commit %d\x00%s", len(content), content))
	_, err := newParser(sha256.Size).parse(h[:], content)
	require.ErrorContains(t, err, "has 40 digits, want 64")
}

func TestWhatCatFileWritesIsReadToTheByte(t *testing.T) {
	id := hex.EncodeToString(nameOf(nil))
	for stream, want := range map[string]error{
		"":                                io.ErrUnexpectedEOF,
		id + " commit 3":                  io.ErrUnexpectedEOF,
		id + " commit 3\nab":              io.ErrUnexpectedEOF,
		id + " missing\n":                 ErrMissing,
		id + " blob 3\nabc\n":             ErrCommit,
		"x commit 3\nabc\n":               ErrCommit,
		id + " commit x\n":                ErrCommit,
		id + " commit 67108865\n":         ErrCommit,
		id + " commit 3\na\nc\n" + "next": nil,
	} {
		in := bufio.NewReader(strings.NewReader(stream))
		b, err := readObject(in, id, []byte(">"))
		if want != nil {
			require.ErrorIs(t, err, want, "%q", stream)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, ">a\nc", string(b))
		rest, _ := io.ReadAll(in)
		require.Equal(t, "next", string(rest))
	}
}

func TestAFailedCommandIsToldByItsCause(t *testing.T) {
	failed := &exec.ExitError{}
	for message, want := range map[string]error{
		"fatal: not a git repository (or any of the parent directories): .git": ErrNotRepository,
		"fatal: detected dubious ownership in repository at '/x'":              ErrOwner,
		"error: Could not read 12\nfatal: loose object 12 is corrupt":          ErrCorrupt,
		"fatal: bad object HEAD": ErrMissing,
		"fatal: something else":  nil,
	} {
		err := &Error{Command: "rev-list", Err: failed, Message: message}
		require.ErrorContains(t, err, message)
		require.True(t, errors.Is(err, failed))
		for _, c := range causes {
			require.Equal(t, c.err == want, errors.Is(err, c.err), "%s: %v", message, c.err)
		}
	}
	require.Equal(t, "git cat-file: signal: killed", (&Error{Command: "cat-file", Err: errors.New("signal: killed")}).Error())
}
