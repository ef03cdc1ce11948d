package sim_test

import (
	"io/fs"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable/durabletest"
)

// powered is a disk whose power can go in the midst of an operation of several steps:
// from then on every step fails, so that nothing can be tidied up.
type powered struct {
	durable.FS
	left *int // steps until the power goes; negative: it stays
}

// off counts a step, and reports whether the power is gone.
func (p powered) off() bool {
	if *p.left > 0 {
		*p.left--
	}
	return *p.left == 0
}

func (p powered) do(op func() error) error {
	if p.off() {
		return durabletest.ErrFault
	}
	return op()
}

func (p powered) Create(name string, perm fs.FileMode) (f durable.File, err error) {
	err = p.do(func() error { f, err = p.FS.Create(name, perm); return err })
	return poweredFile{f, p}, err
}

func (p powered) OpenWrite(name string) (f durable.File, err error) {
	err = p.do(func() error { f, err = p.FS.OpenWrite(name); return err })
	return poweredFile{f, p}, err
}

func (p powered) Rename(from, to string) error {
	return p.do(func() error { return p.FS.Rename(from, to) })
}

func (p powered) Remove(name string) error  { return p.do(func() error { return p.FS.Remove(name) }) }
func (p powered) SyncDir(name string) error { return p.do(func() error { return p.FS.SyncDir(name) }) }

type poweredFile struct {
	durable.File
	power powered
}

func (f poweredFile) Write(b []byte) (n int, err error) {
	err = f.power.do(func() error { n, err = f.File.Write(b); return err })
	return n, err
}

func (f poweredFile) WriteAt(b []byte, offset int64) (n int, err error) {
	err = f.power.do(func() error { n, err = f.File.WriteAt(b, offset); return err })
	return n, err
}

func (f poweredFile) Sync() error { return f.power.do(f.File.Sync) }
func (f poweredFile) Truncate(size int64) error {
	return f.power.do(func() error { return f.File.Truncate(size) })
}
func (f poweredFile) Close() error { return f.power.do(f.File.Close) }
