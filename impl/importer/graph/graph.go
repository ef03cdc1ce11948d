// Package graph makes sections of a history whose events say what they come after
// but come in any order: it gathers the events, works out their Lamport times, and
// writes them into a folder as package importer describes it.
//
// An importer opens its inputs with Import, which calls it back with a Graph. For
// each event it asks for the writer's and the stream's number, adds the event,
// and, when all are there, links each to its causes. Then Import writes.
//
// The key (clause IMP-17): lamport is 1 for an event without causes, else 1 more
// than the largest of its causes; node is the writer's id, counted from 1 in the
// order of each writer's first event by (lamport, event id); stream is the place,
// from 0, of the stream's name among the writer's in byte order; the event id is
// the first 14 bytes of a hash of what identifies the event where it comes from.
// The deps are the keys of the causes. So the result depends on the set of events
// and causes alone.
//
// Two events with one id are one event where writer, stream, value and payload are
// the same; else the one that is less in them, compared in this order, stays, and
// the other is noted as a conflict (IMP-18). Events that are their own causes,
// through others or not, are on a cycle: the causes that lie on the same cycle are
// left out, each such event is noted, and all else stays (IMP-19).
//
// Memory: some 200 bytes an event and 20 a cause, whatever the size of payloads,
// which lie in a file meanwhile; the names of writers and streams, each once; the
// inputs are mapped.
package graph

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

// Why a history is not imported. Match with errors.Is.
var (
	ErrEmpty   = errors.New("the inputs hold no event to import")
	ErrStreams = errors.New("a writer has too many streams")
	ErrEvents  = errors.New("too many events for one import")

	ErrCompressed = errors.New("the file is compressed, expand it first")
)

// The causes of notes that any import can have (IMP-16).
const (
	Conflict = "conflict" // two events of one identity, the lesser stays
	Cycle    = "cycle"    // an event that is its own cause, through others or not
)

const maxStreams = 1 << 16

// ID is what names an event in its key.
type ID = [key.EventIDSize]byte

// Event is one event as an importer adds it.
type Event struct {
	ID      ID
	Writer  int32 // from Graph.Writer
	Stream  int32 // from Graph.Stream, of the same writer
	Value   int32 // thousandths
	Payload []byte
	At      importer.Place
}

// Options says what to import, and where to.
type Options struct {
	Inputs []string // paths, at least one
	Output string   // the folder to make; absent or empty; parents are made

	// Progress, if not nil, is called now and then, one call at a time, and when
	// all is done. The unit is one byte read, or as much of the writing.
	Progress func(done, total int)
}

// Summary says what an import found and wrote.
type Summary struct {
	Events     uint64
	Writers    uint64 // each one section
	Causes     uint64 // deps of all events
	Roots      uint64 // events without a dep
	Duplicates uint64 // identical copies beyond the first
	MaxLamport uint64 // events on the longest path
	Bytes      int64  // in all sections
	Notes      []importer.Note
}

// Graph gathers the events of one import. It belongs to one goroutine.
type Graph struct {
	in       *importer.Inputs
	ctx      context.Context
	progress *progress
	spool    *importer.Spool

	events  []node
	index   map[ID]int32
	writers []name
	streams []stream
	numbers map[string]int32 // of writers, by identity
	within  map[stream]int32 // of streams
	links   []link

	duplicates uint64
	buf        []byte // a stored payload, for comparing
}

// node is what is held in memory of an event.
type node struct {
	id      ID
	number  uint16 // the stream's, set when all are there
	value   int32
	writer  int32
	stream  int32
	lamport uint64
	at      importer.Place
	payload importer.Extent
}

// link says that the event from has the cause to.
type link struct{ from, to int32 }

// name is what tells one writer from others, and what to call it.
type name struct{ identity, shown string }

// stream is a stream of a writer.
type stream struct {
	writer int32
	shown  string
}

// Import writes a history into a new folder: all of it, or on an error nothing
// (IMP-4). read gets the mapped inputs and adds their events and links to the
// graph. Errors: ErrEmpty, ErrStreams, ErrEvents, ErrCompressed,
// importer.ErrOutput, that of read, the context's, those of omegalog and the file
// system.
func Import(ctx context.Context, o Options, read func(in *importer.Inputs, g *Graph) error) (Summary, error) {
	in, err := importer.OpenInputs(o.Inputs)
	if err != nil {
		return Summary{}, err
	}
	defer in.Close()
	stage, err := importer.NewStage(o.Output)
	if err != nil {
		return Summary{}, err
	}
	defer stage.Discard()
	spool, err := importer.NewSpool(filepath.Join(stage.Scratch(), "payloads"))
	if err != nil {
		return Summary{}, err
	}
	defer spool.Close()
	g := &Graph{in: in, ctx: ctx, spool: spool, index: make(map[ID]int32),
		numbers: make(map[string]int32), within: make(map[stream]int32), progress: newProgress(o.Progress, in.Size())}
	var summary Summary
	err = in.Guard(func() error {
		if err := checkExpanded(in); err != nil {
			return err
		}
		if err := read(in, g); err != nil {
			return err
		}
		summary, err = g.write(stage.Dir())
		summary.Notes = in.Notes()
		return err
	})
	if err != nil {
		return Summary{}, err
	}
	return summary, stage.Publish()
}

