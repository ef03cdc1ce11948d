package section

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/order"
	"github.com/omega-sheaf-os/omega/impl/kernel/parallel"
)

// blockSize is how many entries a worker takes at a time.
const blockSize = 1 << 14

// DamageError says which of several sections is damaged, and how (SEC-3).
type DamageError struct {
	Source int // its place among the sections, from 0
	Err    *frame.Error
}

func (e *DamageError) Error() string { return fmt.Sprintf("section %d: %v", e.Source, e.Err) }

func (e *DamageError) Unwrap() error { return e.Err }

// Glue scans the sections in files and glues them into one trace (GLU-1 to
// GLU-4), which reads from files for as long as it lives. Errors: *DamageError
// for the first section, by place, that is damaged; order.ErrSource and
// order.ErrOffset for more, or larger, files than a trace can name; opt.Alloc's.
func Glue(files [][]byte, opt Options) (*Trace, error) {
	opt = opt.WithDefaults()
	bases, err := bases(files)
	if err != nil {
		return nil, err
	}
	ix := index{alloc: opt.Alloc}
	ix.expect(files)
	for i, file := range files {
		_, err := scan(file, bases[i], opt, &ix)
		var damage *frame.Error
		if errors.As(err, &damage) {
			return nil, &DamageError{Source: i, Err: damage}
		}
	}
	entries := ix.entries
	scratch := ix.room(len(entries))
	if ix.err != nil {
		return nil, ix.err
	}
	t := &Trace{src: files}
	sorted, distinct := order.Sort(entries, t.src, scratch, opt.Workers, opt.Run)
	if distinct {
		t.entries = sorted
		return t, nil
	}
	if &sorted[0] == &scratch[0] {
		scratch = entries
	}
	t.collapse(sorted, scratch, opt)
	return t, nil
}

// bases returns the Ref of offset 0 of each file, if all of the files fit.
func bases(files [][]byte) ([]order.Ref, error) {
	all := make([]order.Ref, len(files))
	for i, file := range files {
		end, err := order.NewRef(i, int64(len(file)))
		if err != nil {
			return nil, err
		}
		all[i] = end - order.Ref(len(file))
	}
	return all, nil
}

// index gathers entries whose number is not known before they are all there.
type index struct {
	alloc   func(n int) ([]order.Entry, error)
	entries []order.Entry
	err     error // alloc's first; with it the entries are worth nothing
}

// room returns n entries of any content, none after an error.
func (x *index) room(n int) []order.Entry {
	if x.err != nil {
		return nil
	}
	var room []order.Entry
	room, x.err = x.alloc(n)
	return room
}

// sampleFrames is from how many frames of each file their number is guessed.
const sampleFrames = 64

// expect makes room for as many entries as files are likely to hold.
func (x *index) expect(files [][]byte) {
	n := 0
	for _, file := range files {
		at, frames := int64(frame.HeaderSize), int64(0)
		for ; frames < sampleFrames; frames++ {
			_, next, err := frame.Next(file, min(at, int64(len(file))))
			if err != nil {
				break
			}
			at = next
		}
		if frames > 0 {
			guess := frames * int64(len(file)) / at
			n += int(guess + guess/32 + sampleFrames)
		}
	}
	x.entries = x.room(n)[:0]
}

// add appends entries.
func (x *index) add(entries []order.Entry) {
	used := len(x.entries)
	if cap(x.entries)-used < len(entries) {
		more := x.room(2*cap(x.entries) + len(entries))[:0]
		if x.err != nil {
			return
		}
		x.entries = append(more, x.entries...)
	}
	x.entries = append(x.entries, entries...)
}

// collapse makes sorted the entries of t and sets identical copies apart, in
// spare, which is as long (GLU-2, GLU-3).
func (t *Trace) collapse(sorted, spare []order.Entry, opt Options) {
	cuts := t.cuts(sorted)
	blocks := make([]block, len(cuts)-1)
	parallel.Blocks(opt.Run, opt.Workers, len(blocks), 1, func(_, b, _ int) {
		from, to := cuts[b], cuts[b+1]
		blocks[b] = t.collapseBlock(sorted[from:to], spare[from:to])
	})
	kept, copies := 0, 0
	for i, b := range blocks {
		kept += moveTo(sorted, kept, cuts[i], b.kept)
		copies += moveTo(spare, copies, cuts[i], b.copies)
		t.conflicts += b.conflicts
	}
	t.entries, t.copies = sorted[:kept], spare[:copies]
}

// moveTo moves n entries that begin at from down to to, and returns n.
func moveTo(entries []order.Entry, to, from, n int) int {
	if to != from {
		copy(entries[to:], entries[from:from+n])
	}
	return n
}

// block counts what one worker has found in one block.
type block struct{ kept, copies, conflicts int }

// cuts splits sorted into blocks that split no group: from 0 to its length.
func (t *Trace) cuts(sorted []order.Entry) []int {
	cuts := []int{0}
	for at := blockSize; at < len(sorted); at += blockSize {
		if at <= cuts[len(cuts)-1] {
			continue
		}
		if t.sameKey(sorted[at-1], sorted[at]) {
			at = t.src.GroupEnd(sorted, at)
		}
		cuts = append(cuts, at)
	}
	if last := cuts[len(cuts)-1]; last != len(sorted) || last == 0 {
		cuts = append(cuts, len(sorted))
	}
	return cuts
}

func (t *Trace) sameKey(a, b order.Entry) bool {
	return a.Lamport == b.Lamport && sameBytes(t.src.Key(a.Ref), t.src.Key(b.Ref))
}

// collapseBlock moves one copy of each event, the first by place, to the front
// of sorted and the others to the front of spare.
func (t *Trace) collapseBlock(sorted, spare []order.Entry) block {
	var b block
	for from := 0; from < len(sorted); {
		to := from + 1
		for to < len(sorted) && t.sameKey(sorted[from], sorted[to]) {
			to++
		}
		if to == from+1 {
			sorted[b.kept] = sorted[from]
			b.kept++
		} else {
			t.collapseGroup(sorted, spare, from, to, &b)
		}
		from = to
	}
	return b
}

// collapseGroup does so for the entries of one key, from up to to.
func (t *Trace) collapseGroup(sorted, spare []order.Entry, from, to int, b *block) {
	slices.SortFunc(sorted[from:to], t.compareCopies)
	before := b.kept
	var last event.View
	for _, e := range sorted[from:to] {
		if v := t.event(e.Ref); last == nil || !bytes.Equal(last, v) {
			sorted[b.kept] = e // never ahead of the entry that is read
			b.kept++
			last = v
		} else {
			spare[b.copies] = e
			b.copies++
		}
	}
	if b.kept-before > 1 {
		b.conflicts++
	}
}

// compareCopies orders entries of one key by the events' bytes, then by place.
func (t *Trace) compareCopies(a, b order.Entry) int {
	return cmp.Or(bytes.Compare(t.event(a.Ref), t.event(b.Ref)), cmp.Compare(a.Ref, b.Ref))
}
