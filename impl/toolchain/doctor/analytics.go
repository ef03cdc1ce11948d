package doctor

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/kernel/fixed"
	"github.com/omega-sheaf-os/omega/impl/toolchain/arch"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
)

// testAnalytics computes figures that are known, and the golden outputs on every
// architecture (layer D).
func testAnalytics(ctx context.Context, o *Options) (string, error) {
	if err := checkFigures(); err != nil {
		return "", err
	}
	root, err := checkout.FindRoot(o.Root)
	if err != nil {
		return "", fmt.Errorf("the figures are right here, but the other architectures need the source: %w", err)
	}
	lines := 0
	for _, goarch := range arch.Architectures {
		if lines, err = check(ctx, root, goarch, o); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d golden lines, the same on %s", lines, strings.Join(arch.Architectures, ", ")), nil
}

// check compares the golden outputs of one architecture. What is missing is
// installed only if that was asked for.
func check(ctx context.Context, root, goarch string, o *Options) (int, error) {
	if tool, foreign := arch.Emulator(goarch); foreign && !o.Install {
		if f := tool.Find(ctx); f.Err != nil {
			return 0, f.Err
		}
	}
	return arch.Check(ctx, root, goarch, o.Log)
}

// checkFigures compares the figures of values at the ends of their range with
// those worked out by hand.
func checkFigures() error {
	var s fixed.Stats
	for _, v := range []int32{math.MaxInt32, math.MaxInt32, math.MinInt32, -500, 1} {
		s.Add(v)
	}
	mean, _ := s.Mean()
	got := fmt.Sprintf("%d %v %s %s %s", s.Count, s.Sum, fixed.Format(s.Min), fixed.Format(s.Max), fixed.Format(mean))
	// 2147483647 - 1 - 500 + 1 = 2147483147 thousandths; a fifth is 429496629.4.
	const want = "5 2147483.147 -2147483.648 2147483.647 429496.629"
	if got != want {
		return fmt.Errorf("the figures are %q, want %q", got, want)
	}
	return nil
}
