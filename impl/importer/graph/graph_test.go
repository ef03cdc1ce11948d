package graph_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/importer/graph"
	"github.com/omega-sheaf-os/omega/impl/importer/importtest"
	"github.com/omega-sheaf-os/omega/impl/importer/jsonwalk"
)

// load imports events as they stand in a list, whose place in the one input is
// their place in the list.
func load(t require.TestingT, dir string, events []importtest.Event) (string, graph.Summary, error) {
	temp, err := os.MkdirTemp(dir, "")
	require.NoError(t, err)
	input, output := filepath.Join(temp, "in"), filepath.Join(temp, "out")
	require.NoError(t, os.WriteFile(input, make([]byte, len(events)+1), 0o666))
	s, err := graph.Import(context.Background(), graph.Options{Inputs: []string{input}, Output: output},
		func(_ *importer.Inputs, g *graph.Graph) error { return add(g, events) })
	return output, s, err
}

func add(g *graph.Graph, events []importtest.Event) error {
	causes := map[int32][]graph.ID{}
	for n, e := range events {
		w := g.Writer([]byte(e.Writer), []byte(e.Writer))
		g.Writer([]byte("unused"), nil)
		g.Stream(w, []byte("unused"))
		i, outcome, err := g.Add(&graph.Event{ID: e.ID, Writer: w, Stream: g.Stream(w, []byte(e.Stream)), Value: e.Value,
			Payload: []byte(e.Payload), At: importer.Place{Offset: int64(n)}})
		if err != nil {
			return err
		}
		if outcome == graph.First || outcome == graph.Wins {
			causes[i] = e.Causes
		}
	}
	for i, ids := range causes {
		for _, id := range ids {
			j, found := g.Lookup(id)
			if !found {
				return errors.New("a cause is missing")
			}
			g.Link(i, j)
		}
	}
	return nil
}

func idOf(n int) (id graph.ID) {
	binary.BigEndian.PutUint32(id[:], uint32(n)*2654435761)
	return id
}

// draw makes events that name any others as causes, cycles included.
func draw(t *rapid.T) []importtest.Event {
	n := rapid.IntRange(1, 12).Draw(t, "events")
	events := make([]importtest.Event, n)
	for i := range events {
		events[i] = importtest.Event{ID: idOf(i),
			Writer:  rapid.SampledFrom([]string{"a", "b", "c/d", ""}).Draw(t, "writer"),
			Stream:  rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "stream"),
			Value:   rapid.Int32().Draw(t, "value"),
			Payload: rapid.StringN(0, 5, 20).Draw(t, "payload")}
		for _, j := range rapid.SliceOfN(rapid.IntRange(0, n-1), 0, 3).Draw(t, "causes") {
			events[i].Causes = append(events[i].Causes, idOf(j))
		}
	}
	return events
}

// withoutCycles leaves out the causes that lie on a cycle with their event, which
// it finds by looking at who reaches whom, and counts the events concerned.
func withoutCycles(events []importtest.Event) (kept []importtest.Event, concerned uint64) {
	n := len(events)
	place := map[graph.ID]int{}
	reaches := make([][]bool, n)
	for i := range events {
		place[events[i].ID] = i
		reaches[i] = make([]bool, n)
	}
	for i := range events {
		for _, c := range events[i].Causes {
			reaches[i][place[c]] = true
		}
	}
	for k := range n {
		for i := range n {
			for j := range n {
				reaches[i][j] = reaches[i][j] || reaches[i][k] && reaches[k][j]
			}
		}
	}
	kept = slices.Clone(events)
	for i := range kept {
		kept[i].Causes = slices.DeleteFunc(slices.Clone(kept[i].Causes), func(c graph.ID) bool { return reaches[place[c]][i] })
		if len(kept[i].Causes) < len(events[i].Causes) {
			concerned++
		}
	}
	return kept, concerned
}

func TestAnyGraphInAnyOrderGivesWhatAPlainReadingGives(t *testing.T) {
	dir := importtest.Dir(t)
	rapid.Check(t, func(t *rapid.T) {
		events := draw(t)
		kept, concerned := withoutCycles(events)
		out, s, err := load(t, dir, events)
		require.NoError(t, err)
		importtest.Check(t, out, s, kept)
		want := map[string]uint64{}
		if concerned > 0 {
			want[graph.Cycle] = concerned
		}
		require.Equal(t, want, importtest.Counts(s.Notes))

		again, _, err := load(t, dir, rapid.Permutation(append(slices.Clone(events), events[0])).Draw(t, "order"))
		require.NoError(t, err)
		require.Equal(t, importtest.Files(t, out), importtest.Files(t, again))
	})
}

