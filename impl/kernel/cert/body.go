package cert

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/fixed"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// ErrBody is wrapped by every error about a body's content or bytes.
var ErrBody = errors.New("bad body")

func bodyError(t Type, err error) error {
	return fmt.Errorf("%w, %v: %w", ErrBody, t, err)
}

// GenesisBody is what a genesis certificate says (BDY-1):
//
//	random[32] | roster
type GenesisBody struct {
	Random [32]byte // makes the chain's name unique
	Roster Roster
}

// Append appends the body's bytes to b (BDY-1).
func (g *GenesisBody) Append(b []byte) []byte {
	return g.Roster.Append(append(b, g.Random[:]...))
}

// ParseGenesisBody reads and validates the body of a genesis certificate (BDY-1).
func ParseGenesisBody(b []byte) (*GenesisBody, error) {
	d := decoder{b: b}
	g := &GenesisBody{Random: [32]byte(d.fixed(32))}
	if d.err != nil {
		return nil, bodyError(Genesis, d.err)
	}
	var err error
	if g.Roster, err = ParseRoster(b[d.at:]); err != nil {
		return nil, bodyError(Genesis, err)
	}
	return g, nil
}

// Stream is what a merge's body says of one stream's events in its trace: the
// figures (FIX-5) and the first and last key, by which the certified past is
// searched (BDY-3).
type Stream struct {
	Node        uint32
	Stream      uint16
	Stats       fixed.Stats
	First, Last key.Key
}

// MergeBody is what a merge certificate says (BDY-2):
//
//	state[32] | events u64 | envelopes_root[32] | roster_hash[32] |
//	streams u32 | streams x (node u32 | stream u16 | count u64 | sum i128 | min i32 | max i32 | mean i32) |
//	streams x (first_key[28] | last_key[28])
type MergeBody struct {
	State         Hash        // the state after this merge (STA-1)
	Events        uint64      // events in the trace
	EnvelopesRoot merkle.Hash // RFC 6962 root over the envelopes 0 .. height-1
	RosterHash    Hash
	Streams       []Stream // strictly increasing by (node, stream)
}

const (
	analyticsSize = 4 + 2 + 8 + 16 + 3*4
	streamSize    = analyticsSize + 2*key.Size
)

// Append appends the body's bytes to b (BDY-2).
func (m *MergeBody) Append(b []byte) []byte {
	b = append(b, m.State[:]...)
	b = binary.BigEndian.AppendUint64(b, m.Events)
	b = append(b, m.EnvelopesRoot[:]...)
	b = append(b, m.RosterHash[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(m.Streams)))
	for i := range m.Streams {
		b = m.Streams[i].appendAnalytics(b)
	}
	for i := range m.Streams {
		b = append(b, m.Streams[i].First[:]...)
		b = append(b, m.Streams[i].Last[:]...)
	}
	return b
}

func (s *Stream) appendAnalytics(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, s.Node)
	b = binary.BigEndian.AppendUint16(b, s.Stream)
	b = binary.BigEndian.AppendUint64(b, s.Stats.Count)
	sum := s.Stats.Sum.Bytes()
	b = append(b, sum[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(s.Stats.Min))
	b = binary.BigEndian.AppendUint32(b, uint32(s.Stats.Max))
	mean, _ := s.Stats.Mean()
	return binary.BigEndian.AppendUint32(b, uint32(mean))
}

// ParseMergeBody reads the body of a merge certificate (BDY-2). It refuses
// streams out of order, counts that are zero or do not add up to events, a mean
// that is not the rounded quotient or not from min to max, and first and last
// keys of another stream or the wrong way round (BDY-3).
func ParseMergeBody(b []byte) (*MergeBody, error) {
	d := decoder{b: b}
	m := &MergeBody{State: d.hash(), Events: d.u64()}
	m.EnvelopesRoot, m.RosterHash = merkle.Hash(d.hash()), d.hash()
	n := int(d.u32())
	if want := n * streamSize; d.err == nil && len(b)-d.at != want {
		d.fail("%d streams have %d bytes, got %d", n, want, len(b)-d.at)
	}
	if d.err != nil {
		return nil, bodyError(Merge, d.err)
	}
	m.Streams = make([]Stream, n)
	for i := range m.Streams {
		m.Streams[i].parseAnalytics(&d)
	}
	var events uint64
	for i := range m.Streams {
		s := &m.Streams[i]
		s.First, s.Last = key.Key(d.fixed(key.Size)), key.Key(d.fixed(key.Size))
		if err := s.validate(); err != nil {
			d.fail("stream %d: %w", i, err)
		}
		if i > 0 && m.Streams[i-1].compare(s) >= 0 {
			d.fail("streams %d and %d are out of order", i-1, i)
		}
		if events+s.Stats.Count < events {
			d.fail("the counts overflow")
		}
		events += s.Stats.Count
	}
	if events != m.Events {
		d.fail("the counts add up to %d, events is %d", events, m.Events)
	}
	if err := d.end(); err != nil {
		return nil, bodyError(Merge, err)
	}
	return m, nil
}

