package certlog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

var (
	// ErrFatal says that an fsync or a repair failed: what the disk holds is
	// unknown, and nothing more is written until the folder is opened again
	// (CLG-6).
	ErrFatal = errors.New("the disk failed, and what it holds is unknown")
	// ErrNext says that a certificate is not the next one of the log: its
	// batch_id is not the height, or its prev_cert_hash not the head's hash
	// (CLG-4).
	ErrNext = errors.New("not the next certificate")
	// ErrClosed says that the Log was closed.
	ErrClosed = errors.New("the log is closed")
)

// TornTail is an incomplete record that a crash left and that Open cut off
// (CLG-5).
type TornTail struct {
	Offset int64  // where it began, and where the file ends now
	Size   int64  // in bytes
	SHA256 string // of its bytes, in hex
}

func (t *TornTail) String() string {
	return fmt.Sprintf("cut off an incomplete record of %d bytes at offset %d, sha256 %s", t.Size, t.Offset, t.SHA256)
}

// Log is an open cert.log that this process alone may append to. Its methods may
// be called by several goroutines; each acts at one instant between its call and
// its return, Append when its certificate becomes the head (CLG-4).
type Log struct {
	fs        durable.FS
	path      string
	unlock    func() error
	recovered *TornTail

	mu      sync.RWMutex
	file    durable.File
	size    int64    // bytes on disk: the header and the records
	records []Record // by height; only appended to
	dead    error    // ErrFatal or ErrClosed, wrapped; nil while the Log takes certificates
}

// Create makes an empty log in the folder dir, which must be there and have
// none, and opens it.
func Create(dir string) (*Log, error) {
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	l, err := create(durable.OS{}, Path(dir))
	return l.locked(unlock, err)
}

// Open opens the log in the folder dir: it takes the folder's lock, reads every
// record, cuts off a torn tail and makes durable what it has read (CLG-5). A
// folder without a log is fs.ErrNotExist, and is left as it is. One in use is a
// *LockedError, a damaged log a *FileError.
func Open(dir string) (*Log, error) {
	if err := durable.CheckRegular(Path(dir)); err != nil {
		return nil, err
	}
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	l, err := OpenOn(durable.OS{}, Path(dir))
	return l.locked(unlock, err)
}

// locked hands the folder's lock to l, or gives it back after an error.
func (l *Log) locked(unlock func() error, err error) (*Log, error) {
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	l.unlock = unlock
	return l, nil
}

func create(fsys durable.FS, path string) (*Log, error) {
	switch _, err := fsys.ReadFile(path); {
	case err == nil:
		return nil, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if err := durable.WriteFile(fsys, path, AppendHeader(nil), 0o644); err != nil {
		return nil, err
	}
	return OpenOn(fsys, path)
}

// OpenOn is Open of the file path on the disk fsys, without the folder's lock: for
// those who have the disk to themselves, as simulations do.
func OpenOn(fsys durable.FS, path string) (*Log, error) {
	if err := durable.Clean(fsys, path); err != nil {
		return nil, err
	}
	content, err := fsys.ReadFile(path)
	if err != nil {
		return nil, err
	}
	l := &Log{fs: fsys, path: path, size: int64(len(content))}
	records, err := Parse(content)
	if err := l.takeTail(content, err); err != nil {
		return nil, named(path, err)
	}
	for _, r := range records {
		if err := l.checkNext(r.Certificate); err != nil {
			return nil, fmt.Errorf("%s: record at offset %d: %w", path, r.Offset, err)
		}
		l.records = append(l.records, r)
	}
	if l.file, err = fsys.OpenWrite(path); err != nil {
		return nil, err
	}
	last := content[:HeaderSize]
	if n := len(records); n > 0 {
		last = content[records[n-1].Offset:l.size]
	}
	if err := l.settle(last); err != nil {
		return nil, errors.Join(err, l.file.Close())
	}
	return l, nil
}

// takeTail notes a torn tail as what is to be cut off; any other error of Parse
// it returns.
func (l *Log) takeTail(content []byte, err error) error {
	var damage *cert.RecordError
	if !errors.As(err, &damage) || damage.Kind != cert.RecordTorn {
		return err
	}
	tail := content[damage.Offset:]
	sum := sha256.Sum256(tail)
	l.recovered = &TornTail{Offset: damage.Offset, Size: int64(len(tail)), SHA256: hex.EncodeToString(sum[:])}
	l.size = damage.Offset
	return nil
}

// settle cuts off the torn tail and makes durable the last record, or the header
// where there is none: all before it is, but the process that wrote this one may
// have died before its fsync, or seen it fail. In the second case the system
// takes the bytes for written, so they are written once more.
func (l *Log) settle(last []byte) error {
	if l.recovered != nil {
		if err := l.file.Truncate(l.size); err != nil {
			return err
		}
	}
	if _, err := l.file.WriteAt(last, l.size-int64(len(last))); err != nil {
		return err
	}
	if err := durable.Sync(l.file, l.path); err != nil {
		return err
	}
	return durable.SyncParent(l.fs, l.path)
}

// Recovered returns the torn tail that Open cut off, or nil (CLG-5).
func (l *Log) Recovered() *TornTail { return l.recovered }

// Append appends c, whose signatures the caller has verified. When it returns
// nil, c is on disk and the head (CLG-4). Errors: ErrNext, ErrFatal, ErrClosed,
// or one of writing. After any of them the log holds what it held before, in
// memory, and on disk unless it is ErrFatal.
func (l *Log) Append(c *cert.Certificate) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead != nil {
		return l.dead
	}
	if err := l.checkNext(c); err != nil {
		return fmt.Errorf("%s: %w", l.path, err)
	}
	record, err := cert.AppendRecord(nil, c)
	if err != nil {
		return fmt.Errorf("%s: %w", l.path, err)
	}
	if _, err := l.file.WriteAt(record, l.size); err != nil {
		return l.undo(err)
	}
	if err := durable.Sync(l.file, l.path); err != nil {
		return l.die(err)
	}
	l.records = append(l.records, Record{Offset: l.size, Size: int64(len(record)), Certificate: clone(c)})
	l.size += int64(len(record))
	return nil
}

