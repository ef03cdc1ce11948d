package quorum_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNothingForksWhateverLiarsAndCrashesDo(t *testing.T) {
	var appends, locks, evidence, refused, crashes int
	rapid.Check(t, func(t *rapid.T) {
		n := []int{1, 2, 2, 3, 3, 3, 3, 4}[rapid.IntRange(0, 7).Draw(t, "members")]
		liars := rapid.IntRange(0, n-1).Draw(t, "liars")
		table := rapid.SliceOfN(rapid.IntRange(0, 2), 12, 12).Draw(t, "variants")
		temper := drawTemper(t)
		seed := rapid.Uint64().Draw(t, "seed")
		actions := rapid.IntRange(50, 500).Draw(t, "actions")
		for i := range uint64(3) {
			w := newWorld(t, seed+i, n, liars)
			w.variant = func(member int, height, attempt uint64) int {
				return table[(uint64(member%2)*5*(i%2)+height*7+attempt)%12]
			}
			w.temper = temper
			for _, x := range w.honest() {
				w.restart(x)
			}
			w.chaos(actions)
			require.Zero(t, w.stats.halts, "an honest member with its own disk has halted")
			if n > 1 {
				appends, locks, evidence = appends+w.stats.appends, locks+w.stats.locks, evidence+w.stats.evidence
				refused, crashes = refused+w.stats.refused, crashes+w.stats.crashes
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
			w := newWorld(t, seed+i, 3, 1)
			w.temper = temper{loss: 25, order: 30, timeouts: 8}
			w.variant = func(_ int, _, attempt uint64) int { return int(attempt % 2) }
			for _, x := range w.honest() {
				w.restart(x)
			}
			w.chaos(120)
			for _, k := range w.pool.stands {
				if _, ok := w.pool.proof(k); ok {
					proofs++
				}
			}
			locks += w.stats.locks
		}
	})
	t.Logf("%d locks, %d proofs that the liars could show", locks, proofs)
	require.Positive(t, locks)
	require.Greater(t, proofs, locks)
}
