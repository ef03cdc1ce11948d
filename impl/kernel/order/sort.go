package order

import (
	"sync/atomic"

	"github.com/omega-sheaf-os/omega/impl/kernel/parallel"
)

const (
	// smallSort is the number of entries up to which insertion sort is fastest.
	smallSort = 24
	// parallelMin is the number of entries from which on a second worker pays.
	parallelMin = 1 << 11
)

// Sort brings entries into canonical order (ORD-1, ORD-3) and returns them, and
// whether all their keys are distinct. The result lies in entries or in scratch,
// and what the other then holds is undefined. scratch must not overlap entries;
// where it is shorter than entries, Sort makes one of its own, and else what it
// holds beside the two does not grow with their number. It works with up to the
// given number of workers, at least one; the result does not depend on it. Those
// that read src are started by run, nil being parallel.Go. Each entry's Lamport
// must be that of its key; where a mapped file changes during the call, the
// result has the same entries in some order.
//
// The keys are sorted word by word, each of 8 bytes, the Lamport time first.
// Entries that come as a few nearly sorted runs are repaired and merged, others
// go through a radix sort; where a word is equal the next one, read in the
// source, settles the tie. No input takes more than a fixed number of passes.
func Sort(entries []Entry, src Sources, scratch []Entry, workers int, run parallel.Run) (sorted []Entry, distinct bool) {
	if len(scratch) < len(entries) {
		scratch = make([]Entry, len(entries))
	}
	if run == nil {
		run = parallel.Go
	}
	s := sorter{src: src, run: run}
	sorted, _ = s.sortWord(0, entries, scratch[:len(entries)], workers)
	return sorted, !s.equal.Load()
}

// A sorter is what all parts of one Sort share.
type sorter struct {
	src   Sources
	run   parallel.Run
	equal atomic.Bool // two keys are equal
}

// sortWord sorts a, whose keys agree in the words before word and whose Lamport
// fields hold that word, by the rest of the key and then by Ref. It returns the
// sorted entries, in a or in b, and the other of the two. b is as long as a.
func (s *sorter) sortWord(word int, a, b []Entry, workers int) (sorted, spare []Entry) {
	if len(a) <= smallSort {
		insertionSort(a)
		if word < refWord {
			s.settlePart(word, a, b, 1)
		}
		return a, b
	}
	workers = max(1, min(workers, len(a)/parallelMin))
	if runs, ok := repair(a, workers); ok {
		sorted, spare = merge(a, b, runs, workers)
	} else {
		radix(a, b, false, workers)
		sorted, spare = a, b
	}
	if word < refWord {
		s.settle(word, sorted, spare, workers)
	}
	return sorted, spare
}

// inParallel calls do for the tasks 0 to tasks-1 with up to the given number of
// workers and returns when all have returned. A worker that is free takes the
// next task; do is told which of the workers calls it.
func inParallel(run parallel.Run, workers, tasks int, do func(worker, task int)) {
	parallel.Blocks(run, workers, tasks, 1, func(worker, task, _ int) { do(worker, task) })
}

// cut returns where part of parts equal parts of n entries begins.
func cut(n, part, parts int) int {
	return n/parts*part + n%parts*part/parts
}

// insertionSort sorts a by Lamport field.
func insertionSort(a []Entry) {
	for i := 1; i < len(a); i++ {
		e := a[i]
		j := i
		for ; j > 0 && a[j-1].Lamport > e.Lamport; j-- {
			a[j] = a[j-1]
		}
		a[j] = e
	}
}
