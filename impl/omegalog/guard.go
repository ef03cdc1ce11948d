package omegalog

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
)

// ChangedError says that a file was changed while it was mapped (MAP-2). Offset
// is the first byte known to be concerned, from the start of the file.
type ChangedError struct {
	Path    string
	Offset  int64
	Message string
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s: changed while it was read, at offset %d: %s", e.Path, e.Offset, e.Message)
}

// fault is the runtime's error for a memory fault under debug.SetPanicOnFault.
type fault interface {
	error
	Addr() uintptr
}

// Guard runs f, which reads the bytes of the views in this goroutine, and
// returns its error (MAP-2). Where a view's file was changed meanwhile, the
// error is a *ChangedError, whatever f did: bytes that change after they were
// checked may lead f to a fault, or to an index out of range. Such panics of the
// runtime are not caught where no view's file was changed.
func Guard(f func() error, views ...*OmegaLogView) error {
	err := catch(f, views)
	for _, v := range views {
		if changed := v.Check(); changed != nil {
			return changed
		}
	}
	return err
}

// catch runs f and turns a fault in the map of a view, and any panic of the
// runtime over a view whose file was changed, into a *ChangedError.
func catch(f func() error, views []*OmegaLogView) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if at, ok := r.(fault); ok {
			for _, v := range views {
				if offset, ok := v.offsetOf(at.Addr()); ok {
					err = &ChangedError{Path: v.path, Offset: offset, Message: "the file has no such page any more"}
					return
				}
			}
		}
		if _, ok := r.(runtime.Error); ok {
			for _, v := range views {
				if err = v.Check(); err != nil {
					return
				}
			}
		}
		panic(r)
	}()
	return f()
}

// Run runs task(0) ... task(n-1), each in a goroutine of its own, and returns
// when all have ended. A memory fault in a task, or another panic of the runtime,
// is raised again in the caller's goroutine, where Guard catches it; so Run is
// what the kernel's functions are given to work in parallel on mapped bytes
// (MAP-2).
func Run(n int, task func(i int)) {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		first runtime.Error
	)
	for i := range n {
		wg.Go(func() {
			debug.SetPanicOnFault(true)
			defer func() {
				switch r := recover().(type) {
				case nil:
				case runtime.Error:
					mu.Lock()
					defer mu.Unlock()
					if first == nil {
						first = carry(r)
					}
				default:
					panic(r)
				}
			}()
			task(i)
		})
	}
	wg.Wait()
	if first != nil {
		panic(first)
	}
}

// carry returns r, which is no fault, with where in its goroutine it arose.
func carry(r runtime.Error) runtime.Error {
	if _, ok := r.(fault); ok {
		return r
	}
	return &carried{cause: r, stack: debug.Stack()}
}

// carried is a panic of the runtime that another goroutine raises again.
type carried struct {
	cause runtime.Error
	stack []byte
}

func (c *carried) Error() string { return c.cause.Error() + "\n" + string(c.stack) }

// RuntimeError makes c a runtime.Error, as its cause is.
func (c *carried) RuntimeError() {}
