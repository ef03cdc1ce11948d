package node

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
	"github.com/omega-sheaf-os/omega/impl/omegalog/omegalogtest"
)

// TestASectionThatChangesBeforeItsTraceIsWrittenIsRefused changes a section after
// it was reconciled: in its size, or in one byte with the time put back.
func TestASectionThatChangesBeforeItsTraceIsWrittenIsRefused(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"cut to nothing": func(path string) error { return os.Truncate(path, 0) },
		"grown":          func(path string) error { return os.Truncate(path, 1<<16) },
		"one byte, told by the time": func(path string) error {
			return changeLastByte(path)
		},
		"one byte, not told": func(path string) error {
			info, err := os.Stat(path)
			return errors.Join(err, changeLastByte(path), os.Chtimes(path, info.ModTime(), info.ModTime()))
		},
	} {
		for _, obstructed := range []bool{false, true} {
			if obstructed && name == "one byte, not told" {
				continue // whatever the versions are, they are no less a conflict
			}
			dir := newChain(t, 2)
			f := openFolder(t, dir)
			events := []string{lone(t, 1)}
			if obstructed {
				other := omegalogtest.Event(1, 1)
				other.Value++
				events = append(events, omegalogtest.WriteSection(t, t.TempDir(), "other.omega", 1, other))
			}
			good, err := os.ReadFile(events[0])
			require.NoError(t, err)
			before := folderBytes(t, dir)
			f.beforeContent = func() error { return change(events[0]) }
			_, err = f.Certify(context.Background(), Batch{Height: 1, Files: events, RecordObstruction: true})
			var changed *omegalog.ChangedError
			var rule *archive.RuleError
			if name == "one byte, not told" {
				require.ErrorAs(t, err, &rule, name)
				require.Equal(t, archive.KindTraceRoot, rule.Kind)
			} else {
				require.ErrorAs(t, err, &changed, name)
				require.Equal(t, events[0], changed.Path)
			}
			require.Equal(t, before, folderBytes(t, dir), name)
			require.NoError(t, os.WriteFile(events[0], good, 0o644))
			f.beforeContent = nil
			_, err = f.Certify(context.Background(), Batch{Height: 1, Files: events, RecordObstruction: true})
			require.NoError(t, err, name)
			require.NoError(t, f.Close())
			requireAudit(t, dir, 2)
		}
	}
}

// changeLastByte changes the last byte of a file of one event, which is in its
// payload, and mends the frame's CRC by writing the frame anew.
func changeLastByte(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[len(b)-1] ^= 1
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b[len(b)-1:], int64(len(b)-1))
	return errors.Join(err, f.Close())
}

// TestATraceThatIsThereAlreadyIsNotWrittenAgain lets a section change after the
// batch was reconciled: the trace that members have signed for must stay.
func TestATraceThatIsThereAlreadyIsNotWrittenAgain(t *testing.T) {
	dir := newChain(t, 2)
	path := lone(t, 1)
	f := openFolder(t, dir)
	crashWhen(t, f, isCommit, path)
	require.NoError(t, f.Close())
	f = openFolder(t, dir)
	f.beforeContent = func() error { return errCrash }
	require.False(t, certify(t, f, path).Resumed)
	requireAudit(t, dir, 2)
}

func TestAfterAFailedSyncNothingMoreIsWritten(t *testing.T) {
	dir := newChain(t, 2)
	f := openFolder(t, dir)
	before := folderBytes(t, dir)
	f.beforeContent = func() error { return &durable.UnknownError{Op: "fsync", Path: "trace", Err: unix.EIO} }
	_, err := f.Certify(context.Background(), Batch{Height: 1, Files: []string{lone(t, 1)}})
	require.ErrorIs(t, err, certlog.ErrFatal)
	require.ErrorIs(t, err, unix.EIO)
	f.beforeContent = nil
	_, err = f.Certify(context.Background(), Batch{Height: 1, Files: []string{lone(t, 1)}})
	require.ErrorIs(t, err, certlog.ErrFatal)
	require.Equal(t, before, folderBytes(t, dir))
	require.NoError(t, f.Close())
	certify(t, openFolder(t, dir), lone(t, 1))
}

