package order

import (
	"math/bits"
	"sort"

	"github.com/omega-sheaf-os/omega/impl/kernel/parallel"
)

// mergePart is the number of entries that one task of a merge writes.
const mergePart = 1 << 16

// merge merges the sorted runs of a, which begin at runs[0], runs[1] and so on
// and end at len(a), the last of runs, by Lamport field. Two by two the runs
// become one, from a to b and back, until one is left. It returns the merged
// entries, in a or in b, and the other of the two.
func merge(a, b []Entry, runs []int, workers int) (merged, spare []Entry) {
	for len(runs) > 2 {
		var tasks []mergeTask
		left := runs[:1]
		for i := 0; i+1 < len(runs); i += 2 {
			// The last of an odd number of runs is merged with nothing.
			from, middle, end := runs[i], runs[i+1], runs[min(i+2, len(runs)-1)]
			for at := from; at < end; at += mergePart {
				tasks = append(tasks, mergeTask{a[from:middle], a[middle:end], b[from:end], at - from})
			}
			left = append(left, end)
		}
		inParallel(parallel.Go, workers, len(tasks), func(_, i int) { tasks[i].run() })
		a, b, runs = b, a, left
	}
	return a, b
}

// mergeTask writes up to mergePart entries of the merge of x and y to out, from
// the place from on.
type mergeTask struct {
	x, y, out []Entry
	from      int
}

func (t *mergeTask) run() {
	to := min(t.from+mergePart, len(t.out))
	i, end := mergeSplit(t.x, t.y, t.from), mergeSplit(t.x, t.y, to)
	mergeTwo(t.x[i:end], t.y[t.from-i:to-end], t.out[t.from:to])
}

// mergeSplit returns how many of the first n entries of the merge of x and y
// come from x. Of equal entries those of x come first.
func mergeSplit(x, y []Entry, n int) int {
	low := max(0, n-len(y))
	return low + sort.Search(min(n, len(x))-low, func(i int) bool {
		i += low
		return x[i].Lamport > y[n-i-1].Lamport
	})
}

// mergeTwo writes the merge of x and y to out, which is as long as both.
func mergeTwo(x, y, out []Entry) {
	i, j := 0, 0
	for i < len(x) && j < len(y) {
		// Which of two entries comes first is a coin toss: computed, it costs
		// less than a branch foretold wrongly every second time.
		e, f := x[i], y[j]
		_, less := bits.Sub64(f.Lamport, e.Lamport, 0) // 1 where f comes first
		mask := -less
		out[i+j] = Entry{
			Lamport: e.Lamport ^ (e.Lamport^f.Lamport)&mask,
			Ref:     e.Ref ^ (e.Ref^f.Ref)&Ref(mask),
		}
		i += int(1 - less)
		j += int(less)
	}
	copy(out[i+j:], x[i:])
	copy(out[i+j:], y[j:])
}
