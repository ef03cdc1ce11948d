// Package cert holds certificates: the links of the chain that all members
// sign, and the rules by which anyone checks a chain from raw bytes.
//
// A certificate is an envelope of 121 bytes, a body, and one signature a member
// (clauses CRT-1 to CRT-4). The envelope, big-endian and packed:
//
//	cert_id u128 | cert_type u8 | trace_root_hash[32] | batch_id u64 | body_hash[32] | prev_cert_hash[32]
//
// Its three derived fields commit to the rest:
//
//	body_hash = SHA-256("omega/body/v1\0" | body)
//	cert_id   = first 16 bytes of SHA-256("omega/cert-id/v1\0" | the envelope's other 105 bytes)
//	cert_hash = SHA-256("omega/cert/v1\0" | envelope), the next envelope's prev_cert_hash
//
// The first certificate of a chain is its genesis: it holds the roster, and its
// cert_hash is the chain's name. A member votes by signing
// "omega/vote/v1\0" | chain | cert_hash (CRT-5). Roster describes who may
// sign, the Body types what each type of certificate says, Chain what may follow
// what. On disk a certificate is a record of cert.log: AppendRecord, NextRecord.
package cert

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// Type says what a certificate certifies (CRT-2).
type Type uint8

// The types of certificates (CRT-2).
const (
	Genesis      Type = 0
	Merge        Type = 1
	Obstruction  Type = 2
	RosterChange Type = 3
	Evidence     Type = 4
)

// String returns the type's name in the words of CRT-2.
func (t Type) String() string {
	names := [...]string{"genesis", "merge", "obstruction", "roster change", "verification evidence"}
	if int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// Hash is a SHA-256 hash: a cert_hash, a body_hash, a chain's name, a state.
type Hash [sha256.Size]byte

// String returns the hash as 64 lower-case hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash reads 64 hex digits, in either case (BIN-7).
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != 2*len(h) {
		return Hash{}, fmt.Errorf("a hash has %d hex digits, got %d", 2*len(h), len(s))
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil {
		return Hash{}, fmt.Errorf("hash %q: %w", s, err)
	}
	return h, nil
}

// The domain tags: no byte string is hashed or signed in two meanings (CRT-3).
const (
	bodyTag    = "omega/body/v1\x00"
	idTag      = "omega/cert-id/v1\x00"
	certTag    = "omega/cert/v1\x00"
	voteTag    = "omega/vote/v1\x00"
	stateTag   = "omega/state/v1\x00"
	rosterTag  = "omega/roster/v1\x00"
	prepareTag = "omega/prepare/v1\x00"
	resortTag  = "omega/last-resort/v1\x00"
)

func tagged(tag string, parts ...[]byte) Hash {
	h := sha256.New()
	h.Write([]byte(tag))
	for _, p := range parts {
		h.Write(p)
	}
	return Hash(h.Sum(nil))
}

// BodyHash returns the body_hash of body (CRT-3).
func BodyHash(body []byte) Hash { return tagged(bodyTag, body) }

// NextState returns the state after a merge of the trace with the given root
// onto the state prev (STA-1). The state at genesis is 32 zero bytes; no other
// type changes it.
func NextState(prev Hash, traceRoot merkle.Hash) Hash {
	return tagged(stateTag, prev[:], traceRoot[:])
}

// VoteMessage returns the bytes that a member signs to vote for a certificate
// (CRT-5). For genesis chain is the zero Hash.
func VoteMessage(chain, certHash Hash) []byte {
	b := append([]byte(voteTag), chain[:]...)
	return append(b, certHash[:]...)
}

// PrepareMessage returns the bytes that a member signs to prepare a digest in
// one attempt at one height (QRM-3).
func PrepareMessage(chain Hash, height, attempt uint64, digest Hash) []byte {
	b := append([]byte(prepareTag), chain[:]...)
	b = binary.BigEndian.AppendUint64(b, height)
	b = binary.BigEndian.AppendUint64(b, attempt)
	return append(b, digest[:]...)
}

// EnvelopeSize is the size of an envelope in bytes (CRT-1).
const EnvelopeSize = 121

// ID is a certificate's cert_id (CRT-3).
type ID [16]byte

// String returns the id as 32 lower-case hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Envelope is what the members sign (CRT-1).
type Envelope struct {
	ID        ID
	Type      Type
	TraceRoot merkle.Hash // the empty root except in a merge
	BatchID   uint64      // the height: genesis 0, then 1, 2, 3 ... without a gap
	BodyHash  Hash
	Prev      Hash // cert_hash of the certificate before; zero at genesis
}

// Seal returns the envelope of the given body, with its body_hash and cert_id
// (CRT-3).
func Seal(t Type, traceRoot merkle.Hash, height uint64, prev Hash, body []byte) Envelope {
	e := Envelope{Type: t, TraceRoot: traceRoot, BatchID: height, BodyHash: BodyHash(body), Prev: prev}
	e.ID = e.deriveID()
	return e
}

func (e *Envelope) deriveID() ID {
	b := e.Bytes()
	h := tagged(idTag, b[len(e.ID):])
	return ID(h[:])
}

// Bytes returns the envelope's 121 bytes (CRT-1).
func (e *Envelope) Bytes() [EnvelopeSize]byte {
	b := make([]byte, 0, EnvelopeSize)
	b = append(b, e.ID[:]...)
	b = append(b, byte(e.Type))
	b = append(b, e.TraceRoot[:]...)
	b = binary.BigEndian.AppendUint64(b, e.BatchID)
	b = append(b, e.BodyHash[:]...)
	b = append(b, e.Prev[:]...)
	return [EnvelopeSize]byte(b)
}

// ParseEnvelope reads the 121 bytes of an envelope (CRT-1). Any such bytes are
// an envelope; whether its fields hold is for Chain.Check.
func ParseEnvelope(b []byte) (Envelope, error) {
	if len(b) != EnvelopeSize {
		return Envelope{}, fmt.Errorf("an envelope has %d bytes, got %d", EnvelopeSize, len(b))
	}
	return Envelope{
		ID:        ID(b[0:16]),
		Type:      Type(b[16]),
		TraceRoot: merkle.Hash(b[17:49]),
		BatchID:   binary.BigEndian.Uint64(b[49:57]),
		BodyHash:  Hash(b[57:89]),
		Prev:      Hash(b[89:121]),
	}, nil
}

// Hash returns the certificate's cert_hash: its digest, and the link to it
// (CRT-3).
func (e *Envelope) Hash() Hash {
	b := e.Bytes()
	return tagged(certTag, b[:])
}

// SignatureSize is the size of an Ed25519 signature in bytes.
const SignatureSize = 64

// Signature is an Ed25519 signature.
type Signature [SignatureSize]byte

// Certificate is an envelope, its body and the members' signatures, in roster
// order; for a roster change the old roster's, then the new one's (CRT-4).
type Certificate struct {
	Envelope   Envelope
	Body       []byte
	Signatures []Signature
}
