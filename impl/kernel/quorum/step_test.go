package quorum_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/sim"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// bench is member 0 of three, ready, with the others' keys at hand.
type bench struct {
	sim.Ed25519
	t     *testing.T
	chain cert.Chain // as member 0 knows it
	cfg   *quorum.Config
	s     quorum.State
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, chain: genesis(3, 0)}
	b.cfg, b.s = sim.Config(b.Ed25519, b.chain, 0), quorum.Begin(b.chain)
	b.step(quorum.Start{Nonce: quorum.Nonce{7}})
	b.step(b.reply(1, nil, nil))
	b.step(b.reply(2, nil, nil))
	require.True(t, b.s.Ready())
	return b
}

// step makes a step that must not be refused, and returns its effects.
func (b *bench) step(m quorum.Message) []quorum.Effect {
	b.t.Helper()
	next, effects, err := quorum.Step(b.cfg, b.s, m)
	require.NoError(b.t, err)
	b.s, b.chain = next, next.Chain
	return effects
}

func (b *bench) prepareAt(from int, height, attempt uint64, c quorum.Content) *quorum.Prepare {
	sig := b.Sign(from, cert.PrepareMessage(b.chain.Name, height, attempt, c.Digest()))
	return &quorum.Prepare{
		Chain: b.chain.Name, Height: height, From: from,
		SignedPrepare: quorum.SignedPrepare{Attempt: attempt, Digest: c.Digest(), Signature: sig},
	}
}

func (b *bench) prepare(from int, attempt uint64, c quorum.Content) *quorum.Prepare {
	return b.prepareAt(from, b.s.Height(), attempt, c)
}

func (b *bench) commit(from int, c quorum.Content) *quorum.Commit {
	vote := b.Sign(from, cert.VoteMessage(b.chain.Name, c.Digest()))
	return &quorum.Commit{Chain: b.chain.Name, From: from, SignedCommit: quorum.SignedCommit{Envelope: c.Envelope, Vote: vote}}
}

func (b *bench) certificate(c quorum.Content) cert.Certificate {
	out := cert.Certificate{Envelope: c.Envelope, Body: c.Body}
	for i := range b.chain.Roster {
		out.Signatures = append(out.Signatures, b.commit(i, c).Vote)
	}
	return out
}

// reply is what member `from` answers to member 0, signed by a step of its own.
func (b *bench) reply(from int, p *quorum.Prepare, c *quorum.Commit) *quorum.ResyncReply {
	b.t.Helper()
	cfg := sim.Config(b.Ed25519, b.chain, from)
	s := quorum.Begin(b.chain)
	s, _, err := quorum.Step(cfg, s, quorum.Start{})
	require.NoError(b.t, err)
	if p != nil {
		s.Prepares[0].Newest = &p.SignedPrepare
	}
	if c != nil {
		s.Commits[0] = &c.SignedCommit
	}
	_, effects, err := quorum.Step(cfg, s, b.resync(0, b.s.Nonce))
	require.NoError(b.t, err)
	return effects[0].(quorum.Send).Message.(*quorum.ResyncReply)
}

// resync is the request of a member at the bench's height.
func (b *bench) resync(from int, nonce quorum.Nonce) *quorum.Resync {
	b.t.Helper()
	_, effects, err := quorum.Step(sim.Config(b.Ed25519, b.chain, from), quorum.Begin(b.chain), quorum.Start{Nonce: nonce})
	require.NoError(b.t, err)
	return effects[0].(quorum.Send).Message.(*quorum.Resync)
}

// above returns a content of the height above the bench's.
func (b *bench) above(variant int) quorum.Content {
	c := sim.Content(b.chain, variant)
	next, err := b.chain.CheckContent(&c.Envelope, c.Body)
	require.NoError(b.t, err)
	return sim.Content(next, variant)
}

