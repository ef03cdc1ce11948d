package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
)

// Seat is who a data folder's key makes of a node.
type Seat struct {
	Chain  cert.Hash
	Roster cert.Roster // that signs the next height
	Keys   *Keyring    // of those who may sign events
	Name   string      // of the folder of the key; "" for an observer without one
	Index  int         // in the roster; -1: an observer
	Key    *identity.Key
	Nkey   string // the path where the nkey is, unless the configuration names another
}

// ErrWhichMember says that a folder has several members' keys.
var ErrWhichMember = errors.New("the folder has the keys of several members: say which by member")

// FindSeat reads the chain in the data folder and finds the key there: that of member,
// or the only one. Without any key the seat is an observer's. The errors are those of
// node.Read, ErrWhichMember, and those of the key.
func FindSeat(dir, member string, passphrase node.Passphrase) (*Seat, error) {
	view, err := node.Read(dir)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	s := &Seat{Chain: view.Chain.Name, Roster: view.Chain.Roster, Index: -1, Keys: NewKeyring()}
	for _, c := range view.Certificates {
		if err := s.Keys.Learn(c); err != nil {
			return nil, err
		}
	}
	if s.Name = member; member == "" {
		if s.Name, err = onlyMember(dir); err != nil {
			return nil, err
		}
	}
	if s.Name == "" {
		s.Key = identity.Generate()
		return s, nil
	}
	path := archive.KeyPath(dir, s.Name)
	s.Nkey = filepath.Join(filepath.Dir(path), credentials.NkeyName)
	s.Key, err = identity.Load(path, func() ([]byte, error) { return passphrase(s.Name) })
	if err != nil {
		return nil, err
	}
	if i, ok := s.Roster.Find(s.Key.Public()); ok {
		s.Index = i
		if s.Roster[i].Name != s.Name {
			return nil, fmt.Errorf("%s: the key is that of %q in the roster", path, s.Roster[i].Name)
		}
	}
	return s, nil
}

// onlyMember returns whose key is in the data folder, "" where there is none.
func onlyMember(dir string) (string, error) {
	entries, err := os.ReadDir(filepath.Join(dir, archive.MembersName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	var names []string
	for _, e := range entries {
		if _, err := os.Lstat(archive.KeyPath(dir, e.Name())); err == nil {
			names = append(names, e.Name())
		}
	}
	switch len(names) {
	case 0:
		return "", nil
	case 1:
		return names[0], nil
	}
	return "", fmt.Errorf("%s: %w: %s", dir, ErrWhichMember, strings.Join(names, ", "))
}
