package section

import (
	"encoding/binary"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/order"
)

// A Trace is what sections glue to: their distinct events in canonical order,
// as an index over the sections' bytes (GLU-2). The versions of a key in
// conflict stand side by side, ordered by their bytes (GLU-3).
type Trace struct {
	src       order.Sources
	entries   []order.Entry // one for each distinct event, by (key, bytes)
	copies    []order.Entry // identical copies beyond the first, by (key, bytes, place)
	conflicts int           // keys with more than one entry
}

// Copy says where one copy of an event lies: in which section, by its place
// among them from 0, and at which offset of a frame, in bytes (OBS-3).
type Copy struct {
	Source int
	Offset int64
}

// Len returns the number of distinct events (GLU-2).
func (t *Trace) Len() int { return len(t.entries) }

// Duplicates returns the number of identical copies beyond the first (GLU-2).
func (t *Trace) Duplicates() int { return len(t.copies) }

// Conflicts returns the number of keys with more than one version (GLU-3).
func (t *Trace) Conflicts() int { return t.conflicts }

// Event returns event i, 0 <= i < Len, in canonical order, in place (GLU-2).
func (t *Trace) Event(i int) event.View { return t.event(t.entries[i].Ref) }

// Key returns the key of event i, in place (GLU-2).
func (t *Trace) Key(i int) *key.Key { return t.src.Key(t.entries[i].Ref) }

// At returns where the first copy of event i lies (GLU-2).
func (t *Trace) At(i int) Copy { return copyAt(t.entries[i].Ref) }

func (t *Trace) event(r order.Ref) event.View {
	file, at := t.src[r.Source()], r.Offset()
	n := binary.BigEndian.Uint32(file[at-frame.Overhead:])
	return event.View(file[at : at+int64(n) : at+int64(n)])
}

func copyAt(r order.Ref) Copy {
	return Copy{Source: r.Source(), Offset: r.Offset() - frame.Overhead}
}

// SameKey reports whether events i-1 and i are versions of one key (GLU-3).
func (t *Trace) SameKey(i int) bool { return t.sameKey(t.entries[i-1], t.entries[i]) }

// Has reports whether an event with the key k stands before event i, whose
// Lamport time must be above that of k (GLU-2). The time it takes grows with the
// logarithm of the distance.
func (t *Trace) Has(k *key.Key, i int) bool {
	lamport := k.Lamport()
	at := firstAtOrAfter(t.entries[:i], lamport)
	for end := at + fewTies; at < end; at++ {
		if at >= i || t.entries[at].Lamport != lamport {
			return false
		}
		if sameBytes(k, t.src.Key(t.entries[at].Ref)) {
			return true
		}
	}
	_, found := t.search(t.entries[at:i], k)
	return found
}

const (
	// nearby is among how many entries most deps are found.
	nearby = 8
	// fewTies is how many entries of one Lamport time are looked at one by one.
	fewTies = 8
)

// firstAtOrAfter returns how many of entries, which are sorted, have Lamport
// times below lamport. It begins at the end, where most deps are. What is not a
// loop's condition here is no branch to the processor, which could not guess it.
func firstAtOrAfter(entries []order.Entry, lamport uint64) int {
	high := len(entries)
	if high > nearby {
		after := 0
		for _, e := range entries[high-nearby:] {
			if e.Lamport >= lamport {
				after++
			}
		}
		if after < nearby {
			return high - after
		}
		high -= nearby
	}
	low := high
	for step := nearby; low > 0 && entries[low-1].Lamport >= lamport; step *= 2 {
		high, low = low, max(low-step, 0)
	}
	for n := high - low; n > 0; {
		half := (n + 1) / 2
		if entries[low+half-1].Lamport < lamport {
			low += half
		}
		n -= half
	}
	return low
}

// sameBytes reports whether a and b are equal. Of keys with the same Lamport
// time it compares first what most often differs.
func sameBytes(a, b *key.Key) bool {
	return binary.LittleEndian.Uint64(a[8:]) == binary.LittleEndian.Uint64(b[8:]) && *a == *b
}

// search returns the place in entries of the first with the key k, and whether
// there is one.
func (t *Trace) search(entries []order.Entry, k *key.Key) (int, bool) {
	return slices.BinarySearchFunc(entries, k, func(e order.Entry, k *key.Key) int {
		return t.src.Key(e.Ref).Compare(k)
	})
}

// A Version is one version of an event, with all its copies by place (GLU-3).
type Version struct {
	Event  event.View
	Copies []Copy
}

// Versions returns all versions of the key of event i, by their bytes (GLU-3).
func (t *Trace) Versions(i int) []Version {
	k := t.Key(i)
	var all []order.Entry
	for _, list := range [][]order.Entry{t.entries, t.copies} {
		if from, ok := t.search(list, k); ok {
			all = append(all, list[from:t.src.GroupEnd(list, from)]...)
		}
	}
	slices.SortFunc(all, t.compareCopies)
	var versions []Version
	for _, e := range all {
		v := t.event(e.Ref)
		if n := len(versions); n == 0 || string(versions[n-1].Event) != string(v) {
			versions = append(versions, Version{Event: v})
		}
		last := &versions[len(versions)-1]
		last.Copies = append(last.Copies, copyAt(e.Ref))
	}
	return versions
}

// Drop takes out every event i for which drop says so; it must say the same of
// all versions of a key. Places beyond the first dropped one move (INV-5).
func (t *Trace) Drop(drop func(i int) bool) {
	kept := 0
	for i, e := range t.entries {
		if !drop(i) {
			t.entries[kept] = e
			kept++
		}
	}
	t.entries = t.entries[:kept]
	if t.conflicts == 0 {
		return
	}
	t.conflicts = 0
	for i := 1; i < kept; i++ {
		if t.SameKey(i) && (i == 1 || !t.SameKey(i-1)) {
			t.conflicts++
		}
	}
}
