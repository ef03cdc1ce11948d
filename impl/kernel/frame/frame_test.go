package frame_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

// plainCRC is CRC-32C bit by bit: polynomial 1EDC6F41, reflected.
func plainCRC(b []byte) uint32 {
	crc := ^uint32(0)
	for _, c := range b {
		crc ^= uint32(c)
		for range 8 {
			if crc&1 == 1 {
				crc = crc>>1 ^ 0x82f63b78
			} else {
				crc >>= 1
			}
		}
	}
	return ^crc
}

func u16(n int) []byte    { return binary.BigEndian.AppendUint16(nil, uint16(n)) }
func u32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

func plainHeader(version, flags int, node uint32, reserved []byte) []byte {
	b := slices.Concat([]byte("OMEGALOG"), u16(version), u16(flags), u32(node), reserved)
	return append(b, u32(plainCRC(b))...)
}

func plainFrame(body []byte) []byte {
	n := u32(uint32(len(body)))
	return slices.Concat(n, u32(plainCRC(slices.Concat(n, body))), body)
}

func eventBytes(t require.TestingT, e event.Event) []byte {
	b, err := e.Append(nil)
	require.NoError(t, err)
	return b
}

// file returns a header for node 3 and a frame around each body, and the
// offset of each frame.
func file(bodies ...[]byte) (b []byte, offsets []int64) {
	b = plainHeader(1, 0, 3, make([]byte, 12))
	for _, body := range bodies {
		offsets = append(offsets, int64(len(b)))
		b = append(b, plainFrame(body)...)
	}
	return b, offsets
}

// walk reads a file to its end or to the first thing wrong with it.
func walk(b []byte) (events []event.View, err error) {
	if _, err := frame.ParseHeader(b); err != nil {
		return nil, err
	}
	for at := int64(frame.HeaderSize); ; {
		v, next, err := frame.Next(b, at)
		if err == io.EOF {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events, at = append(events, v), next
	}
}

func small(lamport uint64, payload string) event.Event {
	return event.Event{Key: key.New(lamport, 3, 1, [key.EventIDSize]byte{}), Payload: []byte(payload)}
}

func TestFilesFollowTheLayoutAndComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		node := rapid.Uint32().Draw(t, "node")
		got := frame.AppendHeader([]byte("before"), frame.Header{Node: node})[len("before"):]
		want := plainHeader(1, 0, node, make([]byte, 12))
		require.Equal(t, want, got)
		h, err := frame.ParseHeader(got)
		require.NoError(t, err)
		require.Equal(t, node, h.Node)

		var bodies [][]byte
		for range rapid.IntRange(0, 5).Draw(t, "frames") {
			body := eventBytes(t, small(rapid.Uint64().Draw(t, "lamport"), rapid.String().Draw(t, "payload")))
			bodies = append(bodies, body)
			want = append(want, plainFrame(body)...)
			got, err = frame.Append(got, body)
			require.NoError(t, err)
		}
		require.Equal(t, want, got)
		events, err := walk(got)
		require.NoError(t, err)
		require.Len(t, events, len(bodies))
		for i, v := range events {
			require.Equal(t, bodies[i], []byte(v))
		}
	})
}

func TestEventsAreReadInPlace(t *testing.T) {
	b, offsets := file(eventBytes(t, small(1, "a")), eventBytes(t, small(2, "b")))
	v, next, err := frame.Next(b, offsets[0])
	require.NoError(t, err)
	require.Same(t, &b[offsets[0]+frame.Overhead], &v[0])
	require.Equal(t, offsets[1], next)
	require.Equal(t, len(v), cap(v), "appending to a view would write into the next frame")
}

func TestWhatIsNoEventGetsNoFrame(t *testing.T) {
	room := []byte("prefix and some room behind it")
	kept := bytes.Clone(room)
	got, err := frame.Append(room[:6], make([]byte, event.MinSize-1))
	require.ErrorIs(t, err, event.ErrShort)
	require.Equal(t, "prefix", string(got))
	require.Equal(t, kept, room)
	// Long enough for an event, and none: the payload's length is one too large.
	body := eventBytes(t, event.Event{Key: key.New(1, 1, 1, [key.EventIDSize]byte{}), Payload: []byte("paid")})
	body[len(body)-5]++
	_, want := event.Parse(body)
	require.Error(t, want)
	got, err = frame.Append(room[:6], body)
	require.ErrorIs(t, err, errors.Unwrap(want))
	require.Equal(t, "prefix", string(got))
	require.Equal(t, kept, room)
}

