package refine

import (
	"bytes"

	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// Member returns mem[m] for a member's state: None for one that has not started.
func (n *Naming) Member(s *quorum.State) (tlavalue.Value, error) {
	if !s.Started {
		return None, nil
	}
	m := mapping{Naming: n}
	v := m.state(s)
	return v, m.err
}

// Head returns the digest of the last certificate of a state's chain, <<>> for the
// genesis.
func (n *Naming) Head(s *quorum.State) (tlavalue.Value, error) {
	m := mapping{Naming: n}
	d := m.digest(s.Chain.Head)
	if seq, ok := d.(tlavalue.Seq); ok && uint64(len(seq))+1 != s.Height() {
		m.foreign("the state is at height %d behind %v", s.Height(), seq)
	}
	return d, m.err
}

// Disk returns disk[m] for what member self, of the given height, has persisted last,
// nil for nothing.
func (n *Naming) Disk(self int, d *quorum.Durable, height uint64) (tlavalue.Value, error) {
	if d == nil || d.Height < height {
		return None, nil
	}
	m := mapping{Naming: n}
	v := m.disk(self, d, height)
	return v, m.err
}

// Certificate returns an entry of log[m].
func (n *Naming) Certificate(c *cert.Certificate) (tlavalue.Value, error) {
	m := mapping{Naming: n}
	v := m.certificate(c)
	return v, m.err
}

func (m *mapping) state(s *quorum.State) tlavalue.Value {
	if n := len(m.members); len(s.Answered) != n || len(s.Prepares) != n || len(s.Commits) != n {
		return m.foreign("%d answered, %d prepares and %d commits, of %d members", len(s.Answered), len(s.Prepares), len(s.Commits), n)
	}
	if s.Chain.Name != m.chain {
		return m.foreign("the chain is %v", s.Chain.Name)
	}
	own := tlavalue.Value(None)
	if s.Own != (cert.Hash{}) {
		own = m.digest(s.Own)
	}
	height := s.Height()
	return record(fields{
		"nonce":      m.nonce(s.Nonce),
		"answered":   m.membersWhere(func(i int) bool { return s.Answered[i] }),
		"attempt":    m.number(s.Attempt),
		"own":        own,
		"candidates": m.candidates(s.Candidates),
		"proof":      m.proof(height, s.Proof),
		"lock":       m.proof(height, s.Lock),
		"current":    m.function(func(i int) tlavalue.Value { return m.prepare(height, i, s.Prepares[i].Current) }),
		"newest":     m.function(func(i int) tlavalue.Value { return m.prepare(height, i, s.Prepares[i].Newest) }),
		"commits":    m.function(func(i int) tlavalue.Value { return m.commit(height, i, s.Commits[i]) }),
		"evidence":   m.evidence(height, s.Evidence),
		"halted":     m.halted(s.Halted),
	})
}

func (m *mapping) disk(self int, d *quorum.Durable, height uint64) tlavalue.Value {
	if d.Chain != m.chain || d.Height != height {
		return m.foreign("the disk is of %v, height %d, where the member is at %d", d.Chain, d.Height, height)
	}
	return record(fields{
		"prepare":    m.prepare(height, self, d.Prepare),
		"proof":      m.proof(height, d.Proof),
		"lock":       m.proof(height, d.Lock),
		"candidates": m.candidates(d.Candidates),
	})
}

// candidates returns the set of the digests of contents that are whole and in order.
func (m *mapping) candidates(contents []quorum.Content) tlavalue.Value {
	var set []tlavalue.Value
	var last cert.Hash
	for i := range contents {
		c := &contents[i]
		digest := c.Digest()
		if cert.BodyHash(c.Body) != c.Envelope.BodyHash {
			m.foreign("the candidate %v has another body", digest)
		}
		if i > 0 && bytes.Compare(last[:], digest[:]) >= 0 {
			m.foreign("the candidates %d and %d are out of order", i-1, i)
		}
		last = digest
		set = append(set, m.digest(digest))
	}
	return m.set(set)
}

// prepare returns the attempt and the digest of what a member has signed.
func (m *mapping) prepare(height uint64, member int, p *quorum.SignedPrepare) tlavalue.Value {
	if p == nil {
		return None
	}
	if !m.prepareVerifies(height, member, p) {
		return m.foreign("a prepare of attempt %d is not signed by member %d", p.Attempt, member)
	}
	return m.stand(p)
}

func (m *mapping) stand(p *quorum.SignedPrepare) tlavalue.Value {
	return record(fields{"attempt": m.number(p.Attempt), "digest": m.digest(p.Digest)})
}

func (m *mapping) prepareVerifies(height uint64, member int, p *quorum.SignedPrepare) bool {
	return m.verify(member, cert.PrepareMessage(m.chain, height, p.Attempt, p.Digest), p.Signature)
}

func (m *mapping) proof(height uint64, p *quorum.Proof) tlavalue.Value {
	if p == nil {
		return None
	}
	if len(p.Signatures) != len(m.members) {
		return m.foreign("a proof with %d signatures", len(p.Signatures))
	}
	by := func(i int) bool {
		part := quorum.SignedPrepare{Attempt: p.Attempt, Digest: p.Digest, Signature: p.Signatures[i]}
		return m.prepareVerifies(height, i, &part)
	}
	return record(fields{"attempt": m.number(p.Attempt), "digest": m.digest(p.Digest), "by": m.membersWhere(by)})
}

func (m *mapping) commit(height uint64, member int, c *quorum.SignedCommit) tlavalue.Value {
	if c == nil {
		return None
	}
	digest := c.Envelope.Hash()
	if !m.verify(member, cert.VoteMessage(m.chain, digest), c.Vote) {
		return m.foreign("a vote for %v is not signed by member %d", digest, member)
	}
	if c.Envelope.BatchID != height {
		return m.foreign("a vote of height %d, where it is %d", c.Envelope.BatchID, height)
	}
	return m.digest(digest)
}

// evidence returns the pairs of member and kind, each of which must be shown by two
// messages that the member has signed.
func (m *mapping) evidence(height uint64, list []quorum.Evidence) tlavalue.Value {
	var set []tlavalue.Value
	for i := range list {
		set = append(set, m.accusation(height, &list[i]))
	}
	return m.set(set)
}

func (m *mapping) accusation(height uint64, e *quorum.Evidence) tlavalue.Value {
	kind, differ := "", false
	switch a := e.First.(type) {
	case *quorum.Prepare:
		b, ok := e.Second.(*quorum.Prepare)
		if !ok || a.From != e.Member || b.From != e.Member || a.Height != height || b.Height != height || a.Attempt != b.Attempt {
			return m.foreign("evidence against member %d that shows no two prepares of an attempt", e.Member)
		}
		kind = "prepare"
		differ = tlavalue.Compare(m.message(a), m.message(b)) != 0
	case *quorum.Commit:
		b, ok := e.Second.(*quorum.Commit)
		if !ok || a.From != e.Member || b.From != e.Member || a.Envelope.BatchID != height || b.Envelope.BatchID != height {
			return m.foreign("evidence against member %d that shows no two commits of a height", e.Member)
		}
		kind = "commit"
		differ = tlavalue.Compare(m.message(a), m.message(b)) != 0
	}
	if !differ {
		return m.foreign("evidence against member %d that shows nothing", e.Member)
	}
	return tlavalue.Seq{m.member(e.Member), tlavalue.String(kind)}
}

// halts are the model's words for the reasons of a halt.
var halts = map[quorum.Reason]tlavalue.String{
	quorum.UnknownPrepare: "prepare",
	quorum.UnknownCommit:  "commit",
	quorum.Fork:           "fork",
}

func (m *mapping) halted(h *quorum.Halt) tlavalue.Value {
	if h == nil {
		return None
	}
	word, ok := halts[h.Reason]
	if !ok {
		return m.foreign("halted by %q", h.Reason)
	}
	return word
}

func (m *mapping) certificate(c *cert.Certificate) tlavalue.Value {
	if cert.BodyHash(c.Body) != c.Envelope.BodyHash {
		return m.foreign("the certificate of height %d has another body", c.Envelope.BatchID)
	}
	return record(fields{"digest": m.digest(c.Envelope.Hash()), "votes": m.votes(c)})
}

// votes returns those whose signatures are the certificate's.
func (m *mapping) votes(c *cert.Certificate) tlavalue.Value {
	if len(c.Signatures) != len(m.members) {
		return m.foreign("a certificate with %d signatures", len(c.Signatures))
	}
	vote := cert.VoteMessage(m.chain, c.Envelope.Hash())
	return m.membersWhere(func(i int) bool { return m.verify(i, vote, c.Signatures[i]) })
}
