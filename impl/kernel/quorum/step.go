package quorum

import (
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// Step applies one message to a member's state (QRM-9). It returns the new state
// and what the shell has to do for it, in order. It reads no clock, is the same for
// the same arguments, and changes none of them. An error means that the message is
// refused: the state is the old one, and there is no effect. It wraps one of the
// errors of this package. A message that tells nothing new gives neither error
// nor effect.
func Step(cfg *Config, s State, m Message) (State, []Effect, error) {
	if err := admit(cfg, &s, m); err != nil {
		return s, nil, err
	}
	t := turn{cfg: cfg, s: s.clone()}
	if err := m.apply(&t); err != nil {
		return s, nil, err
	}
	before, _ := s.need(cfg.Self)
	need, ok := t.s.need(cfg.Self)
	if _, tick := m.(Tick); ok && (tick || need != before) {
		t.do(need)
	}
	return t.s, t.effects, nil
}

// admit checks what holds for every message.
func admit(cfg *Config, s *State, m Message) error {
	if s.Halted != nil {
		return fmt.Errorf("%w at height %d: %s", ErrHalted, s.Halted.Height, s.Halted.Reason)
	}
	if cfg.Chain != s.Chain.Name {
		return fmt.Errorf("%w: the config names %v, the state %v", ErrWrongChain, cfg.Chain, s.Chain.Name)
	}
	if !sameKeys(cfg.Roster, s.Chain.Roster) {
		return fmt.Errorf("%w at height %d", ErrWrongRoster, s.Height())
	}
	if _, start := m.(Start); start == s.Started {
		if start {
			return ErrStarted
		}
		return ErrNotStarted
	}
	return nil
}

func sameKeys(a, b cert.Roster) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Key != b[i].Key {
			return false
		}
	}
	return true
}

// turn is one step under way: a state of its own to change, and the effects so far.
type turn struct {
	cfg     *Config
	s       State
	effects []Effect
}

func (t *turn) do(e Effect) { t.effects = append(t.effects, e) }

// from checks the chain and the sender of a message.
func (t *turn) from(chain cert.Hash, member int) error {
	if chain != t.cfg.Chain {
		return fmt.Errorf("%w: got %v, want %v", ErrWrongChain, chain, t.cfg.Chain)
	}
	if member < 0 || member >= len(t.cfg.Roster) {
		return fmt.Errorf("%w: got %d, the roster has %d", ErrUnknownMember, member, len(t.cfg.Roster))
	}
	return nil
}

// elsewhere answers a verified message of another height than the member's, unless
// it is the member's own, and reports whether it was one (QRM-16).
func (t *turn) elsewhere(from int, height uint64) bool {
	switch {
	case height == t.s.Height():
		return false
	case from == t.cfg.Self:
	case height < t.s.Height():
		t.do(SendCertificate{To: from, Height: height})
	default:
		t.do(Behind{Height: height})
		t.resync(from)
	}
	return true
}

func (m *Prepare) apply(t *turn) error {
	if err := t.from(m.Chain, m.From); err != nil {
		return err
	}
	if !m.verify(t.cfg, m.Height, m.From) {
		return fmt.Errorf("%w: prepare of member %d at height %d, attempt %d", ErrSignature, m.From, m.Height, m.Attempt)
	}
	if t.elsewhere(m.From, m.Height) {
		if m.From == t.cfg.Self && m.Height > t.s.Height() {
			t.halt(UnknownPrepare, m)
		}
		return nil
	}
	news, err := t.learn(m.Proof)
	if err != nil || t.s.Halted != nil {
		return err
	}
	if !t.holdPrepare(m.From, m.SignedPrepare) && !news && m.Attempt < t.s.Attempt {
		return fmt.Errorf("%w: member %d prepares in %d, this one is in %d", ErrStaleAttempt, m.From, m.Attempt, t.s.Attempt)
	}
	t.progress()
	return nil
}

func (m *Commit) apply(t *turn) error {
	if err := t.from(m.Chain, m.From); err != nil {
		return err
	}
	if !m.verify(t.cfg, m.From) {
		return fmt.Errorf("%w: commit of member %d at height %d", ErrSignature, m.From, m.Envelope.BatchID)
	}
	if t.elsewhere(m.From, m.Envelope.BatchID) {
		if m.From == t.cfg.Self && m.Envelope.BatchID > t.s.Height() {
			t.halt(UnknownCommit, m)
		}
		return nil
	}
	if _, err := t.learn(m.Proof); err != nil || t.s.Halted != nil {
		return err
	}
	t.holdCommit(m.From, m.SignedCommit)
	t.progress()
	return nil
}

func (m Candidate) apply(t *turn) error {
	s := &t.s
	if m.Attempt != s.Attempt {
		return fmt.Errorf("%w: got a candidate for %d, the member is in %d", ErrWrongAttempt, m.Attempt, s.Attempt)
	}
	if t.prepared() {
		return fmt.Errorf("%w: %d", ErrPrepared, s.Attempt)
	}
	if err := t.checkContent(&m.Content); err != nil {
		return err
	}
	digest := m.Digest()
	if s.Proof != nil && s.Proof.Digest != digest {
		return fmt.Errorf("%w: got %v, the highest proof is for %v", ErrUnwanted, digest, s.Proof.Digest)
	}
	s.Own = digest
	s.Candidates = insert(s.Candidates, m.Content)
	t.prune()
	t.progress()
	return nil
}

// checkContent checks that the content can follow the chain, and that who joins by
// it has signed it (QRM-12, QRM-23).
func (t *turn) checkContent(c *Content) error {
	if len(c.Body) > cert.MaxBody {
		return fmt.Errorf("%w: a body of %d bytes, at most %d", ErrCandidate, len(c.Body), cert.MaxBody)
	}
	next, err := t.s.Chain.CheckContent(&c.Envelope, c.Body)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCandidate, err)
	}
	return t.checkJoining(c, next)
}

func (m Tick) apply(t *turn) error {
	switch {
	case !t.s.Ready():
		t.tellChange()
		t.askSilent()
	case t.prepared() && t.laterPrepareHeld():
		t.advance()
		t.progress()
	default:
		t.repeat()
	}
	return nil
}

func (m Timeout) apply(t *turn) error {
	if !t.s.Ready() {
		return ErrNotReady
	}
	if !t.prepared() {
		return fmt.Errorf("%w: %d", ErrNotPrepared, t.s.Attempt)
	}
	t.advance()
	t.progress()
	return nil
}
