package events_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/transport"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/enginetest"
	"github.com/omega-sheaf-os/omega/impl/transport/events"
	"github.com/omega-sheaf-os/omega/impl/transport/natsbus"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

const patience = 20 * time.Second

var chain = enginetest.Chain

// privateKey is the key on the chain of the member that writes a node.
func privateKey(node uint32) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(append(make([]byte, 31), byte(node)))
}

func sign(node uint32) events.Sign {
	return func(m []byte) cert.Signature { return cert.Signature(ed25519.Sign(privateKey(node), m)) }
}

// keys knows the writers of nodes 1 and 2.
func keys(node uint32) []cert.PublicKey {
	if node < 1 || node > 2 {
		return nil
	}
	return []cert.PublicKey{cert.PublicKey(privateKey(node).Public().(ed25519.PublicKey))}
}

// makeEvent is the i-th event of a node's stream, with this payload.
func makeEvent(t require.TestingT, node uint32, stream uint16, i int, payload string) []byte {
	e := event.Event{Key: key.New(uint64(i), node, stream, [key.EventIDSize]byte{byte(i)}), Payload: []byte(payload)}
	b, err := e.Append(nil)
	require.NoError(t, err)
	return b
}

// world is an engine with a stream for the members of a party.
type world struct {
	t      *testing.T
	party  *enginetest.Party
	engine *engine.Engine
	admin  *nats.Conn
}

func newWorld(t *testing.T, members int, c events.Config) *world {
	w := &world{t: t, party: enginetest.NewParty(members)}
	w.engine = enginetest.Start(t, engine.Options{Users: w.party.Users})
	var err error
	w.admin, err = w.engine.Admin()
	require.NoError(t, err)
	t.Cleanup(w.admin.Close)
	c.Servers, c.Members = 1, w.party.Names()
	if c.MaxBytes == 0 {
		c.MaxBytes = 64 << 20
	}
	require.NoError(t, events.Ensure(w.ctx(), w.admin, chain, c))
	return w
}

func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	w.t.Cleanup(cancel)
	return ctx
}

func (w *world) dial(member int) *nats.Conn {
	conn, err := natsbus.Dial(natsbus.Options{
		InProcess: w.engine, Nkey: w.party.Nkeys[member], Inbox: subject.Of(chain).Inbox(member),
	})
	require.NoError(w.t, err)
	w.t.Cleanup(conn.Close)
	return conn
}

func (w *world) publisher(member int, s events.Sign) *events.Publisher {
	p, err := events.NewPublisher(w.dial(member), chain, s, nil)
	require.NoError(w.t, err)
	w.t.Cleanup(p.Close)
	return p
}

func (w *world) consumer(member int) *events.Consumer {
	c, err := events.NewConsumer(w.ctx(), w.dial(member), chain, w.party.Roster[member].Name, keys, nil)
	require.NoError(w.t, err)
	w.t.Cleanup(c.Close)
	return c
}

func (w *world) next(c *events.Consumer) transport.Item {
	w.t.Helper()
	item, err := c.Next(w.ctx())
	require.NoError(w.t, err)
	return item
}

// none sees that no further event comes.
func (w *world) none(c *events.Consumer) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 150*time.Millisecond)
	defer cancel()
	item, err := c.Next(ctx)
	require.ErrorIs(w.t, err, context.DeadlineExceeded, "item %+v", item)
}

// put publishes an event and returns its sequence.
func (w *world) put(p *events.Publisher, e []byte) uint64 {
	w.t.Helper()
	r, err := p.Publish(w.ctx(), e)
	require.NoError(w.t, err)
	sequence, err := r.Wait(w.ctx())
	require.NoError(w.t, err)
	return sequence
}

// state is what the engine says of the stream.
func (w *world) state() jetstream.StreamState {
	js, err := jetstream.New(w.admin)
	require.NoError(w.t, err)
	s, err := js.Stream(w.ctx(), subject.Of(chain).Stream())
	require.NoError(w.t, err)
	return s.CachedInfo().State
}

// raw publishes what no Publisher would, as the engine's admin, and waits for the ack.
func (w *world) raw(subj string, header nats.Header, data []byte) {
	js, err := jetstream.New(w.admin)
	require.NoError(w.t, err)
	_, err = js.PublishMsg(w.ctx(), &nats.Msg{Subject: subj, Header: header, Data: data})
	require.NoError(w.t, err)
}

func name(i int) string { return fmt.Sprintf("event %d", i) }
