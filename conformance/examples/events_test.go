package examples

import (
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

func load[T any](t *testing.T, name string) T {
	t.Helper()
	v, err := read[T](name)
	require.NoError(t, err)
	return v
}

func TestKeysAreThoseOfTheExamples(t *testing.T) {
	examples := load[struct {
		Clause     string
		Increasing []struct {
			Lamport    uint64
			Node       uint32
			Stream     uint16
			Event, Key Hex
		}
		Refused []string
	}](t, "keys")
	var before *key.Key
	for _, e := range examples.Increasing {
		k := key.New(e.Lamport, e.Node, e.Stream, [key.EventIDSize]byte(e.Event))
		require.Equal(t, key.Key(e.Key), k)
		parsed, err := key.Parse(k.String())
		require.NoError(t, err)
		require.Equal(t, k, parsed)
		require.Equal(t, [key.EventIDSize]byte(e.Event), k.EventID())
		if before != nil {
			require.Equal(t, -1, before.Compare(&k))
			require.Equal(t, +1, k.Compare(before))
		}
		before = &k
	}
	for _, text := range examples.Refused {
		_, err := key.Parse(text)
		require.Error(t, err, text)
	}
}

func keysOf(hexes []Hex) []key.Key {
	var keys []key.Key
	for _, h := range hexes {
		keys = append(keys, key.Key(h))
	}
	return keys
}

func TestEventsAreThoseOfTheExamples(t *testing.T) {
	examples := load[struct {
		Clause string
		Good   []struct {
			Key     Hex
			Value   int32
			Deps    []Hex
			Payload Hex
			Bytes   Hex
		}
		Refused []struct {
			Name  string
			Bytes Hex
		}
	}](t, "events")
	for _, x := range examples.Good {
		e := event.Event{Key: key.Key(x.Key), Value: x.Value, Deps: keysOf(x.Deps), Payload: x.Payload}
		b, err := e.Append(nil)
		require.NoError(t, err)
		require.Equal(t, []byte(x.Bytes), b)
		view, err := event.Parse(x.Bytes)
		require.NoError(t, err)
		require.Equal(t, e, view.Event())
	}
	for _, x := range examples.Refused {
		_, err := event.Parse(x.Bytes)
		require.Error(t, err, x.Name)
	}
}

// walk reads a file and returns its node, its events and their frames' offsets.
func walk(file []byte) (node uint32, events []event.View, offsets []int64, err error) {
	h, err := frame.ParseHeader(file)
	if err != nil {
		return 0, nil, nil, err
	}
	for at := int64(frame.HeaderSize); ; {
		v, next, err := frame.Next(file, at)
		if err == io.EOF {
			return h.Node, events, offsets, nil
		}
		if err != nil {
			return h.Node, events, offsets, err
		}
		events, offsets, at = append(events, v), append(offsets, at), next
	}
}

func TestFilesAreThoseOfTheExamples(t *testing.T) {
	examples := load[struct {
		Clause string
		Good   []struct {
			Node    uint32
			Events  []Hex
			Offsets []int64
			Sorted  bool
			Bytes   Hex
		}
		Damaged []struct {
			Name       string
			Bytes      Hex
			Kind       frame.Kind
			Offset     int64
			GoodFrames int `json:"good_frames"`
		}
	}](t, "files")
	for _, x := range examples.Good {
		b := frame.AppendHeader(nil, frame.Header{Node: x.Node})
		for _, e := range x.Events {
			var err error
			b, err = frame.Append(b, e)
			require.NoError(t, err)
		}
		require.Equal(t, []byte(x.Bytes), b)
		node, events, offsets, err := walk(x.Bytes)
		require.NoError(t, err)
		require.Equal(t, x.Node, node)
		require.True(t, slices.Equal(x.Offsets, offsets), "got %v, want %v", offsets, x.Offsets)
		require.Len(t, events, len(x.Events))
		for i := range events {
			require.Equal(t, []byte(x.Events[i]), []byte(events[i]))
		}
		sorted := slices.IsSortedFunc(events, func(a, b event.View) int { return a.Key().Compare(b.Key()) })
		require.Equal(t, x.Sorted, sorted)
	}
	for _, x := range examples.Damaged {
		_, events, _, err := walk(x.Bytes)
		var damage *frame.Error
		require.True(t, errors.As(err, &damage), x.Name)
		require.Equal(t, x.Kind, damage.Kind, "%s: %v", x.Name, err)
		require.Equal(t, x.Offset, damage.Offset, "%s: %v", x.Name, err)
		require.Len(t, events, x.GoodFrames, x.Name)
	}
}
