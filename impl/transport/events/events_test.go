package events_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/transport"
	"github.com/omega-sheaf-os/omega/impl/transport/events"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

func TestEveryMemberGetsEachEventAndItLeavesWhenAllHaveAcknowledged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, events.Config{})
	p := w.publisher(0, sign(1))
	a, b := w.consumer(0), w.consumer(1)
	var items []transport.Item
	for i := 1; i <= 5; i++ {
		e := makeEvent(t, 1, 1, i, name(i))
		require.Equal(t, uint64(i), w.put(p, e))
		for _, c := range []*events.Consumer{a, b} {
			item := w.next(c)
			require.Equal(t, e, item.Event)
			require.Equal(t, uint64(i), item.Sequence)
			require.True(t, item.Signed)
			require.Equal(t, sign(1)(events.SignedMessage(chain, e)), item.Signature)
			items = append(items, item)
		}
	}
	w.none(a)
	for i := range 5 {
		require.NoError(t, items[2*i].Ack())
	}
	require.NoError(t, w.admin.Flush())
	require.Equal(t, uint64(5), w.state().Msgs, "one of two members has acknowledged")
	for i := range 5 {
		require.NoError(t, items[2*i+1].Ack())
	}
	require.Eventually(t, func() bool { return w.state().Msgs == 0 }, patience, 10*time.Millisecond)
	require.Equal(t, events.ConsumerCounts{Signed: 5}, a.Counts())
}

func TestWhatIsNotSignedIsMarkedAndWhatIsWrongIsNotHandedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, events.Config{})
	c := w.consumer(0)
	subj := subject.Of(chain)
	e := makeEvent(t, 1, 1, 1, "payload")
	good := sign(1)(events.SignedMessage(chain, e))
	other := sign(1)(events.SignedMessage([32]byte{1}, e))
	altered := bytes.Clone(e)
	altered[len(altered)-1] ^= 1
	header := func(values ...string) nats.Header { return nats.Header{events.SignatureHeader: values} }
	digits := hex.EncodeToString(good[:])

	w.raw(subj.Event(1, 1), nil, e)
	w.raw(subj.Event(1, 1), header(digits), e)
	for _, wrong := range []nats.Header{
		header(hex.EncodeToString(other[:])), // made for another chain
		header(hex.EncodeToString(make([]byte, 64))),
		header(digits[:126]), header("no hex digits"), header(""), header(digits, digits),
	} {
		w.raw(subj.Event(1, 1), wrong, e)
	}
	w.raw(subj.Event(1, 1), header(digits), altered)
	signed2 := sign(2)(events.SignedMessage(chain, e))
	w.raw(subj.Event(1, 1), header(hex.EncodeToString(signed2[:])), e) // by another node's writer
	w.raw(subj.Event(1, 2), nil, e)
	w.raw(subj.Event(2, 1), header(digits), e)
	for _, malformed := range [][]byte{{}, e[:len(e)-1], append(bytes.Clone(e), 0)} {
		w.raw(subj.Event(1, 1), nil, malformed)
	}
	w.raw(subj.Event(9, 1), header(digits), makeEvent(t, 9, 1, 1, "whose node no member writes"))
	w.raw(subj.Event(1, 1), nil, altered)

	var signed []bool
	for range 4 {
		item := w.next(c)
		signed = append(signed, item.Signed)
		require.NoError(t, item.Ack())
	}
	w.none(c)
	require.Equal(t, []bool{false, true, false, false}, signed)
	require.Equal(t, events.ConsumerCounts{Signed: 1, Unsigned: 3, Malformed: 3, WrongSubject: 2, BadSignature: 8}, c.Counts())
	require.Eventually(t, func() bool { return w.state().Msgs == 0 }, patience, 10*time.Millisecond, "what is refused leaves the stream")
}

func TestARetryDoesNotMakeTwoEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, events.Config{})
	p, again := w.publisher(0, sign(1)), w.publisher(0, sign(1))
	e := makeEvent(t, 1, 1, 1, "once")
	first := w.put(p, e)
	require.Equal(t, first, w.put(again, e))
	require.Equal(t, first, w.put(p, e))
	require.Equal(t, events.PublisherCounts{Acknowledged: 2, Duplicates: 1}, p.Counts())
	require.Equal(t, uint64(1), w.state().Msgs)

	// Another version of the key is another message: it must be seen. So is a copy
	// that somebody else has sent without the signature.
	w.put(p, makeEvent(t, 1, 1, 1, "twice"))
	w.put(w.publisher(0, nil), e)
	require.Equal(t, uint64(3), w.state().Msgs)
}

func TestAFullStreamHoldsPublishersBackAndLosesNothing(t *testing.T) {
	t.Parallel()
	const count = 60
	payload := strings.Repeat("x", 10_000)
	w := newWorld(t, 1, events.Config{MaxBytes: 100_000})
	p := w.publisher(0, sign(1))
	for i := 1; i <= count; i++ {
		_, err := p.Publish(w.ctx(), makeEvent(t, 1, 1, i, payload))
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return p.Counts().Retries > 0 }, patience, time.Millisecond)
	require.Less(t, p.Counts().Acknowledged, uint64(10))
	c := w.consumer(0)
	for i := 1; i <= count; i++ {
		item := w.next(c)
		require.Equal(t, makeEvent(t, 1, 1, i, payload), item.Event, "in the order of Publish")
		require.NoError(t, item.Ack())
	}
	require.NoError(t, p.Flush(w.ctx()))
	require.Equal(t, uint64(count), p.Counts().Acknowledged)
	require.Zero(t, c.Counts().Missing)
}

