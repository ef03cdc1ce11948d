package quorum

import (
	"encoding/binary"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// decoder reads fields from the front of b. After the first that does not fit,
// err is set and every further read gives zeros.
type decoder struct {
	b   []byte
	at  int
	err error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w at offset %d: %w", ErrEncoding, d.at, fmt.Errorf(format, args...))
	}
}

func (d *decoder) take(n int) []byte {
	if left := len(d.b) - d.at; n < 0 || n > left { // below 0: over what this machine can count
		d.fail("%d bytes are needed, %d are left", n, left)
	}
	if d.err != nil {
		return nil
	}
	d.at += n
	return d.b[d.at-n : d.at : d.at]
}

// into fills p.
func (d *decoder) into(p []byte) { copy(p, d.take(len(p))) }

func (d *decoder) u16() uint16 {
	var b [2]byte
	d.into(b[:])
	return binary.BigEndian.Uint16(b[:])
}

func (d *decoder) u32() uint32 {
	var b [4]byte
	d.into(b[:])
	return binary.BigEndian.Uint32(b[:])
}

func (d *decoder) u64() uint64 {
	var b [8]byte
	d.into(b[:])
	return binary.BigEndian.Uint64(b[:])
}

func (d *decoder) hash() (h cert.Hash) {
	d.into(h[:])
	return h
}

func (d *decoder) signature() (s cert.Signature) {
	d.into(s[:])
	return s
}

func (d *decoder) nonce() (n Nonce) {
	d.into(n[:])
	return n
}

// present reads the byte before an optional field: 0 or 1.
func (d *decoder) present() bool {
	var b [1]byte
	d.into(b[:])
	if b[0] > 1 {
		d.fail("the byte before an optional field is 0 or 1, got %d", b[0])
	}
	return d.err == nil && b[0] == 1
}

// end returns the first error; left-over bytes are one.
func (d *decoder) end() error {
	if left := len(d.b) - d.at; left > 0 {
		d.fail("%d left-over bytes", left)
	}
	return d.err
}
