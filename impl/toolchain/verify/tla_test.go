package verify

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/corpus"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout/checkouttest"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tlc"
)

// recordedJava gives what TLC once printed, as impl/toolchain/tlc has it: what the
// configuration names after "ALIAS" (nothing else would survive in all runs), and
// the counter's graph as the dump.
const recordedJava = `#!/bin/sh
case "$1" in -version) echo 'openjdk version "17.0.1"' >&2; exit 0;; esac
name=$(sed -n 's/^ALIAS //p' run.cfg)
case "$*" in *-dump*) cp "$FAKE_DUMP" dump.dot;; esac
echo "$name" >> "$FAKE_RUNS"
tail -n +2 "$FAKE_DATA/$name.txt"
exit $(sed -n '1s/status //p' "$FAKE_DATA/$name.txt")
`

// modelChecker is a checkout with models, and a Java that plays TLC.
type modelChecker struct {
	*verifier
	runs string // a line for each run
}

const toyModule = "---- MODULE Toy ----\nSpec == Init /\\ [][Next]_vars\n====\n"

func head(run, expect, rest string) string {
	return fmt.Sprintf("\\* run: %s\n\\* module: Toy\n\\* expect: %s\n\\* why: a test\n%s", run, expect, rest)
}

// models are a quick model that holds, a graph, a large one, and enough negatives.
func models() map[string]string {
	files := map[string]string{
		"tla/Toy.tla":   toyModule,
		"tla/Quick.cfg": head("quick", "holds", "\\* states: 36 distinct, depth 9\n\\* reach: BothUp\n\\* never: Leap high\nINVARIANT A B\nPROPERTY C\nALIAS holds\n"),
		"tla/Graph.cfg": head("graph", "holds", "\\* states: 36 distinct, depth 9\n\\* never: Leap high\nSPECIFICATION Spec\nINVARIANT A\nALIAS holds\n"),
		"tla/Large.cfg": head("large", "holds", "\\* never: Leap high\nINVARIANT D\nALIAS holds\n"),
	}
	for i := range minNegatives {
		files[fmt.Sprintf("tla/Negative%d.cfg", i)] = head("negative", "violates Low", "INVARIANT Low\nALIAS invariant\n")
	}
	return files
}

func newModelChecker(t *testing.T, files map[string]string) *modelChecker {
	t.Helper()
	var archive strings.Builder
	for name, text := range files {
		fmt.Fprintf(&archive, "-- %s --\n%s", name, text)
	}
	m := &modelChecker{verifier: &verifier{root: checkouttest.New(t, archive.String()), cacheDir: t.TempDir()}}
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "java"), []byte(recordedJava), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "a.jar"), []byte("jar"), 0o600))
	toolchain, err := filepath.Abs("..")
	require.NoError(t, err)
	m.runs = filepath.Join(bin, "runs")
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("OMEGA_TLA2TOOLS", filepath.Join(bin, "a.jar"))
	t.Setenv("FAKE_DATA", filepath.Join(toolchain, "tlc", "testdata"))
	t.Setenv("FAKE_DUMP", filepath.Join(toolchain, "..", "..", "conformance/corpus/testdata/Counter.dot"))
	t.Setenv("FAKE_RUNS", m.runs)
	return m
}

