package member

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/transport"
)

// ErrRemoved says that a roster change has taken this member out of the roster.
var ErrRemoved = errors.New("this member is not in the roster any more")

// core is a member without goroutines and without a clock: each of its entry points
// takes the time, and does all that follows before it returns. An error of one is the
// member's crash: what counts then is on disk.
type core struct {
	cfg    Config
	log    *slog.Logger
	store  *node.Store
	self   int // index in the roster; -1: an observer
	quorum *quorum.Config
	state  quorum.State
	votes  *certlog.VoteStore
	left   uint64 // the height of the roster change that has taken out this member; 0: none

	end     transport.Endpoint // nil: not on the bus
	deliver func(b []byte)     // what the bus calls
	random  func(b []byte)
	rng     *rand.Rand // of jitter and of whom to ask
	now     time.Time
	fault   func(point string) error // tests crash here; nil outside of them

	pool      *pool
	batch     *batch
	early     []*Manifest     // for the height behind this one
	proposal  *quorum.Content // what an operator wants certified, or nil
	peers     []peer          // by place on the bus; the last: all others
	transfers []*transfer
	follow    follow
	clock     clock
	votesSeen *verified

	counts   map[string]uint64
	evidence []Evidence
	lastCert time.Time // zero: none yet in this run

	obstructions uint64 // in the chain
	news         func(News)
}

// clock is when things are due.
type clock struct {
	attempt  uint64    // for which deadline stands
	height   uint64    // likewise
	prepared bool      // in it
	deadline time.Time // of the attempt
	ticks    uint64
	sent     uint64 // of the last hello
}

// openCore opens the data folder and begins, without a place on the bus yet.
func openCore(cfg Config, now time.Time) (*core, error) {
	store, err := node.OpenStore(cfg.Dir)
	if err != nil {
		return nil, err
	}
	c := &core{
		cfg: cfg, log: cfg.Logger, store: store, now: now,
		random: systemRandom, rng: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		pool: newPool(&cfg), votesSeen: newVerified(), counts: map[string]uint64{}, news: func(News) {},
	}
	if err := c.load(); err != nil {
		return nil, errors.Join(err, c.closeAll())
	}
	return c, nil
}

func (c *core) load() error {
	if torn := c.store.Recovered(); torn != nil {
		c.log.Warn("a torn tail was cut off", "tail", torn.String())
	}
	if err := c.readChain(); err != nil {
		return err
	}
	if err := c.findSelf(); err != nil {
		return err
	}
	if err := c.enter(); err != nil {
		return err
	}
	return c.loadInbox()
}

// readChain counts the obstructions, and finds out whether the chain ends with a roster
// change that has taken this member out.
func (c *core) readChain() error {
	was := false
	for height, d := range c.store.Certificates {
		roster, err := rosterOf(d)
		if err != nil {
			return err
		}
		if d.Envelope.Type == cert.Obstruction {
			c.obstructions++
		}
		if roster == nil {
			continue
		}
		_, is := roster.Find(c.cfg.Key.Public())
		if was && !is && height == len(c.store.Certificates)-1 {
			c.left = uint64(height)
		}
		was = is
	}
	return nil
}

// rosterOf returns the roster that a certificate brings into force, or nil.
func rosterOf(d *cert.Certificate) (cert.Roster, error) {
	switch d.Envelope.Type {
	case cert.Genesis:
		body, err := cert.ParseGenesisBody(d.Body)
		if err != nil {
			return nil, err
		}
		return body.Roster, nil
	case cert.RosterChange:
		body, err := cert.ParseRosterChangeBody(d.Body)
		if err != nil {
			return nil, err
		}
		return body.Roster, nil
	}
	return nil, nil
}

// findSelf looks this member up in the chain's roster, and opens its votes.
func (c *core) findSelf() error {
	roster := c.store.Chain.Roster
	c.peers = make([]peer, len(roster)+1)
	self, ok := roster.Find(c.cfg.Key.Public())
	if !ok {
		c.self, c.quorum, c.votes, c.state = -1, nil, nil, quorum.State{}
		return nil
	}
	name := roster[self].Name
	if err := durable.MkdirAll(filepath.Dir(archive.KeyPath(c.cfg.Dir, name)), 0o700); err != nil {
		return err
	}
	votes, err := c.store.Votes(name)
	if err != nil {
		return err
	}
	cfg, err := quorum.NewConfig(c.store.Chain, c.cfg.Key.Public(), c.cfg.Key)
	if err != nil {
		return err
	}
	cfg.Verify = c.votesSeen.wrap(cfg.Roster, cfg.Verify)
	c.self, c.votes, c.quorum, c.state = self, votes, cfg, quorum.Begin(c.store.Chain)
	return nil
}

