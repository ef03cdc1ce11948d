package git

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

// history is what is held in memory of a repository's commits, parents before
// children.
type history struct {
	hashSize int // bytes of a hash in this repository
	commits  []commit
	parents  []int32                         // of all commits, one after the other
	index    map[[key.EventIDSize]byte]int32 // event id to place in commits
	authors  authorTable
}

// commit is one commit. list sets hash, fill the rest but node, which
// assignNodes sets.
type commit struct {
	hash    [sha256.Size]byte // the first hashSize bytes
	lamport uint64
	links   span // of history.parents, each parent once
	payload importer.Extent
	value   int32
	writer  int32  // place in the author table
	node    uint32 // IMP-13
}

// span is a range of places in a slice.
type span struct{ start, end int }

// hex returns the hash of commit i as git writes it.
func (h *history) hex(i int) string {
	return hex.EncodeToString(h.commits[i].hash[:h.hashSize])
}

// id returns the event id of commit i (IMP-8).
func (h *history) id(i int) [key.EventIDSize]byte {
	return [key.EventIDSize]byte(h.commits[i].hash[:])
}

// key returns the key of commit i (IMP-8).
func (h *history) key(i int) key.Key {
	return key.New(h.commits[i].lamport, h.commits[i].node, 0, h.id(i))
}

// add appends a commit of which only the hash is known, in hex. It refuses a
// second one with the same event id with ErrCollision (IMP-8).
func (h *history) add(digits []byte) error {
	var c commit
	size := hex.DecodedLen(len(digits))
	if size != sha1.Size && size != sha256.Size || (h.hashSize != 0 && size != h.hashSize) {
		return fmt.Errorf("%q is no hash of a commit", digits)
	}
	if _, err := hex.Decode(c.hash[:], digits); err != nil {
		return fmt.Errorf("%q is no hash of a commit: %w", digits, err)
	}
	if h.index == nil {
		h.hashSize = size
		h.index = make(map[[key.EventIDSize]byte]int32)
	}
	i := len(h.commits)
	h.commits = append(h.commits, c)
	if j, taken := h.index[h.id(i)]; taken {
		return fmt.Errorf("%w: %s and %s", ErrCollision, h.hex(int(j)), h.hex(i))
	}
	h.index[h.id(i)] = int32(i)
	return nil
}

// fill puts what commit i's object says into the history; its parents must have
// been filled. Errors: ErrMissing, ErrParents.
func (h *history) fill(i int, o *object) error {
	c := &h.commits[i]
	start := len(h.parents)
	for _, id := range o.parents {
		j, found := h.index[[key.EventIDSize]byte(id)]
		if !found || int(j) >= i || h.hex(int(j)) != hex.EncodeToString(id) {
			return fmt.Errorf("%w: its parent %x is not among them", ErrMissing, id)
		}
		h.parents = append(h.parents, j)
		c.lamport = max(c.lamport, h.commits[j].lamport)
	}
	slices.Sort(h.parents[start:])
	h.parents = h.parents[:start+len(slices.Compact(h.parents[start:]))]
	if n := len(h.parents) - start; n > event.MaxDeps {
		return fmt.Errorf("%w: %d, at most %d", ErrParents, n, event.MaxDeps)
	}
	c.lamport++
	c.links = span{start, len(h.parents)}
	c.value = o.value
	c.writer = h.authors.count(o.name, o.email)
	return nil
}

// summary counts what the history holds.
func (h *history) summary(authors int) Summary {
	s := Summary{Commits: len(h.commits), Authors: authors}
	for i := range h.commits {
		c := &h.commits[i]
		s.MaxLamport = max(s.MaxLamport, c.lamport)
		switch n := c.links.end - c.links.start; {
		case n == 0:
			s.Roots++
		case n >= 3:
			s.Octopus++
			s.Merges++
		case n == 2:
			s.Merges++
		}
	}
	return s
}
