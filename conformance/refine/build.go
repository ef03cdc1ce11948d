package refine

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// Exists says whether a member has ever signed msg. Where a message asks for a
// signature that does not exist, a broken one stands in its place.
type Exists func(member int, msg []byte) bool

// Everything is the world in which all that could be signed has been.
func Everything(int, []byte) bool { return true }

// State returns the state of a member for mem[m], which is not None, and log[m].
func (w *World) State(mem, log tlavalue.Value) (quorum.State, error) {
	b := builder{World: w, exists: Everything}
	s := quorum.Begin(b.chainBehind(log))
	b.state(&s, mem)
	return s, b.err
}

// Down returns the state with which a member begins that finds log[m].
func (w *World) Down(log tlavalue.Value) (quorum.State, error) {
	b := builder{World: w}
	return quorum.Begin(b.chainBehind(log)), b.err
}

// Durable returns what stands on the disk of member self for disk[m], nil for None,
// where the log is log[m].
func (w *World) Durable(self int, disk, log tlavalue.Value) (*quorum.Durable, error) {
	if disk == None {
		return nil, nil
	}
	b := builder{World: w, exists: Everything}
	height := b.chainBehind(log).Length
	d := &quorum.Durable{
		Chain: w.Genesis.Name, Height: height,
		Prepare: b.prepare(height, self, b.get(disk, "prepare")),
		Proof:   b.proof(height, b.get(disk, "proof")),
		Lock:    b.proof(height, b.get(disk, "lock")),
	}
	d.Candidates = b.candidates(b.get(disk, "candidates"))
	return d, b.err
}

// Content returns what a digest names.
func (w *World) Content(digest tlavalue.Value) (quorum.Content, error) {
	b := builder{World: w}
	c := b.block(digest).content
	return c, b.err
}

// Certificate returns the certificate for an entry of log[m].
func (w *World) Certificate(entry tlavalue.Value) (*cert.Certificate, error) {
	b := builder{World: w, exists: Everything}
	c := b.certificate(entry)
	return &c, b.err
}

// Message returns the message for a record of net, with the signatures that exist.
func (w *World) Message(x tlavalue.Value, exists Exists) (quorum.Wire, error) {
	b := builder{World: w, exists: exists}
	m := b.message(x)
	return m, b.err
}

// builder makes values of the code. After the first error they are worth nothing.
type builder struct {
	*World
	exists Exists
	err    error
}

func (b *builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("no value of the quorum's model: "+format, args...)
	}
}

func (b *builder) get(v tlavalue.Value, field string) tlavalue.Value {
	r, _ := v.(tlavalue.Record)
	value, ok := r.Get(field)
	if !ok {
		b.fail("%v has no field %s", v, field)
		return None
	}
	return value
}

func (b *builder) number(v tlavalue.Value) int {
	n, ok := v.(tlavalue.Int)
	if !ok || n < 0 {
		b.fail("%v is no number", v)
	}
	return int(n)
}

func (b *builder) member(v tlavalue.Value) int {
	name, _ := v.(tlavalue.Model)
	i := slices.Index(b.members, name)
	if i < 0 {
		b.fail("%v is no member", v)
		return 0
	}
	return i
}

func (b *builder) set(v tlavalue.Value) tlavalue.Set {
	s, ok := v.(tlavalue.Set)
	if !ok {
		b.fail("%v is no set", v)
	}
	return s
}

// of returns what a function gives for member i.
func (b *builder) of(v tlavalue.Value, i int) tlavalue.Value {
	f, _ := v.(tlavalue.Function)
	value, ok := f.Get(b.members[i])
	if !ok {
		b.fail("%v gives nothing for %v", v, b.members[i])
		return None
	}
	return value
}

func (b *builder) block(digest tlavalue.Value) block {
	found, ok := b.blocks[digest.String()]
	if !ok {
		b.fail("%v names nothing", digest)
	}
	return found
}