// start takes the member's place on the bus, and starts its step from its disk.
func (c *core) start(now time.Time) error {
	c.now = now
	if err := c.join(); err != nil {
		return err
	}
	if c.self < 0 {
		return nil
	}
	head := c.store.Certificates[c.store.Chain.Length-1]
	start := quorum.Start{Changed: head.Envelope.Type == cert.RosterChange}
	c.random(start.Nonce[:])
	if content, ok := c.votes.Load(); ok {
		disk, err := quorum.DecodeDurable(content)
		if err == nil {
			err = c.reload(disk)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", certlog.VotePath(c.cfg.Dir, c.store.Chain.Roster[c.self].Name), err)
		}
		start.Disk = disk
	}
	if _, _, err := quorum.Step(c.quorum, c.state, start); err != nil {
		return err
	}
	return c.step(start)
}

// join takes the member's place on the bus. Where another still has it, behind a roster
// change, it is tried again at the next tick.
func (c *core) join() error {
	end, err := c.cfg.Bus.Join(c.seat(), c.deliver)
	if errors.Is(err, transport.ErrJoined) {
		c.count("place on the bus taken", 1)
		c.log.Warn("another has this member's place on the bus", "place", c.seat())
		return nil
	}
	if err == nil {
		c.end = end
	}
	return err
}

// reload validates the contents that the disk holds for this height, and takes them
// over.
func (c *core) reload(disk *quorum.Durable) error {
	for _, content := range disk.Candidates {
		if disk.Height != c.batch.height {
			return nil
		}
		if _, ok := c.batch.contents[content.Digest()]; ok {
			continue
		}
		if err := c.validate(&content); err != nil {
			return err
		}
		c.batch.contents[content.Digest()] = content
	}
	return nil
}

// reseat begins again with the roster that the chain now has (QRM-24). It is the one
// place where a change of the roster takes effect in a member.
func (c *core) reseat() error {
	was := c.self
	c.early = nil
	c.dropTransfers(func(*transfer) bool { return true })
	c.follow.reset()
	end := c.end
	c.end = nil
	if end != nil {
		if err := end.Close(); err != nil {
			return err
		}
	}
	if err := c.findSelf(); err != nil {
		return err
	}
	if was >= 0 && c.self < 0 {
		c.left = c.store.Chain.Length - 1
		c.log.Warn("a roster change has taken this member out", "height", c.left)
	}
	if err := c.enter(); err != nil {
		return err
	}
	return c.start(c.now)
}

// leave hands out the roster change that has taken this member out, which may be the
// only one to have it, until each member of the new roster has been heard behind it
// (QRM-24), or all have signed the next certificate. Then it is ErrRemoved.
func (c *core) leave() error {
	if c.left == 0 {
		return nil
	}
	c.sendCertificate(quorum.Everyone, c.left)
	for i := range c.store.Chain.Roster {
		if c.peers[i].height <= c.left && c.store.Chain.Length == c.left+1 {
			return nil
		}
	}
	return fmt.Errorf("%w, since height %d", ErrRemoved, c.left)
}

// rosterChanged reports whether the chain's roster is not that of the step's config.
func (c *core) rosterChanged() bool {
	if c.quorum == nil {
		return len(c.peers) != len(c.store.Chain.Roster)+1 || c.isMember()
	}
	return c.store.Chain.Roster.Hash() != c.quorum.Roster.Hash()
}

func (c *core) isMember() bool {
	_, ok := c.store.Chain.Roster.Find(c.cfg.Key.Public())
	return ok
}

// reach is a point at which tests crash.
func (c *core) reach(point string) error {
	if c.fault == nil {
		return nil
	}
	return c.fault(point)
}

