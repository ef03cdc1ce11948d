package faults_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/faults"
	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/enginetest"
	"github.com/omega-sheaf-os/omega/impl/transport/natsbus"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

// TestASlowDiskSlowsTheChainAndLosesNothing has each fsync of one member take long.
func TestASlowDiskSlowsTheChainAndLosesNothing(t *testing.T) {
	t.Parallel()
	w, c := fourWithAChild(t, "slow_disk")
	stop := w.publish(10 * time.Millisecond)
	c.start()
	require.False(t, c.live(5))
	c.kill()
	before := w.Height(0)
	c.start("fsync:delay_enter=100000")
	require.False(t, c.live(5))
	c.kill()
	during := w.Height(0)
	c.start()
	require.False(t, c.live(5))
	stop()
	w.counts(before, during-before, w.Height(0)-during)
	w.end(c)
}

// TestAClockThatIsAnHourOffChangesNothing has one member's clock go ahead by an hour, and
// then, after a new start, lag by one.
func TestAClockThatIsAnHourOffChangesNothing(t *testing.T) {
	t.Parallel()
	w, c := fourWithAChild(t, "clock")
	stop := w.publish(10 * time.Millisecond)
	c.start()
	require.False(t, c.live(5))
	before := w.Height(0)
	for _, minutes := range []int{60, -60} {
		c.kill()
		c.order.SkewMinutes = minutes
		c.start()
		require.False(t, c.live(5))
	}
	during := w.Height(0)
	c.kill()
	c.order.SkewMinutes = 0
	c.start()
	require.False(t, c.live(5))
	stop()
	w.counts(before, during-before, w.Height(0)-during)
	w.end(c)
}

// TestTheEnginesLeaderIsKilledAndTheMembersGoOn kills that of three servers hard that
// leads the stream.
func TestTheEnginesLeaderIsKilledAndTheMembersGoOn(t *testing.T) {
	t.Parallel()
	w := &netWorld{world: found(t, "leader", 4), party: enginetest.NewParty(4)}
	admin := credentials.GenerateNkey()
	all := subject.Permissions{Publish: []string{">"}, Subscribe: []string{">"}}
	servers := enginetest.StartCluster(t, 3, append(w.party.Users, engine.User{Nkey: admin.Public(), Permissions: all}))
	for _, s := range servers {
		w.urls = append(w.urls, s.URL)
	}
	conn, err := natsbus.Dial(natsbus.Options{URLs: w.urls, Nkey: admin})
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	w.join(conn, len(servers))
	for i := range 4 {
		w.start(i)
	}
	stop := w.publish(10 * time.Millisecond)
	w.until(func() bool { return w.Height(0) > 10 })
	before := w.Height(0)
	leader := leaderOf(t, conn)
	killed := time.Now()
	for _, s := range servers {
		if s.Options.Name == leader {
			s.Kill()
		}
	}
	time.Sleep(time.Second)
	during := w.Height(0)
	w.until(func() bool { return w.Height(0) >= during+10 })
	layer.Measure(t, "leader_gap_ms", int(time.Since(killed).Milliseconds()))
	stop()
	w.counts(before, during-before, w.Height(0)-during)
	w.drain()
	w.judge()
}

// beOnAFullDisk is a child: member 0 of a chain of one, on a disk of its own of two
// megabytes that a file fills until the member has failed. It lives in a mount
// namespace, and leaves what is on the disk in its folder.
func beOnAFullDisk(args []string) error {
	home := args[0]
	disk := filepath.Join(home, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		return err
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := syscall.Mount("disk", disk, "tmpfs", 0, "size=2m"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	c, err := faults.Found(disk, 1)
	if err != nil {
		return err
	}
	wire := faults.NewWire(2)
	if err := c.Start(0, wire); err != nil {
		return err
	}
	figures, err := fillAndFree(c, wire, filepath.Join(disk, "filler"))
	if err != nil {
		return err
	}
	if err := c.StopAll(); err != nil {
		return err
	}
	v, err := c.Judge()
	if err != nil {
		return err
	}
	if v.Acknowledged == 0 {
		return fmt.Errorf("no event was acknowledged")
	}
	return os.WriteFile(filepath.Join(home, "figures"), []byte(fmt.Sprint(figures[0], figures[1], figures[2])), 0o600)
}

// fillAndFree has a member certify, until the disk is full, and after that.
func fillAndFree(c *faults.Cluster, wire *faults.Wire, filler string) (figures [3]int, err error) {
	certify := func(n int) error {
		for range n {
			if err := c.Submit(0, c.Events(0, 1, 20_000)...); err != nil {
				return err
			}
			if err := c.Settle(time.Second); err != nil {
				return err
			}
		}
		return nil
	}
	if err := certify(3); err != nil {
		return figures, err
	}
	figures[0] = c.Height(0)
	f, err := os.Create(filler)
	if err != nil {
		return figures, err
	}
	for size := 64 << 10; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	if err := os.Truncate(filler, max(0, fileSize(filler)-40<<10)); err != nil { // room for a section, not for all that follows
		return figures, err
	}
	full := certify(20)
	if full == nil {
		return figures, fmt.Errorf("the disk is not full")
	}
	if err := os.Remove(filler); err != nil {
		return figures, err
	}
	if err := c.Stop(0); err != nil {
		fmt.Fprintln(os.Stderr, "the member ended:", err)
	}
	if err := f.Close(); err != nil {
		return figures, err
	}
	if err := c.Start(0, wire); err != nil {
		return figures, err
	}
	if err := c.Settle(patience); err != nil {
		return figures, err
	}
	figures[1] = c.Height(0) - figures[0]
	err = certify(3)
	figures[2] = c.Height(0) - figures[1] - figures[0]
	return figures, err
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// TestAFullDiskStopsAMemberAndARestartGoesOn fills the disk under a member.
func TestAFullDiskStopsAMemberAndARestartGoesOn(t *testing.T) {
	t.Parallel()
	home := tempDir(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := again(ctx, "full "+home)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
	}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "no space left on device", "the member did not notice")
	text, err := os.ReadFile(filepath.Join(home, "figures"))
	require.NoError(t, err)
	var before, during, after int
	_, err = fmt.Sscan(string(text), &before, &during, &after)
	require.NoError(t, err)
	(&world{t: t, name: "full_disk"}).counts(before, during, after)
	require.GreaterOrEqual(t, after, 3)
}

// leaderOf asks until the stream has a leader.
func leaderOf(t *testing.T, conn *nats.Conn) string {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		info, err := streamOf(t.Context(), conn)
		if err == nil && info.Cluster.Leader != "" {
			return info.Cluster.Leader
		}
		require.True(t, time.Now().Before(end), "no leader")
	}
}
