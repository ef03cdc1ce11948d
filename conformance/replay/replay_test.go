package replay

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/corpus"
	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

func load(t *testing.T, name string) (*corpus.Corpus, Config) {
	c, err := Load(filepath.Join("..", "corpus", "testdata", name+".corpus.gz"))
	require.NoError(t, err)
	cfg, err := LoadConfig(filepath.Join("..", "..", "tla", name+".cfg"))
	require.NoError(t, err)
	return c, cfg
}

// noFindings fails with the first findings, and keeps them.
func noFindings(t *testing.T, f *Findings) {
	if f.Count > 0 {
		os.WriteFile(filepath.Join(t.ArtifactDir(), "findings.txt"), []byte(f.String()), 0o600)
		t.Fatal(f)
	}
}

func TestTheQuorumDoesWhatEveryEdgeOfTheModelSaysAndRefusesAllElse(t *testing.T) {
	c, cfg := load(t, "QuorumGraph")
	q, err := NewQuorum(c, cfg)
	require.NoError(t, err)
	q.Run()
	noFindings(t, &q.Findings)
	require.Equal(t, len(c.Edges), q.Edges)
	require.Equal(t, len(c.States), q.States)
	layer.Count(t, "quorum_edges", q.Edges)
	layer.Count(t, "quorum_states", q.States)
	layer.Count(t, "quorum_refusals", q.Refusals)
	layer.Count(t, "quorum_ignored", q.Ignored)
	// The graph has one honest member, who always holds what it has signed: so no
	// candidate is unwanted, and nobody halts. The other errors are not the model's.
	require.ElementsMatch(t, []error{
		quorum.ErrNotStarted, quorum.ErrStarted, quorum.ErrWrongHeight, quorum.ErrNotAddressee, quorum.ErrSignature,
		quorum.ErrNonce, quorum.ErrProof, quorum.ErrStaleAttempt, quorum.ErrWrongAttempt, quorum.ErrPrepared,
		quorum.ErrNotPrepared, quorum.ErrNotReady, quorum.ErrCandidate, quorum.ErrCertificate,
	}, slices.Collect(maps.Keys(q.Reasons)))
}

func TestTheDataPathDoesWhatEveryEdgeOfTheModelSays(t *testing.T) {
	c, cfg := load(t, "DataPathGraph")
	d, err := NewDataPath(c, cfg, t.TempDir())
	require.NoError(t, err)
	d.Run()
	require.NoError(t, d.Close())
	noFindings(t, &d.Findings)
	require.Equal(t, len(c.Edges), d.Edges)
	require.Equal(t, len(c.States), d.States)
	layer.Count(t, "datapath_edges", d.Edges)
	layer.Count(t, "datapath_states", d.States)
	layer.Count(t, "datapath_batches", d.Batches)
	layer.Count(t, "datapath_disabled", d.Disabled)
}
