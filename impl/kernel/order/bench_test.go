package order

import (
	"bytes"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

const (
	// benchEvents is the number of events of each benchmark.
	benchEvents = 10_000_000
	// benchStride is the distance of two keys in the mapped bytes: the smallest
	// event with its frame's head, so that a key is seldom in the cache.
	benchStride = 64
)

// benchSources lays events out in sources of equal size, as in files, each
// event's key as fill gives it, and returns the entries in file order.
func benchSources(sources int, fill func(source, i int) key.Key) (Sources, []Entry) {
	src := make(Sources, sources)
	entries := make([]Entry, 0, benchEvents)
	for s := range src {
		src[s] = make([]byte, benchEvents/sources*benchStride)
		for i := range benchEvents / sources {
			k := fill(s, i)
			copy(src[s][i*benchStride:], k[:])
			ref, err := NewRef(s, int64(i*benchStride))
			if err != nil {
				panic(err)
			}
			entries = append(entries, Entry{k.Lamport(), ref})
		}
	}
	return src, entries
}

func randomKey(r *rand.Rand) key.Key {
	var k key.Key
	for at := 0; at < key.Size; at += 4 {
		binary.BigEndian.PutUint32(k[at:], r.Uint32())
	}
	return k
}

// displace moves one key in a hundred of each section by up to 64 places.
func displace(r *rand.Rand, section []key.Key) {
	for range len(section) / 100 {
		i := r.IntN(len(section))
		j := min(max(i+r.IntN(129)-64, 0), len(section)-1)
		k := section[i]
		if i < j {
			copy(section[i:j], section[i+1:j+1])
		} else {
			copy(section[j+1:i+1], section[j:i])
		}
		section[j] = k
	}
}

// nearlySorted returns four sections, each the log of one node, in which the
// Lamport time grows by 1 to step from one event to the next.
func nearlySorted(step int) (Sources, []Entry) {
	const sections = 4
	r := rand.New(rand.NewPCG(1, uint64(step)))
	var keys [sections][]key.Key
	for s := range keys {
		lamport := uint64(0)
		for range benchEvents / sections {
			k := randomKey(r)
			lamport += 1 + r.Uint64N(uint64(step))
			keys[s] = append(keys[s], key.New(lamport, uint32(7*s%5), 1, k.EventID()))
		}
		displace(r, keys[s])
	}
	return benchSources(sections, func(s, i int) key.Key { return keys[s][i] })
}

// BenchmarkOrderRandom sorts 10 million keys of random bits in one source, on
// two cores. The metric x_peer is the time of slices.SortFunc with
// bytes.Compare over the same keys, which lie packed in one slice and move with
// each swap, on one core and once, over the median time of Sort. In Sort's time is all that turns the entries, as a scan leaves them,
// into canonical order; ties are settled in the mapped bytes, 64 bytes an
// event. Not in it: the scan, and the first touch of entries and scratch.
func BenchmarkOrderRandom(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	src, entries := benchSources(1, func(int, int) key.Key { return randomKey(r) })
	benchmarkSort(b, src, entries)
}

// BenchmarkOrderNearlySorted does the same with four sections of 2.5 million
// events, each sorted but for 1 % of the events, which are displaced by up to 64
// places. Lamport times grow in steps of 1 to 1,000, so equal ones are seldom.
func BenchmarkOrderNearlySorted(b *testing.B) {
	src, entries := nearlySorted(1000)
	benchmarkSort(b, src, entries)
}

// BenchmarkOrderDense is BenchmarkOrderNearlySorted with Lamport times that
// grow by 1: each occurs in all four sections, and the full key decides.
func BenchmarkOrderDense(b *testing.B) {
	src, entries := nearlySorted(1)
	benchmarkSort(b, src, entries)
}

func benchmarkSort(b *testing.B, src Sources, entries []Entry) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	keys := make([]key.Key, len(entries))
	for i := range entries {
		keys[i] = *src.Key(entries[i].Ref)
	}
	start := time.Now()
	slices.SortFunc(keys, func(x, y key.Key) int { return bytes.Compare(x[:], y[:]) })
	peer := time.Since(start)

	work, scratch := slices.Clone(entries), slices.Clone(entries)
	var sorted []Entry
	var times []time.Duration
	for b.Loop() {
		b.StopTimer()
		copy(work, entries)
		runtime.GC()
		b.StartTimer()
		start := time.Now()
		sorted, _ = Sort(work, src, scratch, 2, nil)
		times = append(times, time.Since(start))
	}
	for i := range sorted {
		if *src.Key(sorted[i].Ref) != keys[i] {
			b.Fatalf("place %d: got %v, want %v", i, src.Key(sorted[i].Ref), keys[i])
		}
	}
	slices.Sort(times)
	median := times[len(times)/2]
	b.ReportMetric(peer.Seconds()/median.Seconds(), "x_peer")
	b.ReportMetric(median.Seconds()*1e9/float64(len(entries)), "ns/event")
	b.ReportMetric(peer.Seconds(), "s_peer")
}

// BenchmarkOrderShapes sorts a million entries of each shape of the tests, on
// two cores: none may take far longer than another.
func BenchmarkOrderShapes(b *testing.B) {
	const n = 1_000_000
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		b.Run(name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(3, 4))
			src, entries := layOut(b, 1, benchStride-key.Size, shapes[name](r, n), func(int) int { return 0 })
			work, scratch := make([]Entry, n), make([]Entry, n)
			for b.Loop() {
				copy(work, entries)
				Sort(work, src, scratch, 2, nil)
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/n, "ns/event")
		})
	}
}
