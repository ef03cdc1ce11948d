package linear

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/fixed"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// pastEvent is an event of the plain past, and where it lies.
type pastEvent struct {
	event string
	frame invariant.Frame
}

// plainPast is what a chain has certified and quarantined, in maps by 28 bytes.
type plainPast struct {
	events    map[string][]pastEvent
	frontiers map[string]string // largest certified key by the 6 bytes of node and stream
}

func streamOf(k string) string { return k[8:14] }

// ruling is what the plain judge says of a batch.
type ruling struct {
	Events, Duplicates, Repeats uint64
	Obstructions                []string
	Body                        string
	Trace                       string
	Root                        merkle.Hash
	Streams                     []cert.Stream
}

// rule judges the files by the words of INV-2 to INV-5, key by key.
func (p plainPast) rule(files [][]byte) any {
	batch := map[string][]string{} // the versions of each key
	frames := map[string][]invariant.Frame{}
	read := 0
	for i, file := range files {
		list, why := plainRead(file)
		if why != nil {
			return fmt.Sprintf("file %d: %v", i, why)
		}
		for _, f := range list {
			read++
			if frames[f.event] == nil {
				batch[f.key()] = append(batch[f.key()], f.event)
			}
			frames[f.event] = append(frames[f.event], invariant.Frame{File: fmt.Sprintf("file %d", i), Offset: f.at})
		}
	}
	c := clerk{plainPast: p, batch: batch, frames: frames}
	for _, k := range sortedKeys(batch) {
		slices.Sort(batch[k])
		c.judge(k)
	}
	c.Duplicates = uint64(read) - c.Events - c.Repeats
	if len(c.items) == 0 {
		c.merge()
	} else {
		slices.SortStableFunc(c.items, func(a, b item) int {
			return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.kind, b.kind), cmp.Compare(a.dep, b.dep))
		})
		c.write()
	}
	return c.ruling
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// item is one obstruction.
type item struct {
	key    string
	kind   cert.ObstructionKind
	dep    string
	frames []invariant.Frame
}

// clerk writes a ruling.
type clerk struct {
	plainPast
	ruling
	batch     map[string][]string
	frames    map[string][]invariant.Frame
	items     []item
	concerned []string
	trace     []string
}

func (c *clerk) charge(k string, kind cert.ObstructionKind, dep string, versions []string, more ...invariant.Frame) {
	var all []invariant.Frame
	for _, v := range versions {
		all = append(all, c.frames[v]...)
	}
	slices.SortFunc(all, func(a, b invariant.Frame) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset))
	})
	c.items = append(c.items, item{k, kind, dep, append(all, more...)})
	c.concerned = append(c.concerned, c.batch[k]...)
}

func (c *clerk) judge(k string) {
	versions, none := c.batch[k], strings.Repeat("\x00", 28)
	if past := c.events[k]; len(past) > 0 {
		var known []string
		var places []invariant.Frame
		for _, v := range past {
			known, places = append(known, v.event), append(places, v.frame)
		}
		before := c.Repeats
		for _, v := range versions {
			if slices.Contains(known, v) {
				c.Repeats++
			} else {
				c.Events++
			}
		}
		if int(c.Repeats-before) < len(versions) {
			c.charge(k, cert.Equivocation, none, versions, places...)
			c.concerned = append(c.concerned, known...)
		}
		return
	}
	c.Events += uint64(len(versions))
	c.trace = append(c.trace, versions...)
	if len(versions) > 1 {
		c.charge(k, cert.Equivocation, none, versions)
	}
	having := map[string][]string{} // the versions that have a dep
	for _, v := range versions {
		for _, d := range depsOf(v) {
			having[d] = append(having[d], v)
		}
	}
	for d, versions := range having {
		if d[:8] >= k[:8] {
			c.charge(k, cert.Lamport, d, versions)
		} else if len(c.batch[d])+len(c.events[d]) == 0 {
			c.charge(k, cert.MissingDep, d, versions)
		}
	}
	if k <= c.frontiers[streamOf(k)] {
		c.charge(k, cert.Stale, none, versions)
	}
}

// merge says what a merge gives: the trace, its root and the figures.
func (c *clerk) merge() {
	slices.Sort(c.trace)
	c.Trace, c.Root, c.Streams = strings.Join(c.trace, "|"), plainRoot(c.trace), plainStreams(c.trace)
}

func plainRoot(events []string) merkle.Hash {
	var leaves []merkle.Hash
	for _, e := range events {
		leaves = append(leaves, leafOf([]byte(e)))
	}
	return rootOf(leaves)
}

