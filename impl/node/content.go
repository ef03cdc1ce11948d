package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// Content returns what the members are to certify for the result, validated. A
// merge's trace is on disk then, and its copy there has been checked; after an
// error the traces are as before.
func (s *Store) Content(in *Sections, r *invariant.Result) (c quorum.Content, err error) {
	if r.Merged() {
		c.Envelope, c.Body = MergeContent(&s.Chain, r)
		if s.Validate(&c) == nil {
			return c, nil // a run that was cut short has left the trace
		}
	}
	var path string
	err = omegalog.Guard(func() error {
		if s.beforeContent != nil {
			if err := s.beforeContent(); err != nil {
				return err
			}
		}
		if !r.Merged() {
			c.Envelope, c.Body = ObstructionContent(&s.Chain, r)
			return nil
		}
		path = s.TracePath(&c.Envelope)
		return writeTrace(path, r)
	}, in.Views...)
	if n := len(c.Body); err == nil && n > cert.MaxBody {
		err = fmt.Errorf("the body has %d bytes, at most %d: certify fewer sections at once", n, cert.MaxBody)
	}
	if err == nil {
		err = s.Validate(&c)
	}
	if err != nil && path != "" {
		err = errors.Join(err, removeIfThere(path))
	}
	var unknown *durable.UnknownError
	if errors.As(err, &unknown) {
		s.dead = fmt.Errorf("%w: %w", certlog.ErrFatal, err)
		return c, s.dead
	}
	return c, err
}

// TracePath returns where the trace of a merge lies, or will (DIR-3).
func (s *Store) TracePath(e *cert.Envelope) string {
	return filepath.Join(s.Dir, archive.TracePath(e.BatchID, e.TraceRoot))
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// writeTrace writes the events of a merge in canonical order (DIR-3).
func writeTrace(path string, r *invariant.Result) error {
	w, err := omegalog.Create(path, frame.Mixed)
	if err != nil {
		return err
	}
	defer w.Abort()
	for i := range r.Trace.Len() {
		if err := w.Append(r.Trace.Event(i)); err != nil {
			return err
		}
	}
	return w.Close()
}

// Validate checks a content for the next height against the past and the bytes on
// disk, as every member does before it prepares it (QRM-12).
func (s *Store) Validate(c *quorum.Content) error {
	switch c.Envelope.Type {
	case cert.Merge:
		body, err := cert.ParseMergeBody(c.Body)
		if err != nil {
			return err
		}
		view, err := omegalog.Open(s.TracePath(&c.Envelope))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %w", ErrTraceMissing, err)
		}
		if err != nil {
			return err
		}
		return errors.Join(s.Past.CheckTrace(view, c.Envelope.TraceRoot, body), view.Close())
	case cert.Obstruction:
		body, err := cert.ParseObstructionBody(c.Body)
		if err != nil {
			return err
		}
		return s.Past.CheckObstruction("the obstruction to be certified", 0, body)
	case cert.Evidence:
		// CertifyEvidence alone makes one, of what was found in that run: there is
		// nothing on disk to hold it against again.
		_, err := cert.ParseEvidenceBody(c.Body)
		return err
	}
	return fmt.Errorf("a %v certificate is not made by a data folder", c.Envelope.Type)
}
