package git

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
)

func TestOneAuthorUnderSeveralSpellingsIsOneNode(t *testing.T) {
	r := newRepo(t, "sha1")
	r.mailmapCommit("Ada Lovelace <ada@x> <ada@home>\nOda <ada@x> Ode <ODE@x>\n")
	tip := r.git("rev-parse", "HEAD")
	for i, author := range []string{"Ada Lovelace <Ada@X>", "Ada Lovelace <ada@x>", "Ada <ada@home>", "Countess <ada@x>", "ode <ode@x>",
		"Bob\t\xff\x1b[1m <bob@x>", "Zed <>", "ZED <>", "no brackets", "B <bob@x", "Bob > <", "<ada@x>", "A < <b>>"} {
		tip = r.commit(author, fmt.Sprint(i), tip)
	}
	r.head(r.git("commit-tree", "-p", tip, "-m", "m", "HEAD^{tree}"))
	names := r.load(t, false).names
	require.Equal(t, []importer.Name{
		{Node: 1, File: "0001-a.omega", Events: 2, Name: "A", Email: "a@x"},
		{Node: 2, File: "0002-ada-lovelace.omega", Events: 6, Name: "Ada Lovelace", Email: "ada@x", Other: []string{
			"<ada@x>", "Ada <ada@home>", "Ada Lovelace <Ada@X>", "Countess <ada@x>", "Oda <ada@x>", "ode <ode@x>"}},
		{Node: 3, File: "0003-bob-1m.omega", Events: 1, Name: "Bob\t\xff\x1b[1m", Email: "bob@x"},
		{Node: 4, File: "0004-zed.omega", Events: 2, Name: "ZED", Other: []string{"Zed"}},
		{Node: 5, File: "0005-no-brackets-1700000000-0000.omega", Events: 1, Name: "no brackets 1700000000 +0000"},
		{Node: 6, File: "0006-b-bob-x-1700000000-0000.omega", Events: 1, Name: "B <bob@x 1700000000 +0000"},
		{Node: 7, File: "0007-bob-1700000000-0000.omega", Events: 1, Name: "Bob > < 1700000000 +0000"},
		{Node: 8, File: "0008-a.omega", Events: 1, Name: "A", Email: " <b"},
	}, names)
}

func TestAMailmapMapsAsGitDoes(t *testing.T) {
	r := newRepo(t, "sha1")
	name := rapid.SampledFrom([]string{"Ada", "ada", "ADA ", " Bob", "", "  ", "B\xc3\x96b", "#x"})
	email := rapid.SampledFrom([]string{"a@x", "A@X", "b@x", "", " b@x", "\xc3\x96@x", "\xc3\xb6@x"})
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.Custom(func(t *rapid.T) string {
			form := rapid.SampledFrom([]string{"N <E>", "<E> <E>", "N <E> <E>", "N <E> N <E>", "# N <E>", "N", "N <E", "<E>>< <E>",
				"N <E> rest", "N <E> N <E> rest", "\tN\t<E>\v<E>\r"}).Draw(t, "form")
			for strings.Contains(form, "N") {
				form = strings.Replace(form, "N", name.Draw(t, "name"), 1)
			}
			for strings.Contains(form, "E") {
				form = strings.Replace(form, "E", strings.ReplaceAll(email.Draw(t, "email"), "E", "e"), 1)
			}
			return form
		})
		text := strings.Join(rapid.SliceOfN(line, 0, 6).Draw(t, "mailmap"), "\n")
		var asked, got []string
		m := parseMailmap(text)
		for _, n := range []string{"Ada", "ADA", "Bob", "b\xc3\x96B", "#X"} {
			for _, e := range []string{"a@x", "A@x", "b@X", " b@x", "\xc3\x96@x", "\xc3\xb6@X"} {
				asked = append(asked, n+" <"+e+">")
				to := m.lookup(spelling{n, e})
				got = append(got, to.name+" <"+to.email+">")
			}
		}
		r.t = t
		file := filepath.Join(r.dir, "mailmap")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o666))
		want := r.gitWith(strings.Join(asked, "\n")+"\n", "-c", "mailmap.file="+file, "check-mailmap", "--stdin")
		require.Equal(t, strings.Split(want, "\n"), got)
	})
}

func FuzzParseMailmap(f *testing.F) {
	f.Add("Ada <a@x> <b@x>\n# c\nBob <b@x> bob <c@x>\n<x", "bob", "C@x")
	f.Fuzz(func(t *testing.T, text, name, email string) {
		m := parseMailmap(text)
		to := m.lookup(spelling{name, email})
		for _, part := range []string{to.name, to.email} {
			require.True(t, part == name || part == email || strings.Contains(text, part))
		}
	})
}

// fakeHash returns a SHA-1 in hex that begins with 14 given bytes.
func fakeHash(start, end byte) string {
	b := slices.Repeat([]byte{start}, 14)
	return hex.EncodeToString(append(b, slices.Repeat([]byte{end}, 6)...))
}

func TestTwoCommitsOfOneEventIDAreRefused(t *testing.T) {
	var h history
	require.NoError(t, h.add([]byte(fakeHash(1, 1))))
	require.NoError(t, h.add([]byte(fakeHash(2, 1))))
	err := h.add([]byte(fakeHash(1, 2)))
	require.ErrorIs(t, err, ErrCollision)
	require.ErrorContains(t, err, fakeHash(1, 1)+" and "+fakeHash(1, 2))
}

func TestAListOfWhatIsNoHashIsRefused(t *testing.T) {
	for _, line := range []string{"", "abcd", strings.Repeat("g", 40), strings.Repeat("a", 64)} {
		var h history
		require.NoError(t, h.add([]byte(fakeHash(1, 1))))
		require.ErrorContains(t, h.add([]byte(line)), "is no hash of a commit", "%q", line)
	}
}

func TestAParentThatWasNotListedBeforeIsRefused(t *testing.T) {
	for name, parent := range map[string]string{"unknown": fakeHash(9, 9), "same event id": fakeHash(1, 9), "itself": fakeHash(2, 1), "later": fakeHash(3, 1)} {
		var h history
		for i := range byte(3) {
			require.NoError(t, h.add([]byte(fakeHash(i+1, 1))))
		}
		id, err := hex.DecodeString(parent)
		require.NoError(t, err)
		require.NoError(t, h.fill(0, &object{}))
		require.ErrorIs(t, h.fill(1, &object{parents: [][]byte{id}}), ErrMissing, name)
	}
}

func TestMoreParentsThanAnEventHasDepsAreRefused(t *testing.T) {
	var h history
	var o object
	for i := range event.MaxDeps + 2 {
		id := fmt.Sprintf("%028x%012x", i+1, 0)
		require.NoError(t, h.add([]byte(id)))
		b, err := hex.DecodeString(id)
		require.NoError(t, err)
		if i < event.MaxDeps+1 {
			require.NoError(t, h.fill(i, &object{}))
			o.parents = append(o.parents, b)
		}
	}
	last := len(h.commits) - 1
	require.ErrorIs(t, h.fill(last, &o), ErrParents)
	o.parents[0] = o.parents[1]
	require.NoError(t, h.fill(last, &o), "one is named twice")
}
