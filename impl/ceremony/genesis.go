package ceremony

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

const genesisMark = "omega-genesis v1"

// Genesis is the proposal of a chain (CER-3): the body of its genesis. In that of a
// chain that succeeds another nobody of the old one has signed at first (CER-6).
type Genesis struct{ cert.GenesisBody }

// Gather makes the proposal of a chain of these parties, who will sign in this
// order, with fresh random bytes (CER-3). Errors: ErrProposal.
func Gather(members []*Member) (*Genesis, error) {
	g := &Genesis{}
	for _, m := range members {
		g.Roster = append(g.Roster, m.Member)
	}
	if err := g.Roster.Validate(); err != nil {
		return nil, refuse(ErrProposal, "%w", err)
	}
	rand.Read(g.Random[:])
	return g, nil
}

// Succeed makes the proposal of a chain that succeeds old, as the one who gathers has
// it (CER-6). Errors: ErrProposal.
func Succeed(old cert.Chain, members []*Member) (*Genesis, error) {
	if old.Length == 0 {
		return nil, refuse(ErrProposal, "the old chain has no genesis")
	}
	g, err := Gather(members)
	if err != nil {
		return nil, err
	}
	g.Successor = &cert.Successor{Chain: old.Name, Head: old.Head, Length: old.Length}
	return g, nil
}

// Format returns the file (CER-3).
func (g *Genesis) Format() []byte {
	b := fmt.Appendf(nil, "%s\nrandom %x\n", genesisMark, g.Random)
	if s := g.Successor; s != nil {
		b = fmt.Appendf(b, "predecessor %v %v %d\n", s.Chain, s.Head, s.Length)
		for _, r := range s.Remaining {
			b = fmt.Appendf(b, "remaining %d %x\n", r.Member, r.Signature)
		}
	}
	return append(b, identity.FormatRoster(g.Roster)...)
}

// ParseGenesis reads a proposal, whose signatures it does not judge (CER-3). Errors:
// ErrForm, ErrTooLarge.
func ParseGenesis(text []byte) (*Genesis, error) {
	l := open(text, genesisMark)
	g := &Genesis{}
	l.fixed("random", g.Random[:])
	if l.has("predecessor") {
		g.Successor = l.successor()
	}
	g.Roster = l.roster()
	if err := l.end(text, g.Format()); err != nil {
		return nil, err
	}
	if s := g.Successor; s != nil && len(s.Remaining) > 0 {
		if _, err := cert.ParseGenesisBody(g.Append(nil)); err != nil {
			return nil, &Error{Err: fmt.Errorf("%w: %w", ErrForm, err)}
		}
	}
	return g, nil
}

func (l *lines) successor() *cert.Successor {
	s := &cert.Successor{}
	parts := l.parts("predecessor", 3)
	l.digits(parts[0], s.Chain[:])
	l.digits(parts[1], s.Head[:])
	if s.Length = l.number64(parts[2], 64); s.Length == 0 {
		l.fail("a chain of 0 certificates has no head")
	}
	for l.has("remaining") {
		parts := l.parts("remaining", 2)
		r := cert.Remaining{Member: uint16(l.number64(parts[0], 16))}
		l.digits(parts[1], r.Signature[:])
		s.Remaining = append(s.Remaining, r)
	}
	return s
}

// parts returns the n values on the line of a field.
func (l *lines) parts(name string, n int) []string {
	parts := strings.Split(l.field(name), " ")
	if len(parts) != n {
		l.fail("got %d values, want %d", len(parts), n)
		return make([]string, n)
	}
	return parts
}

// certificate returns the genesis without its signatures.
func (g *Genesis) certificate() (*cert.Certificate, error) {
	if g.Successor != nil && len(g.Successor.Remaining) == 0 {
		return nil, refuse(ErrMissing, "nobody who remains of the old chain has signed")
	}
	c := &cert.Certificate{Body: g.Append(nil)}
	c.Envelope = cert.Seal(cert.Genesis, merkle.EmptyRoot(), 0, cert.Hash{}, c.Body)
	if _, err := (cert.Chain{}).CheckContent(&c.Envelope, c.Body); err != nil {
		return nil, refuse(ErrProposal, "%w", err)
	}
	return c, nil
}

// Name returns the name that the chain will have, which stands for all that the
// proposal says (CER-4). Errors: ErrMissing, ErrProposal.
func (g *Genesis) Name() (cert.Hash, error) {
	c, err := g.certificate()
	if err != nil {
		return cert.Hash{}, err
	}
	return c.Envelope.Hash(), nil
}

