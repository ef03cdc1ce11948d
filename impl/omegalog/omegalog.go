// Package omegalog maps `.omega` files into memory, writes them, and signs them.
//
// A section is read through an OmegaLogView: the file's bytes as one slice,
// mapped read-only, of which iterating copies nothing (clause MAP-1).
//
//	view, err := omegalog.Open("paris.omega")
//	...
//	defer view.Close()
//	err = omegalog.Guard(func() error {
//		for f, err := range view.Events() {
//			if err != nil {
//				return err
//			}
//			fmt.Println(f.Offset, f.Event.Key())
//		}
//		return nil
//	}, view)
//
// The file under a map belongs to others, who may cut it short or write to it.
// Touching a page that the file has no more is a fault, which by default ends
// the process. Guard turns it into a *ChangedError, and gives one too where size
// or time of the file are no longer those at Open (MAP-2). A guard holds for its
// goroutine alone: work on mapped bytes in parallel goes through Run, whose
// goroutines hand their faults to the caller's guard. What Guard cannot see is a
// change that keeps the size, by a clock tick as old as Open's or by a map not
// yet written back: whoever needs lasting bytes copies them and checks the copy.
//
// A Writer makes a file under a temporary name, and gives it its own once it is
// whole and on disk (MAP-3). A Signature is the detached file `FILE.omega.sig`,
// by which the writer of a section answers for it (SIG-1).
package omegalog

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
)

// Error says why a path cannot be mapped. Errors of the operating system are
// wrapped; a pipe, folder or device is durable.ErrNotRegular.
type Error struct {
	Path string
	Err  error
}

func (e *Error) Error() string { return e.Path + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// OmegaLogView is a mapped file (MAP-1). Its bytes are valid until Close; read
// them under Guard.
type OmegaLogView struct {
	path    string
	file    *os.File
	data    []byte
	modTime time.Time
}

// Open maps the regular file path, which may be empty and of any content. The
// error is an *Error.
func Open(path string) (*OmegaLogView, error) {
	v, err := open(path)
	if err != nil {
		return nil, pathError(path, err)
	}
	return v, nil
}

func open(path string) (*OmegaLogView, error) {
	if err := durable.CheckRegular(path); err != nil {
		return nil, err
	}
	// Should a pipe have taken the name by now, then it must not make us wait.
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	v := &OmegaLogView{path: path, file: file}
	if err := v.mmap(); err != nil {
		file.Close()
		return nil, err
	}
	return v, nil
}

func (v *OmegaLogView) mmap() error {
	info, err := v.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s, %w", durable.Describe(info.Mode()), durable.ErrNotRegular)
	}
	v.modTime = info.ModTime()
	size := info.Size()
	if size == 0 {
		return nil // a map has at least one byte
	}
	if size > math.MaxInt {
		return fmt.Errorf("%d bytes are more than this machine can map", size)
	}
	if v.data, err = unix.Mmap(int(v.file.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED); err != nil {
		return fmt.Errorf("mmap of %d bytes: %w", size, err)
	}
	// Readers go forward, so let the system read ahead. This is advice: a system
	// that does not take it reads no less.
	_ = unix.Madvise(v.data, unix.MADV_SEQUENTIAL)
	return nil
}

// Bytes returns the file's bytes, in place. They must not be written to, and not
// be touched after Close.
func (v *OmegaLogView) Bytes() []byte { return v.data }

// Name returns the path that the view was opened with.
func (v *OmegaLogView) Name() string { return v.path }

// Header reads the file's header. The error is a *frame.Error.
func (v *OmegaLogView) Header() (frame.Header, error) { return frame.ParseHeader(v.data) }

// Frame is one event of a view and the offset of its frame, in bytes from the
// start of the file.
type Frame struct {
	Offset int64
	Event  event.View
}

// Events walks the file's events in file order; nothing is copied (MAP-1). The
// first thing wrong ends the walk with a *frame.Error and a zero Frame.
func (v *OmegaLogView) Events() iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		if _, err := v.Header(); err != nil {
			yield(Frame{}, err)
			return
		}
		for offset := int64(frame.HeaderSize); ; {
			e, next, err := frame.Next(v.data, offset)
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(Frame{}, err)
				return
			}
			if !yield(Frame{Offset: offset, Event: e}, nil) {
				return
			}
			offset = next
		}
	}
}

// Check returns a *ChangedError where the file no longer has the size and the
// time of modification that it had at Open (MAP-2). A file that another has
// replaced under its name is no change: the view keeps the old one.
func (v *OmegaLogView) Check() error {
	info, err := v.file.Stat()
	if err != nil {
		return pathError(v.path, err)
	}
	if got, want := info.Size(), int64(len(v.data)); got != want {
		return &ChangedError{Path: v.path, Offset: min(got, want),
			Message: fmt.Sprintf("it had %d bytes when it was opened and has %d now", want, got)}
	}
	if got := info.ModTime(); !got.Equal(v.modTime) {
		return &ChangedError{Path: v.path,
			Message: fmt.Sprintf("it was written to at %v", got.UTC().Format(time.RFC3339Nano))}
	}
	return nil
}

// offsetOf returns where the address lies in the mapped file. The last page may
// reach beyond the file's end.
func (v *OmegaLogView) offsetOf(address uintptr) (int64, bool) {
	if len(v.data) == 0 {
		return 0, false
	}
	start := uintptr(unsafe.Pointer(unsafe.SliceData(v.data)))
	page := uintptr(os.Getpagesize())
	size := (uintptr(len(v.data)) + page - 1) &^ (page - 1)
	if address < start || address-start >= size {
		return 0, false
	}
	return int64(address - start), true
}

// Close unmaps the file. A second Close does nothing.
func (v *OmegaLogView) Close() error {
	if v.file == nil {
		return nil
	}
	var err error
	if v.data != nil {
		err = unix.Munmap(v.data)
	}
	err = errors.Join(err, v.file.Close())
	v.data, v.file = nil, nil
	if err != nil {
		return &Error{Path: v.path, Err: err}
	}
	return nil
}
