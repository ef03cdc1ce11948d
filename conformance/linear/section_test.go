package linear

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/order"
	"github.com/omega-sheaf-os/omega/impl/kernel/section"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// A frameRead is one frame of a file, as the plain reader finds it.
type frameRead struct {
	event string // the bytes
	at    int64
}

func (f frameRead) key() string { return f.event[:28] }

// plainRead reads a file frame by frame, up to the first thing wrong.
func plainRead(file []byte) (frames []frameRead, why any) {
	if len(file) < 32 || string(file[:32]) != string(plainHeader(binary.BigEndian.Uint32(file[12:]))) {
		return nil, "bad-header at 0"
	}
	for at := 32; at < len(file); {
		rest := file[at:]
		fail := func(kind string) ([]frameRead, any) { return frames, fmt.Sprintf("%s at %d", kind, at) }
		if len(rest) < 4 {
			return fail("torn-tail")
		}
		n := int(binary.BigEndian.Uint32(rest))
		switch {
		case n < 38 || n > 16<<20:
			return fail("frame-length")
		case len(rest) < 8+n:
			return fail("torn-tail")
		case string(rest[4:8]) != string(crcOf(rest[:4], rest[8:8+n])):
			return fail("frame-crc")
		case !plainlyAnEvent(rest[8 : 8+n]):
			return fail("bad-event")
		}
		frames = append(frames, frameRead{string(rest[8 : 8+n]), int64(at)})
		at += 8 + n
	}
	return frames, nil
}

// plainlyAnEvent says whether b has the lengths that it says, and sorted deps.
func plainlyAnEvent(b []byte) bool {
	if len(b) < 38 {
		return false
	}
	deps := int(binary.BigEndian.Uint16(b[32:]))
	if len(b) < 38+28*deps || len(b)-38-28*deps != int(binary.BigEndian.Uint32(b[34+28*deps:])) {
		return false
	}
	for i := 1; i < deps; i++ {
		if at := 34 + 28*i; string(b[at-28:at]) >= string(b[at:at+28]) {
			return false
		}
	}
	return true
}

// depsOf returns the deps of an event, as 28 bytes each.
func depsOf(event string) []string {
	var deps []string
	for i := range int(binary.BigEndian.Uint16([]byte(event[32:]))) {
		deps = append(deps, event[34+28*i:62+28*i])
	}
	return deps
}

// plainSummary is what the words of SEC-2 say of a file.
func plainSummary(file []byte) any {
	frames, why := plainRead(file)
	s := section.Summary{Sorted: true}
	if why == "bad-header at 0" {
		return results(s, why)
	}
	s.Node, s.Bytes, s.Frames = binary.BigEndian.Uint32(file[12:]), 32, uint64(len(frames))
	for i, f := range frames {
		s.Bytes = f.at + 8 + int64(len(f.event))
		s.Deps += uint64(len(depsOf(f.event)))
		s.Sorted = s.Sorted && (i == 0 || frames[i-1].key() < f.key())
	}
	if n := len(frames); n > 0 {
		s.First, s.Last = key.Key([]byte(frames[0].key())), key.Key([]byte(frames[n-1].key()))
	}
	return results(s, why)
}

// A gluing is what files glue to, in full copies.
type gluing struct {
	events []string                  // distinct, by their bytes, which begin with the key
	copies map[string][]section.Copy // of each, by place
	damage any                       // of the first file that has some; then there is nothing else
}

func plainGlue(files [][]byte) gluing {
	g := gluing{copies: map[string][]section.Copy{}}
	for i, file := range files {
		frames, why := plainRead(file)
		if why != nil {
			return gluing{damage: fmt.Sprintf("%d: %v", i, why)}
		}
		for _, f := range frames {
			if g.copies[f.event] == nil {
				g.events = append(g.events, f.event)
			}
			g.copies[f.event] = append(g.copies[f.event], section.Copy{Source: i, Offset: f.at})
		}
	}
	slices.Sort(g.events)
	return g
}

func (g gluing) duplicates() int {
	n := 0
	for _, copies := range g.copies {
		n += len(copies) - 1
	}
	return n
}

// conflicts counts the keys of several events.
func (g gluing) conflicts() int { return conflictsIn(g.events) }

func conflictsIn(events []string) int {
	versions := map[string]int{}
	for _, e := range events {
		versions[e[:28]]++
	}
	n := 0
	for _, v := range versions {
		if v > 1 {
			n++
		}
	}
	return n
}

