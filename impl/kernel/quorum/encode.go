package quorum

import (
	"encoding/binary"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// The kinds of messages, their first byte (QRM-1).
const (
	kindPrepare     = 1
	kindCommit      = 2
	kindDecided     = 3
	kindResync      = 4
	kindResyncReply = 5
)

// Encode returns the message's bytes (QRM-2). Integers are big-endian; an
// optional field, marked ?, is one byte 0, or one byte 1 and the field:
//
//	prepare:      1 | chain[32] | from u16 | height u64 | signed_prepare | proof?
//	commit:       2 | chain[32] | from u16 | signed_commit | proof?
//	decided:      3 | one record of cert.log
//	resync:       4 | chain[32] | from u16 | height u64 | nonce[16] | signature[64]
//	resync_reply: 5 | chain[32] | from u16 | to u16 | height u64 | nonce[16] | signed_prepare? | signed_commit? | signature[64]
//
//	signed_prepare: attempt u64 | digest[32] | signature[64]
//	signed_commit:  envelope[121] | vote[64]
//	proof:          attempt u64 | digest[32] | count u16 | count x signature[64]
//
// A Decided must have a certificate that cert.AppendRecord takes.
func Encode(m Wire) []byte { return m.append(nil) }

// Decode reads the bytes of one message, to their end. The error wraps
// ErrEncoding. What it returns shares bytes with b. It verifies no signature
// (QRM-2).
func Decode(b []byte) (Wire, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: an empty message", ErrEncoding)
	}
	d := &decoder{b: b, at: 1}
	var m Wire
	switch b[0] {
	case kindPrepare:
		m = &Prepare{Chain: d.hash(), From: int(d.u16()), Height: d.u64(), SignedPrepare: d.signedPrepare(), Proof: d.optionalProof()}
	case kindCommit:
		m = &Commit{Chain: d.hash(), From: int(d.u16()), SignedCommit: d.signedCommit(), Proof: d.optionalProof()}
	case kindDecided:
		m = d.decided()
	case kindResync:
		m = &Resync{Chain: d.hash(), From: int(d.u16()), Height: d.u64(), Nonce: d.nonce(), Signature: d.signature()}
	case kindResyncReply:
		m = d.resyncReply()
	default:
		return nil, fmt.Errorf("%w: the kind %d is unknown", ErrEncoding, b[0])
	}
	if err := d.end(); err != nil {
		return nil, err
	}
	return m, nil
}

func appendHead(b []byte, kind byte, chain cert.Hash, from int) []byte {
	b = append(append(b, kind), chain[:]...)
	return binary.BigEndian.AppendUint16(b, uint16(from))
}

func (m *Prepare) append(b []byte) []byte {
	b = appendHead(b, kindPrepare, m.Chain, m.From)
	b = binary.BigEndian.AppendUint64(b, m.Height)
	return appendOptional(m.SignedPrepare.append(b), m.Proof)
}

func (m *Commit) append(b []byte) []byte {
	b = appendHead(b, kindCommit, m.Chain, m.From)
	return appendOptional(m.SignedCommit.append(b), m.Proof)
}

func (m *Decided) append(b []byte) []byte {
	b, err := cert.AppendRecord(append(b, kindDecided), &m.Certificate)
	if err != nil {
		panic("quorum: a certificate that no record can hold: " + err.Error())
	}
	return b
}

func (d *decoder) decided() *Decided {
	rest := d.take(len(d.b) - d.at)
	c, size, err := cert.NextRecord(rest, 0)
	if err != nil {
		d.fail("record: %w", err)
		return nil
	}
	if left := int64(len(rest)) - size; left > 0 {
		d.fail("%d left-over bytes behind the record", left)
	}
	return &Decided{Certificate: *c}
}

func (m *Resync) append(b []byte) []byte {
	b = appendHead(b, kindResync, m.Chain, m.From)
	b = binary.BigEndian.AppendUint64(b, m.Height)
	return append(append(b, m.Nonce[:]...), m.Signature[:]...)
}

func (m *ResyncReply) append(b []byte) []byte {
	b = append(append(b, kindResyncReply), m.Chain[:]...)
	return append(m.appendContent(b), m.Signature[:]...)
}

// appendContent appends what stands between the chain and the signature.
func (m *ResyncReply) appendContent(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(m.From))
	b = binary.BigEndian.AppendUint16(b, uint16(m.To))
	b = binary.BigEndian.AppendUint64(b, m.Height)
	b = append(b, m.Nonce[:]...)
	return appendOptional(appendOptional(b, m.Prepare), m.Commit)
}

func (d *decoder) resyncReply() *ResyncReply {
	m := &ResyncReply{Chain: d.hash(), From: int(d.u16()), To: int(d.u16()), Height: d.u64(), Nonce: d.nonce()}
	m.Prepare = d.optionalPrepare()
	if d.present() {
		c := d.signedCommit()
		m.Commit = &c
	}
	m.Signature = d.signature()
	return m
}

// appendOptional appends an optional field: 0, or 1 and the field.
func appendOptional[T any, P interface {
	*T
	append(b []byte) []byte
}](b []byte, field P) []byte {
	if field == nil {
		return append(b, 0)
	}
	return field.append(append(b, 1))
}

func (p *SignedPrepare) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, p.Attempt)
	return append(append(b, p.Digest[:]...), p.Signature[:]...)
}

func (d *decoder) signedPrepare() SignedPrepare {
	return SignedPrepare{Attempt: d.u64(), Digest: d.hash(), Signature: d.signature()}
}

func (d *decoder) optionalPrepare() *SignedPrepare {
	if !d.present() {
		return nil
	}
	p := d.signedPrepare()
	return &p
}

func (c *SignedCommit) append(b []byte) []byte {
	e := c.Envelope.Bytes()
	return append(append(b, e[:]...), c.Vote[:]...)
}

func (d *decoder) signedCommit() SignedCommit {
	return SignedCommit{Envelope: d.envelope(), Vote: d.signature()}
}

func (d *decoder) envelope() cert.Envelope {
	var raw [cert.EnvelopeSize]byte
	d.into(raw[:])
	e, _ := cert.ParseEnvelope(raw[:]) // fails on another length only
	return e
}

func (p *Proof) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, p.Attempt)
	return appendSignatures(append(b, p.Digest[:]...), p.Signatures)
}

// appendSignatures appends a count u16 and the signatures.
func appendSignatures(b []byte, signatures []cert.Signature) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(signatures)))
	for i := range signatures {
		b = append(b, signatures[i][:]...)
	}
	return b
}

func (d *decoder) optionalProof() *Proof {
	if !d.present() {
		return nil
	}
	p := &Proof{Attempt: d.u64(), Digest: d.hash(), Signatures: d.signatures()}
	if d.err != nil {
		return nil
	}
	return p
}

// signatures reads a count u16 and as many signatures.
func (d *decoder) signatures() []cert.Signature {
	n := int(d.u16())
	raw := d.take(n * cert.SignatureSize)
	if d.err != nil {
		return nil
	}
	list := make([]cert.Signature, n)
	for i := range list {
		list[i] = cert.Signature(raw[i*cert.SignatureSize:])
	}
	return list
}
