package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
	"github.com/omega-sheaf-os/omega/impl/toolchain/files"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// runner runs layers over one checkout.
type runner struct {
	root  string
	opts  Options
	cache *cache // nil where there is none to use
	tools map[string]tools.Found
	env   string // what Go says of itself

	memoryMB int // available at the start

	output   sync.Mutex
	progress io.Writer // safe for concurrent use
}

func newRunner(ctx context.Context, opts Options) (*runner, error) {
	root, err := checkout.FindRoot(opts.Dir)
	if err != nil {
		return nil, err
	}
	if os.Getenv(nestedVariable) == root {
		return nil, fmt.Errorf("%w: %s", ErrNested, root)
	}
	r := &runner{root: root, opts: opts, tools: map[string]tools.Found{}, memoryMB: opts.memoryMB}
	if r.memoryMB == 0 {
		if r.memoryMB, err = tools.AvailableMB(); err != nil {
			r.memoryMB = math.MaxInt // nobody can tell
		}
	}
	r.progress = &tools.SharedWriter{Mu: &r.output, W: opts.Progress}
	r.cache, err = openCache(opts.CacheDir)
	if err != nil {
		fmt.Fprintf(r.progress, "verify: nothing can be remembered for the next time: %v\n", err)
	}
	return r, nil
}

// findTools finds what the layers cannot do without, and the tools' versions,
// on which what is remembered depends. What is missing is noted. The error is a
// *tools.MissingError for Go, without which nothing can be remembered.
func (r *runner) findTools(ctx context.Context, layers []layer) error {
	for _, l := range layers {
		for _, t := range l.needs() {
			if _, ok := r.tools[t.Name]; ok {
				continue
			}
			f, err := t.FindOrInstall(ctx, r.progress)
			f.Tool, f.Err = t, err
			r.tools[t.Name] = f
		}
	}
	out, err := tools.Command(ctx, r.root, nil, "go", "env", "GOVERSION", "GOOS", "GOARCH", "GOFLAGS", "GOEXPERIMENT",
		"GODEBUG", "GOAMD64", "CC", "CGO_CFLAGS", "CGO_LDFLAGS").CombinedOutput()
	if err != nil {
		return &tools.MissingError{Tool: tools.Go(), Cause: fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))}
	}
	r.env = string(out)
	return nil
}

// lacking joins the errors of the tools that are missing.
func (r *runner) lacking() error {
	var missing []error
	for _, name := range slices.Sorted(maps.Keys(r.tools)) {
		missing = append(missing, r.tools[name].Err)
	}
	return errors.Join(missing...)
}

// used returns the tools that were found, the pinned ones apart.
func (r *runner) used() (pinned, host []Used) {
	for _, name := range slices.Sorted(maps.Keys(r.tools)) {
		u := Used{name, r.tools[name].Version}
		if slices.Contains([]string{tools.Go().Name, tools.Lean().Name, tools.TLC().Name}, name) {
			pinned = append(pinned, u)
		} else {
			host = append(host, u)
		}
	}
	return pinned, host
}

// lacks joins the errors of the tools that l needs.
func (r *runner) lacks(l layer) error {
	var missing []error
	for _, t := range l.needs() {
		missing = append(missing, r.tools[t.Name].Err)
	}
	return errors.Join(missing...)
}

// refuse fails a layer that cannot be run, and tells it.
func (r *runner) refuse(l layer, err error) Result {
	res := failed(l.name, time.Now(), err)
	r.tell(res)
	return res
}

