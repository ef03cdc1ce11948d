package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/section"
)

func TestTheSectionsAreWhatTheRatiosAreAbout(t *testing.T) {
	f, err := openSections(t.TempDir(), 20_000)
	require.NoError(t, err)
	defer f.close()
	require.Len(t, f, sections)
	for _, view := range f {
		sum, err := section.Scan(view.Bytes(), section.Options{})
		require.NoError(t, err)
		require.Equal(t, uint64(5000), sum.Frames)
		require.Equal(t, int64(frame.HeaderSize+5000*frameSize), sum.Bytes, "all events have one size")
		require.False(t, sum.Sorted, "some are displaced")
		require.Greater(t, sum.Deps, uint64(7000), "one or two deps an event")
	}
	result, err := reconcile(f)
	require.NoError(t, err)
	require.True(t, result.Merged())
	require.Equal(t, uint64(20_000), result.Events)
}

func TestKeysOfALogGrow(t *testing.T) {
	for s := range sections {
		for i := range 1000 {
			before, after := keyOf(s, i), keyOf(s, i+1)
			require.Negative(t, before.Compare(&after))
		}
	}
}

func TestARatioThatMissesItsBoundIsRed(t *testing.T) {
	rows := []row{
		{name: "fast", ratios: []float64{3, 1, 2}, bound: 2},
		{name: "small", ratios: []float64{1.1, 0.9, 1}, bound: 1, atMost: true},
	}
	var out bytes.Buffer
	require.NoError(t, print(&out, rows))
	require.Equal(t, 2, bytes.Count(out.Bytes(), []byte("holds")))
	require.Contains(t, out.String(), "at least 2")
	require.Contains(t, out.String(), "at most 1")

	rows[0].bound = 2.1
	out.Reset()
	require.ErrorIs(t, print(&out, rows), errMissed)
	require.Regexp(t, `fast .* MISSED`, out.String())
	rows[0].bound, rows[1].bound = 2, 0.99
	require.ErrorIs(t, print(&out, rows), errMissed)
}

func TestOwnMemoryIsSeen(t *testing.T) {
	peak := watchMemory()
	held := make([]byte, 64<<20)
	for at := 0; at < len(held); at += 4096 {
		held[at] = 1
	}
	require.Greater(t, peak(), int64(64<<20))
}

func TestTheOrderSuiteComparesTheSameKeys(t *testing.T) {
	for _, step := range []uint64{1, 1000} {
		ratios, err := orderRatios(1, nearlySortedKeys(10_000, step))
		require.NoError(t, err)
		require.Len(t, ratios, 1)
	}
	_, err := orderRatios(1, randomKeys(10_000))
	require.NoError(t, err)
}

func TestTheImportsReadAllThatTheirPeersRead(t *testing.T) {
	lines, delimited, err := traceFiles(500)
	require.NoError(t, err)
	require.NotPanics(t, func() { bareJSON[bareTraces](lines) })
	require.NotPanics(t, func() { bareProtobuf(delimited) })
	require.NotPanics(t, func() { bareJSON[bareEvent](eventFile(100)) })
	require.Len(t, clockExpression.FindAllIndex(clockFile(100), -1), 100)
}
