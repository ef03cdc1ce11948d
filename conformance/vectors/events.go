package vectors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/section"
	"pgregory.net/rapid"
)

// The deps of an event that is drawn.
type depOrder int

const (
	asDrawn depOrder = iota
	twice            // the first one again, behind it
	inOrder
)

// drawEvent draws an event with up to three deps, four where one is there twice.
func drawEvent(t *rapid.T, deps depOrder) event.Event {
	e := event.Event{Key: drawFields(t).bytes(), Value: rapid.Int32().Draw(t, "value")}
	common := drawFields(t)
	for range rapid.IntRange(0, 3).Draw(t, "deps") {
		e.Deps = append(e.Deps, drawNear(t, common).bytes())
	}
	if deps != asDrawn {
		slices.SortFunc(e.Deps, func(a, b key.Key) int { return slices.Compare(a[:], b[:]) })
		e.Deps = slices.Compact(e.Deps)
	}
	if deps == twice && len(e.Deps) > 0 {
		e.Deps = slices.Insert(e.Deps, 0, e.Deps[0])
	}
	e.Payload = rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "payload")
	return e
}

// plainEvent returns the bytes of an event, whether it is valid or not, made without
// the code under test.
func plainEvent(e event.Event) []byte {
	b := slices.Clone(e.Key[:])
	b = binary.BigEndian.AppendUint32(b, uint32(e.Value))
	b = binary.BigEndian.AppendUint16(b, uint16(len(e.Deps)))
	for _, d := range e.Deps {
		b = append(b, d[:]...)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.Payload)))
	return append(b, e.Payload...)
}

// drawDamage changes a byte, cuts the end off or adds to it, or does nothing.
func drawDamage(t *rapid.T, b []byte) []byte {
	b = slices.Clone(b)
	switch rapid.SampledFrom([]string{"cut", "flip", "add", "none"}).Draw(t, "damage") {
	case "flip":
		b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	case "cut":
		b = b[:len(b)-rapid.IntRange(min(1, len(b)), len(b)).Draw(t, "bytes")]
	case "add":
		b = append(b, rapid.SliceOfN(rapid.Byte(), 1, 6).Draw(t, "bytes")...)
	}
	return b
}

