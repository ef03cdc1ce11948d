package lean

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func (f *fixture) try(text string) ([]Message, error) {
	return Try(f.t.Context(), f.options(), Source{Name: "Mine", Text: text})
}

const mine = "module\n\npublic import Omega.Spec.Key\n"

func TestASourceIsCheckedWithWhatItImportsAndNothingElse(t *testing.T) {
	f := newFixture(t)
	messages, err := f.try(mine)
	require.NoError(t, err)
	require.Empty(t, messages)
	require.Equal(t, []string{"Mine.lean", "Omega/Spec/Key.lean"}, f.ran())
	_, err = f.try(mine)
	require.NoError(t, err)
	require.Empty(t, f.ran(), "what Lean has said is stored")

	f.write("formal/Omega/Spec/Key.lean", specKey+"-- more\n")
	_, err = f.try(mine)
	require.NoError(t, err)
	require.Equal(t, []string{"Mine.lean", "Omega/Spec/Key.lean"}, f.ran())
}

func TestWhatIsRefusedInASourceIsToldByLine(t *testing.T) {
	f := newFixture(t)
	for range 2 { // the second is from the store
		messages, err := f.try(mine + "-- REFUSE\n")
		require.NoError(t, err)
		require.Equal(t, []Message{{7, "unsolved goals\n⊢ False"}}, messages)
	}
}

func TestASourceWithoutAVerdictIsAnError(t *testing.T) {
	for text, want := range map[string]string{
		mine + "-- CRASH\n":                         "Lean ends without a verdict: exit status 134\nStack overflow detected",
		"module\n\npublic import Omega.Spec.Gone\n": "there is no module Omega.Spec.Gone",
	} {
		_, err := newFixture(t).try(text)
		require.ErrorContains(t, err, want)
	}
	f := newFixture(t)
	f.write("formal/Omega/Spec/Key.lean", specKey+"-- REFUSE\n")
	_, err := f.try(mine)
	require.ErrorContains(t, err, "what Mine imports is not built: formal/Omega/Spec/Key.lean:7:4: error: unsolved goals")
	require.Equal(t, []string{"Omega/Spec/Key.lean"}, f.ran())
	_, err = Try(t.Context(), Options{Root: t.TempDir()}, Source{})
	require.ErrorIs(t, err, ErrNoPackage)
}

func TestErrorsOfOneFileAreToldApart(t *testing.T) {
	output := "Mine.lean:3:4: warning: nothing\nof it\nMine.lean:4:0: error: first\nmore\n\n" +
		"Other.lean:5:0: error: not mine\nnor this\nformal/Mine.lean:6:1: error(lean.unknown): second\n"
	require.Equal(t, []Message{{4, "first\nmore\n"}, {6, "second"}}, errorsIn("Mine.lean", output))
}

func TestSpecsAreTheModulesOfTheSpecification(t *testing.T) {
	names, err := Specs(newFixture(t).root)
	require.NoError(t, err)
	require.Equal(t, []string{"Omega.Spec.Key"}, names)
	_, err = Specs(t.TempDir())
	require.ErrorIs(t, err, ErrNoPackage)
}
