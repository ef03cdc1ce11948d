package sim

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

func actOf(m quorum.Message) Act {
	switch m.(type) {
	case *quorum.Prepare:
		return Prepare
	case *quorum.Commit:
		return Commit
	case *quorum.Decided:
		return Decided
	case *quorum.Resync:
		return Resync
	case *quorum.ResyncReply:
		return ResyncReply
	case quorum.Start:
		return Start
	case quorum.Candidate:
		return Candidate
	case quorum.Tick:
		return Tick
	case quorum.Timeout:
		return Timeout
	}
	return Crash
}

// note puts a step into the control flow: all that does not depend on the bytes of
// signatures.
func (w *World) note(x *Node, m quorum.Message, effects []quorum.Effect, err error) {
	b := append(w.flow, byte(x.ID))
	b = append(b, actOf(m)...)
	switch m := m.(type) {
	case *quorum.Prepare:
		b = appendPlace(b, m.From, m.Height, m.Attempt)
	case *quorum.Commit:
		b = appendPlace(b, m.From, m.Envelope.BatchID, 0)
	case *quorum.Decided:
		b = appendPlace(b, 0, m.Certificate.Envelope.BatchID, 0)
	case *quorum.Resync:
		b = appendPlace(b, m.From, m.Height, 0)
	case *quorum.ResyncReply:
		b = appendPlace(b, m.From, m.Height, 0)
	}
	b = appendPlace(b, x.ID, x.State.Height(), x.State.Attempt)
	b = append(b, byte(refusal(err)))
	for _, e := range effects {
		b = append(b, effectKind(e))
		if s, ok := e.(quorum.Send); ok {
			b = append(append(b, byte(s.To)), actOf(s.Message)...)
		}
	}
	w.flow = append(b, '\n')
}

func appendPlace(b []byte, from int, height, attempt uint64) []byte {
	b = append(b, byte(from))
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, height), attempt)
}

var refusals = []error{
	quorum.ErrNotStarted, quorum.ErrStarted, quorum.ErrHalted, quorum.ErrWrongChain, quorum.ErrWrongRoster,
	quorum.ErrWrongHeight, quorum.ErrUnknownMember, quorum.ErrNotAddressee, quorum.ErrSignature, quorum.ErrNonce,
	quorum.ErrProof, quorum.ErrStaleAttempt, quorum.ErrWrongAttempt, quorum.ErrPrepared, quorum.ErrNotPrepared,
	quorum.ErrNotReady, quorum.ErrCandidate, quorum.ErrUnwanted, quorum.ErrJoining, quorum.ErrCertificate,
	quorum.ErrDisk, quorum.ErrDiskAhead, quorum.ErrEncoding,
}

// refusal returns which of the reasons err is, from 1; 0 for none.
func refusal(err error) int {
	if err == nil {
		return 0
	}
	for i, reason := range refusals {
		if errors.Is(err, reason) {
			return i + 1
		}
	}
	return len(refusals) + 1
}

func effectKind(e quorum.Effect) byte {
	switch e.(type) {
	case quorum.Persist:
		return 'p'
	case quorum.Send:
		return 's'
	case quorum.Append:
		return 'a'
	case quorum.Announce:
		return 'n'
	case quorum.SendCertificate:
		return 'c'
	case quorum.NeedCandidate:
		return 'w'
	case quorum.Behind:
		return 'b'
	case quorum.Evidence:
		return 'e'
	case quorum.Halt:
		return 'h'
	}
	return '?'
}

// fingerprint returns bytes that say all of a state.
func fingerprint(s *quorum.State) string {
	b := fmt.Appendf(nil, "%d %x %x %t %x %v %d %x %d|", s.Chain.Length, s.Chain.Name, s.Chain.Head,
		s.Started, s.Nonce, s.Answered, s.Attempt, s.Own, len(s.Evidence))
	if s.Halted != nil {
		b = append(b, said([]quorum.Effect{*s.Halted})...)
	}
	for i := range s.Candidates {
		e := s.Candidates[i].Envelope.Bytes()
		b = append(append(append(b, e[:]...), s.Candidates[i].Body...), '|')
	}
	prepare := func(p *quorum.SignedPrepare, proof *quorum.Proof) {
		b = append(b, '/')
		m := quorum.Prepare{Proof: proof}
		if p != nil {
			m.SignedPrepare = *p
		}
		b = append(b, quorum.Encode(&m)...)
	}
	prepare(nil, s.Proof)
	prepare(nil, s.Lock)
	for i := range s.Prepares {
		prepare(s.Prepares[i].Current, nil)
		prepare(s.Prepares[i].Newest, nil)
		if c := s.Commits[i]; c != nil {
			b = append(append(b, c.Vote[:]...), c.Envelope.ID[:]...)
		}
	}
	for _, e := range s.Evidence {
		b = append(append(b, quorum.Encode(e.First)...), quorum.Encode(e.Second)...)
	}
	return string(b)
}

// said returns bytes that say all of the effects.
func said(effects []quorum.Effect) string {
	var b []byte
	for _, e := range effects {
		switch e := e.(type) {
		case quorum.Persist:
			b = append(b, e.Durable...)
		case quorum.Send:
			b = append(fmt.Append(b, e.To), quorum.Encode(e.Message)...)
		case quorum.Evidence:
			b = append(append(fmt.Append(b, e.Member), quorum.Encode(e.First)...), quorum.Encode(e.Second)...)
		case quorum.Halt:
			b = append(append(b, e.Reason...), quorum.Encode(e.Seen)...)
		default: // without pointers
			b = fmt.Appendf(b, "%T %v", e, e)
		}
		b = append(b, '|')
	}
	return string(b)
}
