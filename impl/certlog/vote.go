package certlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// A vote file is, big-endian (CLG-7):
//
//	"OMEGAVOT" | version u16 = 1 | len u32 | content[len] | crc u32
//
// crc is CRC-32C of all that comes before it; content is a member's state of the
// quorum's protocol, in the bytes that package quorum gives it.
const (
	// VoteMagic opens every vote file (CLG-7).
	VoteMagic = "OMEGAVOT"
	// VoteVersion is the vote format's version (CLG-7).
	VoteVersion = 1
	// MaxVote is the largest content of a vote file in bytes (CLG-7).
	MaxVote = 1 << 30

	voteVersionAt = 8
	voteLenAt     = 10
	voteContentAt = 14
	voteMin       = voteContentAt + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// VoteError is damage to a vote file. Offset is that of the field that is wrong,
// in bytes from the start of the file (CLG-7).
type VoteError struct {
	Path    string
	Offset  int64
	Message string
}

func (e *VoteError) Error() string {
	return fmt.Sprintf("%s: bad vote file at offset %d: %s", e.Path, e.Offset, e.Message)
}

// ErrNoMember says that a data folder has no folder for a member.
var ErrNoMember = errors.New("the data folder has no such member")

// AppendVote appends a vote file with the given content to b (CLG-7). It returns
// b unchanged and an error where content is larger than MaxVote.
func AppendVote(b, content []byte) ([]byte, error) {
	if len(content) > MaxVote {
		return b, fmt.Errorf("vote: %d bytes, at most %d", len(content), MaxVote)
	}
	start := len(b)
	b = append(b, VoteMagic...)
	b = binary.BigEndian.AppendUint16(b, VoteVersion)
	b = binary.BigEndian.AppendUint32(b, uint32(len(content)))
	b = append(b, content...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli)), nil
}

// ParseVote returns the content of a vote file, in place (CLG-7). The error is a
// *VoteError without a path.
func ParseVote(file []byte) ([]byte, error) {
	fail := func(offset int, format string, args ...any) ([]byte, error) {
		return nil, &VoteError{Offset: int64(offset), Message: fmt.Sprintf(format, args...)}
	}
	if len(file) < voteMin {
		return fail(0, "the file has %d bytes, at least %d", len(file), voteMin)
	}
	if string(file[:voteVersionAt]) != VoteMagic {
		return fail(0, "got %q, want %q", file[:voteVersionAt], VoteMagic)
	}
	if v := binary.BigEndian.Uint16(file[voteVersionAt:]); v != VoteVersion {
		return fail(voteVersionAt, "got version %d, want %d", v, VoteVersion)
	}
	n := binary.BigEndian.Uint32(file[voteLenAt:])
	if want := uint64(len(file) - voteMin); uint64(n) != want {
		return fail(voteLenAt, "got a content of %d bytes, the file holds %d", n, want)
	}
	end := len(file) - 4
	got, want := binary.BigEndian.Uint32(file[end:]), crc32.Checksum(file[:end], castagnoli)
	if got != want {
		return fail(end, "crc is %08x, the bytes give %08x", got, want)
	}
	return file[voteContentAt:end:end], nil
}

// VotePath returns the path of the vote file of member name in the data folder
// dir (CLG-3).
func VotePath(dir, name string) string {
	return filepath.Join(dir, "members", name, "vote")
}

// ReadVote returns the content of the vote file path, as an audit reads it.
// Damage is a *VoteError.
func ReadVote(path string) ([]byte, error) { return readVote(durable.OS{}, path) }

func readVote(fsys durable.FS, path string) ([]byte, error) {
	file, err := fsys.ReadFile(path)
	if err != nil {
		return nil, err
	}
	content, err := ParseVote(file)
	var damage *VoteError
	if errors.As(err, &damage) {
		damage.Path = path
	}
	return content, err
}

// VoteStore is one member's vote file. It works while its Log does; its methods
// may be called by several goroutines.
type VoteStore struct {
	log     *Log // its lock guards what follows
	path    string
	content []byte // what the file holds, durably
	present bool
}

// Votes opens the vote file of a member whose folder is in the log's data
// folder; the Log's lock is what keeps other processes off it. There may be no
// file yet. The name of one that is there is made durable: the process that wrote
// the file may have died before that. Errors: ErrNoMember, a *VoteError, ErrFatal,
// ErrClosed.
func (l *Log) Votes(name string) (*VoteStore, error) {
	if err := cert.CheckName(name); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead != nil {
		return nil, l.dead
	}
	path := VotePath(filepath.Dir(l.path), name)
	if err := durable.Clean(l.fs, path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoMember, filepath.Dir(path))
	} else if err != nil {
		return nil, err
	}
	content, err := readVote(l.fs, path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := durable.SyncParent(l.fs, path); err != nil {
		return nil, l.die(err)
	}
	return &VoteStore{log: l, path: path, content: slices.Clone(content), present: err == nil}, nil
}

// Save makes content the vote file's, atomically; when it returns nil the
// content is on disk (CLG-7). After an error the file holds what it held before,
// unless the error is ErrFatal: then it may hold either, and the Log is dead.
func (s *VoteStore) Save(content []byte) error {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	if s.log.dead != nil {
		return s.log.dead
	}
	file, err := AppendVote(nil, content)
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	if err := durable.WriteFile(s.log.fs, s.path, file, 0o600); err != nil {
		var unknown *durable.UnknownError
		if errors.As(err, &unknown) {
			return s.log.die(err)
		}
		return err
	}
	s.content, s.present = slices.Clone(content), true
	return nil
}

// Load returns a copy of what was saved last, and whether anything was.
func (s *VoteStore) Load() ([]byte, bool) {
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	return slices.Clone(s.content), s.present
}
