package client

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/section"
	"github.com/omega-sheaf-os/omega/impl/transport"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/enginetest"
	"github.com/omega-sheaf-os/omega/impl/transport/events"
	"github.com/omega-sheaf-os/omega/impl/transport/natsbus"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// hub is an engine with a stream for one member, m0, whose events a test reads.
type hub struct {
	conn     *nats.Conn
	consumer *events.Consumer
	engine   *engine.Engine
}

func newHub(t *testing.T) *hub {
	party := enginetest.NewParty(1)
	guest := subject.Of(enginetest.Chain).Client()
	guest.Publish = []string{subject.Of(enginetest.Chain).EventsOf("*")}
	h := &hub{engine: enginetest.Start(t, engine.Options{Users: party.Users, Guest: &guest})}
	admin, err := h.engine.Admin()
	require.NoError(t, err)
	t.Cleanup(admin.Close)
	require.NoError(t, events.Ensure(t.Context(), admin, enginetest.Chain, events.Config{Servers: 1, Members: party.Names(), MaxBytes: 1 << 24}))
	h.conn, err = natsbus.Dial(natsbus.Options{URLs: []string{h.engine.URL()}})
	require.NoError(t, err)
	t.Cleanup(h.conn.Close)
	own, err := natsbus.Dial(natsbus.Options{InProcess: h.engine, Nkey: party.Nkeys[0], Inbox: subject.Of(enginetest.Chain).Inbox(0)})
	require.NoError(t, err)
	t.Cleanup(own.Close)
	h.consumer, err = events.NewConsumer(t.Context(), own, enginetest.Chain, "m0", func(uint32) []cert.PublicKey { return nil }, nil)
	require.NoError(t, err)
	t.Cleanup(h.consumer.Close)
	return h
}

// take returns the keys of the next n events.
func (h *hub) take(t *testing.T, n int) (keys []key.Key) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range n {
		item, err := h.consumer.Next(ctx)
		require.NoError(t, err)
		v, err := event.Parse(item.Event)
		require.NoError(t, err)
		keys = append(keys, *v.Key())
		require.NoError(t, item.Ack())
	}
	return keys
}

func anEvent(lamport uint64, node uint32, payload int) event.Event {
	return event.Event{Key: key.New(lamport, node, 0, [key.EventIDSize]byte{13: byte(lamport)}), Payload: make([]byte, payload)}
}

// file makes a section of node 1.
func file(t *testing.T, all ...event.Event) []byte {
	b := frame.AppendHeader(nil, frame.Header{Node: 1})
	for _, e := range all {
		encoded, err := e.Append(nil)
		require.NoError(t, err)
		b, err = frame.Append(b, encoded)
		require.NoError(t, err)
	}
	return b
}

func TestEachStreamIsPublishedInItsOrderHoweverFilesHaveIt(t *testing.T) {
	h := newHub(t)
	sections := [][]byte{
		file(t, anEvent(5, 1, 3), anEvent(2, 1, 3), anEvent(4, 2, 1)),
		file(t, anEvent(3, 1, 3), anEvent(5, 1, 3), anEvent(1, 1, 3), anEvent(1, 2, 1)),
	}
	var last int
	report, err := Publish(t.Context(), h.conn, enginetest.Chain, sections, Options{Patience: 10 * time.Second, Progress: func(done, total int) {
		require.Equal(t, 6, total)
		last = done
	}})
	require.NoError(t, err)
	require.Equal(t, &Report{Events: 6}, report, "the copy of an event is one event")
	require.Equal(t, 6, last)
	streams := map[uint32][]uint64{}
	for _, k := range h.take(t, 6) {
		streams[k.Node()] = append(streams[k.Node()], k.Lamport())
	}
	require.Equal(t, map[uint32][]uint64{1: {1, 2, 3, 5}, 2: {1, 4}}, streams)

	report, err = Publish(t.Context(), h.conn, enginetest.Chain, sections, Options{Patience: 10 * time.Second})
	require.NoError(t, err)
	require.Equal(t, &Report{Events: 6, Duplicates: 6}, report, "a second run makes no second event")
}

func TestOnlyOwnNodesAreSigned(t *testing.T) {
	h := newHub(t)
	var signed int
	report, err := Publish(t.Context(), h.conn, enginetest.Chain, [][]byte{file(t, anEvent(1, 1, 0), anEvent(2, 2, 0), anEvent(3, 1, 0))}, Options{
		Patience: 10 * time.Second, Own: func(node uint32) bool { return node == 1 },
		Sign: func(message []byte) cert.Signature { signed++; return cert.Signature{byte(signed)} },
	})
	require.NoError(t, err)
	require.Equal(t, &Report{Events: 3, Signed: 2}, report)
	require.Equal(t, 2, signed)
}

func TestWhatCannotBePublishedIsRefusedBeforeAnythingIs(t *testing.T) {
	h := newHub(t)
	whole := file(t, anEvent(1, 1, 0))
	for name, c := range map[string]struct {
		sections [][]byte
		check    func(err error)
	}{
		"damaged":   {[][]byte{whole, whole[:len(whole)-1]}, func(err error) { var bad *section.DamageError; require.ErrorAs(t, err, &bad) }},
		"too large": {[][]byte{file(t, anEvent(1, 1, 0), anEvent(2, 1, transport.MaxMessage))}, func(err error) { require.ErrorIs(t, err, transport.ErrTooLarge) }},
	} {
		_, err := Publish(t.Context(), h.conn, enginetest.Chain, c.sections, Options{Patience: 10 * time.Second})
		require.Error(t, err, name)
		c.check(err)
	}
	require.Zero(t, h.consumer.Counts().Unsigned)
	report, err := Publish(t.Context(), h.conn, enginetest.Chain, nil, Options{Patience: 10 * time.Second})
	require.NoError(t, err)
	require.Equal(t, &Report{}, report)
}

func TestPublishGivesUpWhenNothingIsAcknowledgedAndWhenItIsTold(t *testing.T) {
	h := newHub(t)
	h.engine.Stop()
	_, err := Publish(t.Context(), h.conn, enginetest.Chain, [][]byte{file(t, anEvent(1, 1, 0))}, Options{Patience: 200 * time.Millisecond})
	require.ErrorIs(t, err, ErrNoAnswer)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	_, err = Publish(ctx, h.conn, enginetest.Chain, [][]byte{file(t, anEvent(1, 1, 0))}, Options{Patience: time.Hour})
	require.ErrorIs(t, err, context.Canceled)
}
