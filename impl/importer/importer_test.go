package importer

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestASectionsFileIsNamedAfterItsWriter(t *testing.T) {
	long := strings.Repeat("a", 39)
	for _, c := range []struct {
		node, most uint32
		name, want string
	}{
		{1, 2, "Ada Lovelace", "0001-ada-lovelace.omega"},
		{12, 9999, " B. \xff\xc3\xb6 / ../9 ", "0012-b-9.omega"},
		{12, 10000, "", "00012-unnamed.omega"},
		{4294967294, 4294967294, "\xc3\xb6", "4294967294-unnamed.omega"},
		{1, 1, long + "bc", "0001-" + long + "b.omega"},
		{1, 1, long + " c", "0001-" + long + ".omega"},
	} {
		require.Equal(t, c.want, SectionFile(c.node, c.most, c.name))
	}
}

func TestASlugIsWhatThePlainRuleGives(t *testing.T) {
	gaps := regexp.MustCompile(`[^a-z0-9]+`)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOf(rapid.SampledFrom([]rune("aZ9- ./\u00f6\u212a\n"))).Draw(t, "name")
		lower := strings.Map(func(r rune) rune {
			if 'A' <= r && r <= 'Z' {
				return r + 'a' - 'A'
			}
			return r
		}, name)
		want := strings.Trim(gaps.ReplaceAllString(lower, "-"), "-")
		want = strings.TrimRight(want[:min(len(want), 40)], "-")
		if want == "" {
			want = "unnamed"
		}
		require.Equal(t, want, slug(name))
	})
}

func TestNamesReadBackAsTheyWereWritten(t *testing.T) {
	text := rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOfN(rapid.Byte(), 0, 6).Draw(t, "text")) })
	rapid.Check(t, func(t *rapid.T) {
		var names []Name
		node := uint32(0)
		for range rapid.IntRange(0, 4).Draw(t, "writers") {
			node += rapid.Uint32Range(1, 1<<30).Draw(t, "step")
			n := Name{Node: node, File: text.Draw(t, "file"), Events: rapid.Uint64().Draw(t, "events"),
				Name: text.Draw(t, "name"), Email: text.Draw(t, "email")}
			n.Other = append(n.Other, []string{"A", "b\t", "\xff"}[:rapid.IntRange(0, 3).Draw(t, "others")]...)
			names = append(names, n)
		}
		table := AppendNames([]byte("before"), names)
		got, err := ParseNames(table[len("before"):])
		require.NoError(t, err)
		require.Equal(t, names, got)
		require.Regexp(t, `^before(?:[^\x00-\x08\x0b-\x1f\x7f]*\n)+$`, string(table))
	})
}

// TestTheManualsLineIsARealOne reads the line of names.tsv that the package's
// doc comment shows.
func TestTheManualsLineIsARealOne(t *testing.T) {
	manual, err := os.ReadFile("importer.go")
	require.NoError(t, err)
	var table []byte
	for _, m := range regexp.MustCompile(`(?m)^//\t((?:node|2)\t.*\n)`).FindAllSubmatch(manual, -1) {
		table = append(table, m[1]...)
	}
	want := []Name{{Node: 2, File: SectionFile(2, 2, "Bob"), Events: 17, Name: "Bob", Email: "bob@example.org", Other: []string{"B. <bob@example.org>"}}}
	got, err := ParseNames(table)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, string(table), string(AppendNames(nil, want)))
}

func TestATableOutOfFormIsRefused(t *testing.T) {
	for text, says := range map[string]string{
		"":                                             "line 1: got",
		namesHead:                                      "line 1: got",
		"node\n":                                       "line 1: got",
		namesHead + "\n1\tf\t1\tn\te":                  "line 2 does not end",
		namesHead + "\n1\tf\t1\tn\n":                   "got 4 fields, want at least 5",
		namesHead + "\n\n":                             "got 1 fields",
		namesHead + "\n01\tf\t1\tn\te\n":               `"01" is no decimal number of 32 bits`,
		namesHead + "\n4294967296\tf\t1\tn\te\n":       "of 32 bits",
		namesHead + "\n1\tf\t+1\tn\te\n":               `"+1" is no decimal number of 64 bits`,
		namesHead + "\n1\tf\t1\t\\n\te\n":              "bad escape",
		namesHead + "\n1\tf\t1\t\\\te\n":               "bad escape",
		namesHead + "\n1\tf\t1\t\\xg0\te\n":            "bad escape",
		namesHead + "\n1\tf\t1\t\\x0A\te\n":            `is spelled "\\x0a"`,
		namesHead + "\n1\tf\t1\t\\x41\te\n":            `is spelled "A"`,
		namesHead + "\n1\tf\t1\t\xff\te\n":             "is spelled",
		namesHead + "\n1\tf\t1\tn\te\tb\ta\n":          "not in order",
		namesHead + "\n1\tf\t1\tn\te\n1\tf\t1\tn\te\n": "line 3: node 1 comes after node 1",
	} {
		_, err := ParseNames([]byte(text))
		require.ErrorIs(t, err, ErrNames)
		require.ErrorContains(t, err, says)
	}
	_, err := ReadNames(t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
}

func FuzzParseNames(f *testing.F) {
	f.Add([]byte(namesHead + "\n1\t0001-a.omega\t3\tA \\\\ \\x0a\ta@x\tB <b@x>\n7\tf\t0\t\t\n"))
	f.Fuzz(func(t *testing.T, table []byte) {
		names, err := ParseNames(table)
		if err == nil {
			require.Equal(t, string(table), string(AppendNames(nil, names)))
		}
	})
}

func TestAnOutputAppearsWholeOrNotAtAll(t *testing.T) {
	parent := t.TempDir()
	for _, before := range []string{"absent", "empty", "new/and/deep"} {
		output := filepath.Join(parent, before)
		if before == "empty" {
			require.NoError(t, os.Mkdir(output, 0o777))
		}
		for _, publish := range []bool{false, true} {
			s, err := NewStage(output + "/")
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(s.Dir(), "file"), nil, 0o666))
			require.NoError(t, os.WriteFile(filepath.Join(s.Scratch(), "scratch"), nil, 0o666))
			require.NoFileExists(t, filepath.Join(output, "file"))
			if publish {
				require.NoError(t, s.Publish())
			}
			s.Discard()
			s.Discard()
			if !publish {
				require.NoDirExists(t, filepath.Join(parent, "new"), "the parents go too")
			}
		}
		require.FileExists(t, filepath.Join(output, "file"))
	}
	entries, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Len(t, entries, 3, "nothing else is left")
}

func TestAnOutputThatIsTakenIsRefusedAndStaysAsItIs(t *testing.T) {
	parent := t.TempDir()
	file := filepath.Join(parent, "file")
	require.NoError(t, os.WriteFile(file, []byte("mine"), 0o666))
	for output, says := range map[string]string{
		file:                     "is no folder",
		parent:                   "is not empty, it holds file",
		filepath.Join(file, "x"): "not a directory",
	} {
		_, err := NewStage(output)
		require.ErrorIs(t, err, ErrOutput)
		require.ErrorContains(t, err, says)
	}
	entries, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Len(t, entries, 1)

	// Someone takes the place while the folder is made.
	output := filepath.Join(parent, "out")
	s, err := NewStage(output)
	require.NoError(t, err)
	defer s.Discard()
	require.NoError(t, os.MkdirAll(filepath.Join(output, "theirs"), 0o777))
	require.ErrorIs(t, s.Publish(), ErrOutput)
	require.DirExists(t, filepath.Join(output, "theirs"))
}
