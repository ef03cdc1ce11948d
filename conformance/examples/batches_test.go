package examples

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/fixed"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

type streamExample struct {
	Node                uint32
	Stream              uint16
	Count               uint64
	Sum, Min, Max, Mean string
	First, Last         string
}

type obstructionExample struct {
	Key, Kind string
	Dep       *string
	Frames    []struct {
		File   string
		Offset int64
	}
}

type batchExample struct {
	Name   string
	Inputs []struct {
		Name  string
		Bytes Hex
	}
	Certified, Quarantined      []Hex
	Result                      string
	Events, Duplicates, Repeats uint64
	Trace                       []Hex
	TraceRoot                   Hex `json:"trace_root"`
	State                       Hex
	Streams                     []streamExample
	Obstructions                []obstructionExample
	Body                        Hex
}

// past is the past of an example: certified events in one trace file, and
// quarantined ones numbered in a file of their own.
type past struct {
	versions map[key.Key][]invariant.Version
	frontier map[[2]uint64]key.Key
}

func pastOf(x batchExample) past {
	p := past{map[key.Key][]invariant.Version{}, map[[2]uint64]key.Key{}}
	add := func(e event.View, file string, offset int64) {
		v := invariant.Version{Event: e, Frame: invariant.Frame{File: file, Offset: offset}}
		p.versions[*e.Key()] = append(p.versions[*e.Key()], v)
	}
	offset := int64(frame.HeaderSize)
	for _, e := range x.Certified { // in canonical order
		add(event.View(e), "trace", offset)
		offset += frame.Overhead + int64(len(e))
		k := *event.View(e).Key()
		p.frontier[[2]uint64{uint64(k.Node()), uint64(k.Stream())}] = k
	}
	for i, e := range x.Quarantined {
		add(event.View(e), "blocked", int64(i))
	}
	return p
}

func (p past) Versions(k *key.Key) []invariant.Version { return p.versions[*k] }

func (p past) Frontier(node uint32, stream uint16) (key.Key, bool) {
	k, ok := p.frontier[[2]uint64{uint64(node), uint64(stream)}]
	return k, ok
}

func TestBatchesAreJudgedAsInTheExamples(t *testing.T) {
	examples := load[struct {
		Clause string
		Cases  []batchExample
	}](t, "batches")
	for _, x := range examples.Cases {
		t.Run(x.Name, func(t *testing.T) {
			var inputs []invariant.Input
			for _, in := range x.Inputs {
				inputs = append(inputs, invariant.Input{Name: in.Name, Data: in.Bytes})
			}
			got, err := invariant.Reconcile(inputs, pastOf(x), invariant.Options{Workers: 2})
			require.NoError(t, err)
			require.Equal(t, x.Result == "merge", got.Merged())
			require.Equal(t, x.Events, got.Events)
			require.Equal(t, x.Duplicates, got.Duplicates)
			require.Equal(t, x.Repeats, got.Repeats)
			if got.Merged() {
				checkMerge(t, x, got)
			} else {
				checkObstructions(t, x, got)
			}
		})
	}
}

func checkMerge(t *testing.T, x batchExample, got *invariant.Result) {
	require.Equal(t, len(x.Trace), got.Trace.Len())
	for i, e := range x.Trace {
		require.Equal(t, []byte(e), []byte(got.Trace.Event(i)))
	}
	require.Equal(t, []byte(x.TraceRoot), got.TraceRoot[:])
	require.Equal(t, cert.Hash(x.State), cert.NextState(cert.Hash{}, got.TraceRoot))
	require.Nil(t, got.ObstructionBody())
	streams := []streamExample{}
	for i := range got.Streams {
		s := &got.Streams[i]
		mean, ok := s.Stats.Mean()
		require.True(t, ok)
		streams = append(streams, streamExample{
			s.Node, s.Stream, s.Stats.Count, s.Stats.Sum.String(), fixed.Format(s.Stats.Min), fixed.Format(s.Stats.Max),
			fixed.Format(mean), s.First.String(), s.Last.String(),
		})
	}
	require.Equal(t, x.Streams, streams)
}

func checkObstructions(t *testing.T, x batchExample, got *invariant.Result) {
	line := func(kind, key string, dep any, frames any) string {
		return fmt.Sprint(kind, " ", key, " ", dep, " ", frames)
	}
	var want, have []string
	for _, o := range x.Obstructions {
		dep := ""
		if o.Dep != nil {
			dep = *o.Dep
		}
		want = append(want, line(o.Kind, o.Key, dep, o.Frames))
	}
	for _, o := range got.Obstructions {
		dep := ""
		if o.Kind.HasDep() {
			dep = o.Dep.String()
		}
		have = append(have, line(o.Kind.String(), o.Key.String(), dep, o.Frames))
	}
	require.Equal(t, want, have)
	body := got.ObstructionBody()
	require.Equal(t, []byte(x.Body), body.Append(nil))
	parsed, err := cert.ParseObstructionBody(x.Body)
	require.NoError(t, err)
	require.Equal(t, body, parsed)
	require.Nil(t, got.Trace)
}
