package otlp

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/bits"
	"strconv"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/importer/graph"
)

const (
	traceSize = 16 // bytes of a trace id
	spanSize  = 8  // bytes of a span id
)

// id is a trace or span id as it stands in the input.
type id struct {
	b     [traceSize]byte
	n     int  // bytes that it has in the input
	noHex bool // its text is no hex
}

func (d *id) set(b []byte) {
	*d = id{n: len(b)}
	copy(d.b[:], b)
}

// setHex takes an id as JSON has it.
func (d *id) setHex(text []byte) {
	*d = id{n: len(text) / 2}
	if len(text) > 2*traceSize {
		return
	}
	_, err := hex.Decode(d.b[:], text)
	d.noHex = err != nil
}

// fault says why d is no id of size bytes, or "".
func (d *id) fault(size int) string {
	switch {
	case d.noHex:
		return "is no hex"
	case d.n != size:
		return fmt.Sprintf("has %d bytes, want %d", d.n, size)
	case d.b == [traceSize]byte{}:
		return "is zero"
	}
	return ""
}

// span is what is read of one span.
type span struct {
	trace, id, parent id
	name              []byte
	kind, status      int64
	start, end        uint64 // nanoseconds since 1970; 0 where missing
	links             []link
	at                importer.Place
}

type link struct{ trace, id id }

// reset makes s a span without anything, at a place.
func (s *span) reset(at importer.Place) {
	*s = span{links: s.links[:0], at: at}
}

// reject notes what is wrong with a part of the span.
func (r *reader) reject(cause, what, why string) {
	r.in.Note(cause, r.span.at, func() string { return "the " + what + " " + why })
}

// take adds the span that has been read to the graph.
func (r *reader) take() {
	s := &r.span
	if why := s.trace.fault(traceSize); why != "" {
		r.reject(BadTraceID, "trace id", why)
		return
	}
	if why := s.id.fault(spanSize); why != "" {
		r.reject(BadSpanID, "span id", why)
		return
	}
	r.judge()
	e := graph.Event{ID: identity(&s.trace, &s.id), Writer: r.writer, Stream: r.stream,
		Value: milliseconds(s.start, s.end), Payload: r.encode(), At: s.at}
	i, outcome, err := r.g.Add(&e)
	if err != nil {
		r.err = err
		return
	}
	if outcome == graph.Copy || outcome == graph.Loses {
		return
	}
	p := part{start: len(r.causes)}
	if s.parent.n > 0 {
		r.causes = append(r.causes, cause{id: identity(&s.trace, &s.parent)})
	}
	for i := range s.links {
		r.causes = append(r.causes, cause{identity(&s.links[i].trace, &s.links[i].id), true})
	}
	p.n = int32(len(r.causes) - p.start)
	if int(i) == len(r.own) {
		r.own = append(r.own, p)
	} else {
		r.own[i] = p
	}
}

// judge leaves out of the span what cannot be mapped, and notes it.
func (r *reader) judge() {
	s := &r.span
	if s.parent.n > 0 || s.parent.noHex {
		if why := s.parent.fault(spanSize); why != "" {
			r.reject(BadParentID, "parent's span id", why)
			s.parent = id{}
		}
	}
	kept := s.links[:0]
	for _, l := range s.links {
		if why := l.trace.fault(traceSize); why != "" {
			r.reject(BadLinkID, "trace id of a link", why)
		} else if why := l.id.fault(spanSize); why != "" {
			r.reject(BadLinkID, "span id of a link", why)
		} else {
			kept = append(kept, l)
		}
	}
	if len(kept) > maxLinks {
		r.reject(TooManyLinks, "span", fmt.Sprintf("has %d links, the first %d are kept", len(kept), maxLinks))
		kept = kept[:maxLinks]
	}
	s.links = kept
	if s.start != 0 && s.end != 0 && s.end < s.start {
		r.reject(EndsTooSoon, "span", fmt.Sprintf("ends %d ns before it starts", s.start-s.end))
	}
}

// milliseconds is the value of a span (IMP-23).
func milliseconds(start, end uint64) int32 {
	if start == 0 || end == 0 {
		return 0
	}
	n, borrow := bits.Sub64(end, start, 0)
	if borrow == 0 {
		return int32(min(halfToEven(n), math.MaxInt32))
	}
	return int32(-int64(min(halfToEven(-n), -math.MinInt32)))
}

// halfToEven is n / 1000, rounded.
func halfToEven(n uint64) uint64 {
	whole, rest := n/1000, n%1000
	if rest > 500 || rest == 500 && whole%2 == 1 {
		whole++
	}
	return whole
}

var (
	kinds    = []string{"unspecified", "internal", "server", "client", "producer", "consumer"}
	statuses = []string{"unset", "ok", "error"}
)

// encode makes the payload of the span (IMP-24).
func (r *reader) encode() []byte {
	s := &r.span
	b := r.payload[:0]
	b = appendHex(b, "trace ", s.trace.b[:])
	b = appendHex(b, "\nspan ", s.id.b[:spanSize])
	if s.parent.n > 0 {
		b = appendHex(b, "\nparent ", s.parent.b[:spanSize])
	}
	for i := range s.links {
		b = appendHex(b, "\nlink ", s.links[i].trace.b[:])
		b = appendHex(b, " ", s.links[i].id.b[:spanSize])
	}
	b = append(b, '\n')
	b = r.in.AppendLine(b, "scope", r.scope, s.at)
	b = r.in.AppendLine(b, "name", s.name, s.at)
	b = appendEnum(b, "kind ", kinds, s.kind)
	b = appendEnum(b, "status ", statuses, s.status)
	b = appendTime(b, "start ", s.start)
	b = appendTime(b, "end ", s.end)
	r.payload = b
	return b
}

func appendHex(b []byte, before string, id []byte) []byte {
	return hex.AppendEncode(append(b, before...), id)
}

func appendEnum(b []byte, before string, words []string, value int64) []byte {
	b = append(b, before...)
	if 0 <= value && value < int64(len(words)) {
		b = append(b, words[value]...)
	} else {
		b = strconv.AppendInt(b, value, 10)
	}
	return append(b, '\n')
}

func appendTime(b []byte, before string, ns uint64) []byte {
	b = append(b, before...)
	if ns == 0 {
		return append(b, "-\n"...)
	}
	return append(strconv.AppendUint(b, ns, 10), '\n')
}
