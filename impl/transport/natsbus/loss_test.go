package natsbus_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/transport"
	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/enginetest"
	"github.com/omega-sheaf-os/omega/impl/transport/events"
	"github.com/omega-sheaf-os/omega/impl/transport/natsbus"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

const patience = 15 * time.Second

// join joins until the test ends.
func join(t *testing.T, b *natsbus.Bus, member int, receive func([]byte)) transport.Endpoint {
	end, err := b.Join(member, receive)
	require.NoError(t, err)
	t.Cleanup(func() { _ = end.Close() })
	return end
}

func TestAReceiverThatIsTooSlowLosesAndCountsAndGoesOn(t *testing.T) {
	p := enginetest.NewParty(2)
	e := enginetest.Start(t, engine.Options{Users: p.Users})
	slow := natsbus.New(dial(t, p, 1, natsbus.Options{InProcess: e}), enginetest.Chain, 2)
	fast := natsbus.New(dial(t, p, 0, natsbus.Options{InProcess: e}), enginetest.Chain, 2)
	var heard atomic.Uint64
	gate := make(chan struct{})
	open := sync.OnceFunc(func() { close(gate) })
	end := join(t, slow, 1, func([]byte) { <-gate; heard.Add(1) })
	t.Cleanup(open) // before the endpoint is closed
	sender := join(t, fast, 0, func([]byte) {})
	const count = 12_000
	for i := range count {
		require.NoError(t, sender.Send(1, []byte("message")))
		if i%1000 == 999 {
			time.Sleep(5 * time.Millisecond) // the sender's own queue keeps up
		}
	}
	require.Eventually(t, func() bool { return slow.Counts().Dropped+fast.Counts().Lost >= count-4096-1 }, patience, time.Millisecond, "it holds more than its limit")
	open()
	require.Eventually(t, func() bool { return heard.Load()+slow.Counts().Dropped+fast.Counts().Lost == count }, patience, time.Millisecond)
	require.NotZero(t, heard.Load())
	before := heard.Load()
	require.NoError(t, sender.Send(1, []byte("after")))
	require.Eventually(t, func() bool { return heard.Load() == before+1 }, patience, time.Millisecond)
	dropped := slow.Counts().Dropped
	require.NoError(t, end.Close())
	require.Equal(t, dropped, slow.Counts().Dropped, "a closed endpoint's losses stay counted")
}

// stalled is a server that takes a client in and then reads nothing more.
func stalled(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			fmt.Fprint(c, "INFO {\"server_id\":\"x\",\"max_payload\":1048576,\"headers\":true,\"proto\":1}\r\n")
			for lines := bufio.NewScanner(c); lines.Scan(); {
				if strings.HasPrefix(lines.Text(), "PING") {
					fmt.Fprint(c, "PONG\r\n")
					break
				}
			}
		}
	}()
	return "nats://" + l.Addr().String()
}

func TestSendDoesNotWaitForAnEngineThatDoesNotRead(t *testing.T) {
	conn, err := natsbus.Dial(natsbus.Options{URLs: []string{stalled(t)}})
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	bus := natsbus.New(conn, enginetest.Chain, 2)
	end, err := bus.Join(0, func([]byte) {})
	require.NoError(t, err)
	done := make(chan struct{})
	const count = 200
	go func() {
		defer close(done)
		message := make([]byte, transport.MaxMessage)
		for range count {
			if err := end.Send(1, message); err != nil {
				t.Error(err)
			}
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Second):
		t.Error("Send waits")
	}
	// What is held: a queue, the same again being sent, and the socket's buffers.
	require.Greater(t, bus.Counts().Lost, uint64(count-3*16), "memory grows")
	conn.Close()
	<-done
	require.NoError(t, end.Close())
}

func TestTheConnectionIsMadeAgainForEver(t *testing.T) {
	p := enginetest.NewParty(2)
	o := engine.Options{Listen: enginetest.FreeAddress(t), StoreDir: t.TempDir(), Users: p.Users}
	log := enginetest.NewLog()
	how := natsbus.Options{URLs: []string{"nats://" + o.Listen}, Logger: log.Logger}
	a := natsbus.New(dial(t, p, 0, how), enginetest.Chain, 2) // before there is an engine
	b := natsbus.New(dial(t, p, 1, how), enginetest.Chain, 2)
	var heard atomic.Uint64
	sender := join(t, a, 0, func([]byte) {})
	join(t, b, 1, func([]byte) { heard.Add(1) })
	require.NoError(t, sender.Send(1, []byte("lost")))
	require.Eventually(t, func() bool { return a.Counts().Lost == 1 }, patience, time.Millisecond)
	for range 2 {
		e := enginetest.Start(t, o)
		before := heard.Load()
		require.Eventually(t, func() bool {
			return sender.Send(1, []byte("message")) == nil && heard.Load() > before
		}, patience, 20*time.Millisecond)
		e.Stop()
	}
	require.Contains(t, log.Text(), "disconnected")
	require.Contains(t, log.Text(), "connected again")
}

