package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/toolchain/verify"
	"github.com/spf13/cobra"
)

// verifyResult is what `verify` prints.
type verifyResult struct{ *verify.Report }

func (r verifyResult) text(t *text) {
	rows := [][]string{{"LAYER", "VERDICT", "SECONDS", "BUDGET", "RUN", "WHAT"}}
	for i := range r.Layers {
		l := &r.Layers[i]
		row := []string{l.Name, string(l.Verdict), "-", "-", "-", firstLine(l.Message)}
		if l.BudgetSeconds > 0 {
			row[3] = strconv.FormatFloat(l.BudgetSeconds, 'f', 0, 64)
		}
		if l.Verdict != verify.NotRun {
			row[2], row[4] = strconv.FormatFloat(l.Seconds, 'f', 1, 64), howRun(l)
		}
		rows = append(rows, row)
	}
	t.table(rows)
	for i := range r.Layers {
		if l := &r.Layers[i]; l.Verdict == verify.Fail {
			t.line("\n%s %s:\n%s", t.bad("FAILED"), l.Name, l.Message)
		}
	}
	t.line("%s", r.Summary())
}

// howRun says whether the layer was run, and whether within its budget.
func howRun(l *verify.Result) string {
	switch {
	case l.Cached:
		return "cached"
	case l.Seconds > l.BudgetSeconds:
		return "run, over budget"
	}
	return "run"
}

func firstLine(s string) string {
	first, _, _ := strings.Cut(s, "\n")
	return first
}

func newVerify(a *app) *cobra.Command {
	var only []string
	var noCache, deep bool
	c := &cobra.Command{
		Use:   "verify [--only NAME...] [--no-cache] [--deep]",
		Short: "Run every check of this repository",
		Long: `Runs the checks of the checkout that it stands in, layer by layer, and says of each
whether it passes, fails or was not run. A layer that has passed is not run again
while nothing it depends on has changed; it is shown as cached. The table has the
seconds that each layer took, and those that it may take on two cores with nothing
remembered.

Layers: ` + strings.Join(verify.Names, " ") + `.
Those that this version does not have are listed as not run, never as passed. A
layer that lacks a tool or memory fails; the status is then 3 where it was a tool.`,
		Example: `  omega-check verify
  omega-check verify --only go --only static --no-cache`,
	}
	c.Flags().StringArrayVar(&only, "only", nil, "run the layer `NAME`; repeats")
	c.Flags().BoolVar(&noCache, "no-cache", false, "run what has passed before, too")
	c.Flags().BoolVar(&deep, "deep", false, "check the large models, too; it takes an hour or more")
	must(c.RegisterFlagCompletionFunc("only", cobra.FixedCompletions(verify.Names, cobra.ShellCompDirectiveNoFileComp)))
	return a.runs(c, false, func(ctx context.Context, _ []string) (result, error) {
		lines := a.out
		if a.json {
			lines = a.err
		}
		for _, name := range only {
			if !slices.Contains(verify.Names, name) {
				return nil, usage("there is no layer %q; the layers are %s", name, strings.Join(verify.Names, ", "))
			}
		}
		report, err := verify.Run(ctx, verify.Options{Dir: ".", Only: only, NoCache: noCache, Deep: deep, Progress: a.err, TestLines: lines})
		if err != nil {
			return nil, err
		}
		if report.Missing != nil {
			return verifyResult{report}, &exitError{status: statusMissing, told: true}
		}
		if !report.OK {
			return verifyResult{report}, answerNo()
		}
		return verifyResult{report}, nil
	})
}
