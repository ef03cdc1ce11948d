package refine

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

// Key returns the key <<lamport, node>> stands for, of stream 0 and event id 0.
func Key(v tlavalue.Value) (key.Key, error) {
	pair, _ := v.(tlavalue.Seq)
	if len(pair) == 2 {
		lamport, ok := pair[0].(tlavalue.Int)
		node, ok2 := pair[1].(tlavalue.Int)
		if ok && ok2 && lamport >= 0 && node >= 0 {
			return key.New(uint64(lamport), uint32(node), 0, [key.EventIDSize]byte{}), nil
		}
	}
	return key.Key{}, fmt.Errorf("%v is no key", v)
}

// KeyValue returns <<lamport, node>>.
func KeyValue(k *key.Key) (tlavalue.Value, error) {
	v := tlavalue.Seq{tlavalue.Int(k.Lamport()), tlavalue.Int(k.Node())}
	if again, err := Key(v); err != nil || again != *k {
		return None, fmt.Errorf("%w: the key %v", ErrForeign, k)
	}
	return v, nil
}

// figure returns the value of the event with a text: another one for each text.
func figure(text string) int32 {
	n := int32(0)
	for _, c := range []byte(text) {
		n = 31*n + int32(c)
	}
	return n
}

// Event returns the bytes of an event [key, text, deps].
func Event(v tlavalue.Value) (event.View, error) {
	r, _ := v.(tlavalue.Record)
	at, _ := r.Get("key")
	text, _ := r.Get("text")
	deps, _ := r.Get("deps")
	k, err := Key(at)
	if err != nil {
		return nil, err
	}
	payload, ok := text.(tlavalue.String)
	causes, ok2 := deps.(tlavalue.Set)
	if !ok || !ok2 {
		return nil, fmt.Errorf("%v is no event", v)
	}
	e := event.Event{Key: k, Value: figure(string(payload)), Payload: []byte(payload)}
	for _, d := range causes {
		dep, err := Key(d)
		if err != nil {
			return nil, err
		}
		e.Deps = append(e.Deps, dep)
	}
	slices.SortFunc(e.Deps, func(a, b key.Key) int { return a.Compare(&b) })
	b, err := e.Append(nil)
	return event.View(b), err
}

// EventValue returns [key, text, deps].
func EventValue(e event.View) (tlavalue.Value, error) {
	text := string(e.Payload())
	if e.Value() != figure(text) {
		return None, fmt.Errorf("%w: %q with the value %d", ErrForeign, text, e.Value())
	}
	k, err := KeyValue(e.Key())
	if err != nil {
		return None, err
	}
	var deps []tlavalue.Value
	for i := range e.DepCount() {
		dep, err := KeyValue(e.Dep(i))
		if err != nil {
			return None, err
		}
		deps = append(deps, dep)
	}
	set, ok := tlavalue.NewSet(deps)
	if !ok {
		return None, fmt.Errorf("%w: a dep stands twice in %v", ErrForeign, k)
	}
	return record(fields{"key": k, "text": tlavalue.String(text), "deps": set}), nil
}

// Section returns the bytes of the `.omega` file with these events, a mixed one.
func Section(events tlavalue.Value) ([]byte, error) {
	list, ok := events.(tlavalue.Seq)
	if !ok {
		return nil, fmt.Errorf("%v is no section", events)
	}
	file := frame.AppendHeader(nil, frame.Header{Node: frame.Mixed})
	for _, v := range list {
		e, err := Event(v)
		if err != nil {
			return nil, err
		}
		if file, err = frame.Append(file, e); err != nil {
			return nil, err
		}
	}
	return file, nil
}

// Events returns the set of the events, each of which may stand there again.
func Events(views []event.View) (tlavalue.Set, error) {
	var all []tlavalue.Value
	for _, e := range views {
		v, err := EventValue(e)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	slices.SortFunc(all, tlavalue.Compare)
	return tlavalue.Set(slices.CompactFunc(all, func(a, b tlavalue.Value) bool { return tlavalue.Compare(a, b) == 0 })), nil
}

// Result returns the result that r is for a batch of these events, where the past has
// certified those: [kind, trace, obstructions, quarantine].
func Result(r *invariant.Result, batch, certified tlavalue.Set) (tlavalue.Value, error) {
	if r.Merged() {
		trace := tlavalue.Seq{}
		for i := range r.Trace.Len() {
			v, err := EventValue(r.Trace.Event(i))
			if err != nil {
				return None, err
			}
			trace = append(trace, v)
		}
		return resultRecord("merge", trace, tlavalue.Seq{}, tlavalue.Set{}), nil
	}
	list := tlavalue.Seq{}
	for i := range r.Obstructions {
		o := &r.Obstructions[i]
		k, err := KeyValue(&o.Key)
		if err != nil {
			return None, err
		}
		dep, err := KeyValue(&o.Dep)
		if err != nil {
			return None, err
		}
		list = append(list, tlavalue.Seq{k, tlavalue.String(o.Kind.String()), dep})
	}
	shown, err := Events(r.ObstructionBody().Events)
	if err != nil {
		return None, err
	}
	quarantine := tlavalue.Set{} // of what is shown, the past's own is there to compare with
	for _, e := range shown {
		if batch.Has(e) && !certified.Has(e) {
			quarantine = append(quarantine, e)
		}
	}
	return resultRecord("obstruction", tlavalue.Seq{}, list, quarantine), nil
}

func resultRecord(kind string, trace, obstructions tlavalue.Seq, quarantine tlavalue.Set) tlavalue.Value {
	return record(fields{
		"kind": tlavalue.String(kind), "trace": trace, "obstructions": obstructions, "quarantine": quarantine,
	})
}

// kinds are the kinds of obstructions by their words.
var kinds = func() map[tlavalue.Value]cert.ObstructionKind {
	all := map[tlavalue.Value]cert.ObstructionKind{}
	for k := cert.Equivocation; k <= cert.Stale; k++ {
		all[tlavalue.String(k.String())] = k
	}
	return all
}()

// obstructionBody returns the body of the certificate that records obstructions, with
// the events shown.
func obstructionBody(obstructions tlavalue.Seq, shown []event.View) ([]byte, error) {
	body := cert.ObstructionBody{Events: shown}
	for _, v := range obstructions {
		o, _ := v.(tlavalue.Seq)
		if len(o) != 3 {
			return nil, fmt.Errorf("%v is no obstruction", v)
		}
		k, err := Key(o[0])
		if err != nil {
			return nil, err
		}
		dep, err := Key(o[2])
		if err != nil {
			return nil, err
		}
		kind, ok := kinds[o[1]]
		if !ok {
			return nil, fmt.Errorf("%v is no kind", o[1])
		}
		body.Items = append(body.Items, cert.ObstructionItem{Key: k, Kind: kind, Dep: dep})
	}
	slices.SortFunc(body.Events, func(a, b event.View) int { return bytes.Compare(a, b) })
	body.Events = slices.CompactFunc(body.Events, func(a, b event.View) bool { return bytes.Equal(a, b) })
	return body.Append(nil), nil
}
