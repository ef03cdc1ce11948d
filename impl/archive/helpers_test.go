package archive

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

func newKey(lamport uint64, node uint32, stream uint16, id byte) key.Key {
	return key.New(lamport, node, stream, [key.EventIDSize]byte{13: id})
}

// at is the key of node 1, stream 0 at the Lamport time.
func at(lamport uint64) key.Key { return newKey(lamport, 1, 0, 0) }

// encode returns the bytes of an event with the key, the value and the deps.
func encode(k key.Key, value int32, deps ...key.Key) event.View {
	slices.SortFunc(deps, func(a, b key.Key) int { return a.Compare(&b) })
	b, err := (&event.Event{Key: k, Value: value, Deps: slices.Compact(deps)}).Append(nil)
	if err != nil {
		panic(err)
	}
	return event.View(b)
}

// file makes a section of the node with the events in the order given.
func file(node uint32, events ...event.View) []byte {
	b := frame.AppendHeader(nil, frame.Header{Node: node})
	for _, e := range events {
		var err error
		if b, err = frame.Append(b, e); err != nil {
			panic(err)
		}
	}
	return b
}

// put makes a file of the bytes and its folder.
func put(t require.TestingT, path string, content []byte) {
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, content, 0o644))
}

// mergeOf returns the root and the body, as far as this package reads it, of the
// merge of events that have no past.
func mergeOf(t require.TestingT, events ...event.View) (merkle.Hash, *cert.MergeBody) {
	r, err := invariant.Reconcile([]invariant.Input{{Name: "batch", Data: file(frame.Mixed, events...)}}, invariant.Empty{}, invariant.Options{})
	require.NoError(t, err)
	require.True(t, r.Merged())
	return r.TraceRoot, &cert.MergeBody{Events: r.Events, Streams: r.Streams}
}

// certify adds a merge of the events, which are in order, and writes its trace.
func certify(t require.TestingT, p *Past, height uint64, events ...event.View) (path string) {
	root, body := mergeOf(t, events...)
	path = filepath.Join(p.dir, TracePath(height, root))
	put(t, path, file(frame.Mixed, events...))
	require.NoError(t, p.AddMerge(height, root, body))
	return path
}

// obstruction returns the body with the items and the events, in their order,
// as somebody reads it from a certificate.
func obstruction(t require.TestingT, items []cert.ObstructionItem, events ...event.View) *cert.ObstructionBody {
	slices.SortFunc(items, func(a, b cert.ObstructionItem) int { return a.Compare(&b) })
	slices.SortFunc(events, func(a, b event.View) int { return slices.Compare(a, b) })
	body, err := cert.ParseObstructionBody((&cert.ObstructionBody{Items: items, Events: events}).Append(nil))
	require.NoError(t, err)
	return body
}

// equivocation is the body about one key whose versions are given.
func equivocation(t require.TestingT, versions ...event.View) *cert.ObstructionBody {
	return obstruction(t, []cert.ObstructionItem{{Key: *versions[0].Key(), Kind: cert.Equivocation}}, versions...)
}

func newPast(t testing.TB) *Past {
	p := New(t.TempDir())
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

func openView(t testing.TB, path string) *omegalog.OmegaLogView {
	view, err := omegalog.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { view.Close() })
	return view
}

// events returns the bytes of versions.
func events(versions []invariant.Version) []event.View {
	var views []event.View
	for _, v := range versions {
		views = append(views, v.Event)
	}
	return views
}

// plainPast is the past as maps.
type plainPast struct {
	certified, quarantined map[key.Key][]invariant.Version
	frontier               map[streamID]key.Key
}

func newPlain() *plainPast {
	return &plainPast{map[key.Key][]invariant.Version{}, map[key.Key][]invariant.Version{}, map[streamID]key.Key{}}
}

func (p *plainPast) Versions(k *key.Key) []invariant.Version {
	return slices.Concat(p.quarantined[*k], p.certified[*k])
}

func (p *plainPast) Frontier(node uint32, stream uint16) (key.Key, bool) {
	k, ok := p.frontier[streamID{node, stream}]
	return k, ok
}

// certify adds the events of a trace file.
func (p *plainPast) certify(path string, trace []byte) {
	for offset := int64(frame.HeaderSize); offset < int64(len(trace)); {
		e, next, err := frame.Next(trace, offset)
		if err != nil {
			panic(err)
		}
		k := *e.Key()
		p.certified[k] = append(p.certified[k], invariant.Version{Event: e, Frame: invariant.Frame{File: path, Offset: offset}})
		id := streamID{k.Node(), k.Stream()}
		if last := p.frontier[id]; last.Compare(&k) < 0 {
			p.frontier[id] = k
		}
		offset = next
	}
}

// quarantine adds the events of an obstruction's body, read from a file that has
// the body at the offset, and returns how many it adds.
func (p *plainPast) quarantine(name string, content []byte, offset int64, body *cert.ObstructionBody) (added uint64) {
	at := offset + 4 + int64(len(body.Items))*57 + 4
	for _, e := range body.Events {
		if got := event.View(content[at+4 : at+4+int64(len(e))]); string(got) != string(e) {
			panic("the event is not there")
		}
		k := *e.Key()
		if !slices.ContainsFunc(p.Versions(&k), func(v invariant.Version) bool { return string(v.Event) == string(e) }) {
			p.quarantined[k] = append(p.quarantined[k], invariant.Version{Event: e, Frame: invariant.Frame{File: name, Offset: at}})
			added++
		}
		at += 4 + int64(len(e))
	}
	return added
}
