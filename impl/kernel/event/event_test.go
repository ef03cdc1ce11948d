package event_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

const manualsEvent = "0000000000000007000000030001000000000000000000000000000a" + "fffffe0c" + "0000" + "00000002" + "6869"

func unhex(t require.TestingT, s string) []byte {
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func drawKey(t *rapid.T, label string) key.Key {
	return key.Key(rapid.SliceOfN(rapid.Byte(), key.Size, key.Size).Draw(t, label))
}

func drawEvent(t *rapid.T) event.Event {
	e := event.Event{
		Key:     drawKey(t, "key"),
		Value:   rapid.Int32().Draw(t, "value"),
		Payload: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "payload"),
	}
	for range rapid.IntRange(0, 4).Draw(t, "deps") {
		e.Deps = append(e.Deps, drawKey(t, "dep"))
	}
	slices.SortFunc(e.Deps, func(a, b key.Key) int { return a.Compare(&b) })
	e.Deps = slices.Compact(e.Deps)
	return e
}

// plainEncode writes the layout of EVT-1 field by field.
func plainEncode(e *event.Event) []byte {
	var b bytes.Buffer
	parts := []any{e.Key, e.Value, uint16(len(e.Deps)), e.Deps, uint32(len(e.Payload)), e.Payload}
	for _, part := range parts {
		_ = binary.Write(&b, binary.BigEndian, part)
	}
	return b.Bytes()
}

// plainParse reads an event by the words of EVT-1 to EVT-4: read every field,
// write it again, and take only what comes out the same.
func plainParse(b []byte) (event.Event, bool) {
	if len(b) > event.MaxSize {
		return event.Event{}, false
	}
	var e event.Event
	var deps uint16
	var payload uint32
	r := bytes.NewReader(b)
	for _, field := range []any{&e.Key, &e.Value, &deps} {
		if binary.Read(r, binary.BigEndian, field) != nil {
			return event.Event{}, false
		}
	}
	for range deps {
		var d key.Key
		if binary.Read(r, binary.BigEndian, &d) != nil {
			return event.Event{}, false
		}
		e.Deps = append(e.Deps, d)
	}
	if binary.Read(r, binary.BigEndian, &payload) != nil || int64(payload) != int64(r.Len()) {
		return event.Event{}, false
	}
	e.Payload = make([]byte, payload)
	_, _ = r.Read(e.Payload)
	if !slices.IsSortedFunc(e.Deps, func(a, b key.Key) int { return a.Compare(&b) }) ||
		len(slices.Compact(slices.Clone(e.Deps))) != len(e.Deps) {
		return event.Event{}, false
	}
	return e, bytes.Equal(plainEncode(&e), b)
}

func requireSame(t require.TestingT, want, got event.Event) {
	require.Equal(t, want.Key, got.Key)
	require.Equal(t, want.Value, got.Value)
	require.True(t, slices.Equal(want.Deps, got.Deps), "got %v, want %v", got.Deps, want.Deps)
	require.True(t, bytes.Equal(want.Payload, got.Payload))
}

func TestEncodingFollowsTheLayoutAndComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvent(t)
		before := rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "before")
		all, err := e.Append(bytes.Clone(before))
		require.NoError(t, err)
		require.Equal(t, before, all[:len(before)])
		got := all[len(before):]
		require.Equal(t, plainEncode(&e), got)
		require.Len(t, got, e.Size())

		view, err := event.Parse(got)
		require.NoError(t, err)
		require.Same(t, &got[0], &view[0], "the view is a copy")
		requireSame(t, e, view.Event())
		require.Equal(t, e.Key, *view.Key())
		require.Equal(t, len(e.Deps), view.DepCount())
		require.Equal(t, len(e.Payload), len(view.Payload()))
	})
}

func TestAnEventInPartsSharesNoBytesWithItsView(t *testing.T) {
	e := event.Event{Deps: []key.Key{{1}, {2}}, Payload: []byte("payload")}
	raw, err := e.Append(nil)
	require.NoError(t, err)
	view, err := event.Parse(raw)
	require.NoError(t, err)
	got := view.Event()
	for i := range raw {
		raw[i] ^= 0xff
	}
	requireSame(t, e, got)
}

// TestBytesAreAnEventExactlyWhereThePlainReaderSaysSo damages encodings a little,
// so that most are nearly events.
func TestBytesAreAnEventExactlyWhereThePlainReaderSaysSo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvent(t)
		b := plainEncode(&e)
		for range rapid.IntRange(0, 2).Draw(t, "damages") {
			b = damage(t, b)
		}
		want, ok := plainParse(b)
		kept := bytes.Clone(b)
		view, err := event.Parse(b)
		require.Equal(t, ok, err == nil, "%v", err)
		require.Equal(t, kept, b, "Parse changed its input")
		if ok {
			requireSame(t, want, view.Event())
			again, err := want.Append(nil)
			require.NoError(t, err)
			require.Equal(t, b, again, "a second encoding of one event was taken")
		} else {
			require.Nil(t, view)
		}
	})
}

