package member

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// close closes the own batch where it is time to: by a wish of its own, or because a
// peer has closed one (MAN-4).
func (c *core) close() error {
	if c.self < 0 || !c.state.Ready() || c.own() != nil {
		return nil
	}
	upTo, invited := c.invitation()
	switch {
	case invited && c.pool.last < upTo && c.cfg.Source != nil && c.now.Sub(c.batch.invited) < c.cfg.Tick:
		return nil // the stream may bring the rest
	case !invited && !c.pool.wish(&c.cfg, c.now):
		return nil
	case upTo == 0 || upTo > c.pool.last:
		upTo = c.pool.last
	}
	chosen := c.pool.choose(upTo, c.store.Past, c.now)
	if err := c.store.Past.Err(); err != nil {
		return err
	}
	if len(chosen) == 0 && !invited {
		return nil
	}
	return c.seal(chosen)
}

// invitation returns whether a peer has closed a batch with events, and up to where in
// the stream.
func (c *core) invitation() (upTo uint64, invited bool) {
	for _, held := range c.batch.manifests {
		for _, m := range held {
			if len(m.Sections) > 0 {
				upTo, invited = max(upTo, m.Last), true
			}
		}
	}
	return upTo, invited
}

// seal writes the events as sections, and sends the manifest. All is on disk before
// that leaves (MAN-4). Its way there is mostly waiting, so the files go at the same time.
func (c *core) seal(chosen []*entry) error {
	m := &Manifest{Chain: c.store.Chain.Name, From: c.self, Height: c.batch.height}
	for _, x := range chosen {
		if x.sequence > 0 {
			if m.First == 0 || x.sequence < m.First {
				m.First = x.sequence
			}
			m.Last = max(m.Last, x.sequence)
		}
	}
	if err := durable.MkdirAll(c.batch.dir, 0o755); err != nil {
		return err
	}
	var writes []func() error
	for _, g := range c.group(chosen) {
		listed := c.describe(&g)
		m.Sections = append(m.Sections, listed)
		writes = append(writes, func() error { return writeSection(c.batch.path(listed.Root), &g) })
	}
	slices.SortFunc(m.Sections, func(a, b Listed) int { return bytes.Compare(a.Root[:], b.Root[:]) })
	m.Signature = c.cfg.Key.Sign(m.Message())
	writes = append(writes, func() error {
		return durable.WriteFile(durable.OS{}, c.batch.file(manifestName), m.Encode(), 0o644)
	})
	if err := c.writeAll(writes); err != nil {
		return err
	}
	if err := c.hold(m); err != nil {
		return err
	}
	c.broadcast(c.own().raw)
	return nil
}

// writeAll does all writes at the same time. Tests crash behind some of them.
func (c *core) writeAll(writes []func() error) error {
	n, crash := 0, error(nil)
	c.rng.Shuffle(len(writes), func(i, j int) { writes[i], writes[j] = writes[j], writes[i] })
	for n < len(writes) && crash == nil {
		if crash = c.reach("write of a batch"); crash == nil {
			n++
		}
	}
	return errors.Join(crash, importer.Each(context.Background(), n, func(_ context.Context, i int) error { return writes[i]() }))
}

type group struct {
	node   uint32
	events []*entry
}

// group parts events into sections, the same for all members that hold the same events:
// one for each node of the roster, of what its writer has signed, and a mixed one.
func (c *core) group(chosen []*entry) []group {
	groups := []group{{node: frame.Mixed}}
	index := map[uint32]int{}
	for _, x := range chosen {
		at, n := 0, x.event.Key().Node()
		if _, ok := c.store.Chain.Roster.Writer(n); ok && x.signed {
			if at, ok = index[n]; !ok && len(groups) < MaxSections {
				at = len(groups)
				index[n] = at
				groups = append(groups, group{node: n})
			}
		}
		groups[at].events = append(groups[at].events, x)
	}
	if len(groups[0].events) == 0 {
		return groups[1:]
	}
	return groups
}

// describe sums up a section, and signs it if it is this member's own (SIG-2).
func (c *core) describe(g *group) Listed {
	var tree merkle.Tree
	listed := Listed{Node: g.node, Events: uint64(len(g.events)), Bytes: frame.HeaderSize}
	for _, x := range g.events {
		tree.Append(merkle.LeafHash(x.event))
		listed.Bytes += uint64(size(x.event))
	}
	listed.Root = tree.Root()
	if slices.Contains(c.ownNodes(), g.node) {
		sig := c.cfg.Key.Sign(listed.message(c.store.Chain.Name))
		listed.Signature = &sig
	}
	return listed
}

// message returns the bytes that the writer of the section signs (SIG-2).
func (s *Listed) message(chain cert.Hash) []byte {
	section := omegalog.Section{Node: s.Node, Count: s.Events, Root: s.Root}
	return section.Message(chain)
}

func writeSection(path string, g *group) error {
	w, err := omegalog.Create(path, g.node)
	if err != nil {
		return err
	}
	defer w.Abort()
	for _, x := range g.events {
		if err := w.Append(x.event); err != nil {
			return err
		}
	}
	return w.Close()
}