// checkNext checks that c has the next height and links to the head (CLG-4).
func (l *Log) checkNext(c *cert.Certificate) error {
	height, prev := uint64(len(l.records)), cert.Hash{}
	if height > 0 {
		prev = l.records[height-1].Certificate.Envelope.Hash()
	}
	if c.Envelope.BatchID != height {
		return fmt.Errorf("%w: got batch_id %d, want %d", ErrNext, c.Envelope.BatchID, height)
	}
	if c.Envelope.Prev != prev {
		return fmt.Errorf("%w: got prev_cert_hash %v, want %v", ErrNext, c.Envelope.Prev, prev)
	}
	return nil
}

// undo takes back what a failed write has left at the end of the file.
func (l *Log) undo(cause error) error {
	cause = fmt.Errorf("%s: append at offset %d: %w", l.path, l.size, cause)
	if err := l.file.Truncate(l.size); err != nil {
		return l.die(errors.Join(cause, err))
	}
	if err := durable.Sync(l.file, l.path); err != nil {
		return l.die(errors.Join(cause, err))
	}
	return cause
}

// die ends all writing in the folder; the caller holds l.mu.
func (l *Log) die(cause error) error {
	l.dead = fmt.Errorf("%w: %w", ErrFatal, cause)
	return l.dead
}

// clone copies c, so that its owner cannot change what the Log holds.
func clone(c *cert.Certificate) *cert.Certificate {
	return &cert.Certificate{
		Envelope:   c.Envelope,
		Body:       slices.Clone(c.Body),
		Signatures: slices.Clone(c.Signatures),
	}
}

// Count returns the number of certificates: the height of the next.
func (l *Log) Count() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return uint64(len(l.records))
}

// Head returns the last certificate, or nil. The caller must not change it.
func (l *Log) Head() *cert.Certificate {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if len(l.records) == 0 {
		return nil
	}
	return l.records[len(l.records)-1].Certificate
}

// At returns the certificate of the given height, or nil where there is none
// yet. The caller must not change it.
func (l *Log) At(height uint64) *cert.Certificate {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if height >= uint64(len(l.records)) {
		return nil
	}
	return l.records[height].Certificate
}

// Records returns the chain as it is now, by height, and where each record stands
// in the file. The caller must not change it.
func (l *Log) Records() []Record {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Clip(l.records)
}

// Close gives up the file and the folder's lock. What was appended stays
// readable through l; Append, and Save of its vote stores, give ErrClosed. A second Close does nothing.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(l.dead, ErrClosed) {
		return nil
	}
	l.dead = fmt.Errorf("%s: %w", l.path, ErrClosed)
	err := l.file.Close()
	if l.unlock != nil {
		err = errors.Join(err, l.unlock())
	}
	return err
}
