package member

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// transfer is one object on its way here, from one peer at a time (MAN-7). Its bytes
// count for nothing until all of them have given the object's root; those of the log,
// record by record, until a certificate verifies.
type transfer struct {
	object Object
	part   *part // of a section
	bytes  int64 // of the whole; -1: the first chunk tells
	peers  []int // who may have it
	liars  []int // who has sent wrong bytes
	at     int   // index into peers
	from   []int // who has sent the bytes so far

	path  string // where the object will be
	temp  string
	file  *os.File
	start int64 // offset of the first byte
	next  int64 // all bytes before it are here
	until int64 // asked for up to here

	ticket uint64
	idle   int // ticks without a chunk
}

// bound is how many bytes a trace has at most: those of every manifest that may count
// at a height, of the largest roster.
const bound = int64(perMember) * (1 << 16) * MaxBatch

// schedule begins transfers of the sections that are missing, a few at a time.
func (c *core) schedule() {
	for _, claim := range c.batch.order {
		p := c.batch.sections[claim]
		if p.here {
			continue
		}
		if i := slices.IndexFunc(c.transfers, func(t *transfer) bool { return t.part == p }); i >= 0 {
			c.transfers[i].peers = p.by
			continue
		}
		if len(c.transfers) >= maxTransfers {
			return
		}
		object := Object{Class: SectionObject, Height: c.batch.height, Root: p.Root}
		c.begin(&transfer{object: object, part: p, bytes: int64(p.Bytes), peers: p.by, path: c.batch.path(p.Root)})
	}
}

func (c *core) transferOf(o Object) *transfer {
	i := slices.IndexFunc(c.transfers, func(t *transfer) bool { return t.object == o })
	if i < 0 {
		return nil
	}
	return c.transfers[i]
}

func (c *core) begin(t *transfer) {
	c.transfers = append(c.transfers, t)
	if len(t.peers) > 0 {
		t.at = c.rng.IntN(len(t.peers))
	}
	c.restart(t)
}

// restart begins a transfer from its first byte, with the peer whose turn it is.
func (c *core) restart(t *transfer) {
	t.discard()
	t.next, t.until, t.from = t.start, t.start, nil
	c.ask(t)
}

// discard drops what has come.
func (t *transfer) discard() {
	if t.file != nil {
		t.file.Close()
		os.Remove(t.temp)
		t.file = nil
	}
}

// ask asks for the next chunks, of the first peer from the current one on that has not
// lied. Once all have, they are asked again some ticks later: a disk may have been mended.
func (c *core) ask(t *transfer) {
	t.ticket = c.rng.Uint64()
	t.idle = 0
	if len(t.liars) >= len(t.peers) {
		t.liars = nil
		return
	}
	for range t.peers {
		t.at %= len(t.peers)
		if !slices.Contains(t.liars, t.peers[t.at]) {
			break
		}
		t.at++
	}
	t.at %= len(t.peers)
	t.until = t.next + MaxChunks*ChunkSize
	m := Want{
		Chain: c.store.Chain.Name, From: c.seat(), Ticket: t.ticket, Object: t.object, Offset: uint64(t.next), Chunks: MaxChunks,
	}
	c.send(t.peers[t.at], m.Encode())
}

// seat returns this member's place on the bus, beyond the roster's for an observer.
func (c *core) seat() int {
	if c.self >= 0 {
		return c.self
	}
	return max(c.cfg.Seat, len(c.store.Chain.Roster))
}

// dropTransfers ends transfers.
func (c *core) dropTransfers(drop func(*transfer) bool) {
	kept := c.transfers[:0]
	for _, t := range c.transfers {
		if drop(t) {
			t.discard()
			continue
		}
		kept = append(kept, t)
	}
	clear(c.transfers[len(kept):])
	c.transfers = kept
}

func (c *core) drop(t *transfer) { c.dropTransfers(func(o *transfer) bool { return o == t }) }

// retryTransfers asks again where nothing has come for a while, the next peer after
// some times.
func (c *core) retryTransfers() {
	for _, t := range slices.Clone(c.transfers) {
		if t.idle++; t.idle < 2 {
			continue
		}
		if t.object.Class == LogObject {
			c.drop(t) // what has come stays; the next round asks whom it finds
			continue
		}
		t.at++
		c.ask(t)
	}
	c.schedule()
}

// receiveChunk takes bytes that were asked for, in order.
func (c *core) receiveChunk(m *Chunk) error {
	i := slices.IndexFunc(c.transfers, func(t *transfer) bool { return t.ticket == m.Ticket })
	if i < 0 || m.Chain != c.store.Chain.Name || m.From != c.transfers[i].peers[c.transfers[i].at] {
		c.refuse(causeUnasked, "member", m.From)
		return nil
	}
	t := c.transfers[i]
	if int64(m.Offset) != t.next {
		c.refuse(causeUnasked, "member", m.From, "offset", m.Offset, "want", t.next)
		return nil
	}
	if t.object.Class == LogObject {
		return c.receiveLog(t, m)
	}
	if t.bytes < 0 && m.Total <= uint64(bound) {
		t.bytes = int64(m.Total)
	}
	if int64(m.Total) != t.bytes || len(m.Bytes) == 0 {
		c.lied(t, m.From, "its size is %d, want %d", m.Total, t.bytes)
		return nil
	}
	if err := t.write(m.Bytes); err != nil {
		return err
	}
	if !slices.Contains(t.from, m.From) {
		t.from = append(t.from, m.From)
	}
	t.next += int64(len(m.Bytes))
	t.idle = 0
	switch {
	case t.next == t.bytes:
		return c.finish(t)
	case t.next >= t.until:
		c.ask(t)
	}
	return nil
}

