package lean

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
	"github.com/stretchr/testify/require"
)

// fakeLean stands for Lean: it refuses a file that says REFUSE, ends without a
// verdict on one that says CRASH, and asks for the compiled modules of all imports.
const fakeLean = `
for arg; do
	case "$arg" in
	--root=*) root=${arg#--root=} ;;
	*.olean) out=$arg ;;
	*.lean) file=$arg ;;
	esac
done
echo "${file#$root/}" >> "$FAKE/log"
echo "[NOISE] $file"
case "$file" in */RunAudit.lean) cat "$FAKE/audit"; grep -q finding "$FAKE/audit" && { echo "$file:9:0: error: the audit has findings"; exit 1; }; exit 0 ;; esac
sed -n 's/^public import \(.*\)/\1/p' "$file" | while read -r name; do
	[ -s "$root/$(echo "$name" | tr . /).olean" ] || { echo "$file:1:0: error: no $name"; exit 1; }
done || exit 1
if grep -q WAIT "$file"; then sleep 600; fi
if grep -q CRASH "$file"; then echo "Stack overflow detected. Aborting."; exit 134; fi
if grep -q REFUSE "$file"; then echo "$file:7:4: error: unsolved goals"; echo "⊢ False"; exit 1; fi
if grep -q SLOW "$file"; then sleep 0.3; fi
if [ -n "$out" ]; then echo "compiled $file" > "$out"; echo private > "$out.private"; fi
exit 0
`

type fakeCompiler struct{ dir string }

func (f fakeCompiler) Command(ctx context.Context, dir string, _ []string, args ...string) *exec.Cmd {
	return tools.Command(ctx, dir, []string{"FAKE=" + f.dir}, "/bin/sh", append([]string{filepath.Join(f.dir, "lean")}, args...)...)
}

