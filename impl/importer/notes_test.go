package importer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func openInputs(t *testing.T, contents ...string) *Inputs {
	var paths []string
	for i, content := range contents {
		paths = append(paths, filepath.Join(t.TempDir(), fmt.Sprint(i)))
		require.NoError(t, os.WriteFile(paths[i], []byte(content), 0o666))
	}
	in, err := OpenInputs(paths)
	require.NoError(t, err)
	t.Cleanup(in.Close)
	return in
}

func TestOfEachCauseThePlacesThatComeFirstAreNamed(t *testing.T) {
	in := openInputs(t, "a\nb\n", "c\nd\n")
	in.Binary(1)
	asked := 0
	for _, n := range []struct {
		cause string
		at    Place
	}{
		{"late", Place{1, 3}}, {"late", Place{1, 2}}, {"late", Place{0, 2}}, {"late", Place{1, 2}}, {"late", Place{1, 4}}, {"early", Place{0, 0}},
	} {
		in.Note(n.cause, n.at, func() string { asked++; return fmt.Sprint(asked) })
	}
	a, b := in.Name(0), in.Name(1)
	require.Equal(t, []Note{
		{"early", 1, []Example{{a, 1, 0, "5"}}},
		{"late", 5, []Example{{a, 2, 2, "3"}, {b, 0, 2, "2"}, {b, 0, 2, "4"}}},
	}, in.Notes())
	require.Equal(t, 5, asked, "no message is made in vain")
	require.Equal(t, []Note{}, openInputs(t).Notes())
}

func TestALineIsOneLineWhateverTheText(t *testing.T) {
	in := openInputs(t, "x")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.Byte(), 0, 2*MaxText).Draw(t, "text")
		line := string(in.AppendLine([]byte("before"), "name", text, Place{}))
		if len(text) == 0 {
			require.Equal(t, "before", line)
			return
		}
		require.True(t, strings.HasPrefix(line, "beforename ") && strings.HasSuffix(line, "\n"))
		require.Equal(t, 1, strings.Count(line, "\n"))
		got, err := unescape(strings.TrimSuffix(strings.TrimPrefix(line, "beforename "), "\n"))
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(text), got))
		require.GreaterOrEqual(t, len(got), min(len(text), MaxText-4))
		require.LessOrEqual(t, len(got), MaxText)
	})
}

func TestATextIsCutBetweenCharacters(t *testing.T) {
	in := openInputs(t, "x")
	for fill, want := range map[int]int{0: 1024, 1: 1021, 2: 1022, 3: 1023, 4: 1024} {
		text := strings.Repeat("a", fill) + strings.Repeat("\U0001f600", 300)
		line := string(in.AppendLine(nil, "n", []byte(text), Place{}))
		require.Equal(t, "n "+text[:want]+"\n", line)
	}
	require.EqualValues(t, 5, in.Notes()[0].Count)
	in = openInputs(t, "x")
	in.AppendLine(nil, "name", make([]byte, 2000), Place{})
	require.Equal(t, "the name has 2000 bytes, the first 1024 are kept", in.Notes()[0].First[0].Message)
}

func TestAPayloadComesBackFromBufferFileAndMap(t *testing.T) {
	s, err := NewSpool(filepath.Join(t.TempDir(), "spool"))
	require.NoError(t, err)
	defer s.Close()
	var payloads [][]byte
	var extents []Extent
	check := func(read func(at Extent) []byte) {
		for i, at := range extents {
			require.Equal(t, string(payloads[i]), string(read(at)))
		}
	}
	for i := range 40 {
		payloads = append(payloads, []byte(strings.Repeat(fmt.Sprint(i, " "), i*1000)))
		at, err := s.Add(payloads[i])
		require.NoError(t, err)
		extents = append(extents, at)
		check(func(at Extent) []byte {
			b, err := s.Read(at, []byte("kept"))
			require.NoError(t, err)
			require.Equal(t, "kept", string(b[:4]))
			return b[4:]
		})
	}
	require.NoError(t, s.Seal())
	require.NoError(t, s.Guard(func() error { check(s.At); return nil }))
}
