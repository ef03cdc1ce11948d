package main

import (
	"fmt"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/importer/graph"
	"github.com/spf13/cobra"
)

// graphResult is what the imports of events that come in any order print (IMP-16).
type graphResult struct {
	OK         bool            `json:"ok"`
	Output     string          `json:"output"`
	Events     uint64          `json:"events"`
	Sections   uint64          `json:"sections"` // one a writer
	Roots      uint64          `json:"roots"`
	Deps       uint64          `json:"deps"`
	Duplicates uint64          `json:"duplicates"`
	MaxLamport uint64          `json:"max_lamport"`
	Bytes      int64           `json:"bytes"`
	Unmapped   []importer.Note `json:"unmapped"`

	event, writer string // what they are called there
}

func newGraphResult(s graph.Summary, output, event, writer string) *graphResult {
	return &graphResult{
		OK: true, Output: output, Events: s.Events, Sections: s.Writers, Roots: s.Roots, Deps: s.Causes,
		Duplicates: s.Duplicates, MaxLamport: s.MaxLamport, Bytes: s.Bytes, Unmapped: s.Notes, event: event, writer: writer,
	}
}

func (r *graphResult) text(t *text) {
	t.line("%s: %s by %s, %s", printable(r.Output), plural(r.Events, r.event), plural(r.Sections, r.writer), size(float64(r.Bytes)))
	t.line("%s, %s, longest path %s, %s", plural(r.Roots, "root"), plural(r.Deps, "dep"), plural(r.MaxLamport, r.event), copies(r.Duplicates))
	for _, n := range r.Unmapped {
		t.line("could not map: %s, %s", n.Cause, times(n.Count))
		for _, e := range n.First {
			at := fmt.Sprintf("offset %d", e.Offset)
			if e.Line > 0 {
				at = fmt.Sprintf("line %d, %s", e.Line, at)
			}
			t.line("  %s: %s: %s", printable(e.File), at, printable(e.Message))
		}
		if more := n.Count - uint64(len(n.First)); more > 0 {
			t.line("  and %s more", count(more))
		}
	}
	t.line("names.tsv says who wrote which section")
}

func copies(n uint64) string {
	if n == 1 {
		return "1 copy dropped"
	}
	return count(n) + " copies dropped"
}

func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return count(n) + " times"
}

const graphHelp = `
Each writer has one section; names.tsv says who is which node. The Lamport time is
the longest path from an event without a cause. What cannot be mapped is counted by
cause, the first few named by file, line and offset, and all else is imported; an
input without any event is refused.

The output folder must be absent or empty; it appears when it is whole, or not at
all. The files are mapped, so that they may be larger than memory.`

// graphFlags gives c the flags that these imports share.
func graphFlags(c *cobra.Command, o *graph.Options) {
	c.Flags().StringArrayVar(&o.Inputs, "input", nil, "a `FILE` to import; repeats, one path each")
	c.Flags().StringVar(&o.Output, "output", "", "`DIR` to write to, absent or empty")
	must(c.MarkFlagRequired("input"))
	must(c.MarkFlagRequired("output"))
	completeFiles(c, "input")
	completeFolders(c, "output")
}

// importGraph runs an import and shows its progress.
func (a *app) importGraph(o *graph.Options, event, writer string, run func() (graph.Summary, error)) (result, error) {
	for _, path := range o.Inputs {
		if path == "" {
			return nil, usage("the name of a file is empty")
		}
	}
	names := printable(filepath.Base(o.Inputs[0]))
	if n := len(o.Inputs); n > 1 {
		names += fmt.Sprintf(" and %d more", n-1)
	}
	p := a.progress("importing " + names)
	defer p.end()
	o.Progress = p.step
	s, err := run()
	if err != nil {
		return nil, err
	}
	return newGraphResult(s, o.Output, event, writer), nil
}
