package main

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/toolchain/verify"
	"github.com/spf13/cobra"
)

// verifyResult is what `verify` prints.
type verifyResult struct {
	*verify.Report
	Evidence *evidenceWritten `json:"evidence,omitempty"`
}

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
	if r.Evidence != nil {
		r.Evidence.text(t)
	}
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
	var noCache, deep, mutants bool
	var dir, data string
	c := &cobra.Command{
		Use:   "verify [--only NAME...] [--no-cache] [--deep] [--mutants] [--evidence DIR [--data DIR]]",
		Short: "Run every check of this repository",
		Long: `Runs the checks of the checkout that it stands in, layer by layer, and says of each
whether it passes, fails or was not run. A layer that has passed is not run again
while nothing it depends on has changed; it is shown as cached. The table has the
seconds that each layer took, and those that it may take on two cores with nothing
remembered.

Layers: ` + strings.Join(verify.Names, " ") + `.
Those that this version does not have are listed as not run, never as passed. A
layer that lacks a tool or memory fails; the status is then 3 where it was a tool.

--evidence writes into DIR, once everything has passed, what was checked and what came
out: hashes of all files, tools, counts. With --data the members whose keys are in that
folder sign it, as their chain's next certificate; without it the evidence is unsigned.
check-evidence checks it offline.`,
		Example: `  omega-check verify
  omega-check verify --only go --only static --no-cache
  omega-check verify --evidence ../evidence --data ../chain`,
	}
	c.Flags().StringArrayVar(&only, "only", nil, "run the layer `NAME`; repeats")
	c.Flags().BoolVar(&noCache, "no-cache", false, "run what has passed before, too")
	c.Flags().BoolVar(&deep, "deep", false, "run the large models, too, and more traces, seeds and vectors; it takes an hour or more")
	c.Flags().BoolVar(&mutants, "mutants", false, "try every fault of the ledger, not a sample of them; it takes up to 20 minutes")
	c.Flags().StringVar(&dir, "evidence", "", "write the evidence into the new folder `DIR`")
	c.Flags().StringVar(&data, "data", "", "data folder `DIR` of the members who sign the evidence")
	c.MarkFlagsMutuallyExclusive("only", "evidence")
	completeFolders(c, "evidence")
	completeFolders(c, "data")
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
		opts := verify.Options{Dir: ".", Only: only, NoCache: noCache, Deep: deep, Mutants: mutants, Progress: a.err, TestLines: lines}
		if data != "" && dir == "" {
			return nil, usage("--data is for --evidence")
		}
		if dir == "" {
			return runVerify(ctx, opts, nil)
		}
		e, err := beginEvidence(ctx, a, dir, data)
		if err != nil {
			return nil, err
		}
		res, err := runVerify(ctx, opts, e)
		return res, errors.Join(err, e.close())
	})
}

// runVerify runs verify, and writes the evidence of a run that has passed where e
// is not nil.
func runVerify(ctx context.Context, opts verify.Options, e *evidenceRun) (result, error) {
	report, err := verify.Run(ctx, opts)
	if err != nil {
		return nil, err
	}
	r := verifyResult{Report: report}
	if report.Missing != nil {
		return r, &exitError{status: statusMissing, told: true}
	}
	if !report.OK {
		return r, answerNo()
	}
	if e != nil {
		if r.Evidence, err = e.finish(ctx, report); err != nil {
			return nil, err
		}
	}
	return r, nil
}
