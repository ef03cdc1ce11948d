package quorum

import (
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// holdPrepare keeps a verified prepare of this height, if it is of this attempt
// or the member's newest, and reports whether it did (QRM-3). A second one for
// the same attempt that differs is evidence, which is kept too; an own one is checked
// instead.
func (t *turn) holdPrepare(from int, p SignedPrepare) bool {
	if from == t.cfg.Self {
		return t.disowned(p)
	}
	h, kept := &t.s.Prepares[from], false
	switch {
	case h.Newest == nil || p.Attempt > h.Newest.Attempt:
		h.Newest, kept = &p, true
	case p.Attempt == h.Newest.Attempt:
		kept = t.compare(from, h.Newest, p)
	}
	switch {
	case p.Attempt != t.s.Attempt:
	case h.Current == nil:
		h.Current, kept = &p, true
	default:
		kept = t.compare(from, h.Current, p) || kept
	}
	return kept
}

// compare reports whether a second prepare of one attempt is new evidence.
func (t *turn) compare(from int, first *SignedPrepare, second SignedPrepare) bool {
	return first.Digest != second.Digest &&
		t.accuse(Evidence{Member: from, First: t.prepareOf(from, *first), Second: t.prepareOf(from, second)})
}

// holdCommit keeps the first verified commit of a member at this height
// (QRM-4). A second one that differs is evidence; an own one is checked instead.
func (t *turn) holdCommit(from int, c SignedCommit) {
	first := t.s.Commits[from]
	switch {
	case from == t.cfg.Self:
		t.disownedCommit(c)
	case first == nil:
		t.s.Commits[from] = &c
	case first.Envelope != c.Envelope:
		t.accuse(Evidence{Member: from, First: t.commitOf(from, *first), Second: t.commitOf(from, c)})
	}
}

// accuse keeps and tells the first evidence of its kind against a member at
// this height, and reports whether it is the first (QRM-19).
func (t *turn) accuse(e Evidence) bool {
	_, prepares := e.First.(*Prepare)
	known := slices.ContainsFunc(t.s.Evidence, func(k Evidence) bool {
		_, p := k.First.(*Prepare)
		return k.Member == e.Member && p == prepares
	})
	if known {
		return false
	}
	t.s.Evidence = append(t.s.Evidence, e)
	t.do(e)
	return true
}

func (t *turn) prepareOf(member int, p SignedPrepare) *Prepare {
	return &Prepare{Chain: t.cfg.Chain, Height: t.s.Height(), From: member, SignedPrepare: p}
}

func (t *turn) commitOf(member int, c SignedCommit) *Commit {
	return &Commit{Chain: t.cfg.Chain, From: member, SignedCommit: c}
}

// learn takes over a proof that is higher than the one known, and reports whether
// it was; it is on disk before anything else happens by it (QRM-15). The prepares
// in it are held like any other, so that one of this attempt completes the N.
func (t *turn) learn(p *Proof) (bool, error) {
	if p == nil || t.s.Proof != nil && p.Attempt <= t.s.Proof.Attempt {
		return false, nil
	}
	if err := t.checkProof(p); err != nil {
		return false, err
	}
	if t.disowned(p.part(t.cfg.Self)) {
		return true, nil
	}
	t.s.Proof = p
	t.prune()
	t.persist()
	t.holdParts(p)
	return true, nil
}

func (t *turn) holdParts(p *Proof) {
	for i := range p.Signatures {
		t.holdPrepare(i, p.part(i))
	}
}

// part returns the prepare of one member in the proof.
func (p *Proof) part(member int) SignedPrepare {
	return SignedPrepare{Attempt: p.Attempt, Digest: p.Digest, Signature: p.Signatures[member]}
}

// checkProof checks that p is N equal prepares at this height (QRM-5).
func (t *turn) checkProof(p *Proof) error {
	if got, want := len(p.Signatures), len(t.cfg.Roster); got != want {
		return fmt.Errorf("%w: got %d signatures, want %d", ErrProof, got, want)
	}
	for i := range p.Signatures {
		part := p.part(i)
		if !part.verify(t.cfg, t.s.Height(), i) {
			return fmt.Errorf("%w of attempt %d: signature %d does not verify for %v", ErrProof, p.Attempt, i, p.Digest)
		}
	}
	return nil
}

// disowned halts the member where a prepare that verifies as its own is not one
// that it can have made, as far as it remembers, and reports that (QRM-18).
func (t *turn) disowned(p SignedPrepare) bool {
	if !t.contradicts(p) {
		return false
	}
	t.halt(UnknownPrepare, t.prepareOf(t.cfg.Self, p))
	return true
}

// contradicts reports whether an own prepare is newer than the newest, differs
// from it, or came after the lock with another digest.
func (t *turn) contradicts(p SignedPrepare) bool {
	mine, lock := t.mine(), t.s.Lock
	return mine == nil || p.Attempt > mine.Attempt ||
		p.Attempt == mine.Attempt && p.Digest != mine.Digest ||
		lock != nil && p.Attempt >= lock.Attempt && p.Digest != lock.Digest
}

// disownedCommit halts the member where a commit that verifies as its own is not
// the one of its lock (QRM-18).
func (t *turn) disownedCommit(c SignedCommit) {
	if t.s.Lock == nil || c.Envelope.Hash() != t.s.Lock.Digest {
		t.halt(UnknownCommit, t.commitOf(t.cfg.Self, c))
	}
}

// halt ends the member's part, with both sides shown.
func (t *turn) halt(r Reason, seen Wire) {
	h := Halt{Reason: r, Height: t.s.Height(), Seen: seen}
	if mine := t.mine(); mine != nil {
		h.Disk = t.prepareOf(t.cfg.Self, *mine)
		h.Disk.Proof = t.s.Lock
	}
	t.s.Halted = &h
	t.do(h)
}

// votesVerify reports whether the certificate has the votes of all members of
// the roster; behind those of a roster change stand others (CRT-4).
func (t *turn) votesVerify(c *cert.Certificate) bool {
	n := len(t.cfg.Roster)
	if more := len(c.Signatures) > n; len(c.Signatures) < n || more != (c.Envelope.Type == cert.RosterChange) {
		return false
	}
	for i, vote := range c.Signatures[:n] {
		signed := SignedCommit{Envelope: c.Envelope, Vote: vote}
		if !signed.verify(t.cfg, i) {
			return false
		}
	}
	return true
}
