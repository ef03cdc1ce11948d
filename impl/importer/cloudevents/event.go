package cloudevents

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/importer/graph"
	"github.com/omega-sheaf-os/omega/impl/importer/jsonwalk"
)

// reader reads the events of all inputs into a graph.
type reader struct {
	in    *importer.Inputs
	g     *graph.Graph
	names []string // of the attributes that name causes

	entries []entry // by event
	causes  []cause

	// Of the event that is being read:
	at                        importer.Place
	version, id, source, kind []byte
	time                      []byte
	named                     [][]byte // by attribute, the cause that it names
	payload, compact          []byte
}

// cause is a cause as an event names it.
type cause struct {
	own graph.ID // as an event of the same source
	id  graph.ID // as one of any source
}

// value reads one JSON value of an input.
func (r *reader) value(c *jsonwalk.Cursor, at importer.Place) error {
	if !c.IsArray() {
		return r.event(c, at)
	}
	var err error
	for range c.Elements() {
		if err = r.event(c, importer.Place{File: at.File, Offset: int64(c.Offset())}); err != nil {
			break
		}
	}
	return err
}

// event reads one event.
func (r *reader) event(c *jsonwalk.Cursor, at importer.Place) error {
	r.at = at
	if !c.IsObject() {
		r.reject(NotEvent, "the value is no object")
		return nil
	}
	r.version, r.id, r.source, r.kind, r.time = nil, nil, nil, nil, nil
	clear(r.named)
	whole := *c
	for name := range c.Members() {
		switch string(name) {
		case "specversion":
			r.version, _ = c.Text()
		case "id":
			r.id, _ = c.Text()
		case "source":
			r.source, _ = c.Text()
		case "type":
			r.kind, _ = c.Text()
		case "time":
			r.readTime(c)
		default:
			if i := slices.Index(r.names, string(name)); i >= 0 {
				r.readCause(c, i)
			}
		}
	}
	if !r.judge() {
		return nil
	}
	return r.add(whole.Skip())
}

func (r *reader) reject(cause, why string) {
	r.in.Note(cause, r.at, func() string { return why })
}

// judge says whether the event has what it needs, and notes what it lacks.
func (r *reader) judge() bool {
	switch {
	case string(r.version) != "1.0":
		r.reject(BadVersion, fmt.Sprintf(`specversion is %q, want "1.0"`, r.version[:min(len(r.version), 64)]))
	case len(r.id) == 0:
		r.reject(BadID, "id is no text, or empty")
	case len(r.source) == 0:
		r.reject(BadSource, "source is no text, or empty")
	case len(r.source) > maxSource:
		r.reject(BadSource, fmt.Sprintf("source has %d bytes, at most %d", len(r.source), maxSource))
	case len(r.kind) == 0:
		r.reject(BadType, "type is no text, or empty")
	default:
		return true
	}
	return false
}

func (r *reader) readTime(c *jsonwalk.Cursor) {
	text, ok := c.Text()
	switch {
	case ok:
		r.time = text
	case !c.Null():
		r.reject(BadTime, "time is no text")
	}
}

func (r *reader) readCause(c *jsonwalk.Cursor, i int) {
	text, ok := c.Number()
	switch {
	case ok:
		r.named[i] = text
	case !c.Null():
		r.reject(BadCause, r.names[i]+" is neither a text nor a number")
	}
}

// add adds the event that has been read, whose bytes are whole.
func (r *reader) add(whole []byte) error {
	e := entry{source: r.g.Writer(r.source, r.source)}
	if len(r.names) > 0 {
		e.id = anySource(r.id)
	}
	if len(r.time) > 0 {
		t, err := timeOf(r.time)
		if err != nil {
			r.reject(BadTime, err.Error())
		} else {
			e.timed, e.second, e.nanos = true, t.Unix(), int32(t.Nanosecond())
		}
	}
	kind := r.kind[:min(len(r.kind), importer.MaxText)]
	i, outcome, err := r.g.Add(&graph.Event{ID: identity(r.source, r.id), Writer: e.source,
		Stream: r.g.Stream(e.source, kind), Payload: r.encode(whole), At: r.at})
	if err != nil || outcome == graph.Copy || outcome == graph.Loses {
		return err
	}
	e.causes.start = len(r.causes)
	for _, id := range r.named {
		if len(id) > 0 {
			r.causes = append(r.causes, cause{identity(r.source, id), anySource(id)})
			e.causes.n++
		}
	}
	if int(i) == len(r.entries) {
		r.entries = append(r.entries, e)
	} else {
		r.entries[i] = e
	}
	return nil
}

// encode makes the payload of the event (IMP-28).
func (r *reader) encode(whole []byte) []byte {
	b := r.payload[:0]
	b = r.in.AppendLine(b, "id", r.id, r.at)
	b = r.in.AppendLine(b, "type", r.kind, r.at)
	b = r.in.AppendLine(b, "time", r.time, r.at)
	for _, id := range r.named {
		b = r.in.AppendLine(b, "cause", id, r.at)
	}
	r.compact = jsonwalk.AppendCompact(r.compact[:0], whole)
	sum := sha256.Sum256(r.compact)
	b = append(b, "event "...)
	b = strconv.AppendInt(b, int64(len(r.compact)), 10)
	b = hex.AppendEncode(append(b, ' '), sum[:])
	r.payload = append(b, '\n')
	return r.payload
}
