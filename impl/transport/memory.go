package transport

import (
	"fmt"
	"math/rand/v2"
)

// Faults says how often, in thousandths of all messages, a Memory loses one,
// repeats one, or takes one out of its turn. The zero Faults has none: each
// message arrives once, in the order of sending.
type Faults struct {
	Seed                     uint64 // equal seeds and calls give equal runs
	Loss, Duplicate, Reorder int    // 0 to 999
}

// Memory is a Bus in one process. Nothing moves but by Deliver. It is not safe
// for concurrent use; a receive function may send.
type Memory struct {
	faults    Faults
	rng       *rand.Rand
	endpoints []*endpoint // by member; nil: not connected
	group     []int       // by member; those of one group hear each other
	queue     []message
}

type message struct {
	from, to int
	bytes    []byte
}

type endpoint struct {
	bus     *Memory
	member  int
	receive func(b []byte)
}

// NewMemory returns a bus for a number of members.
func NewMemory(members int, f Faults) *Memory {
	return &Memory{
		faults: f, rng: rand.New(rand.NewPCG(f.Seed, 0)),
		endpoints: make([]*endpoint, members), group: make([]int, members),
	}
}

// Join connects a member. The error wraps ErrUnknownMember or ErrJoined.
func (m *Memory) Join(member int, receive func(b []byte)) (Endpoint, error) {
	if err := m.check(member); err != nil {
		return nil, err
	}
	if m.endpoints[member] != nil {
		return nil, fmt.Errorf("%w: %d", ErrJoined, member)
	}
	m.endpoints[member] = &endpoint{m, member, receive}
	return m.endpoints[member], nil
}

func (m *Memory) check(member int) error {
	if member < 0 || member >= len(m.endpoints) {
		return fmt.Errorf("%w: got %d, there are %d", ErrUnknownMember, member, len(m.endpoints))
	}
	return nil
}

// Partition cuts the members into groups that do not hear each other; who stands
// in none hears nobody. Without a group it heals every cut. What is under way
// across a cut when its turn comes is lost.
func (m *Memory) Partition(groups ...[]int) error {
	for _, group := range groups {
		for _, member := range group {
			if err := m.check(member); err != nil {
				return err
			}
		}
	}
	for member := range m.group {
		m.group[member] = 0
		if len(groups) > 0 {
			m.group[member] = -1 - member
		}
	}
	for i, group := range groups {
		for _, member := range group {
			m.group[member] = i
		}
	}
	return nil
}

// Deliver hands the next message to its receiver, or loses it, and reports
// whether there was one. It is the oldest, unless the faults choose another.
func (m *Memory) Deliver() bool {
	if len(m.queue) == 0 {
		return false
	}
	i := 0
	if m.strikes(m.faults.Reorder) {
		i = m.rng.IntN(len(m.queue))
	}
	next := m.queue[i]
	if !m.strikes(m.faults.Duplicate) {
		m.queue = append(m.queue[:i], m.queue[i+1:]...)
	}
	to := m.endpoints[next.to]
	if m.strikes(m.faults.Loss) || to == nil || m.group[next.from] != m.group[next.to] {
		return true
	}
	to.receive(next.bytes)
	return true
}

func (m *Memory) strikes(thousandths int) bool {
	return thousandths > 0 && m.rng.IntN(1000) < thousandths
}

// Send puts b on its way to one other member. The error wraps ErrUnknownMember,
// ErrSelf or ErrClosed.
func (e *endpoint) Send(to int, b []byte) error {
	if err := e.bus.check(to); err != nil {
		return err
	}
	if to == e.member {
		return fmt.Errorf("%w: %d", ErrSelf, to)
	}
	if e.bus.endpoints[e.member] != e {
		return fmt.Errorf("%w: member %d", ErrClosed, e.member)
	}
	e.bus.queue = append(e.bus.queue, message{e.member, to, b})
	return nil
}

// Broadcast puts b on its way to all other members, in their order. The error
// wraps ErrClosed.
func (e *endpoint) Broadcast(b []byte) error {
	if e.bus.endpoints[e.member] != e {
		return fmt.Errorf("%w: member %d", ErrClosed, e.member)
	}
	for to := range e.bus.endpoints {
		if to != e.member {
			e.bus.queue = append(e.bus.queue, message{e.member, to, b})
		}
	}
	return nil
}

// Close disconnects the member, and loses what is under way to it. The error wraps
// ErrClosed.
func (e *endpoint) Close() error {
	if e.bus.endpoints[e.member] != e {
		return fmt.Errorf("%w: member %d", ErrClosed, e.member)
	}
	e.bus.endpoints[e.member] = nil
	kept := e.bus.queue[:0:0]
	for _, m := range e.bus.queue {
		if m.to != e.member {
			kept = append(kept, m)
		}
	}
	e.bus.queue = kept
	return nil
}
