package cert

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// A record of cert.log is, big-endian (LOG-2):
//
//	len u32 | len_crc u32 | envelope[121] | body_len u32 | body | signatures u16 | signatures x signature[64] | crc u32
//
// len counts the bytes behind len_crc. Both checks are CRC-32C: len_crc covers
// len alone, so that a damaged length is never taken for a record that a crash
// cut short, and crc covers all that comes before it.
const (
	// BodyOffset is where a record's body begins, from the record's start (LOG-2).
	BodyOffset = recordHead + EnvelopeSize + 4

	recordHead = 8
	recordMin  = EnvelopeSize + 4 + 2 + 4

	// MaxBody is the largest body in bytes (LOG-3).
	MaxBody = 256 << 20
	// maxRecord is the largest len: the largest body and the most signatures that
	// their count can say (LOG-3).
	maxRecord = recordMin + MaxBody + maxMembers*SignatureSize
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// RecordKind says what is wrong with a record, in the words of LOG-4.
type RecordKind string

// The kinds of damage to a record, in the order in which they are judged (LOG-4).
const (
	RecordTorn   RecordKind = "torn-tail"
	RecordLength RecordKind = "record-length"
	RecordCRC    RecordKind = "record-crc"
	RecordBad    RecordKind = "bad-record"
)

// RecordError is the first thing wrong with a record. Offset is the record's, in
// bytes from the start of the file (LOG-4).
type RecordError struct {
	Kind    RecordKind
	Offset  int64
	Message string
}

func (e *RecordError) Error() string {
	return fmt.Sprintf("%s at offset %d: %s", e.Kind, e.Offset, e.Message)
}

// AppendRecord appends the record of c to b (LOG-2). It returns b unchanged and
// an error where c's body or signatures are too many.
func AppendRecord(b []byte, c *Certificate) ([]byte, error) {
	if len(c.Body) > MaxBody {
		return b, fmt.Errorf("record: a body of %d bytes, at most %d", len(c.Body), MaxBody)
	}
	if len(c.Signatures) > maxMembers {
		return b, fmt.Errorf("record: %d signatures, at most %d", len(c.Signatures), maxMembers)
	}
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, uint32(recordMin+len(c.Body)+SignatureSize*len(c.Signatures)))
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
	envelope := c.Envelope.Bytes()
	b = append(b, envelope[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(c.Body)))
	b = append(b, c.Body...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(c.Signatures)))
	for i := range c.Signatures {
		b = append(b, c.Signatures[i][:]...)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli)), nil
}

// NextRecord reads the record at offset of file, 0 <= offset <= len(file), and
// returns its certificate, whose body is in place, and the offset behind it
// (LOG-2 to LOG-4). At the end of the file the error is io.EOF; anything else
// that is not a whole record is a *RecordError.
func NextRecord(file []byte, offset int64) (*Certificate, int64, error) {
	rest := file[offset:]
	if len(rest) == 0 {
		return nil, offset, io.EOF
	}
	fail := func(kind RecordKind, format string, args ...any) (*Certificate, int64, error) {
		return nil, offset, &RecordError{Kind: kind, Offset: offset, Message: fmt.Sprintf(format, args...)}
	}
	if len(rest) < recordHead {
		return fail(RecordTorn, "%d left-over bytes, a record's head alone has %d", len(rest), recordHead)
	}
	n := binary.BigEndian.Uint32(rest)
	got, want := binary.BigEndian.Uint32(rest[4:]), crc32.Checksum(rest[:4], castagnoli)
	if got != want {
		return fail(RecordLength, "the length's crc is %08x, its bytes give %08x", got, want)
	}
	if n < recordMin || n > maxRecord {
		return fail(RecordLength, "got a length of %d bytes, want %d to %d", n, recordMin, maxRecord)
	}
	size := recordHead + int64(n)
	if int64(len(rest)) < size {
		return fail(RecordTorn, "the record has %d bytes, the file ends after %d of them", size, len(rest))
	}
	body := rest[:size-4]
	got, want = binary.BigEndian.Uint32(rest[size-4:]), crc32.Checksum(body, castagnoli)
	if got != want {
		return fail(RecordCRC, "record crc is %08x, its bytes give %08x", got, want)
	}
	c, err := parseContent(body[recordHead:])
	if err != nil {
		return fail(RecordBad, "%v", err)
	}
	return c, offset + size, nil
}

// parseContent reads what stands between a record's head and its crc.
func parseContent(b []byte) (*Certificate, error) {
	d := decoder{b: b}
	envelope, err := ParseEnvelope(d.fixed(EnvelopeSize))
	if err != nil {
		return nil, err
	}
	size := int(d.u32())
	if size > MaxBody {
		return nil, fmt.Errorf("a body of %d bytes, at most %d", size, MaxBody)
	}
	c := &Certificate{Envelope: envelope, Body: d.take(size)}
	n := int(d.u16())
	raw := d.take(n * SignatureSize)
	if err := d.end(); err != nil {
		return nil, err
	}
	c.Signatures = make([]Signature, n)
	for i := range c.Signatures {
		c.Signatures[i] = Signature(raw[i*SignatureSize:])
	}
	return c, nil
}
