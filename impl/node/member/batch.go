package member

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// perMember is how many manifests of one member count at a height: two that differ are
// evidence against it, and those with the least digests are the same for all (MAN-5).
const perMember = 2

// manifest is one that is held, with its bytes.
type manifest struct {
	*Manifest
	raw    []byte
	digest [32]byte
}

// batch is what a member knows about the height being agreed on, beside the quorum's
// state.
type batch struct {
	height    uint64
	dir       string
	manifests [][]manifest // by member, at most perMember each, by digest
	blamed    []bool       // by member: two manifests have been told
	invited   time.Time    // when a peer's manifest with events was first seen

	contents  map[cert.Hash]quorum.Content // made at this height
	need      *quorum.NeedCandidate        // what the step waits for, or nil
	told      uint64                       // the last attempt for which manifests were told again
	notBefore uint64                       // the tick from which a candidate may be made for it
	made      []merkle.Hash                // the sections of which the last content was made
	latest    cert.Hash                    // its digest

	sections map[claim]*part
	order    []claim // of sections, as they came
}

// claim is what manifests say of a section. Two that differ in size are apart: at most one
// of them is true, and who fetches that must not stumble over the other.
type claim struct {
	root          merkle.Hash
	events, bytes uint64
}

func (s *Listed) claim() claim { return claim{s.Root, s.Events, s.Bytes} }

// part is a section that a manifest lists.
type part struct {
	Listed
	by   []int // who lists it
	here bool  // on disk, verified
}

func (c *core) batchDir(height uint64) string {
	return filepath.Join(c.cfg.Dir, batchesName, fmt.Sprintf("%08d", height))
}

func (b *batch) path(root merkle.Hash) string {
	return filepath.Join(b.dir, root.String()+sectionExt)
}

// enter begins the next height: with what a run before has left of it on disk, and with
// the manifests that have come early. What is left of other heights is removed.
func (c *core) enter() error {
	height := c.store.Chain.Length
	n := len(c.store.Chain.Roster)
	c.batch = &batch{
		height: height, dir: c.batchDir(height), manifests: make([][]manifest, n), blamed: make([]bool, n),
		contents: map[cert.Hash]quorum.Content{}, sections: map[claim]*part{},
	}
	c.dropTransfers(func(t *transfer) bool { return t.object.Class == SectionObject })
	c.pool.refresh()
	if err := c.dropBatches(); err != nil {
		return err
	}
	if c.self < 0 {
		return nil
	}
	if err := c.reloadBatch(); err != nil {
		return err
	}
	early := c.early
	c.early = nil
	for _, m := range early {
		if err := c.hold(m); err != nil {
			return err
		}
	}
	return nil
}

