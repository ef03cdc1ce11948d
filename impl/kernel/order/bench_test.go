package order

import (
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

// benchStride is the distance of two keys in the mapped bytes: the smallest
// event with its frame's head, so that a key is seldom in the cache.
const benchStride = 64

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
