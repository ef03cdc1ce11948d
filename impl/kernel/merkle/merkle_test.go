package merkle

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

// maxSize is the largest tree of the exhaustive tests: a power of two and more.
const maxSize = 70

// plainRoot is the definition of MRK-1, word by word.
func plainRoot(leaves [][]byte) Hash {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	default:
		k := 1
		for 2*k < n {
			k *= 2
		}
		l, r := plainRoot(leaves[:k]), plainRoot(leaves[k:])
		return sha256.Sum256(slices.Concat([]byte{1}, l[:], r[:]))
	}
}

// someLeaves returns n different leaves and their hashes.
func someLeaves(n int) ([][]byte, []Hash) {
	leaves, hashes := make([][]byte, n), make([]Hash, n)
	for i := range leaves {
		leaves[i] = fmt.Appendf(nil, "leaf %d", i)
		hashes[i] = LeafHash(leaves[i])
	}
	return leaves, hashes
}

// tlogTree returns the hash reader of the module x/mod over leaves.
func tlogTree(t require.TestingT, leaves [][]byte) tlog.HashReader {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = stored[x]
		}
		return out, nil
	})
	for i, leaf := range leaves {
		hashes, err := tlog.StoredHashes(int64(i), leaf, reader)
		require.NoError(t, err)
		stored = append(stored, hashes...)
	}
	return reader
}

func toBytes(proof []Hash) [][]byte {
	out := make([][]byte, len(proof))
	for i := range proof {
		out[i] = proof[i][:]
	}
	return out
}

func TestEveryRootIsThatOfTheDefinitionAndOfBothOracles(t *testing.T) {
	leaves, hashes := someLeaves(maxSize)
	reader := tlogTree(t, leaves)
	var tree Tree
	factory := compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	oracle := factory.NewEmptyRange(0)
	for n := 0; n <= maxSize; n++ {
		want := plainRoot(leaves[:n])
		require.Equal(t, uint64(n), tree.Size())
		require.Equal(t, want, tree.Root())
		require.Equal(t, want, Root(hashes[:n]))
		for workers := 1; workers <= 3; workers++ {
			require.Equal(t, want, TraceRoot(n, func(i int) []byte { return leaves[i] }, workers))
		}
		if n > 0 {
			other, err := tlog.TreeHash(int64(n), reader)
			require.NoError(t, err)
			require.Equal(t, want, Hash(other))
			root, err := oracle.GetRootHash(nil)
			require.NoError(t, err)
			require.Equal(t, want[:], root)
		}
		if n < maxSize {
			tree.Append(hashes[n])
			require.NoError(t, oracle.Append(rfc6962.DefaultHasher.HashLeaf(leaves[n]), nil))
		}
	}
}

