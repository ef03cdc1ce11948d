// Package arch runs the kernel's golden outputs as other hardware would give
// them: conformance/golden is built for amd64, arm64 and s390x and run, the
// foreign ones under qemu. s390x is big-endian.
package arch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// Architectures are those whose outputs must agree, in Go's names.
var Architectures = []string{"amd64", "arm64", "s390x"}

// GoldenFile holds the expected output, relative to the checkout.
const GoldenFile = "conformance/golden/testdata/golden.txt"

const goldenPackage = "./conformance/golden"

// runLimit is when a golden program is taken to hang; it needs seconds.
const runLimit = 10 * time.Minute

// ErrNoLinux says that this system runs no Linux programs.
var ErrNoLinux = errors.New("the golden outputs run on Linux alone")

// Emulator returns the emulator that goarch needs here, or false where the
// machine runs it itself.
func Emulator(goarch string) (tools.Tool, bool) {
	return tools.Qemu(goarch), goarch != runtime.GOARCH
}

// Check builds and runs the golden program of the checkout root for goarch and
// compares what it prints with GoldenFile. It returns the number of lines that
// agree with it. A missing emulator is installed where that is possible.
func Check(ctx context.Context, root, goarch string, log io.Writer) (int, error) {
	want, err := os.ReadFile(filepath.Join(root, GoldenFile))
	if err != nil {
		return 0, err
	}
	got, err := Output(ctx, root, goarch, log)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", goarch, err)
	}
	n, err := Compare(got, want)
	if err != nil {
		return n, fmt.Errorf("%s: %w", goarch, err)
	}
	return n, nil
}

// Output builds the golden program of the checkout root for goarch and returns
// what it prints.
func Output(ctx context.Context, root, goarch string, log io.Writer) ([]byte, error) {
	if runtime.GOOS != "linux" {
		return nil, ErrNoLinux
	}
	dir, err := os.MkdirTemp("", "omega-arch-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	command := []string{filepath.Join(dir, "golden-"+goarch)}
	if tool, foreign := Emulator(goarch); foreign {
		found, err := tool.FindOrInstall(ctx, log)
		if err != nil {
			return nil, err
		}
		command = []string{found.Path, command[0]}
	}
	env := []string{"GOOS=linux", "GOARCH=" + goarch, "CGO_ENABLED=0", "GOWORK=off"}
	build := tools.Command(ctx, root, env, "go", "build", "-buildvcs=false", "-o", command[len(command)-1], goldenPackage)
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build %s: %w\n%s", goldenPackage, err, bytes.TrimSpace(out))
	}
	limited, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	var stdout, stderr bytes.Buffer
	run := tools.Command(limited, root, nil, command[0], command[1:]...)
	run.Stdout, run.Stderr = &stdout, &stderr
	err = run.Run()
	if limited.Err() != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("the program has not ended within %v", runLimit)
	}
	if err != nil {
		return nil, fmt.Errorf("the program fails: %w\n%s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}

// DifferenceError is the first line in which two outputs differ.
type DifferenceError struct {
	Line      int    // from 1
	Name      string // what the line is about
	Got, Want string // of a long line, what is around the first difference
}

func (e *DifferenceError) Error() string {
	return fmt.Sprintf("line %d of the golden outputs, %s, differs:\n got %s\nwant %s", e.Line, e.Name, e.Got, e.Want)
}

// Compare returns the number of lines that got and want have in common from
// the start, and a *DifferenceError where that is not all of them.
func Compare(got, want []byte) (int, error) {
	line := 0
	for len(got) > 0 || len(want) > 0 {
		g, gotRest := cutLine(got)
		w, wantRest := cutLine(want)
		if !bytes.Equal(g, w) {
			return line, difference(line+1, g, w)
		}
		line, got, want = line+1, gotRest, wantRest
	}
	return line, nil
}

// cutLine splits b behind its first newline.
func cutLine(b []byte) (line, rest []byte) {
	end := bytes.IndexByte(b, '\n') + 1
	if end == 0 {
		end = len(b)
	}
	return b[:end], b[end:]
}

func difference(line int, got, want []byte) error {
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	named := want
	if len(named) == 0 {
		named = got
	}
	name, _, _ := bytes.Cut(bytes.TrimSpace(named), []byte(" "))
	return &DifferenceError{Line: line, Name: string(name), Got: around(got, at), Want: around(want, at)}
}

// around returns what is shown of a line that differs at the index at.
func around(line []byte, at int) string {
	const reach = 60
	if len(line) == 0 {
		return "no such line"
	}
	from, to := max(0, at-reach), min(len(line), at+reach)
	text := fmt.Sprintf("%q", line[from:to])
	if from > 0 {
		text = "..." + text
	}
	if to < len(line) {
		text += "..."
	}
	return text
}
