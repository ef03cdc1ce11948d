package member

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// The kinds of messages that members send beside the quorum's five (MAN-2).
const (
	kindManifest = 16
	kindWant     = 17
	kindChunk    = 18
	kindHello    = 19
)

const (
	// MaxMessage is the largest message that a member sends or takes, in bytes (MAN-2).
	MaxMessage = 768 << 10
	// MaxSections is how many sections a manifest lists at most (MAN-3).
	MaxSections = 1024
	// MaxBatch is how many bytes they have together at most (MAN-3).
	MaxBatch = 256 << 20
	// ChunkSize is how many bytes of an object a chunk carries at most (MAN-6).
	ChunkSize = 256 << 10
	// MaxChunks is how many chunks a want asks for at most (MAN-6).
	MaxChunks = 8

	manifestTag = "omega/manifest/v1\x00"
	helloTag    = "omega/hello/v1\x00"
)

// ErrMalformed is wrapped by every error about a message's bytes (MAN-2).
var ErrMalformed = errors.New("malformed message")

// Listed is one section of a manifest (MAN-3).
type Listed struct {
	Node   uint32 // the header's: the writer, or frame.Mixed
	Events uint64
	Root   merkle.Hash // RFC 6962 root of the events in file order
	Bytes  uint64      // of the file
	// Signature is the section's (SIG-2), by the member that sends the manifest, or nil.
	Signature *cert.Signature
}

// Manifest says what a member has closed for a height (MAN-3). From and Sections are
// what counts; First and Last are the sequence numbers of the event stream that its
// events came from, 0 where none did, and help others to close at the same place.
type Manifest struct {
	Chain       cert.Hash
	From        int
	Height      uint64
	First, Last uint64
	Sections    []Listed // strictly increasing by root
	Signature   cert.Signature
}

// Class says what an object is (MAN-6).
type Class uint8

// The classes of objects: a section of a manifest for the height being agreed on; the
// trace of a merge of the chain; the bytes of cert.log.
const (
	SectionObject Class = 1
	TraceObject   Class = 2
	LogObject     Class = 3
)

// Object names bytes that members ask each other for (MAN-6). Height and root are zero
// for the log.
type Object struct {
	Class  Class
	Height uint64
	Root   merkle.Hash
}

// Want asks for up to Chunks chunks of an object from an offset on (MAN-6). Ticket comes
// back in the chunks.
type Want struct {
	Chain  cert.Hash
	From   int
	Ticket uint64
	Object Object
	Offset uint64
	Chunks uint8
}

// Chunk is bytes of an object that has Total bytes (MAN-7).
type Chunk struct {
	Chain  cert.Hash
	From   int
	Ticket uint64
	Offset uint64
	Total  uint64
	Bytes  []byte
}

// Hello says where its sender stands (MAN-9). Sent grows from one to the next.
type Hello struct {
	Chain           cert.Hash
	From            int
	Height, Attempt uint64
	Phase           Phase
	Sent            uint64
	Head            cert.Hash
	Signature       cert.Signature
}

func head(b []byte, kind byte, chain cert.Hash, from int) []byte {
	b = append(append(b, kind), chain[:]...)
	return binary.BigEndian.AppendUint16(b, uint16(from))
}

// Encode returns the message's bytes (MAN-3):
//
//	16 | chain[32] | from u16 | height u64 | first u64 | last u64 | count u32 |
//	count x (node u32 | events u64 | root[32] | bytes u64 | signature[64]?) | signature[64]
func (m *Manifest) Encode() []byte { return append(m.unsigned(), m.Signature[:]...) }

func (m *Manifest) unsigned() []byte {
	b := head(nil, kindManifest, m.Chain, m.From)
	b = binary.BigEndian.AppendUint64(b, m.Height)
	b = binary.BigEndian.AppendUint64(b, m.First)
	b = binary.BigEndian.AppendUint64(b, m.Last)
	b = binary.BigEndian.AppendUint32(b, uint32(len(m.Sections)))
	for i := range m.Sections {
		s := &m.Sections[i]
		b = binary.BigEndian.AppendUint32(b, s.Node)
		b = binary.BigEndian.AppendUint64(b, s.Events)
		b = append(b, s.Root[:]...)
		b = binary.BigEndian.AppendUint64(b, s.Bytes)
		if s.Signature == nil {
			b = append(b, 0)
			continue
		}
		b = append(append(b, 1), s.Signature[:]...)
	}
	return b
}

