package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/node/member"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
	"github.com/omega-sheaf-os/omega/impl/transport"
)

// Cluster is members of one chain, with a folder each. Member i writes node i+1.
type Cluster struct {
	Dir     string
	Genesis *cert.Certificate
	Seats   []*Seat
	// Config, if not nil, changes what member i is given.
	Config func(i int, cfg *member.Config)

	mu    sync.Mutex
	acked map[string]bool // events that a member has taken
	next  []uint64        // by member: the Lamport time of its last event
}

// Seat is one member, up or down.
type Seat struct {
	Dir    string
	Key    *identity.Key
	Member *member.Member // nil: down
	cancel context.CancelFunc
	ended  chan error
}

// Found makes keys, the genesis, and a folder for each of n members in dir.
func Found(dir string, n int) (*Cluster, error) {
	c := &Cluster{Dir: dir, acked: map[string]bool{}, next: make([]uint64, n)}
	body := cert.GenesisBody{}
	for i := range n {
		k := identity.Generate()
		c.Seats = append(c.Seats, &Seat{Dir: filepath.Join(dir, fmt.Sprintf("m%d", i)), Key: k})
		body.Roster = append(body.Roster, cert.Member{Name: fmt.Sprintf("m%d", i), Key: k.Public(), Nodes: []uint32{uint32(i + 1)}})
	}
	c.Genesis = &cert.Certificate{Body: body.Append(nil)}
	c.Genesis.Envelope = cert.Seal(cert.Genesis, merkle.EmptyRoot(), 0, cert.Hash{}, c.Genesis.Body)
	for _, s := range c.Seats {
		c.Genesis.Signatures = append(c.Genesis.Signatures, s.Key.Sign(cert.VoteMessage(cert.Hash{}, c.Genesis.Envelope.Hash())))
	}
	for _, s := range c.Seats {
		if err := node.Found(s.Dir, c.Genesis, s.Key); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Chain is the chain's name.
func (c *Cluster) Chain() cert.Hash { return c.Genesis.Envelope.Hash() }

// Start opens a member that is down and runs it on the bus.
func (c *Cluster) Start(i int, bus transport.Bus) error {
	s := c.Seats[i]
	cfg := member.Config{
		Dir: s.Dir, Key: s.Key, Bus: bus, Tick: Tick, BatchAge: 5 * time.Millisecond, Timeout: time.Second, Audit: -1,
	}
	if c.Config != nil {
		c.Config(i, &cfg)
	}
	m, err := member.Open(cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.Member, s.cancel, s.ended = m, cancel, make(chan error, 1)
	go func() { s.ended <- m.Run(ctx) }()
	return nil
}

// StartAll starts all members.
func (c *Cluster) StartAll(bus transport.Bus) error {
	for i := range c.Seats {
		if err := c.Start(i, bus); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends a member, and returns what it ended with. One that is down is left alone.
func (c *Cluster) Stop(i int) error {
	s := c.Seats[i]
	if s.Member == nil {
		return nil
	}
	s.cancel()
	s.Member = nil
	return <-s.ended
}

// StopAll ends all members.
func (c *Cluster) StopAll() error {
	var errs []error
	for i := range c.Seats {
		errs = append(errs, c.Stop(i))
	}
	return errors.Join(errs...)
}

// Events returns the next n events of a member's own node, with payloads of so many bytes.
func (c *Cluster) Events(i, n, payload int) (all []event.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range n {
		c.next[i]++
		all = append(all, EventOf(uint32(i+1), 0, c.next[i], payload))
	}
	return all
}

// EventOf is an event of a node's stream at a Lamport time.
func EventOf(nodeID uint32, stream uint16, lamport uint64, payload int) event.Event {
	k := key.New(lamport, nodeID, stream, [key.EventIDSize]byte{1})
	return event.Event{Key: k, Value: int32(lamport % 1000), Payload: make([]byte, payload)}
}

// Submit hands a member events in a file, and counts them as acknowledged once it has
// taken them.
func (c *Cluster) Submit(i int, events ...event.Event) error {
	path := filepath.Join(c.Dir, fmt.Sprintf("submit-%d-%d.omega", i, events[0].Key.Lamport()))
	if err := WriteSection(path, uint32(i+1), events...); err != nil {
		return err
	}
	defer os.Remove(path)
	if err := c.Seats[i].Member.Submit(path); err != nil {
		return err
	}
	return c.Acknowledged(events...)
}

// Acknowledged counts events that must be in the chain in the end.
func (c *Cluster) Acknowledged(events ...event.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range events {
		b, err := events[i].Append(nil)
		if err != nil {
			return err
		}
		c.acked[string(b)] = true
	}
	return nil
}

// WriteSection writes a section of the node.
func WriteSection(path string, nodeID uint32, events ...event.Event) error {
	w, err := omegalog.Create(path, nodeID)
	if err != nil {
		return err
	}
	defer w.Abort()
	for i := range events {
		b, err := events[i].Append(nil)
		if err != nil {
			return err
		}
		if err := w.Append(b); err != nil {
			return err
		}
	}
	return w.Close()
}

// Height returns how many certificates a member that is up has.
func (c *Cluster) Height(i int) int { return int(c.Seats[i].Member.Status().Certificates) }

// ErrRestless says that the members did not come to rest.
var ErrRestless = errors.New("the members do not come to rest")

// Tick is the pace of members here.
const Tick = 20 * time.Millisecond

// Settle waits until nothing has waited at any member that is up, and all have had one
// head, for some ticks: what a member tells of itself is as of its last tick.
func (c *Cluster) Settle(patience time.Duration) error {
	for end, calm := time.Now().Add(patience), 0; calm < 5; time.Sleep(Tick) {
		if calm++; !c.settled() {
			calm = 0
		}
		if time.Now().After(end) {
			return fmt.Errorf("%w:\n%s", ErrRestless, c.Describe())
		}
	}
	return nil
}

func (c *Cluster) settled() bool {
	var head *cert.Hash
	for _, s := range c.Seats {
		if s.Member == nil {
			continue
		}
		st := s.Member.Status()
		if head == nil {
			head = &st.Head
		}
		if st.Pending > 0 || st.Head != *head {
			return false
		}
	}
	return true
}

// Describe tells where the members stand, for a test that waits in vain.
func (c *Cluster) Describe() (text string) {
	for i, s := range c.Seats {
		if s.Member == nil {
			text += fmt.Sprintf("member %d is down\n", i)
			continue
		}
		st := s.Member.Status()
		text += fmt.Sprintf("member %d: %d certificates, attempt %d, %v, ready %v, missing %v, pending %d, held %d, halted %q, %v\n",
			i, st.Certificates, st.Attempt, st.Phase, st.Ready, st.Missing, st.Pending, st.Held, st.Halted, st.Counters)
	}
	return text
}
