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
--install what is missing is installed where that is possible: Debian's packages
by root, Lean, its Node and TLC into the user's cache. Else the command that mends
it is told. Something missing is exit status 3. A layer that is not part of this
version is never shown as ok; its tools are looked at all the same.`,
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
	layers := [][]string{{"LAYER", "NAME", "STATE", "SELF-TEST"}}
	programs := [][]string{{"LAYER", "TOOL", "STATE", "VERSION", "FROM", "PATH"}}
	for i := range r.Layers {
		l := &r.Layers[i]
		state := stateOf(l.OK)
		if !l.Exists() {
			state = "not there"
		}
		test := firstLine(l.SelfTest.Message)
		for _, tool := range l.Tools {
			if !tool.OK && !l.SelfTest.OK {
				test = tool.Name + " is missing"
			}
			programs = append(programs, []string{l.Layer, tool.Name, stateOf(tool.OK), orDash(tool.Version), orDash(tool.Source), orDash(tool.Path)})
		}
		layers = append(layers, []string{l.Layer, l.Name, state, test})
	}
	t.table(programs)
	t.line("")
	t.table(layers)
	t.line("")
	if r.OK {
		t.line("%s", t.good("nothing is missing of what this version needs"))
		return
	}
	for _, line := range r.Missing() {
		t.line("%s %s", t.bad("missing:"), line)
	}
}

func stateOf(ok bool) string {
	if ok {
		return "ok"
	}
	return "NOT OK"
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
