package replay

import (
	"errors"
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/conformance/corpus"
	"github.com/omega-sheaf-os/omega/conformance/refine"
	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
)

// DataPath replays the graph of tla/DataPathGraph.tla.
//
// An Arrive scans the section and glues the pool. A Restart glues it in another
// order, which must give the same trace. A Prepare reconciles the batch, in the
// order of its arrival and in the reverse one, with the past that the certificates of
// the log have made. Whether the results of members are equal, which decides
// between Split and Certify, is whether their certificates have one cert_hash. A
// Certify appends that certificate, through its bytes, to the chain and to the past.
// What stands beside these, the members' shell, is done as the model says it.
//
// In every state within the bound the actions with an edge must be those that can
// happen by these rules, so that a result of the code that is equal where the
// model's differ, or differs where they are equal, shows even where no edge asks.
type DataPath struct {
	Findings
	Edges    int // replayed
	States   int // reached by an edge that was replayed, or initial
	Batches  int // batches that were reconciled, each with one past
	Disabled int // instances of actions that a state disables

	c        *corpus.Corpus
	genesis  *refine.World
	dir      string
	liars    tlavalue.Set
	members  int
	copies   int
	sections []tlavalue.Value // by name, from 1
	actions  map[string]int32 // by their texts

	pool, settled, manifests, attempt, prepares, log int // the variables

	histories map[string]*history // by the text of the log
	byIndex   map[[2]int32]*history
	pools     map[string]string // by the text of a pool: what is wrong with it
}

// sectionsOf are the sections of tla/DataPathMC.tla that a configuration can name.
var sectionsOf = map[string]string{
	"Tangled": `<<
		<<[key |-> <<2, 2>>, text |-> "a", deps |-> {<<1, 1>>}], [key |-> <<1, 1>>, text |-> "a", deps |-> {}]>>,
		<<[key |-> <<1, 1>>, text |-> "b", deps |-> {}], [key |-> <<3, 1>>, text |-> "a", deps |-> {<<2, 2>>}],
		  [key |-> <<4, 2>>, text |-> "a", deps |-> {<<4, 2>>, <<3, 9>>}]>>
		>>`,
}

// NewDataPath prepares the replay of a graph that was made with the constants cfg,
// and keeps the traces of its merges below dir.
func NewDataPath(c *corpus.Corpus, cfg Config, dir string) (*DataPath, error) {
	d := &DataPath{
		c: c, dir: dir, actions: map[string]int32{},
		histories: map[string]*history{}, byIndex: map[[2]int32]*history{}, pools: map[string]string{},
	}
	for name, at := range map[string]*int{
		"pool": &d.pool, "settled": &d.settled, "manifests": &d.manifests, "attempt": &d.attempt, "prepares": &d.prepares, "log": &d.log,
	} {
		var err error
		if *at, err = variable(c, name); err != nil {
			return nil, err
		}
	}
	for i, act := range c.Actions {
		d.actions[act.String()] = int32(i)
	}
	members, err := cfg.Set("Members")
	if err != nil {
		return nil, err
	}
	if d.liars, err = cfg.Set("Liars"); err != nil {
		return nil, err
	}
	if d.copies, err = cfg.Number("Copies"); err != nil {
		return nil, err
	}
	d.members = len(members)
	sections, err := tlavalue.Parse(sectionsOf[cfg["Sections"]])
	if err != nil {
		return nil, fmt.Errorf("the sections %q: %w", cfg["Sections"], err)
	}
	d.sections = sections.(tlavalue.Seq)
	d.genesis, err = refine.NewWorld(texts(members), nil, 0)
	return d, err
}

// Close closes the traces that the histories have mapped.
func (d *DataPath) Close() (err error) {
	for _, h := range d.histories {
		if h.History != nil {
			err = errors.Join(err, h.Past.Close())
		}
	}
	return err
}

// Run replays all edges.
func (d *DataPath) Run() {
	reached := make([]bool, len(d.c.States))
	for s, state := range d.c.States {
		reached[s] = reached[s] || state.Initial
		if state.Initial {
			d.checkInitial(s)
		}
		if d.enough() {
			return
		}
		if state.Beyond {
			continue
		}
		possible := d.possible(s)
		for _, e := range d.c.Out(s) {
			if !possible[e.Action] {
				d.add("the code does not allow %v in\n%s", d.c.Actions[e.Action], stateText(d.c, s))
			}
			delete(possible, e.Action)
			if what := d.replay(e); what != "" {
				d.add("%s\n%v in\n%s", what, d.c.Actions[e.Action], stateText(d.c, s))
				continue
			}
			d.Edges++
			reached[e.To] = true
		}
		d.Disabled += len(d.c.Actions) - len(d.c.Out(s))
		for a := range possible {
			d.add("the code allows %v in\n%s", d.c.Actions[a], stateText(d.c, s))
		}
	}
	for _, r := range reached {
		if r {
			d.States++
		}
	}
}

