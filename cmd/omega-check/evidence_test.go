package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/evidence"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout/checkouttest"
	"github.com/omega-sheaf-os/omega/impl/toolchain/verify"
)

// passed is a report of one layer that has passed.
func passed() *verify.Report {
	return &verify.Report{OK: true, Layers: []verify.Result{{
		Name: "lean", Verdict: verify.Pass, Counts: map[string]float64{"claims": 3}, Lists: map[string][]string{"axioms": {"propext"}},
	}}}
}

// written writes the evidence of a run over root that has passed, signed where data
// is not empty.
func written(t *testing.T, root, data string) string {
	t.Chdir(root)
	var out bytes.Buffer
	dir := filepath.Join(t.TempDir(), "evidence")
	e, err := beginEvidence(t.Context(), &app{streams: newStreams(&out, &out, false)}, dir, data)
	require.NoError(t, err)
	_, err = e.finish(t.Context(), passed())
	require.NoError(t, err)
	require.NoError(t, e.close())
	return dir
}

// checkEvidence runs check-evidence and returns its status and what it prints as JSON.
func checkEvidence(t *testing.T, args ...string) (int, map[string]any) {
	var out, diagnostics bytes.Buffer
	status := run(append([]string{"check-evidence", "--json"}, args...), &out, &diagnostics)
	var object map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &object), diagnostics.String())
	out.Reset()
	require.Equal(t, status, run(append([]string{"check-evidence"}, args...), &out, &diagnostics))
	object["text"] = out.String()
	return status, object
}

func TestEvidenceIsCheckedOffline(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	genesis, err := node.Init(data, node.DefaultSeats(2))
	require.NoError(t, err)
	root := checkouttest.New(t, "-- a.go --\npackage a\n")
	name := genesis.Envelope.Hash().String()
	dir := written(t, root, data)

	status, got := checkEvidence(t, "--input", dir, "--genesis", name, "--root", root)
	require.Equal(t, statusHolds, status)
	require.Equal(t, []any{true, true, true, 1.0}, []any{got["ok"], got["signed"], got["pinned"], got["height"]})
	require.Contains(t, got["text"], "the evidence holds")

	status, got = checkEvidence(t, "--input", dir)
	require.Equal(t, statusHolds, status)
	require.Contains(t, got["text"], "UNPINNED")

	require.NoError(t, os.WriteFile(filepath.Join(root, "a.go"), []byte("package b\n"), 0o644))
	status, got = checkEvidence(t, "--input", dir, "--root", root)
	require.Equal(t, statusNo, status)
	require.Contains(t, got["message"], "the checkout is another: a.go: sha256 is ")

	unsigned := written(t, root, "")
	status, got = checkEvidence(t, "--input", unsigned)
	require.Equal(t, statusHolds, status)
	require.Equal(t, false, got["signed"])
	require.Contains(t, got["text"], "UNSIGNED")
	status, got = checkEvidence(t, "--input", unsigned, "--genesis", name)
	require.Equal(t, statusNo, status)
	require.Contains(t, got["message"], "nobody has signed it")

	// The same chain, and the bundle of another run.
	require.NoError(t, os.Rename(filepath.Join(unsigned, evidence.BundleName), filepath.Join(dir, evidence.BundleName)))
	status, got = checkEvidence(t, "--input", dir, "--genesis", name)
	require.Equal(t, statusNo, status)
	require.Contains(t, got["message"], "no certificate of the chain is over this bundle")

	status, _ = checkEvidence(t, "--input", filepath.Join(root, "nowhere"))
	require.Equal(t, statusMissing, status)
}

func TestEvidenceIsOfACheckoutThatDoesNotChange(t *testing.T) {
	root := checkouttest.New(t, "-- a.go --\npackage a\n")
	t.Chdir(root)
	var out bytes.Buffer
	dir := filepath.Join(t.TempDir(), "evidence")
	e, err := beginEvidence(t.Context(), &app{streams: newStreams(&out, &out, false)}, dir, "")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(root, "a.go"), []byte("package b\n"), 0o644))
	_, err = e.finish(t.Context(), passed())
	require.ErrorIs(t, err, evidence.ErrChanged)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}