// checkExpanded refuses gzip and Zstandard, in which collectors keep files.
func checkExpanded(in *importer.Inputs) error {
	for i := range in.Len() {
		for _, magic := range []string{"\x1f\x8b", "\x28\xb5\x2f\xfd"} {
			if bytes.HasPrefix(in.Bytes(i), []byte(magic)) {
				return fmt.Errorf("%s: %w", in.Name(i), ErrCompressed)
			}
		}
	}
	return nil
}

// Writer returns the number of the writer that identity tells from others. shown
// is its name in names.tsv.
func (g *Graph) Writer(identity, shown []byte) int32 {
	i, found := g.numbers[string(identity)]
	if !found {
		i = int32(len(g.writers))
		n := name{string(identity), string(shown)}
		g.numbers[n.identity] = i
		g.writers = append(g.writers, n)
	}
	return i
}

// Stream returns the number of a stream of a writer.
func (g *Graph) Stream(writer int32, shown []byte) int32 {
	i, found := g.within[stream{writer, string(shown)}]
	if !found {
		i = int32(len(g.streams))
		s := stream{writer, string(shown)}
		g.within[s] = i
		g.streams = append(g.streams, s)
	}
	return i
}

// Lookup returns the number of the event with an id.
func (g *Graph) Lookup(id ID) (i int32, found bool) {
	i, found = g.index[id]
	return i, found
}

// At returns where event i stands in the inputs.
func (g *Graph) At(i int32) importer.Place { return g.events[i].at }

// Link says that event from comes after event to. Naming a cause twice is naming
// it once (IMP-17). All events must have been added.
func (g *Graph) Link(from, to int32) { g.links = append(g.links, link{from, to}) }

// Outcome says what became of an event that was added (IMP-18).
type Outcome int

// The outcomes.
const (
	First Outcome = iota // no other has its id
	Copy                 // it is the same as one before
	Wins                 // it takes the place of one before, its conflict
	Loses                // one before stays, its conflict
)

// Add takes one event and returns the number of the event with its id. Errors:
// ErrEvents, the context's, those of the file system.
func (g *Graph) Add(e *Event) (i int32, outcome Outcome, err error) {
	if i, found := g.index[e.ID]; found {
		outcome, err = g.again(i, e)
		return i, outcome, err
	}
	if len(g.events) == math.MaxInt32 {
		return 0, First, fmt.Errorf("%w: at most %d", ErrEvents, math.MaxInt32)
	}
	if len(g.events)%checkEvery == 0 && g.ctx.Err() != nil {
		return 0, First, g.ctx.Err()
	}
	i = int32(len(g.events))
	g.index[e.ID] = i
	g.events = append(g.events, node{id: e.ID})
	return i, First, g.put(i, e)
}

// checkEvery is how many events pass between two looks at the context.
const checkEvery = 1 << 12

// put makes e event i.
func (g *Graph) put(i int32, e *Event) (err error) {
	n := &g.events[i]
	n.value, n.writer, n.stream, n.at = e.Value, e.Writer, e.Stream, e.At
	n.payload, err = g.spool.Add(e.Payload)
	return err
}

// again compares e with event i, which has the same id.
func (g *Graph) again(i int32, e *Event) (outcome Outcome, err error) {
	n := &g.events[i]
	if g.buf, err = g.spool.Read(n.payload, g.buf[:0]); err != nil {
		return Loses, err
	}
	order := cmp.Or(
		cmp.Compare(g.writers[e.Writer].identity, g.writers[n.writer].identity),
		cmp.Compare(g.streams[e.Stream].shown, g.streams[n.stream].shown),
		cmp.Compare(e.Value, n.value),
		bytes.Compare(e.Payload, g.buf))
	if order == 0 {
		g.duplicates++
		if e.At.Compare(n.at) < 0 {
			n.at = e.At
		}
		return Copy, nil
	}
	outcome, other := Loses, e.At
	if order < 0 {
		outcome, other = Wins, n.at
		err = g.put(i, e)
	}
	g.in.Note(Conflict, other, func() string {
		at := g.in.Example(g.events[i].at, "")
		return fmt.Sprintf("another event of the same identity stays: %s at offset %d", at.File, at.Offset)
	})
	return outcome, err
}

// Read tells that an input has been read up to an offset. The error is the
// context's.
func (g *Graph) Read(at importer.Place) error {
	before := int64(0)
	for i := range int(at.File) {
		before += int64(len(g.in.Bytes(i)))
	}
	g.progress.to(before + at.Offset)
	return g.ctx.Err()
}
