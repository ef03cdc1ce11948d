package cert_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/fixed"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// parsers reads a body of each type and writes it again.
var parsers = map[cert.Type]func(b []byte) (again []byte, err error){
	cert.Genesis:      again[*cert.GenesisBody](cert.ParseGenesisBody),
	cert.Merge:        again[*cert.MergeBody](cert.ParseMergeBody),
	cert.Obstruction:  again[*cert.ObstructionBody](cert.ParseObstructionBody),
	cert.RosterChange: again[*cert.RosterChangeBody](cert.ParseRosterChangeBody),
	cert.Evidence:     again[*cert.EvidenceBody](cert.ParseEvidenceBody),
}

func again[T interface{ Append(b []byte) []byte }](parse func(b []byte) (T, error)) func(b []byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) {
		body, err := parse(b)
		if err != nil {
			return nil, err
		}
		return body.Append(nil), nil
	}
}

func sampleBodies(t require.TestingT) map[cert.Type][]byte {
	certs, _ := sampleChain(t)
	bodies := map[cert.Type][]byte{}
	for _, c := range certs[:5] {
		bodies[c.Envelope.Type] = c.Body
	}
	return bodies
}

func TestEveryBodyComesBackAndNoPartOrExtensionDoes(t *testing.T) {
	for typ, b := range sampleBodies(t) {
		got, err := parsers[typ](b)
		require.NoError(t, err, typ)
		require.Equal(t, b, got, typ)
		for n := range b {
			_, err := parsers[typ](b[:n])
			require.ErrorIs(t, err, cert.ErrBody, "%v cut to %d bytes", typ, n)
		}
		_, err = parsers[typ](append(bytes.Clone(b), 0))
		require.ErrorIs(t, err, cert.ErrBody, "%v and a left-over byte", typ)
		require.ErrorContains(t, err, typ.String())
	}
}

func TestABodyHasOneEncoding(t *testing.T) {
	for typ, b := range sampleBodies(t) {
		for at := range b {
			for _, flip := range []byte{1, 0x80, 0xff} {
				bad := with(b, at, b[at]^flip)
				if got, err := parsers[typ](bad); err == nil {
					require.Equal(t, bad, got, "%v, byte %d", typ, at)
				}
			}
		}
	}
}

func TestBodiesFollowTheirLayouts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random, roster := [32]byte(drawBytes(t, 32, "random")), drawRoster(t)
		genesis := cert.GenesisBody{Random: random, Roster: roster}
		require.Equal(t, pack(random, plainRoster(roster)), genesis.Append(nil))
		g, err := cert.ParseGenesisBody(genesis.Append(nil))
		require.NoError(t, err)
		require.Equal(t, genesis, *g)

		change := cert.RosterChangeBody{OldHash: random, Roster: roster}
		require.Equal(t, pack(random, plainRoster(roster)), change.Append(nil))
		c, err := cert.ParseRosterChangeBody(change.Append(nil))
		require.NoError(t, err)
		require.Equal(t, change, *c)

		evidence := cert.EvidenceBody{Bundle: random}
		require.Equal(t, random[:], evidence.Append(nil))
		e, err := cert.ParseEvidenceBody(evidence.Append(nil))
		require.NoError(t, err)
		require.Equal(t, evidence, *e)
	})
}

func drawMergeBody(t *rapid.T) *cert.MergeBody {
	m := &cert.MergeBody{State: cert.Hash(drawBytes(t, 32, "state")), Streams: []cert.Stream{}}
	m.EnvelopesRoot, m.RosterHash = merkle.Hash(drawBytes(t, 32, "root")), cert.Hash(drawBytes(t, 32, "roster"))
	streams := rapid.SliceOfNDistinct(rapid.Uint64Range(0, 1<<20), 0, 4, rapid.ID[uint64]).Draw(t, "streams")
	slices.Sort(streams)
	for _, s := range streams {
		node, stream := uint32(s>>3), uint16(s&7)
		values := rapid.SliceOfN(rapid.Int32(), 1, 4).Draw(t, "values")
		m.Events += uint64(len(values))
		m.Streams = append(m.Streams, cert.Stream{Node: node, Stream: stream, Stats: statsOf(values...),
			First: keyOf(5, node, stream, 0), Last: keyOf(5+uint64(len(values)-1), node, stream, 0)})
	}
	return m
}

func TestMergeBodiesFollowTheLayoutAndComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMergeBody(t)
		want := pack(m.State, m.Events, m.EnvelopesRoot, m.RosterHash, uint32(len(m.Streams)))
		for _, s := range m.Streams {
			mean, _ := s.Stats.Mean()
			want = append(want, pack(s.Node, s.Stream, s.Stats.Count, s.Stats.Sum.Hi, s.Stats.Sum.Lo,
				s.Stats.Min, s.Stats.Max, mean)...)
		}
		for _, s := range m.Streams {
			want = append(want, pack(s.First, s.Last)...)
		}
		require.Equal(t, want, m.Append(nil))
		got, err := cert.ParseMergeBody(want)
		require.NoError(t, err)
		require.Equal(t, m, got)
	})
}

