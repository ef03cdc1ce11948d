package lean

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCommentsAndStringsAreNoCode(t *testing.T) {
	for source, want := range map[string]string{
		"a -- sorry\nb":          "a         \nb",
		"a /- x /- y -/ z -/ b":  "a                   b",
		"a /-- sorry\n-/ b":      "a          \n   b",
		`a "-- \" sorry" b`:      `a               b`,
		`'"' sorry "x"`:          `'"' sorry    `,
		"a /- never closed":      "a                ",
		"\"never closed\nsorry":  "             \n     ",
		"x' -- prime\ny' \"\" z": "x'         \ny'    z",
	} {
		require.Equal(t, want, blank(source), source)
	}
}

// Whatever a source is, what is left of it stands where it stood.
func TestBlankKeepsLinesAndColumns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"/-", "-/", "--", "\"", "\\", "\n", "'", "x", "⊢", " "})).Draw(t, "source"), "")
		code := blank(source)
		require.Len(t, code, len(source))
		for i := range len(source) {
			if code[i] != source[i] {
				require.Equal(t, byte(' '), code[i])
			}
			require.Equal(t, source[i] == '\n', code[i] == '\n')
		}
	})
}

func FuzzBlank(f *testing.F) {
	for _, seed := range []string{"", "/-", "\"\\", "a -- b\n/- /- -/ \" -/ \"x\"", "'\"'"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		m := parse("Omega.Spec.X", source)
		require.Len(t, m.code, len(source))
		for _, d := range m.Declarations {
			require.Positive(t, d.Line)
			require.NotEmpty(t, d.Name)
		}
	})
}

const declaring = `module

public import Omega.Spec.Bytes
import all Omega.Spec.Key
public meta import Lean

/-! # A title -/

@[expose] public noncomputable section

namespace Omega
namespace Key

/-- A number,
on two lines. -/
@[simp]
def number (k : Nat) : Nat := k

instance : LT Nat := sorry

private theorem hidden : True := trivial

end Key

section
variable (x : Nat)
theorem lemma_of_two.parts : True := trivial
/- theorem not_there : False -/
end

namespace Claim
/-- It holds. -/
def it_holds: Prop := True
def undocumented : Prop := True
end Claim

@[simp] theorem Proof.it_holds : Claim.it_holds := trivial
theorem _root_.Omega.Witness.it_holds : True := trivial
end Omega
theorem outside{x : Nat} : True := trivial
`

func TestDeclarationsAreFoundWithTheirNamespaceAndDocstring(t *testing.T) {
	m := parse("Omega.Spec.X", declaring)
	require.Equal(t, []string{"Omega.Spec.Bytes", "Omega.Spec.Key", "Lean"}, m.Imports)
	require.Equal(t, "A title", m.Title)
	require.Equal(t, []Declaration{
		{"def", "Omega.Key.number", "A number, on two lines.", 17},
		{"theorem", "_private.Omega.Key.hidden", "", 21},
		{"theorem", "Omega.lemma_of_two.parts", "", 27},
		{"def", "Omega.Claim.it_holds", "It holds.", 33},
		{"def", "Omega.Claim.undocumented", "", 34},
		{"theorem", "Omega.Proof.it_holds", "", 37},
		{"theorem", "Omega.Witness.it_holds", "", 38},
		{"theorem", "outside", "", 40},
	}, m.Declarations)
}

func TestForbiddenWordsAreFoundAsWordsOnly(t *testing.T) {
	for code, want := range map[string][]place{
		"axiom a : b":                     {{1, "axiom"}},
		"x\n  by sorry":                   {{2, "sorry"}},
		"set_option debug.skipKernelTC":   {{1, "debug.skipKernelTC"}},
		"set_option warn.sorry false":     {{1, "warn.sorry"}},
		"@[implemented_by f, extern \"\"": {{1, "implemented_by"}, {1, "extern"}},
		"#eval 1":                         {{1, "#eval"}},
		"theorem no_axiom sorryful' partial_sum h.extern sorry' opaque2": nil,
		"(by native_decide)": {{1, "native_decide"}},
	} {
		require.Equal(t, want, forbiddenWords(code), code)
	}
}

func TestTheIndexSaysEachClaimInPlainWords(t *testing.T) {
	tree := &Tree{Modules: []*Module{parse("Omega.Proof.Key", proofKey), parse("Omega.Spec.Key", specKey)}}
	index, err := tree.Index()
	require.NoError(t, err)
	require.Contains(t, index, "1 claims, each with a proof and a witness, 1 lemmas, 2 modules.")
	require.Contains(t, index, "\n### Keys\n\nStated in [Omega.Spec.Key](Omega/Spec/Key.lean).\n\n"+
		"- **A key is itself.** A key is itself.  \n  `a_key_is_itself`: [proof](Omega/Proof/Key.lean), [witness](Omega/Proof/Key.lean)\n")

	tree.Modules = tree.Modules[1:]
	_, err = tree.Index()
	require.EqualError(t, err, "formal/Omega/Spec/Key.lean:8: the claim a_key_is_itself has no proof or no witness")
}

func TestTheAuditIsRunByNativeLeanFromAFileThatIsNoModule(t *testing.T) {
	audit := parse(auditModule, "module\n\npublic meta import Lean\n\n/-! Doc. -/\n\npublic meta section\n\ndef x := 1\n")
	tree := &Tree{Modules: []*Module{audit, parse("Omega.Spec.Key", specKey)}}
	native, err := tree.auditSource(true)
	require.NoError(t, err)
	require.Equal(t, "import Omega.Spec.Key\nimport Lean\n\n/-! Doc. -/\n\nsection\n\ndef x := 1\n\nrun_cmd Omega.Audit.checkAll\n", native)
	other, err := tree.auditSource(false)
	require.NoError(t, err)
	require.Equal(t, "module\n\nimport all Omega.Spec.Key\npublic meta import Lean\n\n/-! Doc. -/\n\npublic meta section\n\ndef x := 1\n\nrun_cmd Omega.Audit.checkAll\n", other)
}
