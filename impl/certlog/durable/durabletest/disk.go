// Package durabletest holds a disk in memory for tests of what survives faults
// and crashes.
//
// A Disk keeps apart what a process sees and what is on the medium. It can fail
// at any one operation, with the operation not done, done all the same, or done
// by half; and Crash gives the disk as a machine may find it after a loss of
// power: names as they were at some moment since the last SyncDir, contents with
// some part of what was written since the last Sync. As on a real system, an
// fsync that fails drops what it should have written, and later ones succeed.
package durabletest

import (
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
)

// ErrFault is the error of the operation that fails.
var ErrFault = errors.New("injected fault")

// Outcome is what a failing operation has done.
type Outcome int

// The outcomes of an operation that fails.
const (
	NotDone Outcome = iota // failed and not persisted
	Done                   // failed but persisted
	Half                   // a write of half the bytes; else NotDone
)

// Outcomes lists them all.
var Outcomes = []Outcome{NotDone, Done, Half}

type inode struct {
	data    []byte // as the process sees it
	durable []byte // as it is on the medium
	dirty   []bool // by byte of data: the next fsync writes it
	resized bool   // the next fsync writes the size
	earlier []byte // before a truncation, and perhaps on the medium since; else nil
}

// synced returns what an fsync now leaves on the medium.
func (n *inode) synced() []byte {
	after, size := slices.Clone(n.durable), len(n.durable)
	if n.resized || slices.Contains(n.dirty[min(size, len(n.dirty)):], true) {
		size = len(n.data)
	}
	after = append(after, make([]byte, max(0, size-len(after)))...)[:size]
	for i, dirty := range n.dirty {
		if dirty {
			after[i] = n.data[i]
		}
	}
	return after
}

// clean is what the process sees of an fsync, whether or not it has failed:
// nothing is left to be written.
func (n *inode) clean() {
	n.dirty, n.resized, n.earlier = make([]bool, len(n.data)), false, nil
}

func (n *inode) resize(size int) {
	if size < len(n.data) {
		n.earlier = n.synced()
	}
	n.resized = n.resized || size != len(n.data)
	n.data = append(n.data, make([]byte, max(0, size-len(n.data)))...)[:size]
	n.dirty = append(n.dirty, make([]bool, max(0, size-len(n.dirty)))...)[:size]
}

func (n *inode) write(b []byte, at int) {
	n.resize(max(len(n.data), at+len(b)))
	copy(n.data[at:], b)
	for i := range b {
		n.dirty[at+i] = true
	}
}

type folder []map[string]*inode // at the last SyncDir, and after each change of a name since

func (f folder) now() map[string]*inode { return f[len(f)-1] }

// Disk is a durable.FS. The zero Disk is not usable; see New.
type Disk struct {
	mu      sync.Mutex
	folders map[string]folder
	steps   int
	failAt  int
	outcome Outcome
}

// New returns a disk with the given empty folders.
func New(folders ...string) *Disk {
	d := &Disk{folders: map[string]folder{}}
	for _, name := range folders {
		d.folders[name] = folder{{}}
	}
	return d
}

// FailAt makes the operation number step from now fail, counted from 1, with the
// outcome; 0 stops that.
func (d *Disk) FailAt(step int, outcome Outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.steps, d.failAt, d.outcome = 0, step, outcome
}

// Steps returns the number of operations since New or FailAt.
func (d *Disk) Steps() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.steps
}

// do carries out one operation, or fails.
func (d *Disk) do(op func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails() {
		if d.outcome == Done {
			if err := op(); err != nil {
				return err
			}
		}
		return ErrFault
	}
	return op()
}

func (d *Disk) fails() bool {
	d.steps++
	return d.steps == d.failAt
}

