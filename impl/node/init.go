package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// Seat is a member to be: its name and the nodes whose sections it signs.
type Seat struct {
	Name  string
	Nodes []uint32
}

// DefaultSeats returns n seats, member-1 to member-n, of which seat i writes node i.
func DefaultSeats(n int) []Seat {
	seats := make([]Seat, n)
	for i := range seats {
		seats[i] = Seat{Name: fmt.Sprintf("member-%d", i+1), Nodes: []uint32{uint32(i + 1)}}
	}
	return seats
}

// Init makes a data folder with the keys of all seats and the genesis that they
// sign. All keys in one folder are for trying out; parties that do not trust each
// other make theirs apart. The folder must be empty or not there; after an error
// it is as it was. It returns the genesis certificate.
func Init(dir string, seats []Seat) (*cert.Certificate, error) {
	if err := checkEmpty(dir); err != nil {
		return nil, err
	}
	if err := durable.MkdirAll(filepath.Dir(filepath.Clean(dir)), 0o755); err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".omega-init-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	genesis, err := build(temp, seats)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return nil, err
	}
	// Unlike os.Rename, this puts a folder in the place of an empty one.
	if err := unix.Rename(temp, filepath.Clean(dir)); err != nil {
		return nil, &os.LinkError{Op: "rename", Old: temp, New: dir, Err: err}
	}
	return genesis, durable.SyncParent(durable.OS{}, dir)
}

func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty: it has %q; a new chain wants an empty folder: %w", dir, entries[0].Name(), fs.ErrExist)
	}
	return nil
}

// build fills the empty folder dir with a new chain.
func build(dir string, seats []Seat) (*cert.Certificate, error) {
	var roster cert.Roster
	keys := make([]*identity.Key, len(seats))
	for i, seat := range seats {
		if err := cert.CheckName(seat.Name); err != nil {
			return nil, err
		}
		keys[i] = identity.Generate()
		roster = append(roster, cert.Member{Name: seat.Name, Key: keys[i].Public(), Nodes: seat.Nodes})
	}
	if err := roster.Validate(); err != nil {
		return nil, err
	}
	for i := range roster {
		path := archive.KeyPath(dir, roster[i].Name)
		if err := durable.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		if err := identity.Save(path, keys[i], nil); err != nil {
			return nil, err
		}
	}
	if err := durable.MkdirAll(filepath.Join(dir, archive.TracesName), 0o755); err != nil {
		return nil, err
	}
	if err := identity.SaveRoster(filepath.Join(dir, archive.RosterName), roster); err != nil {
		return nil, err
	}
	genesis := newGenesis(roster, keys)
	return genesis, startLog(dir, genesis)
}

// newGenesis returns a genesis with fresh random bytes that the keys, in roster
// order, sign (BDY-1, CRT-5).
func newGenesis(roster cert.Roster, keys []*identity.Key) *cert.Certificate {
	body := cert.GenesisBody{Roster: roster}
	rand.Read(body.Random[:])
	c := &cert.Certificate{Body: body.Append(nil)}
	c.Envelope = cert.Seal(cert.Genesis, merkle.EmptyRoot(), 0, cert.Hash{}, c.Body)
	msg := cert.VoteMessage(cert.Hash{}, c.Envelope.Hash())
	for _, k := range keys {
		c.Signatures = append(c.Signatures, k.Sign(msg))
	}
	return c
}

func startLog(dir string, genesis *cert.Certificate) error {
	log, err := certlog.Create(dir)
	if err != nil {
		return err
	}
	return errors.Join(log.Append(genesis), log.Close())
}
