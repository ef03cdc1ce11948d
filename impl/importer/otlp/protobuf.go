package otlp

import (
	"encoding/binary"
	"fmt"
	"iter"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/omega-sheaf-os/omega/impl/importer"
)

// lengthSize is the size in bytes of the length before a message.
const lengthSize = 4

// schema says which fields of a message hold messages that are read, and what
// these hold. The numbers are those of OpenTelemetry's trace.proto.
type schema map[protowire.Number]schema

var (
	keyValue   = schema{2: {}}                                  // value
	aResource  = schema{1: keyValue}                            // attributes
	aSpan      = schema{13: {}, 15: {}}                         // links, status
	scopeSpans = schema{1: {}, 2: aSpan}                        // scope, spans
	traces     = schema{1: schema{1: aResource, 2: scopeSpans}} // resource_spans: resource, scope_spans
)

// fits tells whether b is a message, and so is each of those in it that are read.
func (s schema) fits(b []byte) bool {
	for len(b) > 0 {
		f, n := consume(b)
		if n < 0 {
			return false
		}
		if inner, read := s[f.number]; read && f.kind == protowire.BytesType && !inner.fits(f.bytes) {
			return false
		}
		b = b[n:]
	}
	return true
}

// field is one field of a message.
type field struct {
	number protowire.Number
	kind   protowire.Type
	n      uint64 // of a number
	bytes  []byte // of kind BytesType
}

// consume reads the field at the start of b and returns its size in bytes, below 0
// where there is none.
func consume(b []byte) (f field, size int) {
	var tag, n int
	f.number, f.kind, tag = protowire.ConsumeTag(b)
	if tag < 0 {
		return f, tag
	}
	switch b = b[tag:]; f.kind {
	case protowire.VarintType:
		f.n, n = protowire.ConsumeVarint(b)
	case protowire.Fixed64Type:
		f.n, n = protowire.ConsumeFixed64(b)
	case protowire.BytesType:
		f.bytes, n = protowire.ConsumeBytes(b)
	default:
		n = protowire.ConsumeFieldValue(f.number, f.kind, b)
	}
	if n < 0 {
		return f, n
	}
	return f, tag + n
}

// message is a message that fits its schema, and its place in the file.
type message struct {
	b  []byte
	at int64
}

// fields runs over the fields of a message, each with the message that it is if it
// is one.
func (m message) fields() iter.Seq2[field, message] {
	return func(yield func(field, message) bool) {
		for at := 0; at < len(m.b); {
			f, n := consume(m.b[at:])
			at += n
			if !yield(f, message{f.bytes, m.at + int64(at-len(f.bytes))}) {
				return
			}
		}
	}
}

// messages runs over the messages in the fields of one number.
func (m message) messages(number protowire.Number) iter.Seq[message] {
	return func(yield func(message) bool) {
		for f, inner := range m.fields() {
			if f.number == number && f.kind == protowire.BytesType && !yield(inner) {
				return
			}
		}
	}
}

func (r *reader) placeOf(m message) importer.Place {
	return importer.Place{File: r.at.File, Offset: m.at}
}

// delimited reads an input of messages behind their lengths.
func (r *reader) delimited() error {
	for at := 0; at < len(r.b); {
		rest := r.b[at:]
		where := importer.Place{File: r.at.File, Offset: int64(at)}
		if len(rest) < lengthSize {
			r.in.Note(BadProtobuf, where, func() string {
				return fmt.Sprintf("%d left-over bytes, a message's length alone has %d", len(rest), lengthSize)
			})
			return nil
		}
		n := uint64(binary.BigEndian.Uint32(rest))
		if n > uint64(len(rest)-lengthSize) {
			r.in.Note(BadProtobuf, where, func() string {
				return fmt.Sprintf("the message has %d bytes, the file ends after %d of them", n, len(rest)-lengthSize)
			})
			return nil
		}
		at += lengthSize
		if err := r.message(message{r.b[at : at+int(n)], int64(at)}); err != nil {
			return err
		}
		at += int(n)
	}
	return nil
}

// message reads one TracesData or ExportTraceServiceRequest.
func (r *reader) message(m message) error {
	if !traces.fits(m.b) {
		r.in.Note(BadProtobuf, r.placeOf(m), func() string { return "the bytes are no message of traces" })
		return nil
	}
	for spans := range m.messages(1) {
		r.resourceSpans(spans)
		if r.err != nil {
			return r.err
		}
		at := r.placeOf(spans)
		at.Offset += int64(len(spans.b))
		if err := r.g.Read(at); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) resourceSpans(m message) {
	r.resource = resource{}
	for inner := range m.messages(1) {
		for attribute := range inner.messages(1) {
			r.attribute(attribute)
		}
	}
	r.enter(r.placeOf(m))
	for inner := range m.messages(2) {
		r.scopeSpans(inner)
	}
}

// attribute reads a KeyValue of the resource.
func (r *reader) attribute(m message) {
	var key, value []byte
	for f, any := range m.fields() {
		switch {
		case f.kind != protowire.BytesType:
		case f.number == 1:
			key = f.bytes
		case f.number == 2:
			for text := range any.messages(1) {
				value = text.b
			}
		}
	}
	r.resource.attribute(key, value)
}

func (r *reader) scopeSpans(m message) {
	r.scope = nil
	for scope := range m.messages(1) {
		for name := range scope.messages(1) {
			r.scope = name.b
		}
	}
	r.stream = r.g.Stream(r.writer, r.scope)
	for span := range m.messages(2) {
		if r.err != nil {
			return
		}
		r.readSpan(span)
	}
}

func (r *reader) readSpan(m message) {
	s := &r.span
	s.reset(r.placeOf(m))
	for f, inner := range m.fields() {
		switch f.kind {
		case protowire.BytesType:
			s.bytesField(f.number, inner)
		case protowire.VarintType:
			if f.number == 6 {
				s.kind = int64(int32(f.n))
			}
		case protowire.Fixed64Type:
			switch f.number {
			case 7:
				s.start = f.n
			case 8:
				s.end = f.n
			}
		}
	}
	r.take()
}

func (s *span) bytesField(number protowire.Number, m message) {
	switch number {
	case 1:
		s.trace.set(m.b)
	case 2:
		s.id.set(m.b)
	case 4:
		s.parent.set(m.b)
	case 5:
		s.name = m.b
	case 13:
		s.links = append(s.links, readLink(m))
	case 15:
		for f := range m.fields() {
			if f.number == 3 && f.kind == protowire.VarintType {
				s.status = int64(int32(f.n))
			}
		}
	}
}

func readLink(m message) (l link) {
	for f := range m.fields() {
		switch {
		case f.kind != protowire.BytesType:
		case f.number == 1:
			l.trace.set(f.bytes)
		case f.number == 2:
			l.id.set(f.bytes)
		}
	}
	return l
}
