package quorum_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/conformance/sim"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// chaos runs the cluster for a number of actions.
func (c *cluster) chaos(actions int) {
	for range actions {
		x := c.parties[c.rng.IntN(len(c.parties))]
		switch r := c.rng.IntN(100); {
		case r < 55 && len(c.net) > 0:
			c.deliver(c.rng.IntN(min(len(c.net), 8)))
		case r < 75:
			c.supply(x)
		case r < 85:
			c.tick(x)
		case r < 88 && x.up && x.cfg != nil:
			_ = c.step(x, quorum.Timeout{})
		case r < 92 && !x.up:
			c.restart(x)
		case r < 93 && c.crashes:
			x.up, x.cfg = false, nil
		case x.liar:
			c.show(x)
		default:
			c.fetch(x)
		}
	}
}

// settle ends all faults, and runs until the plan is done and the members of its last
// roster have some certificates more; it returns after how many rounds.
func (c *cluster) settle() int {
	c.loss, c.crashes, c.agreed = 0, false, 0
	c.limit = len(c.decided) + 4 + 2*(len(c.plan)-1-c.changes)
	for round := range 120 {
		for _, x := range c.parties {
			if !x.up {
				c.restart(x)
			}
		}
		for budget := 4000; budget > 0 && len(c.net) > 0; budget-- {
			c.deliver(0)
			for _, x := range c.parties {
				c.supply(x)
			}
		}
		if c.reached(c.limit) {
			return round
		}
		for _, x := range c.parties {
			c.fetch(x)
			c.supply(x)
			c.tick(x)
		}
		if round%6 == 5 {
			for _, x := range c.parties {
				if x.cfg != nil {
					_ = c.step(x, quorum.Timeout{})
				}
			}
		}
	}
	require.Fail(c.t, "no progress", "%d certificates, want %d; %d changes of %d", len(c.decided), c.limit, c.changes, len(c.plan)-1)
	return 0
}

// reached reports whether all of the plan was done, and every member of its last
// roster has the height.
func (c *cluster) reached(height int) bool {
	if len(c.decided) < height || c.changes < len(c.plan)-1 {
		return false
	}
	for _, x := range c.parties {
		_, member := c.plan[len(c.plan)-1].Find(people(x.number)[0].Key)
		if member && len(x.log) < height {
			return false
		}
	}
	return true
}

// drawPlan returns rosters, each of which is the one before with somebody joining,
// leaving, changing the key or the place, or writing other nodes.
func drawPlan(t *rapid.T) []cert.Roster {
	n := rapid.IntRange(1, 3).Draw(t, "members")
	plan := []cert.Roster{genesis(n, 0).Roster}
	for range rapid.IntRange(1, 4).Draw(t, "changes") {
		r := slices.Clone(plan[len(plan)-1])
		i, spare := rapid.IntRange(0, len(r)-1).Draw(t, "member"), rapid.IntRange(0, sim.Most-1).Draw(t, "key")
		_, taken := r.Find(people(spare)[0].Key)
		switch kind := rapid.IntRange(0, 4).Draw(t, "kind"); {
		case kind == 0 && !taken && len(r) < 4:
			m := people(spare)[0]
			m.Name, m.Nodes = fmt.Sprint("joins-", len(plan)), nil
			r = slices.Insert(r, i, m)
		case kind == 1 && len(r) > 1:
			r = slices.Delete(r, i, i+1)
		case kind == 2 && !taken:
			r[i].Key = people(spare)[0].Key
		case kind == 3 && i > 0:
			r[0], r[i] = r[i], r[0]
		default:
			r[i].Nodes = []uint32{uint32(100 * len(plan))}
		}
		if !slices.ContainsFunc(plan, func(o cert.Roster) bool { return o.Hash() == r.Hash() }) {
			plan = append(plan, r)
		}
	}
	return plan
}

func TestMembersJoinLeaveAndChangeKeysThroughFaults(t *testing.T) {
	changes, restarts, longest := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		c := newCluster(t, rapid.Uint64().Draw(t, "seed"), drawPlan(t))
		c.agreed = uint64(rapid.IntRange(0, 2).Draw(t, "agreed from"))
		c.loss, c.crashes = rapid.SampledFrom([]int{0, 10, 40}).Draw(t, "loss"), rapid.Bool().Draw(t, "crashes")
		for _, x := range c.parties {
			c.restart(x)
		}
		c.chaos(rapid.IntRange(0, 600).Draw(t, "actions"))
		if rapid.Bool().Draw(t, "all is lost") {
			c.net = nil
		}
		longest = max(longest, c.settle())
		changes, restarts = changes+c.changes, restarts+c.restarts
		for _, x := range c.parties {
			for h, made := range x.log {
				require.Equal(t, c.decided[h], made.Envelope.Hash())
			}
		}
	})
	t.Logf("%d changes, %d restarts, at most %d rounds", changes, restarts, longest)
	require.Positive(t, changes)
}

