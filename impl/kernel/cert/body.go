package cert

import (
	"encoding/binary"
	"errors"
	"fmt"

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
//	random[32] | roster | nothing, or successor
type GenesisBody struct {
	Random    [32]byte // makes the chain's name unique
	Roster    Roster
	Successor *Successor // or nil: the chain succeeds none
}

// Append appends the body's bytes to b (BDY-1).
func (g *GenesisBody) Append(b []byte) []byte {
	return g.Successor.append(g.Roster.Append(append(b, g.Random[:]...)))
}

// ParseGenesisBody reads and validates the body of a genesis certificate (BDY-1).
func ParseGenesisBody(b []byte) (*GenesisBody, error) {
	d := decoder{b: b}
	g := &GenesisBody{Random: [32]byte(d.fixed(32))}
	if d.err != nil {
		return nil, bodyError(Genesis, d.err)
	}
	var err error
	if g.Roster, err = d.roster(); err != nil {
		return nil, bodyError(Genesis, err)
	}
	if d.at < len(b) {
		g.Successor = d.successor()
	}
	if err := d.end(); err != nil {
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
