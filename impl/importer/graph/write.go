package graph

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// writer is one node with its events.
type writer struct {
	shown  string
	id     uint32  // IMP-17
	events []int32 // by key
	first  *node   // the least by (lamport, event id)
}

// write writes each writer's section, and the table of names, into dir.
func (g *Graph) write(dir string) (Summary, error) {
	if len(g.events) == 0 {
		return Summary{}, ErrEmpty
	}
	if err := g.numberStreams(); err != nil {
		return Summary{}, err
	}
	c := g.lamports()
	writers := g.byWriter()
	table := make([]importer.Name, len(writers))
	ids := make([]uint32, len(g.writers))
	for i := range writers {
		w := &writers[i]
		ids[g.events[w.events[0]].writer] = w.id
		table[i] = importer.Name{Node: w.id, File: importer.SectionFile(w.id, uint32(len(writers)), w.shown),
			Events: uint64(len(w.events)), Name: w.shown}
	}
	if err := os.WriteFile(filepath.Join(dir, importer.NamesFile), importer.AppendNames(nil, table), 0o666); err != nil {
		return Summary{}, err
	}
	if err := g.spool.Seal(); err != nil {
		return Summary{}, err
	}
	summary := g.summary(c, len(writers))
	sizes := make([]int64, len(writers))
	g.progress.writing(len(g.events))
	err := importer.Each(g.ctx, len(writers), func(ctx context.Context, i int) (err error) {
		e := &encoder{g: g, causes: c, ids: ids}
		return g.spool.Guard(func() error {
			sizes[i], err = e.section(ctx, filepath.Join(dir, table[i].File), &writers[i])
			return err
		})
	})
	for _, n := range sizes {
		summary.Bytes += n
	}
	return summary, err
}

func (g *Graph) summary(c *causes, writers int) Summary {
	s := Summary{Events: uint64(len(g.events)), Writers: uint64(writers), Duplicates: g.duplicates}
	for i := range g.events {
		s.MaxLamport = max(s.MaxLamport, g.events[i].lamport)
		own := len(c.of(int32(i)))
		s.Causes += uint64(own)
		if own == 0 {
			s.Roots++
		}
	}
	return s
}

// numberStreams numbers the streams of each writer that have an event (IMP-17).
func (g *Graph) numberStreams() error {
	used := make([]bool, len(g.streams))
	for i := range g.events {
		used[g.events[i].stream] = true
	}
	byName := make([]int32, 0, len(used))
	for i := range used {
		if used[i] {
			byName = append(byName, int32(i))
		}
	}
	slices.SortFunc(byName, func(i, j int32) int {
		return cmp.Or(cmp.Compare(g.streams[i].writer, g.streams[j].writer), cmp.Compare(g.streams[i].shown, g.streams[j].shown))
	})
	numbers := make([]uint16, len(used))
	next := 0
	for at, i := range byName {
		if at > 0 && g.streams[byName[at-1]].writer != g.streams[i].writer {
			next = 0
		}
		if next == maxStreams {
			return fmt.Errorf("%w: %q has more than %d", ErrStreams, g.writers[g.streams[i].writer].shown, maxStreams)
		}
		numbers[i] = uint16(next)
		next++
	}
	for i := range g.events {
		g.events[i].number = numbers[g.events[i].stream]
	}
	return nil
}

// byWriter gives each writer that has an event its id and its events, by id
// (IMP-17).
func (g *Graph) byWriter() []writer {
	counts := make([]int, len(g.writers))
	for i := range g.events {
		counts[g.events[i].writer]++
	}
	all := make([]int32, len(g.events))
	parts := make([][]int32, len(counts))
	for w, n := range counts {
		parts[w], all = all[:0:n], all[n:]
	}
	for i := range g.events {
		w := g.events[i].writer
		parts[w] = append(parts[w], int32(i))
	}
	var writers []writer
	for w, events := range parts {
		if len(events) > 0 {
			slices.SortFunc(events, g.compareInWriter)
			writers = append(writers, writer{shown: g.writers[w].shown, events: events, first: g.first(events)})
		}
	}
	slices.SortFunc(writers, func(a, b writer) int { return compareFirst(a.first, b.first) })
	for i := range writers {
		writers[i].id = uint32(i + 1)
	}
	return writers
}

// compareInWriter compares the keys of two events of one writer.
func (g *Graph) compareInWriter(i, j int32) int {
	a, b := &g.events[i], &g.events[j]
	return cmp.Or(cmp.Compare(a.lamport, b.lamport), cmp.Compare(a.number, b.number), bytes.Compare(a.id[:], b.id[:]))
}

// first returns the event that is least by (lamport, id), of events by key.
func (g *Graph) first(events []int32) *node {
	least := &g.events[events[0]]
	for _, i := range events {
		n := &g.events[i]
		if n.lamport != least.lamport {
			break
		}
		if compareFirst(n, least) < 0 {
			least = n
		}
	}
	return least
}

func compareFirst(a, b *node) int {
	return cmp.Or(cmp.Compare(a.lamport, b.lamport), bytes.Compare(a.id[:], b.id[:]))
}

// encoder makes events, reusing its buffers.
type encoder struct {
	g      *Graph
	causes *causes
	ids    []uint32 // by writer
	event  event.Event
	bytes  []byte
}

// section writes one section and returns its size in bytes.
func (e *encoder) section(ctx context.Context, path string, w *writer) (int64, error) {
	out, err := omegalog.Create(path, w.id)
	if err != nil {
		return 0, err
	}
	defer out.Abort()
	size := int64(frame.HeaderSize)
	for n, i := range w.events {
		if err := e.encode(i); err != nil {
			return 0, err
		}
		if err := out.Append(e.bytes); err != nil {
			return 0, err
		}
		size += frame.Overhead + int64(len(e.bytes))
		if (n+1)%checkEvery == 0 {
			e.g.progress.wrote(checkEvery)
			if ctx.Err() != nil {
				return 0, ctx.Err()
			}
		}
	}
	e.g.progress.wrote(len(w.events) % checkEvery)
	return size, out.Close()
}

// encode puts event i into e.bytes.
func (e *encoder) encode(i int32) (err error) {
	n := &e.g.events[i]
	e.event.Key, e.event.Value = e.key(i), n.value
	e.event.Deps = e.event.Deps[:0]
	for _, cause := range e.causes.of(i) {
		e.event.Deps = append(e.event.Deps, e.key(cause))
	}
	slices.SortFunc(e.event.Deps, func(a, b key.Key) int { return a.Compare(&b) })
	e.event.Payload = e.g.spool.At(n.payload)
	e.bytes, err = e.event.Append(e.bytes[:0])
	return err
}

// key returns the key of event i (IMP-17).
func (e *encoder) key(i int32) key.Key {
	n := &e.g.events[i]
	return key.New(n.lamport, e.ids[n.writer], n.number, n.id)
}
