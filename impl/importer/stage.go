package importer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// ErrOutput says that the output folder cannot be taken: something is there
// already, or it cannot be made (IMP-4).
var ErrOutput = errors.New("cannot use the output folder")

// Stage is an output folder in the making: all of it appears under its name, or
// nothing (IMP-4). It belongs to one goroutine.
type Stage struct {
	output  string   // its final name
	temp    string   // beside output, so that a rename can move it there; "" when done
	parents []string // folders made for output to stand in, outermost first
}

// NewStage begins the folder output, and makes its parents. Nothing may be there
// but an empty folder; ErrOutput says what is.
func NewStage(output string) (*Stage, error) {
	output = filepath.Clean(output)
	if err := checkVacant(output); err != nil {
		return nil, err
	}
	s := &Stage{output: output}
	if err := s.make(); err != nil {
		s.Discard()
		return nil, fmt.Errorf("%w: %w", ErrOutput, err)
	}
	return s, nil
}

// make makes the missing parents, outermost first, and the folder to work in.
func (s *Stage) make() error {
	parent := filepath.Dir(s.output)
	var missing []string
	for dir := parent; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		missing = append(missing, dir)
	}
	for _, dir := range slices.Backward(missing) {
		if err := os.Mkdir(dir, 0o777); err != nil {
			return err
		}
		s.parents = append(s.parents, dir)
	}
	temp, err := os.MkdirTemp(parent, "."+filepath.Base(s.output)+".tmp-")
	if err != nil {
		return err
	}
	s.temp = temp
	return os.Mkdir(s.Dir(), 0o777)
}

func checkVacant(output string) error {
	info, err := os.Lstat(output)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("%w: %w", ErrOutput, err)
	case !info.IsDir():
		return fmt.Errorf("%w: %s is no folder", ErrOutput, output)
	}
	entries, err := os.ReadDir(output)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrOutput, err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%w: %s is not empty, it holds %s", ErrOutput, output, entries[0].Name())
	}
	return nil
}

// Dir is the folder that becomes the output.
func (s *Stage) Dir() string { return filepath.Join(s.temp, "out") }

// Scratch is a folder for working files, gone after Publish or Discard.
func (s *Stage) Scratch() string { return s.temp }

// Publish moves the folder to its place. On an error the output is as before.
func (s *Stage) Publish() error {
	if err := os.Remove(s.output); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrOutput, err)
	}
	if err := os.Rename(s.Dir(), s.output); err != nil {
		return fmt.Errorf("%w: %w", ErrOutput, err)
	}
	s.parents = nil
	s.Discard()
	return nil
}

// Discard deletes whatever has not been published, and the parents made for it.
// After Publish, and when called again, it does nothing.
func (s *Stage) Discard() {
	if s.temp != "" {
		os.RemoveAll(s.temp) // what cannot be deleted stays, under a name that says what it is
		s.temp = ""
	}
	for _, dir := range slices.Backward(s.parents) {
		os.Remove(dir) // stays where something else has come into it
	}
	s.parents = nil
}
