package main

import (
	"context"
	"slices"
	"time"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/spf13/cobra"
)

// reconcileResult is what `reconcile` prints. Root, state and analytics are null
// where there are obstructions.
type reconcileResult struct {
	OK           bool          `json:"ok"`
	Result       string        `json:"result"` // merge or obstruction
	BatchID      uint64        `json:"batch_id"`
	Events       uint64        `json:"events"`
	Duplicates   uint64        `json:"duplicates"`
	Repeats      uint64        `json:"repeats"`
	TraceRoot    *string       `json:"trace_root"`
	StateHash    *string       `json:"state_hash"`
	Analytics    *analytics    `json:"analytics"`
	Obstructions []obstruction `json:"obstructions"`
	Sections     []signed      `json:"sections"`

	took time.Duration
}

// obstruction is one reason against a batch, with every copy concerned.
type obstruction struct {
	Kind   string      `json:"kind"`
	Key    string      `json:"key"`
	Dep    *string     `json:"dep"`
	Frames []frameName `json:"frames"`

	item cert.ObstructionItem
}

type frameName struct {
	File   string `json:"file"`
	Offset int64  `json:"offset"`
}

// obstructionsOf puts obstructions into the form of reports.
func obstructionsOf(obstructions []invariant.Obstruction) []obstruction {
	out := make([]obstruction, 0, len(obstructions))
	for _, o := range obstructions {
		shown := obstruction{
			Kind: o.Kind.String(), Key: o.Key.String(), Frames: make([]frameName, 0, len(o.Frames)),
			item: cert.ObstructionItem{Key: o.Key, Kind: o.Kind, Dep: o.Dep},
		}
		if o.Kind.HasDep() {
			dep := o.Dep.String()
			shown.Dep = &dep
		}
		for _, f := range o.Frames {
			shown.Frames = append(shown.Frames, frameName(f))
		}
		out = append(out, shown)
	}
	return out
}

const batchHelp = `The batch merges if the sections agree wherever they overlap, each event's deps are
there and before it, and nothing comes late. Otherwise every obstruction is named
with the frames in conflict:

  equivocation  the same key with other bytes
  lamport       an event depends on one that is not before it
  missing-dep   an event depends on one that nobody has
  stale         an event comes at or before what is certified of its stream`

func newReconcile(a *app) *cobra.Command {
	var paths []string
	var batch uint64
	var data string
	c := &cobra.Command{
		Use:   "reconcile --batch-id N --input FILE... [--data DIR]",
		Short: "Glue sections into one trace, or name what stands against it",
		Long: `Glues sections into one trace in canonical order and prints the trace root, the
state hash and the figures of each stream. Nothing is written.

` + batchHelp + `

With --data the batch is judged against what the chain in DIR has certified, and
FILE.omega.sig beside an input is checked against its roster; without it the past
is empty. Sections without a signature are taken, and marked in the report.`,
		Example: `  omega-check reconcile --batch-id 1 --input alice.omega --input bob.omega
  omega-check reconcile --batch-id 7 --input alice.omega --data ./chain --json`,
	}
	inputFlag(c, &paths)
	c.Flags().Uint64Var(&batch, "batch-id", 0, "number `N` of the batch")
	c.Flags().StringVar(&data, "data", "", "data folder `DIR` whose chain is the past")
	must(c.MarkFlagRequired("batch-id"))
	completeFolders(c, "data")
	return a.runs(c, true, func(context.Context, []string) (result, error) {
		sections, err := openSections(paths)
		if err != nil {
			return nil, err
		}
		defer sections.Close()
		p := a.progress("reconciling " + plural(len(paths), "section"))
		defer p.end()
		r, err := reconcile(sections, batch, data)
		if err != nil {
			return nil, err
		}
		if !r.OK {
			return r, answerNo()
		}
		return r, nil
	})
}

// reconcile judges the sections as one batch, after the chain in the folder data
// where that is not empty.
func reconcile(sections *node.Sections, batch uint64, data string) (*reconcileResult, error) {
	start := time.Now()
	var past invariant.Past = invariant.Empty{}
	var view *node.View
	var state cert.Hash
	if data != "" {
		var err error
		if view, err = node.Read(data); err != nil {
			return nil, err
		}
		defer view.Close()
		past, state = view.Past, view.Chain.State
	}
	found, err := sections.Reconcile(past)
	if err != nil {
		return nil, err
	}
	r := &reconcileResult{BatchID: batch}
	if r.Sections, err = signaturesOf(sections, view); err != nil {
		return nil, err
	}
	r.take(found, state)
	r.took = time.Since(start)
	return r, nil
}

// take puts what was found into the form of the report; state is the one before
// the batch.
func (r *reconcileResult) take(found *invariant.Result, state cert.Hash) {
	r.Events, r.Duplicates, r.Repeats = found.Events, found.Duplicates, found.Repeats
	r.Obstructions = obstructionsOf(found.Obstructions)
	r.OK, r.Result = found.Merged(), "obstruction"
	if r.OK {
		root, after := found.TraceRoot.String(), cert.NextState(state, found.TraceRoot).String()
		r.Result, r.TraceRoot, r.StateHash, r.Analytics = "merge", &root, &after, analyticsOf(found.Streams)
	}
}

func (r *reconcileResult) text(t *text) {
	what := t.good("merge")
	if !r.OK {
		what = t.bad(plural(len(r.Obstructions), "obstruction"))
	}
	t.line("batch %d: %s, %s, %s, %s, in %s", r.BatchID, what, plural(r.Events, "event"),
		plural(r.Duplicates, "duplicate"), plural(r.Repeats, "repeat"), duration(r.took))
	writeSections(t, r.Sections)
	if r.OK {
		t.line("trace root  %s", *r.TraceRoot)
		t.line("state hash  %s", *r.StateHash)
		r.Analytics.text(t)
		return
	}
	writeObstructions(t, r.Obstructions, r.Sections)
}

const (
	shownObstructions = 20 // of a batch, in text
	shownFrames       = 10 // of one obstruction, in text
)

func writeObstructions(t *text, obstructions []obstruction, sections []signed) {
	for i := range obstructions {
		if i == shownObstructions {
			t.line("and %s, which --json shows", plural(len(obstructions)-i, "more obstruction"))
			return
		}
		obstructions[i].text(t, sections)
	}
}

func (o *obstruction) text(t *text, sections []signed) {
	t.line("%s  %s", t.bad(o.Kind), kindMeaning(o.item.Kind))
	t.line("  event  %s", o.Key)
	t.line("         %s", showKey(o.item.Key[:]))
	if o.Dep != nil {
		t.line("  dep    %s", *o.Dep)
		t.line("         %s", showKey(o.item.Dep[:]))
	}
	for i, f := range o.Frames {
		if i == shownFrames {
			t.line("  and %s", plural(len(o.Frames)-i, "more copy"))
			return
		}
		t.line("  frame  %s at offset %d%s", printable(f.File), f.Offset, o.blame(f.File, sections))
	}
}

// blame says who answers for a frame in the file: the section's signer, but only
// for events of the section's own node (OBS-4).
func (o *obstruction) blame(file string, sections []signed) string {
	i := slices.IndexFunc(sections, func(s signed) bool { return s.File == file })
	switch {
	case i < 0:
		return ", certified or quarantined"
	case sections[i].Signer == nil:
		return ", " + string(sections[i].Signature)
	case sections[i].Node != o.item.Key.Node():
		return ", passed on by " + printable(*sections[i].Signer)
	}
	return ", signed by " + printable(*sections[i].Signer)
}
