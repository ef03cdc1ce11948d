// Package corpus holds the state graph of a TLA+ model: every state, and every
// edge with the action that makes it.
//
// A corpus is made from what TLC dumps of one configuration (FromDot), written in
// a canonical form (Write) that depends on the model and its bounds alone, not on
// the order in which TLC explored them, and read again (Read) by what replays the
// edges through the code.
//
// # What is in the graph
//
// The model carries each action's name and parameters in a variable of its own,
// act. That variable is no part of a state: it becomes the action of each edge
// that leads to it, and states that differ in it alone are one. From a state an
// action leads to one state; a model in which it leads to two is refused, as is
// one in which act decides what can happen.
//
// A bound of the model cuts the graph: it is a predicate, and a state in which it is
// false is Beyond. Edges lead to such states, and none from them. The edges of a
// state that is not beyond are all of them, so an action that has none there is
// disabled, by the model and not by the bound.
//
// # Format
//
// A corpus file is text compressed by gzip. The file of a counter of two bits,
// made by the model in testdata/Counter.tla, bounded to low = 0 or high = 0:
//
//	omega-corpus 1 Counter
//	variable high 2
//	0
//	1
//	variable low 2
//	0
//	1
//	states 4
//	i 0 0
//	- 0 1
//	- 1 0
//	b 1 1
//	actions 2
//	[bit |-> "high", name |-> "Flip"]
//	[bit |-> "low", name |-> "Flip"]
//	edges 6
//	0 0 2
//	0 1 1
//	1 0 3
//	1 1 0
//	2 0 0
//	2 1 3
//
// After the line `variable NAME N` stand the N values that the variable has, in the
// form of tlavalue, sorted by their bytes. A line of a state has its flags, `i` for
// an initial one, `b` for one beyond the bound, `-` for neither, and for each
// variable the number of its value, from 0. States are sorted by these numbers, and
// so are the variables by name. Actions are sorted by their bytes. A line of an
// edge has the number of the state that it leaves, of its action, and of the
// state that it leads to; edges are sorted by these numbers. Each line occurs once
// in its part, and nothing follows the last edge.
package corpus

import (
	"embed"
	"slices"

	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
)

// Sources is this package, to name what a remembered result depends on.
//
//go:embed *.go
var Sources embed.FS

// Corpus is a state graph in canonical order.
type Corpus struct {
	Name      string
	Variables []Variable
	States    []State
	Actions   []tlavalue.Record // each has a field name, a string
	Edges     []Edge            // sorted by From, then Action
}

// Variable is a variable of the model and the values that it takes in the graph.
type Variable struct {
	Name   string
	Values []tlavalue.Value
}

// State has for each variable the index of its value.
type State struct {
	Values  []int32
	Initial bool
	Beyond  bool // the bound is false here: no edges are known
}

// Edge leads from a state by an action to a state, by their indexes.
type Edge struct{ From, Action, To int32 }

// Value returns what the variable with index v holds in state s.
func (c *Corpus) Value(s, v int) tlavalue.Value {
	return c.Variables[v].Values[c.States[s].Values[v]]
}

// Out returns the edges that leave state s.
func (c *Corpus) Out(s int) []Edge {
	byFrom := func(e Edge, from int) int { return int(e.From) - from }
	start, _ := slices.BinarySearchFunc(c.Edges, s, byFrom)
	end, _ := slices.BinarySearchFunc(c.Edges, s+1, byFrom)
	return c.Edges[start:end]
}

// ActionName returns the name of the action with index a.
func (c *Corpus) ActionName(a int) string {
	name, _ := c.Actions[a].Get(nameField)
	return string(name.(tlavalue.String))
}

// Names returns the names of the actions and how many edges each has.
func (c *Corpus) Names() map[string]int {
	names := map[string]int{}
	for _, e := range c.Edges {
		names[c.ActionName(int(e.Action))]++
	}
	return names
}

// Inside returns how many states are not beyond the bound.
func (c *Corpus) Inside() int {
	n := 0
	for i := range c.States {
		if !c.States[i].Beyond {
			n++
		}
	}
	return n
}
