package certlog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

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
	return f.Close, nil
}

// holder returns the process that holds a flock on f as /proc/locks tells it, or
// 0.
func holder(f *os.File) int {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	table, err := os.ReadFile("/proc/locks")
	if err != nil {
		return 0
	}
	where := fmt.Sprintf("%02x:%02x:%d", unix.Major(uint64(stat.Dev)), unix.Minor(uint64(stat.Dev)), stat.Ino)
	for lines := bufio.NewScanner(bytes.NewReader(table)); lines.Scan(); {
		var n, pid int
		var class, advice, mode, file string
		// As in "3: FLOCK  ADVISORY  WRITE 4711 08:01:1234567 0 EOF".
		if _, err := fmt.Sscanf(lines.Text(), "%d: %s %s %s %d %s", &n, &class, &advice, &mode, &pid, &file); err != nil {
			continue
		}
		if class == "FLOCK" && file == where {
			return pid
		}
	}
	return 0
}
