package omegalog

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable/durabletest"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
)

// writeAll writes the events with a Writer.
func writeAll(w *Writer, events [][]byte) error {
	for _, e := range events {
		if err := w.Append(e); err != nil {
			w.Abort()
			return err
		}
	}
	return w.Close()
}

func TestAWriterWritesWhatFramesSay(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		node, events := rapid.Uint32().Draw(t, "node"), drawEvents(t)
		if rapid.Bool().Draw(t, "large") {
			events = append(events, testEvents(2, rapid.IntRange(130_000, 150_000).Draw(t, "size"))...)
		}
		path := filepath.Join(dir, "any.omega")
		w, err := Create(path, node)
		require.NoError(t, err)
		require.NoError(t, writeAll(w, events))
		require.EqualValues(t, len(events), w.Frames())
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, sectionBytes(node, events), got)
		names, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, names, 1)
	})
}

func TestNothingIsVisibleBeforeClose(t *testing.T) {
	path := putFile(t, []byte("old"))
	w, err := Create(path, 7)
	require.NoError(t, err)
	for _, e := range testEvents(10, 100_000) {
		require.NoError(t, w.Append(e))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, "old", string(got))
	}
	w.Abort()
	w.Abort()
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "old", string(got))
	names, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, names, 1, "an aborted file leaves no trace")
	require.ErrorIs(t, w.Append(testEvent(1, "")), ErrWriterClosed)
	require.ErrorIs(t, w.Close(), ErrWriterClosed)
}

func TestWhatIsNoEventIsNotWritten(t *testing.T) {
	path := putFile(t, nil)
	w, err := Create(path, 7)
	require.NoError(t, err)
	good := testEvent(1, "good")
	require.NoError(t, w.Append(good))
	require.ErrorIs(t, w.Append(good[:10]), event.ErrShort)
	require.ErrorIs(t, w.Append(append(good[:len(good):len(good)], 0)), event.ErrLeftOver)
	require.EqualValues(t, 1, w.Frames())
	require.NoError(t, w.Close())
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, sectionBytes(7, [][]byte{good}), got)
}

func TestAbortAfterCloseKeepsTheFile(t *testing.T) {
	path := putFile(t, nil)
	w, err := Create(path, frame.Mixed)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	w.Abort()
	v, err := Open(path)
	require.NoError(t, err)
	defer v.Close()
	header, err := v.Header()
	require.NoError(t, err)
	require.EqualValues(t, frame.Mixed, header.Node)
}

func TestAWriterNeedsItsFolderAndAPlace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "none", "a.omega")
	_, err := Create(path, 7)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.EqualError(t, err, path+": no such file or directory")

	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	w, err := Create(filepath.Join(dir, "folder"), 7)
	require.NoError(t, err)
	require.Error(t, w.Close())
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, names, 1)
}

// TestAFaultAndACrashLeaveTheOldFileOrTheWholeNewOne tries every operation of a
// Writer, failed in every way, and then every crash (MAP-3).
func TestAFaultAndACrashLeaveTheOldFileOrTheWholeNewOne(t *testing.T) {
	events := testEvents(2, 140_000)
	old, want := sectionBytes(1, nil), sectionBytes(7, events)
	rapid.Check(t, func(t *rapid.T) {
		disk := durabletest.New("d")
		require.NoError(t, durable.WriteFile(disk, "d/f", old, 0o600))
		disk.FailAt(rapid.IntRange(0, 10).Draw(t, "step"), rapid.SampledFrom(durabletest.Outcomes).Draw(t, "outcome"))
		w, err := create(disk, "d/f", 7)
		if err == nil {
			err = writeAll(w, events)
		}
		disk.FailAt(0, 0)
		got, readErr := disk.Crash(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") }).ReadFile("d/f")
		require.NoError(t, readErr)
		var unknown *durable.UnknownError
		switch {
		case err == nil:
			require.True(t, string(got) == string(want), "a closed file is on disk")
		case errors.As(err, &unknown):
			require.True(t, string(got) == string(want) || string(got) == string(old))
		default:
			require.ErrorIs(t, err, durabletest.ErrFault)
			require.True(t, string(got) == string(old), "an error is a stutter")
		}
	})
}

func TestAFailedWriteStaysFailed(t *testing.T) {
	disk := durabletest.New("d")
	w, err := create(disk, "d/f", 7)
	require.NoError(t, err)
	disk.FailAt(1, durabletest.Half)
	events := testEvents(2, 200_000)
	require.NoError(t, w.Append(events[0]))
	err = w.Append(events[1])
	require.ErrorIs(t, err, durabletest.ErrFault)
	require.Equal(t, err, w.Append(events[1]))
	require.EqualValues(t, 1, w.Frames())
	require.Equal(t, err, w.Close())
	names, err := disk.List("d")
	require.NoError(t, err)
	require.Empty(t, names)
}

func TestAFullDiskLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("a small disk needs the right to mount one: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, 0)) })
	path := filepath.Join(dir, "a.omega")
	w, err := Create(path, 7)
	require.NoError(t, err)
	err = writeAll(w, testEvents(10, 100_000))
	require.ErrorIs(t, err, unix.ENOSPC)
	require.ErrorContains(t, err, path+": ")
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, names)
}