// dropBatches removes the folders of batches of other heights.
func (c *core) dropBatches() error {
	folder := filepath.Join(c.cfg.Dir, batchesName)
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if path := filepath.Join(folder, e.Name()); path != c.batch.dir {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	return nil
}

const (
	manifestName = "manifest"
	contentExt   = ".content"
)

// reloadBatch reads the own manifest and the contents that were made at this height:
// neither may be lost, for the manifest is signed, and prepares may be for the
// contents (MAN-4, MAN-8).
func (c *core) reloadBatch() error {
	entries, err := os.ReadDir(c.batch.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(c.batch.dir, e.Name())
		switch {
		case durable.IsTemp(e.Name()):
			err = os.Remove(path)
		case e.Name() == manifestName:
			err = c.reloadManifest(path)
		case strings.HasSuffix(e.Name(), contentExt):
			err = c.reloadContent(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *core) reloadManifest(path string) error {
	raw, err := durable.OS{}.ReadFile(path)
	if err != nil {
		return err
	}
	decoded, err := Decode(raw)
	m, ok := decoded.(*Manifest)
	if err != nil || !ok || m.From != c.self || m.Height != c.batch.height || !c.signedBy(m.From, m.Message(), m.Signature) {
		return fmt.Errorf("%s: not the manifest of this member for height %d: %w", path, c.batch.height, errors.Join(ErrMalformed, err))
	}
	for i := range m.Sections {
		if !c.holds(&m.Sections[i]) {
			c.log.Warn("an own batch that was cut off, and has not left, is dropped", "height", m.Height)
			return os.Remove(path)
		}
	}
	return c.hold(m)
}

// reloadContent reads a content of this height. One that does not hold any more, since
// the trace was lost or the disk is an older copy, is dropped: it can be made again.
func (c *core) reloadContent(path string) error {
	raw, err := durable.OS{}.ReadFile(path)
	if err != nil {
		return err
	}
	content, err := parseContent(raw)
	if err == nil {
		_, err = c.store.Chain.CheckContent(&content.Envelope, content.Body)
	}
	if err == nil {
		err = c.store.Validate(&content)
	}
	if err != nil {
		c.log.Warn("a content of an earlier run is dropped", "path", path, "error", err)
		return os.Remove(path)
	}
	c.batch.contents[content.Digest()] = content
	return nil
}

func parseContent(raw []byte) (quorum.Content, error) {
	if len(raw) < cert.EnvelopeSize {
		return quorum.Content{}, fmt.Errorf("%w: a content of %d bytes", ErrMalformed, len(raw))
	}
	envelope, err := cert.ParseEnvelope(raw[:cert.EnvelopeSize])
	return quorum.Content{Envelope: envelope, Body: raw[cert.EnvelopeSize:]}, err
}

// own returns the manifest that this member has signed for the height, or nil.
func (c *core) own() *manifest {
	if c.self < 0 || len(c.batch.manifests[c.self]) == 0 {
		return nil
	}
	return &c.batch.manifests[c.self][0]
}

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
		return durable.WriteFile(durable.OS{}, filepath.Join(c.batch.dir, manifestName), m.Encode(), 0o644)
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

// receiveManifest takes a peer's manifest (MAN-4, MAN-5).
func (c *core) receiveManifest(m *Manifest) error {
	if !c.fromPeer(m.Chain, m.From) || !c.verified(m.From, m.Message(), m.Signature) {
		return nil
	}
	if why := c.unfit(m); why != "" {
		c.refuse(causeSection, "member", m.From, "height", m.Height, "error", why)
		return nil
	}
	c.heard(m.From)
	switch {
	case m.Height < c.batch.height:
		c.sendCertificate(m.From, m.Height)
	case m.Height == c.batch.height+1 && len(c.early) < perMember*len(c.peers):
		c.early = append(c.early, m)
		c.behind(m.From)
	case m.Height > c.batch.height:
		c.behind(m.From)
	default:
		return c.hold(m)
	}
	return nil
}

// unfit says what is wrong with the section signatures of a manifest, or "".
func (c *core) unfit(m *Manifest) string {
	for i := range m.Sections {
		s := &m.Sections[i]
		if s.Signature == nil {
			continue
		}
		if w, ok := c.store.Chain.Roster.Writer(s.Node); !ok || w != m.From {
			return fmt.Sprintf("section %v: node %d is not the sender's", s.Root, s.Node)
		}
		if !c.signedBy(m.From, s.message(m.Chain), *s.Signature) {
			return fmt.Sprintf("section %v: the signature does not verify", s.Root)
		}
	}
	return ""
}

// hold keeps a verified manifest of this height. A second one of a member that differs
// is evidence against it, and counts too; of more, those with the least digests do.
func (c *core) hold(m *Manifest) error {
	b := c.batch
	h := manifest{Manifest: m, raw: m.Encode(), digest: m.digest()}
	held := b.manifests[m.From]
	at, known := slices.BinarySearchFunc(held, h, func(a, b manifest) int { return bytes.Compare(a.digest[:], b.digest[:]) })
	if known {
		return nil
	}
	held = slices.Insert(slices.Clone(held), at, h)
	if len(held) > 1 && !b.blamed[m.From] {
		b.blamed[m.From] = true
		if err := c.accuse(m.From, "manifest", held[0].raw, held[1].raw); err != nil {
			return err
		}
	}
	b.manifests[m.From] = held[:min(len(held), perMember)]
	if len(m.Sections) > 0 && b.invited.IsZero() {
		b.invited = c.now
	}
	if at >= perMember {
		return nil
	}
	for _, s := range m.Sections {
		c.list(m.From, s)
	}
	c.schedule()
	return nil
}

// list notes a section that a manifest lists.
func (c *core) list(by int, s Listed) {
	p := c.batch.sections[s.claim()]
	if p == nil {
		p = &part{Listed: s, here: c.holds(&s)}
		c.batch.sections[s.claim()] = p
		c.batch.order = append(c.batch.order, s.claim())
	}
	if !slices.Contains(p.by, by) {
		p.by = append(p.by, by)
	}
}

// holds reports whether a section is on disk. One of an earlier run may not be what was
// written: only own ones were synced.
func (c *core) holds(s *Listed) bool {
	path := c.batch.path(s.Root)
	root, events, err := sum(path)
	if err != nil || root != s.Root || events != s.Events {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && uint64(info.Size()) == s.Bytes
}

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

// stands reports whether this member stands for the operator's proposal: in every other
// attempt, so that the events of members whose operators propose nothing go on.
func (c *core) stands(need *quorum.NeedCandidate) bool {
	return c.proposal != nil && c.proposal.Envelope.BatchID == need.Height && need.Attempt%2 == 0
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
		content, path := c.batch.contents[other], filepath.Join(c.batch.dir, other.String()+contentExt)
		if _, err := os.Stat(path); other == digest || err == nil {
			continue
		}
		if err := durable.MkdirAll(c.batch.dir, 0o755); err != nil {
			return err
		}
		envelope := content.Envelope.Bytes()
		if err := c.writeFile(path, append(envelope[:], content.Body...)); err != nil {
			return err
		}
	}
	return nil
}

// writeFile makes b the content of the file path, durably.
func (c *core) writeFile(path string, b []byte) error {
	if err := c.reach("write " + filepath.Base(path)); err != nil {
		return err
	}
	return durable.WriteFile(durable.OS{}, path, b, 0o644)
}
