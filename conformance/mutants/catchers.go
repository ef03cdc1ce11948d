package mutants

import (
	"cmp"
	"context"
	"os"
	"runtime"
	"slices"
)

// Catchers plants the fault, which is one of Go, runs all tests of the packages, and
// returns those that fail, without those that only have failing ones within. It
// serves who writes a new fault.
func Catchers(ctx context.Context, root string, f *Fault, folders ...string) ([]Check, error) {
	dir, err := os.MkdirTemp("", "omega-mutant-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	overlayFile, err := f.plant(root, dir)
	if err != nil {
		return nil, err
	}
	var everything []Check
	for _, folder := range folders {
		everything = append(everything, Check{Where: folder})
	}
	verdicts := map[Check]Verdict{}
	if err := (tester{root, runtime.NumCPU()}).goTestOnce(ctx, overlayFile, everything, verdicts); err != nil {
		return nil, err
	}
	var failed []Check
	for c, v := range verdicts {
		if v == Failed && c.What != "" {
			failed = append(failed, c)
		}
	}
	slices.SortFunc(failed, func(a, b Check) int { return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.What, b.What)) })
	return failed, nil
}
