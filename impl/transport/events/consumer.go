package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/transport"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

// How a Consumer asks the engine for events: so many bytes ahead, each request for
// so long, with a sign of life in between, so that it notices an engine that fails.
const (
	bytesAhead    = 8 << 20
	requestExpiry = 4 * time.Second
	heartbeat     = time.Second
	reopenPause   = 500 * time.Millisecond
	dueMargin     = 200 * time.Millisecond // beyond AckWait, for the engine to find what is due
)

// The ways in which a Consumer ends or does not begin. Match with errors.Is.
var (
	ErrNoConsumer     = errors.New("the engine has no consumer for this member")
	ErrConsumerClosed = errors.New("the consumer is closed")
)

// ConsumerCounts are what a Consumer has seen.
type ConsumerCounts struct {
	Signed, Unsigned uint64 // events handed over
	Malformed        uint64 // messages that are no event, never handed over
	WrongSubject     uint64 // events of another node or stream than their subject's, never handed over
	BadSignature     uint64 // events with a signature that does not verify, never handed over
	Repeated         uint64 // offered again while the member still had them
	Missing          uint64 // sequences passed over that have not come: on their way again, or lost by the engine
	Reopened         uint64 // times that the engine failed and was asked anew
}

// Consumer hands a member the events of its chain's stream (ENG-10): a
// transport.Source. Next is for one goroutine, an item's Ack and Counts for any.
type Consumer struct {
	js     jetstream.JetStream
	chain  cert.Hash
	member string
	keys   Keys
	log    *slog.Logger

	consumer jetstream.Consumer
	messages jetstream.MessagesContext // nil: nothing is asked for yet
	due      time.Time                 // when what was on its way to somebody before is offered again

	mu      sync.Mutex          // guards what follows
	held    map[uint64]struct{} // sequences handed over and not acknowledged
	missing map[uint64]struct{} // sequences below last that have never come
	lost    uint64              // further ones, too many to remember
	last    uint64              // the highest sequence that has come
	counts  ConsumerCounts
	closed  bool
}

var _ transport.Source = (*Consumer)(nil)

// NewConsumer opens the consumer that Ensure has made for the member of this roster
// name. The connection stays the caller's to close. log may be nil. The error
// wraps ErrNoConsumer, or is the engine's or the context's.
func NewConsumer(ctx context.Context, conn *nats.Conn, chain cert.Hash, member string, keys Keys, log *slog.Logger) (*Consumer, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	c := &Consumer{
		js: js, chain: chain, member: member, keys: keys, log: orDiscard(log),
		held: map[uint64]struct{}{}, missing: map[uint64]struct{}{},
	}
	if err := c.open(ctx); err != nil {
		return nil, err
	}
	c.last = c.consumer.CachedInfo().Delivered.Stream
	return c, nil
}

func (c *Consumer) open(ctx context.Context) error {
	consumer, err := c.js.Consumer(ctx, subject.Of(c.chain).Stream(), subject.Consumer(c.member))
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("%w: %s: %w", ErrNoConsumer, c.member, err)
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrConsumerClosed
	}
	c.consumer, c.messages, c.due = consumer, nil, time.Time{}
	if consumer.CachedInfo().NumAckPending > len(c.held) {
		c.due = time.Now().Add(AckWait + dueMargin)
	}
	return nil
}

// pull asks the engine for events. Where it has given out some that have not come here,
// or that a run before had, that is not before it offers these again, which it then does
// first: what is newer must not overtake them (ENG-10).
func (c *Consumer) pull(ctx context.Context) error {
	if wait := time.Until(c.due); wait > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
	messages, err := c.consumer.Messages(jetstream.PullMaxBytes(bytesAhead), jetstream.PullExpiry(requestExpiry), jetstream.PullHeartbeat(heartbeat))
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		messages.Stop()
		return ErrConsumerClosed
	}
	c.messages = messages
	return nil
}

// Next waits for the next event. What is no event of the chain it refuses to the
// engine, counts and logs (ENG-12). Where the engine fails it is asked again for
// ever. The error is the context's or ErrConsumerClosed.
func (c *Consumer) Next(ctx context.Context) (transport.Item, error) {
	for {
		m, err := c.message(ctx)
		if err != nil {
			return transport.Item{}, err
		}
		if item, ok := c.take(m); ok {
			return item, nil
		}
	}
}

