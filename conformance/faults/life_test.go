package faults_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/omega-sheaf-os/omega/conformance/faults"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/node/member"
	"github.com/omega-sheaf-os/omega/impl/transport"
)

// What a mark says: its first byte is the kind, its second the member.
const (
	markFounded   = 'F' // the folder is there
	markSent      = 'S' // a message leaves; its bytes
	markSubmitted = 'A' // Submit has returned; an event
	markSettled   = 'K' // an event of the stream was acknowledged; the event
	markFollowed  = 'C' // an observer tells of a certificate
	markStopped   = 'D' // a member is down: it has no more to say
)

// marks is a file in which a life notes what others have seen of it.
type marks struct {
	mu   sync.Mutex
	file *os.File
}

func (m *marks) note(kind byte, member int, b []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err := m.file.Write(append([]byte{kind, byte(member)}, b...))
	return err
}

// markedBus notes each message of the quorum's, and each manifest, before it leaves.
type markedBus struct {
	transport.Bus
	marks *marks
}

type markedEnd struct {
	transport.Endpoint
	marks  *marks
	member int
}

func (b markedBus) Join(i int, receive func([]byte)) (transport.Endpoint, error) {
	end, err := b.Bus.Join(i, receive)
	if err != nil {
		return nil, err
	}
	return markedEnd{end, b.marks, i}, nil
}

func (e markedEnd) note(b []byte) error {
	if m, ok := decodeOwn(b).(*member.Manifest); ok && m.From == e.member || decodeQuorum(b) != nil {
		return e.marks.note(markSent, e.member, b)
	}
	return nil
}

func (e markedEnd) Send(to int, b []byte) error {
	if err := e.note(b); err != nil {
		return err
	}
	return e.Endpoint.Send(to, b)
}

func (e markedEnd) Broadcast(b []byte) error {
	if err := e.note(b); err != nil {
		return err
	}
	return e.Endpoint.Broadcast(b)
}

// stream is a transport.Source of events that a test puts into it, for one member.
type stream struct {
	items chan transport.Item
}

func (s *stream) Next(ctx context.Context) (transport.Item, error) {
	select {
	case item := <-s.items:
		return item, nil
	case <-ctx.Done():
		return transport.Item{}, ctx.Err()
	}
}

// life is three members and an observer, all in this process.
type life struct {
	*faults.Cluster
	marks   *marks
	wire    *faults.Wire
	streams []*stream
	last    uint64
}

const lives = 3 // members of a life

// recordLife is a child: it lives in a folder and notes what it tells others.
func recordLife(args []string) error {
	file, err := os.Create(args[1])
	if err != nil {
		return err
	}
	l := &life{marks: &marks{file: file}, wire: faults.NewWire(lives + 2)}
	if l.Cluster, err = faults.Found(args[0], lives); err != nil {
		return err
	}
	for i := range lives {
		if err := l.marks.note(markFounded, i, nil); err != nil {
			return err
		}
		l.streams = append(l.streams, &stream{make(chan transport.Item, 100)})
	}
	l.Config = func(i int, cfg *member.Config) {
		cfg.BatchAge = 20 * time.Millisecond
		if i < lives {
			cfg.Source = l.streams[i]
		} else {
			cfg.Seat = lives + 1
		}
	}
	return l.live()
}

func (l *life) live() error {
	if err := l.StartAll(markedBus{l.wire, l.marks}); err != nil {
		return err
	}
	for range 3 {
		if err := l.round(); err != nil {
			return err
		}
	}
	if err := l.stop(2); err != nil {
		return err
	}
	if err := l.Start(2, markedBus{l.wire, l.marks}); err != nil {
		return err
	}
	if err := l.observe(); err != nil {
		return err
	}
	l.quarrel()
	for range 2 {
		if err := l.round(); err != nil {
			return err
		}
	}
	for i := range l.Seats {
		if err := l.stop(i); err != nil {
			return err
		}
	}
	return nil
}

// stop takes a member down; what it sends no one waits for any more.
func (l *life) stop(i int) error {
	if err := l.Stop(i); err != nil {
		return err
	}
	return l.marks.note(markStopped, i, nil)
}

// round has all members take events from files and from the stream, until all are
// certified.
func (l *life) round() error {
	for i := range lives {
		events := l.Events(i, 2, 5000)
		if err := l.Submit(i, events...); err != nil {
			return err
		}
		for _, e := range events {
			if err := l.noteEvent(markSubmitted, i, &e); err != nil {
				return err
			}
		}
	}
	l.publish(faults.EventOf(50, 0, l.last+1, 10))
	return l.Settle(patience)
}

func (l *life) noteEvent(kind byte, i int, e *event.Event) error {
	b, err := e.Append(nil)
	if err != nil {
		return err
	}
	return l.marks.note(kind, i, b)
}

// publish puts an event into the stream of each member.
func (l *life) publish(e event.Event) {
	l.last++
	b, err := e.Append(nil)
	if err != nil {
		panic(err)
	}
	for i, s := range l.streams {
		s.items <- transport.Item{Sequence: l.last, Event: b, Ack: func() error { return l.marks.note(markSettled, i, b) }}
	}
}

// quarrel publishes two versions of an event, which become an obstruction, and has one
// member tell another two manifests, which become evidence.
func (l *life) quarrel() {
	a := faults.EventOf(51, 0, 1, 10)
	b := a
	b.Value++
	l.publish(a)
	l.publish(b)
	l.wire.Change(func(from, to int, b []byte) [][]byte {
		m, ok := decodeOwn(b).(*member.Manifest)
		if !ok || from != 1 || to != 0 || m.From != 1 {
			return [][]byte{b}
		}
		other := *m
		other.First++
		other.Signature = l.Seats[1].Key.Sign(other.Message())
		return [][]byte{b, other.Encode()}
	})
}

// observe has a newcomer follow the chain from its genesis.
func (l *life) observe() error {
	s := &faults.Seat{Dir: filepath.Join(l.Dir, "observer"), Key: identity.Generate()}
	l.Seats = append(l.Seats, s)
	if err := node.Found(s.Dir, l.Genesis); err != nil {
		return err
	}
	if err := l.marks.note(markFounded, lives, nil); err != nil {
		return err
	}
	if err := l.Start(lives, l.wire); err != nil {
		return err
	}
	news := s.Member.Subscribe(1000)
	go func() {
		for n := range news.C {
			if n.Kind == member.CertificateNews {
				_ = l.marks.note(markFollowed, lives, quorum.Encode(&quorum.Decided{Certificate: *n.Certificate}))
			}
		}
	}()
	return l.Settle(patience)
}
