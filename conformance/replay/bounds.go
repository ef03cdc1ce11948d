package replay

import (
	"github.com/omega-sheaf-os/omega/conformance/refine"
	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
)

// bounds are the constants of the constraint Graph.
type bounds struct{ attempt, height, starts int }

func newBounds(cfg Config) (b bounds, err error) {
	for name, at := range map[string]*int{"MaxAttempt": &b.attempt, "MaxHeight": &b.height, "MaxStarts": &b.starts} {
		if *at, err = cfg.Number(name); err != nil {
			return bounds{}, err
		}
	}
	return b, nil
}

// checkBounds checks that a state is beyond the bounds exactly where Graph is false.
func (q *Quorum) checkBounds(s int) {
	starts := 0
	var parts []*situation
	for m := range q.members {
		if sit, ok := q.situation(s, m); ok {
			parts = append(parts, sit)
			starts += sit.starts
		}
	}
	within := starts <= q.bounds.starts
	for _, sit := range parts {
		within = within && q.bounds.hold(sit)
	}
	if within == q.c.States[s].Beyond {
		q.add("the bounds hold: %v; the graph says beyond: %v\n%s", within, !within, stateText(q.c, s))
	}
}

func (b *bounds) hold(sit *situation) bool {
	if len(sit.entries) > b.height {
		return false
	}
	if !sit.up() {
		return true
	}
	attempt, _ := field(sit.mem, "attempt").(tlavalue.Int)
	evidence, _ := field(sit.mem, "evidence").(tlavalue.Set)
	last := len(sit.entries) == b.height
	return int(attempt) <= b.attempt && len(evidence)+sit.starts <= b.starts && (!last || untouched(sit.mem))
}

// untouched is Untouched of tla/MCQuorum.tla.
func untouched(mem tlavalue.Value) bool {
	for _, name := range []string{"newest", "commits"} {
		f, _ := field(mem, name).(tlavalue.Function)
		for _, p := range f {
			if p.Value != tlavalue.Value(refine.None) {
				return false
			}
		}
	}
	return field(mem, "own") == tlavalue.Value(refine.None)
}

// checkInitial checks that a run of the model begins where the code does: every
// honest member is down, and nothing is written or sent.
func (q *Quorum) checkInitial(s int) {
	for m := range q.members {
		sit, ok := q.situation(s, m)
		if !ok {
			continue
		}
		down, err := q.w.Down(sit.log)
		if err != nil {
			q.add("%v", err)
			continue
		}
		mem, err := q.w.Member(&down)
		empty := len(sit.entries) == 0 && len(sit.net) == 0 && sit.starts == 0 && sit.disk == tlavalue.Value(refine.None)
		if err != nil || !equal(mem, sit.mem) || !empty {
			q.add("the model begins with\n%sthe code with %v (%v)", stateText(q.c, s), mem, err)
		}
	}
}
