package linear

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/fixed"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

func u16(n int) []byte    { return binary.BigEndian.AppendUint16(nil, uint16(n)) }
func u64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// plainMerge is a merge's body by the words of BDY-2.
func plainMerge(m *cert.MergeBody) []byte {
	b := slices.Concat(m.State[:], u64(m.Events), m.EnvelopesRoot[:], m.RosterHash[:], u32(len(m.Streams)))
	for _, s := range m.Streams {
		sum, mean := modulo(exactly(s.Stats.Sum)), int32(0)
		if s.Stats.Sum.Lo > 0 {
			mean = roundHalfEven(int64(s.Stats.Sum.Lo), int64(s.Stats.Count)) // sums here fit in 63 bits
		}
		b = slices.Concat(b, u32(int(s.Node)), u16(int(s.Stream)), u64(s.Stats.Count), sum[:], u32(int(s.Stats.Min)), u32(int(s.Stats.Max)), u32(int(mean)))
	}
	for _, s := range m.Streams {
		b = slices.Concat(b, s.First[:], s.Last[:])
	}
	return b
}

// plainObstruction is an obstruction's body by the words of BDY-4.
func plainObstruction(o *cert.ObstructionBody) (b []byte, offsets []int64) {
	b = u32(len(o.Items))
	for _, it := range o.Items {
		b = slices.Concat(b, it.Key[:], []byte{byte(it.Kind)}, it.Dep[:])
	}
	b = append(b, u32(len(o.Events))...)
	offsets = []int64{}
	for _, e := range o.Events {
		offsets = append(offsets, int64(len(b)))
		b = slices.Concat(b, u32(len(e)), e)
	}
	return b, offsets
}

// A fact is bytes and what they mean, which who wrote them knows.
type fact[T any] struct {
	bytes []byte
	value T   // where they are valid
	why   any // the class of the error where they are not
}

// known is a parser's subject.
func known[T any](object string, facts []fact[T], parse func(b []byte) (T, error)) subject {
	places := func() []int {
		var all []int
		for i := range facts {
			all = append(all, i)
		}
		return all
	}
	var none T
	return pure(object, places,
		func(i int) any {
			v, err := parse(facts[i].bytes)
			return results(v, class(err))
		},
		func(i int) any {
			if facts[i].why != nil {
				return results(none, facts[i].why)
			}
			return results(facts[i].value, nil)
		})
}

// damaged returns the fact, cut short and with a byte too many, and all as given.
func damaged[T any](good []byte, value T, why any, bad ...[]byte) []fact[T] {
	facts := []fact[T]{
		{bytes: good, value: value}, {bytes: good[:len(good)-1], why: why}, {bytes: append(slices.Clone(good), 0), why: why}, {why: why},
	}
	for _, b := range bad {
		facts = append(facts, fact[T]{bytes: b, why: why})
	}
	return facts
}

// mergeBody returns the body of a merge of the world's events, after a change.
func (w *world) mergeBody(change func(m *cert.MergeBody)) *cert.MergeBody {
	var events []string
	for _, e := range w.events {
		small := e
		small.value %= 1000 // so that no sum needs more than 63 bits
		events = append(events, string(small.bytes()))
	}
	m := &cert.MergeBody{
		State: cert.Hash{1}, Events: uint64(len(events)), EnvelopesRoot: merkle.Hash{2}, RosterHash: cert.Hash{3}, Streams: plainStreams(events),
	}
	for i := range m.Streams { // and so that all are positive, which the plain mean relies on
		s := &m.Streams[i].Stats
		s.Sum = fixed.Int128{Lo: 500 * s.Count}
		s.Min, s.Max = 499, 501
	}
	change(m)
	return m
}

