package merkle

import (
	"errors"
	"fmt"
	"math/bits"
)

// Why a proof cannot be made or does not hold (MRK-4, MRK-5). Match with
// errors.Is.
var (
	ErrIndex       = errors.New("merkle: no leaf has this index")
	ErrSize        = errors.New("merkle: the older tree is larger than the newer one")
	ErrProofLength = errors.New("merkle: the proof has the wrong number of hashes")
	ErrRoot        = errors.New("merkle: the proof does not lead to the root")
	ErrOldRoot     = errors.New("merkle: the proof does not lead to the older root")
)

// split returns the largest power of two below n, n at least 2: the number of
// leaves left of the root (MRK-1).
func split(n uint64) uint64 { return 1 << (bits.Len64(n-1) - 1) }

// ProveInclusion returns the proof that leaves[index] is in the tree over
// leaves (MRK-4): the sibling's root on each level, from the leaf up. Error:
// ErrIndex.
func ProveInclusion(index uint64, leaves []Hash) ([]Hash, error) {
	size := uint64(len(leaves))
	if index >= size {
		return nil, fmt.Errorf("%w: index %d, %d leaves", ErrIndex, index, size)
	}
	return appendPath(make([]Hash, 0, pathLength(index, size)), index, leaves), nil
}

func appendPath(proof []Hash, index uint64, leaves []Hash) []Hash {
	if len(leaves) == 1 {
		return proof
	}
	k := split(uint64(len(leaves)))
	if index < k {
		return append(appendPath(proof, index, leaves[:k]), Root(leaves[k:]))
	}
	return append(appendPath(proof, index-k, leaves[k:]), Root(leaves[:k]))
}

// pathLength returns the number of hashes that prove leaf index of size leaves.
// Up to the level where index and the last leaf meet each level has a sibling;
// above it the path runs along the right edge, with one for each perfect
// subtree to the left, a one bit of index.
func pathLength(index, size uint64) int {
	inner := bits.Len64(index ^ (size - 1))
	return inner + bits.OnesCount64(index>>inner)
}

// CheckInclusion checks proof that the leaf with the hash leaf is number index
// of the size leaves under root (MRK-4). Errors: ErrIndex, ErrProofLength,
// ErrRoot.
func CheckInclusion(root Hash, size, index uint64, leaf Hash, proof []Hash) error {
	if index >= size {
		return fmt.Errorf("%w: index %d, %d leaves", ErrIndex, index, size)
	}
	if err := checkLength(len(proof), pathLength(index, size)); err != nil {
		return err
	}
	got, _ := climb(leaf, index, size, proof)
	return checkRoot(ErrRoot, got, root)
}

// climb follows proof from the node hash, number index of the size nodes of its
// level, to the root, which it returns; len(proof) is pathLength(index, size).
// left is what hash and its siblings to the left alone make up: the root of all
// leaves up to the node's last.
func climb(hash Hash, index, size uint64, proof []Hash) (root, left Hash) {
	root, left = hash, hash
	last := size - 1
	for i := range proof {
		// Without a sibling to the right the node is its parent.
		for index&1 == 0 && index == last {
			index, last = index>>1, last>>1
		}
		if index&1 == 1 {
			root, left = nodeHash(&proof[i], &root), nodeHash(&proof[i], &left)
		} else {
			root = nodeHash(&root, &proof[i])
		}
		index, last = index>>1, last>>1
	}
	return root, left
}

func checkLength(got, want int) error {
	if got != want {
		return fmt.Errorf("%w: got %d, want %d", ErrProofLength, got, want)
	}
	return nil
}

func checkRoot(sentinel error, got, want Hash) error {
	if got != want {
		return fmt.Errorf("%w: got %v, want %v", sentinel, got, want)
	}
	return nil
}