func TestEachCauseOfRefusalHasItsOwnError(t *testing.T) {
	b := newBench(t)
	c, other := sim.Content(b.chain, 1), sim.Content(b.chain, 2)
	above := b.above(1)
	prepareWith := func(f func(p *quorum.Prepare)) *quorum.Prepare {
		p := b.prepare(1, 0, c)
		f(p)
		return p
	}
	replyWith := func(f func(r *quorum.ResyncReply)) *quorum.ResyncReply {
		r := *b.reply(1, nil, nil)
		f(&r)
		return &r
	}
	resyncWith := func(f func(r *quorum.Resync)) *quorum.Resync {
		r := *b.resync(1, quorum.Nonce{})
		f(&r)
		return &r
	}
	commitWith := func(f func(p *quorum.Commit)) *quorum.Commit {
		p := b.commit(1, c)
		f(p)
		return p
	}
	certificate := func(c quorum.Content, f func(*cert.Certificate)) *quorum.Decided {
		x := b.certificate(c)
		f(&x)
		return &quorum.Decided{Certificate: x}
	}
	few := func(x *cert.Certificate) { x.Signatures = x.Signatures[:2] }
	wrong := func(x *cert.Certificate) { x.Signatures[1] = x.Signatures[2] }
	short := &quorum.Proof{Digest: c.Digest(), Signatures: make([]cert.Signature, 2)}
	forged := &quorum.Proof{Digest: c.Digest(), Signatures: make([]cert.Signature, 3)}
	odd := quorum.Content{Envelope: c.Envelope, Body: other.Body}
	huge := quorum.Content{Envelope: c.Envelope, Body: make([]byte, cert.MaxBody+1)}
	for name, x := range map[string]struct {
		m    quorum.Message
		want error
	}{
		"start again":                 {quorum.Start{}, quorum.ErrStarted},
		"prepare of another chain":    {prepareWith(func(p *quorum.Prepare) { p.Chain[0]++ }), quorum.ErrWrongChain},
		"prepare of nobody":           {prepareWith(func(p *quorum.Prepare) { p.From = 3 }), quorum.ErrUnknownMember},
		"prepare of less than nobody": {prepareWith(func(p *quorum.Prepare) { p.From = -1 }), quorum.ErrUnknownMember},
		"prepare of somebody else":    {prepareWith(func(p *quorum.Prepare) { p.From = 2 }), quorum.ErrSignature},
		"prepare at another height":   {prepareWith(func(p *quorum.Prepare) { p.Height++ }), quorum.ErrSignature},
		"prepare in another attempt":  {prepareWith(func(p *quorum.Prepare) { p.Attempt++ }), quorum.ErrSignature},
		"proof of too few":            {prepareWith(func(p *quorum.Prepare) { p.Proof = short }), quorum.ErrProof},
		"forged proof":                {prepareWith(func(p *quorum.Prepare) { p.Proof = forged }), quorum.ErrProof},
		"commit of another chain":     {commitWith(func(p *quorum.Commit) { p.Chain[0]++ }), quorum.ErrWrongChain},
		"commit for another digest":   {commitWith(func(p *quorum.Commit) { p.Envelope = other.Envelope }), quorum.ErrSignature},
		"commit with a forged proof":  {commitWith(func(p *quorum.Commit) { p.Proof = forged }), quorum.ErrProof},
		"candidate for a later one":   {quorum.Candidate{Attempt: 1, Content: c}, quorum.ErrWrongAttempt},
		"candidate of another body":   {quorum.Candidate{Content: odd}, quorum.ErrCandidate},
		"candidate of a later height": {quorum.Candidate{Content: above}, quorum.ErrCandidate},
		"candidate over the limit":    {quorum.Candidate{Content: huge}, quorum.ErrCandidate},
		"timeout before a prepare":    {quorum.Timeout{}, quorum.ErrNotPrepared},
		"certificate of too few":      {certificate(c, few), quorum.ErrCertificate},
		"certificate, wrong vote":     {certificate(c, wrong), quorum.ErrCertificate},
		"certificate, later, wrong":   {certificate(above, wrong), quorum.ErrCertificate},
		"certificate of another body": {certificate(c, func(x *cert.Certificate) { x.Body = other.Body }), quorum.ErrCertificate},
		"certificate of nothing":      {&quorum.Decided{}, quorum.ErrCertificate},
		"resync of another chain":     {resyncWith(func(r *quorum.Resync) { r.Chain[0]++ }), quorum.ErrWrongChain},
		"resync of somebody else":     {resyncWith(func(r *quorum.Resync) { r.From = 2 }), quorum.ErrSignature},
		"reply of another chain":      {replyWith(func(r *quorum.ResyncReply) { r.Chain[0]++ }), quorum.ErrWrongChain},
		"reply to another":            {replyWith(func(r *quorum.ResyncReply) { r.To = 2 }), quorum.ErrNotAddressee},
		"reply, unsigned":             {replyWith(func(r *quorum.ResyncReply) { r.Height++ }), quorum.ErrSignature},
	} {
		next, effects, err := quorum.Step(b.cfg, b.s, x.m)
		require.ErrorIs(t, err, x.want, name)
		require.Empty(t, effects, name)
		require.Equal(t, b.s, next, name)
	}
}

