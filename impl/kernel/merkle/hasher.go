package merkle

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

const (
	// blockBytes is what SHA-256 takes in at a time, and lengthBytes the size of
	// the message's length in bits, with which its last block ends.
	blockBytes  = sha256.BlockSize
	lengthBytes = 8
	// shortLeaf is the largest leaf in bytes that is hashed in one call: beyond
	// it a copy costs more than the calls that it saves.
	shortLeaf = 1023
	// leafRoom holds any short leaf's message, padded.
	leafRoom = (1+shortLeaf+lengthBytes)/blockBytes*blockBytes + blockBytes
	// nodeSize is the size of a node's message in bytes.
	nodeSize = 1 + 2*HashSize
	// stateAt is where a marshaled SHA-256 holds the hash of its blocks: after
	// "sha\x03". The form is Go's own, so every hasher tries it out first.
	stateAt = 4
)

// binaryAppender is what package encoding calls so.
type binaryAppender interface {
	AppendBinary(b []byte) ([]byte, error)
}

// A hasher hashes the leaves and nodes of one chunk after another.
//
// Of the time of sha256.Sum256 over so short a message a quarter goes into what
// surrounds its blocks. A hasher pads the message itself (FIPS 180-4, 5.1.1) and
// writes whole blocks. The hash is then what SHA-256 would go on from with the
// next block, and marshaling gives it out. Where it does not, as another version
// of Go may have it, the hasher takes sha256.Sum256.
type hasher struct {
	sha    hash.Hash
	direct bool                 // marshaling sha gives the hash of its blocks
	leaf   [leafRoom]byte       // the prefix, which is never written again, and a short leaf
	node   [2 * blockBytes]byte // a node's message, padded once
	state  [128]byte            // room for sha, marshaled
	hashes [chunkSize]Hash      // of the leaves of a chunk, then of each level above them
}

func newHasher() *hasher {
	h := &hasher{sha: sha256.New()}
	h.leaf[0], h.node[0] = leafPrefix, nodePrefix
	pad(h.node[:], nodeSize)
	_, h.direct = h.sha.(binaryAppender)
	h.direct = h.direct && h.sumLeaf(nil) == sha256.Sum256(h.leaf[:1])
	return h
}

// pad pads the message of n bytes at the start of b, in b, and returns its blocks.
func pad(b []byte, n int) []byte {
	end := (n+lengthBytes)/blockBytes*blockBytes + blockBytes
	clear(b[n:end])
	b[n] = 0x80
	binary.BigEndian.PutUint64(b[end-lengthBytes:], 8*uint64(n))
	return b[:end]
}

// sum returns the hash of a message of n bytes, which is padded.
func (h *hasher) sum(padded []byte, n int) Hash {
	if !h.direct {
		return sha256.Sum256(padded[:n])
	}
	h.sha.Reset()
	h.sha.Write(padded)
	h.sha.(binaryAppender).AppendBinary(h.state[:0]) // SHA-256's has no error, and has room
	return Hash(h.state[stateAt:])
}

// sumLeaf returns the hash of the leaf data (MRK-1).
func (h *hasher) sumLeaf(data []byte) Hash {
	if len(data) <= shortLeaf {
		n := 1 + copy(h.leaf[1:], data)
		return h.sum(pad(h.leaf[:], n), n)
	}
	h.sha.Reset()
	h.sha.Write(h.leaf[:1])
	h.sha.Write(data)
	return Hash(h.sha.Sum(h.state[:0]))
}

// root returns the root over the first n of h.hashes, at least one, and leaves
// other hashes in their places (MRK-1). Where a level has an odd number, its
// last is the root of the right end of the tree and goes up as it is.
func (h *hasher) root(n int) Hash {
	for ; n > 1; n = (n + 1) / 2 {
		for i := range n / 2 {
			*(*Hash)(h.node[1:]) = h.hashes[2*i]
			*(*Hash)(h.node[1+HashSize:]) = h.hashes[2*i+1]
			h.hashes[i] = h.sum(h.node[:], nodeSize)
		}
		if n%2 == 1 {
			h.hashes[n/2] = h.hashes[n-1]
		}
	}
	return h.hashes[0]
}
