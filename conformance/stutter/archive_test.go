package stutter

import (
	"os"
	"path/filepath"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// stored is an archive with one trace on disk, and what describes it.
type stored struct {
	dir  string
	past *archive.Past
	root merkle.Hash
	body *cert.MergeBody
}

func bodyOf(events ...[]byte) (*cert.MergeBody, merkle.Hash) {
	body := &cert.MergeBody{Events: uint64(len(events))}
	s := cert.Stream{Node: 1, First: *event.View(events[0]).Key(), Last: *event.View(events[len(events)-1]).Key()}
	var leaves []merkle.Hash
	for _, e := range events {
		s.Stats.Add(event.View(e).Value())
		leaves = append(leaves, merkle.LeafHash(e))
	}
	body.Streams = []cert.Stream{s}
	return body, merkle.Root(leaves)
}

func store(p probe) *stored {
	s := &stored{dir: p.TempDir()}
	s.past = archive.New(s.dir)
	first, second := eventAt(1, 1), eventAt(2, 2, keyAt(1))
	s.body, s.root = bodyOf(first, second)
	require.NoError(p, os.Mkdir(filepath.Join(s.dir, archive.TracesName), 0o700))
	require.NoError(p, os.WriteFile(filepath.Join(s.dir, archive.TracePath(1, s.root)), mixed(first, second), 0o600))
	require.NoError(p, s.past.AddMerge(1, s.root, s.body))
	p.Cleanup(func() { s.past.Close() })
	return s
}

func mixed(events ...[]byte) []byte {
	file := frame.AppendHeader(nil, frame.Header{Node: frame.Mixed})
	for _, e := range events {
		file = must(frame.Append(file, e))
	}
	return file
}

// answers is all that the archive tells of some keys.
func (s *stored) answers() any {
	var all []any
	for lamport := range uint64(9) {
		k := keyAt(lamport)
		all = append(all, s.past.Versions(&k))
	}
	last, ok := s.past.Frontier(1, 0)
	return append(all, last, ok)
}

// same makes a call that must fail and leave the answers and the folder as they are.
func (s *stored) same(p probe, do func() error) {
	before := s.answers()
	p.onDisk(p, s.dir, do)
	require.Equal(p, before, s.answers(), "the archive answers otherwise")
}

func archiveSubjects() map[string]func(p probe) {
	return map[string]func(p probe){
		"archive.Past.AddMerge": func(p probe) {
			s := store(p)
			late, root := bodyOf(eventAt(2, 9))
			// A stream that does go on stands before the one that does not.
			fresh := cert.Stream{Node: 0, First: key.New(9, 0, 0, [14]byte{}), Last: key.New(9, 0, 0, [14]byte{})}
			late.Streams = append([]cert.Stream{fresh}, late.Streams...)
			s.same(p, func() error { return s.past.AddMerge(2, root, late) })
			_, ok := s.past.Frontier(0, 0)
			require.False(p, ok, "a part of the merge was taken over")
		},
		"archive.Past.CheckObstruction": func(p probe) {
			s := store(p)
			for _, body := range []*cert.ObstructionBody{obstructionOf(eventAt(1, 1)), obstructionOf(eventAt(7, 1))} {
				s.same(p, func() error { return s.past.CheckObstruction("file", 0, body) })
			}
			s = store(p)
			require.NoError(p, os.Remove(filepath.Join(s.dir, archive.TracePath(1, s.root))))
			p.onDisk(p, s.dir, func() error { return s.past.CheckObstruction("file", 0, obstructionOf(eventAt(1, 5))) })
		},
		"archive.Past.CheckTrace": checkTraces,
	}
}

func checkTraces(p probe) {
	s := store(p)
	third, fourth := eventAt(3, 3, keyAt(2)), eventAt(4, 4)
	body, root := bodyOf(third, fourth)
	wrong := *body
	wrong.Events++
	path := filepath.Join(s.dir, "candidate.omega")
	for i, c := range []struct {
		file []byte
		root merkle.Hash
		body *cert.MergeBody
	}{
		{mixed(fourth, third), root, body}, {fileOf(third, fourth), root, body}, {mixed(third, fourth), merkle.Hash{1}, body},
		{mixed(third, fourth), root, &wrong}, {mixed(eventAt(2, 2, keyAt(1)), third, fourth), root, body}, {mixed(third, fourth)[:99], root, body},
		{mixed(third, eventAt(4, 4, keyAt(1<<40))), root, body},
	} {
		require.NoError(p, os.WriteFile(path, c.file, 0o600))
		view := must(omegalog.Open(path))
		s.same(p, func() error { return s.past.CheckTrace(view, c.root, c.body) })
		require.NoError(p, view.Close(), "%d", i)
	}
	require.NoError(p, os.WriteFile(path, mixed(third, fourth), 0o600))
	view := must(omegalog.Open(path))
	require.NoError(p, os.Truncate(path, 50))
	s.same(p, func() error { return s.past.CheckTrace(view, root, body) })
	require.NoError(p, view.Close())
}
