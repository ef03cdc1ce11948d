package importer

import (
	"os"

	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// spoolBuffer is how many bytes a Spool gathers for one write.
const spoolBuffer = 1 << 18

// Spool keeps payloads in a file, between the reading of an event and the writing
// of it, which needs what is known only when all are read. It belongs to one
// goroutine until Seal; then several may call At.
type Spool struct {
	file    *os.File
	buf     []byte // not yet written
	written int64
	sealed  *omegalog.OmegaLogView
}

// Extent says where in a Spool a payload is, in bytes.
type Extent struct {
	Offset int64
	Size   int32
}

// NewSpool makes the file path. End with Close.
func NewSpool(path string) (*Spool, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &Spool{file: f, buf: make([]byte, 0, spoolBuffer)}, nil
}

// Add appends a payload.
func (s *Spool) Add(payload []byte) (Extent, error) {
	if len(s.buf)+len(payload) > spoolBuffer {
		if err := s.flush(); err != nil {
			return Extent{}, err
		}
	}
	at := Extent{s.written + int64(len(s.buf)), int32(len(payload))}
	s.buf = append(s.buf, payload...)
	return at, nil
}

func (s *Spool) flush() error {
	n, err := s.file.Write(s.buf)
	s.written += int64(n)
	s.buf = s.buf[:0]
	return err
}

// Read appends the payload at an extent to b. It is for before Seal.
func (s *Spool) Read(at Extent, b []byte) ([]byte, error) {
	if at.Offset >= s.written {
		from := at.Offset - s.written
		return append(b, s.buf[from:from+int64(at.Size)]...), nil
	}
	start := len(b)
	b = append(b, make([]byte, at.Size)...)
	_, err := s.file.ReadAt(b[start:], at.Offset)
	return b, err
}

// Seal ends the adding, and maps what has been added.
func (s *Spool) Seal() (err error) {
	if err = s.flush(); err == nil {
		s.sealed, err = omegalog.Open(s.file.Name())
	}
	return err
}

// At returns the payload at an extent, in place, until Close. It is for after Seal,
// under Guard.
func (s *Spool) At(at Extent) []byte {
	return s.sealed.Bytes()[at.Offset : at.Offset+int64(at.Size)]
}

// Guard runs read, which calls At in this goroutine, as omegalog.Guard does.
func (s *Spool) Guard(read func() error) error { return omegalog.Guard(read, s.sealed) }

// Close closes the file, which stays.
func (s *Spool) Close() {
	if s.sealed != nil {
		s.sealed.Close()
	}
	s.file.Close()
}
