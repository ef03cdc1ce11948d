package certlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// LockName is the lock file's name in a data folder. The file is always empty;
// what counts is the flock(2) on it, which ends with its holder (CLG-3).
const LockName = "LOCK"

// LockedError says that another process, or another Log of this one, writes to
// the data folder.
type LockedError struct {
	Dir string
	PID int // of the holder; 0 where the system does not tell
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("the data folder %s is in use by another process", e.Dir)
	}
	return fmt.Sprintf("the data folder %s is in use by process %d", e.Dir, e.PID)
}

// lock takes the lock of dir and returns what gives it back.
func lock(dir string) (func() error, error) {
	name := filepath.Join(dir, LockName)
	f, err := os.OpenFile(name, os.O_RDONLY|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = &LockedError{Dir: dir, PID: holder(f)}
		} else {
			err = &os.PathError{Op: "flock", Path: name, Err: err}
		}
		return nil, errors.Join(err, f.Close())
	}
	// A child process between fork and exec has the file open too, and would keep
	// the lock for that moment if it were only closed.
	return func() error { return errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_UN), f.Close()) }, nil
}

// holder returns the process that holds a flock on f, or 0 where the system does
// not tell.
func holder(f *os.File) int {
	var stat unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &stat); err != nil {
		return 0
	}
	table, err := os.ReadFile("/proc/locks")
	if err != nil {
		return 0
	}
	device := uint64(stat.Dev)
	return holderIn(table, fmt.Sprintf("%02x:%02x:%d", unix.Major(device), unix.Minor(device), stat.Ino))
}

// holderIn finds the flock on a file, as in
//
//	3: FLOCK  ADVISORY  WRITE 4711 08:01:1234567 0 EOF
func holderIn(table []byte, file string) int {
	for line := range strings.Lines(string(table)) {
		if f := strings.Fields(line); len(f) > 5 && f[1] == "FLOCK" && f[5] == file {
			pid, _ := strconv.Atoi(f[4])
			return pid
		}
	}
	return 0
}
