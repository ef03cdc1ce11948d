package mutants

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tlc"
)

const root = "../.."

// minFaults is how many faults in the code of impl/kernel, certlog and omegalog
// there are at least.
const minFaults = 60

func TestEveryFaultCanBePlantedAndNamesChecksThatAreThere(t *testing.T) {
	faults, err := Load(root)
	require.NoError(t, err)
	problems, err := Validate(root, faults)
	require.NoError(t, err)
	require.Empty(t, problems, strings.Join(problems, "\n"))
	kinds := map[string]int{}
	folders := map[string]int{}
	for _, f := range faults {
		kinds[filepath.Ext(f.File)]++
		folders[filepath.ToSlash(filepath.Dir(f.File))]++
	}
	require.GreaterOrEqual(t, kinds[".go"], minFaults)
	packages, err := filepath.Glob(filepath.Join(root, "impl", "kernel", "*"))
	require.NoError(t, err)
	for _, p := range append(packages, filepath.Join(root, "impl/certlog"), filepath.Join(root, "impl/omegalog")) {
		folder, err := filepath.Rel(root, p)
		require.NoError(t, err)
		require.Positive(t, folders[filepath.ToSlash(folder)], "no fault is planted in %s", folder)
	}
	configs, _ := tlc.Load(root) // a file that is none is for the layer tla to tell
	negative := 0
	for _, c := range configs {
		if c.Run == tlc.Negative {
			negative++
			require.NotEmpty(t, c.Violates, c.Path)
		}
	}
	require.Positive(t, negative)
	layer.Count(t, "faults_in_code", kinds[".go"])
	layer.Count(t, "negative_models", negative)
	layer.Count(t, "faults_in_models", kinds[".tla"])
	layer.Count(t, "faults_in_specifications", kinds[".lean"])
}

// sampled is how many mutants are run in each verify. Which ones depends on the
// ledger's content alone, so that a change of it brings others in.
const sampled = 8

// sample returns the faults of the sample. It leaves out those of models and of
// proofs, which take longest.
func sample(faults []*Fault, n int) []*Fault {
	all := sha256.New()
	for _, f := range faults {
		all.Write([]byte(f.Hash()))
	}
	seed := hex.EncodeToString(all.Sum(nil))
	rank := func(f *Fault) string {
		sum := sha256.Sum256([]byte(seed + f.ID))
		return hex.EncodeToString(sum[:])
	}
	quick := slices.DeleteFunc(slices.Clone(faults), func(f *Fault) bool { return !f.isGo() })
	slices.SortFunc(quick, func(a, b *Fault) int { return strings.Compare(rank(a), rank(b)) })
	return quick[:min(n, len(quick))]
}

// A sample is tried, all faults under verify --mutants.
func TestMutantsAreKilled(t *testing.T) {
	faults, err := Load(root)
	require.NoError(t, err)
	picked := sample(faults, layer.Runs(sampled, 4*sampled))
	if os.Getenv(layer.Mutants) == "1" {
		picked = faults
	}
	report, err := Run(t.Context(), Options{
		Root:   root,
		Filter: func(f *Fault) bool { return slices.ContainsFunc(picked, func(p *Fault) bool { return p.ID == f.ID }) },
		Log:    t.Output(),
	})
	require.NoError(t, err)
	var ids []string
	for _, f := range picked {
		ids = append(ids, f.ID)
	}
	slices.Sort(ids)
	layer.Names(t, "mutants", ids)
	layer.Count(t, "mutants", len(report.Results))
	layer.Count(t, "killed", report.Killed())
	require.Empty(t, report.Problems(), strings.Join(report.Problems(), "\n"))
}

func TestASampleDependsOnTheLedgerAlone(t *testing.T) {
	var faults []*Fault
	for _, id := range strings.Fields("a-1 a-2 a-3 a-4 a-5 a-6 a-7 a-8 a-9") {
		faults = append(faults, &Fault{ID: id, File: "x.go"})
	}
	first := sample(faults, 4)
	require.Len(t, first, 4)
	require.Equal(t, first, sample(faults, 4))
	faults[0].New = "other"
	require.NotEqual(t, first, sample(faults, 4))
}

