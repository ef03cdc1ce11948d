package quorum_test

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// The simulator: N members as the shell would run them, a network that loses,
// repeats and reorders, crashes between any two effects, and liars. All of
// it follows from one seed. What must hold is checked at every effect.

// tester is the part of *testing.T and *rapid.T that is needed.
type tester interface {
	require.TestingT
	Helper()
}

// identity is the key of member i in every test, and its real Ed25519
// signatures, remembered, since the same ones are checked again and again.
type identity struct{ private ed25519.PrivateKey }

func identityOf(i int) identity {
	seed := make([]byte, ed25519.SeedSize)
	binary.BigEndian.PutUint32(seed, uint32(i+1))
	return identity{ed25519.NewKeyFromSeed(seed)}
}

var identities = func() (ids [6]identity) {
	for i := range ids {
		ids[i] = identityOf(i)
	}
	return ids
}()

type memo struct {
	signed   map[string]cert.Signature
	verified map[string]bool
	chains   map[string]cert.Chain
}

// known is shared by all tests of this package, which run one after the other.
var known = &memo{map[string]cert.Signature{}, map[string]bool{}, map[string]cert.Chain{}}

// check is Chain.Check.
func (m *memo) check(t tester, chain cert.Chain, c *cert.Certificate) cert.Chain {
	k := string(quorum.Encode(&quorum.Decided{Certificate: *c})) + chain.Head.String()
	next, ok := m.chains[k]
	if !ok {
		var err error
		next, err = chain.Check(c)
		require.NoError(t, err)
		m.chains[k] = next
	}
	return next
}

func (m *memo) sign(member int, msg []byte) cert.Signature {
	k := fmt.Sprint(member, ":") + string(msg)
	sig, ok := m.signed[k]
	if !ok {
		sig = cert.Signature(ed25519.Sign(identities[member].private, msg))
		m.signed[k] = sig
	}
	return sig
}

func (m *memo) verify(member int, msg []byte, sig cert.Signature) bool {
	k := fmt.Sprint(member, ":") + string(sig[:]) + string(msg)
	ok, known := m.verified[k]
	if !known {
		ok = ed25519.Verify(identities[member].private.Public().(ed25519.PublicKey), msg, sig[:])
		m.verified[k] = ok
	}
	return ok
}

type memoSigner struct {
	*memo
	member int
}

func (s memoSigner) Sign(msg []byte) cert.Signature { return s.sign(s.member, msg) }

func (m *memo) config(chain cert.Chain, self int) *quorum.Config {
	return &quorum.Config{
		Chain: chain.Name, Roster: chain.Roster, Self: self,
		Signer: memoSigner{m, self}, Verify: m.verify,
	}
}

// genesis returns the chain of n members behind its genesis. Salt makes another chain.
func genesis(t tester, n int, salt byte) cert.Chain {
	body := cert.GenesisBody{Random: [32]byte{salt}}
	for i := range n {
		public := cert.PublicKey(identities[i].private.Public().(ed25519.PublicKey))
		body.Roster = append(body.Roster, cert.Member{Name: fmt.Sprint("m", i), Key: public, Nodes: []uint32{uint32(i)}})
	}
	c := cert.Certificate{Body: body.Append(nil)}
	c.Envelope = cert.Seal(cert.Genesis, merkle.EmptyRoot(), 0, cert.Hash{}, c.Body)
	for i := range n {
		c.Signatures = append(c.Signatures, known.sign(i, cert.VoteMessage(cert.Hash{}, c.Envelope.Hash())))
	}
	return known.check(t, cert.Chain{}, &c)
}

// content returns one of many certificates that can follow the chain.
func content(chain cert.Chain, variant int) quorum.Content {
	body := (&cert.EvidenceBody{Bundle: cert.Hash{byte(variant)}}).Append(nil)
	return quorum.Content{
		Envelope: cert.Seal(cert.Evidence, merkle.EmptyRoot(), chain.Length, chain.Head, body),
		Body:     body,
	}
}

// packet is one message on its way.
type packet struct {
	to    int
	bytes []byte
}