func (fakeCompiler) Filter(output string) string {
	var kept []string
	for l := range strings.Lines(output) {
		if !strings.HasPrefix(l, "[NOISE]") {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, "")
}

// fixture is a checkout with a small Lean package, a fake Lean and a store.
type fixture struct {
	t     *testing.T
	root  string
	fake  fakeCompiler
	store string
}

const specKey = `module

/-! # Keys -/

namespace Omega

/-- A key is itself. -/
def Claim.a_key_is_itself : Prop := ∀ (a : Nat), a = a

end Omega
`

const proofKey = `module

public import Omega.Spec.Key

namespace Omega

theorem Lemma.same : True := trivial

theorem Proof.a_key_is_itself : Claim.a_key_is_itself := fun _ => rfl

theorem Witness.a_key_is_itself : ∃ (_ : Nat), True := ⟨1, trivial⟩

end Omega
`

const fakeAudit = `audit: count claims 1
audit: count proofs 1
audit: count witnesses 1
audit: count core_leaves 12
audit: axiom propext
`

func newFixture(t *testing.T) *fixture {
	f := &fixture{t, t.TempDir(), fakeCompiler{t.TempDir()}, filepath.Join(t.TempDir(), "store")}
	f.write("formal/Omega.lean", "module\n\npublic import Omega.Proof.Key\npublic import Omega.Spec.Key\n")
	f.write("formal/Omega/Audit.lean", "module\n\npublic meta import Lean\n\n/-! The audit. -/\n\npublic meta section\n")
	f.write("formal/Omega/Spec/Key.lean", specKey)
	f.write("formal/Omega/Proof/Key.lean", proofKey)
	f.write("formal/negative/refused.lean", "-- expect: refused.lean:7:4: error: unsolved goals\nmodule\n\npublic import Omega.Spec.Key\n-- REFUSE\n")
	require.NoError(t, os.WriteFile(filepath.Join(f.fake.dir, "lean"), []byte(fakeLean), 0o600))
	f.audit(fakeAudit)
	f.index()
	return f
}

func (f *fixture) write(path, text string) {
	f.t.Helper()
	path = filepath.Join(f.root, path)
	require.NoError(f.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(f.t, os.WriteFile(path, []byte(text), 0o600))
}

func (f *fixture) audit(output string) {
	require.NoError(f.t, os.WriteFile(filepath.Join(f.fake.dir, "audit"), []byte(output), 0o600))
}

// index writes the index that the sources give.
func (f *fixture) index() {
	f.t.Helper()
	tree, err := ReadTree(filepath.Join(f.root, "formal"))
	require.NoError(f.t, err)
	text, err := tree.Index()
	require.NoError(f.t, err)
	f.write("formal/README.md", text)
}

func (f *fixture) options() Options {
	return Options{Root: f.root, Compiler: f.fake, Identity: "fake 1", Workers: 2, StoreDir: f.store, Log: &bytes.Buffer{}}
}

func (f *fixture) check() *Report {
	f.t.Helper()
	report, err := Check(f.t.Context(), f.options())
	require.NoError(f.t, err)
	return report
}

// ran returns the files that Lean has been run on since the last call, sorted.
func (f *fixture) ran() []string {
	f.t.Helper()
	b, err := os.ReadFile(filepath.Join(f.fake.dir, "log"))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(f.t, err)
	require.NoError(f.t, os.Remove(filepath.Join(f.fake.dir, "log")))
	return slices.Sorted(slices.Values(strings.Fields(string(b))))
}

func TestAPackageThatHoldsIsBuiltAuditedAndCounted(t *testing.T) {
	f := newFixture(t)
	report := f.check()
	require.Equal(t, &Report{Modules: 3, Checked: 3,
		Tally: Tally{Claims: 1, Theorems: 1, Witnesses: 1, Lemmas: 1}, Negatives: 1, Reasons: 1,
		Axioms: []string{"propext"}, Leaves: 12}, report)
	require.Equal(t, []string{"Omega.lean", "Omega/Proof/Key.lean", "Omega/Spec/Key.lean", "RunAudit.lean", "negative/refused.lean"}, f.ran())
	require.Contains(t, report.Told(), "core is trusted as a leaf: 12 constants")
}

func TestOnlyWhatChangedAndItsDependantsAreCheckedAgain(t *testing.T) {
	f := newFixture(t)
	f.check()
	f.ran()
	require.Zero(t, f.check().Checked)
	require.Empty(t, f.ran())

	f.write("formal/Omega/Proof/Key.lean", proofKey+"-- more\n")
	require.Equal(t, 2, f.check().Checked)
	require.Equal(t, []string{"Omega.lean", "Omega/Proof/Key.lean", "RunAudit.lean"}, f.ran())

	f.write("formal/Omega/Spec/Key.lean", specKey+"-- more\n")
	require.Equal(t, 3, f.check().Checked)
	require.Len(t, f.ran(), 5)

	f.write("formal/Omega/Spec/Key.lean", specKey)
	f.write("formal/Omega/Proof/Key.lean", proofKey)
	require.Zero(t, f.check().Checked, "what was checked before is still known")

	opts := f.options()
	opts.Identity = "fake 2"
	report, err := Check(t.Context(), opts)
	require.NoError(t, err)
	require.Equal(t, 3, report.Checked, "another Lean checks all")

	opts.Again = true
	f.ran()
	_, err = Check(t.Context(), opts)
	require.NoError(t, err)
	require.Len(t, f.ran(), 5)
}

func TestADamagedStoredFileIsNotUsed(t *testing.T) {
	// A letter of what Lean gave, where all else can be read.
	letter := regexp.MustCompile("compiled|unsolved|audit: count")
	for name, damage := range map[string]func(b []byte) []byte{
		"torn":    func(b []byte) []byte { return b[:len(b)/2] },
		"empty":   func([]byte) []byte { return nil },
		"changed": func(b []byte) []byte { b[letter.FindIndex(b)[0]]++; return b },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.check()
			stored, err := filepath.Glob(filepath.Join(f.store, "*"))
			require.NoError(t, err)
			require.Len(t, stored, 5, "no working folder is left")
			for _, path := range stored {
				b, err := os.ReadFile(path)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(path, damage(b), 0o600))
			}
			f.ran()
			require.Empty(t, f.check().Problems)
			require.Len(t, f.ran(), 5)
		})
	}
}

