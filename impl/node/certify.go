package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
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
	content, err := f.Content(sections, result)
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
	return out, errors.Join(err, f.Clean())
}
