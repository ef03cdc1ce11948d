package shiviz

import (
	"cmp"
	"slices"
)

// link judges all clocks and links each event to its immediate predecessors
// (IMP-30, IMP-32).
func (r *reader) link() error {
	l := &linker{reader: r, byHost: make([][]int32, len(r.names))}
	for i := range r.events {
		h := r.events[i].host
		l.byHost[h] = append(l.byHost[h], int32(i))
	}
	for _, own := range l.byHost {
		slices.SortFunc(own, func(i, j int32) int { return cmp.Compare(r.events[i].own, r.events[j].own) })
	}
	for i := range r.events {
		e := &r.events[i]
		if at, found := l.find(e.host, e.own); !found || at != int32(i) {
			return r.refuse(e.at, "it is event %d of %q, and the log lacks event %d", e.own, r.names[e.host], l.gap(e.host))
		}
	}
	for i := range r.events {
		if err := l.event(int32(i)); err != nil {
			return err
		}
	}
	return nil
}

type linker struct {
	*reader
	byHost [][]int32 // events, by their host's count
	latest []int32   // what the event at hand comes after, as far as it is new to its host
}

// find returns the event with which a host counts n, where it counts without a gap.
func (l *linker) find(host int32, n uint32) (i int32, found bool) {
	own := l.byHost[host]
	if uint64(n) > uint64(len(own)) {
		return 0, false
	}
	return own[n-1], true
}

// event judges the clock of event i and links it.
func (l *linker) event(i int32) error {
	e := &l.events[i]
	var before []count
	l.latest = l.latest[:0]
	if e.own > 1 {
		previous, _ := l.find(e.host, e.own-1)
		before = l.clockOf(&l.events[previous])
		l.latest = append(l.latest, previous)
	}
	clock := l.clockOf(e)
	for _, c := range before {
		if n := of(clock, c.host); n < c.n {
			return l.refuse(e.at, "the clock of %q goes back: it knows event %d of %q, and knew event %d", l.names[e.host], n, l.names[c.host], c.n)
		}
	}
	for _, c := range clock {
		if c.host == e.host || c.n <= of(before, c.host) {
			continue
		}
		if err := l.news(e, c); err != nil {
			return err
		}
	}
	for _, j := range l.latest {
		if !l.implied(j) {
			l.g.Link(i, j)
		}
	}
	return nil
}

// gap returns the first count that the log lacks of a host, where it lacks one that
// is less than another.
func (l *linker) gap(host int32) int {
	n := 0
	for int(l.events[l.byHost[host][n]].own) == n+1 {
		n++
	}
	return n + 1
}

// news takes what the clock of e says of another host that its host did not know
// before.
func (l *linker) news(e *occurrence, c count) error {
	j, found := l.find(c.host, c.n)
	if !found {
		return l.refuse(e.at, "the clock knows event %d of %q, which is not in the log", c.n, l.names[c.host])
	}
	clock := l.clockOf(e)
	for _, known := range l.clockOf(&l.events[j]) {
		n := of(clock, known.host)
		if known.host == e.host {
			n = e.own - 1
		}
		if n < known.n {
			return l.refuse(e.at, "the clock knows event %d of %q, which knows event %d of %q: this one comes after event %d of it",
				c.n, l.names[c.host], known.n, l.names[known.host], n)
		}
	}
	l.latest = append(l.latest, j)
	return nil
}

// implied tells whether event j, one of the latest, is before another of them.
func (l *linker) implied(j int32) bool {
	e := &l.events[j]
	return slices.ContainsFunc(l.latest, func(k int32) bool {
		return k != j && of(l.clockOf(&l.events[k]), e.host) >= e.own
	})
}
