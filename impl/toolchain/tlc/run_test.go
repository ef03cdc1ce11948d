package tlc

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fakeJava prints what stands in testdata/NAME.txt, NAME being what the
// configuration says after `\* fake:`, and ends as it did; where it is told to
// dump, it dumps the counter's graph.
const fakeJava = `#!/bin/sh
case "$1" in -version) echo 'openjdk version "17.0.1"' >&2; exit 0;; esac
name=$(sed -n 's/^\\\* fake: //p' run.cfg)
case "$name" in
die) kill -9 $$;;
hang) sleep 60;;
esac
case "$*" in *-dump*) cp "$FAKE_DUMP" dump.dot;; esac
echo "$*" > "$FAKE_ARGS"
tail -n +2 "$FAKE_DATA/$name.txt"
exit $(sed -n '1s/status //p' "$FAKE_DATA/$name.txt")
`

// withFake returns a Program that is no TLC, and the file of its arguments.
func withFake(t *testing.T) (Program, string) {
	t.Helper()
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "java"), []byte(fakeJava), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "a.jar"), []byte("jar"), 0o600))
	data, err := filepath.Abs("testdata")
	require.NoError(t, err)
	args := filepath.Join(bin, "args")
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("OMEGA_TLA2TOOLS", filepath.Join(bin, "a.jar"))
	t.Setenv("FAKE_DATA", data)
	t.Setenv("FAKE_ARGS", args)
	t.Setenv("FAKE_DUMP", filepath.Join(data, "..", "..", "..", "..", "conformance/corpus/testdata/Counter.dot"))
	t.Setenv("TMPDIR", t.TempDir())
	p, err := Open(t.Context())
	require.NoError(t, err)
	return p, args
}

// faking returns a configuration whose run gives testdata/NAME.txt.
func faking(t *testing.T, archive, name string) *Config {
	t.Helper()
	return load(t, archive+"\\* fake: "+name+"\n")
}

func TestARunLeavesNothingBehindAndSharesNothing(t *testing.T) {
	p, args := withFake(t)
	c := faking(t, quickConfig, "holds")
	out, err := p.Check(t.Context(), c, 1)
	require.NoError(t, err)
	require.Empty(t, c.Judge(out))
	given, err := os.ReadFile(args)
	require.NoError(t, err)
	temp := os.Getenv("TMPDIR")
	require.Regexp(t, `^-XX:\+ExitOnOutOfMemoryError -Djava.io.tmpdir=`+temp+`/omega-tlc-\d+ .*-Xmx1024m .* tlc2.TLC -tool -workers 1 `+
		`-metadir `+temp+`/omega-tlc-\d+/states -config run.cfg -coverage 1 OmegaRun\n$`, string(given))
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestARunThatIsKilledOrCancelledShowsNothing(t *testing.T) {
	p, _ := withFake(t)
	out, err := p.Check(t.Context(), faking(t, quickConfig, "die"), 1)
	require.NoError(t, err)
	require.Equal(t, Killed, out.Kind)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = p.Check(ctx, faking(t, quickConfig, "hang"), 1)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, os.Remove(p.checker.Java.Path))
	_, err = p.Check(t.Context(), faking(t, quickConfig, "holds"), 1)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestTheCorpusIsMadeOfTheDump(t *testing.T) {
	p, args := withFake(t)
	recorded := strings.Replace(graphConfig, "36 distinct", "5 distinct", 1)
	c, err := p.Corpus(t.Context(), faking(t, recorded, "holds"))
	require.Error(t, err, "the graph's run has its own configuration, without comments")
	require.Nil(t, c)

	// As plainFiles, graphFiles drops the comments: the fake is told by the module.
	t.Setenv("FAKE_DATA", onlyHolds(t))
	c, err = p.Corpus(t.Context(), load(t, recorded))
	require.NoError(t, err)
	require.Equal(t, "Graph", c.Name)
	require.Len(t, c.Edges, 6)
	given, err := os.ReadFile(args)
	require.NoError(t, err)
	require.Contains(t, string(given), " -dump dot,actionlabels dump.dot OmegaRun\n")

	_, err = p.Corpus(t.Context(), load(t, graphConfig))
	require.EqualError(t, err, "tla/Graph.cfg: the dump has 5 states within the bound; recorded are 36")
	_, err = p.Dump(t.Context(), load(t, recorded), func(io.Reader) error { return errors.New("unreadable") })
	require.EqualError(t, err, "unreadable")
}

// onlyHolds returns a folder in which every run holds.
func onlyHolds(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/holds.txt")
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".txt"), text, 0o600))
	return dir
}

func TestTheKeyNamesAllThatDecides(t *testing.T) {
	p, _ := withFake(t)
	key := func(archive string, more ...string) string {
		k, err := p.Key(load(t, archive), more...)
		require.NoError(t, err)
		return k
	}
	keys := map[string]bool{
		key(quickConfig):      true,
		key(quickConfig, "x"): true,
		key(strings.Replace(quickConfig, "36 distinct", "35 distinct", 1)):    true,
		key(quickConfig + "-- Toy.tla --\n---- MODULE Toy ----\n====\n"):      true,
		key(strings.Replace(quickConfig, "Quick.cfg", "Quicker.cfg", 1), "x"): true,
	}
	require.Len(t, keys, 5)
	require.Equal(t, key(quickConfig), key(quickConfig))
	require.NoError(t, os.WriteFile(os.Getenv("OMEGA_TLA2TOOLS"), []byte("another jar"), 0o600))
	var err error
	p, err = Open(t.Context())
	require.NoError(t, err)
	keys[key(quickConfig)] = true
	require.Len(t, keys, 6)
}
