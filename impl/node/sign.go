package node

import (
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// SignSection signs the section file path with the key, for the view's chain, and
// writes the signature file beside it (SIG-1, SIG-2). The roster must give the
// section's node to the key's member.
func (v *View) SignSection(path string, key *identity.Key) (*omegalog.Signature, error) {
	view, err := omegalog.Open(path)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	var section omegalog.Section
	err = omegalog.Guard(func() (err error) {
		section, err = view.Section()
		return err
	}, view)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	sig, err := omegalog.Sign(v.Chain.Name, section, key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if _, err := sig.Verify(v.Chain.Name, section, v.Chain.Roster); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return sig, omegalog.WriteSignature(path, sig)
}

// SectionKey returns the key of the member that writes the section file path, if
// that key is in the data folder.
func (v *View) SectionKey(path string, passphrase Passphrase) (*identity.Key, error) {
	view, err := omegalog.Open(path)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	var node uint32
	err = omegalog.Guard(func() error {
		h, err := frame.ParseHeader(view.Bytes())
		node = h.Node
		return err
	}, view)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	member, ok := v.Chain.Roster.Writer(node)
	if !ok {
		return nil, fmt.Errorf("%s: %w: node %d", path, omegalog.ErrSignatureSigner, node)
	}
	name := v.Chain.Roster[member].Name
	return identity.Load(archive.KeyPath(v.Dir, name), passphrase.of(name))
}

// Passphrase gives the passphrase of a member's sealed key; nil where no key is
// sealed.
type Passphrase func(member string) ([]byte, error)

func (p Passphrase) of(member string) func() ([]byte, error) {
	if p == nil {
		return nil
	}
	return func() ([]byte, error) { return p(member) }
}
