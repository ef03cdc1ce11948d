package verify

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
	"github.com/omega-sheaf-os/omega/impl/toolchain/testjson"
)

// testID names a test; Test is empty for what concerns the whole package.
type testID struct{ Package, Test string }

// testRun gathers what a run of `go test -json` says.
type testRun struct {
	root string       // the checkout, to name files by
	line func(string) // takes each summary line as it comes

	packages                int
	passed, failed, skipped []testID
	problems                []string
	attributes              []testjson.Event // what tests tell by T.Attr
	output                  map[testID]*strings.Builder
	builds                  map[string]*strings.Builder
}

func newTestRun(root string, line func(string)) *testRun {
	return &testRun{
		root: root, line: line,
		output: map[testID]*strings.Builder{}, builds: map[string]*strings.Builder{},
	}
}

// read takes the whole output of `go test -json`.
func (r *testRun) read(in io.Reader) error { return testjson.Read(in, r.event) }

func (r *testRun) event(e *testjson.Event) {
	id := testID{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		appendTo(r.builds, e.ImportPath, e.Output)
	case "output":
		if e.Test == "" && isSummary(e.Output) {
			r.line(strings.TrimSuffix(e.Output, "\n"))
			return
		}
		appendTo(r.output, id, e.Output)
	case "attr":
		r.attributes = append(r.attributes, *e)
	case "pass", "skip", "fail":
		r.finished(e, id)
		delete(r.output, id)
	}
}

// isSummary tells the line by which `go test` closes a package.
func isSummary(line string) bool {
	for _, start := range []string{"ok  \t", "FAIL\t", "?   \t"} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	return false
}

// keep is how much of a test's output is kept, in bytes: enough for a reason.
const keep = 1 << 16

func appendTo[K comparable](m map[K]*strings.Builder, k K, text string) {
	b := m[k]
	if b == nil {
		b = &strings.Builder{}
		m[k] = b
	}
	if b.Len() < keep {
		b.WriteString(text)
	}
}

// finished counts a test or, where e names none, a package.
func (r *testRun) finished(e *testjson.Event, id testID) {
	switch {
	case id.Test == "":
		r.packages++
		if e.Action == "fail" {
			r.packageFailed(e, id)
		}
	case e.Action == "pass":
		r.passed = append(r.passed, id)
	case e.Action == "skip":
		r.skipped = append(r.skipped, id)
	default:
		// A test that fails because of a test within it says nothing new.
		within := func(f testID) bool { return f.Package == id.Package && strings.HasPrefix(f.Test, id.Test+"/") }
		if !slices.ContainsFunc(r.failed, within) {
			r.problems = append(r.problems, r.problem(id, id.Test, r.output[id]))
		}
		r.failed = append(r.failed, id)
	}
}

// packageFailed says why a package failed, unless one of its tests has said so.
func (r *testRun) packageFailed(e *testjson.Event, id testID) {
	if e.FailedBuild != "" {
		r.problems = append(r.problems, r.problem(id, "it does not build", r.builds[e.FailedBuild]))
		return
	}
	if !slices.ContainsFunc(r.failed, func(f testID) bool { return f.Package == id.Package }) {
		r.problems = append(r.problems, r.problem(id, "the package fails", r.output[id]))
	}
}

// problem puts the place before what failed and what was printed.
func (r *testRun) problem(id testID, what string, output *strings.Builder) string {
	text := ""
	if output != nil {
		text = output.String()
	}
	at := r.place(id.Package, text)
	if at == "" {
		at = r.dir(id.Package)
	}
	return fmt.Sprintf("%s: %s\n%s", at, what, excerpt(text))
}

// dir returns the package's folder, relative to the checkout.
func (r *testRun) dir(pkg string) string {
	if pkg == checkout.Module {
		return "."
	}
	return strings.TrimPrefix(pkg, checkout.Module+"/")
}

var placePattern = regexp.MustCompile(`([^\s:"'(]+\.go):(\d+)`)

// place returns the first file:line in text that lies in the checkout, relative
// to it, or nothing. A test names files without their folder, the compiler from
// the checkout, a stack trace from the root of the file system.
func (r *testRun) place(pkg, text string) string {
	for _, match := range placePattern.FindAllStringSubmatch(text, -1) {
		file := filepath.ToSlash(match[1])
		for _, candidate := range []string{path.Join(r.dir(pkg), file), file} {
			if rel, err := filepath.Rel(r.root, candidate); filepath.IsAbs(candidate) && err == nil {
				candidate = filepath.ToSlash(rel)
			}
			if !filepath.IsLocal(candidate) {
				continue
			}
			if _, err := os.Stat(filepath.Join(r.root, candidate)); err == nil {
				return candidate + ":" + match[2]
			}
		}
	}
	return ""
}

// excerptHead and excerptTail are how many lines of a failure are shown, from its
// beginning and, where there are more, from its end, where scripts tell what
// went wrong.
const (
	excerptHead = 8
	excerptTail = 20
)

// excerpt returns the lines of a test's output that say something, and leaves out
// the middle of a long one.
func excerpt(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || strings.HasPrefix(trimmed, "=== ") || strings.HasPrefix(trimmed, "--- ") {
			continue
		}
		lines = append(lines, "    "+trimmed)
	}
	if cut := len(lines) - excerptHead - excerptTail; cut > 0 {
		left := fmt.Sprintf("    ... %d lines ...", cut)
		lines = slices.Replace(lines, excerptHead, excerptHead+cut, left)
	}
	return strings.Join(lines, "\n")
}

// counts returns how many tests of each kind have run.
func (r *testRun) counts() map[string]float64 {
	c := map[string]float64{
		"packages": float64(r.packages), "failed": float64(len(r.failed)), "skipped": float64(len(r.skipped)),
		"tests": 0, "subtests": 0, "fuzz_targets": 0, "fuzz_seeds": 0, "spec_examples": float64(len(r.specExamples())),
	}
	for _, id := range r.passed {
		fuzz, sub := strings.HasPrefix(id.Test, "Fuzz"), strings.Contains(id.Test, "/")
		switch {
		case fuzz && sub:
			c["fuzz_seeds"]++
		case fuzz:
			c["fuzz_targets"]++
		case sub:
			c["subtests"]++
		default:
			c["tests"]++
		}
	}
	return c
}

// specExamplesPackage holds the tests that read the examples of spec/.
const specExamplesPackage = checkout.Module + "/conformance/examples"

// specExamples returns the passed tests of the examples that have none within.
func (r *testRun) specExamples() []testID {
	return slices.DeleteFunc(slices.Clone(r.passed), func(id testID) bool {
		return id.Package != specExamplesPackage || slices.ContainsFunc(r.passed, func(other testID) bool {
			return other.Package == id.Package && strings.HasPrefix(other.Test, id.Test+"/")
		})
	})
}

// barren returns the fuzz targets that ran without any seed.
func (r *testRun) barren() []testID {
	return slices.DeleteFunc(slices.Clone(r.passed), func(id testID) bool {
		return !strings.HasPrefix(id.Test, "Fuzz") || strings.Contains(id.Test, "/") ||
			slices.ContainsFunc(r.passed, func(other testID) bool {
				return other.Package == id.Package && strings.HasPrefix(other.Test, id.Test+"/")
			})
	})
}
