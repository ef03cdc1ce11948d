package member

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/audit"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/omegalog/omegalogtest"
	"github.com/omega-sheaf-os/omega/impl/transport"
)

// hub is a bus in memory for goroutines: whoever sends delivers.
type hub struct {
	mu   sync.Mutex
	ends map[int]*hubEnd
}

type hubEnd struct {
	h       *hub
	member  int
	receive func([]byte)
}

func (h *hub) Join(member int, receive func([]byte)) (transport.Endpoint, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ends[member] != nil {
		return nil, transport.ErrJoined
	}
	h.ends[member] = &hubEnd{h, member, receive}
	return h.ends[member], nil
}

func (e *hubEnd) Send(to int, b []byte) error {
	e.h.mu.Lock()
	defer e.h.mu.Unlock()
	if other := e.h.ends[to]; other != nil {
		other.receive(b)
	}
	return nil
}

func (e *hubEnd) Broadcast(b []byte) error {
	e.h.mu.Lock()
	defer e.h.mu.Unlock()
	for i, other := range e.h.ends {
		if i != e.member {
			other.receive(b)
		}
	}
	return nil
}

func (e *hubEnd) Close() error {
	e.h.mu.Lock()
	defer e.h.mu.Unlock()
	delete(e.h.ends, e.member)
	return nil
}

// queue is a Source that hands over what is put into it.
type queue struct {
	items chan transport.Item
	fail  chan error
}

func (q *queue) Next(ctx context.Context) (transport.Item, error) {
	select {
	case item := <-q.items:
		return item, nil
	case err := <-q.fail:
		return transport.Item{}, err
	case <-ctx.Done():
		return transport.Item{}, ctx.Err()
	}
}

// cluster is members that run.
type cluster struct {
	t       *testing.T
	hub     *hub
	genesis *cert.Certificate
	dirs    []string
	members []*Member
	cancel  context.CancelFunc
	ended   []chan error
}

func newCluster(t *testing.T, n int, config func(int, *Config)) *cluster {
	c := &cluster{t: t, hub: &hub{ends: map[int]*hubEnd{}}}
	body := cert.GenesisBody{}
	for i := range n {
		body.Roster = append(body.Roster, cert.Member{
			Name: "m" + string(rune('0'+i)), Key: keyOf(t, byte(i+1)).Public(), Nodes: []uint32{uint32(i + 1)},
		})
	}
	c.genesis = &cert.Certificate{Body: body.Append(nil)}
	c.genesis.Envelope = cert.Seal(cert.Genesis, merkle.EmptyRoot(), 0, cert.Hash{}, c.genesis.Body)
	for i := range n {
		c.genesis.Signatures = append(c.genesis.Signatures, keyOf(t, byte(i+1)).Sign(cert.VoteMessage(cert.Hash{}, c.genesis.Envelope.Hash())))
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	for i := range n {
		c.dirs = append(c.dirs, filepath.Join(tempDir(t), "data"))
		require.NoError(t, node.Found(c.dirs[i], c.genesis, keyOf(t, byte(i+1))))
		cfg := Config{
			Dir: c.dirs[i], Key: keyOf(t, byte(i+1)), Bus: c.hub, Tick: 20 * time.Millisecond, BatchAge: 5 * time.Millisecond,
			Timeout: 2 * time.Second, Audit: 50 * time.Millisecond,
		}
		if config != nil {
			config(i, &cfg)
		}
		m, err := Open(cfg)
		require.NoError(t, err)
		c.members = append(c.members, m)
		ended := make(chan error, 1)
		c.ended = append(c.ended, ended)
		go func() { ended <- m.Run(ctx) }()
	}
	return c
}

func (c *cluster) stop() {
	c.cancel()
	for _, ended := range c.ended {
		require.NoError(c.t, <-ended)
	}
}

func (c *cluster) section(node uint32, events ...event.Event) string {
	return omegalogtest.WriteSection(c.t, c.t.TempDir(), "in.omega", node, events...)
}

func (c *cluster) eventually(done func() bool) {
	c.t.Helper()
	require.Eventually(c.t, done, 20*time.Second, 10*time.Millisecond)
}

// TestMembersRunUntilTheyAreStopped takes events by files and by a source, and leaves
// no goroutine behind.
func TestMembersRunUntilTheyAreStopped(t *testing.T) {
	before := runtime.NumGoroutine()
	q := &queue{items: make(chan transport.Item), fail: make(chan error)}
	c := newCluster(t, 3, func(i int, cfg *Config) {
		if i == 1 {
			cfg.Source = q
		}
	})
	news := c.members[2].Subscribe(1000)
	acked := make(chan uint64, 10)
	for i := range uint64(5) {
		require.NoError(t, c.members[0].Submit(c.section(1, ev(2*i+1, 1), ev(2*i+2, 1))))
		e := ev(i+1, 2)
		raw, err := e.Append(nil)
		require.NoError(t, err)
		q.items <- transport.Item{Sequence: i + 1, Event: raw, Signed: true, Ack: func() error { acked <- i; return nil }}
	}
	for range 5 {
		<-acked
	}
	c.eventually(func() bool {
		s := c.members[0].Status()
		return s.Pending == 0 && s.Audit.OK && s.Audit.Certificates > 1 && s.Ready && len(s.Missing) == 0
	})
	head := c.members[0].Status().Head
	c.eventually(func() bool { return c.members[1].Status().Head == head && c.members[2].Status().Head == head })
	c.stop()
	require.ErrorIs(t, c.members[0].Submit(c.section(1, ev(100, 1))), ErrStopped)
	require.ErrorIs(t, c.members[0].Propose(quorum.Content{}), ErrStopped)
	require.ErrorIs(t, c.members[0].Run(context.Background()), ErrStopped)
	require.NoError(t, c.members[0].Close())
	kinds := map[NewsKind]int{}
	for n := range news.C {
		kinds[n.Kind]++
	}
	require.EqualValues(t, c.members[2].Status().Height-1, kinds[CertificateNews])
	require.GreaterOrEqual(t, kinds[PrepareNews], kinds[CertificateNews])
	require.GreaterOrEqual(t, kinds[CommitNews], kinds[CertificateNews])
	require.Zero(t, news.Missed())
	for _, dir := range c.dirs {
		report, err := audit.Folder(dir, audit.Options{})
		require.NoError(t, err)
		require.True(t, report.OK, report.FirstError)
		require.EqualValues(t, 15, report.Events)
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), before)
}

