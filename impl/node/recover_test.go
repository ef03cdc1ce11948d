package node

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/omegalog/omegalogtest"
)

// requireOnDisk checks, before a prepare or commit leaves, that the sender's disk
// holds it, and the trace of a prepare's content (QRM-10, QRM-13).
func requireOnDisk(t *testing.T, f *Folder, e quorum.Effect) {
	send, ok := e.(quorum.Send)
	if !ok {
		return
	}
	switch m := send.Message.(type) {
	case *quorum.Prepare:
		d := voteOf(t, f.Dir, f.Chain.Roster[m.From].Name)
		require.NotNil(t, d.Prepare)
		require.Equal(t, m.SignedPrepare, *d.Prepare)
		for i := range d.Candidates {
			if c := &d.Candidates[i]; c.Digest() == m.Digest && m.Height == f.Chain.Length {
				require.NoError(t, f.Validate(c))
			}
		}
	case *quorum.Commit:
		d := voteOf(t, f.Dir, f.Chain.Roster[m.From].Name)
		require.NotNil(t, d.Lock)
		require.Equal(t, m.Envelope.Hash(), d.Lock.Digest)
	}
}

// TestAMemberWhoseEffectFailsKnowsNoMoreThanItsDisk has one effect after the other
// fail, and goes on in the same process, with the same batch or another.
func TestAMemberWhoseEffectFailsKnowsNoMoreThanItsDisk(t *testing.T) {
	t.Parallel()
	first, _ := omegalogtest.TwoBatches(t)
	for _, members := range []int{1, 2} {
		for failAt := 0; ; failAt++ {
			dir := newChain(t, members)
			f := openFolder(t, dir)
			n := 0
			f.beforeEffect = func(e quorum.Effect) error {
				requireOnDisk(t, f, e)
				if n++; n == failAt+1 {
					return errCrash
				}
				return nil
			}
			files := first
			if failAt%2 == 1 {
				files = first[:1]
			}
			out, err := f.Certify(context.Background(), Batch{Height: 1, Files: first})
			if err == nil {
				require.Greater(t, failAt, 3)
				break
			}
			require.ErrorIs(t, err, errCrash)
			require.Equal(t, out != nil, f.Chain.Length == 2, "an outcome without a certificate, or none with one")
			for f.Chain.Length < 3 {
				certify(t, f, files...)
			}
			require.NoError(t, f.Close())
			requireAudit(t, dir, 3)
		}
	}
}

// TestALockedContentIsCompletedWithoutItsFiles crashes when members have locked,
// and loses the sections.
func TestALockedContentIsCompletedWithoutItsFiles(t *testing.T) {
	first, second := omegalogtest.TwoBatches(t)
	other := lone(t, 9)
	for _, crash := range []func(quorum.Effect) bool{isCommit, isAppend} {
		dir := newChain(t, 3)
		lost := []string{filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")}
		for i := range lost {
			require.NoError(t, os.Link(first[i], lost[i]))
		}
		f := openFolder(t, dir)
		crashWhen(t, f, crash, lost...)
		require.NoError(t, f.Close())
		for _, path := range lost {
			require.NoError(t, os.Remove(path))
		}

		f = openFolder(t, dir)
		out := certify(t, f, other)
		require.True(t, out.Resumed)
		require.Equal(t, cert.Merge, out.Certificate.Envelope.Type)
		require.EqualValues(t, 1, out.Result.Events, "the result is of the batch at hand")
		body, err := cert.ParseMergeBody(out.Certificate.Body)
		require.NoError(t, err)
		require.EqualValues(t, 3, body.Events)
		require.Len(t, traceNames(t, dir), 1, "the trace of the batch that lost is gone")
		require.False(t, certify(t, f, second...).Resumed)
		require.False(t, certify(t, f, other).Resumed)
		require.NoError(t, f.Close())
		requireAudit(t, dir, 4)
	}
}

func TestAnObstructionThatWasLockedIsCompleted(t *testing.T) {
	dir := newChain(t, 2)
	a, b := omegalogtest.Event(1, 1), omegalogtest.Event(1, 1)
	b.Value++
	conflict := omegalogtest.WriteSection(t, t.TempDir(), "conflict.omega", 1, a, b)
	f := openFolder(t, dir)
	f.beforeEffect = func(e quorum.Effect) error {
		if isCommit(e) {
			return errCrash
		}
		return nil
	}
	_, err := f.Certify(context.Background(), Batch{Height: 1, Files: []string{conflict}, RecordObstruction: true})
	require.ErrorIs(t, err, errCrash)
	require.NoError(t, f.Close())
	f = openFolder(t, dir)
	out := certify(t, f, lone(t, 9))
	require.True(t, out.Resumed)
	require.Equal(t, cert.Obstruction, out.Certificate.Envelope.Type)
	require.Empty(t, traceNames(t, dir))
	requireAudit(t, dir, 2)
}

// TestALockedContentNeedsItsTrace removes, or changes, the trace that members have
// signed for: only the same batch can be certified, and gives it again.
func TestALockedContentNeedsItsTrace(t *testing.T) {
	first, _ := omegalogtest.TwoBatches(t)
	for name, damage := range map[string]func(path string) error{
		"removed": os.Remove,
		"changed": func(path string) error {
			b, err := os.ReadFile(path)
			b[len(b)-1] ^= 1
			return errors.Join(err, os.WriteFile(path, b, 0o644))
		},
	} {
		dir := newChain(t, 2)
		f := openFolder(t, dir)
		crashWhen(t, f, isCommit, first...)
		require.NoError(t, f.Close())
		path := filepath.Join(dir, archive.TracesName, traceNames(t, dir)[0])
		good, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, damage(path), name)

		f = openFolder(t, dir)
		_, err = f.Certify(context.Background(), Batch{Height: 1, Files: []string{lone(t, 9)}})
		require.ErrorContains(t, err, filepath.Base(path), name)
		if name == "removed" {
			require.ErrorIs(t, err, ErrTraceMissing)
		} else {
			var rule *archive.RuleError
			require.ErrorAs(t, err, &rule)
		}
		require.EqualValues(t, 1, f.Chain.Length)
		require.False(t, certify(t, f, first...).Resumed, name)
		again, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, bytes.Equal(good, again))
		require.NoError(t, f.Close())
		requireAudit(t, dir, 2)
	}
}

