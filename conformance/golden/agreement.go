package main

import (
	"crypto/ed25519"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// writeAgreement prints a section signature (SIG-1, SIG-2) and every effect of
// runs in which members agree on two certificates, once at the first attempt and
// once at the second (QRM-1 to QRM-21).
func writeAgreement(p *printer) {
	g := &generator{state: 7}
	keys := memberKeys(0, 3)
	genesis := &chainWriter{p: &printer{w: discard{}}, keys: keys}
	genesis.add(cert.Genesis, merkle.EmptyRoot(), (&cert.GenesisBody{
		Random: [32]byte(g.bytes(32)), Roster: rosterOf(keys, 0),
	}).Append(nil))

	signed := omegalog.Section{Node: 1, Count: 9, Root: merkle.Hash(g.bytes(merkle.HashSize))}
	p.hex("section/signature", must(omegalog.Sign(genesis.chain.Name, signed, signer(keys[1]))).Append(nil))

	c := &cluster{p: p, g: g}
	for i, k := range keys {
		c.members = append(c.members, &member{
			config: must(quorum.NewConfig(genesis.chain, signer(k).Public(), signer(k))), state: quorum.Begin(genesis.chain),
		})
		c.step(i, quorum.Start{Nonce: quorum.Nonce{byte(i + 1)}})
	}
	for rounds := 0; c.lowest() <= lastHeight && rounds < 40; rounds++ {
		c.deliver()
		for i := range c.members {
			c.step(i, quorum.Tick{})
		}
	}
	for i, m := range c.members {
		p.hex(fmt.Sprintf("quorum/head/%d", i), m.state.Chain.Head[:])
	}
}

// lastHeight is the last height for which the members make candidates.
const lastHeight = 2

// discard is a writer of nothing.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// signer is an Ed25519 key that signs sections and messages.
type signer ed25519.PrivateKey

// Public implements omegalog.Signer.
func (s signer) Public() cert.PublicKey {
	return cert.PublicKey(ed25519.PrivateKey(s).Public().(ed25519.PublicKey))
}

// Sign implements omegalog.Signer and quorum.Signer.
func (s signer) Sign(message []byte) cert.Signature {
	return cert.Signature(ed25519.Sign(ed25519.PrivateKey(s), message))
}

// cluster runs members that get every message, in the order of sending.
type cluster struct {
	p       *printer
	g       *generator
	members []*member
	queue   []delivery
	effects int // printed so far
}

type member struct {
	config *quorum.Config
	state  quorum.State
}

type delivery struct {
	to      int
	message quorum.Wire
}

// lowest returns the least height that a member is at.
func (c *cluster) lowest() uint64 {
	least := c.members[0].state.Height()
	for _, m := range c.members {
		least = min(least, m.state.Height())
	}
	return least
}

// deliver hands over messages until none is left.
func (c *cluster) deliver() {
	for len(c.queue) > 0 {
		d := c.queue[0]
		c.queue = c.queue[1:]
		bytes := quorum.Encode(d.message)
		c.step(d.to, must(quorum.Decode(bytes)))
	}
}

// step gives member i a message and carries out the effects. A refusal is
// printed: which messages are refused is part of the protocol.
func (c *cluster) step(i int, message quorum.Message) {
	m := c.members[i]
	state, effects, err := quorum.Step(m.config, m.state, message)
	if err != nil {
		c.print(i, fmt.Sprintf("refused-%T", message), nil)
		return
	}
	m.state = state
	for _, e := range effects {
		c.carryOut(i, e)
	}
}

func (c *cluster) print(i int, name string, b []byte) {
	c.effects++
	c.p.digest(fmt.Sprintf("quorum/%03d/%d/%s", c.effects, i, name), b)
}

func (c *cluster) carryOut(i int, e quorum.Effect) {
	name := fmt.Sprintf("%T", e)
	switch e := e.(type) {
	case quorum.Persist:
		c.print(i, name, e.Durable)
	case quorum.Send:
		c.print(i, name, quorum.Encode(e.Message))
		c.send(i, e.To, e.Message)
	case quorum.Append:
		c.print(i, name, must(cert.AppendRecord(nil, &e.Certificate)))
	case quorum.Announce:
		c.print(i, name, nil)
		c.send(i, quorum.Everyone, &quorum.Decided{Certificate: e.Certificate})
	case quorum.NeedCandidate:
		c.print(i, name, e.Digest[:])
		if e.Digest == (cert.Hash{}) && e.Height <= lastHeight {
			c.step(i, c.candidate(i, e.Attempt))
		}
	default:
		c.print(i, name, nil)
	}
}

// send queues a message of member from for member to, or for all others.
func (c *cluster) send(from, to int, message quorum.Wire) {
	for i := range c.members {
		if i == to || to == quorum.Everyone && i != from {
			c.queue = append(c.queue, delivery{i, message})
		}
	}
}

// candidate is what member i stands for in the attempt: at the last height first
// its own, else the same as all.
func (c *cluster) candidate(i int, attempt uint64) quorum.Candidate {
	chain := &c.members[i].state.Chain
	bundle := cert.Hash{byte(chain.Length)}
	if chain.Length == lastHeight && attempt == 0 {
		bundle[1] = byte(i)
	}
	body := (&cert.EvidenceBody{Bundle: bundle}).Append(nil)
	return quorum.Candidate{Attempt: attempt, Content: quorum.Content{
		Envelope: cert.Seal(cert.Evidence, merkle.EmptyRoot(), chain.Length, chain.Head, body), Body: body,
	}}
}
