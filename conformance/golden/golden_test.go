package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var output = sync.OnceValue(func() string {
	var b bytes.Buffer
	write(&b)
	return b.String()
})

func TestThisMachinePrintsTheGoldenLines(t *testing.T) {
	want, err := os.ReadFile("testdata/golden.txt")
	require.NoError(t, err)
	// Line by line: the first difference says what has changed.
	got, expected := strings.Split(output(), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(got), len(expected)) {
		require.Equal(t, expected[i], got[i], "line %d", i+1)
	}
	require.Len(t, got, len(expected))
}

func TestEveryLineHasItsOwnName(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(output()) {
		name, hex, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		require.True(t, ok && len(hex)%2 == 0, line)
		require.False(t, seen[name], name)
		seen[name] = true
	}
	require.Greater(t, len(seen), 400)
}

// The results depend on the events alone: not on the number of workers, which
// these names end in.
func TestWorkersChangeNoLine(t *testing.T) {
	byName := map[string]string{}
	compared := 0
	for line := range strings.Lines(output()) {
		name, hex, _ := strings.Cut(line, " ")
		match := regexp.MustCompile(`^((?:order|merkle/trace-root|glue)/.*)/[123](/[a-z]+)?$`).FindStringSubmatch(name)
		if match == nil || strings.Contains(name, "/summary/") {
			continue
		}
		if other, ok := byName[match[1]+match[2]]; ok {
			require.Equal(t, other, hex, name)
			compared++
		}
		byName[match[1]+match[2]] = hex
	}
	require.Greater(t, compared, 200)
}

// The numbers are those of splitmix64: the first three of the seed 1234567, as
// its authors' test vectors have them.
func TestTheGeneratorIsSplitmix64(t *testing.T) {
	g := &generator{state: 1234567}
	require.Equal(t, uint64(6457827717110365317), g.next())
	require.Equal(t, uint64(3203168211198807973), g.next())
	require.Equal(t, uint64(9817491932198370423), g.next())
}
