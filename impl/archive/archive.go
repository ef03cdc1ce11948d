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
// A trace is used only after its bytes gave the root that the members signed. A
// chain can have more traces than a process may map, so those not used for longest
// are unmapped; what was found in them are copies.
package archive

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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

// ParseTraceName reads a name of the form that TracePath gives below its folder
// (DIR-3), and reports whether name is one.
func ParseTraceName(name string) (height uint64, root merkle.Hash, ok bool) {
	digits, rest, _ := strings.Cut(name, "-")
	height, err := strconv.ParseUint(digits, 10, 64)
	hash, hashErr := cert.ParseHash(strings.TrimSuffix(rest, ".omega"))
	root = merkle.Hash(hash)
	return height, root, err == nil && hashErr == nil && name == filepath.Base(TracePath(height, root))
}

// ErrFrontier says that a merge does not go on behind a stream's frontier (INV-4).
var ErrFrontier = errors.New("the stream does not go on behind its frontier")

// TraceError says that a stored trace cannot be relied on (DIR-4). Err is
// *omegalog.Error for one that cannot be mapped, *omegalog.ChangedError,
// *frame.Error, or says how its events differ from what was certified.
type TraceError struct {
	Path string
	Err  error
}

func (e *TraceError) Error() string { return fmt.Sprintf("the trace %s: %v", e.Path, e.Err) }

func (e *TraceError) Unwrap() error { return e.Err }

const (
	// maxOpen is how many traces are mapped at a time. Each takes a map and an
	// open file, of which the system gives a process a limited number.
	maxOpen = 256
	// maxFrames is how many frames they have together, beyond one trace that has
	// more: the offset of each takes eight bytes.
	maxFrames = 16 << 20
)

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
	used  uint64 // Past.clock at the last search
}

// Past is the certified past. It implements invariant.Past; Versions, Frontier
// and Err may be called from several goroutines. Where a trace cannot be read,
// Versions lacks what it holds and Err tells why: whoever relies on an answer asks
// Err afterwards.
type Past struct {
	dir     string
	spans   map[streamID][]span
	merges  []merge
	blocked map[key.Key][]invariant.Version // quarantined

	maxOpen, maxFrames int

	mu     sync.Mutex // guards what follows, and each merge's trace
	open   []int      // the merges whose trace is mapped
	frames int        // of their traces
	clock  uint64     // counts searches
	err    error
}

var _ invariant.Past = (*Past)(nil)

// New returns the past of an empty chain whose traces are below dir.
func New(dir string) *Past {
	return &Past{
		dir: dir, spans: map[streamID][]span{}, blocked: map[key.Key][]invariant.Version{},
		maxOpen: maxOpen, maxFrames: maxFrames,
	}
}

// AddMerge takes over a merge certificate whose rules have been checked. The
// frontier must advance in each of its streams, else the error is ErrFrontier and
// nothing is taken over.
func (p *Past) AddMerge(height uint64, root merkle.Hash, body *cert.MergeBody) error {
	for i := range body.Streams {
		s := &body.Streams[i]
		if last, ok := p.Frontier(s.Node, s.Stream); ok && last.Compare(&s.First) >= 0 {
			return fmt.Errorf("%w: height %d, node %d, stream %d: the first key is %v, the frontier %v",
				ErrFrontier, height, s.Node, s.Stream, s.First, last)
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
// given offset of the file named, and returns how many events it quarantines
// (OBS-5). Versions that the past holds already are in the body for comparison;
// they stay what they are.
func (p *Past) AddObstruction(file string, bodyOffset int64, body *cert.ObstructionBody) (quarantined uint64) {
	offsets := body.EventOffsets()
	for i, e := range body.Events {
		known := slices.ContainsFunc(p.Versions(e.Key()), func(v invariant.Version) bool {
			return string(v.Event) == string(e)
		})
		if !known {
			v := invariant.Version{Event: e, Frame: invariant.Frame{File: file, Offset: bodyOffset + offsets[i]}}
			p.blocked[*e.Key()] = append(p.blocked[*e.Key()], v)
			quarantined++
		}
	}
	return quarantined
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
		found, err = t.find(k)
		return err
	}, t.view)
	if err != nil {
		return nil, &TraceError{t.path, err}
	}
	return found, nil
}

// Err returns the first error that kept Versions from an answer.
func (p *Past) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Close unmaps the traces; they are mapped again when needed.
func (p *Past) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	for len(p.open) > 0 {
		err = errors.Join(err, p.unmap(len(p.open)-1))
	}
	return err
}

// trace returns the mapped trace of merge i, with p.mu held.
func (p *Past) trace(i int) (*trace, error) {
	m := &p.merges[i]
	if m.trace == nil {
		t, err := openTrace(m.path, m.root)
		if err != nil {
			return nil, &TraceError{m.path, err}
		}
		m.trace = t
		p.open = append(p.open, i)
		p.frames += len(t.frames)
	}
	p.clock++
	m.used = p.clock
	return m.trace, p.makeRoom()
}

// makeRoom unmaps the traces not used for longest, down to the limits or to one.
func (p *Past) makeRoom() error {
	for len(p.open) > 1 && (len(p.open) > p.maxOpen || p.frames > p.maxFrames) {
		oldest := 0
		for at, i := range p.open {
			if p.merges[i].used < p.merges[p.open[oldest]].used {
				oldest = at
			}
		}
		if err := p.unmap(oldest); err != nil {
			return err
		}
	}
	return nil
}

// unmap unmaps the trace of the merge p.open[at].
func (p *Past) unmap(at int) error {
	m := &p.merges[p.open[at]]
	err := m.trace.view.Close()
	p.frames -= len(m.trace.frames)
	m.trace = nil
	p.open = slices.Delete(p.open, at, at+1)
	return err
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
		return nil, err
	}
	t := &trace{view: view, path: path}
	if err := omegalog.Guard(func() error { return t.check(root) }, view); err != nil {
		return nil, errors.Join(err, view.Close())
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

// find returns a copy of the event with the key k, or nothing. The error is the
// *frame.Error of an event that was changed since the trace was checked.
func (t *trace) find(k *key.Key) ([]invariant.Version, error) {
	i, ok := slices.BinarySearchFunc(t.frames, k, func(offset int64, k *key.Key) int {
		return event.View(t.view.Bytes()[offset+frame.Overhead:]).Key().Compare(k)
	})
	if !ok {
		return nil, nil
	}
	e, _, err := frame.Next(t.view.Bytes(), t.frames[i])
	if err != nil {
		return nil, err
	}
	place := invariant.Frame{File: t.path, Offset: t.frames[i]}
	return []invariant.Version{{Event: bytes.Clone(e), Frame: place}}, nil
}
