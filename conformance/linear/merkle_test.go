package linear

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// The trees by the words of RFC 6962, section 2.1: a list, cut at the largest power
// of two below its length.

func leafOf(data []byte) merkle.Hash { return sha256.Sum256(append([]byte{0}, data...)) }

func nodeOf(l, r merkle.Hash) merkle.Hash {
	return sha256.Sum256(slices.Concat([]byte{1}, l[:], r[:]))
}

func cutOf(n int) int {
	k := 1
	for 2*k < n {
		k *= 2
	}
	return k
}

func rootOf(leaves []merkle.Hash) merkle.Hash {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	default:
		k := cutOf(n)
		return nodeOf(rootOf(leaves[:k]), rootOf(leaves[k:]))
	}
}

// pathOf is PATH(m, D[n]).
func pathOf(m int, leaves []merkle.Hash) []merkle.Hash {
	if len(leaves) == 1 {
		return []merkle.Hash{}
	}
	k := cutOf(len(leaves))
	if m < k {
		return append(pathOf(m, leaves[:k]), rootOf(leaves[k:]))
	}
	return append(pathOf(m-k, leaves[k:]), rootOf(leaves[:k]))
}

// subproofOf is SUBPROOF(m, D[n], b).
func subproofOf(m int, leaves []merkle.Hash, b bool) []merkle.Hash {
	n := len(leaves)
	if m == n {
		if b {
			return nil
		}
		return []merkle.Hash{rootOf(leaves)}
	}
	k := cutOf(n)
	if m <= k {
		return append(subproofOf(m, leaves[:k], b), rootOf(leaves[k:]))
	}
	return append(subproofOf(m-k, leaves[k:], false), rootOf(leaves[:k]))
}

// growth reads a consistency proof as SUBPROOF writes it, and returns the roots
// that it gives for the older and the newer tree.
func growth(m, n int, b bool, older merkle.Hash, proof []merkle.Hash) (was, is merkle.Hash) {
	if m == n {
		if b {
			return older, older
		}
		return proof[0], proof[0]
	}
	last, rest := proof[len(proof)-1], proof[:len(proof)-1]
	k := cutOf(n)
	if m <= k {
		was, is = growth(m, k, b, older, rest)
		return was, nodeOf(is, last)
	}
	was, is = growth(m-k, n-k, false, older, rest)
	return nodeOf(last, was), nodeOf(last, is)
}

// leavesOf returns n leaves of lengths around what is hashed in one block, in
// several, and not in one call.
func leavesOf(n int) (data [][]byte, hashes []merkle.Hash) {
	lengths := []int{0, 1, 54, 55, 56, 63, 64, 119, 120, 1023, 1024, 3000}
	for i := range n {
		leaf := []byte(strings.Repeat(fmt.Sprintf("%x", i%16), lengths[i%len(lengths)]))
		data, hashes = append(data, leaf), append(hashes, leafOf(leaf))
	}
	return data, hashes
}

// claim is a proof and what it is said to show.
type claim struct {
	index, size uint64 // of inclusion; of consistency the older and the newer size
	leaf, root  merkle.Hash
	proof       []merkle.Hash
}

// claims returns proofs that hold, and each with one thing changed.
func claims(make func(i, n int, leaves []merkle.Hash) claim, lowest, above int) []claim {
	var all []claim
	for _, n := range []int{1, 2, 3, 5, 8, 13} {
		_, leaves := leavesOf(n)
		for i := lowest; i < n+above; i++ {
			good := make(i, n, leaves)
			all = append(all, good)
			bad := good
			bad.root[3] ^= 1
			all = append(all, bad)
			bad = good
			bad.leaf[3] ^= 1
			all = append(all, bad)
			bad = good
			bad.proof = append(slices.Clone(good.proof), good.root)
			all = append(all, bad)
			if len(good.proof) > 0 {
				bad.proof = good.proof[1:]
				all = append(all, bad)
				bad.proof = slices.Clone(good.proof)
				bad.proof[(i+n)%len(bad.proof)][0] ^= 1
				all = append(all, bad)
			}
			bad = good
			bad.index = good.size + 1
			all = append(all, bad)
		}
	}
	return all
}

