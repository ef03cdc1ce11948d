package verify

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/omega-sheaf-os/omega/impl/toolchain/files"
)

// cache remembers passed layers in a folder: a file NAME-KEY.json for each, and
// a lock file NAME.lock for each layer. A nil cache remembers nothing.
type cache struct{ dir string }

// remember is how long a result stays without being used.
const remember = 30 * 24 * time.Hour

// entry is what a file of the cache holds.
type entry struct {
	Result Result
	Lines  []string // the summary lines of `go test`
}

// openCache opens the cache in dir, DefaultCacheDir where that is empty.
func openCache(dir string) (*cache, error) {
	if dir == "" {
		var err error
		if dir, err = DefaultCacheDir(); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &cache{dir}, nil
}

func (c *cache) path(name, key string) string {
	return filepath.Join(c.dir, name+"-"+key+".json")
}

// load returns what is remembered of the layer under key. A file that cannot be
// read as one is taken as none: the layer is then run.
func (c *cache) load(name, key string) (Result, []string, bool) {
	if c == nil {
		return Result{}, nil, false
	}
	b, err := os.ReadFile(c.path(name, key))
	if err != nil {
		return Result{}, nil, false
	}
	var e entry
	if json.Unmarshal(b, &e) != nil || e.Result.Name != name || e.Result.Verdict != Pass {
		return Result{}, nil, false
	}
	now := time.Now()
	_ = os.Chtimes(c.path(name, key), now, now) // in use; else it is dropped early, no more
	return e.Result, e.Lines, true
}

// store remembers that the layer has passed under key, and drops what has not
// been used for long.
func (c *cache) store(name, key string, res Result, lines []string) error {
	if c == nil {
		return nil
	}
	b, err := json.Marshal(entry{res, lines})
	if err != nil {
		return err
	}
	if err := files.Replace(c.path(name, key), b); err != nil {
		return err
	}
	return c.drop(name)
}

// drop removes the layer's results and left-over files that are out of use.
func (c *cache) drop(name string) error {
	old, err := filepath.Glob(filepath.Join(c.dir, name+"-*"))
	if err != nil {
		return err
	}
	for _, path := range old {
		info, err := os.Stat(path)
		if err != nil || time.Since(info.ModTime()) < remember {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// lock lets one process at a time run the layer, so that a second one finds the
// first one's result. It calls waiting once if it has to wait.
func (c *cache) lock(ctx context.Context, name string, waiting func()) (unlock func(), err error) {
	if c == nil {
		return func() {}, nil
	}
	return files.Lock(ctx, filepath.Join(c.dir, name+".lock"), waiting)
}
