// Package cloudevents turns CloudEvents 1.0 into causal events, one section a
// source, in a folder as package importer describes it.
//
// # What is read
//
// JSON values with white space between them: objects, each one event, as a line of
// a log of events, and arrays of such objects, the JSON batch format (clause
// IMP-25). An object whose specversion is not "1.0", or that lacks a non-empty id,
// source or type, is left out and noted. null stands for no attribute.
//
// # The event of a CloudEvent
//
// Its identity (IMP-26) is its source and id; the event id is the first 14 bytes of
// SHA-256("omega/import/cloudevents/v1\0" | length of the source in bytes, u32 |
// source | id). The node is the source, the stream is the type. Package graph says
// how these become numbers, and the Lamport time.
//
// The deps (IMP-27) are the event before of the same source, and what the event
// names as its causes. The events of a source go by their time where each of them
// has one, of equal times and else by their place in the inputs: the order of the
// files, then that within a file. A cause is named by an attribute that Options
// name, such as an extension causationid: its value is the id of an event, of the
// same source if that has one, else of the one source that has one. A cause that is
// not in the inputs, or is an id of several other sources, is counted, and no dep.
//
// The value is 0: a CloudEvent has no figure.
//
// The payload (IMP-28) is lines of text, each ended by a line feed:
//
//	id A234-1234-1234
//	type com.example.order.placed
//	time 2018-04-05T17:31:00Z
//	cause B234-1234-1234
//	event 170 2cbaa728fd481284806ea04093790164f5085f7c039b3d2adec47e9ce4cf145d
//
// time stands there if there is one, and a line cause for each attribute that names
// one, in the order of Options. event has the size in bytes and the SHA-256 of the
// object as it stands in the input but for white space between its tokens. That hash
// stands for everything else: the source, which names.tsv has, subject, extensions
// and data. So a payload tells nobody's data, and who has the event can check it.
// Text is escaped as in names.tsv (IMP-3).
//
// Where the times of each source are there and differ, the same events give the same
// bytes, in whatever order and files they come.
package cloudevents

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/importer/graph"
)

// The causes of notes (IMP-16), beside those of package graph.
const (
	NotEvent       = "not-an-event"    // no JSON object
	BadVersion     = "bad-specversion" // the event is left out
	BadID          = "bad-id"          // the event is left out
	BadSource      = "bad-source"      // the event is left out
	BadType        = "bad-type"        // the event is left out
	BadTime        = "bad-time"        // no time of RFC 3339: the event has none
	BadCause       = "bad-cause"       // neither a string nor a number
	MissingCause   = "missing-cause"   // not in the inputs
	AmbiguousCause = "ambiguous-cause" // several other sources have the id
)

// maxSource is how many bytes a source may have, which is held in memory.
const maxSource = 4096

// Options says what to import, and where to.
type Options struct {
	graph.Options
	Causes []string // the attributes that name causes
}

// Import writes the events of the inputs into a new folder: all of it, or on an
// error nothing (IMP-4). It holds, beyond what package graph says, 64 bytes for each
// event, 14 for each cause, and where there are causes 40 more for each event.
// Errors: those of graph.Import.
func Import(ctx context.Context, o Options) (graph.Summary, error) {
	return graph.Import(ctx, o.Options, func(in *importer.Inputs, g *graph.Graph) error {
		r := &reader{in: in, g: g, names: o.Causes, named: make([][]byte, len(o.Causes))}
		for i := range in.Len() {
			if err := g.JSON(i, r.value); err != nil {
				return err
			}
		}
		r.linkSources()
		r.linkCauses()
		return nil
	})
}

// entry is what is held of an event beside the graph.
type entry struct {
	source int32 // the writer
	timed  bool
	nanos  int32
	second int64
	id     graph.ID // of the id alone
	causes part
}

type part struct {
	start int
	n     int32
}

// linkSources links each event to the one before of its source (IMP-27).
func (r *reader) linkSources() {
	untimed := make(map[int32]bool) // sources with an event without a time
	order := make([]int32, len(r.entries))
	for i := range r.entries {
		order[i] = int32(i)
		if !r.entries[i].timed {
			untimed[r.entries[i].source] = true
		}
	}
	slices.SortFunc(order, func(i, j int32) int {
		a, b := &r.entries[i], &r.entries[j]
		if c := cmp.Compare(a.source, b.source); c != 0 {
			return c
		}
		if !untimed[a.source] {
			if c := cmp.Or(cmp.Compare(a.second, b.second), cmp.Compare(a.nanos, b.nanos)); c != 0 {
				return c
			}
		}
		return r.g.At(i).Compare(r.g.At(j))
	})
	for at, i := range order {
		if at > 0 && r.entries[order[at-1]].source == r.entries[i].source {
			r.g.Link(i, order[at-1])
		}
	}
}

// several stands for the event of an id that more than one source has.
const several = -1

// linkCauses links each event to the causes that it names (IMP-27).
func (r *reader) linkCauses() {
	if len(r.causes) == 0 {
		return
	}
	byID := make(map[graph.ID]int32, len(r.entries))
	for i := range r.entries {
		id := r.entries[i].id
		if _, taken := byID[id]; taken {
			byID[id] = several
		} else {
			byID[id] = int32(i)
		}
	}
	for i := range r.entries {
		e := &r.entries[i]
		for _, c := range r.causes[e.causes.start : e.causes.start+int(e.causes.n)] {
			j, found := r.g.Lookup(c.own)
			if !found {
				j, found = byID[c.id]
			}
			switch {
			case !found:
				r.in.Note(MissingCause, r.g.At(int32(i)), func() string { return "the event's cause is in none of the inputs" })
			case j == several:
				r.in.Note(AmbiguousCause, r.g.At(int32(i)), func() string { return "the event's cause is an id of several sources, and not of its own" })
			default:
				r.g.Link(int32(i), j)
			}
		}
	}
}

// identity returns the event id of a CloudEvent (IMP-26).
func identity(source, id []byte) graph.ID {
	b := append([]byte("omega/import/cloudevents/v1\x00"), binary.BigEndian.AppendUint32(nil, uint32(len(source)))...)
	sum := sha256.Sum256(append(append(b, source...), id...))
	return graph.ID(sum[:])
}

// anySource returns what stands for an id, whatever its source.
func anySource(id []byte) graph.ID {
	sum := sha256.Sum256(id)
	return graph.ID(sum[:])
}

// timeOf reads a time of RFC 3339.
func timeOf(text []byte) (t time.Time, err error) {
	if t, err = time.Parse(time.RFC3339Nano, string(text)); err != nil {
		return t, fmt.Errorf("%q is no time of RFC 3339", text[:min(len(text), 64)])
	}
	return t, nil
}