func (m *modelChecker) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(m.root, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// verify runs a layer and returns its result and how many runs of TLC it took.
func (m *modelChecker) verify(t *testing.T, name string, edit func(*Options)) (Result, int) {
	t.Helper()
	before, _ := os.ReadFile(m.runs)
	opts := m.options(name)
	opts.memoryMB = tlaMemoryMB
	edit(&opts)
	rep, err := Run(t.Context(), opts)
	require.NoError(t, err)
	after, _ := os.ReadFile(m.runs)
	return result(t, rep, name), bytes.Count(after, []byte("\n")) - bytes.Count(before, []byte("\n"))
}

func asItIs(*Options) {}

func TestTheLayerTLARunsEveryModelOnce(t *testing.T) {
	m := newModelChecker(t, models())
	res, runs := m.verify(t, "tla", asItIs)
	require.Equal(t, Pass, res.Verdict, res.Message)
	require.Equal(t, 2+minNegatives, runs)
	require.Equal(t, map[string]float64{
		"models": 2, "large": 0, "negatives": 12, "properties": 3, "states": 72, "actions": 6, "reached": 1, "remembered": 0, "failed": 0,
	}, res.Counts)
	require.Equal(t, "2 models hold: 3 properties, 72 states, 6 actions fired, 1 predicates reached; 12 negative models violate what they must", res.Message)
	require.Equal(t, 2+minNegatives, strings.Count(m.progress.String(), "verify: tla: ")-1, "a line for each run and one for the layer")

	res, runs = m.verify(t, "tla", asItIs)
	require.True(t, res.Cached)
	require.Zero(t, runs)

	// A change of one configuration runs this one alone; the whole layer is judged anew.
	m.write(t, "tla/Negative3.cfg", models()["tla/Negative3.cfg"]+"\\* changed\n")
	res, runs = m.verify(t, "tla", asItIs)
	require.False(t, res.Cached)
	require.Equal(t, 1, runs)
	require.Equal(t, 13.0, res.Counts["remembered"])
	require.Contains(t, res.Message, "; 13 runs remembered")

	// With --deep the large one is run, too; without the cache all are.
	res, runs = m.verify(t, "tla", func(o *Options) { o.Deep = true })
	require.Equal(t, 1, runs)
	require.Contains(t, res.Message, "deep, 1 of them large; 3 models hold: 4 properties")
	_, runs = m.verify(t, "tla", func(o *Options) { o.NoCache = true })
	require.Equal(t, 2+minNegatives, runs)

	// A module is a part of every configuration.
	m.write(t, "tla/Toy.tla", toyModule+"\n")
	_, runs = m.verify(t, "tla", asItIs)
	require.Equal(t, 2+minNegatives, runs)
}

func TestTheLayerTLAFailsForEachModelThatIsNotAsItSays(t *testing.T) {
	files := models()
	files["tla/Negative0.cfg"] = head("negative", "violates Low", "INVARIANT Low\nALIAS action\n")
	files["tla/Negative1.cfg"] = head("negative", "violates Low", "INVARIANT Low\nALIAS holds\n")
	files["tla/Quick.cfg"] = head("quick", "holds", "\\* states: 36 distinct, depth 9\nINVARIANT Low\nALIAS invariant\n")
	files["tla/Stray.tla"] = "---- MODULE Stray ----\n====\n"
	m := newModelChecker(t, files)
	res, _ := m.verify(t, "tla", asItIs)
	require.Equal(t, Fail, res.Verdict)
	for _, want := range []string{
		"tla/Negative0.cfg: Up is violated; want Low\n", "tla/Negative1.cfg: nothing is violated; want Low. a test\n",
		"tla/Quick.cfg: Low is violated: Invariant Low is violated.\n  1 Initial predicate\n", "tla/Stray.tla: no configuration uses this module\n",
		"tla: 10 negative models; at least 12 are wanted",
	} {
		require.Contains(t, res.Message, want)
	}
	// What failed is not remembered.
	_, runs := m.verify(t, "tla", asItIs)
	require.Equal(t, 3, runs)

	empty := newModelChecker(t, map[string]string{"tla/README.md": "none\n"})
	res, _ = empty.verify(t, "tla", asItIs)
	require.Contains(t, res.Message, "tla: no model has been checked")
}

func TestTheRunsOfTLCFitIntoTheMemoryOfTheLayer(t *testing.T) {
	large, quick := tlc.Config{Run: tlc.Large}, tlc.Config{Run: tlc.Quick}
	require.LessOrEqual(t, large.MemoryMB(), tlaMemoryMB)
	require.LessOrEqual(t, 2*quick.MemoryMB(), tlaMemoryMB)
	require.Less(t, quick.MemoryMB(), corpusMemoryMB)
}

func counterCorpus(t *testing.T) *corpus.Corpus {
	t.Helper()
	dump, err := os.Open(os.Getenv("FAKE_DUMP"))
	require.NoError(t, err)
	defer dump.Close()
	c, _, err := corpus.FromDot(dump, "Graph")
	require.NoError(t, err)
	return c
}

func TestTheLayerCorpusComparesWithWhatTLCMakes(t *testing.T) {
	files := models()
	files["tla/Graph.cfg"] = strings.Replace(files["tla/Graph.cfg"], "36 distinct", "5 distinct", 1)
	m := newModelChecker(t, files)
	res, runs := m.verify(t, "corpus", asItIs)
	require.Equal(t, 1, runs)
	require.Contains(t, res.Message, "Graph.corpus.gz: no such file or directory; after a deliberate change of the model: go run ./conformance/corpus/generate")

	commit := func(c *corpus.Corpus) {
		var b bytes.Buffer
		require.NoError(t, c.Write(&b))
		m.write(t, tlc.CorpusFolder+"/Graph.corpus.gz", b.String())
	}
	// The same graph: what is wrong is that it is too small to show anything.
	commit(counterCorpus(t))
	res, _ = m.verify(t, "corpus", asItIs)
	require.Equal(t, "conformance/corpus/testdata/Graph.corpus.gz: 6 edges; want 20000 to 200000: change the bounds of tla/Graph.cfg", res.Message)

	less := counterCorpus(t)
	less.Edges = less.Edges[:5]
	commit(less)
	res, _ = m.verify(t, "corpus", asItIs)
	require.Contains(t, res.Message, "Graph.corpus.gz: only the model has 1 of the edges, the first:\n[bit |-> \"low\", name |-> \"Flip\"] from\n/\\ high = 1\n/\\ low = 0\n")
	require.Contains(t, res.Message, "go run ./conformance/corpus/generate")

	m.write(t, tlc.CorpusFolder+"/Old.corpus.gz", "")
	res, _ = m.verify(t, "corpus", asItIs)
	require.Contains(t, res.Message, "conformance/corpus/testdata/Old.corpus.gz: no graph configuration makes this corpus")

	require.NoError(t, os.Remove(filepath.Join(m.root, "tla/Graph.cfg")))
	res, _ = m.verify(t, "corpus", asItIs)
	require.Equal(t, "tla: there is no graph configuration", res.Message)
}

func TestACorpusIsHeldToItsBounds(t *testing.T) {
	c := &tlc.Config{Name: "Graph", Path: "tla/Graph.cfg"}
	of := func(edges int) *corpus.Corpus { return &corpus.Corpus{Edges: make([]corpus.Edge, edges)} }
	for _, edges := range []int{minEdges - 1, maxEdges + 1} {
		_, err := judgeCorpus(c, of(edges), 1)
		require.ErrorContains(t, err, "edges; want 20000 to 200000")
	}
	_, err := judgeCorpus(c, of(minEdges), maxCorpusBytes+1)
	require.EqualError(t, err, "conformance/corpus/testdata/Graph.corpus.gz: 20971521 bytes; at most 20971520 are wanted")
}
