package ledger

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/conformance/mutants"
)

const root = "../.."

func TestEveryCellIsFullOrHasAReason(t *testing.T) {
	table, err := Build(t.Context(), root, nil)
	require.NoError(t, err)
	require.Empty(t, table.Problems, strings.Join(table.Problems, "\n"))
	require.Zero(t, table.Counts.Empty)
	require.Positive(t, table.Counts.Full)
	layer.Count(t, "functions", table.Counts.Functions)
	layer.Count(t, "clauses", table.Counts.Clauses)
	layer.Count(t, "cells", table.Counts.Cells)
	layer.Count(t, "cells_full", table.Counts.Full)
	layer.Count(t, "cells_not_applicable", table.Counts.NotApplicable)
	layer.Count(t, "faults", table.Counts.Faults)
}

// toy is a checkout in which one function has all its cells.
var toy = map[string]string{
	"impl/kernel/key/key.go":      "package key\n\n// Less compares (KEY-1 to KEY-2).\nfunc Less(a, b int) bool { return a < b }\n\n// String says it.\nfunc (T) String() string { return \"\" }\n\n// T is a type.\ntype T int\n",
	"impl/kernel/key/key_test.go": "package key\n\nfunc TestLess(t *testing.T) { rapid.Check(t, nil) }\n\nfunc TestTable(t *testing.T) {}\n",
	"spec/rules.md":               "# KEY\n\n**KEY-1.** One.\n\n**KEY-2.** Two.\n",
	"formal/Omega/Spec/Key.lean":  "/-- Compares. `impl/kernel/key` has it as `Less`. -/\ndef less (a b : Nat) : Bool := a < b\n",

	"conformance/vectors/keys.go":       "package vectors\n\nvar form = \"key.Less\"\n",
	"conformance/vectors/v_test.go":     "package vectors\n\nfunc TestKeysAreLeans(t *testing.T) {}\n",
	"conformance/replay/r_test.go":      "package replay\n\nfunc TestEdges(t *testing.T) {}\n",
	"conformance/linear/l_test.go":      "package linear\n\nfunc TestKernel(t *testing.T) {}\n",
	"conformance/golden/golden_test.go": "package main\n\nfunc TestGolden(t *testing.T) {}\n",
	"conformance/ledger/exceptions.txt": "# Reasons.\n\nall *.String it says a value in words\n",
	"conformance/mutants/faults/key.txt": `fault key-less-turned
in impl/kernel/key/key.go Less
- a < b
+ b < a
by impl/kernel/key TestLess
by conformance/vectors TestKeysAreLeans
by conformance/replay TestEdges
by conformance/linear TestKernel/key.Less
by conformance/golden TestGolden
`,
}

