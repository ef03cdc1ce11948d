package importer

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

// encode returns the section of a node with events at the given Lamport times.
func encode(t require.TestingT, node uint32, lamports []uint64) []byte {
	file := frame.AppendHeader(nil, frame.Header{Node: node})
	for i, l := range lamports {
		e := event.Event{Key: key.New(l, node, uint16(i), [14]byte{}), Payload: []byte(fmt.Sprint(i))}
		body, err := e.Append(nil)
		require.NoError(t, err)
		file, err = frame.Append(file, body)
		require.NoError(t, err)
	}
	return file
}

// writeFolder makes a folder of sections with the given Lamport times, and of
// files that are no sections.
func writeFolder(t require.TestingT, dir string, sections [][]uint64) {
	require.NoError(t, os.Mkdir(dir, 0o777))
	for i, lamports := range sections {
		name := filepath.Join(dir, SectionFile(uint32(i+1), 9, "w"))
		require.NoError(t, os.WriteFile(name, encode(t, uint32(i+1), lamports), 0o666))
		require.NoError(t, os.WriteFile(name+".sig", nil, 0o666))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, NamesFile), nil, 0o666))
}

// drawSections draws the Lamport times of up to four sections, in any order.
func drawSections(t *rapid.T) [][]uint64 {
	lamport := rapid.OneOf(rapid.Uint64Range(0, 12), rapid.Uint64())
	return rapid.SliceOfN(rapid.SliceOfN(lamport, 0, 12), 1, 4).Draw(t, "sections")
}

func TestSplitPutsEachEventIntoTheBatchOfItsLamportTime(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		bounds := rapid.SliceOfNDistinct(rapid.Uint64Range(0, 14), 1, 5, rapid.ID[uint64]).Draw(t, "bounds")
		slices.Sort(bounds)
		checkSplit(t, filepath.Join(dir, fmt.Sprint(n)), drawSections(t), bounds)
	})
	var long []uint64
	for i := range uint64(100) {
		long = append(long, i*7%10)
	}
	checkSplit(t, filepath.Join(dir, "long"), [][]uint64{long}, []uint64{2, 5, 8})
}

// checkSplit compares Split with plainSplit.
func checkSplit(t require.TestingT, in string, sections [][]uint64, bounds []uint64) {
	out := in + "-out"
	writeFolder(t, in, sections)
	want, events, left := plainSplit(t, sections, bounds)
	batches, gotLeft, err := Split(context.Background(), in, bounds, out)
	require.NoError(t, err)
	require.Equal(t, left, gotLeft)
	require.Len(t, batches, len(bounds))
	got := make(map[string][]byte)
	for i, b := range batches {
		require.Equal(t, filepath.Join(out, fmt.Sprintf("batch-%04d", i+1)), b.Dir)
		require.Equal(t, bounds[i], b.Bound)
		require.Equal(t, events[i], b.Events)
		entries, err := os.ReadDir(b.Dir)
		require.NoError(t, err)
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
			got[fmt.Sprint(i, e.Name())], err = os.ReadFile(filepath.Join(b.Dir, e.Name()))
			require.NoError(t, err)
		}
		require.Equal(t, names, b.Sections)
	}
	require.Equal(t, want, got)
}

// plainSplit goes batch by batch over all events and keeps what belongs there.
func plainSplit(t require.TestingT, sections [][]uint64, bounds []uint64) (files map[string][]byte, events []uint64, left uint64) {
	files, events = make(map[string][]byte), make([]uint64, len(bounds))
	for i, lamports := range sections {
		whole := encode(t, uint32(i+1), lamports)
		for b, bound := range bounds {
			part := slices.Clone(whole[:frame.HeaderSize])
			for at, j := int64(frame.HeaderSize), 0; j < len(lamports); j++ {
				_, next, err := frame.Next(whole, at)
				require.NoError(t, err)
				if lamports[j] <= bound && (b == 0 || lamports[j] > bounds[b-1]) {
					part = append(part, whole[at:next]...)
					events[b]++
				}
				at = next
			}
			if len(part) > frame.HeaderSize {
				files[fmt.Sprint(b, SectionFile(uint32(i+1), 9, "w"))] = part
			}
		}
		for _, l := range lamports {
			if l > bounds[len(bounds)-1] {
				left++
			}
		}
	}
	return files, events, left
}

