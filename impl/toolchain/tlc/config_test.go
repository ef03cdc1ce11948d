package tlc

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"
)

// checkout writes the files of a txtar archive and the toy module into a folder.
func checkout(t *testing.T, archive string) string {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, Folder), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(root, Folder, "Toy.tla"), []byte(toyModule), 0o600))
	for _, f := range txtar.Parse([]byte(archive)).Files {
		require.NoError(t, os.WriteFile(filepath.Join(root, Folder, f.Name), f.Data, 0o600))
	}
	return root
}

const quickConfig = `-- Quick.cfg --
\* run: quick
\* module: Toy
\* expect: holds
\* why: two nodes are the fewest
\* that differ
\* states: 36 distinct, depth 9
\* reach: BothUp
\* never: Leap nobody is above
CONSTANTS Nodes = {n1, n2} \* two
 Max = 2
CHECK_DEADLOCK FALSE
SPECIFICATION Spec
INVARIANTS Low Positive
PROPERTY Up
`

const negativeConfig = `-- Negative.cfg --
\* run: negative
\* module: Toy
\* expect: violates Ends
\* why: without fairness nobody needs to move
CONSTANTS Nodes = {n1, n2} Max = 2
CHECK_DEADLOCK FALSE
SPECIFICATION Spec
INVARIANT Low
PROPERTY Ends
`

const graphConfig = `-- Graph.cfg --
\* run: graph
\* module: Toy
\* expect: holds
\* why: the corpus
\* states: 36 distinct, depth 9
CONSTANTS Nodes = {n1, n2} Max = 2
CHECK_DEADLOCK FALSE
SPECIFICATION Fair
CONSTRAINT BothUp
CONSTRAINTS Low Up
INVARIANT Low
PROPERTY Up
`

func load(t *testing.T, archive string) *Config {
	t.Helper()
	configs, err := Load(checkout(t, archive))
	require.NoError(t, err)
	require.Len(t, configs, 1)
	return configs[0]
}

func TestAConfigurationSaysHowItIsRun(t *testing.T) {
	c := load(t, quickConfig)
	require.Equal(t, "Quick", c.Name)
	require.Equal(t, "tla/Quick.cfg", c.Path)
	require.Equal(t, Quick, c.Run)
	require.Equal(t, "two nodes are the fewest that differ", c.Why)
	require.Equal(t, []int64{36, 9}, []int64{c.Distinct, int64(c.Depth)})
	require.Equal(t, []string{"BothUp"}, c.Reach)
	require.Equal(t, []Unfired{{"Leap", "nobody is above"}}, c.Never)
	require.Equal(t, []string{"Low", "Positive", "Up"}, c.Properties())
	require.Equal(t, HeapMB+overheadMB, c.MemoryMB())
	c = load(t, negativeConfig)
	require.Equal(t, "Ends", c.Violates)
	require.Equal(t, "conformance/corpus/testdata/Negative.corpus.gz", c.CorpusPath())
}

func TestWhatIsNoConfigurationIsNamedWithItsLine(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"\\* run: quick\n", "", `tla/Quick.cfg: no field "run" at its head`},
		{"\\* run: quick\n\\* module", "\\* what?\n\\* module", "tla/Quick.cfg:1: the file begins with a line `\\* run: ...`"},
		{"run: quick", "run: quickly", `tla/Quick.cfg:1: run: got "quickly", want quick, large, graph or negative`},
		{"run: quick", "run: negative", "tla/Quick.cfg: a negative configuration, and no other, expects that a property is violated"},
		{"module: Toy", "module: Toys", "tla/Quick.cfg: there is no module Toys\ntla/Toy.tla: no configuration uses this module"},
		{"expect: holds", "expect: hold", "tla/Quick.cfg:3: expect: got \"hold\", want `holds` or `violates NAME`"},
		{"expect: holds", "expect: violates Low", "tla/Quick.cfg: a negative configuration, and no other, expects that a property is violated"},
		{"why: two nodes are the fewest\n\\* that differ", "why:", "tla/Quick.cfg:4: why: it is empty"},
		{"states: 36 distinct, depth 9", "states: 36", "tla/Quick.cfg:6: states: got \"36\", want `N distinct, depth D`"},
		{"\\* states: 36 distinct, depth 9\n", "", `tla/Quick.cfg: no field "states": the number of states must be recorded`},
		{"reach: BothUp", "reach: at = 1", `tla/Quick.cfg:7: reach: got "at = 1", want the name of a state predicate`},
		{"reach: BothUp", "reech: BothUp", "tla/Quick.cfg:7: reech: there is no such field; it is one of run, module, expect, why, states, reach, never"},
		{"reach: BothUp", "run: large", `tla/Quick.cfg:7: a second field "run"`},
		{"never: Leap nobody is above", "never: Leap", "tla/Quick.cfg:8: never: an action and a reason are wanted"},
	} {
		require.Contains(t, quickConfig, c.old)
		_, err := Load(checkout(t, strings.Replace(quickConfig, c.old, c.new, 1)))
		// A module is lost with the configuration that would use it.
		require.ErrorContains(t, err, c.want, c.new)
		var bad *ConfigError
		require.ErrorAs(t, err, &bad)
	}
	_, err := Load(checkout(t, strings.Replace(negativeConfig, "violates Ends", "violates Up", 1)))
	require.EqualError(t, err, "tla/Negative.cfg: it expects Up to be violated, and does not list it")
	_, err = Load(checkout(t, strings.Replace(negativeConfig, "CONST", "\\* note\nCONST", 1)))
	require.NoError(t, err)
	_, err = Load(checkout(t, strings.Replace(negativeConfig, "CONST", "\\* reach: Low\nCONST", 1)))
	require.ErrorContains(t, err, "reach and never say nothing")
}

