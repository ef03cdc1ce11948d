package traces

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/conformance/refine"
	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
)

// damage is a way to make of a true trace one that nobody can have run.
type damage struct {
	what string
	// where reports whether the event with the index can be damaged so that the trace
	// is wrong beyond doubt.
	where func(t *Trace, i int) bool
	do    func(t *Trace, i int)
}

// damaged returns copies of t, each damaged at one place that rng draws, and what
// was done to it; nil where t has no place for it.
func (d *damage) damaged(t *Trace, rng *rand.Rand) *Trace {
	var places []int
	for i := range t.Events {
		if d.where(t, i) {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return nil
	}
	i := places[rng.IntN(len(places))]
	out := *t
	out.Events = slices.Clone(t.Events)
	d.do(&out, i)
	out.Name = fmt.Sprintf("%s; damaged at event %d, %s: %s", t.Name, i, t.Events[i].Act, d.what)
	return &out
}

// damages are those to the order, and one for each field.
func damages() []damage {
	all := []damage{
		{"an event is missing", hasLater, func(t *Trace, i int) { t.Events = slices.Delete(t.Events, i, i+1) }},
		{"an event is missing, and nobody counts", decisive, func(t *Trace, i int) {
			place := t.Events[i].Place
			t.Events = slices.Delete(t.Events, i, i+1)
			t.renumber(place, -1)
		}},
		{"a member's last events are missing, others' are their effects", causesOther, cutLane},
		{"two events of a member change places", changesTwice, swap},
		{"an event stands before its cause", movable, func(t *Trace, i int) {
			e, c := t.Events[i], t.index(*t.Events[i].Cause)
			t.Events = slices.Insert(slices.Delete(t.Events, i, i+1), c, e)
		}},
		{"an event stands twice", anywhere, func(t *Trace, i int) { t.Events = slices.Insert(t.Events, i, t.Events[i]) }},
		{"an event happens twice", startOrCrash, func(t *Trace, i int) {
			e := t.Events[i]
			t.renumber(e.Place, 1)
			e.Seq++
			t.Events = slices.Insert(t.Events, i+1, e)
		}},
		{"member", hasPeerAndLater, func(t *Trace, i int) { t.Events[i].Member = t.peer(t.Events[i].Member) }},
		{"seq", anywhere, func(t *Trace, i int) { t.Events[i].Seq++ }},
		{"cut: a crash that was none", func(t *Trace, i int) bool {
			return t.Events[i].State != refine.None && len(t.Events[i].Sent) > 0
		}, func(t *Trace, i int) { t.Events[i].Cut = 1 }},
		{"cut: no crash where one was", func(t *Trace, i int) bool { return t.Events[i].Cut != 0 },
			func(t *Trace, i int) { t.Events[i].Cut = 0 }},
		{"refused: the code refuses", func(t *Trace, i int) bool { return t.received(i) && !t.Events[i].Refused },
			func(t *Trace, i int) { t.Events[i].Refused = true }},
		{"refused: the code takes it", func(t *Trace, i int) bool { return t.Events[i].Refused },
			func(t *Trace, i int) { t.Events[i].Refused = false }},
		{"state: the member is down", func(t *Trace, i int) bool { return t.Events[i].State != refine.None },
			func(t *Trace, i int) { t.Events[i].State = refine.None }},
		{"disk", anywhere, func(t *Trace, i int) { t.Events[i].Disk = otherDisk(t.Events[i].Disk) }},
		{"log: a certificate more", anywhere, func(t *Trace, i int) {
			t.Events[i].Log = append(slices.Clone(t.Events[i].Log), aDigest)
		}},
		{"log: a certificate less", func(t *Trace, i int) bool { return len(t.Events[i].Log) > 0 },
			func(t *Trace, i int) { t.Events[i].Log = t.Events[i].Log[1:] }},
	}
	all = append(all, messageDamages()...)
	for _, field := range stateFields {
		all = append(all, damage{"state." + field, func(t *Trace, i int) bool { return t.Events[i].State != refine.None },
			func(t *Trace, i int) {
				t.Events[i].State = with(t.Events[i].State, field, otherState(t, field, get(t.Events[i].State, field)))
			}})
	}
	return all
}

// messageDamages are those to what an event received and sent.
func messageDamages() []damage {
	sends := func(t *Trace, i int) bool { return len(t.Events[i].Sent) > 0 }
	caused := func(t *Trace, i int) bool { return t.Events[i].Cause != nil }
	acts := map[string]string{
		"RecvPrepare": "RecvCommit", "RecvCommit": "RecvDecided", "RecvDecided": "RecvResync",
		"RecvResync": "RecvReply", "RecvReply": "RecvPrepare", "Tick": crash, crash: "Tick", "Timeout": crash,
	}
	all := []damage{
		{"act", func(t *Trace, i int) bool { return acts[t.Events[i].Act] != "" },
			func(t *Trace, i int) { t.Events[i].Act = acts[t.Events[i].Act] }},
		{"cause: an event that sent something else", func(t *Trace, i int) bool { return caused(t, i) && t.notSender(i) >= 0 },
			func(t *Trace, i int) { t.Events[i].Cause = &t.Events[t.notSender(i)].Place }},
		{"cause: nobody, and nobody lies", func(t *Trace, i int) bool { return caused(t, i) && len(t.Liars) == 0 },
			func(t *Trace, i int) { t.Events[i].Cause = nil }},
		{"cause: what sent it is not in the trace", caused,
			func(t *Trace, i int) { t.Events[i].Cause = &Place{t.Events[i].Cause.Member, 1 << 20} }},
		{"sent: a message less", sends, func(t *Trace, i int) { t.Events[i].Sent = t.Events[i].Sent[1:] }},
		{"sent: a message more", anywhere, func(t *Trace, i int) { t.send(i, strange(t.Events[i].Member)) }},
		{"sent: another message", sends, func(t *Trace, i int) {
			t.Events[i].Sent = t.Events[i].Sent[1:]
			t.send(i, strange(t.Events[i].Member))
		}},
	}
	for _, field := range []string{"from", "height", "attempt", "digest", "proof", "votes", "nonce", "to", "prepare", "commit"} {
		all = append(all, damage{"arg." + field, func(t *Trace, i int) bool { return caused(t, i) && has(t.Events[i].Arg, field) },
			func(t *Trace, i int) {
				t.Events[i].Arg = with(t.Events[i].Arg, field, otherMessage(t, field, get(t.Events[i].Arg, field)))
			}})
	}
	return all
}

// Where.

func anywhere(*Trace, int) bool { return true }

func (t *Trace) received(i int) bool { return strings.HasPrefix(t.Events[i].Act, "Recv") }

// before and later return the index of the member's event before, or behind, event i,
// or -1.
func (t *Trace) before(i int) int { return t.index(Place{t.Events[i].Member, t.Events[i].Seq - 1}) }
func (t *Trace) later(i int) int  { return t.index(Place{t.Events[i].Member, t.Events[i].Seq + 1}) }

func (t *Trace) index(p Place) int {
	return slices.IndexFunc(t.Events, func(e Event) bool { return e.Place == p })
}

func hasLater(t *Trace, i int) bool { return t.later(i) >= 0 }

// changes reports whether the member has another state behind event i, not counting a
// crash or a start.
func (t *Trace) changes(i int) bool {
	b := t.before(i)
	return b >= 0 && t.Events[b].State != refine.None && t.Events[i].State != refine.None &&
		tlavalue.Compare(t.Events[b].State, t.Events[i].State) != 0
}

// decisive reports whether the member has changed, and told so, in event i, and the next
// one is about something else.
func decisive(t *Trace, i int) bool {
	k := t.later(i)
	return k >= 0 && t.changes(i) && len(t.Events[i].Sent) > 0 && t.Events[k].State != refine.None &&
		tlavalue.Compare(t.Events[k].Arg, t.Events[i].Arg) != 0 && len(t.Events[k].Sent) == 0
}

// changesTwice reports whether event i and the member's next one have both changed it.
func changesTwice(t *Trace, i int) bool {
	k := t.later(i)
	return k >= 0 && t.changes(i) && t.changes(k)
}

func causesOther(t *Trace, i int) bool {
	return slices.ContainsFunc(t.Events, func(e Event) bool {
		return e.Cause != nil && *e.Cause == t.Events[i].Place && e.Member != t.Events[i].Member
	})
}

// movable reports whether event i can stand before its cause with the events of its
// member in order.
func movable(t *Trace, i int) bool {
	e := &t.Events[i]
	return e.Cause != nil && e.Cause.Member != e.Member && t.before(i) < t.index(*e.Cause)
}

func startOrCrash(t *Trace, i int) bool {
	return t.Events[i].Act == "Start" || t.Events[i].Act == crash
}

func hasPeerAndLater(t *Trace, i int) bool {
	return hasLater(t, i) && len(t.Members) > len(t.Liars)+1
}

func (t *Trace) peer(m tlavalue.Model) tlavalue.Model {
	i := slices.Index(t.Members, m)
	return t.Members[(i+1)%(len(t.Members)-len(t.Liars))]
}

// notSender returns the index of an event before event i that has not sent its message,
// or -1.
func (t *Trace) notSender(i int) int {
	return slices.IndexFunc(t.Events[:i], func(e Event) bool { return !e.Sent.Has(t.Events[i].Arg) })
}

// What is done.

// renumber moves the events of a member behind a place by so many, and whoever names
// them.
func (t *Trace) renumber(p Place, by int) {
	for i := range t.Events {
		e := &t.Events[i]
		if e.Member == p.Member && e.Seq > p.Seq {
			e.Seq += by
		}
		if c := e.Cause; c != nil && c.Member == p.Member && (c.Seq > p.Seq || c.Seq == p.Seq && by < 0) {
			moved := Place{c.Member, c.Seq + by}
			if c.Seq == p.Seq {
				moved.Seq = -1
			}
			e.Cause = &moved
		}
	}
}

// cutLane drops event i and all of its member behind it.
func cutLane(t *Trace, i int) {
	p := t.Events[i].Place
	t.Events = slices.DeleteFunc(t.Events, func(e Event) bool { return e.Member == p.Member && e.Seq >= p.Seq })
}

func swap(t *Trace, i int) {
	k := t.later(i)
	a, b := t.Events[i], t.Events[k]
	a.Seq, b.Seq = b.Seq, a.Seq
	t.Events[i], t.Events[k] = b, a
}

func (t *Trace) send(i int, m tlavalue.Value) {
	t.Events[i].Sent, _ = tlavalue.NewSet(append(slices.Clone(t.Events[i].Sent), m))
}

// strange is a message that no member sends.
func strange(from tlavalue.Model) tlavalue.Value {
	return tlavalue.Record{
		{Name: "from", Value: from}, {Name: "height", Value: tlavalue.Int(77)},
		{Name: "nonce", Value: tlavalue.Int(77)}, {Name: "type", Value: tlavalue.String("resync")},
	}
}

func has(v tlavalue.Value, field string) bool {
	r, ok := v.(tlavalue.Record)
	if ok {
		_, ok = r.Get(field)
	}
	return ok
}

// with returns a record with another value in a field.
func with(v tlavalue.Value, field string, value tlavalue.Value) tlavalue.Value {
	r := slices.Clone(v.(tlavalue.Record))
	i := slices.IndexFunc(r, func(f tlavalue.Field) bool { return f.Name == field })
	r[i].Value = value
	return r
}

// Other values of the same kind.

// aDigest is a certificate of height 1 that nobody has made.
var aDigest = tlavalue.Seq{tlavalue.Model("v99")}

var aStand = tlavalue.Record{{Name: "attempt", Value: tlavalue.Int(0)}, {Name: "digest", Value: aDigest}}

func aProof(t *Trace) tlavalue.Value {
	var by tlavalue.Set
	for _, m := range t.Members {
		by = append(by, m)
	}
	return tlavalue.Record{{Name: "attempt", Value: tlavalue.Int(0)}, {Name: "by", Value: by}, {Name: "digest", Value: aDigest}}
}

// orNone returns None in place of a value, and other in place of None.
func orNone(v, other tlavalue.Value) tlavalue.Value {
	if v == refine.None {
		return other
	}
	return refine.None
}

// toggled returns the set with the element, or without it.
func toggled(v, element tlavalue.Value) tlavalue.Value {
	s := v.(tlavalue.Set)
	if s.Has(element) {
		return slices.DeleteFunc(slices.Clone(s), func(e tlavalue.Value) bool { return tlavalue.Compare(e, element) == 0 })
	}
	s, _ = tlavalue.NewSet(append(slices.Clone(s), element))
	return s
}

var stateFields = []string{
	"nonce", "answered", "attempt", "own", "candidates", "proof", "lock", "current", "newest", "commits", "evidence", "halted",
}

func otherState(t *Trace, field string, v tlavalue.Value) tlavalue.Value {
	switch field {
	case "nonce", "attempt":
		return v.(tlavalue.Int) + 1
	case "answered":
		return toggled(v, t.Members[0])
	case "own":
		return orNone(v, aDigest)
	case "candidates":
		return toggled(v, aDigest)
	case "proof", "lock":
		return orNone(v, aProof(t))
	case "evidence":
		return toggled(v, tlavalue.Seq{t.Members[0], tlavalue.String("prepare")})
	case "halted":
		return orNone(v, tlavalue.String("fork"))
	}
	f := slices.Clone(v.(tlavalue.Function))
	other := tlavalue.Value(aStand)
	if field == "commits" {
		other = aDigest
	}
	f[len(f)-1].Value = orNone(f[len(f)-1].Value, other)
	return f
}

func otherDisk(v tlavalue.Value) tlavalue.Value {
	if v == refine.None {
		return tlavalue.Record{
			{Name: "candidates", Value: tlavalue.Set{}}, {Name: "lock", Value: refine.None},
			{Name: "prepare", Value: refine.None}, {Name: "proof", Value: refine.None},
		}
	}
	return with(v, "candidates", toggled(get(v, "candidates"), aDigest))
}

func otherMessage(t *Trace, field string, v tlavalue.Value) tlavalue.Value {
	switch field {
	case "from", "to":
		return t.Members[(slices.Index(t.Members, v.(tlavalue.Model))+1)%len(t.Members)]
	case "height", "attempt", "nonce":
		return v.(tlavalue.Int) + 1
	case "digest":
		d := slices.Clone(v.(tlavalue.Seq))
		d[len(d)-1] = tlavalue.Model("v99")
		return d
	case "votes":
		return toggled(v, t.Members[0])
	case "proof":
		return orNone(v, aProof(t))
	case "prepare":
		return orNone(v, aStand)
	}
	return orNone(v, aDigest)
}
