package corpus

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
)

// The variables that are no part of a state.
const (
	ActVariable    = "act"         // a record: the action that led here, and its parameters
	BeyondVariable = "omegaBeyond" // whether the bound is false here
)

// nameField is the field of an action that names it.
const nameField = "name"

// AmbiguityError says that an action leads from one state to two.
type AmbiguityError struct {
	Action string
	From   string
	Differ []string // the variables in which the two differ, and how
}

func (e *AmbiguityError) Error() string {
	return fmt.Sprintf("%s leads to two states from\n%s\nwhich differ in\n%s", e.Action, e.From, strings.Join(e.Differ, "\n"))
}

// ActMattersError says that what can happen in a state depends on act.
type ActMattersError struct{ State, Action string }

func (e *ActMattersError) Error() string {
	return fmt.Sprintf("%s can happen in this state after some actions, and not after others:\n%s", e.Action, e.State)
}

// FromDot makes the corpus of what TLC dumped, each state with ActVariable and
// BeyondVariable. It keeps the graph in memory, its texts once. It also returns how
// many states TLC knows within the bound: act counts among them.
func FromDot(dump io.Reader, name string) (c *Corpus, within int64, err error) {
	m := &maker{nodes: map[int64]node{}, states: newTable(), actions: newTable()}
	if err := readDot(dump, m.addNode, m.addEdge); err != nil {
		return nil, 0, err
	}
	if len(m.nodes) == 0 {
		return nil, 0, fmt.Errorf("%s has no state", name)
	}
	for _, n := range m.nodes {
		if !m.flags[n.state].Beyond {
			within++
		}
	}
	edges, err := m.edges()
	if err != nil {
		return nil, 0, err
	}
	return m.canonical(name, edges), within, nil
}

// table numbers texts in the order in which they come.
type table struct {
	numbers map[string]int32
	texts   []string
}

func newTable() *table { return &table{numbers: map[string]int32{}} }

func (t *table) number(text string) int32 {
	n, ok := t.numbers[text]
	if !ok {
		n = int32(len(t.texts))
		t.numbers[text] = n
		t.texts = append(t.texts, text)
	}
	return n
}

// node is a state as TLC knows it: with the action that led there.
type node struct {
	state, action int32 // action is initialAction where none led there
}

// initialAction is the action of an initial state.
const initialAction = -1

// maker gathers the graph in the order of the dump.
type maker struct {
	names   []string // of the variables, sorted
	values  []*table // of each variable
	states  *table   // of the value numbers of all variables, packed
	flags   []State  // of each state; Values are those numbers
	actions *table
	nodes   map[int64]node
	raw     []dotEdge
}

// addNode takes a state. TLC may dump one twice.
func (m *maker) addNode(d dotNode) error {
	variables, err := tlavalue.ParseState(d.state)
	if err != nil {
		return fmt.Errorf("the state is not understood: %w", err)
	}
	slices.SortFunc(variables, func(a, b tlavalue.Variable) int { return cmp.Compare(a.Name, b.Name) })
	action, beyond, rest, err := split(variables, d.initial)
	if err != nil {
		return err
	}
	if m.names == nil {
		for _, v := range rest {
			m.names = append(m.names, v.Name)
			m.values = append(m.values, newTable())
		}
	}
	n := node{action: initialAction}
	if n.state, err = m.addState(rest, d.initial, beyond); err != nil {
		return err
	}
	if !d.initial {
		n.action = m.actions.number(action.String())
	}
	if before, ok := m.nodes[d.id]; ok && before != n {
		return fmt.Errorf("the state %d is dumped twice, and not the same", d.id)
	}
	m.nodes[d.id] = n
	return nil
}

// split takes act and the bound's flag out of sorted variables.
func split(variables []tlavalue.Variable, initial bool) (action tlavalue.Record, beyond bool, rest []tlavalue.Variable, err error) {
	hasAct, hasBeyond := false, false
	for _, v := range variables {
		switch v.Name {
		case ActVariable:
			action, _ = v.Value.(tlavalue.Record)
			name, _ := action.Get(nameField)
			if _, named := name.(tlavalue.String); !initial && !named {
				return nil, false, nil, fmt.Errorf("%s = %v is no record with a field %s, a string", v.Name, v.Value, nameField)
			}
			hasAct = true
		case BeyondVariable:
			var b tlavalue.Bool
			b, hasBeyond = v.Value.(tlavalue.Bool)
			beyond = bool(b)
		default:
			rest = append(rest, v)
		}
	}
	if !hasAct || !hasBeyond {
		return nil, false, nil, fmt.Errorf("the state lacks %s or %s", ActVariable, BeyondVariable)
	}
	return action, beyond, rest, nil
}

