package ceremony

import (
	"crypto/ed25519"
	"fmt"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

const signatureMark = "omega-signature v1"

// Kind is what a signature is of (CER-4).
type Kind string

// The kinds of signatures (CER-4).
const (
	OfGenesis    Kind = "genesis"       // a member's vote for the genesis
	OfLastResort Kind = "last-resort"   // an old member's, by its old key
	OfChange     Kind = "roster-change" // the vote of one who joins
)

// Signature is one party's answer to a proposal (CER-4).
type Signature struct {
	Of        Kind
	Digest    cert.Hash // of what was signed: a cert_hash, or for a last resort the SHA-256 of the message
	Name      string    // of the signer, in the roster that signs
	Signature cert.Signature
}

// Format returns the file (CER-4).
func (s *Signature) Format() []byte {
	return fmt.Appendf(nil, "%s\nof %s\ndigest %v\nname %s\nsignature %x\n", signatureMark, s.Of, s.Digest, s.Name, s.Signature)
}

// ParseSignature reads a signature file. What it is worth only the proposal tells.
// Errors: ErrForm, ErrTooLarge.
func ParseSignature(text []byte) (*Signature, error) {
	l := open(text, signatureMark)
	s := &Signature{Of: Kind(l.field("of")), Digest: l.hash("digest"), Name: l.field("name")}
	l.fixed("signature", s.Signature[:])
	if err := l.end(text, s.Format()); err != nil {
		return nil, err
	}
	if s.Of != OfGenesis && s.Of != OfLastResort && s.Of != OfChange {
		return nil, refuse(ErrForm, "got a signature of %.40q", s.Of)
	}
	if err := cert.CheckName(s.Name); err != nil {
		return nil, &Error{Err: fmt.Errorf("%w: %w", ErrForm, err)}
	}
	return s, nil
}

// collect puts signatures of one thing in the order of its signers. verify judges
// that of signer i. With all, none may be missing. A signer that has none is nil.
func collect(of Kind, digest cert.Hash, signers cert.Roster, all bool, signatures []*Signature, verify func(i int, sig cert.Signature) bool) ([]*Signature, error) {
	byName := make(map[string]int, len(signers))
	for i := range signers {
		byName[signers[i].Name] = i
	}
	ordered := make([]*Signature, len(signers))
	for _, s := range signatures {
		i, ok := byName[s.Name]
		switch {
		case s.Of != of || s.Digest != digest:
			return nil, refuse(ErrForeign, "%q has signed the %s %v, want the %s %v", s.Name, s.Of, s.Digest, of, digest)
		case !ok:
			return nil, refuse(ErrNotSigner, "%q", s.Name)
		case ordered[i] != nil:
			return nil, refuse(ErrTwice, "%q", s.Name)
		case !verify(i, s.Signature):
			return nil, refuse(ErrSignature, "that of %q is not one by the key %x", s.Name, signers[i].Key)
		}
		ordered[i] = s
	}
	var missing []string
	for i, s := range ordered {
		if s == nil {
			missing = append(missing, signers[i].Name)
		}
	}
	if all && len(missing) > 0 {
		return nil, refuse(ErrMissing, "%d of %d: %s", len(missing), len(signers), strings.Join(missing, ", "))
	}
	return ordered, nil
}

func verify(key cert.PublicKey, message []byte, sig cert.Signature) bool {
	return ed25519.Verify(key[:], message, sig[:])
}