func TestSubmitRefusesWhatItCannotTake(t *testing.T) {
	c := newCluster(t, 1, func(_ int, cfg *Config) { cfg.PendingEvents, cfg.HoldFor = 4, time.Hour })
	m := c.members[0]
	var events []event.Event
	for i := range uint64(5) {
		events = append(events, ev(i+1, 1))
	}
	require.ErrorIs(t, m.Submit(c.section(1, events...)), ErrTooLarge)
	waits := ev(50, 1, omegalogtest.Key(49, 2))
	also := ev(51, 1)
	require.NoError(t, m.Submit(c.section(1, waits, also)))
	require.ErrorIs(t, m.Submit(c.section(1, ev(1, 3), ev(2, 3), ev(3, 3))), ErrFull)
	damaged := filepath.Join(t.TempDir(), "damaged.omega")
	require.NoError(t, os.WriteFile(damaged, []byte("OMEGALOG"), 0o644))
	var bad *frame.Error
	require.ErrorAs(t, m.Submit(damaged), &bad)
	require.ErrorIs(t, m.Submit(filepath.Join(t.TempDir(), "none")), os.ErrNotExist)
	inbox, err := inboxFiles(c.dirs[0])
	require.NoError(t, err)
	require.Len(t, inbox, 1, "what is refused leaves nothing")
	c.stop()
}

// TestASubmittedSectionOutlivesTheMember kills a member that waits for another.
func TestASubmittedSectionOutlivesTheMember(t *testing.T) {
	w := newWorld(t, 2, transport.Faults{})
	w.pass(3)
	w.members[1].stop()
	w.members[0].hand(1, ev(1, 1), ev(2, 1), ev(2, 1))
	w.members[0].hand(1, ev(2, 1), ev(3, 1))
	w.members[0].stop()
	w.members[0].start()
	require.Equal(t, 3, w.members[0].core.status().Pending)
	w.members[1].start()
	w.until(50, w.settled)
	inbox, err := inboxFiles(w.members[0].dir)
	require.NoError(t, err)
	require.Empty(t, inbox)
	w.audit(3, 0)
}

