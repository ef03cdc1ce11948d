package quorum_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/sim"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// people returns the roster of the keys with these numbers, m0, m1 ...; those of
// genesis(n, 0) are 0 to n-1.
func people(numbers ...int) (r cert.Roster) {
	all := genesis(sim.Most, 0).Roster
	for _, i := range numbers {
		r = append(r, all[i])
	}
	return r
}

// vote is the vote of the key with that number.
func vote(chain cert.Chain, number int, c quorum.Content) cert.Signature {
	return signer(number).Sign(cert.VoteMessage(chain.Name, c.Digest()))
}

// changeTo returns the change to the roster as the chain's next content, signed by the
// keys with these numbers as those who join.
func changeTo(chain cert.Chain, r cert.Roster, joining ...int) quorum.Content {
	body := (&cert.RosterChangeBody{OldHash: chain.Roster.Hash(), Roster: r}).Append(nil)
	c := quorum.Content{Envelope: cert.Seal(cert.RosterChange, merkle.EmptyRoot(), chain.Length, chain.Head, body), Body: body}
	for _, i := range joining {
		c.Joining = append(c.Joining, vote(chain, i, c))
	}
	return c
}

// signedBy is the certificate of a content with the votes of these keys.
func signedBy(chain cert.Chain, c quorum.Content, numbers ...int) *quorum.Decided {
	out := cert.Certificate{Envelope: c.Envelope, Body: c.Body}
	for _, i := range numbers {
		out.Signatures = append(out.Signatures, vote(chain, i, c))
	}
	return &quorum.Decided{Certificate: out}
}

func refuse(t *testing.T, cfg *quorum.Config, s quorum.State, m quorum.Message, want error, why string) {
	t.Helper()
	next, effects, err := quorum.Step(cfg, s, m)
	require.ErrorIs(t, err, want, why)
	require.Empty(t, effects, why)
	require.Equal(t, s, next, why)
}

func TestAChangeIsACandidateOnlyWithTheSignaturesOfThoseWhoJoin(t *testing.T) {
	b := newBench(t)
	r := people(4, 0, 3, 1) // 4 and 3 join, 2 leaves
	good := changeTo(b.chain, r, 4, 3)
	other := changeTo(b.chain, people(4, 0, 3), 4, 3)
	joining := func(of ...cert.Signature) quorum.Content {
		c := good
		c.Joining = of
		return c
	}
	plain := sim.Content(b.chain, 1)
	plain.Joining = []cert.Signature{vote(b.chain, 4, plain)}
	for why, c := range map[string]quorum.Content{
		"none signs":            changeTo(b.chain, r),
		"one is missing":        changeTo(b.chain, r, 4),
		"in another order":      changeTo(b.chain, r, 3, 4),
		"one signs twice":       changeTo(b.chain, r, 4, 4),
		"one too many":          changeTo(b.chain, r, 4, 3, 0),
		"who stays signs too":   changeTo(b.chain, r, 4, 0, 3, 1),
		"signed by another key": changeTo(b.chain, r, 4, 5),
		"and the first by one":  changeTo(b.chain, r, 5, 3),
		"for another change":    joining(other.Joining...),
		"not a signature":       joining(good.Joining[0], cert.Signature{}),
		"no change, and signed": plain,
	} {
		refuse(t, b.cfg, b.s, quorum.Candidate{Content: c}, quorum.ErrJoining, why)
	}
	same := quorum.Candidate{Content: changeTo(b.chain, b.chain.Roster)}
	refuse(t, b.cfg, b.s, same, quorum.ErrCandidate, "no change at all")
	require.Equal(t, []string{"persist", "all: prepare"}, kinds(b.step(quorum.Candidate{Content: good})))
	require.Empty(t, newBench(t).s.Candidates)
}

