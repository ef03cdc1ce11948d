package order

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

// layOut writes keys into sources, source[i] saying which of n gets key i, and
// returns an entry for each, in the order of keys. Between keys stand gap bytes.
func layOut(t require.TestingT, n, gap int, keys []key.Key, source func(i int) int) (Sources, []Entry) {
	src := make(Sources, n)
	entries := make([]Entry, len(keys))
	for i := range keys {
		s := source(i)
		ref, err := NewRef(s, int64(len(src[s])))
		require.NoError(t, err)
		src[s] = append(append(src[s], keys[i][:]...), make([]byte, gap)...)
		entries[i] = Entry{keys[i].Lamport(), ref}
	}
	return src, entries
}

// plainSort is the definition of ORD-1 and ORD-3.
func plainSort(entries []Entry, src Sources) []Entry {
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b Entry) int {
		return cmp.Or(src.Key(a.Ref).Compare(src.Key(b.Ref)), cmp.Compare(a.Ref, b.Ref))
	})
	return sorted
}

// plainDistinct reports whether the sorted entries have a key each.
func plainDistinct(sorted []Entry, src Sources) bool {
	for i := 1; i < len(sorted); i++ {
		if *src.Key(sorted[i-1].Ref) == *src.Key(sorted[i].Ref) {
			return false
		}
	}
	return true
}

// sorted is Sort without means of its own, for tests of the order alone.
func sorted(entries []Entry, src Sources, scratch []Entry, workers int) []Entry {
	ordered, _ := Sort(entries, src, scratch, workers, nil)
	return ordered
}

// requireSorted sorts a copy of entries with several numbers of workers, each
// time beside a scratch of the same size, and compares with the plain sort.
func requireSorted(t require.TestingT, entries []Entry, src Sources) {
	want := plainSort(entries, src)
	for _, workers := range []int{1, 3} {
		scratch := make([]Entry, len(entries))
		got, distinct := Sort(slices.Clone(entries), src, scratch, workers, nil)
		require.Equal(t, plainDistinct(want, src), distinct)
		if !slices.Equal(want, got) { // require.Equal would print them all
			require.Fail(t, "order differs", "%d workers, %d entries", workers, len(entries))
		}
	}
}

// words are the parts of the keys that the generators choose from: few, so that
// every tie occurs, and the extremes.
var words = []uint64{0, 1, 2, 1 << 16, 1 << 32, 1 << 63, math.MaxUint64 - 1, math.MaxUint64}

func anyKey() *rapid.Generator[key.Key] {
	word := rapid.OneOf(rapid.SampledFrom(words), rapid.Uint64())
	return rapid.Custom(func(t *rapid.T) key.Key {
		var k key.Key
		binary.BigEndian.PutUint32(k[24:], uint32(rapid.SampledFrom(words).Draw(t, "d")))
		binary.BigEndian.PutUint64(k[16:], rapid.SampledFrom(words).Draw(t, "c"))
		binary.BigEndian.PutUint64(k[8:], word.Draw(t, "b"))
		binary.BigEndian.PutUint64(k[0:], word.Draw(t, "a"))
		return k
	})
}

func TestSortGivesTheOrderOfTheKeysForSmallInputs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(anyKey(), 0, 60).Draw(t, "keys")
		n := rapid.IntRange(1, 4).Draw(t, "sources")
		at := rapid.SliceOfN(rapid.IntRange(0, n-1), len(keys), len(keys)).Draw(t, "at")
		src, entries := layOut(t, n, rapid.IntRange(0, 20).Draw(t, "gap"), keys, func(i int) int { return at[i] })
		requireSorted(t, entries, src)
	})
}

