package node

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/audit"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
	"github.com/omega-sheaf-os/omega/impl/omegalog/omegalogtest"
)

// newChain makes a chain of n members below a fresh folder and returns its data
// folder.
func newChain(t *testing.T, n int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	_, err := Init(dir, DefaultSeats(n))
	require.NoError(t, err)
	return dir
}

func openFolder(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := Open(dir, nil)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func requireAudit(t *testing.T, dir string, certificates int) {
	t.Helper()
	report, err := audit.Folder(dir, audit.Options{})
	require.NoError(t, err)
	require.Truef(t, report.OK, "%v", report.FirstError)
	require.EqualValues(t, certificates, report.Certificates)
}

func TestBatchesBecomeAChainThatAuditsItself(t *testing.T) {
	for members := 1; members <= 4; members++ {
		dir := newChain(t, members)
		first, second := omegalogtest.TwoBatches(t)
		f := openFolder(t, dir)
		for i, files := range [][]string{first, second} {
			out, err := f.Certify(context.Background(), Batch{Height: uint64(i + 1), Files: files})
			require.NoError(t, err)
			require.Len(t, out.Certificate.Signatures, members)
			require.False(t, out.Resumed)
		}
		require.NoError(t, f.Close())
		requireAudit(t, dir, 3)
	}
}

func TestAnObstructionIsRefusedOrRecordedAndTheChainGoesOn(t *testing.T) {
	dir := newChain(t, 2)
	first, second := omegalogtest.TwoBatches(t)
	forged := omegalogtest.Event(2, 2, omegalogtest.Key(1, 1))
	forged.Value++
	files := append(first, omegalogtest.WriteSection(t, t.TempDir(), "forged.omega", 2, forged))
	f := openFolder(t, dir)
	before := folderBytes(t, dir)

	out, err := f.Certify(context.Background(), Batch{Height: 1, Files: files})
	require.NoError(t, err)
	require.Nil(t, out.Certificate)
	require.Len(t, out.Result.Obstructions, 1)
	require.Equal(t, cert.Equivocation, out.Result.Obstructions[0].Kind)
	require.Equal(t, before, folderBytes(t, dir), "a refused batch has changed the folder")

	out, err = f.Certify(context.Background(), Batch{Height: 1, Files: files, RecordObstruction: true})
	require.NoError(t, err)
	require.Equal(t, cert.Obstruction, out.Certificate.Envelope.Type)

	// Both versions are quarantined: the same files are admitted without them,
	// and the event still counts as there for the deps of others.
	out, err = f.Certify(context.Background(), Batch{Height: 2, Files: files})
	require.NoError(t, err)
	require.EqualValues(t, 2, out.Result.Events)
	require.EqualValues(t, 2, out.Result.Repeats)
	out, err = f.Certify(context.Background(), Batch{Height: 3, Files: second})
	require.NoError(t, err)
	require.EqualValues(t, 2, out.Result.Events)
	require.NoError(t, f.Close())
	requireAudit(t, dir, 4)
}

// folderBytes returns every file of a folder by its path.
func folderBytes(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files[path] = string(b)
		return err
	}))
	return files
}

func TestCertifyRefusesAndChangesNothing(t *testing.T) {
	dir := newChain(t, 2)
	first, _ := omegalogtest.TwoBatches(t)
	f := openFolder(t, dir)
	before := folderBytes(t, dir)
	for name, b := range map[string]Batch{
		"height too low":  {Height: 0, Files: first},
		"height too high": {Height: 2, Files: first},
		"no such file":    {Height: 1, Files: []string{"nowhere.omega"}},
		"a folder":        {Height: 1, Files: []string{t.TempDir()}},
	} {
		_, err := f.Certify(context.Background(), b)
		require.Error(t, err, name)
		require.Equal(t, before, folderBytes(t, dir), name)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := f.Certify(cancelled, Batch{Height: 1, Files: first})
	require.ErrorIs(t, err, context.Canceled)
	requireAudit(t, dir, 1)
}

func TestASectionWhoseSignatureDoesNotHoldIsRefused(t *testing.T) {
	dir := newChain(t, 2)
	first, _ := omegalogtest.TwoBatches(t)
	f := openFolder(t, dir)
	key, err := f.SectionKey(first[0], nil)
	require.NoError(t, err)
	_, err = f.SignSection(first[0], key)
	require.NoError(t, err)
	_, err = f.SignSection(first[1], key)
	require.ErrorIs(t, err, omegalog.ErrSignatureSigner)

	out, err := f.Certify(context.Background(), Batch{Height: 1, Files: first})
	require.NoError(t, err)
	require.Equal(t, []SignatureState{Signed, Unsigned}, out.Signatures)

	omegalogtest.WriteSection(t, filepath.Dir(first[0]), filepath.Base(first[0]), 1, omegalogtest.Event(5, 1))
	_, err = f.Certify(context.Background(), Batch{Height: 2, Files: first[:1]})
	require.ErrorIs(t, err, ErrSectionSignature)
}

func TestAFolderServesOneProcessAndNeedsEveryKey(t *testing.T) {
	dir := newChain(t, 3)
	f := openFolder(t, dir)
	_, err := Open(dir, nil)
	var locked *certlog.LockedError
	require.ErrorAs(t, err, &locked)
	require.NoError(t, f.Close())

	require.NoError(t, os.Remove(archive.KeyPath(dir, "member-2")))
	_, err = Open(dir, nil)
	require.ErrorIs(t, err, ErrMissingKeys)
	require.ErrorContains(t, err, "member-2")
	_, err = Init(dir, DefaultSeats(1))
	require.ErrorIs(t, err, os.ErrExist)
}

func TestAFullDiskChangesNothing(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=128k"); err != nil {
		t.Skipf("a small disk needs the right to mount one: %v", err)
	}
	defer unix.Unmount(disk, unix.MNT_DETACH)
	dir := filepath.Join(disk, "data")
	_, err := Init(dir, DefaultSeats(2))
	require.NoError(t, err)
	large := omegalogtest.Event(1, 1)
	large.Payload = make([]byte, 256<<10)
	f := openFolder(t, dir)
	before := folderBytes(t, dir)
	_, err = f.Certify(context.Background(), Batch{Height: 1,
		Files: []string{omegalogtest.WriteSection(t, t.TempDir(), "large.omega", 1, large)}})
	require.ErrorIs(t, err, unix.ENOSPC)
	require.Equal(t, before, folderBytes(t, dir))
	first, _ := omegalogtest.TwoBatches(t)
	_, err = f.Certify(context.Background(), Batch{Height: 1, Files: first})
	require.NoError(t, err)
	require.NoError(t, f.Close())
	requireAudit(t, dir, 2)
}

