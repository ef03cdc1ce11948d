package omegalog

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// A signature file is 186 bytes, big-endian (SIG-1):
//
//	"OMEGASIG" | version u16 = 1 | chain[32] | node u32 | count u64 | root[32] | public_key[32] | signature[64] | crc u32
//
// crc is CRC-32C of all that comes before it. The signature is Ed25519 by
// public_key over (SIG-2)
//
//	"omega/section/v1\0" | chain | node u32 | count u64 | root[32]
//
// where root is the RFC 6962 root of the section's events in file order.
const (
	// SignatureMagic opens every signature file (SIG-1).
	SignatureMagic = "OMEGASIG"
	// SignatureVersion is the signature format's version (SIG-1).
	SignatureVersion = 1
	// SignatureSize is the size of a signature file in bytes (SIG-1).
	SignatureSize = sigCRCAt + 4
	// SignatureSuffix is what a signature file's name adds to the section's (SIG-1).
	SignatureSuffix = ".sig"

	sectionTag = "omega/section/v1\x00"

	sigVersionAt = 8
	sigChainAt   = 10
	sigNodeAt    = sigChainAt + 32
	sigCountAt   = sigNodeAt + 4
	sigRootAt    = sigCountAt + 8
	sigKeyAt     = sigRootAt + merkle.HashSize
	sigAt        = sigKeyAt + cert.KeySize
	sigCRCAt     = sigAt + cert.SignatureSize
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// The ways in which a signature fails (SIG-3). Match with errors.Is.
var (
	ErrSignatureFormat = errors.New("not a section signature")
	ErrSignatureKey    = errors.New("the signature does not fit its key")
	ErrSignatureChain  = errors.New("the signature is for another chain")
	ErrSignatureNode   = errors.New("the signature is for another node")
	ErrSignatureCount  = errors.New("the signature is for another number of events")
	ErrSignatureRoot   = errors.New("the signature is for other events")
	ErrSignatureSigner = errors.New("the signer does not write this node")
	ErrMixed           = errors.New("a mixed file has no writer to sign it")
)

// Section is what a signature says of a section: its writer and its events (SIG-2).
type Section struct {
	Node  uint32
	Count uint64      // events
	Root  merkle.Hash // RFC 6962 root of the events in file order
}

// Section reads the whole file and sums it up (SIG-2). Call it under Guard. The
// error is a *frame.Error.
func (v *OmegaLogView) Section() (Section, error) {
	header, err := v.Header()
	if err != nil {
		return Section{}, err
	}
	var tree merkle.Tree
	for f, err := range v.Events() {
		if err != nil {
			return Section{}, err
		}
		tree.Append(merkle.LeafHash(f.Event))
	}
	return Section{Node: header.Node, Count: tree.Size(), Root: tree.Root()}, nil
}

// Message returns the bytes that are signed for the section on a chain (SIG-2).
func (s *Section) Message(chain cert.Hash) []byte {
	return s.append(append([]byte(sectionTag), chain[:]...))
}

func (s *Section) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, s.Node)
	b = binary.BigEndian.AppendUint64(b, s.Count)
	return append(b, s.Root[:]...)
}

// Signature is a section signature: by it the holder of Key answers for the
// events of the section that are its own (SIG-1).
type Signature struct {
	Chain     cert.Hash
	Section   Section
	Key       cert.PublicKey
	Signature cert.Signature
}

// Signer signs messages with the private key of Public.
type Signer interface {
	Public() cert.PublicKey
	Sign(message []byte) cert.Signature
}

// Sign signs the section for a chain. The error is ErrMixed.
func Sign(chain cert.Hash, s Section, signer Signer) (*Signature, error) {
	if s.Node == frame.Mixed {
		return nil, ErrMixed
	}
	return &Signature{Chain: chain, Section: s, Key: signer.Public(), Signature: signer.Sign(s.Message(chain))}, nil
}

