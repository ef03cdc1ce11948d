package linear

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/transport"
)

// Batch is what clients submit: 32 bytes, which an evidence certificate certifies.
type Batch cert.Hash

// A Cluster is members of a chain, each with the product's step, log, vote file and
// end of the memory bus, and a shell like package node's around them. Nothing
// moves but by Step, which follows from the seed: a message that is delivered, lost,
// repeated or out of turn, a tick, a timeout, a crash between any two effects, a
// restart from the disk. It is used by one goroutine.
type Cluster struct {
	dir     string
	rng     *rand.Rand
	bus     *transport.Memory
	members []*seat
	quiet   bool // no more crashes
	failed  error
	answers map[verified]bool
	Crashes int
}

// seat is one member: what is in memory while it is up, and its key.
type seat struct {
	c       *Cluster
	id      int
	key     ed25519.PrivateKey
	up      bool
	log     *certlog.Log
	votes   *certlog.VoteStore
	end     transport.Endpoint
	cfg     *quorum.Config
	state   quorum.State
	chain   cert.Chain
	pending map[Batch]bool
	heights map[Batch]uint64 // of the batches that its log holds
}

// Sign makes the member's signature.
func (s *seat) Sign(msg []byte) cert.Signature { return cert.Signature(ed25519.Sign(s.key, msg)) }

// submission marks a batch on the bus, where the quorum's messages have 1 to 5.
const submission = 0x40

// errCrash ends a step that a crash has cut off.
var errCrash = errors.New("crash")

// NewCluster makes a chain of n members below dir, and starts them.
func NewCluster(dir string, n int, seed uint64) (*Cluster, error) {
	c := &Cluster{
		dir: dir, answers: map[verified]bool{}, rng: rand.New(rand.NewPCG(seed, 1)),
		bus: transport.NewMemory(n, transport.Faults{Seed: seed, Loss: 60, Duplicate: 60, Reorder: 200}),
	}
	body := cert.GenesisBody{}
	for i := range n {
		s := &seat{c: c, id: i, key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i + 1)}, ed25519.SeedSize))}
		public := cert.PublicKey(s.key.Public().(ed25519.PublicKey))
		body.Roster = append(body.Roster, cert.Member{Name: fmt.Sprint("m", i), Key: public, Nodes: []uint32{uint32(i)}})
		c.members = append(c.members, s)
	}
	first := &cert.Certificate{Body: body.Append(nil)}
	first.Envelope = cert.Seal(cert.Genesis, merkle.EmptyRoot(), 0, cert.Hash{}, first.Body)
	for _, s := range c.members {
		first.Signatures = append(first.Signatures, s.Sign(cert.VoteMessage(cert.Hash{}, first.Envelope.Hash())))
	}
	for _, s := range c.members {
		if err := s.found(first); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (s *seat) dir() string { return filepath.Join(s.c.dir, fmt.Sprint("m", s.id)) }

// found writes the member's log with the genesis.
func (s *seat) found(first *cert.Certificate) error {
	if err := os.MkdirAll(filepath.Dir(certlog.VotePath(s.dir(), "self")), 0o700); err != nil {
		return err
	}
	l, err := certlog.Create(s.dir())
	if err != nil {
		return err
	}
	if err := errors.Join(l.Append(first), l.Close()); err != nil {
		return err
	}
	return s.start()
}

// start starts the member from its disk.
func (s *seat) start() (err error) {
	if s.log, err = certlog.Open(s.dir()); err != nil {
		return err
	}
	s.chain, s.pending, s.heights = cert.Chain{}, map[Batch]bool{}, map[Batch]uint64{}
	for _, r := range s.log.Records() {
		if err := s.follow(r.Certificate); err != nil {
			return err
		}
	}
	if s.votes, err = s.log.Votes("self"); err != nil {
		return err
	}
	if s.cfg, err = quorum.NewConfig(s.chain, cert.PublicKey(s.key.Public().(ed25519.PublicKey)), s); err != nil {
		return err
	}
	s.cfg.Verify = s.c.remembering(s.cfg.Verify)
	if s.end, err = s.c.bus.Join(s.id, s.receive); err != nil {
		return err
	}
	m := quorum.Start{}
	for i := range m.Nonce {
		m.Nonce[i] = byte(s.c.rng.IntN(256))
	}
	if content, ok := s.votes.Load(); ok {
		if m.Disk, err = quorum.DecodeDurable(content); err != nil {
			return err
		}
	}
	s.up, s.state = true, quorum.Begin(s.chain)
	return s.tell(m)
}

// verified is a question to Verify.
type verified struct {
	member int
	msg    string
	sig    cert.Signature
}

// remembering returns verify with its answers kept: members see the same signatures
// again and again.
func (c *Cluster) remembering(verify func(int, []byte, cert.Signature) bool) func(int, []byte, cert.Signature) bool {
	return func(member int, msg []byte, sig cert.Signature) bool {
		question := verified{member, string(msg), sig}
		answer, known := c.answers[question]
		if !known {
			answer = verify(member, msg, sig)
			c.answers[question] = answer
		}
		return answer
	}
}

// follow takes a certificate of the log as the chain's next.
func (s *seat) follow(c *cert.Certificate) error {
	next, err := s.chain.CheckContent(&c.Envelope, c.Body) // the step has verified the signatures
	if err != nil {
		return err
	}
	s.chain = next
	if c.Envelope.Type == cert.Evidence {
		b := Batch(c.Body)
		if at, twice := s.heights[b]; twice {
			return fmt.Errorf("member %d: the batch %x is certified at %d and %d", s.id, b, at, c.Envelope.BatchID)
		}
		s.heights[b] = c.Envelope.BatchID
		delete(s.pending, b)
	}
	return nil
}

// stop crashes the member: what is not on its disk is gone.
func (s *seat) stop() error {
	s.c.Crashes++
	s.up = false
	return errors.Join(s.end.Close(), s.log.Close())
}

// tell gives the member a message and carries out the effects, or some of them
// before a crash. What the step refuses is not an error here: others may send it.
func (s *seat) tell(m quorum.Message) error {
	next, effects, err := quorum.Step(s.cfg, s.state, m)
	if err != nil {
		return nil
	}
	s.state = next
	for _, e := range effects {
		if !s.c.quiet && s.c.rng.IntN(300) == 0 {
			return errors.Join(errCrash, s.stop())
		}
		if err := s.do(e); err != nil {
			return err
		}
	}
	return nil
}

func (s *seat) do(effect quorum.Effect) error {
	switch e := effect.(type) {
	case quorum.Persist:
		return s.votes.Save(e.Durable)
	case quorum.Send:
		return s.send(e.To, quorum.Encode(e.Message))
	case quorum.Append:
		return errors.Join(s.log.Append(&e.Certificate), s.follow(&e.Certificate))
	case quorum.Announce:
		return s.send(quorum.Everyone, quorum.Encode(&quorum.Decided{Certificate: e.Certificate}))
	case quorum.SendCertificate:
		if c := s.log.At(e.Height); c != nil {
			return s.send(e.To, quorum.Encode(&quorum.Decided{Certificate: *c}))
		}
	case quorum.NeedCandidate:
		return s.candidate(e)
	case quorum.Halt:
		return fmt.Errorf("member %d has halted: %s", s.id, e.Reason)
	case quorum.Evidence:
		return fmt.Errorf("member %d blames the honest member %d", s.id, e.Member)
	}
	return nil
}

func (s *seat) send(to int, b []byte) error {
	if to == quorum.Everyone {
		return s.end.Broadcast(b)
	}
	return s.end.Send(to, b)
}

// candidate gives the member the content that it asks for, as far as it knows the
// batch: its own is that of the least batch that is not certified.
func (s *seat) candidate(need quorum.NeedCandidate) error {
	for _, b := range s.waiting() {
		c := quorum.Content{Body: b[:]}
		c.Envelope = cert.Seal(cert.Evidence, merkle.EmptyRoot(), s.chain.Length, s.chain.Head, c.Body)
		if need.Digest == (cert.Hash{}) || need.Digest == c.Digest() {
			return s.tell(quorum.Candidate{Attempt: need.Attempt, Content: c})
		}
	}
	return nil
}

func (s *seat) waiting() []Batch {
	var list []Batch
	for b := range s.pending {
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b Batch) int { return bytes.Compare(a[:], b[:]) })
	return list
}

