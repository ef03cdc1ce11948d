package vectors

import (
	"fmt"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/conformance/refine"
	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// A stepText writes one step of the quorum as the specification has it, where a hash,
// a signature and a nonce are numbers (formal/Omega/Spec/QuorumState.lean). Hashes of
// the world's contents are numbered in their order, which the code goes by; what else
// occurs is numbered as it comes. Which signatures are true, and what an envelope's
// hash is, goes into the config.
type stepText struct {
	*world
	digests    numbers[cert.Hash]
	envelopes  numbers[cert.Envelope]
	bodies     numbers[string]
	signatures numbers[cert.Signature]
	hashes     rows // of envelopes
	signed     rows // what the signatures that occur are true for
	unfit      rows // contents that the rules for bodies and hashes refuse
	err        error
}

// numbers gives each value that it sees a number, from 1.
type numbers[T comparable] struct {
	of map[T]int
}

func (n *numbers[T]) number(v T) int {
	if n.of == nil {
		n.of = map[T]int{}
	}
	if n.of[v] == 0 {
		n.of[v] = len(n.of) + 1
	}
	return n.of[v]
}

// rows are those of a table, each once.
type rows []string

func (r *rows) add(format string, args ...any) {
	if row := fmt.Sprintf(format, args...); !slices.Contains(*r, row) {
		*r = append(*r, row)
	}
}

func (r rows) text() string { return "[" + strings.Join(r, ", ") + "]" }

// beyond is added to the number of what the world does not know.
const beyond = 1000

func (s *stepText) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

func (s *stepText) digest(h cert.Hash) int {
	if n := s.world.digests[h]; n > 0 {
		return n
	}
	return beyond + s.digests.number(h)
}

func (s *stepText) signature(sig cert.Signature) int { return s.signatures.number(sig) }

func (s *stepText) envelope(e cert.Envelope) string {
	rest := s.world.digests[e.Hash()]
	if rest == 0 {
		rest = beyond + s.envelopes.number(e)
	}
	text := fmt.Sprintf("⟨%d, %d, %d, %d⟩", e.Type, e.BatchID, s.digest(e.Prev), rest)
	s.hashes.add("(%s, %d)", text, s.digest(e.Hash()))
	return text
}

func (s *stepText) content(c quorum.Content) string {
	text := fmt.Sprintf("⟨%s, [%d]⟩", s.envelope(c.Envelope), s.bodies.number(string(c.Body)))
	if s.world.digests[c.Digest()] == 0 || cert.BodyHash(c.Body) != c.Envelope.BodyHash {
		s.unfit.add("%s", text)
	}
	return text
}

// row notes that the member has signed what a statement says, if sig is its signature.
func (s *stepText) row(member int, msg []byte, sig cert.Signature, format string, args ...any) {
	if member >= 0 && member < len(s.cfg.Roster) && s.cfg.Verify(member, msg, sig) {
		s.signed.add("⟨%d, %s, %d⟩", member, fmt.Sprintf(format, args...), s.signature(sig))
	}
}

func (s *stepText) signedPrepare(height uint64, member int, p quorum.SignedPrepare) string {
	digest := s.digest(p.Digest)
	s.row(member, cert.PrepareMessage(s.cfg.Chain, height, p.Attempt, p.Digest), p.Signature,
		".prepare %d %d %d %d", s.digest(s.cfg.Chain), height, p.Attempt, digest)
	return fmt.Sprintf("⟨%d, %d, %d⟩", p.Attempt, digest, s.signature(p.Signature))
}

func (s *stepText) signedCommit(member int, c quorum.SignedCommit) string {
	digest := c.Envelope.Hash()
	s.row(member, cert.VoteMessage(s.cfg.Chain, digest), c.Vote, ".vote %d %d", s.digest(s.cfg.Chain), s.digest(digest))
	return fmt.Sprintf("⟨%s, %d⟩", s.envelope(c.Envelope), s.signature(c.Vote))
}

func (s *stepText) prepareOption(height uint64, member int, p *quorum.SignedPrepare) string {
	return option(p, func(p quorum.SignedPrepare) string { return s.signedPrepare(height, member, p) })
}

func (s *stepText) commitOption(member int, c *quorum.SignedCommit) string {
	return option(c, func(c quorum.SignedCommit) string { return s.signedCommit(member, c) })
}

func (s *stepText) proof(height uint64, p *quorum.Proof) string {
	return option(p, func(p quorum.Proof) string {
		for i, sig := range p.Signatures {
			s.signedPrepare(height, i, quorum.SignedPrepare{Attempt: p.Attempt, Digest: p.Digest, Signature: sig})
		}
		return fmt.Sprintf("⟨%d, %d, %s⟩", p.Attempt, s.digest(p.Digest), s.signatureList(p.Signatures))
	})
}

func (s *stepText) signatureList(signatures []cert.Signature) string {
	return list(signatures, func(sig cert.Signature) string { return fmt.Sprint(s.signature(sig)) })
}

func (s *stepText) certificate(c cert.Certificate) string {
	for i, vote := range c.Signatures {
		s.signedCommit(i, quorum.SignedCommit{Envelope: c.Envelope, Vote: vote})
	}
	return fmt.Sprintf("⟨%s, %s⟩", s.content(quorum.Content{Envelope: c.Envelope, Body: c.Body}), s.signatureList(c.Signatures))
}

// wire returns a message that travels.
func (s *stepText) wire(w quorum.Wire) string {
	switch m := w.(type) {
	case *quorum.Prepare:
		return "(.prepare " + s.prepare(*m) + ")"
	case *quorum.Commit:
		return fmt.Sprintf("(.commit ⟨%d, %d, %s, %s⟩)", s.digest(m.Chain), m.From,
			s.signedCommit(m.From, m.SignedCommit), s.proof(m.Envelope.BatchID, m.Proof))
	case *quorum.Decided:
		return "(.decided " + s.certificate(m.Certificate) + ")"
	case *quorum.Resync:
		nonce := hexText(m.Nonce[:])
		s.row(m.From, signedPart("omega/resync/v1\x00", m), m.Signature, ".resync %d %d %d %s", s.digest(m.Chain), m.From, m.Height, nonce)
		return fmt.Sprintf("(.resync ⟨%d, %d, %d, %s, %d⟩)", s.digest(m.Chain), m.From, m.Height, nonce, s.signature(m.Signature))
	case *quorum.ResyncReply:
		said := fmt.Sprintf("%d %d %d %d %s %s %s", s.digest(m.Chain), m.From, m.To, m.Height, hexText(m.Nonce[:]),
			s.prepareOption(m.Height, m.To, m.Prepare), s.commitOption(m.To, m.Commit))
		s.row(m.From, signedPart("omega/resync-reply/v1\x00", m), m.Signature, ".reply %s", said)
		return fmt.Sprintf("(.reply (.mk %s %d))", said, s.signature(m.Signature))
	}
	s.fail("a message %T", w)
	return ""
}

func (s *stepText) prepare(m quorum.Prepare) string {
	return fmt.Sprintf("⟨%d, %d, %d, %s, %s⟩", s.digest(m.Chain), m.From, m.Height,
		s.signedPrepare(m.Height, m.From, m.SignedPrepare), s.proof(m.Height, m.Proof))
}

// signedPart returns what the signature at the end of a message covers (QRM-7, QRM-8).
func signedPart(tag string, m quorum.Wire) []byte {
	b := quorum.Encode(m)
	return append([]byte(tag), b[1:len(b)-cert.SignatureSize]...)
}

func (s *stepText) message(m quorum.Message) string {
	switch m := m.(type) {
	case quorum.Wire:
		return "(.wire " + s.wire(m) + ")"
	case quorum.Start:
		return fmt.Sprintf("(.start %s %s)", option(m.Disk, s.durable), hexText(m.Nonce[:]))
	case quorum.Candidate:
		return fmt.Sprintf("(.candidate %d %s)", m.Attempt, s.content(m.Content))
	case quorum.Tick:
		return ".tick"
	case quorum.Timeout:
		return ".timeout"
	}
	s.fail("a message %T", m)
	return ""
}

func (s *stepText) durable(d quorum.Durable) string {
	return fmt.Sprintf("⟨%d, %d, %s, %s, %s, %s⟩", s.digest(d.Chain), d.Height, s.prepareOption(d.Height, s.cfg.Self, d.Prepare),
		s.proof(d.Height, d.Proof), s.proof(d.Height, d.Lock), list(d.Candidates, s.content))
}

// chain returns a chain, whose certificates the world knows by the digest of the last.
func (s *stepText) chain(c cert.Chain) string {
	named, err := s.refined.Digest(c.Head)
	if err != nil {
		s.fail("a chain: %w", err)
		return ""
	}
	names, _ := named.(tlavalue.Seq)
	var past []string
	for n := len(names); n > 0; n-- {
		content, err := s.refined.Content(names[:n])
		if err != nil {
			s.fail("a chain: %w", err)
		}
		past = append(past, s.envelope(content.Envelope))
	}
	return fmt.Sprintf("⟨%d, %d, [%s]⟩", s.digest(c.Head), c.Length, strings.Join(past, ", "))
}

func (s *stepText) state(q quorum.State) string {
	height := q.Height()
	own := "none"
	if q.Own != (cert.Hash{}) {
		own = fmt.Sprintf("(some %d)", s.digest(q.Own))
	}
	prepares, commits := make([]string, len(q.Prepares)), make([]string, len(q.Commits))
	for i, h := range q.Prepares {
		prepares[i] = fmt.Sprintf("⟨%s, %s⟩", s.prepareOption(height, i, h.Current), s.prepareOption(height, i, h.Newest))
	}
	for i, c := range q.Commits {
		commits[i] = s.commitOption(i, c)
	}
	return fmt.Sprintf("⟨%s, %t, %s, %s, %d, %s, %s, %s, %s, [%s], [%s], %s, %s⟩", s.chain(q.Chain), q.Started, hexText(q.Nonce[:]),
		list(q.Answered, func(b bool) string { return fmt.Sprint(b) }), q.Attempt, list(q.Candidates, s.content), own,
		s.proof(height, q.Proof), s.proof(height, q.Lock), strings.Join(prepares, ", "), strings.Join(commits, ", "),
		list(q.Evidence, s.evidence), option(q.Halted, s.halt))
}

func (s *stepText) evidence(e quorum.Evidence) string {
	return fmt.Sprintf("⟨%d, %s, %s⟩", e.Member, s.wire(e.First), s.wire(e.Second))
}

// reasonText are Lean's words for what halts a member.
var reasonText = map[quorum.Reason]string{
	quorum.UnknownPrepare: ".unknownPrepare", quorum.UnknownCommit: ".unknownCommit", quorum.Fork: ".fork",
}

func (s *stepText) halt(h quorum.Halt) string {
	return fmt.Sprintf("⟨%s, %d, %s, %s⟩", reasonText[h.Reason], h.Height, option(h.Disk, s.prepare), s.wire(h.Seen))
}

func (s *stepText) effect(e quorum.Effect) string {
	switch e := e.(type) {
	case quorum.Persist:
		d, err := quorum.DecodeDurable(e.Durable)
		if err != nil {
			s.fail("what is persisted: %w", err)
			return ""
		}
		return ".persist " + s.durable(*d)
	case quorum.Send:
		to := "none"
		if e.To != quorum.Everyone {
			to = fmt.Sprintf("(some %d)", e.To)
		}
		return ".send " + to + " " + s.wire(e.Message)
	case quorum.Append:
		return ".append " + s.certificate(e.Certificate)
	case quorum.Announce:
		return ".announce " + s.certificate(e.Certificate)
	case quorum.SendCertificate:
		return fmt.Sprintf(".sendCertificate %d %d", e.To, e.Height)
	case quorum.NeedCandidate:
		digest := "none"
		if e.Digest != (cert.Hash{}) {
			digest = fmt.Sprintf("(some %d)", s.digest(e.Digest))
		}
		return fmt.Sprintf(".needCandidate %d %d %s", e.Height, e.Attempt, digest)
	case quorum.Behind:
		return fmt.Sprintf(".behind %d", e.Height)
	case quorum.Evidence:
		return ".evidence " + s.evidence(e)
	case quorum.Halt:
		return ".halt " + s.halt(e)
	}
	s.fail("an effect %T", e)
	return ""
}

// config returns the config, with all that has been noted.
func (s *stepText) config() string {
	return fmt.Sprintf("(config %d %d %d %s %s %s)", s.digest(s.cfg.Chain), len(s.cfg.Roster)-1, s.cfg.Self,
		s.hashes.text(), s.unfit.text(), s.signed.text())
}

// world is what steps are taken in.
type world struct {
	refined *refine.World
	cfg     *quorum.Config
	digests map[cert.Hash]int // of the genesis and of all contents, in their order, from 1; 0: none
}
