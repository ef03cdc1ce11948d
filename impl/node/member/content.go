package member

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/node"
)

// maxWait is for how many ticks a member at most lets others tell their manifests.
const maxWait = 16

// need notes that the step waits for a content. Where the attempts before have failed,
// members first tell each other what they hold, and make their own candidates ticks
// after that, more of them from attempt to attempt (MAN-5).
func (c *core) need(e *quorum.NeedCandidate) {
	b := c.batch
	b.need = e
	if e.Digest == (cert.Hash{}) && e.Attempt > b.told {
		b.told, b.notBefore = e.Attempt, c.clock.ticks+min(e.Attempt, maxWait)
		c.gossip()
	}
}

// candidate returns the content that the step waits for, as soon as it can be made, or
// nil (MAN-8).
func (c *core) candidate() (quorum.Message, error) {
	need := c.batch.need
	if need == nil || need.Height != c.batch.height {
		return nil, nil
	}
	if need.Digest == (cert.Hash{}) && need.Attempt > 0 && c.clock.ticks < c.batch.notBefore {
		return nil, nil
	}
	content, ok := c.batch.contents[need.Digest]
	if !ok && need.Digest == (cert.Hash{}) && c.stands(need) {
		content, ok = *c.proposal, true
		c.batch.contents[content.Digest()] = content
	}
	if !ok && c.batch.held && need.Digest == (cert.Hash{}) {
		return nil, nil
	}
	if !ok {
		made, err := c.union()
		if err != nil || made == nil || need.Digest != (cert.Hash{}) && made.Digest() != need.Digest {
			return nil, err
		}
		content = *made
	}
	if err := c.saveOthers(content.Digest()); err != nil {
		return nil, err
	}
	c.batch.need = nil
	return quorum.Candidate{Attempt: need.Attempt, Content: content}, nil
}

// stands reports whether this member stands for the operator's proposal: for a roster
// change in every attempt, since its height is held for it; for anything else in every
// other one, so that the events of members whose operators propose nothing go on
// (MAN-16).
func (c *core) stands(need *quorum.NeedCandidate) bool {
	p := c.proposal
	return p != nil && p.Envelope.BatchID == need.Height && (p.Envelope.Type == cert.RosterChange || need.Attempt%2 == 0)
}

// union makes the content of all manifests, once one of each member is held and all
// their sections are here. There is none where all are empty.
func (c *core) union() (*quorum.Content, error) {
	b := c.batch
	var roots []merkle.Hash
	for _, held := range b.manifests {
		if len(held) == 0 {
			return nil, nil
		}
		for _, m := range held {
			for _, s := range m.Sections {
				if !b.sections[s.claim()].here {
					return nil, nil
				}
				roots = append(roots, s.Root)
			}
		}
	}
	if len(roots) == 0 {
		return nil, nil
	}
	slices.SortFunc(roots, func(a, b merkle.Hash) int { return bytes.Compare(a[:], b[:]) })
	roots = slices.Compact(roots)
	if !slices.Equal(roots, b.made) {
		content, err := c.make(roots)
		if err != nil {
			return nil, err
		}
		b.made, b.latest = roots, content.Digest()
	}
	content := b.contents[b.latest]
	return &content, nil
}

// make reconciles sections to a content. Its trace, and itself, are on disk then.
func (c *core) make(roots []merkle.Hash) (*quorum.Content, error) {
	paths := make([]string, len(roots))
	for i, root := range roots {
		paths[i] = c.batch.path(root)
	}
	sections, err := node.OpenSections(paths)
	if err != nil {
		return nil, err
	}
	content, err := c.reconcile(sections)
	if err := errors.Join(err, sections.Close()); err != nil {
		return nil, err
	}
	return content, nil
}

func (c *core) reconcile(sections *node.Sections) (*quorum.Content, error) {
	result, err := c.store.Reconcile(sections)
	if err != nil {
		return nil, err
	}
	if err := c.reach("write trace"); err != nil {
		return nil, err
	}
	content, err := c.store.Content(sections, result)
	if err != nil {
		return nil, err
	}
	c.batch.contents[content.Digest()] = content
	return &content, nil
}

// saveOthers puts on disk the contents made at this height but for one that is to be
// prepared now. The step keeps that of its newest prepare, its lock and the highest
// proof that it knows; should all members have prepared another one, each has it for as
// long as the height lasts.
func (c *core) saveOthers(digest cert.Hash) error {
	for _, other := range slices.SortedFunc(maps.Keys(c.batch.contents), func(a, b cert.Hash) int { return bytes.Compare(a[:], b[:]) }) {
		content, path := c.batch.contents[other], c.batch.file(other.String()+contentExt)
		if _, err := os.Stat(path); other == digest || err == nil {
			continue
		}
		if err := durable.MkdirAll(c.batch.dir, 0o755); err != nil {
			return err
		}
		if err := c.writeFile(path, appendContent(nil, &content)); err != nil {
			return err
		}
	}
	return nil
}
