package setup

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/transport"
	"github.com/omega-sheaf-os/omega/impl/transport/events"
)

// openPause is between two tries to open a member's consumer.
const openPause = 500 * time.Millisecond

// openPatience is after how long without success that is told.
const openPatience = 10 * time.Second

// openTime bounds one of them.
const openTime = 3 * time.Second

// source is a member's events, from when the engine has its consumer: a member need not
// wait for that to agree with the others.
type source struct {
	conn   *nats.Conn
	chain  cert.Hash
	member string
	keys   events.Keys
	log    *slog.Logger
	seated chan struct{} // closed when the roster has the member
	once   sync.Once     // closes it
	gone   atomic.Bool   // the roster has it no more: there are no further events

	mu       sync.Mutex
	consumer *events.Consumer // nil: not yet
}

func newSource(seat *Seat, log *slog.Logger) *source {
	s := &source{chain: seat.Chain, member: seat.Name, keys: seat.Keys.Of, log: log, seated: make(chan struct{})}
	if seat.Index >= 0 {
		s.seat()
	}
	return s
}

// seat says that the roster has the member.
func (s *source) seat() { s.once.Do(func() { close(s.seated) }) }

// Next waits for the next event, of which there is none before the roster has the
// member. The error is the context's or the consumer's.
func (s *source) Next(ctx context.Context) (transport.Item, error) {
	select {
	case <-s.seated:
	case <-ctx.Done():
		return transport.Item{}, ctx.Err()
	}
	c, err := s.open(ctx)
	if err != nil {
		return transport.Item{}, err
	}
	item, err := c.Next(ctx)
	if errors.Is(err, events.ErrConsumerClosed) && s.gone.Load() {
		<-ctx.Done()
		err = ctx.Err()
	}
	return item, err
}

// leave says that the roster has the member no more: the events are for whoever has its
// name now.
func (s *source) leave() {
	s.gone.Store(true)
	s.close()
}

func (s *source) open(ctx context.Context) (*events.Consumer, error) {
	if c := s.opened(); c != nil {
		return c, nil
	}
	for began, told := time.Now(), false; ; {
		attempt, cancel := context.WithTimeout(ctx, openTime)
		c, err := events.NewConsumer(attempt, s.conn, s.chain, s.member, s.keys, s.log)
		cancel()
		if err == nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.consumer = c
			return c, nil
		}
		if !told && time.Since(began) > openPatience && ctx.Err() == nil {
			s.log.Warn("the engine gives no events yet", "error", err)
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(openPause):
		}
	}
}

func (s *source) opened() *events.Consumer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.consumer
}

func (s *source) counts() (events.ConsumerCounts, bool) {
	if c := s.opened(); c != nil {
		return c.Counts(), true
	}
	return events.ConsumerCounts{}, false
}

func (s *source) close() {
	if c := s.opened(); c != nil {
		c.Close()
	}
}