func TestAReplyIsJudgedByItsContent(t *testing.T) {
	b := newBench(t)
	c := sim.Content(b.chain, 1)
	stale := b.reply(1, nil, nil)
	b.s.Nonce = quorum.Nonce{8}
	refused := func(m quorum.Message, want error) {
		t.Helper()
		next, effects, err := quorum.Step(b.cfg, b.s, m)
		require.ErrorIs(t, err, want)
		require.Empty(t, effects)
		require.Equal(t, b.s, next)
	}
	refused(stale, quorum.ErrNonce)
	refused(b.reply(1, b.prepare(2, 0, c), nil), quorum.ErrSignature)
	refused(b.reply(1, nil, b.commit(2, c)), quorum.ErrSignature)
	refused(b.reply(1, nil, b.commit(0, b.above(1))), quorum.ErrSignature)
	early := b.reply(1, nil, nil)
	b.decide(c)
	refused(early, quorum.ErrWrongHeight)
}

// decide takes the bench through a whole height.
func (b *bench) decide(c quorum.Content) []quorum.Effect {
	b.t.Helper()
	b.step(quorum.Candidate{Attempt: b.s.Attempt, Content: c})
	attempt := b.s.Attempt
	b.step(b.prepare(1, attempt, c))
	b.step(b.prepare(2, attempt, c))
	b.step(b.commit(1, c))
	return b.step(b.commit(2, c))
}

func kinds(effects []quorum.Effect) (names []string) {
	for _, e := range effects {
		switch e := e.(type) {
		case quorum.Persist:
			names = append(names, "persist")
		case quorum.Append:
			names = append(names, "append")
		case quorum.Announce:
			names = append(names, "announce")
		case quorum.NeedCandidate:
			names = append(names, "need")
		case quorum.Behind:
			names = append(names, "behind")
		case quorum.Evidence:
			names = append(names, "evidence")
		case quorum.Halt:
			names = append(names, "halt")
		case quorum.SendCertificate:
			names = append(names, "send certificate")
		case quorum.Send:
			names = append(names, map[bool]string{true: "all: ", false: "one: "}[e.To == quorum.Everyone]+[]string{"", "prepare", "commit", "decided", "resync", "reply"}[quorum.Encode(e.Message)[0]])
		}
	}
	return names
}

func TestAHeightWithoutFaultsTakesTheseEffects(t *testing.T) {
	b := newBench(t)
	c := sim.Content(b.chain, 1)
	require.Equal(t, []string{"persist", "all: prepare"}, kinds(b.step(quorum.Candidate{Content: c})))
	require.Empty(t, b.step(b.prepare(1, 0, c)))
	require.Empty(t, b.step(b.prepare(1, 0, c)), "again")
	require.Empty(t, b.step(b.commit(1, c)), "a commit may come before the last prepare")
	require.Equal(t, []string{"persist", "all: commit"}, kinds(b.step(b.prepare(2, 0, c))))
	require.Equal(t, []string{"all: prepare", "all: commit"}, kinds(b.step(quorum.Tick{})))
	require.Equal(t, []string{"append", "announce", "need"}, kinds(b.step(b.commit(2, c))))
	require.Equal(t, uint64(2), b.s.Height())
	require.Equal(t, []string{"need"}, kinds(b.step(quorum.Tick{})))
	require.Empty(t, b.step(&quorum.Decided{Certificate: b.certificate(c)}), "known")
}

func TestOneMemberDecidesAlone(t *testing.T) {
	m, chain := sim.Ed25519{}, genesis(1, 0)
	s, effects, err := quorum.Step(sim.Config(m, chain, 0), quorum.Begin(chain), quorum.Start{})
	require.NoError(t, err)
	require.Equal(t, []string{"need"}, kinds(effects))
	s, effects, err = quorum.Step(sim.Config(m, chain, 0), s, quorum.Candidate{Content: sim.Content(chain, 0)})
	require.NoError(t, err)
	require.Equal(t, []string{"persist", "all: prepare", "persist", "all: commit", "append", "announce", "need"}, kinds(effects))
	require.Equal(t, uint64(2), s.Height())
}

