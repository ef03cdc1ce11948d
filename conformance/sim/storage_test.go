package sim_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/conformance/sim"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable/durabletest"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

const folder = "d"

// faulty is a member's data folder on a disk that fails and loses power.
type faulty struct {
	name   string
	disk   *durabletest.Disk
	left   int // as in powered
	pick   func(n int) int
	calm   bool
	log    *certlog.Log
	votes  *certlog.VoteStore
	counts *diskCounts
}

// diskCounts is what disks have done to their members.
type diskCounts struct{ losses, starts, torn int }

func memberName(i int) string { return fmt.Sprint("m", i) }

func genesisLog(t *testing.T, genesis cert.Certificate) []byte {
	b, err := cert.AppendRecord(certlog.AppendHeader(nil), &genesis)
	require.NoError(t, err)
	return b
}

// arm makes one of the next operations fail, or the power go, each once in odds times.
func (f *faulty) arm(odds, within int) {
	step, left := 0, -1
	switch what := f.pick(odds); {
	case f.calm:
	case what == 0:
		step = 1 + f.pick(within)
	case what == 1:
		left = 1 + f.pick(within)
	}
	f.left = left
	f.disk.FailAt(step, durabletest.Outcomes[f.pick(len(durabletest.Outcomes))])
}

func (f *faulty) Load() ([]byte, []cert.Certificate, error) {
	f.arm(8, 16)
	durable, log, err := f.load()
	if errors.Is(err, durabletest.ErrFault) {
		f.counts.starts++
		f.Crash()
		return nil, nil, fmt.Errorf("%w: %w", sim.ErrFailing, err)
	}
	return durable, log, err
}

func (f *faulty) load() (content []byte, log []cert.Certificate, err error) {
	if f.log, err = certlog.OpenOn(powered{f.disk, &f.left}, certlog.Path(folder)); err != nil {
		return nil, nil, err
	}
	if f.votes, err = f.log.Votes(f.name); err != nil {
		return nil, nil, err
	}
	if f.log.Recovered() != nil {
		f.counts.torn++
	}
	content, log = contents(f.log, f.votes)
	return content, log, f.checkFile(log)
}

// checkFile checks that the log's file is its records and nothing else.
func (f *faulty) checkFile(log []cert.Certificate) error {
	f.disk.FailAt(0, 0)
	f.left = -1
	got, err := f.disk.ReadFile(certlog.Path(folder))
	if err != nil {
		return err
	}
	want := certlog.AppendHeader(nil)
	for i := range log {
		if want, err = cert.AppendRecord(want, &log[i]); err != nil {
			return err
		}
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s has %d bytes, its %d records make %d", certlog.Path(folder), len(got), len(log), len(want))
	}
	return nil
}

// contents returns what the log and the vote file hold.
func contents(l *certlog.Log, v *certlog.VoteStore) (content []byte, log []cert.Certificate) {
	for _, r := range l.Records() {
		log = append(log, *r.Certificate)
	}
	content, _ = v.Load()
	return content, log
}

// promised says of a write's error what certlog promises: that nothing is done, unless
// the error is ErrFatal.
func promised(err error) error {
	if err == nil || errors.Is(err, certlog.ErrFatal) {
		return err
	}
	return fmt.Errorf("%w: %w", sim.ErrUndone, err)
}

func (f *faulty) Save(content []byte) error {
	f.arm(10, 7)
	return promised(f.votes.Save(content))
}

func (f *faulty) Append(c *cert.Certificate) error {
	f.arm(4, 2)
	return promised(f.log.Append(c))
}

func (f *faulty) Crash() {
	f.disk.FailAt(0, 0)
	if f.left == 0 || f.pick(2) == 0 {
		f.counts.losses++
		f.disk = f.disk.Crash(f.pick)
	}
	f.left = -1
}

func (f *faulty) Heal() {
	f.calm, f.left = true, -1
	f.disk.FailAt(0, 0)
}

// onDisks returns options of the seed for members on disks that fail.
func onDisks(t *testing.T, seed uint64, c *diskCounts) sim.Options {
	o := sim.OptionsOf(seed)
	o.Canary, o.Real = nil, seed%8 == 0
	if seed%4 != 3 { // a liar keeps members from appending
		o.Liars = 0
	}
	o.Storage = func(i int, genesis cert.Certificate, pick func(n int) int) sim.Storage {
		disk := durabletest.New(folder, filepath.Dir(certlog.VotePath(folder, memberName(i))))
		require.NoError(t, durable.WriteFile(disk, certlog.Path(folder), genesisLog(t, genesis), 0o644))
		return &faulty{name: memberName(i), disk: disk, left: -1, pick: pick, counts: c}
	}
	return o
}

