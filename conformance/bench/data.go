package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

const (
	// eventSize is the size of every event, in bytes: with one dep it has a
	// payload of 120 bytes, with two one of 92.
	eventSize = 186
	frameSize = frame.Overhead + eventSize
	// sections is the number of files, each the log of one node.
	sections = 4
	// window is within how many events of a log some are displaced.
	window = 4096
)

// keyOf is the key of event i of node s. Lamport times grow by 1 to 3 in each
// log, and by 2 on the average, so that half of them are of several nodes.
func keyOf(s, i int) key.Key {
	r := rand.NewPCG(uint64(s), uint64(i))
	var id [key.EventIDSize]byte
	a, b := r.Uint64(), r.Uint64()
	binary.BigEndian.PutUint64(id[:], a)
	binary.BigEndian.PutUint32(id[8:], uint32(b))
	return key.New(uint64(2*i)+1+b>>63, uint32(s), 1, id)
}

// appendEvent appends event i of node s to b. Its deps are the event before in
// its log and, for every other event, a recent one of another log.
func appendEvent(b []byte, s, i int, r *rand.Rand) ([]byte, error) {
	e := event.Event{Key: keyOf(s, i), Value: int32(r.Uint32())}
	if i > 0 {
		e.Deps = append(e.Deps, keyOf(s, i-1))
		if i%2 == 1 {
			e.Deps = append(e.Deps, keyOf((s+1+r.IntN(sections-1))%sections, max(0, i-1-r.IntN(64))))
		}
		slices.SortFunc(e.Deps, func(a, b key.Key) int { return a.Compare(&b) })
	}
	e.Payload = make([]byte, eventSize-e.Size())
	for at := 0; at+8 <= len(e.Payload); at += 8 {
		binary.LittleEndian.PutUint64(e.Payload[at:], r.Uint64())
	}
	return e.Append(b)
}

// writeSections writes events of each of several nodes into files in dir, and
// returns their paths.
func writeSections(dir string, events int) ([]string, error) {
	paths := make([]string, sections)
	failed := make(chan error, sections)
	for s := range sections {
		paths[s] = filepath.Join(dir, fmt.Sprintf("%d-%d.omega", events, s))
		go func() { failed <- writeSection(paths[s], s, events/sections) }()
	}
	var err error
	for range sections {
		if e := <-failed; err == nil {
			err = e
		}
	}
	return paths, err
}

func writeSection(path string, s, events int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	w := bufio.NewWriterSize(file, 1<<20)
	w.Write(frame.AppendHeader(nil, frame.Header{Node: uint32(s)})) // the error comes back from Flush
	r := rand.New(rand.NewPCG(uint64(s), uint64(events)))
	var body, framed []byte
	for from := 0; from < events; from += window {
		for _, i := range displaced(r, from, min(from+window, events)) {
			if body, err = appendEvent(body[:0], s, i, r); err != nil {
				return err
			}
			if framed, err = frame.Append(framed[:0], body); err != nil {
				return err
			}
			w.Write(framed)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return file.Close()
}

// displaced returns from, ..., to-1 with one in a hundred moved by up to 64 places.
func displaced(r *rand.Rand, from, to int) []int {
	order := make([]int, to-from)
	for i := range order {
		order[i] = from + i
	}
	for range len(order) / 100 {
		i := r.IntN(len(order))
		j := min(max(i+r.IntN(129)-64, 0), len(order)-1)
		moved := order[i]
		order = slices.Insert(slices.Delete(order, i, i+1), j, moved)
	}
	return order
}
