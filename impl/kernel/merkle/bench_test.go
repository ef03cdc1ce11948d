package merkle

import (
	"crypto/sha256"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// benchLeaves is more than the caches hold: 93 MB of leaves.
const benchLeaves = 500_000

// leafSize is that of a usual event: one dep and a payload of 120 bytes.
const leafSize = 186

// BenchmarkTraceRoot1 measures TraceRoot over 500,000 leaves of 186 bytes that
// lie one after the other in memory, on one core. The metric of_bound is the
// time of the bare SHA-256 work over TraceRoot's: the same number of calls of
// sha256.Sum256, 187 bytes a leaf, read from the same memory, and 65 bytes a
// node, always the same buffer. So the bound neither writes a prefix nor moves a
// hash. The two take turns, and the median of their ratios counts.
func BenchmarkTraceRoot1(b *testing.B) { benchmarkTraceRoot(b, 1) }

// BenchmarkTraceRoot2 is BenchmarkTraceRoot1 on two cores, the bound split
// into two halves.
func BenchmarkTraceRoot2(b *testing.B) { benchmarkTraceRoot(b, 2) }

func benchmarkTraceRoot(b *testing.B, cores int) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
	data := make([]byte, benchLeaves*leafSize+1)
	for i := range data {
		data[i] = byte(i * i >> 3)
	}
	leaf := func(i int) []byte { return data[i*leafSize : (i+1)*leafSize] }
	var bound, ours []time.Duration
	for b.Loop() {
		start := time.Now()
		var wg sync.WaitGroup
		for c := range cores {
			wg.Go(func() { bareWork(data, c*benchLeaves/cores, (c+1)*benchLeaves/cores) })
		}
		wg.Wait()
		middle := time.Now()
		TraceRoot(benchLeaves, leaf, cores)
		bound, ours = append(bound, middle.Sub(start)), append(ours, time.Since(middle))
	}
	reportRatio(b, bound, ours)
}

var sink byte

func bareWork(data []byte, from, to int) {
	var node [1 + 2*HashSize]byte
	var x byte
	for i := from; i < to; i++ {
		h := sha256.Sum256(data[i*leafSize : i*leafSize+leafSize+1])
		x ^= h[0]
		h = sha256.Sum256(node[:])
		x ^= h[0]
	}
	if from == 0 {
		sink = x
	}
}

func reportRatio(b *testing.B, bound, ours []time.Duration) {
	ratios := make([]float64, len(bound))
	for i := range bound {
		ratios[i] = bound[i].Seconds() / ours[i].Seconds()
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "of_bound")
	b.ReportMetric(benchLeaves/slices.Min(ours).Seconds()/1e6, "Mleaves/s")
}
