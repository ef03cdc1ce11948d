package linear

import (
	"bytes"
	"cmp"
	"math/big"
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/order"
	"github.com/omega-sheaf-os/omega/impl/kernel/parallel"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// keyFile returns a source of n keys, back to back, with many ties in every word.
func keyFile(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 9))
	var file []byte
	for range n {
		k := key.New(uint64(r.IntN(1+n/3)), uint32(r.IntN(2)), 0, [14]byte{0: byte(r.IntN(2)), 6: byte(r.IntN(2)), 13: byte(r.IntN(2))})
		file = append(file, k[:]...)
	}
	return file
}

// entriesOf returns the entries of all keys in the sources, in file order.
func entriesOf(src order.Sources) []order.Entry {
	var entries []order.Entry
	for i, file := range src {
		for at := 0; at < len(file); at += key.Size {
			k := (*key.Key)(file[at:])
			entries = append(entries, order.Entry{Lamport: k.Lamport(), Ref: order.Ref(i<<44 + at)})
		}
	}
	return entries
}

// plainSort sorts by the keys' bytes, then by source and offset.
func plainSort(src order.Sources) (sorted []order.Entry, distinct bool) {
	sorted = entriesOf(src)
	keyAt := func(e order.Entry) []byte { return src[e.Ref>>44][e.Ref&(1<<44-1):][:28] }
	slices.SortFunc(sorted, func(a, b order.Entry) int {
		return cmp.Or(bytes.Compare(keyAt(a), keyAt(b)), cmp.Compare(a.Ref, b.Ref))
	})
	distinct = true
	for i := 1; i < len(sorted); i++ {
		distinct = distinct && !bytes.Equal(keyAt(sorted[i-1]), keyAt(sorted[i]))
	}
	return sorted, distinct
}

// task is work to be split: n pieces for a number of workers, in blocks.
type task struct{ workers, n, size int }

func orderSubjects(w *world) map[string]subject {
	const sources = "the sources"
	src := order.Sources{keyFile(1, 700), keyFile(2, 700), keyFile(3, 1)}
	sorted, _ := plainSort(src)
	refs := func() [][2]int64 {
		return [][2]int64{{0, 0}, {1, 5}, {1<<20 - 1, 1<<44 - 1}, {1 << 20, 0}, {-1, 0}, {0, 1 << 44}, {7, -1}, {12345, 67890123456}}
	}
	fits := func(p [2]int64) any {
		switch {
		case p[0] < 0 || p[0] >= 1<<20:
			return "source"
		case p[1] < 0 || p[1] >= 1<<44:
			return "offset"
		}
		return nil
	}
	refOf := func(p [2]int64) order.Ref {
		n := new(big.Int).Mul(big.NewInt(p[0]), new(big.Int).Exp(big.NewInt(2), big.NewInt(44), nil))
		return order.Ref(n.Add(n, big.NewInt(p[1])).Uint64())
	}
	good := func() [][2]int64 { return [][2]int64{{0, 0}, {1, 5}, {1<<20 - 1, 1<<44 - 1}, {12345, 67890123456}} }
	sorts := func() []order.Sources {
		ascending := keyFile(4, 3)
		for i := range uint64(3600) {
			k := key.New(i/2, uint32(i%2), 0, [14]byte{})
			ascending = append(ascending, k[:]...)
		}
		return []order.Sources{src, {}, {keyFile(5, 20)}, {keyFile(6, 4500)}, {ascending, ascending[28*1800:]}, {keyFile(7, 2), ascending}}
	}
	groupsFrom := func(from int) int {
		to := from + 1
		for to < len(sorted) && *src.Key(sorted[to].Ref) == *src.Key(sorted[from].Ref) {
			to++
		}
		return to
	}
	all := func() []int {
		var list []int
		for i := range len(sorted) {
			if i%17 == 0 || i > len(sorted)-4 {
				list = append(list, i)
			}
		}
		return list
	}
	tasks := func() []task {
		return []task{{1, 1, 1}, {2, 5, 1}, {4, 9, 2}, {3, 10, 5}, {8, 3, 7}, {2, 64, 3}, {5, 5, 1}, {4, 4000, 1}}
	}
	return map[string]subject{
		"order.NewRef": pure("the list of places", refs,
			func(p [2]int64) any {
				ref, err := order.NewRef(int(p[0]), p[1])
				return results(ref, class(err))
			},
			func(p [2]int64) any {
				if why := fits(p); why != nil {
					return results(order.Ref(0), why)
				}
				return results(refOf(p), nil)
			}),
		"order.Ref.Source": pure("the list of places", good, func(p [2]int64) any { return refOf(p).Source() }, func(p [2]int64) any { return int(p[0]) }),
		"order.Ref.Offset": pure("the list of places", good, func(p [2]int64) any { return refOf(p).Offset() }, func(p [2]int64) any { return p[1] }),
		"order.Sources.Key": pure(sources, all, func(i int) any { return *src.Key(sorted[i].Ref) },
			func(i int) any {
				file, at := src[sorted[i].Ref>>44], sorted[i].Ref&(1<<44-1)
				return key.Key(file[at : at+28])
			}),
		"order.Sources.GroupEnd": pure(sources, all, func(i int) any { return src.GroupEnd(sorted, i) }, func(i int) any { return groupsFrom(i) }),
		"order.Sources.Groups": pure(sources, func() []int { return []int{len(sorted), 100, 1, 0, 999, 500} },
			func(n int) any {
				var sizes []int
				for group := range src.Groups(sorted[:n]) {
					sizes = append(sizes, len(group))
				}
				return sizes
			},
			func(n int) any {
				var sizes []int
				for from := 0; from < n; {
					to := min(groupsFrom(from), n)
					sizes = append(sizes, to-from)
					from = to
				}
				return sizes
			}),
		"order.Sort": pure(sources, sorts,
			func(src order.Sources) any {
				entries := entriesOf(src)
				got, distinct := order.Sort(entries, src, make([]order.Entry, len(entries)), 3, omegalog.Run)
				return results(append([]order.Entry{}, got...), distinct)
			},
			func(src order.Sources) any {
				want, distinct := plainSort(src)
				return results(append([]order.Entry{}, want...), distinct)
			}),
		"parallel.Go": pure("the processors", func() []task { return tasks()[:7] }, // a goroutine each
			func(t task) any {
				done := make([]atomic.Int32, t.n)
				parallel.Go(t.n, func(i int) { done[i].Add(1) })
				return counted(done)
			},
			func(t task) any { return onces(t.n) }),
		"parallel.Blocks": pure("the processors", tasks,
			func(t task) any {
				done := make([]atomic.Int32, t.n)
				var ordered, workers atomic.Bool
				ordered.Store(true)
				workers.Store(true)
				last := make([]int, t.workers)
				parallel.Blocks(omegalog.Run, t.workers, t.n, t.size, func(worker, from, to int) {
					if worker >= t.workers || from%t.size != 0 || to-from > t.size {
						workers.Store(false)
						return
					}
					if from < last[worker] {
						ordered.Store(false)
					}
					last[worker] = to
					for i := from; i < to; i++ {
						done[i].Add(1)
					}
				})
				return results(counted(done), ordered.Load(), workers.Load())
			},
			func(t task) any { return results(onces(t.n), true, true) }),
	}
}

// counted returns how often each piece was done when the call returned.
func counted(done []atomic.Int32) any {
	var list []int32
	for i := range done {
		list = append(list, done[i].Load())
	}
	return list
}

// onces is each of n pieces done once.
func onces(n int) any { return slices.Repeat([]int32{1}, n) }
