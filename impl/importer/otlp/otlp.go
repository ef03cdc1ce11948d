// Package otlp turns OpenTelemetry traces into causal events, one section a
// service instance, in a folder as package importer describes it.
//
// A trace is a causal history that exists already: a span names its parent and the
// spans it links to. So a span is an event, what wrote it is the node, and its
// parent and links are its deps.
//
// # What is read
//
// OTLP in three forms (clause IMP-20), told by a file's first bytes or by Format:
// JSON, one TracesData or ExportTraceServiceRequest object after the other, as the
// collector's file exporter writes them a line each, or one large one; Delimited,
// the same message in protobuf with a length of four bytes, big-endian, before
// each, as that exporter writes with its format proto; Protobuf, one bare message.
// Ids in JSON are hex, in either case. Enum values may be numbers or names, 64-bit
// integers numbers or strings. What else a message holds is passed over.
//
// A JSON value and a protobuf message are taken whole or, damaged, not at all, and
// noted. Spans come in any order, in any number of files.
//
// # The event of a span
//
// Its identity (IMP-21) is the trace id and the span id; the event id is the first
// 14 bytes of SHA-256("omega/import/otlp/v1\0" | trace id[16] | span id[8]). The
// node is the resource's service.namespace, service.name and service.instance.id
// together; without a service.name it is unknown_service. The stream is the name of
// the instrumentation scope. Package graph says how these become numbers, and the
// Lamport time.
//
// The deps (IMP-22) are the span's parent and the spans it links to, as far as they
// are in the inputs. One that is not is counted, and no dep.
//
// The value (IMP-23) is the span's duration in milliseconds: of the n nanoseconds
// from start to end n/1000 thousandths, rounded half to even, and the nearest i32
// where that is outside of it (some 35 minutes). It is below zero where the end is
// before the start, and 0 where one of them is missing.
//
// The payload (IMP-24) is lines of text, each ended by a line feed:
//
//	trace 5b8efff798038103d269b633813fc60c
//	span eee19b7ec3c1b174
//	parent eee19b7ec3c1b173
//	link 0102030405060708090a0b0c0d0e0f10 1112131415161718
//	scope io.opentelemetry.http
//	name GET /cart
//	kind server
//	status error
//	start 1700000000000000000
//	end 1700000000012345678
//
// Without a parent, links, scope or name these lines are missing. kind is
// unspecified, internal, server, client, producer or consumer, status unset, ok or
// error, each a number where it is none of these; start and end are nanoseconds
// since 1970, or - where missing. Text is escaped as in names.tsv (IMP-3). No
// attribute, no span event, no status message and no trace state is in it: they may
// hold anybody's data, and a certified chain cannot forget.
//
// The same spans give the same bytes, in whatever form, order and files they come.
package otlp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/importer/graph"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
)

// Format is the form of the inputs (IMP-20).
type Format string

// The forms.
const (
	Auto      Format = ""          // told by each file's first bytes
	JSON      Format = "json"      // JSON values
	Delimited Format = "delimited" // protobuf messages, each behind its length in four bytes
	Protobuf  Format = "protobuf"  // one protobuf message
)

// ErrFormat says that a file's first bytes are those of none of the forms.
var ErrFormat = errors.New("the file is neither OTLP in JSON nor in protobuf, as far as its first bytes tell")

// The causes of notes (IMP-16), beside those of package graph.
const (
	BadProtobuf   = "bad-protobuf"      // a message that cannot be read, or is cut off
	NotTraces     = "not-traces"        // a JSON value that holds no traces
	BadStructure  = "bad-structure"     // a JSON value of the wrong type
	NoService     = "no-service-name"   // a resource without service.name
	BadTraceID    = "bad-trace-id"      // the span is left out
	BadSpanID     = "bad-span-id"       // the span is left out
	BadParentID   = "bad-parent-id"     // the span has no parent
	BadLinkID     = "bad-link-id"       // the span lacks the link
	MissingParent = "missing-parent"    // not in the inputs
	MissingLink   = "missing-link"      // not in the inputs
	TooManyLinks  = "too-many-links"    // those beyond the most deps that an event can have are left out
	BadTime       = "bad-time"          // no number
	EndsTooSoon   = "ends-before-start" // the value is below zero
)

// maxLinks leaves room for the parent among an event's deps.
const maxLinks = event.MaxDeps - 1

// unknownService is what OpenTelemetry calls a service without a name.
const unknownService = "unknown_service"

// Options says what to import, and where to.
type Options struct {
	graph.Options
	Format Format
}

