package events_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/enginetest"
	"github.com/omega-sheaf-os/omega/impl/transport/events"
	"github.com/omega-sheaf-os/omega/impl/transport/natsbus"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

func TestEnsureFitsTheConsumersToTheMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, events.Config{})
	config := events.Config{Servers: 1, Members: []string{"m0", "m1"}, MaxBytes: 1 << 20}
	require.NoError(t, events.Ensure(w.ctx(), w.admin, chain, config))
	_, err := events.NewConsumer(w.ctx(), w.dial(2), chain, "m2", keys, nil)
	require.ErrorIs(t, err, events.ErrNoConsumer)

	p := w.publisher(0, sign(1))
	for i := 1; i <= 2; i++ {
		w.put(p, makeEvent(t, 1, 1, i, name(i)))
	}
	require.NoError(t, w.next(w.consumer(0)).Ack())
	require.NoError(t, w.admin.Flush())
	require.Equal(t, uint64(2), w.state().Msgs)

	// m1 leaves and m2 comes: m2 gets what was still kept for m1.
	config.Members, config.MaxBytes = []string{"m0", "m2"}, 2<<20
	require.NoError(t, events.Ensure(w.ctx(), w.admin, chain, config))
	c := w.consumer(2)
	for i := range 2 {
		require.Equal(t, uint64(i+1), w.next(c).Sequence)
	}
	_, err = events.NewConsumer(w.ctx(), w.dial(1), chain, "m1", keys, nil)
	require.ErrorIs(t, err, events.ErrNoConsumer)
}

func TestEnsureMayRunInSeveralPlacesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, events.Config{})
	other := [32]byte{9}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			err := events.Ensure(w.ctx(), w.admin, other, events.Config{Servers: 1, Members: []string{"a", "b.c"}, MaxBytes: 1 << 20})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestEnsureSaysWhatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, events.Config{})
	for name, c := range map[string]events.Config{
		"three servers where there is one": {Servers: 3, MaxBytes: 1 << 20},
		"more bytes than the engine keeps": {Servers: 1, MaxBytes: 1 << 50},
	} {
		require.ErrorIs(t, events.Ensure(w.ctx(), w.admin, [32]byte{9}, c), events.ErrConfig, name)
	}
	w.engine.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, events.Ensure(ctx, w.admin, chain, events.Config{Servers: 1}), context.DeadlineExceeded)
}

// TestNoEventIsTakenBeforeEveryMemberWillSeeIt stops Ensure between the stream and
// its consumers, by somebody who may make the one and not the others.
func TestNoEventIsTakenBeforeEveryMemberWillSeeIt(t *testing.T) {
	t.Parallel()
	p, half := enginetest.NewParty(2), credentials.GenerateNkey()
	e := enginetest.Start(t, engine.Options{Users: append(p.Users, engine.User{
		Nkey: half.Public(), Permissions: subject.Permissions{Publish: []string{"$JS.API.STREAM.>"}, Subscribe: []string{"_INBOX.>"}},
	})})
	w := &world{t: t, party: p, engine: e}
	var err error
	w.admin, err = e.Admin()
	require.NoError(t, err)
	t.Cleanup(w.admin.Close)
	conn, err := natsbus.Dial(natsbus.Options{InProcess: e, Nkey: half})
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	config := events.Config{Servers: 1, Members: p.Names(), MaxBytes: 1 << 20}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, events.Ensure(ctx, conn, chain, config), context.DeadlineExceeded)

	publisher := w.publisher(0, nil)
	r, err := publisher.Publish(w.ctx(), makeEvent(t, 1, 1, 1, "early"))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return publisher.Counts().Retries >= 2 }, patience, time.Millisecond)
	require.Zero(t, w.state().LastSeq)
	require.NoError(t, events.Ensure(w.ctx(), w.admin, chain, config))
	sequence, err := r.Wait(w.ctx())
	require.NoError(t, err)
	for member := range 2 {
		item := w.next(w.consumer(member))
		require.Equal(t, sequence, item.Sequence)
		require.NoError(t, item.Ack())
	}
}

func TestPublishersAndConsumersOutliveTheEngine(t *testing.T) {
	t.Parallel()
	p := enginetest.NewParty(1)
	o := engine.Options{Listen: enginetest.FreeAddress(t), StoreDir: t.TempDir(), Users: p.Users}
	e := enginetest.Start(t, o)
	admin, err := e.Admin()
	require.NoError(t, err)
	w := &world{t: t, party: p, engine: e, admin: admin}
	require.NoError(t, events.Ensure(w.ctx(), admin, chain, events.Config{Servers: 1, Members: p.Names(), MaxBytes: 1 << 20}))
	admin.Close()
	conn, err := natsbus.Dial(natsbus.Options{URLs: []string{e.URL()}, Nkey: p.Nkeys[0], Inbox: subject.Of(chain).Inbox(0)})
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	publisher, err := events.NewPublisher(conn, chain, sign(1), nil)
	require.NoError(t, err)
	t.Cleanup(publisher.Close)
	c, err := events.NewConsumer(w.ctx(), conn, chain, "m0", keys, nil)
	require.NoError(t, err)
	t.Cleanup(c.Close)

	w.put(publisher, makeEvent(t, 1, 1, 1, name(1)))
	require.NoError(t, w.next(c).Ack())
	require.NoError(t, conn.Flush())
	for i := 2; i <= 3; i++ {
		e.Stop()
		r, err := publisher.Publish(w.ctx(), makeEvent(t, 1, 1, i, name(i)))
		require.NoError(t, err)
		e = enginetest.Start(t, o)
		sequence, err := r.Wait(w.ctx())
		require.NoError(t, err)
		require.Equal(t, uint64(i), sequence, "the engine has lost what it acknowledged")
		item := w.next(c)
		require.Equal(t, makeEvent(t, 1, 1, i, name(i)), item.Event)
		require.NoError(t, item.Ack())
	}
	require.Zero(t, c.Counts().Missing)
}
