package vectors

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"pgregory.net/rapid"
)

// maxLeaves is for how many leaves the names of nodes fit 32 bytes.
const maxLeaves = 16

// A forest names the nodes of all trees over the first of some leaves by what they
// are made of: the one byte of a leaf, or 1 and the names of the two nodes below. Its
// hashes are made without the code under test.
type forest struct {
	leaves [][]byte
	names  map[merkle.Hash]string
	nodes  []merkle.Hash
}

func newForest(n int) *forest {
	f := &forest{names: map[merkle.Hash]string{}}
	f.add(sha256.Sum256(nil), "\xff")
	for i := range n {
		f.leaves = append(f.leaves, []byte{byte(i + 2)})
	}
	for i := range n {
		f.root(f.leaves[:i+1])
	}
	return f
}

func (f *forest) add(h merkle.Hash, name string) {
	if f.names[h] == "" {
		f.names[h] = name
		f.nodes = append(f.nodes, h)
	}
}

// root names the nodes of the tree over leaves, as RFC 6962 defines it, and returns
// its root.
func (f *forest) root(leaves [][]byte) merkle.Hash {
	if len(leaves) == 1 {
		h := merkle.Hash(sha256.Sum256(append([]byte{0}, leaves[0]...)))
		f.add(h, string(leaves[0]))
		return h
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	l, r := f.root(leaves[:k]), f.root(leaves[k:])
	h := merkle.Hash(sha256.Sum256(slices.Concat([]byte{1}, l[:], r[:])))
	f.add(h, "\x01"+f.names[l]+f.names[r])
	return h
}

// text returns the name of a hash, which Lean's hash gives. What no node here has
// gets a name that no hash gives.
func (f *forest) text(h merkle.Hash) string {
	name, ok := f.names[h]
	if !ok {
		name = "\xfe"
	}
	return "named " + bytesText([]byte(name))
}

func (f *forest) leavesText() string { return list(f.leaves, bytesText) }

func (f *forest) draw(t *rapid.T) merkle.Hash { return rapid.SampledFrom(f.nodes).Draw(t, "node") }

// proofChanges is how many changes there are: 1 to 4 to a proof, 5 to 8 to what it is
// checked for, the others none.
const proofChanges = 11

// damage changes a proof in one of four ways, or not.
func (f *forest) damage(t *rapid.T, proof []merkle.Hash, what int) []merkle.Hash {
	proof = slices.Clone(proof)
	switch at := rapid.IntRange(0, len(proof)).Draw(t, "at"); {
	case what == 1:
		proof = slices.Insert(proof, at, f.draw(t))
	case at == len(proof):
	case what == 2:
		proof = slices.Delete(proof, at, at+1)
	case what == 3:
		proof[at] = f.draw(t)
	case what == 4:
		proof[at], proof[0] = proof[0], proof[at]
	}
	return proof
}

func drawTrees(t *rapid.T, number int) []Vector {
	f := newForest(number % (maxLeaves + 1))
	hashes := make([]merkle.Hash, len(f.leaves))
	var grown merkle.Tree
	for i, leaf := range f.leaves {
		hashes[i] = merkle.LeafHash(leaf)
		grown.Append(hashes[i])
	}
	leaves := f.leavesText()
	trace := merkle.TraceRoot(len(f.leaves), func(i int) []byte { return f.leaves[i] }, 2)
	vectors := []Vector{
		{Form: "merkle.Root", Call: "Merkle.root shape " + leaves, Out: f.text(merkle.Root(hashes))},
		{Form: "merkle.TraceRoot", Call: "Merkle.root shape " + leaves, Out: f.text(trace)},
		{Form: "merkle.Tree", Call: "Merkle.grownRoot shape (Merkle.grown shape " + leaves + ")", Out: f.text(grown.Root())},
	}
	if len(f.leaves) > 0 {
		vectors = append(vectors, f.inclusion(t, hashes, number%proofChanges)...)
	}
	return append(vectors, f.consistency(t, hashes, number%proofChanges)...)
}

// inclusion proves a leaf, and checks the proof, a damaged one, or one of something
// else.
func (f *forest) inclusion(t *rapid.T, hashes []merkle.Hash, change int) []Vector {
	size := len(hashes)
	index := rapid.IntRange(0, size-1).Draw(t, "index")
	proof, err := merkle.ProveInclusion(uint64(index), hashes)
	if err != nil {
		return []Vector{impossible("merkle.ProveInclusion", err.Error())}
	}
	vectors := []Vector{{Form: "merkle.ProveInclusion",
		Call: fmt.Sprintf("Merkle.proveInclusion shape %d %s", index, f.leavesText()), Out: list(proof, f.text)}}
	proof, leaf, root := f.damage(t, proof, change), f.leaves[index], f.root(f.leaves)
	switch change {
	case 5:
		index = rapid.IntRange(0, size).Draw(t, "other index")
	case 6:
		size = rapid.IntRange(0, maxLeaves).Draw(t, "other size")
	case 7:
		leaf = rapid.SampledFrom(f.leaves).Draw(t, "other leaf")
	case 8:
		root = f.draw(t)
	}
	ok := merkle.CheckInclusion(root, uint64(size), uint64(index), merkle.LeafHash(leaf), proof) == nil
	return append(vectors, Vector{Form: "merkle.CheckInclusion", Out: fmt.Sprint(ok),
		Call: fmt.Sprintf("Merkle.checkInclusion shape (%s) %d %d %s %s", f.text(root), size, index, bytesText(leaf), list(proof, f.text))})
}

// consistency does so with the proof that a tree has grown at its end alone.
func (f *forest) consistency(t *rapid.T, hashes []merkle.Hash, change int) []Vector {
	size := len(hashes)
	old := rapid.IntRange(0, size).Draw(t, "old")
	proof, err := merkle.ProveConsistency(uint64(old), hashes)
	if err != nil {
		return []Vector{impossible("merkle.ProveConsistency", err.Error())}
	}
	vectors := []Vector{{Form: "merkle.ProveConsistency",
		Call: fmt.Sprintf("Merkle.proveConsistency shape %d %s", old, f.leavesText()), Out: list(proof, f.text)}}
	proof = f.damage(t, proof, change)
	oldRoot, root := f.nodes[0], f.nodes[0]
	if old > 0 {
		oldRoot = f.root(f.leaves[:old])
	}
	if size > 0 {
		root = f.root(f.leaves)
	}
	switch change {
	case 5:
		old = rapid.IntRange(0, maxLeaves).Draw(t, "other old")
	case 6:
		size = rapid.IntRange(0, maxLeaves).Draw(t, "other size")
	case 7:
		oldRoot = f.draw(t)
	case 8:
		root = f.draw(t)
	}
	ok := merkle.CheckConsistency(uint64(old), uint64(size), oldRoot, root, proof) == nil
	return append(vectors, Vector{Form: "merkle.CheckConsistency", Out: fmt.Sprint(ok),
		Call: fmt.Sprintf("Merkle.checkConsistency shape %d %d (%s) (%s) %s", old, size, f.text(oldRoot), f.text(root), list(proof, f.text))})
}
