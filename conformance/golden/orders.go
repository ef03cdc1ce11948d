package main

import (
	"encoding/binary"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/order"
)

// writeOrders prints the canonical order of logs (ORD-1 to ORD-3): nearly
// sorted in several sections, shuffled, and with copies; for one worker and
// for more.
func writeOrders(p *printer) {
	g := &generator{state: 3}
	for _, n := range []int{0, 1, 2, 3, 10, 100, 1000, 5000} {
		events := g.log(n)
		nearly := scatter(g, events, 4)
		shuffle(g, events)
		random := scatter(g, events, 3)
		copies := append(random, scatter(g, events[:n/2], 2)...)
		for i, src := range []order.Sources{nearly, random, copies} {
			for workers := 1; workers <= 3; workers++ {
				name := fmt.Sprintf("order/%d/%s/%d", n, []string{"nearly", "random", "copies"}[i], workers)
				p.digest(name, sorted(src, workers))
			}
		}
	}
	p.digest("order/random-keys", sorted(anyKeys(g, 4000), 2))
}

// scatter deals events out to so many sections, in their order.
func scatter(g *generator, events []event.Event, sections int) order.Sources {
	dealt := make([][]event.Event, sections)
	for i := range events {
		to := g.below(sections)
		dealt[to] = append(dealt[to], events[i])
	}
	files := make(order.Sources, sections)
	for i := range files {
		files[i] = sectionFile(dealt[i], uint32(i))
	}
	return files
}

// anyKeys returns a section of n events whose keys use all 224 bits.
func anyKeys(g *generator, n int) order.Sources {
	events := make([]event.Event, n)
	for i := range events {
		copy(events[i].Key[:], g.bytes(len(events[i].Key)))
	}
	return order.Sources{sectionFile(events, frame.Mixed)}
}

// sorted returns the Refs and keys of all events of src in canonical order.
func sorted(src order.Sources, workers int) []byte {
	entries := entriesOf(src)
	var out []byte
	ordered, _ := order.Sort(entries, src, make([]order.Entry, len(entries)), workers, nil)
	for _, e := range ordered {
		out = binary.BigEndian.AppendUint64(out, uint64(e.Ref))
		out = append(out, src.Key(e.Ref)[:]...)
	}
	return out
}

// entriesOf returns an entry for each event of src, in file order.
func entriesOf(src order.Sources) []order.Entry {
	var entries []order.Entry
	for number, file := range src {
		for offset := int64(frame.HeaderSize); offset < int64(len(file)); {
			v, next, err := frame.Next(file, offset)
			entries = append(entries, order.Entry{
				Lamport: must(v, err).Key().Lamport(),
				Ref:     must(order.NewRef(number, offset+frame.Overhead)),
			})
			offset = next
		}
	}
	return entries
}
