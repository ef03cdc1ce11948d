// Package node runs the members of a chain over a data folder: it makes a new
// chain, reconciles batches against what is certified, and has members agree on
// the next certificate by the quorum's step function.
//
// A data folder holds one chain (clause DIR-1):
//
//	cert.log                      the chain, from its genesis on
//	LOCK                          empty; locked by the one process that writes
//	roster                        the members of the genesis, as text
//	members/NAME/omega.key        a member's key, as far as it lives in this folder
//	members/NAME/vote             what that member has signed at this height
//	traces/HHHHHHHH-ROOT.omega    each merge's events, in canonical order
//
// What is in the roster file can be read from the genesis too; it is there for
// people, and audits compare the two. A trace is on disk before any member signs
// for it, under a name that its certificate gives, so that a crash at any moment
// leaves a whole chain and at most a trace that no certificate names (DIR-5).
package node

import (
	"errors"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

var (
	// ErrNoChain says that a folder has no chain.
	ErrNoChain = errors.New("no chain there")
	// ErrMissingKeys says that keys of members are not in the folder: N of N
	// signatures need all.
	ErrMissingKeys = errors.New("keys of members are missing")
	// ErrTraceMissing says that members have signed for a trace that is not in the
	// folder any more, and that the batch does not give.
	ErrTraceMissing = errors.New("members have signed for a trace that is gone; certify the same batch as then")
	// ErrHeight says that a batch is not the chain's next.
	ErrHeight = errors.New("not the next height")
)

// View is a data folder's chain, read and checked: every certificate with its
// links and signatures. Traces are checked when they are searched.
type View struct {
	Dir          string
	Chain        cert.Chain
	Past         *archive.Past
	Certificates []*cert.Certificate // by height
}

// Read reads the chain in dir, without a lock and without repair, as it stood at
// one moment. Close it.
func Read(dir string) (*View, error) {
	records, err := certlog.Read(certlog.Path(dir))
	if err != nil {
		return nil, err
	}
	return newView(dir, records)
}

func newView(dir string, records []certlog.Record) (*View, error) {
	if len(records) == 0 {
		return nil, fmt.Errorf("%s: %w: the log has no certificate", certlog.Path(dir), ErrNoChain)
	}
	v := &View{Dir: dir, Past: archive.New(dir)}
	for _, r := range records {
		if err := v.add(r.Certificate, r.Offset); err != nil {
			return nil, recordError(dir, r.Offset, err)
		}
	}
	return v, nil
}

// recordError names the log, and the offset in it, of a certificate that does not
// follow the chain.
func recordError(dir string, offset int64, err error) error {
	var check *cert.CheckError
	if !errors.As(err, &check) {
		return fmt.Errorf("%s: record at offset %d: %w", certlog.Path(dir), offset, err)
	}
	damage := &cert.RecordError{Kind: cert.RecordKind(check.Kind), Offset: offset, Message: check.Message}
	return &certlog.FileError{Path: certlog.Path(dir), Err: damage}
}

// add checks c, whose record begins at offset, as the next certificate.
func (v *View) add(c *cert.Certificate, offset int64) error {
	next, err := v.Chain.Check(c)
	if err != nil {
		return err
	}
	return v.extend(next, c, offset)
}

// extend takes over c, whose record begins at offset, and by which the chain becomes
// next.
func (v *View) extend(next cert.Chain, c *cert.Certificate, offset int64) error {
	switch c.Envelope.Type {
	case cert.Merge:
		body, err := cert.ParseMergeBody(c.Body)
		if err != nil {
			return err
		}
		if err := v.Past.AddMerge(c.Envelope.BatchID, c.Envelope.TraceRoot, body); err != nil {
			return err
		}
	case cert.Obstruction:
		body, err := cert.ParseObstructionBody(c.Body)
		if err != nil {
			return err
		}
		v.Past.AddObstruction(certlog.Path(v.Dir), offset+cert.BodyOffset, body)
	}
	v.Chain = next
	v.Certificates = append(v.Certificates, c)
	return nil
}

// Close unmaps what was searched.
func (v *View) Close() error { return v.Past.Close() }