// step gives the quorum's step a message, carries out what it asks for, in order, and
// then gives it the candidate that it waits for, if it can be made. A message that is
// refused has changed nothing and is counted (QRM-22).
func (c *core) step(m quorum.Message) error {
	_, err := c.stepTo(m)
	return err
}

// stepTo is step, and reports whether the message was not refused.
func (c *core) stepTo(m quorum.Message) (accepted bool, err error) {
	if m == nil {
		return false, nil
	}
	state, effects, err := quorum.Step(c.quorum, c.state, m)
	if err != nil {
		c.refused(m, err)
		return false, nil
	}
	c.state = state
	for _, e := range effects {
		if err := c.carryOut(e); err != nil {
			return true, err
		}
	}
	if c.rosterChanged() {
		return true, c.reseat()
	}
	return true, c.supply()
}

// supply gives the step the candidate that it waits for, if it can be made.
func (c *core) supply() error {
	if c.self < 0 {
		return nil
	}
	m, err := c.candidate()
	if err != nil {
		return err
	}
	return c.step(m)
}

func (c *core) carryOut(effect quorum.Effect) error {
	if err := c.reach(fmt.Sprintf("%T", effect)); err != nil {
		return err
	}
	switch e := effect.(type) {
	case quorum.Persist:
		return c.votes.Save(e.Durable)
	case quorum.Send:
		c.sendQuorum(e.To, e.Message)
	case quorum.Append:
		return c.append(&e.Certificate)
	case quorum.Announce:
		c.sendQuorum(quorum.Everyone, &quorum.Decided{Certificate: e.Certificate})
	case quorum.SendCertificate:
		c.sendCertificate(e.To, e.Height)
	case quorum.NeedCandidate:
		c.need(&e)
	case quorum.Behind:
		c.behind(-1)
	case quorum.Evidence:
		return c.accuse(e.Member, kindOf(e.First), quorum.Encode(e.First), quorum.Encode(e.Second))
	case quorum.Halt:
		c.log.Error("the member has halted", "reason", e.Reason, "height", e.Height, "disk", e.Disk, "seen", e.Seen)
		c.news(News{Kind: HaltNews, Height: e.Height, Text: string(e.Reason)})
	}
	return nil
}

// append makes a certificate, which has been verified, the chain's next, and lets go of
// the events that it certifies or quarantines.
func (c *core) append(certificate *cert.Certificate) error {
	if err := c.store.Append(certificate); err != nil {
		return err
	}
	if err := c.reach("behind append"); err != nil {
		return err
	}
	for _, lost := range c.batch.contents {
		if lost.Envelope.Type == cert.Merge && lost.Envelope.TraceRoot != certificate.Envelope.TraceRoot {
			if err := removeIfThere(c.store.TracePath(&lost.Envelope)); err != nil {
				return err
			}
		}
	}
	if err := c.letGo(certificate); err != nil {
		return err
	}
	if p := c.proposal; p != nil && p.Envelope.BatchID <= certificate.Envelope.BatchID {
		c.proposal = nil
	}
	if c.rosterChanged() {
		c.early = nil
	}
	c.lastCert = c.now
	c.count("certificates", 1)
	if certificate.Envelope.Type == cert.RosterChange && c.cfg.RosterChange != nil {
		c.cfg.RosterChange(certificate)
	}
	c.news(News{Kind: CertificateNews, Height: certificate.Envelope.BatchID, Certificate: certificate})
	if certificate.Envelope.Type == cert.Obstruction {
		c.obstructions++
		c.news(News{Kind: ObstructionNews, Height: certificate.Envelope.BatchID, Certificate: certificate})
	}
	return c.enter()
}

// letGo settles the events of a certificate.
func (c *core) letGo(certificate *cert.Certificate) error {
	switch certificate.Envelope.Type {
	case cert.Merge:
		if n, _ := c.pool.waiting(); n == 0 {
			return nil
		}
		return eachEvent(c.store.TracePath(&certificate.Envelope), c.settle)
	case cert.Obstruction:
		body, err := cert.ParseObstructionBody(certificate.Body)
		if err != nil {
			return err
		}
		for _, e := range body.Events {
			if err := c.settle(event.View(e)); err != nil {
				return err
			}
		}
	}
	return nil
}

