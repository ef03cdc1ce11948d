package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/demo"
	"github.com/spf13/cobra"
)

// demoMembers is how many members the demo has unless it is told.
const demoMembers = 4

// demoResult is what `demo` prints at its end; the text has been told by then.
type demoResult struct{ *demo.Report }

func (demoResult) text(*text) {}

func newDemo(a *app) *cobra.Command {
	var repo string
	members := demoMembers
	c := &cobra.Command{
		Use:   "demo [--exit] [--repo DIR] [--members N]",
		Short: "See a real history become one certified chain",
		Long: `Imports the history of the git repository that it stands in, or of --repo, cuts it
into batches, has N members certify each, audits the chain from raw bytes, and tries
to falsify it, to show what is refused and why. Outside a repository, and in a
shallow clone, it takes a real history that comes with the program.

The members run in one process with real keys on disk. What happens is told as it
happens; the folder stays for you to look at.`,
		Example: `  omega-check demo
  omega-check demo --repo ../linux --members 7
  omega-check demo --exit --json`,
	}
	c.Flags().Bool("exit", false, "end when all is told; this version always does")
	c.Flags().StringVar(&repo, "repo", "", "`DIR` of a git repository")
	c.Flags().IntVar(&members, "members", demoMembers, "number `N` of members")
	completeFolders(c, "repo")
	return a.runs(c, false, func(ctx context.Context, _ []string) (result, error) {
		if members < 1 || members > maxInitMembers {
			return nil, usage("--members is 1 to %d, got %d", maxInitMembers, members)
		}
		out := a.out
		if a.json {
			out = a.err
		}
		p := a.progress("demo")
		defer p.end()
		report, err := demo.Run(ctx, demo.Options{Repo: repo, Members: members, Program: calledAs(), Out: p.above(out), Progress: p.step})
		if err != nil {
			return nil, err
		}
		if !report.OK {
			return demoResult{report}, answerNo()
		}
		return demoResult{report}, nil
	})
}

// calledAs returns how the user can call this program again.
func calledAs() string {
	if strings.Contains(os.Args[0], string(filepath.Separator)+"go-build") {
		return "go run ./cmd/omega-check"
	}
	return os.Args[0]
}
