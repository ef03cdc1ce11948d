package cert

import (
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// CheckKind says which rule of a chain a certificate breaks, in the words of
// CHN-2.
type CheckKind string

// The rules in the order in which they are checked (CHN-2).
const (
	KindType           CheckKind = "cert-type"
	KindHeight         CheckKind = "height"
	KindPrev           CheckKind = "prev-hash"
	KindBodyHash       CheckKind = "body-hash"
	KindID             CheckKind = "cert-id"
	KindTraceRoot      CheckKind = "trace-root"
	KindBody           CheckKind = "body"
	KindState          CheckKind = "state"
	KindEnvelopesRoot  CheckKind = "envelopes-root"
	KindRosterHash     CheckKind = "roster-hash"
	KindSignatureCount CheckKind = "signature-count"
	KindSignature      CheckKind = "signature"
)

// CheckError is the first rule that a certificate breaks.
type CheckError struct {
	Kind    CheckKind
	Height  uint64 // the height at which the certificate stands
	Message string
}

func (e *CheckError) Error() string {
	return fmt.Sprintf("%s at height %d: %s", e.Kind, e.Height, e.Message)
}

// Chain is what must be known of a chain to check its next certificate: the
// whole of it, in a fixed number of bytes beside the roster. It is a value; a
// failed check changes nothing. The zero Chain is the one before any genesis.
type Chain struct {
	Name      Hash        // the genesis certificate's cert_hash; zero before
	Head      Hash        // the last certificate's cert_hash; zero before
	Length    uint64      // certificates so far: the height of the next
	Roster    Roster      // who signs the next; nil before
	State     Hash        // the state after the last merge (STA-1)
	Envelopes merkle.Tree // over the envelopes 0 .. Length-1 (CRT-6)
}

// Check checks c as the chain's next certificate, signatures included, and
// returns the chain with it (CHN-1, CHN-2). The error is a *CheckError. It
// counts on nothing stored: every hash is computed from the bytes.
func (ch Chain) Check(c *Certificate) (Chain, error) {
	next, err := ch.CheckContent(&c.Envelope, c.Body)
	if err != nil {
		return ch, err
	}
	signers := ch.Signers(next)
	if len(c.Signatures) != len(signers) {
		return ch, ch.fail(KindSignatureCount, "got %d signatures, want %d", len(c.Signatures), len(signers))
	}
	for i, sig := range c.Signatures {
		if !signers.Verify(i, ch.Name, next.Head, sig) {
			return ch, ch.fail(KindSignature, "signature %d is not one by %q for %v", i, signers[i].Name, next.Head)
		}
	}
	return next, nil
}

// Signers returns the members whose signatures take the chain to next, in
// order: its roster's, and for a roster change then the new one's (CRT-4). At
// genesis it is the roster that the genesis holds.
func (ch Chain) Signers(next Chain) Roster {
	switch {
	case ch.Length == 0:
		return next.Roster
	case ch.Roster.Hash() != next.Roster.Hash():
		return append(ch.Roster[:len(ch.Roster):len(ch.Roster)], next.Roster...)
	}
	return ch.Roster
}

// CheckContent checks all of Check but the signatures, and returns the chain as
// it would be with the certificate (CHN-2).
func (ch Chain) CheckContent(e *Envelope, body []byte) (Chain, error) {
	if err := ch.checkEnvelope(e, body); err != nil {
		return ch, err
	}
	next := ch
	if err := next.applyBody(e, body); err != nil {
		return ch, err
	}
	next.Head = e.Hash()
	next.Length++
	if ch.Length == 0 {
		next.Name = next.Head
	}
	b := e.Bytes()
	next.Envelopes.Append(merkle.LeafHash(b[:]))
	return next, nil
}

func (ch *Chain) fail(kind CheckKind, format string, args ...any) error {
	return &CheckError{Kind: kind, Height: ch.Length, Message: fmt.Sprintf(format, args...)}
}

func (ch *Chain) checkEnvelope(e *Envelope, body []byte) error {
	if e.Type > Evidence {
		return ch.fail(KindType, "got %v, want 0 to %d", e.Type, Evidence)
	}
	if first := ch.Length == 0; first != (e.Type == Genesis) {
		return ch.fail(KindType, "got %v", e.Type)
	}
	if e.BatchID != ch.Length {
		return ch.fail(KindHeight, "got batch_id %d, want %d", e.BatchID, ch.Length)
	}
	if e.Prev != ch.Head {
		return ch.fail(KindPrev, "got %v, want %v", e.Prev, ch.Head)
	}
	if want := BodyHash(body); e.BodyHash != want {
		return ch.fail(KindBodyHash, "got %v, the body gives %v", e.BodyHash, want)
	}
	if want := e.deriveID(); e.ID != want {
		return ch.fail(KindID, "got %v, the envelope gives %v", e.ID, want)
	}
	if e.Type != Merge && e.TraceRoot != merkle.EmptyRoot() {
		return ch.fail(KindTraceRoot, "got %v, want the empty root: the type is %v", e.TraceRoot, e.Type)
	}
	return nil
}

// applyBody checks the body against the chain and takes over what it changes.
func (ch *Chain) applyBody(e *Envelope, body []byte) error {
	switch e.Type {
	case Genesis:
		g, err := ParseGenesisBody(body)
		if err != nil {
			return ch.fail(KindBody, "%v", err)
		}
		ch.Roster = g.Roster
	case Merge:
		return ch.applyMerge(e, body)
	case Obstruction:
		if _, err := ParseObstructionBody(body); err != nil {
			return ch.fail(KindBody, "%v", err)
		}
	case RosterChange:
		r, err := ParseRosterChangeBody(body)
		if err != nil {
			return ch.fail(KindBody, "%v", err)
		}
		if want := ch.Roster.Hash(); r.OldHash != want {
			return ch.fail(KindRosterHash, "got %v, the roster has %v", r.OldHash, want)
		}
		if r.Roster.Hash() == r.OldHash {
			return ch.fail(KindBody, "the new roster is the old one")
		}
		ch.Roster = r.Roster
	case Evidence:
		if _, err := ParseEvidenceBody(body); err != nil {
			return ch.fail(KindBody, "%v", err)
		}
	}
	return nil
}

func (ch *Chain) applyMerge(e *Envelope, body []byte) error {
	m, err := ParseMergeBody(body)
	if err != nil {
		return ch.fail(KindBody, "%v", err)
	}
	if want := NextState(ch.State, e.TraceRoot); m.State != want {
		return ch.fail(KindState, "got %v, the traces give %v", m.State, want)
	}
	if want := ch.Envelopes.Root(); m.EnvelopesRoot != want {
		return ch.fail(KindEnvelopesRoot, "got %v, the envelopes give %v", m.EnvelopesRoot, want)
	}
	if want := ch.Roster.Hash(); m.RosterHash != want {
		return ch.fail(KindRosterHash, "got %v, the roster has %v", m.RosterHash, want)
	}
	if (m.Events == 0) != (e.TraceRoot == merkle.EmptyRoot()) {
		return ch.fail(KindTraceRoot, "got %v for %d events", e.TraceRoot, m.Events)
	}
	ch.State = m.State
	return nil
}