func TestTheSignaturesOfThoseWhoJoinAreOnDisk(t *testing.T) {
	b := newBench(t)
	c := changeTo(b.chain, people(0, 3, 1, 4), 3, 4)
	effects := b.step(quorum.Candidate{Content: c})
	disk, err := quorum.DecodeDurable(effects[0].(quorum.Persist).Durable)
	require.NoError(t, err)
	require.Equal(t, []quorum.Content{c}, disk.Candidates)
	start := func(change func(c *quorum.Content)) (quorum.State, error) {
		again := *disk
		again.Candidates = []quorum.Content{c}
		change(&again.Candidates[0])
		s, _, err := quorum.Step(b.cfg, quorum.Begin(b.chain), quorum.Start{Disk: &again})
		return s, err
	}
	s, err := start(func(*quorum.Content) {})
	require.NoError(t, err)
	require.Equal(t, []quorum.Content{c}, s.Candidates)
	for why, change := range map[string]func(c *quorum.Content){
		"lost":   func(c *quorum.Content) { c.Joining = nil },
		"forged": func(c *quorum.Content) { c.Joining = []cert.Signature{{1}} },
		"twice":  func(c *quorum.Content) { c.Joining = append(c.Joining[:1:1], c.Joining[0]) },
	} {
		_, err := start(change)
		require.ErrorIs(t, err, quorum.ErrDisk, why)
		require.ErrorIs(t, err, quorum.ErrJoining, why)
	}
}

// Of three members one leaves and one gives way to a new key, the last one comes to
// stand first, and two keys join.
func TestAChangeIsDecidedByTheOldRosterAndSignedByBoth(t *testing.T) {
	b := newBench(t)
	old := b.chain
	r := people(2, 4, 0, 3)
	c := changeTo(old, r, 4, 3)
	effects := b.decide(c)
	require.Equal(t, []string{"append", "announce"}, kinds(effects))
	made := effects[0].(quorum.Append).Certificate
	require.Equal(t, signedBy(old, c, 0, 1, 2, 2, 4, 0, 3).Certificate, made)
	next, err := old.Check(&made)
	require.NoError(t, err)
	require.Equal(t, quorum.Begin(next), b.s, "it ends as any member begins under the new roster")

	for _, m := range []quorum.Message{quorum.Tick{}, quorum.Timeout{}, quorum.Start{}, b.prepare(1, 0, c), &quorum.Decided{Certificate: made}} {
		refuse(t, b.cfg, b.s, m, quorum.ErrWrongRoster, "the config is of the old roster")
	}
	_, err = quorum.NewConfig(next, people(1)[0].Key, b.cfg.Signer)
	require.ErrorIs(t, err, quorum.ErrUnknownMember, "who has left")

	cfg, err := quorum.NewConfig(next, people(0)[0].Key, b.cfg.Signer)
	require.NoError(t, err)
	require.Equal(t, 2, cfg.Self)
	s, effects, err := quorum.Step(cfg, b.s, quorum.Start{Changed: true})
	require.NoError(t, err)
	require.Equal(t, []string{"all: resync"}, kinds(effects))
	require.Len(t, s.Answered, 4)
	_, effects, err = quorum.Step(cfg, s, quorum.Tick{})
	require.NoError(t, err)
	require.Equal(t, quorum.SendCertificate{To: quorum.Everyone, Height: 1}, effects[0])
	require.Equal(t, []string{"send certificate", "one: resync", "one: resync", "one: resync"}, kinds(effects))
	s.Changed = false
	_, effects, err = quorum.Step(cfg, s, quorum.Tick{})
	require.NoError(t, err)
	require.Len(t, effects, 3, "the log ends with another certificate")
}

func TestAChangeOfNodesAloneGoesOnAtOnce(t *testing.T) {
	b := newBench(t)
	r := people(0, 1, 2)
	r[1].Nodes = []uint32{7, 8}
	require.Equal(t, []string{"append", "announce", "need"}, kinds(b.decide(changeTo(b.chain, r))))
	require.Equal(t, r, b.chain.Roster)
	require.Contains(t, kinds(b.decide(sim.Content(b.chain, 1))), "append")
}

