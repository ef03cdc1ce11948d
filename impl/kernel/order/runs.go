package order

import "github.com/omega-sheaf-os/omega/impl/kernel/parallel"

const (
	// maxRuns is the number of runs up to which merging beats the radix sort.
	maxRuns = 16
	// maxDisplaced is how many places an entry is moved back into its run: twice
	// what a log is expected to need, since late entries hold up each other.
	maxDisplaced = 128
)

// repair turns a, where it is a few nearly sorted runs one after the other,
// into sorted runs, by moving late entries back by up to maxDisplaced places.
// It returns where each run begins, in order, and then len(a). Where more than
// maxRuns would result it gives up, with ok false and a in any order.
func repair(a []Entry, workers int) (runs []int, ok bool) {
	parts := make([][]int, workers)
	inParallel(parallel.Go, workers, workers, func(_, part int) {
		parts[part] = repairFrom(a[:cut(len(a), part+1, workers)], cut(len(a), part, workers))
	})
	for i, starts := range parts {
		if len(starts) > maxRuns {
			return nil, false
		}
		if i > 0 {
			// The cut between two parts may have parted one run.
			end := append(starts, cut(len(a), i+1, workers))[1]
			if join(a, runs[len(runs)-1], starts[0], end) {
				starts = starts[1:]
			}
		}
		runs = append(runs, starts...)
	}
	return append(runs, len(a)), len(runs) <= maxRuns
}

// repairFrom repairs a from the place from on and returns where the runs begin,
// the first at from. With more than maxRuns it stops.
func repairFrom(a []Entry, from int) []int {
	starts := append(make([]int, 0, maxRuns+1), from)
	start := from
	for i := from + 1; i < len(a); i++ {
		if a[i].Lamport >= a[i-1].Lamport || moveBack(a, start, i) {
			continue
		}
		start = i
		if starts = append(starts, i); len(starts) > maxRuns {
			break
		}
	}
	return starts
}

// moveBack moves a[i], which is less than a[i-1], to its place in the sorted
// run a[start:i]. It returns false, and leaves a, where that is too far away.
func moveBack(a []Entry, start, i int) bool {
	e := a[i]
	if far := i - maxDisplaced - 1; far >= start && a[far].Lamport > e.Lamport {
		return false
	}
	j := i
	for ; j > start && a[j-1].Lamport > e.Lamport; j-- {
		a[j] = a[j-1]
	}
	a[j] = e
	return true
}

// join moves the first entries of the sorted run a[start:end] back into the
// sorted run a[left:start] and so makes them one. It returns false, and leaves
// a, where the first is too far from its place; none that follows is farther.
func join(a []Entry, left, start, end int) bool {
	for i := start; i < end && a[i].Lamport < a[i-1].Lamport; i++ {
		if !moveBack(a, left, i) {
			return false
		}
	}
	return true
}
