package traces

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"

	"github.com/omega-sheaf-os/omega/conformance/refine"
	"github.com/omega-sheaf-os/omega/conformance/sim"
	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// Record makes the run of the seed and returns its trace, with the events in the
// order in which the simulator made them; Order gives others. An error says what of
// the run the model has no word for, though it should.
func Record(seed uint64, o sim.Options) (*Trace, error) {
	var records []sim.Record
	o.Record = func(r sim.Record) { records = append(records, r) }
	run := sim.Run(seed, o)
	name := fmt.Sprintf("seed %d, %d members, %d of them liars, %d heights", seed, o.Members, o.Liars, o.Heights)
	w := newWriter(name, o.Members, &run)
	w.trace.Broken = run.Err
	for i := range records {
		r := &records[i]
		if tooLarge(r) {
			break
		}
		if err := w.write(r); err != nil {
			return nil, fmt.Errorf("%s: record %d of member %d, %s: %w", name, r.Seq, r.Member, r.Act, err)
		}
	}
	return w.trace, nil
}

// tooLarge reports whether a record is about a prepare of an attempt beyond the
// integers of TLC. A trace ends before it.
func tooLarge(r *sim.Record) bool {
	p, ok := r.Message.(*quorum.Prepare)
	return ok && p.Attempt > math.MaxInt32 && r.Refused == nil
}

// writer turns records into events.
type writer struct {
	names    []*refine.Naming // each with one member's nonces
	trace    *Trace
	contents map[cert.Hash]quorum.Content
	last     []sim.Record // by member
	starts   []int        // by member
	seq      []int        // by member
	places   map[sim.Cause]Place
}

func newWriter(name string, members int, run *sim.Result) *writer {
	w := &writer{
		trace: &Trace{Name: name}, contents: run.Contents, last: make([]sim.Record, members),
		starts: make([]int, members), seq: make([]int, members), places: map[sim.Cause]Place{},
	}
	called := memberNames(members, run.Liars)
	for i, name := range called {
		w.names = append(w.names, refine.NewNaming(run.Genesis.Name, called, sim.Fast{}.Verify))
		w.trace.Members = append(w.trace.Members, tlavalue.Model(name))
		if slices.Contains(run.Liars, i) {
			w.trace.Liars = append(w.trace.Liars, tlavalue.Model(name))
		}
	}
	slices.Sort(w.trace.Members)
	slices.Sort(w.trace.Liars)
	w.nameContents()
	return w
}

// memberNames calls the honest members m1, m2 ... and the liars by the names behind, so
// that few settings of the model do for all runs.
func memberNames(members int, liars []int) []string {
	names := make([]string, members)
	honest, liar := 1, 1+members-len(liars)
	for i := range names {
		next := &honest
		if slices.Contains(liars, i) {
			next = &liar
		}
		names[i] = fmt.Sprintf("m%d", *next)
		*next++
	}
	return names
}

// nameContents calls those that follow one content v1, v2 ...
func (w *writer) nameContents() {
	all := slices.SortedFunc(maps.Values(w.contents), func(a, b quorum.Content) int {
		x, y := a.Digest(), b.Digest()
		return cmp.Or(cmp.Compare(a.Envelope.BatchID, b.Envelope.BatchID), bytes.Compare(x[:], y[:]))
	})
	siblings := map[cert.Hash]int{}
	for i := range all {
		c := &all[i]
		siblings[c.Envelope.Prev]++
		value := fmt.Sprintf("v%d", siblings[c.Envelope.Prev])
		for _, names := range w.names {
			if err := names.AddContent(c, value); err != nil {
				panic(err) // it follows no content, and yet somebody has made it
			}
		}
	}
}

// write adds the event of a record, or counts it where the model has none.
func (w *writer) write(r *sim.Record) error {
	before := w.last[r.Member]
	w.last[r.Member] = *r
	if r.Act == sim.Crash && !before.Up {
		return nil // a start that had no effect
	}
	if m, ok := r.Message.(quorum.Start); ok {
		w.starts[r.Member]++
		w.names[r.Member].AddNonce(m.Nonce, w.starts[r.Member])
	}
	arg, err := w.argument(r, &before)
	if errors.Is(err, refine.ErrForeign) {
		w.trace.Foreign++
		return w.leaveOut(&before, r, err)
	}
	e := Event{
		Place: Place{w.names[0].Name(r.Member), w.seq[r.Member]},
		Act:   actions[r.Act], Arg: arg, Refused: r.Refused != nil, Cut: r.Cut,
	}
	if r.Cause != nil {
		place, ok := w.places[*r.Cause]
		if !ok {
			return fmt.Errorf("its cause, record %d of member %d, is no event", r.Cause.Seq, r.Cause.Member)
		}
		e.Cause = &place
	}
	if err := w.behind(&e, r); err != nil {
		return err
	}
	w.seq[r.Member]++
	w.places[sim.Cause{Member: r.Member, Seq: r.Seq}] = e.Place
	w.trace.Events = append(w.trace.Events, e)
	return nil
}

