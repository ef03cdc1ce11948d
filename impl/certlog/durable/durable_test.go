package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable/durabletest"
)

// draw adapts rapid to what a crash has to decide.
func draw(t *rapid.T) func(n int) int {
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") }
}

// writers are the two ways to write a file whole.
var writers = map[string]func(durable.FS, string, []byte) error{
	"WriteFile": func(fsys durable.FS, path string, data []byte) error {
		return durable.WriteFile(fsys, path, data, 0o600)
	},
	"CreateFile": func(fsys durable.FS, path string, data []byte) error {
		return durable.CreateFile(fsys, path, data, 0o600)
	},
}

func TestWhatWasWrittenSurvivesACrash(t *testing.T) {
	for name, write := range writers {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			disk := durabletest.New("d")
			require.NoError(t, write(disk, "d/f", []byte("content")))
			got, err := disk.Crash(draw(t)).ReadFile("d/f")
			require.NoError(t, err)
			require.Equal(t, "content", string(got))
		}))
	}
}

func TestAFaultAndACrashWhileReplacingLeaveTheOldOrTheNewContent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disk := durabletest.New("d")
		require.NoError(t, durable.WriteFile(disk, "d/f", []byte("old content"), 0o600))
		disk.FailAt(rapid.IntRange(1, 8).Draw(t, "step"), rapid.SampledFrom(durabletest.Outcomes).Draw(t, "outcome"))
		writeErr := durable.WriteFile(disk, "d/f", []byte("new"), 0o600)
		disk.FailAt(0, 0)
		got, err := disk.Crash(draw(t)).ReadFile("d/f")
		require.NoError(t, err)
		var unknown *durable.UnknownError
		switch {
		case writeErr == nil:
			require.Equal(t, "new", string(got))
		case errors.As(writeErr, &unknown):
			require.Contains(t, []string{"old content", "new"}, string(got))
		default:
			require.Equal(t, "old content", string(got))
		}
	})
}

func TestAFailedCreateLeavesNoFile(t *testing.T) {
	for _, outcome := range []durabletest.Outcome{durabletest.NotDone, durabletest.Half} {
		for step := 1; ; step++ {
			disk := durabletest.New("d")
			disk.FailAt(step, outcome)
			if err := durable.CreateFile(disk, "d/f", []byte("content"), 0o600); err == nil {
				require.Equal(t, 6, step, "a file is created, written, synced, closed and its folder synced")
				break
			}
			_, err := disk.ReadFile("d/f")
			require.ErrorIs(t, err, os.ErrNotExist)
		}
	}
}

func TestCreateNeverOverwrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, durable.CreateFile(durable.OS{}, path, []byte("one"), 0o600))
	require.ErrorIs(t, durable.CreateFile(durable.OS{}, path, []byte("two"), 0o600), os.ErrExist)
	got, err := durable.OS{}.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "one", string(got))
}

func TestWriteFileLeavesOneFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	for _, content := range []string{"one", "two"} {
		require.NoError(t, durable.WriteFile(durable.OS{}, path, []byte(content), 0o640))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, content, string(got))
	}
	names, err := durable.OS{}.List(dir)
	require.NoError(t, err)
	require.Equal(t, []string{"f"}, names)
}

func TestReplacingAFolderFailsAndLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "f", "inside"), 0o755))
	err := durable.WriteFile(durable.OS{}, filepath.Join(dir, "f"), []byte("content"), 0o600)
	var unknown *durable.UnknownError
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, "rename", unknown.Op)
	names, err := durable.OS{}.List(dir)
	require.NoError(t, err)
	require.Equal(t, []string{"f"}, names)
}

func TestCleanRemovesTheLeftoversOfOnePath(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "vote")
	for _, name := range []string{durable.TempName(path), durable.TempName(path), path, durable.TempName(path + "2")} {
		require.NoError(t, os.WriteFile(name, nil, 0o600))
	}
	require.NoError(t, durable.Clean(durable.OS{}, path))
	names, err := durable.OS{}.List(dir)
	require.NoError(t, err)
	require.Len(t, names, 2)
	require.Equal(t, "vote", names[0])
	require.ErrorIs(t, durable.Clean(durable.OS{}, filepath.Join(dir, "none", "vote")), os.ErrNotExist)
}

func TestOnlyRegularFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, unix.Mkfifo(pipe, 0o600))
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink(pipe, link))
	for path, what := range map[string]string{dir: "a folder", pipe: "a pipe", link: "a pipe", "/dev/null": "a device"} {
		_, err := durable.OS{}.ReadFile(path)
		require.ErrorIs(t, err, durable.ErrNotRegular)
		require.ErrorContains(t, err, what+", not a regular file")
		_, err = durable.OS{}.OpenWrite(path)
		require.ErrorIs(t, err, durable.ErrNotRegular)
	}
	_, err := durable.OS{}.ReadFile(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestDescribeNamesEveryKindOfFile(t *testing.T) {
	for mode, want := range map[os.FileMode]string{
		0o600: "a regular file", os.ModeDir: "a folder", os.ModeNamedPipe: "a pipe", os.ModeSocket: "a socket",
		os.ModeSymlink: "a symbolic link", os.ModeDevice | os.ModeCharDevice: "a device", os.ModeIrregular: "a special file",
	} {
		require.Equal(t, want, durable.Describe(mode))
	}
}

func TestMkdirAllMakesParentsAndRefusesAFile(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, "a", "b", "c")
	require.NoError(t, durable.MkdirAll(deep, 0o700))
	require.NoError(t, durable.MkdirAll(deep, 0o700))
	require.DirExists(t, deep)
	path := filepath.Join(dir, "f")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.ErrorContains(t, durable.MkdirAll(path, 0o700), "a regular file, not a folder")
	require.Error(t, durable.MkdirAll(filepath.Join(path, "below"), 0o700))
}

func TestALongFileIsReadOneByteBeyondTheLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte("abcdef"), 0o600))
	for limit, want := range map[int64]string{4: "abcde", 5: "abcdef", 6: "abcdef", 9: "abcdef"} {
		got, err := durable.ReadUpTo(path, limit, nil)
		require.NoError(t, err)
		require.Equal(t, want, string(got), "limit %d", limit)
	}
	unfit := errors.New("unfit")
	got, err := durable.ReadUpTo(path, 9, func(info fs.FileInfo) error {
		require.Equal(t, int64(6), info.Size())
		return unfit
	})
	require.ErrorIs(t, err, unfit)
	require.Nil(t, got)
}
