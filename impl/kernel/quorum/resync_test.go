package quorum_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// A backup is the disk as it was at some moment. Restoring it takes back what
// peers have seen since; whatever it takes back at their height halts the member.
func TestARestoredBackupHaltsBeforeItSigns(t *testing.T) {
	halts := 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, rapid.Uint64().Draw(t, "seed"), rapid.IntRange(2, 4).Draw(t, "members"), 0)
		w.variant = agreeing(uint64(rapid.IntRange(0, 3).Draw(t, "agreeing from")))
		for _, x := range w.nodes {
			w.restart(x)
		}
		w.chaos(rapid.IntRange(20, 150).Draw(t, "actions before"))
		victim := w.nodes[0]
		backup := *victim
		w.chaos(rapid.IntRange(1, 100).Draw(t, "actions after"))

		if !seenBy(w.nodes[1:], 0, backup) {
			return // nothing of what is taken back has reached a peer of that height
		}
		backup.book = victim.book
		*victim = backup
		w.net = nil
		w.restart(victim)
		w.calm(0)
		require.Equal(t, 1, w.stats.halts, "what the peers hold contradicts the backup")
		require.NotNil(t, victim.s.Halted.Seen)
		require.ErrorIs(t, w.step(victim, quorum.Tick{}), quorum.ErrHalted)
		halts++
	})
	require.Positive(t, halts, "no run has restored a backup that matters")
}

// seenBy reports whether the peers know of a signature of the member that counts,
// and that the backup does not know.
func seenBy(peers []*node, member int, backup node) bool {
	var prepare *quorum.SignedPrepare
	var lock *quorum.Proof
	if d := backup.disk(nil); d != nil && d.Height == backup.chain.Length {
		prepare, lock = d.Prepare, d.Lock
	}
	newer := false
	for _, x := range peers {
		if x.chain.Length > backup.chain.Length {
			return lock == nil // the height is over: its commit counts, and nothing else
		}
		p, c := x.s.Prepares[member].Newest, x.s.Commits[member]
		held := p != nil && (prepare == nil || p.Attempt > prepare.Attempt) || c != nil && lock == nil
		newer = newer || held && x.chain.Length == backup.chain.Length
	}
	return newer
}

func TestAMemberSignsNothingBeforeEveryPeerHasAnswered(t *testing.T) {
	w := newWorld(t, 1, 3, 0)
	x := w.nodes[0]
	w.restart(x)
	w.restart(w.nodes[1])
	w.calm(0)
	require.False(t, x.s.Ready())
	require.ErrorIs(t, w.step(x, quorum.Timeout{}), quorum.ErrNotReady)
	c := content(w.genesis, 0)
	_, effects, err := quorum.Step(x.cfg, x.s, quorum.Candidate{Content: c})
	require.NoError(t, err)
	require.Empty(t, effects, "the candidate is kept, and nothing is signed")
	require.NoError(t, w.step(x, quorum.Candidate{Content: c}))
	require.NoError(t, w.step(x, quorum.Tick{}))
	require.Len(t, w.net, 1, "only the silent peer is asked again")
	require.Equal(t, 2, w.net[0].to)
	w.restart(w.nodes[2])
	w.calm(0)
	require.True(t, x.s.Ready())
	require.NotNil(t, x.s.Prepares[0].Current, "it goes on with the candidate that it has kept")
	require.Nil(t, x.need)
}

func TestAMemberThatMissedTheEndOfItsHeightAdoptsItAndSignsOn(t *testing.T) {
	w := newWorld(t, 1, 3, 0)
	for _, x := range w.nodes {
		w.restart(x)
	}
	w.calmUntilPrepared()
	late := w.nodes[2]
	for len(w.net) > 0 {
		w.deliver(0)
		late.up = late.s.Commits[2] == nil // it crashes once it has committed
	}
	require.Equal(t, uint64(1), late.chain.Length)
	require.Equal(t, uint64(2), w.nodes[0].chain.Length)
	w.settle(4, 30)
	require.Len(t, late.log, 3)
	require.Zero(t, w.stats.halts)
}

func TestAMemberThatHasLostItsLockDoesNotAdopt(t *testing.T) {
	w := newWorld(t, 1, 3, 0)
	for _, x := range w.nodes {
		w.restart(x)
	}
	fresh := *w.nodes[2]
	w.settle(3, 10)
	*w.nodes[2] = fresh
	w.restart(w.nodes[2])
	w.calm(0)
	require.NotNil(t, w.nodes[2].s.Halted)
	require.Equal(t, quorum.UnknownCommit, w.nodes[2].s.Halted.Reason)
}
