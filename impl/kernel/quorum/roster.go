package quorum

import (
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// A roster change has the votes of the old roster and then those of the new one, all
// over one message (CRT-4). So whoever is in both rosters votes once, as for any other
// certificate. Those who join are no members yet: they hold no lock and send no
// commit, and have signed the content before it becomes a candidate (QRM-23).

// checkJoining checks that the content has a vote of each who joins by it, in their
// order, and no other signature.
func (t *turn) checkJoining(c *Content, next cert.Chain) error {
	joiners := t.s.Chain.Roster.Joiners(next.Roster)
	if got, want := len(c.Joining), len(joiners); got != want {
		return fmt.Errorf("%w: got %d signatures, want %d", ErrJoining, got, want)
	}
	for i, sig := range c.Joining {
		if !joiners.Verify(i, t.s.Chain.Name, next.Head, sig) {
			return fmt.Errorf("%w: signature %d is not one by %q for %v", ErrJoining, i, joiners[i].Name, next.Head)
		}
	}
	return nil
}

// newSigners returns the signatures of the new roster, of which votes are the old
// one's. There are none but for a roster change.
func (t *turn) newSigners(c *Content, next cert.Chain, votes []cert.Signature) (signatures []cert.Signature) {
	if c.Envelope.Type != cert.RosterChange {
		return nil
	}
	joining := c.Joining
	for _, m := range next.Roster {
		if i, ok := t.s.Chain.Roster.Find(m.Key); ok {
			signatures = append(signatures, votes[i])
		} else {
			signatures, joining = append(signatures, joining[0]), joining[1:]
		}
	}
	return signatures
}

// checkNewSigners checks the signatures of a roster change that stand behind the old
// roster's.
func (t *turn) checkNewSigners(c *cert.Certificate, next cert.Chain) error {
	signatures := c.Signatures[len(t.cfg.Roster):]
	if got, want := len(signatures), len(next.Roster); got != want {
		return fmt.Errorf("%w: got %d signatures of the new roster, want %d", ErrSignature, got, want)
	}
	for i, sig := range signatures {
		ok := false
		if old, stays := t.s.Chain.Roster.Find(next.Roster[i].Key); stays {
			ok = t.cfg.Verify(old, cert.VoteMessage(t.cfg.Chain, next.Head), sig)
		} else {
			ok = next.Roster.Verify(i, t.cfg.Chain, next.Head, sig)
		}
		if !ok {
			return fmt.Errorf("%w: signature %d of the new roster is not one by %q for %v", ErrSignature, i, next.Roster[i].Name, next.Head)
		}
	}
	return nil
}

// ofThisRoster reports whether votes of this roster for the certificate, of the last
// height, were given as its members' votes. Those for a change of another roster may be what
// members signed to join by it, before they were members (QRM-24).
func (t *turn) ofThisRoster(c *cert.Certificate) bool {
	if c.Envelope.Type != cert.RosterChange {
		return true
	}
	body, err := cert.ParseRosterChangeBody(c.Body)
	return err == nil && cert.BodyHash(c.Body) == c.Envelope.BodyHash && body.OldHash == t.s.Chain.Roster.Hash()
}

// tellChange sends everyone the roster change that the log ends with: whoever has
// missed it goes by the old roster, under which the members of the new one are not
// understood (QRM-24).
func (t *turn) tellChange() {
	if t.s.Changed {
		t.do(SendCertificate{To: Everyone, Height: t.s.Height() - 1})
	}
}
