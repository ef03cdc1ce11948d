package verify

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout/checkouttest"
)

// good is a checkout in which the layer go holds.
const good = `
-- impl/kernel/tiny/tiny.go --
package tiny

// Double returns 2n.
func Double(n int) int { return 2 * n }
-- impl/kernel/tiny/tiny_test.go --
package tiny

import "testing"

func TestDouble(t *testing.T) {
	if Double(2) != 4 {
		t.Fatal("two and two")
	}
}

func TestNotToday(t *testing.T) { t.Skip("it needs a full moon") }

func FuzzDouble(f *testing.F) {
	f.Add(1)
	f.Add(2)
	f.Fuzz(func(t *testing.T, n int) { Double(n) })
}
-- conformance/examples/examples_test.go --
package examples

import "testing"

func TestExamples(t *testing.T) {
	t.Run("key", func(t *testing.T) {})
	t.Run("event", func(t *testing.T) {})
}
-- impl/bare/bare.go --
package bare
`

// bad adds one failure of each sort.
const bad = good + `
-- impl/kernel/tiny/more.go --
package tiny

// Untested is reached by no test.
func Untested(n int) int {
	n++
	n *= 2
	return n
}
-- impl/kernel/tiny/fuzz_test.go --
package tiny

import "testing"

func FuzzWithoutSeed(f *testing.F) { f.Fuzz(func(t *testing.T, n int) { Double(n) }) }
-- impl/red/red_test.go --
package red

import "testing"

func TestTable(t *testing.T) {
	t.Run("good", func(t *testing.T) {})
	t.Run("bad", func(t *testing.T) {
		t.Errorf("got %d, want %d", 1, 2)
	})
}
-- impl/racy/racy_test.go --
package racy

import "testing"

func TestRace(t *testing.T) {
	n, done := 0, make(chan bool)
	go func() {
		n++
		done <- true
	}()
	n++
	<-done
}
-- impl/panics/panics_test.go --
package panics

import "testing"

func TestPanic(t *testing.T) {
	var m map[string]int
	m["a"] = 1
}
-- impl/unbuilt/unbuilt_test.go --
package unbuilt

import "testing"

func TestUnbuilt(t *testing.T) { undefined() }
-- impl/exits/exits_test.go --
package exits

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	fmt.Println("cannot start: no database")
	os.Exit(1)
}
`

// runLayer runs one of the real layers over the checkout root.
func runLayer(t *testing.T, run func(t *task) outcome, root string) (outcome, []string) {
	t.Helper()
	files, err := checkout.Files(t.Context(), root)
	require.NoError(t, err)
	var lines []string
	out := run(&task{root: root, files: files, log: &bytes.Buffer{}, line: func(l string) { lines = append(lines, l) }})
	return out, lines
}

func goLayer(t *testing.T, root string) (outcome, []string) {
	return runLayer(t, func(k *task) outcome { return runGo(t.Context(), k) }, root)
}

func TestTheGoLayerCountsWhatItHasRun(t *testing.T) {
	out, lines := goLayer(t, checkouttest.New(t, good))
	require.Empty(t, out.problems)
	require.Equal(t, map[string]float64{
		"packages": 3, "tests": 2, "subtests": 2, "failed": 0, "skipped": 1, "fuzz_targets": 1, "fuzz_seeds": 2,
		"spec_examples": 2, "coverage_tiny_percent": 100, "coverage_kernel_percent": 100,
	}, out.counts)
	require.Equal(t, "4 tests, 2 fuzz seeds, 2 spec examples; impl/kernel is covered to 100.0 %; "+
		"SKIPPED: impl/kernel/tiny TestNotToday", out.message)
	slices.Sort(lines) // packages end in any order
	require.Len(t, lines, 3)
	require.Equal(t, "?   \tgithub.com/omega-sheaf-os/omega/impl/bare\t[no test files]", lines[0])
	require.Regexp(t, `^ok  \tgithub.com/omega-sheaf-os/omega/conformance/examples\t[\d.]+s`, lines[1])
	require.Regexp(t, `^ok  \tgithub.com/omega-sheaf-os/omega/impl/kernel/tiny\t[\d.]+s\tcoverage: 100.0% of statements$`, lines[2])
}

func TestTheGoLayerNamesEveryFailureWithItsPlace(t *testing.T) {
	out, lines := goLayer(t, checkouttest.New(t, bad))
	all := strings.Join(out.problems, "\n")
	for _, want := range []string{
		"impl/red/red_test.go:8: TestTable/bad\n    red_test.go:8: got 1, want 2",
		"impl/racy/racy_test.go:", "WARNING: DATA RACE",
		"impl/panics/panics_test.go:7: TestPanic\n    panic: assignment to entry in nil map",
		"impl/unbuilt/unbuilt_test.go:5: it does not build\n", "undefined: undefined",
		"impl/exits: the package fails\n    cannot start: no database",
		"impl/kernel/tiny: FuzzWithoutSeed has no seed",
		"impl/kernel/tiny: tests reach 25.0 % of the statements, 1 of 4; at least 95 % are wanted",
		"impl/kernel: tests reach 25.0 % of the statements",
	} {
		require.Contains(t, all, want)
	}
	require.Len(t, out.problems, 8, "each failure once: not the test around a failed one\n%s", all)
	require.Contains(t, strings.Join(lines, "\n"), "FAIL\tgithub.com/omega-sheaf-os/omega/impl/red\t")
}

func TestACheckoutWithoutTestsFails(t *testing.T) {
	out, _ := goLayer(t, checkouttest.New(t, "-- impl/bare/bare.go --\npackage bare\n"))
	require.Equal(t, []string{
		"no test has run", "conformance/examples: no example of spec/ was checked", "impl/kernel: no coverage was measured",
	}, out.problems)
}

