package node

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// Sections are mapped inputs, and the memory for the index over them. Close them
// when what was reconciled from them is no longer used.
type Sections struct {
	Views []*omegalog.OmegaLogView
	arena *omegalog.Arena
}

// OpenSections maps the files. After an error none is left open.
func OpenSections(paths []string) (*Sections, error) {
	s := &Sections{arena: archive.NewArena()}
	for _, path := range paths {
		view, err := omegalog.Open(path)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.Views = append(s.Views, view)
	}
	return s, nil
}

// Close gives back files and memory. A Result's Trace is invalid after it.
func (s *Sections) Close() error {
	errs := []error{s.arena.Close()}
	for _, v := range s.Views {
		errs = append(errs, v.Close())
	}
	return errors.Join(errs...)
}

// Reconcile reconciles the sections against the past (INV-1). A damaged section
// is an *invariant.InputError, one that changed under the map an
// *omegalog.ChangedError.
func (s *Sections) Reconcile(past invariant.Past) (result *invariant.Result, err error) {
	inputs := make([]invariant.Input, len(s.Views))
	for i, v := range s.Views {
		inputs[i] = invariant.Input{Name: v.Name(), Data: v.Bytes()}
	}
	err = omegalog.Guard(func() error {
		result, err = invariant.Reconcile(inputs, past, archive.Workers(s.arena))
		return err
	}, s.Views...)
	if p, ok := past.(*archive.Past); ok {
		err = errors.Join(err, p.Err())
	}
	if err != nil {
		return nil, err
	}
	return result, nil
}

// Reconcile reconciles the sections as the chain's next batch.
func (v *View) Reconcile(s *Sections) (*invariant.Result, error) { return s.Reconcile(v.Past) }

// MergeContent returns the envelope and body of the merge certificate that the
// next height would have for the result (BDY-2).
func MergeContent(chain *cert.Chain, r *invariant.Result) (cert.Envelope, []byte) {
	body := cert.MergeBody{
		State:         cert.NextState(chain.State, r.TraceRoot),
		Events:        r.Events,
		EnvelopesRoot: chain.Envelopes.Root(),
		RosterHash:    chain.Roster.Hash(),
		Streams:       r.Streams,
	}
	raw := body.Append(nil)
	return cert.Seal(cert.Merge, r.TraceRoot, chain.Length, chain.Head, raw), raw
}

// ObstructionContent returns the envelope and body of the obstruction
// certificate that the next height would have for the result (BDY-4).
func ObstructionContent(chain *cert.Chain, r *invariant.Result) (cert.Envelope, []byte) {
	raw := r.ObstructionBody().Append(nil)
	return cert.Seal(cert.Obstruction, merkle.EmptyRoot(), chain.Length, chain.Head, raw), raw
}

// SignatureState says what is known of a section's signature.
type SignatureState string

// The states: no signature file; one that verifies.
const (
	Unsigned SignatureState = "unsigned"
	Signed   SignatureState = "signed"
)

// SignatureError says which section's signature file does not hold. It is
// ErrSectionSignature.
type SignatureError struct {
	Path string // of the section
	Err  error
}

func (e *SignatureError) Error() string {
	return fmt.Sprintf("%s: %v: %v", e.Path, ErrSectionSignature, e.Err)
}

func (e *SignatureError) Unwrap() []error { return []error{ErrSectionSignature, e.Err} }

// ErrSectionSignature is wrapped where a section's signature file is there and
// does not hold: nothing is concluded from such a section.
var ErrSectionSignature = errors.New("the section's signature does not hold")

// CheckSignatures verifies the signature file beside each section, if there is
// one, against the chain and its roster (SIG-2). The states are in the order of
// the sections.
func (v *View) CheckSignatures(s *Sections) ([]SignatureState, error) {
	states := make([]SignatureState, len(s.Views))
	for i, view := range s.Views {
		sig, err := omegalog.ReadSignature(view.Name())
		if errors.Is(err, fs.ErrNotExist) {
			states[i] = Unsigned
			continue
		}
		if err == nil {
			err = omegalog.Guard(func() error { return v.verify(sig, view) }, view)
		}
		if err != nil {
			return nil, &SignatureError{view.Name(), err}
		}
		states[i] = Signed
	}
	return states, nil
}

func (v *View) verify(sig *omegalog.Signature, view *omegalog.OmegaLogView) error {
	section, err := view.Section()
	if err != nil {
		return err
	}
	_, err = sig.Verify(v.Chain.Name, section, v.Chain.Roster)
	return err
}
