// Package section reads sections, the `.omega` files in which parties hand over
// their logs, and glues them into one trace.
//
// A section is what one file holds: a header, which names the node that wrote
// the file, and frames of one event each (clause SEC-1). A section may hold
// copies of events that other nodes wrote: where two sections hold the same key
// they overlap. Scan checks a section and says what it holds (SEC-2).
//
// Sections glue if and only if any two agree on what both hold: same key, same
// bytes (GLU-1). Glue puts the events of all sections into canonical order,
// keeps one copy of each and sets the others apart (GLU-2). Where sections
// disagree all versions stay, side by side, and the trace names the keys in
// conflict (GLU-3): whether they are obstructions, and what else may hold a batch
// back, is for package invariant.
//
// A trace is an order over the sections' bytes, 16 bytes an event; no byte of
// an event is copied. It depends on the set of events alone, not on the files,
// their order or their number, but for where it says that copies lie (GLU-4).
package section

import (
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/order"
	"github.com/omega-sheaf-os/omega/impl/kernel/parallel"
)

// Options say with what means work is done; no result depends on them (SEC-5).
// The zero Options are one worker and memory of the Go heap.
type Options struct {
	// Workers is how many work at the same time; 0 is 1.
	Workers int
	// Run starts the workers; nil is parallel.Go.
	Run parallel.Run
	// Alloc returns memory for n entries, of any content; nil is make. The
	// trace lives in it. It is asked for the index and for a scratch as long,
	// and again where the first guess of the length was short. Its error ends
	// the work and is returned as it is.
	Alloc func(n int) ([]order.Entry, error)
}

// WithDefaults returns o with what is left zero filled in (SEC-5).
func (o Options) WithDefaults() Options {
	o.Workers = max(o.Workers, 1)
	if o.Run == nil {
		o.Run = parallel.Go
	}
	if o.Alloc == nil {
		o.Alloc = func(n int) ([]order.Entry, error) { return make([]order.Entry, n), nil }
	}
	return o
}

// Summary says what a section holds (SEC-2). Of a damaged one it says what lies
// before the damage.
type Summary struct {
	Node        uint32  // the header's; 0 where the header is damaged
	Frames      uint64  // whole and valid
	Bytes       int64   // of the header and these frames
	Deps        uint64  // of all events together
	First, Last key.Key // of the first and last frame in file order; zero where there is none
	Sorted      bool    // the keys are strictly increasing in file order
}
