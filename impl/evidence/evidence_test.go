package evidence_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/evidence"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout/checkouttest"
	"github.com/omega-sheaf-os/omega/impl/toolchain/verify"
)

// report is one that passed; what is measured and how long it took vary with n.
func report(n float64) *verify.Report {
	return &verify.Report{
		OK: true,
		Layers: []verify.Result{
			{
				Name: "lean", Verdict: verify.Pass, Seconds: n, Cached: n > 1,
				Counts: map[string]float64{"claims": 3, "modules_checked": n}, Lists: map[string][]string{"axioms": {"propext"}},
				Varying: []string{"modules_checked"},
			},
			{Name: "sim", Verdict: verify.Pass, Seconds: 2 * n, Counts: map[string]float64{"seeds": 100, "seeds_per_minute": n}, Varying: []string{"seeds_per_minute"}},
			{Name: "browser", Verdict: verify.NotRun, Counts: map[string]float64{}, Message: verify.MissingLayer},
		},
		Pinned: []verify.Used{{Name: "go", Version: "go1.0"}}, HostTools: []verify.Used{{Name: "git", Version: "2"}},
	}
}

const tree = `
-- a.go --
package a
-- formal/Omega.lean --
import Omega.Spec
-- tla/Quorum.tla --
Next == FALSE
`

func bundleOf(t *testing.T, root string, n float64) *evidence.Bundle {
	all, err := evidence.Hash(t.Context(), root)
	require.NoError(t, err)
	b, err := evidence.Make(report(n), all)
	require.NoError(t, err)
	return b
}

func TestTwoRunsOverTheSameFilesGiveTheSameBundle(t *testing.T) {
	one, two := bundleOf(t, checkouttest.New(t, tree), 1), bundleOf(t, checkouttest.New(t, tree), 2)
	require.Equal(t, string(one.Encode()), string(two.Encode()))
	require.Equal(t, one.Digest(), two.Digest())
	for _, what := range []string{`"claims": 3`, `"axioms"`, `"propext"`, `"seeds": 100`, `"proofs"`, `"models"`, `"go1.0"`, `"not-run"`} {
		require.Contains(t, string(one.Encode()), what)
	}
	for _, what := range []string{"per_minute", "modules_checked", "seconds"} {
		require.NotContains(t, string(one.Encode()), what)
	}
	other := bundleOf(t, checkouttest.New(t, tree+"-- b.go --\npackage a\n"), 1)
	require.NotEqual(t, one.Digest(), other.Digest())
}

func TestWhatDiffersFromRunToRunStandsBeside(t *testing.T) {
	r := evidence.MakeRun(report(2), "2030-01-02T03:04:05Z", "abc-dirty")
	require.Equal(t, []evidence.RunLayer{
		{Name: "lean", Seconds: 2, Cached: true, Measured: map[string]float64{"modules_checked": 2}},
		{Name: "sim", Seconds: 4, Measured: map[string]float64{"seeds_per_minute": 2}},
	}, r.Layers)
	require.Equal(t, []verify.Used{{Name: "git", Version: "2"}}, r.HostTools)
}

func TestNoBundleIsMadeOfARunThatHasNotPassed(t *testing.T) {
	for _, message := range []string{"not asked for", "edge 7 differs"} {
		r := report(1)
		r.Layers[1].Verdict, r.Layers[1].Message = verify.NotRun, message
		_, err := evidence.Make(r, nil)
		require.ErrorIs(t, err, evidence.ErrNotPassed)
	}
}

// Any change of a bundle's bytes is another bundle, or none.
func TestAChangedBundleIsAnotherOne(t *testing.T) {
	b := bundleOf(t, checkouttest.New(t, tree), 1)
	text := b.Encode()
	again, err := evidence.Parse(text)
	require.NoError(t, err)
	require.Equal(t, b, again)
	rapid.Check(t, func(t *rapid.T) {
		changed := bytes.Clone(text)
		switch at := rapid.IntRange(0, len(text)-1).Draw(t, "at"); rapid.SampledFrom([]string{"flip", "cut", "double"}).Draw(t, "how") {
		case "flip":
			changed[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "with"))
		case "cut":
			changed = changed[:at]
		case "double":
			changed = append(changed, text[at:]...)
		}
		got, err := evidence.Parse(changed)
		if err != nil {
			require.ErrorIs(t, err, evidence.ErrNotABundle)
			return
		}
		require.NotEqual(t, b.Digest(), got.Digest())
		require.Equal(t, changed, got.Encode())
	})
}