func (s *Stream) parseAnalytics(d *decoder) {
	s.Node, s.Stream = d.u32(), d.u16()
	s.Stats.Count = d.u64()
	s.Stats.Sum = fixed.FromBytes([16]byte(d.fixed(16)))
	s.Stats.Min, s.Stats.Max = int32(d.u32()), int32(d.u32())
	got := int32(d.u32())
	if mean, ok := s.Stats.Mean(); mean != got || !ok && s.Stats.Count > 0 {
		d.fail("mean is %d, sum %v and count %d give %d", got, s.Stats.Sum, s.Stats.Count, mean)
	}
}

func (s *Stream) compare(o *Stream) int {
	if s.Node != o.Node {
		return compareUint(uint64(s.Node), uint64(o.Node))
	}
	return compareUint(uint64(s.Stream), uint64(o.Stream))
}

func compareUint(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (s *Stream) validate() error {
	if s.Stats.Count == 0 {
		return errors.New("its count is 0")
	}
	if s.Stats.Min > s.Stats.Max {
		return fmt.Errorf("min %d is over max %d", s.Stats.Min, s.Stats.Max)
	}
	if mean, _ := s.Stats.Mean(); mean < s.Stats.Min || mean > s.Stats.Max {
		return fmt.Errorf("mean %d is not from min %d to max %d", mean, s.Stats.Min, s.Stats.Max)
	}
	for _, k := range []*key.Key{&s.First, &s.Last} {
		if k.Node() != s.Node || k.Stream() != s.Stream {
			return fmt.Errorf("the key %v is not of node %d, stream %d", k, s.Node, s.Stream)
		}
	}
	if c := s.First.Compare(&s.Last); c > 0 || (c == 0) != (s.Stats.Count == 1) {
		return fmt.Errorf("%d events from key %v to %v", s.Stats.Count, s.First, s.Last)
	}
	return nil
}

// ObstructionKind is the reason for which events cannot be admitted (OBS-1).
type ObstructionKind uint8

// The kinds of obstructions, in canonical order (OBS-2).
const (
	Equivocation ObstructionKind = 0
	Lamport      ObstructionKind = 1
	MissingDep   ObstructionKind = 2
	Stale        ObstructionKind = 3
)

// String returns the kind in the words of OBS-1.
func (k ObstructionKind) String() string {
	return [...]string{"equivocation", "lamport", "missing-dep", "stale"}[k]
}

// HasDep reports whether an obstruction of this kind names a dep (OBS-1).
func (k ObstructionKind) HasDep() bool { return k == Lamport || k == MissingDep }

// ObstructionItem names one obstruction; Dep is the zero key where the kind has
// none (OBS-1).
type ObstructionItem struct {
	Key  key.Key
	Kind ObstructionKind
	Dep  key.Key
}

// Compare orders obstructions by key, then kind, then dep (OBS-2).
func (o *ObstructionItem) Compare(p *ObstructionItem) int {
	if c := o.Key.Compare(&p.Key); c != 0 {
		return c
	}
	if o.Kind != p.Kind {
		return compareUint(uint64(o.Kind), uint64(p.Kind))
	}
	return o.Dep.Compare(&p.Dep)
}

// ObstructionBody is what an obstruction certificate says: why a batch could not
// be admitted, and the bytes of every event concerned, of all versions of a key
// that equivocates (BDY-4):
//
//	items u32 | items x (key[28] | kind u8 | dep[28]) | events u32 | events x (len u32 | event)
type ObstructionBody struct {
	Items  []ObstructionItem // strictly increasing (OBS-2)
	Events []event.View      // strictly increasing by (key, bytes)
}

const itemSize = 2*key.Size + 1

// Append appends the body's bytes to b (BDY-4).
func (o *ObstructionBody) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(o.Items)))
	for i := range o.Items {
		b = append(b, o.Items[i].Key[:]...)
		b = append(b, byte(o.Items[i].Kind))
		b = append(b, o.Items[i].Dep[:]...)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(o.Events)))
	for _, e := range o.Events {
		b = binary.BigEndian.AppendUint32(b, uint32(len(e)))
		b = append(b, e...)
	}
	return b
}

// EventOffsets returns where each event begins in the body, its length field
// included (BDY-4).
func (o *ObstructionBody) EventOffsets() []int64 {
	offsets := make([]int64, len(o.Events))
	at := int64(4 + len(o.Items)*itemSize + 4)
	for i, e := range o.Events {
		offsets[i] = at
		at += int64(4 + len(e))
	}
	return offsets
}

// ParseObstructionBody reads the body of an obstruction certificate (BDY-4). It
// refuses what does not fit together: items or events out of order, an item
// whose key has no event, an event that no item names, an equivocation of one
// version, a lamport item whose dep is smaller or not a dep of the event (BDY-5).
func ParseObstructionBody(b []byte) (*ObstructionBody, error) {
	d := decoder{b: b}
	o := &ObstructionBody{}
	o.parseItems(&d)
	o.parseEvents(&d)
	if err := d.end(); err != nil {
		return nil, bodyError(Obstruction, err)
	}
	if err := o.validate(); err != nil {
		return nil, bodyError(Obstruction, err)
	}
	return o, nil
}

