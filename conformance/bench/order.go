package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/order"
)

// keyStride is the distance of two keys in the sources: the smallest event with
// its frame's head and some payload, so that a key is seldom in the cache.
const keyStride = 64

// layOut puts the keys of each source into it, as in a file, and returns the
// sources and the entries as a scan leaves them.
func layOut(keys [][]key.Key) (order.Sources, []order.Entry, error) {
	src := make(order.Sources, len(keys))
	var entries []order.Entry
	for s := range keys {
		src[s] = make([]byte, len(keys[s])*keyStride)
		for i, k := range keys[s] {
			copy(src[s][i*keyStride:], k[:])
			ref, err := order.NewRef(s, int64(i*keyStride))
			if err != nil {
				return nil, nil, err
			}
			entries = append(entries, order.Entry{Lamport: k.Lamport(), Ref: ref})
		}
	}
	return src, entries, nil
}

func randomKey(r *rand.Rand) key.Key {
	var k key.Key
	for at := 0; at < key.Size; at += 4 {
		binary.BigEndian.PutUint32(k[at:], r.Uint32())
	}
	return k
}

// randomKeys are n keys of random bits in one source.
func randomKeys(n int) [][]key.Key {
	r := rand.New(rand.NewPCG(1, 2))
	keys := make([]key.Key, n)
	for i := range keys {
		keys[i] = randomKey(r)
	}
	return [][]key.Key{keys}
}

// nearlySortedKeys are n keys in four sources, each sorted but for 1 % that are
// displaced by up to 64 places. Lamport times grow by 1 to step.
func nearlySortedKeys(n int, step uint64) [][]key.Key {
	r := rand.New(rand.NewPCG(1, step))
	keys := make([][]key.Key, sections)
	for s := range keys {
		lamport := uint64(0)
		ascending := make([]key.Key, n/sections)
		for i := range ascending {
			lamport += 1 + r.Uint64N(step)
			k := randomKey(r)
			ascending[i] = key.New(lamport, uint32(7*s%5), 1, k.EventID())
		}
		for from := 0; from < len(ascending); from += window {
			for _, i := range displaced(r, from, min(from+window, len(ascending))) {
				keys[s] = append(keys[s], ascending[i])
			}
		}
	}
	return keys
}

// orderRatios compares Sort on two cores with slices.SortFunc and bytes.Compare
// over the same keys, packed in one slice. In Sort's time is all that turns
// entries into canonical order; not in it are the scan and the first touch of
// entries and scratch.
func orderRatios(turns int, keys [][]key.Key) ([]float64, error) {
	src, entries, err := layOut(keys)
	if err != nil {
		return nil, err
	}
	packed := slices.Concat(keys...)
	peerWork := make([]key.Key, len(packed))
	work, scratch := slices.Clone(entries), slices.Clone(entries)
	ratios := make([]float64, turns)
	for turn := range ratios {
		copy(peerWork, packed)
		copy(work, entries)
		peer := took(func() {
			slices.SortFunc(peerWork, func(x, y key.Key) int { return bytes.Compare(x[:], y[:]) })
		})
		var sorted []order.Entry
		ratios[turn] = peer / took(func() { sorted, _ = order.Sort(work, src, scratch, 2, nil) })
		for i := range sorted {
			if *src.Key(sorted[i].Ref) != peerWork[i] {
				return nil, fmt.Errorf("place %d: got %v, want %v", i, src.Key(sorted[i].Ref), peerWork[i])
			}
		}
	}
	return ratios, nil
}

func benchOrder(_ string, short bool) ([]row, error) {
	events, n := 10_000_000, 3
	if short {
		events = 1_000_000
	}
	const compares = "slices.SortFunc with bytes.Compare / Sort, on two cores"
	var rows []row
	for _, c := range []struct {
		name  string
		bound float64
		keys  [][]key.Key
	}{
		{"order, random keys", 8, randomKeys(events)},
		{"order, nearly sorted", 20, nearlySortedKeys(events, 1000)},
		{"order, nearly sorted, Lamport ties", 20, nearlySortedKeys(events, 1)},
	} {
		ratios, err := orderRatios(n, c.keys)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{name: c.name, compares: compares, ratios: ratios, bound: c.bound})
	}
	return rows, nil
}
