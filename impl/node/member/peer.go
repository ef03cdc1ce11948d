package member

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// The causes for which a message is refused, beside those of the quorum's step, which
// are counted by the step's words (MAN-13).
const (
	causeOversized = "oversized"
	causeMalformed = "malformed"
	causeChain     = "wrong chain"
	causeUnknown   = "unknown member"
	causeOwn       = "sent in this member's name"
	causeSignature = "bad signature"
	causeSection   = "bad section signature"
	causeReplayed  = "replayed"
	causeRate      = "over the rate"
	causeUnasked   = "not asked for"
	causeNotHeld   = "asked for what is not held"
	causeLie       = "wrong bytes"
	causeInbox     = "inbox full"
)

// peer is what is known of who sits at a place on the bus.
type peer struct {
	last     time.Time // when the buckets were filled
	messages float64   // what may still be taken of it now
	bytes    float64
	serve    float64 // bytes that may still be sent to it now

	heard    time.Time // when a signed message of it last came; zero: never
	height   uint64    // by its hello
	phase    Phase     // likewise
	sent     uint64    // of its last hello
	answered uint64    // the tick at which it last got a certificate unasked
}

// refill fills the buckets by the time that has passed, to twice what a second brings.
func (p *peer) refill(now time.Time) {
	seconds := 2.0
	if !p.last.IsZero() {
		seconds = min(seconds, max(0, now.Sub(p.last).Seconds()))
	}
	p.last = now
	p.messages = min(2*peerMessages, p.messages+peerMessages*seconds)
	p.bytes = min(2*peerBytes, p.bytes+peerBytes*seconds)
	p.serve = min(2*serveBytes, p.serve+serveBytes*seconds)
}

// admit takes a message's share out of the buckets, and reports whether there was
// enough.
func (p *peer) admit(now time.Time, n int) bool {
	p.refill(now)
	if p.messages < 1 || p.bytes < float64(n) {
		return false
	}
	p.messages, p.bytes = p.messages-1, p.bytes-float64(n)
	return true
}

// peer returns who claims to send: a member, or all others together.
func (c *core) peer(from int) *peer {
	if from < 0 || from >= len(c.peers)-1 {
		from = len(c.peers) - 1
	}
	return &c.peers[from]
}

// count adds to a counter.
func (c *core) count(cause string, n uint64) { c.counts[cause] += n }

// refuse counts and logs a message that is refused: nothing has changed.
func (c *core) refuse(cause string, args ...any) {
	c.count("refused: "+cause, 1)
	c.log.Debug("refused a message: "+cause, args...)
}

// refused counts a message that the step has refused, by the step's reason.
func (c *core) refused(m quorum.Message, err error) {
	for _, reason := range reasons {
		if errors.Is(err, reason) {
			c.refuse(reason.Error(), "message", fmt.Sprintf("%T", m), "error", err)
			return
		}
	}
	c.refuse("by the step", "message", fmt.Sprintf("%T", m), "error", err)
}

// reasons are the step's, the inner before the outer.
var reasons = []error{
	quorum.ErrNotStarted, quorum.ErrStarted, quorum.ErrHalted, quorum.ErrWrongChain, quorum.ErrWrongRoster, quorum.ErrWrongHeight,
	quorum.ErrUnknownMember, quorum.ErrNotAddressee, quorum.ErrSignature, quorum.ErrNonce, quorum.ErrProof, quorum.ErrStaleAttempt,
	quorum.ErrWrongAttempt, quorum.ErrPrepared, quorum.ErrNotPrepared, quorum.ErrNotReady, quorum.ErrCandidate, quorum.ErrUnwanted,
	quorum.ErrJoining, quorum.ErrCertificate, quorum.ErrEncoding,
}

