// Package linear checks that what goroutines, processes and clients do at the same
// time comes out as if one had done it after the other.
//
// A history is linearizable if each operation can be given one instant between its
// call and its return such that, in the order of the instants, all outputs are
// those of a sequential specification. Porcupine looks for such an order; the
// specification is a model, written to be checked by eye. What it does not find
// out in time is no verdict, and red.
//
// # Functions of the kernel
//
// Every exported function and method of impl/kernel has a subject: what several
// goroutines share when they call it, and the plain version of what it gives. The
// subtest TestKernelFunctionsAreLinearizable/PACKAGE.FUNCTION, or
// PACKAGE.TYPE.METHOD, runs it. The list of functions is read from the source, so
// that a new one without a subject is red (Functions). Only methods that say a
// value in words have none (IsText).
//
// A function of its inputs alone is called on inputs that all share, where it
// reads bytes on a file mapped as the product maps it, which the system keeps
// from being written to; its model has no state (Pure), and after the run the
// inputs must be as before. What the product keeps in a shared place is called
// through one: a register of figures, a growing tree, a chain, a member's state,
// which clients take, work on outside the lock, and put back. So a scratch buffer
// that two calls share, or a copy that is none, shows as an output that no order
// explains, and under the race detector as a race.
//
// # Shared objects
//
// The certificate log with its reopening and the readers of its file; vote files;
// the folder's lock; the archive of the past, of more traces than it keeps
// mapped; a data folder in which goroutines and processes certify, some of them
// killed, while others read and audit; a cluster's client view (Cluster).
//
// The product has no cluster on several hosts today: package node runs all
// members of a folder in one goroutine, over a bus without faults. So Cluster puts
// a shell of its own around the product's parts (the quorum's step, logs, vote
// files, the memory bus with faults) and crashes it between any two effects. A
// client that submits a batch waits until the member it asked holds the batch's
// certificate. One member may lag, so a client that asks for the head asks all: the
// longest chain counts.
//
// # Operations that nobody has seen return
//
// A client that crashed, was killed or gave up has no output (Unknown) and no
// return time: its operation may take effect at any time later, or never, and the
// models allow both.
//
// # Illegal histories
//
// Each run also hands porcupine histories that cannot be, at least one a model: it
// must refuse them. For functions without state it is the run's own history with
// one output replaced by that of another input.
//
// # Pictures
//
// Of a failure porcupine's picture, an HTML page, is kept among the test's
// artefacts. spec/pictures/linearizable.html is that of a good run; it is made
// again, from the checkout's root, by
//
//	go test ./conformance/linear -run TestAGoodRunHasAPicture -linear.picture "$PWD/spec/pictures/linearizable.html"
package linear
