// Package shiviz turns logs with vector clocks, as ShiViz shows them and GoVector
// writes them, into causal events, one section a host, in a folder as package
// importer describes it.
//
// # What is read
//
// A log is text in which a regular expression in Go's syntax (RE2, with multi-line
// ^ and $) finds the events (clause IMP-29), one match after the other, with groups
// named host, clock and event: the host that it happened at; the host's vector
// clock after it, a JSON object with a count for each host; what the log says of it.
// DefaultExpression reads logs of two lines an event:
//
//	order placed
//	web {"web":1}
//	order received
//	billing {"billing":1,"web":1}
//
// Lines that hold no part of a match are counted, empty ones aside. Several inputs
// are one log: GoVector writes one file a process.
//
// # When the clocks are refused
//
// The deps come from the clocks, so a log whose clocks contradict each other is
// refused as a whole, with the line: it has lost events, or holds several runs
// (IMP-30). Of each host the events must count 1, 2, 3 ... without a gap in its own
// clock; its clock must never go back in what it knows of another host; what it
// knows of another host must be in the log; it must know all that an event which it
// knows of knows; and no event may be known before it happened. A clock that is no
// JSON object of whole numbers, or without the host itself, is refused too. A zero
// is as good as nothing. An event that stands in the log twice is one.
//
// # The event
//
// Its identity (IMP-31) is the host and its own count; the event id is the first 14
// bytes of SHA-256("omega/import/shiviz/v1\0" | count u64 | host). The node is the
// host, the stream is 0, the value is 0.
//
// The deps (IMP-32) are the immediate predecessors, exactly: of all events that the
// clock says came before, those that are before no other of them.
//
// The payload (IMP-33) is lines of text, each ended by a line feed:
//
//	host billing
//	clock billing 1
//	clock web 1
//	event 14 07282ac9b0ef12c085e6f2fb6bbc9a97d05cd33308580df29c017014baf11ec4
//
// clock has a host and its count, by host in byte order; event has the size in
// bytes of the group event and its SHA-256, which stands for what the log says. Text
// is escaped as in names.tsv (IMP-3).
//
// The same events give the same bytes, in whatever order and files they come.
package shiviz

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/importer/graph"
)

// DefaultExpression finds events of two lines: what happened, then the host and its
// clock.
const DefaultExpression = `(?<event>.*)\n(?<host>\S*) (?<clock>\{.*\})`

// ErrExpression says that the regular expression is none, or lacks a group.
var ErrExpression = errors.New("bad regular expression")

// Error says why the clocks of a log are refused (IMP-30), and where.
type Error struct {
	Path    string
	Line    int64 // from 1, of the clock
	Offset  int64 // bytes from the start of the file
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: line %d: %s", e.Path, e.Line, e.Message)
}

// NoMatch is the cause of notes about lines that hold no part of an event (IMP-16).
const NoMatch = "no-match"

// maxHost is how many bytes a host's name may have, which is held in memory.
const maxHost = 1024

// Options says what to import, and where to.
type Options struct {
	graph.Options
	Expression string // empty: DefaultExpression
}

// Import writes the events of a log into a new folder: all of it, or on an error
// nothing (IMP-4). It holds, beyond what package graph says, some 200 bytes for each
// event and 8 for each count of its clock. Errors: ErrExpression, *Error, those of
// graph.Import.
func Import(ctx context.Context, o Options) (graph.Summary, error) {
	find, err := compile(o.Expression)
	if err != nil {
		return graph.Summary{}, err
	}
	return graph.Import(ctx, o.Options, func(in *importer.Inputs, g *graph.Graph) error {
		r := &reader{in: in, g: g, find: find, hosts: make(map[string]int32)}
		for i := range in.Len() {
			if err := r.file(i); err != nil {
				return err
			}
		}
		return r.link()
	})
}

// expression is a compiled expression and its groups.
type expression struct {
	*regexp.Regexp
	host, clock, event int
}

func compile(text string) (*expression, error) {
	if text == "" {
		text = DefaultExpression
	}
	re, err := regexp.Compile("(?m)" + text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrExpression, err)
	}
	e := &expression{Regexp: re}
	for _, g := range []struct {
		name  string
		group *int
	}{{"host", &e.host}, {"clock", &e.clock}, {"event", &e.event}} {
		n := 0
		for _, name := range re.SubexpNames() {
			if name == g.name {
				n++
			}
		}
		if n != 1 {
			return nil, fmt.Errorf("%w: it has %d groups (?<%s>...), want one", ErrExpression, n, g.name)
		}
		*g.group = re.SubexpIndex(g.name)
	}
	return e, nil
}

// identity returns the event id of an event of a host (IMP-31).
func identity(host string, count uint32) graph.ID {
	b := binary.BigEndian.AppendUint64([]byte("omega/import/shiviz/v1\x00"), uint64(count))
	sum := sha256.Sum256(append(b, host...))
	return graph.ID(sum[:])
}
