package verify

import (
	"context"
	"runtime"
	"sync"

	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// runAll runs layers in their order, as many at a time as there are processors
// and memory for.
func (r *runner) runAll(ctx context.Context, layers []layer) map[string]Result {
	results := make([]Result, len(layers))
	room := newRoom(r.memoryMB, runtime.NumCPU())
	var wg sync.WaitGroup
	for i, l := range layers {
		if l.memoryMB > r.memoryMB {
			results[i] = r.refuse(l, &tools.MemoryError{What: "the layer " + l.name, GotMB: r.memoryMB, WantMB: l.memoryMB})
			continue
		}
		room.enter(l.memoryMB)
		wg.Go(func() {
			defer room.leave(l.memoryMB)
			results[i] = r.layer(ctx, l)
		})
	}
	wg.Wait()
	byName := map[string]Result{}
	for _, res := range results {
		res.BudgetSeconds = budgets[res.Name].Seconds()
		byName[res.Name] = res
	}
	return byName
}

// room is the memory and the places that running layers share.
type room struct {
	changed        *sync.Cond
	memoryMB, free int // what is not taken
}

func newRoom(memoryMB, places int) *room {
	return &room{changed: sync.NewCond(&sync.Mutex{}), memoryMB: memoryMB, free: places}
}

// enter waits until memoryMB and a place are free, and takes them.
func (r *room) enter(memoryMB int) {
	r.changed.L.Lock()
	defer r.changed.L.Unlock()
	for r.free == 0 || r.memoryMB < memoryMB {
		r.changed.Wait()
	}
	r.free--
	r.memoryMB -= memoryMB
}

func (r *room) leave(memoryMB int) {
	r.changed.L.Lock()
	defer r.changed.L.Unlock()
	r.free++
	r.memoryMB += memoryMB
	r.changed.Broadcast()
}
