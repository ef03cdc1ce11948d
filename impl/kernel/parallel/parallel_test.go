package parallel_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/parallel"
)

func TestGoRunsEachTaskOnceAndWaits(t *testing.T) {
	for n := 1; n < 20; n++ {
		done := make([]atomic.Int32, n)
		parallel.Go(n, func(i int) { done[i].Add(1) })
		for i := range done {
			require.Equal(t, int32(1), done[i].Load())
		}
	}
}

func TestBlocksCoverEachPlaceOnceAndInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, size := rapid.IntRange(0, 100).Draw(t, "n"), rapid.IntRange(1, 30).Draw(t, "size")
		workers := rapid.IntRange(1, 5).Draw(t, "workers")
		var mu sync.Mutex
		seen := make([]int, n)
		last := make([]int, workers)
		parallel.Blocks(parallel.Go, workers, n, size, func(w, from, to int) {
			mu.Lock()
			defer mu.Unlock()
			require.Zero(t, from%size)
			require.Equal(t, min(from+size, n), to)
			require.LessOrEqual(t, last[w], from)
			last[w] = to
			for i := from; i < to; i++ {
				seen[i]++
			}
		})
		for i := range seen {
			require.Equal(t, 1, seen[i], "place %d", i)
		}
	})
}
