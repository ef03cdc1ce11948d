package natsbus

import (
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/omega-sheaf-os/omega/impl/transport"
)

// What an endpoint holds at most in each direction: messages, and bytes.
const (
	maxQueued      = 4096
	maxQueuedBytes = 16 << 20
)

// subscribeTimeout is how long Join waits for the engine to know of it. Where it
// does not answer, the member hears once the connection is back.
const subscribeTimeout = time.Second

// endpoint is one member's end. What is to be sent goes through a queue to a
// goroutine, so that who sends never waits for the engine.
type endpoint struct {
	bus          *Bus
	member       int
	subscription *nats.Subscription
	sent         chan struct{} // closed when the sending goroutine has ended

	mu     sync.Mutex // guards the queue and closed
	wake   *sync.Cond
	queue  []outgoing
	bytes  int // in the queue
	closed bool

	delivery sync.Mutex // held while receive is called, guards deaf
	deaf     bool
}

type outgoing struct {
	to    int
	bytes []byte
}

func (b *Bus) open(member int, receive func(b []byte)) (*endpoint, error) {
	e := &endpoint{bus: b, member: member, sent: make(chan struct{})}
	e.wake = sync.NewCond(&e.mu)
	var err error
	e.subscription, err = b.conn.Subscribe(b.chain.Receive(member), func(m *nats.Msg) {
		e.delivery.Lock()
		defer e.delivery.Unlock()
		if !e.deaf {
			receive(m.Data)
		}
	})
	if err != nil {
		return nil, err
	}
	if err := e.subscription.SetPendingLimits(maxQueued, maxQueuedBytes); err != nil {
		return nil, err
	}
	if b.conn.IsConnected() {
		// An error is a connection that breaks now; it subscribes again when it is back.
		_ = b.conn.FlushTimeout(subscribeTimeout)
	}
	go e.send()
	return e, nil
}

// Send puts b on its way to one other member. It does not wait for the engine: what
// that does not take is lost, and counted. The error wraps ErrUnknownMember,
// ErrSelf, ErrTooLarge or ErrClosed.
func (e *endpoint) Send(to int, b []byte) error {
	if err := e.bus.check(to); err != nil {
		return err
	}
	if to == e.member {
		return fmt.Errorf("%w: %d", transport.ErrSelf, to)
	}
	return e.enqueue(b, to)
}

// Broadcast puts b on its way to all other members, in their order. The error wraps
// ErrTooLarge or ErrClosed.
func (e *endpoint) Broadcast(b []byte) error {
	members := int(e.bus.members.Load())
	others := make([]int, 0, members)
	for to := range members {
		if to != e.member {
			others = append(others, to)
		}
	}
	return e.enqueue(b, others...)
}

func (e *endpoint) enqueue(b []byte, receivers ...int) error {
	if len(b) > transport.MaxMessage {
		return tooLarge(b)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return fmt.Errorf("%w: member %d", transport.ErrClosed, e.member)
	}
	for _, to := range receivers {
		if len(e.queue) == maxQueued || e.bytes+len(b) > maxQueuedBytes {
			e.bus.lost.Add(1)
			continue
		}
		e.queue = append(e.queue, outgoing{to, b})
		e.bytes += len(b)
	}
	e.wake.Signal()
	return nil
}

// send gives the queue to the connection until the endpoint is closed and the
// queue empty.
func (e *endpoint) send() {
	defer close(e.sent)
	for {
		batch := e.take()
		if batch == nil {
			return
		}
		for _, m := range batch {
			if err := e.bus.conn.Publish(e.bus.chain.Send(e.member, m.to), m.bytes); err != nil {
				e.bus.lost.Add(1)
			}
		}
	}
}

// take waits for the queue to hold something and empties it; nil: it is closed.
func (e *endpoint) take() []outgoing {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.queue) == 0 && !e.closed {
		e.wake.Wait()
	}
	batch := e.queue
	e.queue, e.bytes = nil, 0
	return batch
}

// Close disconnects the member. What it has sent before goes to the engine first.
// The error wraps ErrClosed.
func (e *endpoint) Close() error {
	e.mu.Lock()
	closed := e.closed
	e.closed = true
	e.wake.Signal()
	e.mu.Unlock()
	if closed {
		return fmt.Errorf("%w: member %d", transport.ErrClosed, e.member)
	}
	<-e.sent
	e.delivery.Lock()
	e.deaf = true
	e.delivery.Unlock()

	e.bus.mu.Lock()
	defer e.bus.mu.Unlock()
	e.bus.dropped.Add(e.dropped())
	// The connection may be closed already, and the subscription with it.
	_ = e.subscription.Unsubscribe()
	delete(e.bus.joined, e.member)
	return nil
}

// dropped is how many messages came that receive was too slow for.
func (e *endpoint) dropped() uint64 {
	n, err := e.subscription.Dropped()
	if err != nil {
		return 0 // closed with its connection
	}
	return uint64(n)
}