func TestTheAttemptAdvancesByOneAndOnlyAfterAPrepare(t *testing.T) {
	b := newBench(t)
	c, other := sim.Content(b.chain, 1), sim.Content(b.chain, 2)
	require.Empty(t, b.step(b.prepare(1, 1<<63, other)))
	require.Equal(t, []string{"need"}, kinds(b.step(quorum.Tick{})))
	require.Zero(t, b.s.Attempt, "not prepared yet")
	b.step(quorum.Candidate{Content: c})
	for attempt := uint64(1); attempt < 4; attempt++ {
		require.Equal(t, []string{"need"}, kinds(b.step(quorum.Tick{})))
		require.Equal(t, attempt, b.s.Attempt)
		b.step(quorum.Candidate{Attempt: attempt, Content: c})
	}
	require.Equal(t, []string{"need"}, kinds(b.step(quorum.Timeout{})))
	_, _, err := quorum.Step(b.cfg, b.s, b.prepare(2, 3, c))
	require.NoError(t, err, "it is the newest of member 2")
	b.step(b.prepare(2, 4, c))
	_, _, err = quorum.Step(b.cfg, b.s, b.prepare(2, 3, c))
	require.ErrorIs(t, err, quorum.ErrStaleAttempt)
	b.step(quorum.Candidate{Attempt: 4, Content: c})
	require.Equal(t, []string{"need"}, kinds(b.step(b.prepare(1, 4, other))), "all are held and differ")
	require.Equal(t, uint64(5), b.s.Attempt)
}

func TestAProofIsPreparedAfterwardsAndNeverLockedFromLater(t *testing.T) {
	b := newBench(t)
	c, other := sim.Content(b.chain, 1), sim.Content(b.chain, 2)
	b.step(quorum.Candidate{Content: c})
	b.step(quorum.Timeout{})
	b.step(quorum.Candidate{Attempt: 1, Content: other})
	m := b.prepare(1, 0, c)
	m.Proof = proofOf(b.Ed25519, b.chain, 0, c.Digest())
	require.Equal(t, []string{"persist"}, kinds(b.step(m)))
	require.Nil(t, b.s.Lock)
	require.Equal(t, []quorum.Effect{quorum.NeedCandidate{Height: 1, Attempt: 2, Digest: c.Digest()}}, b.step(quorum.Timeout{}))
	_, _, err := quorum.Step(b.cfg, b.s, quorum.Candidate{Attempt: 2, Content: other})
	require.ErrorIs(t, err, quorum.ErrUnwanted)
	require.Equal(t, []string{"persist", "all: prepare"}, kinds(b.step(quorum.Candidate{Attempt: 2, Content: c})))
	_, _, err = quorum.Step(b.cfg, b.s, quorum.Candidate{Attempt: 2, Content: c})
	require.ErrorIs(t, err, quorum.ErrPrepared)

	m = b.prepare(1, 2, c)
	m.Proof = proofOf(b.Ed25519, b.chain, 2, c.Digest())
	require.Equal(t, []string{"persist", "persist", "all: commit"}, kinds(b.step(m)), "a proof of this attempt is all its prepares")
	require.Equal(t, []string{"persist", "all: prepare"}, kinds(b.step(quorum.Timeout{})), "locked, and goes on with its lock")
	b.step(b.prepare(1, 3, c))
	require.Equal(t, []string{"persist"}, kinds(b.step(b.prepare(2, 3, c))))
	require.Equal(t, uint64(2), b.s.Lock.Attempt)
	require.Equal(t, uint64(3), b.s.Proof.Attempt)
}

func TestTwoSignaturesForOneThingAreEvidence(t *testing.T) {
	b := newBench(t)
	c, other, third := sim.Content(b.chain, 1), sim.Content(b.chain, 2), sim.Content(b.chain, 3)
	b.step(b.prepare(1, 0, c))
	first, second := b.prepare(1, 0, c), b.prepare(1, 0, other)
	require.Equal(t, []quorum.Effect{quorum.Evidence{Member: 1, First: first, Second: second}}, b.step(second))
	require.Empty(t, b.step(b.prepare(1, 0, third)), "once is enough")
	b.step(b.prepare(2, 5, c))
	require.Equal(t, []string{"evidence"}, kinds(b.step(b.prepare(2, 5, other))), "of a later attempt too")
	b.step(b.commit(1, c))
	want := quorum.Evidence{Member: 1, First: b.commit(1, c), Second: b.commit(1, other)}
	require.Equal(t, []quorum.Effect{want}, b.step(b.commit(1, other)))
	require.Len(t, b.s.Evidence, 3)
}

func TestEvidenceOfAnAttemptThatIsOverIsNotRefused(t *testing.T) {
	b := newBench(t)
	c, other := sim.Content(b.chain, 1), sim.Content(b.chain, 2)
	b.step(b.prepare(1, 0, c))
	b.step(quorum.Candidate{Content: c})
	b.step(quorum.Timeout{})
	require.Equal(t, []string{"evidence"}, kinds(b.step(b.prepare(1, 0, other))))
}

