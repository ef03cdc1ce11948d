package replay

import (
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/conformance/refine"
	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/section"
)

// history is a log in the code, and what it has been asked.
type history struct {
	*refine.History
	broken  string                // why there is none
	digests map[string]cert.Hash  // by the text of a result: what it would be certified as
	results map[string]reconciled // by the text of a batch
}

// reconciled is the result of a batch in the model, or what is wrong with it.
type reconciled struct {
	result tlavalue.Value
	wrong  string
}

func (d *DataPath) history(p *part) *history {
	k := [2]int32{p.logIndex, int32(p.member)}
	h := d.byIndex[k]
	if h == nil {
		h = d.historyOf(p.log)
		d.byIndex[k] = h
	}
	return h
}

func (d *DataPath) historyOf(log tlavalue.Seq) *history {
	h := d.histories[log.String()]
	if h != nil {
		return h
	}
	h = &history{digests: map[string]cert.Hash{}, results: map[string]reconciled{}}
	d.histories[log.String()] = h
	var err error
	if h.History, err = refine.NewHistory(d.genesis.Genesis, d.dir, log); err == nil {
		h.broken, err = h.CheckPast(d.events(d.allNames()))
	}
	if err != nil {
		h.broken = err.Error()
	}
	if h.broken != "" {
		d.add("the log %v: %s", log, h.broken)
	}
	return h
}

func (d *DataPath) allNames() (all tlavalue.Seq) {
	for i := range d.sections {
		all = append(all, tlavalue.Int(i+1))
	}
	return all
}

// frames returns the events of sections, in their order.
func (d *DataPath) frames(batch tlavalue.Seq) (all tlavalue.Seq) {
	for _, name := range batch {
		section, _ := d.sections[name.(tlavalue.Int)-1].(tlavalue.Seq)
		all = append(all, section...)
	}
	return all
}

// events returns the set of the events of sections.
func (d *DataPath) events(batch tlavalue.Seq) tlavalue.Set {
	set := tlavalue.Set{}
	for _, e := range d.frames(batch) {
		set = with(set, e)
	}
	return set
}

// digest returns the cert_hash of the certificate of a result of the model.
func (h *history) digest(d *DataPath, result tlavalue.Value) cert.Hash {
	k := result.String()
	hash, ok := h.digests[k]
	if !ok && h.broken == "" {
		c, err := h.ContentOf(result)
		if err == nil {
			_, err = h.Chain.CheckContent(&c.Envelope, c.Body)
		}
		if err != nil {
			d.add("%v is no content of a certificate: %v", result, err)
		}
		hash = c.Digest()
		h.digests[k] = hash
	}
	return hash
}

// result returns the result of a batch, and what is wrong with it.
func (h *history) result(d *DataPath, batch tlavalue.Seq) (tlavalue.Value, string) {
	k := batch.String()
	r, ok := h.results[k]
	if !ok {
		d.Batches++
		r.result, r.wrong = h.reconcile(d, batch)
		h.results[k] = r
	}
	return r.result, r.wrong
}

func (h *history) reconcile(d *DataPath, batch tlavalue.Seq) (tlavalue.Value, string) {
	if h.broken != "" {
		return refine.None, h.broken
	}
	r, err := d.reconcile(h, batch)
	if err != nil {
		return refine.None, err.Error()
	}
	if frames := uint64(len(d.frames(batch))); r.Events+r.Duplicates+r.Repeats != frames {
		return refine.None, fmt.Sprintf("%d events, %d duplicates and %d repeats, of %d frames", r.Events, r.Duplicates, r.Repeats, frames)
	}
	result, err := refine.Result(r, d.events(batch), h.Certified)
	if err != nil {
		return refine.None, err.Error()
	}
	content := h.Content(r)
	if got, want := content.Digest(), h.digest(d, result); got != want {
		return result, fmt.Sprintf("the certificate of %v is %v, made of the result of the code %v", result, want, got)
	}
	back := slices.Clone(batch)
	slices.Reverse(back)
	other, err := d.reconcile(h, back)
	if err != nil {
		return result, err.Error()
	}
	if reversed := h.Content(other); reversed.Digest() != content.Digest() {
		return result, fmt.Sprintf("the batch %v gives another certificate in the reverse order", batch)
	}
	return result, ""
}

func (d *DataPath) reconcile(h *history, batch tlavalue.Seq) (*invariant.Result, error) {
	var inputs []invariant.Input
	for _, name := range batch {
		file, err := refine.Section(d.sections[name.(tlavalue.Int)-1])
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, invariant.Input{Name: name.String(), Data: file})
	}
	r, err := invariant.Reconcile(inputs, h.Past, invariant.Options{})
	if err != nil {
		return nil, err
	}
	return r, h.Past.Err()
}

// checkPool says what is wrong with the last section of a pool as the code scans it,
// or with the trace that the pool glues to, "" for nothing.
func (d *DataPath) checkPool(pool tlavalue.Seq) string {
	k := pool.String()
	wrong, ok := d.pools[k]
	if !ok {
		wrong = d.glue(pool)
		d.pools[k] = wrong
	}
	return wrong
}

func (d *DataPath) glue(pool tlavalue.Seq) string {
	var files [][]byte
	for _, name := range pool {
		file, err := refine.Section(d.sections[name.(tlavalue.Int)-1])
		if err != nil {
			return err.Error()
		}
		if wrong := scan(file, d.frames(tlavalue.Seq{name})); wrong != "" {
			return fmt.Sprintf("section %v: %s", name, wrong)
		}
		files = append(files, file)
	}
	trace, err := section.Glue(files, section.Options{})
	if err != nil {
		return err.Error()
	}
	events, frames := d.events(pool), len(d.frames(pool))
	conflicts := map[string]int{}
	for _, e := range events {
		conflicts[field(e, "key").String()]++
	}
	for k, versions := range conflicts {
		if versions == 1 {
			delete(conflicts, k)
		}
	}
	if trace.Len() != len(events) || trace.Duplicates() != frames-len(events) || trace.Conflicts() != len(conflicts) {
		return fmt.Sprintf("%d events, %d duplicates, %d conflicts; in the model %d, %d, %d", trace.Len(), trace.Duplicates(),
			trace.Conflicts(), len(events), frames-len(events), len(conflicts))
	}
	var views []event.View
	for i := range trace.Len() {
		views = append(views, trace.Event(i))
		if i > 0 && string(views[i-1]) >= string(views[i]) {
			return fmt.Sprintf("the events %d and %d are out of order", i-1, i)
		}
	}
	if got, err := refine.Events(views); err != nil || !equal(got, events) {
		return fmt.Sprintf("glues to %v, in the model to %v (%v)", got, events, err)
	}
	return ""
}

// scan says in what a section's summary differs from its frames, "" for nothing.
func scan(file []byte, frames tlavalue.Seq) string {
	got, err := section.Scan(file, section.Options{})
	if err != nil {
		return err.Error()
	}
	want := section.Summary{Node: got.Node, Frames: uint64(len(frames)), Bytes: int64(len(file)), Sorted: true}
	for i, f := range frames {
		k, err := refine.Key(field(f, "key"))
		if err != nil {
			return err.Error()
		}
		if i == 0 {
			want.First = k
		} else if want.Last.Compare(&k) >= 0 {
			want.Sorted = false
		}
		want.Last = key.Key(k)
		deps, _ := field(f, "deps").(tlavalue.Set)
		want.Deps += uint64(len(deps))
	}
	if got != want {
		return fmt.Sprintf("the code counts %+v, the frames give %+v", got, want)
	}
	return ""
}
