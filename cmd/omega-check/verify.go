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
	rows := [][]string{{"LAYER", "VERDICT", "SECONDS", "WHAT"}}
	for i := range r.Layers {
		l := &r.Layers[i]
		seconds := strconv.FormatFloat(l.Seconds, 'f', 1, 64)
		switch {
		case l.Verdict == verify.NotRun:
			seconds = "-"
		case l.Cached:
			seconds = "cached"
		}
		rows = append(rows, []string{l.Name, string(l.Verdict), seconds, firstLine(l.Message)})
	}
	t.table(rows)
	for i := range r.Layers {
		if l := &r.Layers[i]; l.Verdict == verify.Fail {
			t.line("\n%s %s:\n%s", t.bad("FAILED"), l.Name, l.Message)
		}
	}
	t.line("%s", r.Summary())
}

func firstLine(s string) string {
	first, _, _ := strings.Cut(s, "\n")
	return first
}

func newVerify(a *app) *cobra.Command {
	var only []string
	var noCache bool
	c := &cobra.Command{
		Use:   "verify [--only NAME...] [--no-cache]",
		Short: "Run every check of this repository",
		Long: `Runs the checks of the checkout that it stands in, layer by layer, and says of each
whether it passes, fails or was not run. A layer that has passed is not run again
while nothing it depends on has changed; it is shown as cached.

Layers: ` + strings.Join(verify.Names, " ") + `.
Those that this version does not have are listed as not run, never as passed.`,
		Example: `  omega-check verify
  omega-check verify --only go --only static --no-cache`,
	}
	c.Flags().StringArrayVar(&only, "only", nil, "run the layer `NAME`; repeats")
	c.Flags().BoolVar(&noCache, "no-cache", false, "run what has passed before, too")
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
		report, err := verify.Run(ctx, verify.Options{Dir: ".", Only: only, NoCache: noCache, Progress: a.err, TestLines: lines})
		if err != nil {
			return nil, err
		}
		if !report.OK {
			return verifyResult{report}, answerNo()
		}
		return verifyResult{report}, nil
	})
}
