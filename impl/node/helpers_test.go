package node

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/omegalog/omegalogtest"
)

// certify certifies the files as the next batch.
func certify(t require.TestingT, f *Folder, files ...string) *Outcome {
	out, err := f.Certify(context.Background(), Batch{Height: f.Chain.Length, Files: files})
	require.NoError(t, err)
	require.NotNil(t, out.Certificate)
	return out
}

// voteOf returns what the vote file of a member holds.
func voteOf(t require.TestingT, dir, member string) *quorum.Durable {
	content, err := certlog.ReadVote(certlog.VotePath(dir, member))
	require.NoError(t, err)
	d, err := quorum.DecodeDurable(content)
	require.NoError(t, err)
	return d
}

// putVote makes d what the vote file of a member holds.
func putVote(t require.TestingT, dir, member string, d *quorum.Durable) {
	b, err := certlog.AppendVote(nil, d.Encode())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(certlog.VotePath(dir, member), b, 0o600))
}

// crashWhen makes f's members crash before the first effect for which crash
// reports true, and returns what the Certify of the files comes to.
func crashWhen(t *testing.T, f *Folder, crash func(quorum.Effect) bool, files ...string) {
	t.Helper()
	f.beforeEffect = func(e quorum.Effect) error {
		if crash(e) {
			return errCrash
		}
		return nil
	}
	_, err := f.Certify(context.Background(), Batch{Height: f.Chain.Length, Files: files})
	require.ErrorIs(t, err, errCrash)
	f.beforeEffect = nil
}

func isCommit(e quorum.Effect) bool {
	send, ok := e.(quorum.Send)
	if ok {
		_, ok = send.Message.(*quorum.Commit)
	}
	return ok
}

func isAppend(e quorum.Effect) bool {
	_, ok := e.(quorum.Append)
	return ok
}

// traceNames returns what is in the traces' folder.
func traceNames(t require.TestingT, dir string) []string {
	entries, err := os.ReadDir(filepath.Join(dir, archive.TracesName))
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// tracePathAt returns the path of the trace of a merge in the chain.
func tracePathAt(t require.TestingT, f *Folder, height uint64) string {
	path := f.TracePath(&f.Certificates[height].Envelope)
	require.FileExists(t, path)
	return path
}

// lone returns a section of node 1 with one event at the Lamport time.
func lone(t *testing.T, lamport uint64) string {
	return omegalogtest.WriteSection(t, t.TempDir(), "lone.omega", 1, omegalogtest.Event(lamport, 1))
}
