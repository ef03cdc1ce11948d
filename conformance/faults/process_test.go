package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/faults"
	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/node/member"
	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
	"github.com/omega-sheaf-os/omega/impl/transport/enginetest"
	"github.com/omega-sheaf-os/omega/impl/transport/natsbus"
)

// order is what a child that is a member is told, in a file.
type order struct {
	Dir, Nkey, Taken string // Taken: a file of the events that the member has taken, as hex lines
	Index, Members   int
	URLs             []string
	SkewMinutes      int           // of its clock
	Every            time.Duration // between two sections that it is handed
}

// beMember is a child: a member on an engine elsewhere, until its standard input ends.
func beMember(args []string) error {
	b, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var o order
	if err := json.Unmarshal(b, &o); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	k, err := identity.Load(archive.KeyPath(o.Dir, fmt.Sprintf("m%d", o.Index)), nil)
	if err != nil {
		return err
	}
	nkey, err := credentials.LoadNkey(o.Nkey)
	if err != nil {
		return err
	}
	// A connection whose first writes fail can stay deaf: who starts members starts again.
	soon, stop := context.WithTimeout(ctx, 3*time.Second)
	defer stop()
	conn, consumer, err := connect(soon, o.URLs, nkey, o.Index)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer consumer.Close()
	m, err := member.Open(member.Config{
		Dir: o.Dir, Key: k, Bus: natsbus.New(conn, enginetest.Chain, o.Members), Source: consumer, Audit: -1,
		Tick: faults.Tick, BatchAge: 5 * time.Millisecond, Timeout: time.Second,
		Now: func() time.Time { return time.Now().Add(time.Duration(o.SkewMinutes) * time.Minute) },
	})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	if err := o.hand(ctx, m, ended); err != nil {
		return err
	}
	return <-ended
}

// hand hands the member a section every so often, and notes what it has taken.
func (o *order) hand(ctx context.Context, m *member.Member, ended chan error) error {
	taken, err := os.OpenFile(o.Taken, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer taken.Close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-ended:
			ended <- err
			return nil
		case <-time.After(o.Every):
		}
		e := faults.EventOf(uint32(o.Index+1), 0, uint64(time.Now().UnixNano()), 50)
		path := o.Taken + ".omega"
		if err := faults.WriteSection(path, uint32(o.Index+1), e); err != nil {
			return err
		}
		switch err := m.Submit(path); {
		case errors.Is(err, member.ErrFull):
		case errors.Is(err, member.ErrStopped):
			return nil
		case err != nil:
			return err
		default:
			if _, err := fmt.Fprintln(taken, e.Key.Lamport()); err != nil {
				return err
			}
		}
	}
}

// child is a member in a process of its own.
type child struct {
	w       *netWorld
	order   order
	path    string // of the order
	command *exec.Cmd
	said    *bytes.Buffer // on standard error
	stdin   io.Closer
	ended   chan error
}

// newChild prepares member i of the world as a process.
func (w *netWorld) newChild(i int) *child {
	c := &child{w: w, path: w.dirOf(fmt.Sprintf("order-%d", i))}
	c.order = order{
		Dir: w.Seats[i].Dir, Nkey: w.dirOf(fmt.Sprintf("nkey-%d", i)), Taken: w.dirOf(fmt.Sprintf("taken-%d", i)),
		Index: i, Members: len(w.Seats), URLs: w.urls, Every: 50 * time.Millisecond,
	}
	require.NoError(w.t, w.party.Nkeys[i].Save(c.order.Nkey))
	w.t.Cleanup(c.kill)
	return c
}

// start starts the process, under strace if there is something to inject, into the same
// calls each time.
func (c *child) start(inject ...string) {
	b, err := json.Marshal(c.order)
	require.NoError(c.w.t, err)
	require.NoError(c.w.t, os.WriteFile(c.path, b, 0o600))
	args := []string{}
	if len(inject) > 0 {
		calls, _, _ := strings.Cut(inject[0], ":")
		args = append(args, "strace", "-f", "-qq", "-o", os.DevNull, "-e", "trace="+calls)
		for _, x := range inject {
			args = append(args, "-e", "inject="+x)
		}
	}
	args = append(args, os.Args[0])
	c.command = exec.Command(args[0], args[1:]...)
	c.command.Env = append(os.Environ(), childEnv+"=member "+c.path, "GOMAXPROCS=1")
	c.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.said = &bytes.Buffer{}
	c.command.Stderr = c.said
	c.stdin, err = c.command.StdinPipe()
	require.NoError(c.w.t, err)
	require.NoError(c.w.t, c.command.Start())
	c.ended = make(chan error, 1)
	go func(command *exec.Cmd, ended chan error) { ended <- command.Wait() }(c.command, c.ended)
}

