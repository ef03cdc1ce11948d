package verify

import (
	"context"
	"runtime"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/toolchain/lean"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// leanMemoryMB is what two processes of Lean need, at most.
const leanMemoryMB = 4000

func leanTools() []tools.Tool { return []tools.Tool{tools.Lean()} }

func leanFile(path string) bool { return strings.HasPrefix(path, "formal/") }

// runLean builds and audits the Lean package, and tries what must be refused.
func runLean(ctx context.Context, t *task) outcome {
	compiler, err := tools.OpenLean(ctx)
	if err != nil {
		return outcome{problems: []string{err.Error()}}
	}
	report, err := lean.Check(ctx, lean.Options{
		Root: t.root, Compiler: compiler, Identity: compiler.Path + " " + compiler.Version, Native: compiler.Native,
		Workers: min(runtime.NumCPU(), max(1, t.memoryMB/compiler.MemoryMB)), Again: !t.reuse, Log: t.log,
	})
	if err != nil {
		return outcome{problems: []string{err.Error()}}
	}
	problems := report.Problems
	if report.Claims == 0 {
		problems = append(problems, "formal: there is no claim")
	}
	return outcome{counts: report.Counts(), varying: []string{"modules_checked"}, lists: map[string][]string{"axioms": slices.Sorted(slices.Values(report.Axioms))}, problems: shown(problems), message: report.Told() + "; Lean " + compiler.Version}
}