func TestCutGivesBatchesOfAboutTheSameSize(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		in := filepath.Join(dir, fmt.Sprint(n))
		sections := drawSections(t)
		writeFolder(t, in, sections)
		want := rapid.IntRange(1, 7).Draw(t, "batches")
		bounds, err := Cut(context.Background(), in, want)
		require.NoError(t, err)
		counts := make(map[uint64]int)
		for _, l := range slices.Concat(sections...) {
			counts[l]++
		}
		if len(counts) == 0 {
			require.Empty(t, bounds)
			return
		}
		lamports := slices.Sorted(maps.Keys(counts))
		require.NoError(t, checkBounds(bounds))
		require.LessOrEqual(t, len(bounds), want)
		require.Equal(t, lamports[len(lamports)-1], bounds[len(bounds)-1])
		if len(lamports) == len(slices.Concat(sections...)) {
			require.Len(t, bounds, min(want, len(lamports)), "distinct times can be cut anywhere")
		}
		// Without its last Lamport time no batch has more than an equal share.
		share := (len(slices.Concat(sections...)) + want - 1) / min(want, len(slices.Concat(sections...)))
		for i, bound := range bounds {
			size := 0
			for _, l := range lamports {
				if l < bound && (i == 0 || l > bounds[i-1]) {
					size += counts[l]
				}
			}
			require.LessOrEqual(t, size, share, "batch %d of %v in %v", i, bounds, sections)
		}
	})
}

func TestABadFolderIsNotSplitAndLeavesNothing(t *testing.T) {
	good := encode(t, 1, []uint64{1, 2, 3})
	for name, c := range map[string]struct {
		files  map[string][]byte
		bounds []uint64
		want   error
		says   string
	}{
		"no bounds":         {map[string][]byte{"a.omega": good}, nil, ErrBounds, "there is none"},
		"equal bounds":      {map[string][]byte{"a.omega": good}, []uint64{1, 1}, ErrBounds, "bound 1 is 1, bound 2 is 1"},
		"no sections":       {map[string][]byte{"a.omega.sig": good}, []uint64{1}, ErrNoSections, ""},
		"torn tail":         {map[string][]byte{"a.omega": good, "b.omega": good[:len(good)-1]}, []uint64{1}, nil, "b.omega: torn-tail"},
		"no header":         {map[string][]byte{"a.omega": good, "b.omega": good[:9]}, []uint64{1}, nil, "b.omega: bad-header"},
		"a damaged payload": {map[string][]byte{"a.omega": good, "b.omega": bytes.Replace(good, []byte("2"), []byte("3"), 1)}, []uint64{1}, nil, "b.omega: frame-crc"},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			in := filepath.Join(parent, "in")
			require.NoError(t, os.Mkdir(in, 0o777))
			for file, b := range c.files {
				require.NoError(t, os.WriteFile(filepath.Join(in, file), b, 0o666))
			}
			_, _, err := Split(context.Background(), in, c.bounds, filepath.Join(parent, "out"))
			require.ErrorContains(t, err, c.says)
			if c.want == nil {
				var damage *frame.Error
				require.ErrorAs(t, err, &damage)
				_, err := Cut(context.Background(), in, 2)
				require.ErrorAs(t, err, &damage)
			} else {
				require.ErrorIs(t, err, c.want)
			}
			entries, err := os.ReadDir(parent)
			require.NoError(t, err)
			require.Len(t, entries, 1)
		})
	}
}

func TestSplitAndCutRefuseWhatTheyCannotUse(t *testing.T) {
	in := filepath.Join(t.TempDir(), "in")
	writeFolder(t, in, [][]uint64{{1, 2}})
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Cut(ctx, in, 0)
	require.ErrorContains(t, err, "into 0 batches")
	_, err = Cut(ctx, in+"-gone", 1)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, _, err = Split(ctx, in+"-gone", []uint64{1}, in+"-out")
	require.ErrorIs(t, err, os.ErrNotExist)
	_, _, err = Split(ctx, in, []uint64{1}, in)
	require.ErrorIs(t, err, ErrOutput)
	cancel()
	_, err = Cut(ctx, in, 1)
	require.ErrorIs(t, err, context.Canceled)
	_, _, err = Split(ctx, in, []uint64{1}, in+"-out")
	require.ErrorIs(t, err, context.Canceled)
	require.NoDirExists(t, in+"-out")
	require.NoError(t, os.Mkdir(filepath.Join(in, "folder"+Extension), 0o777))
	_, _, err = Split(context.Background(), in, []uint64{1}, in+"-out")
	require.ErrorContains(t, err, "folder"+Extension)
}

func TestManyBatchesKeepTheirOrderByName(t *testing.T) {
	for _, n := range []int{1, 9999, 10000, 100000} {
		require.Less(t, batchName(9, n), batchName(10, n))
		require.Less(t, batchName(n-1, n), batchName(n, n))
	}
	require.Equal(t, "batch-0001", batchName(1, 9999))
	require.Equal(t, "batch-00001", batchName(1, 10000))
}