func plainStreams(trace []string) []cert.Stream {
	byStream := map[string][]string{}
	for _, e := range trace {
		byStream[streamOf(e)] = append(byStream[streamOf(e)], e)
	}
	list := []cert.Stream{}
	for _, id := range sortedKeys(byStream) {
		events := byStream[id]
		var values tally
		for _, e := range events {
			values = append(values, int32(binary.BigEndian.Uint32([]byte(e[28:]))))
		}
		list = append(list, cert.Stream{
			Node: binary.BigEndian.Uint32([]byte(id)), Stream: binary.BigEndian.Uint16([]byte(id[4:])),
			Stats: values.figures().(fixed.Stats), First: key.Key([]byte(events[0][:28])), Last: key.Key([]byte(events[len(events)-1][:28])),
		})
	}
	return list
}

// write says what an obstruction gives: the charges, and the body's bytes.
func (c *clerk) write() {
	slices.Sort(c.concerned)
	events := slices.Compact(c.concerned)
	body := string(u32(len(c.items)))
	for _, it := range c.items {
		c.Obstructions = append(c.Obstructions, fmt.Sprintf("%d %x %x %v", it.kind, it.key, it.dep, it.frames))
		body += it.key + string([]byte{byte(it.kind)}) + it.dep
	}
	body += string(u32(len(events)))
	for _, e := range events {
		body += string(u32(len(e))) + e
	}
	c.Body = body
}

// rulingOf puts the product's result in the same form.
func rulingOf(r *invariant.Result, err error) any {
	var damage *invariant.InputError
	if errors.As(err, &damage) {
		return fmt.Sprintf("%s: %v", damage.Name, class(damage.Err))
	}
	if err != nil {
		return class(err)
	}
	out := ruling{Events: r.Events, Duplicates: r.Duplicates, Repeats: r.Repeats, Root: r.TraceRoot, Streams: r.Streams}
	for _, o := range r.Obstructions {
		out.Obstructions = append(out.Obstructions, fmt.Sprintf("%d %x %x %v", o.Kind, o.Key[:], o.Dep[:], o.Frames))
	}
	if body := r.ObstructionBody(); body != nil {
		out.Body = string(body.Append(nil))
	}
	if r.Merged() {
		var events []string
		for i := range r.Trace.Len() {
			events = append(events, string(r.Trace.Event(i)))
		}
		out.Trace = strings.Join(events, "|")
	}
	return out
}

// certifiedBelow is the Lamport time below which the world's events are certified.
const certifiedBelow = 5

// archived makes the past of a chain with one merge and one obstruction, as the
// product keeps it, and the same in maps.
func (w *world) archived() (*archive.Past, plainPast) {
	p := plainPast{map[string][]pastEvent{}, map[string]string{}}
	var events []string
	file := plainHeader(0xFFFFFFFF)
	var at []int64
	for _, e := range w.events {
		if e.lamport < certifiedBelow {
			at = append(at, int64(len(file)))
			events = append(events, string(e.bytes()))
			file = append(file, plainFrame(e.bytes())...)
		}
	}
	dir := filepath.Dir(w.view.Name())
	root := plainRoot(events)
	path := filepath.Join(dir, archive.TracePath(1, root))
	for i, e := range events {
		p.events[e[:28]] = []pastEvent{{e, invariant.Frame{File: path, Offset: at[i]}}}
		p.frontiers[streamOf(e)] = e[:28]
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, file, 0o600)); err != nil {
		panic(err)
	}
	past := archive.New(dir)
	w.atEnd(func() {
		if err := past.Close(); err != nil {
			panic(err)
		}
	})
	if err := past.AddMerge(1, root, &cert.MergeBody{Streams: plainStreams(events)}); err != nil {
		panic(err)
	}
	bad := w.quarantined()
	body := &cert.ObstructionBody{Items: []cert.ObstructionItem{{Key: keyOf(bad.key()), Kind: cert.Stale}}, Events: []event.View{bad.bytes()}}
	past.AddObstruction("cert.log", 1000, body)
	p.events[string(bad.bytes()[:28])] = []pastEvent{{string(bad.bytes()), invariant.Frame{File: "cert.log", Offset: 1000 + 4 + 57 + 4}}}
	return past, p
}

// quarantined is an event that an obstruction has set aside.
func (w *world) quarantined() parts { return parts{lamport: 1, node: 1, id: strings.Repeat("77", 14)} }

