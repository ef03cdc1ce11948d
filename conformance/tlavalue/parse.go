package tlavalue

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The bounds of what Parse takes: far above what a model that can be explored
// holds.
const (
	MaxDepth  = 64      // values within one another
	MaxValues = 1 << 20 // values in one text, intervals written out
)

// Error says where a text is no value: at Offset, in bytes, there is Got where
// Want should be.
type Error struct {
	Offset    int
	Got, Want string
}

func (e *Error) Error() string {
	return fmt.Sprintf("offset %d: got %s, want %s", e.Offset, e.Got, e.Want)
}

// Variable is a variable of a state and what it holds.
type Variable struct {
	Name  string
	Value Value
}

// Parse returns the value that the whole of text is, or an *Error.
func Parse(text string) (Value, error) {
	p := &parser{text: text}
	v := p.value()
	p.end()
	if p.err != nil {
		return nil, p.err
	}
	return v, nil
}

// ParseState returns the variables of a state in the order in which text gives
// them, as TLC prints states:
//
//	/\ msgs = {}
//	/\ pos = (n1 :> 0 @@ n2 :> 0)
//
// A single variable stands without the /\.
func ParseState(text string) ([]Variable, error) {
	p := &parser{text: text}
	var variables []Variable
	if p.starts(`/\`) {
		for p.err == nil && p.take(`/\`) {
			variables = append(variables, p.variable())
		}
	} else {
		variables = append(variables, p.variable())
	}
	p.end()
	if p.err != nil {
		return nil, p.err
	}
	return variables, nil
}

// parser reads text from at on. After the first error it reads nothing more.
type parser struct {
	text   string
	at     int
	depth  int
	values int
	err    *Error
}

// fail notes the first error, at p.at.
func (p *parser) fail(want string) {
	if p.err != nil {
		return
	}
	got := "the end"
	if p.at < len(p.text) {
		got = strconv.Quote(p.text[p.at:min(len(p.text), p.at+16)])
	}
	p.err = &Error{p.at, got, want}
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// starts tells whether token comes next, after white space.
func (p *parser) starts(token string) bool {
	p.space()
	return strings.HasPrefix(p.text[p.at:], token)
}

// take reads token if it comes next.
func (p *parser) take(token string) bool {
	if p.err != nil || !p.starts(token) {
		return false
	}
	p.at += len(token)
	return true
}

// expect reads token, which must come next.
func (p *parser) expect(token string) {
	if !p.take(token) {
		p.fail(strconv.Quote(token))
	}
}

func (p *parser) end() {
	if p.space(); p.at < len(p.text) {
		p.fail("the end")
	}
}

// count adds n values and refuses too many.
func (p *parser) count(n int) {
	if p.values += n; p.values > MaxValues {
		p.fail(fmt.Sprintf("at most %d values", MaxValues))
	}
}

func (p *parser) variable() Variable {
	name := p.name()
	p.expect("=")
	return Variable{name, p.value()}
}

func (p *parser) name() string {
	p.space()
	start := p.at
	for p.at < len(p.text) && isNameByte(p.text[p.at]) {
		p.at++
	}
	name := p.text[start:p.at]
	if !isName(name) {
		p.at = start
		p.fail("a name")
		return ""
	}
	return name
}

// value reads a value; after an error it returns any.
func (p *parser) value() Value {
	p.space()
	if p.depth++; p.depth > MaxDepth {
		p.fail(fmt.Sprintf("at most %d values within one another", MaxDepth))
	}
	defer func() { p.depth-- }()
	if p.count(1); p.err != nil {
		return Bool(false)
	}
	switch rest := p.text[p.at:]; {
	case strings.HasPrefix(rest, "<<"):
		return Seq(p.list("<<", ">>"))
	case strings.HasPrefix(rest, "{"):
		return p.set()
	case strings.HasPrefix(rest, "["):
		return p.record()
	case strings.HasPrefix(rest, "("):
		return p.function()
	case strings.HasPrefix(rest, `"`):
		return p.string()
	case rest != "" && (rest[0] == '-' || rest[0] >= '0' && rest[0] <= '9'):
		return p.integers()
	}
	return p.word()
}

// word reads a boolean or a model value.
func (p *parser) word() Value {
	start := p.at
	for p.at < len(p.text) && isNameByte(p.text[p.at]) {
		p.at++
	}
	switch word := p.text[start:p.at]; {
	case word == "TRUE" || word == "FALSE":
		return Bool(word == "TRUE")
	case isName(word):
		return Model(word)
	}
	p.at = start
	p.fail("a value")
	return Bool(false)
}

// list reads values with commas between them.
func (p *parser) list(open, end string) []Value {
	p.expect(open)
	values := []Value{}
	if p.take(end) {
		return values
	}
	for p.err == nil {
		values = append(values, p.value())
		if !p.take(",") {
			p.expect(end)
			break
		}
	}
	return values
}

func (p *parser) set() Value {
	start := p.at
	s, ok := NewSet(p.list("{", "}"))
	if !ok {
		p.at = start
		p.fail("each element once")
	}
	return s
}

func (p *parser) record() Value {
	start := p.at
	p.expect("[")
	var pairs []Pair
	for p.err == nil {
		name := p.name()
		p.expect("|->")
		pairs = append(pairs, Pair{String(name), p.value()})
		if !p.take(",") {
			p.expect("]")
			break
		}
	}
	return p.made(start, pairs)
}

func (p *parser) function() Value {
	start := p.at
	p.expect("(")
	var pairs []Pair
	for p.err == nil {
		arg := p.value()
		p.expect(":>")
		pairs = append(pairs, Pair{arg, p.value()})
		if !p.take("@@") {
			p.expect(")")
			break
		}
	}
	return p.made(start, pairs)
}

// made returns the function of pairs, which was read from start on.
func (p *parser) made(start int, pairs []Pair) Value {
	f, ok := NewFunction(pairs)
	if !ok {
		p.at = start
		p.fail("each argument once")
	}
	return f
}

func (p *parser) string() Value {
	start := p.at
	var b []byte
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; c {
		case '"':
			p.at++
			return String(b)
		case '\\':
			p.at++
			if p.at == len(p.text) || escapes[p.text[p.at]] == 0 {
				p.fail(`one of " \ t n f r`)
				return String(b)
			}
			b = append(b, escapes[p.text[p.at]])
		default:
			b = append(b, c)
		}
	}
	p.at = start
	p.fail("a string with its end")
	return String(b)
}

// integers reads an integer, or an interval as a set.
func (p *parser) integers() Value {
	start := p.at
	first := p.integer()
	if !p.take("..") {
		return first
	}
	p.space()
	last := p.integer()
	if p.err != nil || first > last {
		return Set{}
	}
	n := int64(last) - int64(first) + 1
	if n > MaxValues {
		n = MaxValues + 1
	}
	if p.count(int(n)); p.err != nil {
		p.err.Offset = start
		return Set{}
	}
	set := make(Set, n)
	for i := range set {
		set[i] = first + Int(i)
	}
	return set
}

func (p *parser) integer() Int {
	start := p.at
	if p.at < len(p.text) && p.text[p.at] == '-' {
		p.at++
	}
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	n, err := strconv.ParseInt(p.text[start:p.at], 10, 32)
	if err != nil || p.at < len(p.text) && isNameByte(p.text[p.at]) {
		p.at = start
		p.fail(fmt.Sprintf("an integer from %d to %d", math.MinInt32, math.MaxInt32))
	}
	return Int(n)
}
