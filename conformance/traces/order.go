package traces

import (
	"slices"

	"github.com/omega-sheaf-os/omega/conformance/refine"
	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
)

// Order returns the events of a run in an order in which each stands behind the
// member's own before it, the one that sent its message, and those that signed what a
// liar's message is made of. Where several may be next, pick says which of n. The
// events of each member must come in their order.
func Order(events []Event, pick func(n int) int) []Event {
	lanes := laneOf(events)
	known := newSources(lanes)
	done := map[Place]bool{}
	var ordered []Event
	for {
		var ready []int
		for i, lane := range lanes {
			if len(lane) > 0 && known.ready(&lane[0], done) {
				ready = append(ready, i)
			}
		}
		if len(ready) == 0 {
			break
		}
		i := ready[pick(len(ready))]
		e := lanes[i][0]
		lanes[i] = lanes[i][1:]
		done[e.Place] = true
		ordered = append(ordered, e)
	}
	for _, lane := range lanes { // what waits for an event that is missing: TLC says so
		ordered = append(ordered, lane...)
	}
	return ordered
}

// laneOf returns the events by member, in the order in which members first occur.
func laneOf(events []Event) [][]Event {
	var members []tlavalue.Model
	var lanes [][]Event
	for _, e := range events {
		i := slices.Index(members, e.Member)
		if i < 0 {
			i = len(members)
			members, lanes = append(members, e.Member), append(lanes, nil)
		}
		lanes[i] = append(lanes[i], e)
	}
	return lanes
}

// sources knows which event of an honest member first sent what it signed.
type sources map[string]Place

func newSources(lanes [][]Event) sources {
	first := sources{}
	for _, lane := range lanes {
		for _, e := range lane {
			for _, m := range e.Sent {
				own, _ := signatures(m)
				if _, ok := first[own]; !ok && own != "" {
					first[own] = e.Place
				}
			}
		}
	}
	return first
}

// ready reports whether all that e waits for is done.
func (s sources) ready(e *Event, done map[Place]bool) bool {
	if e.Cause != nil {
		return done[*e.Cause]
	}
	own, others := signatures(e.Arg)
	for _, k := range append(others, own) {
		if place, ok := s[k]; ok && !done[place] {
			return false
		}
	}
	return true
}

// signatures names what is signed in a message: what its sender signed, "" where it
// has none, and the prepares and votes of others that it carries.
func signatures(message tlavalue.Value) (own string, others []string) {
	m, ok := message.(tlavalue.Record)
	if !ok {
		return "", nil
	}
	proof := func(height tlavalue.Value) {
		if p := get(m, "proof"); p != refine.None {
			for _, signer := range get(p, "by").(tlavalue.Set) {
				others = append(others, stand(signer, height, p))
			}
		}
	}
	switch get(m, "type") {
	case tlavalue.String("prepare"):
		own = stand(get(m, "from"), get(m, "height"), m)
		proof(get(m, "height"))
	case tlavalue.String("commit"):
		own = vote(get(m, "from"), get(m, "digest"))
		proof(tlavalue.Int(len(get(m, "digest").(tlavalue.Seq))))
	case tlavalue.String("decided"):
		for _, signer := range get(m, "votes").(tlavalue.Set) {
			others = append(others, vote(signer, get(m, "digest")))
		}
	case tlavalue.String("resync"):
		own = m.String()
	case tlavalue.String("reply"):
		own = m.String()
		if p := get(m, "prepare"); p != refine.None {
			others = append(others, stand(get(m, "to"), get(m, "height"), p))
		}
		if d := get(m, "commit"); d != refine.None {
			others = append(others, vote(get(m, "to"), d))
		}
	}
	return own, others
}

func stand(signer, height, p tlavalue.Value) string {
	return tlavalue.Seq{signer, height, get(p, "attempt"), get(p, "digest")}.String()
}

func vote(signer, digest tlavalue.Value) string { return tlavalue.Seq{signer, digest}.String() }

// get returns a field of a record.
func get(record tlavalue.Value, field string) tlavalue.Value {
	v, _ := record.(tlavalue.Record).Get(field)
	return v
}
