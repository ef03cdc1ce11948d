package traces

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/conformance/refine"
	"github.com/omega-sheaf-os/omega/conformance/sim"
	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

func TestWithoutTLCTheJudgeSaysWhatIsMissing(t *testing.T) {
	t.Setenv("OMEGA_TLA2TOOLS", filepath.Join(t.TempDir(), "none.jar"))
	t.Setenv("PATH", t.TempDir())
	_, err := NewJudge(t.Context(), ".")
	var missing *tools.MissingError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, "TLC", missing.Tool.Name)
	require.ErrorContains(t, err, "java is needed")
}

func TestEachTraceHasOneVerdict(t *testing.T) {
	traces := []*Trace{{Name: "first", Events: make([]Event, 3)}, {Name: "second", Events: make([]Event, 3)}}
	accepted := `"omega-trace <<1, <<\"accepted\">>>>"` + "\n"
	rejected := `"omega-trace <<2, <<\"rejected\", 3, \"state\", [attempt |-> 0], [attempt |-> 1]>>>>"` + "\n"
	verdicts, err := readVerdicts([]byte("TLC\n"+rejected+"Progress\n"+accepted), traces)
	require.NoError(t, err)
	require.Equal(t, Verdict{Accepted: true}, verdicts[0])
	record := func(n int) tlavalue.Value { return tlavalue.Record{{Name: "attempt", Value: tlavalue.Int(n)}} }
	require.Equal(t, Verdict{Event: 2, What: "state", Model: record(0), Code: record(1)}, verdicts[1])

	for _, c := range []struct{ said, want string }{
		{"", "first: TLC gives no verdict"},
		{accepted, "second: TLC gives no verdict"},
		{accepted + accepted + rejected, "once"},
		{accepted + `"omega-trace <<3, <<\"accepted\">>>>"`, "once"},
		{accepted + `"omega-trace <<0, <<\"accepted\">>>>"`, "once"},
		{accepted + `"omega-trace <<2, <<\"rejected\", 4, \"state\", None, None>>>>"`, "once"},
		{accepted + `"omega-trace <<2, <<\"rejected\", 0, \"state\", None, None>>>>"`, "no verdict"},
		{accepted + `"omega-trace <<2, <<\"accepted\", 1>>>>"`, "no verdict"},
		{accepted + `"omega-trace <<2, None>>"`, "no verdict"},
		{accepted + `"omega-trace 2"`, "no verdict"},
		{accepted + `"omega-trace <<2"`, "offset 3"},
		{accepted + `"omega-trace <<2, <<\"accepted\">>>>`, "second: TLC gives no verdict"},
	} {
		_, err := readVerdicts([]byte(c.said), traces)
		require.ErrorContains(t, err, c.want, c.said)
	}
}

func TestEveryOrderKeepsTheEdges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := rapid.SampledFrom(kinds).Draw(rt, "kind")
		trace, err := Record(rapid.Uint64Max(1000).Draw(rt, "seed"), o)
		require.NoError(rt, err)
		pick := func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "pick") }
		ordered := Order(trace.Events, pick)
		require.Len(rt, ordered, len(trace.Events))
		seen := map[Place]bool{}
		for _, e := range ordered {
			require.Equal(rt, e.Seq > 0, seen[Place{e.Member, e.Seq - 1}], e.Place)
			require.True(rt, e.Cause == nil || seen[*e.Cause], e.Place)
			require.False(rt, seen[e.Place])
			seen[e.Place] = true
		}
	})
}

func TestAMessageOutsideTheModelMustChangeNothing(t *testing.T) {
	up := sim.Record{Up: true, Disk: []byte{1}}
	why := refine.ErrForeign
	var w writer
	require.NoError(t, w.leaveOut(&up, &up, why))
	for name, change := range map[string]func(r *sim.Record){
		"down":    func(r *sim.Record) { r.Up = false },
		"disk":    func(r *sim.Record) { r.Disk = []byte{2} },
		"log":     func(r *sim.Record) { r.Log = append(r.Log, [32]byte{1}) },
		"attempt": func(r *sim.Record) { r.State.Attempt++ },
		"sent":    func(r *sim.Record) { r.Sent = append(r.Sent, &quorum.Resync{}) },
	} {
		changed := up
		change(&changed)
		err := w.leaveOut(&up, &changed, why)
		require.Error(t, err, name)
		require.True(t, errors.Is(err, why), name)
	}
}