// tick does what is due at a time: it repeats what may have been lost, gives up an
// attempt, closes a batch that has waited long enough, and asks again for what has not
// come (MAN-12).
func (c *core) tick(now time.Time) error {
	c.now = now
	c.clock.ticks++
	for i := range c.peers {
		c.peers[i].refill(now)
	}
	if c.end == nil {
		if err := c.join(); err != nil {
			return err
		}
	}
	if c.self >= 0 {
		if err := c.tickMember(); err != nil {
			return err
		}
	}
	c.retryTransfers()
	c.poll()
	return c.leave()
}

func (c *core) tickMember() error {
	if err := c.step(quorum.Tick{}); err != nil {
		return err
	}
	if c.self < 0 {
		return nil
	}
	if c.timedOut() {
		if err := c.step(quorum.Timeout{}); err != nil {
			return err
		}
	}
	if err := c.close(); err != nil {
		return err
	}
	c.repeat()
	if c.clock.ticks%helloEvery == 1 {
		c.hello()
	}
	return c.supply()
}

// closeAt closes the own batch if it is time to, and goes on from there.
func (c *core) closeAt(now time.Time) error {
	c.now = now
	if err := c.close(); err != nil {
		return err
	}
	return c.supply()
}

// propose has this member stand for a content of an operator's.
func (c *core) propose(content quorum.Content) (err, crash error) {
	if c.self < 0 {
		return fmt.Errorf("%w: an observer proposes nothing", quorum.ErrUnknownMember), nil
	}
	if _, err := c.store.Chain.CheckContent(&content.Envelope, content.Body); err != nil {
		return err, nil
	}
	c.proposal = &content
	return nil, c.supply()
}

// holdHeight has this member offer nothing at the height being agreed on.
func (c *core) holdHeight(height uint64) error {
	if height != c.batch.height {
		return fmt.Errorf("%w: got %d, the next is %d", node.ErrHeight, height, c.batch.height)
	}
	c.batch.held = true
	return nil
}

// timedOut reports whether the attempt has taken too long since this member prepared in
// it. The time doubles with each attempt, to a bound, and is a quarter longer or
// shorter by chance (QRM-14).
func (c *core) timedOut() bool {
	s := &c.state
	prepared := s.Ready() && s.Prepares[c.self].Current != nil
	k := &c.clock
	if k.height != s.Height() || k.attempt != s.Attempt || k.prepared != prepared {
		k.height, k.attempt, k.prepared = s.Height(), s.Attempt, prepared
		wait := maxTimeout
		if s.Attempt < 16 {
			wait = min(wait, c.cfg.Timeout<<s.Attempt)
		}
		k.deadline = c.now.Add(wait*3/4 + time.Duration(c.rng.Int64N(int64(wait)/2+1)))
	}
	return prepared && !c.now.Before(k.deadline)
}

// repeat sends the own manifest again where some have not prepared yet, and those of
// others too where members may know different ones (MAN-5).
func (c *core) repeat() {
	if c.own() == nil {
		return
	}
	waiting := false
	for i := range c.state.Prepares {
		waiting = waiting || c.state.Prepares[i].Newest == nil
	}
	if !waiting && c.state.Attempt == 0 {
		return
	}
	if c.state.Attempt > 0 || c.onlyEmpty() {
		c.gossip()
		return
	}
	c.broadcast(c.own().raw)
}

// gossip sends all manifests that are held.
func (c *core) gossip() {
	for _, held := range c.batch.manifests {
		for _, m := range held {
			c.broadcast(m.raw)
		}
	}
}

// onlyEmpty reports whether a manifest of each member is held, and all are empty: the
// one with events, for which they were closed, must be known to somebody else.
func (c *core) onlyEmpty() bool {
	for _, held := range c.batch.manifests {
		if len(held) == 0 {
			return false
		}
		for _, m := range held {
			if len(m.Sections) > 0 {
				return false
			}
		}
	}
	return true
}

// closeAll gives back the bus and the folder.
func (c *core) closeAll() error {
	var err error
	if c.end != nil {
		err = c.end.Close()
	}
	c.dropTransfers(func(*transfer) bool { return true })
	return errors.Join(err, c.store.Close())
}
