package main

import (
	"math"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

// generator is splitmix64 (Steele, Lea and Flood, 2014): arithmetic on 64 bits
// alone, so the same numbers on every machine.
type generator struct{ state uint64 }

func (g *generator) next() uint64 {
	g.state += 0x9e3779b97f4a7c15
	z := g.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number from 0 to n-1, n at least 1.
func (g *generator) below(n int) int { return int(g.next() % uint64(n)) }

// bytes returns n bytes, one from each number.
func (g *generator) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.next() >> 56)
	}
	return b
}

// extremes are the values at which figures turn.
var extremes = []int32{math.MinInt32, math.MinInt32 + 1, -1, 0, 1, math.MaxInt32 - 1, math.MaxInt32}

// value is any i32, one in eight an extreme.
func (g *generator) value() int32 {
	if n := g.below(8 * len(extremes)); n < len(extremes) {
		return extremes[n]
	}
	return int32(g.next())
}

// key is any key of the given Lamport time, of one of few nodes and streams.
func (g *generator) key(lamport uint64) key.Key {
	return key.New(lamport, uint32(g.below(4)), uint16(g.below(2)), [event14]byte(g.bytes(event14)))
}

const event14 = key.EventIDSize

// log returns n events in causal order: the Lamport time grows by 0 or 1, and
// deps lie among the events of an earlier time. Keys are distinct.
func (g *generator) log(n int) []event.Event {
	events := make([]event.Event, 0, n)
	lamport, earlier := uint64(1), 0 // events[:earlier] have an earlier time
	for len(events) < n {
		if g.below(3) > 0 {
			lamport, earlier = lamport+1, len(events)
		}
		events = append(events, event.Event{
			Key: g.key(lamport), Value: g.value(), Deps: g.deps(events[:earlier]), Payload: g.bytes(g.below(64)),
		})
	}
	return events
}

// deps returns up to three keys of earlier, strictly increasing.
func (g *generator) deps(earlier []event.Event) []key.Key {
	if len(earlier) == 0 {
		return nil
	}
	var deps []key.Key
	for range g.below(4) {
		deps = append(deps, earlier[g.below(len(earlier))].Key)
	}
	slices.SortFunc(deps, func(a, b key.Key) int { return a.Compare(&b) })
	return slices.Compact(deps)
}

// shuffle puts list into any order.
func shuffle[T any](g *generator, list []T) {
	for i := len(list) - 1; i > 0; i-- {
		j := g.below(i + 1)
		list[i], list[j] = list[j], list[i]
	}
}
