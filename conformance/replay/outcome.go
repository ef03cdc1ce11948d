package replay

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/conformance/refine"
	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// outcome is what a step of the code is in the model.
type outcome struct {
	broken  string // where the mapping fails
	refused error  // Step's
	mem     tlavalue.Value
	effects []refine.Effect
}

// failed says why the step is none of the model's, "" where it may be one.
func (o *outcome) failed() string {
	if o.refused != nil {
		return fmt.Sprintf("the code refuses: %v", o.refused)
	}
	return o.broken
}

// same reports whether two outcomes are one step.
func (o *outcome) same(p *outcome) bool {
	return o.failed() == "" && p.failed() == "" && equal(o.mem, p.mem) &&
		slices.EqualFunc(o.effects, p.effects, func(a, b refine.Effect) bool { return a.Kind == b.Kind && equal(a.Value, b.Value) })
}

// outcome takes a group's action through the code. Step gives the same for the same
// state and message, so that it is asked once for both.
func (q *Quorum) outcome(g *group) *outcome {
	k := outcomeKey{g.sit.member, g.sit.memI, g.sit.dskI, g.sit.lgI, g.key}
	if g.sit.up() {
		k.disk = 0 // Start alone looks at it
	}
	o := q.shared.outcomes[k]
	if o == nil {
		s, msg, err := q.input(g)
		if err != nil {
			o = &outcome{broken: err.Error()}
		} else {
			o = q.step(g.sit, s, msg)
		}
		q.shared.outcomes[k] = o
	}
	return o
}

// input returns the state and the message of a group.
func (q *Quorum) input(g *group) (s quorum.State, msg quorum.Message, err error) {
	if s, err = q.stateOf(g.sit); err != nil {
		return s, nil, err
	}
	switch g.name {
	case "Start":
		if !equal(g.arg, tlavalue.Int(g.sit.starts+1)) {
			return s, nil, fmt.Errorf("start %d has the nonce %v", g.sit.starts+1, g.arg)
		}
		msg, err = q.start(g.sit)
	case "Candidate":
		attempt, _ := field(g.sit.mem, "attempt").(tlavalue.Int)
		msg, err = q.candidate(g.arg, uint64(attempt))
	case "Tick":
		msg = quorum.Tick{}
	case "Timeout":
		msg = quorum.Timeout{}
	default:
		if receives[field(g.arg, "type")] != g.name {
			return s, nil, fmt.Errorf("the action %s is unknown", g.name)
		}
		msg, err = q.wire(g.arg)
	}
	return s, msg, err
}

// receives are the actions that receive each type of message.
var receives = map[tlavalue.Value]string{
	tlavalue.String("prepare"): "RecvPrepare", tlavalue.String("commit"): "RecvCommit",
	tlavalue.String("decided"): "RecvDecided", tlavalue.String("resync"): "RecvResync",
	tlavalue.String("reply"): "RecvReply",
}

func (q *Quorum) stateOf(sit *situation) (quorum.State, error) {
	if sit.up() {
		return q.w.State(sit.mem, sit.log)
	}
	return q.w.Down(sit.log)
}

// start returns the message with which a member begins, with what the bytes on its
// disk say.
func (q *Quorum) start(sit *situation) (quorum.Message, error) {
	msg := quorum.Start{Nonce: q.w.NonceOf(sit.starts + 1)}
	disk, err := q.w.Durable(sit.member, sit.disk, sit.log)
	if err != nil || disk == nil {
		return msg, err
	}
	msg.Disk, err = quorum.DecodeDurable(disk.Encode())
	return msg, err
}

func (q *Quorum) candidate(digest tlavalue.Value, attempt uint64) (quorum.Message, error) {
	content, err := q.w.Content(digest)
	return quorum.Candidate{Attempt: attempt, Content: content}, err
}

// wire returns a message that has come over the wire.
func (q *Quorum) wire(x tlavalue.Value) (quorum.Wire, error) {
	k := x.String()
	m, ok := q.shared.wires[k]
	if !ok {
		built, err := q.w.Message(x, refine.Everything)
		if err != nil {
			return nil, err
		}
		if m, err = quorum.Decode(quorum.Encode(built)); err != nil {
			return nil, err
		}
		q.shared.wires[k] = m
	}
	return m, nil
}

// step makes the step, and maps what comes of it into the model.
func (q *Quorum) step(sit *situation, s quorum.State, msg quorum.Message) *outcome {
	next, effects, err := quorum.Step(q.w.Config(sit.member), s, msg)
	if err != nil {
		return &outcome{refused: err}
	}
	o := &outcome{}
	if o.mem, err = q.w.Member(&next); err != nil {
		return &outcome{broken: fmt.Sprintf("the next state: %v", err)}
	}
	o.effects, err = q.w.Effects(sit.member, uint64(sit.height()), effects, func(height uint64) *cert.Certificate {
		return q.certified(sit, height)
	})
	if err != nil {
		return &outcome{broken: fmt.Sprintf("the effects: %v", err)}
	}
	o.broken = q.checkStep(sit, &next, effects, o)
	if o.broken == "" {
		o.broken = q.checkTold(sit, o, msg, effects)
	}
	return o
}

