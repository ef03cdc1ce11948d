package merkle

import (
	"sync"
	"sync/atomic"
)

// chunkSize is the number of leaves of a chunk, a perfect subtree that one worker
// hashes without asking the others. It is a power of two.
const chunkSize = 1 << 10

// TraceRoot returns the root of the tree over n leaves, leaf(i) the bytes of
// leaf i (MRK-2). It hashes with the given number of workers, at least one,
// which call leaf at the same time and ask for each i once; the root does not
// depend on their number. The bytes are read in place and not kept. Memory is a
// hash for every 1,024 leaves, and 34 KB for each worker.
func TraceRoot(n int, leaf func(i int) []byte, workers int) Hash {
	chunks := make([]Hash, (n+chunkSize-1)/chunkSize)
	var next atomic.Int64
	work := func() {
		h := newHasher()
		for {
			c := int(next.Add(1)) - 1
			if c >= len(chunks) {
				return
			}
			from := c * chunkSize
			chunks[c] = chunkRoot(h, from, min(from+chunkSize, n), leaf)
		}
	}
	var wg sync.WaitGroup
	for range min(workers, len(chunks)) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	// Every chunk but the last is a perfect tree of one size, so the tree over
	// the chunks' roots has the shape of the upper part of the whole tree.
	return Root(chunks)
}

// chunkRoot returns the root over the leaves from up to to.
func chunkRoot(h *hasher, from, to int, leaf func(i int) []byte) Hash {
	for i := from; i < to; i++ {
		h.hashes[i-from] = h.sumLeaf(leaf(i))
	}
	return h.root(to - from)
}
