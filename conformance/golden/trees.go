package main

import (
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// writeTrees prints roots and proofs of trees of many sizes (MRK-1 to MRK-5).
func writeTrees(p *printer) {
	g := &generator{state: 4}
	data := make([][]byte, 3000)
	leaves := make([]merkle.Hash, len(data))
	for i := range data {
		data[i] = g.bytes(g.below(200))
		leaves[i] = merkle.LeafHash(data[i])
	}
	data[7], data[2999] = g.bytes(1023), g.bytes(5000) // about and over a short leaf
	leaves[7], leaves[2999] = merkle.LeafHash(data[7]), merkle.LeafHash(data[2999])
	leaf := func(i int) []byte { return data[i] }
	for _, n := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 100, 1023, 1024, 1025, 2048, 3000} {
		root := merkle.Root(leaves[:n])
		p.hex(fmt.Sprintf("merkle/root/%d", n), root[:])
		for workers := 1; workers <= 3; workers++ {
			root := merkle.TraceRoot(n, leaf, workers)
			p.hex(fmt.Sprintf("merkle/trace-root/%d/%d", n, workers), root[:])
		}
	}
	for range 24 {
		n := 1 + g.below(200)
		index, old := uint64(g.below(n)), uint64(g.below(n+1))
		p.digest(fmt.Sprintf("merkle/inclusion/%d/%d", index, n), join(must(merkle.ProveInclusion(index, leaves[:n]))))
		p.digest(fmt.Sprintf("merkle/consistency/%d/%d", old, n), join(must(merkle.ProveConsistency(old, leaves[:n]))))
	}
}

// join returns the bytes of hashes one after the other.
func join(hashes []merkle.Hash) []byte {
	var b []byte
	for i := range hashes {
		b = append(b, hashes[i][:]...)
	}
	return b
}
