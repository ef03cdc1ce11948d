package main

import (
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/fixed"
)

// figures are the figures of a set of values, thousandths as decimal numbers
// (FIX-4); min, max and mean are null where there are no values.
type figures struct {
	Count uint64  `json:"count"`
	Sum   string  `json:"sum"`
	Min   *string `json:"min"`
	Max   *string `json:"max"`
	Mean  *string `json:"mean"`
}

type streamFigures struct {
	Node   uint32 `json:"node"`
	Stream uint16 `json:"stream"`
	figures
}

// analytics are a trace's figures: of all its events, and stream by stream.
type analytics struct {
	All     figures         `json:"all"`
	Streams []streamFigures `json:"streams"`
}

func figuresOf(s fixed.Stats) figures {
	f := figures{Count: s.Count, Sum: s.Sum.String()}
	if mean, ok := s.Mean(); ok {
		lowest, highest, middle := fixed.Format(s.Min), fixed.Format(s.Max), fixed.Format(mean)
		f.Min, f.Max, f.Mean = &lowest, &highest, &middle
	}
	return f
}

func analyticsOf(streams []cert.Stream) *analytics {
	var all fixed.Stats
	a := &analytics{Streams: make([]streamFigures, 0, len(streams))}
	for i := range streams {
		s := &streams[i]
		all.Merge(s.Stats)
		a.Streams = append(a.Streams, streamFigures{s.Node, s.Stream, figuresOf(s.Stats)})
	}
	a.All = figuresOf(all)
	return a
}

// shownStreams is how many streams text shows; JSON has all.
const shownStreams = 20

func (a *analytics) text(t *text) {
	rows := [][]string{{"  NODE", "STREAM", "EVENTS", "SUM", "MIN", "MAX", "MEAN"}}
	for i, s := range a.Streams {
		if i == shownStreams {
			break
		}
		rows = append(rows, s.row("  "+count(uint64(s.Node)), count(uint64(s.Stream))))
	}
	t.table(append(rows, a.All.row("  all", "")))
	if more := len(a.Streams) - shownStreams; more > 0 {
		t.line("  and %s, which --json shows", plural(more, "more stream"))
	}
}

func (f *figures) row(node, stream string) []string {
	row := []string{node, stream, count(f.Count), f.Sum}
	for _, figure := range []*string{f.Min, f.Max, f.Mean} {
		if figure == nil {
			row = append(row, "-")
		} else {
			row = append(row, *figure)
		}
	}
	return row
}
