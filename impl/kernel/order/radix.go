package order

import (
	"math/bits"

	"github.com/omega-sheaf-os/omega/impl/kernel/parallel"
)

const (
	// maxDigit is the largest number of bits by which one pass of the radix sort
	// parts entries: its 2,048 buckets still fit in the caches.
	maxDigit = 11
	// bucketBits tells the size of the buckets that a pass aims at, 2^bucketBits
	// entries: few enough to sort them by insertion.
	bucketBits = 3
)

// digitWidth returns the number of bits by which to part n entries.
func digitWidth(n int) int { return min(maxDigit, max(1, bits.Len(uint(n))-bucketBits)) }

// newCounters returns room for the counters of all passes over one of n
// entries: their digits have 64 bits together, at most digitWidth(n) each.
func newCounters(n int) []int {
	width := digitWidth(n)
	return make([]int, (64/width+1)<<width)
}

// digit returns the shift and the mask of the digit that parts n entries whose
// Lamport fields differ in the bits of diff: the uppermost of these bits, as
// many as suit n.
func digit(n int, diff uint64) (shift int, mask uint64) {
	used := bits.Len64(diff)
	width := min(used, digitWidth(n))
	return used - width, 1<<width - 1
}

// differing returns the bits in which Lamport fields of a differ from lamport.
func differing(a []Entry, lamport uint64) uint64 {
	var diff uint64
	for i := range a {
		diff |= a[i].Lamport ^ lamport
	}
	return diff
}

// radix sorts a by Lamport field, most significant digit first, with the given
// number of workers. The result is in b where toB, else in a.
func radix(a, b []Entry, toB bool, workers int) {
	if workers == 1 {
		radixSerial(a, b, toB, newCounters(len(a)))
		return
	}
	part := func(i int) []Entry { return a[cut(len(a), i, workers):cut(len(a), i+1, workers)] }
	diffs := make([]uint64, workers)
	inParallel(parallel.Go, workers, workers, func(_, i int) { diffs[i] = differing(part(i), a[0].Lamport) })
	var diff uint64
	for _, d := range diffs {
		diff |= d
	}
	if diff == 0 {
		if toB {
			copy(b, a)
		}
		return
	}
	shift, mask := digit(len(a), diff)
	counts := make([][1 << maxDigit]int, workers)
	inParallel(parallel.Go, workers, workers, func(_, i int) { count(part(i), shift, mask, counts[i][:]) })
	ends := make([]int, mask+1)
	at := 0
	for d := range ends {
		for i := range counts {
			at, counts[i][d] = at+counts[i][d], at
		}
		ends[d] = at
	}
	inParallel(parallel.Go, workers, workers, func(_, i int) { scatter(part(i), b, shift, mask, counts[i][:]) })
	radixBuckets(a, b, !toB, ends, workers)
}

// radixBuckets sorts each of the buckets of b, which end at ends. The result is
// in a where toA, else in b.
func radixBuckets(a, b []Entry, toA bool, ends []int, workers int) {
	// A bucket that would keep one worker busy alone is shared by all.
	most := max(parallelMin, len(a)/workers/4)
	bucket := func(d int) (from, to int, shared bool) {
		if d > 0 {
			from = ends[d-1]
		}
		return from, ends[d], ends[d]-from > most
	}
	for d := range ends {
		if from, to, shared := bucket(d); shared {
			radix(b[from:to], a[from:to], toA, workers)
		}
	}
	// More parts than workers, since entries need not be spread evenly.
	parts := 8 * workers
	counters := make([][]int, workers)
	inParallel(parallel.Go, workers, parts, func(worker, part int) {
		if counters[worker] == nil {
			counters[worker] = newCounters(most)
		}
		for d := cut(len(ends), part, parts); d < cut(len(ends), part+1, parts); d++ {
			if from, to, shared := bucket(d); !shared {
				radixSerial(b[from:to], a[from:to], toA, counters[worker])
			}
		}
	})
}

// radixSerial is radix with one worker. counters is room for those of all
// passes to come.
func radixSerial(a, b []Entry, toB bool, counters []int) {
	if len(a) <= smallSort {
		if toB {
			a = b[:copy(b, a)]
		}
		insertionSort(a)
		return
	}
	diff := differing(a, a[0].Lamport)
	if diff == 0 {
		if toB {
			copy(b, a)
		}
		return
	}
	shift, mask := digit(len(a), diff)
	ends, counters := counters[:mask+1], counters[mask+1:]
	clear(ends)
	count(a, shift, mask, ends)
	at := 0
	for d := range ends {
		at, ends[d] = at+ends[d], at
	}
	scatter(a, b, shift, mask, ends)
	from := 0
	for _, to := range ends {
		if to > from {
			radixSerial(b[from:to], a[from:to], !toB, counters)
		}
		from = to
	}
}

// count adds the number of entries of a with each digit to counts.
func count(a []Entry, shift int, mask uint64, counts []int) {
	for i := range a {
		counts[a[i].Lamport>>shift&mask]++
	}
}

// scatter moves each entry of a to b, to the next free place of its digit,
// which places tells.
func scatter(a, b []Entry, shift int, mask uint64, places []int) {
	for i := range a {
		d := a[i].Lamport >> shift & mask
		b[places[d]] = a[i]
		places[d]++
	}
}
