package graph

import (
	"fmt"
	"math"
	"slices"
)

// causes holds the causes of each event: those of event i are
// all[start[i]:end[i]].
type causes struct {
	start, end []int
	all        []int32
}

func (c *causes) of(i int32) []int32 { return c.all[c.start[i]:c.end[i]] }

// gather sorts the links by event, each cause once.
func (g *Graph) gather() *causes {
	n := len(g.events)
	c := &causes{start: make([]int, n+1), end: make([]int, n), all: make([]int32, len(g.links))}
	for _, l := range g.links {
		c.start[l.from+1]++
	}
	for i := range n {
		c.start[i+1] += c.start[i]
		c.end[i] = c.start[i]
	}
	for _, l := range g.links {
		c.all[c.end[l.from]] = l.to
		c.end[l.from]++
	}
	g.links = nil
	for i := range n {
		own := c.all[c.start[i]:c.end[i]]
		slices.Sort(own)
		c.end[i] = c.start[i] + len(slices.Compact(own))
	}
	return c
}

// finished is the index of an event whose component is complete: larger than any
// other, so that it lowers nothing.
const finished = math.MaxInt32

// search finds the strongly connected components of the events by the method of
// Tarjan: a component is complete after all that its events come after.
type search struct {
	g           *Graph
	causes      *causes
	index, low  []int32 // by event; index 0: not yet seen
	stack       []int32 // events of components that are not complete
	path        []step
	seen        int32
	incomponent []bool // by event; used while one component is judged
}

// step is one event on the way from where the search began.
type step struct {
	event int32
	next  int // of its causes, the one to look at next
}

// lamports sets the Lamport time of each event, leaves out causes that lie on a
// cycle with their event, and returns the causes that stay (IMP-17, IMP-19).
func (g *Graph) lamports() *causes {
	n := len(g.events)
	s := &search{g: g, causes: g.gather(), index: make([]int32, n), low: make([]int32, n), incomponent: make([]bool, n)}
	for i := range n {
		if s.index[i] == 0 {
			s.from(int32(i))
		}
	}
	return s.causes
}

// from searches all that event i comes after.
func (s *search) from(i int32) {
	s.enter(i)
	for len(s.path) > 0 {
		top := &s.path[len(s.path)-1]
		own := s.causes.of(top.event)
		if top.next == len(own) {
			s.leave()
			continue
		}
		cause := own[top.next]
		top.next++
		if s.index[cause] == 0 {
			s.enter(cause)
		} else {
			s.low[top.event] = min(s.low[top.event], s.index[cause])
		}
	}
}

func (s *search) enter(i int32) {
	s.seen++
	s.index[i], s.low[i] = s.seen, s.seen
	s.stack = append(s.stack, i)
	s.path = append(s.path, step{event: i})
}

// leave goes back from the event at the path's end, and completes its component
// if that was the first of it.
func (s *search) leave() {
	i := s.path[len(s.path)-1].event
	s.path = s.path[:len(s.path)-1]
	if len(s.path) > 0 {
		before := s.path[len(s.path)-1].event
		s.low[before] = min(s.low[before], s.low[i])
	}
	if s.low[i] != s.index[i] {
		return
	}
	at := len(s.stack) - 1
	for s.stack[at] != i {
		at--
	}
	s.complete(s.stack[at:])
	s.stack = s.stack[:at]
}

// complete cuts the links within a component and sets its Lamport times: all
// other causes have theirs.
func (s *search) complete(component []int32) {
	for _, i := range component {
		s.incomponent[i] = true
	}
	for _, i := range component {
		s.index[i] = finished
		s.cut(i, len(component))
		n := &s.g.events[i]
		for _, cause := range s.causes.of(i) {
			n.lamport = max(n.lamport, s.g.events[cause].lamport)
		}
		n.lamport++
	}
	for _, i := range component {
		s.incomponent[i] = false
	}
}

// cut leaves out the causes of event i that lie on a cycle with it.
func (s *search) cut(i int32, size int) {
	own := s.causes.of(i)
	kept := slices.DeleteFunc(own, func(cause int32) bool { return s.incomponent[cause] })
	if len(kept) == len(own) {
		return
	}
	s.causes.end[i] = s.causes.start[i] + len(kept)
	s.g.in.Note(Cycle, s.g.events[i].at, func() string {
		if size == 1 {
			return "the event names itself as its cause"
		}
		return fmt.Sprintf("the event comes after itself: %d events lie on its cycle, none of which is made a dep of another", size)
	})
}
