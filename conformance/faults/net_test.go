package faults_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/faults"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node/member"
	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/enginetest"
	"github.com/omega-sheaf-os/omega/impl/transport/events"
	"github.com/omega-sheaf-os/omega/impl/transport/natsbus"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

// streams is how many streams of node 1 the events of a netWorld are of, beside stream 0.
const streams = 8

// netWorld is a cluster whose members are on an engine of NATS, with a stream of events.
type netWorld struct {
	*world
	party *enginetest.Party
	urls  []string
	admin *nats.Conn

	publisher *events.Publisher
	conns     []*nats.Conn
	consumers []*events.Consumer

	mu        sync.Mutex
	published int
}

// newNetWorld makes n members, all down, on an engine of one server in this process.
func newNetWorld(t *testing.T, name string, n int) *netWorld {
	w := &netWorld{world: found(t, name, n), party: enginetest.NewParty(n)}
	e := enginetest.Start(t, engine.Options{Users: w.party.Users, StoreDir: tempDir(t)})
	w.urls = []string{e.URL()}
	admin, err := e.Admin()
	require.NoError(t, err)
	t.Cleanup(admin.Close)
	w.join(admin, 1)
	return w
}

// join sets up the stream, and how members reach the engine.
func (w *netWorld) join(admin *nats.Conn, servers int) {
	w.admin = admin
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	config := events.Config{Servers: servers, Members: w.party.Names(), MaxBytes: 256 << 20}
	require.NoError(w.t, events.Ensure(ctx, admin, enginetest.Chain, config))
	w.conns, w.consumers = make([]*nats.Conn, len(w.Seats)), make([]*events.Consumer, len(w.Seats))
	w.Config = func(i int, cfg *member.Config) { cfg.Source = w.consumers[i] }
	w.t.Cleanup(func() {
		_ = w.StopAll()
		for i := range w.conns {
			w.hangUp(i)
		}
	})
	conn, err := natsbus.Dial(natsbus.Options{URLs: w.urls, Nkey: w.party.Nkeys[0], Inbox: subject.Of(enginetest.Chain).Inbox(0)})
	require.NoError(w.t, err)
	w.t.Cleanup(conn.Close)
	w.publisher, err = events.NewPublisher(conn, enginetest.Chain, nil, nil)
	require.NoError(w.t, err)
	w.t.Cleanup(w.publisher.Close)
}

// start dials for a member in this process, and runs it.
func (w *netWorld) start(i int) {
	w.t.Helper()
	var err error
	w.conns[i], w.consumers[i], err = connect(w.t.Context(), w.urls, w.party.Nkeys[i], i)
	require.NoError(w.t, err)
	require.NoError(w.t, w.Start(i, natsbus.New(w.conns[i], enginetest.Chain, len(w.Seats))))
}

func (w *netWorld) hangUp(i int) {
	if w.conns[i] != nil {
		w.consumers[i].Close()
		w.conns[i].Close()
		w.conns[i] = nil
	}
}

// connect dials as a member.
func connect(ctx context.Context, urls []string, nkey *credentials.Nkey, i int) (*nats.Conn, *events.Consumer, error) {
	conn, err := natsbus.Dial(natsbus.Options{URLs: urls, Nkey: nkey, Inbox: subject.Of(enginetest.Chain).Inbox(i)})
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		try, stop := context.WithTimeout(ctx, time.Second) // a request is lost with its connection
		consumer, err := events.NewConsumer(try, conn, enginetest.Chain, enginetest.NewParty(i + 1).Names()[i], noKeys, nil)
		stop()
		if err == nil || ctx.Err() != nil {
			return conn, consumer, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func noKeys(uint32) []cert.PublicKey { return nil }

// publish publishes an event every so often until stop is called, which waits until the
// engine has acknowledged all.
func (w *netWorld) publish(every time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		var err error
		for err == nil && ctx.Err() == nil {
			select {
			case <-ticker.C:
				err = w.publishOne(ctx)
			case <-ctx.Done():
			}
		}
		done <- err
	}()
	return func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			require.NoError(w.t, err)
		}
		flush, stop := context.WithTimeout(w.t.Context(), patience)
		defer stop()
		require.NoError(w.t, w.publisher.Flush(flush))
	}
}

func (w *netWorld) publishOne(ctx context.Context) error {
	w.mu.Lock()
	n := w.published
	w.published++
	w.mu.Unlock()
	e := faults.EventOf(1, uint16(1+n%streams), uint64(n/streams+1), 100)
	b, err := e.Append(nil)
	if err != nil {
		return err
	}
	if _, err := w.publisher.Publish(ctx, b); err != nil {
		return err
	}
	return w.Acknowledged(e) // for the publisher tries until it is, and stop waits for that
}

// drain waits until the engine has handed every event to members that have acknowledged
// it: what a member was handed before it was killed comes again some seconds later.
func (w *netWorld) drain() {
	w.t.Helper()
	w.until(func() bool {
		info, err := streamOf(w.t.Context(), w.admin)
		return err == nil && info.State.Msgs == 0
	})
	require.NoError(w.t, w.Settle(patience))
}

// streamOf asks for the state of the stream.
func streamOf(ctx context.Context, conn *nats.Conn) (*jetstream.StreamInfo, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	stream, err := js.Stream(ctx, subject.Of(enginetest.Chain).Stream())
	if err != nil {
		return nil, err
	}
	return stream.CachedInfo(), nil
}

// dirOf is a folder for what belongs to a member beside its data folder.
func (w *netWorld) dirOf(name string) string { return filepath.Join(w.Dir, name) }
