package omegalog

import (
	"os"

	"golang.org/x/sys/unix"
)

func wishLargePages(memory []byte) { unix.Madvise(memory, unix.MADV_HUGEPAGE) }

// reserve makes file, which is empty, size bytes long, with their place on disk.
func reserve(file *os.File, size int64) error { return unix.Fallocate(int(file.Fd()), 0, 0, size) }
