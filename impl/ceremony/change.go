package ceremony

import (
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

const changeMark = "omega-roster-change v1"

// Change is the proposal of a roster change for one height of a chain, and, once
// those who join have signed, what its members decide about (CER-5).
type Change struct {
	Chain     cert.Hash // the chain's name
	Height    uint64    // at which the change is to stand
	Head      cert.Hash // the cert_hash of the certificate before
	OldRoster cert.Hash // the hash of the roster that is in force there
	Roster    cert.Roster
	Joined    []cert.Signature // of those who join, in the roster's order; none while it is a proposal
}

// NewChange proposes the roster as the chain's next (CER-5). Errors: ErrProposal.
func NewChange(chain cert.Chain, next cert.Roster) (*Change, error) {
	c := &Change{Chain: chain.Name, Height: chain.Length, Head: chain.Head, OldRoster: chain.Roster.Hash(), Roster: next}
	if _, err := c.check(chain); err != nil {
		return nil, err
	}
	return c, nil
}

// Format returns the file (CER-5).
func (c *Change) Format() []byte {
	b := fmt.Appendf(nil, "%s\nchain %v\nheight %d\nhead %v\nold-roster %v\n", changeMark, c.Chain, c.Height, c.Head, c.OldRoster)
	for _, sig := range c.Joined {
		b = fmt.Appendf(b, "joined %x\n", sig)
	}
	return append(b, identity.FormatRoster(c.Roster)...)
}

// ParseChange reads a proposal, with signatures or without, which it does not judge
// (CER-5). Errors: ErrForm, ErrTooLarge.
func ParseChange(text []byte) (*Change, error) {
	l := open(text, changeMark)
	c := &Change{Chain: l.hash("chain"), Height: l.number64(l.field("height"), 64), Head: l.hash("head"), OldRoster: l.hash("old-roster")}
	for l.has("joined") {
		var sig cert.Signature
		l.fixed("joined", sig[:])
		c.Joined = append(c.Joined, sig)
	}
	c.Roster = l.roster()
	if err := l.end(text, c.Format()); err != nil {
		return nil, err
	}
	return c, nil
}

// content returns what the members would decide about, as far as the file says it.
func (c *Change) content() quorum.Content {
	body := (&cert.RosterChangeBody{OldHash: c.OldRoster, Roster: c.Roster}).Append(nil)
	return quorum.Content{Envelope: cert.Seal(cert.RosterChange, merkle.EmptyRoot(), c.Height, c.Head, body), Body: body, Joining: c.Joined}
}

// check checks that the change can follow the chain, and returns its content.
func (c *Change) check(chain cert.Chain) (quorum.Content, error) {
	content := c.content()
	if c.Chain != chain.Name {
		return content, refuse(ErrProposal, "it is for the chain %v, this one is %v", c.Chain, chain.Name)
	}
	if c.Height != chain.Length {
		return content, refuse(ErrProposal, "it is for height %d, the chain's next is %d: propose it again", c.Height, chain.Length)
	}
	if _, err := chain.CheckContent(&content.Envelope, content.Body); err != nil {
		return content, refuse(ErrProposal, "%w", err)
	}
	return content, nil
}

// Sign signs the proposal for one who joins; chain is what this party has checked from
// its genesis to its head, which is the point of it (CER-5, QRM-23). Errors:
// ErrProposal, ErrOwn, ErrNotSigner.
func (c *Change) Sign(chain cert.Chain, own *Member, key *identity.Key) (*Signature, error) {
	content, err := c.check(chain)
	if err != nil {
		return nil, err
	}
	joiners := chain.Roster.Joiners(c.Roster)
	i, ok := joiners.Find(key.Public())
	if !ok || own.Key != key.Public() {
		return nil, refuse(ErrNotSigner, "nobody joins with the key %x of %q", key.Public(), own.Name)
	}
	if err := own.is(&joiners[i]); err != nil {
		return nil, err
	}
	digest := content.Digest()
	return &Signature{Of: OfChange, Digest: digest, Name: own.Name, Signature: key.Sign(cert.VoteMessage(c.Chain, digest))}, nil
}

// Join returns the change with the signatures of all who join (CER-5). Errors: those
// of Genesis.Assemble.
func (c *Change) Join(chain cert.Chain, signatures []*Signature) (*Change, error) {
	content, err := c.check(chain)
	if err != nil {
		return nil, err
	}
	joiners, digest := chain.Roster.Joiners(c.Roster), content.Digest()
	ordered, err := collect(OfChange, digest, joiners, true, signatures, func(i int, sig cert.Signature) bool {
		return joiners.Verify(i, c.Chain, digest, sig)
	})
	if err != nil {
		return nil, err
	}
	next := *c
	next.Joined = nil
	for _, s := range ordered {
		next.Joined = append(next.Joined, s.Signature)
	}
	return &next, nil
}

// Content returns what a member whose people have approved the change offers as its
// candidate, with the signatures of all who join (CER-5, QRM-12). Errors: ErrProposal,
// ErrMissing, ErrSignature.
func (c *Change) Content(chain cert.Chain) (quorum.Content, error) {
	content, err := c.check(chain)
	if err != nil {
		return quorum.Content{}, err
	}
	joiners := chain.Roster.Joiners(c.Roster)
	if got, want := len(c.Joined), len(joiners); got != want {
		return quorum.Content{}, refuse(ErrMissing, "%d signatures of those who join, want %d", got, want)
	}
	for i, sig := range c.Joined {
		if !joiners.Verify(i, c.Chain, content.Digest(), sig) {
			return quorum.Content{}, refuse(ErrSignature, "that of %q is not one by the key %x", joiners[i].Name, joiners[i].Key)
		}
	}
	return content, nil
}
