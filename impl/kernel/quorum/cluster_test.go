package quorum_test

import (
	"crypto/ed25519"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/sim"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// party is one key, whatever member it is under the roster of its log, if any.
type party struct {
	number int // of the key
	liar   bool
	up     bool

	// The disk.
	log     []cert.Certificate // from the genesis on
	chain   cert.Chain         // that of log
	before  cert.Chain         // without the last of it
	durable []byte

	cfg    *quorum.Config // nil: no member
	state  quorum.State
	need   *quorum.NeedCandidate
	starts byte
}

type parcel struct {
	to    int
	bytes []byte
}

// cluster is parties whose roster changes from one of the plan to the next.
type cluster struct {
	t       require.TestingT
	rng     *rand.Rand
	parties []*party
	plan    []cert.Roster
	agreed  uint64 // the attempt from which all want the same
	limit   int    // of certificates: then nobody makes more
	net     []parcel
	loss    int // in hundredths
	crashes bool

	decided  []cert.Hash // by height
	signed   map[cert.Hash]quorum.Content
	changes  int
	restarts int
}

func newCluster(t require.TestingT, seed uint64, plan []cert.Roster, liars ...int) *cluster {
	c := &cluster{t: t, rng: rand.New(rand.NewPCG(seed, 1)), plan: plan, limit: 12, signed: map[cert.Hash]quorum.Content{}}
	first, chain := sim.Genesis(len(plan[0]), 0)
	for i := range sim.Most {
		c.parties = append(c.parties, &party{number: i, liar: slices.Contains(liars, i), log: []cert.Certificate{first}, chain: chain})
	}
	c.decided = []cert.Hash{chain.Head}
	return c
}

var verdicts, signatures sync.Map // of Ed25519, which is slow

// signer signs as the key with that number.
type signer int

func (s signer) Sign(msg []byte) cert.Signature {
	k := string(byte(s)) + string(msg)
	sig, ok := signatures.Load(k)
	if !ok {
		sig = sim.Ed25519{}.Sign(int(s), msg)
		signatures.Store(k, sig)
	}
	return sig.(cert.Signature)
}

// check is chain.Check.
func check(chain cert.Chain, c *cert.Certificate) (cert.Chain, error) {
	next, err := chain.CheckContent(&c.Envelope, c.Body)
	if err != nil {
		return chain, err
	}
	signers, msg := chain.Signers(next), cert.VoteMessage(chain.Name, next.Head)
	if len(c.Signatures) != len(signers) {
		return chain, errors.New("not signed by all")
	}
	for i, sig := range c.Signatures {
		if !verify(signers[i].Key, msg, sig) {
			return chain, errors.New("not signed by all")
		}
	}
	return next, nil
}

// verify is ed25519.Verify.
func verify(key cert.PublicKey, msg []byte, sig cert.Signature) bool {
	k := string(key[:]) + string(sig[:]) + string(msg)
	v, ok := verdicts.Load(k)
	if !ok {
		v = ed25519.Verify(key[:], msg, sig[:])
		verdicts.Store(k, v)
	}
	return v.(bool)
}

// restart begins a party from its disk alone.
func (c *cluster) restart(x *party) {
	x.up, x.need, x.cfg = true, nil, nil
	self, ok := x.chain.Roster.Find(people(x.number)[0].Key)
	if x.liar || !ok {
		return
	}
	roster := x.chain.Roster
	x.cfg = &quorum.Config{Chain: x.chain.Name, Roster: roster, Self: self, Signer: signer(x.number),
		Verify: func(i int, msg []byte, sig cert.Signature) bool { return verify(roster[i].Key, msg, sig) }}
	x.starts++
	c.restarts++
	x.state = quorum.Begin(x.chain)
	start := quorum.Start{Nonce: quorum.Nonce{byte(x.number), x.starts}, Changed: x.log[len(x.log)-1].Envelope.Type == cert.RosterChange}
	if x.durable != nil {
		disk, err := quorum.DecodeDurable(x.durable)
		require.NoError(c.t, err)
		start.Disk = disk
	}
	require.NoError(c.t, c.step(x, start))
}

func (c *cluster) step(x *party, m quorum.Message) error {
	if x.cfg == nil {
		c.follow(x, m)
		return nil
	}
	before := x.state
	next, effects, err := quorum.Step(x.cfg, x.state, m)
	if err != nil {
		require.Equal(c.t, before, next)
		return err
	}
	x.state = next
	crashed := -1
	if c.crashes && c.rng.IntN(60) == 0 && len(effects) > 0 {
		crashed = c.rng.IntN(len(effects) + 1)
	}
	for i, e := range effects {
		if i == crashed {
			x.up, x.cfg = false, nil
			return nil
		}
		c.do(x, e)
	}
	if !x.state.Started { // the roster has changed
		require.Equal(c.t, quorum.Begin(x.chain), x.state)
		_, _, err := quorum.Step(x.cfg, x.state, quorum.Tick{})
		require.Error(c.t, err)
		c.restart(x)
	}
	return nil
}

// follow is what a party does that is no member: it takes over what proves itself.
func (c *cluster) follow(x *party, m quorum.Message) {
	if d, ok := m.(*quorum.Decided); ok && !x.liar && d.Certificate.Envelope.BatchID == x.chain.Length {
		if _, err := check(x.chain, &d.Certificate); err == nil {
			c.append(x, d.Certificate)
			c.restart(x)
		}
	}
}

// tick lets a member's timer run out. Who has left by the last certificate sends it to
// all: it may be the only one to have it (QRM-24).
func (c *cluster) tick(x *party) {
	_, was := x.before.Roster.Find(people(x.number)[0].Key)
	switch {
	case !x.up:
	case x.cfg != nil:
		_ = c.step(x, quorum.Tick{})
	case was && !x.liar:
		c.send(x, quorum.Everyone, &quorum.Decided{Certificate: x.log[len(x.log)-1]})
	}
}

// fetch is how a party that is no member gets the next certificate from who has it.
func (c *cluster) fetch(x *party) {
	for _, y := range c.parties {
		if x.up && x.cfg == nil && len(y.log) > len(x.log) {
			c.follow(x, &quorum.Decided{Certificate: y.log[len(x.log)]})
		}
	}
}

func (c *cluster) append(x *party, made cert.Certificate) {
	next, err := check(x.chain, &made)
	require.NoError(c.t, err)
	height := made.Envelope.BatchID
	if height == uint64(len(c.decided)) {
		c.decided = append(c.decided, next.Head)
		if made.Envelope.Type == cert.RosterChange {
			c.changes++
		}
	}
	require.Equal(c.t, c.decided[height], next.Head, "a fork at height %d", height)
	x.log, x.before, x.chain, x.need = append(x.log, made), x.chain, next, nil
}

func (c *cluster) do(x *party, effect quorum.Effect) {
	switch e := effect.(type) {
	case quorum.Persist:
		x.durable = e.Durable
	case quorum.Send:
		c.send(x, e.To, e.Message)
	case quorum.Append:
		c.append(x, e.Certificate)
	case quorum.Announce:
		c.send(x, quorum.Everyone, &quorum.Decided{Certificate: e.Certificate})
	case quorum.SendCertificate:
		if e.Height < uint64(len(x.log)) {
			c.send(x, e.To, &quorum.Decided{Certificate: x.log[e.Height]})
		}
	case quorum.NeedCandidate:
		x.need = &e
	case quorum.Halt:
		require.Fail(c.t, "an honest member has halted", "%+v", e)
	case quorum.Evidence:
		number := slices.IndexFunc(c.parties, func(y *party) bool { return people(y.number)[0].Key == x.cfg.Roster[e.Member].Key })
		require.True(c.t, c.parties[number].liar, "an honest member is accused")
	}
}

// send sends to a member of x's roster, or to every party there is.
func (c *cluster) send(x *party, to int, m quorum.Wire) {
	b := quorum.Encode(m)
	for _, y := range c.parties {
		if y != x && (to == quorum.Everyone || people(y.number)[0].Key == x.cfg.Roster[to].Key) && c.rng.IntN(100) >= c.loss {
			c.net = append(c.net, parcel{y.number, b})
		}
	}
}

func (c *cluster) deliver(i int) {
	p := c.net[i]
	c.net = slices.Delete(c.net, i, i+1)
	x := c.parties[p.to]
	m, err := quorum.Decode(p.bytes)
	require.NoError(c.t, err)
	switch {
	case x.liar:
		c.lie(x, m)
	case x.up:
		_ = c.step(x, m)
	}
}

// wanted is what x makes for its height: the next change of the plan, or anything else.
func (c *cluster) wanted(x *party, attempt uint64) quorum.Content {
	chain := x.chain
	at := slices.IndexFunc(c.plan, func(r cert.Roster) bool { return r.Hash() == chain.Roster.Hash() })
	if chain.Length%2 == 0 && at+1 < len(c.plan) && (attempt >= c.agreed || x.number%2 == 0) {
		var joining []int
		for _, m := range chain.Roster.Joiners(c.plan[at+1]) {
			joining = append(joining, slices.IndexFunc(people(0, 1, 2, 3, 4, 5), func(p cert.Member) bool { return p.Key == m.Key }))
		}
		return changeTo(chain, c.plan[at+1], joining...)
	}
	if attempt < c.agreed {
		return sim.Content(chain, x.number)
	}
	return sim.Content(chain, 7)
}

// supply gives a member the candidate that it asks for.
func (c *cluster) supply(x *party) {
	if !x.up || x.cfg == nil || x.need == nil || len(x.log) >= c.limit {
		return
	}
	need := *x.need
	x.need = nil
	content, ok := c.signed[need.Digest]
	if !ok {
		content = c.wanted(x, need.Attempt)
		c.signed[content.Digest()] = content
	}
	_ = c.step(x, quorum.Candidate{Attempt: need.Attempt, Content: content})
}