func TestRootsAreThoseOfTheManualAndOfRFC6962(t *testing.T) {
	require.Equal(t, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", EmptyRoot().String())
	require.Equal(t, "b137985ff484fb600db93107c77b0365c80d78f5b429ded0fd97361d077999eb",
		Root([]Hash{LeafHash([]byte("a")), LeafHash([]byte("b"))}).String())
	require.Equal(t, EmptyRoot(), Root(nil))
	require.Equal(t, EmptyRoot(), TraceRoot(0, nil, 2))
}

func TestACopiedTreeGrowsOnItsOwn(t *testing.T) {
	_, hashes := someLeaves(5)
	var tree Tree
	for _, h := range hashes[:3] {
		tree.Append(h)
	}
	branch := tree
	branch.Append(hashes[4])
	require.Equal(t, Root(hashes[:3]), tree.Root())
	tree.Append(hashes[3])
	require.Equal(t, Root(hashes[:4]), tree.Root())
	require.Equal(t, Root([]Hash{hashes[0], hashes[1], hashes[2], hashes[4]}), branch.Root())
}

func TestLeavesOfEveryLengthHashAsOneString(t *testing.T) {
	data := make([]byte, 3*shortLeaf)
	for i := range data {
		data[i] = byte(i * 7)
	}
	h, plain := newHasher(), newHasher()
	require.True(t, h.direct, "this Go marshals SHA-256 in another form, so that trace roots take longer")
	plain.direct = false
	for n := range data {
		// From long to short too: nothing may stay in the buffer.
		for _, n := range []int{n, len(data) - n} {
			want := sha256.Sum256(append([]byte{0}, data[:n]...))
			require.Equal(t, Hash(want), h.sumLeaf(data[:n]))
			require.Equal(t, Hash(want), plain.sumLeaf(data[:n]))
			require.Equal(t, Hash(want), LeafHash(data[:n]))
		}
	}
	for i := range h.hashes {
		h.hashes[i][0], plain.hashes[i][0] = byte(i), byte(i)
	}
	require.Equal(t, plain.root(chunkSize-1), h.root(chunkSize-1))
}

func TestTraceRootDoesNotDependOnTheWorkers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(
			rapid.IntRange(0, 3*chunkSize),
			rapid.SampledFrom([]int{chunkSize - 1, chunkSize, chunkSize + 1, 2 * chunkSize, 2*chunkSize + 1}),
		).Draw(t, "leaves")
		workers := rapid.IntRange(1, 5).Draw(t, "workers")
		size := rapid.IntRange(4, 80).Draw(t, "size")
		leaf := func(i int) []byte {
			b := make([]byte, size)
			binary.BigEndian.PutUint32(b, uint32(i))
			return b
		}
		hashes := make([]Hash, n)
		for i := range hashes {
			hashes[i] = LeafHash(leaf(i))
		}
		require.Equal(t, Root(hashes), TraceRoot(n, leaf, workers))
	})
}

func TestTraceRootReadsEachLeafOnce(t *testing.T) {
	const n = 8 * chunkSize
	seen := make([]int, n)
	TraceRoot(n, func(i int) []byte { seen[i]++; return nil }, 2)
	for i := range seen {
		require.Equal(t, 1, seen[i])
	}
}

func TestInclusionProofsAreThoseOfBothOracles(t *testing.T) {
	leaves, hashes := someLeaves(maxSize)
	reader := tlogTree(t, leaves)
	for size := 1; size <= maxSize; size++ {
		root := Root(hashes[:size])
		for index := range size {
			got, err := ProveInclusion(uint64(index), hashes[:size])
			require.NoError(t, err)
			require.NoError(t, CheckInclusion(root, uint64(size), uint64(index), hashes[index], got))
			want, err := tlog.ProveRecord(int64(size), int64(index), reader)
			require.NoError(t, err)
			require.Len(t, got, len(want))
			for i := range want {
				require.Equal(t, Hash(want[i]), got[i])
			}
			require.NoError(t, proof.VerifyInclusion(rfc6962.DefaultHasher,
				uint64(index), uint64(size), hashes[index][:], toBytes(got), root[:]))
		}
	}
}

func TestConsistencyProofsAreThoseOfBothOracles(t *testing.T) {
	leaves, hashes := someLeaves(maxSize)
	reader := tlogTree(t, leaves)
	for size := 0; size <= maxSize; size++ {
		root := Root(hashes[:size])
		for old := 0; old <= size; old++ {
			oldRoot := Root(hashes[:old])
			got, err := ProveConsistency(uint64(old), hashes[:size])
			require.NoError(t, err)
			require.NoError(t, CheckConsistency(uint64(old), uint64(size), oldRoot, root, got))
			if old == 0 {
				require.Empty(t, got)
				continue
			}
			want, err := tlog.ProveTree(int64(size), int64(old), reader)
			require.NoError(t, err)
			require.Len(t, got, len(want))
			for i := range want {
				require.Equal(t, Hash(want[i]), got[i])
			}
			require.NoError(t, proof.VerifyConsistency(rfc6962.DefaultHasher,
				uint64(old), uint64(size), toBytes(got), oldRoot[:], root[:]))
		}
	}
}

