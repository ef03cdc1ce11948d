package git

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// write writes each author's section, and the table of names, into dir. It
// returns the size of all sections in bytes.
func (h *history) write(ctx context.Context, dir string, authors []*author, payloads *importer.Spool, steps *steps) (int64, error) {
	names := make([]importer.Name, len(authors))
	for i, a := range authors {
		names[i] = a.name(len(authors))
	}
	table := importer.AppendNames(nil, names)
	if err := os.WriteFile(filepath.Join(dir, importer.NamesFile), table, 0o666); err != nil {
		return 0, err
	}
	parts, sizes := h.byAuthor(authors), make([]int64, len(authors))
	err := importer.Each(ctx, len(authors), func(ctx context.Context, i int) (err error) {
		e := &encoder{h: h, payloads: payloads}
		return payloads.Guard(func() error {
			sizes[i], err = e.section(ctx, filepath.Join(dir, names[i].File), names[i].Node, parts[i], steps)
			return err
		})
	})
	var bytes int64
	for _, n := range sizes {
		bytes += n
	}
	return bytes, err
}

// byAuthor returns the places of each author's commits, in the order of their keys.
func (h *history) byAuthor(authors []*author) [][]int32 {
	order := make([]int32, len(h.commits))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(i, j int32) int {
		a, b := h.key(int(i)), h.key(int(j))
		return cmp.Or(cmp.Compare(a.Node(), b.Node()), a.Compare(&b))
	})
	var parts [][]int32
	for _, a := range authors {
		parts = append(parts, order[:a.commits])
		order = order[a.commits:]
	}
	return parts
}

// encoder makes events of commits, reusing its buffers.
type encoder struct {
	h        *history
	payloads *importer.Spool
	event    event.Event
	bytes    []byte
}

// section writes one section of the given commits and returns its size in bytes.
func (e *encoder) section(ctx context.Context, path string, node uint32, commits []int32, steps *steps) (int64, error) {
	w, err := omegalog.Create(path, node)
	if err != nil {
		return 0, err
	}
	defer w.Abort()
	size := int64(frame.HeaderSize)
	for _, i := range commits {
		if err := e.encode(int(i)); err != nil {
			return 0, err
		}
		if err := w.Append(e.bytes); err != nil {
			return 0, err
		}
		size += frame.Overhead + int64(len(e.bytes))
		if err := steps.step(ctx); err != nil {
			return 0, err
		}
	}
	return size, w.Close()
}

// encode puts the event of commit i into e.bytes (IMP-8 to IMP-11).
func (e *encoder) encode(i int) (err error) {
	c := &e.h.commits[i]
	e.event.Key, e.event.Value = e.h.key(i), c.value
	e.event.Deps = e.event.Deps[:0]
	for _, j := range e.h.parents[c.links.start:c.links.end] {
		e.event.Deps = append(e.event.Deps, e.h.key(int(j)))
	}
	slices.SortFunc(e.event.Deps, func(a, b key.Key) int { return a.Compare(&b) })
	e.event.Payload = e.payloads.At(c.payload)
	e.bytes, err = e.event.Append(e.bytes[:0])
	return err
}
