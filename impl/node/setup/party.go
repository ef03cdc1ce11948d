package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/ceremony"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
)

// What a party's folder has beside what will be its data folder's: its public part
// (CER-2), and its host's certificate with the key (ENG-6).
const (
	PartSuffix      = ".member"
	HostCertificate = "host.crt"
	HostKey         = "host.key"
)

// The ways in which a party's folder is not as a ceremony needs it. Match with
// errors.Is.
var (
	ErrNoParty = errors.New("the folder has no member's key: make one with cluster member")
	ErrSettled = errors.New("the folder has a chain already")
)

// Party is somebody who takes part in a ceremony, with all that is secret.
type Party struct {
	Part *ceremony.Member
	Key  *identity.Key
}

// PartyOptions say what a party is to be.
type PartyOptions struct {
	cert.Member          // Name and Nodes
	Contact     string   // where its engine listens; "" for none
	Hosts       []string // names and addresses of its host, for a certificate; none: no certificate
	Passphrase  []byte   // nil: the key is not sealed
}

// NewParty makes in the folder dir, absent or empty, a party's keys, and its public
// part, which is what it shows others. The folder becomes its data folder (Settle).
func NewParty(dir string, o PartyOptions) (*Party, error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty: it has %q; a new member wants an empty folder: %w", dir, entries[0].Name(), fs.ErrExist)
	}
	p := &Party{Key: identity.Generate()}
	nkey, contact := credentials.GenerateNkey(), "-"
	if o.Contact != "" {
		contact = o.Contact
	}
	var err error
	if p.Part, err = ceremony.NewMember(o.Member, contact, nkey.Public(), p.Key); err != nil {
		return nil, err
	}
	path := archive.KeyPath(dir, o.Name)
	if err := durable.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if err := identity.Save(path, p.Key, o.Passphrase); err != nil {
		return nil, err
	}
	if err := nkey.Save(filepath.Join(filepath.Dir(path), credentials.NkeyName)); err != nil {
		return nil, err
	}
	if len(o.Hosts) > 0 {
		if err := credentials.SaveCertificate(filepath.Join(dir, HostCertificate), filepath.Join(dir, HostKey), o.Hosts); err != nil {
			return nil, err
		}
	}
	return p, ceremony.Save(PartPath(dir, o.Name), p.Part.Format())
}

// PartPath is where a party's folder has its public part.
func PartPath(dir, name string) string { return filepath.Join(dir, name+PartSuffix) }

// LoadParty reads who the folder's party is. The errors: ErrNoParty, ErrWhichMember,
// those of the key and of the public part.
func LoadParty(dir string, passphrase node.Passphrase) (*Party, error) {
	name, err := onlyMember(dir)
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoParty)
	}
	p := &Party{}
	if p.Part, err = ceremony.Load(PartPath(dir, name), ceremony.ParseMember); err != nil {
		return nil, err
	}
	p.Key, err = identity.Load(archive.KeyPath(dir, name), func() ([]byte, error) { return passphrase(name) })
	return p, err
}

// Settle makes a party's folder the data folder of the chain that the genesis begins,
// and enters in its users file who takes part, by their public parts. cert.log comes
// last: before, there is no chain, and Settle can be called again.
func Settle(dir string, genesis *cert.Certificate, parts []*ceremony.Member) error {
	chain, err := cert.Chain{}.Check(genesis)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(certlog.Path(dir)); err == nil {
		return fmt.Errorf("%s: %w", certlog.Path(dir), ErrSettled)
	}
	users, err := usersOf(chain.Roster, parts)
	if err != nil {
		return err
	}
	if err := durable.MkdirAll(filepath.Join(dir, archive.TracesName), 0o755); err != nil {
		return err
	}
	if err := durable.WriteFile(durable.OS{}, filepath.Join(dir, archive.RosterName), identity.FormatRoster(chain.Roster), 0o644); err != nil {
		return err
	}
	if err := SaveUsers(filepath.Join(dir, UsersName), users); err != nil {
		return err
	}
	return certlog.WriteFile(certlog.Path(dir), genesis)
}

// ErrOtherPart says that a public part is not that of a member of the roster.
var ErrOtherPart = errors.New("the public part is not that of a member of the roster")

// usersOf lists the members whose public parts have an nkey.
func usersOf(roster cert.Roster, parts []*ceremony.Member) (users []User, err error) {
	for _, p := range parts {
		if i, ok := roster.Find(p.Key); !ok || roster[i].Name != p.Name {
			return nil, fmt.Errorf("%w: %s with the key %x", ErrOtherPart, p.Name, p.Key)
		}
		if p.NKey != "-" {
			users = append(users, User{Kind: MemberUser, Name: p.Name, Nkey: p.NKey})
		}
	}
	return users, nil
}
