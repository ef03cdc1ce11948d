package verify

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/toolchain/arch"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tlc"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// existing are the layers that this version has, the longest first.
var existing = append([]layer{
	{name: "go", needs: goTools, matters: everyFile, run: runGo, memoryMB: 3000},
	{name: "lean", needs: leanTools, matters: leanFile, run: runLean, memoryMB: leanMemoryMB},
	{name: "tla", needs: tlc.Tools, matters: tlaFile, run: runTLA, memoryMB: tlaMemoryMB, deeper: true},
	{name: "static", needs: onlyGo, matters: goFile, run: runStatic, memoryMB: 2000},
	{name: "corpus", needs: tlc.Tools, matters: corpusFile, run: runCorpus, memoryMB: corpusMemoryMB},
	{name: "arch", needs: onlyGo, matters: archFile, run: runArch, memoryMB: 1000},
}, ownLayers()...)

// ownLayers returns the layers that are packages of tests.
func ownLayers() []layer {
	var all []layer
	for _, l := range testLayers {
		all = append(all, l.layer())
	}
	return all
}

func goTools() []tools.Tool { return []tools.Tool{tools.Go(), tools.C(), tools.Git()} }

func onlyGo() []tools.Tool { return []tools.Tool{tools.Go()} }

func everyFile(string) bool { return true }

// goFile tells the files that Go builds from or that its checkers read.
func goFile(path string) bool {
	switch filepath.Ext(path) {
	case ".go", ".mod", ".sum", ".s", ".c", ".h", ".conf":
		return true
	}
	return false
}

func archFile(path string) bool { return goFile(path) || path == arch.GoldenFile }

// shownProblems is how many failures are told in full.
const shownProblems = 8

// shown returns the first of problems, and how many there are beyond.
func shown(problems []string) []string {
	if more := len(problems) - shownProblems; more > 0 {
		return append(problems[:shownProblems], fmt.Sprintf("and %d more", more))
	}
	return problems
}

// runGo runs all tests under the race detector, and measures the coverage of
// impl/kernel.
func runGo(ctx context.Context, t *task) outcome {
	dir, err := os.MkdirTemp("", "omega-verify-")
	if err != nil {
		return outcome{problems: []string{err.Error()}}
	}
	defer os.RemoveAll(dir)
	profile := filepath.Join(dir, "cover.out")
	r := newTestRun(t.root, t.line)
	packages, err := packagesWithoutLayer(ctx, t.root)
	if err != nil {
		return outcome{problems: []string{err.Error()}}
	}
	r.goTest(ctx, t, []string{cgo}, append([]string{"-timeout=30m", "-race", "-covermode=atomic", "-coverprofile=" + profile}, packages...)...)
	counts, problems := r.counts(), r.problems
	if counts["tests"] == 0 {
		problems = append(problems, "no test has run")
	}
	if counts["spec_examples"] == 0 {
		problems = append(problems, "conformance/examples: no example of spec/ was checked")
	}
	for _, id := range r.barren() {
		problems = append(problems, fmt.Sprintf("%s: %s has no seed", r.dir(id.Package), id.Test))
	}
	covered, err := kernelCoverage(profile)
	if err != nil {
		problems = append(problems, err.Error())
	} else {
		problems = append(problems, judgeCoverage(covered, counts)...)
	}
	varying := slices.DeleteFunc(slices.Sorted(maps.Keys(counts)), func(name string) bool { return !strings.HasSuffix(name, "_percent") })
	return outcome{counts: counts, varying: varying, problems: shown(problems), message: r.told(counts)}
}

// packagesWithoutLayer returns the packages of the checkout but for those that are
// layers of their own.
func packagesWithoutLayer(ctx context.Context, root string) ([]string, error) {
	var stderr tail
	cmd := tools.Command(ctx, root, []string{"GOWORK=off"}, "go", "list", "./...")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, excerpt(stderr.String()))
	}
	return slices.DeleteFunc(strings.Fields(string(out)), ownLayer), nil
}

// goTest runs `go test` with args, and takes what it prints into r; where it ends
// badly and has not said why, that is a problem of its own.
func (r *testRun) goTest(ctx context.Context, t *task, env []string, args ...string) {
	env = append([]string{"GOWORK=off", nestedVariable + "=" + t.root}, env...)
	cmd := tools.Command(ctx, t.root, env, "go", append([]string{"test", "-count=1", "-json"}, args...)...)
	if err := r.take(cmd); err != nil && len(r.problems) == 0 {
		r.problems = append(r.problems, err.Error())
	}
}

// take runs cmd, a `go test -json`, and takes what it prints into r.
func (r *testRun) take(cmd *exec.Cmd) error {
	var stderr tail
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	readErr := r.read(out)
	err = cmd.Wait()
	switch {
	case readErr != nil:
		return readErr
	case err != nil:
		return fmt.Errorf("go test: %w\n%s", err, excerpt(stderr.String()))
	}
	return nil
}

// told is what to know of a run that holds: which tests have not run.
func (r *testRun) told(counts map[string]float64) string {
	text := fmt.Sprintf("%.0f tests, %.0f fuzz seeds, %.0f spec examples; impl/kernel is covered to %.1f %%",
		counts["tests"]+counts["subtests"], counts["fuzz_seeds"], counts["spec_examples"], counts["coverage_kernel_percent"])
	var names []string
	for _, id := range r.skipped {
		names = append(names, r.dir(id.Package)+" "+id.Test)
	}
	if len(names) > 0 {
		text += fmt.Sprintf("; SKIPPED: %s", strings.Join(names, ", "))
	}
	return text
}

// tail keeps the last bytes written to it.
type tail struct{ b []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.b = append(t.b, b...)
	if over := len(t.b) - keep; over > 0 {
		t.b = t.b[over:]
	}
	return len(b), nil
}

func (t *tail) String() string { return string(t.b) }

// runArch compares the kernel's golden outputs of each architecture.
func runArch(ctx context.Context, t *task) outcome {
	out := outcome{counts: map[string]float64{"architectures": 0, "lines": 0}}
	for _, goarch := range arch.Architectures {
		lines, err := arch.Check(ctx, t.root, goarch, t.log)
		if err != nil {
			out.problems = append(out.problems, err.Error())
			continue
		}
		out.counts["architectures"]++
		out.counts["lines"] = float64(lines)
	}
	out.message = fmt.Sprintf("%.0f golden lines, the same on %s", out.counts["lines"], strings.Join(arch.Architectures, ", "))
	return out
}
