package cert

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

// ObstructionKind is the reason for which events cannot be admitted (OBS-1).
type ObstructionKind uint8

// The kinds of obstructions, in canonical order (OBS-2).
const (
	Equivocation ObstructionKind = 0
	Lamport      ObstructionKind = 1
	MissingDep   ObstructionKind = 2
	Stale        ObstructionKind = 3
)

// String returns the kind in the words of OBS-1.
func (k ObstructionKind) String() string {
	names := [...]string{"equivocation", "lamport", "missing-dep", "stale"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// HasDep reports whether an obstruction of this kind names a dep (OBS-1).
func (k ObstructionKind) HasDep() bool { return k == Lamport || k == MissingDep }

// ObstructionItem names one obstruction; Dep is the zero key where the kind has
// none (OBS-1).
type ObstructionItem struct {
	Key  key.Key
	Kind ObstructionKind
	Dep  key.Key
}

// Compare orders obstructions by key, then kind, then dep (OBS-2).
func (o *ObstructionItem) Compare(p *ObstructionItem) int {
	if c := o.Key.Compare(&p.Key); c != 0 {
		return c
	}
	if o.Kind != p.Kind {
		return compareUint(uint64(o.Kind), uint64(p.Kind))
	}
	return o.Dep.Compare(&p.Dep)
}

// ObstructionBody is what an obstruction certificate says: why a batch could not
// be admitted, and the bytes of every event concerned, of all versions of a key
// that equivocates (BDY-4):
//
//	items u32 | items x (key[28] | kind u8 | dep[28]) | events u32 | events x (len u32 | event)
type ObstructionBody struct {
	Items  []ObstructionItem // strictly increasing (OBS-2)
	Events []event.View      // strictly increasing by (key, bytes)
}

const itemSize = 2*key.Size + 1

// Append appends the body's bytes to b (BDY-4).
func (o *ObstructionBody) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(o.Items)))
	for i := range o.Items {
		b = append(b, o.Items[i].Key[:]...)
		b = append(b, byte(o.Items[i].Kind))
		b = append(b, o.Items[i].Dep[:]...)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(o.Events)))
	for _, e := range o.Events {
		b = binary.BigEndian.AppendUint32(b, uint32(len(e)))
		b = append(b, e...)
	}
	return b
}

// EventOffsets returns where each event begins in the body, its length field
// included (BDY-4).
func (o *ObstructionBody) EventOffsets() []int64 {
	offsets := make([]int64, len(o.Events))
	at := int64(4 + len(o.Items)*itemSize + 4)
	for i, e := range o.Events {
		offsets[i] = at
		at += int64(4 + len(e))
	}
	return offsets
}

// ParseObstructionBody reads the body of an obstruction certificate (BDY-4). It
// refuses what does not fit together: items or events out of order, an item
// whose key has no event, an event that no item names, an equivocation of one
// version, a lamport item whose dep is smaller or not a dep of the event (BDY-5).
func ParseObstructionBody(b []byte) (*ObstructionBody, error) {
	d := decoder{b: b}
	o := &ObstructionBody{}
	o.parseItems(&d)
	o.parseEvents(&d)
	if err := d.end(); err != nil {
		return nil, bodyError(Obstruction, err)
	}
	if err := o.validate(); err != nil {
		return nil, bodyError(Obstruction, err)
	}
	return o, nil
}

func (o *ObstructionBody) parseItems(d *decoder) {
	n := int(d.u32())
	raw := d.take(n * itemSize)
	if len(raw) == 0 {
		d.fail("it has no obstruction")
		return
	}
	o.Items = make([]ObstructionItem, n)
	for i := range o.Items {
		item := raw[i*itemSize:]
		o.Items[i] = ObstructionItem{
			Key: key.Key(item), Kind: ObstructionKind(item[key.Size]), Dep: key.Key(item[key.Size+1:]),
		}
		it := &o.Items[i]
		if it.Kind > Stale {
			d.fail("item %d: kind %d is unknown", i, it.Kind)
		} else if !it.Kind.HasDep() && it.Dep != (key.Key{}) {
			d.fail("item %d: %v has no dep, got %v", i, it.Kind, it.Dep)
		}
		if i > 0 && o.Items[i-1].Compare(it) >= 0 {
			d.fail("items %d and %d are out of order", i-1, i)
		}
	}
}

func (o *ObstructionBody) parseEvents(d *decoder) {
	for i := range d.u32() {
		raw := d.take(int(d.u32()))
		if d.err != nil {
			return
		}
		v, err := event.Parse(raw)
		if err != nil {
			d.fail("event %d: %w", i, err)
			return
		}
		if i > 0 && compareEvents(o.Events[i-1], v) >= 0 {
			d.fail("events %d and %d are out of order", i-1, i)
		}
		o.Events = append(o.Events, v)
	}
}

// compareEvents orders events by key, then by bytes; keys come first in both.
func compareEvents(a, b event.View) int { return bytes.Compare(a, b) }

func (o *ObstructionBody) validate() error {
	events := o.Events
	for i := 0; i < len(o.Items); {
		k := &o.Items[i].Key
		j := i
		for j < len(o.Items) && o.Items[j].Key == *k {
			j++
		}
		n := 0
		for n < len(events) && *events[n].Key() == *k {
			n++
		}
		if n == 0 {
			return fmt.Errorf("the key %v has no event", k)
		}
		if err := o.checkItems(o.Items[i:j], events[:n]); err != nil {
			return err
		}
		i, events = j, events[n:]
	}
	if len(events) > 0 {
		return fmt.Errorf("no obstruction names the event %v", events[0].Key())
	}
	return nil
}

// checkItems checks the items of one key against the versions of its event.
func (o *ObstructionBody) checkItems(items []ObstructionItem, versions []event.View) error {
	if (items[0].Kind == Equivocation) != (len(versions) > 1) {
		return fmt.Errorf("the key %v has %d versions under %v", items[0].Key, len(versions), items[0].Kind)
	}
	for i := range items {
		it := &items[i]
		if !it.Kind.HasDep() {
			continue
		}
		if late := it.Dep.Lamport() >= it.Key.Lamport(); late != (it.Kind == Lamport) {
			return fmt.Errorf("%v is no %v of %v", it.Dep, it.Kind, it.Key)
		}
		if !anyHasDep(versions, &it.Dep) {
			return fmt.Errorf("no version of %v has the dep %v", it.Key, it.Dep)
		}
		if it.Kind == MissingDep && o.has(&it.Dep) {
			return fmt.Errorf("the dep %v of %v is not missing: it is shown", it.Dep, it.Key)
		}
	}
	return nil
}

// has reports whether one of the events has the key k.
func (o *ObstructionBody) has(k *key.Key) bool {
	_, ok := slices.BinarySearchFunc(o.Events, k, func(v event.View, k *key.Key) int { return v.Key().Compare(k) })
	return ok
}

func anyHasDep(versions []event.View, dep *key.Key) bool {
	for _, v := range versions {
		for i := range v.DepCount() {
			if *v.Dep(i) == *dep {
				return true
			}
		}
	}
	return false
}
