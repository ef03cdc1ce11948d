package refine

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"

	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// World is a roster with its private keys, and everything that a digest of some
// values can name. It remembers signatures and whether they verify, so it serves one
// goroutine.
type World struct {
	*Naming
	Genesis  cert.Chain // behind the genesis, at height 1
	private  []ed25519.PrivateKey
	blocks   map[string]block // by the text of the digest
	signed   map[string]cert.Signature
	verified map[string]bool
}

// block is what a digest names: a content, and the chain behind it.
type block struct {
	content quorum.Content
	chain   cert.Chain
}

// NewWorld returns the world of members with these names, and of the digests up to
// the given height over the values.
func NewWorld(members, values []string, heights int) (*World, error) {
	w := &World{blocks: map[string]block{}, signed: map[string]cert.Signature{}, verified: map[string]bool{}}
	var body cert.GenesisBody
	for i, name := range members {
		seed := sha256.Sum256([]byte("omega test key of " + name))
		private := ed25519.NewKeyFromSeed(seed[:])
		w.private = append(w.private, private)
		public := cert.PublicKey(private.Public().(ed25519.PublicKey))
		body.Roster = append(body.Roster, cert.Member{Name: name, Key: public, Nodes: []uint32{uint32(i + 1)}})
	}
	genesis := quorum.Content{Body: body.Append(nil)}
	genesis.Envelope = cert.Seal(cert.Genesis, merkle.EmptyRoot(), 0, cert.Hash{}, genesis.Body)
	var err error
	if w.Genesis, err = (cert.Chain{}).CheckContent(&genesis.Envelope, genesis.Body); err != nil {
		return nil, err
	}
	w.Naming = NewNaming(w.Genesis.Name, members, w.verify)
	w.blocks[tlavalue.Seq{}.String()] = block{genesis, w.Genesis}
	return w, w.addBlocks(w.Genesis, values, heights)
}

// addBlocks makes the contents that can stand behind chain, and those behind them.
func (w *World) addBlocks(chain cert.Chain, values []string, heights int) error {
	if heights == 0 {
		return nil
	}
	for _, value := range values {
		body := cert.EvidenceBody{Bundle: cert.Hash(sha256.Sum256([]byte(value)))}
		c := quorum.Content{Body: body.Append(nil)}
		c.Envelope = cert.Seal(cert.Evidence, merkle.EmptyRoot(), chain.Length, chain.Head, c.Body)
		next, err := chain.CheckContent(&c.Envelope, c.Body)
		if err != nil {
			return fmt.Errorf("the content %s of height %d: %w", value, chain.Length, err)
		}
		if err := w.AddContent(&c, value); err != nil {
			return err
		}
		w.blocks[w.digests[c.Digest()].String()] = block{c, next}
		if err := w.addBlocks(next, values, heights-1); err != nil {
			return err
		}
	}
	return nil
}

// Config returns the config of a member.
func (w *World) Config(self int) *quorum.Config {
	return &quorum.Config{
		Chain: w.Genesis.Name, Roster: w.Genesis.Roster, Self: self,
		Signer: signer{w, self}, Verify: w.verify,
	}
}

// NonceOf returns the nonce with a number, which it names.
func (w *World) NonceOf(number int) quorum.Nonce {
	nonce := quorum.Nonce{15: byte(number), 14: byte(number >> 8)}
	w.AddNonce(nonce, number)
	return nonce
}

// Sign returns the member's signature of msg.
func (w *World) Sign(member int, msg []byte) cert.Signature {
	k := memoKey(member, msg)
	sig, ok := w.signed[k]
	if !ok {
		sig = cert.Signature(ed25519.Sign(w.private[member], msg))
		w.signed[k] = sig
	}
	return sig
}

func (w *World) verify(member int, msg []byte, sig cert.Signature) bool {
	k := memoKey(member, sig[:]) + string(msg)
	ok, known := w.verified[k]
	if !known {
		ok = ed25519.Verify(w.private[member].Public().(ed25519.PublicKey), msg, sig[:])
		w.verified[k] = ok
	}
	return ok
}

func memoKey(member int, b []byte) string { return string(append([]byte{byte(member)}, b...)) }

type signer struct {
	*World
	member int
}

func (s signer) Sign(msg []byte) cert.Signature { return s.World.Sign(s.member, msg) }
