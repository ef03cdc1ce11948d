package member

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/audit"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/omegalog/omegalogtest"
	"github.com/omega-sheaf-os/omega/impl/transport"
)

var errCrash = errors.New("crash")

// world is members on a bus in memory, with a clock that stands still but for pass.
type world struct {
	t       testing.TB
	bus     *transport.Memory
	rng     *rand.Rand
	now     time.Time
	genesis *cert.Certificate
	members []*seat
	stream  []transport.Item // what every member's source has
	config  func(*Config)
	crashes int // in thousandths, at each point where a crash may fall
	crashed int
}

// seat is one member, up or down.
type seat struct {
	w     *world
	index int
	dir   string
	key   *identity.Key
	core  *core // nil: down
	next  int   // of the stream
	acked map[int]bool
	news  []News
	ended error // what it ended with, if not by a crash that was meant to be
}

// newWorld makes a chain of n members, all up.
func newWorld(t testing.TB, n int, f transport.Faults) *world {
	return newWorldWith(t, n, f, nil)
}

func newWorldWith(t testing.TB, n int, f transport.Faults, config func(*Config)) *world {
	w := &world{
		t: t, bus: transport.NewMemory(2*n+6, f), rng: rand.New(rand.NewPCG(f.Seed, 5)), now: time.Unix(1_700_000_000, 0), config: config,
	}
	var keys []*identity.Key
	body := cert.GenesisBody{}
	for i := range n {
		keys = append(keys, keyOf(t, byte(i+1)))
		body.Roster = append(body.Roster, cert.Member{Name: fmt.Sprintf("m%d", i), Key: keys[i].Public(), Nodes: []uint32{uint32(i + 1)}})
	}
	w.genesis = &cert.Certificate{Body: body.Append(nil)}
	w.genesis.Envelope = cert.Seal(cert.Genesis, merkle.EmptyRoot(), 0, cert.Hash{}, w.genesis.Body)
	for _, k := range keys {
		w.genesis.Signatures = append(w.genesis.Signatures, k.Sign(cert.VoteMessage(cert.Hash{}, w.genesis.Envelope.Hash())))
	}
	for i, k := range keys {
		s := w.seat(i, k)
		require.NoError(t, node.Found(s.dir, w.genesis, k))
	}
	for _, s := range w.members {
		s.start()
	}
	t.Cleanup(func() {
		for _, s := range w.members {
			if s.core != nil {
				require.NoError(t, s.core.closeAll())
			}
		}
	})
	return w
}

func (w *world) seat(i int, k *identity.Key) *seat {
	s := &seat{w: w, index: i, dir: filepath.Join(tempDir(w.t), "data"), key: k, acked: map[int]bool{}}
	w.members = append(w.members, s)
	return s
}

// start opens the member's folder, and puts it on the bus.
func (s *seat) start() {
	cfg := Config{Dir: s.dir, Key: s.key, Bus: s.w.bus, Seat: len(s.w.members) + s.index + 2, Tick: 100 * time.Millisecond, Source: silentSource{}}
	if s.w.config != nil {
		s.w.config(&cfg)
	}
	cfg, err := cfg.withDefaults()
	require.NoError(s.w.t, err)
	c, err := openCore(cfg, s.w.now)
	require.NoError(s.w.t, err)
	s.core, s.next = c, 0
	c.rng = rand.New(rand.NewPCG(s.w.rng.Uint64(), 1))
	c.random = func(b []byte) {
		for i := range b {
			b[i] = byte(s.w.rng.Uint32())
		}
	}
	c.deliver = func(b []byte) {
		if s.core == c {
			s.ends(c.receive(s.w.now, b))
		}
	}
	c.news = func(n News) { s.news = append(s.news, n) }
	c.fault = func(string) error {
		if s.w.crashes > 0 && s.w.rng.IntN(1000) < s.w.crashes {
			return errCrash
		}
		return nil
	}
	s.ends(c.start(s.w.now))
}

// ends takes the member down where an error has ended it.
func (s *seat) ends(err error) {
	if err == nil {
		return
	}
	if errors.Is(err, errCrash) {
		s.w.crashed++
	} else {
		s.ended = err
	}
	s.stop()
}