func TestTheLesserOfTwoEventsOfOneIdentityStays(t *testing.T) {
	base := importtest.Event{ID: idOf(1), Writer: "b", Stream: "b", Value: 2, Payload: "b"}
	root := importtest.Event{ID: idOf(2), Writer: "z"}
	change := func(f func(e *importtest.Event)) importtest.Event {
		e := base
		e.Causes = []graph.ID{root.ID}
		f(&e)
		return e
	}
	for name, less := range map[string]importtest.Event{
		"writer":  change(func(e *importtest.Event) { e.Writer, e.Stream, e.Value, e.Payload = "a", "z", 3, "z" }),
		"stream":  change(func(e *importtest.Event) { e.Stream, e.Value, e.Payload = "a", 3, "z" }),
		"value":   change(func(e *importtest.Event) { e.Value, e.Payload = -1, "z" }),
		"payload": change(func(e *importtest.Event) { e.Payload = "a" }),
	} {
		t.Run(name, func(t *testing.T) {
			for _, events := range [][]importtest.Event{{root, base, less}, {root, less, base}, {less, root, base, less, base}} {
				out, s, err := load(t, importtest.Dir(t), events)
				require.NoError(t, err)
				importtest.Check(t, out, s, []importtest.Event{root, less})
				require.Equal(t, uint64(len(events)-3), importtest.Counts(s.Notes)[graph.Conflict]+s.Duplicates-1)
				require.Contains(t, s.Notes[0].First[0].Message, "another event of the same identity stays: ")
			}
		})
	}
}

func TestCopiesAreCountedAndNoConflict(t *testing.T) {
	e := importtest.Event{ID: idOf(1), Writer: "a", Payload: "p"}
	out, s, err := load(t, importtest.Dir(t), []importtest.Event{e, e, e})
	require.NoError(t, err)
	require.EqualValues(t, 2, s.Duplicates)
	require.Empty(t, s.Notes)
	importtest.Check(t, out, s, []importtest.Event{e})
}

// TestALargePayloadAndALongChainAreNoTrouble passes the spool's buffer, and a depth
// that recursion would not.
func TestALargePayloadAndALongChainAreNoTrouble(t *testing.T) {
	const n = 20_000
	events := make([]importtest.Event, n)
	for i := range events {
		events[i] = importtest.Event{ID: idOf(i), Writer: "w", Payload: fmt.Sprint(i)}
		if i+1 < n {
			events[i].Causes = []graph.ID{idOf(i + 1)}
		}
	}
	events[7].Payload = string(make([]byte, 1<<20))
	copied, other := events[0], events[1]
	other.Payload = "more than 1"
	out, s, err := load(t, importtest.Dir(t), append(events, copied, other))
	require.NoError(t, err)
	require.EqualValues(t, 1, s.Duplicates)
	require.Equal(t, map[string]uint64{graph.Conflict: 1}, importtest.Counts(s.Notes))
	require.NotContains(t, importtest.Files(t, out)["0001-w.omega"], other.Payload)
	require.EqualValues(t, n, s.MaxLamport)
	require.Len(t, importtest.Files(t, out)["0001-w.omega"], int(s.Bytes))
	require.Contains(t, importtest.Files(t, out)["0001-w.omega"], events[7].Payload)
}

func TestWhatCannotBeWrittenIsRefusedAndLeavesNothing(t *testing.T) {
	streams := make([]importtest.Event, 1<<16+1)
	for i := range streams {
		streams[i] = importtest.Event{ID: idOf(i), Writer: "w", Stream: fmt.Sprint(i)}
	}
	for name, c := range map[string]struct {
		events []importtest.Event
		want   error
	}{
		"no event":         {nil, graph.ErrEmpty},
		"too many streams": {streams, graph.ErrStreams},
	} {
		t.Run(name, func(t *testing.T) {
			out, s, err := load(t, importtest.Dir(t), c.events)
			require.ErrorIs(t, err, c.want)
			require.Zero(t, s)
			require.NoDirExists(t, out)
			require.Len(t, importtest.Files(t, filepath.Dir(out)), 1, "the input alone")
		})
	}
	out, s, err := load(t, importtest.Dir(t), streams[1:])
	require.NoError(t, err)
	require.EqualValues(t, 1<<16, s.Events)
	require.DirExists(t, out)
}

func TestInputsAreOpenedAllOrNone(t *testing.T) {
	dir := importtest.Dir(t)
	in := filepath.Join(dir, "in")
	read := func(*importer.Inputs, *graph.Graph) error { t.Fatal("nothing is to be read"); return nil }
	require.NoError(t, os.WriteFile(in, []byte("x"), 0o666))
	_, err := graph.Import(context.Background(), graph.Options{Inputs: []string{in, in + "-gone"}, Output: filepath.Join(dir, "out")}, read)
	require.ErrorIs(t, err, os.ErrNotExist)
	for name, magic := range map[string]string{"gz": "\x1f\x8b\x08", "zst": "\x28\xb5\x2f\xfd"} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(magic), 0o666))
		_, err := graph.Import(context.Background(), graph.Options{Inputs: []string{in, path}, Output: filepath.Join(dir, "out")}, read)
		require.ErrorIs(t, err, graph.ErrCompressed)
		require.ErrorContains(t, err, path)
	}
	_, err = graph.Import(context.Background(), graph.Options{Inputs: []string{in}, Output: dir}, read)
	require.ErrorIs(t, err, importer.ErrOutput)
	require.NoDirExists(t, filepath.Join(dir, "out"))
}

