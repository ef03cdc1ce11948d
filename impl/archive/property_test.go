package archive

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// world is a past under test beside the plain one.
type world struct {
	past   *Past
	plain  *plainPast
	events []event.View // all that was ever in a batch
	height uint64
}

// drawKey draws a key around the Lamport times of the height, now and then an
// early one.
func (w *world) drawKey(t *rapid.T) key.Key {
	lamport := w.height*3 + uint64(rapid.IntRange(0, 3).Draw(t, "lamport"))
	if rapid.IntRange(0, 7).Draw(t, "early") == 0 {
		lamport = uint64(rapid.IntRange(0, int(lamport)).Draw(t, "early lamport"))
	}
	return newKey(lamport, uint32(rapid.IntRange(1, 2).Draw(t, "node")), uint16(rapid.IntRange(0, 1).Draw(t, "stream")),
		byte(rapid.IntRange(0, 1).Draw(t, "id")))
}

// drawBatch draws events, among them repeats, other versions of events and deps
// that are there.
func (w *world) drawBatch(t *rapid.T) []event.View {
	var batch []event.View
	for range rapid.IntRange(1, 8).Draw(t, "events") {
		known := len(w.events) > 0
		k, deps := w.drawKey(t), []key.Key(nil)
		if known && rapid.Bool().Draw(t, "dep") {
			deps = append(deps, *rapid.SampledFrom(w.events).Draw(t, "of").Key())
		}
		e := encode(k, int32(rapid.IntRange(0, 1).Draw(t, "value")), deps...)
		switch kind := rapid.IntRange(0, 11).Draw(t, "kind"); {
		case known && kind < 3:
			e = rapid.SampledFrom(w.events).Draw(t, "repeat")
		case known && kind == 3:
			e = encode(*rapid.SampledFrom(w.events).Draw(t, "rewritten").Key(), 7)
		}
		batch = append(batch, e)
		w.events = append(w.events, e)
	}
	return batch
}

// step has one batch of events judged against both pasts, and adds it to both.
func (w *world) step(t *rapid.T) {
	inputs := []invariant.Input{{Name: "batch", Data: file(frame.Mixed, w.drawBatch(t)...)}}
	got, err := invariant.Reconcile(inputs, w.past, invariant.Options{Workers: 3, Run: omegalog.Run})
	require.NoError(t, err)
	require.NoError(t, w.past.Err())
	want, err := invariant.Reconcile(inputs, w.plain, invariant.Options{Workers: 1})
	require.NoError(t, err)
	require.Equal(t, want.Obstructions, got.Obstructions)
	require.Equal(t, want.TraceRoot, got.TraceRoot)
	require.Equal(t, want.Repeats, got.Repeats)
	if got.Merged() {
		w.merge(t, got)
	} else {
		w.obstruct(t, got)
	}
	w.height++
}

func (w *world) merge(t *rapid.T, r *invariant.Result) {
	var trace []event.View
	for i := range r.Trace.Len() {
		trace = append(trace, r.Trace.Event(i))
	}
	path := filepath.Join(w.past.dir, TracePath(w.height, r.TraceRoot))
	put(t, path, file(frame.Mixed, trace...))
	body := &cert.MergeBody{Events: r.Events, Streams: r.Streams}
	view, err := omegalog.Open(path)
	require.NoError(t, err)
	defer view.Close()
	require.NoError(t, w.past.CheckTrace(view, r.TraceRoot, body))
	require.NoError(t, w.past.AddMerge(w.height, r.TraceRoot, body))
	w.plain.certify(path, file(frame.Mixed, trace...))
	if r.Events > 0 {
		require.Error(t, w.past.CheckTrace(view, r.TraceRoot, body), "a merge is not admitted twice")
		require.ErrorIs(t, w.past.AddMerge(w.height+1, r.TraceRoot, body), ErrFrontier)
	}
}

func (w *world) obstruct(t *rapid.T, r *invariant.Result) {
	raw := r.ObstructionBody().Append(nil)
	body, err := cert.ParseObstructionBody(raw)
	require.NoError(t, err)
	require.NoError(t, w.past.CheckObstruction("cert.log", 100, body))
	got := w.past.AddObstruction("cert.log", 100, body)
	require.Equal(t, w.plain.quarantine("cert.log", slices.Concat(make([]byte, 100), raw), 100, body), got)
	require.Zero(t, w.past.AddObstruction("cert.log", 900, body), "nothing is quarantined twice")
}

// compare asks both pasts about every key that was drawn and those between.
func (w *world) compare(t *rapid.T) {
	for lamport := range w.height*3 + 4 {
		for node := uint32(1); node <= 3; node++ {
			for stream := range uint16(2) {
				for id := range byte(3) {
					k := newKey(lamport, node, stream, id)
					require.Equal(t, w.plain.Versions(&k), w.past.Versions(&k), "%v", k)
				}
				want, wantOK := w.plain.Frontier(node, stream)
				got, ok := w.past.Frontier(node, stream)
				require.Equal(t, wantOK, ok)
				require.Equal(t, want, got)
			}
		}
	}
	require.NoError(t, w.past.Err())
	require.LessOrEqual(t, len(w.past.open), max(w.past.maxOpen, 1))
}

func TestThePastIsThePlainOne(t *testing.T) {
	merges, obstructions := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "archive-")
		require.NoError(t, err)
		defer os.RemoveAll(dir)
		w := &world{past: New(dir), plain: newPlain()}
		w.past.maxOpen = rapid.IntRange(1, 3).Draw(t, "maps")
		w.past.maxFrames = rapid.IntRange(0, 12).Draw(t, "frames")
		for range rapid.IntRange(1, 7).Draw(t, "batches") {
			w.step(t)
			if rapid.IntRange(0, 3).Draw(t, "close") == 0 {
				require.NoError(t, w.past.Close())
				require.Empty(t, w.past.open)
				require.Zero(t, w.past.frames)
			}
		}
		w.compare(t)
		require.NoError(t, w.past.Close())
		merges += len(w.past.merges)
		obstructions += len(w.past.blocked)
	})
	require.Greater(t, merges, 50)
	require.Greater(t, obstructions, 50)
}

func TestATraceNameIsReadAsItIsMade(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		height := rapid.Uint64().Draw(t, "height")
		root := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "root"))
		name := filepath.Base(TracePath(height, root))
		gotHeight, gotRoot, ok := ParseTraceName(name)
		require.True(t, ok)
		require.Equal(t, height, gotHeight)
		require.EqualValues(t, root, gotRoot)
		bad := []byte(name)
		bad[rapid.IntRange(0, len(bad)-1).Draw(t, "at")] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
		if h, r, ok := ParseTraceName(string(bad)); ok {
			require.Equal(t, string(bad), filepath.Base(TracePath(h, r)))
		}
	})
	hex := fmt.Sprintf("%x", bytes.Repeat([]byte{0xab}, 32))
	for _, name := range []string{
		"", "-", "00000001", "1-notes.txt", "1-" + hex + ".omega", "00000001-" + hex, "00000001-" + hex + ".omega.tmp-X",
		"000000001-" + hex + ".omega", "+0000001-" + hex + ".omega", "00000001-" + hex[2:] + ".omega", "00000001-AB" + hex[2:] + ".omega",
	} {
		_, _, ok := ParseTraceName(name)
		require.False(t, ok, name)
	}
	_, _, ok := ParseTraceName("00000001-" + hex + ".omega")
	require.True(t, ok)
}
