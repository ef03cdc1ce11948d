package member

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
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
	dir       string       // of all batches
	prefix    string       // of the names of this one's files
	manifests [][]manifest // by member, at most perMember each, by digest
	blamed    []bool       // by member: two manifests have been told
	invited   time.Time    // when a peer's manifest with events was first seen
	held      bool         // an operator wants nothing but a proposal at this height

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

// path returns where a section of the height lies.
func (b *batch) path(root merkle.Hash) string { return b.file(root.String() + sectionExt) }

// file returns the path of a file of the height.
func (b *batch) file(name string) string { return filepath.Join(b.dir, b.prefix+name) }

// enter begins the next height: with what a run before has left of it on disk, and with
// the manifests that have come early. What is left of other heights is removed.
func (c *core) enter() error {
	height := c.store.Chain.Length
	n := len(c.store.Chain.Roster)
	c.batch = &batch{
		height: height, dir: filepath.Join(c.cfg.Dir, batchesName), prefix: fmt.Sprintf("%08d-", height), manifests: make([][]manifest, n), blamed: make([]bool, n),
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

// dropBatches removes the files of other heights.
func (c *core) dropBatches() error {
	entries, err := readDir(c.batch.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), c.batch.prefix) {
			if err := os.Remove(filepath.Join(c.batch.dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// readDir lists a folder that need not be there.
func readDir(path string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

const (
	manifestName = "manifest"
	contentExt   = ".content"
)

// reloadBatch reads the own manifest and the contents that were made at this height:
// neither may be lost, for the manifest is signed, and prepares may be for the
// contents (MAN-4, MAN-8).
func (c *core) reloadBatch() error {
	entries, err := readDir(c.batch.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(c.batch.dir, e.Name())
		switch {
		case durable.IsTemp(e.Name()):
			err = os.Remove(path)
		case path == c.batch.file(manifestName):
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
		err = c.validate(&content)
	}
	if err != nil {
		c.log.Warn("a content of an earlier run is dropped", "path", path, "error", err)
		return os.Remove(path)
	}
	c.batch.contents[content.Digest()] = content
	return nil
}

// appendContent appends a content's bytes to b (MAN-1):
//
//	envelope[121] | count u16 | count x signature[64] | body
func appendContent(b []byte, content *quorum.Content) []byte {
	envelope := content.Envelope.Bytes()
	b = binary.BigEndian.AppendUint16(append(b, envelope[:]...), uint16(len(content.Joining)))
	for _, sig := range content.Joining {
		b = append(b, sig[:]...)
	}
	return append(b, content.Body...)
}

func parseContent(raw []byte) (content quorum.Content, err error) {
	r := &reader{b: raw}
	if content.Envelope, err = cert.ParseEnvelope(r.take(cert.EnvelopeSize)); err != nil {
		return content, err
	}
	for n := r.u16(); n > 0 && r.err == nil; n-- {
		content.Joining = append(content.Joining, r.sig())
	}
	content.Body = r.b[r.at:]
	return content, r.err
}

// validate checks a content that an earlier run has made. What an operator has proposed
// stands for nothing on disk: the step checks it.
func (c *core) validate(content *quorum.Content) error {
	if content.Envelope.Type == cert.RosterChange {
		return nil
	}
	return c.store.Validate(content)
}

// own returns the manifest that this member has signed for the height, or nil.
func (c *core) own() *manifest {
	if c.self < 0 || len(c.batch.manifests[c.self]) == 0 {
		return nil
	}
	return &c.batch.manifests[c.self][0]
}

// receiveManifest takes a peer's manifest (MAN-4, MAN-5).
func (c *core) receiveManifest(m *Manifest) error {
	if own := c.own(); own != nil && m.From == c.self && m.digest() == own.digest {
		return nil // a peer has told it again
	}
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

// list notes a section that a manifest lists. An own one is on disk, synced: a copy of it
// that is on its way here from a peer, and would not be, must not take its place.
func (c *core) list(by int, s Listed) {
	p := c.batch.sections[s.claim()]
	if p == nil {
		p = &part{Listed: s, here: c.holds(&s)}
		c.batch.sections[s.claim()] = p
		c.batch.order = append(c.batch.order, s.claim())
	}
	if by == c.self && !p.here {
		p.here = c.holds(&s)
		c.dropTransfers(func(t *transfer) bool { return t.part == p })
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

// writeFile makes b the content of the file path, durably.
func (c *core) writeFile(path string, b []byte) error {
	if err := c.reach("write " + filepath.Base(path)); err != nil {
		return err
	}
	return durable.WriteFile(durable.OS{}, path, b, 0o644)
}