// receive takes the bytes of one message off the bus, and does all that follows. What
// is refused changes nothing but a counter (MAN-13).
func (c *core) receive(now time.Time, b []byte) error {
	c.now = now
	c.count("bytes in", uint64(len(b)))
	if len(b) > MaxMessage {
		c.refuse(causeOversized, "bytes", len(b))
		return nil
	}
	if len(b) > 0 && b[0] >= kindManifest {
		return c.receiveOwn(b)
	}
	m, err := quorum.Decode(b)
	if err != nil {
		c.refuse(causeMalformed, "error", err)
		return nil
	}
	from := sender(m)
	if !c.peer(from).admit(c.now, len(b)) {
		c.refuse(causeRate, "member", from)
		return nil
	}
	if d, ok := m.(*quorum.Decided); ok {
		return c.receiveDecided(&d.Certificate)
	}
	if c.self < 0 {
		return nil // a broadcast among members
	}
	accepted, err := c.stepTo(m)
	if accepted {
		c.heard(from)
	}
	return err
}

// receiveOwn takes a message of a member's own four kinds.
func (c *core) receiveOwn(b []byte) error {
	decoded, err := Decode(b)
	if err != nil {
		c.refuse(causeMalformed, "error", err)
		return nil
	}
	if m, ok := decoded.(*Chunk); ok {
		return c.receiveChunk(m)
	}
	from := fromOf(decoded)
	if !c.peer(from).admit(c.now, len(b)) {
		c.refuse(causeRate, "member", from)
		return nil
	}
	switch m := decoded.(type) {
	case *Manifest:
		if c.self < 0 {
			return nil
		}
		if err := c.receiveManifest(m); err != nil {
			return err
		}
		if err := c.close(); err != nil {
			return err
		}
	case *Want:
		c.serve(m)
	case *Hello:
		c.receiveHello(m)
	}
	return c.supply()
}

func fromOf(m any) int {
	switch m := m.(type) {
	case *Manifest:
		return m.From
	case *Want:
		return m.From
	case *Hello:
		return m.From
	}
	return -1
}

// sender returns who claims to send a message; -1 for one that needs no sender.
func sender(m quorum.Wire) int {
	switch m := m.(type) {
	case *quorum.Prepare:
		return m.From
	case *quorum.Commit:
		return m.From
	case *quorum.Resync:
		return m.From
	case *quorum.ResyncReply:
		return m.From
	}
	return -1
}

func kindOf(m quorum.Wire) string {
	if _, ok := m.(*quorum.Prepare); ok {
		return "prepare"
	}
	return "commit"
}

// fromPeer checks the chain and the sender of a message, and counts what it refuses.
func (c *core) fromPeer(chain cert.Hash, from int) bool {
	switch {
	case chain != c.store.Chain.Name:
		c.refuse(causeChain, "chain", chain)
	case from >= len(c.store.Chain.Roster):
		c.refuse(causeUnknown, "member", from)
	case from == c.self:
		c.refuse(causeOwn)
	default:
		return true
	}
	return false
}

// verified checks the signature of a peer's message, and counts one that fails.
func (c *core) verified(from int, message []byte, sig cert.Signature) bool {
	if c.signedBy(from, message, sig) {
		return true
	}
	c.refuse(causeSignature, "member", from)
	return false
}

func (c *core) signedBy(member int, message []byte, sig cert.Signature) bool {
	return ed25519.Verify(c.store.Chain.Roster[member].Key[:], message, sig[:])
}

// heard notes that a message signed by a member has come.
func (c *core) heard(from int) { c.peer(from).heard = c.now }

// send puts bytes on the bus for a place on it. A bus that does not take them has lost
// them: they are repeated like any other.
func (c *core) send(to int, b []byte) {
	if to != c.self && c.end != nil {
		c.sent(len(b), c.end.Send(to, b))
	}
}

func (c *core) broadcast(b []byte) {
	if c.end != nil {
		c.sent(len(b)*(len(c.store.Chain.Roster)-1), c.end.Broadcast(b))
	}
}

func (c *core) sent(n int, err error) {
	if err != nil {
		c.count("not sent", 1)
		c.log.Debug("the bus did not take a message", "error", err)
		return
	}
	c.count("bytes out", uint64(n))
}

// sendQuorum sends a message of the quorum, to one or to everyone. A certificate that
// is too large for one is left to those who fetch the log.
func (c *core) sendQuorum(to int, m quorum.Wire) {
	b := quorum.Encode(m)
	switch m := m.(type) {
	case *quorum.Prepare:
		c.news(News{Kind: PrepareNews, Height: m.Height, Message: b})
	case *quorum.Commit:
		c.news(News{Kind: CommitNews, Height: m.Envelope.BatchID, Message: b})
	}
	switch {
	case len(b) > MaxMessage:
		c.count("too large to send", 1)
	case to == quorum.Everyone:
		c.broadcast(b)
	default:
		c.send(to, b)
	}
}

