// Package importtest compares imported folders with what a plain reading of the
// same events gives. It serves the tests of the importers.
package importtest

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/importer/graph"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

// Event is an event as its input tells of it. Causes are the ids of others.
type Event struct {
	ID      graph.ID
	Writer  string
	Stream  string
	Value   int32
	Payload string
	Causes  []graph.ID
}

// plain is what follows from a set of events without a cycle, by recursion.
type plain struct {
	events  map[graph.ID]*Event
	lamport map[graph.ID]uint64
	nodes   map[string]uint32
}

func newPlain(events []Event) *plain {
	p := &plain{events: make(map[graph.ID]*Event), lamport: make(map[graph.ID]uint64), nodes: make(map[string]uint32)}
	for i := range events {
		p.events[events[i].ID] = &events[i]
	}
	order := make([]graph.ID, 0, len(events))
	for id := range p.events {
		p.longest(id)
		order = append(order, id)
	}
	slices.SortFunc(order, func(a, b graph.ID) int {
		if p.lamport[a] != p.lamport[b] {
			return int(p.lamport[a]) - int(p.lamport[b])
		}
		return bytes.Compare(a[:], b[:])
	})
	for _, id := range order {
		if w := p.events[id].Writer; p.nodes[w] == 0 {
			p.nodes[w] = uint32(len(p.nodes) + 1)
		}
	}
	return p
}

func (p *plain) longest(id graph.ID) uint64 {
	if p.lamport[id] == 0 {
		most := uint64(0)
		for _, cause := range p.events[id].Causes {
			most = max(most, p.longest(cause))
		}
		p.lamport[id] = most + 1
	}
	return p.lamport[id]
}

func (p *plain) key(id graph.ID) key.Key {
	e := p.events[id]
	streams := map[string]bool{}
	for _, other := range p.events {
		if other.Writer == e.Writer && other.Stream < e.Stream {
			streams[other.Stream] = true
		}
	}
	return key.New(p.lamport[id], p.nodes[e.Writer], uint16(len(streams)), id)
}

func (p *plain) event(id graph.ID) event.Event {
	e := p.events[id]
	made := event.Event{Key: p.key(id), Value: e.Value, Payload: []byte(e.Payload)}
	for _, cause := range e.Causes {
		made.Deps = append(made.Deps, p.key(cause))
	}
	slices.SortFunc(made.Deps, func(a, b key.Key) int { return a.Compare(&b) })
	made.Deps = slices.Compact(made.Deps)
	return made
}

// Check requires that the folder dir and the summary are what the events give, that
// nothing else is there, and that the sections reconcile to a merge.
func Check(t require.TestingT, dir string, s graph.Summary, events []Event) {
	p := newPlain(events)
	names, err := importer.ReadNames(dir)
	require.NoError(t, err)
	require.Len(t, names, len(p.nodes))
	var want graph.Summary
	var inputs []invariant.Input
	for _, n := range names {
		require.Equal(t, p.nodes[n.Name], n.Node)
		file, err := os.ReadFile(filepath.Join(dir, n.File))
		require.NoError(t, err)
		inputs = append(inputs, invariant.Input{Name: n.File, Data: file})
		got := readSection(t, file, n.Node)
		require.Len(t, got, int(n.Events))
		want.Bytes += int64(len(file))
		for i, e := range got {
			require.True(t, i == 0 || got[i-1].Key.Compare(&e.Key) < 0, "section %d is not increasing", n.Node)
			require.Contains(t, p.events, e.Key.EventID())
			require.Equal(t, n.Name, p.events[e.Key.EventID()].Writer)
			require.Equal(t, p.event(e.Key.EventID()), e)
			want.MaxLamport = max(want.MaxLamport, e.Key.Lamport())
			want.Causes += uint64(len(e.Deps))
			if len(e.Deps) == 0 {
				want.Roots++
			}
			want.Events++
		}
	}
	require.EqualValues(t, len(p.events), want.Events)
	want.Writers, want.Duplicates, want.Notes = uint64(len(names)), s.Duplicates, s.Notes
	require.Equal(t, want, s)
	require.Len(t, Files(t, dir), len(names)+1)
	result, err := invariant.Reconcile(inputs, invariant.Empty{}, invariant.Options{})
	require.NoError(t, err)
	require.True(t, result.Merged())
	require.Equal(t, s.Events, result.Events)
}

func readSection(t require.TestingT, file []byte, node uint32) (events []event.Event) {
	h, err := frame.ParseHeader(file)
	require.NoError(t, err)
	require.Equal(t, node, h.Node)
	for at := int64(frame.HeaderSize); at < int64(len(file)); {
		var v event.View
		v, at, err = frame.Next(file, at)
		require.NoError(t, err)
		events = append(events, v.Event())
	}
	return events
}

// Files returns the content of each file of a folder, by name.
func Files(t require.TestingT, dir string) map[string]string {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	files := make(map[string]string)
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		files[e.Name()] = string(content)
	}
	return files
}

// Dir returns a new folder in memory where the system has one, since each import
// waits for the disk, else on the disk.
func Dir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "omega-import-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// Counts returns how often each cause was noted.
func Counts(notes []importer.Note) map[string]uint64 {
	counts := make(map[string]uint64)
	for _, n := range notes {
		counts[n.Cause] = n.Count
	}
	return counts
}

// Manual returns the lines of the file's doc comment that are indented by a tab
// after the line that holds the marker, up to the next line that is not.
func Manual(t require.TestingT, file, marker string) string {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	_, after, found := strings.Cut(string(text), marker)
	require.True(t, found)
	var b strings.Builder
	for line := range strings.Lines(after) {
		if shown, ok := strings.CutPrefix(line, "//\t"); ok {
			b.WriteString(shown)
		} else if b.Len() > 0 {
			break
		}
	}
	return b.String()
}
