package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// Folder is a data folder that this process writes to, with the keys of all its
// members. It is used by one goroutine.
type Folder struct {
	View
	log     *certlog.Log
	members []*member

	dead error // certlog.ErrFatal after a failed sync of a trace (CLG-1)

	// Tests crash here: before an effect, and before a content is made of what was
	// reconciled.
	beforeEffect  func(quorum.Effect) error
	beforeContent func() error
}

// Open opens the data folder for writing: it takes the folder's lock, repairs a
// torn tail (Recovered tells), checks the whole chain, and loads every member's
// key and vote. Errors: *certlog.LockedError, ErrMissingKeys, quorum.ErrDiskAhead
// where a member has signed beyond the end of the log, which was cut short or is an
// older copy, and what else makes the chain or a file unfit.
func Open(dir string, passphrase Passphrase) (*Folder, error) {
	log, err := certlog.Open(dir)
	if err != nil {
		return nil, err
	}
	f := &Folder{log: log}
	if err := f.load(dir, passphrase); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *Folder) load(dir string, passphrase Passphrase) error {
	view, err := newView(dir, f.log.Records())
	if err != nil {
		return err
	}
	f.View = *view
	if err := f.clean(); err != nil {
		return err
	}
	return f.seat(passphrase)
}

// Recovered returns the torn tail that Open cut off cert.log, or nil (CLG-5).
func (f *Folder) Recovered() *certlog.TornTail { return f.log.Recovered() }

// Close gives the folder back.
func (f *Folder) Close() error {
	var errs []error
	if f.Past != nil {
		errs = append(errs, f.View.Close())
	}
	return errors.Join(append(errs, f.log.Close())...)
}

// clean removes what a crash has left in the traces' folder: half-written files,
// and traces that lost against the one certified at their height (DIR-5).
func (f *Folder) clean() error {
	dir := filepath.Join(f.Dir, archive.TracesName)
	if err := durable.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if durable.IsTemp(e.Name()) || f.outdated(e.Name()) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// outdated reports whether name is that of a trace for a certified height that
// the height's certificate does not name.
func (f *Folder) outdated(name string) bool {
	height, root, ok := archive.ParseTraceName(name)
	if !ok || height >= f.Chain.Length {
		return false
	}
	e := &f.Certificates[height].Envelope
	return e.Type != cert.Merge || e.TraceRoot != root
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

// append puts the certificate that all members have agreed on at the end of the
// chain, once; members that come to it later find it there.
func (f *Folder) append(c *cert.Certificate) error {
	if f.Chain.Length > c.Envelope.BatchID {
		if got := f.log.At(c.Envelope.BatchID).Envelope.Hash(); got != c.Envelope.Hash() {
			return fmt.Errorf("%w: height %d is %v, a member has %v", ErrHeight, c.Envelope.BatchID, got, c.Envelope.Hash())
		}
		return nil
	}
	if _, err := f.Chain.Check(c); err != nil {
		return err
	}
	if err := f.log.Append(c); err != nil {
		return err
	}
	last := f.log.Records()[c.Envelope.BatchID]
	return f.add(last.Certificate, last.Offset)
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