// toy is a checkout with one function and two tests of it.
func toy(t *testing.T) string {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	write("go.mod", "module github.com/omega-sheaf-os/omega\n\ngo 1.26.0\n")
	write("toy/toy.go", "package toy\n\n// Less compares.\nfunc Less(a, b int) bool {\n\treturn a < b\n}\n\nfunc other() bool { return 1 < 2 && true }\n")
	write("toy/toy_test.go", `package toy

import "testing"

func TestLess(t *testing.T) {
	t.Run("equal", func(t *testing.T) {
		if Less(1, 1) {
			t.Fatal("1 < 1")
		}
	})
	t.Run("smaller", func(t *testing.T) {
		if !Less(1, 2) {
			t.Fatal("not 1 < 2")
		}
	})
}

func TestOther(t *testing.T) { other() }

func TestPanics(t *testing.T) {
	if Less(1, 1) {
		panic("1 < 1")
	}
}

func TestRed(t *testing.T) { t.Fatal("red") }
`)
	return dir
}

func judgeToy(t *testing.T, f Fault, tests ...string) map[string]Verdict {
	r := &run{tester: tester{toy(t), 1}}
	f.File = "toy/toy.go"
	for _, test := range tests {
		f.Checks = append(f.Checks, Check{"toy", test})
	}
	verdicts, err := r.judge(t.Context(), &f)
	require.NoError(t, err)
	got := map[string]Verdict{}
	for _, c := range f.Checks {
		got[c.What] = verdicts[c]
	}
	return got
}

func TestEachCheckIsJudgedByItself(t *testing.T) {
	f := Fault{ID: "less-or-equal", In: "Less", Old: "a < b", New: "a <= b"}
	require.Equal(t,
		map[string]Verdict{"TestLess": Failed, "TestLess/equal": Failed, "TestLess/smaller": Passed, "TestOther": Passed, "TestNone": NotRun, "TestPanics": Failed},
		judgeToy(t, f, "TestLess", "TestLess/equal", "TestLess/smaller", "TestOther", "TestNone", "TestPanics"))
}

func TestWhatAPanicHasKeptFromRunningIsRunAlone(t *testing.T) {
	f := Fault{ID: "panics-first", In: "other", Old: "1 < 2 && true", New: "1 < 2 && [1]bool{}[len(\"1\")-Zero()]\n}\n\n// Zero is 0.\nfunc Zero() int { return 0"}
	require.Equal(t, map[string]Verdict{"TestOther": Failed, "TestPanics": Passed}, judgeToy(t, f, "TestOther", "TestPanics"))
}

func TestAMutantThatDoesNotCompileIsAnError(t *testing.T) {
	f := &Fault{ID: "no-code", In: "Less", File: "toy/toy.go", Old: "a < b", New: "a <", Checks: []Check{{"toy", "TestLess"}}}
	_, err := (&run{tester: tester{toy(t), 1}}).judge(t.Context(), f)
	var build *buildError
	require.ErrorAs(t, err, &build)
}

func TestACheckThatIsRedWithoutAFaultShowsNothing(t *testing.T) {
	faults := []*Fault{{ID: "less-or-equal", File: "toy/toy.go", In: "Less", Old: "a < b", New: "a <= b", Checks: []Check{{"toy", "TestRed"}, {"toy", "TestLess"}}}}
	r := &run{tester: tester{toy(t), 1}, log: t.Output(), of: 1}
	unfit, err := r.baseline(t.Context(), faults)
	require.NoError(t, err)
	require.Equal(t, map[Check]Verdict{{"toy", "TestRed"}: Failed}, unfit)
	res := r.fault(t.Context(), faults[0], unfit)
	res.settle(faults[0])
	require.False(t, res.Killed())
	require.Contains(t, res.Error, "without any fault")
}

func TestOnlyAFailureOfEveryCheckKills(t *testing.T) {
	at := func(v ...Verdict) *Result {
		r := &Result{ID: "x-y"}
		for _, one := range v {
			r.Checks = append(r.Checks, Judged{Check{"a", "B"}, one})
		}
		return r
	}
	require.True(t, at(Failed, Failed).Killed())
	require.False(t, at().Killed())
	for _, v := range []Verdict{Passed, Skipped, NotRun, TimedOut} {
		require.False(t, at(Failed, v).Killed(), v)
		require.Len(t, (&Report{Results: []Result{*at(Failed, v)}}).Problems(), 1)
	}
	report := &Report{Results: []Result{{ID: "x-y", Error: "no fault", File: "a.tla"}, *at(Failed), *at(Failed, Passed)}}
	report.Results[1].File, report.Results[2].File = "a.go", "b.go"
	require.Len(t, report.Problems(), 2)
	require.Equal(t, map[string]float64{"mutants": 3, "killed": 1, "checks": 3, "in_code": 2, "in_models": 1, "in_specifications": 0}, report.Counts())
}

