package mutants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
	"github.com/omega-sheaf-os/omega/impl/toolchain/testjson"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// Verdict says what a check did.
type Verdict string

// The verdicts on a check that ran. Failed is what kills a mutant.
const (
	Failed  Verdict = "failed"
	Passed  Verdict = "passed"
	Skipped Verdict = "skipped"
	// NotRun is the verdict on a check that is not there, or that was not
	// reached because the process ended before it.
	NotRun Verdict = "did not run"
	// TimedOut is the verdict on a check that took more than testLimit.
	TimedOut Verdict = "ran out of time"
)

// testLimit is how long the tests of one package may take together.
const testLimit = "180s"

// steady are the settings under which tests draw the same inputs in every run, no
// more of them under verify --deep, and leave no files behind.
var steady = []string{"RAPID_SEED=1", "RAPID_NOFAILFILE=true", "RAPID_SHRINKTIME=0s", layer.Deep + "=", "GOFLAGS="}

// buildError says that a mutant does not compile.
type buildError struct{ output string }

func (e *buildError) Error() string { return "it does not build:\n" + e.output }

// overlay is what `go test -overlay` reads.
type overlay struct{ Replace map[string]string }

// tester runs Go's tests in the checkout root, with so many processors.
type tester struct {
	root  string
	procs int
}

// goTest runs the checks, all of Go packages, with the overlay file if it is not
// empty, and returns the verdict on each, and on those within it. The error is a
// *buildError, or one for which nothing was judged.
func (t tester) goTest(ctx context.Context, overlayFile string, checks []Check) (map[Check]Verdict, error) {
	verdicts := map[Check]Verdict{}
	if err := t.goTestOnce(ctx, overlayFile, checks, verdicts); err != nil || len(checks) == 1 {
		return verdicts, err
	}
	for _, c := range checks {
		if verdicts[c] != NotRun {
			continue
		}
		// Another one may have ended the process: this one is run alone.
		if err := t.goTestOnce(ctx, overlayFile, []Check{c}, verdicts); err != nil {
			return nil, err
		}
	}
	return verdicts, nil
}

func (t tester) goTestOnce(ctx context.Context, overlayFile string, checks []Check, verdicts map[Check]Verdict) error {
	args := []string{"test", "-json", "-count=1", "-vet=off", "-timeout", testLimit, "-p", fmt.Sprint(t.procs), "-run", pattern(checks)}
	if overlayFile != "" {
		args = append(args, "-overlay", overlayFile)
	}
	cmd := tools.Command(ctx, t.root, steady, "go", append(args, packages(checks)...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	told := reading{verdicts: map[Check]Verdict{}, output: map[Check]*strings.Builder{}}
	readErr := told.read(stdout)
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case told.build.Len() > 0:
		return &buildError{excerpt(told.build.String())}
	case readErr != nil:
		return fmt.Errorf("%w: %s", readErr, excerpt(stderr.String()))
	case err != nil && !errors.As(err, &exit):
		return err
	}
	for _, c := range checks {
		verdicts[c] = NotRun
	}
	maps.Copy(verdicts, told.verdicts)
	return nil
}

// pattern returns the -run of the checks. A name within another is its subtest.
func pattern(checks []Check) string {
	var names []string
	for _, c := range checks {
		if c.What == "" {
			return "." // all tests of the package
		}
		var parts []string
		for part := range strings.SplitSeq(c.What, "/") {
			parts = append(parts, "^"+regexp.QuoteMeta(part)+"$")
		}
		if name := strings.Join(parts, "/"); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, "|")
}

func packages(checks []Check) []string {
	var dirs []string
	for _, c := range checks {
		if dir := "./" + c.Where; !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// reading is what is read of one `go test -json`.
type reading struct {
	verdicts map[Check]Verdict
	output   map[Check]*strings.Builder
	build    strings.Builder
}

func (r *reading) read(in io.Reader) error { return testjson.Read(in, r.event) }

// panicTimedOut is how package testing says that a process took too long.
const panicTimedOut = "panic: test timed out after "

func (r *reading) event(e *testjson.Event) {
	c := Check{strings.TrimPrefix(e.Package, checkout.Module+"/"), e.Test}
	switch e.Action {
	case "build-output":
		r.build.WriteString(e.Output)
	case "output":
		if r.output[c] == nil {
			r.output[c] = &strings.Builder{}
		}
		if r.output[c].Len() < 1<<16 {
			r.output[c].WriteString(e.Output)
		}
	case "pass":
		r.verdicts[c] = Passed
	case "skip":
		r.verdicts[c] = Skipped
	case "fail":
		r.verdicts[c] = Failed
		if strings.Contains(r.text(c), panicTimedOut) {
			r.verdicts[c] = TimedOut
		}
	}
}

func (r *reading) text(c Check) string {
	if b := r.output[c]; b != nil {
		return b.String()
	}
	return ""
}

// excerpt returns the first lines of a text that say something.
func excerpt(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "=== ") {
			lines = append(lines, "    "+line)
		}
		if len(lines) == 12 {
			break
		}
	}
	return strings.Join(lines, "\n")
}

// plant writes the mutant and its overlay file into dir, and returns the latter.
func (f *Fault) plant(root, dir string) (string, error) {
	content, _, err := f.Mutate(root)
	if err != nil {
		return "", err
	}
	mutant := filepath.Join(dir, filepath.Base(f.File))
	if err := os.WriteFile(mutant, []byte(content), 0o600); err != nil {
		return "", err
	}
	// A relative path would be taken from the folder that go runs in.
	original, err := filepath.Abs(filepath.Join(root, filepath.FromSlash(f.File)))
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(overlay{map[string]string{original: mutant}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, raw, 0o600)
}
