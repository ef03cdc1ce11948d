package verify

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	told "github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout/checkouttest"
)

// steps is a checkout with a layer of its own, whose test does body.
func steps(t *testing.T, body string) string {
	return checkouttest.New(t, `
-- impl/one/one_test.go --
package one

import "testing"

func TestOne(t *testing.T) {}
-- conformance/replay/replay_test.go --
package replay

import (
	"os"
	"testing"
)

var _ = os.Args

func TestEverything(t *testing.T) {
`+body+`
}
`)
}

func replayLayer(t *testing.T, body string, k *task) (outcome, []string) {
	l := testLayer{name: "replay", memoryMB: 1}.layer()
	return runLayer(t, func(given *task) outcome {
		given.deep, given.parts = k.deep, k.parts
		return l.run(t.Context(), given)
	}, steps(t, body))
}

func TestALayerOfTestsShowsWhatTheyHaveCounted(t *testing.T) {
	out, lines := replayLayer(t, `t.Attr("edges", "12"); t.Attr("varying.states_seen", "3"); t.Attr("list.killed", "b a")`, &task{})
	require.Empty(t, out.problems)
	require.Equal(t, map[string]float64{"edges": 12, "states_seen": 3, "tests": 1}, out.counts)
	require.Equal(t, []string{"states_seen"}, out.varying)
	require.Equal(t, map[string][]string{"killed": {"a", "b"}}, out.lists)
	require.Equal(t, "12 edges, 3 states seen, 1 tests", out.message)
	require.Len(t, lines, 1)
	require.Regexp(t, `^ok  \tgithub.com/omega-sheaf-os/omega/conformance/replay\t`, lines[0])
}

func TestALayerOfTestsIsRedWhereItHasNotLookedAtEverything(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{`t.Skip("later")`, "conformance/replay: TestEverything was skipped"},
		{`t.Error("no such edge")`, "conformance/replay/replay_test.go:11: TestEverything\n    replay_test.go:11: no such edge"},
		{`t.Attr("edges", "1"); t.Attr("edges", "2")`, "TestEverything: edges is counted twice"},
		{`t.Attr("edges", "many")`, `TestEverything: the count edges is "many"`},
	} {
		out, _ := replayLayer(t, c.body, &task{})
		require.Contains(t, strings.Join(out.problems, "\n"), c.want)
	}
	l := testLayer{name: "sim", memoryMB: 1}.layer()
	out, _ := runLayer(t, func(k *task) outcome { return l.run(t.Context(), k) }, steps(t, ""))
	require.Contains(t, strings.Join(out.problems, "\n"), "conformance/sim: no test has run")
}

func TestWhatATestKeepsIsKeptWhereItFails(t *testing.T) {
	cache := &cache{t.TempDir()}
	write := `os.WriteFile(t.ArtifactDir()+"/seed", []byte("7"), 0o600); `
	out, _ := replayLayer(t, write+`t.Fail()`, &task{parts: cache})
	kept := filepath.Join(cache.dir, "kept", "replay")
	require.Contains(t, out.problems, "what the tests have kept lies in "+kept)
	found := 0
	require.NoError(t, filepath.WalkDir(kept, func(path string, _ os.DirEntry, err error) error {
		if filepath.Base(path) == "seed" {
			found++
		}
		return err
	}))
	require.Equal(t, 1, found)
	out, _ = replayLayer(t, write, &task{parts: cache})
	require.Empty(t, out.problems)
	require.NoDirExists(t, kept)
}

func TestDeepTellsTheTestsOfALayer(t *testing.T) {
	require.Equal(t, []string{told.Deep, told.Mutants, told.List, told.Varying}, []string{deepVariable, mutantsVariable, listKey, varyingKey})
	body := `if os.Getenv("` + told.Deep + `") == "1" { t.Attr("deep", "1") }`
	for _, deep := range []bool{false, true} {
		out, _ := replayLayer(t, body, &task{deep: deep})
		require.Equal(t, deep, out.counts["deep"] == 1)
	}
}

func TestTheLayerGoLeavesOutTheLayersThatAreTests(t *testing.T) {
	packages, err := packagesWithoutLayer(t.Context(), steps(t, ""))
	require.NoError(t, err)
	require.Contains(t, packages, "github.com/omega-sheaf-os/omega/impl/one")
	require.NotContains(t, packages, "github.com/omega-sheaf-os/omega/conformance/replay")
}