func (o *ObstructionBody) parseItems(d *decoder) {
	n := int(d.u32())
	raw := d.take(n * itemSize)
	if len(raw) == 0 {
		d.fail("it has no obstruction")
		return
	}
	o.Items = make([]ObstructionItem, n)
	for i := range o.Items {
		item := raw[i*itemSize:]
		o.Items[i] = ObstructionItem{
			Key: key.Key(item), Kind: ObstructionKind(item[key.Size]), Dep: key.Key(item[key.Size+1:]),
		}
		it := &o.Items[i]
		if it.Kind > Stale {
			d.fail("item %d: kind %d is unknown", i, it.Kind)
		} else if !it.Kind.HasDep() && it.Dep != (key.Key{}) {
			d.fail("item %d: %v has no dep, got %v", i, it.Kind, it.Dep)
		}
		if i > 0 && o.Items[i-1].Compare(it) >= 0 {
			d.fail("items %d and %d are out of order", i-1, i)
		}
	}
}

func (o *ObstructionBody) parseEvents(d *decoder) {
	for i := range d.u32() {
		raw := d.take(int(d.u32()))
		if d.err != nil {
			return
		}
		v, err := event.Parse(raw)
		if err != nil {
			d.fail("event %d: %w", i, err)
			return
		}
		if i > 0 && compareEvents(o.Events[i-1], v) >= 0 {
			d.fail("events %d and %d are out of order", i-1, i)
		}
		o.Events = append(o.Events, v)
	}
}

// compareEvents orders events by key, then by bytes; keys come first in both.
func compareEvents(a, b event.View) int { return bytes.Compare(a, b) }

func (o *ObstructionBody) validate() error {
	events := o.Events
	for i := 0; i < len(o.Items); {
		k := &o.Items[i].Key
		j := i
		for j < len(o.Items) && o.Items[j].Key == *k {
			j++
		}
		n := 0
		for n < len(events) && *events[n].Key() == *k {
			n++
		}
		if n == 0 {
			return fmt.Errorf("the key %v has no event", k)
		}
		if err := checkItems(o.Items[i:j], events[:n]); err != nil {
			return err
		}
		i, events = j, events[n:]
	}
	if len(events) > 0 {
		return fmt.Errorf("no obstruction names the event %v", events[0].Key())
	}
	return nil
}

// checkItems checks the items of one key against the versions of its event.
func checkItems(items []ObstructionItem, versions []event.View) error {
	if (items[0].Kind == Equivocation) != (len(versions) > 1) {
		return fmt.Errorf("the key %v has %d versions under %v", items[0].Key, len(versions), items[0].Kind)
	}
	for i := range items {
		it := &items[i]
		if !it.Kind.HasDep() {
			continue
		}
		if late := it.Dep.Lamport() >= it.Key.Lamport(); late != (it.Kind == Lamport) {
			return fmt.Errorf("%v is no %v of %v", it.Dep, it.Kind, it.Key)
		}
		if !anyHasDep(versions, &it.Dep) {
			return fmt.Errorf("no version of %v has the dep %v", it.Key, it.Dep)
		}
	}
	return nil
}

func anyHasDep(versions []event.View, dep *key.Key) bool {
	for _, v := range versions {
		for i := range v.DepCount() {
			if *v.Dep(i) == *dep {
				return true
			}
		}
	}
	return false
}

// RosterChangeBody is what a roster change says (BDY-6):
//
//	old_roster_hash[32] | roster
type RosterChangeBody struct {
	OldHash Hash
	Roster  Roster
}

// Append appends the body's bytes to b (BDY-6).
func (r *RosterChangeBody) Append(b []byte) []byte {
	return r.Roster.Append(append(b, r.OldHash[:]...))
}

// ParseRosterChangeBody reads and validates the body of a roster change (BDY-6).
func ParseRosterChangeBody(b []byte) (*RosterChangeBody, error) {
	d := decoder{b: b}
	r := &RosterChangeBody{OldHash: d.hash()}
	if d.err != nil {
		return nil, bodyError(RosterChange, d.err)
	}
	var err error
	if r.Roster, err = ParseRoster(b[d.at:]); err != nil {
		return nil, bodyError(RosterChange, err)
	}
	return r, nil
}

// EvidenceBody is what a verification evidence says: the SHA-256 hash of the
// bundle that its signers have made themselves (BDY-7).
type EvidenceBody struct{ Bundle Hash }

// Append appends the body's 32 bytes to b (BDY-7).
func (e *EvidenceBody) Append(b []byte) []byte { return append(b, e.Bundle[:]...) }

// ParseEvidenceBody reads the body of a verification evidence (BDY-7).
func ParseEvidenceBody(b []byte) (*EvidenceBody, error) {
	d := decoder{b: b}
	e := &EvidenceBody{Bundle: d.hash()}
	if err := d.end(); err != nil {
		return nil, bodyError(Evidence, err)
	}
	return e, nil
}
