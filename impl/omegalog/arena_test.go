package omegalog_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

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
