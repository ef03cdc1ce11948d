package ceremony

import (
	"fmt"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

const (
	memberMark = "omega-member v1"
	memberTag  = "omega/member/v1\x00"

	maxContact = 255
	nkeySize   = 56
)

// Member is a party's public part (CER-2): what will stand of it in the roster, where
// it is reached, and its signature of both, which shows that it has the key.
type Member struct {
	cert.Member
	Contact   string // where the party's engine listens, or "-"
	NKey      string // by which the engine knows the party, or "-"
	Signature cert.Signature
}

// NewMember returns the public part of the party with the key, signed.
func NewMember(m cert.Member, contact, nkey string, key *identity.Key) (*Member, error) {
	m.Key = key.Public()
	p := &Member{Member: m, Contact: contact, NKey: nkey}
	if err := p.validate(); err != nil {
		return nil, &Error{Err: err}
	}
	p.Signature = key.Sign(p.message())
	return p, nil
}

func (p *Member) validate() error {
	if err := (cert.Roster{p.Member}).Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	if p.Contact == "" || len(p.Contact) > maxContact || strings.ContainsFunc(p.Contact, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return fmt.Errorf("%w: the contact is 1 to %d printable ASCII characters without a space, got %.60q", ErrForm, maxContact, p.Contact)
	}
	if p.NKey != "-" && (len(p.NKey) != nkeySize || p.NKey[0] != 'U' || strings.Trim(p.NKey, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "") {
		return fmt.Errorf("%w: a user's nkey is U and %d more of A-Z 2-7, got %.60q", ErrForm, nkeySize-1, p.NKey)
	}
	return nil
}

// is checks that what a roster has of the party is its public part.
func (p *Member) is(m *cert.Member) error {
	if m.Name != p.Name || !slices.Equal(m.Nodes, p.Nodes) {
		return refuse(ErrOwn, "got %q with the nodes %s, want %q with %s", m.Name, nodeList(m.Nodes), p.Name, nodeList(p.Nodes))
	}
	return nil
}

// content is the file up to the signature.
func (p *Member) content() []byte {
	return fmt.Appendf(nil, "%s\nname %s\nkey %x\nnodes %s\ncontact %s\nnkey %s\n",
		memberMark, p.Name, p.Key, nodeList(p.Nodes), p.Contact, p.NKey)
}

// message is what the party signs (CER-2): "omega/member/v1\0" | the lines before the
// signature.
func (p *Member) message() []byte { return append([]byte(memberTag), p.content()...) }

// Format returns the file (CER-2).
func (p *Member) Format() []byte {
	return fmt.Appendf(p.content(), "signature %x\n", p.Signature)
}

// ParseMember reads a public part, and checks that its key has signed it (CER-2).
// Errors: ErrForm, ErrTooLarge, ErrPossession.
func ParseMember(text []byte) (*Member, error) {
	l := open(text, memberMark)
	p := &Member{}
	p.Name = l.field("name")
	l.fixed("key", p.Key[:])
	p.Nodes = l.nodes("nodes")
	p.Contact, p.NKey = l.field("contact"), l.field("nkey")
	l.fixed("signature", p.Signature[:])
	if err := l.end(text, p.Format()); err != nil {
		return nil, err
	}
	if err := p.validate(); err != nil {
		return nil, &Error{Err: err}
	}
	if !verify(p.Key, p.message(), p.Signature) {
		return nil, refuse(ErrPossession, "%q, key %x", p.Name, p.Key)
	}
	return p, nil
}