func TestAChangeIsAdoptedByWhoIsLockedOnIt(t *testing.T) {
	b := newBench(t)
	c := changeTo(b.chain, people(0, 1, 2, 3), 3)
	full := signedBy(b.chain, c, 0, 1, 2, 0, 1, 2, 3)
	cut := func(n int) *quorum.Decided { return signedBy(b.chain, c, []int{0, 1, 2, 0, 1, 2, 3}[:n]...) }
	for why, m := range map[string]*quorum.Decided{
		"the old roster's alone":      cut(3),
		"the new member's is missing": cut(6),
		"one too many":                signedBy(b.chain, c, 0, 1, 2, 0, 1, 2, 3, 3),
		"who joins has not signed":    signedBy(b.chain, c, 0, 1, 2, 0, 1, 2, 2),
		"who stays has not, as new":   signedBy(b.chain, c, 0, 1, 2, 0, 3, 2, 3),
		"an old one has not":          signedBy(b.chain, c, 0, 3, 2, 0, 1, 2, 3),
	} {
		refuse(t, b.cfg, b.s, m, quorum.ErrCertificate, why)
	}
	forgetful := *b
	require.Equal(t, []string{"halt"}, kinds(forgetful.step(full)), "its own vote is among them, and it knows of none")

	b.step(quorum.Candidate{Content: c})
	b.step(b.prepare(1, 0, c))
	b.step(b.prepare(2, 0, c))
	require.Equal(t, []quorum.Effect{quorum.Append{Certificate: full.Certificate}}, b.step(full))
	require.Equal(t, quorum.Begin(b.chain), b.s)
}

func TestAChangeOfALaterHeightTellsThatOthersAreAhead(t *testing.T) {
	b := newBench(t)
	c := sim.Content(b.chain, 1)
	next, err := b.chain.CheckContent(&c.Envelope, c.Body)
	require.NoError(t, err)
	later := changeTo(next, people(0, 1, 2, 3), 3)
	require.Equal(t, []string{"behind", "all: resync"}, kinds(b.step(signedBy(next, later, 0, 1, 2, 0, 1, 2, 3))))
	refuse(t, b.cfg, b.s, signedBy(next, later, 0, 1, 2), quorum.ErrCertificate, "no signature of the new roster")
}

// Two keys that replace all members have signed two changes, of which one was decided.
// An old member who lies shows the other one with their signatures.
func TestASignatureForAnotherChangeIsHeldAgainstNobody(t *testing.T) {
	chain := genesis(2, 0)
	decided := changeTo(chain, people(3, 4), 3, 4)
	other := changeTo(chain, people(4, 3), 4, 3)
	next, err := chain.Check(&signedBy(chain, decided, 0, 1, 3, 4).Certificate)
	require.NoError(t, err)
	cfg, err := quorum.NewConfig(next, people(3)[0].Key, sim.SignerOf(sim.Ed25519{}, 3))
	require.NoError(t, err)
	s, _, err := quorum.Step(cfg, quorum.Begin(next), quorum.Start{Changed: true})
	require.NoError(t, err)
	for _, m := range []*quorum.Decided{
		signedBy(chain, other, 3, 4, 4, 3), signedBy(chain, other, 3, 4), signedBy(chain, other, 3, 4, 0), signedBy(chain, other, 0, 1, 4, 3),
	} {
		refuse(t, cfg, s, m, quorum.ErrCertificate, "it was never theirs to decide")
	}
	third := changeTo(chain, people(3), 3)
	third.Body = (&cert.RosterChangeBody{OldHash: next.Roster.Hash(), Roster: people(3)}).Append(nil)
	refuse(t, cfg, s, signedBy(chain, third, 3, 4, 3), quorum.ErrCertificate, "the body is another one's")
}

func TestASecondCertificateThatChangesThisRosterIsAFork(t *testing.T) {
	b := newBench(t)
	fork := signedBy(b.chain, changeTo(b.chain, people(0, 1, 2, 3), 3), 0, 1, 2, 0, 1, 2, 3)
	b.decide(sim.Content(b.chain, 1))
	effects := b.step(fork)
	require.Equal(t, []string{"halt"}, kinds(effects))
	require.Equal(t, quorum.Fork, effects[0].(quorum.Halt).Reason)
}
