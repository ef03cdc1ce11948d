package lean

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// outcome is what came out of building a module.
type outcome struct {
	done    chan struct{} // closed when the rest is set
	ok      bool
	fresh   bool   // checked in this run, not stored
	key     string // names the module's content, its imports' and Lean's
	problem string
}

// progress tells of modules as they are done.
type progress struct {
	mu    sync.Mutex
	log   io.Writer
	n, of int
	start time.Time
}

// module tells that a module is done.
func (p *progress) module(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	fmt.Fprintf(p.log, "lean: %d/%d %s\n", p.n, p.of, fmt.Sprintf(format, args...))
}

// build builds the modules, each after its imports, some at a time. What is
// refused is a problem; the error is one that ends everything.
func (r *run) build(ctx context.Context, ordered []*Module) error {
	r.outcome = map[string]*outcome{}
	for _, m := range ordered {
		r.outcome[m.Name] = &outcome{done: make(chan struct{})}
	}
	slots := make(chan struct{}, max(1, r.opts.Workers))
	var wg sync.WaitGroup
	for _, m := range ordered {
		wg.Go(func() {
			o := r.outcome[m.Name]
			defer close(o.done)
			if ready := r.await(ctx, m); ready {
				slots <- struct{}{}
				defer func() { <-slots }()
				r.module(ctx, m, o)
			}
		})
	}
	wg.Wait()
	for _, m := range ordered {
		if p := r.outcome[m.Name].problem; p != "" {
			r.problem("%s", p)
		}
	}
	return ctx.Err()
}

// await waits for the module's imports, and reports whether all are built.
func (r *run) await(ctx context.Context, m *Module) bool {
	ready := true
	for _, name := range m.Imports {
		imported := r.outcome[name]
		select {
		case <-imported.done:
			ready = ready && imported.ok
		case <-ctx.Done():
			return false
		}
	}
	return ready
}

// module finds the module in the store, or checks it.
func (r *run) module(ctx context.Context, m *Module, o *outcome) {
	start := time.Now()
	o.key = r.moduleKey(m)
	p, stored := r.store.get(o.key)
	var err error
	if !stored {
		o.fresh = true
		if p, err = r.compile(ctx, m.path(), true); err == nil && !p.Failed {
			err = r.store.put(o.key, p)
		}
	}
	switch {
	case err != nil:
		o.problem = err.Error()
	case p.Failed:
		o.problem = excerpt(p.Output)
	default:
		for ending, b := range p.Files {
			if err := r.write(strings.TrimSuffix(m.path(), ".lean")+ending, string(b)); err != nil {
				o.problem = err.Error()
			}
		}
	}
	o.ok = o.problem == ""
	switch {
	case !o.ok:
		r.told.module("%s FAILED", m.Name)
	case o.fresh:
		r.told.module("%s %.0f s", m.Name, time.Since(start).Seconds())
	default:
		r.told.module("%s stored", m.Name)
	}
}

// moduleKey names all that the compiled module depends on. Its imports are built.
func (r *run) moduleKey(m *Module) string {
	parts := []string{"module", r.opts.Identity, m.Name, m.Source}
	for _, name := range slices.Sorted(slices.Values(m.Imports)) {
		parts = append(parts, name, r.outcome[name].key)
	}
	return key(parts...)
}
