package events_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/transport/events"
)

// TestWhatWasNotAcknowledgedComesBeforeWhatIsNewer is for a node that is killed: an event
// that came behind a newer one of its stream would be stale (INV-4).
func TestWhatWasNotAcknowledgedComesBeforeWhatIsNewer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, events.Config{})
	p := w.publisher(0, nil)
	before := w.consumer(0)
	for i := 1; i <= 4; i++ {
		w.put(p, makeEvent(t, 1, 1, i, "x"))
		item := w.next(before)
		if i == 2 {
			require.NoError(t, item.Ack())
		}
	}
	before.Close()
	w.put(p, makeEvent(t, 1, 1, 5, "x"))
	w.put(p, makeEvent(t, 1, 1, 6, "x"))
	after := w.consumer(0)
	for _, want := range []uint64{1, 3, 4, 5, 6} {
		item := w.next(after)
		require.Equal(t, want, item.Sequence)
		require.NoError(t, item.Ack())
	}
	w.none(after)
}
