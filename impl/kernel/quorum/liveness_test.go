package quorum_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/conformance/sim"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// agreeing makes members differ before an attempt and agree from there on, as
// the union of their manifests does.
func agreeing(from uint64) func(int, uint64, uint64) int {
	return func(member int, height, attempt uint64) int {
		if attempt >= from {
			return 0
		}
		return (member + int(attempt)) % 3
	}
}

func TestAllDecideOnceFaultsStop(t *testing.T) {
	longest := 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 4).Draw(t, "members"), 0)
		w.Variant = agreeing(uint64(rapid.IntRange(0, 4).Draw(t, "agreeing from")))
		w.Profile = drawProfile(t)
		for _, x := range w.Nodes {
			w.Restart(x)
		}
		w.Chaos(rapid.IntRange(0, 300).Draw(t, "actions"))
		require.Zero(t, w.Stats.Halts)
		if rapid.Bool().Draw(t, "all is lost") {
			w.Net = nil
		}
		highest := uint64(0)
		for _, x := range w.Nodes {
			highest = max(highest, x.Chain.Length)
		}
		longest = max(longest, w.Settle(highest+2, 60))
		require.Zero(t, w.Stats.Evidence)
	})
	t.Logf("at most %d rounds for two heights", longest)
}

func TestMembersThatDifferAtFirstAgreeOnTheUnion(t *testing.T) {
	for n := 2; n <= 4; n++ {
		w := newWorld(1, n, 0)
		w.Variant = agreeing(1)
		for _, x := range w.Nodes {
			w.Restart(x)
		}
		require.Zero(t, settleWithoutTimers(w), "a timer was needed")
		for _, x := range w.Nodes {
			require.Equal(t, sim.Content(w.Genesis(), 0).Envelope, x.Log[0].Envelope)
			require.Equal(t, uint64(1), w.Nodes[0].Log[0].Envelope.BatchID)
		}
	}
}

// settleWithoutTimers decides one height by messages alone, and returns how many
// members have not.
func settleWithoutTimers(w *sim.World) (open int) {
	for budget := 2000; budget > 0 && len(w.Net) > 0; budget-- {
		w.Deliver(0)
		for _, x := range w.Nodes {
			if x.Chain.Length == 1 {
				w.Supply(x)
			}
		}
	}
	for _, x := range w.Nodes {
		if x.Chain.Length < 2 {
			open++
		}
	}
	return open
}

func TestALockThatOneMemberHoldsAloneIsDecided(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 4).Draw(t, "members")
		w := newWorld(rapid.Uint64().Draw(t, "seed"), n, 0)
		w.Variant = func(int, uint64, uint64) int { return 1 }
		for _, x := range w.Nodes {
			w.Restart(x)
		}
		calmUntilPrepared(w)
		// Member 0 alone hears all prepares and locks; its commits are lost, and it crashes.
		locked := w.Nodes[0]
		for _, p := range w.Net {
			if p.To == 0 {
				w.Hand(p)
			}
		}
		require.NotNil(t, locked.State.Lock)
		w.Net = nil
		locked.Up = false
		// The others go on, and would rather have something else.
		w.Variant = func(int, uint64, uint64) int { return 2 }
		for range rapid.IntRange(1, 3).Draw(t, "timeouts") {
			for _, x := range w.Nodes[1:] {
				_ = w.Step(x, quorum.Timeout{})
				w.Supply(x)
			}
		}
		w.Net = nil
		w.Settle(2, 60)
		for _, x := range w.Nodes {
			require.Equal(t, sim.Content(w.Genesis(), 1).Envelope, x.Log[0].Envelope, "the lock is not what was decided")
		}
	})
}

func TestACertificateThatOneMemberHoldsAloneIsFetched(t *testing.T) {
	for n := 2; n <= 4; n++ {
		w := newWorld(1, n, 0)
		for _, x := range w.Nodes {
			w.Restart(x)
		}
		calmUntilPrepared(w)
		// All prepares arrive; then all commits reach member 0, and nothing else arrives.
		for len(w.Net) > 0 && w.Nodes[0].Chain.Length == 1 {
			m, err := quorum.Decode(w.Net[0].Bytes)
			require.NoError(t, err)
			if _, ok := m.(*quorum.Commit); ok && w.Net[0].To != 0 {
				w.Net = w.Net[1:]
			} else {
				w.Deliver(0)
			}
		}
		require.Equal(t, uint64(2), w.Nodes[0].Chain.Length)
		w.Net = nil
		w.Settle(2, 10)
		require.Equal(t, w.Nodes[0].Log, w.Nodes[n-1].Log)
	}
}

// calmUntilPrepared brings every member to its first prepare, which stays on its way.
func calmUntilPrepared(w *sim.World) {
	for len(w.Net) > 0 {
		w.Deliver(0)
	}
	for _, x := range w.Nodes {
		w.Supply(x)
	}
}
