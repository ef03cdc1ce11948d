package otlp

import (
	"slices"
	"strconv"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/importer/jsonwalk"
)

// json reads an input of JSON values.
func (r *reader) json(file int) error {
	return r.g.JSON(file, func(c *jsonwalk.Cursor, at importer.Place) error {
		if !c.IsObject() {
			r.in.Note(NotTraces, at, func() string { return "the value is no object" })
			return nil
		}
		members, found := 0, false
		for name := range c.Members() {
			members++
			if string(name) == "resourceSpans" {
				found = true
				r.each(c, "resourceSpans", r.jsonResourceSpans)
			}
		}
		if members > 0 && !found {
			r.in.Note(NotTraces, at, func() string { return `the object has no "resourceSpans"` })
		}
		return r.err
	})
}

func (r *reader) place(c *jsonwalk.Cursor) importer.Place {
	return importer.Place{File: r.at.File, Offset: int64(c.Offset())}
}

// each calls read for each object of the array that the member name is.
func (r *reader) each(c *jsonwalk.Cursor, name string, read func(c *jsonwalk.Cursor)) {
	if !c.IsArray() {
		if !c.Null() {
			r.in.Note(BadStructure, r.place(c), func() string { return `"` + name + `" is no array` })
		}
		return
	}
	for range c.Elements() {
		if r.err != nil {
			return
		}
		if !c.IsObject() {
			r.in.Note(BadStructure, r.place(c), func() string { return `an element of "` + name + `" is no object` })
			continue
		}
		read(c)
	}
}

// jsonResourceSpans reads a ResourceSpans. Where its spans come before its
// resource they are read at the end.
func (r *reader) jsonResourceSpans(c *jsonwalk.Cursor) {
	r.resource = resource{}
	at, known := r.place(c), false
	var later []int
	for name := range c.Members() {
		switch string(name) {
		case "resource":
			for name := range c.Members() {
				if string(name) == "attributes" {
					r.each(c, "attributes", r.jsonAttribute)
				}
			}
			r.enter(at)
			known = true
		case "scopeSpans":
			if known {
				r.each(c, "scopeSpans", r.jsonScopeSpans)
			} else {
				later = append(later, c.Offset())
			}
		}
	}
	if !known {
		r.enter(at)
	}
	for _, at := range later {
		r.each(jsonwalk.At(r.b, at), "scopeSpans", r.jsonScopeSpans)
	}
}

// jsonAttribute reads a KeyValue of the resource.
func (r *reader) jsonAttribute(c *jsonwalk.Cursor) {
	var key, value []byte
	for name := range c.Members() {
		switch string(name) {
		case "key":
			key, _ = c.Text()
		case "value":
			for name := range c.Members() {
				if string(name) == "stringValue" {
					value, _ = c.Text()
				}
			}
		}
	}
	r.resource.attribute(key, value)
}

// jsonScopeSpans reads a ScopeSpans, its spans at the end where its scope comes
// later.
func (r *reader) jsonScopeSpans(c *jsonwalk.Cursor) {
	r.scope = nil
	known := false
	var later []int
	for name := range c.Members() {
		switch string(name) {
		case "scope":
			for name := range c.Members() {
				if string(name) == "name" {
					r.scope, _ = c.Text()
				}
			}
			r.stream = r.g.Stream(r.writer, r.scope)
			known = true
		case "spans":
			if known {
				r.each(c, "spans", r.jsonSpan)
			} else {
				later = append(later, c.Offset())
			}
		}
	}
	if !known {
		r.stream = r.g.Stream(r.writer, nil)
	}
	for _, at := range later {
		r.each(jsonwalk.At(r.b, at), "spans", r.jsonSpan)
	}
}

func (r *reader) jsonSpan(c *jsonwalk.Cursor) {
	s := &r.span
	s.reset(r.place(c))
	for name := range c.Members() {
		switch string(name) {
		case "traceId":
			jsonID(c, &s.trace)
		case "spanId":
			jsonID(c, &s.id)
		case "parentSpanId":
			jsonID(c, &s.parent)
		case "name":
			s.name, _ = c.Text()
		case "kind":
			s.kind = jsonEnum(c, "SPAN_KIND_", kinds)
		case "startTimeUnixNano":
			s.start = r.jsonTime(c)
		case "endTimeUnixNano":
			s.end = r.jsonTime(c)
		case "links":
			r.each(c, "links", r.jsonLink)
		case "status":
			for name := range c.Members() {
				if string(name) == "code" {
					s.status = jsonEnum(c, "STATUS_CODE_", statuses)
				}
			}
		}
	}
	r.take()
}

func (r *reader) jsonLink(c *jsonwalk.Cursor) {
	var l link
	for name := range c.Members() {
		switch string(name) {
		case "traceId":
			jsonID(c, &l.trace)
		case "spanId":
			jsonID(c, &l.id)
		}
	}
	r.span.links = append(r.span.links, l)
}

func jsonID(c *jsonwalk.Cursor, d *id) {
	if text, ok := c.Text(); ok {
		d.setHex(text)
	} else if !c.Null() {
		*d = id{noHex: true}
	}
}

// jsonEnum reads an enum's value, a number or a name; -1 where it is neither.
func jsonEnum(c *jsonwalk.Cursor, prefix string, words []string) int64 {
	text, _ := c.Number()
	if n, err := strconv.ParseInt(string(text), 10, 32); err == nil {
		return n
	}
	return int64(slices.Index(words, strings.ToLower(strings.TrimPrefix(string(text), prefix))))
}

func (r *reader) jsonTime(c *jsonwalk.Cursor) uint64 {
	text, ok := c.Number()
	if !ok && c.Null() {
		return 0
	}
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		r.reject(BadTime, "time", "is no number of nanoseconds")
		return 0
	}
	return n
}
