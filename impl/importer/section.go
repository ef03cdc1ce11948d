package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// ErrNoSections says that a folder has no section to read.
var ErrNoSections = errors.New("the folder holds no " + Extension + " file")

// checkEvery is how many frames pass between two looks at a context.
const checkEvery = 1 << 12

// sectionFiles returns the names of dir's sections in byte order.
func sectionFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), Extension) {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoSections)
	}
	return names, nil
}

// readSection calls read with the header and the mapped bytes of the section at
// path. The bytes are gone when read returns. Errors name the path: *frame.Error,
// *omegalog.Error, *omegalog.ChangedError, that of read.
func readSection(path string, read func(h frame.Header, file []byte) error) error {
	view, err := omegalog.Open(path)
	if err != nil {
		return err
	}
	defer view.Close()
	return omegalog.Guard(func() error {
		h, err := frame.ParseHeader(view.Bytes())
		if err == nil {
			err = read(h, view.Bytes())
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	}, view)
}

// walk calls visit with the offset and the event of each frame of a section, in
// file order. Errors: *frame.Error, that of the context.
func walk(ctx context.Context, file []byte, visit func(offset int64, e event.View)) error {
	at := int64(frame.HeaderSize)
	for n := 0; ; n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		e, next, err := frame.Next(file, at)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		visit(at, e)
		at = next
	}
}
