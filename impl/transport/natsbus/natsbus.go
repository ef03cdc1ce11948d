// Package natsbus is a transport.Bus over NATS: an engine embedded in this process
// or servers elsewhere (clause ENG-4).
//
//	conn, err := natsbus.Dial(natsbus.Options{URLs: []string{"tls://paris:4222", "tls://tokyo:4222"}, Nkey: nkey, TLS: config})
//	bus := natsbus.New(conn, chain, len(roster))
//	end, err := bus.Join(2, receive)
//
// A message goes on a subject that names its sender and its receiver, so that the
// engine refuses who speaks in another's name. What the engine has not taken, or a
// receiver is too slow for, is lost and counted; memory does not grow. The
// connection is made again for ever. Nothing is sent again: members repeat what
// matters (QRM-14).
package natsbus

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/transport"
	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

// What a connection waits for: how often and how long it tries, and when a silent
// server counts as dead.
const (
	dialTimeout     = 2 * time.Second
	reconnectWait   = 200 * time.Millisecond
	reconnectJitter = 300 * time.Millisecond
	pingInterval    = 2 * time.Second
	pingsUnanswered = 2
	writeTimeout    = 2 * time.Second
	maxReasons      = 16 // why there is no connection, that are told
)

// Options say how to reach an engine.
type Options struct {
	URLs        []string                   // of servers, nats:// or tls://
	InProcess   nats.InProcessConnProvider // instead: an engine in this process
	Name        string                     // for the servers' logs
	Nkey        *credentials.Nkey          // who we are, or
	Credentials string                     // a file of credentials that an external engine has given, or neither
	TLS         *tls.Config                // nil: that of the system for tls://, none for nats://
	Inbox       string                     // what subjects of answers begin with; subject.Chain.Inbox gives a member's
	Logger      *slog.Logger               // nil: nothing is logged
}

// ErrNoServer says that Options name none.
var ErrNoServer = errors.New("no server to connect to")

// Dial returns a connection that is made now, or as soon as a server is there, and
// again for ever, until it is closed. While there is none it takes nothing to send.
// The error is ErrNoServer, or about a URL or a file.
func Dial(o Options) (*nats.Conn, error) {
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	trouble := &trouble{log: log}
	options := []nats.Option{
		nats.Name(o.Name), nats.Timeout(dialTimeout), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(reconnectJitter, reconnectJitter), nats.ReconnectBufSize(-1),
		nats.IgnoreAuthErrorAbort(), nats.PingInterval(pingInterval), nats.MaxPingsOutstanding(pingsUnanswered),
		nats.FlusherTimeout(writeTimeout),
		nats.ConnectHandler(trouble.over("connected")), nats.ReconnectHandler(trouble.over("connected again")),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // nil: closed by us
				log.Warn("disconnected", "error", err)
			}
		}),
		nats.ReconnectErrHandler(trouble.tell),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Warn("engine", "error", err) }),
	}
	if o.InProcess != nil {
		options = append(options, nats.InProcessServer(o.InProcess))
	} else if len(o.URLs) == 0 {
		return nil, ErrNoServer
	}
	if o.Nkey != nil {
		options = append(options, o.Nkey.Option())
	}
	if o.Credentials != "" {
		options = append(options, nats.UserCredentials(o.Credentials))
	}
	if o.TLS != nil {
		options = append(options, nats.Secure(o.TLS))
	}
	if o.Inbox != "" {
		options = append(options, nats.CustomInboxPrefix(o.Inbox))
	}
	return nats.Connect(strings.Join(o.URLs, ","), options...)
}

// trouble tells why there is no connection, once for each reason, though it is tried
// several times a second.
type trouble struct {
	log *slog.Logger

	mu   sync.Mutex
	told map[string]bool // since there was a connection
}

func (t *trouble) tell(_ *nats.Conn, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := err.Error(); !t.told[text] && len(t.told) < maxReasons {
		if t.told == nil {
			t.told = map[string]bool{}
		}
		t.told[text] = true
		t.log.Warn("cannot connect", "error", err)
	}
}

func (t *trouble) over(text string) nats.ConnHandler {
	return func(c *nats.Conn) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.told = nil
		t.log.Info(text, "server", c.ConnectedServerName())
	}
}

// Bus is a transport.Bus. It is safe for concurrent use.
type Bus struct {
	conn    *nats.Conn
	chain   subject.Chain
	members atomic.Int64

	mu     sync.Mutex // guards joined
	joined map[int]*endpoint

	lost    atomic.Uint64 // not taken by the engine, or behind a full queue
	dropped atomic.Uint64 // of endpoints that are closed
}

// New returns the bus of a chain's members over a connection, which stays the
// caller's to close.
func New(conn *nats.Conn, chain cert.Hash, members int) *Bus {
	b := &Bus{conn: conn, chain: subject.Of(chain), joined: map[int]*endpoint{}}
	b.Resize(members)
	return b
}

// Resize says how many members there are from now on: a roster has changed.
func (b *Bus) Resize(members int) { b.members.Store(int64(members)) }

// Counts are what a Bus has lost since it was made.
type Counts struct {
	Lost    uint64 // messages to others, since the engine was gone or did not keep up
	Dropped uint64 // messages from others, since receive did not keep up
}

// Counts returns what the bus has lost.
func (b *Bus) Counts() Counts {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := Counts{Lost: b.lost.Load(), Dropped: b.dropped.Load()}
	for _, e := range b.joined {
		c.Dropped += e.dropped()
	}
	return c
}

// Join connects a member, or an observer at its place. That another process has joined as the same member
// nobody sees. The error wraps ErrUnknownMember or ErrJoined, or is the connection's.
func (b *Bus) Join(member int, receive func(b []byte)) (transport.Endpoint, error) {
	if err := b.check(member); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.joined[member] != nil {
		return nil, fmt.Errorf("%w: %d", transport.ErrJoined, member)
	}
	e, err := b.open(member, receive)
	if err != nil {
		return nil, err
	}
	b.joined[member] = e
	return e, nil
}

func (b *Bus) check(member int) error {
	if n := b.members.Load(); (member < 0 || member >= int(n)) && !subject.IsPlace(member) {
		return fmt.Errorf("%w: got %d, there are %d", transport.ErrUnknownMember, member, n)
	}
	return nil
}

// Tell publishes truth for whoever subscribes to it (ENG-14). The error is the
// connection's, or wraps ErrTooLarge: a prepare or a commit that no engine carries.
func (b *Bus) Tell(kind subject.Kind, payload []byte) error {
	if len(payload) > transport.MaxMessage {
		if kind != subject.Certificate && kind != subject.Obstruction {
			return tooLarge(payload)
		}
		payload = payload[envelopeAt : envelopeAt+cert.EnvelopeSize]
	}
	return b.conn.Publish(b.chain.Truth(kind), payload)
}

// envelopeAt is where in a record the envelope begins (LOG-2).
const envelopeAt = 8

func tooLarge(b []byte) error {
	return fmt.Errorf("%w: %d bytes, at most %d", transport.ErrTooLarge, len(b), transport.MaxMessage)
}