// Import writes the spans of the inputs into a new folder: all of it, or on an error
// nothing (IMP-4). It holds what package graph says for each event and 15 bytes for
// each parent and link. Errors: ErrFormat, those of graph.Import.
func Import(ctx context.Context, o Options) (graph.Summary, error) {
	return graph.Import(ctx, o.Options, func(in *importer.Inputs, g *graph.Graph) error {
		r := &reader{in: in, g: g}
		for i := range in.Len() {
			if err := r.file(i, o.Format); err != nil {
				return err
			}
		}
		r.link()
		return nil
	})
}

// reader reads the spans of all inputs into a graph.
type reader struct {
	in   *importer.Inputs
	g    *graph.Graph
	b    []byte // the file's bytes
	at   importer.Place
	err  error // the first of the graph
	span span  // the one that is being read

	resource       resource
	scope          []byte
	writer, stream int32

	payload []byte
	causes  []cause
	own     []part // by event, its part of causes
}

type resource struct{ namespace, name, instance []byte }

// cause is a span that another names.
type cause struct {
	id   graph.ID
	link bool // not the parent
}

type part struct {
	start int
	n     int32
}

// file reads one input.
func (r *reader) file(i int, format Format) error {
	r.b, r.at = r.in.Bytes(i), importer.Place{File: int32(i)}
	if format == Auto {
		if format = detect(r.b); format == Auto {
			return fmt.Errorf("%s: %w", r.in.Name(i), ErrFormat)
		}
	}
	switch format {
	case JSON:
		return r.json(i)
	case Delimited:
		r.in.Binary(i)
		return r.delimited()
	default:
		r.in.Binary(i)
		return r.message(message{r.b, 0})
	}
}

// detect tells the form of a file by its first bytes: Auto for none.
func detect(b []byte) Format {
	text := bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\ufeff")), " \t\r\n")
	switch {
	case len(text) == 0 || b[0] == '{':
		return JSON
	case startsDelimited(b):
		return Delimited
	case startsMessage(b) && traces.fits(b):
		return Protobuf
	case text[0] == '{':
		return JSON
	}
	return Auto
}

// startsDelimited tells whether a message follows its length, be it behind some
// that are empty.
func startsDelimited(b []byte) bool {
	for len(b) >= lengthSize {
		n := binary.BigEndian.Uint32(b)
		b = b[lengthSize:]
		if uint64(n) > uint64(len(b)) {
			return false
		}
		if n > 0 {
			return startsMessage(b[:n]) && traces.fits(b[:n])
		}
	}
	return false
}

// startsMessage tells whether b begins with the one field that matters.
func startsMessage(b []byte) bool { return len(b) > 0 && b[0] == 1<<3|2 }

// enter finds the writer once the resource is known.
func (r *reader) enter(at importer.Place) {
	s := &r.resource
	name := s.name
	if len(name) == 0 {
		name = []byte(unknownService)
		r.in.Note(NoService, at, func() string { return "the resource has no service.name: its spans are " + unknownService + "'s" })
	}
	shown := slices.Clone(name)
	if len(s.namespace) > 0 {
		shown = slices.Concat(s.namespace, []byte("/"), name)
	}
	if len(s.instance) > 0 {
		shown = append(append(shown, ' '), s.instance...)
	}
	identity := fmt.Appendf(nil, "%d %d %s%s%s", len(s.namespace), len(name), s.namespace, name, s.instance)
	r.writer = r.g.Writer(identity, shown)
}

// attribute takes one attribute of the resource.
func (s *resource) attribute(key, value []byte) {
	switch string(key) {
	case "service.namespace":
		s.namespace = value
	case "service.name":
		s.name = value
	case "service.instance.id":
		s.instance = value
	}
}

// link links all spans to their causes, as far as these are there.
func (r *reader) link() {
	for i, p := range r.own {
		for _, c := range r.causes[p.start : p.start+int(p.n)] {
			if j, found := r.g.Lookup(c.id); found {
				r.g.Link(int32(i), j)
				continue
			}
			cause, word := MissingParent, "parent"
			if c.link {
				cause, word = MissingLink, "linked span"
			}
			r.in.Note(cause, r.g.At(int32(i)), func() string { return "the " + word + " is in none of the inputs" })
		}
	}
}

// identity returns the event id of a span (IMP-21).
func identity(trace, span *id) graph.ID {
	const domain = "omega/import/otlp/v1\x00"
	var b [len(domain) + traceSize + spanSize]byte
	copy(b[:], domain)
	copy(b[len(domain):], trace.b[:traceSize])
	copy(b[len(domain)+traceSize:], span.b[:spanSize])
	sum := sha256.Sum256(b[:])
	return graph.ID(sum[:])
}
