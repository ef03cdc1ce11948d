package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestColorIsForTerminalsAlone(t *testing.T) {
	for _, c := range []struct {
		terminal bool
		env      map[string]string
		want     bool
	}{
		{true, nil, true},
		{false, nil, false},
		{true, map[string]string{"NO_COLOR": "1"}, false},
		{true, map[string]string{"NO_COLOR": "0"}, false},
		{true, map[string]string{"NO_COLOR": ""}, true},
		{true, map[string]string{"TERM": "dumb"}, false},
	} {
		got := wantsColor(c.terminal, func(name string) string { return c.env[name] })
		require.Equal(t, c.want, got, "%+v", c)
	}
}

func TestPaintWritesEscapesOnlyWithColor(t *testing.T) {
	require.Equal(t, "\x1b[31mno\x1b[0m", (&text{color: true}).bad("no"))
	require.Equal(t, "no", (&text{}).bad("no"))
}

// What others have written reaches the terminal as printable characters alone.
func TestPrintableHoldsBackControlCharacters(t *testing.T) {
	require.Equal(t, "plain name.omega", printable("plain name.omega"))
	require.Equal(t, `"a\x1b[2Jb"`, printable("a\x1b[2Jb"))
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		shown := printable(string(b))
		require.False(t, strings.ContainsFunc(shown, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }), "%q", shown)
	})
}

func TestCountPutsCommasBetweenThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", 100000: "100,000"} {
		require.Equal(t, want, count(n))
	}
	require.Equal(t, "1 frame", plural(1, "frame"))
	require.Equal(t, "0 frames", plural(0, "frame"))
}

func TestSizeAndDurationAreShort(t *testing.T) {
	require.Equal(t, []string{"0 B", "999 B", "1.0 kB", "2.5 GB", "3.0 TB"},
		[]string{size(0), size(999), size(1000), size(2.5e9), size(3e12)})
	require.Equal(t, []string{"5 µs", "12 ms", "1.5 s"},
		[]string{duration(5 * time.Microsecond), duration(12 * time.Millisecond), duration(1500 * time.Millisecond)})
}

func TestBarFillsFromLeftToRight(t *testing.T) {
	require.Equal(t, "scan [                              ]   0% 1.0 s", bar("scan", 0, 10, time.Second))
	require.Equal(t, "scan [===============               ]  50% 1.0 s", bar("scan", 5, 10, time.Second))
	require.Equal(t, "scan [============================= ]  99% 1.0 s", bar("scan", 99, 100, time.Second))
	require.Equal(t, "scan ... 1.0 s", bar("scan", 5, 0, time.Second))
}

func TestProgressIsDrawnAfterASecondAndTakenAway(t *testing.T) {
	var b bytes.Buffer
	s := &streams{err: &b, live: true}
	p := s.progress("scan")
	p.step(1, 2)
	p.end()
	require.Empty(t, b.String(), "short work shows nothing")

	p = s.progress("scan")
	p.step(1, 2)
	time.Sleep(progressAfter + 3*progressEvery/2)
	p.end()
	require.Contains(t, b.String(), "\r\x1b[Kscan [===")
	require.True(t, strings.HasSuffix(b.String(), "\r\x1b[K"))

	var quiet bytes.Buffer
	p = (&streams{err: &quiet}).progress("scan")
	p.end()
	require.Empty(t, quiet.String(), "no terminal, no progress")
}

func TestLinesStandAboveTheProgress(t *testing.T) {
	var b bytes.Buffer
	p := &progress{w: &b, drawn: true}
	out := p.above(&b)
	for _, line := range []string{"one\n", "two\n"} {
		_, err := out.Write([]byte(line))
		require.NoError(t, err)
	}
	require.Equal(t, "\r\x1b[Kone\ntwo\n", b.String())
	p.step(2, 2)
	require.Zero(t, p.total, "after all parts the time alone is shown")
}

// A command that changes nothing on disk is left behind at a signal, also where it
// is deep in work that does not look at its context.
func TestASignalEndsReadingAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	begun, never := make(chan struct{}), make(chan struct{})
	go func() {
		<-begun
		cancel()
	}()
	r, err := abandonable(ctx, nil, func(context.Context, []string) (result, error) {
		close(begun)
		<-never
		return nil, nil
	})
	require.Nil(t, r)
	require.ErrorIs(t, err, context.Canceled)
	close(never)
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestOutputThatCannotBeWrittenIsNoSuccess(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"version", "--json"}, {"completion", "bash"}} {
		var stderr bytes.Buffer
		require.Equal(t, statusMissing, run(args, brokenPipe{}, &stderr))
		require.Contains(t, stderr.String(), "no space left on device")
	}
}
