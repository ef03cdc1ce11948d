package quorum

import "fmt"

// apply loads what the disk holds and asks every peer (QRM-17).
func (m Start) apply(t *turn) error {
	t.s.Started = true
	t.s.Nonce, t.s.Changed = m.Nonce, m.Changed
	t.s.Answered = t.onlySelf()
	if m.Disk != nil {
		if err := t.load(m.Disk); err != nil {
			return err
		}
	}
	if t.s.Ready() { // the roster has one member
		t.becomeReady()
		return nil
	}
	t.resync(Everyone)
	return nil
}

func (t *turn) onlySelf() []bool {
	answered := make([]bool, len(t.cfg.Roster))
	answered[t.cfg.Self] = true
	return answered
}

// load takes over what the disk holds for this height, after verifying all of it.
// What it holds for an earlier one is void (QRM-21).
func (t *turn) load(d *Durable) error {
	if d.Chain != t.cfg.Chain {
		return fmt.Errorf("%w: the disk has %v, the certificate log %v", ErrWrongChain, d.Chain, t.cfg.Chain)
	}
	if d.Height > t.s.Height() {
		return fmt.Errorf("%w: it is for height %d, the log's next is %d", ErrDiskAhead, d.Height, t.s.Height())
	}
	if d.Height < t.s.Height() {
		return nil
	}
	if err := t.loadHeight(d); err != nil {
		return fmt.Errorf("%w: height %d: %w", ErrDisk, d.Height, err)
	}
	return nil
}

func (t *turn) loadHeight(d *Durable) error {
	if err := d.validate(); err != nil {
		return err
	}
	for i := range d.Candidates {
		if err := t.checkContent(&d.Candidates[i]); err != nil {
			return err
		}
	}
	s := &t.s
	s.Candidates, s.Proof, s.Lock = append(s.Candidates, d.Candidates...), d.Proof, d.Lock
	if p := d.Prepare; p != nil {
		if !p.verify(t.cfg, s.Height(), t.cfg.Self) {
			return fmt.Errorf("%w: own prepare in attempt %d", ErrSignature, p.Attempt)
		}
		s.Attempt, s.Prepares[t.cfg.Self] = p.Attempt, Held{Current: p, Newest: p}
	}
	if p := d.Prepare; p != nil && t.contradicts(*p) {
		return fmt.Errorf("%w: the own prepare is not for the lock", ErrProof)
	}
	if d.Lock != nil {
		if err := t.loadProof(d.Lock); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		if d.Proof == nil || d.Proof.Attempt < d.Lock.Attempt {
			return fmt.Errorf("%w: the highest proof is below the lock", ErrProof)
		}
	}
	if d.Proof != nil {
		if err := t.loadProof(d.Proof); err != nil {
			return fmt.Errorf("highest proof: %w", err)
		}
	}
	return nil
}

// loadProof checks a proof against the own prepare, and holds its parts.
func (t *turn) loadProof(p *Proof) error {
	if err := t.checkProof(p); err != nil {
		return err
	}
	if t.contradicts(p.part(t.cfg.Self)) {
		return fmt.Errorf("%w: the own prepares do not allow one of attempt %d for %v", ErrProof, p.Attempt, p.Digest)
	}
	t.holdParts(p)
	return nil
}

// resync asks To, or Everyone, what it holds of this member's at this height.
func (t *turn) resync(to int) {
	m := &Resync{Chain: t.cfg.Chain, From: t.cfg.Self, Height: t.s.Height(), Nonce: t.s.Nonce}
	m.Signature = t.cfg.Signer.Sign(m.signed())
	t.do(Send{To: to, Message: m})
}

// askSilent asks those who have not answered yet.
func (t *turn) askSilent() {
	for i, answered := range t.s.Answered {
		if !answered {
			t.resync(i)
		}
	}
}

// becomeReady sends what the disk holds, and goes on from there.
func (t *turn) becomeReady() {
	if t.s.Lock != nil {
		t.commit()
	}
	t.repeat()
	t.progress()
}

// apply answers with what is held of the sender's, whether this member is ready
// or not (QRM-7).
func (m *Resync) apply(t *turn) error {
	if err := t.from(m.Chain, m.From); err != nil {
		return err
	}
	if !t.cfg.Verify(m.From, m.signed(), m.Signature) {
		return fmt.Errorf("%w: resync of member %d at height %d", ErrSignature, m.From, m.Height)
	}
	if m.From == t.cfg.Self || t.elsewhere(m.From, m.Height) {
		return nil
	}
	r := &ResyncReply{
		Chain: m.Chain, From: t.cfg.Self, To: m.From, Height: m.Height, Nonce: m.Nonce,
		Prepare: t.s.Prepares[m.From].Newest, Commit: t.s.Commits[m.From],
	}
	r.Signature = t.cfg.Signer.Sign(r.signed())
	t.do(Send{To: m.From, Message: r})
	return nil
}

// apply compares the answer with the disk, and counts it (QRM-8, QRM-18).
func (m *ResyncReply) apply(t *turn) error {
	if err := m.check(t); err != nil {
		return err
	}
	if m.Prepare != nil && t.disowned(*m.Prepare) {
		return nil
	}
	if m.Commit != nil {
		t.disownedCommit(*m.Commit)
	}
	if t.s.Halted != nil || t.s.Answered[m.From] {
		return nil
	}
	t.s.Answered[m.From] = true
	if t.s.Ready() {
		t.becomeReady()
	}
	return nil
}

func (m *ResyncReply) check(t *turn) error {
	if err := t.from(m.Chain, m.From); err != nil {
		return err
	}
	if m.To != t.cfg.Self {
		return fmt.Errorf("%w: got %d, this one is %d", ErrNotAddressee, m.To, t.cfg.Self)
	}
	if !t.cfg.Verify(m.From, m.signed(), m.Signature) {
		return fmt.Errorf("%w: reply of member %d", ErrSignature, m.From)
	}
	if m.Nonce != t.s.Nonce {
		return fmt.Errorf("%w: got %x, want %x", ErrNonce, m.Nonce, t.s.Nonce)
	}
	if m.Height != t.s.Height() {
		return fmt.Errorf("%w: reply of member %d for %d, this one is at %d", ErrWrongHeight, m.From, m.Height, t.s.Height())
	}
	if m.Prepare != nil && !m.Prepare.verify(t.cfg, m.Height, t.cfg.Self) {
		return fmt.Errorf("%w: own prepare in the reply of member %d", ErrSignature, m.From)
	}
	if c := m.Commit; c != nil && (c.Envelope.BatchID != m.Height || !c.verify(t.cfg, t.cfg.Self)) {
		return fmt.Errorf("%w: own commit in the reply of member %d", ErrSignature, m.From)
	}
	return nil
}