func mergeFacts(w *world) []fact[*cert.MergeBody] {
	same := func(*cert.MergeBody) {}
	bad := func(change func(m *cert.MergeBody)) []byte { return plainMerge(w.mergeBody(change)) }
	good := plainMerge(w.mergeBody(same))
	mean := slices.Clone(good)
	mean[32+8+32+32+4+4+2+8+16+4+4+3] ^= 1
	facts := damaged(good, w.mergeBody(same), "bad body", mean,
		bad(func(m *cert.MergeBody) { m.Events++ }),
		bad(func(m *cert.MergeBody) { m.Streams[0], m.Streams[1] = m.Streams[1], m.Streams[0] }),
		bad(func(m *cert.MergeBody) { m.Streams[1] = m.Streams[0] }),
		bad(func(m *cert.MergeBody) {
			m.Streams[0].Stats = fixed.Stats{}
			m.Events -= w.mergeBody(same).Streams[0].Stats.Count
		}),
		bad(func(m *cert.MergeBody) { m.Streams[0].Stats.Min = 502 }),
		bad(func(m *cert.MergeBody) { m.Streams[0].Stats.Max = 499 }),
		bad(func(m *cert.MergeBody) { m.Streams[0].First, m.Streams[0].Last = m.Streams[0].Last, m.Streams[0].First }),
		bad(func(m *cert.MergeBody) { m.Streams[0].Last = m.Streams[0].First }),
		bad(func(m *cert.MergeBody) { m.Streams[0].Last = m.Streams[1].Last }),
		bad(func(m *cert.MergeBody) { // counts that add up to the events only modulo 2^64
			s := &m.Streams[1].Stats
			m.Events -= s.Count + m.Streams[0].Stats.Count
			s.Count, s.Sum, s.Min, s.Max = -m.Streams[0].Stats.Count, fixed.Int128{}, 0, 0
		}),
	)
	empty := &cert.MergeBody{Streams: []cert.Stream{}}
	return append(facts, fact[*cert.MergeBody]{bytes: plainMerge(empty), value: empty})
}

// obstructionBody returns a body with every kind of obstruction, after a change.
func (w *world) obstructionBody(change func(o *cert.ObstructionBody)) *cert.ObstructionBody {
	a, b := w.events[10], w.events[10]
	a.deps = []string{w.events[0].key()}
	b.payload = "other"
	late := parts{lamport: w.events[10].lamport + 1, id: strings.Repeat("1", 28)}
	ahead := strings.Repeat("e", 56)
	late.deps = []string{ahead}
	old := parts{lamport: 1 << 40, id: strings.Repeat("2", 28)}
	versions := [][]byte{a.bytes(), b.bytes()}
	slices.SortFunc(versions, bytes.Compare)
	o := &cert.ObstructionBody{
		Items: []cert.ObstructionItem{
			{Key: keyOf(a.key()), Kind: cert.Equivocation}, {Key: keyOf(a.key()), Kind: cert.MissingDep, Dep: keyOf(a.deps[0])},
			{Key: keyOf(late.key()), Kind: cert.Lamport, Dep: keyOf(ahead)}, {Key: keyOf(old.key()), Kind: cert.Stale},
		},
		Events: []event.View{versions[0], versions[1], late.bytes(), old.bytes()},
	}
	change(o)
	return o
}

func obstructionFacts(w *world) []fact[*cert.ObstructionBody] {
	same := func(*cert.ObstructionBody) {}
	bad := func(change func(o *cert.ObstructionBody)) []byte {
		b, _ := plainObstruction(w.obstructionBody(change))
		return b
	}
	return damaged(bad(same), w.obstructionBody(same), "bad body",
		bad(func(o *cert.ObstructionBody) { o.Items[0], o.Items[1] = o.Items[1], o.Items[0] }),
		bad(func(o *cert.ObstructionBody) { o.Items[1] = o.Items[0] }),
		bad(func(o *cert.ObstructionBody) { o.Items[3].Kind = 4 }),
		bad(func(o *cert.ObstructionBody) { o.Items[3].Dep = o.Items[2].Dep }),
		bad(func(o *cert.ObstructionBody) { o.Items[2].Kind = cert.MissingDep }),
		bad(func(o *cert.ObstructionBody) { o.Items[1].Kind = cert.Lamport }),
		bad(func(o *cert.ObstructionBody) { o.Items[1].Dep = key.Key{27: 7} }),
		bad(func(o *cert.ObstructionBody) { o.Events = o.Events[1:] }),
		bad(func(o *cert.ObstructionBody) { o.Events = o.Events[:3] }),
		bad(func(o *cert.ObstructionBody) { o.Items = o.Items[:3] }),
		bad(func(o *cert.ObstructionBody) { o.Items = o.Items[1:] }),
		bad(func(o *cert.ObstructionBody) { o.Events[0], o.Events[1] = o.Events[1], o.Events[0] }),
		bad(func(o *cert.ObstructionBody) { o.Events[3] = o.Events[3][:37] }),
	)
}

