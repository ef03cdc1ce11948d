package shiviz

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/importer/graph"
	"github.com/omega-sheaf-os/omega/impl/importer/jsonwalk"
)

// reader reads the events of all inputs into a graph.
type reader struct {
	in   *importer.Inputs
	g    *graph.Graph
	find *expression

	hosts  map[string]int32
	names  []string // of hosts
	events []occurrence
	counts []count // of all clocks, one after the other

	file32  int32
	clock   []count
	payload []byte
}

// occurrence is one event. Its number is that in the graph.
type occurrence struct {
	host       int32
	own        uint32 // its host's count
	start, end int    // of reader.counts: its clock, by host
	at         importer.Place
}

// count is what a clock says of a host.
type count struct {
	host int32
	n    uint32
}

func (r *reader) clockOf(e *occurrence) []count { return r.counts[e.start:e.end] }

// of returns what a clock, by host, says of a host.
func of(clock []count, host int32) uint32 {
	i, found := slices.BinarySearchFunc(clock, host, func(c count, host int32) int { return cmp.Compare(c.host, host) })
	if !found {
		return 0
	}
	return clock[i].n
}

// refuse returns an error about a place.
func (r *reader) refuse(at importer.Place, format string, args ...any) error {
	e := r.in.Example(at, fmt.Sprintf(format, args...))
	return &Error{Path: e.File, Line: e.Line, Offset: e.Offset, Message: e.Message}
}

// file reads one input.
func (r *reader) file(i int) error {
	r.file32 = int32(i)
	b := r.in.Bytes(i)
	behind := 0 // the last match
	for _, m := range r.find.FindAllSubmatchIndex(b, -1) {
		r.unmatched(b, behind, m[0])
		behind = m[1]
		if err := r.match(b, m); err != nil {
			return err
		}
		if err := r.g.Read(importer.Place{File: r.file32, Offset: int64(behind)}); err != nil {
			return err
		}
	}
	r.unmatched(b, behind, len(b))
	return nil
}

// unmatched notes the lines of b[from:to], which lies between matches.
func (r *reader) unmatched(b []byte, from, to int) {
	for line := range bytes.Lines(b[from:to]) {
		if len(bytes.TrimSpace(line)) > 0 {
			r.in.Note(NoMatch, importer.Place{File: r.file32, Offset: int64(from)}, func() string {
				return "the line is part of no event"
			})
		}
		from += len(line)
	}
}

// match takes one event.
func (r *reader) match(b []byte, m []int) error {
	group := func(i int) []byte {
		if m[2*i] < 0 {
			return nil
		}
		return b[m[2*i]:m[2*i+1]]
	}
	at := importer.Place{File: r.file32, Offset: int64(max(m[2*r.find.clock], m[0]))}
	host := group(r.find.host)
	if len(host) == 0 || len(host) > maxHost {
		return r.refuse(at, "the host's name has %d bytes, want 1 to %d", len(host), maxHost)
	}
	if err := r.readClock(group(r.find.clock), at); err != nil {
		return err
	}
	h := r.host(host)
	own := of(r.clock, h)
	if own == 0 {
		return r.refuse(at, "the clock of %q does not count %q itself", host, host)
	}
	return r.add(h, own, bytes.TrimSuffix(group(r.find.event), []byte("\r")), at)
}

// host returns the number of a host.
func (r *reader) host(name []byte) int32 {
	h, found := r.hosts[string(name)]
	if !found {
		h = int32(len(r.names))
		r.hosts[string(name)] = h
		r.names = append(r.names, string(name))
	}
	return h
}

// readClock reads a clock into r.clock, by host, without zeros.
func (r *reader) readClock(text []byte, at importer.Place) error {
	r.clock = r.clock[:0]
	start, end, err := jsonwalk.Next(text, 0)
	if rest := bytes.TrimSpace(text[end:]); err == nil && len(rest) > 0 {
		err = fmt.Errorf("%q stands behind it", rest[:min(len(rest), 32)])
	}
	if err != nil {
		return r.refuse(at, "the clock is no JSON: %v", err)
	}
	c := jsonwalk.At(text, start)
	if !c.IsObject() {
		return r.refuse(at, "the clock is no JSON object")
	}
	for name := range c.Members() {
		if len(name) == 0 || len(name) > maxHost {
			return r.refuse(at, "the clock names a host of %d bytes, want 1 to %d", len(name), maxHost)
		}
		host := string(name)
		number := c.Skip()
		n, err := strconv.ParseUint(string(number), 10, 64)
		if err != nil || n > math.MaxInt32 {
			return r.refuse(at, "the clock counts %s of %q, want a whole number up to %d", number[:min(len(number), 32)], host, math.MaxInt32)
		}
		if n > 0 {
			r.clock = append(r.clock, count{r.host([]byte(host)), uint32(n)})
		}
	}
	slices.SortFunc(r.clock, func(a, b count) int { return cmp.Compare(a.host, b.host) })
	for i := 1; i < len(r.clock); i++ {
		if r.clock[i-1].host == r.clock[i].host {
			return r.refuse(at, "the clock counts %q twice", r.names[r.clock[i].host])
		}
	}
	return nil
}

// add adds the event with the clock that has been read.
func (r *reader) add(host int32, own uint32, text []byte, at importer.Place) error {
	name := r.names[host]
	w := r.g.Writer([]byte(name), []byte(name))
	i, outcome, err := r.g.Add(&graph.Event{ID: identity(name, own), Writer: w, Stream: r.g.Stream(w, nil),
		Payload: r.encode(host, text, at), At: at})
	switch {
	case err != nil || outcome == graph.Copy:
		return err
	case outcome != graph.First:
		other := r.in.Example(r.events[i].at, "")
		return r.refuse(at, "another event %d of %q stands in %s, line %d", own, name, other.File, other.Line)
	}
	e := occurrence{host: host, own: own, start: len(r.counts), at: at}
	r.counts = append(r.counts, r.clock...)
	e.end = len(r.counts)
	r.events = append(r.events, e)
	return nil
}

// encode makes the payload of an event (IMP-33).
func (r *reader) encode(host int32, text []byte, at importer.Place) []byte {
	b := r.in.AppendLine(r.payload[:0], "host", []byte(r.names[host]), at)
	byName := slices.SortedFunc(slices.Values(r.clock), func(a, b count) int { return cmp.Compare(r.names[a.host], r.names[b.host]) })
	for _, c := range byName {
		b = importer.AppendText(append(b, "clock "...), r.names[c.host])
		b = strconv.AppendUint(append(b, ' '), uint64(c.n), 10)
		b = append(b, '\n')
	}
	sum := sha256.Sum256(text)
	b = strconv.AppendInt(append(b, "event "...), int64(len(text)), 10)
	b = hex.AppendEncode(append(b, ' '), sum[:])
	r.payload = append(b, '\n')
	return r.payload
}