func TestWhatIsRefusedIsToldWithItsFileAndLine(t *testing.T) {
	for name, c := range map[string]struct {
		change func(f *fixture)
		want   string
	}{
		"broken proof": {func(f *fixture) { f.write("formal/Omega/Proof/Key.lean", proofKey+"-- REFUSE\n") },
			"formal/Omega/Proof/Key.lean:7:4: error: unsolved goals\n⊢ False"},
		"crash": {func(f *fixture) { f.write("formal/Omega/Proof/Key.lean", proofKey+"-- CRASH\n") },
			"formal/Omega/Proof/Key.lean:1: Lean ends without a verdict: exit status 134\nStack overflow detected"},
		"cycle": {func(f *fixture) { f.write("formal/Omega/Spec/Key.lean", specKey+"\npublic import Omega.Proof.Key\n") },
			"formal/Omega/Proof/Key.lean:1: a cycle of imports: Omega.Proof.Key imports Omega.Spec.Key imports Omega.Proof.Key"},
		"missing module": {func(f *fixture) { f.write("formal/Omega/Spec/Key.lean", specKey+"\npublic import Omega.Spec.Gone\n") },
			"formal/Omega/Spec/Key.lean:1: it imports Omega.Spec.Gone, which is no module that is built"},
		"foreign import": {func(f *fixture) { f.write("formal/Omega/Spec/Key.lean", specKey+"\npublic import Lean\n") },
			"formal/Omega/Spec/Key.lean:1: it imports Lean, which is no module that is built"},
		"unimported module": {func(f *fixture) { f.write("formal/Omega/Proof/More.lean", "module\n") },
			"formal/Omega/Proof/More.lean:1: Omega.lean does not import Omega.Proof.More"},
		"no module": {func(f *fixture) { f.write("formal/Omega/Proof/Key.lean", strings.TrimPrefix(proofKey, "module")) },
			"formal/Omega/Proof/Key.lean:1: it does not begin with the word module"},
		"forbidden word": {func(f *fixture) { f.write("formal/Omega/Proof/Key.lean", proofKey+"theorem x : y := by sorry\n") },
			"formal/Omega/Proof/Key.lean:14: the word sorry"},
		"claim without docstring": {func(f *fixture) {
			f.write("formal/Omega/Spec/Key.lean", strings.Replace(specKey, "/-- A key is itself. -/", "", 1))
		}, "formal/Omega/Spec/Key.lean:8: the claim a_key_is_itself has no docstring"},
		"claim among the proofs": {func(f *fixture) {
			f.write("formal/Omega/Proof/Key.lean", proofKey+"\n/-- Doc. -/\ndef Omega.Claim.other : Prop := True\n")
		}, "formal/Omega/Proof/Key.lean:16: the claim other is not in Omega/Spec"},
		"finding": {func(f *fixture) {
			f.audit(fakeAudit + "audit: finding Omega.Witness.a_key_is_itself: is another\naudit: finding sorryAx: is an axiom\n")
		}, "formal/Omega/Proof/Key.lean:11: Omega.Witness.a_key_is_itself: is another\nformal: sorryAx: is an axiom"},
		"hidden claim": {func(f *fixture) { f.audit(strings.Replace(fakeAudit, "claims 1", "claims 2", 1)) },
			"the audit sees 2 claims, the files declare 1"},
		"no count": {func(f *fixture) { f.audit("\n") }, "the audit sees 0 claims, the files declare 1"},
		"audit that does not run": {func(f *fixture) { f.write("formal/Omega/Audit.lean", "module\n") },
			"formal/Omega/Audit.lean:1: it does not begin with module and \"public meta import Lean\""},
		"negative that passes": {func(f *fixture) { f.write("formal/negative/refused.lean", "-- expect: unsolved goals\nmodule\n") },
			"formal/negative/refused.lean:1: Lean accepts it; it must be refused: unsolved goals"},
		"negative refused for something else": {func(f *fixture) { f.write("formal/negative/refused.lean", "-- expect: type mismatch\n-- REFUSE\n") },
			"formal/negative/refused.lean:1: it is refused, but nothing says \"type mismatch\":\nformal/negative/refused.lean:7:4: error"},
		"negative that expects nothing": {func(f *fixture) { f.write("formal/negative/refused.lean", "-- REFUSE\n") },
			"formal/negative/refused.lean:1: no line \"-- expect: \""},
		"negative without a verdict": {func(f *fixture) { f.write("formal/negative/refused.lean", "-- expect: overflow\n-- CRASH\n") },
			"formal/negative/refused.lean:1: Lean ends without a verdict"},
		"no negative": {func(f *fixture) { require.NoError(f.t, os.RemoveAll(filepath.Join(f.root, "formal/negative"))) },
			"formal/negative: there is no file that must be refused"},
		"stale index": {func(f *fixture) { f.write("formal/README.md", "# Formal proofs\n\nother\n") },
			"formal/README.md:3: it is not what the Lean sources give; make it anew: " + Regenerate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			c.change(f)
			require.Contains(t, strings.Join(f.check().Problems, "\n"), c.want)
			require.Contains(t, strings.Join(f.check().Problems, "\n"), c.want, "a refusal is not forgotten")
		})
	}
}