// seen is what a glued trace shows, all of it.
func (g gluing) seen() any {
	if g.damage != nil {
		return g.damage
	}
	var first []section.Copy
	for _, e := range g.events {
		first = append(first, g.copies[e][0])
	}
	return results(len(g.events), g.duplicates(), g.conflicts(), strings.Join(g.events, "|"), first)
}

func seenOf(t *section.Trace, err error) any {
	var damage *section.DamageError
	if errors.As(err, &damage) {
		return fmt.Sprintf("%d: %v", damage.Source, class(damage.Err))
	}
	if err != nil {
		return class(err)
	}
	var events []string
	var first []section.Copy
	for i := range t.Len() {
		events, first = append(events, string(t.Event(i))), append(first, t.At(i))
	}
	return results(t.Len(), t.Duplicates(), t.Conflicts(), strings.Join(events, "|"), first)
}

// files are what is scanned and glued: sets of sections.
func (w *world) files() [][][]byte {
	other := w.events[20]
	other.value++
	third := other
	third.payload += "!"
	large := plainHeader(2)
	r := rand.New(rand.NewPCG(3, 3))
	for _, i := range r.Perm(1200) {
		e := parts{lamport: uint64(i / 3), node: 2, id: fmt.Sprintf("%028x", i), payload: strings.Repeat("large", 380)}
		if i%50 == 0 { // a payload that looks like frames
			e.payload = strings.Repeat(string(plainFrame(w.events[1].bytes())), 20)
		}
		large = append(large, plainFrame(e.bytes())...)
	}
	broken := slices.Clone(large)
	broken[len(broken)*3/4] ^= 4
	return [][][]byte{
		{}, {plainHeader(1)}, {w.view.Bytes()},
		{w.view.Bytes(), plainFile(1, w.events[4], w.events[4], w.events[2]), plainFile(3)},
		{plainFile(1, w.events[20], w.events[3]), plainFile(2, other, w.events[3], third), plainFile(9, w.events[20], other)},
		{large}, {large, w.view.Bytes(), large}, {broken}, {plainFile(1, other), broken, large[:31]}, {large[:len(large)-9]}, {large[:40]}, {nil},
	}
}

func sectionSubjects(w *world) map[string]subject {
	opt := section.Options{Workers: 3, Run: omegalog.Run}
	sets := w.files()
	// The trace that the methods are called on: repeats, conflicts and copies.
	files := sets[4]
	files = append(files[:len(files):len(files)], w.view.Bytes())
	want := plainGlue(files)
	shared := sync.OnceValue(func() *section.Trace {
		t, err := section.Glue(files, opt)
		if err != nil {
			panic(err)
		}
		return t
	})
	places := func() []int {
		var all []int
		for i := range want.events {
			all = append(all, i)
		}
		return all
	}
	const trace = "the glued trace"
	field := func(call, plain func(i int) any) subject { return pure(trace, places, call, plain) }
	var asked []struct {
		k string
		i int
	}
	for i := range want.events {
		for j := 0; j < len(want.events); j += 1 + i%5 {
			if want.events[j][:8] < want.events[i][:8] {
				asked = append(asked, struct {
					k string
					i int
				}{want.events[j][:28], i})
			}
		}
		absent := []byte(want.events[i][:28])
		absent[27] ^= 0x80
		for j := range want.events {
			if want.events[j][:8] > want.events[i][:8] {
				asked = append(asked, struct {
					k string
					i int
				}{string(absent), j})
				break
			}
		}
	}
	numbers := func() []int {
		var all []int
		for i := range asked {
			all = append(all, i)
		}
		return all
	}
	flat := func() [][]byte {
		var all [][]byte
		for _, set := range w.files() {
			all = append(all, set...)
		}
		return all
	}
	return map[string]subject{
		"section.Options.WithDefaults": pure("the options", func() []int { return []int{-1, 0, 1, 5} },
			func(n int) any {
				o := section.Options{Workers: n}.WithDefaults()
				runs := make([]bool, 3)
				o.Run(3, func(i int) { runs[i] = true })
				entries, err := o.Alloc(5)
				own := section.Options{Run: omegalog.Run, Alloc: func(int) ([]order.Entry, error) { return nil, errors.New("none") }}.WithDefaults()
				_, refused := own.Alloc(5)
				return results(o.Workers, runs, len(entries), err, refused != nil)
			},
			func(n int) any { return results(max(n, 1), []bool{true, true, true}, 5, nil, true) }),
		"section.Scan": pure(mapped, flat,
			func(file []byte) any {
				s, err := section.Scan(file, opt)
				return results(s, class(err))
			}, plainSummary),
		"section.Glue": pure(mapped, w.files,
			func(files [][]byte) any { return seenOf(section.Glue(files, opt)) },
			func(files [][]byte) any { return plainGlue(files).seen() }),
		"section.Trace.Len":        field(func(int) any { return shared().Len() }, func(int) any { return len(want.events) }),
		"section.Trace.Duplicates": field(func(int) any { return shared().Duplicates() }, func(int) any { return want.duplicates() }),
		"section.Trace.Conflicts":  field(func(int) any { return shared().Conflicts() }, func(int) any { return want.conflicts() }),
		"section.Trace.Event":      field(func(i int) any { return string(shared().Event(i)) }, func(i int) any { return want.events[i] }),
		"section.Trace.Key": field(func(i int) any { return *shared().Key(i) },
			func(i int) any { return key.Key([]byte(want.events[i][:28])) }),
		"section.Trace.At": field(func(i int) any { return shared().At(i) }, func(i int) any { return want.copies[want.events[i]][0] }),
		"section.Trace.SameKey": field(func(i int) any { return i > 0 && shared().SameKey(i) },
			func(i int) any { return i > 0 && want.events[i][:28] == want.events[i-1][:28] }),
		"section.Trace.Versions": field(func(i int) any { return shared().Versions(i) },
			func(i int) any {
				var all []section.Version
				for _, e := range want.events {
					if e[:28] == want.events[i][:28] {
						all = append(all, section.Version{Event: []byte(e), Copies: want.copies[e]})
					}
				}
				return all
			}),
		"section.Trace.Has": pure(trace, numbers,
			func(n int) any { k := key.Key([]byte(asked[n].k)); return shared().Has(&k, asked[n].i) },
			func(n int) any {
				return slices.ContainsFunc(want.events, func(e string) bool { return e[:28] == asked[n].k })
			}),
		"section.Trace.Drop": dropSubject(files, opt),
	}
}

