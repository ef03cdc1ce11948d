package omegalog

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/omega-sheaf-os/omega/impl/kernel/order"
)

// An Arena is memory for the index of a trace, outside the garbage collector's.
// Up to a budget it is plain memory; beyond that it spills to temporary files
// that have no name, mapped, whose pages the system writes out when it needs
// the memory (MAP-4). An Arena serves one goroutine at a time.
type Arena struct {
	dir    string
	budget int64 // bytes of plain memory that may still be given
	maps   [][]byte
}

// NewArena returns an arena with a budget of plain memory, in bytes, that spills
// to the folder dir; "" is the system's for temporary files.
func NewArena(dir string, budget int64) *Arena {
	return &Arena{dir: dir, budget: budget}
}

// Alloc returns memory for n entries, until Close (MAP-4). It is what
// section.Options.Alloc asks for. What it spills has its place on disk reserved:
// a full disk is an error here, and no fault later.
func (a *Arena) Alloc(n int) ([]order.Entry, error) {
	size := int64(n) * int64(unsafe.Sizeof(order.Entry{}))
	if size == 0 {
		return nil, nil
	}
	var memory []byte
	var err error
	if size <= a.budget {
		memory, err = plain(size)
	} else {
		memory, err = spill(a.dir, size)
	}
	if err != nil {
		return nil, fmt.Errorf("memory for %d entries, %d bytes: %w", n, size, err)
	}
	if size <= a.budget {
		a.budget -= size
	}
	a.maps = append(a.maps, memory)
	return unsafe.Slice((*order.Entry)(unsafe.Pointer(&memory[0])), n), nil
}

// plain maps memory of no file, in large pages where the system has them: to
// touch memory for the first time is dear.
func plain(size int64) ([]byte, error) {
	memory, err := unix.Mmap(-1, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err == nil {
		wishLargePages(memory)
	}
	return memory, err
}

// spill maps a file in dir that loses its name at once.
func spill(dir string, size int64) (memory []byte, err error) {
	file, err := os.CreateTemp(dir, "omega-index-*")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := os.Remove(file.Name()); err != nil {
		return nil, err
	}
	if err := reserve(file, size); err != nil {
		return nil, &os.PathError{Op: "reserve", Path: file.Name(), Err: err}
	}
	return unix.Mmap(int(file.Fd()), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

// Close gives all memory back. Whatever Alloc has returned must not be touched
// any more.
func (a *Arena) Close() error {
	var errs []error
	for _, memory := range a.maps {
		errs = append(errs, unix.Munmap(memory))
	}
	a.maps = nil
	return errors.Join(errs...)
}