// chainBehind returns the chain behind log[m], of which the last entry says it all.
func (b *builder) chainBehind(log tlavalue.Value) cert.Chain {
	entries, ok := log.(tlavalue.Seq)
	if !ok {
		b.fail("%v is no log", log)
	}
	if len(entries) == 0 {
		return b.Genesis
	}
	return b.block(b.get(entries[len(entries)-1], "digest")).chain
}

// sign returns a signature, or a broken one.
func (b *builder) sign(member int, msg []byte, really bool) cert.Signature {
	sig := b.World.Sign(member, msg)
	if !really || !b.exists(member, msg) {
		sig[0] ^= 1
	}
	return sig
}

func (b *builder) state(s *quorum.State, mem tlavalue.Value) {
	height := s.Height()
	s.Started = true
	s.Nonce = b.NonceOf(b.number(b.get(mem, "nonce")))
	answered := b.set(b.get(mem, "answered"))
	s.Attempt = uint64(b.number(b.get(mem, "attempt")))
	if own := b.get(mem, "own"); own != None {
		c := b.block(own).content
		s.Own = c.Digest()
	}
	s.Candidates = b.candidates(b.get(mem, "candidates"))
	s.Proof, s.Lock = b.proof(height, b.get(mem, "proof")), b.proof(height, b.get(mem, "lock"))
	for i, name := range b.members {
		s.Answered = append(s.Answered, answered.Has(name))
		s.Prepares[i] = quorum.Held{
			Current: b.prepare(height, i, b.of(b.get(mem, "current"), i)),
			Newest:  b.prepare(height, i, b.of(b.get(mem, "newest"), i)),
		}
		s.Commits[i] = b.commit(i, b.of(b.get(mem, "commits"), i))
	}
	for _, e := range b.set(b.get(mem, "evidence")) {
		s.Evidence = append(s.Evidence, b.evidence(s.Chain, e))
	}
	s.Halted = b.halted(height, b.get(mem, "halted"))
}

func (b *builder) candidates(v tlavalue.Value) (list []quorum.Content) {
	for _, digest := range b.set(v) {
		list = append(list, b.block(digest).content)
	}
	slices.SortFunc(list, func(x, y quorum.Content) int {
		dx, dy := x.Digest(), y.Digest()
		return bytes.Compare(dx[:], dy[:])
	})
	return list
}

func (b *builder) prepare(height uint64, member int, v tlavalue.Value) *quorum.SignedPrepare {
	if v == None {
		return nil
	}
	c := b.block(b.get(v, "digest")).content
	p := &quorum.SignedPrepare{Attempt: uint64(b.number(b.get(v, "attempt"))), Digest: c.Digest()}
	p.Signature = b.sign(member, cert.PrepareMessage(b.chain, height, p.Attempt, p.Digest), true)
	return p
}

func (b *builder) proof(height uint64, v tlavalue.Value) *quorum.Proof {
	if v == None {
		return nil
	}
	c := b.block(b.get(v, "digest")).content
	by := b.set(b.get(v, "by"))
	p := &quorum.Proof{Attempt: uint64(b.number(b.get(v, "attempt"))), Digest: c.Digest()}
	for i, name := range b.members {
		msg := cert.PrepareMessage(b.chain, height, p.Attempt, p.Digest)
		p.Signatures = append(p.Signatures, b.sign(i, msg, by.Has(name)))
	}
	return p
}

func (b *builder) commit(member int, digest tlavalue.Value) *quorum.SignedCommit {
	if digest == None {
		return nil
	}
	c := b.block(digest).content
	return &quorum.SignedCommit{Envelope: c.Envelope, Vote: b.sign(member, cert.VoteMessage(b.chain, c.Digest()), true)}
}

func (b *builder) certificate(entry tlavalue.Value) cert.Certificate {
	c := b.block(b.get(entry, "digest")).content
	votes := b.set(b.get(entry, "votes"))
	out := cert.Certificate{Envelope: c.Envelope, Body: c.Body}
	for i, name := range b.members {
		out.Signatures = append(out.Signatures, b.sign(i, cert.VoteMessage(b.chain, c.Digest()), votes.Has(name)))
	}
	return out
}

