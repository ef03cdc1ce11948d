package sim

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// Most is the largest roster of a run.
const Most = 6

// Scheme makes and checks the signatures of all members.
type Scheme interface {
	Sign(member int, msg []byte) cert.Signature
	Verify(member int, msg []byte, sig cert.Signature) bool
}

// Fast is a keyed hash in the place of a signature: whoever verifies could sign too,
// which nobody here does.
type Fast struct{}

// Sign returns SHA-256 of the member and msg, twice over.
func (Fast) Sign(member int, msg []byte) (sig cert.Signature) {
	var room [256]byte
	h := sha256.Sum256(append(append(append(room[:0], "omega/sim"...), byte(member)), msg...))
	copy(sig[:], h[:])
	copy(sig[32:], h[:])
	return sig
}

// Verify signs again.
func (f Fast) Verify(member int, msg []byte, sig cert.Signature) bool {
	return f.Sign(member, msg) == sig
}

// Ed25519 is the product's signatures, with the keys of Key.
type Ed25519 struct{}

// Sign signs msg with the member's key.
func (Ed25519) Sign(member int, msg []byte) cert.Signature {
	return cert.Signature(ed25519.Sign(Key(member), msg))
}

// Verify verifies with the member's public key.
func (Ed25519) Verify(member int, msg []byte, sig cert.Signature) bool {
	return ed25519.Verify(Key(member).Public().(ed25519.PublicKey), msg, sig[:])
}

var keys = sync.OnceValue(func() (keys [Most]ed25519.PrivateKey) {
	for i := range keys {
		seed := make([]byte, ed25519.SeedSize)
		binary.BigEndian.PutUint32(seed, uint32(i+1))
		keys[i] = ed25519.NewKeyFromSeed(seed)
	}
	return keys
})

// Key returns the private key of member i, the same in every run.
func Key(i int) ed25519.PrivateKey { return keys()[i] }

// signer is one member's side of a scheme.
// SignerOf returns the signer of one member.
func SignerOf(s Scheme, member int) quorum.Signer { return signer{s, member} }

type signer struct {
	Scheme
	member int
}

func (s signer) Sign(msg []byte) cert.Signature { return s.Scheme.Sign(s.member, msg) }

// Config returns member self's config on the chain.
func Config(s Scheme, chain cert.Chain, self int) *quorum.Config {
	return &quorum.Config{
		Chain: chain.Name, Roster: chain.Roster, Self: self,
		Signer: signer{s, self}, Verify: s.Verify,
	}
}

type genesisID struct {
	members int
	salt    byte
}

type beginning struct {
	certificate cert.Certificate
	chain       cert.Chain
}

var beginnings sync.Map // genesisID -> *beginning

// Genesis returns the genesis certificate of n members, m0, m1 ..., with true Ed25519
// signatures, and the chain behind it. Another salt is another chain of the same
// members.
func Genesis(n int, salt byte) (cert.Certificate, cert.Chain) {
	id := genesisID{n, salt}
	b, ok := beginnings.Load(id)
	if !ok {
		b, _ = beginnings.LoadOrStore(id, begin(id))
	}
	g := b.(*beginning)
	return g.certificate, g.chain
}

func begin(id genesisID) *beginning {
	body := cert.GenesisBody{Random: [32]byte{id.salt}}
	for i := range id.members {
		public := cert.PublicKey(Key(i).Public().(ed25519.PublicKey))
		body.Roster = append(body.Roster, cert.Member{Name: fmt.Sprint("m", i), Key: public, Nodes: []uint32{uint32(i)}})
	}
	c := cert.Certificate{Body: body.Append(nil)}
	c.Envelope = cert.Seal(cert.Genesis, merkle.EmptyRoot(), 0, cert.Hash{}, c.Body)
	for i := range id.members {
		c.Signatures = append(c.Signatures, Ed25519{}.Sign(i, cert.VoteMessage(cert.Hash{}, c.Envelope.Hash())))
	}
	chain, err := cert.Chain{}.Check(&c)
	if err != nil {
		panic(err)
	}
	return &beginning{c, chain}
}

// Content returns one of 256 certificates that can follow the chain.
func Content(chain cert.Chain, variant int) quorum.Content {
	body := (&cert.EvidenceBody{Bundle: cert.Hash{byte(variant)}}).Append(nil)
	return quorum.Content{
		Envelope: cert.Seal(cert.Evidence, merkle.EmptyRoot(), chain.Length, chain.Head, body),
		Body:     body,
	}
}