// damaged calls refused with every way in which a list of hashes differs a
// little from the given one: one bit of one hash, one hash less, one more, two
// in the other order.
func damaged(list []Hash, refused func(name string, list []Hash)) {
	for i := range list {
		bad := slices.Clone(list)
		bad[i][i%HashSize] ^= 1 << (i % 8)
		refused(fmt.Sprintf("hash %d flipped", i), bad)
		refused(fmt.Sprintf("hash %d gone", i), slices.Delete(slices.Clone(list), i, i+1))
		refused(fmt.Sprintf("hash %d twice", i), slices.Insert(slices.Clone(list), i, list[i]))
		if i > 0 && list[i] != list[i-1] {
			bad := slices.Clone(list)
			bad[i], bad[i-1] = bad[i-1], bad[i]
			refused(fmt.Sprintf("hashes %d and %d swapped", i-1, i), bad)
		}
	}
	refused("one more", append(slices.Clone(list), Hash{}))
}

func TestDamagedInclusionProofsAreRefused(t *testing.T) {
	_, hashes := someLeaves(maxSize)
	for n := 1; n <= maxSize; n++ {
		size := uint64(n)
		root := Root(hashes[:n])
		for index := range size {
			leaf := hashes[index]
			good, err := ProveInclusion(index, hashes[:n])
			require.NoError(t, err)
			damaged(good, func(name string, list []Hash) {
				require.Error(t, CheckInclusion(root, size, index, leaf, list), "size %d, index %d: %s", size, index, name)
			})
			flip := func(h Hash) Hash { h[31] ^= 0x80; return h }
			require.ErrorIs(t, CheckInclusion(flip(root), size, index, leaf, good), ErrRoot)
			require.ErrorIs(t, CheckInclusion(root, size, index, flip(leaf), good), ErrRoot)
			for other := range size + 2 {
				if other != index {
					require.Error(t, CheckInclusion(root, size, other, leaf, good), "size %d: %d as %d", size, index, other)
				}
			}
			require.ErrorIs(t, CheckInclusion(root, size, size, leaf, good), ErrIndex)
		}
	}
}

func TestInclusionInATreeOfAnotherSizeIsRefused(t *testing.T) {
	_, hashes := someLeaves(maxSize)
	for n := 1; n <= maxSize; n++ {
		for m := 1; m <= maxSize; m++ {
			if n == m {
				continue
			}
			good, err := ProveInclusion(0, hashes[:n])
			require.NoError(t, err)
			require.Error(t, CheckInclusion(Root(hashes[:m]), uint64(m), 0, hashes[0], good), "%d as %d", n, m)
		}
	}
}

func TestDamagedConsistencyProofsAreRefused(t *testing.T) {
	_, hashes := someLeaves(maxSize)
	roots := make([]Hash, maxSize+1)
	for n := range roots {
		roots[n] = Root(hashes[:n])
	}
	flip := func(h Hash) Hash { h[0] ^= 1; return h }
	for n := 0; n <= maxSize; n++ {
		for m := 0; m <= n; m++ {
			old, size := uint64(m), uint64(n)
			good, err := ProveConsistency(old, hashes[:n])
			require.NoError(t, err)
			damaged(good, func(name string, list []Hash) {
				require.Error(t, CheckConsistency(old, size, roots[m], roots[n], list), "%d to %d: %s", m, n, name)
			})
			require.Error(t, CheckConsistency(old, size, flip(roots[m]), roots[n], good))
			if m > 0 {
				require.Error(t, CheckConsistency(old, size, roots[m], flip(roots[n]), good))
			}
			for other := 1; other <= n; other++ {
				if other != m {
					require.Error(t, CheckConsistency(uint64(other), size, roots[m], roots[n], good), "%d to %d as from %d", m, n, other)
				}
			}
		}
	}
}

