package tools

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// MemoryError says that there is too little memory to start something.
type MemoryError struct {
	What          string
	GotMB, WantMB int
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("%s needs %d MB of memory, and %d MB are available", e.What, e.WantMB, e.GotMB)
}

// NeedMB returns a *MemoryError where what needs more than is available. Where
// that cannot be told it returns nil.
func NeedMB(what string, mb int) error {
	got, err := AvailableMB()
	if err == nil && got < mb {
		return &MemoryError{what, got, mb}
	}
	return nil
}

// AvailableMB returns the megabytes that can be used without swapping: what Linux
// says is available, and no more than the control group leaves.
func AvailableMB() (int, error) { return availableMB("/") }

func availableMB(root string) (int, error) {
	info, err := os.ReadFile(root + "proc/meminfo")
	if err != nil {
		return 0, err
	}
	available := -1
	for line := range strings.Lines(string(info)) {
		if rest, ok := strings.CutPrefix(line, "MemAvailable:"); ok {
			kb, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			if err != nil {
				return 0, err
			}
			available = kb / 1024
		}
	}
	if available < 0 {
		return 0, errors.New("/proc/meminfo does not say what is available")
	}
	for _, group := range [][2]string{
		{"sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory.current"},
		{"sys/fs/cgroup/memory/memory.limit_in_bytes", "sys/fs/cgroup/memory/memory.usage_in_bytes"},
	} {
		limit, err := readNumber(root + group[0])
		if err != nil {
			continue // no such control group, or no limit ("max")
		}
		used, err := readNumber(root + group[1])
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		available = min(available, int(max(0, limit-used)>>20))
	}
	return available, nil
}

func readNumber(path string) (int64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
}