// message waits for the engine's next message.
func (c *Consumer) message(ctx context.Context) (jetstream.Msg, error) {
	for {
		m, err := c.ask(ctx)
		if err == nil {
			return m, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.Is(err, ErrConsumerClosed) {
			return nil, err
		}
		if err := c.reopen(ctx, err); err != nil {
			return nil, err
		}
	}
}

func (c *Consumer) ask(ctx context.Context) (jetstream.Msg, error) {
	if c.messages == nil {
		if err := c.pull(ctx); err != nil {
			return nil, err
		}
	}
	return c.messages.Next(jetstream.NextContext(ctx))
}

// reopen asks the engine anew after it has failed with why.
func (c *Consumer) reopen(ctx context.Context, why error) error {
	if c.messages != nil {
		c.messages.Stop()
	}
	for {
		c.mu.Lock()
		closed := c.closed
		c.counts.Reopened++
		c.mu.Unlock()
		if closed {
			return ErrConsumerClosed
		}
		c.log.Warn("the engine gives no events", "member", c.member, "error", why)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(reopenPause):
		}
		attempt, cancel := context.WithTimeout(ctx, requestTime)
		why = c.open(attempt)
		cancel()
		if why == nil || errors.Is(why, ErrConsumerClosed) {
			return why
		}
	}
}

// take makes an item of a message, unless there is none to make.
func (c *Consumer) take(m jetstream.Msg) (transport.Item, bool) {
	meta, err := m.Metadata()
	if err != nil {
		c.log.Warn("a message from outside the stream", "member", c.member, "error", err)
		return transport.Item{}, false
	}
	sequence := meta.Sequence.Stream
	if !c.note(sequence) {
		return transport.Item{}, false
	}
	signature, signed, err := judge(c.chain, c.keys, m.Subject(), m.Headers(), m.Data())
	if err != nil {
		c.refuse(m, sequence, err)
		return transport.Item{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if signed {
		c.counts.Signed++
	} else {
		c.counts.Unsigned++
	}
	c.held[sequence] = struct{}{}
	ack := func() error {
		c.mu.Lock()
		delete(c.held, sequence)
		c.mu.Unlock()
		return m.Ack()
	}
	return transport.Item{Sequence: sequence, Event: m.Data(), Signed: signed, Signature: signature, Ack: ack}, true
}

// note enters a sequence that has come, and reports whether its message is to be
// looked at: not if the member has it still, and never more than the engine may
// give out unacknowledged.
func (c *Consumer) note(sequence uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.missing, sequence)
	for s := c.last + 1; s < sequence; s++ {
		if len(c.missing) == MaxInFlight {
			c.lost += sequence - s
			break
		}
		c.missing[s] = struct{}{}
	}
	c.last = max(c.last, sequence)
	if _, ok := c.held[sequence]; ok {
		c.counts.Repeated++
		return false
	}
	return len(c.held) < MaxInFlight
}

// refuse tells the engine never to offer a message to this member again.
func (c *Consumer) refuse(m jetstream.Msg, sequence uint64, why error) {
	c.mu.Lock()
	switch {
	case errors.Is(why, ErrMalformed):
		c.counts.Malformed++
	case errors.Is(why, ErrSubject):
		c.counts.WrongSubject++
	case errors.Is(why, ErrSignature):
		c.counts.BadSignature++
	}
	c.mu.Unlock()
	c.log.Warn("a message is refused", "member", c.member, "subject", m.Subject(), "sequence", sequence, "error", why)
	// If this does not arrive, the message comes again and is refused again.
	_ = m.Term()
}

// Counts returns what the consumer has seen.
func (c *Consumer) Counts() ConsumerCounts {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := c.counts
	counts.Missing = uint64(len(c.missing)) + c.lost
	return counts
}

// Close ends the consumer: Next returns ErrConsumerClosed. What the member has not
// acknowledged comes again when it opens its consumer the next time.
func (c *Consumer) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.messages != nil {
		c.messages.Stop()
	}
}
