package replay

import (
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/conformance/corpus"
	"github.com/omega-sheaf-os/omega/conformance/refine"
	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// Quorum replays the graph of tla/GraphQuorum.tla.
type Quorum struct {
	Findings
	Edges    int // replayed
	States   int // reached by an edge that was replayed, or initial
	Refusals int // instances without an edge that the code refuses
	Ignored  int // ... that the code takes as if the part that does not verify were missing

	// Reasons counts the refusals by the error that they wrap.
	Reasons map[error]int

	c       *corpus.Corpus
	w       *refine.World
	bounds  bounds
	members []tlavalue.Model
	liars   tlavalue.Set
	lies    tlavalue.Set // the attempts that liars speak of

	mem, disk, log, net, starts, backup int // the variables
	shared                              shared
}

// shared is what is the same in many states, by the indexes or texts of values.
type shared struct {
	wires    map[string]quorum.Wire // by the text of the message
	outcomes map[outcomeKey]*outcome
	signed   map[int32]map[string]bool // by net: what honest members have signed
	universe []tlavalue.Value
}

// outcomeKey is all that the outcome of an edge depends on.
type outcomeKey struct {
	member         int
	mem, disk, log int32
	action         string
}

// situation is one honest member's part of a state.
type situation struct {
	state           int
	member          int
	name            tlavalue.Model
	mem, disk, log  tlavalue.Value
	starts          int
	entries         tlavalue.Seq // log
	net             tlavalue.Set
	memI, dskI, lgI int32 // the indexes of the variables' values
}

func (s *situation) up() bool { return s.mem != tlavalue.Value(refine.None) }

// height returns the height under way.
func (s *situation) height() int { return len(s.entries) + 1 }

// NewQuorum prepares the replay of a graph that was made with the constants cfg.
func NewQuorum(c *corpus.Corpus, cfg Config) (*Quorum, error) {
	q := &Quorum{c: c, Reasons: map[error]int{}}
	q.shared = shared{wires: map[string]quorum.Wire{}, outcomes: map[outcomeKey]*outcome{}, signed: map[int32]map[string]bool{}}
	for name, at := range map[string]*int{
		"mem": &q.mem, "disk": &q.disk, "log": &q.log, "net": &q.net, "starts": &q.starts, "backup": &q.backup,
	} {
		var err error
		if *at, err = variable(c, name); err != nil {
			return nil, err
		}
	}
	values, err := q.readConstants(cfg)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range q.members {
		names = append(names, string(m))
	}
	if q.w, err = refine.NewWorld(names, texts(values), q.bounds.height+1); err != nil {
		return nil, err
	}
	q.shared.universe, err = q.makeUniverse(texts(values))
	return q, err
}

// readConstants reads what the model was run with, and returns its values.
func (q *Quorum) readConstants(cfg Config) (values tlavalue.Set, err error) {
	if q.bounds, err = newBounds(cfg); err != nil {
		return nil, err
	}
	var members tlavalue.Set
	for name, at := range map[string]*tlavalue.Set{
		"Liars": &q.liars, "Attempts": &q.lies, "Members": &members, "Values": &values,
	} {
		if *at, err = cfg.Set(name); err != nil {
			return nil, err
		}
	}
	for _, m := range members {
		name, ok := m.(tlavalue.Model)
		if !ok {
			return nil, fmt.Errorf("the member %v is no model value", m)
		}
		q.members = append(q.members, name)
	}
	return values, nil
}

func texts(values []tlavalue.Value) (all []string) {
	for _, v := range values {
		all = append(all, v.String())
	}
	return all
}

// Run replays all edges, and tries all instances of actions that have none.
func (q *Quorum) Run() {
	reached := make([]bool, len(q.c.States))
	for s, state := range q.c.States {
		reached[s] = reached[s] || state.Initial
		if state.Initial {
			q.checkInitial(s)
		}
		q.checkBounds(s)
		if q.enough() {
			return
		}
		if state.Beyond {
			continue
		}
		groups := q.groups(s)
		for _, g := range groups {
			for _, to := range q.replay(g) {
				reached[to] = true
			}
		}
		for m := range q.members {
			if sit, ok := q.situation(s, m); ok {
				q.refusals(sit, groups)
			}
		}
	}
	for _, r := range reached {
		if r {
			q.States++
		}
	}
}

// situation returns a member's part of a state, false for a liar, which has none.
func (q *Quorum) situation(s, member int) (*situation, bool) {
	name := q.members[member]
	if q.liars.Has(name) {
		return nil, false
	}
	of := func(variable int) tlavalue.Value {
		f, _ := q.c.Value(s, variable).(tlavalue.Function)
		v, ok := f.Get(name)
		if !ok {
			q.add("%s says nothing of %v in\n%s", q.c.Variables[variable].Name, name, stateText(q.c, s))
			return refine.None
		}
		return v
	}
	sit := &situation{state: s, member: member, name: name, mem: of(q.mem), disk: of(q.disk), log: of(q.log)}
	starts, _ := of(q.starts).(tlavalue.Int)
	sit.starts = int(starts)
	sit.entries, _ = sit.log.(tlavalue.Seq)
	sit.net, _ = q.c.Value(s, q.net).(tlavalue.Set)
	values := q.c.States[s].Values
	sit.memI, sit.dskI, sit.lgI = values[q.mem], values[q.disk], values[q.log]
	return sit, true
}

// group is all edges of one action and argument that leave a state: they differ in
// how many effects were done.
type group struct {
	key   string
	sit   *situation
	name  string
	arg   tlavalue.Value
	edges []corpus.Edge
}

func groupKey(member tlavalue.Model, name string, arg tlavalue.Value) string {
	return fmt.Sprint(member, " ", name, " ", arg)
}

// groups returns the groups of a state by their keys.
func (q *Quorum) groups(s int) map[string]*group {
	groups := map[string]*group{}
	for _, e := range q.c.Out(s) {
		act := q.c.Actions[e.Action]
		member, _ := field(act, "member").(tlavalue.Model)
		arg, name := field(act, "arg"), q.c.ActionName(int(e.Action))
		k := groupKey(member, name, arg)
		g := groups[k]
		if g == nil {
			sit, ok := q.situation(s, slices.Index(q.members, member))
			if !ok {
				q.add("%v acts, a liar:\n%v", member, act)
				continue
			}
			g = &group{key: k, sit: sit, name: name, arg: arg}
			groups[k] = g
		}
		g.edges = append(g.edges, e)
	}
	return groups
}

// replay replays the edges of a group and returns where the right ones lead to.
func (q *Quorum) replay(g *group) (reached []int32) {
	var o *outcome
	if g.name == "Crash" {
		o = &outcome{mem: refine.None}
	} else {
		o = q.outcome(g)
	}
	if what := o.failed(); what != "" {
		q.add("%s\n%s in\n%s", what, q.c.Actions[g.edges[0].Action], stateText(q.c, g.sit.state))
		return nil
	}
	q.compareCuts(g, o)
	for _, e := range g.edges {
		act := q.c.Actions[e.Action]
		cut, _ := field(act, "cut").(tlavalue.Int)
		if what := q.compare(g, o, int(cut), e); what != "" {
			q.add("%s\n%v in\n%s", what, act, stateText(q.c, g.sit.state))
			continue
		}
		q.Edges++
		reached = append(reached, e.To)
	}
	return reached
}

// compareCuts checks that the group has an edge without a crash, and one for each write
// to the disk before which a crash can fall, but the first effect.
func (q *Quorum) compareCuts(g *group, o *outcome) {
	want, got := []int{0}, []int{}
	for k, e := range o.effects {
		if k > 0 && e.Kind != refine.SendEffect {
			want = append(want, k)
		}
	}
	for _, e := range g.edges {
		cut, _ := field(q.c.Actions[e.Action], "cut").(tlavalue.Int)
		got = append(got, int(cut))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		q.add("a crash can fall after %v effects of the code, in the graph after %v\n%v in\n%s",
			want, got, q.c.Actions[g.edges[0].Action], stateText(q.c, g.sit.state))
	}
}

// compare does the first cut of the effects, or all for 0, and says what differs from
// the edge's label or its target, "" for nothing.
func (q *Quorum) compare(g *group, o *outcome, cut int, e corpus.Edge) string {
	mem, done := o.mem, o.effects
	if cut > 0 {
		mem, done = refine.None, o.effects[:min(cut, len(o.effects))]
	}
	disk, entries, net, sent := g.sit.disk, g.sit.entries, g.sit.net, tlavalue.Set{}
	for _, f := range done {
		switch f.Kind {
		case refine.PersistEffect:
			disk = f.Value
		case refine.AppendEffect:
			entries, disk = append(slices.Clip(entries), f.Value), refine.None
		case refine.SendEffect:
			sent = with(sent, f.Value)
			if !q.toLiar(f.Value) {
				net = with(net, f.Value)
			}
		}
	}
	starts := g.sit.starts
	if g.name == "Start" {
		starts++
	}
	if want := field(q.c.Actions[e.Action], "sent"); !equal(want, sent) {
		return fmt.Sprintf("the code sends %v\nthe model      %v", sent, want)
	}
	for _, v := range []struct {
		index int
		got   tlavalue.Value
	}{{q.mem, mem}, {q.disk, disk}, {q.log, entries}, {q.starts, tlavalue.Int(starts)}} {
		before, after := q.c.Value(g.sit.state, v.index), q.c.Value(int(e.To), v.index)
		if want := changed(before, g.sit.name, v.got); !equal(want, after) {
			return fmt.Sprintf("%s, the code:  %v\nthe model: %v", q.c.Variables[v.index].Name, want, after)
		}
	}
	if want := q.c.Value(int(e.To), q.net); !equal(net, want) {
		return fmt.Sprintf("net, the code: %v\nthe model: %v", net, want)
	}
	if before, after := q.c.Value(g.sit.state, q.backup), q.c.Value(int(e.To), q.backup); !equal(before, after) {
		return fmt.Sprintf("backup becomes %v", after)
	}
	return ""
}

// toLiar reports whether a message is a reply to a liar, which is not kept in net.
func (q *Quorum) toLiar(x tlavalue.Value) bool {
	to := field(x, "to")
	return to != nil && q.liars.Has(to)
}

// with returns the set with one more element.
func with(s tlavalue.Set, v tlavalue.Value) tlavalue.Set {
	if s.Has(v) {
		return s
	}
	bigger, _ := tlavalue.NewSet(append(slices.Clone(s), v))
	return bigger
}

// changed returns the function f but for what it gives for the member.
func changed(f tlavalue.Value, member tlavalue.Model, to tlavalue.Value) tlavalue.Value {
	old, _ := f.(tlavalue.Function)
	pairs := slices.Clone(old)
	for i := range pairs {
		if pairs[i].Arg == tlavalue.Value(member) {
			pairs[i].Value = to
		}
	}
	return pairs
}
