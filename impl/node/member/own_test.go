package member

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/transport"
)

// TestASectionOnItsWayHereNeverTakesThePlaceOfTheOwn has a member close the very section
// that it has asked a peer for: its own is synced, and a copy would not be.
func TestASectionOnItsWayHereNeverTakesThePlaceOfTheOwn(t *testing.T) {
	w := newWorld(t, 2, transport.Faults{})
	w.pass(3)
	w.publish(ev(1, 9))
	a, b := w.members[0], w.members[1]
	a.feed()
	w.now = w.now.Add(100 * time.Millisecond)
	require.NoError(t, a.core.closeAt(w.now))
	for len(b.core.transfers) == 0 {
		require.True(t, w.bus.Deliver())
	}
	b.feed()
	require.NotNil(t, b.core.own())
	require.Empty(t, b.core.transfers)
	for _, p := range b.core.batch.sections {
		require.True(t, p.here)
	}
	w.until(20, w.settled)
	w.audit(1, 0)
}
