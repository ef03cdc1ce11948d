package merkle

import (
	"crypto/sha256"
	"hash"
)

// shortLeaf is the largest leaf in bytes that is hashed in one call: beyond it
// a copy costs more than the calls that it saves.
const shortLeaf = 1023

// leafHasher hashes leaves and keeps what one call can leave to the next.
type leafHasher struct {
	buffer [1 + shortLeaf]byte // the prefix, then a short leaf; buffer[0] is never written
	stream hash.Hash           // for long leaves; nil until the first
	around []byte              // the prefix before a long leaf, then room for its hash
}

// sum returns the hash of the leaf data (MRK-1).
func (h *leafHasher) sum(data []byte) Hash {
	if len(data) <= shortLeaf {
		n := copy(h.buffer[1:], data)
		return sha256.Sum256(h.buffer[:1+n])
	}
	if h.stream == nil {
		h.stream = sha256.New()
		h.around = append(make([]byte, 0, 1+HashSize), leafPrefix)
	}
	h.stream.Reset()
	h.stream.Write(h.around)
	h.stream.Write(data)
	return Hash(h.stream.Sum(h.around)[1:])
}
