package node

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/audit"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// batchOf is one batch of a history: its events by key, and whether somebody has
// put in a second version of its first.
type batchOf struct {
	events []event.View
	forged bool
}

func encode(e event.Event) event.View {
	slices.SortFunc(e.Deps, func(a, b key.Key) int { return a.Compare(&b) })
	e.Deps = slices.Compact(e.Deps)
	b, err := e.Append(nil)
	if err != nil {
		panic(err)
	}
	return b
}

// drawHistory draws a causal history of three nodes with two streams each, cut by
// Lamport time.
func drawHistory(t *rapid.T) []batchOf {
	var history []batchOf
	var before []key.Key
	lamport := uint64(0)
	for range rapid.IntRange(1, 2).Draw(t, "batches") {
		batch := batchOf{forged: rapid.IntRange(0, 3).Draw(t, "forged") == 0}
		for range rapid.IntRange(1, 4).Draw(t, "times") {
			lamport += uint64(rapid.IntRange(1, 3).Draw(t, "later"))
			var keys []key.Key
			for _, writer := range rapid.SliceOfNDistinct(rapid.IntRange(0, 5), 1, 4, rapid.ID).Draw(t, "writers") {
				e := event.Event{
					Key:   key.New(lamport, uint32(writer/2+1), uint16(writer%2), [14]byte{1}),
					Value: rapid.Int32().Draw(t, "value"),
				}
				if len(before) > 0 {
					e.Deps = rapid.SliceOfN(rapid.SampledFrom(before), 0, 3).Draw(t, "deps")
				}
				keys = append(keys, e.Key)
				batch.events = append(batch.events, encode(e))
			}
			before = append(before, keys...)
		}
		slices.SortFunc(batch.events, func(a, b event.View) int { return a.Key().Compare(b.Key()) })
		history = append(history, batch)
	}
	return history
}

// writeSections deals events out to sections in any order, some of them twice.
func writeSections(t *rapid.T, dir string, events []event.View) []string {
	files := make([][]byte, rapid.IntRange(1, 3).Draw(t, "sections"))
	for i := range files {
		node := rapid.SampledFrom([]uint32{1, 2, 3, frame.Mixed}).Draw(t, "header")
		files[i] = frame.AppendHeader(nil, frame.Header{Node: node})
	}
	for _, e := range rapid.Permutation(events).Draw(t, "order") {
		for range 1 + rapid.IntRange(0, 3).Draw(t, "copies")/3 {
			i := rapid.IntRange(0, len(files)-1).Draw(t, "section")
			var err error
			files[i], err = frame.Append(files[i], e)
			require.NoError(t, err)
		}
	}
	var paths []string
	for i, b := range files {
		path := filepath.Join(dir, fmt.Sprintf("%d.omega", i))
		require.NoError(t, os.WriteFile(path, b, 0o644))
		paths = append(paths, path)
	}
	return paths
}

// plainMerge returns the root and the streams of a merge of events in order.
func plainMerge(events []event.View) (merkle.Hash, []cert.Stream) {
	var leaves []merkle.Hash
	var streams []cert.Stream
	for _, e := range events {
		leaves = append(leaves, merkle.LeafHash(e))
		k := e.Key()
		i := slices.IndexFunc(streams, func(s cert.Stream) bool { return s.Node == k.Node() && s.Stream == k.Stream() })
		if i < 0 {
			i = len(streams)
			streams = append(streams, cert.Stream{Node: k.Node(), Stream: k.Stream(), First: *k})
		}
		streams[i].Stats.Add(e.Value())
		streams[i].Last = *k
	}
	slices.SortFunc(streams, func(a, b cert.Stream) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Stream, b.Stream))
	})
	return merkle.Root(leaves), streams
}

// requireMerge certifies the events, with some that the chain has, and checks that
// the merge is the plain one.
func requireMerge(t *rapid.T, f *Folder, dir string, events, past []event.View) {
	repeats := past[len(past)-rapid.IntRange(0, len(past)).Draw(t, "repeats"):]
	before := f.Chain.State
	out := certify(t, f, writeSections(t, dir, slices.Concat(repeats, events))...)
	root, streams := plainMerge(events)
	require.Equal(t, root, out.Result.TraceRoot)
	require.Len(t, out.Result.Streams, len(streams))
	for i := range streams {
		require.Equal(t, streams[i], out.Result.Streams[i])
	}
	require.Equal(t, cert.NextState(before, root), f.Chain.State)
	require.EqualValues(t, len(events), out.Result.Events)
	require.EqualValues(t, len(repeats), out.Result.Repeats)
	require.Len(t, out.Certificate.Signatures, len(f.members))
	require.False(t, out.Resumed)
	require.Empty(t, out.Evidence)
}

// TestAHistoryGivesTheSameChainHoweverItIsCutIntoSections certifies histories batch
// by batch, over sections of any cut, and audits the chain.
func TestAHistoryGivesTheSameChainHoweverItIsCutIntoSections(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "node-")
		require.NoError(t, err)
		defer os.RemoveAll(dir)
		data := filepath.Join(dir, "data")
		_, err = Init(data, DefaultSeats(rapid.IntRange(1, 2).Draw(t, "members")))
		require.NoError(t, err)
		f, err := Open(data, nil)
		require.NoError(t, err)
		defer func() { f.Close() }()
		var past []event.View
		total := 0
		for _, b := range drawHistory(t) {
			if b.forged {
				other := b.events[0].Event()
				other.Payload = []byte("forged")
				files := writeSections(t, dir, []event.View{b.events[0], encode(other)})
				out, err := f.Certify(context.Background(), Batch{Height: f.Chain.Length, Files: files, RecordObstruction: true})
				require.NoError(t, err)
				require.Equal(t, cert.Obstruction, out.Certificate.Envelope.Type)
				past, b.events = append(past, b.events[0]), b.events[1:]
			}
			requireMerge(t, f, dir, b.events, past)
			past = append(past, b.events...)
			total += len(b.events)
			if rapid.Bool().Draw(t, "another process") {
				require.NoError(t, f.Close())
				f, err = Open(data, nil)
				require.NoError(t, err)
			}
		}
		report, err := audit.Folder(data, audit.Options{Genesis: &f.Chain.Name, Head: &f.Chain.Head})
		require.NoError(t, err)
		require.True(t, report.OK, "%v", report.FirstError)
		require.EqualValues(t, total, report.Events)
		require.Empty(t, report.Notes)
	})
}