// plainSuccessor is what stands behind a genesis' roster by the words of BDY-8.
func plainSuccessor(s *cert.Successor) []byte {
	b := slices.Concat(s.Chain[:], s.Head[:], u64(s.Length), u16(len(s.Remaining)))
	for _, r := range s.Remaining {
		b = slices.Concat(b, u16(int(r.Member)), r.Signature[:])
	}
	return b
}

// badSuccessors are the body g with a successor that breaks one rule each.
func badSuccessors(g *cert.GenesisBody) (all [][]byte) {
	for _, change := range []func(s *cert.Successor){
		func(s *cert.Successor) { s.Length = 0 },
		func(s *cert.Successor) { s.Remaining = nil },
		func(s *cert.Successor) { s.Remaining = []cert.Remaining{s.Remaining[1], s.Remaining[0]} },
		func(s *cert.Successor) { s.Remaining = []cert.Remaining{s.Remaining[0], s.Remaining[0]} },
	} {
		s := *g.Successor
		change(&s)
		all = append(all, slices.Concat(g.Random[:], plainRoster(g.Roster), plainSuccessor(&s)))
	}
	return all
}

func bodySubjects(w *world) map[string]subject {
	const list = "the list of bodies"
	roster := w.roster()
	genesis := &cert.GenesisBody{Random: [32]byte{5, 6}, Roster: roster}
	genesisBytes := slices.Concat(genesis.Random[:], plainRoster(roster))
	last := &cert.GenesisBody{Random: [32]byte{7}, Roster: roster[1:], Successor: &cert.Successor{Chain: cert.Hash{1}, Head: cert.Hash{2}, Length: 1 << 40}}
	rosterHash := hashOf("omega/roster/v1", plainRoster(roster[1:]))
	resort := slices.Concat([]byte("omega/last-resort/v1\x00"), last.Successor.Chain[:], last.Successor.Head[:], u64(1<<40), rosterHash[:], last.Random[:])
	// of the three members, in the order 1, 2, 0, those who remain sign as 0 and 2
	old := cert.Roster{roster[1], roster[2], roster[0]}
	last.Successor.Remaining = []cert.Remaining{{Member: 0, Signature: signed(1, resort)}, {Member: 2, Signature: signed(0, resort)}}
	lastBytes := slices.Concat(last.Random[:], plainRoster(last.Roster), plainSuccessor(last.Successor))
	change := &cert.RosterChangeBody{OldHash: cert.Hash{7, 8}, Roster: roster[1:]}
	changeBytes := slices.Concat(change.OldHash[:], plainRoster(roster[1:]))
	evidence := &cert.EvidenceBody{Bundle: cert.Hash{9}}
	merges := []*cert.MergeBody{w.mergeBody(func(*cert.MergeBody) {}), {}}
	obstructions := []*cert.ObstructionBody{w.obstructionBody(func(*cert.ObstructionBody) {}), {}}
	zero := func() []int { return []int{0} }
	both := func() []int { return []int{0, 1} }
	before := []byte("before")
	after := func(b []byte) any { return append([]byte("before"), b...) }
	items := w.obstructionBody(func(*cert.ObstructionBody) {}).Items
	return map[string]subject{
		"cert.GenesisBody.Append": pure(list, both, func(i int) any { return []*cert.GenesisBody{genesis, last}[i].Append(before) },
			func(i int) any { return after([][]byte{genesisBytes, lastBytes}[i]) }),
		"cert.ParseGenesisBody": known(list, append(damaged(genesisBytes, genesis, "bad body", genesisBytes[:31], slices.Concat(make([]byte, 32), plainRoster(nil))),
			damaged(lastBytes, last, "bad body", badSuccessors(last)...)...), cert.ParseGenesisBody),
		"cert.GenesisBody.LastResortMessage": pure(list, zero, func(int) any { return last.LastResortMessage() }, func(int) any { return resort }),
		"cert.GenesisBody.CheckSuccessor": pure("the roster", func() []int { return []int{0, 1, 2, 3} },
			func(i int) any {
				return class(last.CheckSuccessor([]cert.Roster{old, old[:2], {roster[2], roster[2], roster[0]}, {roster[1], roster[2], roster[2]}}[i]))
			},
			func(i int) any {
				if i > 0 {
					return "bad body"
				}
				return nil
			}),
		"cert.RosterChangeBody.Append": pure(list, zero, func(int) any { return change.Append(before) }, func(int) any { return after(changeBytes) }),
		"cert.ParseRosterChangeBody": known(list, damaged(changeBytes, change, "bad body", changeBytes[:31], slices.Concat(make([]byte, 32), plainRoster(nil))),
			cert.ParseRosterChangeBody),
		"cert.EvidenceBody.Append": pure(list, zero, func(int) any { return evidence.Append(before) }, func(int) any { return after(evidence.Bundle[:]) }),
		"cert.ParseEvidenceBody":   known(list, damaged(evidence.Bundle[:], evidence, "bad body"), cert.ParseEvidenceBody),
		"cert.MergeBody.Append":    pure(list, both, func(i int) any { return merges[i].Append(before) }, func(i int) any { return after(plainMerge(merges[i])) }),
		"cert.ParseMergeBody":      known(list, mergeFacts(w), cert.ParseMergeBody),
		"cert.ObstructionBody.Append": pure(list, both, func(i int) any { return obstructions[i].Append(before) }, func(i int) any {
			b, _ := plainObstruction(obstructions[i])
			return after(b)
		}),
		"cert.ObstructionBody.EventOffsets": pure(list, both, func(i int) any { return obstructions[i].EventOffsets() }, func(i int) any {
			_, offsets := plainObstruction(obstructions[i])
			return offsets
		}),
		"cert.ParseObstructionBody": known(list, obstructionFacts(w), cert.ParseObstructionBody),
		"cert.ObstructionKind.HasDep": pure("the kinds", func() []cert.ObstructionKind { return []cert.ObstructionKind{0, 1, 2, 3, 4} },
			func(k cert.ObstructionKind) any { return k.HasDep() }, func(k cert.ObstructionKind) any { return k == 1 || k == 2 }),
		"cert.ObstructionItem.Compare": pure(list, func() [][2]int { return pairs(len(items) + 1) },
			func(p [2]int) any {
				all := append(slices.Clone(items), cert.ObstructionItem{Key: items[1].Key, Kind: items[1].Kind, Dep: key.Key{0: 0xFF}})
				return all[p[0]].Compare(&all[p[1]])
			},
			func(p [2]int) any {
				all := append(slices.Clone(items), cert.ObstructionItem{Key: items[1].Key, Kind: items[1].Kind, Dep: key.Key{0: 0xFF}})
				text := func(it cert.ObstructionItem) []byte {
					return slices.Concat(it.Key[:], []byte{byte(it.Kind)}, it.Dep[:])
				}
				return cmp.Compare(bytes.Compare(text(all[p[0]]), text(all[p[1]])), 0)
			}),
	}
}
