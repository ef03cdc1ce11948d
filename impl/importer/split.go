package importer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// ErrBounds says that the bounds of batches are missing or not strictly increasing
// (IMP-5).
var ErrBounds = errors.New("bad bounds of batches")

// Batch is one batch that Split has written.
type Batch struct {
	Dir      string   // its folder
	Bound    uint64   // the largest Lamport time that belongs to it
	Sections []string // its files' names within Dir, in byte order
	Events   uint64   // in all of them
}

// Split writes the events of the sections in dir into one folder a batch,
// batch-0001 and so on, within output (IMP-5, IMP-4). A batch has no file of a
// section that gives it no event, and can be empty. Events beyond the last bound
// are left out, and their number is returned. Nothing but sections is read: a
// section's signature holds for the whole of it alone. Memory: 16 bytes for each
// event of the largest sections, as many as are written at a time, and 8 for
// each section and batch, beyond the mapped files. Errors: ErrBounds, ErrOutput,
// ErrNoSections, *frame.Error, those of omegalog and the file system.
func Split(ctx context.Context, dir string, bounds []uint64, output string) (batches []Batch, left uint64, err error) {
	if err := checkBounds(bounds); err != nil {
		return nil, 0, err
	}
	files, err := sectionFiles(dir)
	if err != nil {
		return nil, 0, err
	}
	stage, err := NewStage(output)
	if err != nil {
		return nil, 0, err
	}
	defer stage.Discard()
	batches, err = makeBatches(stage.Dir(), bounds)
	if err != nil {
		return nil, 0, err
	}
	counts := make([][]uint64, len(files)) // of each file, the events in each batch
	err = Each(ctx, len(files), func(ctx context.Context, i int) (err error) {
		counts[i], err = splitSection(ctx, filepath.Join(dir, files[i]), bounds, batches)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	for i, name := range files {
		for b, n := range counts[i] {
			switch {
			case b == len(batches):
				left += n
			case n > 0:
				batches[b].Sections = append(batches[b].Sections, name)
				batches[b].Events += n
			}
		}
	}
	if err := stage.Publish(); err != nil {
		return nil, 0, err
	}
	for i := range batches {
		batches[i].Dir = filepath.Join(output, filepath.Base(batches[i].Dir))
	}
	return batches, left, nil
}

func checkBounds(bounds []uint64) error {
	if len(bounds) == 0 {
		return fmt.Errorf("%w: there is none", ErrBounds)
	}
	for i := 1; i < len(bounds); i++ {
		if bounds[i-1] >= bounds[i] {
			return fmt.Errorf("%w: bound %d is %d, bound %d is %d", ErrBounds, i, bounds[i-1], i+1, bounds[i])
		}
	}
	return nil
}

func makeBatches(dir string, bounds []uint64) ([]Batch, error) {
	batches := make([]Batch, len(bounds))
	for i, bound := range bounds {
		batches[i] = Batch{Dir: filepath.Join(dir, batchName(i+1, len(bounds))), Bound: bound}
		if err := os.Mkdir(batches[i].Dir, 0o777); err != nil {
			return nil, err
		}
	}
	return batches, nil
}

// batchName is the name of batch b of n, such that names sort as numbers do.
func batchName(b, n int) string {
	return fmt.Sprintf("batch-%0*d", max(4, len(strconv.Itoa(n))), b)
}

// place says where an event lies and where it goes.
type place struct {
	offset int64
	batch  int
}

// splitSection writes one section's part of each batch and returns the number
// of events in each, and after them that of the events beyond the last bound.
func splitSection(ctx context.Context, path string, bounds []uint64, batches []Batch) (counts []uint64, err error) {
	counts = make([]uint64, len(bounds)+1)
	err = readSection(path, func(h frame.Header, file []byte) error {
		var places []place
		err := walk(ctx, file, func(offset int64, e event.View) {
			batch, _ := slices.BinarySearch(bounds, e.Key().Lamport())
			counts[batch]++
			if batch < len(bounds) {
				places = append(places, place{offset, batch})
			}
		})
		if err != nil {
			return err
		}
		slices.SortStableFunc(places, func(a, b place) int { return a.batch - b.batch })
		for len(places) > 0 {
			batch := places[0].batch
			n := int(counts[batch])
			part := filepath.Join(batches[batch].Dir, filepath.Base(path))
			if err := writePart(part, h.Node, file, places[:n]); err != nil {
				return err
			}
			places = places[n:]
		}
		return nil
	})
	return counts, err
}

// writePart makes a section with the events of file at places.
func writePart(path string, node uint32, file []byte, places []place) error {
	w, err := omegalog.Create(path, node)
	if err != nil {
		return err
	}
	defer w.Abort()
	for _, p := range places {
		e, _, err := frame.Next(file, p.offset)
		if err == nil {
			err = w.Append(e)
		}
		if err != nil {
			return err
		}
	}
	return w.Close()
}