func (t *transfer) write(b []byte) error {
	if t.file == nil {
		if err := durable.MkdirAll(filepath.Dir(t.path), 0o755); err != nil {
			return err
		}
		t.temp = durable.TempName(t.path)
		file, err := os.OpenFile(t.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		t.file = file
	}
	_, err := t.file.Write(b)
	return err
}

// lied drops a peer for an object: it has sent bytes that are not the object's. Where
// several have sent some, none is blamed, and one alone is asked from the start.
func (c *core) lied(t *transfer, peer int, format string, args ...any) {
	c.refuse(causeLie, "member", peer, "root", t.object.Root)
	if len(t.from) <= 1 {
		t.liars = append(t.liars, peer)
		c.count("liars", 1)
		c.log.Warn("a peer has sent wrong bytes", append([]any{"member", peer, "object", t.object.Root.String(), "what", format}, args...)...)
	}
	if t.part == nil {
		t.bytes = -1
	}
	t.at++
	c.restart(t)
}

// finish puts an object in its place if its bytes give its root. A trace is synced: it
// is to outlive its batch.
func (c *core) finish(t *transfer) error {
	if t.object.Class == TraceObject {
		if err := durable.Sync(t.file, t.path); err != nil {
			return err
		}
	}
	if err := t.file.Close(); err != nil {
		return err
	}
	root, events, err := sum(t.temp)
	if err != nil || root != t.object.Root || t.part != nil && events != t.part.Events {
		var changed *omegalog.ChangedError
		if errors.As(err, &changed) {
			return err
		}
		from := t.from[0]
		os.Remove(t.temp)
		t.file = nil
		c.lied(t, from, "its root is %v", root)
		return nil
	}
	t.file = nil
	if err := c.reach("place object"); err != nil {
		return err
	}
	c.drop(t)
	if t.object.Class == TraceObject {
		if err := durable.Replace(durable.OS{}, t.temp, t.path); err != nil {
			return err
		}
		return c.adopt()
	}
	if err := os.Rename(t.temp, t.path); err != nil {
		return err
	}
	t.part.here = true
	c.schedule()
	return c.supply()
}

// sum returns the root over the events of a section or trace, and their number.
func sum(path string) (root [32]byte, events uint64, err error) {
	view, err := omegalog.Open(path)
	if err != nil {
		return root, 0, err
	}
	err = omegalog.Guard(func() error {
		s, err := view.Section()
		root, events = s.Root, s.Count
		return err
	}, view)
	return root, events, errors.Join(err, view.Close())
}

// serve sends the chunks that a peer asks for, as far as its share allows (MAN-6).
func (c *core) serve(m *Want) {
	switch {
	case m.Chain != c.store.Chain.Name:
		c.refuse(causeChain, "chain", m.Chain)
		return
	case m.From == c.seat():
		c.refuse(causeOwn)
		return
	}
	path, total := c.locate(&m.Object)
	if path == "" {
		c.refuse(causeNotHeld, "member", m.From, "root", m.Object.Root)
		return
	}
	file, err := os.Open(path)
	if err != nil {
		c.refuse(causeNotHeld, "member", m.From, "error", err)
		return
	}
	defer file.Close()
	if total < 0 {
		info, err := file.Stat()
		if err != nil {
			return
		}
		total = info.Size()
	}
	p := c.peer(m.From)
	p.refill(c.now)
	for offset := m.Offset; m.Chunks > 0; m.Chunks-- {
		chunk := Chunk{Chain: m.Chain, From: c.seat(), Ticket: m.Ticket, Offset: offset, Total: uint64(total)}
		if offset < chunk.Total {
			chunk.Bytes = make([]byte, min(ChunkSize, chunk.Total-offset))
			if _, err := file.ReadAt(chunk.Bytes, int64(offset)); err != nil {
				c.log.Error("an object cannot be read", "path", path, "error", err)
				return
			}
		}
		if p.serve < float64(len(chunk.Bytes)) {
			c.count("not served for now", 1)
			return
		}
		p.serve -= float64(len(chunk.Bytes))
		c.send(m.From, chunk.Encode())
		if offset += uint64(len(chunk.Bytes)); offset >= chunk.Total {
			return
		}
	}
}

// locate returns where an object lies, "" where it is not held, and its size, or -1 for
// that of its file.
func (c *core) locate(o *Object) (path string, size int64) {
	switch o.Class {
	case LogObject:
		return certlog.Path(c.cfg.Dir), c.store.Size()
	case TraceObject:
		if o.Height < c.store.Chain.Length {
			if e := &c.store.Certificates[o.Height].Envelope; e.TraceRoot == o.Root {
				return c.store.TracePath(e), -1
			}
		}
	case SectionObject:
		for _, p := range c.batch.sections {
			if p.Root == o.Root && p.here && o.Height == c.batch.height {
				return c.batch.path(o.Root), -1
			}
		}
	}
	return "", 0
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
