package certlog

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOneWriterAtATime(t *testing.T) {
	dir := t.TempDir()
	l, err := Create(dir)
	require.NoError(t, err)
	_, err = Open(dir)
	var locked *LockedError
	require.ErrorAs(t, err, &locked)
	require.Equal(t, dir, locked.Dir)
	require.Contains(t, []int{0, os.Getpid()}, locked.PID)
	require.ErrorContains(t, err, dir)
	_, err = Read(Path(dir))
	require.NoError(t, err, "an audit needs no lock")
	require.NoError(t, l.Close())
	l, err = Open(dir)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	lock, err := os.ReadFile(filepath.Join(dir, LockName))
	require.NoError(t, err)
	require.Empty(t, lock)
}

func TestTheLockFileIsNotFollowedElsewhere(t *testing.T) {
	dir := t.TempDir()
	appendAll(t, dir, nil)
	name := filepath.Join(dir, LockName)
	require.NoError(t, os.Remove(name))
	require.NoError(t, os.Symlink(filepath.Join(t.TempDir(), "elsewhere"), name))
	_, err := Open(dir)
	require.ErrorContains(t, err, name)
}

func TestTheHolderIsFoundInTheTableOfLocks(t *testing.T) {
	table := []byte(`1: POSIX  ADVISORY  WRITE 17 08:01:42 0 EOF
2: FLOCK  ADVISORY  WRITE 18 08:01:41 0 EOF
2: -> FLOCK  ADVISORY  WRITE 20 08:01:42 0 EOF
3: FLOCK  ADVISORY  WRITE 19 08:01:42 0 EOF
`)
	require.Equal(t, 19, holderIn(table, "08:01:42"))
	require.Equal(t, 0, holderIn(table, "08:01:43"))
	require.Equal(t, 0, holderIn([]byte("garbage\n"), "08:01:42"))
	require.Contains(t, (&LockedError{Dir: "data", PID: 19}).Error(), "process 19")
	require.Contains(t, (&LockedError{Dir: "data"}).Error(), "another process")
}
