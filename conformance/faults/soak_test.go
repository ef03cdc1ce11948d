package faults_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/impl/certlog"
)

// soakEnv names the environment variable that gives the soak another length, such as 1h.
const soakEnv = "OMEGA_SOAK"

// soakTime is how long the soak takes.
func soakTime(t *testing.T) time.Duration {
	if text, ok := os.LookupEnv(soakEnv); ok {
		d, err := time.ParseDuration(text)
		require.NoError(t, err)
		return d
	}
	return time.Duration(layer.Runs(15, 600)) * time.Second
}

// What a member may grow by between the second and the last quarter of a soak: a part of
// what it had, and a constant for the chain, which it holds in memory.
const (
	growthPart  = 4 // one of so many
	growthBytes = 16 << 20
)

// TestASoakWithRandomKillsLosesNothingAndMemoryStaysFlat has four processes live under a
// load, of which three are killed at random moments, again and again.
func TestASoakWithRandomKillsLosesNothingAndMemoryStaysFlat(t *testing.T) {
	t.Parallel()
	w := newNetWorld(t, "soak", 4)
	var all []*child
	for i := range 4 {
		c := w.newChild(i)
		c.start()
		all = append(all, c)
	}
	stop := w.publish(4 * time.Millisecond)
	began, kills := time.Now(), 0
	var sizes []int64 // of member 0, which is never killed
	nextKill := began.Add(2 * time.Second)
	for length := soakTime(t); time.Since(began) < length; time.Sleep(100 * time.Millisecond) {
		sizes = append(sizes, all[0].resident())
		if time.Now().After(nextKill) {
			c := all[1+rand.IntN(3)]
			c.kill()
			c.start()
			kills++
			nextKill = time.Now().Add(time.Second + rand.N(2*time.Second))
		}
	}
	during := certificates(t, w.Seats[0].Dir)
	stop()
	for _, c := range all {
		c.kill()
	}
	for i := range all {
		w.start(i)
	}
	w.drain()
	for _, c := range all {
		c.collect()
	}
	v := w.judge()
	w.counts(1, during-1, v.Certificates-during)
	layer.Measure(t, "soak_kills", kills)
	layer.Measure(t, "soak_events", v.Events)
	early, late := mean(sizes[len(sizes)/4:len(sizes)/2]), mean(sizes[3*len(sizes)/4:])
	layer.Measure(t, "soak_resident_early_kb", int(early>>10))
	layer.Measure(t, "soak_resident_late_kb", int(late>>10))
	require.Greater(t, during, 20)
	require.Positive(t, kills)
	require.LessOrEqual(t, late, early+early/growthPart+growthBytes, "memory grows")
}

// resident is how many bytes of the process are in memory; 0 once it is gone.
func (c *child) resident() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", c.command.Process.Pid))
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	require.NoError(c.w.t, err)
	return pages * int64(os.Getpagesize())
}

func mean(list []int64) int64 {
	sum := int64(0)
	for _, x := range list {
		sum += x
	}
	return sum / int64(max(1, len(list)))
}

// certificates counts those of a folder whose member may be appending one.
func certificates(t *testing.T, dir string) int {
	log, err := os.ReadFile(certlog.Path(dir))
	require.NoError(t, err)
	records, _ := certlog.Parse(log) // its tail may be on its way
	return len(records)
}
