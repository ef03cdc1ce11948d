package linear

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/order"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// parts are an event as numbers and text, from which plain writes its bytes.
type parts struct {
	lamport uint64
	node    uint32
	stream  uint16
	id      string // 28 hex digits
	value   int32
	deps    []string // 56 hex digits each
	payload string
}

// key is the event's key in hex: the fields' digits, one after the other.
func (p parts) key() string { return fmt.Sprintf("%016x%08x%04x%s", p.lamport, p.node, p.stream, p.id) }

// bytes is the event by the words of EVT-1.
func (p parts) bytes() []byte {
	return unhex(fmt.Sprintf("%s%08x%04x%s%08x%x", p.key(), uint32(p.value), len(p.deps), strings.Join(p.deps, ""), len(p.payload), p.payload))
}

// event is the event in the product's form.
func (p parts) event() event.Event {
	e := event.Event{Key: keyOf(p.key()), Value: p.value, Payload: []byte(p.payload)}
	for _, d := range p.deps {
		e.Deps = append(e.Deps, keyOf(d))
	}
	return e
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func keyOf(digits string) key.Key { return key.Key(unhex(digits)) }

// castagnoli is the polynomial of every check in a file.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func u32(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

func crcOf(b ...[]byte) []byte {
	return u32(int(crc32.Checksum(slices.Concat(b...), castagnoli)))
}

// plainHeader is a file's header by the words of FRM-1.
func plainHeader(node uint32) []byte {
	b := slices.Concat([]byte("OMEGALOG\x00\x01\x00\x00"), u32(int(node)), make([]byte, 12))
	return append(b, crcOf(b)...)
}

// plainFrame is a frame by the words of FRM-3.
func plainFrame(body []byte) []byte {
	return slices.Concat(u32(len(body)), crcOf(u32(len(body)), body), body)
}

func plainFile(node uint32, events ...parts) []byte {
	file := plainHeader(node)
	for _, e := range events {
		file = append(file, plainFrame(e.bytes())...)
	}
	return file
}

// world is what the calls of the kernel's functions share: events in a mapped
// file, which the system keeps from being written to.
type world struct {
	events  []parts // by key
	view    *omegalog.OmegaLogView
	offsets []int // of the frames in the mapped file
	atEnd   func(do func())
}

// scratch makes a folder in memory where the system has one, since what is checked
// here does not outlive the machine, and disks are slow.
func scratch(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "omega-linear-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

func newWorld(t *testing.T) *world {
	w := &world{events: drawEvents(rand.New(rand.NewPCG(1, 2)), 48), atEnd: t.Cleanup}
	path := filepath.Join(t.TempDir(), "world.omega")
	file := plainHeader(7)
	for _, e := range w.events {
		w.offsets = append(w.offsets, len(file))
		file = append(file, plainFrame(e.bytes())...)
	}
	require.NoError(t, os.WriteFile(path, file, 0o600))
	view, err := omegalog.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, view.Close()) })
	w.view = view
	return w
}

// drawEvents draws n causal events of different keys, sorted.
func drawEvents(r *rand.Rand, n int) []parts {
	taken := map[string]bool{}
	var events []parts
	for len(events) < n {
		p := parts{
			lamport: 1 + uint64(r.IntN(12)), node: 1 + uint32(r.IntN(3)), stream: uint16(r.IntN(2)), id: fmt.Sprintf("%028x", r.IntN(3)),
			value: []int32{0, 1, -1, math.MaxInt32, math.MinInt32, r.Int32N(9999) - 5000}[r.IntN(6)], payload: strings.Repeat("p", r.IntN(80)),
		}
		if r.IntN(9) == 0 {
			p.id = "ff" + p.id[2:]
		}
		if !taken[p.key()] {
			taken[p.key()] = true
			events = append(events, p)
		}
	}
	slices.SortFunc(events, func(a, b parts) int { return strings.Compare(a.key(), b.key()) })
	for i := range events {
		for j := range i {
			if events[j].lamport < events[i].lamport && r.IntN(1+i/2) == 0 {
				events[i].deps = append(events[i].deps, events[j].key())
			}
		}
	}
	return events
}

// body returns the bytes of event i in the mapped file.
func (w *world) body(i int) []byte {
	at := w.offsets[i] + frame.Overhead
	return w.view.Bytes()[at : at+len(w.events[i].bytes())]
}

// keys returns pointers to the keys in the mapped file.
func (w *world) keys() []*key.Key {
	var keys []*key.Key
	for i := range w.events {
		keys = append(keys, (*key.Key)(w.body(i)))
	}
	return keys
}

// places returns the numbers of the world's events.
func (w *world) places() []int {
	var list []int
	for i := range w.events {
		list = append(list, i)
	}
	return list
}

// named is an error that a function tells apart, and what it is called here.
type named struct {
	name string
	err  error
}

// outer errors are judged before the place, since they wrap others.
var outer = []named{{"candidate", quorum.ErrCandidate}, {"encoding", quorum.ErrEncoding}, {"bad body", cert.ErrBody}, {"bad roster", cert.ErrRoster}}

var inner = []named{
	{"short", event.ErrShort}, {"left-over", event.ErrLeftOver}, {"dep-order", event.ErrDepOrder}, {"too-large", event.ErrTooLarge},
	{"index", merkle.ErrIndex}, {"size", merkle.ErrSize}, {"proof-length", merkle.ErrProofLength}, {"root", merkle.ErrRoot}, {"old-root", merkle.ErrOldRoot},
	{"source", order.ErrSource}, {"offset", order.ErrOffset}, {"unknown member", quorum.ErrUnknownMember},
	{"wrong attempt", quorum.ErrWrongAttempt}, {"prepared", quorum.ErrPrepared}, {"not prepared", quorum.ErrNotPrepared}, {"stale", quorum.ErrStaleAttempt},
}

// class is what is compared of an error: its name, or its kind and place in a file
// or a chain.
func class(err error) any {
	if err == nil {
		return nil
	}
	if name := nameIn(outer, err); name != "" {
		return name
	}
	var (
		inFile   *frame.Error
		inChain  *cert.CheckError
		inRecord *cert.RecordError
	)
	switch {
	case errors.As(err, &inFile):
		return fmt.Sprintf("%s at %d", inFile.Kind, inFile.Offset)
	case errors.As(err, &inChain):
		return fmt.Sprintf("%s at %d", inChain.Kind, inChain.Height)
	case errors.As(err, &inRecord):
		return fmt.Sprintf("%s at %d", inRecord.Kind, inRecord.Offset)
	}
	if name := nameIn(inner, err); name != "" {
		return name
	}
	return "error"
}

func nameIn(list []named, err error) string {
	for _, n := range list {
		if errors.Is(err, n.err) {
			return n.name
		}
	}
	return ""
}
