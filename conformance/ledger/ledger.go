// Package ledger makes one table of the kernel: a row for each exported function,
// and in it what holds that function in place.
//
// # Columns
//
//	clause     the clauses of spec/ that its docstring names
//	theorem    the function of formal/ that Lean's kernel compares it with (conformance/vectors)
//	action     the actions of the models that are replayed through it (conformance/replay)
//	property   a test of its own package that draws its inputs, or that of its errors, which
//	           draws what it must refuse (conformance/stutter)
//	linear     the test of concurrent calls (conformance/linear)
//	corpus     outputs that are committed: conformance/golden, conformance/examples, and the corpora of states
//	mutants    how many faults of the function the ledger of faults has, and how many were killed
//
// Nothing of it is written by hand. The rows come from the source of impl/kernel.
// The cells come from the ledger of faults (conformance/mutants): the cell of a
// function under a column is full only where a fault of that very function names a
// check of that column, by which it must be killed. So a check that cannot fail
// fills no cell.
//
// A cell can be not applicable: then exceptions.txt gives the reason, and it is
// counted. Any other empty cell is a problem, and so is a link that leads nowhere:
// a clause that spec/ does not define, a test or a declaration that is not there, an
// exception for a cell that is full.
//
// What runs of the faults have shown is beside that: a mutant is "killed" where a
// run over this content of the checkout has shown it, and "not run" where none has
// (omega-check verify --mutants).
//
// # Output
//
// The table as text, as JSON and as one HTML page, which can be opened from disk
// and leads into the sources:
//
//	go run ./conformance/ledger/generate FOLDER
package ledger

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/conformance/mutants"
)

// Column is one way in which a function is held in place by checks.
type Column string

// The columns that checks fill.
const (
	Theorem  Column = "theorem"
	Action   Column = "action"
	Property Column = "property"
	Linear   Column = "linear"
	Corpus   Column = "corpus"
)

// Columns are all of them, in their order.
var Columns = []Column{Theorem, Action, Property, Linear, Corpus}

// Table is the whole ledger.
type Table struct {
	Rows     []Row
	Counts   Counts
	Problems []string // what is red, a line each
}

// Counts are what the table adds up to.
type Counts struct {
	Functions     int
	Clauses       int // named in the rows, each once
	Cells         int // of the columns that checks fill
	Full          int
	NotApplicable int
	Empty         int
	Faults        int // of kernel functions
	Killed        int // of them, in a run over this content
}

// Row is one function.
type Row struct {
	Function string // package.Function or package.Type.Method
	File     string // relative to the checkout
	Line     int
	Clauses  []Link
	Links    []Link // to what else is known by the function's name: in formal/ and in the models
	Cells    map[Column]*Cell
	Faults   int
	Killed   int
}

// Link leads to a place in the checkout.
type Link struct {
	Name string
	File string
	Line int // 0: the file
}

// Cell is what one column has of one function.
type Cell struct {
	Evidence []Evidence // full
	Reason   string     // not applicable, and why
}

// Evidence is a check, and a fault of the function that the check must catch.
type Evidence struct {
	Check mutants.Check
	Place Link // of the check
	Fault string
	At    Link   // of the fault
	Shown string // "killed", "not run", or "survived"
}

// State says in a word what a cell is.
func (c *Cell) State() string {
	switch {
	case len(c.Evidence) > 0:
		return "full"
	case c.Reason != "":
		return "n/a"
	}
	return "empty"
}

// Build makes the table of the checkout root. shown is what runs have shown, by the
// hash of the fault (mutants.Shown). What is red stands in Problems; an error
// means that there is no table.
func Build(ctx context.Context, root string, shown map[string]mutants.Result) (*Table, error) {
	functions, err := readFunctions(root)
	if err != nil {
		return nil, err
	}
	faults, err := mutants.Load(root)
	if err != nil {
		return nil, err
	}
	b := &builder{root: root, shown: shown, tests: map[string]map[string]test{}}
	t := &Table{}
	b.problems, err = mutants.Validate(root, faults)
	if err != nil {
		return nil, err
	}
	if err := b.read(); err != nil {
		return nil, err
	}
	for _, f := range functions {
		t.Rows = append(t.Rows, b.row(f, faults))
	}
	b.spare()
	t.Problems = b.problems
	t.count()
	return t, nil
}

// builder holds what is read while a table is made.
type builder struct {
	root       string
	shown      map[string]mutants.Result
	clauses    map[string]Link
	formal     map[string][]Link // by function
	exceptions []exception
	tests      map[string]map[string]test // by folder and name
	problems   []string
}

func (b *builder) problem(format string, args ...any) {
	b.problems = append(b.problems, fmt.Sprintf(format, args...))
}

func (b *builder) read() (err error) {
	if b.clauses, err = readClauses(b.root); err != nil {
		return err
	}
	if b.formal, err = readFormal(b.root); err != nil {
		return err
	}
	b.exceptions, err = readExceptions(filepath.Join(b.root, filepath.FromSlash(exceptionsFile)))
	return err
}

