// Package traces has runs of the code judged by the model: what the members of a
// quorum did under the simulator is written down as a trace, and TLC says of each
// trace whether it is a behaviour of tla/Quorum.tla, and if not, at which event and
// why.
//
// # A trace
//
// A trace is all that the honest members of one run did, from their first start on,
// one event a step or crash. An event names the member, its place among the member's
// events, the message and the event that sent it, the messages that left, how many
// effects were done before a crash, whether the code refused, and what the member then
// had: its state, its disk, its log. All of it is in the words of the model, by
// package refine. One event as TLC gets it, shortened:
//
//	[act |-> "RecvPrepare", arg |-> [type |-> "prepare", from |-> m2, ...], cause |-> 4, cut |-> 0,
//	 disk |-> [prepare |-> [attempt |-> 0, digest |-> <<v1>>], ...], log |-> <<>>, member |-> m1,
//	 refused |-> FALSE, sent |-> {}, seq |-> 3, state |-> [attempt |-> 0, ...]]
//
// The events of one member stand in its own order, and a message behind the event
// that sent it. Nothing else is said of their order, least of all by a clock: Order
// makes one of the sequences that keep these edges, and any other is as good. What a
// liar says stands behind the events that made the signatures in it.
//
// # What the model is asked
//
// TLC, with tla/TraceQuorum.tla, takes for each event the model's own action with the
// event's parameters, and compares what follows: the messages, state, disk and log.
// A message must have left in the event that is its cause. Where the event has no
// cause, a liar sent the message: it must repeat what was said, or be made of
// signatures that exist. Where the code refused, the model must refuse. At the end of a
// trace the model's properties must hold.
//
// Many traces are judged in one run of TLC. Each has a verdict of its own; a trace of
// which TLC says nothing is an error, so that nothing is accepted for want of a
// judge.
//
// # What is left out
//
// Messages that have no counterpart in the model: broken signatures, other chains,
// unknown members, damaged bodies, and what speaks of the genesis. They must have
// changed nothing. They are counted, and no event of the trace. A trace ends before a
// liar's prepare of an attempt to which TLC cannot count.
//
// A crash before the first effect of a step is a crash and no step. One behind the last
// write is in the model the whole step, and then a crash. Between two sends the model
// has no crash: what was not sent is a lost message there, and what was sent is
// compared all the same.
package traces

import (
	"fmt"

	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
)

// Place is the place of an event: Seq counts the member's events from 0.
type Place struct {
	Member tlavalue.Model
	Seq    int
}

// Event is a step of a member, or its crash, in the words of the model.
type Event struct {
	Place
	Act     string         // the model's action
	Arg     tlavalue.Value // its argument
	Cause   *Place         // the event that sent Arg; nil: none, or a liar did
	Refused bool           // the code refused Arg, and nothing has changed
	Sent    tlavalue.Set
	Cut     int // 0: no crash; k: the first k effects were done, and then a crash
	State   tlavalue.Value
	Disk    tlavalue.Value
	Log     tlavalue.Seq
}

// crash is the action of a crash between two steps.
const crash = "Crash"

// Trace is one run.
type Trace struct {
	Name    string // says how to make it again
	Members []tlavalue.Model
	Liars   []tlavalue.Model // the last of Members
	Events  []Event          // in an order that Order allows
	Foreign int              // messages that were left out
	Broken  error            // what the simulator found wrong with the run, or nil
}

// Verdict is what the model says of a trace.
type Verdict struct {
	Accepted bool
	Event    int            // the index of the event that is rejected
	What     string         // what of it is wrong
	Model    tlavalue.Value // what the model says
	Code     tlavalue.Value // what the event says
}

// Tell returns the verdict on t as a text for people.
func (v Verdict) Tell(t *Trace) string {
	if v.Accepted {
		return fmt.Sprintf("%s: accepted, %d events", t.Name, len(t.Events))
	}
	e := t.Events[v.Event]
	return fmt.Sprintf("%s: rejected at event %d of %d, which is event %d of %s, %s %v: %s\n  the model: %v\n  the code:  %v",
		t.Name, v.Event, len(t.Events), e.Seq, e.Member, e.Act, e.Arg, v.What, v.Model, v.Code)
}
