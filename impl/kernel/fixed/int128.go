// Package fixed holds the arithmetic of the analytics: fixed-point numbers in
// thousandths, exact and the same bits on every machine.
//
// A value is an i32 in thousandths: 12.345 is 12345 (clause FIX-1). A sum of
// values is an i128, the two's complement number Hi<<64 + Lo; 2^64 values of
// 32 bits stay below 2^95 in magnitude, so no sum of a trace can overflow
// (FIX-2). It is written as 16 bytes, big-endian (FIX-3), and printed in full
// with three decimals (FIX-4):
//
//	12.345     0000000000000000 0000000000003039
//	-0.500     ffffffffffffffff fffffffffffffe0c
//
// Stats gathers count, sum, min, max and mean of values (FIX-5). The mean is
// the exact quotient sum / count rounded once, to the nearest thousandth and a
// half to the even one (FIX-6): the mean of 0.001 and 0.002 is 0.002, that of
// 0.002 and 0.003 is 0.002 too.
package fixed

import (
	"encoding/binary"
	"math/bits"
)

// Int128 is the signed number Hi<<64 + Lo, in thousandths (FIX-2). The zero
// Int128 is 0.
type Int128 struct {
	Hi int64
	Lo uint64
}

// Add returns a + v, modulo 2^128 (FIX-2).
func (a Int128) Add(v int64) Int128 {
	return a.AddInt128(Int128{Hi: v >> 63, Lo: uint64(v)})
}

// AddInt128 returns a + b, modulo 2^128 (FIX-2).
func (a Int128) AddInt128(b Int128) Int128 {
	lo, carry := bits.Add64(a.Lo, b.Lo, 0)
	return Int128{Hi: a.Hi + b.Hi + int64(carry), Lo: lo}
}

// Bytes returns a as 16 bytes, big-endian two's complement (FIX-3).
func (a Int128) Bytes() [16]byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(a.Hi))
	binary.BigEndian.PutUint64(b[8:], a.Lo)
	return b
}

// FromBytes returns the number that Bytes wrote as b (FIX-3). Every b is one.
func FromBytes(b [16]byte) Int128 {
	return Int128{Hi: int64(binary.BigEndian.Uint64(b[:8])), Lo: binary.BigEndian.Uint64(b[8:])}
}

// magnitude returns |a| as hi<<64 + lo. It holds for -2^127 too.
func (a Int128) magnitude() (hi, lo uint64) {
	if a.Hi >= 0 {
		return uint64(a.Hi), a.Lo
	}
	lo, borrow := bits.Sub64(0, a.Lo, 0)
	hi, _ = bits.Sub64(0, uint64(a.Hi), borrow)
	return hi, lo
}

// decimals is the number of digits behind the point.
const decimals = 3

// String returns a, which counts thousandths, as a decimal number with three
// decimals, "12.345" or "-0.500", without a sign on zero (FIX-4).
func (a Int128) String() string {
	var text [len("-170141183460469231731687303715884105.728")]byte
	at := len(text)
	hi, lo := a.magnitude()
	for digits := 0; hi != 0 || lo != 0 || digits <= decimals; digits++ {
		if digits == decimals {
			at--
			text[at] = '.'
		}
		var digit uint64
		hi, digit = hi/10, hi%10
		lo, digit = bits.Div64(digit, lo, 10)
		at--
		text[at] = '0' + byte(digit)
	}
	if a.Hi < 0 {
		at--
		text[at] = '-'
	}
	return string(text[at:])
}

// Format returns the value v, in thousandths, as Int128.String does (FIX-4).
func Format(v int32) string { return Int128{}.Add(int64(v)).String() }
