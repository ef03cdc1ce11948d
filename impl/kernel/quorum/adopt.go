package quorum

import (
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// apply adopts a certificate of this height, whoever sent it: its signatures
// prove it (QRM-16). This member's is among them, so a member that is not locked
// on it has lost its memory, and halts (QRM-18).
func (m *Decided) apply(t *turn) error {
	c := &m.Certificate
	switch height := c.Envelope.BatchID; {
	case height < t.s.Height():
		return t.comparePast(c)
	case height > t.s.Height():
		if !t.votesVerify(c) {
			return fmt.Errorf("%w: votes at height %d", ErrCertificate, height)
		}
		t.do(Behind{Height: height})
		t.resync(Everyone)
		return nil
	}
	next, err := t.checkCertificate(c)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	t.disownedCommit(SignedCommit{Envelope: c.Envelope, Vote: c.Signatures[t.cfg.Self]})
	if t.s.Halted != nil {
		return nil
	}
	t.do(Append{Certificate: *c})
	t.enter(next)
	return nil
}

// checkCertificate checks the content and all signatures. Those of the new roster,
// which the config does not know, stand behind the votes.
func (t *turn) checkCertificate(c *cert.Certificate) (cert.Chain, error) {
	next, err := t.s.Chain.CheckContent(&c.Envelope, c.Body)
	if err != nil {
		return cert.Chain{}, err
	}
	if !t.votesVerify(c) {
		return cert.Chain{}, fmt.Errorf("%w: votes for %v", ErrSignature, next.Head)
	}
	if c.Envelope.Type == cert.RosterChange {
		return next, t.checkNewSigners(c, next)
	}
	return next, nil
}

// comparePast looks at a certificate of a height that is over: the last one again
// tells nothing, and another in its place with all signatures is a fork.
func (t *turn) comparePast(c *cert.Certificate) error {
	height := c.Envelope.BatchID
	switch {
	case height+1 < t.s.Height():
		return fmt.Errorf("%w: got a certificate of %d, this member is at %d", ErrWrongHeight, height, t.s.Height())
	case c.Envelope.Hash() == t.s.Chain.Head:
		return nil
	case !t.votesVerify(c) || !t.ofThisRoster(c):
		return fmt.Errorf("%w: votes at height %d", ErrCertificate, height)
	}
	t.halt(Fork, &Decided{Certificate: *c})
	return nil
}

// enter goes to the height behind chain. A member that is not ready asks its
// peers again, for that height; one whose roster has changed ends here, and begins
// again with a config of the new roster (QRM-24).
func (t *turn) enter(chain cert.Chain) {
	same, ready := sameKeys(chain.Roster, t.cfg.Roster), t.s.Ready()
	t.s.enter(chain)
	switch {
	case !same:
		t.s.Started, t.s.Nonce, t.s.Answered = false, Nonce{}, nil
	case !ready:
		t.s.Answered = t.onlySelf()
		t.resync(Everyone)
	}
}
