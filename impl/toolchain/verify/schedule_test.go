package verify

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestALayerThatNeedsMoreMemoryThanThereIsFailsWithTheFigures(t *testing.T) {
	v := newVerifier(t)
	var runs atomic.Int32
	huge := counting("tla", &runs)
	huge.memoryMB = 1001
	opts := v.options()
	opts.memoryMB = 1000
	rep, err := run(t.Context(), opts, []layer{huge, counting("go", &runs)})
	require.NoError(t, err)
	require.False(t, rep.OK)
	require.Equal(t, Fail, result(t, rep, "tla").Verdict)
	require.Equal(t, "the layer tla needs 1001 MB of memory, and 1000 MB are available", result(t, rep, "tla").Message)
	require.Equal(t, Pass, result(t, rep, "go").Verdict)
	require.Equal(t, int32(1), runs.Load())
	require.NoError(t, rep.Missing)
}

func TestWhatRunsAtATimeFitsIntoTheRoom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		memory, places := rapid.IntRange(5, 10).Draw(t, "memory"), rapid.IntRange(1, 3).Draw(t, "places")
		needs := rapid.SliceOfN(rapid.IntRange(0, 5), 1, 12).Draw(t, "needs")
		room := newRoom(memory, places)
		var mu sync.Mutex
		var wg sync.WaitGroup
		used, running, most := 0, 0, 0
		for _, need := range needs {
			room.enter(need)
			mu.Lock()
			used, running = used+need, running+1
			most = max(most, running)
			fits := used <= memory && running <= places
			mu.Unlock()
			require.True(t, fits)
			wg.Go(func() {
				time.Sleep(100 * time.Microsecond)
				mu.Lock()
				used, running = used-need, running-1
				mu.Unlock()
				room.leave(need)
			})
		}
		wg.Wait()
		require.Positive(t, most)
		require.Equal(t, []int{memory, places}, []int{room.memoryMB, room.free})
	})
}

func TestLayersRunSideBySide(t *testing.T) {
	v := newVerifier(t)
	// Each waits for the other: alone, one would wait for ever.
	met := make(chan bool)
	meet := func(name string, do func()) layer {
		return layer{name: name, needs: noTools, matters: goFile, memoryMB: 1, run: func(context.Context, *task) outcome { do(); return outcome{} }}
	}
	if runtime.NumCPU() < 2 {
		t.Skip("one processor")
	}
	require.True(t, v.run(t, meet("go", func() { met <- true }), meet("tla", func() { <-met })).OK)
}

func TestDeepIsAResultOfItsOwn(t *testing.T) {
	v := newVerifier(t)
	var runs, plain atomic.Int32
	deeper := counting("tla", &runs)
	deeper.deeper = true
	layers := []layer{deeper, counting("go", &plain)}
	cached := func(deep bool) []bool {
		opts := v.options()
		opts.Deep = deep
		rep, err := run(t.Context(), opts, layers)
		require.NoError(t, err)
		return []bool{result(t, rep, "tla").Cached, result(t, rep, "go").Cached}
	}
	require.Equal(t, []bool{false, false}, cached(false))
	require.Equal(t, []bool{false, true}, cached(true))
	require.Equal(t, []bool{true, true}, cached(true))
	require.Equal(t, []bool{true, true}, cached(false))
}

func TestEveryLayerHasTheBudgetThatContributingSays(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "CONTRIBUTING.md"))
	require.NoError(t, err)
	told := map[string]time.Duration{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\w+) \| .* \| (\d+) min \|$`).FindAllStringSubmatch(string(text), -1) {
		minutes, err := strconv.Atoi(row[2])
		require.NoError(t, err)
		told[row[1]] = time.Duration(minutes) * time.Minute
	}
	require.Equal(t, budgets, told)
	for _, l := range existing {
		require.Contains(t, budgets, l.name)
		require.Positive(t, l.memoryMB, l.name)
	}
}