// TestAContentInMemoryNeedsItsTraceToo cancels when a member has locked, removes the
// trace, and goes on in the same process.
func TestAContentInMemoryNeedsItsTraceToo(t *testing.T) {
	dir := newChain(t, 3)
	first, _ := omegalogtest.TwoBatches(t)
	f := openFolder(t, dir)
	ctx, cancel := context.WithCancel(context.Background())
	f.beforeEffect = func(e quorum.Effect) error {
		if isCommit(e) {
			cancel()
		}
		return nil
	}
	_, err := f.Certify(ctx, Batch{Height: 1, Files: first})
	require.ErrorIs(t, err, context.Canceled)
	f.beforeEffect = nil
	require.NoError(t, os.Remove(filepath.Join(dir, archive.TracesName, traceNames(t, dir)[0])))
	_, err = f.Certify(context.Background(), Batch{Height: 1, Files: []string{lone(t, 9)}})
	require.ErrorIs(t, err, ErrTraceMissing)
	require.EqualValues(t, 1, f.Chain.Length)
	require.False(t, certify(t, f, first...).Resumed)
	require.NoError(t, f.Close())
	requireAudit(t, dir, 2)
}

// TestALogOlderThanAVoteIsCompletedOrRefused puts back older copies of the log
// alone. Of a height that the votes are for, the same certificate is made again;
// of one before nothing can be.
func TestALogOlderThanAVoteIsCompletedOrRefused(t *testing.T) {
	dir := newChain(t, 2)
	first, second := omegalogtest.TwoBatches(t)
	f := openFolder(t, dir)
	var logs [][]byte
	for _, files := range [][]string{nil, first, second} {
		if files != nil {
			certify(t, f, files...)
		}
		log, err := os.ReadFile(certlog.Path(dir))
		require.NoError(t, err)
		logs = append(logs, log)
	}
	head := f.Chain.Head
	require.NoError(t, f.Close())

	require.NoError(t, os.WriteFile(certlog.Path(dir), logs[0], 0o644))
	before := folderBytes(t, dir)
	_, err := Open(dir, nil)
	require.ErrorIs(t, err, quorum.ErrDiskAhead)
	require.ErrorContains(t, err, certlog.VotePath(dir, "member-1"))
	require.Equal(t, before, folderBytes(t, dir))

	require.NoError(t, os.WriteFile(certlog.Path(dir), logs[1], 0o644))
	f = openFolder(t, dir)
	require.True(t, certify(t, f, lone(t, 9)).Resumed)
	require.Equal(t, head, f.Chain.Head)
	require.NoError(t, f.Close())
	log, err := os.ReadFile(certlog.Path(dir))
	require.NoError(t, err)
	require.Equal(t, logs[2], log)
	requireAudit(t, dir, 3)
}

func TestAVoteThatDoesNotVerifyIsRefused(t *testing.T) {
	dir := newChain(t, 2)
	first, _ := omegalogtest.TwoBatches(t)
	f := openFolder(t, dir)
	crashWhen(t, f, isAppend, first...)
	require.NoError(t, f.Close())
	path := certlog.VotePath(dir, "member-2")
	good := voteOf(t, dir, "member-2")
	for name, c := range map[string]struct {
		change func(d *quorum.Durable)
		want   error
	}{
		"another chain's":    {func(d *quorum.Durable) { d.Chain[0] ^= 1 }, quorum.ErrWrongChain},
		"a bad signature":    {func(d *quorum.Durable) { p := *d.Prepare; p.Signature[0] ^= 1; d.Prepare = &p }, quorum.ErrDisk},
		"of a later height":  {func(d *quorum.Durable) { d.Height++ }, quorum.ErrDiskAhead},
		"without its lock's": {func(d *quorum.Durable) { d.Candidates = nil }, quorum.ErrEncoding},
	} {
		bad := *good
		c.change(&bad)
		putVote(t, dir, "member-2", &bad)
		_, err := Open(dir, nil)
		require.ErrorIs(t, err, c.want, name)
		require.ErrorContains(t, err, path, name)
	}
	require.NoError(t, os.WriteFile(path, []byte("OMEGAVOT"), 0o600))
	_, err := Open(dir, nil)
	var damage *certlog.VoteError
	require.ErrorAs(t, err, &damage)
	putVote(t, dir, "member-2", good)
	require.False(t, certify(t, openFolder(t, dir), first...).Resumed)
}