// actions are the model's names for what a record is about.
var actions = map[sim.Act]string{
	sim.Prepare: "RecvPrepare", sim.Commit: "RecvCommit", sim.Decided: "RecvDecided",
	sim.Resync: "RecvResync", sim.ResyncReply: "RecvReply",
	sim.Start: "Start", sim.Candidate: "Candidate", sim.Tick: "Tick", sim.Timeout: "Timeout", sim.Crash: crash,
}

// argument returns the model's argument of a record's action. The error wraps
// refine.ErrForeign.
func (w *writer) argument(r, before *sim.Record) (tlavalue.Value, error) {
	switch m := r.Message.(type) {
	case nil:
		return refine.None, nil
	case quorum.Candidate:
		if m.Attempt != before.State.Attempt {
			return nil, fmt.Errorf("%w: a candidate of another attempt", refine.ErrForeign)
		}
	case quorum.Wire:
		return w.received(m, before)
	}
	return w.names[r.Member].Message(r.Message)
}

// message returns the model's word for a message that came to a member at the height.
func (w *writer) message(m quorum.Wire, height uint64) (tlavalue.Value, error) {
	owner := 0 // of the nonce in it
	var about uint64
	switch m := m.(type) {
	case *quorum.Prepare:
		about = m.Height
	case *quorum.Commit:
		about = m.Envelope.BatchID
	case *quorum.Decided:
		about = m.Certificate.Envelope.BatchID
		if about != height { // of another height than the member's the body is not looked at
			copied := *m
			copied.Certificate.Body = w.contents[m.Certificate.Envelope.Hash()].Body
			return w.names[0].Message(&copied)
		}
	case *quorum.Resync:
		owner, about = m.From, m.Height
	case *quorum.ResyncReply:
		owner, about = m.To, m.Height
	}
	if about == 0 {
		return nil, fmt.Errorf("%w: it speaks of the genesis", refine.ErrForeign)
	}
	if owner >= len(w.names) {
		return nil, fmt.Errorf("%w: there is no member %d", refine.ErrForeign, owner)
	}
	return w.names[owner].Message(m)
}

// received returns the model's word for a message that came to a member. A proof that
// the member does not look at, since it is of another height or not higher than the one
// known (QRM-15), may hold anything: the model has words for messages without it.
func (w *writer) received(m quorum.Wire, before *sim.Record) (tlavalue.Value, error) {
	height, known := uint64(len(before.Log))+1, before.State.Proof
	v, err := w.message(m, height)
	if !errors.Is(err, refine.ErrForeign) {
		return v, err
	}
	switch m := m.(type) {
	case *quorum.Prepare:
		if overlooked(m.Proof, m.Height, height, known) {
			bare := *m
			bare.Proof = nil
			return w.message(&bare, height)
		}
	case *quorum.Commit:
		if overlooked(m.Proof, m.Envelope.BatchID, height, known) {
			bare := *m
			bare.Proof = nil
			return w.message(&bare, height)
		}
	}
	return v, err
}

// overlooked reports whether a member at the height does not look at the proof that
// came with a message about a height.
func overlooked(p *quorum.Proof, about, height uint64, known *quorum.Proof) bool {
	return p != nil && (about != height || known != nil && p.Attempt <= known.Attempt)
}

// behind adds to an event what the member sent, and what it has behind the event.
func (w *writer) behind(e *Event, r *sim.Record) error {
	sent := map[string]tlavalue.Value{}
	for _, m := range r.Sent {
		v, err := w.message(m.(quorum.Wire), 0)
		if err != nil {
			return fmt.Errorf("it sends what the model does not: %w", err)
		}
		sent[v.String()] = v
	}
	e.Sent, _ = tlavalue.NewSet(slices.Collect(maps.Values(sent)))
	names := w.names[r.Member]
	for _, hash := range r.Log {
		d, err := names.Digest(hash)
		if err != nil {
			return err
		}
		e.Log = append(e.Log, d)
	}
	var err error
	if e.Disk, err = w.disk(r); err != nil {
		return err
	}
	e.State = refine.None
	if r.Up {
		e.State, err = names.Member(&r.State)
	}
	return err
}

func (w *writer) disk(r *sim.Record) (tlavalue.Value, error) {
	if r.Disk == nil {
		return refine.None, nil
	}
	d, err := quorum.DecodeDurable(r.Disk)
	if err != nil {
		return nil, err
	}
	return w.names[r.Member].Disk(r.Member, d, uint64(len(r.Log))+1)
}

// leaveOut checks that a message of which the model has no word, for the reason why,
// has changed nothing. What speaks of the genesis is answered with it.
func (w *writer) leaveOut(before, r *sim.Record, why error) error {
	same := reflect.DeepEqual(before.State, r.State) && before.Up == r.Up &&
		bytes.Equal(before.Disk, r.Disk) && slices.Equal(before.Log, r.Log)
	for _, m := range r.Sent {
		d, ok := m.(*quorum.Decided)
		same = same && ok && d.Certificate.Envelope.BatchID == 0
	}
	if !same {
		return fmt.Errorf("it has changed something, or was answered: %w", why)
	}
	return nil
}