func drawEvents(t *rapid.T, number int) []Vector {
	e := drawEvent(t, min(depOrder(number%5), inOrder))
	deps := "Key.increasing " + list(e.Deps, keyText)
	var vectors []Vector
	encoded, err := e.Append(nil)
	if err == nil {
		vectors = append(vectors, Vector{Form: "event.Event.Append", Call: "Event.encode " + eventText(e), Out: bytesText(encoded)})
	}
	if len(e.Deps) > 1 {
		vectors = append(vectors, Vector{Form: "event.Event.Append.refused", Call: deps, Out: fmt.Sprint(err == nil)})
	}
	b := plainEvent(e)
	if number%2 == 0 {
		b = drawDamage(t, b)
	}
	parsed := "none"
	if view, err := event.Parse(b); err == nil {
		parsed = "some " + eventText(view.Event())
	}
	return append(vectors,
		Vector{Form: "event.Event.Size", Call: "Event.size " + eventText(e), Out: fmt.Sprint(e.Size())},
		Vector{Form: "event.Parse", Call: "Event.decode " + bytesText(b), Out: parsed},
		Vector{Form: "event.Valid", Call: "(Event.decode " + bytesText(b) + ").isSome", Out: fmt.Sprint(event.Valid(b))})
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// plainHeader returns a header made without the code under test.
func plainHeader(node uint32) []byte {
	b := append([]byte("OMEGALOG"), 0, 1, 0, 0)
	b = binary.BigEndian.AppendUint32(b, node)
	b = append(b, make([]byte, 12)...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// plainFrame returns a frame made without the code under test.
func plainFrame(body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	return append(binary.BigEndian.AppendUint32(b, crc32.Checksum(slices.Concat(b, body), castagnoli)), body...)
}

// plainFile returns a file made without the code under test.
func plainFile(node uint32, events ...event.Event) []byte {
	file := plainHeader(node)
	for _, e := range events {
		file = append(file, plainFrame(plainEvent(e))...)
	}
	return file
}

// kindText are Lean's words for what is wrong with a file.
var kindText = map[frame.Kind]string{
	frame.BadHeader: ".badHeader", frame.BadMagic: ".badMagic", frame.BadVersion: ".badVersion",
	frame.FrameLength: ".frameLength", frame.TornTail: ".tornTail", frame.FrameCRC: ".frameCrc", frame.BadEvent: ".badEvent",
}

// drawHeader draws a header, most often with a change in one field, and sometimes with
// the crc that fits it.
func drawHeader(t *rapid.T, number int) []byte {
	b := plainHeader(rapid.Uint32().Draw(t, "node"))
	places := []int{0, 7, 8, 9, 10, 11, 12, 16, 27, 28, 31}
	switch at := number % (len(places) + 2); {
	case at < len(places):
		b[places[at]] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	case at == len(places):
		b = b[:rapid.SampledFrom([]int{31, 0}).Draw(t, "length")]
	}
	if len(b) == frame.HeaderSize && rapid.Bool().Draw(t, "crc fits") {
		binary.BigEndian.PutUint32(b[28:], crc32.Checksum(b[:28], castagnoli))
	}
	return b
}

func drawFrames(t *rapid.T, number int) []Vector {
	node := rapid.Uint32().Draw(t, "node")
	header := frame.AppendHeader(nil, frame.Header{Node: node})
	vectors := []Vector{{Form: "frame.AppendHeader", Call: fmt.Sprintf("Frame.encodeHeader crc32c (Fin.ofNat _ %d)", node), Out: bytesText(header)}}
	changed := drawHeader(t, number)
	v := Vector{Form: "frame.ParseHeader", Call: "Frame.decodeHeader crc32c " + bytesText(changed)}
	var damage *frame.Error
	switch h, err := frame.ParseHeader(changed); {
	case err == nil:
		v.Out = fmt.Sprintf(".ok (Fin.ofNat _ %d)", h.Node)
	case errors.As(err, &damage):
		v.Out = ".error " + kindText[damage.Kind]
	}
	vectors = append(vectors, v)
	e := drawEvent(t, inOrder)
	if framed, err := frame.Append(nil, plainEvent(e)); err == nil {
		vectors = append(vectors, Vector{Form: "frame.Append", Call: "Frame.encode crc32c " + bytesText(plainEvent(e)), Out: bytesText(framed)})
	}
	return append(vectors, drawFile(t, number)...)
}

// drawFile draws a file of up to two events, of which a frame may be wrong though
// its crc fits, or which is damaged; and reads it.
func drawFile(t *rapid.T, number int) []Vector {
	file := plainHeader(rapid.Uint32Range(0, 3).Draw(t, "node"))
	for range number % 3 {
		body := plainEvent(drawEvent(t, inOrder))
		if number%4 == 1 {
			body = drawDamage(t, body)
		}
		file = append(file, plainFrame(body)...)
	}
	switch number % 6 {
	case 0, 2:
		file = drawDamage(t, file)
	case 4:
		file = file[:len(file)-1]
	}
	call := "Frame.decodeFile crc32c " + bytesText(file)
	v := Vector{Form: "frame.Next", Call: call, Out: walk(file)}
	s := Vector{Form: "section.Scan", Call: "(" + call + ").map (fun r => (r.1, r.2.length))"}
	sum, err := section.Scan(file, section.Options{Workers: 2})
	var damage *frame.Error
	if errors.As(err, &damage) {
		s.Out = damageText(damage)
	} else {
		s.Out = fmt.Sprintf(".ok (Fin.ofNat _ %d, %d)", sum.Node, sum.Frames)
	}
	return []Vector{v, s}
}

func damageText(e *frame.Error) string {
	return fmt.Sprintf(".error ⟨%s, %d⟩", kindText[e.Kind], e.Offset)
}

// walk reads a file frame by frame.
func walk(file []byte) string {
	var damage *frame.Error
	h, err := frame.ParseHeader(file)
	if errors.As(err, &damage) {
		return damageText(damage)
	}
	var events []event.Event
	at := int64(frame.HeaderSize)
	for range file { // a frame has more than one byte
		view, next, err := frame.Next(file, at)
		switch {
		case errors.Is(err, io.EOF):
			return fmt.Sprintf(".ok (Fin.ofNat _ %d, %s)", h.Node, list(events, eventText))
		case errors.As(err, &damage):
			return damageText(damage)
		}
		events, at = append(events, view.Event()), next
	}
	return ".endless"
}
