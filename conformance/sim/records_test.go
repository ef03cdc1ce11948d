package sim_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/conformance/sim"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// shapes are the runs of the seeds in all the sizes that those who judge records use.
func shapes(seeds uint64) func(yield func(uint64, sim.Options) bool) {
	return func(yield func(uint64, sim.Options) bool) {
		for seed := range seeds {
			o := sim.Options{Members: 1 + int(seed%4), Heights: 1 + int(seed/4%3)}
			o.Liars = int(seed / 12 % uint64(o.Members))
			o.Real = seed%25 == 24
			if !yield(seed, o) {
				return
			}
		}
	}
}

func TestRecordingChangesNothing(t *testing.T) {
	records := 0
	for seed, o := range shapes(uint64(layer.Runs(300, 5_000))) {
		plain := sim.Run(seed, o)
		o.Record = func(sim.Record) { records++ }
		recorded := sim.Run(seed, o)
		require.Equal(t, plain.Bytes(), recorded.Bytes(), "seed %d: other logs with records", seed)
		require.Equal(t, plain.Flow, recorded.Flow, "seed %d: another control flow with records", seed)
		require.Equal(t, plain, recorded, "seed %d", seed)
		require.NoError(t, plain.Err)
	}
	layer.Count(t, "records", records)
}

// follower is what the records of one member so far say of it.
type follower struct {
	records int
	sent    [][]quorum.Message // by record
	last    sim.Record
	config  *quorum.Config
	chain   cert.Chain // behind the log of the last record
}

// A record must be all that somebody needs to judge the step without having seen it: the
// message, taken by the state of the record before, gives what the record says.
func TestTheRecordsOfAMemberMakeItAgain(t *testing.T) {
	cuts, refused, crashes, causes := 0, 0, 0, 0
	for seed, o := range shapes(uint64(layer.Runs(120, 2_000))) {
		_, chain := sim.Genesis(o.Members, 0)
		var scheme sim.Scheme = sim.Fast{}
		if o.Real {
			scheme = sim.Ed25519{}
		}
		members := make([]follower, o.Members)
		for i := range members {
			members[i] = follower{config: sim.Config(scheme, chain, i), chain: chain}
		}
		o.Record = func(r sim.Record) {
			if r.Cause != nil {
				causes++
				require.Less(t, r.Cause.Seq, members[r.Cause.Member].records, "a cause comes first")
				require.True(t, says(members[r.Cause.Member].sent[r.Cause.Seq], r.Message), "seed %d: %v: its cause has not sent it", seed, r)
			}
			members[r.Member].follow(t, r)
			switch {
			case r.Cut > 0:
				cuts++
			case r.Refused != nil:
				refused++
			case r.Act == sim.Crash:
				crashes++
			}
		}
		r := sim.Run(seed, o)
		require.NoError(t, r.Err)
		for i, log := range r.Logs {
			require.Len(t, members[i].last.Log, len(log), "seed %d: the records of member %d end before the run", seed, i)
		}
	}
	for _, n := range []int{cuts, refused, crashes, causes} {
		require.Positive(t, n, "the runs are too tame")
	}
	layer.Count(t, "cuts", cuts)
}

// says reports whether m is among the messages.
func says(sent []quorum.Message, m quorum.Message) bool {
	b := string(quorum.Encode(m.(quorum.Wire)))
	return slices.ContainsFunc(sent, func(s quorum.Message) bool { return string(quorum.Encode(s.(quorum.Wire))) == b })
}

func (f *follower) follow(t *testing.T, r sim.Record) {
	where := fmt.Sprint(r)
	require.Equal(t, f.records, r.Seq, where)
	before := f.last
	f.records, f.sent, f.last = f.records+1, append(f.sent, r.Sent), r
	if r.Act == sim.Crash {
		require.False(t, r.Up, where)
		require.Equal(t, []any{before.Disk, before.Log}, []any{r.Disk, r.Log}, where)
		return
	}
	s := before.State
	if start, ok := r.Message.(quorum.Start); ok {
		require.False(t, before.Up, where)
		require.Equal(t, before.Disk == nil, start.Disk == nil, where)
		s = quorum.Begin(f.chain)
	}
	next, effects, err := quorum.Step(f.config, s, r.Message)
	if err != nil {
		require.Equal(t, err, r.Refused, where)
		require.Equal(t, before.State, r.State, where)
		require.Equal(t, []any{before.Disk, before.Log}, []any{r.Disk, r.Log}, where)
		return
	}
	require.NoError(t, r.Refused, where)
	f.effects(t, before, r, effects)
	if r.Cut == 0 {
		require.True(t, r.Up, where)
		require.Equal(t, next, r.State, where)
	}
}

// effects checks what the first effects of a step, or all, have left behind.
func (f *follower) effects(t *testing.T, before, r sim.Record, effects []quorum.Effect) {
	done, sent, disk, log := 0, 0, before.Disk, slices.Clone(before.Log)
	for _, e := range effects {
		if r.Cut > 0 && done == r.Cut {
			break
		}
		var m quorum.Wire
		switch e := e.(type) {
		case quorum.Persist:
			disk = e.Durable
		case quorum.Append:
			f.chain, _ = f.chain.CheckContent(&e.Certificate.Envelope, e.Certificate.Body)
			log = append(log, e.Certificate.Envelope.Hash())
		case quorum.Send:
			m = e.Message
		case quorum.Announce:
			m = &quorum.Decided{Certificate: e.Certificate}
		case quorum.SendCertificate:
			decided := r.Sent[sent].(*quorum.Decided)
			require.Equal(t, e.Height, decided.Certificate.Envelope.BatchID)
			m = decided
		default:
			continue
		}
		if m != nil {
			require.Equal(t, m, r.Sent[sent])
			sent++
		}
		done++
	}
	require.Len(t, r.Sent, sent)
	require.True(t, r.Cut == 0 || done == r.Cut)
	require.Equal(t, string(disk), string(r.Disk))
	require.True(t, slices.Equal(log, r.Log))
}

func TestARecordReadsAsOneLine(t *testing.T) {
	for seed, o := range shapes(40) {
		o.Record = func(r sim.Record) {
			require.Regexp(t, `^m\d #\d+ [^\n]+; (down|height \d+ attempt \d+.*)$`, r.String())
		}
		sim.Run(seed, o)
	}
}
