package member

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// follow is certificates of others on their way into this member's chain. They come as
// bytes of cert.log, which are the same for all, or one by one (MAN-15).
type follow struct {
	bytes  []byte              // of the log behind the queue
	offset int64               // in the log, of the first of them
	queue  []*cert.Certificate // parsed; the first is of the next height
	passed bool                // the first is verified
	from   int                 // who has sent them
	more   bool                // it has more
	liars  map[int]bool        // who has sent what does not verify, since the last certificate
}

const (
	// maxQueue is how many certificates may wait before more are asked for.
	maxQueue = 64
	// pollEvery is after how many ticks a member asks whether there is more.
	pollEvery = 25
)

func (f *follow) reset() {
	*f = follow{liars: f.liars}
}

// behind begins to fetch what this member lacks of the chain, from a peer; -1 for
// whoever it is.
func (c *core) behind(peer int) {
	object := Object{Class: LogObject}
	if c.transferOf(object) != nil || len(c.follow.queue) >= maxQueue {
		return
	}
	n := len(c.store.Chain.Roster)
	if peer < 0 || c.follow.liars[peer] {
		peer = c.rng.IntN(n)
	}
	for range n {
		if peer != c.self && !c.follow.liars[peer] {
			break
		}
		peer = (peer + 1) % n
	}
	if peer == c.self {
		c.follow.liars = nil
		return
	}
	f := &c.follow
	if len(f.queue) == 0 && (f.offset != c.store.Size() || f.from != peer) {
		f.reset()
		f.offset, f.from = c.store.Size(), peer
	}
	start := f.offset + int64(len(f.bytes))
	c.begin(&transfer{object: object, bytes: -1, peers: []int{peer}, start: start})
}

// poll asks, now and then, whether there is more of the chain than this member has: it
// may have missed all that would tell it.
func (c *core) poll() {
	every := uint64(pollEvery)
	if c.self < 0 {
		every = helloEvery
	}
	if c.clock.ticks%every == 0 {
		c.behind(-1)
	}
}

// receiveLog takes bytes of the log.
func (c *core) receiveLog(t *transfer, m *Chunk) error {
	if len(m.Bytes) == 0 {
		c.drop(t)
		return nil
	}
	t.next += int64(len(m.Bytes))
	t.idle = 0
	f := &c.follow
	f.bytes = append(f.bytes, m.Bytes...)
	if err := c.parseLog(); err != nil {
		c.distrust(err)
		return nil
	}
	f.more = t.next < int64(m.Total)
	if t.next < t.until && f.more {
		return nil
	}
	c.drop(t)
	return c.adopt()
}

// parseLog moves the whole records at the front of the bytes to the queue.
func (c *core) parseLog() error {
	f := &c.follow
	at := int64(0)
	for {
		certificate, next, err := cert.NextRecord(f.bytes, at)
		var damage *cert.RecordError
		if err == io.EOF || errors.As(err, &damage) && damage.Kind == cert.RecordTorn {
			break
		}
		if err != nil {
			return err
		}
		certificate.Body = bytes.Clone(certificate.Body)
		f.queue = append(f.queue, certificate)
		at = next
	}
	f.bytes, f.offset = bytes.Clone(f.bytes[at:]), f.offset+at
	return nil
}

// distrust drops what a peer has sent of the log, and the peer for now.
func (c *core) distrust(err error) {
	f := &c.follow
	c.refuse(causeLie, "member", f.from, "error", err)
	c.count("liars", 1)
	c.log.Warn("a peer has sent what is not the chain's log", "member", f.from, "error", err)
	liars := f.liars
	if liars == nil {
		liars = map[int]bool{}
	}
	liars[f.from] = true
	c.dropTransfers(func(t *transfer) bool { return t.object.Class == LogObject })
	*f = follow{liars: liars}
}

// receiveDecided takes a certificate that came by itself.
func (c *core) receiveDecided(d *cert.Certificate) error {
	if c.self < 0 {
		c.behind(-1) // the log brings it in its turn
		return nil
	}
	_, made := c.batch.contents[d.Envelope.Hash()]
	if d.Envelope.BatchID == c.batch.height && d.Envelope.Type == cert.Merge && !made && len(c.follow.queue) == 0 {
		if _, err := c.store.Chain.Check(d); err != nil {
			c.refused(&quorum.Decided{}, fmt.Errorf("%w: %w", quorum.ErrCertificate, err))
			return nil
		}
		c.follow.reset()
		c.follow.queue = []*cert.Certificate{d}
		return c.adopt()
	}
	return c.step(&quorum.Decided{Certificate: *d})
}

// adopt takes over the certificates of the queue, in order, each once it is verified
// and, for a merge, its trace is here: so the past on disk is always whole (MAN-15).
func (c *core) adopt() error {
	f := &c.follow
	for len(f.queue) > 0 {
		d := f.queue[0]
		height := c.store.Chain.Length
		if d.Envelope.BatchID < height {
			f.queue = f.queue[1:]
			continue
		}
		if !f.passed {
			if _, err := c.store.Chain.Check(d); err != nil {
				c.distrust(err)
				return nil
			}
			f.passed = true
		}
		here, err := c.traceHere(d)
		if err != nil || !here {
			return err
		}
		if err := c.adoptOne(d); err != nil {
			return err
		}
		if c.store.Chain.Length == height {
			f.reset() // the step has halted, and follows nobody any more
			return nil
		}
	}
	if f.more {
		f.more = false
		c.behind(f.from)
	}
	return nil
}

func (c *core) adoptOne(d *cert.Certificate) error {
	f := &c.follow
	f.queue, f.passed, f.liars = f.queue[1:], false, nil
	if c.self >= 0 {
		return c.step(&quorum.Decided{Certificate: *d})
	}
	if err := c.append(d); err != nil {
		return err
	}
	if c.rosterChanged() {
		return c.reseat()
	}
	return nil
}

// traceHere reports whether the trace of a verified certificate is on disk and such as
// it says, and fetches it and some of the next ones where not.
func (c *core) traceHere(d *cert.Certificate) (bool, error) {
	if d.Envelope.Type != cert.Merge {
		return true, nil
	}
	if _, made := c.batch.contents[d.Envelope.Hash()]; made {
		return true, nil
	}
	err := c.store.Validate(&quorum.Content{Envelope: d.Envelope, Body: d.Body})
	if err == nil {
		return true, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("height %d: all members have signed what does not hold: %w", d.Envelope.BatchID, err)
	}
	c.fetchTraces()
	return false, nil
}

// fetchTraces begins transfers of the traces that the queue lacks, a few at a time.
func (c *core) fetchTraces() {
	var peers []int
	for i := range c.store.Chain.Roster {
		if i != c.self {
			peers = append(peers, i)
		}
	}
	for _, d := range c.follow.queue {
		if len(c.transfers) >= maxTransfers {
			return
		}
		if d.Envelope.Type != cert.Merge {
			continue
		}
		object := Object{Class: TraceObject, Height: d.Envelope.BatchID, Root: d.Envelope.TraceRoot}
		path := c.store.TracePath(&d.Envelope)
		if _, err := os.Stat(path); err == nil || c.transferOf(object) != nil {
			continue
		}
		c.begin(&transfer{object: object, bytes: -1, peers: peers, path: path})
	}
}
