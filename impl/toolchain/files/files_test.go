package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAReplacedFileHasTheNewContentAndItsHash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, content := range []string{"old", "new", ""} {
		require.NoError(t, Replace(path, []byte(content)))
		want := sha256.Sum256([]byte(content))
		got, err := Hash(path)
		require.NoError(t, err)
		require.Equal(t, hex.EncodeToString(want[:]), got)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing is left beside it")
}

func TestAFileThatCannotBeReplacedStays(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "folder")
	require.NoError(t, os.MkdirAll(filepath.Join(path, "within"), 0o700))
	require.Error(t, Replace(path, []byte("content")), "a folder is in its place")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing is left beside it")
	require.ErrorIs(t, Replace(filepath.Join(dir, "nowhere", "file"), nil), fs.ErrNotExist)
	_, err = Hash(filepath.Join(dir, "nowhere"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestTheSecondWaitsForTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(context.Background(), path, func() { t.Error("nobody holds it") })
	require.NoError(t, err)

	waits := 0
	ctx, cancel := context.WithTimeout(context.Background(), 3*pause)
	defer cancel()
	_, err = Lock(ctx, path, func() { waits++ })
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, 1, waits, "it is told once")

	second, err := Lock(context.Background(), path, unlock)
	require.NoError(t, err, "it is let go while the second waits")
	second()
	_, err = Lock(context.Background(), filepath.Join(path, "within"), nil)
	require.Error(t, err)
}