func (q *Quorum) certified(sit *situation, height uint64) *cert.Certificate {
	if height < 1 || height > uint64(len(sit.entries)) {
		return nil
	}
	c, err := q.w.Certificate(sit.entries[height-1])
	if err != nil {
		return nil
	}
	return c
}

// checkStep checks what the mapping of a step leaves out: that the state's chain is
// the log's, and that the bytes on disk are those of what they stand for.
func (q *Quorum) checkStep(sit *situation, next *quorum.State, effects []quorum.Effect, o *outcome) string {
	entries := sit.entries
	var persisted []tlavalue.Value
	for _, e := range o.effects {
		switch e.Kind {
		case refine.AppendEffect:
			entries = append(slices.Clip(entries), e.Value)
		case refine.PersistEffect:
			persisted = append(persisted, e.Value)
		}
	}
	for _, e := range effects {
		p, ok := e.(quorum.Persist)
		if !ok {
			continue
		}
		d, err := q.w.Durable(sit.member, persisted[0], sit.log)
		if err != nil || !bytes.Equal(d.Encode(), p.Durable) {
			return fmt.Sprintf("the bytes %x on disk are not those of %v, which they are read as (%v)", p.Durable, persisted[0], err)
		}
		persisted = persisted[1:]
	}
	want := tlavalue.Value(tlavalue.Seq{})
	if n := len(entries); n > 0 {
		want = field(entries[n-1], "digest")
	}
	if got, err := q.w.Head(next); err != nil || !equal(got, want) {
		return fmt.Sprintf("the state's chain ends with %v, the log with %v (%v)", got, want, err)
	}
	return ""
}

// checkTold checks the effects for the shell, by the states before and after.
func (q *Quorum) checkTold(sit *situation, o *outcome, msg quorum.Message, effects []quorum.Effect) string {
	var accused, halts int
	var asked []quorum.NeedCandidate
	appended := false
	for _, e := range effects {
		switch e := e.(type) {
		case quorum.Evidence:
			accused++
		case quorum.Halt:
			halts++
		case quorum.NeedCandidate:
			asked = append(asked, e)
		case quorum.Append:
			appended = true
		}
	}
	before, _ := field(sit.mem, "evidence").(tlavalue.Set)
	after, _ := field(o.mem, "evidence").(tlavalue.Set)
	if grown := len(after) - len(before); !appended && accused != grown {
		return fmt.Sprintf("%d accusations are told, %d are new", accused, grown)
	}
	if halted := field(o.mem, "halted") != tlavalue.Value(refine.None); halted != (halts == 1) {
		return fmt.Sprintf("%d halts are told; halted: %v", halts, halted)
	}
	height := sit.height()
	needed, was := needOf(sit, sit.mem, height)
	if appended {
		height++
	}
	need, is := needOf(sit, o.mem, height)
	_, tick := msg.(quorum.Tick)
	wanted := is && (tick || !was || need != needed)
	return q.checkAsked(asked, need, wanted)
}

// checkAsked checks that a candidate is asked for where one is wanted.
func (q *Quorum) checkAsked(asked []quorum.NeedCandidate, need need, wanted bool) string {
	if wanted != (len(asked) == 1) {
		return fmt.Sprintf("asked for %v; wanted: %v", asked, wanted)
	}
	if !wanted {
		return ""
	}
	digest := tlavalue.Value(refine.None)
	if asked[0].Digest != (cert.Hash{}) {
		digest, _ = q.w.Digest(asked[0].Digest)
	}
	if a := asked[0]; a.Attempt != need.attempt || a.Height != uint64(need.height) || digest.String() != need.digest {
		return fmt.Sprintf("asked for %+v, the digest %v; wanted: %+v", a, digest, need)
	}
	return ""
}

// need is what keeps a member from preparing: the candidate of a digest, or, for
// None, its own.
type need struct {
	height  int
	attempt uint64
	digest  string
}

// needOf returns what the member needs, by QRM-11 and QRM-12.
func needOf(sit *situation, mem tlavalue.Value, height int) (need, bool) {
	none := tlavalue.Value(refine.None)
	if mem == none || field(mem, "halted") != none || !ready(mem) || of(field(mem, "current"), sit.name) != none {
		return need{}, false
	}
	wanted := field(mem, "own")
	for _, name := range []string{"proof", "lock"} {
		if p := field(mem, name); p != none {
			wanted = field(p, "digest")
		}
	}
	if candidates, _ := field(mem, "candidates").(tlavalue.Set); candidates.Has(wanted) {
		return need{}, false
	}
	attempt, _ := field(mem, "attempt").(tlavalue.Int)
	return need{height, uint64(attempt), wanted.String()}, true
}

// ready reports whether all members have answered the member.
func ready(mem tlavalue.Value) bool {
	answered, _ := field(mem, "answered").(tlavalue.Set)
	current, _ := field(mem, "current").(tlavalue.Function)
	return len(answered) == len(current)
}

func of(f tlavalue.Value, member tlavalue.Model) tlavalue.Value {
	function, _ := f.(tlavalue.Function)
	v, _ := function.Get(member)
	return v
}
