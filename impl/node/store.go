package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// Store is a data folder that this process alone writes to: its chain, its past and
// its traces, whoever of the members lives in it. It is used by one goroutine.
type Store struct {
	View
	log *certlog.Log

	dead error // certlog.ErrFatal after a failed sync of a trace (CLG-1)

	beforeContent func() error // tests crash here, before a content is made of what was reconciled
}

// OpenStore opens the data folder for writing: it takes the folder's lock, repairs a
// torn tail (Recovered tells), and checks the whole chain. Errors:
// *certlog.LockedError, and what makes the chain or a file unfit.
func OpenStore(dir string) (*Store, error) {
	log, err := certlog.Open(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{log: log}
	if err := s.load(dir); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) load(dir string) error {
	view, err := newView(dir, s.log.Records())
	if err != nil {
		return err
	}
	s.View = *view
	return s.Clean()
}

// Recovered returns the torn tail that Open cut off cert.log, or nil (CLG-5).
func (s *Store) Recovered() *certlog.TornTail { return s.log.Recovered() }

// Close gives the folder back.
func (s *Store) Close() error {
	var errs []error
	if s.Past != nil {
		errs = append(errs, s.View.Close())
	}
	return errors.Join(append(errs, s.log.Close())...)
}

// Clean removes what a crash has left in the traces' folder: half-written files,
// and traces that lost against the one certified at their height (DIR-5).
func (s *Store) Clean() error {
	dir := filepath.Join(s.Dir, archive.TracesName)
	if err := durable.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if durable.IsTemp(e.Name()) || s.outdated(e.Name()) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// outdated reports whether name is that of a trace for a certified height that
// the height's certificate does not name.
func (s *Store) outdated(name string) bool {
	height, root, ok := archive.ParseTraceName(name)
	if !ok || height >= s.Chain.Length {
		return false
	}
	e := &s.Certificates[height].Envelope
	return e.Type != cert.Merge || e.TraceRoot != root
}

// Append puts a certificate, whose signatures the caller has verified, at the end of
// the chain. One that the chain holds already changes nothing; another of its height is
// ErrHeight.
func (s *Store) Append(c *cert.Certificate) error {
	if s.Chain.Length > c.Envelope.BatchID {
		if got := s.log.At(c.Envelope.BatchID).Envelope.Hash(); got != c.Envelope.Hash() {
			return fmt.Errorf("%w: height %d is %v, a member has %v", ErrHeight, c.Envelope.BatchID, got, c.Envelope.Hash())
		}
		return nil
	}
	next, err := s.Chain.CheckContent(&c.Envelope, c.Body)
	if err != nil {
		return err
	}
	if err := s.log.Append(c); err != nil {
		return err
	}
	last := s.log.Records()[c.Envelope.BatchID]
	return s.extend(next, last.Certificate, last.Offset)
}

// Size returns the size of cert.log in bytes: where the next record will begin.
func (s *Store) Size() int64 {
	records := s.log.Records()
	last := records[len(records)-1]
	return last.Offset + last.Size
}

// Votes opens the vote file of a member whose folder is in the data folder.
func (s *Store) Votes(member string) (*certlog.VoteStore, error) { return s.log.Votes(member) }