func TestTheEndOfTheContextEndsAnImport(t *testing.T) {
	dir := importtest.Dir(t)
	in := filepath.Join(dir, "in")
	require.NoError(t, os.WriteFile(in, []byte("1 2 3"), 0o666))
	for name, stopAt := range map[string]int{"reading": 2, "writing": 4} {
		ctx, stop := context.WithCancel(context.Background())
		_, err := graph.Import(ctx, graph.Options{Inputs: []string{in}, Output: filepath.Join(dir, name)},
			func(_ *importer.Inputs, g *graph.Graph) error {
				n := 0
				err := g.JSON(0, func(*jsonwalk.Cursor, importer.Place) error {
					if n++; n == stopAt {
						stop()
					}
					return add(g, []importtest.Event{{ID: idOf(n), Writer: "w"}})
				})
				stop()
				return err
			})
		require.ErrorIs(t, err, context.Canceled, name)
		require.NoDirExists(t, filepath.Join(dir, name))
	}
}

func TestReadingGoesOnBehindTheLineThatIsNoJSON(t *testing.T) {
	dir := importtest.Dir(t)
	in := filepath.Join(dir, "in")
	text := "\ufeff{\"a\":1}\n{\"a\":\n{\"b\":2}{\"c\":\n\n[3]\nnonsense\n  4 5\n{\"torn"
	require.NoError(t, os.WriteFile(in, []byte(text), 0o666))
	var values []string
	s, err := graph.Import(context.Background(), graph.Options{Inputs: []string{in}, Output: filepath.Join(dir, "out")},
		func(_ *importer.Inputs, g *graph.Graph) error {
			require.NoError(t, g.JSON(0, func(c *jsonwalk.Cursor, at importer.Place) error {
				require.EqualValues(t, c.Offset(), at.Offset)
				values = append(values, string(c.Skip()))
				return nil
			}))
			return add(g, []importtest.Event{{ID: idOf(1), Writer: "w"}})
		})
	require.NoError(t, err)
	require.Equal(t, []string{`{"a":1}`, `{"b":2}`, `[3]`, `4`, `5`}, values)
	require.Equal(t, []importer.Note{{Cause: graph.BadJSON, Count: 4, First: []importer.Example{
		{File: in, Line: 3, Offset: 24, Message: `unexpected '{', in the value at offset 11`},
		{File: in, Line: 6, Offset: 35, Message: `unexpected 'n', in the value at offset 24`},
		{File: in, Line: 6, Offset: 36, Message: `unexpected 'o', in the value at offset 35`},
	}}}, s.Notes)
}

func TestProgressGoesFromNothingToAll(t *testing.T) {
	dir := importtest.Dir(t)
	in := filepath.Join(dir, "in")
	require.NoError(t, os.WriteFile(in, make([]byte, 1000), 0o666))
	var told []int
	_, err := graph.Import(context.Background(), graph.Options{Inputs: []string{in}, Output: filepath.Join(dir, "out"),
		Progress: func(done, total int) {
			require.Equal(t, 2000, total)
			told = append(told, done)
		}}, func(_ *importer.Inputs, g *graph.Graph) error {
		require.NoError(t, g.Read(importer.Place{Offset: 300}))
		events := make([]importtest.Event, 10_000)
		for i := range events {
			events[i] = importtest.Event{ID: idOf(i), Writer: "w"}
		}
		return add(g, events)
	})
	require.NoError(t, err)
	require.Equal(t, []int{300, 1000, 1409, 1819, 2000}, told)
}

// TestMemoryAnEventIsWhatTheManualSays holds a graph of a hundred thousand events
// with two causes each.
func TestMemoryAnEventIsWhatTheManualSays(t *testing.T) {
	const n = 100_000
	var before, after runtime.MemStats
	dir := importtest.Dir(t)
	in := filepath.Join(dir, "in")
	require.NoError(t, os.WriteFile(in, []byte("x"), 0o666))
	payload := make([]byte, 2000)
	_, err := graph.Import(context.Background(), graph.Options{Inputs: []string{in}, Output: filepath.Join(dir, "out")},
		func(_ *importer.Inputs, g *graph.Graph) error {
			runtime.GC()
			runtime.ReadMemStats(&before)
			w := g.Writer([]byte("w"), []byte("w"))
			stream := g.Stream(w, nil)
			for i := range n {
				_, _, err := g.Add(&graph.Event{ID: idOf(i), Writer: w, Stream: stream, Payload: payload})
				require.NoError(t, err)
			}
			for i := range int32(n) {
				g.Link(i, i/2)
				g.Link(i, i/3)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			runtime.KeepAlive(g)
			return nil
		})
	require.NoError(t, err)
	require.Less(t, float64(after.HeapAlloc-before.HeapAlloc)/n, 200.0+2*20)
}
