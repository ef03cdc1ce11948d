package main

import (
	"context"

	gitimport "github.com/omega-sheaf-os/omega/impl/importer/git"
	"github.com/spf13/cobra"
)

// importResult is what `import git` prints.
type importResult struct {
	OK         bool   `json:"ok"`
	Output     string `json:"output"`
	Events     int    `json:"events"`   // one a commit
	Sections   int    `json:"sections"` // one an author
	Roots      int    `json:"roots"`
	Merges     int    `json:"merges"`
	Octopus    int    `json:"octopus"`
	MaxLamport uint64 `json:"max_lamport"`
	Bytes      int64  `json:"bytes"`
}

func (r *importResult) text(t *text) {
	t.line("%s: %s by %s, %s", printable(r.Output), plural(r.Events, "commit"), plural(r.Sections, "author"), size(float64(r.Bytes)))
	t.line("%s, %s of which %d have three or more parents, longest path %s",
		plural(r.Roots, "root"), plural(r.Merges, "merge"), r.Octopus, plural(r.MaxLamport, "commit"))
	t.line("names.tsv says who wrote which section")
}

func newImport(a *app) *cobra.Command {
	return group("import", "Turn other systems' histories into sections",
		"Turns the history of another system into .omega files, one section a writer.",
		newImportGit(a), newImportOTLP(a), newImportCloudEvents(a), newImportShiViz(a))
}

func newImportGit(a *app) *cobra.Command {
	var repo, output string
	var all bool
	c := &cobra.Command{
		Use:   "git --repo DIR --output DIR",
		Short: "Turn a git repository's commits into sections",
		Long: `Turns the commits that HEAD reaches into events: the author is the node, the
parents are the deps, the Lamport time is the longest path from a root, and the
value is the time in hours from the author's date to the committer's. Each author
has one section; names.tsv says who is which node.

The output folder must be absent or empty; it appears when it is whole, or not at
all. Shallow clones and empty repositories are refused. It needs the git command.`,
		Example: `  omega-check import git --repo . --output sections
  omega-check import git --repo linux.git --output sections --all`,
	}
	c.Flags().StringVar(&repo, "repo", "", "the repository's folder `DIR`, bare or not")
	c.Flags().StringVar(&output, "output", "", "`DIR` to write to, absent or empty")
	c.Flags().BoolVar(&all, "all", false, "take what any ref reaches, not HEAD alone")
	must(c.MarkFlagRequired("repo"))
	must(c.MarkFlagRequired("output"))
	completeFolders(c, "repo")
	completeFolders(c, "output")
	return a.runs(c, false, func(ctx context.Context, _ []string) (result, error) {
		p := a.progress("importing " + printable(repo))
		defer p.end()
		s, err := gitimport.Import(ctx, gitimport.Options{Repo: repo, Output: output, All: all, Progress: p.step})
		if err != nil {
			return nil, err
		}
		return &importResult{
			OK: true, Output: output, Events: s.Commits, Sections: s.Authors, Roots: s.Roots, Merges: s.Merges,
			Octopus: s.Octopus, MaxLamport: s.MaxLamport, Bytes: s.Bytes,
		}, nil
	})
}