// shapes make n keys each, of every kind that takes another path through Sort.
var shapes = map[string]func(r *rand.Rand, n int) []key.Key{
	"random":                       each(func(r *rand.Rand, _ int) key.Key { return randomKey(r) }),
	"one key":                      each(func(*rand.Rand, int) key.Key { return key.Key{7} }),
	"two keys":                     each(func(r *rand.Rand, _ int) key.Key { return key.Key{27: byte(r.IntN(2))} }),
	"one lamport":                  each(func(r *rand.Rand, _ int) key.Key { return tail(r, 5, 8) }),
	"one lamport, node and stream": each(func(r *rand.Rand, _ int) key.Key { return tail(r, 5, 14) }),
	"last bytes only":              each(func(r *rand.Rand, _ int) key.Key { return tail(r, 5, 24) }),
	"few lamports":                 each(func(r *rand.Rand, n int) key.Key { return tail(r, r.Uint64N(5), 8) }),
	"groups around the small sort": each(func(r *rand.Rand, i int) key.Key { return tail(r, uint64(i/(smallSort+1)), 8) }),
	"one large group among small": each(func(r *rand.Rand, i int) key.Key {
		if r.IntN(3) > 0 {
			return tail(r, 1<<40, 8)
		}
		return randomKey(r)
	}),
	"extremes":          each(func(r *rand.Rand, _ int) key.Key { return tail(r, words[r.IntN(len(words))], 26) }),
	"powers of two":     each(func(r *rand.Rand, _ int) key.Key { return tail(r, 1<<r.IntN(64), 8) }),
	"low bits only":     each(func(r *rand.Rand, _ int) key.Key { return tail(r, 1<<63|r.Uint64N(2000)*2, 27) }),
	"sorted":            each(func(r *rand.Rand, i int) key.Key { return tail(r, uint64(i), 8) }),
	"reversed":          each(func(r *rand.Rand, i int) key.Key { return tail(r, math.MaxUint64-uint64(i), 8) }),
	"saw of many teeth": each(func(r *rand.Rand, i int) key.Key { return tail(r, uint64(i%1000), 8) }),
	"an outlier now and then": each(func(r *rand.Rand, i int) key.Key {
		if i%5000 == 4999 {
			return tail(r, words[r.IntN(len(words))], 8)
		}
		return tail(r, uint64(i), 8)
	}),
	"one section nearly sorted": sections(1, 1), "two": sections(2, 1), "three": sections(3, 1000),
	"four, far apart": sections(4, 1<<40), "seven": sections(7, 2), "too many sections": sections(maxRuns+3, 3),
}

func each(one func(r *rand.Rand, i int) key.Key) func(r *rand.Rand, n int) []key.Key {
	return func(r *rand.Rand, n int) []key.Key {
		keys := make([]key.Key, n)
		for i := range keys {
			keys[i] = one(r, i)
		}
		return keys
	}
}

// tail returns a key with the given Lamport time, random from byte from on.
func tail(r *rand.Rand, lamport uint64, from int) key.Key {
	k := randomKey(r)
	clear(k[:from])
	binary.BigEndian.PutUint64(k[:], lamport)
	return k
}

// sections returns n keys in parts, each nearly sorted.
func sections(parts int, step uint64) func(r *rand.Rand, n int) []key.Key {
	return func(r *rand.Rand, n int) []key.Key {
		var keys []key.Key
		for s := range parts {
			start, lamport := len(keys), uint64(0)
			for range cut(n, s+1, parts) - cut(n, s, parts) {
				lamport += 1 + r.Uint64N(step)
				keys = append(keys, tail(r, lamport, 8))
			}
			displace(r, keys[start:])
		}
		return keys
	}
}

func TestSortGivesTheOrderOfTheKeysForEveryShape(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{smallSort, smallSort + 1, 3*parallelMin + 17} {
				keys := shape(r, n)
				src, entries := layOut(t, 3, 3, keys, func(i int) int { return 3 * i / n })
				requireSorted(t, entries, src)
				// References in another order: only they tell equal keys apart.
				src, entries = layOut(t, 3, 0, keys, func(int) int { return r.IntN(3) })
				requireSorted(t, entries, src)
			}
		})
	}
}

// The shapes with a few nearly sorted runs must be seen as such, and no other.
func TestNearlySortedRunsAreRepairedAndOthersAreNot(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const n = 20_000
	for name, runs := range map[string]int{
		"one section nearly sorted": 1, "two": 2, "three": 3, "four, far apart": 4, "seven": 7,
		"sorted": 1, "one key": 1, "random": 0, "reversed": 0, "saw of many teeth": 0, "too many sections": 0,
	} {
		_, entries := layOut(t, 1, 0, shapes[name](r, n), func(int) int { return 0 })
		for _, workers := range []int{1, 2, 3, 4} {
			repaired := slices.Clone(entries)
			starts, ok := repair(repaired, workers)
			require.Equal(t, runs > 0, ok, "%s, %d workers", name, workers)
			if ok {
				require.Len(t, starts, runs+1, "%s, %d workers", name, workers)
				requireRuns(t, repaired, starts)
			}
			slices.SortFunc(repaired, byRef)
			require.True(t, slices.Equal(entries, repaired), "repair must keep the entries")
		}
	}
}

