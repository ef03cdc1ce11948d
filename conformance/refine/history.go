package refine

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/node"
)

// History is what log[m] of the data path is in the code: a chain, and the past that
// its certificates make.
type History struct {
	Chain                  cert.Chain
	Past                   *archive.Past
	Certified, Quarantined tlavalue.Set // PastOf(log[m])

	dir string
}

// NewHistory returns the history of the log behind a genesis. Each of its results has
// gone through the bytes of its certificate. The traces of the merges are kept below
// dir, which several histories may share.
func NewHistory(genesis cert.Chain, dir string, log tlavalue.Seq) (*History, error) {
	h := &History{Chain: genesis, Past: archive.New(dir), Certified: tlavalue.Set{}, Quarantined: tlavalue.Set{}, dir: dir}
	if err := os.MkdirAll(filepath.Join(dir, archive.TracesName), 0o755); err != nil {
		return nil, err
	}
	for i, result := range log {
		if err := h.add(result); err != nil {
			return nil, fmt.Errorf("result %d of the log: %w", i+1, err)
		}
	}
	return h, nil
}

// Content returns the certificate that the chain would have next for a result of the
// code.
func (h *History) Content(r *invariant.Result) (c quorum.Content) {
	if r.Merged() {
		c.Envelope, c.Body = node.MergeContent(&h.Chain, r)
	} else {
		c.Envelope, c.Body = node.ObstructionContent(&h.Chain, r)
	}
	return c
}

// ContentOf returns the certificate that the chain would have next for a result of the
// model. A merge is that of its trace, as a section of its own; an obstruction shows
// what it sets aside, and what the past holds of its keys.
func (h *History) ContentOf(result tlavalue.Value) (c quorum.Content, err error) {
	p, err := partsOf(result)
	if err != nil {
		return c, err
	}
	if p.merge {
		file, err := Section(p.trace)
		if err != nil {
			return c, err
		}
		r, err := invariant.Reconcile([]invariant.Input{{Name: "trace", Data: file}}, h.Past, invariant.Options{})
		if err != nil {
			return c, err
		}
		if !r.Merged() || r.Events != uint64(len(p.trace)) {
			return c, fmt.Errorf("the trace %v does not merge as it is: %d events, %v", p.trace, r.Events, r.Obstructions)
		}
		return h.Content(r), h.Past.Err()
	}
	shown, err := h.shown(p)
	if err != nil {
		return c, err
	}
	if c.Body, err = obstructionBody(p.obstructions, shown); err != nil {
		return c, err
	}
	c.Envelope = cert.Seal(cert.Obstruction, merkle.EmptyRoot(), h.Chain.Length, h.Chain.Head, c.Body)
	return c, nil
}

// parts are a result of the model.
type parts struct {
	merge               bool
	trace, obstructions tlavalue.Seq
	quarantine          tlavalue.Set
}

func partsOf(v tlavalue.Value) (p parts, err error) {
	r, _ := v.(tlavalue.Record)
	kind, _ := r.Get("kind")
	trace, _ := r.Get("trace")
	obstructions, _ := r.Get("obstructions")
	quarantine, _ := r.Get("quarantine")
	var ok [3]bool
	p.merge = kind == tlavalue.Value(tlavalue.String("merge"))
	p.trace, ok[0] = trace.(tlavalue.Seq)
	p.obstructions, ok[1] = obstructions.(tlavalue.Seq)
	p.quarantine, ok[2] = quarantine.(tlavalue.Set)
	if ok != [3]bool{true, true, true} {
		return p, fmt.Errorf("%v is no result", v)
	}
	return p, nil
}

