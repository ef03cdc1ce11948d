package section

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/order"
)

// smallKey is one of few keys, so that events meet.
func smallKey(t *rapid.T, label string) key.Key {
	n := rapid.IntRange(0, 47).Draw(t, label)
	return key.New(uint64(n%6), uint32(n/6%2), uint16(n/12%2), [key.EventIDSize]byte{13: byte(n / 24)})
}

func encode(e event.Event) []byte {
	b, err := e.Append(nil)
	if err != nil {
		panic(err)
	}
	return b
}

func file(node uint32, events ...[]byte) []byte {
	b := frame.AppendHeader(nil, frame.Header{Node: node})
	for _, e := range events {
		var err error
		if b, err = frame.Append(b, e); err != nil {
			panic(err)
		}
	}
	return b
}

// drawEvent draws an event with a payload of up to a few hundred bytes, now and
// then one that is itself a piece of a section.
func drawEvent(t *rapid.T) []byte {
	e := event.Event{Key: smallKey(t, "key"), Value: int32(rapid.IntRange(0, 1).Draw(t, "value"))}
	if rapid.Bool().Draw(t, "has a dep") {
		e.Deps = append(e.Deps, smallKey(t, "dep"))
	}
	switch rapid.IntRange(0, 5).Draw(t, "payload") {
	case 0:
		e.Payload = bytes.Repeat([]byte{byte(rapid.IntRange(0, 1).Draw(t, "byte"))}, rapid.IntRange(0, 300).Draw(t, "size"))
	case 1:
		inner := event.Event{Key: smallKey(t, "inner key")}
		e.Payload = bytes.Repeat(file(1, encode(inner))[frame.HeaderSize:], rapid.IntRange(1, 4).Draw(t, "inner frames"))
	}
	return encode(e)
}

func drawFile(t *rapid.T) []byte {
	events := rapid.SliceOfN(rapid.Custom(drawEvent), 0, 20).Draw(t, "events")
	if rapid.Bool().Draw(t, "in order") {
		slices.SortFunc(events, bytes.Compare)
	}
	return file(rapid.Uint32Range(0, 3).Draw(t, "node"), events...)
}

// damage changes a byte, cuts the end off, or adds to it.
func damage(t *rapid.T, file []byte) []byte {
	file = slices.Clone(file)
	switch rapid.SampledFrom([]string{"none", "flip", "cut", "add"}).Draw(t, "damage") {
	case "flip":
		file[rapid.IntRange(0, len(file)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	case "cut":
		file = file[:rapid.IntRange(0, len(file)).Draw(t, "at")]
	case "add":
		file = append(file, rapid.SliceOfN(rapid.Byte(), 1, 60).Draw(t, "bytes")...)
	}
	return file
}

// drawOptions draws means that must not matter.
func drawOptions(t *rapid.T) Options {
	opt := Options{Workers: rapid.IntRange(0, 4).Draw(t, "workers")}
	if rapid.Bool().Draw(t, "one after the other") {
		opt.Run = func(n int, task func(i int)) {
			for i := n - 1; i >= 0; i-- {
				task(i)
			}
		}
	}
	return opt
}

// plainScan walks frame by frame.
func plainScan(file []byte) (Summary, []order.Entry, error) {
	sum := Summary{Sorted: true}
	h, err := frame.ParseHeader(file)
	if err != nil {
		return sum, nil, err
	}
	sum.Node, sum.Bytes = h.Node, frame.HeaderSize
	var entries []order.Entry
	var keys []key.Key
	for {
		e, next, err := frame.Next(file, sum.Bytes)
		if err == nil {
			keys = append(keys, *e.Key())
			entries = append(entries, order.Entry{Lamport: e.Key().Lamport(), Ref: 3<<44 + order.Ref(sum.Bytes+frame.Overhead)})
			sum.Frames++
			sum.Deps += uint64(e.DepCount())
			sum.Bytes = next
			continue
		}
		for i := range keys {
			sum.First, sum.Last = keys[0], keys[i]
			sum.Sorted = sum.Sorted && (i == 0 || keys[i-1].Compare(&keys[i]) < 0)
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return sum, entries, err
	}
}

func TestScanIsThePlainWalk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := damage(t, drawFile(t))
		want, entries, wantErr := plainScan(file)
		got, err := Scan(file, drawOptions(t))
		require.Equal(t, wantErr, err)
		require.Equal(t, want, got)

		ix := &index{alloc: func(n int) ([]order.Entry, error) { return make([]order.Entry, n), nil }}
		small := scanner{file: file, chunkSize: rapid.IntRange(1, 500).Draw(t, "chunk"), base: 3<<44 + frame.Overhead, ix: ix}
		got, err = small.scan(drawOptions(t).WithDefaults())
		require.Equal(t, wantErr, err)
		require.Equal(t, want, got)
		require.Equal(t, entries, slices.Clone(ix.entries))
	})
}

