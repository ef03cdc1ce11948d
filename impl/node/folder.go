package node

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// Folder is a data folder with the keys of all its members, which this process runs.
// It is used by one goroutine.
type Folder struct {
	Store
	members []*member

	beforeEffect func(quorum.Effect) error // tests crash here, before an effect
}

// Open opens the data folder for writing, as OpenStore does, and loads every member's
// key and vote. Errors: those of OpenStore, ErrMissingKeys, quorum.ErrDiskAhead where a
// member has signed beyond the end of the log, which was cut short or is an older
// copy, and what else makes a member's file unfit.
func Open(dir string, passphrase Passphrase) (*Folder, error) {
	store, err := OpenStore(dir)
	if err != nil {
		return nil, err
	}
	f := &Folder{Store: *store}
	if err := f.seat(passphrase); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// seat loads every member's key and vote.
func (f *Folder) seat(passphrase Passphrase) error {
	roster := f.Chain.Roster
	var missing []string
	for i := range roster {
		name := roster[i].Name
		key, err := identity.Load(archive.KeyPath(f.Dir, name), passphrase.of(name))
		if errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, name)
			continue
		}
		if err != nil {
			return err
		}
		if key.Public() != roster[i].Key {
			return fmt.Errorf("%s: the key is %x, the roster has %x for %q", archive.KeyPath(f.Dir, name), key.Public(), roster[i].Key, name)
		}
		m, err := f.newMember(i, key)
		if err != nil {
			return err
		}
		f.members = append(f.members, m)
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w: %d of %d: %s", ErrMissingKeys, len(missing), len(roster), strings.Join(missing, ", "))
	}
	return nil
}

// member is one member of the roster, run in this process.
type member struct {
	name  string
	cfg   *quorum.Config
	state quorum.State
	votes *certlog.VoteStore
}

// newMember returns a member that has not started, and whose disk is such that it
// can.
func (f *Folder) newMember(index int, key *identity.Key) (*member, error) {
	name := f.Chain.Roster[index].Name
	cfg, err := quorum.NewConfig(f.Chain, key.Public(), key)
	if err != nil {
		return nil, err
	}
	votes, err := f.log.Votes(name)
	if err != nil {
		return nil, err
	}
	m := &member{name: name, cfg: cfg, votes: votes}
	disk, err := m.disk()
	if err == nil {
		_, _, err = quorum.Step(cfg, quorum.Begin(f.Chain), quorum.Start{Disk: disk})
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", certlog.VotePath(f.Dir, name), err)
	}
	return m, nil
}

// disk returns what the member's vote file holds, or nil where there is none.
func (m *member) disk() (*quorum.Durable, error) {
	content, ok := m.votes.Load()
	if !ok {
		return nil, nil
	}
	return quorum.DecodeDurable(content)
}
