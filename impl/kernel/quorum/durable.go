package quorum

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// Durable is what of a State survives a crash (QRM-21). It counts for one
// height alone: where the chain's next certificate is of a later height, it is void.
type Durable struct {
	Chain      cert.Hash
	Height     uint64
	Prepare    *SignedPrepare // the own newest, or nil
	Proof      *Proof         // the highest known, or nil
	Lock       *Proof         // what the member is locked from, or nil
	Candidates []Content      // those of the three above, as far as held; strictly increasing by digest
}

// Encode returns the bytes that Persist puts on disk, with integers big-endian and
// the fields as in Encode of messages (QRM-21):
//
//	chain[32] | height u64 | signed_prepare? | proof? | lock proof? |
//	count u8 | count x (envelope[121] | body_len u32 | body | joining u16 | joining x signature[64])
//
// Nothing in them tells their format, its version or damage: the vote file that
// holds them does (CLG-7).
func (d *Durable) Encode() []byte {
	b := append([]byte(nil), d.Chain[:]...)
	b = binary.BigEndian.AppendUint64(b, d.Height)
	b = appendOptional(b, d.Prepare)
	b = appendOptional(b, d.Proof)
	b = appendOptional(b, d.Lock)
	b = append(b, byte(len(d.Candidates)))
	for i := range d.Candidates {
		c := &d.Candidates[i]
		e := c.Envelope.Bytes()
		b = append(b, e[:]...)
		b = binary.BigEndian.AppendUint32(b, uint32(len(c.Body)))
		b = append(b, c.Body...)
		b = appendSignatures(b, c.Joining)
	}
	return b
}

// DecodeDurable reads what Encode wrote, and refuses every other form. The error
// wraps ErrEncoding. Bodies share bytes with b. It verifies no signature: Start
// does (QRM-21). Neither finds a height that damage made lower, which voids all
// else: the crc of the vote file does (CLG-7).
func DecodeDurable(b []byte) (*Durable, error) {
	d := &decoder{b: b}
	out := &Durable{
		Chain: d.hash(), Height: d.u64(),
		Prepare: d.optionalPrepare(), Proof: d.optionalProof(), Lock: d.optionalProof(),
	}
	out.decodeCandidates(d)
	if err := d.end(); err != nil {
		return nil, err
	}
	if err := out.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	return out, nil
}

func (d *Durable) decodeCandidates(in *decoder) {
	var n [1]byte
	in.into(n[:])
	for range n[0] {
		c := Content{Envelope: in.envelope()}
		c.Body = in.take(int(in.u32()))
		if joining := in.signatures(); len(joining) > 0 {
			c.Joining = joining
		}
		if in.err != nil {
			return
		}
		d.Candidates = append(d.Candidates, c)
	}
}

// validate checks that the candidates are those that the other fields ask for.
func (d *Durable) validate() error {
	for i := range d.Candidates {
		digest := d.Candidates[i].Digest()
		if !d.wants(digest) {
			return fmt.Errorf("nothing refers to the candidate %v", digest)
		}
		if i > 0 && compareHashes(d.Candidates[i-1].Digest(), digest) >= 0 {
			return fmt.Errorf("the candidates %d and %d are out of order", i-1, i)
		}
	}
	if d.Prepare != nil && find(d.Candidates, d.Prepare.Digest) == nil {
		return fmt.Errorf("the candidate of the prepare, %v, is missing", d.Prepare.Digest)
	}
	if d.Lock != nil && find(d.Candidates, d.Lock.Digest) == nil {
		return fmt.Errorf("the candidate of the lock, %v, is missing", d.Lock.Digest)
	}
	return nil
}

func (d *Durable) wants(digest cert.Hash) bool {
	return d.Prepare != nil && d.Prepare.Digest == digest ||
		d.Proof != nil && d.Proof.Digest == digest ||
		d.Lock != nil && d.Lock.Digest == digest
}

func compareHashes(a, b cert.Hash) int { return bytes.Compare(a[:], b[:]) }

// find returns the content with the digest, or nil.
func find(contents []Content, digest cert.Hash) *Content {
	for i := range contents {
		if contents[i].Digest() == digest {
			return &contents[i]
		}
	}
	return nil
}

// insert returns contents with c, in order of the digests.
func insert(contents []Content, c Content) []Content {
	i, ok := slices.BinarySearchFunc(contents, c.Digest(), func(c Content, digest cert.Hash) int {
		return compareHashes(c.Digest(), digest)
	})
	if ok {
		return contents
	}
	return slices.Insert(contents, i, c)
}
