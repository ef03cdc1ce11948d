package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// writeChain prints a chain with a certificate of every type, each signed by all
// members, and the chain after each (CRT-1 to CRT-6, BDY-1 to BDY-9, LOG-2, STA-1).
func writeChain(p *printer) {
	g := &generator{state: 5}
	c := &chainWriter{p: p, keys: memberKeys(0, 4)}
	c.add(cert.Genesis, merkle.EmptyRoot(), (&cert.GenesisBody{
		Random: [32]byte(g.bytes(32)), Roster: rosterOf(c.keys, 0),
	}).Append(nil))
	for range 4 {
		c.addMerge(g.log(200))
	}
	c.add(cert.Obstruction, merkle.EmptyRoot(), equivocation(g).Append(nil))
	old := c.chain.Roster.Hash()
	next := memberKeys(2, 3)
	c.keys = append(c.keys, next...)
	c.add(cert.RosterChange, merkle.EmptyRoot(), (&cert.RosterChangeBody{
		OldHash: old, Roster: rosterOf(next, 2),
	}).Append(nil))
	c.keys = next
	c.addMerge(g.log(300))
	c.addMerge(nil)
	c.add(cert.Evidence, merkle.EmptyRoot(), (&cert.EvidenceBody{Bundle: cert.Hash(g.bytes(32))}).Append(nil))
	p.digest("chain/log", c.log)
	p.text("chain/damage", damages(g, c.log))
	c.succeed(g)
}

// succeed prints the genesis of a chain that succeeds c, whose first member is lost
// (BDY-8, BDY-9).
func (c *chainWriter) succeed(g *generator) {
	body := &cert.GenesisBody{Random: [32]byte(g.bytes(32)), Roster: rosterOf(memberKeys(5, 2), 5)}
	body.Successor = &cert.Successor{Chain: c.chain.Name, Head: c.chain.Head, Length: c.chain.Length}
	for i, k := range c.keys[1:] {
		sig := cert.Signature(ed25519.Sign(k, body.LastResortMessage()))
		body.Successor.Remaining = append(body.Successor.Remaining, cert.Remaining{Member: uint16(i + 1), Signature: sig})
	}
	c.p.digest("chain/last-resort/message", body.LastResortMessage())
	b := body.Append(nil)
	c.p.hex("chain/last-resort/body", b)
	read := must(cert.ParseGenesisBody(b))
	err := read.CheckSuccessor(c.chain.Roster)
	c.p.text("chain/last-resort/again", fmt.Sprint(read.Successor.Length, len(read.Successor.Remaining), err == nil))
}

// memberKeys returns n Ed25519 keys; member i has a seed of bytes first+i+1.
func memberKeys(first, n int) []ed25519.PrivateKey {
	keys := make([]ed25519.PrivateKey, n)
	for i := range keys {
		seed := slices.Repeat([]byte{byte(first + i + 1)}, ed25519.SeedSize)
		keys[i] = ed25519.NewKeyFromSeed(seed)
	}
	return keys
}

// rosterOf returns the roster of keys, the first of which is member first.
func rosterOf(keys []ed25519.PrivateKey, first int) cert.Roster {
	roster := make(cert.Roster, len(keys))
	for i, k := range keys {
		roster[i] = cert.Member{
			Name:  fmt.Sprintf("member-%d", first+i),
			Key:   cert.PublicKey(k.Public().(ed25519.PublicKey)),
			Nodes: []uint32{uint32(first + i)},
		}
	}
	return roster
}

// chainWriter extends a chain by signed certificates and prints each.
type chainWriter struct {
	p     *printer
	keys  []ed25519.PrivateKey // of the members who sign, in order
	chain cert.Chain
	log   []byte // the records so far
}

