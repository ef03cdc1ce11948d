package member

import (
	"slices"
	"sync"
	"time"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

// entry is one event that waits to be certified or quarantined.
type entry struct {
	event    event.View
	signed   bool
	sequence uint64 // of the source; 0: from a file alone
	since    time.Time
	ack      func() error
	files    []*file // of the inbox that hold it
	overdue  bool    // not held back any more
}

// size is what an event takes in a section.
func size(e event.View) int64 { return frame.Overhead + int64(len(e)) }

// pool is the events that wait (MAN-11). Room is asked for by several goroutines, all
// else by the member's own.
type pool struct {
	limit      int
	limitBytes int64
	holdFor    time.Duration

	entries map[key.Key][]*entry // versions in the order of coming
	last    uint64               // the highest sequence number seen

	// Since the last choice: when the first event came that may be chosen, and the
	// least and the largest Lamport time. After a certificate all that wait are such.
	since     time.Time // zero: none
	low, high uint64

	// Of those held back by the last choice: how many, their bytes, and when the first
	// of them is to wait no more.
	held      int
	heldBytes int64
	overdueAt time.Time

	mu       sync.Mutex
	count    int   // of entries, and of what room is reserved for
	bytes    int64 // of those
	reserved int
}

func newPool(c *Config) *pool {
	return &pool{limit: c.PendingEvents, limitBytes: c.PendingBytes, holdFor: c.HoldFor, entries: map[key.Key][]*entry{}}
}

// reserve takes room for events to come, and reports whether there is any.
func (p *pool) reserve(n int, bytes int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count+n > p.limit || p.bytes+bytes > p.limitBytes {
		return false
	}
	p.count, p.bytes, p.reserved = p.count+n, p.bytes+bytes, p.reserved+n
	return true
}

// release gives room back that was reserved.
func (p *pool) release(n int, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count, p.bytes, p.reserved = p.count-n, p.bytes-bytes, p.reserved-n
}

// hasRoom reports whether a source may be asked for an event.
func (p *pool) hasRoom() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count < p.limit && p.bytes < p.limitBytes
}

func (p *pool) waiting() (n int, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count - p.reserved, p.bytes
}

func (p *pool) find(e event.View) *entry {
	for _, x := range p.entries[*e.Key()] {
		if string(x.event) == string(e) {
			return x
		}
	}
	return nil
}

// add takes an event that the past does not hold, or one more copy of it.
func (p *pool) add(e entry) {
	if known := p.find(e.event); known != nil {
		known.signed = known.signed || e.signed
		known.files = append(known.files, e.files...)
		if e.ack != nil {
			known.ack, known.sequence = e.ack, e.sequence
		}
		return
	}
	p.entries[*e.event.Key()] = append(p.entries[*e.event.Key()], &e)
	p.note(&e)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count, p.bytes = p.count+1, p.bytes+size(e.event)
}

// remove takes out an event, and returns it, or nil.
func (p *pool) remove(e event.View) *entry {
	x := p.find(e)
	if x == nil {
		return nil
	}
	k := *e.Key()
	rest := slices.DeleteFunc(p.entries[k], func(y *entry) bool { return y == x })
	p.entries[k] = rest
	if len(rest) == 0 {
		delete(p.entries, k)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count, p.bytes = p.count-1, p.bytes-size(x.event)
	return x
}

// choose returns the events to seal, in the order of their keys: those that came in
// the stream up to a place, and all from files, but for what is held back: an event
// that has a dep neither in the past nor among them, and what comes behind one such in
// its stream, which would make it stale (MAN-10).
func (p *pool) choose(upTo uint64, past invariant.Past, now time.Time) []*entry {
	chosen, held := p.divide(upTo, past, now)
	if p.forgive(held) {
		chosen, held = p.divide(upTo, past, now)
	}
	p.since, p.held, p.heldBytes, p.overdueAt = time.Time{}, len(held), 0, time.Time{}
	for _, x := range held {
		p.heldBytes += size(x.event)
		if at := x.since.Add(p.holdFor); p.overdueAt.IsZero() || at.Before(p.overdueAt) {
			p.overdueAt = at
		}
	}
	return chosen
}

type streamID struct {
	node   uint32
	stream uint16
}

func (p *pool) divide(upTo uint64, past invariant.Past, now time.Time) (chosen, held []*entry) {
	sealed, stopped := map[key.Key]bool{}, map[streamID]bool{}
	for _, x := range p.sorted() {
		k := x.event.Key()
		id := streamID{k.Node(), k.Stream()}
		x.overdue = x.overdue || now.Sub(x.since) >= p.holdFor
		switch {
		case x.sequence > upTo:
			stopped[id] = true
		case !x.overdue && (stopped[id] || p.waits(x.event, sealed, past)):
			stopped[id] = true
			held = append(held, x)
		default:
			sealed[*k] = true
			chosen = append(chosen, x)
		}
	}
	return chosen, held
}

// waits reports whether an event has a dep that may still come.
func (p *pool) waits(e event.View, sealed map[key.Key]bool, past invariant.Past) bool {
	for i := range e.DepCount() {
		dep := e.Dep(i)
		if dep.Lamport() < e.Key().Lamport() && !sealed[*dep] && len(past.Versions(dep)) == 0 {
			return true
		}
	}
	return false
}

// forgive makes overdue the oldest of the events held back, where these take more than
// half of the room, and reports whether it did.
func (p *pool) forgive(held []*entry) bool {
	n, bytes := len(held), int64(0)
	for _, x := range held {
		bytes += size(x.event)
	}
	slices.SortStableFunc(held, func(a, b *entry) int { return a.since.Compare(b.since) })
	forgiven := false
	for _, x := range held {
		if n <= p.limit/2 && bytes <= p.limitBytes/2 {
			break
		}
		x.overdue, forgiven = true, true
		n, bytes = n-1, bytes-size(x.event)
	}
	return forgiven
}

// sorted returns all entries by their keys, versions of one by their bytes.
func (p *pool) sorted() []*entry {
	all := make([]*entry, 0, len(p.entries))
	for _, versions := range p.entries {
		all = append(all, versions...)
	}
	slices.SortFunc(all, func(a, b *entry) int {
		if c := a.event.Key().Compare(b.event.Key()); c != 0 {
			return c
		}
		return slices.Compare(a.event, b.event)
	})
	return all
}

// note counts an event among those that may be chosen.
func (p *pool) note(x *entry) {
	lamport := x.event.Key().Lamport()
	if p.since.IsZero() {
		p.since, p.low, p.high = x.since, lamport, lamport
		return
	}
	p.low, p.high = min(p.low, lamport), max(p.high, lamport)
	if x.since.Before(p.since) {
		p.since = x.since
	}
}

// refresh has all that wait be looked at again: the past has changed.
func (p *pool) refresh() {
	p.since, p.held, p.heldBytes = time.Time{}, 0, 0
	for _, versions := range p.entries {
		for _, x := range versions {
			p.note(x)
		}
	}
}

// wish reports whether the events that wait should be closed: there are enough of
// them, or one has waited long enough.
func (p *pool) wish(c *Config, now time.Time) bool {
	n, bytes := p.waiting()
	switch {
	case n == 0:
		return false
	case !p.overdueAt.IsZero() && !now.Before(p.overdueAt):
		return true
	case p.since.IsZero():
		return false
	}
	return n-p.held >= c.BatchEvents || bytes-p.heldBytes >= c.BatchBytes || now.Sub(p.since) >= c.BatchAge ||
		c.BatchLamports > 0 && p.high-p.low >= c.BatchLamports
}
