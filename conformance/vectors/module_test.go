package vectors

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/impl/toolchain/lean"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var some = []Vector{
	{Kind: "keys", Form: "key.New", Call: "f 1", Out: "2"},
	{Kind: "keys", Form: "key.New", Call: "f 1", Out: "3", Wrong: true},
	{Kind: "trees", Form: "merkle.Root", Call: "g [] 2", Out: "some (1, 2)"},
}

func TestAModuleIsReadAsItWasWritten(t *testing.T) {
	all := some
	for _, k := range Kinds(root) {
		list, err := k.Draw(10)
		require.NoError(t, err)
		all = append(all, list...)
	}
	var b strings.Builder
	lines, err := Write(&b, []string{"Omega.Spec.Key"}, all)
	require.NoError(t, err)
	text := strings.Split(b.String(), "\n")
	for i, v := range all {
		require.Equal(t, begin+v.Statement()+end, text[lines[i]-1])
	}
	read, err := Read(strings.NewReader(b.String()))
	require.NoError(t, err)
	require.Equal(t, all, read)
	_, err = Read(strings.NewReader("module\n" + last))
	require.ErrorIs(t, err, ErrNoVectors)
}

func TestRefusalsAreThoseOfTheLinesThatLeanNames(t *testing.T) {
	const says = "Tactic `decide` proved that the proposition\n  f 1 = 3\nis false"
	end := lean.Message{Line: 16, Text: says}
	lines := []int{10, 12, 14}
	refusals, err := assign(lines, []lean.Message{{Line: 12, Text: says}, end})
	require.NoError(t, err)
	require.Equal(t, []*Refusal{nil, {12, says}, nil}, refusals)
	require.True(t, refusals[1].False())
	for _, other := range []string{"unexpected token", "maximum recursion depth", "it says that f 1 = 3\nis false"} {
		require.False(t, (&Refusal{12, other}).False())
	}
	for want, messages := range map[string][]lean.Message{
		"Lean has not come to the end":  {{Line: 12, Text: says}},
		"line 3, where no vector stand": {{Line: 3, Text: "unknown module"}, end},
	} {
		_, err := assign(lines, messages)
		require.ErrorContains(t, err, want)
	}
}

func TestEachFormHasAWrongVectorAndTheSameAreDrawnAgain(t *testing.T) {
	for _, k := range Kinds(root) {
		list, err := k.Draw(k.Quick)
		require.NoError(t, err)
		again, err := k.Draw(k.Quick)
		require.NoError(t, err)
		require.Equal(t, list, again, k.Name)
		forms := map[string]int{}
		for i, v := range list {
			require.Equal(t, k.Name, v.Kind)
			if _, known := forms[v.Form]; !known {
				forms[v.Form] = 0
			}
			if v.Wrong {
				forms[v.Form]++
				require.Equal(t, list[i-1].Call, v.Call)
				require.NotEqual(t, list[i-1].Out, v.Out)
			}
		}
		for form, wrong := range forms {
			require.Equal(t, 1, wrong, form)
		}
	}
}

func TestWithoutADifferenceThereIsNoWrongVector(t *testing.T) {
	k := Kind{Name: "same", vectors: func(int) ([]Vector, error) {
		return []Vector{{Form: "f", Call: "f 1", Out: "1"}, {Form: "f", Call: "f 2", Out: "1"}, {Form: "g", Call: "f 3", Out: "2"}}, nil
	}}
	_, err := k.Draw(1)
	require.ErrorContains(t, err, "no two of 3 vectors of one function differ")
}

// TestManyFilesAreCheckedInOneProcess takes the cheapest vectors, and in a second
// file those of code that is wrong.
func TestManyFilesAreCheckedInOneProcess(t *testing.T) {
	if *writeTo != "" {
		t.Skip("vectors are written, none is checked")
	}
	good := []Vector{
		{Kind: "keys", Form: "f", Call: "Fixed.clamp 5", Out: "5"},
		{Kind: "keys", Form: "f", Call: "Fixed.clamp 5", Out: "6", Wrong: true},
		{Kind: "trees", Form: "g", Call: "Fixed.nearest 5 2", Out: "2"},
	}
	bad := append([]Vector{}, good...)
	bad[2].Out = "3"
	unreadable := append([]Vector{}, good...)
	unreadable[2].Out = ".error "
	lenient := append([]Vector{}, good...)
	lenient[1].Out = "5"
	var files []string
	lists := map[string][]Vector{"good": good, "bad": bad, "unreadable": unreadable, "lenient": lenient}
	for _, name := range slices.Sorted(maps.Keys(lists)) { // in one order, so that Lean's answer is in its store
		files = append(files, filepath.Join(t.TempDir(), name))
		require.NoError(t, writeFile(files[len(files)-1], lists[name]))
	}
	verdicts, err := Check(t.Context(), root, t.Output(), files...)
	require.NoError(t, err)
	kinds := map[string][]string{}
	for _, v := range verdicts {
		require.Equal(t, 3, v.Vectors)
		kinds[filepath.Base(v.File)] = v.Kinds()
	}
	require.Equal(t, map[string][]string{"good": nil, "bad": {"trees"}, "unreadable": {"trees"}, "lenient": {"keys"}}, kinds)
	_, err = Check(t.Context(), root, t.Output(), filepath.Join(t.TempDir(), "gone"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestExactlyTheWrongVectorsAreRefused counts what all the kinds' tests have seen.
func TestExactlyTheWrongVectorsAreRefused(t *testing.T) {
	if *writeTo != "" {
		t.Skip("vectors are written, none is checked")
	}
	vectors, wrong := 0, 0
	kinds := map[string]bool{}
	for _, k := range Kinds(root) {
		for _, r := range judged(t, k.Module) {
			require.NoError(t, r.err)
			for i, v := range r.vectors {
				if v.Kind != k.Name {
					continue
				}
				require.Equal(t, v.Wrong, r.refusals[i] != nil, "%v", v)
				kinds[v.Kind] = true
				if v.Wrong {
					wrong++
				} else {
					vectors++
				}
			}
		}
	}
	require.Greater(t, vectors, 400)
	layer.Count(t, "vectors", vectors)
	layer.Count(t, "kinds", len(kinds))
	layer.Count(t, "wrong_refused", wrong)
}

func TestAPanicWhileDrawingIsAnError(t *testing.T) {
	drawn := 0
	k := Kind{Name: "panics", vectors: func(draws int) ([]Vector, error) {
		return example(1, func(t *rapid.T) []Vector {
			rapid.Bool().Draw(t, "something, as rapid wants it")
			drawn++
			panic("out of range")
		})
	}}
	_, err := k.Draw(1)
	require.ErrorContains(t, err, "panics: draw 1 panics: out of range")
	require.Equal(t, 1, drawn)
}