// Message returns the bytes that From signs (MAN-3).
func (m *Manifest) Message() []byte { return append([]byte(manifestTag), m.unsigned()...) }

// digest names the manifest among those of one member.
func (m *Manifest) digest() [32]byte { return sha256.Sum256(m.Encode()) }

// Encode returns the message's bytes (MAN-6):
//
//	17 | chain[32] | from u16 | ticket u64 | class u8 | height u64 | root[32] | offset u64 | chunks u8
func (m *Want) Encode() []byte {
	b := head(nil, kindWant, m.Chain, m.From)
	b = binary.BigEndian.AppendUint64(b, m.Ticket)
	b = append(b, byte(m.Object.Class))
	b = binary.BigEndian.AppendUint64(b, m.Object.Height)
	b = append(b, m.Object.Root[:]...)
	b = binary.BigEndian.AppendUint64(b, m.Offset)
	return append(b, m.Chunks)
}

// Encode returns the message's bytes (MAN-7):
//
//	18 | chain[32] | from u16 | ticket u64 | offset u64 | total u64 | bytes
func (m *Chunk) Encode() []byte {
	b := head(make([]byte, 0, 64+len(m.Bytes)), kindChunk, m.Chain, m.From)
	b = binary.BigEndian.AppendUint64(b, m.Ticket)
	b = binary.BigEndian.AppendUint64(b, m.Offset)
	b = binary.BigEndian.AppendUint64(b, m.Total)
	return append(b, m.Bytes...)
}

// Encode returns the message's bytes (MAN-9):
//
//	19 | chain[32] | from u16 | height u64 | attempt u64 | phase u8 | sent u64 | head[32] | signature[64]
func (m *Hello) Encode() []byte { return append(m.unsigned(), m.Signature[:]...) }

func (m *Hello) unsigned() []byte {
	b := head(nil, kindHello, m.Chain, m.From)
	b = binary.BigEndian.AppendUint64(b, m.Height)
	b = binary.BigEndian.AppendUint64(b, m.Attempt)
	b = append(b, byte(m.Phase))
	b = binary.BigEndian.AppendUint64(b, m.Sent)
	return append(b, m.Head[:]...)
}

// Message returns the bytes that From signs (MAN-9).
func (m *Hello) Message() []byte { return append([]byte(helloTag), m.unsigned()...) }

// Decode reads the bytes of one of a member's own messages, to their end: a *Manifest,
// *Want, *Chunk or *Hello (MAN-2). The error wraps ErrMalformed. It verifies no
// signature. A chunk's bytes are shared with b.
func Decode(b []byte) (any, error) {
	if len(b) == 0 || len(b) > MaxMessage {
		return nil, fmt.Errorf("%w: %d bytes, want 1 to %d", ErrMalformed, len(b), MaxMessage)
	}
	r := &reader{b: b, at: 1}
	var m any
	switch b[0] {
	case kindManifest:
		m = r.manifest()
	case kindWant:
		m = r.want()
	case kindChunk:
		m = r.chunk()
	case kindHello:
		m = r.hello()
	default:
		return nil, fmt.Errorf("%w: the kind %d is unknown", ErrMalformed, b[0])
	}
	if left := len(b) - r.at; left > 0 {
		r.fail("%d left-over bytes", left)
	}
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// reader reads fields from the front of b. After the first that does not fit, err is
// set, and every further read gives zeros.
type reader struct {
	b   []byte
	at  int
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w at offset %d: %w", ErrMalformed, r.at, fmt.Errorf(format, args...))
	}
}

