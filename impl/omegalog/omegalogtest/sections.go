// Package omegalogtest makes small sections for tests.
package omegalogtest

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// Key is the key of the node's event at the Lamport time, in stream 0.
func Key(lamport uint64, node uint32) key.Key {
	return key.New(lamport, node, 0, [14]byte{13: 1})
}

// Event is the node's event at the Lamport time, which depends on the keys given.
func Event(lamport uint64, node uint32, deps ...key.Key) event.Event {
	return event.Event{Key: Key(lamport, node), Value: int32(lamport) * 100, Deps: deps, Payload: []byte("payload")}
}

// WriteSection writes a section of the node and returns its path.
func WriteSection(t testing.TB, dir, name string, node uint32, events ...event.Event) string {
	t.Helper()
	path := filepath.Join(dir, name)
	w, err := omegalog.Create(path, node)
	require.NoError(t, err)
	for i := range events {
		b, err := events[i].Append(nil)
		require.NoError(t, err)
		require.NoError(t, w.Append(b))
	}
	require.NoError(t, w.Close())
	return path
}

// TwoBatches returns the sections, in a fresh folder, of two causal batches of
// the nodes 1 and 2: of three events and of two.
func TwoBatches(t testing.TB) (first, second []string) {
	t.Helper()
	dir := t.TempDir()
	first = []string{
		WriteSection(t, dir, "a1.omega", 1, Event(1, 1), Event(2, 1, Key(1, 1))),
		WriteSection(t, dir, "b1.omega", 2, Event(2, 2, Key(1, 1))),
	}
	second = []string{
		WriteSection(t, dir, "a2.omega", 1, Event(3, 1, Key(2, 1), Key(2, 2))),
		WriteSection(t, dir, "b2.omega", 2, Event(4, 2, Key(3, 1))),
	}
	return first, second
}
