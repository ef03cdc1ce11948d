// Package frame reads and writes the framing of a `.omega` file, the form in
// which a party hands over its log.
//
// The file is a header of 32 bytes and then frames, without gap or padding,
// all integers big-endian (clauses FRM-1 to FRM-4):
//
//	header: "OMEGALOG" | version u16 = 1 | flags u16 = 0 | node u32 | reserved 12 x 0 | crc u32
//	frame:  len u32 | crc u32 | body[len]
//
// The header's crc covers the 28 bytes before it; a frame's covers len and
// body, so that a damaged length is found as surely as a damaged body. Both are
// CRC-32C (Castagnoli). A body is one event. node is the section's writer, or
// Mixed.
//
// Reading is a walk: ParseHeader at offset 0, then Next from HeaderSize on until
// it returns io.EOF. Both read in place and name the first thing wrong with an
// *Error that carries kind and offset (FRM-5, FRM-6).
package frame

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
)

const (
	// Magic opens every `.omega` file (FRM-1).
	Magic = "OMEGALOG"
	// Version is the format's version (FRM-1).
	Version = 1
	// HeaderSize is the size of the file header in bytes (FRM-1).
	HeaderSize = 32
	// Overhead is what a frame adds to its body, in bytes (FRM-3).
	Overhead = 8
	// MaxLen is the largest body in bytes (FRM-4).
	MaxLen = event.MaxSize
	// MinLen is the smallest body in bytes: no event is shorter (FRM-4).
	MinLen = event.MinSize
	// Mixed is the header's node in a file with several writers (FRM-2).
	Mixed = 0xFFFFFFFF

	versionAt  = 8
	flagsAt    = 10
	nodeAt     = 12
	reservedAt = 16
	crcAt      = 28
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Kind says what is wrong with a file, in the words of FRM-5.
type Kind string

// The kinds of damage, in the order in which they are judged (FRM-5, FRM-6).
const (
	BadHeader   Kind = "bad-header"
	BadMagic    Kind = "bad-magic"
	BadVersion  Kind = "bad-version"
	FrameLength Kind = "frame-length"
	TornTail    Kind = "torn-tail"
	FrameCRC    Kind = "frame-crc"
	BadEvent    Kind = "bad-event"
)

// Error is the first thing wrong with a file. Offset is that of the header or
// of the frame, in bytes from the start of the file (FRM-5).
type Error struct {
	Kind    Kind
	Offset  int64
	Message string
	Err     error // the cause within the event for BadEvent, else nil
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s at offset %d: %s", e.Kind, e.Offset, e.Message)
}

func (e *Error) Unwrap() error { return e.Err }

// Header is what a file's header says.
type Header struct {
	Node uint32 // the section's writer, or Mixed
}

// AppendHeader appends the 32 bytes of h to b (FRM-1).
func AppendHeader(b []byte, h Header) []byte {
	start := len(b)
	b = append(b, Magic...)
	b = binary.BigEndian.AppendUint16(b, Version)
	b = binary.BigEndian.AppendUint16(b, 0)
	b = binary.BigEndian.AppendUint32(b, h.Node)
	b = append(b, make([]byte, crcAt-reservedAt)...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

// ParseHeader reads the header at the start of file. It judges the length, then
// the magic, then the version, then the rest (FRM-6); the error is an *Error of
// kind BadHeader, BadMagic or BadVersion at offset 0.
func ParseHeader(file []byte) (Header, error) {
	fail := func(kind Kind, format string, args ...any) (Header, error) {
		return Header{}, &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
	}
	if len(file) < HeaderSize {
		return fail(BadHeader, "the file has %d bytes, the header alone has %d", len(file), HeaderSize)
	}
	if string(file[:versionAt]) != Magic {
		return fail(BadMagic, "got %q, want %q", file[:versionAt], Magic)
	}
	if v := binary.BigEndian.Uint16(file[versionAt:]); v != Version {
		return fail(BadVersion, "got version %d, want %d", v, Version)
	}
	got, want := binary.BigEndian.Uint32(file[crcAt:]), crc32.Checksum(file[:crcAt], castagnoli)
	if got != want {
		return fail(BadHeader, "header crc is %08x, its bytes give %08x", got, want)
	}
	if flags := binary.BigEndian.Uint16(file[flagsAt:]); flags != 0 {
		return fail(BadHeader, "got flags %04x, want 0000", flags)
	}
	if r := file[reservedAt:crcAt]; string(r) != string(make([]byte, len(r))) {
		return fail(BadHeader, "reserved bytes are %x, want zeros", r)
	}
	return Header{Node: binary.BigEndian.Uint32(file[nodeAt:])}, nil
}

// Append appends one frame around body, which must be one event (FRM-3). It
// returns b unchanged and an error where body is not.
func Append(b, body []byte) ([]byte, error) {
	if _, err := event.Parse(body); err != nil {
		return b, fmt.Errorf("frame: %w", err)
	}
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	crc := crc32.Update(crc32.Checksum(b[start:], castagnoli), castagnoli, body)
	b = binary.BigEndian.AppendUint32(b, crc)
	return append(b, body...), nil
}

// Next reads the frame at offset of file, HeaderSize <= offset <= len(file),
// and returns its event, in place, and the offset behind it (FRM-3 to FRM-6).
// At the end of the file the error is io.EOF; anything else that is not a whole
// and valid frame is an *Error.
func Next(file []byte, offset int64) (event.View, int64, error) {
	rest := file[offset:]
	if len(rest) >= Overhead+MinLen {
		n := binary.BigEndian.Uint32(rest)
		if size := Overhead + int64(n); n <= MaxLen && size <= int64(len(rest)) {
			body := rest[Overhead:size:size]
			if binary.BigEndian.Uint32(rest[4:]) == crc32.Update(crcOfLen(n), castagnoli, body) && event.Valid(body) {
				return event.View(body), offset + size, nil
			}
		}
	}
	return nil, offset, damage(rest, offset)
}

// lenTables[i][b] is what the byte b does to the crc of a length as its byte
// i: the crc of four bytes is the exclusive or over them and that of zeros.
var lenTables = func() (tables [4][256]uint32) {
	var four [4]byte
	zeros := crc32.Checksum(four[:], castagnoli)
	for i := range tables {
		for b := range tables[i] {
			four[i] = byte(b)
			tables[i][b] = crc32.Checksum(four[:], castagnoli) ^ zeros
		}
		four[i] = 0
	}
	for b := range tables[3] {
		tables[3][b] ^= zeros
	}
	return tables
}()

// crcOfLen returns the CRC-32C of a length's four bytes.
func crcOfLen(n uint32) uint32 {
	return lenTables[0][n>>24] ^ lenTables[1][n>>16&0xFF] ^ lenTables[2][n>>8&0xFF] ^ lenTables[3][n&0xFF]
}

// damage returns what is wrong with the frame that rest, at offset of its file,
// begins with; io.EOF where rest is empty.
func damage(rest []byte, offset int64) error {
	if len(rest) == 0 {
		return io.EOF
	}
	fail := func(kind Kind, err error, format string, args ...any) error {
		return &Error{Kind: kind, Offset: offset, Message: fmt.Sprintf(format, args...), Err: err}
	}
	if len(rest) < 4 {
		return fail(TornTail, nil, "%d left-over bytes, a frame's length alone has 4", len(rest))
	}
	n := binary.BigEndian.Uint32(rest)
	if n < MinLen || n > MaxLen {
		return fail(FrameLength, nil, "got a body of %d bytes, want %d to %d", n, MinLen, MaxLen)
	}
	size := Overhead + int64(n)
	if int64(len(rest)) < size {
		return fail(TornTail, nil, "the frame has %d bytes, the file ends after %d of them", size, len(rest))
	}
	got := binary.BigEndian.Uint32(rest[4:])
	want := crc32.Update(crcOfLen(n), castagnoli, rest[Overhead:size])
	if got != want {
		return fail(FrameCRC, nil, "frame crc is %08x, its bytes give %08x", got, want)
	}
	_, err := event.Parse(rest[Overhead:size])
	return fail(BadEvent, err, "%v", err)
}