// layer runs one layer, or finds that it has passed before.
func (r *runner) layer(ctx context.Context, l layer) Result {
	if err := r.lacks(l); err != nil {
		return r.refuse(l, err)
	}
	start := time.Now()
	unlock, err := r.cache.lock(ctx, l.name, func() {
		fmt.Fprintf(r.progress, "verify: %s waits for another verify\n", l.name)
	})
	if err != nil {
		return failed(l.name, start, err)
	}
	defer unlock()
	files, err := checkout.Files(ctx, r.root)
	if err != nil {
		return failed(l.name, start, err)
	}
	key, err := r.key(l, files)
	if err != nil {
		return failed(l.name, start, err)
	}
	if !r.opts.NoCache {
		if res, lines, ok := r.cache.load(l.name, key); ok {
			return r.remembered(res, lines, start)
		}
	}
	fmt.Fprintf(r.progress, "verify: %s runs\n", l.name)
	res, lines := r.fresh(ctx, l, files, start)
	// What the layer has seen is what the key names only if nothing changed.
	if again, err := r.key(l, files); res.Verdict == Pass && err == nil && again == key {
		if err := r.cache.store(l.name, key, res, lines); err != nil {
			fmt.Fprintf(r.progress, "verify: %s: this cannot be remembered: %v\n", l.name, err)
		}
	}
	r.tell(res)
	return res
}

// fresh runs the layer and returns what came out, and its lines of `go test`.
func (r *runner) fresh(ctx context.Context, l layer, files []string, start time.Time) (Result, []string) {
	var lines []string
	t := &task{root: r.root, files: files, log: r.progress, line: func(line string) {
		lines = append(lines, line)
		r.print(line)
	}, memoryMB: l.memoryMB, deep: r.opts.Deep, mutants: l.mutants && r.opts.Mutants, parts: r.cache, reuse: !r.opts.NoCache}
	out := protect(ctx, l, t)
	res := Result{Name: l.name, Verdict: Pass, Counts: out.counts, Seconds: since(start), Message: out.message, Lists: out.lists, Varying: out.varying}
	if res.Counts == nil {
		res.Counts = map[string]float64{}
	}
	if len(out.problems) > 0 {
		res.Verdict, res.Message = Fail, strings.Join(out.problems, "\n")
	}
	return res, lines
}

// protect runs the layer; one that panics has a problem.
func protect(ctx context.Context, l layer, t *task) (out outcome) {
	defer func() {
		if p := recover(); p != nil {
			out = outcome{problems: []string{fmt.Sprintf("the layer panics: %v\n%s", p, debug.Stack())}}
		}
	}()
	return l.run(ctx, t)
}

// remembered tells a result from the cache.
func (r *runner) remembered(res Result, lines []string, start time.Time) Result {
	res.Cached, res.Seconds = true, since(start)
	for _, line := range lines {
		r.print(line + "\t(cached)")
	}
	r.tell(res)
	return res
}

func (r *runner) print(line string) {
	r.output.Lock()
	defer r.output.Unlock()
	fmt.Fprintln(r.opts.TestLines, line)
}

func (r *runner) tell(res Result) {
	cached := ""
	if res.Cached {
		cached = " (cached)"
	}
	fmt.Fprintf(r.progress, "verify: %s: %s in %.1f s%s\n", res.Name, res.Verdict, res.Seconds, cached)
}

func failed(name string, start time.Time, err error) Result {
	return Result{Name: name, Verdict: Fail, Counts: map[string]float64{}, Seconds: since(start), Message: err.Error()}
}

// since returns the seconds since start, to the millisecond.
func since(start time.Time) float64 { return math.Round(time.Since(start).Seconds()*1000) / 1000 }

// key names all that the layer's result depends on.
func (r *runner) key(l layer, paths []string) (string, error) {
	executable, err := os.Executable()
	if err != nil {
		return "", err
	}
	program, err := files.Hash(executable)
	if err != nil {
		return "", err
	}
	parts := []string{l.name, program, r.env}
	if l.deeper && r.opts.Deep {
		parts = append(parts, "deep")
	}
	if l.mutants && r.opts.Mutants {
		parts = append(parts, "all mutants")
	}
	for _, t := range l.needs() {
		f := r.tools[t.Name]
		parts = append(parts, f.Path, f.Version)
	}
	relevant := slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return !l.matters(filepath.ToSlash(path)) })
	return checkout.Hash(r.root, relevant, parts)
}
