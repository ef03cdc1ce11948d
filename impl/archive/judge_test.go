package archive

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// judged is a past with the keys 10 and 20 certified and 15 and 30 quarantined,
// each of the two in two versions.
func judged(t *testing.T) *Past {
	p := newPast(t)
	certify(t, p, 1, encode(at(10), 1), encode(at(20), 1))
	p.AddObstruction("log", 0, equivocation(t, encode(at(15), 1), encode(at(15), 2)))
	p.AddObstruction("log", 500, equivocation(t, encode(at(30), 1), encode(at(30), 2)))
	return p
}

func TestATraceIsCheckedAgainstEveryRule(t *testing.T) {
	good := []event.View{encode(at(31), 5, at(10), at(30)), encode(at(32), -7, at(31), at(15))}
	root, body := mergeOfUnchecked(good)
	otherBody := *body
	otherBody.Streams = append([]cert.Stream(nil), body.Streams...)
	otherBody.Streams[0].Stats.Max++
	oneMore := *body
	oneMore.Events++
	noStreams := *body
	noStreams.Streams = nil
	flipped := file(frame.Mixed, good...)
	flipped[len(flipped)-1] ^= 1
	second := int64(frame.HeaderSize + frame.Overhead + len(good[0]))
	for name, c := range map[string]struct {
		content []byte
		root    merkle.Hash
		body    *cert.MergeBody
		kind    string
		offset  int64
	}{
		"good":               {file(frame.Mixed, good...), root, body, "", 0},
		"no header":          {nil, root, body, string(frame.BadHeader), 0},
		"a changed byte":     {flipped, root, body, string(frame.FrameCRC), second},
		"a node's file":      {file(1, good...), root, body, KindTraceOrder, 0},
		"out of order":       {file(frame.Mixed, good[1], good[0]), root, body, KindTraceOrder, int64(frame.HeaderSize + frame.Overhead + len(good[1]))},
		"an event twice":     {file(frame.Mixed, good[0], good[0], good[1]), root, body, KindTraceOrder, second},
		"another root":       {file(frame.Mixed, good...), merkle.Hash{1}, body, KindTraceRoot, 0},
		"an event less":      {file(frame.Mixed, good[0]), root, body, KindTraceRoot, 0},
		"other figures":      {file(frame.Mixed, good...), root, &otherBody, KindAnalytics, 0},
		"another number":     {file(frame.Mixed, good...), root, &oneMore, KindAnalytics, 0},
		"no figures":         {file(frame.Mixed, good...), root, &noStreams, KindAnalytics, 0},
		"a certified event":  {file(frame.Mixed, encode(at(20), 1), good[0], good[1]), root, body, KindRepeat, 0},
		"a quarantined one":  {file(frame.Mixed, good[0], good[1], encode(at(30), 2)), root, body, KindRepeat, 0},
		"rewritten history":  {file(frame.Mixed, encode(at(20), 2), good[0]), root, body, "equivocation", frame.HeaderSize},
		"a quarantined key":  {file(frame.Mixed, encode(at(30), 3), good[0]), root, body, "equivocation", frame.HeaderSize},
		"two versions":       {file(frame.Mixed, good[0], encode(at(31), 9)), root, body, "equivocation", frame.HeaderSize},
		"a late event":       {file(frame.Mixed, encode(at(19), 1), good[0]), root, body, "stale", frame.HeaderSize},
		"a missing dep":      {file(frame.Mixed, good[0], encode(at(33), 1, at(25))), root, body, "missing-dep", second},
		"a dep that is late": {file(frame.Mixed, encode(at(31), 1, at(32)), good[1]), root, body, "lamport", frame.HeaderSize},
	} {
		p := judged(t)
		path := filepath.Join(p.dir, "candidate.omega")
		put(t, path, c.content)
		err := p.CheckTrace(openView(t, path), c.root, c.body)
		if c.kind == "" {
			require.NoError(t, err, name)
			continue
		}
		var rule *RuleError
		require.ErrorAs(t, err, &rule, name)
		require.Equal(t, c.kind, rule.Kind, "%s: %v", name, err)
		require.Equal(t, path, rule.File, name)
		require.Equal(t, c.offset, rule.Offset, "%s: %v", name, err)
		require.ErrorContains(t, err, c.kind)
	}
}