// TestEveryDamageHasItsKindAndOffset is the table of FRM-5 and FRM-6.
func TestEveryDamageHasItsKindAndOffset(t *testing.T) {
	first, second := eventBytes(t, small(1, "first")), eventBytes(t, small(2, "second"))
	good, offsets := file(first, second)
	at := offsets[1]
	head := good[:frame.HeaderSize]
	zeros := make([]byte, 12)
	// with returns the good file with b written over it at offset.
	with := func(offset int64, b []byte) []byte {
		return slices.Concat(good[:offset], b, good[int(offset)+len(b):])
	}
	// tail returns the good file with b in place of its second frame.
	tail := func(b ...[]byte) []byte { return slices.Concat(good[:at], slices.Concat(b...)) }
	unsorted := eventBytes(t, event.Event{Deps: []key.Key{{1}, {2}}})
	unsorted[key.Size+6] = 3

	for name, c := range map[string]struct {
		file   []byte
		kind   frame.Kind
		offset int64
		cause  error
	}{
		"an empty file":                  {nil, frame.BadHeader, 0, nil},
		"a header cut by one byte":       {head[:31], frame.BadHeader, 0, nil},
		"short, and with a wrong magic":  {[]byte("NOTALOG"), frame.BadHeader, 0, nil},
		"a wrong magic":                  {with(0, []byte("o")), frame.BadMagic, 0, nil},
		"a wrong magic and version":      {with(7, []byte{'g', 0, 2}), frame.BadMagic, 0, nil},
		"version 0":                      {plainHeader(0, 0, 3, zeros), frame.BadVersion, 0, nil},
		"version 2, a wrong crc":         {with(8, u16(2)), frame.BadVersion, 0, nil},
		"version 256, the wrong way":     {with(8, u16(256)), frame.BadVersion, 0, nil},
		"a flag, with its crc":           {plainHeader(1, 1, 3, zeros), frame.BadHeader, 0, nil},
		"a reserved byte, with its crc":  {plainHeader(1, 0, 3, append(make([]byte, 11), 1)), frame.BadHeader, 0, nil},
		"a wrong node":                   {with(12, u32(4)), frame.BadHeader, 0, nil},
		"a wrong header crc":             {with(28, u32(0)), frame.BadHeader, 0, nil},
		"one byte left":                  {tail([]byte{0}), frame.TornTail, at, nil},
		"three bytes left":               {tail([]byte{0xff, 0xff, 0xff}), frame.TornTail, at, nil},
		"a length alone":                 {tail(u32(38)), frame.TornTail, at, nil},
		"a length and half a crc":        {tail(u32(38), []byte{1, 2}), frame.TornTail, at, nil},
		"the last byte missing":          {good[:len(good)-1], frame.TornTail, at, nil},
		"a head without body":            {good[:at+frame.Overhead], frame.TornTail, at, nil},
		"a length of 0":                  {tail(u32(0)), frame.FrameLength, at, nil},
		"a length of 37":                 {tail(u32(37), make([]byte, 60)), frame.FrameLength, at, nil},
		"a length over the limit":        {tail(u32(frame.MaxLen + 1)), frame.FrameLength, at, nil},
		"a length of 4 GiB":              {tail(u32(0xffffffff)), frame.FrameLength, at, nil},
		"the largest length, cut short":  {tail(u32(frame.MaxLen)), frame.TornTail, at, nil},
		"a damaged length, within":       {with(at, u32(uint32(len(second)-1))), frame.FrameCRC, at, nil},
		"a damaged length, beyond":       {with(at, u32(uint32(len(second)+1))), frame.TornTail, at, nil},
		"a damaged crc":                  {with(at+4, u32(0)), frame.FrameCRC, at, nil},
		"a damaged body":                 {with(at+8, []byte{0xff}), frame.FrameCRC, at, nil},
		"a crc over the body alone":      {with(at+4, u32(plainCRC(second))), frame.FrameCRC, at, nil},
		"left-over bytes in the event":   {tail(plainFrame(append(second, 0))), frame.BadEvent, at, event.ErrLeftOver},
		"deps beyond the event's end":    {tail(plainFrame(slices.Concat(second[:32], u16(9), second[34:]))), frame.BadEvent, at, event.ErrShort},
		"deps out of order":              {tail(plainFrame(unsorted)), frame.BadEvent, at, event.ErrDepOrder},
		"damage in the first of two":     {with(offsets[0]+8, []byte{0xff}), frame.FrameCRC, offsets[0], nil},
		"damage in both: the first wins": {with(offsets[0]+4, make([]byte, at-offsets[0])), frame.FrameCRC, offsets[0], nil},
	} {
		kept := bytes.Clone(c.file)
		_, err := walk(c.file)
		var got *frame.Error
		require.ErrorAs(t, err, &got, name)
		require.Equal(t, c.kind, got.Kind, "%s: %v", name, err)
		require.Equal(t, c.offset, got.Offset, "%s: %v", name, err)
		require.Contains(t, err.Error(), string(c.kind), name)
		require.NotEmpty(t, got.Message, name)
		if c.cause != nil {
			require.ErrorIs(t, err, c.cause, name)
		} else {
			require.NoError(t, errors.Unwrap(err), name)
		}
		require.Equal(t, kept, c.file, "%s: reading changed the file", name)
	}
}

