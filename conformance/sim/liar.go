package sim

import (
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// pool is what the liars know and do, all of them together: they see everything
// that honest members send, hold the keys of all liars, and tell each victim what
// they like.
type pool struct {
	w        *World
	mute     []bool // liars that say nothing for now, by member
	prepares map[stand]map[int]cert.Signature
	stands   []stand // keys of prepares, in the order seen
	votes    map[cert.Envelope]map[int]cert.Signature
}

type stand struct {
	height, attempt uint64
	digest          cert.Hash
}

func newPool(w *World) pool {
	p := pool{w: w, mute: make([]bool, w.options.Members)}
	p.prepares, p.votes = map[stand]map[int]cert.Signature{}, map[cert.Envelope]map[int]cert.Signature{}
	return p
}

// see notes what an honest member has signed.
func (p *pool) see(m quorum.Wire) {
	if p.w.options.Liars == 0 {
		return
	}
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
	for i, x := range p.w.Nodes {
		if x == nil {
			ids = append(ids, i)
		}
	}
	return ids
}

func (p *pool) signPrepare(chain cert.Hash, member int, k stand) quorum.SignedPrepare {
	sig := p.w.scheme.Sign(member, cert.PrepareMessage(chain, k.height, k.attempt, k.digest))
	return quorum.SignedPrepare{Attempt: k.attempt, Digest: k.digest, Signature: sig}
}

// proof returns a true proof if the honest have signed all that it takes, and
// else a forged one.
func (p *pool) proof(k stand) (*quorum.Proof, bool) {
	proof := &quorum.Proof{Attempt: k.attempt, Digest: k.digest}
	whole := true
	for i, x := range p.w.Nodes {
		sig, ok := p.prepares[k][i]
		if x == nil {
			sig, ok = p.signPrepare(p.w.genesis.chain.Name, i, k).Signature, true
		}
		whole = whole && ok
		proof.Signatures = append(proof.Signatures, sig)
	}
	return proof, whole
}

// whole reports whether the honest have signed all that a true proof takes.
func (p *pool) whole(k stand) bool {
	for i, x := range p.w.Nodes {
		if _, ok := p.prepares[k][i]; x != nil && !ok {
			return false
		}
	}
	return true
}

// lie does one thing that no honest member would, or would not now.
func (p *pool) lie() {
	liars, w := p.liars(), p.w
	if len(liars) == 0 {
		return
	}
	honest := w.Honest()
	l := &lie{pool: p, victim: honest[w.rng.IntN(len(honest))], liar: liars[w.rng.IntN(len(liars))]}
	if w.rng.IntN(40) == 0 {
		p.mute[l.liar] = !p.mute[l.liar]
	}
	if p.mute[l.liar] {
		return
	}
	w.Stats.Lies++
	l.content = w.content(l.victim.Chain, w.rng.IntN(3))
	l.stand = stand{l.victim.Chain.Length, l.victim.State.Attempt, l.content.Digest()}
	switch w.rng.IntN(14) {
	case 0, 1:
		l.standWithVictim()
	case 2:
		l.standInAnyAttempt()
	case 3, 4, 5:
		l.showAProof()
	case 6:
		l.vote(l.content)
	case 7:
		l.finish()
	case 8:
		l.speakOfAnotherChain()
	case 9:
		l.damage()
	case 10:
		l.standTwice()
	case 11:
		l.voteInTwoHalves()
	case 12:
		l.speakOfThePast()
	case 13:
		l.speakForAnother()
	}
}

// lie is one liar's words to one victim.
type lie struct {
	*pool
	victim  *Node
	liar    int
	content quorum.Content // that might follow the victim's chain
	stand   stand          // for the content, where the victim is
}

func (l *lie) tell(m quorum.Wire) { l.tellTo(l.victim.ID, m) }

func (l *lie) tellTo(member int, m quorum.Wire) {
	l.w.sendBytes(l.liar, member, quorum.Encode(m), nil)
}

func (l *lie) prepare(k stand) *quorum.Prepare {
	chain := l.w.genesis.chain.Name
	return &quorum.Prepare{Chain: chain, Height: k.height, From: l.liar, SignedPrepare: l.signPrepare(chain, l.liar, k)}
}

func (l *lie) commit(c quorum.Content) *quorum.Commit {
	chain := l.w.genesis.chain.Name
	vote := l.w.scheme.Sign(l.liar, cert.VoteMessage(chain, c.Digest()))
	return &quorum.Commit{Chain: chain, From: l.liar, SignedCommit: quorum.SignedCommit{Envelope: c.Envelope, Vote: vote}}
}

// standWithVictim stands for whatever the victim stands for.
func (l *lie) standWithVictim() {
	if l.victim.Up {
		if h := l.victim.State.Prepares[l.victim.ID].Current; h != nil {
			l.stand.digest = h.Digest
		}
	}
	l.tell(l.prepare(l.stand))
}

func (l *lie) standInAnyAttempt() {
	l.stand.attempt = draw(l.w, 0, l.stand.attempt+1, l.stand.attempt+2, 1<<62)
	l.tell(l.prepare(l.stand))
}

// showAProof stands for anything with a proof, old or new, true or forged.
func (l *lie) showAProof() {
	m := l.prepare(l.stand)
	if k, ok := l.pick(l.stand.height); ok {
		m.Proof, _ = l.proof(k)
	}
	l.tell(m)
}

// pick prefers what makes a true proof at the height.
func (p *pool) pick(height uint64) (stand, bool) {
	var all, whole []stand
	for _, k := range p.stands {
		if k.height != height {
			continue
		}
		all = append(all, k)
		if p.whole(k) {
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

func (l *lie) vote(c quorum.Content) { l.tell(l.commit(c)) }

// finish votes for what honest members stand for at the victim's height, or sends
// the whole certificate, forged where not all of them have voted.
func (l *lie) finish() {
	for _, k := range l.stands {
		c, ok := l.w.contents[k.digest]
		if !ok || k.height != l.victim.Chain.Length || c.Envelope.Prev != l.victim.Chain.Head {
			continue
		}
		whole := cert.Certificate{Envelope: c.Envelope, Body: c.Body}
		for i, x := range l.w.Nodes {
			vote := l.votes[c.Envelope][i]
			if x == nil {
				vote = l.w.scheme.Sign(i, cert.VoteMessage(l.w.genesis.chain.Name, k.digest))
			}
			whole.Signatures = append(whole.Signatures, vote)
		}
		l.vote(c)
		if l.w.rng.IntN(2) == 0 {
			l.tell(&quorum.Decided{Certificate: whole})
		}
	}
}

func (l *lie) speakOfAnotherChain() {
	_, other := Genesis(len(l.w.Nodes), 1)
	m := l.prepare(l.stand)
	m.Chain, m.SignedPrepare = other.Name, l.signPrepare(other.Name, l.liar, l.stand)
	l.tell(m)
}

// speakForAnother forges the signature of some member, with one of its own.
func (l *lie) speakForAnother() {
	prepare, commit := l.prepare(l.stand), l.commit(l.content)
	prepare.From = l.w.rng.IntN(len(l.w.Nodes))
	commit.From = prepare.From
	l.tell(prepare)
	l.tell(commit)
}

// damage changes a byte of something true, cuts it, or makes its length a lie.
func (l *lie) damage() {
	w := l.w
	if len(w.history) == 0 {
		return
	}
	b := slices.Clone(w.history[w.rng.IntN(len(w.history))].Bytes)
	if len(b) == 0 { // cut before
		b = []byte{0}
	}
	at := w.rng.IntN(len(b))
	switch w.rng.IntN(4) {
	case 0:
		b = b[:at]
	case 1:
		b = append(b, b[at:]...)
	default:
		b[at] ^= byte(1 + w.rng.IntN(255))
	}
	w.sendBytes(l.liar, l.victim.ID, b, nil)
}

// standTwice signs two prepares for one attempt.
func (l *lie) standTwice() {
	l.tell(l.prepare(l.stand))
	other := l.other()
	l.stand.digest = other.Digest()
	l.tell(l.prepare(l.stand))
}

func (l *lie) other() quorum.Content {
	return l.w.content(l.victim.Chain, int(l.content.Body[0]+1)%3)
}

// voteInTwoHalves tells one half of the others one vote, and the rest another.
func (l *lie) voteInTwoHalves() {
	votes := []*quorum.Commit{l.commit(l.content), l.commit(l.other())}
	for _, x := range l.w.Honest() {
		l.tellTo(x.ID, votes[x.ID%2])
	}
}

// speakOfThePast stands, and votes, at a height that is over or far ahead.
func (l *lie) speakOfThePast() {
	l.stand.height = draw(l.w, 0, 1, l.stand.height-1, l.stand.height+1, l.stand.height+7)
	l.tell(l.prepare(l.stand))
	if log := l.victim.Log; len(log) > 0 {
		c := log[l.w.rng.IntN(len(log))]
		l.vote(quorum.Content{Envelope: c.Envelope, Body: c.Body})
	}
}

// answer is what a liar does on a message. It answers every start as if it held
// nothing, and sometimes stands or votes with the sender, as an honest member would,
// so that runs go on. A mute one does nothing.
func (p *pool) answer(liar int, m quorum.Wire) {
	if p.mute[liar] {
		return
	}
	l := &lie{pool: p, liar: liar}
	switch m := m.(type) {
	case *quorum.Prepare:
		if p.honest(m.From) && p.w.rng.IntN(100) < p.w.Profile.Loyal {
			l.tellTo(quorum.Everyone, l.prepare(stand{m.Height, m.Attempt, m.Digest}))
		}
	case *quorum.Commit:
		if p.honest(m.From) && p.w.rng.IntN(100) < p.w.Profile.Loyal {
			l.tellTo(quorum.Everyone, l.commit(quorum.Content{Envelope: m.Envelope}))
		}
	case *quorum.Resync:
		if p.honest(m.From) {
			l.answerResync(m)
		}
	}
}

func (p *pool) honest(member int) bool { return member < len(p.w.Nodes) && p.w.Nodes[member] != nil }

func (l *lie) answerResync(m *quorum.Resync) {
	w := l.w
	s := quorum.Begin(w.Nodes[m.From].Chain)
	s.Started = true
	_, effects, err := quorum.Step(Config(w.scheme, w.genesis.chain, l.liar), s, m)
	if err != nil {
		return
	}
	for _, e := range effects {
		if reply, ok := e.(quorum.Send); ok {
			l.tellTo(reply.To, reply.Message)
		}
	}
}
