package merkle

import (
	"fmt"
	"math/bits"
)

// ProveConsistency returns the proof that the tree over the first old of leaves
// is the beginning of the tree over all of them (MRK-5). It is empty where old
// is 0 or all: nothing is to be shown. Error: ErrSize.
func ProveConsistency(old uint64, leaves []Hash) ([]Hash, error) {
	size := uint64(len(leaves))
	if old > size {
		return nil, fmt.Errorf("%w: %d leaves, then %d", ErrSize, old, size)
	}
	if old == 0 || old == size {
		return nil, nil
	}
	return appendSubproof(nil, old, leaves, true), nil
}

// appendSubproof is SUBPROOF of RFC 6962, section 2.1.2: known says that the
// old leaves here are the whole older tree, whose root the checker has.
func appendSubproof(proof []Hash, old uint64, leaves []Hash, known bool) []Hash {
	if old == uint64(len(leaves)) {
		if known {
			return proof
		}
		return append(proof, Root(leaves))
	}
	k := split(uint64(len(leaves)))
	if old <= k {
		return append(appendSubproof(proof, old, leaves[:k], known), Root(leaves[k:]))
	}
	return append(appendSubproof(proof, old-k, leaves[k:], false), Root(leaves[:k]))
}

// CheckConsistency checks proof that the tree of oldSize leaves under oldRoot
// is the beginning of the one of newSize leaves under newRoot (MRK-5). Errors:
// ErrSize, ErrProofLength, ErrOldRoot, ErrRoot.
func CheckConsistency(oldSize, newSize uint64, oldRoot, newRoot Hash, proof []Hash) error {
	switch {
	case oldSize > newSize:
		return fmt.Errorf("%w: %d leaves, then %d", ErrSize, oldSize, newSize)
	case oldSize == newSize:
		if err := checkLength(len(proof), 0); err != nil {
			return err
		}
		return checkRoot(ErrRoot, oldRoot, newRoot)
	case oldSize == 0:
		if err := checkLength(len(proof), 0); err != nil {
			return err
		}
		return checkRoot(ErrOldRoot, EmptyRoot(), oldRoot)
	}
	return checkGrowth(oldSize, newSize, oldRoot, newRoot, proof)
}

// checkGrowth is CheckConsistency for 0 < oldSize < newSize. The proof is the
// path of the older tree's last perfect subtree in the newer tree. The subtree's
// root comes first, unless it is the whole older tree. The siblings to the left
// of the path, with that subtree, make up the older tree; all make up the newer.
func checkGrowth(oldSize, newSize uint64, oldRoot, newRoot Hash, proof []Hash) error {
	level := bits.TrailingZeros64(oldSize)
	index, size := (oldSize-1)>>level, (newSize-1)>>level+1
	whole := index == 0
	want := pathLength(index, size)
	if !whole {
		want++
	}
	if err := checkLength(len(proof), want); err != nil {
		return err
	}
	subtree := oldRoot
	if !whole {
		subtree, proof = proof[0], proof[1:]
	}
	root, old := climb(subtree, index, size, proof)
	if err := checkRoot(ErrOldRoot, old, oldRoot); err != nil {
		return err
	}
	return checkRoot(ErrRoot, root, newRoot)
}
