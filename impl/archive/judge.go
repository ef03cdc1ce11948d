package archive

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// The kinds of rule errors beside those of frames (FRM-5) and of obstructions
// (OBS-1) (AUD-3).
const (
	KindChanged     = "changed"
	KindTraceOrder  = "trace-order"
	KindTraceRoot   = "trace-root"
	KindAnalytics   = "analytics"
	KindRepeat      = "repeat"
	KindObstruction = "obstruction"
)

// RuleError says which rule a stored trace or an obstruction breaks. Offset is in
// bytes from the start of File.
type RuleError struct {
	Kind    string
	File    string
	Offset  int64
	Message string
}

func (e *RuleError) Error() string {
	return fmt.Sprintf("%s: %s at offset %d: %s", e.File, e.Kind, e.Offset, e.Message)
}

func broken(kind, file string, offset int64, format string, args ...any) error {
	return &RuleError{Kind: kind, File: file, Offset: offset, Message: fmt.Sprintf(format, args...)}
}

// indexBudget is how much plain memory, in bytes, the index of a batch takes
// before it spills to temporary files: enough for 12 million events (MAP-4).
const indexBudget = 384 << 20

// NewArena returns the memory for the index of one batch.
func NewArena() *omegalog.Arena { return omegalog.NewArena("", indexBudget) }

// Workers are the means with which sections are reconciled: every core,
// goroutines whose memory faults a guard can catch, and the arena's memory.
func Workers(arena *omegalog.Arena) invariant.Options {
	return invariant.Options{Workers: runtime.GOMAXPROCS(0), Run: omegalog.Run, Alloc: arena.Alloc}
}

// CheckTrace checks that the mapped file is what a merge certificate with the
// given root and body stands for: a sorted mixed file whose events break no rule
// against this past, and whose root and figures, computed again, are those (DIR-3,
// AUD-4). What is wrong is a *RuleError.
func (p *Past) CheckTrace(view *omegalog.OmegaLogView, root merkle.Hash, body *cert.MergeBody) error {
	arena := NewArena()
	err := omegalog.Guard(func() error { return p.checkTrace(view, root, body, Workers(arena)) }, view)
	err = errors.Join(err, arena.Close())
	var changed *omegalog.ChangedError
	if errors.As(err, &changed) {
		return broken(KindChanged, changed.Path, changed.Offset, "%s", changed.Message)
	}
	return err
}

func (p *Past) checkTrace(view *omegalog.OmegaLogView, root merkle.Hash, body *cert.MergeBody, opt invariant.Options) error {
	path := view.Name()
	got, err := invariant.Reconcile([]invariant.Input{{Name: path, Data: view.Bytes()}}, p, opt)
	var damage *frame.Error
	if errors.As(err, &damage) {
		return broken(string(damage.Kind), path, damage.Offset, "%s", damage.Message)
	}
	if err := errors.Join(err, p.Err()); err != nil {
		return err
	}
	if !got.Merged() {
		o := &got.Obstructions[0]
		return broken(o.Kind.String(), o.Frames[0].File, o.Frames[0].Offset, "the event %v is not admitted%s", o.Key, ofDep(o))
	}
	if got.Repeats > 0 {
		return broken(KindRepeat, path, 0, "%d of its events are certified already", got.Repeats)
	}
	if err := checkForm(view); err != nil {
		return err
	}
	if got.TraceRoot != root {
		return broken(KindTraceRoot, path, 0, "its events give %v, the certificate has %v", got.TraceRoot, root)
	}
	if got.Events != body.Events || !equalStreams(got.Streams, body.Streams) {
		return broken(KindAnalytics, path, 0, "its events do not give the figures of the certificate's body")
	}
	return nil
}

func ofDep(o *invariant.Obstruction) string {
	if !o.Kind.HasDep() {
		return ""
	}
	return ": dep " + o.Dep.String()
}

func equalStreams(a, b []cert.Stream) bool {
	return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b)
}

// checkForm checks that a trace is in the one form that is stored: a mixed file,
// the keys strictly increasing (DIR-3).
func checkForm(view *omegalog.OmegaLogView) error {
	header, err := frame.ParseHeader(view.Bytes())
	if err != nil {
		return err
	}
	if header.Node != frame.Mixed {
		return broken(KindTraceOrder, view.Name(), 0, "it is of node %d, a trace is a mixed file", header.Node)
	}
	var last *key.Key
	for f, err := range view.Events() {
		if err != nil {
			return err
		}
		if last != nil && last.Compare(f.Event.Key()) >= 0 {
			return broken(KindTraceOrder, view.Name(), f.Offset, "the key %v is not after %v", f.Event.Key(), last)
		}
		last = f.Event.Key()
	}
	return nil
}

// CheckObstruction checks that the body of an obstruction certificate, which
// begins at the offset of the file, names real conflicts with this past (AUD-4).
// What it cannot check is that a missing dep was not in the batch: the batch is
// not kept. What is wrong is a *RuleError.
func (p *Past) CheckObstruction(file string, bodyOffset int64, body *cert.ObstructionBody) error {
	events := body.Events
	for i := range body.Items {
		item := &body.Items[i]
		for *events[0].Key() != item.Key {
			events = events[1:]
		}
		why := p.unfounded(item, events)
		if err := p.Err(); err != nil {
			return err
		}
		if why != "" {
			return broken(KindObstruction, file, bodyOffset, "%v of %v: %s", item.Kind, item.Key, why)
		}
	}
	return nil
}

// unfounded says why an item does not hold against the past, or "". The versions
// of its event stand at the front of events.
func (p *Past) unfounded(item *cert.ObstructionItem, events []event.View) string {
	past := p.Versions(&item.Key)
	for _, v := range past {
		if !holds(events, v.Event) {
			return "a version that the chain holds already is not shown"
		}
	}
	if len(past) > 0 && item.Kind != cert.Equivocation {
		return "the chain holds the event already"
	}
	if len(past) == countVersions(events) {
		return "the chain holds all its versions already"
	}
	switch item.Kind {
	case cert.MissingDep:
		if len(p.Versions(&item.Dep)) > 0 {
			return "the chain holds the dep " + item.Dep.String()
		}
	case cert.Stale:
		if last, ok := p.Frontier(item.Key.Node(), item.Key.Stream()); !ok || item.Key.Compare(&last) > 0 {
			return "it comes after the stream's frontier"
		}
	}
	return ""
}

// countVersions returns how many versions of one key stand at the front of events.
func countVersions(events []event.View) int {
	n := 1
	for n < len(events) && *events[n].Key() == *events[0].Key() {
		n++
	}
	return n
}

// holds reports whether the versions of one key at the front of events have v
// among them.
func holds(events []event.View, v event.View) bool {
	for _, e := range events[:countVersions(events)] {
		if string(e) == string(v) {
			return true
		}
	}
	return false
}
