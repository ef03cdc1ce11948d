package archive

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

func TestPathsAreThoseOfADataFolder(t *testing.T) {
	require.Equal(t, "d/members/ada/omega.key", KeyPath("d", "ada"))
	require.Equal(t, "traces/00000012-"+"01"+string(make0(62))+".omega", TracePath(12, [32]byte{1}))
	require.Equal(t, "traces/1234567890-"+"01"+string(make0(62))+".omega", TracePath(1234567890, [32]byte{1}))
}

func make0(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = '0'
	}
	return b
}

// TestKeysAreFoundAtTheEndsOfSpansAndNotBetween has a stream with two merges and a
// gap between them.
func TestKeysAreFoundAtTheEndsOfSpansAndNotBetween(t *testing.T) {
	p := newPast(t)
	first := certify(t, p, 1, encode(at(10), 1), encode(at(12), 2), encode(at(14), 3))
	second := certify(t, p, 2, encode(at(20), 4), encode(newKey(20, 2, 0, 0), 5))
	for lamport, want := range map[uint64]struct {
		value int32
		file  string
	}{10: {1, first}, 12: {2, first}, 14: {3, first}, 20: {4, second}} {
		k := at(lamport)
		got := p.Versions(&k)
		require.Len(t, got, 1)
		require.Equal(t, encode(k, want.value), got[0].Event)
		require.Equal(t, want.file, got[0].Frame.File)
		content, err := os.ReadFile(want.file)
		require.NoError(t, err)
		e, _, err := frame.Next(content, got[0].Frame.Offset)
		require.NoError(t, err)
		require.Equal(t, got[0].Event, e)
	}
	for _, k := range []key.Key{
		at(9), at(11), at(13), at(15), at(19), at(21), newKey(10, 2, 0, 0), newKey(12, 1, 1, 0), newKey(12, 1, 0, 1),
		newKey(14, 1, 0, 1), newKey(10, 0, 0, 0),
	} {
		require.Empty(t, p.Versions(&k), "%v", k)
	}
	require.NoError(t, p.Err())
	last, ok := p.Frontier(1, 0)
	require.True(t, ok)
	require.Equal(t, at(20), last)
	_, ok = p.Frontier(1, 1)
	require.False(t, ok)
}

func TestAMergeMustGoOnBehindEachFrontier(t *testing.T) {
	p := newPast(t)
	certify(t, p, 1, encode(at(10), 1), encode(newKey(10, 2, 0, 0), 1))
	root, body := mergeOf(t, encode(newKey(10, 2, 0, 0), 1), encode(at(11), 1))
	err := p.AddMerge(2, root, body)
	require.ErrorIs(t, err, ErrFrontier)
	require.ErrorContains(t, err, "node 2")
	last, _ := p.Frontier(1, 0)
	require.Equal(t, at(10), last, "a refused merge has moved a frontier")
	k := at(11)
	require.Empty(t, p.Versions(&k))
}

func TestQuarantinedVersionsStandBesideTheCertifiedOne(t *testing.T) {
	p := newPast(t)
	certified, forged := encode(at(1), 1), encode(at(1), 2)
	certify(t, p, 1, certified, encode(at(5), 1))
	require.EqualValues(t, 1, p.AddObstruction("log", 1000, equivocation(t, certified, forged)))
	k := at(1)
	require.ElementsMatch(t, []event.View{certified, forged}, events(p.Versions(&k)))
	for _, v := range p.Versions(&k) {
		if string(v.Event) == string(forged) {
			require.Equal(t, "log", v.Frame.File)
			require.Equal(t, int64(1000+4+57+4+4+len(certified)), v.Frame.Offset)
		}
	}
	require.EqualValues(t, 2, p.AddObstruction("log", 2000, equivocation(t, encode(at(9), 1), encode(at(9), 2))))
	last, _ := p.Frontier(1, 0)
	require.Equal(t, at(5), last, "a quarantined event has moved the frontier")
}

// TestWhatIsFoundIsACopy unmaps the trace and reads on.
func TestWhatIsFoundIsACopy(t *testing.T) {
	p := newPast(t)
	certify(t, p, 1, encode(at(1), 1))
	k := at(1)
	got := p.Versions(&k)
	require.NoError(t, p.Close())
	require.Equal(t, encode(k, 1), got[0].Event)
	require.Equal(t, got, p.Versions(&k), "a closed past is mapped again")
}

// TestOnlyTheTraceThatCanHoldAKeyIsRead lets the others be missing.
func TestOnlyTheTraceThatCanHoldAKeyIsRead(t *testing.T) {
	p := newPast(t)
	for h := range uint64(50) {
		path := certify(t, p, h, encode(at(h*10), 1), encode(at(h*10+5), 1))
		if h != 20 {
			require.NoError(t, os.Remove(path))
		}
	}
	k := at(205)
	require.Len(t, p.Versions(&k), 1)
	for _, absent := range []key.Key{at(206), at(500), newKey(200, 2, 0, 0), newKey(200, 1, 0, 1)} {
		p.Versions(&absent)
	}
	require.NoError(t, p.Err())
	require.Equal(t, []int{20}, p.open)
	k = at(210)
	p.Versions(&k)
	require.ErrorIs(t, p.Err(), fs.ErrNotExist)
	require.ErrorContains(t, p.Err(), p.merges[21].path)
	k = at(220)
	p.Versions(&k)
	require.ErrorContains(t, p.Err(), p.merges[21].path, "the first error stays")
}

