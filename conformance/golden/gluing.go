package main

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/section"
)

// writeGluing prints what overlapping sections come to: summaries, then merges
// and obstructions, without a past and with one (SEC-2, GLU-1 to GLU-4, INV-1 to
// INV-9, OBS-1 to OBS-3).
func writeGluing(p *printer) {
	g := &generator{state: 6}
	for batch := range 5 {
		name := fmt.Sprintf("glue/%d/", batch)
		events := g.log(60 << batch)
		old, late := events[:len(events)/3], events[len(events)/3:]
		past := pastOf(old)
		for i, file := range g.overlap(events) {
			p.hex(fmt.Sprintf("%ssummary/%d", name, i), summary(file))
		}
		writeReconcile(p, name+"first", g.overlap(old), invariant.Empty{})
		writeReconcile(p, name+"next", g.overlap(late), past)
		writeReconcile(p, name+"repeats", g.overlap(events), past)
		writeReconcile(p, name+"no-past", g.overlap(late), invariant.Empty{})
		writeReconcile(p, name+"faults", g.overlap(g.spoil(events)), past)
	}
}

// overlap deals events out to four sections; one in four stands in two.
func (g *generator) overlap(events []event.Event) [][]byte {
	dealt := make([][]event.Event, 4)
	for i := range events {
		to := g.below(len(dealt))
		dealt[to] = append(dealt[to], events[i])
		if g.below(4) == 0 {
			other := (to + 1) % len(dealt)
			dealt[other] = append(dealt[other], events[i])
		}
	}
	files := make([][]byte, len(dealt))
	for i := range files {
		files[i] = sectionFile(dealt[i], uint32(i))
	}
	return files
}

// spoil returns events with a fault of each kind in many places: a second
// version, a dep on itself, a dep that nobody has, an event that comes late.
func (g *generator) spoil(events []event.Event) []event.Event {
	spoilt := slices.Clone(events)
	for range len(events) / 15 {
		e := events[g.below(len(events))]
		e.Value++
		spoilt = append(spoilt, e)

		i := g.below(len(spoilt))
		spoilt[i].Deps = []key.Key{spoilt[i].Key}
		i = g.below(len(spoilt))
		spoilt[i].Deps = []key.Key{g.key(0)}
		spoilt = append(spoilt, event.Event{Key: g.key(1)})
	}
	return spoilt
}

// certified is a past held in memory (INV-1).
type certified struct {
	versions map[key.Key][]invariant.Version
	frontier map[string]key.Key // by the bytes of node and stream
}

// pastOf returns the past in which events were merged.
func pastOf(events []event.Event) *certified {
	c := &certified{map[key.Key][]invariant.Version{}, map[string]key.Key{}}
	for i := range events {
		k := events[i].Key
		c.versions[k] = []invariant.Version{{
			Event: must(events[i].Append(nil)), Frame: invariant.Frame{File: "past", Offset: int64(i)},
		}}
		name := streamName(k.Node(), k.Stream())
		if last, ok := c.frontier[name]; !ok || last.Compare(&k) < 0 {
			c.frontier[name] = k
		}
	}
	return c
}

func streamName(node uint32, stream uint16) string { return fmt.Sprint(node, stream) }

// Versions implements invariant.Past.
func (c *certified) Versions(k *key.Key) []invariant.Version { return c.versions[*k] }

// Frontier implements invariant.Past.
func (c *certified) Frontier(node uint32, stream uint16) (key.Key, bool) {
	k, ok := c.frontier[streamName(node, stream)]
	return k, ok
}

// summary returns the fields of a section's summary, one after the other.
func summary(file []byte) []byte {
	s := must(section.Scan(file, section.Options{Workers: 2}))
	b := binary.BigEndian.AppendUint32(nil, s.Node)
	b = binary.BigEndian.AppendUint64(b, s.Frames)
	b = binary.BigEndian.AppendUint64(b, uint64(s.Bytes))
	b = binary.BigEndian.AppendUint64(b, s.Deps)
	b = append(append(b, s.First[:]...), s.Last[:]...)
	if s.Sorted {
		return append(b, 1)
	}
	return append(b, 0)
}

// writeReconcile prints the result of a batch, which must be the same for one
// worker and for more.
func writeReconcile(p *printer, name string, files [][]byte, past invariant.Past) {
	inputs := make([]invariant.Input, len(files))
	for i := range files {
		inputs[i] = invariant.Input{Name: fmt.Sprint("section ", i), Data: files[i]}
	}
	for workers := 1; workers <= 3; workers++ {
		r := must(invariant.Reconcile(inputs, past, invariant.Options{Workers: workers}))
		p.text(fmt.Sprintf("%s/%d/counts", name, workers), fmt.Sprint(r.Events, r.Duplicates, r.Repeats, len(r.Obstructions)))
		if r.Merged() {
			p.hex(fmt.Sprintf("%s/%d/root", name, workers), r.TraceRoot[:])
			body := cert.MergeBody{State: cert.NextState(cert.Hash{}, r.TraceRoot), Events: r.Events, Streams: r.Streams}
			p.digest(fmt.Sprintf("%s/%d/body", name, workers), body.Append(nil))
			continue
		}
		p.digest(fmt.Sprintf("%s/%d/obstructions", name, workers), appendObstructions(nil, r.Obstructions))
		p.digest(fmt.Sprintf("%s/%d/body", name, workers), r.ObstructionBody().Append(nil))
	}
}

// appendObstructions appends each obstruction with its frames.
func appendObstructions(b []byte, list []invariant.Obstruction) []byte {
	for i := range list {
		o := &list[i]
		b = append(b, byte(o.Kind))
		b = append(append(b, o.Key[:]...), o.Dep[:]...)
		for _, f := range o.Frames {
			b = fmt.Appendf(b, " %s %d\n", f.File, f.Offset)
		}
	}
	return b
}