func TestAModuleThatNothingUsesIsNamed(t *testing.T) {
	used := "-- Base.tla --\n---- MODULE Base ----\n====\n-- Other.tla --\n---- MODULE Other ----\nEXTENDS Naturals, Base\n====\n"
	_, err := Load(checkout(t, quickConfig+used))
	require.EqualError(t, err, "tla/Base.tla: no configuration uses this module\ntla/Other.tla: no configuration uses this module")
	main := "-- Main.tla --\n---- MODULE Main ----\nEXTENDS Toy\nO == INSTANCE Other \\* INSTANCE Unused\n====\n"
	_, err = Load(checkout(t, strings.Replace(quickConfig, "module: Toy", "module: Main", 1)+used+main))
	require.NoError(t, err)
	_, err = Load(t.TempDir())
	require.NoError(t, err)
}

func TestWhatMustBeReachedIsAskedForInTheSameRun(t *testing.T) {
	s, err := load(t, quickConfig).plainFiles()
	require.NoError(t, err)
	require.Equal(t, "OmegaRun", s.module)
	require.Equal(t, `---- MODULE OmegaRun ----
EXTENDS Toy, TLC
ASSUME TLCSet(700, 0)
OmegaReach0 == IF TLCGet(700) = 0 /\ BothUp THEN TLCSet(700, 1) /\ PrintT(<<"omega-reach", 0>>) ELSE TRUE
====
`, s.files["OmegaRun.tla"])
	require.Equal(t, toyModule, s.files["Toy.tla"])
	require.True(t, strings.HasSuffix(s.files[configName], "PROPERTY Up\n\nINVARIANT OmegaReach0\n"))
	s, err = load(t, negativeConfig).plainFiles()
	require.NoError(t, err)
	require.Equal(t, "Toy", s.module)
	require.Len(t, s.files, 2)
}

func TestTheGraphIsFollowedOneStepBeyondTheBound(t *testing.T) {
	s, err := load(t, graphConfig).graphFiles()
	require.NoError(t, err)
	require.Equal(t, `---- MODULE OmegaRun ----
EXTENDS Toy
VARIABLE omegaBeyond
OmegaBound == BothUp /\ Low /\ Up
OmegaInit == Init /\ omegaBeyond = ~OmegaBound
OmegaNext == ~omegaBeyond /\ Next /\ omegaBeyond' = ~OmegaBound'
====
`, s.files["OmegaRun.tla"])
	require.Equal(t, "CONSTANT Nodes = {n1, n2} Max = 2\nINVARIANT Low\nINIT OmegaInit\nNEXT OmegaNext\nCHECK_DEADLOCK FALSE\n", s.files[configName])

	for _, c := range []struct{ old, new, want string }{
		{"INVARIANT Low", "SYMMETRY Low", "a graph configuration has no SYMMETRY"},
		{"INVARIANT Low", "VIEW Low", "a graph configuration has no VIEW"},
		{"SPECIFICATION Fair", "INIT Init NEXT Next", "a graph configuration has no INIT"},
		{"SPECIFICATION Fair", "SPECIFICATION Low", `Low is not defined as Init /\ [][Next]_vars`},
		{"SPECIFICATION Fair", "", "a graph configuration names one SPECIFICATION"},
	} {
		_, err := Load(checkout(t, strings.Replace(graphConfig, c.old, c.new, 1)))
		require.ErrorContains(t, err, c.want)
	}
	unbound, err := load(t, strings.NewReplacer("CONSTRAINT BothUp\n", "", "CONSTRAINTS Low Up\n", "").Replace(graphConfig)).graphFiles()
	require.NoError(t, err)
	require.Contains(t, unbound.files["OmegaRun.tla"], "OmegaBound == TRUE\n")
}

