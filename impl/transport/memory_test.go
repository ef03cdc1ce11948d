package transport_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/transport"
)

// party is a set of members, and what each has received.
type party struct {
	bus      *transport.Memory
	ends     []transport.Endpoint
	received [][]string
}

func join(t require.TestingT, members int, f transport.Faults) *party {
	p := &party{bus: transport.NewMemory(members, f), received: make([][]string, members)}
	for i := range members {
		end, err := p.bus.Join(i, func(b []byte) { p.received[i] = append(p.received[i], string(b)) })
		require.NoError(t, err)
		p.ends = append(p.ends, end)
	}
	return p
}

func (p *party) run() (delivered int) {
	for p.bus.Deliver() {
		delivered++
	}
	return delivered
}

func TestWithoutFaultsEachMessageArrivesOnceAndInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "members")
		p := join(t, n, transport.Faults{Seed: rapid.Uint64().Draw(t, "seed")})
		want := make([][]string, n)
		for i := range rapid.IntRange(0, 20).Draw(t, "messages") {
			from, to, text := rapid.IntRange(0, n-1).Draw(t, "from"), rapid.IntRange(0, n-1).Draw(t, "to"), fmt.Sprint(i)
			if to != from {
				require.NoError(t, p.ends[from].Send(to, []byte(text)))
				want[to] = append(want[to], text)
				continue
			}
			require.NoError(t, p.ends[from].Broadcast([]byte(text)))
			for other := range n {
				if other != from {
					want[other] = append(want[other], text)
				}
			}
		}
		p.run()
		require.Equal(t, want, p.received)
	})
}

func TestFaultsLoseRepeatAndReorderAsTheSeedSays(t *testing.T) {
	run := func(f transport.Faults) []string {
		p := join(t, 2, f)
		for i := range 400 {
			require.NoError(t, p.ends[0].Send(1, []byte(fmt.Sprintf("%03d", i))))
		}
		p.run()
		return p.received[1]
	}
	distinct := func(s []string) int { return len(slices.Compact(slices.Sorted(slices.Values(s)))) }

	lossy := run(transport.Faults{Loss: 250})
	require.InDelta(t, 300, len(lossy), 40)
	require.True(t, slices.IsSorted(lossy))
	doubled := run(transport.Faults{Duplicate: 250})
	require.InDelta(t, 533, len(doubled), 60)
	require.Equal(t, 400, distinct(doubled))
	mixed := run(transport.Faults{Reorder: 100})
	require.False(t, slices.IsSorted(mixed))
	require.Equal(t, 400, distinct(mixed))
	all := transport.Faults{Seed: 1, Loss: 100, Duplicate: 100, Reorder: 100}
	require.Equal(t, run(all), run(all))
	other := all
	other.Seed = 2
	require.NotEqual(t, run(all), run(other))
}

func TestAPartitionLosesWhatCrossesIt(t *testing.T) {
	p := join(t, 4, transport.Faults{})
	require.NoError(t, p.bus.Partition([]int{0, 1}, []int{2}))
	for i, end := range p.ends {
		require.NoError(t, end.Broadcast([]byte(fmt.Sprint(i))))
	}
	require.Equal(t, 12, p.run())
	require.Equal(t, [][]string{{"1"}, {"0"}, nil, nil}, p.received)
	require.ErrorIs(t, p.bus.Partition([]int{4}), transport.ErrUnknownMember)
	require.NoError(t, p.bus.Partition())
	require.NoError(t, p.ends[3].Broadcast([]byte("healed")))
	p.run()
	for i := range 3 {
		require.Contains(t, p.received[i], "healed")
	}
}

func TestAMemberThatLeavesLosesItsMessagesAndMayJoinAgain(t *testing.T) {
	p := join(t, 2, transport.Faults{})
	require.NoError(t, p.ends[0].Send(1, []byte("lost")))
	require.NoError(t, p.ends[1].Send(0, []byte("kept")))
	require.NoError(t, p.ends[1].Close())
	require.NoError(t, p.ends[0].Send(1, []byte("lost too")))
	p.run()
	require.ErrorIs(t, p.ends[1].Send(0, nil), transport.ErrClosed)
	require.ErrorIs(t, p.ends[1].Broadcast(nil), transport.ErrClosed)
	require.ErrorIs(t, p.ends[1].Close(), transport.ErrClosed)
	again := 0
	_, err := p.bus.Join(1, func([]byte) { again++ })
	require.NoError(t, err)
	require.ErrorIs(t, p.ends[1].Send(0, nil), transport.ErrClosed, "the old endpoint stays closed")
	require.NoError(t, p.ends[0].Send(1, []byte("new")))
	p.run()
	require.Equal(t, [][]string{{"kept"}, nil}, p.received)
	require.Equal(t, 1, again)
}

func TestWrongMembersAreRefused(t *testing.T) {
	p := join(t, 2, transport.Faults{})
	_, err := p.bus.Join(2, nil)
	require.ErrorIs(t, err, transport.ErrUnknownMember)
	_, err = p.bus.Join(1, nil)
	require.ErrorIs(t, err, transport.ErrJoined)
	require.ErrorIs(t, p.ends[0].Send(-1, nil), transport.ErrUnknownMember)
	require.ErrorIs(t, p.ends[0].Send(0, nil), transport.ErrSelf)
	require.False(t, p.bus.Deliver())
}

func TestAReceiverMayAnswer(t *testing.T) {
	bus := transport.NewMemory(2, transport.Faults{})
	var answers []string
	asker, err := bus.Join(0, func(b []byte) { answers = append(answers, string(b)) })
	require.NoError(t, err)
	var answerer transport.Endpoint
	answerer, err = bus.Join(1, func(b []byte) { require.NoError(t, answerer.Send(0, append([]byte("re: "), b...))) })
	require.NoError(t, err)
	require.NoError(t, asker.Broadcast([]byte("hello")))
	for bus.Deliver() {
	}
	require.Equal(t, []string{"re: hello"}, answers)
}
