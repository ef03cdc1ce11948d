package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// formalTools returns Lean, and Node where it runs on that.
func formalTools(ctx context.Context) []tools.Tool {
	list := []tools.Tool{tools.Lean()}
	if !tools.NativeLean(ctx) {
		list = append(list, tools.Node())
	}
	return list
}

// theorems are a true one and a false one, which stands in the fourth line.
const theorems = `module
theorem doctor_true (a b : Nat) : a + b = b + a := by omega

theorem doctor_false : 2 + 2 = 5 := by decide
`

// testFormal shows that Lean accepts a true theorem and refuses a false one: its
// only complaint must name the false one's line (layer A).
func testFormal(ctx context.Context, _ *Options) (string, error) {
	lean, err := tools.OpenLean(ctx)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "omega-doctor-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "Probe.lean"), []byte(theorems), 0o600); err != nil {
		return "", err
	}
	out, err := lean.Command(ctx, dir, nil, "-DwarningAsError=true", "Probe.lean").CombinedOutput()
	said := lean.Filter(string(out))
	if err := judgeTheorems(exitStatus(err), said); err != nil {
		return "", err
	}
	kind := "native"
	if !lean.Native {
		kind = "as WebAssembly"
	}
	return fmt.Sprintf("Lean %s, %s, accepts a true theorem and refuses a false one", lean.Version, kind), nil
}

// judgeTheorems judges what Lean says of theorems.
func judgeTheorems(status int, said string) error {
	var errs, wrong []string
	for line := range strings.Lines(said) {
		if strings.Contains(line, ": error") {
			errs = append(errs, line)
			if !strings.HasPrefix(line, "Probe.lean:4:") {
				wrong = append(wrong, line)
			}
		}
	}
	said = strings.TrimSpace(said)
	switch {
	case len(wrong) > 0:
		return fmt.Errorf("a true theorem is refused by Lean: %s", said)
	case status == 0:
		return fmt.Errorf("a false theorem is accepted by Lean: %s", said)
	case status != 1 || len(errs) == 0:
		return fmt.Errorf("the false theorem is not refused by its line; Lean ends with status %d: %s", status, said)
	}
	return nil
}

// exitStatus returns the status of a command that has run, -1 where it was killed
// or did not start.
func exitStatus(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return e.ExitCode()
	}
	return -1
}