// Sign signs the proposal for the party whose public part is own, where the roster has
// exactly that part of it (CER-4). Errors: ErrNotSigner, ErrOwn, and those of Name.
func (g *Genesis) Sign(own *Member, key *identity.Key) (*Signature, error) {
	name, err := g.Name()
	if err != nil {
		return nil, err
	}
	i, ok := g.Roster.Find(key.Public())
	if !ok || own.Key != key.Public() {
		return nil, refuse(ErrNotSigner, "no member has the key %x of %q", key.Public(), own.Name)
	}
	if err := own.is(&g.Roster[i]); err != nil {
		return nil, err
	}
	return &Signature{Of: OfGenesis, Digest: name, Name: own.Name, Signature: key.Sign(cert.VoteMessage(cert.Hash{}, name))}, nil
}

// Assemble makes the genesis certificate of all members' signatures, in any order
// (CER-4). Errors: ErrForeign, ErrNotSigner, ErrTwice, ErrSignature, ErrMissing,
// ErrProposal.
func (g *Genesis) Assemble(signatures []*Signature) (*cert.Certificate, error) {
	c, err := g.certificate()
	if err != nil {
		return nil, err
	}
	name := c.Envelope.Hash()
	ordered, err := collect(OfGenesis, name, g.Roster, true, signatures, func(i int, sig cert.Signature) bool {
		return g.Roster.Verify(i, cert.Hash{}, name, sig)
	})
	if err != nil {
		return nil, err
	}
	for _, s := range ordered {
		c.Signatures = append(c.Signatures, s.Signature)
	}
	return c, nil
}

// fits checks that the proposal is for a successor of old, where that ends.
func (g *Genesis) fits(old cert.Chain) error {
	s := g.Successor
	if s == nil {
		return refuse(ErrProposal, "the chain succeeds none")
	}
	if s.Chain != old.Name || s.Head != old.Head || s.Length != old.Length {
		return refuse(ErrProposal, "it is for the chain %v with %d certificates up to %v, this one is %v with %d up to %v",
			s.Chain, s.Length, s.Head, old.Name, old.Length, old.Head)
	}
	return nil
}

func (g *Genesis) resortDigest() cert.Hash { return sha256.Sum256(g.LastResortMessage()) }

// SignLastResort signs with a key of the old roster that who has it goes on in the new
// chain; old is the chain as this party has checked it (CER-6, BDY-9). Whoever has
// signed signs nothing more in the old chain. Errors: ErrProposal, ErrNotSigner.
func (g *Genesis) SignLastResort(old cert.Chain, key *identity.Key) (*Signature, error) {
	if err := g.fits(old); err != nil {
		return nil, err
	}
	i, ok := old.Roster.Find(key.Public())
	if !ok {
		return nil, refuse(ErrNotSigner, "no member of the old roster has the key %x", key.Public())
	}
	return &Signature{Of: OfLastResort, Digest: g.resortDigest(), Name: old.Roster[i].Name, Signature: key.Sign(g.LastResortMessage())}, nil
}

// Remain returns the proposal with the signatures of those who remain of the old
// chain (CER-6). Errors: those of Assemble.
func (g *Genesis) Remain(old cert.Chain, signatures []*Signature) (*Genesis, error) {
	if err := g.fits(old); err != nil {
		return nil, err
	}
	message := g.LastResortMessage()
	ordered, err := collect(OfLastResort, g.resortDigest(), old.Roster, false, signatures, func(i int, sig cert.Signature) bool {
		return verify(old.Roster[i].Key, message, sig)
	})
	if err != nil {
		return nil, err
	}
	next, successor := *g, *g.Successor
	next.Successor, successor.Remaining = &successor, nil
	for i, s := range ordered {
		if s != nil {
			successor.Remaining = append(successor.Remaining, cert.Remaining{Member: uint16(i), Signature: s.Signature})
		}
	}
	if _, err := next.certificate(); err != nil {
		return nil, err
	}
	return &next, next.CheckPredecessor(old)
}

// CheckPredecessor checks what the proposal says of the chain that it succeeds
// against that chain, as this party has checked it (CER-6). Errors: ErrProposal.
func (g *Genesis) CheckPredecessor(old cert.Chain) error {
	if err := g.fits(old); err != nil {
		return err
	}
	if err := g.CheckSuccessor(old.Roster); err != nil {
		return refuse(ErrProposal, "%w", err)
	}
	return nil
}
