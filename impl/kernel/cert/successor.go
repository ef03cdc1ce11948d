package cert

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
)

// Successor is what a genesis says of the chain that its own succeeds, because a
// member of that one is lost and nothing can be certified there any more (BDY-8):
//
//	old_chain[32] | old_head[32] | old_length u64 | count u16 | count x (member u16 | signature[64])
//
// It binds nobody to the old chain's content: the new chain begins without a past.
type Successor struct {
	Chain     Hash        // the old chain's name
	Head      Hash        // the cert_hash of its last certificate, as far as those who remain have it
	Length    uint64      // its certificates up to that one
	Remaining []Remaining // strictly increasing by member
}

// Remaining is a member of the old chain that is not lost, with its signature, by
// its old key, of the last resort (BDY-9).
type Remaining struct {
	Member    uint16 // its index in the roster that the old chain ends with
	Signature Signature
}

const remainingSize = 2 + SignatureSize

// append appends the bytes of s, of which there are none where it is nil.
func (s *Successor) append(b []byte) []byte {
	if s == nil {
		return b
	}
	b = append(append(b, s.Chain[:]...), s.Head[:]...)
	b = binary.BigEndian.AppendUint64(b, s.Length)
	b = binary.BigEndian.AppendUint16(b, uint16(len(s.Remaining)))
	for i := range s.Remaining {
		b = binary.BigEndian.AppendUint16(b, s.Remaining[i].Member)
		b = append(b, s.Remaining[i].Signature[:]...)
	}
	return b
}

func (d *decoder) successor() *Successor {
	s := &Successor{Chain: d.hash(), Head: d.hash(), Length: d.u64()}
	count := int(d.u16())
	raw := d.take(count * remainingSize)
	if d.err == nil && (s.Length == 0 || count == 0) {
		d.fail("the old chain has %d certificates, and %d members remain; want one of each at least", s.Length, count)
	}
	for len(raw) > 0 {
		r := Remaining{Member: binary.BigEndian.Uint16(raw), Signature: Signature(raw[2:])}
		if n := len(s.Remaining); n > 0 && s.Remaining[n-1].Member >= r.Member {
			d.fail("the members who remain are not strictly increasing: %d, then %d", s.Remaining[n-1].Member, r.Member)
		}
		s.Remaining, raw = append(s.Remaining, r), raw[remainingSize:]
	}
	return s
}

// LastResortMessage returns the bytes that those who remain sign with their old keys
// for the successor that g is the genesis of (BDY-9):
//
//	"omega/last-resort/v1\0" | old_chain | old_head | old_length u64 | roster_hash | random
func (g *GenesisBody) LastResortMessage() []byte {
	s, roster := g.Successor, g.Roster.Hash()
	b := append([]byte(resortTag), s.Chain[:]...)
	b = binary.BigEndian.AppendUint64(append(b, s.Head[:]...), s.Length)
	return append(append(b, roster[:]...), g.Random[:]...)
}

// CheckSuccessor checks the signatures of those who remain against the roster that the
// old chain ends with, of which a member is lost (BDY-9). The error wraps ErrBody.
func (g *GenesisBody) CheckSuccessor(old Roster) error {
	remaining, message := g.Successor.Remaining, g.LastResortMessage()
	if len(remaining) >= len(old) {
		return bodyError(Genesis, fmt.Errorf("%d members remain of %d: nobody is lost", len(remaining), len(old)))
	}
	for _, r := range remaining {
		if int(r.Member) >= len(old) {
			return bodyError(Genesis, fmt.Errorf("member %d remains, the old roster has %d", r.Member, len(old)))
		}
		m := &old[r.Member]
		if !ed25519.Verify(m.Key[:], message, r.Signature[:]) {
			return bodyError(Genesis, fmt.Errorf("the signature of member %d is not one by %q for this last resort", r.Member, m.Name))
		}
	}
	return nil
}