func (d *DataPath) checkInitial(s int) {
	for m := 1; m <= d.members; m++ {
		p := d.part(s, m)
		if len(p.pool)+len(p.settled)+p.attempt+len(p.log)+len(p.manifests)+len(p.prepares) != 0 {
			d.add("the model does not begin with nothing:\n%s", stateText(d.c, s))
		}
	}
}

// part is what concerns one member in a state.
type part struct {
	member    int // from 1
	pool      tlavalue.Seq
	settled   tlavalue.Set
	attempt   int
	log       tlavalue.Seq
	manifests []tlavalue.Value // of its height
	prepares  []tlavalue.Value // of its height and attempt
	logIndex  int32
}

func (d *DataPath) part(s, member int) *part {
	of := func(variable int) tlavalue.Value {
		all, _ := d.c.Value(s, variable).(tlavalue.Seq)
		if len(all) != d.members {
			d.add("%s is not of %d members in\n%s", d.c.Variables[variable].Name, d.members, stateText(d.c, s))
			return refine.None
		}
		return all[member-1]
	}
	p := &part{member: member, logIndex: d.c.States[s].Values[d.log]}
	p.pool, _ = of(d.pool).(tlavalue.Seq)
	p.settled, _ = of(d.settled).(tlavalue.Set)
	attempt, _ := of(d.attempt).(tlavalue.Int)
	p.attempt = int(attempt)
	p.log, _ = of(d.log).(tlavalue.Seq)
	manifests, _ := d.c.Value(s, d.manifests).(tlavalue.Set)
	for _, x := range manifests {
		if field(x, "height") == p.height() {
			p.manifests = append(p.manifests, x)
		}
	}
	prepares, _ := d.c.Value(s, d.prepares).(tlavalue.Set)
	for _, x := range prepares {
		if field(x, "height") == p.height() && field(x, "attempt") == of(d.attempt) {
			p.prepares = append(p.prepares, x)
		}
	}
	return p
}

func (p *part) height() tlavalue.Value { return tlavalue.Int(len(p.log) + 1) }

// by returns the manifest or prepare of a member among list, or nil.
func by(member int, list []tlavalue.Value) tlavalue.Value {
	for _, x := range list {
		if field(x, "member") == tlavalue.Value(tlavalue.Int(member)) {
			return x
		}
	}
	return nil
}

// names returns the set of the sections in a pool.
func names(pool tlavalue.Seq) tlavalue.Set {
	sorted := slices.Clone(pool)
	slices.SortFunc(sorted, tlavalue.Compare)
	return tlavalue.Set(slices.CompactFunc(sorted, equal))
}

// batchNames returns the names of the sections that the member reconciles.
func (p *part) batchNames() tlavalue.Set {
	all := tlavalue.Set{}
	for _, x := range p.manifests {
		if p.attempt == 1 || field(x, "member") == tlavalue.Value(tlavalue.Int(p.member)) {
			set, _ := field(x, "names").(tlavalue.Set)
			for _, name := range set {
				if !p.settled.Has(name) {
					all = with(all, name)
				}
			}
		}
	}
	return all
}

// batch returns the sections of the pool in names, in their order.
func (p *part) batch(names tlavalue.Set) (batch tlavalue.Seq) {
	for _, s := range p.pool {
		if names.Has(s) {
			batch = append(batch, s)
		}
	}
	return batch
}

// possible returns the actions that can happen in a state.
func (d *DataPath) possible(s int) map[int32]bool {
	actions := map[int32]bool{}
	can := func(act tlavalue.Value) {
		a, ok := d.actions[act.String()]
		if !ok {
			d.add("the graph never has %v, which the code allows in\n%s", act, stateText(d.c, s))
			return
		}
		actions[a] = true
	}
	for m := 1; m <= d.members; m++ {
		d.possibleFor(d.part(s, m), can)
	}
	return actions
}

func (d *DataPath) possibleFor(p *part, can func(tlavalue.Value)) {
	member := tlavalue.Int(p.member)
	act := func(name string) tlavalue.Value { return rec("name", tlavalue.String(name), "member", member) }
	for i := range d.sections {
		name := tlavalue.Int(i + 1)
		copies := 0
		for _, s := range p.pool {
			if s == tlavalue.Value(name) {
				copies++
			}
		}
		if !p.settled.Has(name) && copies < d.copies {
			can(rec("name", tlavalue.String("Arrive"), "member", member, "section", name))
		}
	}
	honest, sealed, own := !d.liars.Has(member), by(p.member, p.manifests) != nil, by(p.member, p.prepares)
	if honest && !equal(p.pool, tlavalue.Seq(names(p.pool))) {
		can(act("Restart"))
	}
	if !sealed && (len(p.pool) > 0 || len(p.manifests) > 0) {
		can(act("Seal"))
	}
	if sealed && own == nil {
		wanted := p.batchNames()
		if honest && len(names(p.batch(wanted))) == len(wanted) {
			can(act("Prepare"))
		}
		if !honest {
			can(rec("name", tlavalue.String("Lie"), "member", member, "result", emptyMerge))
			for _, x := range p.prepares {
				can(rec("name", tlavalue.String("Lie"), "member", member, "result", field(x, "result")))
			}
		}
	}
	if len(p.prepares) < d.members {
		return
	}
	switch agreed := d.agreed(p); {
	case agreed:
		can(act("Certify"))
	case p.attempt == 0:
		can(act("Split"))
	}
}

