package faults

import (
	"fmt"
	"slices"
	"sync"

	"github.com/omega-sheaf-os/omega/impl/transport"
)

// Wire is a transport.Bus between the goroutines of one process: whoever sends delivers.
type Wire struct {
	mu     sync.Mutex
	ends   []*wireEnd
	cut    func(from, to int) bool
	change func(from, to int, b []byte) [][]byte
}

type wireEnd struct {
	wire    *Wire
	member  int
	receive func(b []byte)
}

// NewWire returns a bus with so many places.
func NewWire(places int) *Wire { return &Wire{ends: make([]*wireEnd, places)} }

// Cut loses every message for which cut is true, until the next Cut; nil heals.
func (w *Wire) Cut(cut func(from, to int) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
}

// Change has change say what arrives in place of each message; nil: the message. It is
// called by one goroutine at a time.
func (w *Wire) Change(change func(from, to int, b []byte) [][]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.change = change
}

// Join implements transport.Bus.
func (w *Wire) Join(member int, receive func(b []byte)) (transport.Endpoint, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if member < 0 || member >= len(w.ends) {
		return nil, fmt.Errorf("%w: %d", transport.ErrUnknownMember, member)
	}
	if w.ends[member] != nil {
		return nil, fmt.Errorf("%w: %d", transport.ErrJoined, member)
	}
	w.ends[member] = &wireEnd{w, member, receive}
	return w.ends[member], nil
}

// deliver hands b over, or what comes in its place; the caller holds the lock.
func (w *Wire) deliver(from, to int, b []byte) {
	if w.cut != nil && w.cut(from, to) {
		return
	}
	all := [][]byte{b}
	if w.change != nil {
		all = w.change(from, to, b)
	}
	if end := w.ends[to]; end != nil {
		for _, b := range all {
			end.receive(slices.Clone(b))
		}
	}
}

// Send implements transport.Endpoint.
func (e *wireEnd) Send(to int, b []byte) error {
	e.wire.mu.Lock()
	defer e.wire.mu.Unlock()
	if to < 0 || to >= len(e.wire.ends) {
		return fmt.Errorf("%w: %d", transport.ErrUnknownMember, to)
	}
	e.wire.deliver(e.member, to, b)
	return nil
}

// Broadcast implements transport.Endpoint.
func (e *wireEnd) Broadcast(b []byte) error {
	e.wire.mu.Lock()
	defer e.wire.mu.Unlock()
	for to := range e.wire.ends {
		if to != e.member {
			e.wire.deliver(e.member, to, b)
		}
	}
	return nil
}

// Close implements transport.Endpoint.
func (e *wireEnd) Close() error {
	e.wire.mu.Lock()
	defer e.wire.mu.Unlock()
	if e.wire.ends[e.member] != e {
		return transport.ErrClosed
	}
	e.wire.ends[e.member] = nil
	return nil
}
