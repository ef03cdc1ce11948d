package identity

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// seedKey returns the public key of a seed of one repeated byte.
func seedKey(b byte) cert.PublicKey {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize))
	return cert.PublicKey(private.Public().(ed25519.PublicKey))
}

func drawRoster(t *rapid.T) cert.Roster {
	var r cert.Roster
	node := uint32(0)
	for i := range rapid.IntRange(1, 6).Draw(t, "members") {
		m := cert.Member{Name: fmt.Sprintf("%s%d", rapid.StringMatching(`[a-z0-9][a-z0-9._-]{0,9}`).Draw(t, "name"), i), Key: seedKey(byte(i))}
		for range rapid.IntRange(0, 3).Draw(t, "nodes") {
			node += uint32(rapid.IntRange(1, 1<<20).Draw(t, "step"))
			m.Nodes = append(m.Nodes, node)
		}
		r = append(r, m)
	}
	return r
}

func TestARosterReadsBackFromItsText(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRoster(t)
		text := FormatRoster(r)
		got, err := ParseRoster(text)
		require.NoError(t, err)
		require.Equal(t, r, got)
		require.Len(t, strings.Split(string(text), "\n"), len(r)+2, "a line for each member, and the first")
		path := filepath.Join(dir, "roster")
		require.NoError(t, SaveRoster(path, r))
		got, err = LoadRoster(path)
		require.NoError(t, err)
		require.Equal(t, r, got)
	})
}

func rosterText(lines ...string) string {
	return rosterMark + "\n" + strings.Join(lines, "")
}

func TestTheRosterOfTheManual(t *testing.T) {
	text := rosterText(
		"paris 03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8 1,2\n",
		"tokyo 79b5562e8fe654f94078b112e8a98ba7901f853ae695bed7e0e3910bad049664 -\n",
	)
	r, err := ParseRoster([]byte(text))
	require.NoError(t, err)
	require.Equal(t, testKey().Public(), r[0].Key)
	require.Equal(t, []uint32{1, 2}, r[0].Nodes)
	require.Equal(t, "tokyo", r[1].Name)
	require.Empty(t, r[1].Nodes)
}

func TestOtherTextIsNoRoster(t *testing.T) {
	paris := "paris " + testPublic + " 1,2\n"
	for name, c := range map[string]struct {
		text string
		line int
	}{
		"empty":                {"", 1},
		"only the mark":        {rosterMark, 1},
		"no member":            {rosterText(), 0},
		"another version":      {"omega-roster v2\n" + paris, 1},
		"no last line end":     {rosterText(strings.TrimSuffix(paris, "\n")), 2},
		"blank line":           {rosterText("\n", paris), 2},
		"blank last line":      {rosterText(paris, "\n"), 3},
		"two spaces":           {rosterText("paris  " + testPublic + " 1\n"), 2},
		"trailing space":       {rosterText("paris " + testPublic + " 1 \n"), 2},
		"no nodes":             {rosterText("paris " + testPublic + "\n"), 2},
		"empty nodes":          {rosterText("paris " + testPublic + " \n"), 2},
		"short key":            {rosterText("paris " + testPublic[:62] + " 1\n"), 2},
		"key no hex":           {rosterText("paris " + strings.Repeat("z", 64) + " 1\n"), 2},
		"upper-case key":       {rosterText("paris " + strings.ToUpper(testPublic) + " 1\n"), 2},
		"node too large":       {rosterText("paris " + testPublic + " 4294967296\n"), 2},
		"node with a zero":     {rosterText("paris " + testPublic + " 01\n"), 2},
		"node with a plus":     {rosterText("paris " + testPublic + " +1\n"), 2},
		"CRLF":                 {rosterText("paris " + testPublic + " 1\r\n"), 2},
		"nodes out of order":   {rosterText("paris " + testPublic + " 2,1\n"), 0},
		"the node of mixed":    {rosterText("paris " + testPublic + " 4294967295\n"), 0},
		"a bad name":           {rosterText("Paris " + testPublic + " 1\n"), 0},
		"a key of small order": {rosterText("paris 01" + strings.Repeat("0", 62) + " 1\n"), 0},
		"twice":                {rosterText(paris, paris), 0},
	} {
		r, err := ParseRoster([]byte(c.text))
		var wrong *RosterError
		require.ErrorAs(t, err, &wrong, name)
		require.Equal(t, c.line, wrong.Line, name)
		require.Nil(t, r, name)
		if c.line == 0 {
			require.ErrorIs(t, err, cert.ErrRoster, name)
			require.NotContains(t, err.Error(), "line")
		} else {
			require.ErrorContains(t, err, fmt.Sprintf("line %d: ", c.line), name)
		}
	}
}

func TestRosterFilesNameTheirPathInErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "roster")
	var wrong *Error
	_, err := LoadRoster(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, path, wrong.Path)
	require.ErrorIs(t, SaveRoster(path, nil), cert.ErrRoster)
	require.NoFileExists(t, path)
	require.NoError(t, os.WriteFile(path, []byte("text"), 0o600))
	_, err = LoadRoster(path)
	require.ErrorAs(t, err, &wrong)
	require.ErrorContains(t, err, path+": roster file, line 1: ")
	require.Error(t, SaveRoster(filepath.Join(dir, "none", "roster"), cert.Roster{{Name: "paris", Key: seedKey(1)}}))
}

func FuzzParseRosterTakesOneSpelling(f *testing.F) {
	f.Add([]byte(rosterText("paris " + testPublic + " 1,2\n")))
	f.Add([]byte(rosterText("paris " + testPublic + " -\n")))
	f.Add([]byte(rosterText("paris " + testPublic + " 01\n")))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := ParseRoster(text); err == nil {
			require.Equal(t, string(text), string(FormatRoster(r)))
		}
	})
}
