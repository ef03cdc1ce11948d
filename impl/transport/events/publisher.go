package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

// What a Publisher holds at most of events that the stream has not acknowledged.
const (
	window      = 4096
	windowBytes = 16 << 20
)

// How a Publisher tries again: after ackTime without an answer, or after a pause
// that grows from one failure to the next.
const (
	ackTime  = 5 * time.Second
	minPause = 50 * time.Millisecond
	maxPause = time.Second
)

// ErrClosed says that the publisher was closed before the stream had the event,
// which it may have taken nevertheless.
var ErrClosed = errors.New("the publisher is closed")

// Sign signs with the key that the roster gives the events' node.
type Sign func(message []byte) cert.Signature

// Publisher puts events into a chain's stream, each until the stream has
// acknowledged it: tried again for ever, and known again by the engine if an
// earlier try did arrive (ENG-9). The events of one node's stream go in the order of
// Publish, one behind the acknowledgement of the other, so that none comes late
// (INV-4); those of several go side by side. It is safe for concurrent use.
type Publisher struct {
	js    jetstream.JetStream
	chain cert.Hash
	sign  Sign
	log   *slog.Logger
	ctx   context.Context
	stop  context.CancelFunc
	work  sync.WaitGroup

	mu      sync.Mutex // guards what follows
	changed *sync.Cond
	closed  bool
	queues  map[string][]*Receipt // by subject; the first is on its way
	count   int                   // of all receipts in the queues
	bytes   int                   // of their events
	counts  PublisherCounts
}

// PublisherCounts are what a Publisher has done.
type PublisherCounts struct {
	Acknowledged uint64 // events in the stream
	Duplicates   uint64 // of these, the stream had them already
	Retries      uint64 // tries beyond the first
}

// Receipt is one event on its way.
type Receipt struct {
	message  *nats.Msg
	done     chan struct{}
	sequence uint64
	err      error
}

// Wait waits until the stream has the event and returns its sequence. The error is
// ErrClosed or the context's.
func (r *Receipt) Wait(ctx context.Context) (sequence uint64, err error) {
	select {
	case <-r.done:
		return r.sequence, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// NewPublisher returns a publisher over a connection, which stays the caller's to
// close. With sign nil the events go unsigned. log may be nil.
func NewPublisher(conn *nats.Conn, chain cert.Hash, sign Sign, log *slog.Logger) (*Publisher, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	p := &Publisher{js: js, chain: chain, sign: sign, log: orDiscard(log), queues: map[string][]*Receipt{}}
	p.changed = sync.NewCond(&p.mu)
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p, nil
}

func orDiscard(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}

// Publish puts an event on its way; it waits while as many as the publisher holds
// are not acknowledged. The event's bytes must not be changed until it is. The error wraps
// ErrMalformed or transport.ErrTooLarge, or is ErrClosed or the context's.
func (p *Publisher) Publish(ctx context.Context, e []byte) (*Receipt, error) {
	var signature *cert.Signature
	if p.sign != nil {
		s := p.sign(SignedMessage(p.chain, e))
		signature = &s
	}
	m, err := newMessage(subject.Of(p.chain), e, signature)
	if err != nil {
		return nil, err
	}
	r := &Receipt{message: m, done: make(chan struct{})}
	if err := p.enqueue(ctx, r); err != nil {
		return nil, err
	}
	return r, nil
}

// wakeAtEnd wakes who waits for a change once the context has ended, until stop is
// called.
func (p *Publisher) wakeAtEnd(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.changed.Broadcast()
	})
}

func (p *Publisher) enqueue(ctx context.Context, r *Receipt) error {
	defer p.wakeAtEnd(ctx)()
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.closed && ctx.Err() == nil && (p.count == window || p.bytes+len(r.message.Data) > windowBytes) {
		p.changed.Wait()
	}
	if p.closed {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p.count++
	p.bytes += len(r.message.Data)
	queue := p.queues[r.message.Subject]
	p.queues[r.message.Subject] = append(queue, r)
	if len(queue) == 0 {
		p.work.Go(func() { p.drain(r) })
	}
	return nil
}

// drain publishes a subject's events from the first one on, until its queue is empty.
func (p *Publisher) drain(r *Receipt) {
	for r != nil {
		ack, err := p.publish(r.message)
		r = p.settle(r, ack, err)
	}
}

// settle ends a receipt and returns the subject's next.
func (p *Publisher) settle(r *Receipt, ack *jetstream.PubAck, err error) *Receipt {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.err = err
	if ack != nil {
		r.sequence = ack.Sequence
		p.counts.Acknowledged++
		if ack.Duplicate {
			p.counts.Duplicates++
		}
	}
	close(r.done)
	p.count--
	p.bytes -= len(r.message.Data)
	p.changed.Broadcast()
	queue := p.queues[r.message.Subject][1:]
	if len(queue) == 0 {
		delete(p.queues, r.message.Subject)
		return nil
	}
	p.queues[r.message.Subject] = queue
	return queue[0]
}

// publish tries until the stream has the message or the publisher is closed.
func (p *Publisher) publish(m *nats.Msg) (*jetstream.PubAck, error) {
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		ctx, cancel := context.WithTimeout(p.ctx, ackTime)
		ack, err := p.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
		cancel()
		if err == nil {
			return ack, nil
		}
		if p.ctx.Err() != nil {
			return nil, ErrClosed
		}
		p.log.Warn("an event is not in the stream yet", "subject", m.Subject, "error", err)
		p.mu.Lock()
		p.counts.Retries++
		p.mu.Unlock()
		select {
		case <-p.ctx.Done():
		case <-time.After(pause/2 + rand.N(pause/2)):
		}
	}
}

// Flush waits until no event is on its way. The error is the context's.
func (p *Publisher) Flush(ctx context.Context) error {
	defer p.wakeAtEnd(ctx)()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.count > 0 {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%w: %d events are not in the stream yet", err, p.count)
		}
		p.changed.Wait()
	}
	return nil
}

// Counts returns what the publisher has done.
func (p *Publisher) Counts() PublisherCounts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts
}

// Close ends the publisher. Events that are not acknowledged by then have ErrClosed
// as their receipt's error.
func (p *Publisher) Close() {
	p.mu.Lock()
	p.closed = true
	p.changed.Broadcast()
	p.mu.Unlock()
	p.stop()
	p.work.Wait()
}
