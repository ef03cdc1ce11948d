package lean

import (
	"bytes"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/omega-sheaf-os/omega/impl/toolchain/files"
)

// store keeps what Lean has given, by key: a file KEY that holds the SHA-256 of
// the rest, and the rest, a gob of product.
type store struct {
	dir   string
	again bool // find nothing, so that everything is done again
}

// product is what one run of Lean has given.
type product struct {
	Files  map[string][]byte // by their endings: .olean, .olean.private, ...
	Output string            // what it printed
	Failed bool              // whether it refused the file
}

// unused is how long what nobody uses is kept.
const unused = 30 * 24 * time.Hour

// open makes the store's folder and drops what is out of use, left-over working
// folders of killed runs among it.
func (s *store) open() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil { // another run has dropped it
			continue
		}
		age := time.Since(info.ModTime())
		if age > unused || e.IsDir() && age > 24*time.Hour {
			if err := os.RemoveAll(filepath.Join(s.dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// workDir makes a folder for one run, beside what is stored.
func (s *store) workDir() (string, error) { return os.MkdirTemp(s.dir, "work-") }

// key names what depends on parts and on nothing else.
func key(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// get returns what is stored under key. A file that is not whole is taken as none.
func (s *store) get(key string) (product, bool) {
	if s.again {
		return product{}, false
	}
	path := filepath.Join(s.dir, key)
	b, err := os.ReadFile(path)
	if err != nil || len(b) < sha256.Size {
		return product{}, false
	}
	sum := sha256.Sum256(b[sha256.Size:])
	var p product
	if !bytes.Equal(sum[:], b[:sha256.Size]) || gob.NewDecoder(bytes.NewReader(b[sha256.Size:])).Decode(&p) != nil {
		return product{}, false
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // in use; else it is dropped early, no more
	return p, true
}

// put stores p under key; what stood there is replaced at once.
func (s *store) put(key string, p product) error {
	var b bytes.Buffer
	b.Write(make([]byte, sha256.Size))
	if err := gob.NewEncoder(&b).Encode(p); err != nil {
		return err
	}
	sum := sha256.Sum256(b.Bytes()[sha256.Size:])
	copy(b.Bytes(), sum[:])
	return files.Replace(filepath.Join(s.dir, key), b.Bytes())
}
