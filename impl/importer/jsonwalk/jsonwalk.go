// Package jsonwalk reads JSON in place: a check first, which takes a value of RFC
// 8259 or says where it is none, then a walk over the value, in which nothing can
// go wrong and nothing is kept.
//
// Next finds the next value of a file of values, one a line or with any white
// space between them. A Cursor then walks through it: its methods Members and
// Elements run over what an object or an array holds, and inside the loop the
// same cursor stands at the member's or element's value. What the loop does not
// read is skipped, and so is a value that is of another type than is asked for.
//
//	for name := range c.Members() {
//		switch string(name) {
//		case "id":
//			id, ok = c.Text()
//		case "tags":
//			for range c.Elements() {
//				...
//			}
//		}
//	}
//
// Of members with one name all are seen, in their order. Bytes that are no UTF-8
// are taken as they are, and half of a surrogate pair is U+FFFD. Values nest at
// most MaxDepth deep.
package jsonwalk

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may nest.
const MaxDepth = 500

// SyntaxError says where bytes are no JSON.
type SyntaxError struct {
	Offset  int // of the first byte that does not fit, from the start of the bytes
	Message string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("no JSON at offset %d: %s", e.Offset, e.Message)
}

// Next checks the value that begins at b[at:], white space aside, and returns
// where it starts and ends. It returns io.EOF where only white space is left, and
// on a *SyntaxError where the value that fails begins.
func Next(b []byte, at int) (start, end int, err error) {
	start = space(b, at)
	if start == len(b) {
		return start, start, io.EOF
	}
	s := scanner{b: b, at: start}
	if !s.value(0) {
		return start, s.at, &SyntaxError{s.at, s.complaint()}
	}
	return start, s.at, nil
}

// scanner checks values. Where a method returns false, at is the byte that does
// not fit.
type scanner struct {
	b      []byte
	at     int
	reason string // set where the byte alone does not tell
}

func (s *scanner) complaint() string {
	switch {
	case s.reason != "":
		return s.reason
	case s.at >= len(s.b):
		return "the file ends within a value"
	}
	return fmt.Sprintf("unexpected %q", s.b[s.at])
}

func space(b []byte, at int) int {
	for at < len(b) && (b[at] == ' ' || b[at] == '\n' || b[at] == '\t' || b[at] == '\r') {
		at++
	}
	return at
}

func (s *scanner) value(depth int) bool {
	if s.at >= len(s.b) {
		return false
	}
	switch c := s.b[s.at]; {
	case c == '{' || c == '[':
		if depth == MaxDepth {
			s.reason = fmt.Sprintf("nested more than %d deep", MaxDepth)
			return false
		}
		s.at++
		return s.container(c, depth+1)
	case c == '"':
		return s.text()
	case c == '-' || isDigit(c):
		return s.number()
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	}
	return false
}

// container checks an object or array behind its opening bracket.
func (s *scanner) container(open byte, depth int) bool {
	s.at = space(s.b, s.at)
	if s.is(open + 2) { // in ASCII ] is [ + 2, and } is { + 2
		return true
	}
	for {
		if open == '{' && !s.name() {
			return false
		}
		s.at = space(s.b, s.at)
		if !s.value(depth) {
			return false
		}
		s.at = space(s.b, s.at)
		if s.is(open + 2) {
			return true
		}
		if !s.is(',') {
			return false
		}
		s.at = space(s.b, s.at)
	}
}

// name checks a member's name and the colon behind it.
func (s *scanner) name() bool {
	if s.at >= len(s.b) || s.b[s.at] != '"' || !s.text() {
		return false
	}
	s.at = space(s.b, s.at)
	return s.is(':')
}

// is takes the byte c if it is there.
func (s *scanner) is(c byte) bool {
	if s.at >= len(s.b) || s.b[s.at] != c {
		return false
	}
	s.at++
	return true
}

func (s *scanner) word(w string) bool {
	for i := range len(w) {
		if !s.is(w[i]) {
			return false
		}
	}
	return true
}

func (s *scanner) text() bool {
	for s.at++; s.at < len(s.b); s.at++ {
		switch c := s.b[s.at]; {
		case c == '"':
			s.at++
			return true
		case c < 0x20:
			return false
		case c == '\\':
			s.at++
			if !s.escape() {
				return false
			}
		}
	}
	return false
}

// escape checks what stands behind a backslash, and ends on its last byte.
func (s *scanner) escape() bool {
	if s.at >= len(s.b) {
		return false
	}
	switch s.b[s.at] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			s.at++
			if s.at >= len(s.b) || !isHex(s.b[s.at]) {
				return false
			}
		}
		return true
	}
	return false
}

func (s *scanner) number() bool {
	s.is('-')
	if !s.is('0') && !s.digits() {
		return false
	}
	if s.is('.') && !s.digits() {
		return false
	}
	if s.is('e') || s.is('E') {
		if !s.is('+') {
			s.is('-')
		}
		return s.digits()
	}
	return true
}

