package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout/checkouttest"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// verifier runs made-up layers over a small checkout.
type verifier struct {
	root, cacheDir  string
	progress, lines bytes.Buffer
}

func newVerifier(t *testing.T) *verifier {
	return &verifier{root: checkouttest.New(t, "-- a.go --\npackage a\n-- note.txt --\nhello\n"), cacheDir: t.TempDir()}
}

func (v *verifier) options(only ...string) Options {
	v.progress.Reset()
	v.lines.Reset()
	return Options{Dir: v.root, Only: only, CacheDir: v.cacheDir, Progress: &v.progress, TestLines: &v.lines}
}

func (v *verifier) run(t *testing.T, layers ...layer) *Report {
	t.Helper()
	rep, err := run(t.Context(), v.options(), layers)
	require.NoError(t, err)
	return rep
}

func noTools() []tools.Tool { return nil }

// counting is a layer that depends on Go files, passes, and counts its runs.
func counting(name string, runs *atomic.Int32) layer {
	return layer{name: name, needs: noTools, matters: goFile, run: func(_ context.Context, t *task) outcome {
		runs.Add(1)
		t.line("ok  \texample.org/a\t0.1s")
		return outcome{counts: map[string]float64{"runs": float64(runs.Load())}, message: "well"}
	}}
}

func failing(problem string) func(context.Context, *task) outcome {
	return func(context.Context, *task) outcome { return outcome{problems: []string{problem}} }
}

func result(t *testing.T, rep *Report, name string) Result {
	t.Helper()
	for _, l := range rep.Layers {
		if l.Name == name {
			return l
		}
	}
	require.FailNow(t, "no layer "+name)
	return Result{}
}

func TestTheReportListsEveryLayerAndCallsNoAbsentOneGreen(t *testing.T) {
	v := newVerifier(t)
	var runs atomic.Int32
	rep := v.run(t, counting("go", &runs), counting("arch", &runs))
	require.True(t, rep.OK)
	var names []string
	for _, l := range rep.Layers {
		names = append(names, l.Name)
		require.NotNil(t, l.Counts)
		if l.Name == "go" || l.Name == "arch" {
			require.Equal(t, Pass, l.Verdict)
			continue
		}
		require.Equal(t, NotRun, l.Verdict)
		require.Equal(t, "not part of this version", l.Message)
	}
	require.Equal(t, Names, names)
	require.Equal(t, "2 passed: go, arch\n14 NOT RUN, not part of this version: static, lean, tla, corpus, replay, "+
		"traces, vectors, linear, sim, stutter, mutants, faults, ledger, browser", rep.Summary())
}

func TestTheJSONHasTheFieldsOfTheCommandLine(t *testing.T) {
	v := newVerifier(t)
	var runs atomic.Int32
	rep := v.run(t, counting("go", &runs))
	b, err := json.Marshal(rep)
	require.NoError(t, err)
	var got struct {
		OK     *bool
		Layers []map[string]any
	}
	require.NoError(t, json.Unmarshal(b, &got))
	require.True(t, *got.OK)
	delete(got.Layers[0], "seconds")
	require.Equal(t, map[string]any{
		"name": "go", "verdict": "pass", "counts": map[string]any{"runs": 1.0}, "budget_seconds": 600.0, "cached": false, "message": "well",
	}, got.Layers[0])
	require.Equal(t, map[string]any{
		"name": "browser", "verdict": "not-run", "counts": map[string]any{}, "seconds": 0.0, "budget_seconds": 0.0, "cached": false,
		"message": "not part of this version",
	}, got.Layers[15])
}

func TestOneLayerThatFailsFailsTheReport(t *testing.T) {
	v := newVerifier(t)
	var runs atomic.Int32
	rep := v.run(t, counting("go", &runs), layer{name: "static", needs: noTools, matters: goFile, run: failing("a.go:1: bad")})
	require.False(t, rep.OK)
	require.Equal(t, Fail, result(t, rep, "static").Verdict)
	require.Equal(t, "a.go:1: bad", result(t, rep, "static").Message)
	require.Contains(t, rep.Summary(), "1 FAILED: static\n1 passed: go\n")
}

func TestALayerThatPanicsFails(t *testing.T) {
	v := newVerifier(t)
	rep := v.run(t, layer{name: "go", needs: noTools, matters: goFile, run: func(context.Context, *task) outcome { panic("out of order") }})
	require.False(t, rep.OK)
	require.Equal(t, Fail, result(t, rep, "go").Verdict)
	require.Contains(t, result(t, rep, "go").Message, "the layer panics: out of order")
	require.Contains(t, result(t, rep, "go").Message, "verify_test.go")
}