func byRef(a, b Entry) int { return cmp.Compare(a.Ref, b.Ref) }

func requireRuns(t require.TestingT, a []Entry, starts []int) {
	require.Equal(t, len(a), starts[len(starts)-1])
	for i := range starts[1:] {
		require.LessOrEqual(t, starts[i], starts[i+1])
		require.True(t, slices.IsSortedFunc(a[starts[i]:starts[i+1]], byLamport))
	}
}

func byLamport(a, b Entry) int { return cmp.Compare(a.Lamport, b.Lamport) }

// Small inputs cut at every place, as workers cut large ones.
func TestRunsThatACutPartedAreOneAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lamports := rapid.SliceOfN(rapid.Uint64Range(0, 300), 1, 300).Draw(t, "lamports")
		if rapid.Bool().Draw(t, "sorted") {
			slices.Sort(lamports)
		}
		a := make([]Entry, len(lamports))
		for i := range a {
			a[i] = Entry{lamports[i], Ref(i)}
		}
		want := slices.Clone(a)
		workers := rapid.IntRange(1, len(a)).Draw(t, "workers")
		starts, ok := repair(a, workers)
		if ok {
			requireRuns(t, a, starts)
			if slices.IsSortedFunc(want, byLamport) {
				require.Len(t, starts, 2)
			}
			merged, _ := merge(a, make([]Entry, len(a)), starts, workers)
			require.True(t, slices.IsSortedFunc(merged, byLamport))
			a = merged
		}
		slices.SortFunc(a, byRef)
		require.Equal(t, want, a)
	})
}

func TestMergeSplitsAnywhereAndKeepsEqualEntriesInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		runs := []int{0}
		var a []Entry
		for range rapid.IntRange(1, 6).Draw(t, "runs") {
			lamports := rapid.SliceOfN(rapid.Uint64Range(0, 9), 0, 20).Draw(t, "run")
			slices.Sort(lamports)
			for _, l := range lamports {
				a = append(a, Entry{l, Ref(len(a))})
			}
			runs = append(runs, len(a))
		}
		want := slices.Clone(a)
		slices.SortStableFunc(want, byLamport)
		if len(runs) > 2 {
			two := slices.Clone(a[:runs[2]])
			slices.SortStableFunc(two, byLamport)
			x, y := a[:runs[1]], a[runs[1]:runs[2]]
			for n := range len(two) + 1 {
				i := mergeSplit(x, y, n)
				out := make([]Entry, n)
				mergeTwo(x[:i], y[:n-i], out)
				require.True(t, slices.Equal(two[:n], out))
			}
		}
		got, spare := merge(a, make([]Entry, len(a)), runs, 2)
		require.True(t, slices.Equal(want, got))
		require.Len(t, spare, len(a))
	})
}

func TestRadixLeavesTheResultWhereItIsWanted(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for name, shape := range shapes {
		_, entries := layOut(t, 1, 0, shape(r, 3*parallelMin), func(int) int { return 0 })
		want := slices.Clone(entries)
		slices.SortFunc(want, byLamport)
		for _, toB := range []bool{false, true} {
			for _, workers := range []int{1, 3} {
				a, b := slices.Clone(entries), make([]Entry, len(entries))
				radix(a, b, toB, workers)
				if toB {
					a = b
				}
				require.True(t, slices.EqualFunc(want, a, func(x, y Entry) bool { return x.Lamport == y.Lamport }), "%s, toB %v, %d workers", name, toB, workers)
				slices.SortFunc(a, byRef)
				require.True(t, slices.Equal(entries, a), "%s, toB %v, %d workers: the entries must be the same", name, toB, workers)
			}
		}
	}
}

func TestSortKeepsToTheMemoryItIsGiven(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	const n = 1 << 17
	for _, name := range []string{"random", "seven", "sorted", "one lamport"} {
		src, entries := layOut(t, 1, 0, shapes[name](r, n), func(int) int { return 0 })
		work, scratch := make([]Entry, n), make([]Entry, n+5)
		marks := [5]Entry{{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}}
		copy(scratch[n:], marks[:])
		copy(work, entries)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := sorted(work, src, scratch, 2)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(3*n), "%s: far less than the 16 bytes of an entry", name)
		require.True(t, &got[0] == &work[0] || &got[0] == &scratch[0], "%s: the result must lie in given memory", name)
		require.Equal(t, marks[:], scratch[n:], name)
	}
}

