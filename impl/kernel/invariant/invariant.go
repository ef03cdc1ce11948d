// Package invariant decides whether a batch of sections is admitted: it gives a
// merge or all the obstructions that stand against it, never a partial result
// (clause INV-8).
//
// A batch is admitted if it glues, and is causal, complete and not late. What
// stands against it is an obstruction of one of four kinds (OBS-1):
//
//	equivocation  two versions of one key, in the batch or one of them in the past (INV-2)
//	lamport       an event has a dep whose Lamport time is not below its own (INV-3)
//	missing-dep   an event has a dep that is neither in the batch nor in the past (INV-3)
//	stale         an event never certified comes at or before its stream's frontier (INV-4)
//
// The past is what the chain has certified so far: the events of its merges, and
// those that its obstructions have set aside, the quarantined ones (INV-1). The
// frontier of a (node, stream) is the largest key of it that a merge certified.
// An event that is byte for byte in the past is a repeat: it is dropped and
// counted (INV-5). An event whose key is in the past with other bytes alone is
// rewritten history: an equivocation, and nothing else is said of its key (INV-2).
//
// Every frame read is counted once (INV-6): events + duplicates + repeats =
// frames. The result depends on the set of events and on the past alone (INV-9);
// the sections, their order and their number show only where an obstruction says
// in which files its frames lie (OBS-3).
package invariant

import (
	"errors"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/section"
)

// Input is one section of a batch.
type Input struct {
	Name string // how reports call the section
	Data []byte // the `.omega` file; it must stay as it is while the Result is used
}

// InputError says which input is damaged, and how (SEC-3).
type InputError struct {
	Name string
	Err  *frame.Error
}

func (e *InputError) Error() string { return fmt.Sprintf("%s: %v", e.Name, e.Err) }

func (e *InputError) Unwrap() error { return e.Err }

// ErrChanged says that an event was found wrong and, looked at again, right: an
// input was written to, or the past gave two answers. It is not seen for sure;
// whoever maps files guards against that by other means.
var ErrChanged = errors.New("an input or the past changed while it was read")

// Frame says where a copy of an event lies (OBS-3).
type Frame struct {
	File   string // an Input's name, or the past's name of a file
	Offset int64  // of the frame, in bytes from the start of the file
}

// Version is one version of an event in the past.
type Version struct {
	Event event.View
	Frame Frame
}

// Past is what a chain has certified so far (INV-1). Its methods are called by several
// goroutines at the same time.
type Past interface {
	// Versions returns the certified or quarantined events with the key k: none
	// if the past does not hold it. It is asked for every event of a batch and
	// for every dep that is not in the batch, so it should be quick about a key
	// above its stream's frontier, where only quarantined events can be.
	Versions(k *key.Key) []Version
	// Frontier returns the largest key of the stream that a merge certified, and
	// whether there is one.
	Frontier(node uint32, stream uint16) (key.Key, bool)
}

// Empty is the past before the first merge (INV-1).
type Empty struct{}

// Versions returns none (INV-1).
func (Empty) Versions(*key.Key) []Version { return nil }

// Frontier returns none (INV-4).
func (Empty) Frontier(uint32, uint16) (key.Key, bool) { return key.Key{}, false }

// Obstruction names one reason for which the batch is not admitted (OBS-1).
type Obstruction struct {
	Kind cert.ObstructionKind
	Key  key.Key
	Dep  key.Key // zero where the kind has none
	// Frames are all copies concerned: those in the batch by input, then offset,
	// then those in the past (OBS-3).
	Frames []Frame
}

// Options say with what means work is done; no result depends on them (SEC-5).
type Options = section.Options

// Result is a merge, or all the obstructions of a batch (INV-8).
type Result struct {
	Obstructions []Obstruction // by key, kind, dep (OBS-2); empty: a merge

	Events     uint64 // distinct events that are no repeats
	Duplicates uint64 // identical copies beyond the first within the batch
	Repeats    uint64 // distinct events dropped because the past holds them

	// Of a merge alone, else zero:
	Trace     *section.Trace // the events in canonical order
	TraceRoot merkle.Hash    // over them (MRK-2)
	Streams   []cert.Stream  // their figures, by (node, stream) (FIX-5)

	concerned []event.View // by obstructions; by key, then bytes
}

// Merged reports whether the batch is admitted (INV-8).
func (r *Result) Merged() bool { return len(r.Obstructions) == 0 }

// ObstructionBody returns the body of the certificate that records r's
// obstructions, with all versions, past ones included, of each key concerned
// (BDY-4). It shares the events' bytes with the inputs and the past. It is nil
// for a merge.
func (r *Result) ObstructionBody() *cert.ObstructionBody {
	if r.Merged() {
		return nil
	}
	body := &cert.ObstructionBody{Events: r.concerned}
	for _, o := range r.Obstructions {
		body.Items = append(body.Items, cert.ObstructionItem{Key: o.Key, Kind: o.Kind, Dep: o.Dep})
	}
	return body
}

// Reconcile glues the inputs and judges them against the past (INV-2 to INV-9,
// OBS-1 to OBS-3). A section without frames, and no section at all, give a merge
// of no events. A trace file is a section like another: to check one, reconcile it
// alone and compare the root. Errors: *InputError for the first input, by place,
// that is damaged; order.ErrSource and order.ErrOffset for more, or larger,
// inputs than a trace can name; ErrChanged; opt.Alloc's.
func Reconcile(inputs []Input, past Past, opt Options) (*Result, error) {
	files := make([][]byte, len(inputs))
	for i := range inputs {
		files[i] = inputs[i].Data
	}
	trace, err := section.Glue(files, opt)
	var damage *section.DamageError
	if errors.As(err, &damage) {
		return nil, &InputError{Name: inputs[damage.Source].Name, Err: damage.Err}
	}
	if err != nil {
		return nil, err
	}
	c := &court{inputs: inputs, trace: trace, past: past, opt: opt.WithDefaults()}
	return c.judge()
}
