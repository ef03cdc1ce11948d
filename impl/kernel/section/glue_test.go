package section

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/order"
)

// plainGlue returns where the copies of each distinct event lie, by place.
func plainGlue(files [][]byte) map[string][]Copy {
	copies := map[string][]Copy{}
	for i, file := range files {
		for at := int64(frame.HeaderSize); at < int64(len(file)); {
			e, next, err := frame.Next(file, at)
			if err != nil {
				panic(err)
			}
			copies[string(e)] = append(copies[string(e)], Copy{i, at})
			at = next
		}
	}
	return copies
}

// requireTrace compares t with the plain version of it.
func requireTrace(t require.TestingT, want map[string][]Copy, got *Trace) {
	events := slices.Sorted(maps.Keys(want)) // by bytes, of which the key comes first
	byKey := map[key.Key][]Version{}
	duplicates, conflicts := 0, 0
	for _, e := range events {
		duplicates += len(want[e]) - 1
		k := *event.View(e).Key()
		if byKey[k] = append(byKey[k], Version{event.View(e), want[e]}); len(byKey[k]) == 2 {
			conflicts++
		}
	}
	require.Equal(t, len(events), got.Len())
	require.Equal(t, duplicates, got.Duplicates())
	require.Equal(t, conflicts, got.Conflicts())
	for i, e := range events {
		k := *event.View(e).Key()
		require.Equal(t, e, string(got.Event(i)))
		require.Equal(t, k, *got.Key(i))
		require.Equal(t, want[e][0], got.At(i))
		require.Equal(t, byKey[k], got.Versions(i))
		require.True(t, i == 0 || got.SameKey(i) == (*got.Key(i - 1) == k))
	}
}

func TestGlueIsThePlainVersion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := rapid.SliceOfN(rapid.Custom(drawFile), 0, 4).Draw(t, "files")
		got, err := Glue(files, drawOptions(t))
		require.NoError(t, err)
		requireTrace(t, plainGlue(files), got)
	})
}

func TestHasFindsWhatStandsBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var events [][]byte
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			n := rapid.IntRange(0, 400).Draw(t, "key")
			events = append(events, encode(event.Event{Key: key.New(uint64(n/40), uint32(n), 0, [key.EventIDSize]byte{})}))
		}
		got, err := Glue([][]byte{file(1, events...)}, Options{})
		require.NoError(t, err)
		present := map[key.Key]bool{}
		for i := range got.Len() {
			for range 5 {
				n := rapid.IntRange(0, 400).Draw(t, "dep")
				k := key.New(uint64(n/40), uint32(n), 0, [key.EventIDSize]byte{})
				if k.Lamport() < got.Key(i).Lamport() {
					require.Equal(t, present[k], got.Has(&k, i))
				}
			}
			present[*got.Key(i)] = true
		}
	})
}

func TestDroppedEventsAreNoPartOfATrace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := rapid.SliceOfN(rapid.Custom(drawFile), 0, 4).Draw(t, "files")
		got, err := Glue(files, drawOptions(t))
		require.NoError(t, err)
		gone := map[key.Key]bool{}
		for i := range got.Len() {
			if rapid.Bool().Draw(t, "drop") {
				gone[*got.Key(i)] = true
			}
		}
		duplicates := got.Duplicates()
		want := plainGlue(files)
		for e, copies := range want {
			if gone[*event.View(e).Key()] {
				duplicates -= len(copies) - 1
				delete(want, e)
			}
		}
		all := got.Duplicates()
		got.Drop(func(i int) bool { return gone[*got.Key(i)] })
		require.Equal(t, all, got.Duplicates(), "what was read stays counted")
		got.copies = slices.DeleteFunc(got.copies, func(e order.Entry) bool { return gone[*got.src.Key(e.Ref)] })
		require.Equal(t, duplicates, got.Duplicates())
		requireTrace(t, want, got)
	})
}

// TestGroupsAcrossBlocks puts keys with many copies and versions on the limits
// of what a worker takes at a time.
func TestGroupsAcrossBlocks(t *testing.T) {
	for _, size := range []int{3, blockSize - 1, 2*blockSize + 1} {
		var events [][]byte
		for i := range 2*blockSize + 3 {
			e := event.Event{Key: key.New(uint64(i/size), 1, 1, [key.EventIDSize]byte{}), Value: int32(i % 3 / 2)}
			events = append(events, encode(e))
		}
		files := [][]byte{file(1, events...)}
		want := plainGlue(files)
		order := slices.Sorted(maps.Keys(want))
		got, err := Glue(files, Options{Workers: 2})
		require.NoError(t, err)
		require.Equal(t, len(order), got.Len())
		require.Equal(t, len(events)-len(order), got.Duplicates())
		require.Equal(t, len(order)/2, got.Conflicts(), "two versions of each key, but for the last")
		for i, e := range order {
			if string(got.Event(i)) != e || got.At(i) != want[e][0] {
				t.Fatalf("event %d: got %x at %v, want %x at %v", i, got.Event(i), got.At(i), e, want[e][0])
			}
		}
	}
}

func TestAGuessOfTheIndexThatIsTooShort(t *testing.T) {
	// Large frames first: their number says nothing about what follows.
	var events [][]byte
	for i := range sampleFrames {
		events = append(events, encode(event.Event{Key: key.New(uint64(i), 1, 1, [key.EventIDSize]byte{}), Payload: make([]byte, 5000)}))
	}
	for i := range 20_000 {
		events = append(events, encode(event.Event{Key: key.New(uint64(i), 2, 1, [key.EventIDSize]byte{})}))
	}
	asked := 0
	got, err := Glue([][]byte{file(1, events...)}, Options{Alloc: func(n int) ([]order.Entry, error) {
		asked++
		return make([]order.Entry, n), nil
	}})
	require.NoError(t, err)
	require.Greater(t, asked, 2)
	require.Equal(t, len(events), got.Len())
}

func TestTheErrorOfAllocEndsTheWork(t *testing.T) {
	full := errors.New("full")
	large := file(1, bytesOfEvents(2000)...)
	for fail := range 2 {
		asked := 0
		_, err := Glue([][]byte{large, large}, Options{Workers: 2, Alloc: func(n int) ([]order.Entry, error) {
			if asked++; asked > fail {
				return nil, full
			}
			return make([]order.Entry, n), nil
		}})
		require.ErrorIs(t, err, full)
	}
}

func TestTheFirstDamagedSectionIsNamed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var files [][]byte
		var want error
		for i := range rapid.IntRange(0, 4).Draw(t, "files") {
			files = append(files, damage(t, drawFile(t)))
			if _, _, err := plainScan(files[i]); err != nil && want == nil {
				want = &DamageError{i, err.(*frame.Error)}
			}
		}
		_, err := Glue(files, drawOptions(t))
		require.Equal(t, want, err)
		if want != nil {
			var damage *frame.Error
			require.ErrorAs(t, err, &damage)
			require.Contains(t, err.Error(), damage.Error())
		}
	})
}

func TestASourceBeyondARefIsRefused(t *testing.T) {
	files := make([][]byte, order.MaxSources+1)
	empty := file(1)
	for i := range files {
		files[i] = empty
	}
	_, err := Glue(files, Options{})
	require.ErrorIs(t, err, order.ErrSource)
}