func TestEachReasonForRefusalHasItsError(t *testing.T) {
	_, hashes := someLeaves(8)
	root3, root8 := Root(hashes[:3]), Root(hashes)
	growth, err := ProveConsistency(3, hashes)
	require.NoError(t, err)

	_, err = ProveInclusion(8, hashes)
	require.ErrorIs(t, err, ErrIndex)
	_, err = ProveConsistency(9, hashes)
	require.ErrorIs(t, err, ErrSize)
	require.ErrorIs(t, CheckInclusion(root8, 8, 0, hashes[0], growth[:2]), ErrProofLength)
	require.ErrorIs(t, CheckConsistency(9, 8, root8, root8, nil), ErrSize)
	require.ErrorIs(t, CheckConsistency(8, 8, root8, root8, growth), ErrProofLength)
	require.ErrorIs(t, CheckConsistency(8, 8, root3, root8, nil), ErrRoot)
	require.ErrorIs(t, CheckConsistency(0, 8, EmptyRoot(), root8, growth), ErrProofLength)
	require.ErrorIs(t, CheckConsistency(0, 8, root3, root8, nil), ErrOldRoot)
	require.ErrorIs(t, CheckConsistency(3, 8, root3, root8, growth[1:]), ErrProofLength)
	require.ErrorIs(t, CheckConsistency(3, 8, root8, root8, growth), ErrOldRoot)
	require.ErrorIs(t, CheckConsistency(3, 8, root3, root3, growth), ErrRoot)
}

func TestPathsInTreesOfAnySizeAreNotLongerThanTheSizeHasBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Uint64Min(1).Draw(t, "size")
		index := rapid.Uint64Max(size-1).Draw(t, "index")
		length := pathLength(index, size)
		require.LessOrEqual(t, length, bits.Len64(size-1))
		list := make([]Hash, length)
		root, _ := climb(Hash{}, index, size, list)
		require.NoError(t, CheckInclusion(root, size, index, Hash{}, list))
		require.NoError(t, proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, make([]byte, HashSize), toBytes(list), root[:]))
	})
}

// Both checkers take what an enemy sends. Each must agree with the oracle on
// every input, and never panic.
func FuzzCheckInclusion(f *testing.F) {
	_, hashes := someLeaves(7)
	good, _ := ProveInclusion(4, hashes)
	root := Root(hashes)
	f.Add(root[:], uint64(7), uint64(4), hashes[4][:], slices.Concat(toBytes(good)...))
	f.Add(hashes[0][:], uint64(1), uint64(0), hashes[0][:], []byte{})
	f.Add(root[:], uint64(0), uint64(0), hashes[0][:], []byte{})
	f.Fuzz(func(t *testing.T, root []byte, size, index uint64, leaf, list []byte) {
		r, l, p, ok := cut(root, leaf, list)
		if !ok {
			t.Skip()
		}
		want := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, l[:], toBytes(p), r[:])
		require.Equal(t, want == nil, CheckInclusion(r, size, index, l, p) == nil)
	})
}

func FuzzCheckConsistency(f *testing.F) {
	_, hashes := someLeaves(7)
	good, _ := ProveConsistency(3, hashes)
	old, root := Root(hashes[:3]), Root(hashes)
	f.Add(uint64(3), uint64(7), old[:], root[:], slices.Concat(toBytes(good)...))
	f.Add(uint64(7), uint64(7), root[:], root[:], []byte{})
	f.Add(uint64(8), uint64(7), root[:], root[:], []byte{})
	f.Fuzz(func(t *testing.T, oldSize, newSize uint64, old, root, list []byte) {
		o, r, p, ok := cut(old, root, list)
		if !ok || oldSize == 0 { // the oracle does not look at the root of an empty tree
			t.Skip()
		}
		want := proof.VerifyConsistency(rfc6962.DefaultHasher, oldSize, newSize, toBytes(p), o[:], r[:])
		require.Equal(t, want == nil, CheckConsistency(oldSize, newSize, o, r, p) == nil)
	})
}

func cut(a, b, list []byte) (x, y Hash, hashes []Hash, ok bool) {
	if len(a) != HashSize || len(b) != HashSize || len(list)%HashSize != 0 || len(list) > 80*HashSize {
		return x, y, nil, false
	}
	for h := range slices.Chunk(list, HashSize) {
		hashes = append(hashes, Hash(h))
	}
	return Hash(a), Hash(b), hashes, true
}
