package cert

import (
	"encoding/binary"
	"fmt"
)

// decoder reads fixed fields from the front of b; after the first that does not
// fit, err is set and every further read gives zeros.
type decoder struct {
	b   []byte
	at  int
	err error
}

func (d *decoder) take(n int) []byte {
	if d.err != nil {
		return nil
	}
	if left := len(d.b) - d.at; n < 0 || n > left { // below 0: over what this machine can count
		d.err = fmt.Errorf("%d bytes at offset %d are needed, %d are left", n, d.at, left)
		return nil
	}
	d.at += n
	return d.b[d.at-n : d.at : d.at]
}

func (d *decoder) fixed(n int) []byte {
	if b := d.take(n); b != nil {
		return b
	}
	return make([]byte, n)
}

func (d *decoder) u8() uint8   { return d.fixed(1)[0] }
func (d *decoder) u16() uint16 { return binary.BigEndian.Uint16(d.fixed(2)) }
func (d *decoder) u32() uint32 { return binary.BigEndian.Uint32(d.fixed(4)) }
func (d *decoder) u64() uint64 { return binary.BigEndian.Uint64(d.fixed(8)) }
func (d *decoder) hash() Hash  { return Hash(d.fixed(len(Hash{}))) }

// fail records an error of the content, unless an earlier one is there.
func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

// end returns the first error; left-over bytes are one.
func (d *decoder) end() error {
	if d.err == nil && d.at < len(d.b) {
		d.err = fmt.Errorf("%d left-over bytes at offset %d", len(d.b)-d.at, d.at)
	}
	return d.err
}
