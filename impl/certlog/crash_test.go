package certlog

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const crashDirVariable = "CERTLOG_CRASH_DIR"

// TestMain runs the tests, or the child that TestAKilledProcessLosesNothing kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDirVariable); dir != "" {
		fmt.Fprintln(os.Stderr, appendWithoutEnd(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// appendWithoutEnd votes and appends, and tells each height once it is in.
func appendWithoutEnd(dir string) error {
	l, err := Open(dir)
	if err != nil {
		return err
	}
	votes, err := l.Votes("paris")
	if err != nil {
		return err
	}
	for {
		height := l.Count()
		if err := votes.Save(strconv.AppendUint(nil, height, 10)); err != nil {
			return err
		}
		if err := l.Append(testChain(int(height)+1, 1)[height]); err != nil {
			return err
		}
		fmt.Println(height)
	}
}

func TestAKilledProcessLosesNothing(t *testing.T) {
	dir := voteDir(t, "paris")
	var count, recovered uint64
	for range 12 {
		acked := runAndKill(t, dir, time.Duration(rand.IntN(60))*time.Millisecond)
		l, err := Open(dir)
		require.NoError(t, err)
		if l.Recovered() != nil {
			recovered++
		}
		require.GreaterOrEqual(t, l.Count(), max(count, acked), "every acknowledged certificate is there")
		count = l.Count()
		require.Equal(t, testChain(int(count), 1), certificates(l))
		votes, err := l.Votes("paris")
		require.NoError(t, err)
		if vote, ok := votes.Load(); ok {
			height, err := strconv.ParseUint(string(vote), 10, 64)
			require.NoError(t, err)
			require.GreaterOrEqual(t, height+1, count, "the vote was there before the certificate")
			require.LessOrEqual(t, height, count)
		}
		require.NoError(t, l.Close())
	}
	require.Positive(t, count, "the children did nothing, so nothing was tested")
	t.Logf("%d certificates, %d torn tails", count, recovered)
}

// runAndKill lets a child append, kills it some time after its first
// acknowledgement, and returns the number of certificates it has acknowledged.
func runAndKill(t *testing.T, dir string, after time.Duration) (acked uint64) {
	cmd := exec.Command(os.Args[0])
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), crashDirVariable+"="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	for lines := bufio.NewScanner(out); lines.Scan(); {
		height, err := strconv.ParseUint(lines.Text(), 10, 64)
		require.NoError(t, err)
		if acked == 0 {
			time.AfterFunc(after, func() { cmd.Process.Kill() })
		}
		acked = height + 1
	}
	err = cmd.Wait()
	require.ErrorContains(t, err, "signal: killed", "the child must end by our hand")
	return acked
}

func TestAFullDiskChangesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("a small disk needs the right to mount one: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, 0)) })
	require.NoError(t, os.MkdirAll(filepath.Dir(VotePath(dir, "paris")), 0o700))
	l, err := Create(dir)
	require.NoError(t, err)
	defer l.Close()
	votes, err := l.Votes("paris")
	require.NoError(t, err)
	require.NoError(t, votes.Save([]byte("small")))

	chain := testChain(400, 1)
	n := 0
	for n < len(chain) && l.Append(chain[n]) == nil {
		n++
	}
	require.Less(t, n, len(chain), "the disk must fill")
	require.ErrorIs(t, l.Append(chain[n]), unix.ENOSPC)
	require.NotErrorIs(t, l.Append(chain[n]), ErrFatal, "a full disk is not a broken one")
	require.ErrorIs(t, votes.Save(make([]byte, 10_000)), unix.ENOSPC)
	vote, _ := votes.Load()
	require.Equal(t, "small", string(vote))
	got, err := os.ReadFile(Path(dir))
	require.NoError(t, err)
	require.Equal(t, logBytes(chain[:n]), got)
	names, err := os.ReadDir(filepath.Dir(VotePath(dir, "paris")))
	require.NoError(t, err)
	require.Len(t, names, 1)
	require.NoError(t, l.Close())
	l, err = Open(dir)
	require.NoError(t, err, "and the folder opens on a full disk")
	require.NoError(t, l.Close())
}