func TestWhatIsNotAcknowledgedComesAgainAfterARestartAndOnlyThen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, events.Config{})
	p := w.publisher(0, sign(1))
	for i := 1; i <= 3; i++ {
		w.put(p, makeEvent(t, 1, 1, i, name(i)))
	}
	c := w.consumer(0)
	var held []transport.Item
	for range 3 {
		held = append(held, w.next(c))
	}
	require.NoError(t, held[1].Ack())
	ctx, cancel := context.WithTimeout(t.Context(), events.AckWait+2*time.Second)
	defer cancel()
	_, err := c.Next(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded, "an event came again that the member still has")
	require.NotZero(t, c.Counts().Repeated, "the engine has not offered it again")
	c.Close()
	_, err = c.Next(w.ctx())
	require.ErrorIs(t, err, events.ErrConsumerClosed)

	restarted := w.consumer(0)
	for _, want := range []uint64{1, 3} {
		item := w.next(restarted)
		require.Equal(t, want, item.Sequence)
		require.NoError(t, item.Ack())
	}
	w.none(restarted)
	require.Zero(t, restarted.Counts().Missing)
}

func TestAnEventThatTheEngineLosesIsMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, events.Config{MaxAge: time.Second})
	p := w.publisher(0, sign(1))
	conn := w.dial(0)
	c, err := events.NewConsumer(w.ctx(), conn, chain, "m0", keys, nil)
	require.NoError(t, err)
	w.put(p, makeEvent(t, 1, 1, 1, "seen"))
	require.NoError(t, w.next(c).Ack())
	c.Close()
	conn.Close() // and with it what it has asked for
	require.Eventually(t, func() bool { return w.state().Msgs == 0 && w.engine.Counts().Clients == 2 }, patience, 10*time.Millisecond)
	for i := 2; i <= 4; i++ {
		w.put(p, makeEvent(t, 1, 1, i, "too old before anybody asked"))
	}
	require.Eventually(t, func() bool { return w.state().Msgs == 0 }, patience, 20*time.Millisecond)
	c = w.consumer(0)
	w.put(p, makeEvent(t, 1, 1, 5, "seen"))
	require.Equal(t, uint64(5), w.next(c).Sequence)
	require.Equal(t, uint64(3), c.Counts().Missing)
}

func TestPublishRefusesWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, events.Config{})
	p := w.publisher(0, nil)
	_, err := p.Publish(w.ctx(), []byte("no event"))
	require.ErrorIs(t, err, events.ErrMalformed)
	big := makeEvent(t, 1, 1, 1, strings.Repeat("x", transport.MaxMessage-event.MinSize+1))
	_, err = p.Publish(w.ctx(), big)
	require.ErrorIs(t, err, transport.ErrTooLarge)
	w.put(p, makeEvent(t, 1, 1, 1, strings.Repeat("x", transport.MaxMessage-event.MinSize)))
	require.Len(t, w.next(w.consumer(0)).Event, transport.MaxMessage)

	p.Close()
	_, err = p.Publish(w.ctx(), makeEvent(t, 1, 1, 2, ""))
	require.ErrorIs(t, err, events.ErrClosed)
}

func TestAPublisherHoldsNoMoreThanItsWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, events.Config{})
	p := w.publisher(0, nil)
	w.engine.Stop()
	const room = (16 << 20) / 900_042
	payload := strings.Repeat("x", 900_000)
	var receipts []*events.Receipt
	for i := range room {
		r, err := p.Publish(w.ctx(), makeEvent(t, 1, 1, i+1, payload))
		require.NoError(t, err)
		receipts = append(receipts, r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := p.Publish(ctx, makeEvent(t, 1, 1, room+1, payload))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, p.Flush(ctx), "18 events are not in the stream yet")
	p.Close()
	for _, r := range receipts {
		_, err := r.Wait(w.ctx())
		require.ErrorIs(t, err, events.ErrClosed)
	}
}

func TestEventsOfManyStreamsGoSideBySide(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, events.Config{})
	p := w.publisher(0, sign(1))
	const streams, each = 8, 25
	var group sync.WaitGroup
	for s := range uint16(streams) {
		group.Go(func() {
			for i := 1; i <= each; i++ {
				if _, err := p.Publish(w.ctx(), makeEvent(t, 1, s, i, name(i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	c := w.consumer(0)
	next := map[uint16]int{}
	for range streams * each {
		item := w.next(c)
		v, err := event.Parse(item.Event)
		require.NoError(t, err)
		stream := v.Key().Stream()
		next[stream]++
		require.Equal(t, uint64(next[stream]), v.Key().Lamport(), "stream %d", stream)
		require.NoError(t, item.Ack())
	}
	require.NoError(t, p.Flush(w.ctx()))
	require.Equal(t, uint64(streams*each), p.Counts().Acknowledged)
}
