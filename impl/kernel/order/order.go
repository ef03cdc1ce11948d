// Package order puts events into canonical order: by their ordering keys, read
// as 28 bytes from the left (clause ORD-1).
//
// Events stay where they are, in mapped files. What is sorted is an index of 16
// bytes an event, its Lamport time and a Ref, which says in which source the
// event lies and at which offset (ORD-2):
//
//	ref = source<<44 | offset of the event in bytes
//
// Entries with the same key stand together, ordered by Ref; whether their bytes
// agree is for package section (ORD-3). So the order depends on the entries
// alone: neither on their first order nor on the number of workers.
package order

import (
	"errors"
	"fmt"
	"iter"

	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

const (
	offsetBits = 44

	// MaxSources is the largest number of sources (ORD-2).
	MaxSources = 1 << (64 - offsetBits)
	// MaxOffset is the largest offset of an event in its source, in bytes (ORD-2).
	MaxOffset = 1<<offsetBits - 1
)

// Where an event lies beyond what a Ref can say (ORD-2). Match with errors.Is.
var (
	ErrSource = errors.New("order: source number out of range")
	ErrOffset = errors.New("order: offset out of range")
)

// Ref says where an event lies: in which source, at which offset (ORD-2).
type Ref uint64

// NewRef returns the Ref of the event at offset, in bytes, of the source with
// the number source (ORD-2). Errors: ErrSource, ErrOffset.
func NewRef(source int, offset int64) (Ref, error) {
	if source < 0 || source >= MaxSources {
		return 0, fmt.Errorf("%w: %d, at most %d", ErrSource, source, MaxSources-1)
	}
	if offset < 0 || offset > MaxOffset {
		return 0, fmt.Errorf("%w: %d in source %d, at most %d", ErrOffset, offset, source, int64(MaxOffset))
	}
	return Ref(source)<<offsetBits | Ref(offset), nil
}

// Source returns the number of the source that holds the event (ORD-2).
func (r Ref) Source() int { return int(r >> offsetBits) }

// Offset returns the event's offset in its source, in bytes (ORD-2).
func (r Ref) Offset() int64 { return int64(r & MaxOffset) }

// Entry stands for one event. Lamport is the first field of its key.
type Entry struct {
	Lamport uint64
	Ref     Ref
}

// Sources are the mapped files that hold the events, by number (ORD-2).
type Sources [][]byte

// Key returns the key of the event at r, in place. r must lie in s (ORD-2).
func (s Sources) Key(r Ref) *key.Key { return (*key.Key)(s[r.Source()][r.Offset():]) }

// GroupEnd returns the end of the group at from: the least to > from such that
// sorted[from] and sorted[to] have different keys, or len(sorted) (ORD-3).
// Where from lies inside a group, to ends that group.
func (s Sources) GroupEnd(sorted []Entry, from int) int {
	first := sorted[from]
	to := from + 1
	for to < len(sorted) && sorted[to].Lamport == first.Lamport && *s.Key(sorted[to].Ref) == *s.Key(first.Ref) {
		to++
	}
	return to
}

// Groups walks sorted group by group: all entries with one key at a time, in
// canonical order (ORD-3).
func (s Sources) Groups(sorted []Entry) iter.Seq[[]Entry] {
	return func(yield func([]Entry) bool) {
		for from := 0; from < len(sorted); {
			to := s.GroupEnd(sorted, from)
			if !yield(sorted[from:to:to]) {
				return
			}
			from = to
		}
	}
}