func (b *builder) row(f function, faults []*mutants.Fault) Row {
	r := Row{Function: f.name, File: f.file, Line: f.line, Cells: map[Column]*Cell{}, Links: b.links(f.name)}
	for _, c := range Columns {
		r.Cells[c] = &Cell{}
	}
	b.addClauses(&r, f)
	for _, fault := range faults {
		if fault.Of == f.name {
			b.addFault(&r, fault)
		}
	}
	for _, c := range Columns {
		b.except(&r, c)
	}
	if r.Faults == 0 && !b.excepted(f.name) {
		b.problem("%s:%d: %s has no fault in %s", f.file, f.line, f.name, mutants.Folder)
	}
	return r
}

// links returns what is known of a function outside of the kernel: under its name,
// under that of its type, and, in formal/, under the name of the method alone.
func (b *builder) links(name string) []Link {
	links := slices.Clone(b.formal[name])
	parts := strings.Split(name, ".")
	if len(parts) == 3 {
		links = append(links, b.formal[parts[0]+"."+parts[2]]...)
		links = append(links, b.formal[parts[0]+"."+parts[1]]...)
	}
	return links
}

// addClauses links the clauses of the docstring.
func (b *builder) addClauses(r *Row, f function) {
	for _, id := range f.clauses {
		link, ok := b.clauses[id]
		if !ok {
			b.problem("%s:%d: %s names %s, which is no clause of spec/", f.file, f.line, f.name, id)
			continue
		}
		r.Clauses = append(r.Clauses, link)
	}
	if len(r.Clauses) == 0 && !f.text {
		b.problem("%s:%d: %s names no clause", f.file, f.line, f.name)
	}
}

// addFault puts each check of a fault into its column.
func (b *builder) addFault(r *Row, fault *mutants.Fault) {
	r.Faults++
	shown := "not run"
	if res, ok := b.shown[fault.Hash()]; ok {
		shown = "survived"
		if res.Killed() {
			shown = "killed"
			r.Killed++
		}
	}
	file, line := splitPlace(fault.At)
	for _, check := range fault.Checks {
		t, err := b.test(check)
		if err != nil {
			b.problem("%s: %v", fault.At, err)
			continue
		}
		for _, c := range b.columns(r.Function, check, t) {
			r.Cells[c].Evidence = append(r.Cells[c].Evidence, Evidence{
				Check: check, Place: Link{check.What, t.file, t.line},
				Fault: fault.ID, At: Link{fault.ID, file, line}, Shown: shown,
			})
		}
	}
}

// columns returns those that a check of the function fills.
func (b *builder) columns(function string, check mutants.Check, t test) []Column {
	own := "impl/kernel/" + function[:strings.Index(function, ".")]
	switch check.Where {
	case own:
		if t.draws {
			return []Column{Property}
		}
	case "conformance/vectors":
		return []Column{Theorem}
	case "conformance/replay":
		return []Column{Action, Corpus}
	case "conformance/linear":
		_, subtest, within := strings.Cut(check.What, "/")
		if !within || subtest == function { // without a subtest it is that of all functions
			return []Column{Linear}
		}
		b.problem("%s fills no cell of %s: the subtest is of another function", check, function)
	case "conformance/stutter":
		if strings.HasSuffix(check.What, "/"+function) {
			return []Column{Property}
		}
	case "conformance/golden", "conformance/examples":
		return []Column{Corpus}
	}
	return nil
}

// except fills in the reason of a cell that is not applicable, and finds those
// that are empty without one.
func (b *builder) except(r *Row, c Column) {
	cell := r.Cells[c]
	for i := range b.exceptions {
		e := &b.exceptions[i]
		if !e.fits(c, r.Function) {
			continue
		}
		if len(cell.Evidence) > 0 {
			continue // the pattern is for others
		}
		e.used = true
		cell.Reason = e.reason
		return
	}
	if len(cell.Evidence) == 0 {
		b.problem("%s:%d: %s: the cell %s is empty", r.File, r.Line, r.Function, c)
	}
}

// excepted reports whether all columns of the function are.
func (b *builder) excepted(function string) bool {
	return !slices.ContainsFunc(Columns, func(c Column) bool {
		return !slices.ContainsFunc(b.exceptions, func(e exception) bool { return e.fits(c, function) })
	})
}

// spare finds exceptions that nothing needs.
func (b *builder) spare() {
	for _, e := range b.exceptions {
		if !e.used {
			b.problem("%s: nothing needs the exception %s %s", e.at, e.columns, e.pattern)
		}
	}
}

func (t *Table) count() {
	clauses := map[Link]bool{}
	for _, r := range t.Rows {
		t.Counts.Functions++
		t.Counts.Faults += r.Faults
		t.Counts.Killed += r.Killed
		for _, c := range r.Clauses {
			clauses[c] = true
		}
		for _, c := range Columns {
			t.Counts.Cells++
			switch r.Cells[c].State() {
			case "full":
				t.Counts.Full++
			case "n/a":
				t.Counts.NotApplicable++
			default:
				t.Counts.Empty++
			}
		}
	}
	t.Counts.Clauses = len(clauses)
	slices.SortFunc(t.Rows, func(a, b Row) int { return cmp.Compare(a.Function, b.Function) })
}
