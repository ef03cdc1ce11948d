package sim_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/conformance/sim"
)

var replaySeed = flag.Uint64("seed", 0, "the seed whose runs TestReplay makes: in memory, with Ed25519, and on disks that fail")

// report ends the test at a run that broke a promise, with the line that replays it
// and the trace of its records.
func report(t *testing.T, seed uint64, o sim.Options, r sim.Result) {
	t.Helper()
	path := filepath.Join(t.ArtifactDir(), fmt.Sprintf("seed-%d.trace", seed))
	var lines strings.Builder
	o.Record = func(r sim.Record) { fmt.Fprintln(&lines, r) }
	again := sim.Run(seed, o)
	fmt.Fprintln(&lines, again.Err)
	require.NoError(t, os.WriteFile(path, []byte(lines.String()), 0o644))
	t.Fatalf("%v\nreplay: go test ./conformance/sim -run TestReplay -seed=%d -v\ntrace: %s", r.Err, seed, path)
}

// used is the processor time of this process.
func used(t *testing.T) time.Duration {
	var u unix.Rusage
	require.NoError(t, unix.Getrusage(unix.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perMinute is how many runs one core makes in a minute.
func perMinute(runs int, took time.Duration) int {
	return int(float64(runs) / took.Minutes())
}

func TestNoSeedBreaksAPromise(t *testing.T) {
	seeds, before := 0, used(t)
	var sum sim.Stats
	for seed := range uint64(layer.Runs(3_000, 200_000)) {
		if sim.IsCanary(seed) {
			continue
		}
		o := sim.OptionsOf(seed)
		r := sim.Run(seed, o)
		if r.Err != nil {
			report(t, seed, o, r)
		}
		seeds++
		sum.Add(r.Stats)
	}
	layer.Count(t, "seeds", seeds)
	layer.Count(t, "steps", sum.Steps)
	layer.Measure(t, "seeds_per_minute", perMinute(seeds, used(t)-before))
	t.Logf("%+v", sum)
	for name, n := range map[string]int{
		"refused": sum.Refused, "undecodable": sum.Undecodable, "crashes": sum.Crashes, "failed writes": sum.FailedWrites,
		"appends": sum.Appends, "locks": sum.Locks, "evidence": sum.Evidence, "lies": sum.Lies, "partitions": sum.Partitions,
	} {
		require.Greater(t, n, seeds/10, "the runs are too tame: %s", name)
	}
}

// tries is far more than any canary takes.
const tries = 400

func TestEveryCanaryIsFound(t *testing.T) {
	planted, found, most := 0, 0, 0
	shown := map[string]bool{}
	for seed := range uint64(layer.Runs(3_000, 200_000)) {
		if !sim.IsCanary(seed) {
			continue
		}
		planted++
		o := sim.OptionsOf(seed)
		n, err := find(seed, o)
		if err == nil {
			t.Errorf("the canary of seed %d is not found in %d runs: a member %s", seed, tries, o.Canary.Name)
			continue
		}
		found, most = found+1, max(most, n+1)
		shown[o.Canary.Name] = true
		require.Contains(t, o.Canary.Rules, err.Rule, "seed %d: a member %s: %v", seed, o.Canary.Name, err)
	}
	for _, f := range sim.Faults {
		require.True(t, shown[f.Name], "no run was made in which a member %s", f.Name)
	}
	t.Logf("at most %d runs to find one", most)
	layer.Count(t, "canaries", planted)
	layer.Count(t, "canaries_found", found)
}

// find runs a canary until it is found, and returns in which run and by what.
func find(seed uint64, o sim.Options) (n int, found *sim.Failure) {
	for n := range tries {
		if r := sim.Run(sim.Again(seed, n), o); r.Err != nil {
			return n, r.Err.(*sim.Failure)
		}
	}
	return tries, nil
}

func TestRealSignaturesTakeTheSameWay(t *testing.T) {
	seeds, took := 0, time.Duration(0)
	for seed := range uint64(layer.Runs(3_000, 200_000)) {
		if !sim.IsReal(seed) {
			continue
		}
		o := sim.OptionsOf(seed)
		fast := sim.Run(seed, o)
		o.Real = true
		before := used(t)
		r := sim.Run(seed, o)
		took += used(t) - before
		if r.Err != nil {
			report(t, seed, o, r)
		}
		seeds++
		require.Equal(t, fast.Flow, r.Flow, "seed %d: another control flow with Ed25519", seed)
		require.Equal(t, fast.Stats, r.Stats, "seed %d", seed)
	}
	layer.Count(t, "real_seeds", seeds)
	layer.Measure(t, "real_seeds_per_minute", perMinute(seeds, took))
}

func TestReplay(t *testing.T) {
	fast := sim.OptionsOf(*replaySeed)
	real, disks := fast, onDisks(t, *replaySeed, &diskCounts{})
	real.Real = true
	fast.Record = func(r sim.Record) { t.Log("in memory:", r) }
	disks.Record = func(r sim.Record) { t.Log("on disks:", r) }
	for _, o := range []sim.Options{fast, real, disks} {
		r := sim.Run(*replaySeed, o)
		t.Logf("%+v, %d rounds, flow %v", r.Stats, r.Rounds, r.Flow)
		if o.Canary == nil {
			require.NoError(t, r.Err)
		}
	}
}
