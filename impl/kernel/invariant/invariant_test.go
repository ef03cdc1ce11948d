package invariant_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/order"
)

// smallKey is one of few keys, so that events meet.
func smallKey(t *rapid.T, label string) key.Key {
	n := rapid.IntRange(0, 5*3*2*2-1).Draw(t, label)
	return newKey(uint64(n%5), uint32(n/5%3), uint16(n/15%2), byte(n/30))
}

func newKey(lamport uint64, node uint32, stream uint16, id byte) key.Key {
	return key.New(lamport, node, stream, [key.EventIDSize]byte{13: id})
}

func encode(e event.Event) string {
	slices.SortFunc(e.Deps, func(a, b key.Key) int { return a.Compare(&b) })
	e.Deps = slices.Compact(e.Deps)
	b, err := e.Append(nil)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func drawEvent(t *rapid.T, k key.Key) string {
	e := event.Event{Key: k, Value: rapid.Int32Range(-3, 3).Draw(t, "value")}
	for range rapid.IntRange(0, 2).Draw(t, "deps") {
		e.Deps = append(e.Deps, smallKey(t, "dep"))
	}
	return encode(e)
}

// drawPast certifies one version of some keys and quarantines versions of others;
// now and then a key is both.
func drawPast(t *rapid.T) *memoryPast {
	past := newPast()
	for range rapid.IntRange(0, 6).Draw(t, "certified") {
		k := smallKey(t, "certified key")
		if _, ok := past.certified[k]; !ok {
			past.certified[k] = drawEvent(t, k)
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "quarantined") {
		k := smallKey(t, "quarantined key")
		e := drawEvent(t, k)
		if !slices.Contains(past.quarantined[k], e) && past.certified[k] != e {
			past.quarantined[k] = append(past.quarantined[k], e)
		}
	}
	return past
}

// drawBatch draws events, many of them copies or other versions of what the
// past or the batch holds.
func drawBatch(t *rapid.T, past *memoryPast) []string {
	var known []string
	for k := range 60 {
		k := newKey(uint64(k%5), uint32(k/5%3), uint16(k/15%2), byte(k/30))
		for _, v := range past.Versions(&k) {
			known = append(known, string(v.Event))
		}
	}
	var batch []string
	for range rapid.IntRange(0, 12).Draw(t, "frames") {
		switch from := rapid.SampledFrom([]string{"new", "new", "copy", "version"}).Draw(t, "frame"); {
		case from == "new" || len(known) == 0:
			batch = append(batch, drawEvent(t, smallKey(t, "key")))
		case from == "copy":
			batch = append(batch, rapid.SampledFrom(known).Draw(t, "of"))
		default:
			batch = append(batch, drawEvent(t, *event.View(rapid.SampledFrom(known).Draw(t, "of")).Key()))
		}
		known = append(known, batch[len(batch)-1])
	}
	return batch
}

// file makes a section of the events.
func file(node uint32, events ...string) []byte {
	b := frame.AppendHeader(nil, frame.Header{Node: node})
	for _, e := range events {
		var err error
		if b, err = frame.Append(b, []byte(e)); err != nil {
			panic(err)
		}
	}
	return b
}

// split deals the events out to sections.
func split(t *rapid.T, events []string) []invariant.Input {
	n := rapid.IntRange(1, 4).Draw(t, "sections")
	dealt := make([][]string, n)
	for _, e := range events {
		i := rapid.IntRange(0, n-1).Draw(t, "section")
		dealt[i] = append(dealt[i], e)
	}
	inputs := make([]invariant.Input, n)
	for i := range inputs {
		inputs[i] = invariant.Input{Name: fmt.Sprintf("%d.omega", i), Data: file(uint32(i), dealt[i]...)}
	}
	return inputs
}

// drawOptions draws means that must not matter.
func drawOptions(t *rapid.T) invariant.Options {
	opt := invariant.Options{Workers: rapid.IntRange(0, 4).Draw(t, "workers")}
	if rapid.Bool().Draw(t, "one after the other") {
		opt.Run = func(n int, task func(i int)) {
			for i := n - 1; i >= 0; i-- {
				task(i)
			}
		}
	}
	if rapid.Bool().Draw(t, "dirty memory") {
		opt.Alloc = func(n int) ([]order.Entry, error) {
			dirty := make([]order.Entry, n)
			for i := range dirty {
				dirty[i] = order.Entry{Lamport: 3, Ref: 1<<63 + 7}
			}
			return dirty, nil
		}
	}
	return opt
}

func requireEqual(t require.TestingT, want *outcome, got *invariant.Result) {
	require.Equal(t, want.events, got.Events, "events")
	require.Equal(t, want.duplicates, got.Duplicates, "duplicates")
	require.Equal(t, want.repeats, got.Repeats, "repeats")
	require.Equal(t, want.obstructions, got.Obstructions)
	require.Equal(t, len(want.obstructions) == 0, got.Merged())
	if !got.Merged() {
		require.Nil(t, got.Trace)
		require.Nil(t, got.Streams)
		require.Zero(t, got.TraceRoot)
		requireBody(t, want, got)
		return
	}
	require.Nil(t, got.ObstructionBody())
	require.Equal(t, want.root, got.TraceRoot)
	require.Equal(t, len(want.streams), len(got.Streams))
	for i := range want.streams {
		require.Equal(t, want.streams[i], got.Streams[i])
	}
	require.Equal(t, len(want.trace), got.Trace.Len())
	for i, e := range want.trace {
		require.Equal(t, e, string(got.Trace.Event(i)), "event %d", i)
	}
}

func requireBody(t require.TestingT, want *outcome, got *invariant.Result) {
	body, err := cert.ParseObstructionBody(got.ObstructionBody().Append(nil))
	require.NoError(t, err)
	var concerned []string
	for _, e := range body.Events {
		concerned = append(concerned, string(e))
	}
	require.Equal(t, want.concerned, concerned)
	require.Len(t, body.Items, len(want.obstructions))
	for i, o := range want.obstructions {
		require.Equal(t, cert.ObstructionItem{Key: o.Key, Kind: o.Kind, Dep: o.Dep}, body.Items[i])
	}
}

func TestReconcileIsThePlainVersion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		past := drawPast(t)
		inputs := split(t, drawBatch(t, past))
		got, err := invariant.Reconcile(inputs, past, drawOptions(t))
		require.NoError(t, err)
		requireEqual(t, plain(inputs, past), got)
	})
}

func TestAnEmptyPastIsOneThatHoldsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inputs := split(t, drawBatch(t, newPast()))
		got, err := invariant.Reconcile(inputs, invariant.Empty{}, drawOptions(t))
		require.NoError(t, err)
		requireEqual(t, plain(inputs, newPast()), got)
	})
}

// drawHistory draws events that glue and whose deps are there.
func drawHistory(t *rapid.T) []string {
	var events []string
	for n := range rapid.IntRange(0, 30).Draw(t, "events") {
		e := event.Event{Key: newKey(uint64(n/3+1), uint32(n%3), uint16(n%2), 0), Value: rapid.Int32().Draw(t, "value")}
		for range rapid.IntRange(0, min(2, n/3)).Draw(t, "deps") {
			e.Deps = append(e.Deps, *event.View(events[rapid.IntRange(0, n/3*3-1).Draw(t, "dep")]).Key())
		}
		events = append(events, encode(e))
	}
	return events
}

func TestAHistoryMergesHoweverItIsCutIntoBatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history, past := drawHistory(t), newPast()
		for done := 0; done < len(history); {
			end := rapid.IntRange(done+1, len(history)).Draw(t, "end")
			again := rapid.IntRange(0, done).Draw(t, "again from")
			inputs := split(t, rapid.Permutation(history[again:end]).Draw(t, "order"))
			got, err := invariant.Reconcile(inputs, past, drawOptions(t))
			require.NoError(t, err)
			require.Empty(t, got.Obstructions)
			require.Equal(t, uint64(done-again), got.Repeats)
			requireEqual(t, plain(inputs, past), got)
			past.certify(history[done:end])
			done = end
		}
	})
}

func TestTheResultDependsOnTheSetOfEventsAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		past := drawPast(t)
		batch := drawBatch(t, past)
		again := rapid.Permutation(batch).Draw(t, "permuted")
		for range rapid.IntRange(0, 3).Draw(t, "more copies") {
			if len(batch) > 0 {
				again = append(again, rapid.SampledFrom(batch).Draw(t, "copy"))
			}
		}
		one, err := invariant.Reconcile(split(t, batch), past, invariant.Options{})
		require.NoError(t, err)
		other, err := invariant.Reconcile(split(t, again), past, drawOptions(t))
		require.NoError(t, err)
		require.Equal(t, one.Events, other.Events)
		require.Equal(t, one.Repeats, other.Repeats)
		require.Equal(t, one.TraceRoot, other.TraceRoot)
		require.Equal(t, one.Streams, other.Streams)
		require.Equal(t, one.ObstructionBody(), other.ObstructionBody())
	})
}

// lastFirst gives the last worker a start, so that the first one does not have
// the first events.
func lastFirst(n int, task func(i int)) {
	var wg sync.WaitGroup
	for i := n - 1; i >= 0; i-- {
		wg.Go(func() { task(i) })
		time.Sleep(time.Millisecond)
	}
	wg.Wait()
}

