package transport

import (
	"context"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// Item is one event from a Source.
type Item struct {
	// Sequence is the event's place in its stream, from 1, the same for all members.
	// Sequences grow, but for an item that comes again after a restart.
	Sequence uint64
	// Event is the event's bytes, well-formed (EVT-1). They must not be changed.
	Event []byte
	// Signed says that the event's writer has signed it on its way: the key that the
	// roster gives its node (ENG-11). Otherwise whoever may publish may have made it.
	Signed bool
	// Signature is the writer's, zero where the event is not signed.
	Signature cert.Signature
	// Ack says that the event is certified or quarantined: the source need not keep it
	// for this member. Until then it comes again after a restart.
	Ack func() error
}

// Source hands over published events.
type Source interface {
	// Next waits for the next event. Who does not call it holds the publishers back.
	// The error is the context's, or says why there will be no further event.
	Next(ctx context.Context) (Item, error)
}
