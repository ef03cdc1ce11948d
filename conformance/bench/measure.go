package main

import (
	"runtime"
	"sync"
	"time"

	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// took returns how long f takes, in seconds.
func took(f func()) float64 {
	start := time.Now()
	f()
	return time.Since(start).Seconds()
}

// turns lets a and b take turns, after one each that does not count, and returns
// the ratios of a's time to b's.
func turns(n int, a, b func()) []float64 {
	a()
	b()
	ratios := make([]float64, n)
	for i := range ratios {
		runtime.GC()
		of := took(a)
		ratios[i] = of / took(b)
	}
	return ratios
}

// split runs f for each of parts parts at the same time.
func split(parts int, f func(part int)) {
	var wg sync.WaitGroup
	for part := range parts {
		wg.Go(func() { f(part) })
	}
	wg.Wait()
}

// files are mapped sections of frames of one size.
type files []*omegalog.OmegaLogView

// openAll maps the sections, and touches each of their pages.
func openAll(paths []string) (files, error) {
	var all files
	for _, path := range paths {
		view, err := omegalog.Open(path)
		if err != nil {
			all.close()
			return nil, err
		}
		all = append(all, view)
		touch(view.Bytes())
	}
	return all, nil
}

func touch(b []byte) {
	var x byte
	for at := 0; at < len(b); at += 4096 {
		x ^= b[at]
	}
	runtime.KeepAlive(x)
}

func (f files) close() {
	for _, view := range f {
		view.Close()
	}
}

func (f files) inputs() []invariant.Input {
	inputs := make([]invariant.Input, len(f))
	for i, view := range f {
		inputs[i] = invariant.Input{Name: view.Name(), Data: view.Bytes()}
	}
	return inputs
}