func notExist(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

func (d *Disk) find(op, name string) (*inode, error) {
	if f, ok := d.folders[filepath.Dir(name)]; ok {
		if n, ok := f.now()[filepath.Base(name)]; ok {
			return n, nil
		}
	}
	return nil, notExist(op, name)
}

// change makes one change to the names of a folder.
func (d *Disk) change(op, name string, edit func(names map[string]*inode, base string)) error {
	dir := filepath.Dir(name)
	f, ok := d.folders[dir]
	if !ok {
		return notExist(op, name)
	}
	names := maps.Clone(f.now())
	edit(names, filepath.Base(name))
	d.folders[dir] = append(f, names)
	return nil
}

// Create implements durable.FS.
func (d *Disk) Create(name string, _ fs.FileMode) (durable.File, error) {
	n := &inode{}
	err := d.do(func() error {
		if _, err := d.find("create", name); err == nil {
			return &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
		}
		return d.change("create", name, func(names map[string]*inode, base string) { names[base] = n })
	})
	if err != nil {
		return nil, err
	}
	return &file{d, n}, nil
}

// OpenWrite implements durable.FS.
func (d *Disk) OpenWrite(name string) (durable.File, error) {
	var n *inode
	err := d.do(func() (err error) {
		n, err = d.find("open", name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &file{d, n}, nil
}

// ReadFile implements durable.FS.
func (d *Disk) ReadFile(name string) ([]byte, error) {
	var data []byte
	err := d.do(func() error {
		n, err := d.find("read", name)
		if err == nil {
			data = slices.Clone(n.data)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return data, nil
}

// Rename implements durable.FS, within one folder.
func (d *Disk) Rename(from, to string) error {
	return d.do(func() error {
		n, err := d.find("rename", from)
		if err != nil {
			return err
		}
		return d.change("rename", to, func(names map[string]*inode, base string) {
			delete(names, filepath.Base(from))
			names[base] = n
		})
	})
}

// Remove implements durable.FS.
func (d *Disk) Remove(name string) error {
	return d.do(func() error {
		if _, err := d.find("remove", name); err != nil {
			return err
		}
		return d.change("remove", name, func(names map[string]*inode, base string) { delete(names, base) })
	})
}

// List implements durable.FS.
func (d *Disk) List(name string) ([]string, error) {
	var names []string
	err := d.do(func() error {
		f, ok := d.folders[name]
		if !ok {
			return notExist("list", name)
		}
		names = slices.Sorted(maps.Keys(f.now()))
		return nil
	})
	return names, err
}

// SyncDir implements durable.FS. A failed one leaves the names as they may be.
func (d *Disk) SyncDir(name string) error {
	return d.do(func() error {
		f, ok := d.folders[name]
		if !ok {
			return notExist("fsync", name)
		}
		d.folders[name] = folder{f.now()}
		return nil
	})
}

type file struct {
	disk *Disk
	*inode
}

func (f *file) Write(b []byte) (int, error) { return f.WriteAt(b, int64(len(f.data))) }

func (f *file) WriteAt(b []byte, offset int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	n, err := len(b), error(nil)
	if f.disk.fails() {
		n, err = [...]int{NotDone: 0, Done: len(b), Half: len(b) / 2}[f.disk.outcome], ErrFault
	}
	f.write(b[:n], int(offset))
	return n, err
}

func (f *file) Sync() error {
	err := f.disk.do(func() error {
		f.durable = f.synced()
		return nil
	})
	f.clean()
	return err
}

func (f *file) Truncate(size int64) error {
	return f.disk.do(func() error {
		f.resize(int(size))
		return nil
	})
}

func (f *file) Close() error { return f.disk.do(func() error { return nil }) }

// Crash returns the disk as it may be found after a loss of power now. pick
// decides what got through: it returns a number from 0 to n-1.
func (d *Disk) Crash(pick func(n int) int) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := New()
	for _, dir := range slices.Sorted(maps.Keys(d.folders)) {
		history := d.folders[dir]
		names := map[string]*inode{}
		seen := history[pick(len(history))]
		for _, name := range slices.Sorted(maps.Keys(seen)) {
			data := seen[name].crash(pick)
			names[name] = &inode{data: data, durable: slices.Clone(data), dirty: make([]bool, len(data))}
		}
		after.folders[dir] = folder{names}
	}
	return after
}

// crash returns the content after a crash: what is on the medium, or some part
// of the way from there to what an fsync would have left.
func (n *inode) crash(pick func(n int) int) []byte {
	after := n.synced()
	if n.earlier != nil && pick(2) > 0 {
		after = n.earlier
	}
	if slices.Equal(after, n.durable) {
		return after
	}
	if grown := len(after) - len(n.durable); grown > 0 && slices.Equal(after[:len(n.durable)], n.durable) {
		return after[:len(n.durable)+pick(grown+1)]
	}
	return slices.Clone([][]byte{n.durable, after}[pick(2)])
}