// TestWorkersThatGuessWrong has each chunk walked from a guess before the one
// ahead of it is known, in files whose payloads are full of frames.
func TestWorkersThatGuessWrong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := damage(t, drawFile(t))
		want, _, wantErr := plainScan(file)
		s := scanner{file: file, chunkSize: rapid.IntRange(20, 400).Draw(t, "chunk")}
		// All claim before one walks; then they finish from the last to the first.
		run := func(n int, task func(i int)) {
			if n == 1 || s.chunks() == 1 {
				task(0)
				return
			}
			type claimed struct {
				i    int
				c    *chunk
				from int64
			}
			var all []claimed
			for {
				i, c, from := s.claim()
				if c == nil {
					break
				}
				all = append(all, claimed{i, c, from})
			}
			for _, cl := range slices.Backward(all) {
				s.process(cl.i, cl.c, cl.from)
			}
		}
		got, err := s.scan(Options{Workers: 2, Run: run})
		require.Equal(t, wantErr, err)
		require.Equal(t, want, got)
	})
}

func TestEqualKeysAreNotSortedWhereverChunksEnd(t *testing.T) {
	e := encode(event.Event{})
	for size := 1; size < 200; size++ {
		s := scanner{file: file(1, e, e), chunkSize: size}
		sum, err := s.scan(Options{}.WithDefaults())
		require.NoError(t, err)
		require.False(t, sum.Sorted)
	}
}

func TestScanOfManyChunks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var events [][]byte
	for i := range 3000 {
		e := event.Event{Key: key.New(uint64(i), 1, 1, [key.EventIDSize]byte{}), Payload: make([]byte, r.IntN(1000))}
		if i%500 == 0 {
			e.Payload = make([]byte, 3*chunkSize)
		}
		for j := range e.Payload {
			e.Payload[j] = byte(r.Uint32() >> (r.Uint32() % 32))
		}
		events = append(events, encode(e))
	}
	whole := file(7, events...)
	torn, flipped := whole[:len(whole)-1], slices.Clone(whole)
	flipped[len(whole)/2] ^= 0x10
	for name, file := range map[string][]byte{"whole": whole, "torn": torn, "flipped": flipped} {
		want, _, wantErr := plainScan(file)
		for workers := 1; workers <= 4; workers++ {
			got, err := Scan(file, Options{Workers: workers})
			require.Equal(t, wantErr, err, name)
			require.Equal(t, want, got, name)
		}
	}
}

// TestAFaultInOneWorkerReachesTheCaller has one worker panic, as on a file that
// shrinks under its map: the others end, and nothing waits for ever.
func TestAFaultInOneWorkerReachesTheCaller(t *testing.T) {
	whole := file(1, bytesOfEvents(2000)...)
	run := func(n int, task func(i int)) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		var caught any
		for i := range n {
			wg.Go(func() {
				defer func() {
					if r := recover(); r != nil {
						mu.Lock()
						defer mu.Unlock()
						caught = r
					}
				}()
				if i == 1 {
					panic("fault")
				}
				task(i)
			})
		}
		wg.Wait()
		if caught != nil {
			panic(caught)
		}
	}
	require.PanicsWithValue(t, "fault", func() { Scan(whole, Options{Workers: 2, Run: run}) })
}

func bytesOfEvents(n int) [][]byte {
	var events [][]byte
	for i := range n {
		events = append(events, encode(event.Event{
			Key: key.New(uint64(i), 1, 1, [key.EventIDSize]byte{}), Payload: make([]byte, 200),
		}))
	}
	return events
}

func FuzzScan(f *testing.F) {
	f.Add([]byte{})
	f.Add(file(1))
	f.Add(file(1, encode(event.Event{Payload: []byte("hi")})))
	f.Add(file(2, bytesOfEvents(5)...))
	f.Fuzz(func(t *testing.T, file []byte) {
		want, _, wantErr := plainScan(file)
		for workers := 1; workers <= 2; workers++ {
			s := scanner{file: file, chunkSize: 100}
			got, err := s.scan(Options{Workers: workers}.WithDefaults())
			require.Equal(t, wantErr, err)
			require.Equal(t, want, got)
		}
	})
}
