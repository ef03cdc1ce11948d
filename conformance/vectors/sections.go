package vectors

import (
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/section"
	"pgregory.net/rapid"
)

// sections are those of a batch.
type sections [][]event.Event

func (s sections) text() string {
	return list(s, func(events []event.Event) string { return list(events, eventText) })
}

func (s sections) files() [][]byte {
	files := make([][]byte, len(s))
	for i, events := range s {
		files[i] = plainFile(uint32(i), events...)
	}
	return files
}

// eventsOf returns the trace's events.
func eventsOf(t *section.Trace) []event.Event {
	events := make([]event.Event, t.Len())
	for i := range events {
		events[i] = t.Event(i).Event()
	}
	return events
}

// drawGluings draws sections that overlap, and one time in three often disagree.
func drawGluings(t *rapid.T, number int) []Vector {
	many := make(sections, number%4)
	for i := range many {
		for range (number/4 + i) % 5 {
			e := event.Event{Key: smallKey(t, 2)}
			if number%3 == 0 { // two keys, two versions
				e.Key = fields{lamport: 1, node: rapid.Uint32Range(1, 2).Draw(t, "which")}.bytes()
				if rapid.Bool().Draw(t, "other version") {
					e.Value = 1
				}
			}
			if rapid.IntRange(0, 3).Draw(t, "payload") == 3 {
				e.Payload = []byte{1}
			}
			many[i] = append(many[i], e)
		}
	}
	trace, err := section.Glue(many.files(), section.Options{Workers: rapid.IntRange(1, 2).Draw(t, "workers")})
	if err != nil {
		return []Vector{impossible("section.Glue", err.Error())}
	}
	var disputed []key.Key
	for i := 1; i < trace.Len(); i++ {
		if trace.SameKey(i) && (len(disputed) == 0 || disputed[len(disputed)-1] != *trace.Key(i)) {
			disputed = append(disputed, *trace.Key(i))
		}
	}
	glued := "none"
	if trace.Conflicts() == 0 {
		glued = "some " + list(eventsOf(trace), eventText)
	}
	vectors := []Vector{
		{Form: "section.Glue", Call: "Section.glue " + many.text(), Out: glued},
		{Form: "section.Trace.SameKey", Call: "Section.conflicts " + many.text(), Out: list(disputed, keyText)},
		{Form: "section.Trace.Duplicates", Call: "Section.copies (" + many.text() + " : List Section).flatten", Out: fmt.Sprint(trace.Duplicates())},
	}
	if trace.Len() > 0 {
		i := rapid.IntRange(0, trace.Len()-1).Draw(t, "version of")
		vectors = append(vectors, Vector{Form: "section.Trace.Versions",
			Call: "Section.holders " + many.text() + " " + keyText(*trace.Key(i)), Out: holders(trace.Versions(i))})
	}
	return vectors
}

// holders returns the versions of a key with the places of the sections that hold
// them, in the order in which they lie.
func holders(versions []section.Version) string {
	type holder struct {
		at    section.Copy
		event event.Event
	}
	var all []holder
	for _, v := range versions {
		for _, at := range v.Copies {
			all = append(all, holder{at, v.Event.Event()})
		}
	}
	slices.SortFunc(all, func(a, b holder) int {
		return slices.Compare([]int64{int64(a.at.Source), a.at.Offset}, []int64{int64(b.at.Source), b.at.Offset})
	})
	return list(all, func(h holder) string { return fmt.Sprintf("(%d, %s)", h.at.Source, eventText(h.event)) })
}

// past is a chain's past, looked through event by event.
type past struct{ certified, quarantined []event.Event }

func (p past) Versions(k *key.Key) []invariant.Version {
	var list []invariant.Version
	for _, e := range slices.Concat(p.certified, p.quarantined) {
		if e.Key == *k {
			list = append(list, invariant.Version{Event: plainEvent(e)})
		}
	}
	return list
}

func (p past) Frontier(node uint32, stream uint16) (frontier key.Key, bounded bool) {
	for _, e := range p.certified {
		if e.Key.Node() == node && e.Key.Stream() == stream && (!bounded || slices.Compare(e.Key[:], frontier[:]) > 0) {
			frontier, bounded = e.Key, true
		}
	}
	return frontier, bounded
}

