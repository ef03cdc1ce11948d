package faults_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/faults"
	"github.com/omega-sheaf-os/omega/conformance/layer"
)

const patience = 30 * time.Second

// world is a cluster in this process, and what it has certified in each part of a fault.
type world struct {
	*faults.Cluster
	t    *testing.T
	name string
	wire *faults.Wire
}

// newWorld makes n members that are up.
func newWorld(t *testing.T, name string, n int) *world {
	w := found(t, name, n)
	require.NoError(t, w.StartAll(w.wire))
	return w
}

// found makes n members that are down.
func found(t *testing.T, name string, n int) *world {
	c, err := faults.Found(tempDir(t), n)
	require.NoError(t, err)
	w := &world{c, t, name, faults.NewWire(n + 2)}
	t.Cleanup(func() { _ = w.StopAll() })
	return w
}

// tempDir returns a folder in memory, where there is one: what is synced there is not
// what most of these tests are about.
func tempDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "faults")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// until waits until done.
func (w *world) until(done func() bool) {
	w.t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			require.FailNow(w.t, "it does not come to pass", w.Describe())
		}
	}
}

// certify hands each of these members an event again and again until member 0 has so
// many certificates more, and returns how many it has.
func (w *world) certify(more int, members ...int) int {
	w.t.Helper()
	goal := w.Height(members[0]) + more
	for w.Height(members[0]) < goal {
		for _, i := range members {
			require.NoError(w.t, w.Submit(i, w.Events(i, 2, 100)...))
		}
		w.until(func() bool { return w.Height(members[0]) >= goal || w.Seats[members[0]].Member.Status().Pending == 0 })
	}
	return w.Height(members[0])
}

// counts are the certificates of a fault's three parts, for verify's table.
func (w *world) counts(before, during, after int) {
	layer.Measure(w.t, w.name+"_before", before)
	layer.Measure(w.t, w.name+"_during", during)
	layer.Measure(w.t, w.name+"_after", after)
}

// judge waits until all is certified, takes all members down and judges their folders.
func (w *world) judge() faults.Verdict {
	w.t.Helper()
	require.NoError(w.t, w.Settle(patience))
	require.NoError(w.t, w.StopAll())
	v, err := w.Judge()
	require.NoError(w.t, err)
	require.NotZero(w.t, v.Acknowledged)
	return v
}