func TestMembersWithRealStorageLoseNothing(t *testing.T) {
	seeds := layer.Runs(240, 10_000)
	var sum sim.Stats
	var c diskCounts
	for seed := range uint64(seeds) {
		o := onDisks(t, seed, &c)
		r := sim.Run(seed, o)
		if r.Err != nil {
			report(t, seed, o, r)
		}
		sum.Add(r.Stats)
	}
	t.Logf("%+v, %+v", sum, c)
	for _, n := range []int{c.losses, c.starts, sum.FailedWrites, sum.Appends} {
		require.Greater(t, n, seeds/4, "the runs are too tame")
	}
	require.Greater(t, c.torn, seeds/60, "the runs are too tame")
	layer.Count(t, "storage_seeds", seeds)
	layer.Count(t, "power_losses", c.losses)
	layer.Count(t, "torn_tails", c.torn)
}

// liar is a disk that once says that it has written what it has not.
type liar struct {
	sim.Storage
	after int // writes
}

func (l *liar) lies() bool { l.after--; return l.after == 0 }

func (l *liar) Save(content []byte) error {
	if l.lies() {
		return nil
	}
	return l.Storage.Save(content)
}

func (l *liar) Append(c *cert.Certificate) error {
	if l.lies() {
		return nil
	}
	return l.Storage.Append(c)
}

func TestADiskThatLiesIsFound(t *testing.T) {
	found := 0
	for seed := range uint64(40) {
		var c diskCounts
		o := onDisks(t, seed, &c)
		o.Liars, o.Real = 0, false
		honest := o.Storage
		o.Storage = func(i int, genesis cert.Certificate, pick func(n int) int) sim.Storage {
			return &liar{honest(i, genesis, pick), 1 + pick(6)}
		}
		if r := sim.Run(seed, o); r.Err != nil {
			found++
			require.Equal(t, sim.RuleDisk, r.Err.(*sim.Failure).Rule, "seed %d: %v", seed, r.Err)
		}
	}
	require.Greater(t, found, 10)
	layer.Count(t, "lying_disks_found", found)
}

// folders is a member's data folder in the file system of this machine, where only the
// process can crash.
type folders struct {
	dir, name string
	log       *certlog.Log
	votes     *certlog.VoteStore
}

func (f *folders) Load() (_ []byte, _ []cert.Certificate, err error) {
	if f.log, err = certlog.Open(f.dir); err != nil {
		return nil, nil, err
	}
	if f.votes, err = f.log.Votes(f.name); err != nil {
		return nil, nil, err
	}
	content, log := contents(f.log, f.votes)
	return content, log, nil
}

func (f *folders) Save(content []byte) error        { return promised(f.votes.Save(content)) }
func (f *folders) Append(c *cert.Certificate) error { return promised(f.log.Append(c)) }
func (f *folders) Heal()                            {}

// Crash gives back the folder's lock, as the system does for a process that dies; it
// writes nothing.
func (f *folders) Crash() { _ = f.log.Close() }

func TestMembersInFoldersTakeTheSameWayAsInMemory(t *testing.T) {
	for seed := range uint64(layer.Runs(2, 50)) {
		o := sim.OptionsOf(seed)
		o.Canary = nil
		o.Storage = func(i int, genesis cert.Certificate, _ func(n int) int) sim.Storage {
			f := &folders{dir: t.TempDir(), name: memberName(i)}
			require.NoError(t, os.MkdirAll(filepath.Dir(certlog.VotePath(f.dir, f.name)), 0o700))
			require.NoError(t, os.WriteFile(certlog.Path(f.dir), genesisLog(t, genesis), 0o644))
			return f
		}
		r := sim.Run(seed, o)
		if r.Err != nil {
			report(t, seed, o, r)
		}
		o.Storage = nil
		if plain := sim.Run(seed, o); plain.Stats.FailedWrites == 0 {
			require.Equal(t, plain.Flow, r.Flow, "seed %d", seed)
			require.Equal(t, plain.Bytes(), r.Bytes(), "seed %d", seed)
		}
	}
}