func TestMergeBodiesThatContradictThemselvesAreRefused(t *testing.T) {
	const first = 32 + 8 + 32 + 32 + 4 // the first stream's analytics
	edit := func(f func(m *cert.MergeBody)) []byte {
		m := mergeBody(cert.Chain{}, merkle.EmptyRoot())
		f(m)
		return m.Append(nil)
	}
	good := edit(func(*cert.MergeBody) {})
	stream := func(f func(s *cert.Stream)) []byte {
		return edit(func(m *cert.MergeBody) { f(&m.Streams[0]) })
	}
	for want, bad := range map[string][]byte{
		"events is 4":                   edit(func(m *cert.MergeBody) { m.Events = 4 }),
		"events is 0":                   edit(func(m *cert.MergeBody) { m.Events = 0 }),
		"out of order":                  edit(func(m *cert.MergeBody) { slices.Reverse(m.Streams) }),
		"streams 0 and 1":               edit(func(m *cert.MergeBody) { m.Streams[1] = m.Streams[0]; m.Events = 4 }),
		"count is 0":                    stream(func(s *cert.Stream) { s.Stats = fixed.Stats{} }),
		"min 2 is over max 1":           stream(func(s *cert.Stream) { s.Stats.Min, s.Stats.Max = 2, 1 }),
		"not of node 10, stream 1":      stream(func(s *cert.Stream) { s.First = keyOf(1, 9, 1, 0) }),
		"not of node 10":                stream(func(s *cert.Stream) { s.Last = keyOf(2, 10, 2, 0) }),
		"2 events from":                 stream(func(s *cert.Stream) { s.First, s.Last = s.Last, s.First }),
		"2 events from key":             stream(func(s *cert.Stream) { s.First = s.Last }),
		"1 events from":                 edit(func(m *cert.MergeBody) { m.Streams[1].Last = keyOf(4, 11, 0, 7) }),
		"mean is 3":                     with(good, first+4+2+8+16+4+4, 0, 0, 0, 3),
		"sum -79228162514264337593":     with(good, first+4+2+8, 0xff, 0xff, 0xff, 0xff),
		"mean 50 is not from":           stream(func(s *cert.Stream) { s.Stats.Sum = fixed.Int128{Lo: 100} }),
		"mean -50 is not from":          stream(func(s *cert.Stream) { s.Stats.Sum = fixed.Int128{}.Add(-100) }),
		"3 streams have":                with(good, first-4, 0, 0, 0, 3),
		"4294967295 streams have":       with(good, first-4, 0xff, 0xff, 0xff, 0xff),
		"the counts overflow":           edit(overflow),
		"the counts add up to 1, event": edit(func(m *cert.MergeBody) { m.Streams = m.Streams[1:] }),
	} {
		m, err := cert.ParseMergeBody(bad)
		require.ErrorIs(t, err, cert.ErrBody, want)
		require.ErrorContains(t, err, want)
		require.Nil(t, m)
	}
}

func overflow(m *cert.MergeBody) {
	m.Events = 1
	m.Streams[0].Stats = fixed.Stats{Count: math.MaxUint64}
	m.Streams[1].Stats, m.Streams[1].Last = fixed.Stats{Count: 2}, keyOf(9, 11, 0, 0)
}

func TestObstructionBodiesFollowTheLayoutAndComeBack(t *testing.T) {
	o := obstructionBody(t)
	want := pack(uint32(len(o.Items)))
	for _, it := range o.Items {
		want = append(want, pack(it.Key, it.Kind, it.Dep)...)
	}
	want = append(want, pack(uint32(len(o.Events)))...)
	for i, e := range o.Events {
		require.Equal(t, int64(len(want)), o.EventOffsets()[i])
		want = append(want, pack(uint32(len(e)), []byte(e))...)
	}
	require.Equal(t, want, o.Append(nil))
	got, err := cert.ParseObstructionBody(want)
	require.NoError(t, err)
	require.Equal(t, o, got)
}