// mergeOfUnchecked returns root and body of events that have deps in a past.
func mergeOfUnchecked(events []event.View) (merkle.Hash, *cert.MergeBody) {
	s := cert.Stream{Node: 1, First: *events[0].Key(), Last: *events[len(events)-1].Key()}
	var leaves []merkle.Hash
	for _, e := range events {
		s.Stats.Add(e.Value())
		leaves = append(leaves, merkle.LeafHash(e))
	}
	return merkle.Root(leaves), &cert.MergeBody{Events: uint64(len(events)), Streams: []cert.Stream{s}}
}

func TestAnEmptyMergeHasATraceToo(t *testing.T) {
	p := newPast(t)
	path := filepath.Join(p.dir, "empty.omega")
	put(t, path, file(frame.Mixed))
	require.NoError(t, p.CheckTrace(openView(t, path), merkle.EmptyRoot(), &cert.MergeBody{}))
}

func TestAMissingDepIsNamed(t *testing.T) {
	p := judged(t)
	path := filepath.Join(p.dir, "candidate.omega")
	put(t, path, file(frame.Mixed, encode(at(33), 1, at(25))))
	dep := at(25)
	require.ErrorContains(t, p.CheckTrace(openView(t, path), merkle.Hash{}, &cert.MergeBody{}), dep.String())
}

func TestATraceThatChangesWhileItIsCheckedIsNamed(t *testing.T) {
	p := judged(t)
	path := filepath.Join(p.dir, "candidate.omega")
	events := []event.View{encode(at(31), 1)}
	root, body := mergeOfUnchecked(events)
	put(t, path, file(frame.Mixed, events...))
	view := openView(t, path)
	require.NoError(t, os.Truncate(path, 0))
	var rule *RuleError
	require.ErrorAs(t, p.CheckTrace(view, root, body), &rule)
	require.Equal(t, KindChanged, rule.Kind)
	require.Equal(t, path, rule.File)
}

// TestATraceOfThePastThatIsUnfitIsNoVerdict removes, and cuts short, the trace that
// a dep is looked for in.
func TestATraceOfThePastThatIsUnfitIsNoVerdict(t *testing.T) {
	events := []event.View{encode(at(31), 1, at(10))}
	root, body := mergeOfUnchecked(events)
	p := judged(t)
	path := filepath.Join(p.dir, "candidate.omega")
	put(t, path, file(frame.Mixed, events...))
	past := p.merges[0].path
	require.NoError(t, p.Close())
	require.NoError(t, os.Remove(past))
	err := p.CheckTrace(openView(t, path), root, body)
	require.ErrorIs(t, err, fs.ErrNotExist)
	var bad *TraceError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, past, bad.Path)

	p = judged(t)
	past = p.merges[0].path
	require.Len(t, p.open, 1, "it is mapped")
	require.NoError(t, os.Truncate(past, 5))
	var rule *RuleError
	require.ErrorAs(t, p.CheckTrace(openView(t, path), root, body), &rule)
	require.Equal(t, KindChanged, rule.Kind)
	require.Equal(t, past, rule.File)
}

