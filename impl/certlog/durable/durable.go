// Package durable holds the file operations that survive a crash, for every
// package that writes what must not be lost.
//
// On a POSIX system written bytes are safe only after an fsync of their file,
// and a new or renamed file's name only after an fsync of its folder (clause
// CLG-1). An fsync that fails may have dropped the bytes and will report success
// the next time, so it is never tried again: whoever gets an error from Sync or
// SyncDir must count the content as unknown.
//
// FS is the operations that matter. OS carries them out; package durabletest has
// a disk in memory that fails and crashes at every step.
package durable

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// FS is a folder tree. Names are paths as the operating system takes them.
type FS interface {
	// Create makes a file that must not be there yet; fs.ErrExist if it is.
	Create(name string, perm fs.FileMode) (File, error)
	// OpenWrite opens a file that is there, and leaves its content.
	OpenWrite(name string) (File, error)
	ReadFile(name string) ([]byte, error)
	Rename(from, to string) error
	Remove(name string) error
	// List returns the names in a folder.
	List(name string) ([]string, error)
	// SyncDir makes the names in a folder durable.
	SyncDir(name string) error
}

// File is an open file of an FS.
type File interface {
	io.Writer
	io.WriterAt
	Sync() error
	Truncate(size int64) error
	Close() error
}

// OS is the operating system's FS.
type OS struct{}

// Create makes the file name, which must not be there.
func (OS) Create(name string, perm fs.FileMode) (File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
}

// OpenWrite opens the file name for writing.
func (OS) OpenWrite(name string) (File, error) {
	if err := CheckRegular(name); err != nil {
		return nil, err
	}
	return os.OpenFile(name, os.O_WRONLY, 0)
}

// ReadFile returns the bytes of the file name.
func (OS) ReadFile(name string) ([]byte, error) {
	if err := CheckRegular(name); err != nil {
		return nil, err
	}
	return os.ReadFile(name)
}

// Rename gives the file from the name to, in place of the file that had it.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove removes the file name.
func (OS) Remove(name string) error { return os.Remove(name) }

// List returns the names in the folder.
func (OS) List(name string) ([]string, error) {
	entries, err := os.ReadDir(name)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

// SyncDir makes the names in the folder durable.
func (OS) SyncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// ErrNotRegular says that a name stands for something other than a file's bytes.
var ErrNotRegular = errors.New("not a regular file")

// CheckRegular returns an error where name, or what it links to, is a pipe, a
// folder or a device. It opens nothing, so that a pipe cannot make it wait.
func CheckRegular(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &fs.PathError{Op: "open", Path: name, Err: notRegular(info.Mode())}
	}
	return nil
}

// ReadUpTo reads the regular file path: all of it, or of a longer one limit bytes and
// one more, by which that shows. fit, if it is not nil, judges the file that has been
// opened, so that the name cannot change in between. The errors are *fs.PathError, but
// for those of fit.
func ReadUpTo(path string, limit int64, fit func(fs.FileInfo) error) ([]byte, error) {
	broken := func(err error) error { return &fs.PathError{Op: "open", Path: path, Err: Cause(err)} }
	if err := CheckRegular(path); err != nil {
		return nil, broken(err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, broken(notRegular(info.Mode()))
	}
	if fit != nil {
		if err := fit(info); err != nil {
			return nil, err
		}
	}
	return io.ReadAll(io.LimitReader(f, limit+1))
}

type notRegular fs.FileMode

func (m notRegular) Error() string { return Describe(fs.FileMode(m)) + ", not a regular file" }

func (notRegular) Is(target error) bool { return target == ErrNotRegular }

// Describe says in words what a file of the given mode is.
func Describe(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a regular file"
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}

// TempName returns a fresh name beside path, for a file that will be renamed to
// path once it is whole.
func TempName(path string) string {
	return path + tempMark + rand.Text()[:12]
}

const tempMark = ".tmp-"

// IsTemp reports whether name is one that TempName gives.
func IsTemp(name string) bool { return strings.Contains(filepath.Base(name), tempMark) }

// Clean removes the files under names of TempName(path) that a crash has left.
// Only the one process that writes path may call it.
func Clean(fsys FS, path string) error {
	dir := filepath.Dir(path)
	names, err := fsys.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, filepath.Base(path)+tempMark) {
			err = errors.Join(err, fsys.Remove(filepath.Join(dir, name)))
		}
	}
	return err
}

// WriteFile makes data the content of the file path, atomically and durably: on
// return the file and its name are on disk; at any crash before, path has its
// old content, or none, in full (CLG-2). After an *UnknownError it may have
// either; after any other error it has the old one.
func WriteFile(fsys FS, path string, data []byte, perm fs.FileMode) error {
	temp := TempName(path)
	if err := writeNew(fsys, temp, data, perm); err != nil {
		return err
	}
	return Replace(fsys, temp, path)
}

// Replace gives the whole and synced file temp the name path, durably. After an
// error temp is gone.
func Replace(fsys FS, temp, path string) error {
	if err := fsys.Rename(temp, path); err != nil {
		fsys.Remove(temp)
		return &UnknownError{Op: "rename", Path: path, Err: Cause(err)}
	}
	return SyncParent(fsys, path)
}

// CreateFile writes data to the new file path, durably; fs.ErrExist if a file is
// there, which is left as it is. After any error no new file is left.
func CreateFile(fsys FS, path string, data []byte, perm fs.FileMode) error {
	if err := writeNew(fsys, path, data, perm); err != nil {
		return err
	}
	if err := SyncParent(fsys, path); err != nil {
		fsys.Remove(path)
		return err
	}
	return nil
}

// writeNew creates path with the content data and syncs it, or leaves no file.
func writeNew(fsys FS, path string, data []byte, perm fs.FileMode) error {
	f, err := fsys.Create(path, perm)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = Sync(f, path)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		fsys.Remove(path)
	}
	return err
}

// UnknownError says that after a failed fsync or rename it is unknown what the
// disk holds. The step must not be tried again (CLG-1).
type UnknownError struct {
	Op   string // "fsync" or "rename"
	Path string
	Err  error
}

func (e *UnknownError) Error() string { return e.Op + " " + e.Path + ": " + e.Err.Error() }

func (e *UnknownError) Unwrap() error { return e.Err }

// Cause returns what went wrong without the path of an error of package os, for
// those who name the path themselves.
func Cause(err error) error {
	switch e := err.(type) {
	case *fs.PathError:
		return e.Err
	case *os.LinkError:
		return e.Err
	}
	return err
}

// Sync makes the bytes of f, the file path, durable. The error is an
// *UnknownError.
func Sync(f File, path string) error {
	if err := f.Sync(); err != nil {
		return &UnknownError{Op: "fsync", Path: path, Err: Cause(err)}
	}
	return nil
}

// SyncParent makes the name path durable. The error is an *UnknownError.
func SyncParent(fsys FS, path string) error {
	dir := filepath.Dir(path)
	if err := fsys.SyncDir(dir); err != nil {
		return &UnknownError{Op: "fsync", Path: dir, Err: Cause(err)}
	}
	return nil
}

// MkdirAll makes the folder path and its missing parents, and makes each new
// name durable.
func MkdirAll(path string, perm fs.FileMode) error {
	info, err := os.Stat(path)
	if err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: path, Err: errors.New(Describe(info.Mode()) + ", not a folder")}
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := MkdirAll(filepath.Dir(path), perm); err != nil {
		return err
	}
	if err := os.Mkdir(path, perm); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return SyncParent(OS{}, path)
}
