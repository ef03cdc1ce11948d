// Package archive is the certified past of one data folder: which events the
// chain has certified or quarantined, and how far each stream has come.
//
// A merge certificate's trace is kept as a sorted `.omega` file,
// traces/HHHHHHHH-ROOT.omega, where HHHHHHHH is the height in at least eight
// digits and ROOT the trace root (clause DIR-3). The certificate's body gives the
// first and last key of each (node, stream); since no later batch may hold an
// event at or before a stream's frontier, at most one trace can hold a given
// key, and that one is searched by halving (DIR-4). The events of obstruction
// certificates are quarantined; they stand in the certificates' bodies.
//
// A trace is used only after its bytes gave the root that the members signed.
package archive

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// What a data folder holds beside cert.log and LOCK (DIR-1).
const (
	RosterName  = "roster"    // the genesis' members as text
	MembersName = "members"   // a folder a member
	KeyName     = "omega.key" // in a member's folder
	TracesName  = "traces"    // each merge's events
)

// KeyPath returns the path of the key of a member in the data folder dir (DIR-1).
func KeyPath(dir, member string) string {
	return filepath.Join(dir, MembersName, member, KeyName)
}

// TracePath returns the path, below a data folder, of the trace with the given
// root at the given height (DIR-3).
func TracePath(height uint64, root merkle.Hash) string {
	return filepath.Join(TracesName, fmt.Sprintf("%08d-%v.omega", height, root))
}

// ErrTrace is wrapped by every error about a stored trace.
var ErrTrace = errors.New("bad trace")

// maxOpen is how many traces stay mapped from one batch to the next, far below
// the system's limit on maps of a process.
const maxOpen = 256

type streamID struct {
	node   uint32
	stream uint16
}

// span is the keys of one stream that one merge has certified, both ends
// included. A stream's spans are increasing and apart.
type span struct {
	first, last key.Key
	merge       int // index into Past.merges
}

type merge struct {
	path  string
	root  merkle.Hash
	trace *trace // nil while not mapped
}

// Past is the certified past. It implements invariant.Past; Versions, Frontier
// and Err may be called from several goroutines. Where a trace cannot be read, Versions finds
// nothing and Err tells why: whoever relies on an answer asks Err afterwards.
type Past struct {
	dir     string
	spans   map[streamID][]span
	merges  []merge
	blocked map[key.Key][]invariant.Version // quarantined

	mu   sync.Mutex // guards what follows, and each merge's trace
	open int
	err  error
}

var _ invariant.Past = (*Past)(nil)

// New returns the past of an empty chain whose traces are below dir.
func New(dir string) *Past {
	return &Past{dir: dir, spans: map[streamID][]span{}, blocked: map[key.Key][]invariant.Version{}}
}

// AddMerge takes over a merge certificate whose rules have been checked. The
// frontier must advance in each of its streams, else ErrTrace.
func (p *Past) AddMerge(height uint64, root merkle.Hash, body *cert.MergeBody) error {
	for i := range body.Streams {
		s := &body.Streams[i]
		if last, ok := p.Frontier(s.Node, s.Stream); ok && last.Compare(&s.First) >= 0 {
			return fmt.Errorf("%w: node %d, stream %d: first key %v is not after the frontier %v",
				ErrTrace, s.Node, s.Stream, s.First, last)
		}
	}
	p.merges = append(p.merges, merge{path: filepath.Join(p.dir, TracePath(height, root)), root: root})
	for i := range body.Streams {
		s := &body.Streams[i]
		id := streamID{s.Node, s.Stream}
		p.spans[id] = append(p.spans[id], span{s.First, s.Last, len(p.merges) - 1})
	}
	return nil
}

// AddObstruction takes over an obstruction certificate whose body begins at the
// given offset of the file named. Versions that a merge has certified are in
// the body for comparison; they stay certified.
func (p *Past) AddObstruction(file string, bodyOffset int64, body *cert.ObstructionBody) {
	offsets := body.EventOffsets()
	for i, e := range body.Events {
		known := slices.ContainsFunc(p.Versions(e.Key()), func(v invariant.Version) bool {
			return string(v.Event) == string(e)
		})
		if !known {
			v := invariant.Version{Event: e, Frame: invariant.Frame{File: file, Offset: bodyOffset + offsets[i]}}
			p.blocked[*e.Key()] = append(p.blocked[*e.Key()], v)
		}
	}
}

