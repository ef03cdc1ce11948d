package traces

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/conformance/refine"
	"github.com/omega-sheaf-os/omega/conformance/sim"
	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
)

// kinds are the runs that are recorded. Who lies, how rough the run is and what members
// make of their events follow from the seed.
var kinds = []sim.Options{
	{Members: 2, Heights: 2},
	{Members: 3, Heights: 2},
	{Members: 2, Heights: 2, Liars: 1},
	{Members: 3, Heights: 2, Liars: 1},
	{Members: 3, Heights: 1, Liars: 2},
}

func judge(t *testing.T, traces []*Trace) []Verdict {
	root, err := checkout.FindRoot(".")
	require.NoError(t, err)
	j, err := NewJudge(t.Context(), root)
	require.NoError(t, err)
	verdicts, err := j.Judge(context.Background(), traces)
	require.NoError(t, err)
	return verdicts
}

// record returns the trace of a run, in an order of its own.
func record(t *testing.T, seed uint64, o sim.Options) *Trace {
	trace, err := Record(seed, o)
	require.NoError(t, err)
	trace.Events = Order(trace.Events, rand.New(rand.NewPCG(seed, 5)).IntN)
	return trace
}

// keep leaves a trace and its verdict among the artefacts of the test.
func keep(t *testing.T, trace *Trace, v Verdict) {
	text, values := module(recordedModule, group{recorded, []*Trace{trace}})
	config := configuration(trace, values, recorded)
	name := strings.NewReplacer(" ", "-", ",", "", ";", "", ":", "").Replace(trace.Name)
	for ext, content := range map[string]string{".txt": v.Tell(trace) + "\n", ".tla": text, ".cfg": config} {
		require.NoError(t, os.WriteFile(filepath.Join(t.ArtifactDir(), name+ext), []byte(content), 0o600))
	}
}

func TestEveryRunIsABehaviourOfTheModel(t *testing.T) {
	var traces []*Trace
	for k, o := range kinds {
		for i := range layer.Runs(44, 700) {
			traces = append(traces, record(t, uint64(1000*k+i), o))
		}
	}
	events, foreign := 0, 0
	for i, v := range judge(t, traces) {
		trace := traces[i]
		events += len(trace.Events)
		foreign += trace.Foreign
		if !v.Accepted {
			keep(t, trace, v)
			t.Error(v.Tell(trace))
		}
		if trace.Broken != nil {
			t.Errorf("%s: %v", trace.Name, trace.Broken)
		}
	}
	for what, n := range shown(traces) {
		require.Positive(t, n, "no run shows %s", what)
	}
	layer.Count(t, "traces", len(traces))
	layer.Count(t, "events", events)
	layer.Count(t, "foreign_messages", foreign)
}

// shown counts the events that show what a run can go through, so that nothing is
// accepted for want of runs.
func shown(traces []*Trace) map[string]int {
	counts := map[string]int{}
	for _, act := range actions {
		counts[act] = 0
	}
	count := func(what string, is bool) {
		if counts[what] += 0; is {
			counts[what]++
		}
	}
	for _, trace := range traces {
		for i, e := range trace.Events {
			counts[e.Act]++
			count("a crash between two effects", e.Cut != 0)
			count("a refused message", e.Refused)
			count("a liar's message", trace.received(i) && e.Cause == nil)
			count("a second certificate", len(e.Log) == 2)
			if e.State == refine.None {
				continue
			}
			lock := get(e.State, "lock")
			count("a lock in a later attempt", lock != refine.None && get(lock, "attempt") != tlavalue.Value(tlavalue.Int(0)))
			count("a proof without a lock", get(e.State, "proof") != refine.None && lock == refine.None)
			count("evidence", len(get(e.State, "evidence").(tlavalue.Set)) > 0)
			count("a lock that outlives a crash", get(e.State, "nonce") != tlavalue.Value(tlavalue.Int(1)) && lock != refine.None)
		}
	}
	return counts
}

func TestTwoOrdersOfOneRunAreBothAccepted(t *testing.T) {
	first := func(int) int { return 0 }
	last := func(n int) int { return n - 1 }
	var traces []*Trace
	for _, o := range []sim.Options{kinds[1], kinds[3]} {
		for seed := range uint64(8) {
			a, b := record(t, seed, o), record(t, seed, o)
			a.Events, b.Events = Order(a.Events, first), Order(b.Events, last)
			require.Len(t, b.Events, len(a.Events))
			require.False(t, slices.EqualFunc(a.Events, b.Events, func(x, y Event) bool { return x.Place == y.Place }),
				"%s: there is one order only", a.Name)
			traces = append(traces, a, b)
		}
	}
	for i, v := range judge(t, traces) {
		require.True(t, v.Accepted, v.Tell(traces[i]))
	}
	layer.Count(t, "orders", len(traces))
}

func TestNoDamagedTraceIsAccepted(t *testing.T) {
	var damaged []*Trace
	rng := rand.New(rand.NewPCG(1, 2))
	sources := map[int][]*Trace{}
	for _, k := range []int{0, 3} {
		for seed := range uint64(12) {
			sources[k] = append(sources[k], record(t, seed, kinds[k]))
		}
	}
	for _, d := range damages() {
		made := 0
		for _, k := range []int{0, 3} {
			for _, i := range rng.Perm(len(sources[k])) {
				if x := d.damaged(sources[k][i], rng); x != nil {
					damaged = append(damaged, x)
					if made++; made%2 == 0 {
						break
					}
				}
			}
		}
		require.Positive(t, made, "no trace has a place for it: %s", d.what)
	}
	for i, v := range judge(t, damaged) {
		if v.Accepted {
			keep(t, damaged[i], v)
			t.Error(v.Tell(damaged[i]))
		}
	}
	layer.Count(t, "corrupted_rejected", len(damaged))
}

func TestADamagedFieldIsNamedInTheVerdict(t *testing.T) {
	trace := record(t, 3, kinds[0])
	var damaged []*Trace
	for _, d := range damages() {
		if strings.HasPrefix(d.what, "state.") {
			damaged = append(damaged, d.damaged(trace, rand.New(rand.NewPCG(3, 4))))
		}
	}
	for i, v := range judge(t, damaged) {
		text := v.Tell(damaged[i])
		require.Equal(t, "state", v.What, text)
		code, ok := v.Code.(tlavalue.Record)
		require.True(t, ok, text)
		require.Len(t, code, 1, text)
		require.Contains(t, damaged[i].Name, fmt.Sprintf("state.%s", code[0].Name))
	}
}