// add seals, signs, checks and prints the certificate of body.
func (c *chainWriter) add(t cert.Type, root merkle.Hash, body []byte) {
	c.p.digest(fmt.Sprintf("chain/%d/body", c.chain.Length), body)
	signed := &cert.Certificate{Envelope: cert.Seal(t, root, c.chain.Length, c.chain.Head, body), Body: body}
	vote := cert.VoteMessage(c.chain.Name, signed.Envelope.Hash())
	for _, k := range c.keys {
		signed.Signatures = append(signed.Signatures, cert.Signature(ed25519.Sign(k, vote)))
	}
	start := len(c.log)
	c.log = must(cert.AppendRecord(c.log, signed))
	c.chain = must(c.chain.Check(signed))
	read, _, err := cert.NextRecord(c.log, int64(start))
	envelope := must(read, err).Envelope.Bytes()
	name := fmt.Sprintf("chain/%d/", read.Envelope.BatchID)
	c.p.hex(name+"envelope", envelope[:])
	c.p.hex(name+"signature", read.Signatures[len(read.Signatures)-1][:])
	c.p.digest(name+"record", c.log[start:])
	c.p.hex(name+"state", c.chain.State[:])
	envelopes := c.chain.Envelopes.Root()
	c.p.hex(name+"envelopes-root", envelopes[:])
	prepare := cert.PrepareMessage(c.chain.Name, c.chain.Length, 3, c.chain.Head)
	c.p.digest(name+"prepare", prepare)
}

// addMerge adds the merge of events.
func (c *chainWriter) addMerge(events []event.Event) {
	slices.SortFunc(events, func(a, b event.Event) int { return a.Key.Compare(&b.Key) })
	leaf := func(i int) []byte { return must(events[i].Append(nil)) }
	root := merkle.TraceRoot(len(events), leaf, 2)
	body := cert.MergeBody{
		State:         cert.NextState(c.chain.State, root),
		Events:        uint64(len(events)),
		EnvelopesRoot: c.chain.Envelopes.Root(),
		RosterHash:    c.chain.Roster.Hash(),
		Streams:       streamsOf(events),
	}
	c.add(cert.Merge, root, body.Append(nil))
}

// streamsOf returns the figures of sorted events by (node, stream) (BDY-3).
func streamsOf(sorted []event.Event) []cert.Stream {
	var streams []cert.Stream
	for node := range uint32(4) {
		for number := range uint16(2) {
			s := cert.Stream{Node: node, Stream: number}
			for i := range sorted {
				k := &sorted[i].Key
				if k.Node() != node || k.Stream() != number {
					continue
				}
				if s.Stats.Count == 0 {
					s.First = *k
				}
				s.Last = *k
				s.Stats.Add(sorted[i].Value)
			}
			if s.Stats.Count > 0 {
				streams = append(streams, s)
			}
		}
	}
	return streams
}

// equivocation returns an obstruction of each kind on one batch of events.
func equivocation(g *generator) *cert.ObstructionBody {
	dep := g.key(9)
	keys := []key.Key{g.key(5), g.key(6), g.key(10), g.key(11)}
	body := &cert.ObstructionBody{Items: []cert.ObstructionItem{
		{Key: keys[0], Kind: cert.Equivocation},
		{Key: keys[1], Kind: cert.Lamport, Dep: dep},
		{Key: keys[2], Kind: cert.MissingDep, Dep: dep},
		{Key: keys[3], Kind: cert.Stale},
	}}
	for i, k := range keys {
		e := event.Event{Key: k, Value: int32(i)}
		if body.Items[i].Kind.HasDep() {
			e.Deps = []key.Key{dep}
		}
		body.Events = append(body.Events, must(e.Append(nil)))
	}
	second := event.Event{Key: keys[0], Value: 1}
	body.Events = slices.Insert(body.Events, 1, event.View(must(second.Append(nil))))
	return body
}

// damages flips one bit of log in many places and tells kind and offset of the
// first error of each (LOG-4).
func damages(g *generator, log []byte) string {
	text := ""
	for range 32 {
		damaged := slices.Clone(log)
		damaged[g.below(len(damaged))] ^= 1 << g.below(8)
		var err error
		for offset := int64(0); err == nil; {
			_, offset, err = cert.NextRecord(damaged, offset)
		}
		if damage, ok := errors.AsType[*cert.RecordError](err); ok {
			text += fmt.Sprintln(damage.Kind, damage.Offset)
		}
	}
	return text
}