func TestWhoIsNotKnownYetGetsInOnceItIs(t *testing.T) {
	p := enginetest.NewParty(1)
	e := enginetest.Start(t, engine.Options{})
	conn := dial(t, p, 0, natsbus.Options{URLs: []string{e.URL()}})
	require.Equal(t, -1, conn.Opts.MaxReconnect)
	require.Eventually(t, func() bool { return e.Counts().Refused >= 3 }, patience, time.Millisecond)
	require.NoError(t, e.SetUsers(p.Users))
	require.Eventually(t, conn.IsConnected, patience, time.Millisecond)
}

func TestMembersOnThreeServersHearEachOtherAndShareOneStream(t *testing.T) {
	p := enginetest.NewParty(3)
	routes := []string{enginetest.FreeAddress(t), enginetest.FreeAddress(t), enginetest.FreeAddress(t)}
	heard, errs := make([]atomic.Uint64, 3), make([]error, 3)
	var ends []transport.Endpoint
	var buses []*natsbus.Bus
	var group sync.WaitGroup
	for i := range 3 {
		e := enginetest.Start(t, engine.Options{
			Name: fmt.Sprint("s", i), Users: p.Users, Cluster: &engine.Cluster{Name: "c", Listen: routes[i], Routes: routes},
		})
		buses = append(buses, natsbus.New(dial(t, p, i, natsbus.Options{InProcess: e}), enginetest.Chain, 3))
		ends = append(ends, join(t, buses[i], i, func([]byte) { heard[i].Add(1) }))
		group.Go(func() { errs[i] = ensure(t, e, p) })
	}
	for i := range 3 {
		for other := range 3 {
			before := heard[other].Load()
			require.Eventually(t, func() bool {
				require.NoError(t, ends[i].Broadcast([]byte("message")))
				return other == i || heard[other].Load() > before
			}, patience, 20*time.Millisecond, "%d does not hear %d", other, i)
		}
	}
	group.Wait()
	require.Equal(t, make([]error, 3), errs)
}

// ensure has one server of a cluster of three set up the stream.
func ensure(t *testing.T, e *engine.Engine, p *enginetest.Party) error {
	admin, err := e.Admin()
	if err != nil {
		return err
	}
	defer admin.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	return events.Ensure(ctx, admin, enginetest.Chain, events.Config{Servers: 3, Members: p.Names(), MaxBytes: 1 << 20})
}

func TestTruthReachesWhoeverSubscribes(t *testing.T) {
	chain := subject.Of(enginetest.Chain)
	p, client := enginetest.NewParty(1), credentials.GenerateNkey()
	e := enginetest.Start(t, engine.Options{Users: append(p.Users, engine.User{Nkey: client.Public(), Permissions: chain.Client()})})
	conn, err := natsbus.Dial(natsbus.Options{InProcess: e, Nkey: client})
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	truths, err := conn.SubscribeSync(chain.Truth("*"))
	require.NoError(t, err)
	require.NoError(t, conn.Flush())
	bus := natsbus.New(dial(t, p, 0, natsbus.Options{InProcess: e}), enginetest.Chain, 1)

	large := make([]byte, transport.MaxMessage+1)
	rand.Read(large)
	for _, told := range []struct {
		kind          subject.Kind
		payload, want []byte
	}{
		{subject.Prepare, []byte("a prepare"), []byte("a prepare")},
		{subject.Commit, large[1:], large[1:]},
		{subject.Certificate, large, large[8 : 8+cert.EnvelopeSize]},
		{subject.Obstruction, large, large[8 : 8+cert.EnvelopeSize]},
	} {
		require.NoError(t, bus.Tell(told.kind, told.payload))
		m, err := truths.NextMsg(patience)
		require.NoError(t, err)
		require.Equal(t, chain.Truth(told.kind), m.Subject)
		require.True(t, string(told.want) == string(m.Data), told.kind)
	}
	for _, kind := range []subject.Kind{subject.Prepare, subject.Commit} {
		require.ErrorIs(t, bus.Tell(kind, large), transport.ErrTooLarge)
	}
}

func TestDialNeedsAServerAndReadableCredentials(t *testing.T) {
	_, err := natsbus.Dial(natsbus.Options{})
	require.ErrorIs(t, err, natsbus.ErrNoServer)
	_, err = natsbus.Dial(natsbus.Options{URLs: []string{"nats://[::1"}})
	require.Error(t, err)

	file := filepath.Join(t.TempDir(), "none.creds")
	conn, err := natsbus.Dial(natsbus.Options{URLs: []string{"nats://127.0.0.1:1"}, Credentials: file})
	if err == nil { // the file is read when a server asks
		conn.Close()
	} else {
		require.ErrorIs(t, err, os.ErrNotExist)
	}
	require.NotErrorIs(t, err, nats.ErrAuthorization)
}
