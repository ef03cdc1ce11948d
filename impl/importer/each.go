package importer

import (
	"context"
	"sync"
	"sync/atomic"
)

// filesAtOnce is how many files are written at a time. A file's way to the disk
// is mostly waiting, and some folders have thousands of sections.
const filesAtOnce = 8

// Each calls task with 0 to n-1, each once, several at a time, and returns when
// all calls have ended. After a first error, which it returns, or the end of
// the context it begins no more, and the context that tasks get is done.
func Each(ctx context.Context, n int, task func(ctx context.Context, i int) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var (
		next atomic.Int64
		wg   sync.WaitGroup
	)
	for range min(n, filesAtOnce) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := task(ctx, i); err != nil {
					stop(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
