package sim

import (
	"crypto/sha256"
	"fmt"
	"runtime/debug"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// Options says what a run is made of. All else follows from the seed.
type Options struct {
	Members, Heights, Liars int // Heights: certificates behind the genesis

	Real   bool         // signatures are Ed25519; else a keyed hash, which is some hundred times faster
	Record func(Record) // sees every record of an honest member as it happens; nil: none
	Canary *Fault       // what one honest member does wrong; nil: nothing

	// Storage makes a member's disk, which holds its genesis; pick draws a number from
	// 0 to n-1. Nil: the disk is two variables.
	Storage func(member int, genesis cert.Certificate, pick func(n int) int) Storage
	// Backups says that the test replaces disks by older copies: then a member may halt.
	Backups bool
}

// Result is what a run has come to.
type Result struct {
	Genesis  cert.Chain                   // the chain behind its genesis
	Liars    []int                        // who lied, in order
	Contents map[cert.Hash]quorum.Content // all that anybody made, liars included, by digest
	Logs     [][]cert.Certificate         // by member, behind the genesis; nil for liars
	Flow     cert.Hash                    // of the control flow: members, acts, heights, attempts, effects
	Stats    Stats
	Rounds   int   // without faults, until all had decided; 0 where somebody lied
	Err      error // a *Failure, the first rule that was broken; or nil
}

// Run makes the run of the seed: a time with faults, and, where nobody lies, one
// without, at the end of which all members must have all the heights.
func Run(seed uint64, o Options) Result {
	w := New(seed, o)
	r := Result{Genesis: w.genesis.chain, Contents: w.contents}
	r.Rounds, r.Err = w.play()
	r.Stats, r.Flow = w.Stats, sha256.Sum256(w.flow)
	r.Logs = make([][]cert.Certificate, o.Members)
	for i, x := range w.Nodes {
		if x == nil {
			r.Liars = append(r.Liars, i)
		} else {
			r.Logs[i] = x.Log
		}
	}
	return r
}

// play makes the run, and returns the failure that ended it.
func (w *World) play() (rounds int, err error) {
	defer func() {
		switch f := recover().(type) {
		case nil:
		case *Failure:
			err = f
		default:
			err = &Failure{Rule: RulePanic, Member: -1, Text: fmt.Sprintf("%v\n%s", f, debug.Stack())}
		}
	}()
	w.Variant = w.drawVariant()
	w.Profile = w.drawProfile()
	honest := w.Honest()
	if w.options.Canary != nil {
		honest[w.rng.IntN(len(honest))].fault = w.options.Canary
	}
	for _, x := range honest {
		w.Restart(x)
	}
	w.Chaos(40 * w.options.Members * w.options.Heights)
	if w.options.Liars > 0 {
		return 0, nil
	}
	rounds = w.Settle(uint64(w.options.Heights)+1, w.bound())
	w.readDisks()
	return rounds, nil
}

// Bytes returns the logs' bytes, member by member.
func (r *Result) Bytes() []byte {
	var b []byte
	for i, log := range r.Logs {
		b = append(fmt.Appendf(b, "member %d\n", i), logBytes(log)...)
	}
	return b
}
