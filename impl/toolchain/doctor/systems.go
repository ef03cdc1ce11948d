package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// sampleEvents is how many events the file of the self-test has: several pages.
const sampleEvents = 500

// testSystems writes a `.omega` file, maps it and reads it back; then one of its
// bytes is changed and the file is cut short under the map, and both must be
// noticed (layer C).
func testSystems(context.Context, *Options) (string, error) {
	dir, err := os.MkdirTemp("", "omega-doctor-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "sample.omega")
	if err := writeSample(path); err != nil {
		return "", err
	}
	n, err := readSample(path)
	if err != nil {
		return "", err
	}
	if n != sampleEvents {
		return "", fmt.Errorf("%d events were mapped, %d were written", n, sampleEvents)
	}
	if err := noticeFlip(path); err != nil {
		return "", err
	}
	if err := noticeCut(path); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d events written, mapped and read; a flipped byte and a file cut short under the map were noticed", n), nil
}

func writeSample(path string) error {
	w, err := omegalog.Create(path, 1)
	if err != nil {
		return err
	}
	defer w.Abort()
	for i := range sampleEvents {
		e := event.Event{Key: key.New(uint64(i), 1, 0, [key.EventIDSize]byte{}), Value: int32(i), Payload: []byte("sample")}
		body, err := e.Append(nil)
		if err != nil {
			return err
		}
		if err := w.Append(body); err != nil {
			return err
		}
	}
	return w.Close()
}

// readSample maps the file and counts its events, each of which must be the one
// that was written in its place.
func readSample(path string) (n int, err error) {
	view, err := omegalog.Open(path)
	if err != nil {
		return 0, err
	}
	defer view.Close()
	err = omegalog.Guard(func() error {
		for f, err := range view.Events() {
			if err != nil {
				return err
			}
			if f.Event.Key().Lamport() != uint64(n) || f.Event.Value() != int32(n) {
				return fmt.Errorf("event %d has the key %v and the value %d", n, f.Event.Key(), f.Event.Value())
			}
			n++
		}
		return nil
	}, view)
	return n, err
}

// noticeFlip changes one bit of a copy, which must then be refused.
func noticeFlip(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[len(b)/2] ^= 1
	flipped := path + ".flipped"
	if err := os.WriteFile(flipped, b, 0o600); err != nil {
		return err
	}
	_, err = readSample(flipped)
	if _, ok := errors.AsType[*frame.Error](err); !ok {
		return fmt.Errorf("a flipped bit was not noticed: %v", err)
	}
	return nil
}

// noticeCut cuts the file short while it is mapped: reading on must give an
// error, where the bare machine gives a fault.
func noticeCut(path string) error {
	view, err := omegalog.Open(path)
	if err != nil {
		return err
	}
	defer view.Close()
	err = omegalog.Guard(func() error {
		if err := os.Truncate(path, 0); err != nil {
			return err
		}
		for _, err := range view.Events() {
			if err != nil {
				return err
			}
		}
		return nil
	}, view)
	if _, ok := errors.AsType[*omegalog.ChangedError](err); !ok {
		return fmt.Errorf("a file that was cut short under the map was not noticed: %v", err)
	}
	return nil
}
