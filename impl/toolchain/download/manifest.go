package download

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/toolchain/files"
)

// manifestName is the file of a package's folder that lists the others.
const manifestName = "manifest.json"

// entry is what the manifest says of a file.
type entry struct {
	Path   string `json:"path"` // within the package, with slashes
	Size   int64  `json:"size"`
	Time   int64  `json:"time"` // of the last change, in nanoseconds
	SHA256 string `json:"sha256"`
}

// writeManifest lists the files of folder in its manifest.
func writeManifest(ctx context.Context, folder string) error {
	var list []entry
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return errors.Join(err, ctx.Err())
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		sum, err := files.Hash(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		list = append(list, entry{filepath.ToSlash(name), info.Size(), info.ModTime().UnixNano(), sum})
		return err
	})
	if err != nil {
		return err
	}
	b, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, manifestName), b, 0o600)
}

// checkManifest compares the files of folder with its manifest.
func checkManifest(folder string, run []string) error {
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return ErrAbsent
	}
	path := filepath.Join(folder, manifestName)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &DamagedError{path, "it is missing", "the list of the package's files"}
	}
	if err != nil {
		return err
	}
	var list []entry
	if err := json.Unmarshal(b, &list); err != nil {
		return &DamagedError{path, err.Error(), "the list of the package's files"}
	}
	listed := map[string]bool{}
	for _, e := range list {
		listed[e.Path] = true
		if err := e.check(folder, slices.Contains(run, e.Path)); err != nil {
			return err
		}
	}
	for _, name := range run {
		if !listed[name] {
			return &DamagedError{path, "it does not name " + name, "the list of the package's files"}
		}
	}
	return nil
}

// check compares the file with its entry; its bytes are read where always says so
// or where the file's time is another.
func (e entry) check(folder string, always bool) error {
	path := filepath.Join(folder, filepath.FromSlash(e.Path))
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &DamagedError{path, "it is missing", fmt.Sprintf("%d bytes", e.Size)}
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() != e.Size {
		return &DamagedError{path, fmt.Sprintf("it has %d bytes", info.Size()), fmt.Sprint(e.Size)}
	}
	if !always && info.ModTime().UnixNano() == e.Time {
		return nil
	}
	sum, err := files.Hash(path)
	if err != nil {
		return err
	}
	if sum != e.SHA256 {
		return &DamagedError{path, "its SHA-256 is " + sum, e.SHA256}
	}
	return nil
}
