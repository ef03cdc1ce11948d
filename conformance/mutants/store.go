package mutants

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
	"github.com/omega-sheaf-os/omega/impl/toolchain/files"
)

// stored is the file of what runs have shown of one content of the checkout: the
// results by the hash of the fault.
type stored map[string]Result

// Shown returns what runs over the checkout's present content have shown, by the
// hash of the fault. A change to any file that a check can depend on makes it
// empty; so does a new line in the ledger for the fault that it changes.
func Shown(ctx context.Context, root string) (map[string]Result, error) {
	path, err := storePath(ctx, root)
	if err != nil {
		return nil, err
	}
	return load(path)
}

func load(path string) (stored, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return stored{}, nil
	}
	if err != nil {
		return nil, err
	}
	s := stored{}
	if json.Unmarshal(raw, &s) != nil {
		return stored{}, nil // of another version: nothing is shown
	}
	return s, nil
}

// store adds the results to what has been shown.
func store(ctx context.Context, root string, report *Report) error {
	path, err := storePath(ctx, root)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	unlock, err := files.Lock(ctx, path+".lock", func() {})
	if err != nil {
		return err
	}
	defer unlock()
	all, err := load(path)
	if err != nil {
		return err
	}
	added := stored{}
	for _, res := range report.Results {
		added[res.Hash] = res
	}
	maps.Copy(all, added)
	raw, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return files.Replace(path, raw)
}

// storePath returns the file of the checkout's present content, in the user's cache.
func storePath(ctx context.Context, root string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	all, err := checkout.Files(ctx, root)
	if err != nil {
		return "", err
	}
	matter := slices.DeleteFunc(all, func(file string) bool { return !bears(file) })
	key, err := checkout.Hash(root, matter, nil)
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "omega", "mutants", key+".json"), nil
}

// bears reports whether a file of the checkout can bear on what a check does. The
// faults have their own hashes, and the ledger's table only reads.
func bears(file string) bool {
	for _, own := range []string{"conformance/mutants/", "conformance/ledger/"} {
		if strings.HasPrefix(file, own) {
			return false
		}
	}
	for _, folder := range []string{"impl/", "conformance/", "cmd/", "spec/", "formal/", "tla/", "go."} {
		if strings.HasPrefix(file, folder) {
			return true
		}
	}
	return false
}
