package member

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/transport"
)

func TestEventsOfAStreamAreCertifiedOnceByAll(t *testing.T) {
	w := newWorld(t, 4, transport.Faults{})
	for i := range uint64(10) {
		w.publish(ev(i+1, uint32(i%4)+1))
		w.pass(2)
	}
	w.until(50, w.settled)
	for _, s := range w.members {
		require.Len(t, s.acked, 10)
		for cause := range s.core.counts {
			require.NotContains(t, cause, "refused")
		}
	}
	w.audit(10, 0)
}

// TestCrashesAndLossLoseNoEventAndDoubleNone has members crash at any point at which
// something is about to be written or sent, with a bus that loses, repeats and
// reorders, and cuts that heal.
func TestCrashesAndLossLoseNoEventAndDoubleNone(t *testing.T) {
	for seed := range uint64(seeds(t)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 4, transport.Faults{Seed: seed, Loss: 50, Duplicate: 50, Reorder: 100})
			w.crashes = 10
			n, handed := uint64(0), 0
			for range 30 {
				for node := range uint32(4) {
					if w.rng.IntN(2) == 0 {
						n++
						w.publish(ev(n, node+1))
					}
				}
				if s := w.members[w.rng.IntN(4)]; s.core != nil && w.rng.IntN(3) == 0 {
					n++
					handed++
					s.hand(uint32(s.index+1), ev(n, uint32(s.index+11)))
				}
				switch w.rng.IntN(10) {
				case 0:
					require.NoError(t, w.bus.Partition([]int{0, 1}, []int{2, 3}))
				case 1, 2:
					require.NoError(t, w.bus.Partition())
				}
				w.pass(1 + w.rng.IntN(2))
				w.restart()
			}
			w.crashes = 0
			require.NoError(t, w.bus.Partition())
			w.until(400, func() bool { w.restart(); return w.settled() })
			t.Logf("%d crashes, %d certificates, %v", w.crashed, w.members[0].core.store.Chain.Length, w.members[0].core.counts)
			require.Positive(t, w.crashed)
			for _, s := range w.members {
				require.Len(t, s.acked, len(w.stream))
				require.NoError(t, s.ended)
			}
			w.audit(len(w.stream)+handed, 0)
		})
	}
}

// seeds is how many runs with faults there are.
func seeds(t *testing.T) int {
	if testing.Short() {
		return 1
	}
	return 3
}