func TestWhatComesOutIsJudged(t *testing.T) {
	quick, negative := load(t, quickConfig), load(t, negativeConfig)
	edited := func(c *Config, edit func(*Config)) *Config {
		d := *c
		edit(&d)
		return &d
	}
	two := edited(negative, func(c *Config) { c.statements = append(c.statements, statement{"PROPERTY", []string{"Up"}}) })
	for _, c := range []struct {
		config  *Config
		outcome string
		want    []string // what each problem contains
	}{
		{quick, "holds", nil},
		{edited(quick, func(c *Config) { c.Distinct = 35 }), "holds",
			[]string{"tla/Quick.cfg: the model changed: it has 36 distinct states, depth 9; recorded are 35, depth 9: record the new count"}},
		{edited(quick, func(c *Config) { c.Run, c.Distinct = Large, 0 }), "holds", nil},
		{edited(quick, func(c *Config) { c.Reach = append(c.Reach, "Above") }), "holds",
			[]string{"tla/Quick.cfg: Above is true in no state: what it stands for is not checked"}},
		{edited(quick, func(c *Config) { c.Never = nil }), "holds", []string{"tla/Quick.cfg: the action Leap never happens"}},
		{edited(quick, func(c *Config) { c.Never = append(c.Never, Unfired{"Back", "?"}) }), "holds",
			[]string{"the action Back (Toy:8:15) happens, and is listed", "the action Back (Toy:9:15) happens, and is listed"}},
		{edited(quick, func(c *Config) { c.Never = append(c.Never, Unfired{"Fly", "?"}) }), "holds", []string{"never: there is no action Fly"}},
		{quick, "invariant", []string{"tla/Quick.cfg: Low is violated: Invariant Low is violated.\n  1 Initial predicate\n      at ="}},
		{quick, "temporal", []string{"tla/Quick.cfg: Up is violated: Temporal properties were violated.\n  1 Initial"}},
		{quick, "deadlock", []string{"tla/Quick.cfg: deadlock is violated: Deadlock reached.\n  1 Initial"}},
		{quick, "evaluation", []string{"tla/Toy.tla:13:78: (Quick): error: TLC threw an unexpected exception."}},
		{quick, "config", []string{"tla/Quick.cfg:5: error: TLC threw an unexpected exception."}},
		{quick, "memory", []string{"tla/Quick.cfg: out of memory: Terminating due to java.lang.OutOfMemoryError"}},
		{negative, "temporal", nil},
		{edited(negative, func(c *Config) { c.Violates = "Low" }), "invariant", nil},
		{edited(negative, func(c *Config) { c.Violates = deadlockName }), "deadlock", nil},
		{negative, "holds", []string{"tla/Negative.cfg: nothing is violated; want Ends. without fairness nobody needs to move"}},
		{negative, "invariant", []string{"tla/Negative.cfg: Low is violated; want Ends\n  1 Initial"}},
		{negative, "deadlock", []string{"tla/Negative.cfg: deadlock is violated; want Ends"}},
		{negative, "evaluation", []string{"tla/Negative.cfg: want Ends violated\ntla/Toy.tla:13:78: (Negative): error: "}},
		{negative, "memory", []string{"tla/Negative.cfg: want Ends violated\ntla/Negative.cfg: out of memory"}},
		{two, "temporal", []string{"one of Ends, Up is violated; want Ends"}},
	} {
		got := c.config.Judge(captured(t, c.outcome, -1))
		require.Len(t, got, len(c.want), "%s %s: %q", c.config.Name, c.outcome, got)
		for i := range got {
			require.Contains(t, got[i], c.want[i])
		}
	}
	warned := captured(t, "holds", -1)
	warned.Warnings = []string{"Declaring state constraints during liveness checking is dangerous"}
	require.Equal(t, []string{"tla/Quick.cfg: TLC warns: Declaring state constraints during liveness checking is dangerous"}, quick.Judge(warned))
	silent := captured(t, "holds", -1)
	silent.Actions = nil
	require.Contains(t, quick.Judge(silent), "tla/Quick.cfg: TLC tells of no action")
}
