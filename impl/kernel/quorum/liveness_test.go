package quorum_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// settle runs rounds without faults until every member has reached the height,
// and returns how many it took. A round is: all is delivered, then Tick for each,
// and every fourth round Timeout for each instead.
func (w *world) settle(height uint64, most int) int {
	w.crashes = false
	for _, x := range w.honest() {
		if !x.up {
			w.restart(x)
		}
		if x.s.Ready() { // what a lost NeedCandidate asked for is asked again
			_ = w.step(x, quorum.Tick{})
		}
	}
	for round := range most {
		w.calm(height)
		done := true
		for _, x := range w.nodes {
			done = done && x.chain.Length >= height
		}
		if done {
			return round
		}
		for _, x := range w.nodes {
			if round%4 == 3 {
				_ = w.step(x, quorum.Timeout{}) // refused where nothing is prepared
			} else {
				require.NoError(w.t, w.step(x, quorum.Tick{}))
			}
		}
	}
	require.Fail(w.t, "no progress", "height %d is not reached within %d rounds", height, most)
	return most
}

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
		w := newWorld(t, rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 4).Draw(t, "members"), 0)
		w.variant = agreeing(uint64(rapid.IntRange(0, 4).Draw(t, "agreeing from")))
		w.temper = drawTemper(t)
		for _, x := range w.nodes {
			w.restart(x)
		}
		w.chaos(rapid.IntRange(0, 300).Draw(t, "actions"))
		require.Zero(t, w.stats.halts)
		if rapid.Bool().Draw(t, "all is lost") {
			w.net = nil
		}
		highest := uint64(0)
		for _, x := range w.nodes {
			highest = max(highest, x.chain.Length)
		}
		longest = max(longest, w.settle(highest+2, 60))
		require.Zero(t, w.stats.evidence)
	})
	t.Logf("at most %d rounds for two heights", longest)
}

func TestMembersThatDifferAtFirstAgreeOnTheUnion(t *testing.T) {
	for n := 2; n <= 4; n++ {
		w := newWorld(t, 1, n, 0)
		w.variant = agreeing(1)
		for _, x := range w.nodes {
			w.restart(x)
		}
		require.Zero(t, w.settleWithoutTimers(), "a timer was needed")
		for _, x := range w.nodes {
			require.Equal(t, content(w.genesis, 0).Envelope, x.log[0].Envelope)
			require.Equal(t, uint64(1), w.nodes[0].log[0].Envelope.BatchID)
		}
	}
}

// settleWithoutTimers decides one height by messages alone, and returns how many
// members have not.
func (w *world) settleWithoutTimers() (open int) {
	for budget := 2000; budget > 0 && len(w.net) > 0; budget-- {
		w.deliver(0)
		for _, x := range w.nodes {
			if x.chain.Length == 1 {
				w.supply(x)
			}
		}
	}
	for _, x := range w.nodes {
		if x.chain.Length < 2 {
			open++
		}
	}
	return open
}

func TestALockThatOneMemberHoldsAloneIsDecided(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 4).Draw(t, "members")
		w := newWorld(t, rapid.Uint64().Draw(t, "seed"), n, 0)
		w.variant = func(int, uint64, uint64) int { return 1 }
		for _, x := range w.nodes {
			w.restart(x)
		}
		w.calmUntilPrepared()
		// Member 0 alone hears all prepares and locks; its commits are lost, and it crashes.
		locked := w.nodes[0]
		for _, p := range w.net {
			if p.to == 0 {
				w.hand(p)
			}
		}
		require.NotNil(t, locked.s.Lock)
		w.net = nil
		locked.up = false
		// The others go on, and would rather have something else.
		w.variant = func(int, uint64, uint64) int { return 2 }
		for range rapid.IntRange(1, 3).Draw(t, "timeouts") {
			for _, x := range w.nodes[1:] {
				_ = w.step(x, quorum.Timeout{})
				w.supply(x)
			}
		}
		w.net = nil
		w.settle(2, 60)
		for _, x := range w.nodes {
			require.Equal(t, content(w.genesis, 1).Envelope, x.log[0].Envelope, "the lock is not what was decided")
		}
	})
}

func TestACertificateThatOneMemberHoldsAloneIsFetched(t *testing.T) {
	for n := 2; n <= 4; n++ {
		w := newWorld(t, 1, n, 0)
		for _, x := range w.nodes {
			w.restart(x)
		}
		w.calmUntilPrepared()
		// All prepares arrive; then all commits reach member 0, and nothing else arrives.
		for len(w.net) > 0 && w.nodes[0].chain.Length == 1 {
			m, err := quorum.Decode(w.net[0].bytes)
			require.NoError(t, err)
			if _, ok := m.(*quorum.Commit); ok && w.net[0].to != 0 {
				w.net = w.net[1:]
			} else {
				w.deliver(0)
			}
		}
		require.Equal(t, uint64(2), w.nodes[0].chain.Length)
		w.net = nil
		w.settle(2, 10)
		require.Equal(t, w.nodes[0].log, w.nodes[n-1].log)
	}
}

// calmUntilPrepared brings every member to its first prepare, which stays on its way.
func (w *world) calmUntilPrepared() {
	for len(w.net) > 0 {
		w.deliver(0)
	}
	for _, x := range w.nodes {
		w.supply(x)
	}
}