// drawHistory draws events with deps among those before them, most of them in
// order, and what the past has of them.
func drawHistory(t *rapid.T) (all []event.Event, p past) {
	n := rapid.SampledFrom([]int{1, 3, 5, 6, 7, 8}).Draw(t, "events")
	for range n {
		e := event.Event{Key: smallKey(t, 9), Value: int32(rapid.IntRange(0, 1).Draw(t, "value"))}
		if slices.ContainsFunc(all, func(o event.Event) bool { return o.Key == e.Key }) {
			continue
		}
		if rapid.IntRange(0, 15).Draw(t, "dep on nothing") == 0 {
			e.Deps = append(e.Deps, smallKey(t, 9))
		}
		for _, o := range all {
			if rapid.IntRange(0, 3).Draw(t, "dep") == 0 && (o.Key.Lamport() < e.Key.Lamport() || rapid.IntRange(0, 7).Draw(t, "late") == 0) {
				e.Deps = append(e.Deps, o.Key)
			}
		}
		slices.SortFunc(e.Deps, func(a, b key.Key) int { return slices.Compare(a[:], b[:]) })
		e.Deps = slices.Compact(e.Deps)
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b event.Event) int { return slices.Compare(a.Key[:], b.Key[:]) })
	certified := rapid.IntRange(0, len(all)).Draw(t, "certified")
	for i, e := range all {
		switch odd := rapid.IntRange(0, 9).Draw(t, "odd"); {
		case odd == 0:
			p.quarantined = append(p.quarantined, e)
		case (i < certified) != (odd == 1):
			p.certified = append(p.certified, e)
		}
	}
	return all, p
}

// drawReconcile draws a batch of events of which the past has some.
func drawReconcile(t *rapid.T, _ int) []Vector {
	all, p := drawHistory(t)
	batch := make(sections, rapid.IntRange(1, 2).Draw(t, "sections"))
	for _, e := range all {
		known := len(p.Versions(&e.Key)) > 0
		for range rapid.SampledFrom([]int{0, 1, 1, 1, 1, 2}).Draw(t, "copies") {
			if known && rapid.IntRange(0, 2).Draw(t, "repeat") > 0 {
				continue
			}
			if rapid.IntRange(0, 19).Draw(t, "other version") == 0 {
				e.Value += 2
			}
			i := rapid.IntRange(0, len(batch)-1).Draw(t, "section")
			batch[i] = append(batch[i], e)
		}
	}
	inputs := make([]invariant.Input, len(batch))
	for i, file := range batch.files() {
		inputs[i] = invariant.Input{Name: fmt.Sprint(i), Data: file}
	}
	r, err := invariant.Reconcile(inputs, p, invariant.Options{Workers: 1})
	if err != nil {
		return []Vector{impossible("invariant.Reconcile", err.Error())}
	}
	call := fmt.Sprintf("Invariant.reconcile %s ⟨%s, %s⟩", list(slices.Concat(batch...), eventText), list(p.certified, eventText), list(p.quarantined, eventText))
	form, verdict := "invariant.Reconcile.merge", ""
	if r.Merged() {
		verdict = ".merge " + list(eventsOf(r.Trace), eventText)
	} else {
		form, verdict = "invariant.Reconcile.obstructed", ".obstructed "+list(r.Obstructions, obstructionText)
	}
	return []Vector{{Form: form, Call: call, Out: fmt.Sprintf("⟨%s, %d, %d, %d⟩", verdict, r.Events, r.Duplicates, r.Repeats)}}
}

func obstructionText(o invariant.Obstruction) string {
	kind := map[cert.ObstructionKind]string{
		cert.Equivocation: ".equivocation", cert.Lamport: ".lamport", cert.MissingDep: ".missingDep", cert.Stale: ".stale",
	}[o.Kind]
	return fmt.Sprintf("⟨%s, %s, %s⟩", keyText(o.Key), kind, keyText(o.Dep))
}
