package omegalog_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/order"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// indexMaps counts the maps of this process on files that Arena has made.
func indexMaps(t *testing.T) int {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells what is mapped")
	}
	maps, err := os.ReadFile("/proc/self/maps")
	require.NoError(t, err)
	return strings.Count(string(maps), "omega-index-")
}

func fill(entries []order.Entry, with uint64) {
	for i := range entries {
		entries[i] = order.Entry{Lamport: with, Ref: order.Ref(i)}
	}
}

func TestAnArenaSpillsBeyondItsBudget(t *testing.T) {
	dir := t.TempDir()
	a := omegalog.NewArena(dir, 3000*16)
	var all [][]order.Entry
	for i, spilled := range []int{0, 0, 1, 1, 2} { // 1000 + 1500, then 1000 is too much, 500 is not, 1 is
		n := []int{1000, 1500, 1000, 500, 1}[i]
		entries, err := a.Alloc(n)
		require.NoError(t, err)
		require.Len(t, entries, n)
		fill(entries, uint64(i))
		all = append(all, entries)
		require.Equal(t, spilled, indexMaps(t), "after %d", i)
	}
	for i, entries := range all {
		for j, e := range entries {
			require.Equal(t, order.Entry{Lamport: uint64(i), Ref: order.Ref(j)}, e)
		}
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "the files have no names")
	require.NoError(t, a.Close())
	require.Zero(t, indexMaps(t))
	require.NoError(t, a.Close())
}

func TestAnArenaGivesNothingForNothing(t *testing.T) {
	entries, err := omegalog.NewArena("", 0).Alloc(0)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestAnArenaWithoutAPlaceToSpillToSaysSo(t *testing.T) {
	a := omegalog.NewArena(filepath.Join(t.TempDir(), "missing"), 100)
	_, err := a.Alloc(1000)
	require.ErrorIs(t, err, os.ErrNotExist)
	entries, err := a.Alloc(6)
	require.NoError(t, err, "the budget is as it was")
	fill(entries, 1)
	require.NoError(t, a.Close())
}

func TestAnArenaOnAFullDiskSaysSo(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("no small file system to fill: %v", err)
	}
	defer unix.Unmount(dir, 0)
	a := omegalog.NewArena(dir, 0)
	_, err := a.Alloc(1 << 20)
	require.ErrorIs(t, err, unix.ENOSPC)
	require.NoError(t, a.Close())
}

// shrinking is a past that cuts a file short when it is asked for a frontier:
// after the scan and the sort, while the workers judge.
type shrinking struct {
	invariant.Empty
	cut func()
}

func (s shrinking) Frontier(uint32, uint16) (key.Key, bool) {
	s.cut()
	return key.Key{}, false
}

func TestAFileThatShrinksUnderReconcileIsAnError(t *testing.T) {
	for _, phase := range []string{"before the scan", "before the sort", "while judged"} {
		t.Run(phase, func(t *testing.T) {
			var inputs []invariant.Input
			var views []*omegalog.OmegaLogView
			for node := range uint32(2) {
				path := filepath.Join(t.TempDir(), "a.omega")
				w, err := omegalog.Create(path, node)
				require.NoError(t, err)
				for i := range 20_000 {
					e := event.Event{Key: key.New(uint64(i), node, 1, [key.EventIDSize]byte{})}
					b, err := e.Append(nil)
					require.NoError(t, err)
					require.NoError(t, w.Append(b))
				}
				require.NoError(t, w.Close())
				view, err := omegalog.Open(path)
				require.NoError(t, err)
				defer view.Close()
				views = append(views, view)
				inputs = append(inputs, invariant.Input{Name: path, Data: view.Bytes()})
			}
			cut := func() { os.Truncate(inputs[1].Name, 100) }
			asked, past := 0, invariant.Past(invariant.Empty{})
			arena := omegalog.NewArena("", 1<<30)
			defer arena.Close()
			opt := invariant.Options{Workers: 2, Run: omegalog.Run, Alloc: func(n int) ([]order.Entry, error) {
				if asked++; asked == 2 && phase == "before the sort" {
					cut()
				}
				return arena.Alloc(n)
			}}
			switch phase {
			case "before the scan":
				cut()
			case "while judged":
				past = shrinking{cut: cut}
			}
			err := omegalog.Guard(func() error {
				_, err := invariant.Reconcile(inputs, past, opt)
				return err
			}, views...)
			var changed *omegalog.ChangedError
			require.ErrorAs(t, err, &changed)
			require.Equal(t, inputs[1].Name, changed.Path)
		})
	}
}