func (s *seat) stop() {
	if s.core != nil {
		require.NoError(s.w.t, s.core.closeAll())
		s.core = nil
	}
}

// silentSource stands for the world's stream, which is fed by hand.
type silentSource struct{ transport.Source }

// publish puts an event into the stream.
func (w *world) publish(events ...event.Event) {
	for _, e := range events {
		b, err := e.Append(nil)
		require.NoError(w.t, err)
		w.stream = append(w.stream, transport.Item{Sequence: uint64(len(w.stream) + 1), Event: b, Signed: true})
	}
}

// feed hands a member what the stream has for it.
func (s *seat) feed() {
	for s.core != nil && s.next < len(s.w.stream) && s.core.pool.hasRoom() {
		i := s.next
		s.next++
		if s.acked[i] {
			continue
		}
		item := s.w.stream[i]
		item.Ack = func() error { s.acked[i] = true; return nil }
		s.core.now = s.w.now
		s.ends(s.core.offer(item))
	}
	if s.core != nil {
		s.ends(s.core.closeAt(s.w.now))
	}
}

// pass lets time go by: so many ticks, in each of which all members get what the stream
// has, and all messages are delivered.
func (w *world) pass(ticks int) {
	for range ticks {
		for _, s := range w.members {
			s.feed()
		}
		w.settle()
		w.now = w.now.Add(100 * time.Millisecond)
		for _, s := range w.members {
			if s.core != nil {
				s.ends(s.core.tick(w.now))
			}
		}
		w.settle()
	}
}

func (w *world) settle() {
	for i := 0; i < 20000 && w.bus.Deliver(); i++ {
	}
}

// until lets time go by until done, at most so many ticks.
func (w *world) until(ticks int, done func() bool) {
	w.t.Helper()
	for range ticks {
		if done() {
			return
		}
		w.pass(1)
	}
	for _, s := range w.members {
		if s.core != nil {
			st := s.core.status()
			w.t.Logf("member %d: height %d attempt %d phase %v ready %v missing %v pending %d held %d halted %q %v", s.index, st.Height, st.Attempt, st.Phase, st.Ready, st.Missing, st.Pending, st.Held, st.Halted, st.Counters)
		} else {
			w.t.Logf("member %d is down: %v", s.index, s.ended)
		}
	}
	require.True(w.t, done(), "after %d ticks", ticks)
}

// restart starts whoever is down by a crash.
func (w *world) restart() {
	for _, s := range w.members {
		if s.core == nil && s.ended == nil {
			s.start()
		}
	}
}

// settled reports whether no member has an event that waits, and all have one head.
func (w *world) settled() bool {
	for _, s := range w.members {
		if s.core == nil || s.next < len(w.stream) || s.core.store.Chain.Head != w.members[0].core.store.Chain.Head {
			return false
		}
		if n, _ := s.core.pool.waiting(); n > 0 {
			return false
		}
	}
	return true
}

// audit audits every folder, and checks that the chain holds so many events, each once,
// and as many quarantined ones.
func (w *world) audit(events, quarantined int) {
	w.t.Helper()
	var head cert.Hash
	for i, s := range w.members {
		s.stop()
		report, err := audit.Folder(s.dir, audit.Options{})
		require.NoError(w.t, err)
		require.True(w.t, report.OK, "member %d: %v", i, report.FirstError)
		require.EqualValues(w.t, events, report.Events, "member %d", i)
		require.EqualValues(w.t, quarantined, report.Quarantined, "member %d", i)
		if i == 0 {
			head = report.Head
		}
		require.Equal(w.t, head, report.Head, "member %d", i)
	}
}

// tempDir returns a folder in memory, where there is one: what is synced there is not
// what these tests are about.
func tempDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "member")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// keyOf is a key that follows from one byte.
func keyOf(t testing.TB, b byte) *identity.Key {
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize)))
	require.NoError(t, err)
	k, err := identity.Decode(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	require.NoError(t, err)
	return k
}

// ev is the node's event at the Lamport time.
func ev(lamport uint64, node uint32, deps ...key.Key) event.Event {
	return omegalogtest.Event(lamport, node, deps...)
}