// node is an honest member: a state in memory, and what outlives it.
type node struct {
	id    int
	cfg   *quorum.Config
	up    bool
	s     quorum.State
	need  *quorum.NeedCandidate
	start quorum.Nonce

	answered map[int]bool // peers that have answered this start, at this height

	// The disk.
	durable []byte
	log     []cert.Certificate
	chain   cert.Chain
	book    map[cert.Hash]quorum.Content // contents that the member has made at this height
}

// temper is how rough a run is.
type temper struct {
	crashes  bool // a crash may fall between effects, and at any time
	loss     int  // in hundredths of the messages
	order    int  // in hundredths: delivered out of turn
	timeouts int  // in hundredths of the actions
}

func drawTemper(t *rapid.T) temper {
	return temper{
		crashes:  rapid.Bool().Draw(t, "crashes"),
		loss:     rapid.SampledFrom([]int{0, 10, 40}).Draw(t, "loss"),
		order:    rapid.SampledFrom([]int{0, 30}).Draw(t, "order"),
		timeouts: rapid.SampledFrom([]int{1, 4, 12}).Draw(t, "timeouts"),
	}
}

// world is one run.
type world struct {
	t       tester
	rng     *rand.Rand
	memo    *memo
	n       int
	genesis cert.Chain
	nodes   []*node // nil where the member lies
	net     []packet
	history []packet // all that was ever sent
	temper

	// variant is what a member makes of its events in an attempt.
	variant func(member int, height, attempt uint64) int

	judge judge
	pool  pool
	stats struct{ appends, locks, halts, evidence, crashes, refused int }
}

func newWorld(t tester, seed uint64, n, liars int) *world {
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 7)), memo: known, n: n, genesis: genesis(t, n, 0)}
	w.judge = newJudge(w)
	w.pool = newPool(w)
	w.variant = func(int, uint64, uint64) int { return 0 }
	w.temper = temper{loss: 10, order: 30, timeouts: 4}
	for i := range n {
		w.nodes = append(w.nodes, &node{id: i, cfg: w.memo.config(w.genesis, i), chain: w.genesis, book: map[cert.Hash]quorum.Content{}})
	}
	for _, i := range w.rng.Perm(n)[:liars] {
		w.nodes[i] = nil
	}
	return w
}

func (w *world) honest() (nodes []*node) {
	for _, x := range w.nodes {
		if x != nil {
			nodes = append(nodes, x)
		}
	}
	return nodes
}

// restart begins a member from its disk alone.
func (w *world) restart(x *node) {
	x.s, x.need, x.up = quorum.Begin(x.chain), nil, true
	x.start, x.answered = quorum.Nonce{}, map[int]bool{}
	binary.BigEndian.PutUint64(x.start[:], w.rng.Uint64())
	var disk *quorum.Durable
	if x.durable != nil {
		var err error
		disk, err = quorum.DecodeDurable(x.durable)
		require.NoError(w.t, err)
	}
	require.NoError(w.t, w.step(x, quorum.Start{Disk: disk, Nonce: x.start}))
}

// step gives one message to a member and carries out the effects, or some of
// them and then crashes.
func (w *world) step(x *node, m quorum.Message) error {
	before := x.s
	next, effects, err := w.judge.step(x.cfg, x.s, m)
	if err != nil {
		w.stats.refused++
		return err
	}
	x.s = next
	if r, ok := m.(*quorum.ResyncReply); ok && r.Nonce == x.start && r.Height == before.Height() {
		x.answered[r.From] = true
	}
	if x.s.Height() != before.Height() && !x.s.Ready() {
		x.answered = map[int]bool{}
	}
	stop := len(effects) + 1
	if w.crashes && len(effects) > 0 && w.rng.IntN(12) == 0 {
		stop = w.rng.IntN(len(effects) + 1)
	}
	for i, e := range effects {
		if i == stop {
			break
		}
		w.carryOut(x, e)
	}
	if stop <= len(effects) {
		x.up = false
		w.stats.crashes++
	}
	return nil
}