func TestAnObstructionMustBeBorneOutByThePast(t *testing.T) {
	item := func(k key.Key, kind cert.ObstructionKind, dep ...key.Key) []cert.ObstructionItem {
		return []cert.ObstructionItem{{Key: k, Kind: kind, Dep: append(dep, key.Key{})[0]}}
	}
	other := newKey(5, 2, 0, 0)
	for name, c := range map[string]struct {
		items  []cert.ObstructionItem
		events []event.View
		why    string
	}{
		"rewritten":                   {item(at(10), cert.Equivocation), []event.View{encode(at(10), 1), encode(at(10), 2)}, ""},
		"a third version":             {item(at(15), cert.Equivocation), []event.View{encode(at(15), 1), encode(at(15), 2), encode(at(15), 3)}, ""},
		"two new versions":            {item(at(40), cert.Equivocation), []event.View{encode(at(40), 1), encode(at(40), 2)}, ""},
		"at the frontier":             {item(newKey(20, 1, 0, 0), cert.Equivocation), []event.View{encode(at(20), 1), encode(at(20), 2)}, ""},
		"late":                        {item(at(19), cert.Stale), []event.View{encode(at(19), 1)}, ""},
		"a dep that is not there":     {item(at(40), cert.MissingDep, at(25)), []event.View{encode(at(40), 1, at(25))}, ""},
		"a dep that is late":          {item(at(40), cert.Lamport, at(40)), []event.View{encode(at(40), 1, at(40))}, ""},
		"the past's version missing":  {item(at(10), cert.Equivocation), []event.View{encode(at(10), 2), encode(at(10), 3)}, "not shown"},
		"one of two missing":          {item(at(15), cert.Equivocation), []event.View{encode(at(15), 2), encode(at(15), 3)}, "not shown"},
		"a certified event, late":     {item(at(10), cert.Stale), []event.View{encode(at(10), 1)}, "holds the event already"},
		"a rewritten event, late":     {append(item(at(10), cert.Stale), item(at(10), cert.Equivocation)...), []event.View{encode(at(10), 1), encode(at(10), 2)}, "holds the event already"},
		"both versions known":         {item(at(15), cert.Equivocation), []event.View{encode(at(15), 1), encode(at(15), 2)}, "all its versions"},
		"a certified dep":             {item(at(40), cert.MissingDep, at(10)), []event.View{encode(at(40), 1, at(10))}, "holds the dep"},
		"a quarantined dep":           {item(at(40), cert.MissingDep, at(30)), []event.View{encode(at(40), 1, at(30))}, "holds the dep"},
		"not late":                    {item(at(21), cert.Stale), []event.View{encode(at(21), 1)}, "after the stream's frontier"},
		"not late after a quarantine": {item(at(29), cert.Stale), []event.View{encode(at(29), 1)}, "after the stream's frontier"},
		"a new stream, late":          {item(other, cert.Stale), []event.View{encode(other, 1)}, "after the stream's frontier"},
		"the second of two items": {append(item(at(19), cert.Stale), item(at(40), cert.Stale)...),
			[]event.View{encode(at(19), 1), encode(at(40), 1)}, "after the stream's frontier"},
		"behind another's versions": {append(item(at(15), cert.Equivocation), item(at(21), cert.Stale)...),
			[]event.View{encode(at(15), 1), encode(at(15), 2), encode(at(15), 3), encode(at(21), 1)}, "after the stream's frontier"},
	} {
		p := judged(t)
		body := obstruction(t, c.items, c.events...)
		before := body.Append(nil)
		err := p.CheckObstruction("log", 77, body)
		require.Equal(t, before, body.Append(nil), name)
		if c.why == "" {
			require.NoError(t, err, name)
			continue
		}
		var rule *RuleError
		require.ErrorAs(t, err, &rule, name)
		require.Equal(t, KindObstruction, rule.Kind)
		require.Equal(t, "log", rule.File)
		require.EqualValues(t, 77, rule.Offset)
		require.ErrorContains(t, err, c.why, name)
	}
}

func TestAnObstructionIsNotJudgedByAnUnfitTrace(t *testing.T) {
	p := judged(t)
	require.NoError(t, p.Close())
	require.NoError(t, os.Remove(p.merges[0].path))
	body := equivocation(t, encode(at(10), 2), encode(at(10), 3))
	require.ErrorIs(t, p.CheckObstruction("log", 0, body), fs.ErrNotExist)
}

func TestWorkersAreThoseWhoseFaultsAreCaught(t *testing.T) {
	arena := NewArena()
	defer arena.Close()
	opt := Workers(arena)
	require.NotNil(t, opt.Run)
	require.Positive(t, opt.Workers)
	entries, err := opt.Alloc(3)
	require.NoError(t, err)
	require.Len(t, entries, 3)
}
