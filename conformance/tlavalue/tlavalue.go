// Package tlavalue reads the values that TLC prints, and writes them in one
// canonical form.
//
// A value is a boolean, an integer, a string, a model value, a set, a sequence, a
// record or a function:
//
//	TRUE   -3   "text"   n1   {1, 2}   <<1, "a">>   [at |-> 1, from |-> n1]   (n1 :> 0 @@ n2 :> 1)
//
// TLC writes one value in several ways: a set in any order, or as an interval
// such as 1..3, a record's fields in any order. Parse takes them all, and values that are
// equal in TLA+ come out equal: sets and the arguments of functions are sorted,
// intervals written out, a function on 1..n is a sequence, and one on names is a
// record. String gives the canonical text, on one line; Parse reads it back.
//
// A set that TLC left unevaluated, such as SUBSET {1, 2}, is refused.
package tlavalue

import (
	"cmp"
	"embed"
	"slices"
	"strconv"
	"strings"
)

// Sources is this package, to name what a remembered result depends on.
//
//go:embed *.go
var Sources embed.FS

// Value is a TLA+ value: Bool, Int, String, Model, Set, Seq, Record or Function.
type Value interface {
	String() string
	rank() int // the kind's place in the order of Compare
	appendTo(b []byte) []byte
}

// The values without parts. Model is a model value: equal to itself alone.
type (
	Bool   bool
	Int    int32
	String string
	Model  string
)

// Set holds its elements in the order of Compare, each once. Make one by NewSet.
type Set []Value

// Seq is a sequence; <<>> is also the empty function.
type Seq []Value

// Field is a record's field.
type Field struct {
	Name  string
	Value Value
}

// Record holds its fields in the order of their names, at least one.
type Record []Field

// Pair is what a function gives for one argument.
type Pair struct{ Arg, Value Value }

// Function holds its pairs in the order of their arguments, at least one. Its
// arguments are neither 1..n nor names alone: see Seq and Record.
type Function []Pair

// NewSet returns the set of elements, which it sorts, or false where one occurs
// twice.
func NewSet(elements []Value) (Set, bool) {
	slices.SortFunc(elements, Compare)
	for i := 1; i < len(elements); i++ {
		if Compare(elements[i-1], elements[i]) == 0 {
			return nil, false
		}
	}
	return elements, true
}

// NewFunction returns the function of pairs, which it sorts, as a Function, a Seq
// or a Record, or false where an argument occurs twice.
func NewFunction(pairs []Pair) (Value, bool) {
	slices.SortFunc(pairs, func(a, b Pair) int { return Compare(a.Arg, b.Arg) })
	sequence, names := true, true
	for i, p := range pairs {
		if i > 0 && Compare(pairs[i-1].Arg, p.Arg) == 0 {
			return nil, false
		}
		sequence = sequence && p.Arg == Value(Int(i+1))
		s, isString := p.Arg.(String)
		names = names && isString && isName(string(s))
	}
	switch {
	case sequence:
		seq := make(Seq, len(pairs))
		for i, p := range pairs {
			seq[i] = p.Value
		}
		return seq, true
	case names:
		record := make(Record, len(pairs))
		for i, p := range pairs {
			record[i] = Field{string(p.Arg.(String)), p.Value}
		}
		return record, true
	}
	return Function(pairs), true
}

