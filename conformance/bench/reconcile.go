package main

import (
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// reconcile does what the command does: with two workers whose faults are
// caught, and fresh memory in an arena.
func reconcile(f files) (*invariant.Result, error) {
	arena := omegalog.NewArena("", 512<<20)
	defer arena.Close()
	opt := invariant.Options{Workers: 2, Run: omegalog.Run, Alloc: arena.Alloc}
	return invariant.Reconcile(f.inputs(), invariant.Empty{}, opt)
}

func mustMerge(f files) {
	result, err := reconcile(f)
	if err != nil {
		panic(err)
	}
	if !result.Merged() {
		panic("the sections do not merge")
	}
}

func benchReconcile(dir string, short bool) ([]row, error) {
	events, n := 1_000_000, 15
	if short {
		events, n = 200_000, 7
	}
	f, err := openSections(dir, events)
	if err != nil {
		return nil, err
	}
	defer f.close()
	return []row{{
		name: "reconcile", bound: 1.5, atMost: true,
		compares: "reconcile / the bare CRC-32C and SHA-256 work, both on two cores",
		ratios: turns(n, func() { mustMerge(f) }, func() {
			split(2, func(part int) {
				bareCRC(f, part, 2)
				bareSHA(f, part, 2)
			})
		}),
	}}, nil
}
