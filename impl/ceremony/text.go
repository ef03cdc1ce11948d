package ceremony

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// lines reads a file line by line. After the first that is wrong, err is set, and
// every further read gives nothing.
type lines struct {
	rest   []string
	number int // of the line read last
	err    error
}

// open begins to read a text whose first line is mark.
func open(text []byte, mark string) *lines {
	l := &lines{}
	if len(text) > MaxFile {
		l.err = refuse(ErrTooLarge, "got over %d bytes, at most %d", MaxFile, MaxFile)
		return l
	}
	l.rest = strings.SplitAfter(string(text), "\n")
	if got := l.line(); l.err == nil && got != mark {
		l.fail("got %.40q, want %q", got, mark)
	}
	return l
}

func (l *lines) fail(format string, args ...any) {
	if l.err == nil {
		l.err = &Error{Line: l.number, Err: fmt.Errorf("%w: %w", ErrForm, fmt.Errorf(format, args...))}
	}
}

// line returns the next line without its end.
func (l *lines) line() string {
	if l.err != nil {
		return ""
	}
	l.number++
	if len(l.rest) == 0 || !strings.HasSuffix(l.rest[0], "\n") {
		l.fail("the file ends before the line does")
		return ""
	}
	line := l.rest[0]
	l.rest = l.rest[1:]
	return line[:len(line)-1]
}

// has reports whether the next line is of the field.
func (l *lines) has(field string) bool {
	return l.err == nil && len(l.rest) > 0 && strings.HasPrefix(l.rest[0], field+" ")
}

// field returns the value on the next line, which begins with the field's name.
func (l *lines) field(name string) string {
	line := l.line()
	value, ok := strings.CutPrefix(line, name+" ")
	if !ok {
		l.fail("got %.40q, want %q and a value", line, name)
	}
	return value
}

// fixed fills b from the hex digits on the line of a field.
func (l *lines) fixed(name string, b []byte) { l.digits(l.field(name), b) }

func (l *lines) digits(text string, b []byte) {
	if len(text) != 2*len(b) {
		l.fail("got %d hex digits, want %d", len(text), 2*len(b))
		return
	}
	if _, err := hex.Decode(b, []byte(text)); err != nil {
		l.fail("got %q, want hex digits", text)
	}
}

func (l *lines) hash(name string) (h cert.Hash) {
	l.fixed(name, h[:])
	return h
}

func (l *lines) number64(text string, bits int) uint64 {
	n, err := strconv.ParseUint(text, 10, bits)
	if err != nil {
		l.fail("got %.40q, want a number below 2^%d", text, bits)
	}
	return n
}

// roster reads a roster that goes on to the end of the file (IDN-4).
func (l *lines) roster() cert.Roster {
	if l.err != nil {
		return nil
	}
	r, err := identity.ParseRoster([]byte(strings.Join(l.rest, "")))
	var bad *identity.RosterError
	if errors.As(err, &bad) {
		line := 0
		if bad.Line > 0 {
			line = l.number + bad.Line
		}
		l.err = &Error{Line: line, Err: fmt.Errorf("%w: %w", ErrForm, bad.Err)}
	}
	l.rest = nil
	return r
}

// end returns the first error; a further line is one, and so is any other spelling
// than again, which is what was read as it is written.
func (l *lines) end(text, again []byte) error {
	if l.err == nil && len(strings.Join(l.rest, "")) > 0 {
		l.number++
		l.fail("got %.40q, want the end of the file", l.rest[0])
	}
	if l.err != nil || bytes.Equal(text, again) {
		return l.err
	}
	got, want := bytes.SplitAfter(text, []byte("\n")), bytes.SplitAfter(again, []byte("\n"))
	at := 0
	for at < min(len(got), len(want))-1 && bytes.Equal(got[at], want[at]) {
		at++
	}
	l.number = at + 1
	l.fail("got %.80q, want %.80q", got[at], want[at])
	return l.err
}

// nodeList is node ids as a roster file writes them (IDN-4).
func nodeList(nodes []uint32) string {
	if len(nodes) == 0 {
		return "-"
	}
	texts := make([]string, len(nodes))
	for i, n := range nodes {
		texts[i] = strconv.FormatUint(uint64(n), 10)
	}
	return strings.Join(texts, ",")
}

func (l *lines) nodes(name string) (nodes []uint32) {
	text := l.field(name)
	if text == "-" || l.err != nil {
		return nil
	}
	for _, n := range strings.Split(text, ",") {
		nodes = append(nodes, uint32(l.number64(n, 32)))
	}
	return nodes
}
