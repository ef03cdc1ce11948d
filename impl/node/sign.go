package node

import (
	"context"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// SignSections signs the section files, each with the key of the member that the
// roster gives its node, from the data folder, and writes the signature files
// beside them (SIG-1, SIG-2). A signature's way to the disk is mostly waiting, so
// several go at a time; each is on disk when it returns nil. After an error some
// may be signed.
func (v *View) SignSections(ctx context.Context, paths []string, passphrase Passphrase) error {
	keys := make([]*identity.Key, len(v.Chain.Roster)) // by member, as far as needed
	writers := make([]int, len(paths))
	for i, path := range paths {
		writer, err := v.writer(path)
		if err == nil && keys[writer] == nil {
			keys[writer], err = v.key(writer, passphrase)
		}
		if err != nil {
			return err
		}
		writers[i] = writer
	}
	return importer.Each(ctx, len(paths), func(_ context.Context, i int) error {
		_, err := v.SignSection(paths[i], keys[writers[i]])
		return err
	})
}

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
	writer, err := v.writer(path)
	if err != nil {
		return nil, err
	}
	return v.key(writer, passphrase)
}

// writer returns the member to whom the roster gives the node of the section path.
func (v *View) writer(path string) (member int, err error) {
	view, err := omegalog.Open(path)
	if err != nil {
		return 0, err
	}
	defer view.Close()
	var header frame.Header
	err = omegalog.Guard(func() (err error) {
		header, err = view.Header()
		return err
	}, view)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	member, ok := v.Chain.Roster.Writer(header.Node)
	if !ok {
		return 0, fmt.Errorf("%s: %w: node %d", path, omegalog.ErrSignatureSigner, header.Node)
	}
	return member, nil
}

func (v *View) key(member int, passphrase Passphrase) (*identity.Key, error) {
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
