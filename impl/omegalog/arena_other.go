//go:build !linux

package omegalog

import "os"

func wishLargePages([]byte) {}

// reserve makes file, which is empty, size bytes long, with their place on disk.
func reserve(file *os.File, size int64) error {
	zeros := make([]byte, 1<<20)
	for size > 0 {
		n, err := file.Write(zeros[:min(size, int64(len(zeros)))])
		if err != nil {
			return err
		}
		size -= int64(n)
	}
	return nil
}