func (m *maker) addState(variables []tlavalue.Variable, initial, beyond bool) (int32, error) {
	if len(variables) != len(m.names) {
		return 0, fmt.Errorf("the state has %d variables, others have %d", len(variables), len(m.names))
	}
	values := make([]int32, len(variables))
	packed := make([]byte, 0, 4*len(variables))
	for i, v := range variables {
		if v.Name != m.names[i] {
			return 0, fmt.Errorf("the state has a variable %s, where others have %s", v.Name, m.names[i])
		}
		n := m.values[i].number(v.Value.String())
		values[i] = n
		packed = append(packed, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	}
	s := m.states.number(string(packed))
	if int(s) == len(m.flags) {
		m.flags = append(m.flags, State{Values: values, Beyond: beyond})
	}
	if m.flags[s].Beyond != beyond {
		return 0, fmt.Errorf("the bound depends on %s", ActVariable)
	}
	m.flags[s].Initial = m.flags[s].Initial || initial
	return s, nil
}

func (m *maker) addEdge(e dotEdge) error {
	m.raw = append(m.raw, e)
	return nil
}

// edges returns the edges between states, sorted, each once.
func (m *maker) edges() ([]Edge, error) {
	slices.SortFunc(m.raw, func(a, b dotEdge) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	for _, e := range m.raw {
		if _, ok := m.nodes[e.from]; !ok {
			return nil, fmt.Errorf("an edge leaves the state %d, which is not dumped", e.from)
		}
	}
	out := make([][]Edge, len(m.flags)) // of each state, nil before it is known
	for id, n := range m.nodes {
		own, err := m.outOf(id, n)
		if err != nil {
			return nil, err
		}
		if out[n.state] == nil {
			out[n.state] = own
		} else if e, same := firstDifference(out[n.state], own); !same {
			return nil, &ActMattersError{State: m.text(n.state), Action: m.actions.texts[e.Action]}
		}
	}
	return slices.Concat(out...), nil
}

// outOf returns the edges of one of TLC's states, sorted, each once, never nil.
func (m *maker) outOf(id int64, n node) ([]Edge, error) {
	byFrom := func(e dotEdge, from int64) int { return cmp.Compare(e.from, from) }
	start, _ := slices.BinarySearchFunc(m.raw, id, byFrom)
	own := []Edge{}
	for _, e := range m.raw[start:] {
		if e.from != id {
			break
		}
		to, ok := m.nodes[e.to]
		switch {
		case !ok:
			return nil, fmt.Errorf("an edge leads to the state %d, which is not dumped", e.to)
		case to.action == initialAction:
			return nil, fmt.Errorf("an edge leads to an initial state without setting %s:\n%s", ActVariable, m.text(to.state))
		}
		own = append(own, Edge{n.state, to.action, to.state})
	}
	slices.SortFunc(own, compareEdges)
	own = slices.Compact(own)
	for i := 1; i < len(own); i++ {
		if a, b := own[i-1], own[i]; a.Action == b.Action {
			return nil, &AmbiguityError{Action: m.actions.texts[a.Action], From: m.text(a.From), Differ: m.differ(a.To, b.To)}
		}
	}
	if len(own) > 0 && m.flags[n.state].Beyond {
		return nil, fmt.Errorf("an edge leaves a state beyond the bound:\n%s", m.text(n.state))
	}
	return own, nil
}

func compareEdges(a, b Edge) int {
	return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Action, b.Action), cmp.Compare(a.To, b.To))
}

// firstDifference returns an edge that only one of a and b has, both sorted.
func firstDifference(a, b []Edge) (Edge, bool) {
	for i := 0; i < len(a) || i < len(b); i++ {
		switch {
		case i == len(a):
			return b[i], false
		case i == len(b) || compareEdges(a[i], b[i]) < 0:
			return a[i], false
		case a[i] != b[i]:
			return b[i], false
		}
	}
	return Edge{}, true
}

// text returns a state as TLC prints it.
func (m *maker) text(state int32) string {
	var b strings.Builder
	for i, v := range m.flags[state].Values {
		fmt.Fprintf(&b, "/\\ %s = %s\n", m.names[i], m.values[i].texts[v])
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (m *maker) differ(a, b int32) []string {
	var lines []string
	for i, name := range m.names {
		va, vb := m.flags[a].Values[i], m.flags[b].Values[i]
		if va != vb {
			lines = append(lines, fmt.Sprintf("/\\ %s = %s or %s", name, m.values[i].texts[va], m.values[i].texts[vb]))
		}
	}
	return lines
}

// canonical numbers everything anew, in the order that the format wants.
func (m *maker) canonical(name string, edges []Edge) *Corpus {
	c := &Corpus{Name: name, States: m.flags, Edges: edges}
	for i, t := range m.values {
		texts, renumber := sorted(t)
		c.Variables = append(c.Variables, Variable{Name: m.names[i], Values: parseAll[tlavalue.Value](texts)})
		for _, s := range c.States {
			s.Values[i] = renumber[s.Values[i]]
		}
	}
	order := make([]int32, len(c.States))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return slices.Compare(c.States[a].Values, c.States[b].Values) })
	states, numbers := make([]State, len(order)), make([]int32, len(order))
	for to, from := range order {
		states[to], numbers[from] = c.States[from], int32(to)
	}
	c.States = states
	texts, renumber := sorted(m.actions)
	c.Actions = parseAll[tlavalue.Record](texts)
	for i, e := range edges {
		edges[i] = Edge{numbers[e.From], renumber[e.Action], numbers[e.To]}
	}
	slices.SortFunc(edges, compareEdges)
	return c
}

// sorted returns the texts of t in order, and the new number of each old one.
func sorted(t *table) (texts []string, renumber []int32) {
	texts = slices.Sorted(slices.Values(t.texts))
	renumber = make([]int32, len(texts))
	for i, text := range texts {
		renumber[t.numbers[text]] = int32(i)
	}
	return texts, renumber
}

// parseAll parses texts that values have written.
func parseAll[V tlavalue.Value](texts []string) []V {
	values := make([]V, len(texts))
	for i, text := range texts {
		v, err := tlavalue.Parse(text)
		if err != nil {
			panic(fmt.Sprintf("corpus: %q was written by a value: %v", text, err))
		}
		values[i] = v.(V)
	}
	return values
}
