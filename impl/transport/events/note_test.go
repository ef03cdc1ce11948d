package events

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

func newNoting() *Consumer {
	return &Consumer{
		keys: func(uint32) []cert.PublicKey { return nil }, log: orDiscard(nil),
		held: map[uint64]struct{}{}, missing: map[uint64]struct{}{},
	}
}

func TestWhatIsPassedOverIsMissingUntilItComes(t *testing.T) {
	c := newNoting()
	for _, step := range []struct{ sequence, missing uint64 }{{1, 0}, {4, 2}, {3, 1}, {4, 1}, {2, 0}, {5, 0}} {
		require.True(t, c.note(step.sequence))
		require.Equal(t, step.missing, c.Counts().Missing, "after %d", step.sequence)
	}
	require.True(t, c.note(5+1_000_000_000))
	require.Equal(t, uint64(999_999_999), c.Counts().Missing)
	require.Len(t, c.missing, MaxInFlight, "memory grows with what the engine claims")
}

// offered is a message as the engine would offer it, of this sequence.
type offered struct {
	jetstream.Msg
	sequence uint64
	data     []byte
	acks     int
}

func (o *offered) Metadata() (*jetstream.MsgMetadata, error) {
	return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Stream: o.sequence}}, nil
}
func (o *offered) Data() []byte         { return o.data }
func (o *offered) Subject() string      { return subject.Of(cert.Hash{}).Event(0, 0) }
func (o *offered) Headers() nats.Header { return nil }
func (o *offered) Ack() error           { o.acks++; return nil }

func TestNoMoreIsHeldThanTheEngineMayGiveOut(t *testing.T) {
	c := newNoting()
	e, err := (&event.Event{}).Append(nil)
	require.NoError(t, err)
	first := &offered{sequence: 1, data: e}
	item, ok := c.take(first)
	require.True(t, ok)
	for s := uint64(2); s <= MaxInFlight; s++ {
		_, ok := c.take(&offered{sequence: s, data: e})
		require.True(t, ok)
	}
	beyond := &offered{sequence: MaxInFlight + 1, data: e}
	_, ok = c.take(beyond)
	require.False(t, ok, "an engine that lies makes memory grow")
	_, ok = c.take(first)
	require.False(t, ok, "the member has it still")
	require.NoError(t, item.Ack())
	require.Equal(t, 1, first.acks)
	_, ok = c.take(first)
	require.True(t, ok, "its acknowledgement has not arrived: it comes again")
	require.NoError(t, item.Ack())
	_, ok = c.take(beyond)
	require.True(t, ok)
}
