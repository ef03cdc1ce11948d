package merkle

import "math/bits"

// Tree is a tree that grows at its end, held as the roots of its perfect
// subtrees alone (MRK-3): what it costs does not depend on its size. The zero
// Tree has no leaf. A copy by assignment is a true copy.
type Tree struct {
	size  uint64
	roots [64]Hash // roots[i] is that of 2^i leaves where bit i of size is set, else unused
}

// Size returns the number of leaves (MRK-3).
func (t *Tree) Size() uint64 { return t.size }

// Append adds the leaf with the hash leaf at the end of t (MRK-3).
func (t *Tree) Append(leaf Hash) {
	level := 0
	for ; t.size>>level&1 == 1; level++ {
		leaf = nodeHash(&t.roots[level], &leaf)
	}
	t.roots[level] = leaf
	t.size++
}

// Root returns the root of t (MRK-1).
func (t *Tree) Root() Hash {
	if t.size == 0 {
		return EmptyRoot()
	}
	level := bits.TrailingZeros64(t.size)
	root := t.roots[level]
	for level++; t.size>>level != 0; level++ {
		if t.size>>level&1 == 1 {
			root = nodeHash(&t.roots[level], &root)
		}
	}
	return root
}

// Root returns the root of the tree over leaves, which are hashes of leaves, in
// their order (MRK-1).
func Root(leaves []Hash) Hash {
	var t Tree
	for i := range leaves {
		t.Append(leaves[i])
	}
	return t.Root()
}
