package invariant

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/section"
)

// A verdict is all that stands against the events of one key.
type verdict struct {
	key          key.Key
	obstructions []Obstruction // by kind, dep (OBS-2)
	versions     []event.View  // of the key, past ones included, by their bytes
}

// charge names one obstruction of a key.
type charge struct {
	kind cert.ObstructionKind
	dep  key.Key
}

// verdict returns what stands against the key of event i, which the past does
// not hold, if anything does. Each charge names the copies of those versions
// that it concerns (OBS-3).
func (c *court) verdict(i int, stale bool) verdict {
	k := c.trace.Key(i)
	versions := c.trace.Versions(i)
	copies := map[charge][]section.Copy{}
	blame := func(kind cert.ObstructionKind, dep key.Key, v *section.Version) {
		copies[charge{kind, dep}] = append(copies[charge{kind, dep}], v.Copies...)
	}
	v := verdict{key: *k}
	for j := range versions {
		version := &versions[j]
		v.versions = append(v.versions, version.Event)
		if len(versions) > 1 {
			blame(cert.Equivocation, key.Key{}, version)
		}
		for d := range version.Event.DepCount() {
			if dep := version.Event.Dep(d); dep.Lamport() >= k.Lamport() {
				blame(cert.Lamport, *dep, version)
			} else if !c.present(dep, i) {
				blame(cert.MissingDep, *dep, version)
			}
		}
		if stale {
			blame(cert.Stale, key.Key{}, version)
		}
	}
	for ch, at := range copies {
		v.obstructions = append(v.obstructions, Obstruction{Kind: ch.kind, Key: *k, Dep: ch.dep, Frames: c.frames(at)})
	}
	slices.SortFunc(v.obstructions, func(a, b Obstruction) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Dep.Compare(&b.Dep))
	})
	return v
}

// rewritten returns the verdict on the key of event i, which is in the past:
// an equivocation if one of its versions in the batch is none of the past's
// (INV-2), else nothing.
func (c *court) rewritten(i int, past []Version) verdict {
	v := verdict{key: *c.trace.Key(i)}
	var copies []section.Copy
	guilty := false
	for _, version := range c.trace.Versions(i) {
		guilty = guilty || !isIn(past, version.Event)
		copies = append(copies, version.Copies...)
		v.versions = append(v.versions, version.Event)
	}
	if !guilty {
		return v
	}
	frames := c.frames(copies)
	for _, p := range past {
		frames = append(frames, p.Frame)
		v.versions = append(v.versions, p.Event)
	}
	slices.SortFunc(v.versions, func(a, b event.View) int { return bytes.Compare(a, b) })
	v.versions = slices.CompactFunc(v.versions, func(a, b event.View) bool { return bytes.Equal(a, b) })
	v.obstructions = []Obstruction{{Kind: cert.Equivocation, Key: v.key, Frames: frames}}
	return v
}

// frames names copies, sorted by input, then offset (OBS-3).
func (c *court) frames(copies []section.Copy) []Frame {
	slices.SortFunc(copies, func(a, b section.Copy) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Offset, b.Offset))
	})
	frames := make([]Frame, len(copies))
	for i, at := range copies {
		frames[i] = Frame{File: c.inputs[at.Source].Name, Offset: at.Offset}
	}
	return frames
}