// sendCertificate sends the certificate of a height to everyone, or to one that is
// behind, to that at most once a tick.
func (c *core) sendCertificate(to int, height uint64) {
	if height >= c.store.Chain.Length {
		return
	}
	if to != quorum.Everyone {
		p := c.peer(to)
		if p.answered == c.clock.ticks+1 {
			return
		}
		p.answered = c.clock.ticks + 1
	}
	c.sendQuorum(to, &quorum.Decided{Certificate: *c.store.Certificates[height]})
}

const helloEvery = 5 // ticks

// hello tells all where this member stands.
func (c *core) hello() {
	c.clock.sent = max(c.clock.sent+1, uint64(c.now.UnixNano()))
	m := &Hello{
		Chain: c.store.Chain.Name, From: c.self, Height: c.batch.height, Attempt: c.state.Attempt,
		Phase: c.phase(c.self), Sent: c.clock.sent, Head: c.store.Chain.Head,
	}
	m.Signature = c.cfg.Key.Sign(m.Message())
	c.broadcast(m.Encode())
}

// receiveHello notes where a peer says it stands; one that is further is asked for
// what this member lacks.
func (c *core) receiveHello(m *Hello) {
	if !c.fromPeer(m.Chain, m.From) || !c.verified(m.From, m.Message(), m.Signature) {
		return
	}
	p := c.peer(m.From)
	if m.Sent <= p.sent {
		c.refuse(causeReplayed, "member", m.From)
		return
	}
	p.sent, p.height, p.phase = m.Sent, m.Height, m.Phase
	c.heard(m.From)
	if m.Height > c.batch.height {
		c.behind(m.From)
	}
}

// Evidence is two messages of a member, signed, that an honest one would never both
// sign. They are in the folder evidence, too (MAN-5).
type Evidence struct {
	Member        string
	Kind          string // manifest, prepare or commit
	Height        uint64
	First, Second []byte
}

// maxEvidence is how many pieces of evidence are kept.
const maxEvidence = 256

// accuse keeps and tells evidence against a member.
func (c *core) accuse(member int, kind string, first, second []byte) error {
	e := Evidence{Member: c.store.Chain.Roster[member].Name, Kind: kind, Height: c.batch.height, First: first, Second: second}
	c.count("evidence", 1)
	c.log.Error("a member has signed two messages that exclude each other", "member", e.Member, "kind", kind, "height", e.Height)
	c.news(News{Kind: EvidenceNews, Height: e.Height, Evidence: &e})
	if len(c.evidence) >= maxEvidence {
		return nil
	}
	c.evidence = append(c.evidence, e)
	for i, b := range [][]byte{first, second} {
		path := fmt.Sprintf("%s/%s/%08d-%s-%s-%d", c.cfg.Dir, evidenceName, e.Height, e.Member, kind, i+1)
		if err := durable.MkdirAll(c.cfg.Dir+"/"+evidenceName, 0o755); err != nil {
			return err
		}
		if err := c.writeFile(path, b); err != nil {
			return err
		}
	}
	return nil
}

// verified remembers signatures that verify: members see the same ones again and again.
// It keeps the newest two generations.
type verified struct {
	young, old map[question]bool
}

type question struct {
	key       cert.PublicKey
	message   string
	signature cert.Signature
}

// remembered is how many signatures a generation has.
const remembered = 4096

func newVerified() *verified { return &verified{young: map[question]bool{}} }

func (v *verified) wrap(roster cert.Roster, verify func(int, []byte, cert.Signature) bool) func(int, []byte, cert.Signature) bool {
	return func(member int, message []byte, sig cert.Signature) bool {
		q := question{roster[member].Key, string(message), sig}
		if v.young[q] || v.old[q] {
			return true
		}
		if !verify(member, message, sig) {
			return false
		}
		if len(v.young) >= remembered {
			v.young, v.old = map[question]bool{}, v.young
		}
		v.young[q] = true
		return true
	}
}
