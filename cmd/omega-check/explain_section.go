package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/fixed"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/node"
)

// explainSection decodes a `.omega` file (FRM-1 to FRM-6).
func explainSection(x *explanation, file []byte, _ *node.View) error {
	header, err := frame.ParseHeader(file)
	if err != nil {
		return x.damage(err)
	}
	p := x.part("header", file, 0)
	p.field("magic", 8, showQuoted, "opens every .omega file")
	p.number("version", 2, "of the format")
	p.number("flags", 2, "none is defined")
	p.field("node", 4, showNode, "who wrote the file")
	p.field("reserved", 12, nil, "zeros")
	p.field("crc", 4, nil, "CRC-32C of the 28 bytes before")
	p.check("crc", holds, "it is that of its bytes")
	return explainFrames(x, file, header.Node)
}

func showNode(b []byte) string {
	if number(b) == frame.Mixed {
		return "mixed: several writers"
	}
	return showNumber(b)
}

// damage takes over a *frame.Error as the file's; other errors it returns.
func (x *explanation) damage(err error) error {
	var bad *frame.Error
	if !errors.As(err, &bad) {
		return err
	}
	x.fault(string(bad.Kind), bad.Offset, bad.Message)
	return nil
}

// explainFrames decodes the frames, and gathers what they say together.
func explainFrames(x *explanation, file []byte, node uint32) error {
	var (
		frames, foreign int
		stats           fixed.Stats
		first, last     key.Key
		sorted          = true
		fault           error
	)
	for offset := int64(frame.HeaderSize); ; {
		e, next, err := frame.Next(file, offset)
		if err == io.EOF {
			break
		}
		if err != nil {
			fault = err
			break
		}
		if frames == 0 {
			first = *e.Key()
		} else if last.Compare(e.Key()) >= 0 {
			sorted = false
		}
		if node != frame.Mixed && e.Key().Node() != node {
			foreign++
		}
		last = *e.Key()
		stats.Add(e.Value())
		explainFrame(x.part(fmt.Sprintf("frame %d", frames), file, offset), e)
		frames++
		offset = next
	}
	x.fact("written by", "%s", showNode(file[12:16]))
	x.fact("frames", "%s", count(frames))
	if frames > 0 {
		x.fact("first key", "%v", first)
		x.fact("last key", "%v", last)
		x.fact("order", "%s", orderName(sorted))
		x.fact("values", "%s", showStats(&stats))
	}
	if foreign > 0 {
		x.fact("copies", "%s of other nodes", plural(foreign, "event"))
	}
	if fault != nil {
		return x.damage(fault)
	}
	x.check("frames", holds, "each length, crc and event is right, up to the end of the file")
	return nil
}

func orderName(sorted bool) string {
	if sorted {
		return "strictly increasing"
	}
	return "not sorted"
}

func showStats(s *fixed.Stats) string {
	mean, _ := s.Mean()
	return fmt.Sprintf("sum %v, min %s, max %s, mean %s", s.Sum, fixed.Format(s.Min), fixed.Format(s.Max), fixed.Format(mean))
}

func explainFrame(p *part, e event.View) {
	p.field("len", 4, showNumber, "bytes of the event")
	p.field("crc", 4, nil, "CRC-32C of len and event")
	p.event(e)
	p.check("crc", holds, "it is that of its bytes")
}

// event adds the fields of an event (EVT-1).
func (p *part) event(e event.View) {
	p.number("lamport", 8, "logical time")
	p.number("node", 4, "who wrote the event")
	p.number("stream", 2, "which of the node's streams")
	p.field("event", key.EventIDSize, nil, "event id")
	p.field("value", 4, showFigure, "figure in thousandths")
	p.number("dep_count", 2, "events that it depends on")
	p.items(e.DepCount(), key.Size, "dep", func(int) { p.field("dep", key.Size, showKey, "") })
	p.number("payload_len", 4, "bytes of the payload")
	p.field("payload", int64(len(e.Payload())), showQuoted, "")
}