// A mapped file may change under Sort, so that nothing it reads agrees.
func TestSortKeepsTheEntriesWhereKeysAndLamportsDisagree(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for _, name := range []string{"random", "few lamports", "one lamport", "seven", "sorted"} {
		src, entries := layOut(t, 1, 0, shapes[name](r, 3*parallelMin), func(int) int { return 0 })
		for i := range src[0] {
			src[0][i] = byte(r.Uint32())
		}
		got := sorted(slices.Clone(entries), src, make([]Entry, len(entries)), 2)
		slices.SortFunc(got, byRef)
		require.True(t, slices.Equal(entries, got), name)
	}
}

func TestAShortScratchIsMadeUpFor(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	src, entries := layOut(t, 1, 0, shapes["random"](r, 1000), func(int) int { return 0 })
	want := plainSort(entries, src)
	scratch := make([]Entry, 999)
	require.Equal(t, want, sorted(entries, src, scratch, 1))
	require.Equal(t, make([]Entry, 999), scratch)
	require.Empty(t, sorted(nil, nil, nil, 1))
}

func TestRefsReachTheirBoundsAndNoFurther(t *testing.T) {
	for _, c := range []struct {
		source int
		offset int64
		err    error
	}{
		{0, 0, nil}, {1, 40, nil}, {MaxSources - 1, MaxOffset, nil}, {1<<20 - 1, 1<<44 - 1, nil},
		{MaxSources, 0, ErrSource}, {-1, 0, ErrSource}, {0, MaxOffset + 1, ErrOffset}, {0, -1, ErrOffset},
	} {
		ref, err := NewRef(c.source, c.offset)
		require.ErrorIs(t, err, c.err, "%v", c)
		if c.err != nil {
			require.Zero(t, ref)
			continue
		}
		require.Equal(t, c.source, ref.Source())
		require.Equal(t, c.offset, ref.Offset())
	}
}

func TestSortReachesTheLastSource(t *testing.T) {
	src := make(Sources, MaxSources)
	var entries []Entry
	for i, s := range []int{MaxSources - 1, 0, 1 << 19} {
		k := key.Key{27: byte(i % 2)}
		src[s] = k[:]
		ref, err := NewRef(s, 0)
		require.NoError(t, err)
		entries = append(entries, Entry{0, ref})
	}
	requireSorted(t, entries, src)
}

func TestGroupsAreTheEntriesWithOneKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(anyKey(), 0, 8).Draw(t, "keys")
		var copies []key.Key
		for _, k := range keys {
			for range rapid.IntRange(1, 4).Draw(t, "copies") {
				copies = append(copies, k)
			}
		}
		src, entries := layOut(t, 1, 0, copies, func(int) int { return 0 })
		sorted := sorted(entries, src, nil, 1)
		var flat []Entry
		last := ""
		for group := range src.Groups(sorted) {
			at := len(flat)
			flat = append(flat, group...)
			for i, e := range group {
				require.Equal(t, *src.Key(group[0].Ref), *src.Key(e.Ref))
				require.Equal(t, len(flat), src.GroupEnd(sorted, at+i))
			}
			now := src.Key(group[0].Ref).String()
			require.Less(t, last, now)
			last = now
		}
		require.True(t, slices.Equal(sorted, flat))
		for range src.Groups(sorted) {
			break
		}
	})
}

func ExampleSort() {
	late, early := key.New(7, 3, 1, [14]byte{13: 0x0a}), key.New(6, 9, 0, [14]byte{})
	src := Sources{late[:], early[:]}
	first, _ := NewRef(0, 0)
	second, _ := NewRef(1, 0)
	entries := []Entry{{7, first}, {6, second}}
	ordered, distinct := Sort(entries, src, make([]Entry, len(entries)), 1, nil)
	for _, e := range ordered {
		fmt.Println(e.Ref.Source(), src.Key(e.Ref))
	}
	fmt.Println("distinct:", distinct)
	// Output:
	// 1 00000000000000060000000900000000000000000000000000000000
	// 0 0000000000000007000000030001000000000000000000000000000a
	// distinct: true
}