// digits takes one digit or more.
func (s *scanner) digits() bool {
	from := s.at
	for s.at < len(s.b) && isDigit(s.b[s.at]) {
		s.at++
	}
	return s.at > from
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// Cursor walks through a value that Next has taken.
type Cursor struct {
	b  []byte
	at int
}

// At returns a cursor at the value that starts at b[at].
func At(b []byte, at int) *Cursor { return &Cursor{b, at} }

// Offset returns where the cursor stands, in bytes from the start.
func (c *Cursor) Offset() int { return c.at }

// Members runs over the names of an object's members, without quotes and escapes.
// A name is good until the next. Over another value it does nothing.
func (c *Cursor) Members() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		c.run('{', func() bool {
			name, _ := c.Text()
			c.at = space(c.b, space(c.b, c.at)+1) // the colon
			from := c.at
			more := yield(name)
			if c.at == from {
				c.Skip()
			}
			return more
		})
	}
}

// Elements runs over the elements of an array, as Members does over members.
func (c *Cursor) Elements() iter.Seq[struct{}] {
	return func(yield func(struct{}) bool) {
		c.run('[', func() bool {
			from := c.at
			more := yield(struct{}{})
			if c.at == from {
				c.Skip()
			}
			return more
		})
	}
}

// run calls each for all that a container holds, and stands behind it in the end.
func (c *Cursor) run(open byte, each func() bool) {
	if c.b[c.at] != open {
		return
	}
	start := c.at
	c.at = space(c.b, c.at+1)
	for c.b[c.at] != open+2 {
		if !each() {
			c.at = start
			c.Skip()
			return
		}
		c.at = space(c.b, c.at)
		if c.b[c.at] == ',' {
			c.at = space(c.b, c.at+1)
		}
	}
	c.at++
}

// Text reads a string: without an escape in place. ok is false over another
// value, which stays to be read.
func (c *Cursor) Text() (text []byte, ok bool) {
	if c.b[c.at] != '"' {
		return nil, false
	}
	from := c.at + 1
	c.skipText()
	text = c.b[from : c.at-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		text = unescape(text)
	}
	return text, true
}

// Number reads a number, or a string, as it stands: how 64-bit integers are often
// written. ok is false over another value, which stays to be read.
func (c *Cursor) Number() (text []byte, ok bool) {
	if d := c.b[c.at]; d == '-' || isDigit(d) {
		return c.Skip(), true
	}
	return c.Text()
}

// Null reads a null. ok is false over another value, which stays to be read.
func (c *Cursor) Null() (ok bool) {
	if c.b[c.at] != 'n' {
		return false
	}
	c.Skip()
	return true
}

// IsObject tells whether the value is an object. It reads nothing.
func (c *Cursor) IsObject() bool { return c.b[c.at] == '{' }

// IsArray tells whether the value is an array. It reads nothing.
func (c *Cursor) IsArray() bool { return c.b[c.at] == '[' }

// Skip passes over the value and returns it as it stands.
func (c *Cursor) Skip() []byte {
	from := c.at
	switch c.b[c.at] {
	case '"':
		c.skipText()
	case '{', '[':
		c.skipContainer()
	default: // a number or a word ends before what cannot be in one
		for c.at < len(c.b) && bytes.IndexByte([]byte(" \n\r\t,]}"), c.b[c.at]) < 0 {
			c.at++
		}
	}
	return c.b[from:c.at]
}

func (c *Cursor) skipText() {
	for c.at++; c.b[c.at] != '"'; c.at++ {
		if c.b[c.at] == '\\' {
			c.at++
		}
	}
	c.at++
}

func (c *Cursor) skipContainer() {
	for depth := 0; ; {
		switch c.b[c.at] {
		case '"':
			c.skipText()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		c.at++
		if depth == 0 {
			return
		}
	}
}

// AppendCompact appends a value to b without the white space between its tokens.
func AppendCompact(b, value []byte) []byte {
	c := Cursor{b: value}
	for c.at < len(value) {
		switch value[c.at] {
		case ' ', '\n', '\r', '\t':
			c.at++
		case '"':
			from := c.at
			c.skipText()
			b = append(b, value[from:c.at]...)
		default:
			b = append(b, value[c.at])
			c.at++
		}
	}
	return b
}

var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape returns what a string's text stands for.
func unescape(text []byte) []byte {
	b := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b = append(b, text[i])
			continue
		}
		i++
		if text[i] != 'u' {
			b = append(b, escapes[text[i]])
			continue
		}
		r := unit(text[i+1:])
		i += 4
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if i+6 < len(text) && text[i+1] == '\\' && text[i+2] == 'u' {
				low = unit(text[i+3:])
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				i += 6
			}
		}
		b = utf8.AppendRune(b, r)
	}
	return b
}

// unit reads four hex digits.
func unit(digits []byte) rune {
	n, _ := strconv.ParseUint(string(digits[:4]), 16, 16)
	return rune(n)
}