func (w *world) carryOut(x *node, e quorum.Effect) {
	switch e := e.(type) {
	case quorum.Persist:
		w.judge.persist(x, e)
		x.durable = e.Durable
	case quorum.Send:
		w.judge.send(x, e)
		w.pool.see(e.Message)
		w.send(x.id, e.To, quorum.Encode(e.Message))
	case quorum.Append:
		w.stats.appends++
		w.judge.append(x, e)
		next := w.memo.check(w.t, x.chain, &e.Certificate)
		x.chain, x.log, x.book = next, append(x.log, e.Certificate), map[cert.Hash]quorum.Content{}
		x.need = nil
	case quorum.Announce:
		w.send(x.id, quorum.Everyone, quorum.Encode(&quorum.Decided{Certificate: e.Certificate}))
	case quorum.SendCertificate:
		require.Less(w.t, e.Height, x.chain.Length)
		if e.Height > 0 {
			w.send(x.id, e.To, quorum.Encode(&quorum.Decided{Certificate: x.log[e.Height-1]}))
		}
	case quorum.NeedCandidate:
		require.Equal(w.t, x.s.Height(), e.Height)
		x.need = &e
	case quorum.Evidence:
		w.stats.evidence++
		require.Nil(w.t, w.nodes[e.Member], "evidence against the honest member %d", e.Member)
	case quorum.Halt:
		w.stats.halts++
	}
}

func (w *world) send(from, to int, b []byte) {
	for i := range w.n {
		if to == i || to == quorum.Everyone && i != from {
			p := packet{i, b}
			w.net, w.history = append(w.net, p), append(w.history, p)
		}
	}
}

// supply gives a member the candidate that it waits for.
func (w *world) supply(x *node) {
	need := x.need
	if need == nil || !x.up || need.Height != x.s.Height() || need.Attempt != x.s.Attempt {
		return
	}
	x.need = nil
	c := content(x.chain, w.variant(x.id, need.Height, need.Attempt))
	if need.Digest != (cert.Hash{}) {
		var ok bool
		c, ok = x.book[need.Digest]
		require.True(w.t, ok, "member %d needs a candidate that it has never made", x.id)
	}
	x.book[c.Digest()] = c
	_ = w.step(x, quorum.Candidate{Attempt: need.Attempt, Content: c}) // refused where a proof came first
}

// deliver gives packet i to its member, or loses it where the member is down.
func (w *world) deliver(i int) {
	p := w.net[i]
	w.net = append(w.net[:i:i], w.net[i+1:]...)
	w.hand(p)
}

func (w *world) hand(p packet) {
	m, err := quorum.Decode(p.bytes)
	if err != nil {
		require.ErrorIs(w.t, err, quorum.ErrEncoding)
		return
	}
	if x := w.nodes[p.to]; x == nil {
		w.pool.answer(p.to, m)
	} else if x.up {
		_ = w.step(x, m)
	}
}

// chaos runs the world for a number of actions, each drawn from the seed.
func (w *world) chaos(actions int) {
	for range actions {
		honest := w.honest()
		x := honest[w.rng.IntN(len(honest))]
		switch r := w.rng.IntN(100); {
		case r < w.timeouts && x.up:
			_ = w.step(x, quorum.Timeout{})
		case r < 60 && len(w.net) > 0:
			w.transmit()
		case r < 80:
			w.supply(x)
		case r < 84 && x.up:
			_ = w.step(x, quorum.Tick{})
		case r < 88 && !x.up:
			w.restart(x)
		case r < 89 && w.crashes:
			x.up = false
		case r < 91 && len(w.history) > 0:
			w.hand(w.history[w.rng.IntN(len(w.history))])
		case r >= 91:
			w.pool.lie()
		}
	}
}

// transmit loses, doubles or delivers a message.
func (w *world) transmit() {
	i := 0
	if w.rng.IntN(100) < w.order {
		i = w.rng.IntN(len(w.net))
	}
	switch {
	case w.rng.IntN(100) < w.loss:
		w.net = append(w.net[:i:i], w.net[i+1:]...)
	case w.rng.IntN(12) == 0:
		w.hand(w.net[i])
	default:
		w.deliver(i)
	}
}

// calm delivers everything, in order, until nothing is on its way and nobody below
// the height waits for a candidate.
func (w *world) calm(height uint64) {
	for budget := 5000; ; budget-- {
		require.Positive(w.t, budget, "the members do not come to rest")
		if len(w.net) > 0 {
			w.deliver(0)
			continue
		}
		waiting := false
		for _, x := range w.honest() {
			if x.up && x.need != nil && x.chain.Length < height {
				waiting = true
				w.supply(x)
				x.need = nil
			}
		}
		if !waiting {
			return
		}
	}
}
