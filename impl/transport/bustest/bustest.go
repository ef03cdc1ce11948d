// Package bustest is what every transport.Bus has to do, as one suite of tests that
// each implementation runs.
package bustest

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/transport"
)

// Made is a bus of some members.
type Made struct {
	// Bus is the bus as one member has it: the same for all, or one for each.
	Bus func(member int) transport.Bus
	// Deliver, where messages do not move by themselves, moves them all.
	Deliver func()
	// Limit is the largest message in bytes, 0 where there is no limit.
	Limit int
	// Serial says that the bus is not safe for concurrent use.
	Serial bool
}

// Maker makes a bus of n members, and cleans up when the test ends.
type Maker func(t *testing.T, members int) Made

// patience is how long a test waits for what must happen, and silence for what must not.
const (
	patience = 10 * time.Second
	silence  = 100 * time.Millisecond
)

// Run holds a bus to the suite.
func Run(t *testing.T, maker Maker) {
	for _, check := range []struct {
		name string
		run  func(t *testing.T, maker Maker)
	}{
		{"a message arrives at its receiver alone", sendReachesOne},
		{"a broadcast reaches all others and not the sender", broadcastReachesAllOthers},
		{"bytes arrive as they were sent, of every size", bytesAreIntact},
		{"messages of one sender arrive in their order", orderOfOneSender},
		{"a message over the limit is refused", oversize},
		{"a member joins once, and an unknown one never", wrongMembers},
		{"a closed endpoint refuses and hears nothing", closedEndpoint},
		{"a member that has left may join again", rejoin},
		{"messages are handed over one after the other", oneAfterTheOther},
		{"a receiver may answer", answer},
	} {
		t.Run(check.name, func(t *testing.T) { check.run(t, maker) })
	}
}

// party is members that have joined, and what each has received.
type party struct {
	t    *testing.T
	made Made
	ends []transport.Endpoint

	mu       sync.Mutex
	received [][]string
}

func joined(t *testing.T, maker Maker, members int) *party {
	p := &party{t: t, made: maker(t, members), received: make([][]string, members), ends: make([]transport.Endpoint, members)}
	for i := range members {
		p.join(i)
	}
	return p
}

func (p *party) join(i int) {
	p.ends[i] = p.made.join(p.t, i, func(b []byte) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.received[i] = append(p.received[i], string(b))
	})
}

// join connects a member until the test ends.
func (m *Made) join(t *testing.T, i int, receive func(b []byte)) transport.Endpoint {
	end, err := m.Bus(i).Join(i, receive)
	require.NoError(t, err)
	t.Cleanup(func() { _ = end.Close() }) // the test may have closed it
	return end
}

func (p *party) heard(i int) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.received[i]...)
}

// deliver moves messages, where they do not move by themselves.
func (m *Made) deliver() {
	if m.Deliver != nil {
		m.Deliver()
	}
}

// within waits until what is so, moving messages.
func (m *Made) within(t *testing.T, what func() bool) {
	t.Helper()
	end := time.Now().Add(patience)
	for m.deliver(); !what(); m.deliver() {
		if time.Now().After(end) {
			require.FailNow(t, "it did not happen in time")
		}
		time.Sleep(time.Millisecond)
	}
}

// expect waits until members have received want, and a little longer for more.
func (p *party) expect(want ...[]string) {
	p.t.Helper()
	p.made.within(p.t, func() bool {
		for i := range want {
			if len(p.heard(i)) < len(want[i]) {
				return false
			}
		}
		return true
	})
	p.quiet()
	for i := range want {
		require.ElementsMatch(p.t, want[i], p.heard(i), "member %d", i)
	}
}

// quiet gives what should not arrive the time to do so.
func (p *party) quiet() {
	if p.made.Deliver == nil {
		time.Sleep(silence)
	}
	p.made.deliver()
}

func sendReachesOne(t *testing.T, maker Maker) {
	p := joined(t, maker, 3)
	require.NoError(t, p.ends[0].Send(1, []byte("0 to 1")))
	require.NoError(t, p.ends[1].Send(0, []byte("1 to 0")))
	require.NoError(t, p.ends[2].Send(1, []byte("2 to 1")))
	p.expect([]string{"1 to 0"}, []string{"0 to 1", "2 to 1"}, nil)
}

func broadcastReachesAllOthers(t *testing.T, maker Maker) {
	p := joined(t, maker, 4)
	require.NoError(t, p.ends[2].Broadcast([]byte("all")))
	p.expect([]string{"all"}, []string{"all"}, nil, []string{"all"})
}

func bytesAreIntact(t *testing.T, maker Maker) {
	p := joined(t, maker, 2)
	var want []string
	for _, size := range []int{0, 1, 2, 255, 4096, 65_536, transport.MaxMessage - 1, transport.MaxMessage} {
		message := make([]byte, size)
		for i := range message {
			message[i] = byte(i*7 + i>>8)
		}
		require.NoError(t, p.ends[0].Send(1, message))
		want = append(want, string(message))
	}
	p.made.within(t, func() bool { return len(p.heard(1)) == len(want) })
	for i, got := range p.heard(1) {
		require.True(t, got == want[i], "message %d: %d bytes, sent %d", i, len(got), len(want[i]))
	}
}