var errCrash = errors.New("crash")

// TestACrashBetweenAnyTwoEffectsLeavesOneChain has the members crash before each
// effect in turn, and then certifies the same batch, or another: there is one
// chain, and it audits itself at every moment.
func TestACrashBetweenAnyTwoEffectsLeavesOneChain(t *testing.T) {
	t.Parallel()
	first, _ := omegalogtest.TwoBatches(t)
	for _, same := range []bool{true, false} {
		resumed := 0
		for crashAt := 0; ; crashAt++ {
			dir := newChain(t, 3)
			f := openFolder(t, dir)
			n := 0
			f.beforeEffect = func(quorum.Effect) error {
				n++
				if n > crashAt {
					return errCrash
				}
				return nil
			}
			_, err := f.Certify(context.Background(), Batch{Height: 1, Files: first})
			require.NoError(t, f.Close())
			if err == nil {
				require.Greater(t, crashAt, 20, "an agreement of three has more effects")
				break
			}
			require.ErrorIs(t, err, errCrash)
			requireAudit(t, dir, chainLength(t, dir))
			files := first
			if !same {
				files = first[:1]
			}
			if again(t, dir, files) {
				resumed++
			}
			requireAudit(t, dir, chainLength(t, dir))
		}
		if !same {
			require.Positive(t, resumed, "no crash fell behind the first lock")
		}
	}
}

// again certifies after a crash and reports whether an earlier certificate was
// completed in place of the batch.
func again(t *testing.T, dir string, files []string) bool {
	t.Helper()
	f := openFolder(t, dir)
	height := f.Chain.Length
	out, err := f.Certify(context.Background(), Batch{Height: height, Files: files})
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return out.Resumed
}

func chainLength(t *testing.T, dir string) int {
	t.Helper()
	records, err := certlog.Read(certlog.Path(dir))
	require.NoError(t, err)
	return len(records)
}

const killEnv = "OMEGA_TEST_CERTIFY"

// TestMain is the other process of TestAKillAtAnyMomentLeavesAValidChain and
// TestTwoProcessesTakeTurns: it certifies one section after the other, whenever
// the folder is free, until it is killed.
func TestMain(m *testing.M) {
	dir := os.Getenv(killEnv)
	if dir == "" {
		os.Exit(m.Run())
	}
	for {
		f, err := Open(dir, nil)
		if err == nil {
			name := fmt.Sprintf("%d.omega", f.Chain.Length)
			_, err = f.Certify(context.Background(), Batch{Height: f.Chain.Length, Files: []string{filepath.Join(dir, "..", name)}})
			err = errors.Join(err, f.Close())
		}
		time.Sleep(3 * time.Millisecond) // for the other process
		var locked *certlog.LockedError
		if err != nil && !errors.As(err, &locked) {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func TestAKillAtAnyMomentLeavesAValidChain(t *testing.T) {
	dir := newChain(t, 2)
	for h := range uint64(400) {
		omegalogtest.WriteSection(t, filepath.Dir(dir), fmt.Sprintf("%d.omega", h), 1, omegalogtest.Event(h+1, 1))
	}
	for range 12 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killEnv+"="+dir)
		cmd.Stderr = os.Stderr
		require.NoError(t, cmd.Start())
		time.Sleep(time.Duration(50+rand.IntN(250)) * time.Millisecond)
		require.NoError(t, cmd.Process.Kill())
		require.ErrorContains(t, cmd.Wait(), "killed")
		requireAudit(t, dir, chainLength(t, dir))
	}
	require.Greater(t, chainLength(t, dir), 2, "the process made no certificate before it was killed")
	f := openFolder(t, dir)
	f.Close()
	requireAudit(t, dir, chainLength(t, dir))
}
