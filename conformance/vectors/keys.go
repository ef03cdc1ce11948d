package vectors

import (
	"encoding/binary"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/order"
	"pgregory.net/rapid"
)

// fields are those of a key.
type fields struct {
	lamport uint64
	node    uint32
	stream  uint16
	event   [key.EventIDSize]byte
}

// text returns the key by its fields, as Lean writes it.
func (f fields) text() string {
	return fmt.Sprintf("(key %d %d %d %s)", f.lamport, f.node, f.stream, hexText(f.event[:]))
}

// bytes returns the key, made without the code under test.
func (f fields) bytes() (k key.Key) {
	binary.BigEndian.PutUint64(k[:], f.lamport)
	binary.BigEndian.PutUint32(k[8:], f.node)
	binary.BigEndian.PutUint16(k[12:], f.stream)
	copy(k[14:], f.event[:])
	return k
}

// drawFields draws any key.
func drawFields(t *rapid.T) fields {
	f := fields{rapid.Uint64().Draw(t, "lamport"), rapid.Uint32().Draw(t, "node"), rapid.Uint16().Draw(t, "stream"), [14]byte{}}
	copy(f.event[:], rapid.SliceOfN(rapid.Byte(), 14, 14).Draw(t, "event"))
	return f
}

// drawNear draws a key that differs from f in at most one field.
func drawNear(t *rapid.T, f fields) fields {
	other := drawFields(t)
	switch rapid.IntRange(0, 4).Draw(t, "differs in") {
	case 1:
		f.lamport = other.lamport
	case 2:
		f.node = other.node
	case 3:
		f.stream = other.stream
	case 4:
		f.event[rapid.IntRange(0, 13).Draw(t, "at")]++
	}
	return f
}

// smallKey draws one of few keys, so that the same come again.
func smallKey(t *rapid.T, lamports uint64) key.Key {
	f := fields{lamport: rapid.Uint64Range(1, lamports).Draw(t, "lamport"), node: rapid.Uint32Range(1, 2).Draw(t, "node")}
	f.stream = rapid.Uint16Range(0, 1).Draw(t, "stream")
	f.event[13] = rapid.ByteRange(0, 1).Draw(t, "event")
	return f.bytes()
}

// compared are Lean's words for what Compare returns.
var compared = map[int]string{-1: ".lt", 0: ".eq", 1: ".gt"}

func drawKeys(t *rapid.T, _ int) []Vector {
	f := drawFields(t)
	near := drawNear(t, f)
	k := key.New(f.lamport, f.node, f.stream, f.event)
	plain, other := f.bytes(), near.bytes()
	read := fields{plain.Lamport(), plain.Node(), plain.Stream(), plain.EventID()}
	order, ok := compared[plain.Compare(&other)]
	if !ok {
		order = fmt.Sprintf(".lt.swap.swap.%d", plain.Compare(&other))
	}
	digits := rapid.SampledFrom([]int{26, 27, 28, 28, 28, 29}).Draw(t, "bytes")
	text := fmt.Sprintf("%0*x", 2*digits, plain[:min(digits, 28)])
	parsed := "none"
	if k, err := key.Parse(text); err == nil {
		parsed = "some " + keyText(k)
	}
	return []Vector{
		{Form: "key.New", Call: "Key.encode " + f.text(), Out: bytesText(k[:])},
		{Form: "key.Key.Lamport", Call: "Key.decode " + bytesText(plain[:]), Out: "some " + read.text()},
		{Form: "key.Key.String", Call: "Key.toNat " + f.text(), Out: "0x" + plain.String()},
		{Form: "key.Key.Compare", Call: "Key.compare " + keyText(plain) + " " + keyText(other), Out: order},
		{Form: "key.Parse", Call: fmt.Sprintf("Key.decode (bytes %d 0x%s)", digits, text), Out: parsed},
	}
}

// lengths are those of an index. Up to 24 entries are sorted by insertion, more are
// repaired. The last length is more than repairing moves an entry by, so that runs
// are merged.
var lengths = []int{0, 1, 2, 3, 5, 8, 12, 20, 25, 30, 40, 24, 150}

// drawSorts draws an index of events in some sources, often with keys that agree
// in some of their words. The longest is two runs, of which the second comes first.
func drawSorts(t *rapid.T, number int) []Vector {
	n := lengths[number%len(lengths)]
	runs := n == lengths[len(lengths)-1]
	common := drawFields(t)
	sources := make(order.Sources, rapid.IntRange(1, 3).Draw(t, "sources"))
	entries := make([]order.Entry, n)
	texts := make([]string, n)
	for i := range n {
		f := drawNear(t, common)
		if runs {
			f.lamport = uint64(i+20) % uint64(n)
		}
		k := f.bytes()
		source := rapid.IntRange(0, len(sources)-1).Draw(t, "source")
		offset := len(sources[source])
		sources[source] = append(sources[source], k[:]...)
		ref, err := order.NewRef(source, int64(offset))
		if err != nil {
			return []Vector{impossible("order.NewRef", err.Error())}
		}
		entries[i] = order.Entry{Lamport: f.lamport, Ref: ref}
		texts[i] = fmt.Sprintf("entry %s %d %d", keyText(k), source, offset)
	}
	for i := n - 1; i > 0 && !runs; i-- {
		j := rapid.IntRange(0, i).Draw(t, "swap")
		entries[i], entries[j] = entries[j], entries[i]
		texts[i], texts[j] = texts[j], texts[i]
	}
	sorted, distinct := order.Sort(entries, sources, nil, rapid.IntRange(1, 3).Draw(t, "workers"), nil)
	refs := list(sorted, func(e order.Entry) string { return fmt.Sprint(uint64(e.Ref)) })
	index := list(texts, func(s string) string { return s })
	vectors := []Vector{{Form: "order.Sort", Call: "(Order.sort Order.Entry.rank " + index + ").map Order.Entry.ref", Out: refs}}
	if !runs {
		vectors = append(vectors, Vector{Form: "order.Sort.distinct",
			Call: "decide ((" + index + ".map Order.Entry.key).Nodup)", Out: fmt.Sprint(distinct)})
	}
	return vectors
}
