package quorum_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/conformance/sim"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// A backup is the disk as it was at some moment. Restoring it takes back what
// peers have seen since; whatever it takes back at their height halts the member.
func TestARestoredBackupHaltsBeforeItSigns(t *testing.T) {
	halts := 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(2, 4).Draw(t, "members"), 0)
		w.Variant = agreeing(uint64(rapid.IntRange(0, 3).Draw(t, "agreeing from")))
		for _, x := range w.Nodes {
			w.Restart(x)
		}
		w.Chaos(rapid.IntRange(20, 150).Draw(t, "actions before"))
		victim := w.Nodes[0]
		backup := *victim
		w.Chaos(rapid.IntRange(1, 100).Draw(t, "actions after"))

		if !seenBy(w.Nodes[1:], 0, backup) {
			return // nothing of what is taken back has reached a peer of that height
		}
		victim.Restore(backup)
		w.Net = nil
		w.Restart(victim)
		w.Calm(0)
		require.Equal(t, 1, w.Stats.Halts, "what the peers hold contradicts the backup")
		require.NotNil(t, victim.State.Halted.Seen)
		require.ErrorIs(t, w.Step(victim, quorum.Tick{}), quorum.ErrHalted)
		halts++
	})
	require.Positive(t, halts, "no run has restored a backup that matters")
}

// seenBy reports whether the peers know of a signature of the member that counts,
// and that the backup does not know.
func seenBy(peers []*sim.Node, member int, backup sim.Node) bool {
	var prepare *quorum.SignedPrepare
	var lock *quorum.Proof
	if d, err := quorum.DecodeDurable(backup.Durable); err == nil && d.Height == backup.Chain.Length {
		prepare, lock = d.Prepare, d.Lock
	}
	newer := false
	for _, x := range peers {
		if x.Chain.Length > backup.Chain.Length {
			return lock == nil // the height is over: its commit counts, and nothing else
		}
		p, c := x.State.Prepares[member].Newest, x.State.Commits[member]
		held := p != nil && (prepare == nil || p.Attempt > prepare.Attempt) || c != nil && lock == nil
		newer = newer || held && x.Chain.Length == backup.Chain.Length
	}
	return newer
}

func TestAMemberSignsNothingBeforeEveryPeerHasAnswered(t *testing.T) {
	w := newWorld(1, 3, 0)
	x := w.Nodes[0]
	w.Restart(x)
	w.Restart(w.Nodes[1])
	w.Calm(0)
	require.False(t, x.State.Ready())
	require.ErrorIs(t, w.Step(x, quorum.Timeout{}), quorum.ErrNotReady)
	c := sim.Content(w.Genesis(), 0)
	_, effects, err := quorum.Step(x.Config, x.State, quorum.Candidate{Content: c})
	require.NoError(t, err)
	require.Empty(t, effects, "the candidate is kept, and nothing is signed")
	require.NoError(t, w.Step(x, quorum.Candidate{Content: c}))
	require.NoError(t, w.Step(x, quorum.Tick{}))
	require.Len(t, w.Net, 1, "only the silent peer is asked again")
	require.Equal(t, 2, w.Net[0].To)
	w.Restart(w.Nodes[2])
	w.Calm(0)
	require.True(t, x.State.Ready())
	require.NotNil(t, x.State.Prepares[0].Current, "it goes on with the candidate that it has kept")
	require.Nil(t, x.Need)
}

func TestAMemberThatMissedTheEndOfItsHeightAdoptsItAndSignsOn(t *testing.T) {
	w := newWorld(1, 3, 0)
	for _, x := range w.Nodes {
		w.Restart(x)
	}
	calmUntilPrepared(w)
	late := w.Nodes[2]
	for len(w.Net) > 0 {
		w.Deliver(0)
		late.Up = late.State.Commits[2] == nil // it crashes once it has committed
	}
	require.Equal(t, uint64(1), late.Chain.Length)
	require.Equal(t, uint64(2), w.Nodes[0].Chain.Length)
	w.Settle(4, 30)
	require.Len(t, late.Log, 3)
	require.Zero(t, w.Stats.Halts)
}

func TestAMemberThatHasLostItsLockDoesNotAdopt(t *testing.T) {
	w := newWorld(1, 3, 0)
	for _, x := range w.Nodes {
		w.Restart(x)
	}
	fresh := *w.Nodes[2]
	w.Settle(3, 10)
	w.Nodes[2].Restore(fresh)
	w.Restart(w.Nodes[2])
	w.Calm(0)
	require.NotNil(t, w.Nodes[2].State.Halted)
	require.Equal(t, quorum.UnknownCommit, w.Nodes[2].State.Halted.Reason)
}
