package faults_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/archive"
)

// TestAMemberThatIsCutOffIsWaitedForAndCatchesUp cuts off one of four: nothing is
// certified without it, and all that was handed in meanwhile is behind it.
func TestAMemberThatIsCutOffIsWaitedForAndCatchesUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "partition", 4)
	w.certify(5, 0, 1, 2, 3)
	require.NoError(w.t, w.Settle(patience))
	before := w.Height(0)
	w.wire.Cut(func(from, to int) bool { return (from == 3) != (to == 3) })
	for i := range 4 {
		require.NoError(t, w.Submit(i, w.Events(i, 3, 100)...))
	}
	time.Sleep(time.Second)
	during := w.Height(0)
	require.LessOrEqual(t, during, before+1, "certified without a member")
	for i := range 4 {
		require.LessOrEqual(t, w.Height(i), during+1)
	}
	w.wire.Cut(nil)
	after := w.certify(5, 0, 1, 2, 3)
	w.counts(before, during-before, after-during)
	w.judge()
}

// TestABackupOfThisHeightGoesOnAndAnOlderOneHalts gives a member its disk of some time
// ago: it asks its peers what it has signed since. Where that is nothing it goes on;
// where it is something it signs nothing any more, until its own disk is back.
func TestABackupOfThisHeightGoesOnAndAnOlderOneHalts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "backup", 4)
	w.certify(3, 0, 1, 2, 3)
	require.NoError(w.t, w.Settle(patience))
	before := w.Height(0)
	backup, truth := filepath.Join(w.Dir, "backup"), filepath.Join(w.Dir, "truth")
	w.copyDisk(3, backup)
	w.restore(3, backup)
	w.until(func() bool { return w.Seats[3].Member.Status().Ready })
	require.NoError(t, w.Submit(1, w.Events(1, 3, 100)...))
	w.until(func() bool { return w.Height(3) > before })
	require.NoError(w.t, w.Settle(patience))

	w.copyDisk(3, truth)
	during := w.Height(0)
	w.restore(3, backup)
	w.until(func() bool { return w.Seats[3].Member.Status().Halted != "" })
	require.False(t, w.Seats[3].Member.Status().Ready)
	require.NoError(t, w.Submit(0, w.Events(0, 3, 100)...))
	time.Sleep(300 * time.Millisecond)
	require.Equal(t, during, w.Height(0), "a halted member signs nothing")
	require.NotEmpty(t, w.Seats[3].Member.Status().Halted)

	w.restore(3, truth)
	after := w.certify(3, 0, 3)
	w.counts(before, during-before, after-during)
	w.judge()
}

// copyDisk takes a member down, copies its disk and starts it again.
func (w *world) copyDisk(i int, to string) {
	require.NoError(w.t, w.Stop(i))
	require.NoError(w.t, os.CopyFS(to, os.DirFS(w.Seats[i].Dir)))
	require.NoError(w.t, w.Start(i, w.wire))
}

// restore takes a member down and starts it with another disk.
func (w *world) restore(i int, from string) {
	dir := w.Seats[i].Dir
	require.NoError(w.t, w.Stop(i))
	require.NoError(w.t, os.RemoveAll(dir))
	require.NoError(w.t, os.CopyFS(dir, os.DirFS(from)))
	require.NoError(w.t, os.Chmod(archive.KeyPath(dir, "m3"), 0o600))
	require.NoError(w.t, w.Start(i, w.wire))
}
