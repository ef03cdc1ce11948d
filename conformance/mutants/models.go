package mutants

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/toolchain/lean"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tlc"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// scratch copies the folder of the fault's file into dir, with the change made.
func (f *Fault) scratch(root, dir string) error {
	top, _, _ := strings.Cut(f.File, "/")
	if err := os.CopyFS(filepath.Join(dir, top), os.DirFS(filepath.Join(root, top))); err != nil {
		return err
	}
	content, _, err := f.Mutate(root)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, filepath.FromSlash(f.File)), []byte(content), 0o600)
}

// judgeModel has TLC check the configurations that the fault names, over a copy of
// the models with the fault.
func (r *run) judgeModel(ctx context.Context, f *Fault, dir string) (map[Check]Verdict, error) {
	if err := f.scratch(r.root, dir); err != nil {
		return nil, err
	}
	program, err := tlc.Open(ctx)
	if err != nil {
		return nil, err
	}
	configs, loadErr := tlc.Load(dir) // its error is of importance where a configuration is missing
	verdicts := map[Check]Verdict{}
	for _, check := range f.Checks {
		i := slices.IndexFunc(configs, func(c *tlc.Config) bool { return c.Path == check.Where })
		if i < 0 {
			return nil, fmt.Errorf("%s is not there, or none: %w", check.Where, loadErr)
		}
		out, err := program.Check(ctx, configs[i], 1)
		if err != nil {
			return nil, err
		}
		if verdicts[check], err = judgeOutcome(configs[i], out, check.What); err != nil {
			return nil, fmt.Errorf("%s: %w", check.Where, err)
		}
	}
	return verdicts, nil
}

// judgeOutcome says whether TLC has found wrong what it must. TLC does not name a
// temporal property: that one counts where it is the only one. Another violation
// than the named one is an error.
func judgeOutcome(c *tlc.Config, out *tlc.Outcome, want string) (Verdict, error) {
	found := out.Property
	switch {
	case out.Kind == tlc.Holds:
		return Passed, nil
	case out.Kind == tlc.Deadlock:
		found = "deadlock"
	case out.Kind != tlc.Violated:
		return NotRun, fmt.Errorf("%s: %s", out.Kind, out.Text)
	case found == "" && slices.Contains(c.Properties(), want):
		found = want
	}
	if found != want {
		return NotRun, fmt.Errorf("%s is violated, want %s", found, want)
	}
	return Failed, nil
}

// judgeProof has Lean check the modules of proofs that the fault names, over a copy
// of formal/ with the fault. Every theorem named must be refused.
func (r *run) judgeProof(ctx context.Context, f *Fault, dir string) (map[Check]Verdict, error) {
	if err := f.scratch(r.root, dir); err != nil {
		return nil, err
	}
	compiler, err := tools.OpenLean(ctx)
	if err != nil {
		return nil, err
	}
	options := lean.Options{
		Root: dir, Compiler: compiler, Identity: compiler.Path + " " + compiler.Version, Native: compiler.Native,
		Workers: r.procs, Log: io.Discard,
	}
	verdicts := map[Check]Verdict{}
	for _, check := range f.Checks {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(check.Where)))
		if err != nil {
			return nil, err
		}
		from, to, err := declaration(check.Where, string(text), check.What)
		if err != nil {
			return nil, err
		}
		name := "Mutant" + strings.TrimSuffix(path.Base(check.Where), ".lean")
		refused, err := lean.Try(ctx, options, lean.Source{Name: name, Text: string(text)})
		if err != nil {
			return nil, err
		}
		first, last := 1+strings.Count(string(text[:from]), "\n"), strings.Count(string(text[:to]), "\n")
		verdicts[check] = Passed
		if slices.ContainsFunc(refused, func(m lean.Message) bool { return m.Line >= first && m.Line <= last }) {
			verdicts[check] = Failed
		}
	}
	return verdicts, nil
}