func TestARefusedFrameLeavesTheOffset(t *testing.T) {
	b, offsets := file(eventBytes(t, small(1, "a")))
	b[len(b)-1] ^= 1
	v, next, err := frame.Next(b, offsets[0])
	require.Error(t, err)
	require.Nil(t, v)
	require.Equal(t, offsets[0], next)
	_, next, err = frame.Next(b, int64(len(b)))
	require.Equal(t, io.EOF, err)
	require.Equal(t, int64(len(b)), next)
}

func TestEverySingleBitOfAFileIsGuarded(t *testing.T) {
	good, offsets := file(eventBytes(t, small(1, "a")), eventBytes(t, small(2, "bcd")))
	_, err := walk(good)
	require.NoError(t, err)
	for at := range good {
		want := int64(0) // the header's
		for _, offset := range offsets {
			if int64(at) >= offset {
				want = offset
			}
		}
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[at] ^= 1 << bit
			_, err := walk(bad)
			var got *frame.Error
			require.ErrorAs(t, err, &got, "byte %d, bit %d", at, bit)
			require.Equal(t, want, got.Offset, "byte %d, bit %d: %v", at, bit, err)
		}
	}
}

func TestEveryCutOfAFileIsFoundUnlessBetweenFrames(t *testing.T) {
	good, offsets := file(eventBytes(t, small(1, "a")), eventBytes(t, small(2, "bcd")))
	boundaries := append(offsets, int64(len(good)))
	for n := range len(good) + 1 {
		events, err := walk(good[:n])
		whole := slices.Index(boundaries, int64(n))
		if whole >= 0 {
			require.NoError(t, err, n)
			require.Len(t, events, whole)
			continue
		}
		var got *frame.Error
		require.ErrorAs(t, err, &got, n)
		if n < frame.HeaderSize {
			require.Equal(t, frame.BadHeader, got.Kind)
		} else {
			require.Equal(t, frame.TornTail, got.Kind)
		}
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add(plainHeader(1, 0, 7, make([]byte, 12)))
	f.Add(plainHeader(2, 0, 7, make([]byte, 12)))
	f.Add([]byte("OMEGALOG"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := frame.ParseHeader(b)
		if err == nil {
			require.Equal(t, b[:frame.HeaderSize], frame.AppendHeader(nil, h))
			return
		}
		var e *frame.Error
		require.ErrorAs(t, err, &e)
		require.Zero(t, e.Offset)
	})
}

func FuzzNext(f *testing.F) {
	good, _ := file(eventBytes(f, small(1, "a")), eventBytes(f, small(2, "b")))
	f.Add(good[frame.HeaderSize:], uint16(0))
	f.Add(good[frame.HeaderSize:len(good)-1], uint16(47))
	f.Add(u32(0xffffffff), uint16(0))
	f.Add([]byte{0, 0, 0}, uint16(1))
	f.Fuzz(func(t *testing.T, b []byte, offset uint16) {
		if int(offset) > len(b) {
			return
		}
		v, next, err := frame.Next(b, int64(offset))
		switch {
		case err == nil:
			require.Equal(t, plainFrame(v), b[offset:next])
		case err == io.EOF:
			require.Len(t, b, int(offset))
		default:
			var e *frame.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, int64(offset), e.Offset)
			require.Equal(t, int64(offset), next)
			require.Nil(t, v)
		}
	})
}
