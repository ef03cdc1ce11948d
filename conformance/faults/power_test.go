package faults_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/faults"
	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/audit"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/node/member"
)

// promises are what others have seen of a member, which its disk has to hold.
type promises struct {
	founded  bool
	stopped  bool
	length   uint64 // of cert.log, at least
	manifest *member.Manifest
	raw      []byte // the manifest's
	prepare  *quorum.Prepare
	commit   *quorum.Commit
	taken    map[string]bool // events that are in the inbox or the chain
	settled  map[string]bool // events that are in the chain
}

// see takes a mark into account.
func (p *promises) see(kind byte, b []byte) {
	switch kind {
	case markFounded:
		p.founded = true
	case markStopped:
		p.stopped = true
	case markSubmitted:
		p.taken[string(b)] = true
	case markSettled:
		p.settled[string(b)] = true
	default:
		p.seeMessage(b)
	}
}

func (p *promises) seeMessage(b []byte) {
	switch m := decodeQuorum(b).(type) {
	case *quorum.Prepare:
		p.length = max(p.length, m.Height)
		if p.prepare == nil || m.Height > p.prepare.Height || m.Height == p.prepare.Height && m.Attempt >= p.prepare.Attempt {
			p.prepare = m
		}
	case *quorum.Commit:
		p.length, p.commit = max(p.length, m.Envelope.BatchID), m
	case *quorum.Decided:
		p.length = max(p.length, m.Certificate.Envelope.BatchID+1)
	default:
		if m, ok := decodeOwn(b).(*member.Manifest); ok {
			p.length, p.manifest, p.raw = max(p.length, m.Height), m, bytes.Clone(b)
		}
	}
}

// The ways in which a loss of power breaks a promise.
var (
	errShort    = errors.New("a certificate that was told is not there")
	errVote     = errors.New("a vote that was sent is not there")
	errManifest = errors.New("a manifest that was sent, or a section of it, is not there")
	errEvent    = errors.New("an event that was acknowledged is not there")
	errAudit    = errors.New("the folder does not pass its audit")
)

// kept checks that the folder dir of member i holds what was promised, and that the
// member starts from it.
func (p *promises) kept(dir string, i int) error {
	if !p.founded {
		return nil
	}
	store, err := node.OpenStore(dir)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	length := store.Chain.Length
	if length < p.length {
		err = fmt.Errorf("%w: %d certificates, %d were told", errShort, length, p.length)
	}
	if err == nil && i < lives {
		err = p.keptVotes(store, fmt.Sprintf("m%d", i))
	}
	if err := errors.Join(err, store.Close()); err != nil {
		return err
	}
	report, err := audit.Folder(dir, audit.Options{})
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if !report.OK {
		return fmt.Errorf("%w: %v", errAudit, report.FirstError)
	}
	if p.manifest != nil && p.manifest.Height == length {
		if err := p.keptManifest(dir); err != nil {
			return err
		}
	}
	if err := p.keptEvents(dir); err != nil {
		return err
	}
	if i >= lives {
		return nil
	}
	return starts(dir, i)
}

func (p *promises) keptVotes(store *node.Store, name string) error {
	votes, err := store.Votes(name)
	if err != nil {
		return err
	}
	length := store.Chain.Length
	disk := &quorum.Durable{}
	if b, ok := votes.Load(); ok {
		if disk, err = quorum.DecodeDurable(b); err != nil {
			return err
		}
	}
	if m := p.prepare; m != nil && m.Height == length {
		if disk.Height != length || disk.Prepare == nil || disk.Prepare.Attempt < m.Attempt ||
			disk.Prepare.Attempt == m.Attempt && disk.Prepare.Digest != m.Digest {
			return fmt.Errorf("%w: a prepare of height %d, attempt %d", errVote, m.Height, m.Attempt)
		}
	}
	if m := p.commit; m != nil && m.Envelope.BatchID == length {
		if disk.Height != length || disk.Lock == nil || disk.Lock.Digest != m.Envelope.Hash() {
			return fmt.Errorf("%w: a commit of height %d", errVote, length)
		}
	}
	return nil
}

