package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
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
	Result     *invariant.Result // of the batch; its Trace is nil
	Signatures []SignatureState  // of the files, in their order

	// Certificate is the one that was appended, or nil: the batch has
	// obstructions and is not to be recorded.
	Certificate *cert.Certificate
	// Resumed tells that members had signed for another content of this height in
	// an earlier run, which was cut short: Certificate completes that one, and
	// the batch is still to be certified, at the next height.
	Resumed bool
}

// Certify reconciles the batch and has all members agree on its certificate. On an
// error nothing is appended to the chain.
func (f *Folder) Certify(ctx context.Context, b Batch) (*Outcome, error) {
	if b.Height != f.Chain.Length {
		return nil, fmt.Errorf("%w: got batch %d, the chain's next is %d", ErrHeight, b.Height, f.Chain.Length)
	}
	sections, err := OpenSections(b.Files)
	if err != nil {
		return nil, err
	}
	defer sections.Close()
	out := &Outcome{}
	if out.Signatures, err = f.CheckSignatures(sections); err != nil {
		return nil, err
	}
	result, err := f.Reconcile(sections)
	if err != nil {
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
	if out.Certificate, err = f.agree(ctx, content); err != nil {
		return nil, err
	}
	out.Resumed = out.Certificate.Envelope.Hash() != content.Digest()
	return out, errors.Join(f.clean(), f.Past.Trim())
}

// content returns what the members are to certify for the result. A merge's trace
// is on disk then, and its copy there has been checked.
func (f *Folder) content(s *Sections, r *invariant.Result) (quorum.Content, error) {
	var c quorum.Content
	if !r.Merged() {
		c.Envelope, c.Body = ObstructionContent(&f.Chain, r)
		if len(c.Body) > cert.MaxBody {
			return c, fmt.Errorf("the obstruction's events have %d bytes, a body at most %d: certify fewer sections at once", len(c.Body), cert.MaxBody)
		}
		return c, nil
	}
	c.Envelope, c.Body = MergeContent(&f.Chain, r)
	path := filepath.Join(f.Dir, archive.TracePath(f.Chain.Length, r.TraceRoot))
	err := omegalog.Guard(func() error { return writeTrace(path, r) }, s.Views...)
	if err != nil {
		return c, err
	}
	return c, f.validate(&c)
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
		view, err := omegalog.Open(filepath.Join(f.Dir, archive.TracePath(c.Envelope.BatchID, c.Envelope.TraceRoot)))
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
	}
	return fmt.Errorf("a %v certificate is not made from a batch", c.Envelope.Type)
}