func TestOnlyWhatIsAskedForIsRun(t *testing.T) {
	v := newVerifier(t)
	var runs atomic.Int32
	layers := []layer{counting("go", &runs), {name: "static", needs: noTools, matters: goFile, run: failing("bad")}}
	rep, err := run(t.Context(), v.options("go"), layers)
	require.NoError(t, err)
	require.True(t, rep.OK)
	require.Equal(t, "not asked for", result(t, rep, "static").Message)
	require.Equal(t, NotRun, result(t, rep, "static").Verdict)

	// A layer that does not exist cannot hold, whatever else does.
	for _, only := range [][]string{{"lean"}, {"go", "lean"}} {
		rep, err = run(t.Context(), v.options(only...), layers)
		require.NoError(t, err)
		require.False(t, rep.OK, only)
	}
	_, err = run(t.Context(), v.options("go", "golang"), layers)
	require.ErrorIs(t, err, ErrUnknownLayer)
	require.ErrorContains(t, err, `"golang"`)
}

func TestAPassedLayerIsRunAgainOnlyWhenWhatItDependsOnChanges(t *testing.T) {
	v := newVerifier(t)
	var runs atomic.Int32
	l := counting("go", &runs)
	// The result is that of run number from, which was this one unless cached.
	expect := func(cached bool, from int32, why string) {
		t.Helper()
		before := runs.Load()
		res := result(t, v.run(t, l), "go")
		require.Equal(t, cached, res.Cached, why)
		require.Equal(t, cached, runs.Load() == before, why)
		require.Equal(t, Pass, res.Verdict)
		require.Equal(t, float64(from), res.Counts["runs"], why)
		if cached {
			require.Equal(t, "ok  \texample.org/a\t0.1s\t(cached)\n", v.lines.String(), why)
		} else {
			require.Equal(t, "ok  \texample.org/a\t0.1s\n", v.lines.String(), why)
		}
	}
	expect(false, 1, "first")
	expect(true, 1, "nothing has changed")
	checkouttest.Write(t, v.root, "note.txt", "changed\n")
	expect(true, 1, "the note does not matter to this layer")
	checkouttest.Write(t, v.root, "a.go", "package a // changed\n")
	expect(false, 2, "a file has changed")
	checkouttest.Write(t, v.root, "deep/b.go", "package deep\n")
	expect(false, 3, "a file is new")
	require.NoError(t, os.Remove(filepath.Join(v.root, "deep/b.go")))
	expect(true, 2, "all is as it was")
	t.Setenv("GOFLAGS", "-count=1")
	expect(false, 4, "the environment of Go has changed")
}

func TestNoCacheRunsAgainAndStillRemembers(t *testing.T) {
	v := newVerifier(t)
	var runs atomic.Int32
	l := counting("go", &runs)
	v.run(t, l)
	opts := v.options()
	opts.NoCache = true
	rep, err := run(t.Context(), opts, []layer{l})
	require.NoError(t, err)
	require.False(t, result(t, rep, "go").Cached)
	require.Equal(t, 2.0, result(t, v.run(t, l), "go").Counts["runs"])
	require.Equal(t, int32(2), runs.Load())
}

func TestFailuresAreNotRemembered(t *testing.T) {
	v := newVerifier(t)
	runs := 0
	l := layer{name: "go", needs: noTools, matters: goFile, run: func(context.Context, *task) outcome {
		runs++
		return outcome{problems: []string{"bad"}}
	}}
	v.run(t, l)
	require.False(t, result(t, v.run(t, l), "go").Cached)
	require.Equal(t, 2, runs)
	files, err := filepath.Glob(filepath.Join(v.cacheDir, "go-*"))
	require.NoError(t, err)
	require.Empty(t, files)
}

func TestAFileThatChangesWhileALayerRunsSpoilsItsResult(t *testing.T) {
	v := newVerifier(t)
	runs := 0
	l := layer{name: "go", needs: noTools, matters: goFile, run: func(context.Context, *task) outcome {
		runs++
		if runs == 1 {
			checkouttest.Write(t, v.root, "a.go", "package a // while it ran\n")
		}
		return outcome{}
	}}
	v.run(t, l)
	require.False(t, result(t, v.run(t, l), "go").Cached)
	require.True(t, result(t, v.run(t, l), "go").Cached)
	// The first run began with the files as they are again now, and is no word
	// on them.
	checkouttest.Write(t, v.root, "a.go", "package a\n")
	require.False(t, result(t, v.run(t, l), "go").Cached)
	require.Equal(t, 3, runs)
}