func TestGroupsAreThoseOfTheFiles(t *testing.T) {
	b := bundleOf(t, checkouttest.New(t, tree), 1)
	b.Groups[0].Files++
	_, err := evidence.Parse(b.Encode())
	require.ErrorIs(t, err, evidence.ErrNotABundle)
	require.ErrorContains(t, err, "groups")
}

// signed makes an evidence folder that two members have signed.
func signed(t *testing.T, root string) (dir string, genesis cert.Hash) {
	data, dir := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "evidence")
	_, err := node.Init(data, node.DefaultSeats(2))
	require.NoError(t, err)
	f, err := node.Open(data, nil)
	require.NoError(t, err)
	defer f.Close()
	b := bundleOf(t, root, 1)
	require.NoError(t, evidence.Reserve(dir))
	require.NoError(t, evidence.Write(dir, b, evidence.MakeRun(report(1), "now", "")))
	_, err = f.CertifyEvidence(t.Context(), b.Digest())
	require.NoError(t, err)
	require.NoError(t, evidence.CopyLog(dir, data))
	return dir, f.Chain.Name
}

func TestSignedEvidenceIsCheckedFromItsBytes(t *testing.T) {
	root := checkouttest.New(t, tree)
	dir, genesis := signed(t, root)
	all, err := evidence.Hash(t.Context(), root)
	require.NoError(t, err)
	c, err := evidence.Check(dir, &genesis, all)
	require.NoError(t, err)
	require.True(t, c.OK())
	require.Equal(t, uint64(1), c.Height)
	require.Len(t, c.Signers, 2)
	require.True(t, c.Audit.Pinned)

	c, err = evidence.Check(dir, &cert.Hash{1}, nil)
	require.NoError(t, err)
	require.False(t, c.OK(), "another chain")

	require.NoError(t, os.WriteFile(filepath.Join(root, "a.go"), []byte("package b\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(root, "more.go"), nil, 0o644))
	require.NoError(t, os.Remove(filepath.Join(root, "tla", "Quorum.tla")))
	all, err = evidence.Hash(t.Context(), root)
	require.NoError(t, err)
	c, err = evidence.Check(dir, &genesis, all)
	require.NoError(t, err)
	require.False(t, c.OK())
	require.Len(t, c.Differences, 3)
	require.Contains(t, c.Differences[0], "a.go: sha256 is ")
	require.Equal(t, "tla/Quorum.tla: is gone", c.Differences[1])
	require.Equal(t, "more.go: the evidence does not have it", c.Differences[2])
}

// Whatever byte of the two signed files is changed, the folder does not hold.
func TestNoByteOfSignedEvidenceCanBeChanged(t *testing.T) {
	dir, genesis := signed(t, checkouttest.New(t, tree))
	for _, name := range []string{evidence.BundleName, evidence.LogName} {
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for at := range text {
			changed := bytes.Clone(text)
			changed[at] ^= 1
			require.NoError(t, os.WriteFile(path, changed, 0o644))
			c, err := evidence.Check(dir, &genesis, nil)
			require.False(t, err == nil && c.OK(), "%s at %d", name, at)
		}
		require.NoError(t, os.WriteFile(path, text, 0o644))
	}
	text, err := os.ReadFile(filepath.Join(dir, evidence.LogName))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, evidence.LogName), append(text, make([]byte, 20)...), 0o644))
	c, err := evidence.Check(dir, &genesis, nil)
	require.NoError(t, err)
	require.False(t, c.OK(), "more behind the chain's last certificate")
	require.Empty(t, c.Signers, "of a chain that does not hold")
	require.NoError(t, os.WriteFile(filepath.Join(dir, evidence.LogName), text, 0o644))
	c, err = evidence.Check(dir, &genesis, nil)
	require.NoError(t, err)
	require.True(t, c.OK())
}

func TestUnsignedEvidenceSaysSo(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, evidence.Write(dir, bundleOf(t, checkouttest.New(t, tree), 1), &evidence.Run{}))
	c, err := evidence.Check(dir, nil, nil)
	require.NoError(t, err)
	require.True(t, c.OK())
	require.Nil(t, c.Audit)
	require.Empty(t, c.Signers)
	require.ErrorIs(t, evidence.Reserve(dir), evidence.ErrExists)
}

func TestABundleThatIsTooLargeIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, evidence.BundleName)
	require.NoError(t, os.WriteFile(path, nil, 0o644))
	require.NoError(t, os.Truncate(path, evidence.MaxBundle+1))
	_, err := evidence.Check(dir, nil, nil)
	require.ErrorIs(t, err, evidence.ErrNotABundle)
	require.ErrorContains(t, err, path+": ")
	require.ErrorContains(t, err, "more than 16777216 bytes")
}
