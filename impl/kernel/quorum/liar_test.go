package quorum_test

import (
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// pool is what the liars know and do, all of them together: they see everything
// that honest members send, hold the keys of all liars, and tell each victim what
// they like.
type pool struct {
	w        *world
	prepares map[stand]map[int]cert.Signature
	stands   []stand // keys of prepares, in the order seen
	votes    map[cert.Envelope]map[int]cert.Signature
	other    cert.Chain // another chain of the same members
}

type stand struct {
	height, attempt uint64
	digest          cert.Hash
}

func newPool(w *world) pool {
	return pool{
		w: w, prepares: map[stand]map[int]cert.Signature{},
		votes: map[cert.Envelope]map[int]cert.Signature{}, other: genesis(w.t, w.n, 1),
	}
}

func (p *pool) see(m quorum.Wire) {
	switch m := m.(type) {
	case *quorum.Prepare:
		k := stand{m.Height, m.Attempt, m.Digest}
		if p.prepares[k] == nil {
			p.prepares[k] = map[int]cert.Signature{}
			p.stands = append(p.stands, k)
		}
		p.prepares[k][m.From] = m.Signature
	case *quorum.Commit:
		if p.votes[m.Envelope] == nil {
			p.votes[m.Envelope] = map[int]cert.Signature{}
		}
		p.votes[m.Envelope][m.From] = m.Vote
	}
}

func (p *pool) liars() (ids []int) {
	for i, x := range p.w.nodes {
		if x == nil {
			ids = append(ids, i)
		}
	}
	return ids
}

func (p *pool) signPrepare(chain cert.Hash, member int, k stand) quorum.SignedPrepare {
	sig := p.w.memo.sign(member, cert.PrepareMessage(chain, k.height, k.attempt, k.digest))
	return quorum.SignedPrepare{Attempt: k.attempt, Digest: k.digest, Signature: sig}
}

// proof returns a true proof if the honest have signed all that it takes, and
// else a forged one.
func (p *pool) proof(k stand) (*quorum.Proof, bool) {
	proof := &quorum.Proof{Attempt: k.attempt, Digest: k.digest}
	whole := true
	for i, x := range p.w.nodes {
		sig, ok := p.prepares[k][i]
		if x == nil {
			sig, ok = p.signPrepare(p.w.genesis.Name, i, k).Signature, true
		}
		whole = whole && ok
		proof.Signatures = append(proof.Signatures, sig)
	}
	return proof, whole
}

// lie does one thing that no honest member would, or would not now.
func (p *pool) lie() {
	liars, w := p.liars(), p.w
	if len(liars) == 0 {
		return
	}
	honest := w.honest()
	victim := honest[w.rng.IntN(len(honest))]
	liar := liars[w.rng.IntN(len(liars))]
	tell := func(m quorum.Wire) { w.send(liar, victim.id, quorum.Encode(m)) }
	height := victim.chain.Length
	c := content(victim.chain, w.rng.IntN(3))
	k := stand{height, victim.s.Attempt, c.Digest()}
	switch w.rng.IntN(10) {
	case 0, 1: // stands with the victim, whatever it stands for
		if h := victim.s.Prepares[victim.id].Current; h != nil {
			k.digest = h.Digest
		}
		tell(p.prepare(liar, k))
	case 2: // in any attempt
		k.attempt = []uint64{0, k.attempt + 1, k.attempt + 2, 1 << 62}[w.rng.IntN(4)]
		tell(p.prepare(liar, k))
	case 3, 4, 5: // with a proof, old or new, true or forged
		m := p.prepare(liar, k)
		if k, ok := p.pick(height); ok {
			m.Proof, _ = p.proof(k)
		}
		tell(m)
	case 6: // votes for anything
		vote := w.memo.sign(liar, cert.VoteMessage(w.genesis.Name, c.Digest()))
		tell(&quorum.Commit{Chain: w.genesis.Name, From: liar, SignedCommit: quorum.SignedCommit{Envelope: c.Envelope, Vote: vote}})
	case 7: // votes with the victim, or ends a height for it alone
		p.finish(liar, victim, tell)
	case 8: // speaks of another chain
		m := p.prepare(liar, k)
		m.Chain, m.SignedPrepare = p.other.Name, p.signPrepare(p.other.Name, liar, k)
		tell(m)
	case 9: // damages something true
		if len(w.history) > 0 {
			b := slices.Clone(w.history[w.rng.IntN(len(w.history))].bytes)
			b[w.rng.IntN(len(b))] ^= byte(1 + w.rng.IntN(255))
			w.send(liar, victim.id, b)
		}
	}
}

func (p *pool) prepare(liar int, k stand) *quorum.Prepare {
	return &quorum.Prepare{Chain: p.w.genesis.Name, Height: k.height, From: liar, SignedPrepare: p.signPrepare(p.w.genesis.Name, liar, k)}
}

// pick prefers what makes a true proof at the height.
func (p *pool) pick(height uint64) (stand, bool) {
	var all, whole []stand
	for _, k := range p.stands {
		if k.height != height {
			continue
		}
		all = append(all, k)
		if _, ok := p.proof(k); ok {
			whole = append(whole, k)
		}
	}
	if len(whole) > 0 && p.w.rng.IntN(4) > 0 {
		all = whole
	}
	if len(all) == 0 {
		return stand{}, false
	}
	return all[p.w.rng.IntN(len(all))], true
}

// finish sends the liars' votes for what the victim is locked on, or the whole
// certificate where all honest members have voted.
func (p *pool) finish(liar int, victim *node, tell func(quorum.Wire)) {
	for _, k := range p.stands {
		for v := range 3 {
			c := content(victim.chain, v)
			if k.height != victim.chain.Length || c.Digest() != k.digest {
				continue
			}
			whole := cert.Certificate{Envelope: c.Envelope, Body: c.Body}
			for i, x := range p.w.nodes {
				vote := p.votes[c.Envelope][i]
				if x == nil {
					vote = p.w.memo.sign(i, cert.VoteMessage(p.w.genesis.Name, c.Digest()))
				}
				whole.Signatures = append(whole.Signatures, vote)
			}
			tell(&quorum.Commit{Chain: p.w.genesis.Name, From: liar, SignedCommit: quorum.SignedCommit{Envelope: c.Envelope, Vote: whole.Signatures[liar]}})
			if p.w.rng.IntN(2) == 0 {
				tell(&quorum.Decided{Certificate: whole})
			}
		}
	}
}

// answer is what a liar does on a message: it answers every start as if it held
// nothing, so that runs go on.
func (p *pool) answer(liar int, m quorum.Wire) {
	r, ok := m.(*quorum.Resync)
	if !ok {
		return
	}
	w := p.w
	cfg := w.memo.config(w.genesis, liar)
	s := quorum.Begin(w.genesis)
	if x := w.nodes[r.From]; x != nil {
		s = quorum.Begin(x.chain)
	}
	s.Started = true
	_, effects, err := quorum.Step(cfg, s, r)
	if err != nil {
		return
	}
	for _, e := range effects {
		if reply, ok := e.(quorum.Send); ok {
			w.send(liar, reply.To, quorum.Encode(reply.Message))
		}
	}
}
