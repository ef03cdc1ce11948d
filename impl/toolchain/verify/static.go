package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// checks are the commands of the layer static. Each is silent where all is well.
var checks = [][]string{
	{"go", "vet", "./..."},
	{"go", "tool", "staticcheck", "./..."},
	{"go", "mod", "verify"},
	{"go", "mod", "tidy", "-diff"},
}

// runStatic runs everything that judges the code without running it.
func runStatic(ctx context.Context, t *task) outcome {
	files, problems := checkFormat(t.root, t.files)
	if files == 0 {
		problems = append(problems, "there is no Go file")
	}
	for _, command := range checks {
		if err := check(ctx, t.root, command); err != nil {
			problems = append(problems, err.Error())
		}
	}
	counts := map[string]float64{"go_files": float64(files), "checks": float64(1 + len(checks)), "failed": float64(len(problems))}
	return outcome{
		counts: counts, problems: problems,
		message: fmt.Sprintf("%d Go files: gofmt, go vet, staticcheck, go mod verify, go mod tidy", files),
	}
}

// check runs a command; what it prints is the reason of a failure.
func check(ctx context.Context, root string, command []string) error {
	out, err := tools.Command(ctx, root, []string{"GOWORK=off"}, command[0], command[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, excerpt(string(out)))
	}
	return nil
}

// checkFormat returns the number of Go files among files and a problem for each
// that gofmt would change, with the first line that differs.
func checkFormat(root string, files []string) (n int, problems []string) {
	for _, path := range files {
		if filepath.Ext(path) != ".go" {
			continue
		}
		source, err := os.ReadFile(filepath.Join(root, path))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted, but git still has it
		}
		n++
		formatted := source
		if err == nil {
			formatted, err = format.Source(source)
		}
		switch {
		case err != nil:
			problems = append(problems, fmt.Sprintf("%s: %v", path, err))
		case !bytes.Equal(source, formatted):
			problems = append(problems, fmt.Sprintf("%s:%d: not as gofmt writes it", path, firstDifference(source, formatted)))
		}
	}
	return n, problems
}

// firstDifference returns the number of the first line, from 1, that differs.
func firstDifference(a, b []byte) int {
	line := 1
	for i := 0; i < len(a) && i < len(b) && a[i] == b[i]; i++ {
		if a[i] == '\n' {
			line++
		}
	}
	return line
}
