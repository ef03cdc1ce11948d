package events_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/enginetest"
	"github.com/omega-sheaf-os/omega/impl/transport/events"
	"github.com/omega-sheaf-os/omega/impl/transport/natsbus"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

// cluster is an engine of three servers, each in a process of its own, and how to reach it.
type cluster struct {
	t       *testing.T
	party   *enginetest.Party
	servers []*enginetest.Process
	urls    []string
	admin   *nats.Conn
}

func newCluster(t *testing.T, ctx context.Context) *cluster {
	c := &cluster{t: t, party: enginetest.NewParty(1)}
	admin := credentials.GenerateNkey()
	users := append(c.party.Users, engine.User{
		Nkey: admin.Public(), Permissions: subject.Permissions{Publish: []string{">"}, Subscribe: []string{">"}},
	})
	c.servers = enginetest.StartCluster(t, 3, users)
	for _, s := range c.servers {
		c.urls = append(c.urls, s.URL)
	}
	c.admin = c.dial(natsbus.Options{Nkey: admin})
	require.NoError(t, events.Ensure(ctx, c.admin, chain, events.Config{Servers: 3, Members: c.party.Names(), MaxBytes: 64 << 20}))
	return c
}

func (c *cluster) dial(o natsbus.Options) *nats.Conn {
	o.URLs = c.urls
	conn, err := natsbus.Dial(o)
	require.NoError(c.t, err)
	c.t.Cleanup(conn.Close)
	return conn
}

func (c *cluster) member() *nats.Conn {
	return c.dial(natsbus.Options{Nkey: c.party.Nkeys[0], Inbox: subject.Of(chain).Inbox(0)})
}

// info asks until a leader answers.
func (c *cluster) info(ctx context.Context) *jetstream.StreamInfo {
	js, err := jetstream.New(c.admin)
	require.NoError(c.t, err)
	for {
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		stream, err := js.Stream(attempt, subject.Of(chain).Stream())
		cancel()
		if err == nil && stream.CachedInfo().Cluster.Leader != "" {
			return stream.CachedInfo()
		}
		require.NoError(c.t, ctx.Err())
		time.Sleep(20 * time.Millisecond)
	}
}

// TestTheLeaderIsKilledAndNothingIsLostOrDoubled publishes while the server that
// leads the stream is killed hard: each event that was acknowledged is there, once.
func TestTheLeaderIsKilledAndNothingIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	c := newCluster(t, ctx)
	p, err := events.NewPublisher(c.member(), chain, sign(1), nil)
	require.NoError(t, err)
	defer p.Close()
	consumer, err := events.NewConsumer(ctx, c.member(), chain, "m0", keys, nil)
	require.NoError(t, err)
	defer consumer.Close()

	const streams = 4
	var mu sync.Mutex
	acknowledged, longest, last := map[string]bool{}, time.Duration(0), time.Now()
	done := make(chan struct{})
	var group sync.WaitGroup
	for s := range uint16(streams) {
		group.Go(func() {
			for i := 1; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				e := makeEvent(t, 1, s, i, name(i))
				r, err := p.Publish(ctx, e)
				if err == nil {
					_, err = r.Wait(ctx)
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acknowledged[string(e)] = true
				longest, last = max(longest, time.Since(last)), time.Now()
				mu.Unlock()
			}
		})
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acknowledged)
	}
	require.Eventually(t, func() bool { return count() > 200 }, patience, time.Millisecond)
	leader := c.info(ctx).Cluster.Leader
	for _, s := range c.servers {
		if s.Options.Name == leader {
			s.Kill()
		}
	}
	before := count()
	require.Eventually(t, func() bool { return count() > before+200 }, 2*patience, time.Millisecond, "no event after the leader was killed")
	close(done)
	group.Wait()

	info := c.info(ctx)
	require.NotEqual(t, leader, info.Cluster.Leader)
	require.Equal(t, 3, info.Config.Replicas)
	require.Equal(t, uint64(len(acknowledged)), info.State.Msgs, "an event is lost or doubled")
	times := map[string]int{}
	next := map[uint16]uint64{}
	for range acknowledged {
		item, err := consumer.Next(ctx)
		require.NoError(t, err)
		times[string(item.Event)]++
		v, err := event.Parse(item.Event)
		require.NoError(t, err)
		stream := v.Key().Stream()
		next[stream]++
		require.Equal(t, next[stream], v.Key().Lamport(), "out of order in stream %d", stream)
		require.NoError(t, item.Ack())
	}
	for e := range acknowledged {
		require.Equal(t, 1, times[e])
	}
	require.Zero(t, consumer.Counts().Missing)
	t.Logf("%d events, %d tries again, no acknowledgement for at most %v", len(acknowledged), p.Counts().Retries, longest)
}