// evidence returns two messages that show what <<member, kind>> accuses of: of two
// contents behind the chain, in attempt 0.
func (b *builder) evidence(chain cert.Chain, v tlavalue.Value) quorum.Evidence {
	pair, ok := v.(tlavalue.Seq)
	if !ok || len(pair) != 2 {
		b.fail("%v is no evidence", v)
		return quorum.Evidence{}
	}
	e := quorum.Evidence{Member: b.member(pair[0])}
	var shown []quorum.Wire
	for _, next := range b.successors(chain) {
		digest := next.content.Digest()
		if pair[1] == tlavalue.Value(tlavalue.String("prepare")) {
			p := quorum.SignedPrepare{Digest: digest}
			p.Signature = b.sign(e.Member, cert.PrepareMessage(b.chain, chain.Length, 0, digest), true)
			shown = append(shown, &quorum.Prepare{Chain: b.chain, Height: chain.Length, From: e.Member, SignedPrepare: p})
		} else {
			vote := b.sign(e.Member, cert.VoteMessage(b.chain, digest), true)
			c := quorum.SignedCommit{Envelope: next.content.Envelope, Vote: vote}
			shown = append(shown, &quorum.Commit{Chain: b.chain, From: e.Member, SignedCommit: c})
		}
	}
	if len(shown) < 2 {
		b.fail("there are no two values to show %v", v)
		return e
	}
	e.First, e.Second = shown[0], shown[1]
	return e
}

// successors returns what can stand behind the chain, in the order of the hashes.
func (b *builder) successors(chain cert.Chain) (next []block) {
	for _, found := range b.blocks {
		if found.content.Envelope.BatchID == chain.Length && found.content.Envelope.Prev == chain.Head {
			next = append(next, found)
		}
	}
	slices.SortFunc(next, func(x, y block) int { return bytes.Compare(x.chain.Head[:], y.chain.Head[:]) })
	return next
}

func (b *builder) halted(height uint64, v tlavalue.Value) *quorum.Halt {
	if v == None {
		return nil
	}
	for reason, word := range halts {
		if v == tlavalue.Value(word) {
			return &quorum.Halt{Reason: reason, Height: height}
		}
	}
	b.fail("%v halts nobody", v)
	return nil
}

func (b *builder) message(x tlavalue.Value) quorum.Wire {
	kind, _ := b.get(x, "type").(tlavalue.String)
	if kind == "decided" {
		return &quorum.Decided{Certificate: b.certificate(x)}
	}
	from := b.member(b.get(x, "from"))
	if kind == "commit" {
		height := b.block(b.get(x, "digest")).content.Envelope.BatchID
		return &quorum.Commit{
			Chain: b.chain, From: from, SignedCommit: *b.commit(from, b.get(x, "digest")),
			Proof: b.proof(height, b.get(x, "proof")),
		}
	}
	height := uint64(b.number(b.get(x, "height")))
	switch kind {
	case "prepare":
		return &quorum.Prepare{
			Chain: b.chain, Height: height, From: from, SignedPrepare: *b.prepare(height, from, x),
			Proof: b.proof(height, b.get(x, "proof")),
		}
	case "resync":
		m := &quorum.Resync{Chain: b.chain, From: from, Height: height, Nonce: b.NonceOf(b.number(b.get(x, "nonce")))}
		m.Signature = b.sign(from, signedPart(resyncTag, m), true)
		return m
	case "reply":
		m := &quorum.ResyncReply{
			Chain: b.chain, From: from, To: b.member(b.get(x, "to")), Height: height,
			Nonce: b.NonceOf(b.number(b.get(x, "nonce"))),
		}
		m.Prepare = b.prepare(height, m.To, b.get(x, "prepare"))
		m.Commit = b.commit(m.To, b.get(x, "commit"))
		m.Signature = b.sign(from, signedPart(replyTag, m), true)
		return m
	}
	b.fail("%v is no message", x)
	return nil
}