// build makes the table of the toy with one text replaced by another in one file.
func build(t *testing.T, file, from, to string, shown map[string]mutants.Result) *Table {
	dir := t.TempDir()
	for name, text := range toy {
		if name == file {
			require.Contains(t, text, from)
			text = strings.Replace(text, from, to, 1)
		}
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	table, err := Build(t.Context(), dir, shown)
	require.NoError(t, err)
	return table
}

func TestARowHasWhatHoldsTheFunction(t *testing.T) {
	table := build(t, "", "", "", nil)
	require.Empty(t, table.Problems)
	require.Equal(t, Counts{Functions: 2, Clauses: 2, Cells: 10, Full: 5, NotApplicable: 5, Faults: 1}, table.Counts)
	r := table.Rows[0]
	require.Equal(t, "key.Less", r.Function)
	require.Equal(t, []Link{{"KEY-1", "spec/rules.md", 3}, {"KEY-2", "spec/rules.md", 5}}, r.Clauses)
	require.Equal(t, []Link{{"vectors of key.Less", "conformance/vectors/keys.go", 3}, {"less", "formal/Omega/Spec/Key.lean", 2}}, r.Links)
	linear := r.Cells[Linear].Evidence
	require.Len(t, linear, 1)
	require.Equal(t, Link{"TestKernel/key.Less", "conformance/linear/l_test.go", 3}, linear[0].Place)
	require.Equal(t, Link{"key-less-turned", "conformance/mutants/faults/key.txt", 1}, linear[0].At)
	require.Len(t, r.Cells[Corpus].Evidence, 2, "golden, and the corpus that is replayed")
	require.Equal(t, "it says a value in words", table.Rows[1].Cells[Linear].Reason)
}

func TestEachWayToBreakTheTableIsRed(t *testing.T) {
	const faults, spare = "conformance/mutants/faults/key.txt", "conformance/ledger/exceptions.txt"
	for _, c := range []struct{ file, from, to, problem string }{
		{"impl/kernel/key/key.go", "KEY-2", "KEY-3", "KEY-3, which is no clause"},
		{"impl/kernel/key/key.go", " (KEY-1 to KEY-2)", "", "key.Less names no clause"},
		{"impl/kernel/key/key.go", "// T is", "// More is KEY-1.\nfunc More() {}\n\n// T is", "key.More has no fault"},
		{"impl/kernel/key/key.go", "a < b", "a <= b", "has the old text 0 times"},
		{"impl/kernel/key/key_test.go", "rapid.Check(t, nil)", "", "the cell property is empty"},
		{"impl/kernel/key/key_test.go", "TestLess", "TestMore", "there is no test impl/kernel/key TestLess"},
		{"conformance/vectors/v_test.go", "TestKeysAreLeans", "TestMore", "there is no test conformance/vectors TestKeysAreLeans"},
		{"conformance/replay/r_test.go", "TestEdges", "TestNone", "there is no test conformance/replay TestEdges"},
		{faults, "/key.Less", "/key.More", "the subtest is of another function"},
		{faults, "by conformance/linear TestKernel/key.Less\n", "", "key.Less: the cell linear is empty"},
		{faults, "by conformance/vectors TestKeysAreLeans\n", "", "key.Less: the cell theorem is empty"},
		{faults, "by conformance/replay TestEdges\n", "", "key.Less: the cell action is empty"},
		{faults, "- a < b", "of key.T.String\n- a < b", "key.T.String does not reach Less"},
		{spare, "all *.String", "theorem,action *.String", "key.T.String: the cell property is empty"},
		{spare, "all *.String", "all *.Len", "nothing needs the exception all *.Len"},
	} {
		table := build(t, c.file, c.from, c.to, nil)
		require.Contains(t, strings.Join(table.Problems, "\n"), c.problem)
	}
}

func TestKilledIsOnlyWhatARunHasShown(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "conformance", "mutants", "faults")
	require.NoError(t, os.MkdirAll(path, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(path, "key.txt"), []byte(toy["conformance/mutants/faults/key.txt"]), 0o600))
	faults, err := mutants.Load(dir)
	require.NoError(t, err)
	one := mutants.Check{Where: "a", What: "B"}
	for verdict, want := range map[mutants.Verdict]string{mutants.Failed: "killed", mutants.Passed: "survived"} {
		shown := map[string]mutants.Result{faults[0].Hash(): {Checks: []mutants.Judged{{Check: one, Verdict: verdict}}}}
		table := build(t, "", "", "", shown)
		require.Equal(t, want, table.Rows[0].Cells[Linear].Evidence[0].Shown)
		require.Equal(t, map[string]int{"killed": 1, "survived": 0}[want], table.Counts.Killed)
	}
	require.Equal(t, "not run", build(t, "", "", "", nil).Rows[0].Cells[Linear].Evidence[0].Shown)
}

func TestTheTableIsWrittenAsTextJSONAndAPage(t *testing.T) {
	table := build(t, "conformance/mutants/faults/key.txt", "by conformance/golden TestGolden\n", "", nil)
	var text, object, page bytes.Buffer
	require.NoError(t, table.WriteText(&text))
	require.Contains(t, text.String(), "key.Less")
	require.Contains(t, text.String(), "linear of key.T.String: it says a value in words")
	require.Contains(t, text.String(), table.Counts.String())
	require.NoError(t, table.WriteJSON(&object))
	var back Table
	require.NoError(t, json.Unmarshal(object.Bytes(), &back))
	require.Equal(t, table, &back)
	require.NoError(t, table.WriteHTML(&page, "../"))
	links := regexp.MustCompile(`href="([^"#]+)`).FindAllStringSubmatch(page.String(), -1)
	require.Greater(t, len(links), 8)
	for _, l := range links {
		require.Contains(t, toy, strings.TrimPrefix(l[1], "../"))
	}
	require.NotContains(t, page.String(), "http", "the page needs nothing but itself")
}

func TestClausesOfADocstringAreReadWithTheirSpans(t *testing.T) {
	require.Equal(t, []string{"INV-2", "INV-3", "INV-4", "OBS-1"}, namedClauses("It does (INV-2 to\nINV-4, OBS-1), by SHA-256."))
	require.Empty(t, namedClauses("It says it."))
}

func TestAnExceptionSaysWhy(t *testing.T) {
	for _, line := range []string{"all *.String", "all *.String because", "all"} {
		path := filepath.Join(t.TempDir(), "exceptions.txt")
		require.NoError(t, os.WriteFile(path, []byte(line+"\n"), 0o600))
		_, err := readExceptions(path)
		require.Error(t, err, line)
	}
}