func (r *reader) take(n int) []byte {
	if left := len(r.b) - r.at; r.err == nil && n > left {
		r.fail("%d bytes are needed, %d are left", n, left)
	}
	if r.err != nil {
		return make([]byte, n)
	}
	r.at += n
	return r.b[r.at-n : r.at : r.at]
}

func (r *reader) u8() byte              { return r.take(1)[0] }
func (r *reader) u16() uint16           { return binary.BigEndian.Uint16(r.take(2)) }
func (r *reader) u32() uint32           { return binary.BigEndian.Uint32(r.take(4)) }
func (r *reader) u64() uint64           { return binary.BigEndian.Uint64(r.take(8)) }
func (r *reader) hash() cert.Hash       { return cert.Hash(r.take(32)) }
func (r *reader) sig() cert.Signature   { return cert.Signature(r.take(cert.SignatureSize)) }
func (r *reader) from() int             { return int(r.u16()) }
func (r *reader) root() (h merkle.Hash) { return merkle.Hash(r.take(merkle.HashSize)) }

func (r *reader) manifest() *Manifest {
	m := &Manifest{Chain: r.hash(), From: r.from(), Height: r.u64(), First: r.u64(), Last: r.u64()}
	n := r.u32()
	if n > MaxSections {
		r.fail("%d sections, at most %d", n, MaxSections)
	}
	total := uint64(0)
	for i := uint32(0); i < n && r.err == nil; i++ {
		s := r.listed()
		if i > 0 && bytes.Compare(m.Sections[i-1].Root[:], s.Root[:]) >= 0 {
			r.fail("section %d is not behind the one before it", i)
		}
		if s.Bytes > MaxBatch-total {
			r.fail("the sections up to %d have more than %d bytes", i, MaxBatch)
		}
		total += s.Bytes
		m.Sections = append(m.Sections, s)
	}
	m.Signature = r.sig()
	return m
}

func (r *reader) listed() Listed {
	s := Listed{Node: r.u32(), Events: r.u64(), Root: r.root(), Bytes: r.u64()}
	switch present := r.u8(); present {
	case 0:
	case 1:
		sig := r.sig()
		s.Signature = &sig
	default:
		r.fail("the byte before an optional field is 0 or 1, got %d", present)
	}
	return s
}

func (r *reader) want() *Want {
	m := &Want{Chain: r.hash(), From: r.from(), Ticket: r.u64()}
	m.Object = Object{Class: Class(r.u8()), Height: r.u64(), Root: r.root()}
	m.Offset, m.Chunks = r.u64(), r.u8()
	switch c := m.Object.Class; {
	case r.err != nil:
	case c < SectionObject || c > LogObject:
		r.fail("the class %d is unknown", c)
	case c == LogObject && m.Object != Object{Class: LogObject}:
		r.fail("the log has neither height nor root")
	case m.Chunks == 0 || m.Chunks > MaxChunks:
		r.fail("%d chunks, want 1 to %d", m.Chunks, MaxChunks)
	}
	return m
}

func (r *reader) chunk() *Chunk {
	m := &Chunk{Chain: r.hash(), From: r.from(), Ticket: r.u64(), Offset: r.u64(), Total: r.u64()}
	left := len(r.b) - r.at
	switch {
	case r.err != nil:
		return m
	case left > ChunkSize:
		r.fail("%d bytes, at most %d", left, ChunkSize)
	case left == 0 && m.Offset < m.Total, left > 0 && (m.Offset > m.Total || uint64(left) > m.Total-m.Offset):
		r.fail("%d bytes at %d of %d", left, m.Offset, m.Total)
	}
	if r.err == nil {
		m.Bytes = r.take(left)
	}
	return m
}

func (r *reader) hello() *Hello {
	m := &Hello{Chain: r.hash(), From: r.from(), Height: r.u64(), Attempt: r.u64(), Phase: Phase(r.u8()), Sent: r.u64(), Head: r.hash()}
	if m.Phase < Answering || m.Phase > Committed {
		r.fail("the phase %d is unknown", m.Phase)
	}
	m.Signature = r.sig()
	return m
}
