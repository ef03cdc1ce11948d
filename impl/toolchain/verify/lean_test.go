package verify

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout/checkouttest"
)

// fakeLean stands for a Lean of the user's own: it refuses what says REFUSE, and
// its audit finds what formal/Omega.lean has it find.
const fakeLean = `#!/bin/sh
for arg; do
	case "$arg" in
	--version) echo "Lean (version 4.28.0, x86_64-unknown-linux-gnu, commit 1)"; exit 0 ;;
	*.olean) out=$arg ;;
	*.lean) file=$arg ;;
	esac
done
case "$file" in */RunAudit.lean)
	for what in claims proofs witnesses; do echo "audit: count $what 1"; done
	echo "audit: axiom propext" ;;
esac
if grep -q REFUSE "$file"; then echo "$file:9:4: error: unsolved goals"; exit 1; fi
if [ -n "$out" ]; then echo compiled > "$out"; fi
`

// proved is a checkout in which the layer lean holds, but for its index.
const proved = `
-- formal/Omega.lean --
module

public import Omega.Spec.Key
-- formal/Omega/Audit.lean --
module

public meta import Lean
-- formal/Omega/Spec/Key.lean --
module

namespace Omega

/-- It holds. -/
def Claim.it_holds : Prop := True

theorem Proof.it_holds : Claim.it_holds := trivial

theorem Witness.it_holds : True := trivial
-- formal/negative/refused.lean --
-- expect: refused.lean:9:4: error: unsolved goals
-- REFUSE
`

func leanLayer(t *testing.T, root string) outcome {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	fake := filepath.Join(t.TempDir(), "lean")
	require.NoError(t, os.WriteFile(fake, []byte(fakeLean), 0o700))
	t.Setenv("OMEGA_LEAN", fake)
	out, _ := runLayer(t, func(k *task) outcome { return runLean(t.Context(), k) }, root)
	return out
}

func TestTheLeanLayerSaysWhatIsProvedAndWhereItIsNot(t *testing.T) {
	root := checkouttest.New(t, proved)
	out := leanLayer(t, root)
	require.Len(t, out.problems, 1)
	require.Contains(t, out.problems[0], "formal/README.md")
	require.Contains(t, out.message, "2 modules (0 stored): 1 claims, 1 proofs, 1 witnesses, 0 lemmas; axioms: propext; 1 negatives refused for 1 reasons; Lean 4.28.0")
	require.Equal(t, 1.0, out.counts["theorems"])

	checkouttest.Write(t, root, "formal/Omega.lean", "module\n\npublic import Omega.Spec.Key\n-- REFUSE\n")
	require.Contains(t, strings.Join(leanLayer(t, root).problems, "\n"), "formal/Omega.lean:9:4: error: unsolved goals")
}

func TestTheLeanLayerNeedsAPackageWithAClaim(t *testing.T) {
	root := checkouttest.New(t, "-- formal/Omega.lean --\nmodule\n-- formal/Omega/Audit.lean --\nmodule\n\npublic meta import Lean\n")
	require.Contains(t, leanLayer(t, root).problems, "formal: there is no claim")

	out := leanLayer(t, checkouttest.New(t, ""))
	require.Len(t, out.problems, 1)
	require.Contains(t, out.problems[0], "there is no Omega.lean in it")

	t.Setenv("OMEGA_LEAN", filepath.Join(t.TempDir(), "gone"))
	out, _ = runLayer(t, func(k *task) outcome { return runLean(t.Context(), k) }, root)
	require.Contains(t, strings.Join(out.problems, "\n"), "OMEGA_LEAN")
	require.True(t, leanFile("formal/README.md") && !leanFile("impl/formal/x.lean"))
}
