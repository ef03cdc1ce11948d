package quorum

import "github.com/omega-sheaf-os/omega/impl/kernel/cert"

// Effect is something that the shell does for a step. The effects of a step are
// done in order, each before the next begins (QRM-9).
type Effect interface{ effect() }

// Everyone is Send's To for all members but this one.
const Everyone = -1

// Persist puts the encoded Durable on disk in place of the one before, synced, in a
// file that tells damage (QRM-21, CLG-7). Before the first Send of a prepare, the sorted trace of its
// content is on disk too.
type Persist struct{ Durable []byte }

// Send hands a message to the transport, for one member or for Everyone. It may
// be lost.
type Send struct {
	To      int
	Message Wire
}

// Append puts the certificate at the end of the certificate log, synced. It has all
// N signatures, and is verified.
type Append struct{ Certificate cert.Certificate }

// Announce sends Everyone the certificate just appended, as Decided, and tells
// those who listen.
type Announce struct{ Certificate cert.Certificate }

// SendCertificate sends member To, or Everyone, the certificate of Height as Decided,
// from the certificate log; those behind it may follow. Everyone is, behind a roster
// change, the members of the old roster too (QRM-24).
type SendCertificate struct {
	To     int
	Height uint64
}

// NeedCandidate asks for a Candidate, without which the member cannot prepare:
// the content of Digest, or, where that is zero, its own for the attempt.
type NeedCandidate struct {
	Height, Attempt uint64
	Digest          cert.Hash
}

// Behind tells that others are at Height, above this member's. The step has
// asked for the certificates between already; the shell may fetch them in bulk.
type Behind struct{ Height uint64 }

// Evidence is two signed messages of one member that an honest one would never
// both sign: two *Prepare of one attempt, or two *Commit of one height (QRM-19).
type Evidence struct {
	Member        int
	First, Second Wire
}

// Reason says what halted a member (QRM-18).
type Reason string

// The reasons.
const (
	UnknownPrepare Reason = "a prepare signed by this member is newer than its disk or contradicts it"
	UnknownCommit  Reason = "a commit signed by this member is not the one of its disk"
	Fork           Reason = "a second certificate of the last height has all signatures, this member's included"
)

// Halt says that this member's key has signed what its disk knows nothing of: a
// restored backup, or a second user of the key. The member stays halted, and
// people have to look (QRM-18).
type Halt struct {
	Reason Reason
	Height uint64
	Disk   *Prepare // the own newest prepare, with the lock as its proof; nil: none
	Seen   Wire     // what the member has been shown
}

func (Persist) effect()         {}
func (Send) effect()            {}
func (Append) effect()          {}
func (Announce) effect()        {}
func (SendCertificate) effect() {}
func (NeedCandidate) effect()   {}
func (Behind) effect()          {}
func (Evidence) effect()        {}
func (Halt) effect()            {}
