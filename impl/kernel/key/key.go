// Package key holds the canonical ordering key: 28 bytes that give every event
// of every party one place in one order.
//
// A key is, big-endian and packed (clause KEY-1):
//
//	lamport u64 | node u32 | stream u16 | event u112
//
// Read as one number it is K = lamport<<160 | node<<128 | stream<<112 | event,
// below 2^224, and comparing the 28 bytes from the left compares K (KEY-2). So
// the order of two events depends on what they say and never on when, where or
// in which file they arrived.
//
// The event of Lamport time 7 that node 3 wrote to its stream 1 under the
// event id 0a has the key
//
//	0000000000000007 00000003 0001 000000000000000000000000000a
package key

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// Size is the length of a key in bytes (KEY-1).
const Size = 28

// EventIDSize is the length of the event id inside a key, in bytes (KEY-1).
const EventIDSize = 14

// Key is an ordering key in its 28-byte form. The zero Key is the least.
type Key [Size]byte

// New packs the four fields into a key (KEY-1).
func New(lamport uint64, node uint32, stream uint16, event [EventIDSize]byte) Key {
	var k Key
	binary.BigEndian.PutUint64(k[0:], lamport)
	binary.BigEndian.PutUint32(k[8:], node)
	binary.BigEndian.PutUint16(k[12:], stream)
	copy(k[14:], event[:])
	return k
}

// Lamport returns the logical time of the event (KEY-1).
func (k *Key) Lamport() uint64 { return binary.BigEndian.Uint64(k[0:]) }

// Node returns the id of the node that wrote the event (KEY-1).
func (k *Key) Node() uint32 { return binary.BigEndian.Uint32(k[8:]) }

// Stream returns the stream of the node that the event belongs to (KEY-1).
func (k *Key) Stream() uint16 { return binary.BigEndian.Uint16(k[12:]) }

// EventID returns the event id (KEY-1).
func (k *Key) EventID() [EventIDSize]byte { return [EventIDSize]byte(k[14:]) }

// Compare returns -1, 0 or +1 as k comes before, is, or comes after o (KEY-2).
func (k *Key) Compare(o *Key) int { return bytes.Compare(k[:], o[:]) }

// String returns the key as 56 lower-case hex digits (KEY-3).
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// Parse reads a key from 56 hex digits (KEY-3). It refuses any other length and
// upper-case digits, so that a key has one spelling.
func Parse(s string) (Key, error) {
	var k Key
	if len(s) != 2*Size {
		return Key{}, fmt.Errorf("key: %d hex digits, want %d", len(s), 2*Size)
	}
	if _, err := hex.Decode(k[:], []byte(s)); err != nil {
		return Key{}, fmt.Errorf("key: %q: %w", s, err)
	}
	if k.String() != s {
		return Key{}, fmt.Errorf("key: %q: hex digits must be lower-case", s)
	}
	return k, nil
}
