package order

import (
	"encoding/binary"
	"sort"
)

// The words of a key, 8 bytes each: Lamport time, node with stream and the
// event id's first 2 bytes, the next 8, and the last 8, which repeat 4 bytes of
// the word before and so end with the key. After them the Ref decides (ORD-3).
const refWord = 4

// wordAt says at which byte of a key each word begins.
var wordAt = [refWord]int{0, 8, 16, 20}

// word returns a word of the key of the event at r, or r itself as refWord.
func (s Sources) word(word int, r Ref) uint64 {
	if word == refWord {
		return uint64(r)
	}
	return binary.BigEndian.Uint64(s.Key(r)[wordAt[word]:])
}

// settle brings the entries of each group in sorted, whose keys agree up to and
// with the given word, into the order of the rest of the key and then of Ref.
// The Lamport fields hold that word, before and after.
func (s *sorter) settle(word int, sorted, spare []Entry, workers int) {
	bounds := groupBounds(sorted, workers)
	inParallel(s.run, workers, len(bounds)-1, func(_, part int) {
		from, to := bounds[part], bounds[part+1]
		s.settlePart(word, sorted[from:to], spare[from:to], workers)
	})
}

// settlePart is settle in one go; only a large group gets more than one worker.
func (s *sorter) settlePart(word int, sorted, spare []Entry, workers int) {
	for from := 0; from < len(sorted); {
		to := from + 1
		for to < len(sorted) && sorted[to].Lamport == sorted[from].Lamport {
			to++
		}
		if to > from+1 {
			s.settleGroup(word, sorted[from:to], spare[from:to], workers)
		}
		from = to
	}
}

// groupBounds cuts sorted into parts for the workers, more than there are
// workers since ties need not be spread evenly, and never within a group of
// equal Lamport fields. It returns where each part begins, and then len(sorted).
func groupBounds(sorted []Entry, workers int) []int {
	parts := 1
	if workers > 1 {
		parts = 8 * workers
	}
	bounds := make([]int, parts+1)
	for part := 1; part <= parts; part++ {
		at := cut(len(sorted), part, parts)
		bounds[part] = at + sort.Search(len(sorted)-at, func(i int) bool {
			return sorted[at+i].Lamport > sorted[at-1].Lamport
		})
	}
	return bounds
}

// settleGroup is settle for one group: the next word takes the place of the
// common one, and sorts the group, until the common one returns.
func (s *sorter) settleGroup(word int, group, spare []Entry, workers int) {
	if word+1 == refWord && !s.equal.Load() {
		s.equal.Store(true)
	}
	common := group[0].Lamport
	for i := range group {
		group[i].Lamport = s.src.word(word+1, group[i].Ref)
	}
	sorted, _ := s.sortWord(word+1, group, spare, workers)
	for i := range group {
		group[i] = Entry{Lamport: common, Ref: sorted[i].Ref}
	}
}