func inclusionClaim(i, n int, leaves []merkle.Hash) claim {
	return claim{uint64(i), uint64(n), leaves[i], rootOf(leaves), pathOf(i, leaves)}
}

func consistencyClaim(i, n int, leaves []merkle.Hash) claim {
	c := claim{index: uint64(i), size: uint64(n), leaf: rootOf(leaves[:i]), root: rootOf(leaves)}
	if i > 0 {
		c.proof = subproofOf(i, leaves, true)
	}
	return c
}

// plainInclusion judges a claim of inclusion by making the tree's other nodes from
// the proof: a proof that gives the root is the right one.
func plainInclusion(c claim) any {
	if c.index >= c.size {
		return "index"
	}
	shape := pathOf(int(c.index), make([]merkle.Hash, c.size))
	if len(shape) != len(c.proof) {
		return "proof-length"
	}
	if climbed(int(c.index), int(c.size), c.leaf, c.proof) != c.root {
		return "root"
	}
	return nil
}

// climbed reads a path as PATH writes it.
func climbed(m, n int, leaf merkle.Hash, proof []merkle.Hash) merkle.Hash {
	if n == 1 {
		return leaf
	}
	last, rest := proof[len(proof)-1], proof[:len(proof)-1]
	if k := cutOf(n); m < k {
		return nodeOf(climbed(m, k, leaf, rest), last)
	} else {
		return nodeOf(last, climbed(m-k, n-k, leaf, rest))
	}
}

func plainConsistency(c claim) any {
	if c.index > c.size {
		return "size"
	}
	var shape []merkle.Hash
	if c.index > 0 {
		shape = subproofOf(int(c.index), make([]merkle.Hash, c.size), true)
	}
	switch {
	case len(shape) != len(c.proof):
		return "proof-length"
	case c.index == 0 && c.size > 0:
		if c.leaf != rootOf(nil) {
			return "old-root"
		}
		return nil
	case c.index == c.size:
		if c.leaf != c.root {
			return "root"
		}
		return nil
	}
	was, is := growth(int(c.index), int(c.size), true, c.leaf, c.proof)
	switch {
	case was != c.leaf:
		return "old-root"
	case is != c.root:
		return "root"
	}
	return nil
}

// treeCall is a call on the shared tree: append a leaf, or ask for size or root.
type treeCall struct {
	op   string
	leaf int
}

// treeSubject has clients share one growing tree, as a chain holds one over its
// envelopes: who appends takes it and puts it back under a lock, who asks works on
// a copy, which must be a true one.
func treeSubject(op string) subject {
	leaf := func(i int) merkle.Hash { return leafOf([]byte{byte(i)}) }
	rootAfter := func(list []int) merkle.Hash {
		var leaves []merkle.Hash
		for _, i := range list {
			leaves = append(leaves, leaf(i))
		}
		return rootOf(leaves)
	}
	s := subject{object: "a growing tree", rounds: 3, calls: 7}
	s.model = porcupine.Model{
		Init:  func() any { return []int(nil) },
		Equal: func(a, b any) bool { return slices.Equal(a.([]int), b.([]int)) },
		Step: func(state, in, out any) (bool, any) {
			list, c := state.([]int), in.(treeCall)
			switch c.op {
			case "size":
				return out == uint64(len(list)), list
			case "root":
				return out == rootAfter(list), list
			}
			next := append(slices.Clone(list), c.leaf)
			return reflect.DeepEqual(out, results(uint64(len(next)), rootAfter(next))), next
		},
	}
	one := results(uint64(1), rootAfter([]int{4}))
	s.illegal = map[string][]porcupine.Operation{
		"a leaf that was lost": Calls(treeCall{"append", 4}, one, treeCall{"size", 0}, uint64(0)),
		"an older root":        Calls(treeCall{"append", 4}, one, treeCall{"root", 0}, rootAfter(nil)),
	}
	s.start = func(*testing.T, uint64) session {
		var mu sync.Mutex
		var shared merkle.Tree
		look := func() merkle.Tree {
			mu.Lock()
			defer mu.Unlock()
			return shared
		}
		return session{draw: func(client int, r *rand.Rand) (any, func() any) {
			if r.IntN(2) == 0 {
				if op == "size" {
					return treeCall{op: "size"}, func() any { copied := look(); return copied.Size() }
				}
				return treeCall{op: "root"}, func() any { copied := look(); return copied.Root() }
			}
			c := treeCall{"append", 100*client + r.IntN(100)}
			return c, func() any {
				mu.Lock()
				defer mu.Unlock()
				before := shared
				shared.Append(leaf(c.leaf))
				before.Append(leaf(-1)) // what happens to a copy does not happen to the tree
				return results(shared.Size(), shared.Root())
			}
		}}
	}
	return s
}