// TestLeftoversOfACrashAreRemovedAndNothingElse puts files of every kind into the
// traces' folder.
func TestLeftoversOfACrashAreRemovedAndNothingElse(t *testing.T) {
	dir := newChain(t, 2)
	first, _ := omegalogtest.TwoBatches(t)
	f := openFolder(t, dir)
	certify(t, f, first...)
	good := filepath.Base(tracePathAt(t, f, 1))
	require.NoError(t, f.Close())
	name := func(height uint64, root byte) string { return filepath.Base(archive.TracePath(height, [32]byte{root})) }
	empty := filepath.Base(archive.TracePath(0, merkle.EmptyRoot())) // as the envelope of a genesis has it
	gone := []string{empty, name(0, 1), name(1, 1), name(2, 1) + ".tmp-ABC", good + ".tmp-ABC"}
	stay := []string{good, name(2, 1), name(3, 1), "1-notes.txt", "00000001-.omega", "readme", good + ".bak", "1" + good}
	for _, n := range slices.Concat(gone, stay[1:]) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, archive.TracesName, n), []byte("x"), 0o644))
	}
	f = openFolder(t, dir)
	require.ElementsMatch(t, stay, traceNames(t, dir))

	certify(t, f, lone(t, 9))
	stay = slices.DeleteFunc(stay, func(n string) bool { return n == name(2, 1) })
	require.ElementsMatch(t, append(stay, filepath.Base(tracePathAt(t, f, 2))), traceNames(t, dir))
}

func TestTheTracesFolderIsMadeAnew(t *testing.T) {
	dir := newChain(t, 1)
	require.NoError(t, os.Remove(filepath.Join(dir, archive.TracesName)))
	f := openFolder(t, dir)
	certify(t, f, lone(t, 1))
	requireAudit(t, dir, 2)
	require.NoError(t, f.Close())

	dir = newChain(t, 1)
	require.NoError(t, os.Remove(filepath.Join(dir, archive.TracesName)))
	require.NoError(t, os.WriteFile(filepath.Join(dir, archive.TracesName), nil, 0o644))
	_, err := Open(dir, nil)
	require.ErrorContains(t, err, "not a folder")
	_, err = Open(dir, nil)
	require.ErrorContains(t, err, "not a folder", "a failed Open gives the lock back")
}

// TestACertifiedTraceThatIsUnfitStopsWhatNeedsIt removes or changes the trace that
// the next batch's deps are in, before Open and after.
func TestACertifiedTraceThatIsUnfitStopsWhatNeedsIt(t *testing.T) {
	first, second := omegalogtest.TwoBatches(t)
	for name, damage := range map[string]func(path string) error{
		"removed": os.Remove,
		"changed": changeLastByte,
	} {
		for _, late := range []bool{false, true} {
			dir := newChain(t, 2)
			f := openFolder(t, dir)
			certify(t, f, first...)
			path := tracePathAt(t, f, 1)
			require.NoError(t, f.Close())
			if !late {
				require.NoError(t, damage(path))
			}
			f = openFolder(t, dir)
			if late {
				require.NoError(t, damage(path))
			}
			before := folderBytes(t, dir)
			_, err := f.Certify(context.Background(), Batch{Height: 2, Files: second})
			var bad *archive.TraceError
			require.ErrorAs(t, err, &bad, name)
			require.Equal(t, path, bad.Path)
			require.Equal(t, before, folderBytes(t, dir), name)
			require.NoError(t, f.Close())
		}
	}
}

func TestAFolderThatCannotBeWrittenToIsAnError(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("a disk for reading alone needs the right to mount one: %v", err)
	}
	defer unix.Unmount(disk, unix.MNT_DETACH)
	dir := filepath.Join(disk, "data")
	_, err := Init(dir, DefaultSeats(2))
	require.NoError(t, err)
	require.NoError(t, unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	_, err = Open(dir, nil)
	require.ErrorIs(t, err, unix.EROFS)
	_, err = Init(filepath.Join(disk, "another"), DefaultSeats(2))
	require.ErrorIs(t, err, unix.EROFS)
	v, err := Read(dir)
	require.NoError(t, err)
	require.EqualValues(t, 1, v.Chain.Length)
	require.NoError(t, v.Close())
}
