package main

import (
	"crypto/sha256"
	"runtime"

	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// bareSHA is the SHA-256 work of the tree over the events: for each, one call
// over 187 bytes, read where the event lies, and one over the 65 of a node,
// always the same. So it neither writes a prefix nor moves a hash.
func bareSHA(f files, part, parts int) {
	var node [1 + 2*merkle.HashSize]byte
	var x byte
	for _, view := range f {
		frames := view.Bytes()[frame.HeaderSize:]
		n := len(frames) / frameSize
		for i := part * n / parts; i < (part+1)*n/parts; i++ {
			leaf := sha256.Sum256(frames[i*frameSize+frame.Overhead-1 : (i+1)*frameSize])
			inner := sha256.Sum256(node[:])
			x ^= leaf[0] ^ inner[0]
		}
	}
	runtime.KeepAlive(x)
}

func benchRoot(dir string, short bool) ([]row, error) {
	events, n := 1_000_000, 15
	if short {
		events, n = 200_000, 7
	}
	f, err := openSections(dir, events)
	if err != nil {
		return nil, err
	}
	defer f.close()
	perFile := events / sections
	leaf := func(i int) []byte {
		at := frame.HeaderSize + i%perFile*frameSize
		return f[i/perFile].Bytes()[at+frame.Overhead : at+frameSize]
	}
	var rows []row
	for cores, name := range map[int]string{1: "trace root, one core", 2: "trace root, two cores"} {
		rows = append(rows, row{
			name: name, bound: 0.85,
			compares: "the bare SHA-256 work, on as many cores / trace root",
			ratios: turns(n,
				func() { split(cores, func(part int) { bareSHA(f, part, cores) }) },
				func() { merkle.TraceRoot(events, leaf, cores) }),
		})
	}
	return rows, nil
}