func TestOtherHeightsAreAnswered(t *testing.T) {
	b := newBench(t)
	first, above := sim.Content(b.chain, 1), b.above(1)
	require.Equal(t, []string{"behind", "one: resync"}, kinds(b.step(b.prepareAt(1, 2, 0, above))))
	require.Equal(t, []string{"behind", "one: resync"}, kinds(b.step(b.commit(1, above))))
	require.Equal(t, []string{"behind", "all: resync"}, kinds(b.step(&quorum.Decided{Certificate: b.certificate(above)})))
	early, ask := b.prepare(1, 0, first), b.resync(1, quorum.Nonce{1})
	own, mine := b.prepare(0, 0, first), b.resync(0, quorum.Nonce{1})
	require.Equal(t, []string{"one: reply"}, kinds(b.step(ask)))
	require.Empty(t, b.step(mine))
	b.decide(first)
	require.Equal(t, []quorum.Effect{quorum.SendCertificate{To: 1, Height: 1}}, b.step(early))
	require.Equal(t, []quorum.Effect{quorum.SendCertificate{To: 1, Height: 1}}, b.step(ask))
	require.Equal(t, []quorum.Effect{quorum.SendCertificate{To: 1, Height: 1}}, b.step(b.commit(1, first)))
	require.Empty(t, b.step(own))
	certificate := b.certificate(first)
	b.decide(sim.Content(b.chain, 2))
	_, _, err := quorum.Step(b.cfg, b.s, &quorum.Decided{Certificate: certificate})
	require.ErrorIs(t, err, quorum.ErrWrongHeight)
}

func TestAMemberWithALockAdoptsWhatTheOthersDecided(t *testing.T) {
	b := newBench(t)
	c := sim.Content(b.chain, 1)
	b.step(quorum.Candidate{Content: c})
	b.step(b.prepare(1, 0, c))
	b.step(b.prepare(2, 0, c))
	require.Equal(t, []string{"append", "need"}, kinds(b.step(&quorum.Decided{Certificate: b.certificate(c)})))
}

func TestOnlyAMatchingConfigSteps(t *testing.T) {
	chain, other := genesis(2, 0), genesis(2, 1)
	m := sim.Ed25519{}
	_, _, err := quorum.Step(sim.Config(m, other, 0), quorum.Begin(chain), quorum.Start{})
	require.ErrorIs(t, err, quorum.ErrWrongChain)
	cfg := sim.Config(m, chain, 0)
	_, _, err = quorum.Step(cfg, quorum.Begin(chain), quorum.Tick{})
	require.ErrorIs(t, err, quorum.ErrNotStarted)
	swapped := *cfg
	swapped.Roster = cert.Roster{chain.Roster[1], chain.Roster[0]}
	_, _, err = quorum.Step(&swapped, quorum.Begin(chain), quorum.Start{})
	require.ErrorIs(t, err, quorum.ErrWrongRoster)
}

func TestAConfigVerifiesWithEd25519(t *testing.T) {
	chain, signer := genesis(2, 0), sim.SignerOf(sim.Ed25519{}, 1)
	cfg, err := quorum.NewConfig(chain, chain.Roster[1].Key, signer)
	require.NoError(t, err)
	require.Equal(t, 1, cfg.Self)
	require.Equal(t, chain.Name, cfg.Chain)
	sig := cfg.Signer.Sign([]byte("message"))
	require.True(t, cfg.Verify(1, []byte("message"), sig))
	require.False(t, cfg.Verify(0, []byte("message"), sig))
	require.False(t, cfg.Verify(1, []byte("massage"), sig))
	_, err = quorum.NewConfig(chain, cert.PublicKey{}, signer)
	require.ErrorIs(t, err, quorum.ErrUnknownMember)
}

func TestAMergeIsDecidedLikeAnyOther(t *testing.T) {
	b := newBench(t)
	body := (&cert.MergeBody{
		State: cert.NextState(b.chain.State, merkle.EmptyRoot()), EnvelopesRoot: b.chain.Envelopes.Root(), RosterHash: b.chain.Roster.Hash(),
	}).Append(nil)
	c := quorum.Content{Envelope: cert.Seal(cert.Merge, merkle.EmptyRoot(), 1, b.chain.Head, body), Body: body}
	require.Contains(t, kinds(b.decide(c)), "append")
}