// shown returns the events that an obstruction's certificate shows.
func (h *History) shown(p parts) (shown []event.View, err error) {
	for _, v := range p.quarantine {
		e, err := Event(v)
		if err != nil {
			return nil, err
		}
		shown = append(shown, e)
	}
	for _, v := range p.obstructions {
		o, _ := v.(tlavalue.Seq)
		if len(o) == 0 {
			return nil, fmt.Errorf("%v is no obstruction", v)
		}
		k, err := Key(o[0])
		if err != nil {
			return nil, err
		}
		for _, old := range h.Past.Versions(&k) {
			shown = append(shown, old.Event)
		}
	}
	return shown, h.Past.Err()
}

// add appends a result to the log.
func (h *History) add(result tlavalue.Value) error {
	c, err := h.ContentOf(result)
	if err != nil {
		return err
	}
	next, err := h.Chain.CheckContent(&c.Envelope, c.Body)
	if err != nil {
		return err
	}
	p, err := partsOf(result)
	if err != nil {
		return err
	}
	if p.merge {
		err = h.addMerge(&c, p)
	} else {
		err = h.addObstruction(&c, p)
	}
	h.Chain = next
	return err
}

func (h *History) addMerge(c *quorum.Content, p parts) error {
	body, err := cert.ParseMergeBody(c.Body)
	if err != nil {
		return err
	}
	file, err := Section(p.trace)
	if err != nil {
		return err
	}
	path := filepath.Join(h.dir, archive.TracePath(h.Chain.Length, c.Envelope.TraceRoot))
	// Another history may have it mapped: what stands there is the same, by its name.
	if _, err := os.Stat(path); err != nil {
		if err := os.WriteFile(path, file, 0o600); err != nil {
			return err
		}
	}
	h.Certified = union(h.Certified, tlavalue.Set(p.trace))
	h.Quarantined = minus(h.Quarantined, h.Certified)
	return h.Past.AddMerge(h.Chain.Length, c.Envelope.TraceRoot, body)
}

func (h *History) addObstruction(c *quorum.Content, p parts) error {
	body, err := cert.ParseObstructionBody(c.Body)
	if err != nil {
		return err
	}
	h.Past.AddObstruction("cert.log", 0, body)
	h.Quarantined = minus(union(h.Quarantined, p.quarantine), h.Certified)
	return nil
}

func union(a, b tlavalue.Set) tlavalue.Set {
	all := append(tlavalue.Set{}, a...)
	for _, v := range b {
		if !a.Has(v) {
			all = append(all, v)
		}
	}
	s, _ := tlavalue.NewSet(all)
	return s
}

func minus(a, b tlavalue.Set) tlavalue.Set {
	left := tlavalue.Set{}
	for _, v := range a {
		if !b.Has(v) {
			left = append(left, v)
		}
	}
	return left
}

// CheckPast says in what the past differs from PastOf(log[m]) on these events and on
// the streams of their nodes, "" for nothing.
func (h *History) CheckPast(events tlavalue.Set) (string, error) {
	holds := union(h.Certified, h.Quarantined)
	frontiers := map[uint32]*event.View{}
	for _, v := range h.Certified {
		e, err := Event(v)
		if err != nil {
			return "", err
		}
		if last := frontiers[e.Key().Node()]; last == nil || e.Key().Compare(last.Key()) > 0 {
			frontiers[e.Key().Node()] = &e
		}
	}
	for _, v := range union(events, holds) {
		e, err := Event(v)
		if err != nil {
			return "", err
		}
		found := false
		for _, old := range h.Past.Versions(e.Key()) {
			found = found || string(old.Event) == string(e)
		}
		if found != holds.Has(v) {
			return fmt.Sprintf("the past holds %v: %v, in the model %v", v, found, holds.Has(v)), nil
		}
		last, ok := h.Past.Frontier(e.Key().Node(), 0)
		if want := frontiers[e.Key().Node()]; ok != (want != nil) || ok && last != *want.Key() {
			return fmt.Sprintf("the frontier of node %d is %v, in the model %v", e.Key().Node(), last, want), nil
		}
	}
	return "", h.Past.Err()
}