func TestADamagedOrForeignCacheFileIsNoResult(t *testing.T) {
	v := newVerifier(t)
	var runs atomic.Int32
	l := counting("go", &runs)
	v.run(t, l)
	files, err := filepath.Glob(filepath.Join(v.cacheDir, "go-*.json"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	for i, content := range []string{"", "{", `{"Result":{"name":"arch","verdict":"pass"}}`, `{"Result":{"name":"go","verdict":"fail"}}`} {
		require.NoError(t, os.WriteFile(files[0], []byte(content), 0o600))
		require.False(t, result(t, v.run(t, l), "go").Cached, content)
		require.Equal(t, int32(i+2), runs.Load())
	}
}

func TestOldResultsAreDropped(t *testing.T) {
	v := newVerifier(t)
	old, recent := filepath.Join(v.cacheDir, "go-old.json"), filepath.Join(v.cacheDir, "go-new.json")
	for _, path := range []string{old, recent} {
		require.NoError(t, os.WriteFile(path, []byte("{}"), 0o600))
	}
	past := time.Now().Add(-2 * remember)
	require.NoError(t, os.Chtimes(old, past, past))
	var runs atomic.Int32
	v.run(t, counting("go", &runs))
	require.NoFileExists(t, old)
	require.FileExists(t, recent)
}

func TestASecondVerifyWaitsAndTakesTheFirstOnesResult(t *testing.T) {
	v := newVerifier(t)
	started, finish := make(chan bool), make(chan bool)
	var runs atomic.Int32
	l := layer{name: "go", needs: noTools, matters: goFile, run: func(context.Context, *task) outcome {
		runs.Add(1)
		close(started)
		<-finish
		return outcome{}
	}}
	first := make(chan *Report, 1)
	opts := v.options()
	go func() {
		rep, _ := run(context.Background(), opts, []layer{l})
		first <- rep
	}()
	<-started
	waits := &signal{on: "go waits for another verify", seen: make(chan bool)}
	second := make(chan *Report, 1)
	go func() {
		rep, _ := run(context.Background(), Options{Dir: v.root, CacheDir: v.cacheDir, Progress: waits, TestLines: waits}, []layer{l})
		second <- rep
	}()
	<-waits.seen
	close(finish)
	require.False(t, result(t, <-first, "go").Cached)
	require.True(t, result(t, <-second, "go").Cached)
	require.Equal(t, int32(1), runs.Load())
}

// signal closes seen when on is written.
type signal struct {
	on   string
	seen chan bool
}

func (s *signal) Write(b []byte) (int, error) {
	if strings.Contains(string(b), s.on) {
		close(s.seen)
	}
	return len(b), nil
}

func TestCancellingEndsWithoutAReport(t *testing.T) {
	v := newVerifier(t)
	ctx, cancel := context.WithCancel(t.Context())
	rep, err := run(ctx, v.options(), []layer{{name: "go", needs: noTools, matters: goFile, run: func(context.Context, *task) outcome {
		cancel()
		return outcome{}
	}}})
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, rep)
}

func TestWithoutACacheFolderEveryLayerIsRun(t *testing.T) {
	v := newVerifier(t)
	v.cacheDir = filepath.Join(v.root, "a.go") // a file, not a folder
	var runs atomic.Int32
	for range 2 {
		require.True(t, v.run(t, counting("go", &runs)).OK)
		require.Contains(t, v.progress.String(), "nothing can be remembered")
	}
	require.Equal(t, int32(2), runs.Load())
}

func TestALayerThatLacksAToolFailsAndTheOthersAreRun(t *testing.T) {
	v := newVerifier(t)
	frob := tools.Tool{Name: "frob", Program: "omega-no-such-program", Why: "this test", Mend: "make one"}
	ran := false
	l := layer{name: "go", needs: func() []tools.Tool { return []tools.Tool{frob} }, matters: goFile, run: func(context.Context, *task) outcome {
		ran = true
		return outcome{}
	}}
	var runs atomic.Int32
	rep := v.run(t, l, counting("arch", &runs))
	require.False(t, rep.OK)
	var missing *tools.MissingError
	require.ErrorAs(t, rep.Missing, &missing)
	want := "frob is needed for this test: there is no omega-no-such-program in PATH; make one"
	require.ErrorContains(t, rep.Missing, want)
	require.Equal(t, Fail, result(t, rep, "go").Verdict)
	require.Equal(t, want, result(t, rep, "go").Message)
	require.False(t, ran)
	require.Equal(t, Pass, result(t, rep, "arch").Verdict)
	require.NoError(t, v.run(t, counting("arch", &runs)).Missing)

	// Without Go nothing is judged, and that is said: here no layer needs anything else.
	t.Setenv("PATH", t.TempDir())
	_, err := run(t.Context(), v.options(), []layer{counting("go", &runs)})
	require.ErrorAs(t, err, &missing)
	require.Equal(t, "go", missing.Tool.Name)
}

func TestAFolderElsewhereIsRefused(t *testing.T) {
	_, err := Run(t.Context(), Options{Dir: t.TempDir(), Progress: &bytes.Buffer{}, TestLines: &bytes.Buffer{}})
	require.ErrorIs(t, err, checkout.ErrNoCheckout)
}

func TestVerifyDoesNotRunWithinItself(t *testing.T) {
	v := newVerifier(t)
	t.Setenv(nestedVariable, v.root)
	_, err := run(t.Context(), v.options(), nil)
	require.ErrorIs(t, err, ErrNested)
}

func TestNothingRunIsNothingShown(t *testing.T) {
	require.False(t, newVerifier(t).run(t).OK)
}