func merkleSubjects(w *world) map[string]subject {
	const leafList = "the list of leaves"
	counts := func() []int { return []int{0, 1, 2, 3, 7, 12, 1023, 1024, 1025, 5000} }
	data, hashes := leavesOf(5000)
	proofPlaces := func() [][2]int {
		var all [][2]int
		for _, p := range pairs(14) {
			if p[0] <= p[1]+1 {
				all = append(all, p)
			}
		}
		return all
	}
	return map[string]subject{
		"merkle.EmptyRoot": pure(leafList, func() []int { return []int{0} }, func(int) any { return merkle.EmptyRoot() },
			func(int) any {
				return merkle.Hash(unhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"))
			}),
		"merkle.LeafHash": pure(mapped, w.places, func(i int) any { return merkle.LeafHash(w.body(i)) },
			func(i int) any { return leafOf(w.events[i].bytes()) }),
		"merkle.NodeHash": pure(leafList, func() [][2]int { return pairs(6) },
			func(p [2]int) any { return merkle.NodeHash(hashes[p[0]], hashes[p[1]]) },
			func(p [2]int) any { return nodeOf(hashes[p[0]], hashes[p[1]]) }),
		"merkle.Root": pure(leafList, counts, func(n int) any { return merkle.Root(hashes[:n]) }, func(n int) any { return rootOf(hashes[:n]) }),
		"merkle.TraceRoot": pure(leafList, counts,
			func(n int) any { return merkle.TraceRoot(n, func(i int) []byte { return data[i] }, 3) },
			func(n int) any { return rootOf(hashes[:n]) }),
		"merkle.ProveInclusion": pure(leafList, proofPlaces,
			func(p [2]int) any {
				proof, err := merkle.ProveInclusion(uint64(p[0]), hashes[:p[1]])
				return results(proof, class(err))
			},
			func(p [2]int) any {
				if p[0] >= p[1] {
					return results([]merkle.Hash(nil), "index")
				}
				return results(pathOf(p[0], hashes[:p[1]]), nil)
			}),
		"merkle.ProveConsistency": pure(leafList, proofPlaces,
			func(p [2]int) any {
				proof, err := merkle.ProveConsistency(uint64(p[0]), hashes[:p[1]])
				return results(proof, class(err))
			},
			func(p [2]int) any {
				switch {
				case p[0] > p[1]:
					return results([]merkle.Hash(nil), "size")
				case p[0] == 0:
					return results([]merkle.Hash(nil), nil)
				}
				return results(subproofOf(p[0], hashes[:p[1]], true), nil)
			}),
		"merkle.CheckInclusion": pure("the list of proofs", func() []claim { return claims(inclusionClaim, 0, 0) },
			func(c claim) any { return class(merkle.CheckInclusion(c.root, c.size, c.index, c.leaf, c.proof)) }, plainInclusion),
		"merkle.CheckConsistency": pure("the list of proofs", func() []claim { return claims(consistencyClaim, 0, 1) },
			func(c claim) any { return class(merkle.CheckConsistency(c.index, c.size, c.leaf, c.root, c.proof)) }, plainConsistency),
		"merkle.Tree.Size":   treeSubject("size"),
		"merkle.Tree.Append": treeSubject("append"),
		"merkle.Tree.Root":   treeSubject("root"),
	}
}
