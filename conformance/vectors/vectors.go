// Package vectors has Lean's kernel check what the code gives.
//
// A vector is an input, drawn by rapid from a fixed seed, and beside it what a
// function of impl/kernel gives for it, written as a line that Lean accepts if and
// only if the specification's function gives the same (formal/Omega/Spec):
//
//	-- keys key.Key.Compare
//	example : Key.compare (k 0x07) (k 0x0a) = .lt := by decide +kernel
//
// The comment names the *kind*, under which a test asks for it, and the function in
// Go. Lean decides the equation in its kernel, by computing: no proof of ours and no
// compiled code is part of that.
//
// Among the vectors of each kind stand wrong ones: to an input of one vector comes
// what another one gives.
//
//	-- wrong keys key.Key.Compare
//	example : Key.compare (k 0x07) (k 0x0a) = .gt := by decide +kernel
//
// Lean must refuse exactly these, for being false, and then the last line, 0 = 1,
// which shows that it came to the end. Kinds share modules, since starting Lean
// takes as long as a hundred vectors; all of a module are checked in one process.
//
// What a module says depends on the code under test alone, so Lean's answer is found
// in its store until the code gives something else or the specification changes.
//
// The values in an input are made by this package, from bytes and numbers. So a
// fault in the code shows where that code is called and hardly elsewhere.
//
// # Faults planted in the code
//
// Many changed copies of the code are checked in one process: with
//
//	go test -overlay ... ./conformance/vectors -run TestKeysAreLeans -vectors.write FILE
//
// the test writes its module to FILE and asks Lean nothing, and Check then has the
// lines of all files checked, each line once.
package vectors

import (
	"fmt"
	"runtime/debug"
	"slices"

	"pgregory.net/rapid"
)

// Vector is an equation that Lean is asked to decide.
type Vector struct {
	Kind string
	Form string // the function in Go
	Call string // the specification's function with its input, as Lean writes it
	Out  string // what Go gives, or, where Wrong, what it gives for another input

	Wrong bool
}

// Statement is the equation.
func (v *Vector) Statement() string { return v.Call + " = " + v.Out }

// String says what Go gives.
func (v *Vector) String() string {
	return fmt.Sprintf("%s: %s gives that %s is %s", v.Kind, v.Form, v.Call, v.Out)
}

// Kind is what vectors have in common that are drawn together.
type Kind struct {
	Name        string
	Module      string // which module the vectors stand in
	Quick, Deep int    // how many times is drawn
	vectors     func(draws int) ([]Vector, error)
}

// Kinds returns all kinds. Root is the checkout.
func Kinds(root string) []Kind {
	return []Kind{
		{"keys", "Formats", 14, 100, drawn(drawKeys)},
		{"events", "Formats", 15, 90, drawn(drawEvents)},
		{"frames", "Formats", 13, 80, drawn(drawFrames)},
		{"envelopes", "Formats", 8, 50, drawn(drawEnvelopes)},
		{"sorts", "Batches", 24, 120, drawn(drawSorts)},
		{"gluings", "Batches", 20, 100, drawn(drawGluings)},
		{"obstructions", "Batches", 40, 200, drawn(drawReconcile)},
		{"numbers", "Batches", 16, 90, drawn(drawNumbers)},
		{"trees", "Batches", 17, 90, drawn(drawTrees)},
		{"steps", "Steps", 150, 750, steps(root)},
	}
}

// drawn returns what makes vectors by drawing, each time from a seed of its own. The
// draw's number is for cases that are to come in turn: rapid prefers the first ones.
func drawn(draw func(t *rapid.T, number int) []Vector) func(draws int) ([]Vector, error) {
	return func(draws int) ([]Vector, error) {
		var list []Vector
		for number := range draws {
			vectors, err := example(number, func(t *rapid.T) []Vector { return draw(t, number) })
			if err != nil {
				return nil, err
			}
			list = append(list, vectors...)
		}
		return list, nil
	}
}

// example draws once, from a seed that is the number's. Where draw panics, as the code
// under test may within it, that is the error: rapid would draw something else.
func example[V any](number int, draw func(t *rapid.T) V) (V, error) {
	type outcome struct {
		value V
		err   error
	}
	o := rapid.Custom(func(t *rapid.T) (o outcome) {
		defer func() {
			if r := recover(); r != nil {
				o.err = fmt.Errorf("draw %d panics: %v\n%s", number, r, debug.Stack())
			}
		}()
		return outcome{value: draw(t)}
	}).Example(number + 1)
	return o.value, o.err
}

// Draw makes the vectors of the kind, each once, with a wrong one for each of its
// forms behind the vector that has the same input. It fails where no wrong one can
// be made: all that is given for different inputs is the same.
func (k *Kind) Draw(draws int) ([]Vector, error) {
	all, err := k.vectors(draws)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.Name, err)
	}
	seen := map[string]bool{}
	all = slices.DeleteFunc(all, func(v Vector) bool {
		twice := seen[v.Statement()]
		seen[v.Statement()] = true
		return twice
	})
	var list []Vector
	wronged := map[string]bool{} // by form
	for i, v := range all {
		v.Kind = k.Name
		list = append(list, v)
		if wronged[v.Form] {
			continue
		}
		for _, other := range all[i+1:] {
			if other.Form == v.Form && other.Out != v.Out && other.Call != v.Call {
				v.Out, v.Wrong, wronged[v.Form] = other.Out, true, true
				list = append(list, v)
				break
			}
		}
	}
	if len(wronged) == 0 {
		return nil, fmt.Errorf("%s: no two of %d vectors of one function differ in what it gives", k.Name, len(all))
	}
	return list, nil
}