// One member votes for a change, and hears of nothing more: of one by which all change
// places, so that what it then says is another one's to them, and what they ask it
// another one's to it; and of one by which the only one that has it leaves.
func TestWhoHasMissedTheChangeIsToldOfIt(t *testing.T) {
	for name, x := range map[string]struct {
		plan []cert.Roster
		late int
	}{
		"all change places":    {[]cert.Roster{people(0, 1, 2), people(2, 0, 1)}, 2},
		"who has it has left":  {[]cert.Roster{people(0, 1), people(0)}, 0},
		"all others have left": {[]cert.Roster{people(0, 1, 2), people(1, 3)}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, 1, x.plan)
			for _, x := range c.parties {
				c.restart(x)
			}
			late := c.parties[x.late]
			for c.changes == 0 || len(c.net) > 0 {
				require.NotEmpty(t, c.net)
				m, err := quorum.Decode(c.net[0].bytes)
				require.NoError(t, err)
				_, isPrepare := m.(*quorum.Prepare)
				if p := c.net[0]; p.to == late.number && len(late.log) == 2 && !isPrepare {
					c.net = c.net[1:]
				} else {
					c.deliver(0)
				}
				for _, x := range c.parties {
					if len(x.log) < 3 {
						c.supply(x)
					}
				}
			}
			require.Len(t, late.log, 2)
			require.NotNil(t, late.state.Lock)
			require.Less(t, c.settle(), 10)
		})
	}
}

// lie answers as a loyal member would, most of the time, so that heights end; the
// liar is a member as long as a party that it talks to takes it for one.
func (c *cluster) lie(x *party, m quorum.Wire) {
	for _, y := range c.parties {
		self, member := y.chain.Roster.Find(people(x.number)[0].Key)
		if y.liar || y.cfg == nil || !member {
			continue
		}
		sign := signer(x.number)
		cfg := &quorum.Config{Chain: y.chain.Name, Roster: y.chain.Roster, Self: self, Signer: sign, Verify: y.cfg.Verify}
		switch m := m.(type) {
		case *quorum.Resync:
			if _, effects, err := quorum.Step(cfg, ready(y.chain, self), m); err == nil {
				x.cfg = cfg
				for _, e := range effects {
					c.do(x, e)
				}
				x.cfg = nil
			}
		case *quorum.Prepare:
			p := quorum.SignedPrepare{Attempt: m.Attempt, Digest: m.Digest}
			p.Signature = sign.Sign(cert.PrepareMessage(y.chain.Name, m.Height, p.Attempt, p.Digest))
			c.tell(y, &quorum.Prepare{Chain: y.chain.Name, Height: m.Height, From: self, SignedPrepare: p})
		case *quorum.Commit:
			c.tell(y, &quorum.Commit{Chain: y.chain.Name, From: self, SignedCommit: quorum.SignedCommit{
				Envelope: m.Envelope, Vote: sign.Sign(cert.VoteMessage(y.chain.Name, m.Envelope.Hash()))}})
		}
	}
}

// ready is the state of a member that asks nobody.
func ready(chain cert.Chain, self int) quorum.State {
	s := quorum.Begin(chain)
	s.Started, s.Answered = true, make([]bool, len(chain.Roster))
	s.Answered[self] = true
	return s
}

func (c *cluster) tell(y *party, m quorum.Wire) {
	if c.rng.IntN(100) < 90 {
		c.net = append(c.net, parcel{y.number, quorum.Encode(m)})
	}
}

// show has a liar sign something else, or show a certificate that is none: of a
// content that was signed for, with what signatures there are.
func (c *cluster) show(x *party) {
	y := c.parties[c.rng.IntN(len(c.parties))]
	self, member := y.chain.Roster.Find(people(x.number)[0].Key)
	if y.liar || !member {
		return
	}
	content := sim.Content(y.chain, 1+c.rng.IntN(3))
	if c.rng.IntN(2) == 0 {
		content = changeTo(y.chain, people(x.number))
	}
	sign := signer(x.number)
	attempt := uint64(c.rng.IntN(3))
	p := quorum.SignedPrepare{Attempt: attempt, Digest: content.Digest()}
	p.Signature = sign.Sign(cert.PrepareMessage(y.chain.Name, y.chain.Length, attempt, p.Digest))
	vote := sign.Sign(cert.VoteMessage(y.chain.Name, content.Digest()))
	all := cert.Certificate{Envelope: content.Envelope, Body: content.Body, Signatures: slices.Repeat([]cert.Signature{vote}, len(y.chain.Roster)+c.rng.IntN(2))}
	switch c.rng.IntN(3) {
	case 0:
		c.tell(y, &quorum.Prepare{Chain: y.chain.Name, Height: y.chain.Length, From: self, SignedPrepare: p})
	case 1:
		c.tell(y, &quorum.Commit{Chain: y.chain.Name, From: self, SignedCommit: quorum.SignedCommit{Envelope: content.Envelope, Vote: vote}})
	default:
		c.tell(y, &quorum.Decided{Certificate: all})
	}
}

func TestLiarsForkNothingWhileTheRosterChanges(t *testing.T) {
	changes, heights := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		liars := []int{rapid.IntRange(0, sim.Most-1).Draw(t, "a liar"), rapid.IntRange(0, sim.Most-1).Draw(t, "another")}
		plan := drawPlan(t)
		if slices.ContainsFunc(plan, func(r cert.Roster) bool { return len(people(liars...).Joiners(r)) == 0 }) {
			return // a roster of liars alone can fork what it likes
		}
		c := newCluster(t, rapid.Uint64().Draw(t, "seed"), plan, liars...)
		c.agreed = uint64(rapid.IntRange(0, 1).Draw(t, "agreed from"))
		c.loss, c.crashes = rapid.SampledFrom([]int{0, 10}).Draw(t, "loss"), rapid.Bool().Draw(t, "crashes")
		for _, x := range c.parties {
			c.restart(x)
		}
		c.chaos(rapid.IntRange(200, 800).Draw(t, "actions"))
		changes, heights = changes+c.changes, heights+len(c.decided)
	})
	t.Logf("%d heights, %d changes", heights, changes)
	require.Positive(t, changes, "the runs are too tame")
}
