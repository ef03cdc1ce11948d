// Package merkle builds, proves and checks the Merkle trees of RFC 6962 with
// SHA-256.
//
// A tree stands over a list of leaves, each of any length (clause MRK-1):
//
//	root of no leaf:      SHA-256("")
//	root of one leaf:     SHA-256(00 | leaf)
//	root of n leaves:     SHA-256(01 | root of the first k | root of the rest),
//	                      k the largest power of two below n
//
// The prefixes 00 and 01 keep a leaf from passing as a node. Two lists have one
// root only if they are the same list. The tree over a batch's ordered events
// gives the trace root (MRK-2); the tree over the certificates' envelopes grows
// at its end alone, and consistency proofs run over it (MRK-3).
//
// An inclusion proof (RFC 6962, section 2.1.1) leads from one leaf to the root
// (MRK-4). A consistency proof (2.1.2) shows that a tree's first leaves are all
// of an older one (MRK-5). Whoever checks needs neither tree. The root of the
// two leaves "a" and "b" is
//
//	b137985ff484fb600db93107c77b0365c80d78f5b429ded0fd97361d077999eb
package merkle

import (
	"crypto/sha256"
	"encoding/hex"
)

// HashSize is the size of a Hash in bytes (MRK-1).
const HashSize = sha256.Size

// The first byte of what is hashed tells a leaf from a node (MRK-1).
const (
	leafPrefix = 0
	nodePrefix = 1
)

// Hash is the SHA-256 hash of a leaf or a node.
type Hash [HashSize]byte

// String returns the hash as 64 lower-case hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// EmptyRoot returns the root of the tree without leaves (MRK-1).
func EmptyRoot() Hash { return sha256.Sum256(nil) }

// LeafHash returns the hash of the leaf data (MRK-1).
func LeafHash(data []byte) Hash {
	h := sha256.New()
	h.Write([]byte{leafPrefix})
	h.Write(data)
	return Hash(h.Sum(nil))
}

// NodeHash returns the hash of the node over l and r (MRK-1).
func NodeHash(l, r Hash) Hash { return nodeHash(&l, &r) }

func nodeHash(l, r *Hash) Hash {
	var b [1 + 2*HashSize]byte
	b[0] = nodePrefix
	*(*Hash)(b[1:]) = *l
	*(*Hash)(b[1+HashSize:]) = *r
	return sha256.Sum256(b[:])
}