func TestATimeOutIsNoKill(t *testing.T) {
	var r reading
	r.verdicts, r.output = map[Check]Verdict{}, map[Check]*strings.Builder{}
	require.NoError(t, r.read(strings.NewReader(
		`{"Action":"output","Package":"`+"github.com/omega-sheaf-os/omega"+`/toy","Test":"TestA","Output":"panic: test timed out after 3m0s\n"}
{"Action":"fail","Package":"github.com/omega-sheaf-os/omega/toy","Test":"TestA"}
{"Action":"skip","Package":"github.com/omega-sheaf-os/omega/toy","Test":"TestB"}
`)))
	require.Equal(t, map[Check]Verdict{{"toy", "TestA"}: TimedOut, {"toy", "TestB"}: Skipped}, r.verdicts)
	require.Error(t, r.read(strings.NewReader("no JSON\n")))
}

func TestAFaultInTheLedgerHasAllItsParts(t *testing.T) {
	const good = "# A comment.\n\nfault a-b\nin impl/kernel/key/key.go Key.Compare\n- x\n- y\n+ z\nby impl/kernel/key TestA/b c\n"
	faults, err := parse("f.txt", good)
	require.NoError(t, err)
	require.Equal(t, []*Fault{{
		ID: "a-b", File: "impl/kernel/key/key.go", In: "Key.Compare", Of: "key.Key.Compare", Old: "x\ny", New: "z",
		Checks: []Check{{"impl/kernel/key", "TestA/b c"}}, At: "f.txt:3",
	}}, faults)
	for _, change := range [][2]string{
		{"fault a-b", "fault ab"}, {"fault a-b\n", ""}, {"in impl/kernel/key/key.go Key.Compare\n", ""}, {"- x\n- y\n", ""},
		{"- x\n- y\n+ z", "- z\n+ z"}, {"TestA/b c", ""}, {"+ z", "* z"}, {"by impl/kernel/key TestA/b c\n", "by a B\nby a B\n"},
	} {
		_, err := parse("f.txt", strings.Replace(good, change[0], change[1], 1))
		require.Error(t, err, change)
	}
}

func TestAFaultIsPlantedInOneDeclarationAlone(t *testing.T) {
	dir := toy(t)
	plant := func(in, from string) (string, int, error) {
		return (&Fault{File: "toy/toy.go", In: in, Old: from, New: "NEW"}).Mutate(dir)
	}
	content, line, err := plant("other", "<")
	require.NoError(t, err)
	require.Equal(t, 8, line)
	require.Contains(t, content, "return a < b\n")
	require.Contains(t, content, "1 NEW 2")
	for _, bad := range [][2]string{{"none", "<"}, {"other", "gone"}, {"Less", "b"}} {
		_, _, err := plant(bad[0], bad[1])
		require.Error(t, err, bad)
	}
}

func TestDeclarationsOfModelsAndProofsAreFound(t *testing.T) {
	tla := "---- MODULE M ----\nA == 1\nB(x) ==\n  /\\ x\n  /\\ A\nC == 2\n====\n"
	from, to, err := declaration("M.tla", tla, "B")
	require.NoError(t, err)
	require.Equal(t, "B(x) ==\n  /\\ x\n  /\\ A\n", tla[from:to])
	lean := "/-- doc -/\ndef a : Nat := 1\n\ntheorem Proof.b : True := by\n  trivial\n\nend X\n"
	from, to, err = declaration("A.lean", lean, "Proof.b")
	require.NoError(t, err)
	require.Equal(t, "theorem Proof.b : True := by\n  trivial\n\n", lean[from:to])
	_, _, err = declaration("A.md", "", "x")
	require.Error(t, err)
}

func TestTheFunctionOfAFaultReachesIt(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "p.go"), []byte(`package p

func A() { b() }
func b() { var t t; t.c() }
type t struct{}
func (t) c() int { return limit }
const limit = 1
func D() {}
`), 0o600))
	c, err := readCode(dir)
	require.NoError(t, err)
	for _, to := range []string{"A", "b", "t.c", "limit"} {
		require.Empty(t, c.owns(&Fault{Of: "p.A", In: to}, "p"), to)
		require.NotEmpty(t, c.owns(&Fault{Of: "p.D", In: to}, "p"), to)
	}
	require.NotEmpty(t, c.owns(&Fault{Of: "p.Gone", In: "b"}, "p"))
	require.NotEmpty(t, c.owns(&Fault{Of: "q.A", In: "b"}, "p"))
}

func TestARunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	_, err := (tester{toy(t), 1}).goTest(ctx, "", []Check{{"toy", "TestLess"}})
	require.Error(t, err)
}