func TestCoverageIsRoundedDownAndJudgedForEachPackage(t *testing.T) {
	profile := filepath.Join(t.TempDir(), "cover.out")
	require.NoError(t, os.WriteFile(profile, []byte("mode: atomic\n"+
		kernelPrefix+"a/a.go:1.1,2.2 94999 1\n"+kernelPrefix+"a/a.go:3.1,4.2 5001 0\n"+
		kernelPrefix+"b/b.go:1.1,2.2 95 7\n"+kernelPrefix+"b/b.go:3.1,4.2 5 0\n"+
		checkout.Module+"/impl/other/o.go:1.1,2.2 50 0\n"), 0o600))
	packages, err := kernelCoverage(profile)
	require.NoError(t, err)
	require.Equal(t, map[string]covered{"a": {94999, 100000}, "b": {95, 100}}, packages)
	counts := map[string]float64{}
	problems := judgeCoverage(packages, counts)
	require.Equal(t, map[string]float64{"coverage_a_percent": 94.9, "coverage_b_percent": 95, "coverage_kernel_percent": 94.9}, counts)
	require.Len(t, problems, 2)
	require.Contains(t, problems[0], "impl/kernel/a: tests reach 94.9 %")

	for _, damaged := range []string{"a.go:1.1,2.2 5\n", "a.go:1.1,2.2 x 1\n"} {
		require.NoError(t, os.WriteFile(profile, []byte(damaged), 0o600))
		_, err = kernelCoverage(profile)
		require.ErrorContains(t, err, "coverage profile")
	}
}

func TestOutputThatIsNotOfGoTestIsAnError(t *testing.T) {
	err := newTestRun(t.TempDir(), func(string) {}).read(strings.NewReader("not json\n"))
	require.ErrorContains(t, err, `"not json\n"`)
}

func TestUnformattedFilesAreNamedWithTheLine(t *testing.T) {
	root := checkouttest.New(t, `
-- good.go --
package a
-- bad.go --
package a

func f() {
  return
}
-- broken.go --
package
-- note.txt --
 not   Go
`)
	n, problems := checkFormat(root, []string{"bad.go", "broken.go", "gone.go", "good.go", "note.txt"})
	require.Equal(t, 3, n)
	require.Len(t, problems, 2)
	require.Equal(t, "bad.go:4: not as gofmt writes it", problems[0])
	require.Regexp(t, `^broken.go: \d+:\d+: expected`, problems[1])
}

// withRealModule gives the checkout this repository's go.mod and go.sum, which
// name staticcheck.
func withRealModule(t *testing.T, root string) {
	t.Helper()
	real, err := checkout.FindRoot(".")
	require.NoError(t, err)
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(real, name))
		require.NoError(t, err)
		checkouttest.Write(t, root, name, string(b))
	}
}

func TestTheStaticLayerFailsOnEachOfItsChecks(t *testing.T) {
	root := checkouttest.New(t, `
-- a.go --
package a

import "fmt"

func unused() {}

// Print has a verb too many.
func Print() { fmt.Printf("%d\n") }
`)
	withRealModule(t, root)
	out, _ := runLayer(t, func(k *task) outcome { return runStatic(t.Context(), k) }, root)
	all := strings.Join(out.problems, "\n")
	require.Contains(t, all, "go vet ./...: exit status 1")
	require.Contains(t, all, "a.go:8:28: fmt.Printf format %d reads arg #1")
	require.Contains(t, all, "go tool staticcheck ./...: exit status 1")
	require.Contains(t, all, "a.go:5:6: func unused is unused (U1000)")
	require.Contains(t, all, "go mod tidy -diff: exit status 1")
	require.Equal(t, 3.0, out.counts["failed"])
	require.Equal(t, 1.0, out.counts["go_files"])
}

func TestTheArchLayerTellsWhichArchitectureDiffers(t *testing.T) {
	root := checkouttest.New(t, `
-- conformance/golden/main.go --
package main

import (
	"fmt"
	"runtime"
)

func main() { fmt.Println("arch", runtime.GOARCH) }
-- conformance/golden/testdata/golden.txt --
arch amd64
`)
	out, _ := runLayer(t, func(k *task) outcome { return runArch(t.Context(), k) }, root)
	require.Equal(t, map[string]float64{"architectures": 1, "lines": 1}, out.counts)
	require.Len(t, out.problems, 2)
	require.Contains(t, out.problems[0], "arm64")
	require.Contains(t, out.problems[1], "s390x: line 1 of the golden outputs, arch, differs:\n got \"arch s390x\\n\"\nwant \"arch amd64\\n\"")
}

func TestLayersLookAtTheFilesThatBearOnThem(t *testing.T) {
	var tests []string
	for _, l := range testLayers {
		tests = append(tests, l.name)
	}
	for path, want := range map[string][]string{
		"impl/a.go":                              append([]string{"go", "static", "arch"}, tests...),
		"go.sum":                                 append([]string{"go", "static", "arch"}, tests...),
		"staticcheck.conf":                       append([]string{"go", "static", "arch"}, tests...),
		"conformance/golden/testdata/golden.txt": append([]string{"go", "arch"}, tests...),
		"spec/formats.md":                        {"go", "mutants", "ledger"},
		"README.md":                              {"go", "mutants", "ledger"},
		"formal/Omega.lean":                      {"go", "lean", "vectors", "mutants", "ledger"},
		"tla/Quorum.tla":                         {"go", "tla", "corpus", "traces", "mutants", "ledger"},
	} {
		var got []string
		for _, l := range existing {
			if l.matters(path) {
				got = append(got, l.name)
			}
		}
		require.Equal(t, want, got, path)
	}
}
