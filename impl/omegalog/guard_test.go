package omegalog

import (
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/parallel"
)

var _ parallel.Run = Run

// bigView maps a section of many pages.
func bigView(t *testing.T) *OmegaLogView {
	return openView(t, sectionBytes(7, testEvents(300, 1000)))
}

func requireChanged(t *testing.T, v *OmegaLogView, err error) *ChangedError {
	t.Helper()
	var changed *ChangedError
	require.ErrorAs(t, err, &changed)
	require.Equal(t, v.Name(), changed.Path)
	return changed
}

// readers touch bytes of a view in the ways of the kernel: in Go code, in
// assembly, and in the runtime's memmove.
var readers = map[string]func(v *OmegaLogView) error{
	"events": func(v *OmegaLogView) error {
		for _, err := range v.Events() {
			if err != nil {
				return err
			}
		}
		return nil
	},
	"section root": func(v *OmegaLogView) error {
		_, err := v.Section()
		return err
	},
	"crc":    func(v *OmegaLogView) error { crc32.Checksum(v.Bytes(), castagnoli); return nil },
	"sha256": func(v *OmegaLogView) error { sha256.Sum256(v.Bytes()); return nil },
	"copy":   func(v *OmegaLogView) error { copy(make([]byte, len(v.Bytes())), v.Bytes()); return nil },
	"compare": func(v *OmegaLogView) error {
		if string(v.Bytes()) == string(make([]byte, len(v.Bytes()))) {
			return errors.New("the file is not zeros")
		}
		return nil
	},
	"trace root": func(v *OmegaLogView) error {
		merkle.TraceRoot(len(v.Bytes())/100, func(i int) []byte { return v.Bytes()[100*i:][:100] }, 1)
		return nil
	},
	"workers": func(v *OmegaLogView) error {
		Run(4, func(i int) {
			part := len(v.Bytes()) / 4
			crc32.Checksum(v.Bytes()[i*part:][:part], castagnoli)
		})
		return nil
	},
}

func TestAFileThatShrinksIsAnErrorAndNotACrash(t *testing.T) {
	for name, read := range readers {
		for _, size := range []int64{0, 5000, 100_000} {
			t.Run(name, func(t *testing.T) {
				v := bigView(t)
				require.NoError(t, Guard(func() error { return read(v) }, v))
				require.NoError(t, os.Truncate(v.Name(), size))
				changed := requireChanged(t, v, Guard(func() error { return read(v) }, v))
				require.Equal(t, size, changed.Offset)
			})
		}
	}
}

func TestAFileThatShrinksDuringTheWalkIsAnError(t *testing.T) {
	v := bigView(t)
	frames := 0
	err := Guard(func() error {
		for _, err := range v.Events() {
			if err != nil {
				return err
			}
			if frames++; frames == 10 {
				require.NoError(t, os.Truncate(v.Name(), 0))
			}
		}
		return nil
	}, v)
	requireChanged(t, v, err)
	require.Less(t, frames, 300)
}

func TestAFaultIsCaughtWhereTheFileHasItsSizeAgain(t *testing.T) {
	v := bigView(t)
	size := int64(len(v.Bytes()))
	err := Guard(func() error {
		require.NoError(t, os.Truncate(v.Name(), 0))
		defer func() { require.NoError(t, os.Truncate(v.Name(), size)) }()
		crc32.Checksum(v.Bytes(), castagnoli)
		return nil
	}, v)
	requireChanged(t, v, err)
}

func TestEveryWriteToTheFileIsNoticed(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"grown":     func(path string) error { return os.Truncate(path, 1<<20) },
		"rewritten": func(path string) error { return os.WriteFile(path, make([]byte, 100), 0o600) },
		"touched":   func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1, 1)) },
		"one byte": func(path string) error {
			time.Sleep(20 * time.Millisecond) // the clock of the file system ticks
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt([]byte{1}, 40)
			return errors.Join(err, f.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := bigView(t)
			require.NoError(t, change(v.Name()))
			requireChanged(t, v, v.Check())
			other := errors.New("what the reader made of the changed bytes")
			requireChanged(t, v, Guard(func() error { return other }, v))
		})
	}
}

func TestAFileReplacedUnderItsNameIsNoChange(t *testing.T) {
	v := bigView(t)
	want := sectionBytes(7, testEvents(300, 1000))
	require.NoError(t, os.Remove(v.Name()))
	require.NoError(t, os.WriteFile(v.Name(), []byte("new"), 0o600))
	require.NoError(t, Guard(func() error {
		require.Equal(t, want, v.Bytes())
		return nil
	}, v))
}

func TestGuardReturnsTheErrorOfItsFunction(t *testing.T) {
	v := bigView(t)
	want := &frame.Error{Kind: frame.BadEvent}
	require.Equal(t, error(want), Guard(func() error { return want }, v))
}

func TestGuardLetsOtherPanicsPass(t *testing.T) {
	v := bigView(t)
	require.PanicsWithValue(t, "mine", func() { _ = Guard(func() error { panic("mine") }, v) })
	var null *int
	require.Panics(t, func() { _ = Guard(func() error { *null = 1; return nil }, v) })

	other := bigView(t)
	require.NoError(t, os.Truncate(other.Name(), 0))
	require.Panics(t, func() {
		_ = Guard(func() error { crc32.Checksum(other.Bytes(), castagnoli); return nil }, v)
	}, "a fault in a view that the guard was not given")
	empty := openView(t, nil)
	require.Panics(t, func() { _ = Guard(func() error { *null = 1; return nil }, empty) })
}

func TestGuardRestoresTheModeOfItsGoroutine(t *testing.T) {
	v := bigView(t)
	for _, mode := range []bool{true, false} {
		debug.SetPanicOnFault(mode)
		require.NoError(t, Guard(func() error { return nil }, v))
		require.Equal(t, mode, debug.SetPanicOnFault(false))
	}
}

func TestGuardsNest(t *testing.T) {
	outer, inner := bigView(t), bigView(t)
	require.NoError(t, os.Truncate(outer.Name(), 0))
	err := Guard(func() error {
		return Guard(func() error { crc32.Checksum(outer.Bytes(), castagnoli); return nil }, inner)
	}, outer, inner)
	requireChanged(t, outer, err)
}

func TestRunRunsEveryTaskOnceAndWaits(t *testing.T) {
	for n := range 20 {
		ran := make([]atomic.Int32, n)
		Run(n, func(i int) { ran[i].Add(1) })
		for i := range ran {
			require.EqualValues(t, 1, ran[i].Load())
		}
	}
}

func TestAFaultInOneWorkerLetsTheOthersFinish(t *testing.T) {
	v := bigView(t)
	require.NoError(t, os.Truncate(v.Name(), 0))
	var done atomic.Int32
	err := Guard(func() error {
		Run(8, func(i int) {
			if i%2 == 0 {
				crc32.Checksum(v.Bytes(), castagnoli)
			}
			done.Add(1)
		})
		t.Error("the caller went on as if all tasks had been done")
		return nil
	}, v)
	requireChanged(t, v, err)
	require.EqualValues(t, 4, done.Load())
}

func TestRunTellsWhereATaskWentOutOfRange(t *testing.T) {
	defer func() {
		err, ok := recover().(runtime.Error)
		require.True(t, ok)
		require.Contains(t, err.Error(), "index out of range")
		require.Contains(t, err.Error(), "guard_test.go", "the stack of the task's goroutine")
	}()
	none := make([]int, 1)
	Run(2, func(i int) { none[i+1]++ })
}
