package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
)

// writeFormats prints keys, events and `.omega` files, and what is read back
// from them (KEY-1 to KEY-3, EVT-1 to EVT-4, FRM-1 to FRM-6).
func writeFormats(p *printer) {
	g := &generator{state: 2}
	events := g.log(48)
	for i := range events {
		e := &events[i]
		name := fmt.Sprintf("event/%02d", i)
		p.hex(name+"/key", e.Key[:])
		p.digest(name, must(e.Append(nil)))
	}
	file := sectionFile(events, 7)
	p.hex("frame/header", file[:frame.HeaderSize])
	p.hex("frame/first", file[frame.HeaderSize:][:frame.Overhead])
	p.digest("frame/file", file)
	writeFields(p, file)
	for i := range 32 {
		damaged := slices.Clone(file)
		damaged[g.below(len(damaged))] ^= 1 << g.below(8)
		p.text(fmt.Sprintf("frame/damage/%02d", i), firstDamage(damaged))
	}
}

// sectionFile returns the `.omega` file of events with the given node (FRM-1).
func sectionFile(events []event.Event, node uint32) []byte {
	file := frame.AppendHeader(nil, frame.Header{Node: node})
	for i := range events {
		file = must(frame.Append(file, must(events[i].Append(nil))))
	}
	return file
}

// writeFields prints the fields of each event of file as they are read, in words.
func writeFields(p *printer, file []byte) {
	p.text("frame/node", fmt.Sprint(must(frame.ParseHeader(file)).Node))
	for offset := int64(frame.HeaderSize); offset < int64(len(file)); {
		v, next, err := frame.Next(file, offset)
		e := must(v, err).Event()
		p.text(fmt.Sprintf("frame/fields/%04d", offset), fmt.Sprintf("%d %d %d %x %d %v %x",
			e.Key.Lamport(), e.Key.Node(), e.Key.Stream(), e.Key.EventID(), e.Value, e.Deps, e.Payload))
		offset = next
	}
}

// firstDamage returns kind and offset of the first thing wrong with file (FRM-5,
// FRM-6), the words of io.EOF where nothing is.
func firstDamage(file []byte) string {
	_, err := frame.ParseHeader(file)
	for offset := int64(frame.HeaderSize); err == nil; {
		_, offset, err = frame.Next(file, offset)
	}
	if damage, ok := errors.AsType[*frame.Error](err); ok {
		return fmt.Sprint(damage.Kind, " ", damage.Offset)
	}
	return err.Error()
}
