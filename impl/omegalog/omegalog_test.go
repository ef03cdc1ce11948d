package omegalog

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
)

func TestAViewIsTheFilesBytes(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.Byte(), 0, 9000).Draw(t, "content")
		path := filepath.Join(dir, "any")
		require.NoError(t, os.WriteFile(path, want, 0o600))
		v, err := Open(path)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, v.Bytes()))
		require.Equal(t, path, v.Name())
		require.NoError(t, v.Check())
		require.NoError(t, v.Close())
	})
}

func TestEventsAreThoseOfTheFileInPlace(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		events := drawEvents(t)
		path := filepath.Join(dir, "any.omega")
		require.NoError(t, os.WriteFile(path, sectionBytes(7, events), 0o600))
		v, err := Open(path)
		require.NoError(t, err)
		header, err := v.Header()
		require.NoError(t, err)
		require.EqualValues(t, 7, header.Node)
		i := 0
		for f, err := range v.Events() {
			require.NoError(t, err)
			require.Equal(t, events[i], []byte(f.Event))
			at := f.Offset + frame.Overhead
			require.Same(t, unsafe.SliceData(v.Bytes()[at:]), unsafe.SliceData(f.Event), "nothing is copied")
			i++
		}
		require.Len(t, events, i)
		require.NoError(t, v.Close())
	})
}

func TestIteratingAllocatesNothingPerEvent(t *testing.T) {
	walk := func(n int) float64 {
		v := openView(t, sectionBytes(7, testEvents(n, 50)))
		return testing.AllocsPerRun(5, func() {
			for _, err := range v.Events() {
				require.NoError(t, err)
			}
		})
	}
	require.Equal(t, walk(10), walk(1000))
}

func TestAWalkEndsAtTheFirstDamageAndWhenTold(t *testing.T) {
	file := sectionBytes(7, testEvents(5, 10))
	file[len(file)-1] ^= 1
	v := openView(t, file)
	frames := 0
	var damage *frame.Error
	for f, err := range v.Events() {
		if err != nil {
			require.ErrorAs(t, err, &damage)
			require.Zero(t, f)
			continue
		}
		require.Nil(t, damage, "nothing comes after the damage")
		frames++
	}
	require.Equal(t, 4, frames)
	require.Equal(t, frame.FrameCRC, damage.Kind)

	for range v.Events() {
		frames--
		if frames == 2 {
			break
		}
	}
	require.Equal(t, 2, frames)
}

func TestAnEmptyFileIsAViewWithoutAHeader(t *testing.T) {
	v := openView(t, nil)
	require.Empty(t, v.Bytes())
	_, err := v.Header()
	var damage *frame.Error
	require.ErrorAs(t, err, &damage)
	require.Equal(t, frame.BadHeader, damage.Kind)
	for _, err := range v.Events() {
		require.ErrorAs(t, err, &damage)
	}
	_, err = v.Section()
	require.ErrorAs(t, err, &damage)
}

func TestOnlyRegularFilesAreMapped(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, unix.Mkfifo(pipe, 0o600))
	for path, what := range map[string]string{dir: "a folder", pipe: "a pipe", "/dev/zero": "a device"} {
		_, err := Open(path)
		var wrong *Error
		require.ErrorAs(t, err, &wrong)
		require.Equal(t, path, wrong.Path)
		require.ErrorIs(t, err, durable.ErrNotRegular)
		require.EqualError(t, err, path+": "+what+", not a regular file")
	}
	missing := filepath.Join(dir, "missing")
	_, err := Open(missing)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.EqualError(t, err, missing+": no such file or directory")
}

func TestClosingTwiceIsNoError(t *testing.T) {
	v, err := Open(putFile(t, []byte("content")))
	require.NoError(t, err)
	require.NoError(t, v.Close())
	require.NoError(t, v.Close())
	require.Nil(t, v.Bytes())
	require.Error(t, v.Check())
}