func (p *promises) keptManifest(dir string) error {
	prefix := filepath.Join(dir, "batches", fmt.Sprintf("%08d-", p.manifest.Height))
	raw, err := os.ReadFile(prefix + "manifest")
	if err != nil || !bytes.Equal(raw, p.raw) {
		return fmt.Errorf("%w: height %d: %v", errManifest, p.manifest.Height, err)
	}
	for _, s := range p.manifest.Sections {
		times := map[string]int{}
		err := faults.CountEvents(prefix+s.Root.String()+".omega", times)
		if err != nil || len(times) != int(s.Events) {
			return fmt.Errorf("%w: section %v: %d events, want %d: %v", errManifest, s.Root, len(times), s.Events, err)
		}
	}
	return nil
}

func (p *promises) keptEvents(dir string) error {
	held, err := faults.ChainEvents(dir)
	if err != nil {
		return err
	}
	for e := range p.settled {
		if held[e] == 0 {
			return fmt.Errorf("%w: of the stream", errEvent)
		}
	}
	inbox, err := filepath.Glob(filepath.Join(dir, "inbox", "*.omega"))
	if err != nil {
		return err
	}
	for _, path := range inbox {
		if err := faults.CountEvents(path, held); err != nil {
			return err
		}
	}
	for e := range p.taken {
		if held[e] == 0 {
			return fmt.Errorf("%w: of a file", errEvent)
		}
	}
	return nil
}

// starts opens the folder as member i, with its key, and takes its first step.
func starts(dir string, i int) error {
	path := archive.KeyPath(dir, fmt.Sprintf("m%d", i))
	k, err := identity.Load(path, nil)
	if err != nil {
		return err
	}
	m, err := member.Open(member.Config{Dir: dir, Key: k, Bus: faults.NewWire(lives + 2), Audit: -1})
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := m.Run(ctx); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	return nil
}

// again is this program started again, behind a tool with its arguments if there are any,
// as what it is told to be.
func again(ctx context.Context, child string, tool ...string) *exec.Cmd {
	words := append(tool, os.Args[0])
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(os.Environ(), childEnv+"="+child)
	return cmd
}

// TestNoLossOfPowerBreaksAPromise has members live under strace, and takes the power
// whenever one of them has told others something: what it has told its disk holds, of
// all that was not synced whatever part comes through.
func TestNoLossOfPowerBreaksAPromise(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(tempDir(t))
	require.NoError(t, err)
	home, trace, marksPath := filepath.Join(dir, "home"), filepath.Join(dir, "trace"), filepath.Join(dir, "marks")
	require.NoError(t, os.Mkdir(home, 0o755))
	strace := append([]string{"strace"}, faults.RecordArgs(trace)...)
	out, err := again(t.Context(), "record "+home+" "+marksPath, strace...).CombinedOutput()
	require.NoError(t, err, string(out))

	file, err := os.Open(trace)
	require.NoError(t, err)
	defer file.Close()
	disk := faults.NewDisk(home)
	seen := make([]*promises, lives+1)
	for i := range seen {
		seen[i] = &promises{taken: map[string]bool{}, settled: map[string]bool{}}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	losses, told := 0, map[string]bool{}
	require.NoError(t, disk.Replay(file, marksPath, func(b []byte) error {
		kind, i := b[0], int(b[1])
		if told[string(b)] && kind == markSent {
			return nil // a repetition
		}
		told[string(b)] = true
		seen[i].see(kind, b[2:])
		name := fmt.Sprintf("m%d", i)
		if i == lives {
			name = "observer"
		}
		for _, l := range faults.Losses(layer.Runs(1, 20), rng.IntN) {
			losses++
			left := filepath.Join(dir, fmt.Sprintf("left-%d", losses))
			if err := disk.Crash(filepath.Join(home, name), left, l); err != nil {
				return err
			}
			if err := seen[i].kept(left, i); err != nil {
				return fmt.Errorf("member %d, behind %c, %s: %w", i, kind, l.Name, err)
			}
			if err := os.RemoveAll(left); err != nil {
				return err
			}
		}
		return nil
	}))
	for i, p := range seen {
		require.True(t, p.stopped, "member %d", i)
		require.Greater(t, p.length, uint64(4), "member %d", i)
	}
	layer.Measure(t, "power_certificates", int(seen[0].length))
	layer.Measure(t, "power_losses", losses)
}
