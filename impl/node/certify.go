package node

import (
	"context"
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
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// Batch is what Certify is asked for.
type Batch struct {
	Height            uint64 // must be the chain's next
	Files             []string
	RecordObstruction bool // certify an obstruction rather than refuse the batch
}

// Outcome is what Certify came to.
type Outcome struct {
	// Result is of the batch, whose files are unmapped: its Trace is nil, and
	// ObstructionBody must not be asked of it.
	Result     *invariant.Result
	Signatures []SignatureState // of the files, in their order

	// Certificate is the one that was appended, or nil: the batch has
	// obstructions and is not to be recorded.
	Certificate *cert.Certificate
	// Resumed tells that members had signed for another content of this height in
	// an earlier run, which was cut short: Certificate completes that one, and
	// the batch is still to be certified, at the next height.
	Resumed bool
	// Evidence is what members have seen another one sign that excludes each
	// other. The agreement goes on by the first of the two (QRM-19).
	Evidence []quorum.Evidence
}

// Certify reconciles the batch and has all members agree on its certificate. On an
// error nothing is appended to the chain, unless there is an Outcome with a
// Certificate all the same: then what failed came after it.
func (f *Folder) Certify(ctx context.Context, b Batch) (*Outcome, error) {
	if f.dead != nil {
		return nil, f.dead
	}
	if b.Height != f.Chain.Length {
		return nil, fmt.Errorf("%w: got batch %d, the chain's next is %d", ErrHeight, b.Height, f.Chain.Length)
	}
	sections, err := OpenSections(b.Files)
	if err != nil {
		return nil, err
	}
	defer sections.Close()
	out := &Outcome{}
	result, err := f.Reconcile(sections)
	if err != nil {
		return nil, err
	}
	if out.Signatures, err = f.CheckSignatures(sections); err != nil {
		return nil, err
	}
	out.Result = result
	if !result.Merged() && !b.RecordObstruction {
		return out, nil
	}
	content, err := f.content(sections, result)
	if err != nil {
		return nil, err
	}
	result.Trace = nil
	return f.conclude(ctx, out, content)
}

// CertifyEvidence has all members agree on a verification evidence: bundle is the
// SHA-256 of what this process has itself found by running every check (BDY-7).
// What it gives, and its errors, are those of Certify, without a Result.
func (f *Folder) CertifyEvidence(ctx context.Context, bundle cert.Hash) (*Outcome, error) {
	if f.dead != nil {
		return nil, f.dead
	}
	body := (&cert.EvidenceBody{Bundle: bundle}).Append(nil)
	return f.conclude(ctx, &Outcome{}, quorum.Content{
		Envelope: cert.Seal(cert.Evidence, merkle.EmptyRoot(), f.Chain.Length, f.Chain.Head, body),
		Body:     body,
	})
}

// conclude has all members agree on the content, and tells in out what came of it.
func (f *Folder) conclude(ctx context.Context, out *Outcome, content quorum.Content) (*Outcome, error) {
	height := content.Envelope.BatchID
	var err error
	out.Evidence, err = f.agree(ctx, content)
	if out.Certificate = f.log.At(height); out.Certificate == nil {
		return nil, err
	}
	out.Resumed = out.Certificate.Envelope.Hash() != content.Digest()
	return out, errors.Join(err, f.clean())
}

// content returns what the members are to certify for the result, validated. A
// merge's trace is on disk then, and its copy there has been checked; after an
// error the traces are as before.
func (f *Folder) content(s *Sections, r *invariant.Result) (c quorum.Content, err error) {
	if r.Merged() {
		c.Envelope, c.Body = MergeContent(&f.Chain, r)
		if f.validate(&c) == nil {
			return c, nil // a run that was cut short has left the trace
		}
	}
	var path string
	err = omegalog.Guard(func() error {
		if f.beforeContent != nil {
			if err := f.beforeContent(); err != nil {
				return err
			}
		}
		if !r.Merged() {
			c.Envelope, c.Body = ObstructionContent(&f.Chain, r)
			return nil
		}
		path = f.tracePath(&c.Envelope)
		return writeTrace(path, r)
	}, s.Views...)
	if n := len(c.Body); err == nil && n > cert.MaxBody {
		err = fmt.Errorf("the body has %d bytes, at most %d: certify fewer sections at once", n, cert.MaxBody)
	}
	if err == nil {
		err = f.validate(&c)
	}
	if err != nil && path != "" {
		err = errors.Join(err, removeIfThere(path))
	}
	var unknown *durable.UnknownError
	if errors.As(err, &unknown) {
		f.dead = fmt.Errorf("%w: %w", certlog.ErrFatal, err)
		return c, f.dead
	}
	return c, err
}

func (f *Folder) tracePath(e *cert.Envelope) string {
	return filepath.Join(f.Dir, archive.TracePath(e.BatchID, e.TraceRoot))
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

// validate checks a content for the next height against the past and the bytes on
// disk, as every member does before it prepares it (QRM-12).
func (f *Folder) validate(c *quorum.Content) error {
	switch c.Envelope.Type {
	case cert.Merge:
		body, err := cert.ParseMergeBody(c.Body)
		if err != nil {
			return err
		}
		view, err := omegalog.Open(f.tracePath(&c.Envelope))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %w", ErrTraceMissing, err)
		}
		if err != nil {
			return err
		}
		return errors.Join(f.Past.CheckTrace(view, c.Envelope.TraceRoot, body), view.Close())
	case cert.Obstruction:
		body, err := cert.ParseObstructionBody(c.Body)
		if err != nil {
			return err
		}
		return f.Past.CheckObstruction("the obstruction to be certified", 0, body)
	case cert.Evidence:
		// CertifyEvidence alone makes one, of what was found in that run: there is
		// nothing on disk to hold it against again.
		_, err := cert.ParseEvidenceBody(c.Body)
		return err
	}
	return fmt.Errorf("a %v certificate is not made by a data folder", c.Envelope.Type)
}