// TestBatchesOfManyBlocks crosses the limits of what a worker takes at a time,
// with groups of copies and versions on them.
func TestBatchesOfManyBlocks(t *testing.T) {
	for _, c := range []struct {
		name                    string
		copies, versions, stray int // per thousand events
	}{
		{"merge", 0, 0, 0}, {"copies", 300, 0, 0}, {"versions", 300, 3, 0}, {"missing deps", 1, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, uint64(c.copies)))
			var history []string
			for n := range 30_000 {
				e := event.Event{Key: newKey(uint64(n/16+1), uint32(n%4), uint16(n%300), byte(n)), Value: int32(r.Uint32())}
				if n >= 16 {
					e.Deps = append(e.Deps, *event.View(history[r.IntN(n/16*16)]).Key())
				}
				if r.IntN(1000) < c.stray {
					e.Deps = append(e.Deps, newKey(uint64(n/16), 9, 9, 9))
				}
				history = append(history, encode(e))
			}
			dealt := make([][]string, 3)
			for _, e := range history[5000:] {
				for again := true; again; again = r.IntN(1000) < c.copies {
					i := r.IntN(3)
					dealt[i] = append(dealt[i], e)
				}
				if r.IntN(1000) < c.versions {
					v := event.View(e).Event()
					v.Payload = []byte("other")
					dealt[0] = append(dealt[0], encode(v))
				}
			}
			dealt[1] = append(dealt[1], history[4000:5000]...)
			var inputs []invariant.Input
			for i, events := range dealt {
				inputs = append(inputs, invariant.Input{Name: fmt.Sprint(i), Data: file(frame.Mixed, events...)})
			}
			past := newFrontierPast(history[:5000])
			got, err := invariant.Reconcile(inputs, past, invariant.Options{Workers: 3, Run: lastFirst})
			require.NoError(t, err)
			require.Equal(t, c.versions+c.stray == 0, got.Merged())
			requireEqual(t, plain(inputs, past), got)
		})
	}
}

func TestManyVersionsOfOneKeyAreAllNamed(t *testing.T) {
	var events []string
	for i := range 40_000 {
		events = append(events, encode(event.Event{Key: newKey(1, 1, 1, 1), Value: int32(i / 2)}))
	}
	in := []invariant.Input{{Name: "a", Data: file(1, events...)}}
	got, err := invariant.Reconcile(in, invariant.Empty{}, invariant.Options{Workers: 2})
	require.NoError(t, err)
	require.Equal(t, uint64(20_000), got.Events)
	require.Equal(t, uint64(20_000), got.Duplicates)
	require.Len(t, got.Obstructions, 1)
	require.Len(t, got.Obstructions[0].Frames, 40_000)
	require.True(t, slices.IsSortedFunc(got.Obstructions[0].Frames, func(a, b invariant.Frame) int {
		return int(a.Offset - b.Offset)
	}))
	require.Len(t, got.ObstructionBody().Events, 20_000)
}

func TestNoSectionsGiveAMergeOfNothing(t *testing.T) {
	for _, inputs := range [][]invariant.Input{nil, {{Name: "a", Data: file(1)}, {Name: "b", Data: file(2)}}} {
		got, err := invariant.Reconcile(inputs, invariant.Empty{}, invariant.Options{})
		require.NoError(t, err)
		require.True(t, got.Merged())
		require.Zero(t, got.Events)
		require.Equal(t, merkle.EmptyRoot(), got.TraceRoot)
	}
}

func TestTheFirstDamagedInputIsNamed(t *testing.T) {
	good := file(1, encode(event.Event{Key: newKey(1, 1, 1, 1)}))
	bad, worse := slices.Clone(good), slices.Clone(good)
	bad[len(bad)-1] ^= 1
	worse[0] = 'x'
	_, err := invariant.Reconcile([]invariant.Input{{"good", good}, {"bad", bad}, {"worse", worse}}, invariant.Empty{}, invariant.Options{})
	var damage *invariant.InputError
	require.ErrorAs(t, err, &damage)
	require.Equal(t, "bad", damage.Name)
	require.Equal(t, frame.FrameCRC, damage.Err.Kind)
	require.Equal(t, int64(frame.HeaderSize), damage.Err.Offset)
	require.True(t, errors.Is(err, error(damage.Err)))
	require.Equal(t, "bad: "+damage.Err.Error(), err.Error())
}

func TestMoreInputsThanATraceCanNameAreRefused(t *testing.T) {
	empty := file(1)
	inputs := make([]invariant.Input, order.MaxSources+1)
	for i := range inputs {
		inputs[i].Data = empty
	}
	_, err := invariant.Reconcile(inputs, invariant.Empty{}, invariant.Options{})
	require.ErrorIs(t, err, order.ErrSource)
}

// fickle is a past that holds a key only from the second question on.
type fickle struct {
	invariant.Empty
	asked map[key.Key]int
}

func (f fickle) Versions(k *key.Key) []invariant.Version {
	if f.asked[*k]++; k.Node() == 7 && f.asked[*k] > 1 {
		return []invariant.Version{{Event: event.View(encode(event.Event{Key: *k}))}}
	}
	return nil
}

func TestAPastThatChangesItsAnswerIsAnError(t *testing.T) {
	e := encode(event.Event{Key: newKey(2, 1, 1, 1), Deps: []key.Key{newKey(1, 7, 1, 1)}})
	_, err := invariant.Reconcile([]invariant.Input{{"a", file(1, e)}}, fickle{asked: map[key.Key]int{}}, invariant.Options{})
	require.ErrorIs(t, err, invariant.ErrChanged)
}