func TestASourceThatFailsEndsTheMember(t *testing.T) {
	q := &queue{items: make(chan transport.Item), fail: make(chan error, 1)}
	c := newCluster(t, 1, func(_ int, cfg *Config) { cfg.Source = q })
	gone := errors.New("gone")
	q.fail <- gone
	require.ErrorIs(t, <-c.ended[0], gone)
	c.cancel()
}

// TestAFullInboxDropsAndCounts delivers to a member that does not run yet.
func TestAFullInboxDropsAndCounts(t *testing.T) {
	dir := filepath.Join(tempDir(t), "data")
	_, err := node.Init(dir, node.DefaultSeats(1))
	require.NoError(t, err)
	m, err := Open(Config{Dir: dir, Key: keyOf(t, 9), Bus: &hub{ends: map[int]*hubEnd{}}})
	require.NoError(t, err)
	for range inboxCount + 10 {
		m.deliver([]byte("x"))
	}
	require.EqualValues(t, 10, m.dropped.Load())
	large := make([]byte, MaxMessage)
	for len(m.messages) > 0 {
		m.waiting.Add(-int64(len(<-m.messages)))
	}
	for range 2 * inboxBytes / MaxMessage {
		m.deliver(large)
	}
	require.LessOrEqual(t, m.waiting.Load(), int64(inboxBytes))
	require.LessOrEqual(t, len(m.messages), inboxBytes/MaxMessage)
	require.NoError(t, m.Close())
	_, err = Open(Config{Dir: dir, Key: keyOf(t, 9), Bus: &hub{}})
	require.NoError(t, err, "Close gives the lock back")
}

// TestTheSelfAuditFindsDamage changes a byte of a trace under a running member.
func TestTheSelfAuditFindsDamage(t *testing.T) {
	c := newCluster(t, 1, nil)
	m := c.members[0]
	news := m.Subscribe(1000)
	require.NoError(t, m.Submit(c.section(1, ev(1, 1))))
	c.eventually(func() bool { s := m.Status(); return s.Audit.OK && s.Audit.Certificates == 2 })
	traces, err := filepath.Glob(filepath.Join(c.dirs[0], "traces", "*"))
	require.NoError(t, err)
	raw, err := os.ReadFile(traces[0])
	require.NoError(t, err)
	raw[len(raw)-1] ^= 1
	require.NoError(t, os.WriteFile(traces[0], raw, 0o644))
	c.eventually(func() bool { s := m.Status(); return !s.Audit.OK && s.Audit.Error != "" })
	for n := range news.C {
		if n.Kind == AuditNews {
			require.Contains(t, n.Text, "frame-crc")
			break
		}
	}
	news.Close()
	news.Close()
	c.stop()
	require.False(t, auditOnce(context.Background(), c.dirs[0], c.genesis.Envelope.Hash(), 2).OK)
	require.NoError(t, os.Remove(traces[0]))
	require.Contains(t, auditOnce(context.Background(), c.dirs[0], c.genesis.Envelope.Hash(), 2).Error, "trace-missing")
}

// TestALogCutShortFailsTheSelfAudit cuts off the last certificate.
func TestALogCutShortFailsTheSelfAudit(t *testing.T) {
	w := newWorld(t, 1, transport.Faults{})
	w.publish(ev(1, 1))
	w.until(20, w.settled)
	dir, chain := w.members[0].dir, w.members[0].core.store.Chain.Name
	w.members[0].stop()
	require.True(t, auditOnce(context.Background(), dir, chain, 2).OK)
	require.Contains(t, auditOnce(context.Background(), dir, cert.Hash{1}, 2).Error, "genesis-pin")
	path := filepath.Join(dir, "cert.log")
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, raw[:len(raw)-1], 0o644))
	require.Contains(t, auditOnce(context.Background(), dir, chain, 2).Error, "1 certificates")
}

func TestWrongConfigsAreRefused(t *testing.T) {
	for _, cfg := range []Config{
		{Bus: &hub{}},
		{Key: keyOf(t, 1)},
		{Key: keyOf(t, 1), Bus: &hub{}, PendingBytes: MaxBatch},
		{Key: keyOf(t, 1), Bus: &hub{}, Dir: t.TempDir()},
	} {
		_, err := Open(cfg)
		require.Error(t, err)
	}
}
