package invariant

import (
	"bytes"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/parallel"
)

// compareWithPast takes every event whose key the past holds out of the trace:
// repeats, which it counts in r, and rewritten history, for which it returns the
// verdicts (INV-5, INV-2).
func (c *court) compareWithPast(r *Result) []verdict {
	if _, empty := c.past.(Empty); empty {
		return nil
	}
	known := make([]uint64, (c.trace.Len()+63)/64) // bit i: the past holds the key of event i
	type found struct {
		verdicts        []verdict
		repeats, events uint64
	}
	perWorker := make([]found, c.opt.Workers)
	parallel.Blocks(c.opt.Run, c.opt.Workers, c.trace.Len(), blockSize, func(w, from, to int) {
		f := &perWorker[w]
		for i := from; i < to; i++ {
			past := c.past.Versions(c.trace.Key(i))
			if len(past) == 0 {
				continue
			}
			known[i/64] |= 1 << (i % 64)
			if isIn(past, c.trace.Event(i)) {
				f.repeats++
			} else {
				f.events++
			}
			if i == 0 || !c.trace.SameKey(i) {
				if v := c.rewritten(i, past); len(v.obstructions) > 0 {
					f.verdicts = append(f.verdicts, v)
				}
			}
		}
	})
	var all found
	for _, f := range perWorker {
		all.repeats += f.repeats
		all.events += f.events
		all.verdicts = append(all.verdicts, f.verdicts...)
	}
	r.Repeats, r.Events = all.repeats, all.events
	if all.repeats+all.events > 0 {
		c.trace.Drop(func(i int) bool { return known[i/64]>>(i%64)&1 == 1 })
	}
	return all.verdicts
}

func isIn(past []Version, e event.View) bool {
	return slices.ContainsFunc(past, func(v Version) bool { return bytes.Equal(v.Event, e) })
}
