package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manResult is what `man` prints.
type manResult struct {
	OK     bool     `json:"ok"`
	Output string   `json:"output"`
	Pages  []string `json:"pages"`
}

func (m *manResult) text(t *text) {
	t.line("%s in %s", plural(len(m.Pages), "manual page"), printable(m.Output))
}

// newMan writes the manual pages; it is for whoever packs the program, and not
// listed.
func newMan(a *app) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:     "man --output DIR",
		Short:   "Write the manual pages",
		Long:    "Writes one manual page a command into DIR, which must be there.",
		Example: "  omega-check man --output /usr/local/share/man/man1",
		Hidden:  true,
	}
	c.Flags().StringVar(&output, "output", "", "folder to write to")
	must(c.MarkFlagRequired("output"))
	completeFolders(c, "output")
	return a.runs(c, false, func(context.Context, []string) (result, error) {
		if info, err := os.Stat(output); err != nil {
			return nil, err
		} else if !info.IsDir() {
			return nil, usage("%s is not a folder", printable(output))
		}
		root := c.Root()
		root.DisableAutoGenTag = true
		// A page is dated by the formats it describes, so that two runs give the same bytes.
		epoch := time.Unix(0, 0).UTC()
		header := &doc.GenManHeader{Title: "OMEGA-CHECK", Section: "1", Source: "OMEGA", Manual: "OMEGA manual", Date: &epoch}
		if err := doc.GenManTree(root, header, output); err != nil {
			return nil, err
		}
		pages, err := filepath.Glob(filepath.Join(output, "omega-check*.1"))
		if err != nil {
			return nil, err
		}
		for i := range pages {
			pages[i] = filepath.Base(pages[i])
		}
		return &manResult{OK: true, Output: output, Pages: pages}, nil
	})
}