// Append appends the signature file's bytes to b (SIG-1).
func (s *Signature) Append(b []byte) []byte {
	start := len(b)
	b = append(b, SignatureMagic...)
	b = binary.BigEndian.AppendUint16(b, SignatureVersion)
	b = append(b, s.Chain[:]...)
	b = s.Section.append(b)
	b = append(b, s.Key[:]...)
	b = append(b, s.Signature[:]...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

// ParseSignature reads the bytes of a signature file (SIG-1). It judges their
// form alone; the error is ErrSignatureFormat.
func ParseSignature(b []byte) (*Signature, error) {
	fail := func(format string, args ...any) (*Signature, error) {
		return nil, fmt.Errorf("%w: %s", ErrSignatureFormat, fmt.Sprintf(format, args...))
	}
	if len(b) != SignatureSize {
		return fail("got %d bytes, want %d", len(b), SignatureSize)
	}
	if got := b[:sigVersionAt]; string(got) != SignatureMagic {
		return fail("got %q at offset 0, want %q", got, SignatureMagic)
	}
	if got := binary.BigEndian.Uint16(b[sigVersionAt:]); got != SignatureVersion {
		return fail("got version %d at offset %d, want %d", got, sigVersionAt, SignatureVersion)
	}
	got, want := binary.BigEndian.Uint32(b[sigCRCAt:]), crc32.Checksum(b[:sigCRCAt], castagnoli)
	if got != want {
		return fail("crc at offset %d is %08x, the bytes give %08x", sigCRCAt, got, want)
	}
	s := &Signature{
		Chain: cert.Hash(b[sigChainAt:sigNodeAt]),
		Section: Section{
			Node:  binary.BigEndian.Uint32(b[sigNodeAt:]),
			Count: binary.BigEndian.Uint64(b[sigCountAt:]),
			Root:  merkle.Hash(b[sigRootAt:sigKeyAt]),
		},
		Key:       cert.PublicKey(b[sigKeyAt:sigAt]),
		Signature: cert.Signature(b[sigAt:sigCRCAt]),
	}
	if s.Section.Node == frame.Mixed {
		return fail("node %08x at offset %d stands for mixed files, which have no writer", s.Section.Node, sigNodeAt)
	}
	return s, nil
}

// Verify checks that the signature is for the section on the chain, and by the
// member that the roster names for its node (SIG-3); it returns that member's
// index. Errors, in the order in which they are judged: ErrSignatureChain,
// ErrSignatureNode, ErrSignatureCount, ErrSignatureRoot, ErrSignatureSigner,
// ErrSignatureKey.
func (s *Signature) Verify(chain cert.Hash, section Section, roster cert.Roster) (member int, err error) {
	switch {
	case s.Chain != chain:
		return 0, fmt.Errorf("%w: got %v, want %v", ErrSignatureChain, s.Chain, chain)
	case s.Section.Node != section.Node:
		return 0, fmt.Errorf("%w: got %d, the section has %d", ErrSignatureNode, s.Section.Node, section.Node)
	case s.Section.Count != section.Count:
		return 0, fmt.Errorf("%w: got %d, the section has %d", ErrSignatureCount, s.Section.Count, section.Count)
	case s.Section.Root != section.Root:
		return 0, fmt.Errorf("%w: got root %v, the section has %v", ErrSignatureRoot, s.Section.Root, section.Root)
	}
	member, ok := roster.Writer(section.Node)
	if !ok {
		return 0, fmt.Errorf("%w: the roster gives node %d to nobody", ErrSignatureSigner, section.Node)
	}
	if want := roster[member].Key; s.Key != want {
		return 0, fmt.Errorf("%w: node %d is %q's with the key %x, got %x",
			ErrSignatureSigner, section.Node, roster[member].Name, want, s.Key)
	}
	if err := s.VerifyKey(); err != nil {
		return 0, err
	}
	return member, nil
}

// VerifyKey checks the signature against its own key alone: that whoever holds
// that key signed (SIG-2). Whose key it is, and what the section holds, is for
// Verify.
func (s *Signature) VerifyKey() error {
	if !ed25519.Verify(s.Key[:], s.Section.Message(s.Chain), s.Signature[:]) {
		return fmt.Errorf("%w %x", ErrSignatureKey, s.Key)
	}
	return nil
}

// WriteSignature writes the signature file of the section file path, durably and
// in place of an older one (SIG-1).
func WriteSignature(path string, s *Signature) error {
	name := path + SignatureSuffix
	if err := durable.WriteFile(durable.OS{}, name, s.Append(nil), 0o644); err != nil {
		return pathError(name, err)
	}
	return nil
}

// ReadSignature reads the signature file of the section file path. Where there
// is none, the error is fs.ErrNotExist: the section is unsigned.
func ReadSignature(path string) (*Signature, error) {
	name := path + SignatureSuffix
	b, err := durable.OS{}.ReadFile(name)
	if err != nil {
		return nil, pathError(name, err)
	}
	s, err := ParseSignature(b)
	if err != nil {
		return nil, &Error{Path: name, Err: err}
	}
	return s, nil
}