func orderOfOneSender(t *testing.T, maker Maker) {
	p := joined(t, maker, 2)
	var want []string
	for i := range 500 {
		want = append(want, fmt.Sprint(i))
		require.NoError(t, p.ends[0].Send(1, []byte(want[i])))
	}
	p.made.within(t, func() bool { return len(p.heard(1)) == len(want) })
	require.Equal(t, want, p.heard(1))
}

func oversize(t *testing.T, maker Maker) {
	p := joined(t, maker, 3)
	if p.made.Limit == 0 {
		return
	}
	message := bytes.Repeat([]byte("x"), p.made.Limit+1)
	require.ErrorIs(t, p.ends[0].Send(1, message), transport.ErrTooLarge)
	err := p.ends[0].Broadcast(message)
	require.ErrorIs(t, err, transport.ErrTooLarge)
	require.ErrorContains(t, err, fmt.Sprintf("%d bytes, at most %d", p.made.Limit+1, p.made.Limit))
	require.NoError(t, p.ends[0].Send(1, []byte("after")))
	p.expect(nil, []string{"after"}, nil)
}

func wrongMembers(t *testing.T, maker Maker) {
	p := joined(t, maker, 2)
	for _, member := range []int{-1, 2} {
		_, err := p.made.Bus(0).Join(member, func([]byte) {})
		require.ErrorIs(t, err, transport.ErrUnknownMember)
		require.ErrorIs(t, p.ends[0].Send(member, nil), transport.ErrUnknownMember)
	}
	_, err := p.made.Bus(1).Join(1, func([]byte) {})
	require.ErrorIs(t, err, transport.ErrJoined)
	require.ErrorIs(t, p.ends[0].Send(0, nil), transport.ErrSelf)
	require.NoError(t, p.ends[0].Send(1, []byte("still there")))
	p.expect(nil, []string{"still there"})
}

func closedEndpoint(t *testing.T, maker Maker) {
	p := joined(t, maker, 2)
	require.NoError(t, p.ends[1].Close())
	for range 50 {
		require.NoError(t, p.ends[0].Send(1, []byte("lost")))
	}
	require.ErrorIs(t, p.ends[1].Send(0, nil), transport.ErrClosed)
	require.ErrorIs(t, p.ends[1].Broadcast(nil), transport.ErrClosed)
	require.ErrorIs(t, p.ends[1].Close(), transport.ErrClosed)
	p.expect(nil, nil)
	if !p.made.Serial {
		closeWhileMessagesArrive(t, maker)
	}
}

// closeWhileMessagesArrive sees, many times, that receive neither runs nor is
// called once Close has returned.
func closeWhileMessagesArrive(t *testing.T, maker Maker) {
	const rounds, messages = 50, 200
	made := maker(t, 2)
	sender := made.join(t, 0, func([]byte) {})
	var late atomic.Int64
	for range rounds {
		var closed atomic.Bool
		var heard atomic.Int64
		end := made.join(t, 1, func([]byte) {
			heard.Add(1)
			for range 100 {
				runtime.Gosched()
			}
			if closed.Load() {
				late.Add(1)
			}
		})
		for range messages {
			require.NoError(t, sender.Send(1, []byte("message")))
		}
		made.within(t, func() bool { return heard.Load() > 2 })
		require.NoError(t, end.Close())
		closed.Store(true)
	}
	time.Sleep(silence)
	require.Zero(t, late.Load(), "receive ran when Close had returned")
}

func rejoin(t *testing.T, maker Maker) {
	p := joined(t, maker, 2)
	old := p.ends[1]
	require.NoError(t, old.Close())
	p.join(1)
	require.ErrorIs(t, old.Send(0, nil), transport.ErrClosed, "the old endpoint stays closed")
	require.ErrorIs(t, old.Close(), transport.ErrClosed)
	require.NoError(t, p.ends[0].Send(1, []byte("new")))
	require.NoError(t, p.ends[1].Send(0, []byte("hello again")))
	p.expect([]string{"hello again"}, []string{"new"})
}

func oneAfterTheOther(t *testing.T, maker Maker) {
	const senders, each = 4, 100
	made := maker(t, senders+1)
	var inside, overlaps, heard atomic.Int64
	made.join(t, senders, func([]byte) {
		if inside.Add(1) > 1 {
			overlaps.Add(1)
		}
		time.Sleep(10 * time.Microsecond)
		inside.Add(-1)
		heard.Add(1)
	})
	var group sync.WaitGroup
	for i := range senders {
		end := made.join(t, i, func([]byte) {})
		work := func() {
			for range each {
				if err := end.Send(senders, []byte("message")); err != nil {
					t.Error(err)
				}
			}
		}
		if made.Serial {
			work()
			continue
		}
		group.Go(work)
	}
	group.Wait()
	made.within(t, func() bool { return heard.Load() == senders*each })
	require.Zero(t, overlaps.Load())
}

func answer(t *testing.T, maker Maker) {
	made := maker(t, 2)
	var answers atomic.Int64
	asker := made.join(t, 0, func(b []byte) {
		if string(b) == "re: hello" {
			answers.Add(1)
		}
	})
	var answerer atomic.Pointer[transport.Endpoint]
	end := made.join(t, 1, func(b []byte) {
		if err := (*answerer.Load()).Send(0, append([]byte("re: "), b...)); err != nil {
			t.Error(err)
		}
	})
	answerer.Store(&end)
	require.NoError(t, asker.Broadcast([]byte("hello")))
	made.within(t, func() bool { return answers.Load() == 1 })
}
