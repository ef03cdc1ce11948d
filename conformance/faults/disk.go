package faults

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Disk is a folder tree as a process sees it, and as it is on the medium: names are
// there once their folder was synced, contents once their file was.
type Disk struct {
	root string
	tree *inode
}

type inode struct {
	data, synced   []byte            // of a file
	names, durable map[string]*inode // of a folder; nil: a file
}

func newFolder() *inode { return &inode{names: map[string]*inode{}, durable: map[string]*inode{}} }

// NewDisk returns the empty folder root, which is on the medium.
func NewDisk(root string) *Disk { return &Disk{root, newFolder()} }

// find returns the folder that holds path, and path's name in it; nil where path is
// not below the root.
func (d *Disk) find(path string) (dir *inode, base string) {
	rest, ok := strings.CutPrefix(path, d.root+"/")
	if !ok {
		return nil, ""
	}
	dir = d.tree
	parts := strings.Split(rest, "/")
	for _, p := range parts[:len(parts)-1] {
		if dir = dir.names[p]; dir == nil {
			return nil, ""
		}
	}
	return dir, parts[len(parts)-1]
}

// at returns what path names, or nil.
func (d *Disk) at(path string) *inode {
	if path == d.root {
		return d.tree
	}
	dir, base := d.find(path)
	if dir == nil {
		return nil
	}
	return dir.names[base]
}

// Create makes a file, or cuts one that is there to nothing if cut.
func (d *Disk) Create(path string, cut bool) {
	dir, base := d.find(path)
	switch {
	case dir == nil:
	case dir.names[base] == nil:
		dir.names[base] = &inode{}
	case cut:
		dir.names[base].data = nil
	}
}

// Mkdir makes a folder.
func (d *Disk) Mkdir(path string) {
	if dir, base := d.find(path); dir != nil {
		dir.names[base] = newFolder()
	}
}

// Write writes b into a file at an offset, or at its end where that is negative.
func (d *Disk) Write(path string, b []byte, offset int) {
	n := d.at(path)
	if n == nil {
		return
	}
	if offset < 0 {
		offset = len(n.data)
	}
	data := slices.Clone(n.data)
	data = append(data, make([]byte, max(0, offset+len(b)-len(data)))...)
	copy(data[offset:], b)
	n.data = data
}

// Truncate gives a file a size.
func (d *Disk) Truncate(path string, size int) {
	if n := d.at(path); n != nil {
		n.data = append(slices.Clone(n.data), make([]byte, max(0, size-len(n.data)))...)[:size]
	}
}

// Rename gives what has one name another.
func (d *Disk) Rename(from, to string) {
	a, x := d.find(from)
	b, y := d.find(to)
	if a == nil || b == nil {
		return
	}
	n := a.names[x]
	delete(a.names, x)
	b.names[y] = n
}

// Remove takes a name away.
func (d *Disk) Remove(path string) {
	if dir, base := d.find(path); dir != nil {
		delete(dir.names, base)
	}
}

// Sync puts a file's content, or a folder's names, on the medium.
func (d *Disk) Sync(path string) {
	n := d.at(path)
	switch {
	case n == nil:
	case n.names != nil:
		n.durable = maps.Clone(n.names)
	default:
		n.synced = n.data
	}
}

// A Loss decides what a loss of power leaves of what was not synced: of each file and of
// each name, in the order of their paths.
type Loss struct {
	Name  string
	names func() bool         // whether a change of a name has come through
	data  func(grown int) int // how many bytes of what a file has grown by; below 0: its old content
}

// Losses are the worst ones, and some drawn from pick, which returns a number below n.
func Losses(drawn int, pick func(n int) int) []Loss {
	yes, no := func() bool { return true }, func() bool { return false }
	all, none := func(grown int) int { return grown }, func(int) int { return -1 }
	list := []Loss{{"all is lost", no, none}, {"names alone come through", yes, none}, {"contents alone come through", no, all}}
	for range drawn {
		list = append(list, Loss{"some comes through", func() bool { return pick(2) == 0 }, func(grown int) int { return pick(grown+2) - 1 }})
	}
	return list
}

// Crash writes below dir what a machine finds of a folder of the disk after a loss.
func (d *Disk) Crash(folder, dir string, l Loss) error {
	found := d.tree
	if rest, ok := strings.CutPrefix(folder, d.root+"/"); ok {
		for _, p := range strings.Split(rest, "/") {
			if found = found.left(l)[p]; found == nil {
				return os.Mkdir(dir, 0o755)
			}
		}
	}
	return found.write(dir, l)
}

// left returns the names in a folder after a loss.
func (n *inode) left(l Loss) map[string]*inode {
	left := map[string]*inode{}
	all := maps.Clone(n.durable)
	maps.Copy(all, n.names)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		after := n.durable[name]
		if after != n.names[name] && l.names() {
			after = n.names[name]
		}
		if after != nil {
			left[name] = after
		}
	}
	return left
}

func (n *inode) write(path string, l Loss) error {
	if n.names == nil {
		return os.WriteFile(path, n.content(l), 0o600)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	left := n.left(l)
	for _, name := range slices.Sorted(maps.Keys(left)) {
		if err := left[name].write(filepath.Join(path, name), l); err != nil {
			return err
		}
	}
	return nil
}

// content returns a file's bytes after a loss.
func (n *inode) content(l Loss) []byte {
	grown := max(0, len(n.data)-len(n.synced))
	got := l.data(grown)
	switch {
	case got < 0:
		return n.synced
	case len(n.data) > len(n.synced):
		return n.data[:len(n.synced)+got]
	}
	return n.data
}
