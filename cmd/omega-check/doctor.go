package main

import (
	"context"

	"github.com/omega-sheaf-os/omega/impl/toolchain/doctor"
	"github.com/spf13/cobra"
)

// doctorResult is what `doctor` prints.
type doctorResult struct{ *doctor.Report }

func newDoctor(a *app) *cobra.Command {
	var root string
	var install bool
	c := &cobra.Command{
		Use:   "doctor --root DIR [--install]",
		Short: "Look at each layer's tools and self-tests",
		Long: `Looks at the layers A to G of the checkout in DIR: are the tools there that build
and verify it, which versions, and does the layer work on this machine? With
--install what is missing is installed where that is possible; else the command
that mends it is told. Something missing is exit status 3. Layers that come with a
later version are shown as such, and never as well.`,
		Example: `  omega-check doctor --root .
  omega-check doctor --root . --install`,
	}
	c.Flags().StringVar(&root, "root", "", "folder `DIR` of the checkout")
	c.Flags().BoolVar(&install, "install", false, "install what is missing")
	must(c.MarkFlagRequired("root"))
	completeFolders(c, "root")
	return a.runs(c, false, func(ctx context.Context, _ []string) (result, error) {
		report, err := doctor.Run(ctx, doctor.Options{Root: root, Install: install, Log: a.err, Runtime: testQuorum})
		if err != nil {
			return nil, err
		}
		if !report.OK {
			return doctorResult{report}, &exitError{status: statusMissing, told: true}
		}
		return doctorResult{report}, nil
	})
}

func (r doctorResult) text(t *text) {
	rows := [][]string{{"LAYER", "NAME", "STATE", "TOOLS", "SELF-TEST"}}
	for i := range r.Layers {
		l := &r.Layers[i]
		state := "ok"
		if !l.OK {
			state = "NOT OK"
		}
		if !l.Exists() {
			state = "not there"
		}
		rows = append(rows, []string{l.Layer, l.Name, state, toolNames(l.Tools), firstLine(l.SelfTest.Message)})
	}
	t.table(rows)
	if r.OK {
		t.line("%s", t.good("nothing is missing of what this version needs"))
		return
	}
	for _, line := range r.Missing() {
		t.line("%s %s", t.bad("missing:"), line)
	}
}

func toolNames(tools []doctor.Tool) string {
	names := ""
	for i, tool := range tools {
		if i > 0 {
			names += ", "
		}
		names += tool.Name + " " + tool.Version
		if !tool.OK {
			names += " (missing)"
		}
	}
	if names == "" {
		return "-"
	}
	return names
}
