// Package certlog keeps the chain on disk: the file cert.log, which only grows,
// and each member's vote file, which is written before any vote leaves.
//
// A data folder has, of this package (clause CLG-3):
//
//	cert.log               the chain's certificates
//	LOCK                   empty; flock(2) on it is held by the one process that writes
//	members/<name>/vote    what member <name> has signed at this height
//
// cert.log is a header of 16 bytes and then records, without gap or padding
// (LOG-1, LOG-2):
//
//	header: "OMEGACRT" | version u16 = 1 | reserved 6 x 0
//
// A record is one certificate, in the bytes that package cert gives it. Record h
// is the certificate of height h. A single certificate in a file of its own is a
// cert.log of one record.
//
// A certificate exists once Append has returned: its bytes are on disk then. A
// crash while appending leaves an incomplete record at the end. Open cuts it off
// and Recovered names it; any other damage is an error and repairs nothing
// (CLG-5). An fsync that fails leaves unknown what the disk holds, so the Log
// takes no more certificates (CLG-6, ErrFatal).
package certlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

const (
	// Name is the log's file name in a data folder (CLG-3).
	Name = "cert.log"
	// Magic opens every cert.log (LOG-1).
	Magic = "OMEGACRT"
	// Version is the format's version (LOG-1).
	Version = 1
	// HeaderSize is the size of the file header in bytes (LOG-1).
	HeaderSize = 16

	versionAt  = 8
	reservedAt = 10
)

// Path returns the path of the log in the data folder dir.
func Path(dir string) string { return filepath.Join(dir, Name) }

// The kinds of damage to a header (LOG-1). Those of a record are package cert's.
const (
	BadHeader  cert.RecordKind = "bad-header"
	BadMagic   cert.RecordKind = "bad-magic"
	BadVersion cert.RecordKind = "bad-version"
)

// FileError is damage to a log file. Err is a *cert.RecordError with kind and
// offset (LOG-4).
type FileError struct {
	Path string
	Err  *cert.RecordError
}

func (e *FileError) Error() string { return e.Path + ": " + e.Err.Error() }

func (e *FileError) Unwrap() error { return e.Err }

// AppendHeader appends the header's 16 bytes to b (LOG-1).
func AppendHeader(b []byte) []byte {
	b = append(b, Magic...)
	b = binary.BigEndian.AppendUint16(b, Version)
	return append(b, make([]byte, HeaderSize-reservedAt)...)
}

// checkHeader judges the length, the magic, the version and the rest (LOG-1).
func checkHeader(file []byte) *cert.RecordError {
	fail := func(kind cert.RecordKind, format string, args ...any) *cert.RecordError {
		return &cert.RecordError{Kind: kind, Message: fmt.Sprintf(format, args...)}
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
	if r := file[reservedAt:HeaderSize]; string(r) != string(make([]byte, len(r))) {
		return fail(BadHeader, "reserved bytes are %x, want zeros", r)
	}
	return nil
}

// Record is a certificate and where its record stands in the file.
type Record struct {
	Offset      int64 // of the record, in bytes from the start of the file
	Size        int64 // of the record in bytes
	Certificate *cert.Certificate
}

// Parse reads a log from its bytes, which the certificates' bodies share
// (LOG-1, LOG-2). On a *cert.RecordError the records before the damage are
// returned with it. It judges the records, not the chain that they form.
func Parse(file []byte) ([]Record, error) {
	if err := checkHeader(file); err != nil {
		return nil, err
	}
	var records []Record
	for offset := int64(HeaderSize); ; {
		c, next, err := cert.NextRecord(file, offset)
		if err == io.EOF {
			return records, nil
		}
		if err != nil {
			return records, err
		}
		records = append(records, Record{Offset: offset, Size: next - offset, Certificate: c})
		offset = next
	}
}

// Read reads the log file path as an audit does: it takes no lock and repairs
// nothing. On damage the error is a *FileError, and the records before the
// damage are returned with it.
func Read(path string) ([]Record, error) {
	file, err := durable.OS{}.ReadFile(path)
	if err != nil {
		return nil, err
	}
	records, err := Parse(file)
	return records, named(path, err)
}

// named puts the path to an error of Parse.
func named(path string, err error) error {
	var damage *cert.RecordError
	if errors.As(err, &damage) {
		return &FileError{Path: path, Err: damage}
	}
	return err
}

// WriteFile makes path a log with the one record of c, durably and in place of
// what was there (CLG-2).
func WriteFile(path string, c *cert.Certificate) error {
	file, err := cert.AppendRecord(AppendHeader(nil), c)
	if err != nil {
		return err
	}
	return durable.WriteFile(durable.OS{}, path, file, 0o644)
}