var emptyMerge = rec("kind", tlavalue.String("merge"), "trace", tlavalue.Seq{}, "obstructions", tlavalue.Seq{}, "quarantine", tlavalue.Set{})

// agreed reports whether all prepares of the member's height and attempt are for one
// certificate.
func (d *DataPath) agreed(p *part) bool {
	h := d.history(p)
	first := h.digest(d, field(p.prepares[0], "result"))
	for _, x := range p.prepares[1:] {
		if h.digest(d, field(x, "result")) != first {
			return false
		}
	}
	return true
}

// replay does the action of an edge, and says what differs from its target, "" for
// nothing.
func (d *DataPath) replay(e corpus.Edge) string {
	act := d.c.Actions[e.Action]
	member, _ := field(act, "member").(tlavalue.Int)
	p := d.part(int(e.From), int(member))
	next := map[int]tlavalue.Value{}
	var what string
	switch name := d.c.ActionName(int(e.Action)); name {
	case "Arrive":
		pool := append(slices.Clip(p.pool), field(act, "section"))
		next[d.pool] = d.replaced(e, d.pool, p, pool)
		what = d.checkPool(pool)
	case "Restart":
		pool := tlavalue.Seq(names(p.pool))
		next[d.pool] = d.replaced(e, d.pool, p, pool)
		what = d.checkPool(pool)
	case "Seal":
		next[d.manifests] = d.withOne(e, d.manifests, rec("height", p.height(), "member", member, "names", names(p.pool)))
	case "Prepare":
		var result tlavalue.Value
		result, what = d.history(p).result(d, p.batch(p.batchNames()))
		next[d.prepares] = d.withOne(e, d.prepares, p.prepare(result))
	case "Lie":
		next[d.prepares] = d.withOne(e, d.prepares, p.prepare(field(act, "result")))
	case "Split":
		next[d.attempt] = d.replaced(e, d.attempt, p, tlavalue.Int(1))
	case "Certify":
		what = d.certify(e, p, next)
	default:
		what = fmt.Sprintf("the action %s is unknown", name)
	}
	if what != "" {
		return what
	}
	for v := range d.c.Variables {
		got, want := next[v], d.c.Value(int(e.To), v)
		if got == nil {
			got = d.c.Value(int(e.From), v)
		}
		if !equal(got, want) {
			return fmt.Sprintf("%s, the code:  %v\nthe model: %v", d.c.Variables[v].Name, got, want)
		}
	}
	return ""
}

func (p *part) prepare(result tlavalue.Value) tlavalue.Value {
	return rec("height", p.height(), "attempt", tlavalue.Int(p.attempt), "member", tlavalue.Int(p.member), "result", result)
}

// replaced returns a variable of the edge's source with another value for the member.
func (d *DataPath) replaced(e corpus.Edge, variable int, p *part, to tlavalue.Value) tlavalue.Value {
	all, _ := d.c.Value(int(e.From), variable).(tlavalue.Seq)
	all = slices.Clone(all)
	all[p.member-1] = to
	return all
}

func (d *DataPath) withOne(e corpus.Edge, variable int, v tlavalue.Value) tlavalue.Value {
	set, _ := d.c.Value(int(e.From), variable).(tlavalue.Set)
	return with(set, v)
}

// certify appends what the member has prepared to its log.
func (d *DataPath) certify(e corpus.Edge, p *part, next map[int]tlavalue.Value) string {
	result := field(by(p.member, p.prepares), "result")
	log := append(slices.Clip(p.log), result)
	h := d.historyOf(log)
	if h.broken != "" {
		return h.broken
	}
	if got, want := h.Chain.Head, d.history(p).digest(d, result); got != want {
		return fmt.Sprintf("%v is certified, %v was prepared", got, want)
	}
	done := tlavalue.Set{}
	if field(result, "kind") == tlavalue.Value(tlavalue.String("merge")) {
		done = p.batchNames()
	}
	settled, rest := p.settled, tlavalue.Seq{}
	for _, s := range p.pool {
		if !done.Has(s) {
			rest = append(rest, s)
		}
	}
	for _, s := range done {
		settled = with(settled, s)
	}
	next[d.log], next[d.pool] = d.replaced(e, d.log, p, log), d.replaced(e, d.pool, p, rest)
	next[d.settled], next[d.attempt] = d.replaced(e, d.settled, p, settled), d.replaced(e, d.attempt, p, tlavalue.Int(0))
	return ""
}