func TestNativeLeanMustShowTheBodiesOfCore(t *testing.T) {
	f := newFixture(t)
	opts := f.options()
	opts.Native = true
	report, err := Check(t.Context(), opts)
	require.NoError(t, err)
	require.Equal(t, []string{"the audit sees no body of 12 constants of core, and should see all"}, report.Problems)
}

func TestWhatDependsOnARefusedModuleIsNotBuilt(t *testing.T) {
	f := newFixture(t)
	f.write("formal/Omega/Spec/Key.lean", specKey+"-- REFUSE\n")
	report := f.check()
	require.Equal(t, []string{"Omega/Spec/Key.lean"}, f.ran())
	require.Contains(t, strings.Join(report.Problems, "\n"), "not audited, and no negative tried")
}

func TestSeveralRunsShareOneStore(t *testing.T) {
	f := newFixture(t)
	f.write("formal/Omega/Spec/Key.lean", specKey+"-- SLOW\n")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			report, err := Check(t.Context(), f.options())
			if err != nil || len(report.Problems) > 0 {
				t.Errorf("%v %+v", err, report)
			}
		})
	}
	wg.Wait()
	f.ran()
	require.Zero(t, f.check().Checked)
	require.Empty(t, f.ran())
}

func TestACancelledRunEndsAndLeavesNoWorkingFolder(t *testing.T) {
	f := newFixture(t)
	f.write("formal/Omega/Spec/Key.lean", specKey+"-- WAIT\n")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := Check(ctx, f.options())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	left, err := filepath.Glob(filepath.Join(f.store, "*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestWhatNobodyUsesLeavesTheStore(t *testing.T) {
	f := newFixture(t)
	f.check()
	long := time.Now().Add(-unused - time.Hour)
	old, crashed := filepath.Join(f.store, "old"), filepath.Join(f.store, "work-1")
	require.NoError(t, os.WriteFile(old, []byte("x"), 0o600))
	require.NoError(t, os.Mkdir(crashed, 0o700))
	require.NoError(t, os.Chtimes(old, long, long))
	require.NoError(t, os.Chtimes(crashed, long, long))
	f.ran()
	f.check()
	require.Empty(t, f.ran())
	require.NoFileExists(t, old)
	require.NoDirExists(t, crashed)
}

func TestAFolderWithoutAPackageIsAnError(t *testing.T) {
	_, err := Check(t.Context(), Options{Root: t.TempDir()})
	require.ErrorIs(t, err, ErrNoPackage)

	f := newFixture(t)
	f.write("formal/Other.lean", "")
	_, err = Check(t.Context(), f.options())
	require.ErrorContains(t, err, "formal/Other.lean: a Lean file that is neither a module of Omega nor a negative")
}
