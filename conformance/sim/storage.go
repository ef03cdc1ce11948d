package sim

import (
	"bytes"
	"errors"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

var (
	// ErrFailing is what a Storage's Load gives where its disk fails for now: the member
	// stays down, and tries again later.
	ErrFailing = errors.New("the disk fails for now")
	// ErrUndone is what a Storage's writes give where the disk holds what it held
	// before. After any other error it may hold the old or the new.
	ErrUndone = errors.New("the write is not done")
)

// Storage is a member's disk, where it is more than two variables. Where a write fails
// the member is down, and the next Load tells what is there.
type Storage interface {
	// Load opens the disk after a crash and returns what is on it: the bytes of the
	// last Save, or nil, and the certificates from the genesis on.
	Load() (durable []byte, log []cert.Certificate, err error)
	Save(durable []byte) error
	Append(*cert.Certificate) error
	Crash() // takes the power, or the process alone
	Heal()  // ends all faults
}

// write does an effect that writes, and reports whether it is done. Where the disk
// fails the member is down, and the write is done or not.
func (w *World) write(x *Node, e quorum.Effect) bool {
	if x.store != nil {
		return w.writeReal(x, e)
	}
	fails := x.full > 0 && !w.calm
	done := !fails || w.rng.IntN(4) == 0
	if done {
		w.keep(x, e)
	}
	if fails {
		x.full--
		w.Stats.FailedWrites++
		w.down(x)
	}
	return done
}

func (w *World) writeReal(x *Node, e quorum.Effect) bool {
	var err error
	x.doubt = e
	switch e := e.(type) {
	case quorum.Persist:
		err = x.store.Save(e.Durable)
	case quorum.Append:
		err = x.store.Append(&e.Certificate)
	}
	if err != nil {
		if w.calm {
			w.fail(RuleDisk, x, "a write fails on a disk without faults: %v", err)
		}
		if errors.Is(err, ErrUndone) {
			x.doubt = nil
		}
		w.Stats.FailedWrites++
		w.down(x)
		return false
	}
	x.doubt = nil
	w.keep(x, e)
	return true
}

// keep takes over what the disk now holds, which is what counts for the judge.
func (w *World) keep(x *Node, e quorum.Effect) {
	switch e := e.(type) {
	case quorum.Persist:
		w.judge.persist(x, e)
		x.Durable = e.Durable
	case quorum.Append:
		w.judge.append(x, &e.Certificate)
		x.Chain, _ = x.Chain.CheckContent(&e.Certificate.Envelope, e.Certificate.Body) // the judge has seen it
		x.Log, x.book, x.Need = append(x.Log, e.Certificate), map[cert.Hash]quorum.Content{}, nil
	}
}

// load reads what a real disk holds. All that was written is there, a write that
// failed may be, and nothing else is.
func (w *World) load(x *Node) bool {
	durable, log, err := x.store.Load()
	if errors.Is(err, ErrFailing) {
		return false
	}
	if err != nil {
		w.fail(RuleDisk, x, "after a crash: %v", err)
	}
	if persist, ok := x.doubt.(quorum.Persist); ok && bytes.Equal(durable, persist.Durable) {
		w.keep(x, x.doubt)
	}
	if _, ok := x.doubt.(quorum.Append); ok && len(log) == len(x.Log)+2 {
		w.keep(x, x.doubt)
	}
	x.doubt = nil
	if !bytes.Equal(durable, x.Durable) {
		w.fail(RuleDisk, x, "the vote file has %d bytes %x, want those of the last Persist, %d bytes %x", len(durable), durable, len(x.Durable), x.Durable)
	}
	want := append([]cert.Certificate{w.genesis.certificate}, x.Log...)
	if got, want := logBytes(log), logBytes(want); !bytes.Equal(got, want) {
		w.fail(RuleDisk, x, "the log has %d certificates, %d were appended, and their bytes differ", len(log)-1, len(x.Log))
	}
	return true
}

// readDisks crashes every member on a real disk once more, and reads what is there.
func (w *World) readDisks() {
	for _, x := range w.Honest() {
		if x.store != nil {
			x.store.Crash()
			w.load(x)
		}
	}
}

// logBytes returns the records of the certificates, one behind the other.
func logBytes(log []cert.Certificate) []byte {
	var b []byte
	for i := range log {
		var err error
		if b, err = cert.AppendRecord(b, &log[i]); err != nil {
			panic(err)
		}
	}
	return b
}