// Frontier returns the largest certified key of a stream, or false where it has
// none (INV-4).
func (p *Past) Frontier(node uint32, stream uint16) (key.Key, bool) {
	spans := p.spans[streamID{node, stream}]
	if len(spans) == 0 {
		return key.Key{}, false
	}
	return spans[len(spans)-1].last, true
}

// Versions returns the certified and the quarantined events with the key k, as
// copies.
func (p *Past) Versions(k *key.Key) []invariant.Version {
	versions := slices.Clone(p.blocked[*k])
	spans := p.spans[streamID{k.Node(), k.Stream()}]
	i, _ := slices.BinarySearchFunc(spans, k, func(s span, k *key.Key) int { return s.last.Compare(k) })
	if i == len(spans) || spans[i].first.Compare(k) > 0 {
		return versions
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	found, err := p.search(spans[i].merge, k)
	if err != nil && p.err == nil {
		p.err = err
	}
	return append(versions, found...)
}

// search looks k up in the trace of merge i, with p.mu held.
func (p *Past) search(i int, k *key.Key) (found []invariant.Version, err error) {
	t, err := p.trace(i)
	if err != nil {
		return nil, err
	}
	err = omegalog.Guard(func() error {
		found = t.find(k)
		return nil
	}, t.view)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTrace, err)
	}
	return found, nil
}

// Err returns the first error that kept Versions from an answer.
func (p *Past) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Trim unmaps the traces where many are mapped; call it between batches.
func (p *Past) Trim() error {
	p.mu.Lock()
	open := p.open
	p.mu.Unlock()
	if open <= maxOpen {
		return nil
	}
	return p.Close()
}

// Close unmaps the traces; they are mapped again when needed.
func (p *Past) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for i := range p.merges {
		if t := p.merges[i].trace; t != nil {
			errs = append(errs, t.view.Close())
			p.merges[i].trace = nil
		}
	}
	p.open = 0
	return errors.Join(errs...)
}

// trace returns the mapped trace of merge i, with p.mu held.
func (p *Past) trace(i int) (*trace, error) {
	m := &p.merges[i]
	if m.trace != nil {
		return m.trace, nil
	}
	t, err := openTrace(m.path, m.root)
	if err != nil {
		return nil, err
	}
	m.trace = t
	p.open++
	return t, nil
}

// trace is one mapped trace and where its events begin.
type trace struct {
	view   *omegalog.OmegaLogView
	path   string
	frames []int64 // offset of each frame, in the order of keys
}

// openTrace maps a trace and checks every byte of it against its root.
func openTrace(path string, root merkle.Hash) (*trace, error) {
	view, err := omegalog.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTrace, err)
	}
	t := &trace{view: view, path: path}
	if err := omegalog.Guard(func() error { return t.check(root) }, view); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s: %w", ErrTrace, path, err), view.Close())
	}
	return t, nil
}

func (t *trace) check(root merkle.Hash) error {
	var tree merkle.Tree
	for f, err := range t.view.Events() {
		if err != nil {
			return err
		}
		if n := len(t.frames); n > 0 && t.key(n-1).Compare(f.Event.Key()) >= 0 {
			return fmt.Errorf("offset %d: the key %v is not after %v", f.Offset, f.Event.Key(), t.key(n-1))
		}
		tree.Append(merkle.LeafHash(f.Event))
		t.frames = append(t.frames, f.Offset)
	}
	if got := tree.Root(); got != root {
		return fmt.Errorf("its events give the root %v, the certificate has %v", got, root)
	}
	return nil
}

func (t *trace) key(i int) *key.Key {
	return event.View(t.view.Bytes()[t.frames[i]+frame.Overhead:]).Key()
}

// find returns a copy of the event with the key k, or nothing.
func (t *trace) find(k *key.Key) []invariant.Version {
	i, ok := slices.BinarySearchFunc(t.frames, k, func(offset int64, k *key.Key) int {
		return event.View(t.view.Bytes()[offset+frame.Overhead:]).Key().Compare(k)
	})
	if !ok {
		return nil
	}
	e, _, err := frame.Next(t.view.Bytes(), t.frames[i])
	if err != nil {
		return nil // changed since it was checked; the guard tells
	}
	place := invariant.Frame{File: t.path, Offset: t.frames[i]}
	return []invariant.Version{{Event: bytes.Clone(e), Frame: place}}
}
