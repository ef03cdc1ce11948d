package quorum_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/conformance/sim"
)

func TestNothingForksWhateverLiarsAndCrashesDo(t *testing.T) {
	var appends, locks, evidence, refused, crashes int
	rapid.Check(t, func(t *rapid.T) {
		n := []int{1, 2, 2, 3, 3, 3, 3, 4}[rapid.IntRange(0, 7).Draw(t, "members")]
		liars := rapid.IntRange(0, n-1).Draw(t, "liars")
		table := rapid.SliceOfN(rapid.IntRange(0, 2), 12, 12).Draw(t, "variants")
		profile := drawProfile(t)
		seed := rapid.Uint64().Draw(t, "seed")
		actions := rapid.IntRange(50, 500).Draw(t, "actions")
		for i := range uint64(3) {
			w := newWorld(seed+i, n, liars)
			w.Variant = func(member int, height, attempt uint64) int {
				return table[(uint64(member%2)*5*(i%2)+height*7+attempt)%12]
			}
			w.Profile = profile
			for _, x := range w.Honest() {
				w.Restart(x)
			}
			w.Chaos(actions)
			require.Zero(t, w.Stats.Halts, "an honest member with its own disk has halted")
			if n > 1 {
				appends, locks, evidence = appends+w.Stats.Appends, locks+w.Stats.Locks, evidence+w.Stats.Evidence
				refused, crashes = refused+w.Stats.Refused, crashes+w.Stats.Crashes
			}
		}
	})
	t.Logf("%d appends, %d locks, %d pieces of evidence, %d refused, %d crashes", appends, locks, evidence, refused, crashes)
	for _, count := range []int{appends, locks, evidence, refused, crashes} {
		require.Positive(t, count, "the runs are too tame")
	}
}

// Two honest members that would rather have something else in every attempt, and a
// liar that can complete, or withhold, every proof: here a lock from the proof of an
// older attempt sets the two apart.
func TestALiarWithOldProofsDoesNotSetTheHonestApart(t *testing.T) {
	locks, proofs := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		for i := range uint64(3) {
			w := newWorld(seed+i, 3, 1)
			w.Profile = sim.Profile{Loss: 25, Order: 30, Timeouts: 8, Lies: 10}
			w.Variant = func(_ int, _, attempt uint64) int { return int(attempt % 2) }
			for _, x := range w.Honest() {
				w.Restart(x)
			}
			w.Chaos(120)
			proofs += w.Proofs()
			locks += w.Stats.Locks
		}
	})
	t.Logf("%d locks, %d proofs that the liars could show", locks, proofs)
	require.Positive(t, locks)
	require.Greater(t, proofs, locks)
}
