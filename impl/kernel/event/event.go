// Package event encodes and checks events, the unit of every log.
//
// An event is, big-endian and packed (clause EVT-1):
//
//	key[28] | value i32 | dep_count u16 | deps: dep_count x key[28] | payload_len u32 | payload
//
// value is a figure in thousandths, 12.345 is 12345, and 0 where there is none
// (EVT-2). deps are the keys of the events that this one depends on, strictly
// increasing (EVT-3). Every event has one encoding: Parse refuses whatever
// Append would not have written, left-over bytes included (EVT-4). Whether the
// deps exist, and lie in the past, is for the rules of package invariant.
//
// The event above with the value -0.5, no dep and the payload "hi" is
//
//	0000000000000007000000030001000000000000000000000000000a
//	fffffe0c 0000 00000002 6869
package event

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

const (
	// MinSize is the size in bytes of an event without deps and payload (EVT-1).
	MinSize = depsAt + payloadLenSize
	// MaxSize is the largest event in bytes: what one frame can hold (FRM-4).
	MaxSize = 16 << 20
	// MaxDeps is the largest number of deps (EVT-1).
	MaxDeps = 1<<16 - 1

	valueAt        = key.Size
	depCountAt     = valueAt + 4
	depsAt         = depCountAt + 2
	payloadLenSize = 4
)

// The ways in which bytes fail to be an event (EVT-4). Match with errors.Is.
var (
	ErrShort    = errors.New("event ends early")
	ErrLeftOver = errors.New("event has left-over bytes")
	ErrDepOrder = errors.New("deps are not strictly increasing")
	ErrTooLarge = errors.New("event is too large")
)

// Event is an event in its parts, for writing one. The zero Event is valid.
type Event struct {
	Key     key.Key
	Value   int32     // thousandths
	Deps    []key.Key // strictly increasing
	Payload []byte
}

// Size returns the length of e's encoding in bytes (EVT-1).
func (e *Event) Size() int {
	return MinSize + len(e.Deps)*key.Size + len(e.Payload)
}

// Append appends the one encoding of e to b (EVT-1, EVT-4). It returns b
// unchanged and ErrDepOrder or ErrTooLarge where e has no encoding.
func (e *Event) Append(b []byte) ([]byte, error) {
	if len(e.Deps) > MaxDeps {
		return b, fmt.Errorf("%w: %d deps, at most %d", ErrTooLarge, len(e.Deps), MaxDeps)
	}
	if size := e.Size(); size > MaxSize {
		return b, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, size, MaxSize)
	}
	for i := 1; i < len(e.Deps); i++ {
		if e.Deps[i-1].Compare(&e.Deps[i]) >= 0 {
			return b, depOrderError(i, &e.Deps[i-1], &e.Deps[i])
		}
	}
	b = append(b, e.Key[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(e.Value))
	b = binary.BigEndian.AppendUint16(b, uint16(len(e.Deps)))
	for i := range e.Deps {
		b = append(b, e.Deps[i][:]...)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.Payload)))
	return append(b, e.Payload...), nil
}

// View is the bytes of one valid event, read in place. Only Parse makes one
// from bytes of unknown origin; the accessors rely on what Parse has checked.
type View []byte

// Valid reports whether b is one event, whole and canonical: whether Parse takes
// it (EVT-4).
func Valid(b []byte) bool {
	if len(b) < MinSize || len(b) > MaxSize {
		return false
	}
	deps := int(binary.BigEndian.Uint16(b[depCountAt:]))
	payloadAt := depsAt + deps*key.Size + payloadLenSize
	if len(b) < payloadAt || len(b)-payloadAt != int(int32(binary.BigEndian.Uint32(b[payloadAt-payloadLenSize:]))) {
		return false
	}
	for at := depsAt + key.Size; deps > 1; deps, at = deps-1, at+key.Size {
		prev, next := b[at-key.Size:at], b[at:at+key.Size]
		// Most often the Lamport times decide.
		if binary.BigEndian.Uint64(prev) >= binary.BigEndian.Uint64(next) && bytes.Compare(prev, next) >= 0 {
			return false
		}
	}
	return true
}

// Parse checks that b is one event, whole and canonical, and returns it as a
// View over the same bytes; nothing is copied (EVT-4). Errors: ErrShort,
// ErrLeftOver, ErrDepOrder, ErrTooLarge.
func Parse(b []byte) (View, error) {
	if Valid(b) {
		return View(b), nil
	}
	return nil, damage(b)
}

// damage returns what is wrong with b, which is not Valid.
func damage(b []byte) error {
	if len(b) < MinSize {
		return fmt.Errorf("%w: %d bytes, at least %d", ErrShort, len(b), MinSize)
	}
	if len(b) > MaxSize {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(b), MaxSize)
	}
	deps := int(binary.BigEndian.Uint16(b[depCountAt:]))
	payloadAt := depsAt + deps*key.Size + payloadLenSize
	if len(b) < payloadAt {
		return fmt.Errorf("%w: %d deps need %d bytes, got %d", ErrShort, deps, payloadAt, len(b))
	}
	want := uint64(payloadAt) + uint64(binary.BigEndian.Uint32(b[payloadAt-payloadLenSize:]))
	switch got := uint64(len(b)); {
	case got < want:
		return fmt.Errorf("%w: payload needs %d bytes, got %d", ErrShort, want, got)
	case got > want:
		return fmt.Errorf("%w: %d bytes, want %d", ErrLeftOver, got, want)
	}
	i := 1
	for depAt(b, i-1).Compare(depAt(b, i)) < 0 {
		i++
	}
	return depOrderError(i, depAt(b, i-1), depAt(b, i))
}

func depAt(b []byte, i int) *key.Key { return (*key.Key)(b[depsAt+i*key.Size:]) }

func depOrderError(i int, prev, next *key.Key) error {
	return fmt.Errorf("%w: dep %d is %v, dep %d is %v", ErrDepOrder, i-1, prev, i, next)
}

// Key returns the event's key, in place (EVT-1).
func (v View) Key() *key.Key { return (*key.Key)(v) }

// Value returns the event's value in thousandths (EVT-2).
func (v View) Value() int32 { return int32(binary.BigEndian.Uint32(v[valueAt:])) }

// DepCount returns the number of deps (EVT-1).
func (v View) DepCount() int { return int(binary.BigEndian.Uint16(v[depCountAt:])) }

// Dep returns dep i, 0 <= i < DepCount, in place (EVT-3).
func (v View) Dep(i int) *key.Key { return depAt(v, i) }

// Payload returns the payload, in place (EVT-1).
func (v View) Payload() []byte {
	return v[depsAt+v.DepCount()*key.Size+payloadLenSize:]
}

// Event returns a copy of the event in its parts (EVT-1); it shares no bytes with
// v.
func (v View) Event() Event {
	e := Event{Key: *v.Key(), Value: v.Value(), Payload: bytes.Clone(v.Payload())}
	for i := range v.DepCount() {
		e.Deps = append(e.Deps, *v.Dep(i))
	}
	return e
}