func TestATraceIsReliedOnOnlyWithItsRoot(t *testing.T) {
	good := []event.View{encode(at(1), 1), encode(at(2), 2)}
	whole := file(frame.Mixed, good...)
	flipped := append([]byte(nil), whole...)
	flipped[len(flipped)-5] ^= 1
	for name, c := range map[string]struct {
		content []byte
		says    string
	}{
		"another event":  {file(frame.Mixed, encode(at(1), 1), encode(at(2), 3)), "root"},
		"an event less":  {file(frame.Mixed, good[0]), "root"},
		"none":           {file(frame.Mixed), "root"},
		"out of order":   {file(frame.Mixed, good[1], good[0]), "not after"},
		"an event twice": {file(frame.Mixed, good[0], good[0], good[1]), "not after"},
		"a changed byte": {flipped, "crc"},
		"cut short":      {whole[:len(whole)-1], "offset"},
		"empty":          {nil, "offset"},
	} {
		p := newPast(t)
		path := certify(t, p, 1, good...)
		put(t, path, c.content)
		k := at(1)
		require.Empty(t, p.Versions(&k), name)
		var bad *TraceError
		require.ErrorAs(t, p.Err(), &bad, name)
		require.Equal(t, path, bad.Path, name)
		require.ErrorContains(t, bad, c.says, name)
		require.Empty(t, p.open, name)

		put(t, path, whole)
		require.Len(t, p.Versions(&k), 1, name)
		require.Equal(t, error(bad), p.Err(), "an error stays")
	}
}

func TestATraceThatChangesUnderItsMapIsAnError(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"cut to nothing": func(path string) error { return os.Truncate(path, 0) },
		"cut short":      func(path string) error { return os.Truncate(path, 100) },
		"grown":          func(path string) error { return os.Truncate(path, 1<<20) },
	} {
		p := newPast(t)
		path := certify(t, p, 1, encode(at(1), 1), encode(at(2), 2), encode(at(3), 3))
		k := at(2)
		require.Len(t, p.Versions(&k), 1, name)
		require.NoError(t, change(path), name)
		require.Empty(t, p.Versions(&k), name)
		var changed *omegalog.ChangedError
		require.ErrorAs(t, p.Err(), &changed, name)
		require.Equal(t, path, changed.Path, name)
	}
}

// TestAChangeThatTheFileDoesNotShowIsFoundByItsFrame puts the time of
// modification back.
func TestAChangeThatTheFileDoesNotShowIsFoundByItsFrame(t *testing.T) {
	p := newPast(t)
	path := certify(t, p, 1, encode(at(1), 1), encode(at(2), 2))
	k := at(1)
	require.Len(t, p.Versions(&k), 1)
	info, err := os.Stat(path)
	require.NoError(t, err)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte{0xff}, frame.HeaderSize+frame.Overhead+key.Size)
	require.NoError(t, errors.Join(err, f.Close()))
	require.NoError(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
	require.Empty(t, p.Versions(&k))
	var damage *frame.Error
	require.ErrorAs(t, p.Err(), &damage)
	require.Equal(t, frame.FrameCRC, damage.Kind)
}

// TestAsManyTracesAreMappedAsTheLimitsAllow goes through more, and keeps those
// that were used last.
func TestAsManyTracesAreMappedAsTheLimitsAllow(t *testing.T) {
	p := newPast(t)
	for h := range uint64(10) {
		certify(t, p, h, encode(at(h*10), 1), encode(at(h*10+1), 1))
	}
	search := func(merge uint64) {
		k := at(merge * 10)
		require.Len(t, p.Versions(&k), 1)
	}
	p.maxOpen = 3
	for _, merge := range []uint64{0, 1, 2, 0, 3, 0, 4} {
		search(merge)
	}
	require.ElementsMatch(t, []int{0, 3, 4}, p.open)
	require.Equal(t, 6, p.frames)
	p.maxOpen, p.maxFrames = 100, 5
	search(5)
	require.ElementsMatch(t, []int{4, 5}, p.open)
	p.maxFrames = 1
	search(6)
	require.Equal(t, []int{6}, p.open, "one stays, however large")
	require.NoError(t, p.Err())
}

func TestManySearchAtTheSameTime(t *testing.T) {
	p := newPast(t)
	p.maxOpen = 2
	for h := range uint64(8) {
		certify(t, p, h, encode(at(h*10), int32(h)), encode(at(h*10+1), 1))
	}
	p.AddObstruction("log", 0, equivocation(t, encode(at(100), 1), encode(at(100), 2)))
	var wg sync.WaitGroup
	for w := range uint64(6) {
		wg.Go(func() {
			for i := range uint64(100) {
				merge := (i*7 + w) % 8
				k := at(merge * 10)
				if got := p.Versions(&k); len(got) != 1 || got[0].Event.Value() != int32(merge) {
					t.Errorf("key %v: %v", k, got)
				}
				quarantined := at(100)
				p.Versions(&quarantined)
				p.Frontier(1, 0)
				if w == 0 && i%10 == 0 {
					if err := errors.Join(p.Close(), p.Err()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, len(p.open), 2)
}

// TestTakingOverALongChainReadsNoTrace adds many merges, whose traces are not
// there.
func TestTakingOverALongChainReadsNoTrace(t *testing.T) {
	p := New(filepath.Join(t.TempDir(), "nowhere"))
	for h := range uint64(5000) {
		k := at(h)
		require.NoError(t, p.AddMerge(h, [32]byte{1}, &cert.MergeBody{Events: 1, Streams: []cert.Stream{
			{Node: 1, First: k, Last: k},
		}}))
	}
	p.AddObstruction("log", 0, equivocation(t, encode(at(6000), 1), encode(at(6000), 2)))
	require.Zero(t, p.clock)
	require.NoError(t, p.Err())
}