// kill ends the process and what it has started, hard, if it still runs.
func (c *child) kill() {
	if c.command != nil {
		_ = syscall.Kill(-c.command.Process.Pid, syscall.SIGKILL)
		<-c.ended
		c.command = nil
	}
}

// collect counts what the process has taken as acknowledged.
func (c *child) collect() {
	text, err := os.ReadFile(c.order.Taken)
	require.NoError(c.w.t, err)
	var all []event.Event
	for _, line := range strings.Fields(string(text)) {
		lamport, err := strconv.ParseUint(line, 10, 64)
		require.NoError(c.w.t, err)
		all = append(all, faults.EventOf(uint32(c.order.Index+1), 0, lamport, 50))
	}
	require.NotEmpty(c.w.t, all)
	require.NoError(c.w.t, c.w.Acknowledged(all...))
}

// live lets the process live until it ends, or until so many certificates more are
// there, and reports whether it has ended.
func (c *child) live(more int) (ended bool) {
	goal := c.w.Height(0) + more
	for end := time.Now().Add(patience); c.w.Height(0) < goal; {
		if time.Now().After(end) {
			_ = syscall.Kill(-c.command.Process.Pid, syscall.SIGQUIT) // it tells where its goroutines are
			time.Sleep(time.Second)
			require.Fail(c.w.t, "neither dead nor alive", "%s\n%s", c.w.Describe(), c.said)
		}
		select {
		case err := <-c.ended:
			c.ended <- err
			return true
		case <-time.After(5 * time.Millisecond):
		}
	}
	return false
}

// fourWithAChild is three members in this process, and one that is to be a process.
func fourWithAChild(t *testing.T, name string) (*netWorld, *child) {
	w := newNetWorld(t, name, 4)
	for i := range 3 {
		w.start(i)
	}
	return w, w.newChild(3)
}

// end lets all settle with the child in this process, and judges.
func (w *netWorld) end(c *child) {
	c.kill()
	w.start(3)
	w.drain()
	c.collect()
	w.judge()
}

// hardCalls are the calls of the system that a member is killed in, or that fail.
var hardCalls = []string{"write", "pwrite64", "openat", "fsync", "renameat", "ftruncate", "unlinkat", "mkdirat"}

// TestAMemberKilledOrFailedAtAnyWriteLosesNothing has one of four members die, or be told
// of a failure, at one call of the system after the other, and come back each time.
func TestAMemberKilledOrFailedAtAnyWriteLosesNothing(t *testing.T) {
	t.Parallel()
	w, c := fourWithAChild(t, "kills")
	stop := w.publish(10 * time.Millisecond)
	c.start()
	require.False(t, c.live(5))
	c.kill()
	before := w.Height(0)
	killed, failed, unhurt := 0, 0, 0
	for _, k := range occurrences() {
		for _, call := range hardCalls {
			for _, how := range []string{"signal=KILL", "error=EIO"} {
				if call == "write" && how == "error=EIO" {
					continue // it would strike sockets, which never give EIO; a full disk fails writes
				}
				c.start(fmt.Sprintf("%s:%s:when=%d", call, how, k))
				switch ended := c.live(4); {
				case !ended:
					unhurt++
				case how == "signal=KILL":
					killed++
				default:
					failed++
				}
				c.kill()
			}
		}
	}
	during := w.Height(0)
	c.start()
	require.False(t, c.live(5))
	stop()
	w.counts(before, during-before, w.Height(0)-during)
	layer.Measure(t, "killed", killed)
	layer.Measure(t, "failed", failed)
	layer.Measure(t, "unhurt", unhurt)
	require.Greater(t, killed, 5)
	require.Greater(t, failed, 2)
	w.end(c)
}

// occurrences are which ones of a thread's calls are struck.
func occurrences() (list []int) {
	if layer.Runs(0, 1) == 0 {
		return []int{2, 5, 12}
	}
	for k := 1; k <= 60; k++ {
		list = append(list, k)
	}
	return list
}
