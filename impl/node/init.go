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
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
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
	genesis := newGenesis(roster, keys)
	return genesis, Found(dir, genesis, keys...)
}

// Found makes a data folder in which the chain has its genesis, signed by all, and
// the given keys, each of a member of its roster: one for a member on a host of its
// own, none for who only follows. The folder must be empty or not there; after an error
// it is as it was.
func Found(dir string, genesis *cert.Certificate, keys ...*identity.Key) error {
	if err := checkEmpty(dir); err != nil {
		return err
	}
	chain, err := cert.Chain{}.Check(genesis)
	if err != nil {
		return err
	}
	if err := durable.MkdirAll(filepath.Dir(filepath.Clean(dir)), 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".omega-init-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := fill(temp, chain.Roster, keys); err != nil {
		return err
	}
	if err := startLog(temp, genesis); err != nil {
		return err
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	// Unlike os.Rename, this puts a folder in the place of an empty one.
	if err := unix.Rename(temp, filepath.Clean(dir)); err != nil {
		return &os.LinkError{Op: "rename", Old: temp, New: dir, Err: err}
	}
	return durable.SyncParent(durable.OS{}, dir)
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

// fill puts into the empty folder dir what a chain's folder has beside the log.
func fill(dir string, roster cert.Roster, keys []*identity.Key) error {
	for _, k := range keys {
		i, ok := roster.Find(k.Public())
		if !ok {
			return fmt.Errorf("%w: no member has the key %x", quorum.ErrUnknownMember, k.Public())
		}
		path := archive.KeyPath(dir, roster[i].Name)
		if err := durable.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := identity.Save(path, k, nil); err != nil {
			return err
		}
	}
	if err := durable.MkdirAll(filepath.Join(dir, archive.TracesName), 0o755); err != nil {
		return err
	}
	return identity.SaveRoster(filepath.Join(dir, archive.RosterName), roster)
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
