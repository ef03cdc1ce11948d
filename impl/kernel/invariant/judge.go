package invariant

import (
	"cmp"
	"slices"
	"sync/atomic"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/parallel"
	"github.com/omega-sheaf-os/omega/impl/kernel/section"
)

// blockSize is how many events a worker judges and hashes at a time. It is a
// power of two, so that a block's events make one subtree of the trace's tree.
const blockSize = 1 << 12

// A court judges one batch.
type court struct {
	inputs []Input
	trace  *section.Trace
	past   Past
	opt    Options

	refused atomic.Bool // some verdict stands: the trace root is not needed any more
}

func (c *court) judge() (*Result, error) {
	r := &Result{Duplicates: uint64(c.trace.Duplicates())}
	verdicts := c.compareWithPast(r)
	r.Events += uint64(c.trace.Len())
	c.refused.Store(len(verdicts) > 0 || c.trace.Conflicts() > 0)
	root, workers := c.judgeTrace()
	for _, w := range workers {
		verdicts = append(verdicts, w.verdicts...)
	}
	if len(verdicts) == 0 {
		if c.refused.Load() {
			return nil, ErrChanged
		}
		r.Trace, r.TraceRoot, r.Streams = c.trace, root, c.streams(workers)
		return r, nil
	}
	slices.SortFunc(verdicts, func(a, b verdict) int { return a.key.Compare(&b.key) })
	for _, v := range verdicts {
		r.Obstructions = append(r.Obstructions, v.obstructions...)
		r.concerned = append(r.concerned, v.versions...)
	}
	return r, nil
}

// judgeTrace judges all events and returns the trace root, if none is refused,
// and what each worker has found.
func (c *court) judgeTrace() (merkle.Hash, []*worker) {
	n := c.trace.Len()
	roots := make([]merkle.Hash, (n+blockSize-1)/blockSize)
	workers := make([]*worker, c.opt.Workers)
	for i := range workers {
		workers[i] = &worker{court: c, streams: map[streamID]*stream{}}
	}
	parallel.Blocks(c.opt.Run, c.opt.Workers, n, blockSize, func(w, from, to int) {
		if !c.refused.Load() {
			roots[from/blockSize] = workers[w].hashBlock(from, to)
			return
		}
		for i := from; i < to; i++ {
			workers[w].event(i)
		}
	})
	return merkle.Root(roots), workers
}

type streamID uint64

func idOf(k *key.Key) streamID { return streamID(k.Node())<<16 | streamID(k.Stream()) }

// A stream is what one worker knows of one stream.
type stream struct {
	cert.Stream
	id       streamID
	frontier key.Key
	bounded  bool // frontier is one
}

// recentBits says how many streams a worker finds without its map: 2^recentBits.
const recentBits = 6

// A worker judges blocks, in canonical order.
type worker struct {
	court    *court
	streams  map[streamID]*stream
	recent   [1 << recentBits]*stream // some of streams, by a hash of their ids
	verdicts []verdict
}

// hashBlock judges the events from up to to and returns the root over them.
func (w *worker) hashBlock(from, to int) merkle.Hash {
	return merkle.TraceRoot(to-from, func(i int) []byte { return w.event(from + i) }, 1)
}

// event judges event i, adds it to its stream's figures and returns its bytes.
func (w *worker) event(i int) event.View {
	e := w.court.trace.Event(i)
	k := e.Key()
	s := w.stream(k)
	if stale := s.bounded && k.Compare(&s.frontier) <= 0; stale || w.badDeps(e, i) || w.conflict(i) {
		w.refuse(i, stale)
	}
	if s.Stats.Count == 0 {
		s.First = *k
	}
	s.Last = *k
	s.Stats.Add(e.Value())
	return e
}

// conflict reports whether event i is the first of several versions.
func (w *worker) conflict(i int) bool {
	t := w.court.trace
	return t.Conflicts() > 0 && i+1 < t.Len() && t.SameKey(i+1)
}

// refuse gives the verdict on the key of event i, once for all its versions.
func (w *worker) refuse(i int, stale bool) {
	if i > 0 && w.court.trace.SameKey(i) {
		return // given with the first version
	}
	w.court.refused.Store(true)
	if v := w.court.verdict(i, stale); len(v.obstructions) > 0 {
		w.verdicts = append(w.verdicts, v)
	}
}

// badDeps reports whether something is wrong with a dep of e, which is event i.
func (w *worker) badDeps(e event.View, i int) bool {
	lamport := e.Key().Lamport()
	for d := range e.DepCount() {
		dep := e.Dep(d)
		if dep.Lamport() >= lamport || !w.isLatest(dep) && !w.court.present(dep, i) {
			return true
		}
	}
	return false
}

// isLatest reports whether dep is the event that w has last seen of dep's
// stream, as most deps are. The trace holds it, then.
func (w *worker) isLatest(dep *key.Key) bool {
	id := idOf(dep)
	s := *w.slot(id)
	return s != nil && s.id == id && s.Stats.Count > 0 && s.Last == *dep
}

// present reports whether dep, whose Lamport time is below that of event i, is
// in the batch or in the past.
func (c *court) present(dep *key.Key, i int) bool {
	return c.trace.Has(dep, i) || len(c.past.Versions(dep)) > 0
}

// slot returns where recent keeps the stream id, or another one.
func (w *worker) slot(id streamID) **stream {
	return &w.recent[uint64(id)*0x9E3779B97F4A7C15>>(64-recentBits)]
}

// stream returns what w knows of the stream of k.
func (w *worker) stream(k *key.Key) *stream {
	id := idOf(k)
	slot := w.slot(id)
	if *slot != nil && (*slot).id == id {
		return *slot
	}
	s := w.streams[id]
	if s == nil {
		s = &stream{Stream: cert.Stream{Node: k.Node(), Stream: k.Stream()}, id: id}
		s.frontier, s.bounded = w.court.past.Frontier(s.Node, s.Stream.Stream)
		w.streams[id] = s
	}
	*slot = s
	return s
}

// streams brings together what the workers have counted (FIX-5).
func (c *court) streams(workers []*worker) []cert.Stream {
	all := map[streamID]*stream{}
	for _, w := range workers {
		for id, s := range w.streams {
			sum := all[id]
			if sum == nil {
				all[id] = s
				continue
			}
			sum.Stats.Merge(s.Stats)
			if s.First.Compare(&sum.First) < 0 {
				sum.First = s.First
			}
			if s.Last.Compare(&sum.Last) > 0 {
				sum.Last = s.Last
			}
		}
	}
	list := make([]cert.Stream, 0, len(all))
	for _, s := range all {
		list = append(list, s.Stream)
	}
	slices.SortFunc(list, func(a, b cert.Stream) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Stream, b.Stream))
	})
	return list
}
