package importer

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
)

// Cut returns bounds for Split that part the events of dir's sections into at most
// batches batches of about the same size, the last bound being the largest Lamport
// time there is (IMP-5). Events of one Lamport time stay together, so that there
// can be fewer. Without an event there is no bound. It holds eight bytes for each
// event. Errors: ErrNoSections, *frame.Error, those of the file system.
func Cut(ctx context.Context, dir string, batches int) ([]uint64, error) {
	if batches < 1 {
		return nil, fmt.Errorf("cannot cut a history into %d batches", batches)
	}
	files, err := sectionFiles(dir)
	if err != nil {
		return nil, err
	}
	var lamports []uint64
	for _, name := range files {
		err := readSection(filepath.Join(dir, name), func(_ frame.Header, file []byte) error {
			return walk(ctx, file, func(_ int64, e event.View) {
				lamports = append(lamports, e.Key().Lamport())
			})
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(lamports)
	return quantiles(lamports, batches), nil
}

// quantiles returns the values that end each of n equal parts of sorted, each
// value once.
func quantiles(sorted []uint64, n int) []uint64 {
	var bounds []uint64
	n = min(n, len(sorted))
	for i := 1; i <= n; i++ {
		end := uint64(i) * uint64(len(sorted)) / uint64(n)
		bounds = append(bounds, sorted[end-1])
	}
	return slices.Compact(bounds)
}