// TestAMemberWhoseVoteWasPutBackHalts takes away what one member has signed after
// all have locked: the others hold its prepare, and it must not sign again.
func TestAMemberWhoseVoteWasPutBackHalts(t *testing.T) {
	dir := newChain(t, 3)
	first, _ := omegalogtest.TwoBatches(t)
	f := openFolder(t, dir)
	crashWhen(t, f, isAppend, first...)
	require.NoError(t, f.Close())
	require.NoError(t, os.Remove(certlog.VotePath(dir, "member-2")))
	f = openFolder(t, dir)
	for range 2 {
		_, err := f.Certify(context.Background(), Batch{Height: 1, Files: first})
		require.ErrorIs(t, err, quorum.ErrHalted)
		require.ErrorContains(t, err, "member-2")
		require.NotNil(t, f.members[1].state.Halted)
		require.EqualValues(t, 1, f.Chain.Length)
	}
	require.NoError(t, f.Close())
	require.NoFileExists(t, certlog.VotePath(dir, "member-2"))
	requireAudit(t, dir, 1)
}

// TestEvidenceIsToldAndTheAgreementGoesOn shows one member a second prepare of
// another, before its first.
func TestEvidenceIsToldAndTheAgreementGoesOn(t *testing.T) {
	dir := newChain(t, 3)
	first, second := omegalogtest.TwoBatches(t)
	f := openFolder(t, dir)
	require.Empty(t, certify(t, f, first...).Evidence)
	key, err := identity.Load(archive.KeyPath(dir, "member-2"), nil)
	require.NoError(t, err)
	other := &quorum.Prepare{Chain: f.Chain.Name, Height: 2, From: 1, SignedPrepare: quorum.SignedPrepare{Digest: cert.Hash{1}}}
	other.Signature = key.Sign(cert.PrepareMessage(f.Chain.Name, 2, 0, other.Digest))
	m := f.members[0]
	m.state, _, err = quorum.Step(m.cfg, m.state, other)
	require.NoError(t, err)
	f.beforeEffect = func(e quorum.Effect) error {
		requireOnDisk(t, f, e)
		return nil
	}
	out := certify(t, f, second...)
	require.Len(t, out.Evidence, 1)
	require.Equal(t, 1, out.Evidence[0].Member)
	require.Equal(t, other, out.Evidence[0].First)
	require.NoError(t, f.Close())
	requireAudit(t, dir, 3)
}

// TestAnEndOfTheContextIsHeededUntilThereIsACertificate cancels before each effect
// in turn.
func TestAnEndOfTheContextIsHeededUntilThereIsACertificate(t *testing.T) {
	t.Parallel()
	first, _ := omegalogtest.TwoBatches(t)
	cancelled := 0
	for at := 0; ; at++ {
		dir := newChain(t, 2)
		f := openFolder(t, dir)
		ctx, cancel := context.WithCancel(context.Background())
		n := 0
		f.beforeEffect = func(quorum.Effect) error {
			if n++; n == at+1 {
				cancel()
			}
			return nil
		}
		out, err := f.Certify(ctx, Batch{Height: 1, Files: first})
		cancel()
		if err == nil {
			require.NotNil(t, out.Certificate)
			require.EqualValues(t, 2, f.Chain.Length)
			if n <= at {
				break
			}
			continue
		}
		cancelled++
		require.ErrorIs(t, err, context.Canceled)
		require.EqualValues(t, 1, f.Chain.Length)
		require.False(t, certify(t, f, first...).Resumed)
		require.NoError(t, f.Close())
		requireAudit(t, dir, 2)
	}
	require.Greater(t, cancelled, 5)
}

// TestEachStartHasANonceOfItsOwn collects those that members send (QRM-17).
func TestEachStartHasANonceOfItsOwn(t *testing.T) {
	dir := newChain(t, 3)
	starts := map[quorum.Nonce]int{}
	for lamport := range uint64(3) {
		f := openFolder(t, dir)
		f.beforeEffect = func(e quorum.Effect) error {
			if send, ok := e.(quorum.Send); ok {
				if m, ok := send.Message.(*quorum.Resync); ok {
					starts[m.Nonce] = m.From
				}
			}
			return nil
		}
		certify(t, f, lone(t, lamport+1))
		require.NoError(t, f.Close())
	}
	require.Len(t, starts, 9)
}