// isName tells what can name a field, a model value or a variable.
func isName(s string) bool {
	if s == "" || s == "TRUE" || s == "FALSE" || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	for i := range len(s) {
		if !isNameByte(s[i]) {
			return false
		}
	}
	return true
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// Get returns the field called name.
func (v Record) Get(name string) (Value, bool) {
	i, ok := slices.BinarySearchFunc(v, name, func(f Field, name string) int { return cmp.Compare(f.Name, name) })
	if !ok {
		return nil, false
	}
	return v[i].Value, true
}

// Get returns what the function gives for arg.
func (v Function) Get(arg Value) (Value, bool) {
	i, ok := slices.BinarySearchFunc(v, arg, func(p Pair, arg Value) int { return Compare(p.Arg, arg) })
	if !ok {
		return nil, false
	}
	return v[i].Value, true
}

// Has tells whether the set holds element.
func (v Set) Has(element Value) bool {
	_, ok := slices.BinarySearchFunc(v, element, Compare)
	return ok
}

func (Bool) rank() int     { return 0 }
func (Int) rank() int      { return 1 }
func (String) rank() int   { return 2 }
func (Model) rank() int    { return 3 }
func (Set) rank() int      { return 4 }
func (Seq) rank() int      { return 5 }
func (Record) rank() int   { return 6 }
func (Function) rank() int { return 7 }

// Compare orders values: by kind as they are listed above, then by content, FALSE
// first and names by their bytes. It returns 0 for equal values alone.
func Compare(a, b Value) int {
	if d := cmp.Compare(a.rank(), b.rank()); d != 0 {
		return d
	}
	switch a := a.(type) {
	case Bool:
		return strings.Compare(a.String(), b.String())
	case Int:
		return cmp.Compare(a, b.(Int))
	case String:
		return cmp.Compare(a, b.(String))
	case Model:
		return cmp.Compare(a, b.(Model))
	case Set:
		return slices.CompareFunc(a, b.(Set), Compare)
	case Seq:
		return slices.CompareFunc(a, b.(Seq), Compare)
	case Record:
		return slices.CompareFunc(a, b.(Record), func(f, g Field) int {
			return cmp.Or(cmp.Compare(f.Name, g.Name), Compare(f.Value, g.Value))
		})
	default:
		return slices.CompareFunc(a.(Function), b.(Function), func(p, q Pair) int {
			return cmp.Or(Compare(p.Arg, q.Arg), Compare(p.Value, q.Value))
		})
	}
}

func (v Bool) String() string     { return string(v.appendTo(nil)) }
func (v Int) String() string      { return string(v.appendTo(nil)) }
func (v String) String() string   { return string(v.appendTo(nil)) }
func (v Model) String() string    { return string(v) }
func (v Set) String() string      { return string(v.appendTo(nil)) }
func (v Seq) String() string      { return string(v.appendTo(nil)) }
func (v Record) String() string   { return string(v.appendTo(nil)) }
func (v Function) String() string { return string(v.appendTo(nil)) }

func (v Bool) appendTo(b []byte) []byte {
	if v {
		return append(b, "TRUE"...)
	}
	return append(b, "FALSE"...)
}

func (v Int) appendTo(b []byte) []byte { return strconv.AppendInt(b, int64(v), 10) }

// escapes are TLA+'s escapes within strings.
var escapes = map[byte]byte{'"': '"', '\\': '\\', 't': '\t', 'n': '\n', 'f': '\f', 'r': '\r'}

func (v String) appendTo(b []byte) []byte {
	b = append(b, '"')
	for i := range len(v) {
		b = appendEscaped(b, v[i])
	}
	return append(b, '"')
}

func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\t':
		return append(b, `\t`...)
	case '\n':
		return append(b, `\n`...)
	case '\f':
		return append(b, `\f`...)
	case '\r':
		return append(b, `\r`...)
	}
	return append(b, c)
}

func (v Model) appendTo(b []byte) []byte { return append(b, v...) }

func (v Set) appendTo(b []byte) []byte { return appendList(b, "{", v, "}") }

func (v Seq) appendTo(b []byte) []byte { return appendList(b, "<<", v, ">>") }

func appendList(b []byte, open string, values []Value, end string) []byte {
	b = append(b, open...)
	for i, e := range values {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = e.appendTo(b)
	}
	return append(b, end...)
}

func (v Record) appendTo(b []byte) []byte {
	b = append(b, '[')
	for i, f := range v {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(append(b, f.Name...), " |-> "...)
		b = f.Value.appendTo(b)
	}
	return append(b, ']')
}

func (v Function) appendTo(b []byte) []byte {
	b = append(b, '(')
	for i, p := range v {
		if i > 0 {
			b = append(b, " @@ "...)
		}
		b = append(p.Arg.appendTo(b), " :> "...)
		b = p.Value.appendTo(b)
	}
	return append(b, ')')
}
