package invariant_test

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// memoryPast is a past in maps.
type memoryPast struct {
	certified   map[key.Key]string
	quarantined map[key.Key][]string
}

func newPast() *memoryPast {
	return &memoryPast{certified: map[key.Key]string{}, quarantined: map[key.Key][]string{}}
}

func (p *memoryPast) Versions(k *key.Key) []invariant.Version {
	var all []string
	if e, ok := p.certified[*k]; ok {
		all = append(all, e)
	}
	var versions []invariant.Version
	for i, e := range append(all, p.quarantined[*k]...) {
		versions = append(versions, invariant.Version{
			Event: event.View(e), Frame: invariant.Frame{File: "past " + k.String(), Offset: int64(i)},
		})
	}
	return versions
}

func (p *memoryPast) Frontier(node uint32, stream uint16) (frontier key.Key, ok bool) {
	for k := range p.certified {
		if k.Node() == node && k.Stream() == stream && k.Compare(&frontier) >= 0 {
			frontier, ok = k, true
		}
	}
	return frontier, ok
}

// certify takes the events of a merge into the past.
func (p *memoryPast) certify(events []string) {
	for _, e := range events {
		p.certified[*event.View(e).Key()] = e
	}
}

// a read is one frame of a batch.
type read struct {
	event string
	frame invariant.Frame
}

func readAll(inputs []invariant.Input) []read {
	var all []read
	for _, in := range inputs {
		for at := int64(frame.HeaderSize); at < int64(len(in.Data)); {
			e, next, err := frame.Next(in.Data, at)
			if err != nil {
				panic(err)
			}
			all = append(all, read{string(e), invariant.Frame{File: in.Name, Offset: at}})
			at = next
		}
	}
	return all
}

// outcome is what the plain version finds.
type outcome struct {
	events, duplicates, repeats uint64
	obstructions                []invariant.Obstruction
	concerned                   []string
	trace                       []string
	root                        merkle.Hash
	streams                     []cert.Stream
}

// plain reconciles by maps, full copies and the words of the clauses.
func plain(inputs []invariant.Input, past invariant.Past) *outcome {
	reads := readAll(inputs)
	batch := map[key.Key][]string{} // the distinct versions of each key
	copies := map[key.Key][]read{}
	for _, r := range reads {
		k := *event.View(r.event).Key()
		copies[k] = append(copies[k], r)
		if !slices.Contains(batch[k], r.event) {
			batch[k] = append(batch[k], r.event)
		}
	}
	o := &outcome{}
	for k, versions := range batch {
		o.judge(k, versions, batch, copies[k], past)
	}
	o.duplicates = uint64(len(reads)) - o.events - o.repeats
	slices.SortFunc(o.obstructions, func(a, b invariant.Obstruction) int {
		return cmp.Or(a.Key.Compare(&b.Key), cmp.Compare(a.Kind, b.Kind), a.Dep.Compare(&b.Dep))
	})
	slices.Sort(o.concerned)
	o.concerned = slices.Compact(o.concerned)
	if len(o.obstructions) == 0 {
		o.merge()
	} else {
		o.trace = nil
	}
	return o
}

func (o *outcome) judge(k key.Key, versions []string, batch map[key.Key][]string, copies []read, past invariant.Past) {
	frames := func(concerned func(e string) bool) (list []invariant.Frame) {
		for _, r := range copies {
			if concerned(r.event) {
				list = append(list, r.frame)
			}
		}
		return list
	}
	every := func(string) bool { return true }
	add := func(kind cert.ObstructionKind, dep key.Key, frames []invariant.Frame) {
		o.obstructions = append(o.obstructions, invariant.Obstruction{Kind: kind, Key: k, Dep: dep, Frames: frames})
		o.concerned = append(o.concerned, versions...)
	}
	if known := past.Versions(&k); len(known) > 0 {
		var pastEvents []string
		var pastFrames []invariant.Frame
		for _, v := range known {
			pastEvents = append(pastEvents, string(v.Event))
			pastFrames = append(pastFrames, v.Frame)
		}
		rewritten := false
		for _, e := range versions {
			if slices.Contains(pastEvents, e) {
				o.repeats++
			} else {
				o.events++
				rewritten = true
			}
		}
		if rewritten {
			add(cert.Equivocation, key.Key{}, append(frames(every), pastFrames...))
			o.concerned = append(o.concerned, pastEvents...)
		}
		return
	}
	o.events += uint64(len(versions))
	o.trace = append(o.trace, versions...)
	if len(versions) > 1 {
		add(cert.Equivocation, key.Key{}, frames(every))
	}
	deps := map[key.Key]bool{}
	for _, e := range versions {
		for _, dep := range event.View(e).Event().Deps {
			deps[dep] = true
		}
	}
	for dep := range deps {
		has := func(e string) bool { return slices.Contains(event.View(e).Event().Deps, dep) }
		if dep.Lamport() >= k.Lamport() {
			add(cert.Lamport, dep, frames(has))
		} else if len(batch[dep]) == 0 && len(past.Versions(&dep)) == 0 {
			add(cert.MissingDep, dep, frames(has))
		}
	}
	if frontier, ok := past.Frontier(k.Node(), k.Stream()); ok && k.Compare(&frontier) <= 0 {
		add(cert.Stale, key.Key{}, frames(every))
	}
}

func (o *outcome) merge() {
	slices.SortFunc(o.trace, func(a, b string) int { return bytes.Compare([]byte(a), []byte(b)) })
	var leaves []merkle.Hash
	streams := map[[2]uint32]*cert.Stream{}
	for _, e := range o.trace {
		leaves = append(leaves, merkle.LeafHash([]byte(e)))
		k := event.View(e).Key()
		id := [2]uint32{k.Node(), uint32(k.Stream())}
		if streams[id] == nil {
			streams[id] = &cert.Stream{Node: k.Node(), Stream: k.Stream(), First: *k}
		}
		streams[id].Last = *k
		streams[id].Stats.Add(event.View(e).Value())
	}
	o.root = merkle.Root(leaves)
	for _, s := range streams {
		o.streams = append(o.streams, *s)
	}
	slices.SortFunc(o.streams, func(a, b cert.Stream) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Stream, b.Stream))
	})
}

// frontierPast is a memoryPast that keeps its frontiers.
type frontierPast struct {
	*memoryPast
	frontiers map[[2]uint32]key.Key
}

func newFrontierPast(events []string) *frontierPast {
	p := &frontierPast{newPast(), map[[2]uint32]key.Key{}}
	p.certify(events)
	for k := range p.certified {
		id := [2]uint32{k.Node(), uint32(k.Stream())}
		if last := p.frontiers[id]; k.Compare(&last) > 0 {
			p.frontiers[id] = k
		}
	}
	return p
}

func (p *frontierPast) Frontier(node uint32, stream uint16) (key.Key, bool) {
	k, ok := p.frontiers[[2]uint32{node, uint32(stream)}]
	return k, ok
}