// dropCall takes out of the shared trace the events of one Lamport time, or, where
// that is 0, looks at it.
type dropCall struct{ lamport uint64 }

// dropSubject has clients share one trace, under a lock that many may read with.
func dropSubject(files [][]byte, opt section.Options) subject {
	all := plainGlue(files).events
	look := func(events []string) any { return results(conflictsIn(events), strings.Join(events, "|")) }
	drop := func(events []string, lamport uint64) []string {
		return slices.DeleteFunc(slices.Clone(events), func(e string) bool { return binary.BigEndian.Uint64([]byte(e)) == lamport })
	}
	s := subject{object: "a trace under a lock", rounds: 3, calls: 8}
	s.model = porcupine.Model{
		Init:  func() any { return all },
		Equal: func(a, b any) bool { return slices.Equal(a.([]string), b.([]string)) },
		Step: func(state, in, out any) (bool, any) {
			next := state.([]string)
			if lamport := in.(dropCall).lamport; lamport > 0 {
				next = drop(next, lamport)
			}
			return reflect.DeepEqual(out, look(next)), next
		},
	}
	s.illegal = map[string][]porcupine.Operation{
		"an event that came back": Calls(dropCall{7}, look(drop(all, 7)), dropCall{}, look(all)),
		"an event that stayed":    Calls(dropCall{7}, look(all)),
	}
	s.start = func(*testing.T, uint64) session {
		shared, err := section.Glue(files, opt)
		if err != nil {
			panic(err)
		}
		var mu sync.RWMutex
		show := func() any {
			var events []string
			for i := range shared.Len() {
				events = append(events, string(shared.Event(i)))
			}
			return results(shared.Conflicts(), strings.Join(events, "|"))
		}
		return session{draw: func(_ int, r *rand.Rand) (any, func() any) {
			if r.IntN(3) > 0 {
				return dropCall{}, func() any {
					mu.RLock()
					defer mu.RUnlock()
					return show()
				}
			}
			lamport := 1 + uint64(r.IntN(12))
			return dropCall{lamport}, func() any {
				mu.Lock()
				defer mu.Unlock()
				shared.Drop(func(i int) bool { return shared.Key(i).Lamport() == lamport })
				return show()
			}
		}}
	}
	return s
}
