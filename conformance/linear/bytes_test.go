package linear

import (
	"bytes"
	"encoding/hex"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

// mapped is the object that functions over bytes in place share.
const mapped = "the mapped file"

// pairs returns each two of the first n numbers.
func pairs(n int) [][2]int {
	var list [][2]int
	for i := range n {
		for j := range n {
			list = append(list, [2]int{i, j})
		}
	}
	return list
}

// digits reads a field of a key from its hex digits.
func digits(k *key.Key, from, to int) uint64 {
	n, err := strconv.ParseUint(hex.EncodeToString(k[:])[from:to], 16, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func keySubjects(w *world) map[string]subject {
	field := func(call, plain func(k *key.Key) any) subject { return pure(mapped, w.keys, call, plain) }
	spread := func() [][2]int {
		var some [][2]int
		for _, p := range pairs(len(w.events)) {
			if p[0] == p[1] || p[0] == p[1]+1 || p[0]+1 == p[1] || (p[0]+7*p[1])%11 == 0 {
				some = append(some, p)
			}
		}
		return some
	}
	keys := w.keys()
	isKey := regexp.MustCompile(`^[0-9a-f]{56}$`)
	spellings := func() []string {
		k := w.events[3].key()
		return []string{
			k, k[:55], k + "0", strings.ToUpper("ff" + k[2:]), "g" + k[1:], "", strings.Repeat("f", 56), strings.Repeat("0", 56), k[:54] + " f",
		}
	}
	return map[string]subject{
		"key.New": pure("the list of events", func() []parts { return w.events },
			func(p parts) any { return key.New(p.lamport, p.node, p.stream, [14]byte(unhex(p.id))) },
			func(p parts) any { return keyOf(p.key()) }),
		"key.Key.Lamport": field(func(k *key.Key) any { return k.Lamport() }, func(k *key.Key) any { return digits(k, 0, 16) }),
		"key.Key.Node":    field(func(k *key.Key) any { return k.Node() }, func(k *key.Key) any { return uint32(digits(k, 16, 24)) }),
		"key.Key.Stream":  field(func(k *key.Key) any { return k.Stream() }, func(k *key.Key) any { return uint16(digits(k, 24, 28)) }),
		"key.Key.EventID": field(func(k *key.Key) any { return k.EventID() },
			func(k *key.Key) any { return [14]byte(unhex(hex.EncodeToString(k[:])[28:])) }),
		"key.Key.Compare": pure(mapped, spread,
			func(p [2]int) any { return keys[p[0]].Compare(keys[p[1]]) },
			func(p [2]int) any {
				a, b := keys[p[0]], keys[p[1]]
				return new(big.Int).SetBytes(a[:]).Cmp(new(big.Int).SetBytes(b[:]))
			}),
		"key.Parse": pure("the list of spellings", spellings,
			func(s string) any {
				k, err := key.Parse(s)
				return results(k, class(err))
			},
			func(s string) any {
				if !isKey.MatchString(s) {
					return results(key.Key{}, "error")
				}
				return results(keyOf(s), nil)
			}),
	}
}

// bodies returns bytes that are events and bytes that are none, with the reason.
func bodies(w *world) (list [][]byte, why []any) {
	add := func(b []byte, class any) { list, why = append(list, b), append(why, class) }
	for i := range w.events {
		add(w.body(i), nil)
	}
	e := parts{lamport: 9, id: strings.Repeat("ab", 14), value: -7, deps: []string{w.events[0].key(), w.events[5].key()}, payload: "xyz"}
	whole := e.bytes()
	add(whole[:37], "short")
	add(nil, "short")
	add(whole[:40], "short")           // within the deps
	add(whole[:34+2*28+3], "short")    // within the payload's length
	add(whole[:len(whole)-1], "short") // within the payload
	add(append(e.bytes(), 0), "left-over")
	e.payload = ""
	add(e.bytes(), nil)
	e.deps = []string{w.events[5].key(), w.events[0].key()}
	add(e.bytes(), "dep-order")
	e.deps = []string{w.events[0].key(), w.events[5].key(), w.events[5].key()}
	add(e.bytes(), "dep-order")
	add(make([]byte, event.MaxSize+1), "too-large")
	return list, why
}

func eventSubjects(w *world) map[string]subject {
	field := func(call func(v event.View) any, plain func(p parts) any) subject {
		return pure(mapped, w.places, func(i int) any { return call(event.View(w.body(i))) }, func(i int) any { return plain(w.events[i]) })
	}
	list, why := bodies(w)
	judged := func(call func(b []byte) any, plain func(i int) any) subject {
		places := func() []int {
			var all []int
			for i := range list {
				all = append(all, i)
			}
			return all
		}
		return pure(mapped, places, func(i int) any { return call(list[i]) }, plain)
	}
	small := parts{lamport: 1, id: strings.Repeat("0", 28)}
	unfit := func() []event.Event {
		deps := small.event()
		deps.Deps = make([]key.Key, event.MaxDeps+1)
		large := small.event()
		large.Payload = make([]byte, event.MaxSize-event.MinSize+1)
		turned := small.event()
		turned.Deps = []key.Key{keyOf(w.events[1].key()), keyOf(w.events[0].key())}
		twice := small.event()
		twice.Deps = []key.Key{keyOf(w.events[1].key()), keyOf(w.events[1].key())}
		return []event.Event{deps, large, turned, twice}
	}
	encoded := func() []event.Event {
		var all []event.Event
		for _, p := range w.events {
			all = append(all, p.event())
		}
		return append(all, unfit()...)
	}
	return map[string]subject{
		"event.Event.Size": pure("the list of events", w.places,
			func(i int) any { e := w.events[i].event(); return e.Size() }, func(i int) any { return len(w.events[i].bytes()) }),
		"event.Event.Append": pure("the list of events", encoded,
			func(e event.Event) any {
				b, err := e.Append([]byte("before"))
				return results(b, class(err))
			},
			func(e event.Event) any {
				before := []byte("before")
				switch {
				case len(e.Deps) > math.MaxUint16, len(e.Payload) > 16<<20-38:
					return results(before, "too-large")
				case !slices.IsSortedFunc(e.Deps, func(a, b key.Key) int { return bytes.Compare(a[:], b[:]) }), len(slices.Compact(slices.Clone(e.Deps))) < len(e.Deps):
					return results(before, "dep-order")
				}
				k := hex.EncodeToString(e.Key[:])
				p := parts{lamport: digits(&e.Key, 0, 16), node: uint32(digits(&e.Key, 16, 24)), stream: uint16(digits(&e.Key, 24, 28)),
					id: k[28:], value: e.Value, payload: string(e.Payload)}
				for _, d := range e.Deps {
					p.deps = append(p.deps, hex.EncodeToString(d[:]))
				}
				return results(append(before, p.bytes()...), nil)
			}),
		"event.Valid": judged(func(b []byte) any { return event.Valid(b) }, func(i int) any { return why[i] == nil }),
		"event.Parse": judged(func(b []byte) any {
			v, err := event.Parse(b)
			return results([]byte(v), class(err))
		}, func(i int) any {
			if why[i] != nil {
				return results([]byte(nil), why[i])
			}
			return results(bytes.Clone(list[i]), nil)
		}),
		"event.View.Key":      field(func(v event.View) any { return *v.Key() }, func(p parts) any { return keyOf(p.key()) }),
		"event.View.Value":    field(func(v event.View) any { return v.Value() }, func(p parts) any { return p.value }),
		"event.View.DepCount": field(func(v event.View) any { return v.DepCount() }, func(p parts) any { return len(p.deps) }),
		"event.View.Dep": field(func(v event.View) any {
			var deps []key.Key
			for i := range v.DepCount() {
				deps = append(deps, *v.Dep(i))
			}
			return deps
		}, func(p parts) any { return p.event().Deps }),
		"event.View.Payload": field(func(v event.View) any { return string(v.Payload()) }, func(p parts) any { return p.payload }),
		"event.View.Event":   field(func(v event.View) any { return v.Event() }, func(p parts) any { return p.event() }),
	}
}

// spot is an offset in a file that all read.
type spot struct {
	file []byte
	at   int64
	want any // the class of the error; nil: a frame
}

func (w *world) spots() []spot {
	file := w.view.Bytes()
	var all []spot
	for _, at := range w.offsets {
		all = append(all, spot{file, int64(at), nil})
	}
	all = append(all, spot{file, int64(len(file)), "error"})
	bad := func(want string, change func(b []byte) []byte) {
		b := change(plainFile(3, w.events[0], w.events[9]))
		all = append(all, spot{b, int64(32 + 8 + len(w.events[0].bytes())), want})
	}
	second := 32 + 8 + len(w.events[0].bytes())
	bad("torn-tail at "+strconv.Itoa(second), func(b []byte) []byte { return b[:len(b)-1] })
	bad("torn-tail at "+strconv.Itoa(second), func(b []byte) []byte { return b[:second+3] })
	bad("frame-length at "+strconv.Itoa(second), func(b []byte) []byte { copy(b[second:], u32(37)); return b })
	bad("frame-length at "+strconv.Itoa(second), func(b []byte) []byte { copy(b[second:], u32(16<<20+1)); return b })
	bad("frame-crc at "+strconv.Itoa(second), func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
	bad("frame-crc at "+strconv.Itoa(second), func(b []byte) []byte { b[second+5] ^= 1; return b })
	bad("bad-event at "+strconv.Itoa(second), func(b []byte) []byte { return append(b[:second], plainFrame(make([]byte, 39))...) })
	return all
}

func frameSubjects(w *world) map[string]subject {
	headers := func() [][]byte {
		good := plainHeader(5)
		bad := func(change func(b []byte)) []byte {
			b := plainHeader(5)
			change(b)
			return append(b[:28], crcOf(b[:28])...)
		}
		return [][]byte{
			good, plainHeader(frame.Mixed), w.view.Bytes(), good[:31], nil,
			bad(func(b []byte) { b[0] = 'o' }), bad(func(b []byte) { b[9] = 2 }), bad(func(b []byte) { b[11] = 1 }),
			bad(func(b []byte) { b[27] = 1 }), append(good[:28:28], 0, 0, 0, 0),
		}
	}
	kinds := []any{nil, nil, nil, "bad-header at 0", "bad-header at 0", "bad-magic at 0", "bad-version at 0", "bad-header at 0", "bad-header at 0", "bad-header at 0"}
	nodes := []uint32{5, frame.Mixed, 7, 0, 0, 0, 0, 0, 0, 0}
	places := func() []int { return []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9} }
	list, why := bodies(w)
	fit := func() []int {
		var all []int
		for i := range list {
			all = append(all, i)
		}
		return all
	}
	return map[string]subject{
		"frame.AppendHeader": pure("the list of nodes", func() []uint32 { return []uint32{0, 1, 1 << 20, frame.Mixed} },
			func(n uint32) any { return frame.AppendHeader([]byte("x"), frame.Header{Node: n}) },
			func(n uint32) any { return append([]byte("x"), plainHeader(n)...) }),
		"frame.ParseHeader": pure(mapped, places,
			func(i int) any {
				h, err := frame.ParseHeader(headers()[i])
				return results(h.Node, class(err))
			},
			func(i int) any { return results(nodes[i], kinds[i]) }),
		"frame.Append": pure(mapped, fit,
			func(i int) any {
				b, err := frame.Append([]byte("before"), list[i])
				return results(b, class(err))
			},
			func(i int) any {
				if why[i] != nil {
					return results([]byte("before"), why[i])
				}
				return results(append([]byte("before"), plainFrame(list[i])...), nil)
			}),
		"frame.Next": pure(mapped, w.spots,
			func(s spot) any {
				v, next, err := frame.Next(s.file, s.at)
				return results([]byte(v), next, class(err))
			},
			func(s spot) any {
				if s.want != nil {
					return results([]byte(nil), s.at, s.want)
				}
				i := slices.Index(w.offsets, int(s.at))
				return results(w.events[i].bytes(), s.at+int64(8+len(w.events[i].bytes())), nil)
			}),
	}
}
