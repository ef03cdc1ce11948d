package omegalog

import (
	"errors"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
)

// flushSize is how many bytes a Writer gathers for one write.
const flushSize = 256 << 10

// ErrWriterClosed says that a Writer was closed or aborted.
var ErrWriterClosed = errors.New("the writer is closed")

// Writer writes one `.omega` file (MAP-3). Until Close has returned nil, no file
// has the Writer's path, or an older one still has it. It is used by one
// goroutine.
type Writer struct {
	fs         durable.FS
	path, temp string
	file       durable.File
	buf        []byte // frames not yet written
	frames     uint64
	err        error // the first failed write, or ErrWriterClosed
}

// Create begins the file path of the given node, frame.Mixed for several
// writers. The folder must be there. End with Close or Abort; Abort after Close
// does nothing, so that it can be deferred.
func Create(path string, node uint32) (*Writer, error) {
	return create(durable.OS{}, path, node)
}

func create(fsys durable.FS, path string, node uint32) (*Writer, error) {
	temp := durable.TempName(path)
	file, err := fsys.Create(temp, 0o644)
	if err != nil {
		return nil, pathError(path, err)
	}
	buf := frame.AppendHeader(make([]byte, 0, flushSize), frame.Header{Node: node})
	return &Writer{fs: fsys, path: path, temp: temp, file: file, buf: buf}, nil
}

// pathError names the path asked for, not the temporary one.
func pathError(path string, err error) error {
	return &Error{Path: path, Err: durable.Cause(err)}
}

// Append adds a frame around body, which must be one event: else the error is
// one of package event, and the file stays as it was. After a failed write every
// call gives that error, and so does Close.
func (w *Writer) Append(body []byte) error {
	if w.err != nil {
		return w.err
	}
	if len(w.buf) > 0 && len(w.buf)+frame.Overhead+len(body) > flushSize {
		if err := w.flush(); err != nil {
			return err
		}
	}
	buf, err := frame.Append(w.buf, body)
	if err != nil {
		return err
	}
	w.buf = buf
	w.frames++
	return nil
}

// Frames returns the number of frames appended.
func (w *Writer) Frames() uint64 { return w.frames }

func (w *Writer) flush() error {
	if _, err := w.file.Write(w.buf); err != nil {
		w.err = pathError(w.path, err)
		return w.err
	}
	w.buf = w.buf[:0]
	return nil
}

// Close makes the file whole, durable and visible under its path, in this order
// (MAP-3). After an error the path has what it had before, unless the error is a
// *durable.UnknownError: then it may have the new file.
func (w *Writer) Close() error {
	if errors.Is(w.err, ErrWriterClosed) {
		return w.err
	}
	if w.err == nil && w.flush() == nil {
		if err := durable.Sync(w.file, w.path); err != nil {
			w.err = pathError(w.path, err)
		}
	}
	if w.err != nil {
		err := w.err
		w.Abort()
		return err
	}
	w.err = ErrWriterClosed
	if err := w.file.Close(); err != nil {
		w.fs.Remove(w.temp)
		return pathError(w.path, err)
	}
	if err := durable.Replace(w.fs, w.temp, w.path); err != nil {
		return pathError(w.path, err)
	}
	return nil
}

// Abort gives the file up and leaves no trace of it.
func (w *Writer) Abort() {
	if errors.Is(w.err, ErrWriterClosed) {
		return
	}
	w.err = ErrWriterClosed
	w.file.Close()
	w.fs.Remove(w.temp)
}
