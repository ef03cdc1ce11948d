package omegalog

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

// testEvent returns the bytes of an event with the given payload.
func testEvent(lamport uint64, payload string) []byte {
	e := event.Event{Key: key.New(lamport, 7, 1, [14]byte{}), Payload: []byte(payload)}
	b, err := e.Append(nil)
	if err != nil {
		panic(err)
	}
	return b
}

// testEvents returns n events of about size bytes each.
func testEvents(n, size int) [][]byte {
	events := make([][]byte, n)
	for i := range events {
		events[i] = testEvent(uint64(i), string(make([]byte, size)))
	}
	return events
}

// sectionBytes is the plain way to the bytes of a file.
func sectionBytes(node uint32, events [][]byte) []byte {
	b := frame.AppendHeader(nil, frame.Header{Node: node})
	for _, e := range events {
		var err error
		if b, err = frame.Append(b, e); err != nil {
			panic(err)
		}
	}
	return b
}

// putFile writes content to a file of a fresh folder.
func putFile(t testing.TB, content []byte) string {
	path := filepath.Join(t.TempDir(), "test.omega")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

// openView maps a file of that content until the test ends.
func openView(t testing.TB, content []byte) *OmegaLogView {
	v, err := Open(putFile(t, content))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, v.Close()) })
	return v
}

func drawEvents(t *rapid.T) [][]byte {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []byte {
		return testEvent(rapid.Uint64().Draw(t, "lamport"), rapid.StringN(0, 40, 80).Draw(t, "payload"))
	}), 0, 12).Draw(t, "events")
}