func damage(t *rapid.T, b []byte) []byte {
	if len(b) == 0 {
		return b
	}
	at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
	switch rapid.IntRange(0, 3).Draw(t, "damage") {
	case 0:
		b[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
	case 1:
		b = b[:at]
	case 2:
		b = append(b, rapid.Byte().Draw(t, "left over"))
	case 3:
		b = slices.Insert(b, at, make([]byte, key.Size)...)
	}
	return b
}

func TestEachCauseHasItsError(t *testing.T) {
	two := event.Event{Deps: []key.Key{{1}, {2}}, Payload: []byte("hi")}
	good := plainEncode(&two)
	edit := func(at int, b ...byte) []byte { return slices.Concat(good[:at], b, good[at+len(b):]) }
	const depCountAt, depsAt = key.Size + 4, key.Size + 6
	payloadLenAt := depsAt + 2*key.Size
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"no byte":                    {nil, event.ErrShort},
		"one byte under the least":   {good[:event.MinSize-1], event.ErrShort},
		"deps beyond the end":        {edit(depCountAt, 0xff, 0xff), event.ErrShort},
		"one dep too many":           {edit(depCountAt, 0, 3), event.ErrShort},
		"one dep too few":            {edit(depCountAt, 0, 1), event.ErrShort},
		"a payload beyond the end":   {edit(payloadLenAt, 0, 0, 0, 3), event.ErrShort},
		"a payload of 4 GiB":         {edit(payloadLenAt, 0xff, 0xff, 0xff, 0xff), event.ErrShort},
		"2 GiB more than there is":   {edit(payloadLenAt, 0x80, 0, 0, 2), event.ErrShort},
		"a payload that ends early":  {edit(payloadLenAt, 0, 0, 0, 1), event.ErrLeftOver},
		"a left-over byte":           {append(bytes.Clone(good), 0), event.ErrLeftOver},
		"the same dep twice":         {edit(depsAt, 2), event.ErrDepOrder},
		"deps the wrong way round":   {edit(depsAt, 3), event.ErrDepOrder},
		"one byte over the largest":  {make([]byte, event.MaxSize+1), event.ErrTooLarge},
		"the key alone, cut at 28":   {good[:key.Size], event.ErrShort},
		"cut between deps and count": {good[:payloadLenAt], event.ErrShort},
	} {
		view, err := event.Parse(c.b)
		require.ErrorIs(t, err, c.want, name)
		require.Nil(t, view, name)
	}
}

func TestWhatHasNoEncodingLeavesTheBufferAlone(t *testing.T) {
	many := make([]key.Key, event.MaxDeps+1)
	for i := range many {
		binary.BigEndian.PutUint32(many[i][:], uint32(i))
	}
	for name, c := range map[string]struct {
		e    event.Event
		want error
	}{
		"too many deps":         {event.Event{Deps: many}, event.ErrTooLarge},
		"too large":             {event.Event{Payload: make([]byte, event.MaxSize-event.MinSize+1)}, event.ErrTooLarge},
		"the same dep twice":    {event.Event{Deps: []key.Key{{1}, {1}}}, event.ErrDepOrder},
		"deps out of order":     {event.Event{Deps: []key.Key{{2}, {1}}}, event.ErrDepOrder},
		"the last out of order": {event.Event{Deps: []key.Key{{1}, {3}, {2}}}, event.ErrDepOrder},
	} {
		room := []byte("prefix and some room behind it")
		kept := bytes.Clone(room)
		got, err := c.e.Append(room[:6])
		require.ErrorIs(t, err, c.want, name)
		require.Equal(t, "prefix", string(got), name)
		require.Equal(t, kept, room, "%s: bytes behind the prefix were written", name)
	}
}

func TestTheLargestEventsAreTaken(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs 50 MB")
	}
	large := event.Event{Payload: make([]byte, event.MaxSize-event.MinSize)}
	most := event.Event{Deps: make([]key.Key, event.MaxDeps)}
	for i := range most.Deps {
		binary.BigEndian.PutUint32(most.Deps[i][:], uint32(i))
	}
	for _, e := range []*event.Event{&large, &most} {
		b, err := e.Append(nil)
		require.NoError(t, err)
		view, err := event.Parse(b)
		require.NoError(t, err)
		require.Equal(t, len(e.Deps), view.DepCount())
		require.Equal(t, len(e.Payload), len(view.Payload()))
	}
}

func TestTheManualsEventIsThatEvent(t *testing.T) {
	e := event.Event{Key: key.New(7, 3, 1, [key.EventIDSize]byte{13: 0x0a}), Value: -500, Payload: []byte("hi")}
	got, err := e.Append(nil)
	require.NoError(t, err)
	require.Equal(t, manualsEvent, hex.EncodeToString(got))
}

func TestValuesKeepTheirSign(t *testing.T) {
	for _, value := range []int32{0, 1, -1, math.MaxInt32, math.MinInt32} {
		e := event.Event{Value: value}
		b, err := e.Append(nil)
		require.NoError(t, err)
		view, err := event.Parse(b)
		require.NoError(t, err)
		require.Equal(t, value, view.Value())
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add(unhex(f, manualsEvent))
	f.Add(unhex(f, strings.Repeat("00", event.MinSize)))
	deps := event.Event{Deps: []key.Key{{1}, {2}}, Payload: []byte("p")}
	f.Add(plainEncode(&deps))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		want, ok := plainParse(b)
		view, err := event.Parse(b)
		require.Equal(t, ok, err == nil, "%v", err)
		if ok {
			requireSame(t, want, view.Event())
			require.Equal(t, b, plainEncode(&want))
		}
	})
}
