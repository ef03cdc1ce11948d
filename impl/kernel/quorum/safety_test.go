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
		crashes_ := rapid.Bool().Draw(t, "crashes")
		seed := rapid.Uint64().Draw(t, "seed")
		actions := rapid.IntRange(50, 500).Draw(t, "actions")
		for i := range uint64(3) {
			w := newWorld(t, seed+i, n, liars)
			w.variant = func(member int, height, attempt uint64) int {
				return table[(uint64(member%2)*5*(i%2)+height*7+attempt)%12]
			}
			w.crashes = crashes_
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