// batches are files to be judged against the archived past.
func (w *world) batches() [][][]byte {
	var old, fresh []parts
	for _, e := range w.events {
		if e.lamport < certifiedBelow {
			old = append(old, e)
		} else {
			fresh = append(fresh, e)
		}
	}
	half := len(fresh) / 2
	with := func(change func(e *parts)) parts {
		e := fresh[half]
		e.deps = nil
		change(&e)
		return e
	}
	rewritten := old[3]
	rewritten.value += 9
	version := with(func(e *parts) { e.payload = "another version"; e.deps = []string{strings.Repeat("0", 55) + "9"} })
	missing := with(func(e *parts) {
		e.deps = []string{strings.Repeat("0", 55) + "8", w.quarantined().key(), fresh[len(fresh)-1].key()}
		slices.Sort(e.deps)
	})
	late := with(func(e *parts) {
		e.lamport, e.node, e.stream, e.id = 1, old[0].node, old[0].stream, strings.Repeat("55", 14)
	})
	set := w.quarantined()
	set.payload = "changed"
	var many []parts
	r := rand.New(rand.NewPCG(8, 8))
	for i := range 4200 {
		e := parts{lamport: uint64(20 + i/4), node: 3 + uint32(i%4), id: fmt.Sprintf("%028x", i), value: r.Int32()}
		if i > 8 {
			e.deps = []string{many[i-4-r.IntN(4)].key()}
		}
		many = append(many, e)
	}
	manyMissing := slices.Clone(many)
	manyMissing[4150].deps = []string{fmt.Sprintf("%056x", 1<<40)}
	fine := plainFile(2, fresh...)
	return [][][]byte{
		{}, {fine}, {plainFile(1, fresh[:half+3]...), plainFile(2, fresh[half-2:]...), plainFile(3, old[1], old[2], old[1], w.quarantined())},
		{fine, plainFile(1, rewritten)}, {fine, plainFile(1, version)}, {plainFile(4, fresh[half], version, missing), fine},
		{plainFile(1, missing), fine}, {plainFile(1, late)}, {fine, plainFile(7, set)}, {fine, fine[:len(fine)-1]}, {plainFile(1, many...)}, {plainFile(1, manyMissing...)},
		{plainFile(1, old...)},
	}
}

func inputsOf(files [][]byte) []invariant.Input {
	var inputs []invariant.Input
	for i, file := range files {
		inputs = append(inputs, invariant.Input{Name: fmt.Sprintf("file %d", i), Data: file})
	}
	return inputs
}

func invariantSubjects(w *world) map[string]subject {
	const theArchive = "the archive of the past"
	past, plain := w.archived()
	opt := invariant.Options{Workers: 3, Run: omegalog.Run}
	// Results that several look at.
	shared := sync.OnceValue(func() []*invariant.Result {
		var all []*invariant.Result
		for _, files := range w.batches() {
			if r, err := invariant.Reconcile(inputsOf(files), past, opt); err == nil {
				all = append(all, r)
			}
		}
		return all
	})
	wanted := sync.OnceValue(func() []ruling {
		var all []ruling
		for _, files := range w.batches() {
			if r, ok := plain.rule(files).(ruling); ok {
				all = append(all, r)
			}
		}
		return all
	})
	numbers := func() []int {
		var all []int
		for i := range wanted() {
			all = append(all, i)
		}
		return all
	}
	reconcile := pure(theArchive, w.batches,
		func(files [][]byte) any { return rulingOf(invariant.Reconcile(inputsOf(files), past, opt)) },
		func(files [][]byte) any { return plain.rule(files) })
	return map[string]subject{
		"invariant.Empty.Versions": pure(mapped, w.keys, func(k *key.Key) any { return len(invariant.Empty{}.Versions(k)) }, func(*key.Key) any { return 0 }),
		"invariant.Empty.Frontier": pure(mapped, w.keys, func(k *key.Key) any {
			k2, ok := invariant.Empty{}.Frontier(k.Node(), k.Stream())
			return results(k2, ok)
		}, func(*key.Key) any { return results(key.Key{}, false) }),
		"invariant.Result.Merged": pure("the result of a batch", numbers, func(i int) any { return shared()[i].Merged() },
			func(i int) any { return len(wanted()[i].Obstructions) == 0 }),
		"invariant.Result.ObstructionBody": pure("the result of a batch", numbers,
			func(i int) any {
				if body := shared()[i].ObstructionBody(); body != nil {
					return hex.EncodeToString(body.Append(nil))
				}
				return ""
			},
			func(i int) any { return hex.EncodeToString([]byte(wanted()[i].Body)) }),
		"invariant.Reconcile": reconcile,
	}
}
