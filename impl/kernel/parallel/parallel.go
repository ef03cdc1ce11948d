// Package parallel splits the kernel's work among workers, so that what the
// workers are is the caller's choice (clause SEC-5).
//
// The kernel starts no goroutine of its own where its caller gives a Run. That
// matters for mapped files: where one shrinks under the map, the fault strikes
// in the worker that reads, and only that worker can turn it into an error. The
// results of kernel functions depend neither on the Run nor on its workers.
package parallel

import (
	"sync"
	"sync/atomic"
)

// Run calls task(0), ..., task(n-1), n at least one, as much at the same time as
// it likes, and returns after all have returned (SEC-5).
type Run func(n int, task func(i int))

// Go is the Run that gives each task a goroutine, and task 0 the caller's (SEC-5).
func Go(n int, task func(i int)) {
	var wg sync.WaitGroup
	for i := 1; i < n; i++ {
		wg.Go(func() { task(i) })
	}
	task(0)
	wg.Wait()
}

// Blocks cuts 0 .. n-1 into blocks of size, the last one shorter, and has up to
// the given number of workers, at least one, call task for each block once. One
// worker's calls come one after the other, with growing from (SEC-5).
func Blocks(run Run, workers, n, size int, task func(worker, from, to int)) {
	blocks := (n + size - 1) / size
	if blocks == 0 {
		return
	}
	var next atomic.Int64
	run(min(workers, blocks), func(worker int) {
		for {
			b := int(next.Add(1)) - 1
			if b >= blocks {
				return
			}
			task(worker, b*size, min((b+1)*size, n))
		}
	})
}