func TestObstructionBodiesThatContradictThemselvesAreRefused(t *testing.T) {
	const items = 4
	const itemSize = 2*key.Size + 1
	edit := func(f func(o *cert.ObstructionBody)) []byte {
		o := obstructionBody(t)
		f(o)
		return o.Append(nil)
	}
	good := edit(func(*cert.ObstructionBody) {})
	other := keyOf(9, 10, 0, 9)
	for want, bad := range map[string][]byte{
		"no obstruction":           pack(uint32(0), uint32(0)),
		"kind 4 is unknown":        with(good, items+key.Size, 4),
		"stale has no dep":         edit(func(o *cert.ObstructionBody) { o.Items[4].Dep = other }),
		"equivocation has no dep":  edit(func(o *cert.ObstructionBody) { o.Items[0].Dep = other }),
		"items 0 and 1 are out of": edit(func(o *cert.ObstructionBody) { o.Items[1] = o.Items[0] }),
		"items 3 and 4 are out of": edit(func(o *cert.ObstructionBody) { o.Items[3], o.Items[4] = o.Items[4], o.Items[3] }),
		"event 0: event ends earl": edit(func(o *cert.ObstructionBody) { o.Events[0] = o.Events[0][:20] }),
		"events 0 and 1 are out o": edit(func(o *cert.ObstructionBody) { o.Events[0], o.Events[1] = o.Events[1], o.Events[0] }),
		"events 1 and 2 are out o": edit(func(o *cert.ObstructionBody) { o.Events[2] = o.Events[1] }),
		"has no event":             edit(func(o *cert.ObstructionBody) { o.Events = o.Events[:4] }),
		"no obstruction names the": edit(func(o *cert.ObstructionBody) { o.Events = append(o.Events, eventOf(t, other, "")) }),
		"1 versions under equivoc": edit(func(o *cert.ObstructionBody) { o.Events = o.Events[1:] }),
		"2 versions under missing": edit(func(o *cert.ObstructionBody) { o.Items = o.Items[1:] }),
		"no missing-dep of":        edit(func(o *cert.ObstructionBody) { o.Items[2].Kind = cert.MissingDep }),
		"no lamport of":            edit(func(o *cert.ObstructionBody) { o.Items[3].Kind = cert.Lamport }),
		"it is shown": edit(func(o *cert.ObstructionBody) {
			o.Items[3].Dep, o.Events[3] = keyOf(5, 10, 0, 1), eventOf(t, keyOf(7, 10, 0, 3), "", keyOf(5, 10, 0, 1))
		}),
		"has the dep":          edit(func(o *cert.ObstructionBody) { o.Items[3].Dep = keyOf(4, 98, 0, 9) }),
		"1000 bytes at offset": slices.Concat(good[:items+5*itemSize+4], pack(uint32(1000))),
		"4294967295":           with(good, items+5*itemSize, 0xff, 0xff, 0xff, 0xff),
	} {
		o, err := cert.ParseObstructionBody(bad)
		require.ErrorIs(t, err, cert.ErrBody, want)
		if want != "4294967295" { // the fields run out before the number does
			require.ErrorContains(t, err, want)
		}
		require.Nil(t, o)
	}
	_, err := cert.ParseObstructionBody(edit(func(o *cert.ObstructionBody) { o.Events[0] = o.Events[0][:20] }))
	require.True(t, errors.Is(err, event.ErrShort), "the cause is kept")
}

func TestObstructionsAreOrderedByKeyThenKindThenDep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) cert.ObstructionItem {
			return cert.ObstructionItem{
				Key:  keyOf(1, 1, 1, rapid.ByteRange(0, 2).Draw(t, label+" key")),
				Kind: cert.ObstructionKind(rapid.ByteRange(0, 3).Draw(t, label+" kind")),
				Dep:  keyOf(1, 1, 1, rapid.ByteRange(0, 2).Draw(t, label+" dep")),
			}
		}
		a, b := draw("a"), draw("b")
		plain := bytes.Compare(pack(a.Key, a.Kind, a.Dep), pack(b.Key, b.Kind, b.Dep))
		require.Equal(t, plain, a.Compare(&b))
	})
}

func TestRostersInsideBodiesAreValidated(t *testing.T) {
	empty := pack(cert.Hash{}, uint16(0))
	_, err := cert.ParseGenesisBody(empty)
	require.ErrorIs(t, err, cert.ErrBody)
	require.ErrorIs(t, err, cert.ErrRoster)
	_, err = cert.ParseRosterChangeBody(empty)
	require.ErrorIs(t, err, cert.ErrBody)
	require.ErrorIs(t, err, cert.ErrRoster)
}

// fuzzBody holds a parser to: what it takes it writes again, the same bytes.
func fuzzBody(f *testing.F, typ cert.Type) {
	f.Add(sampleBodies(f)[typ])
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, 200))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parsers[typ](b)
		if err != nil {
			require.ErrorIs(t, err, cert.ErrBody)
			return
		}
		require.Equal(t, b, got)
	})
}

func FuzzParseGenesisBody(f *testing.F) {
	f.Add(lastResort(rosterOf(3, 4)).Append(nil))
	fuzzBody(f, cert.Genesis)
}

func FuzzParseMergeBody(f *testing.F)        { fuzzBody(f, cert.Merge) }
func FuzzParseObstructionBody(f *testing.F)  { fuzzBody(f, cert.Obstruction) }
func FuzzParseRosterChangeBody(f *testing.F) { fuzzBody(f, cert.RosterChange) }
func FuzzParseEvidenceBody(f *testing.F)     { fuzzBody(f, cert.Evidence) }
