package main

import (
	"hash/crc32"
	"runtime"

	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/section"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// bareCRC is the CRC-32C of each frame's 194 bytes, in one call a frame, the
// frames' places being known.
func bareCRC(f files, part, parts int) {
	var x uint32
	for _, view := range f {
		frames := view.Bytes()[frame.HeaderSize:]
		n := len(frames) / frameSize
		for i := part * n / parts; i < (part+1)*n/parts; i++ {
			x ^= crc32.Checksum(frames[i*frameSize:(i+1)*frameSize], castagnoli)
		}
	}
	runtime.KeepAlive(x)
}

// scanAll scans the sections one after the other.
func scanAll(f files, workers int) {
	for _, view := range f {
		if _, err := section.Scan(view.Bytes(), section.Options{Workers: workers, Run: omegalog.Run}); err != nil {
			panic(err)
		}
	}
}

func benchScan(dir string, short bool) ([]row, error) {
	events, n := 1_000_000, 31
	if short {
		events, n = 200_000, 11
	}
	f, err := openSections(dir, events)
	if err != nil {
		return nil, err
	}
	defer f.close()
	return []row{
		{
			name: "scan, one core", bound: 0.6,
			compares: "a bare CRC-32C over each frame / scan: lengths, CRC and event checks",
			ratios:   turns(n, func() { bareCRC(f, 0, 1) }, func() { scanAll(f, 1) }),
		},
		{
			name: "scan, two cores", bound: 1.6,
			compares: "scan on one core / on two",
			ratios:   turns(n, func() { scanAll(f, 1) }, func() { scanAll(f, 2) }),
		},
	}, nil
}

// openSections writes sections with so many events together, and maps them.
func openSections(dir string, events int) (files, error) {
	paths, err := writeSections(dir, events)
	if err != nil {
		return nil, err
	}
	return openAll(paths)
}
