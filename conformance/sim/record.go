package sim

import (
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// Act is what a Record is about: the message that a step took, or a crash between
// two steps.
type Act string

// The acts. The first five are messages that travelled; Crash has no message.
const (
	Prepare     Act = "Prepare"
	Commit      Act = "Commit"
	Decided     Act = "Decided"
	Resync      Act = "Resync"
	ResyncReply Act = "ResyncReply"
	Start       Act = "Start"
	Candidate   Act = "Candidate"
	Tick        Act = "Tick"
	Timeout     Act = "Timeout"
	Crash       Act = "Crash"
)

// Cause names the record whose effects sent a message.
type Cause struct{ Member, Seq int }

// Record is one step of an honest member, or its crash, as it was carried out.
// What it points to is never changed afterwards.
//
// A crash between two effects of a step stands in the step's record, as its Cut. A
// crash before the first counted effect is a record Crash and nothing else: the
// message is lost. One behind the last is the step's record, with Cut 0, and then
// a record Crash. The counted effects are Persist, Send, Append, Announce and
// SendCertificate, of which each leaves something behind.
type Record struct {
	Member  int
	Seq     int            // the member's own order, from 0
	Cause   *Cause         // who sent Message; nil for starts, candidates, timers, crashes, and what a liar sent
	Act     Act            //
	Message quorum.Message // what Step took; nil: Crash
	Refused error          // of Step; then State is the one before, and nothing else has happened
	Sent    []quorum.Message
	Cut     int          // 0: all effects were carried out; k: the first k counted ones, and then a crash
	State   quorum.State // afterwards; zero where the member is down
	Up      bool
	Disk    []byte      // the bytes of the last Persist; nil: none ever
	Log     []cert.Hash // the certificates behind the genesis
}