// receive takes what the bus delivers.
func (s *seat) receive(b []byte) {
	s.c.failed = errors.Join(s.c.failed, s.take(b))
}

func (s *seat) take(b []byte) error {
	if b[0] == submission {
		s.accept(Batch(b[1:]))
		return nil
	}
	m, err := quorum.Decode(b)
	if err != nil {
		return err
	}
	return s.tell(m)
}

func (s *seat) accept(b Batch) {
	if s.heights[b] == 0 {
		s.pending[b] = true
	}
}

// tick repeats what may be lost: the quorum's messages, and a batch that waits.
func (s *seat) tick() error {
	if list := s.waiting(); len(list) > 0 {
		if err := s.gossip(list[s.c.rng.IntN(len(list))]); err != nil {
			return err
		}
	}
	return s.tell(quorum.Tick{})
}

func (s *seat) gossip(b Batch) error {
	return s.end.Broadcast(append([]byte{submission}, b[:]...))
}

// Step makes one thing happen. An error is a broken promise, not a fault.
func (c *Cluster) Step() error {
	s := c.members[c.rng.IntN(len(c.members))]
	var err error
	switch n := c.rng.IntN(1000); {
	case !s.up && n < 60:
		err = s.start()
	case !s.up || n < 800:
		c.bus.Deliver()
		err, c.failed = c.failed, nil
	case n < 990:
		err = s.tick()
	case n < 999 || c.quiet:
		err = s.tell(quorum.Timeout{})
	default:
		err = s.stop()
	}
	return withoutCrash(err)
}

// withoutCrash returns what of err is not a crash that was meant to be.
func withoutCrash(err error) error {
	if errors.Is(err, errCrash) {
		return nil
	}
	return err
}

// Submit hands a batch to a member, and reports whether the member is up.
func (c *Cluster) Submit(member int, b Batch) (bool, error) {
	s := c.members[member]
	if !s.up {
		return false, nil
	}
	s.accept(b)
	return true, s.gossip(b)
}

// Height returns the height at which the member's log holds the batch, 0 where it
// does not, and whether the member is up to be asked.
func (c *Cluster) Height(member int, b Batch) (height uint64, up bool) {
	s := c.members[member]
	if !s.up {
		return 0, false
	}
	return s.heights[b], true
}

// Head returns the head of the member's log, and whether the member is up.
func (c *Cluster) Head(member int) (head *cert.Certificate, up bool) {
	s := c.members[member]
	if !s.up {
		return nil, false
	}
	return s.log.Head(), true
}

// Quiet ends the crashes, and starts who is down with the next steps.
func (c *Cluster) Quiet() { c.quiet = true }

// Close stops all members.
func (c *Cluster) Close() error {
	var err error
	for _, s := range c.members {
		if s.up {
			err = errors.Join(err, s.stop())
		}
	}
	return err
}
