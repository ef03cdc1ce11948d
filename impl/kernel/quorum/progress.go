package quorum

import (
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// progress does what the rules ask for by themselves, until there is nothing more:
// prepare, lock and commit, advance, decide. The attempts that it goes through are
// bounded by the prepares held, of which each counts for one attempt.
func (t *turn) progress() {
	if !t.s.Ready() {
		return
	}
	for t.prepared() || t.prepare() {
		all, equal := t.tally()
		if all && !equal {
			t.advance()
			continue
		}
		if all {
			t.lock()
		}
		break
	}
	t.decide()
}

// mine returns the own newest prepare, or nil.
func (t *turn) mine() *SignedPrepare { return t.s.Prepares[t.cfg.Self].Newest }

// prepared reports whether the member has prepared in this attempt (QRM-10).
func (t *turn) prepared() bool { return t.s.Prepares[t.cfg.Self].Current != nil }

// wanted returns the digest to prepare in this attempt, zero where there is
// none yet (QRM-11).
func (s *State) wanted() cert.Hash {
	switch {
	case s.Lock != nil:
		return s.Lock.Digest
	case s.Proof != nil:
		return s.Proof.Digest
	}
	return s.Own
}

// need returns the effect that asks for the candidate that keeps the member from
// preparing, or false.
func (s *State) need(self int) (NeedCandidate, bool) {
	wanted := s.wanted()
	if !s.Ready() || s.Prepares[self].Current != nil || find(s.Candidates, wanted) != nil {
		return NeedCandidate{}, false
	}
	return NeedCandidate{Height: s.Height(), Attempt: s.Attempt, Digest: wanted}, true
}

// prepare prepares in this attempt, if the content is held, and reports whether
// it did. The prepare is on disk before it leaves (QRM-10, QRM-12).
func (t *turn) prepare() bool {
	s := &t.s
	digest := s.wanted()
	if find(s.Candidates, digest) == nil {
		return false
	}
	p := SignedPrepare{Attempt: s.Attempt, Digest: digest}
	p.Signature = t.cfg.Signer.Sign(cert.PrepareMessage(t.cfg.Chain, s.Height(), p.Attempt, p.Digest))
	s.Prepares[t.cfg.Self] = Held{Current: &p, Newest: &p}
	t.prune()
	t.persist()
	t.sendPrepare()
	return true
}

// tally reports whether all N prepares of this attempt are held, and whether
// all are equal.
func (t *turn) tally() (all, equal bool) {
	mine := t.s.Prepares[t.cfg.Self].Current
	equal = true
	for i := range t.s.Prepares {
		p := t.s.Prepares[i].Current
		if p == nil {
			return false, false
		}
		equal = equal && p.Digest == mine.Digest
	}
	return true, equal
}

// lock takes N equal prepares of this attempt as the highest proof, and, where the
// member has no lock, locks and commits. The lock is on disk before the commit
// leaves (QRM-13).
func (t *turn) lock() {
	s := &t.s
	if s.Proof == nil || s.Proof.Attempt < s.Attempt {
		p := &Proof{Attempt: s.Attempt, Digest: t.mine().Digest}
		for i := range s.Prepares {
			p.Signatures = append(p.Signatures, s.Prepares[i].Current.Signature)
		}
		s.Proof = p
		if s.Lock != nil {
			t.persist()
		}
	}
	if s.Lock != nil {
		return
	}
	s.Lock = s.Proof
	t.persist()
	t.commit()
	t.sendCommit()
}

// commit makes the own commit of the lock.
func (t *turn) commit() {
	c := &SignedCommit{Envelope: find(t.s.Candidates, t.s.Lock.Digest).Envelope}
	c.Vote = t.cfg.Signer.Sign(cert.VoteMessage(t.cfg.Chain, t.s.Lock.Digest))
	t.s.Commits[t.cfg.Self] = c
}

// advance goes to the next attempt, which the member has prepared for by
// preparing in this one (QRM-14).
func (t *turn) advance() {
	s := &t.s
	s.Attempt++
	s.Own = cert.Hash{}
	for i := range s.Prepares {
		h := &s.Prepares[i]
		h.Current = nil
		if h.Newest != nil && h.Newest.Attempt == s.Attempt {
			h.Current = h.Newest
		}
	}
	t.prune()
}

// prune drops the candidates that nothing refers to any more.
func (t *turn) prune() {
	d := t.durable()
	t.s.Candidates = slices.DeleteFunc(t.s.Candidates, func(c Content) bool {
		digest := c.Digest()
		return digest != t.s.Own && !d.wants(digest)
	})
}

func (t *turn) laterPrepareHeld() bool {
	return slices.ContainsFunc(t.s.Prepares, func(h Held) bool {
		return h.Newest != nil && h.Newest.Attempt > t.s.Attempt
	})
}

// decide makes the certificate where all N commits are held and are for the lock
// (QRM-16).
func (t *turn) decide() {
	s := &t.s
	if s.Lock == nil {
		return
	}
	content := find(s.Candidates, s.Lock.Digest)
	c := cert.Certificate{Envelope: content.Envelope, Body: content.Body}
	for _, commit := range s.Commits {
		if commit == nil || commit.Envelope != c.Envelope {
			return
		}
		c.Signatures = append(c.Signatures, commit.Vote)
	}
	next, _ := s.Chain.CheckContent(&c.Envelope, c.Body) // every candidate has passed this check here
	c.Signatures = append(c.Signatures, t.newSigners(content, next, c.Signatures)...)
	t.do(Append{Certificate: c})
	t.do(Announce{Certificate: c})
	t.enter(next)
}

// durable returns what of the state survives a crash (QRM-21).
func (t *turn) durable() *Durable {
	return &Durable{
		Chain: t.cfg.Chain, Height: t.s.Height(),
		Prepare: t.mine(), Proof: t.s.Proof, Lock: t.s.Lock,
	}
}

func (t *turn) persist() {
	d := t.durable()
	for _, c := range t.s.Candidates {
		if d.wants(c.Digest()) {
			d.Candidates = append(d.Candidates, c)
		}
	}
	t.do(Persist{Durable: d.Encode()})
}

func (t *turn) sendPrepare() {
	t.do(Send{To: Everyone, Message: &Prepare{
		Chain: t.cfg.Chain, Height: t.s.Height(), From: t.cfg.Self,
		SignedPrepare: *t.mine(), Proof: t.s.Proof,
	}})
}

func (t *turn) sendCommit() {
	t.do(Send{To: Everyone, Message: &Commit{
		Chain: t.cfg.Chain, From: t.cfg.Self,
		SignedCommit: *t.s.Commits[t.cfg.Self], Proof: t.s.Proof,
	}})
}

// repeat sends again the own newest prepare and commit.
func (t *turn) repeat() {
	if t.mine() != nil {
		t.sendPrepare()
	}
	if t.s.Commits[t.cfg.Self] != nil {
		t.sendCommit()
	}
}
