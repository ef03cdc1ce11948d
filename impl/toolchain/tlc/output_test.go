package tlc

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// toyModule is what most files of testdata are about.
const toyModule = `-------------------------------- MODULE Toy --------------------------------
EXTENDS Integers
CONSTANTS Nodes, Max
VARIABLES at, log
vars == <<at, log>>
Init == at = [n \in Nodes |-> 0] /\ log = {}
Move(n) == at[n] < Max /\ at' = [at EXCEPT ![n] = @ + 1] /\ log' = log \cup {[from |-> n, at |-> at[n]]}
Back(n) == \/ at[n] = 1 /\ at' = [at EXCEPT ![n] = 0] /\ UNCHANGED log
           \/ at[n] = Max /\ at' = [at EXCEPT ![n] = 0] /\ UNCHANGED log
Leap(n) == at[n] > Max /\ UNCHANGED vars
Next == \E n \in Nodes : Move(n) \/ Back(n) \/ Leap(n)
Stuck == \E n \in Nodes : Move(n)
Wrong == \E n \in Nodes : at[n] < 2 /\ at' = [at EXCEPT ![n] = IF @ = 1 THEN "a" + 1 ELSE @ + 1] /\ UNCHANGED log
Spec == Init /\ [][Next]_vars
Fair == Init /\ [][Next]_vars /\ WF_vars(Next)
Low == \A n \in Nodes : at[n] < 2
Positive == \A n \in Nodes : at[n] > 0
Up == [][\A n \in Nodes : at'[n] >= at[n]]_vars
Ends == <>(\A n \in Nodes : at[n] = Max)
BothUp == \A n \in Nodes : at[n] = Max
Above == \E n \in Nodes : at[n] > Max
============================================================================
`

// captured returns the outcome of a file of testdata, with the exit status that
// TLC had, or another where status is not negative.
func captured(t *testing.T, name string, status int) *Outcome {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
	require.NoError(t, err)
	first, rest, _ := strings.Cut(string(text), "\n")
	return outcomeOf(t, rest, statusOf(t, first, status))
}

func statusOf(t *testing.T, line string, instead int) int {
	t.Helper()
	if instead >= 0 {
		return instead
	}
	n, err := strconv.Atoi(strings.TrimPrefix(line, "status "))
	require.NoError(t, err)
	return n
}

func outcomeOf(t *testing.T, text string, status int) *Outcome {
	t.Helper()
	out, err := ReadOutput(strings.NewReader(text))
	require.NoError(t, err)
	out.ended(exec.Command("sh", "-c", "exit "+strconv.Itoa(status)).Run())
	return out
}

func TestEachWayToEndIsTold(t *testing.T) {
	for _, c := range []struct {
		name           string
		kind           Kind
		property       string
		where, says    string
		steps          int
		distinct       int64
		depth, actions int
	}{
		{name: "holds", kind: Holds, distinct: 36, depth: 9, actions: 4},
		{name: "invariant", kind: Violated, property: "Low", says: "Invariant Low is violated.", steps: 3, distinct: 4, depth: 3, actions: 4},
		{name: "initial", kind: Violated, property: "Positive", says: "Invariant Positive is violated by the initial state:", steps: 1},
		{name: "action", kind: Violated, property: "Up", says: "Action property Up is violated.", steps: 3, distinct: 5, depth: 3, actions: 4},
		{name: "temporal", kind: Violated, says: "Temporal properties were violated.", steps: 9, distinct: 36, actions: 4},
		{name: "stutters", kind: Violated, says: "Temporal properties were violated.", steps: 7, distinct: 36, actions: 4},
		{name: "deadlock", kind: Deadlock, says: "Deadlock reached.", steps: 5, distinct: 9, depth: 5, actions: 1},
		{name: "evaluation", kind: Broken, where: "Toy:13:78", says: "Cannot cast tlc2.value.impl.StringValue", steps: 2, distinct: 3, actions: 1},
		{name: "config", kind: Broken, where: "run.cfg:5", says: "It was expecting a keyword, but did not find it."},
		{name: "undefined", kind: Broken, says: "The invariant Nope specified in the configuration file"},
		{name: "unassigned", kind: Broken, says: "The constant parameter Max is not assigned a value by the configuration file."},
		{name: "unknown", kind: Broken, where: "Unknown:5:14", says: "Unknown operator: `y'."},
		{name: "syntax", kind: Broken, where: "Syntax:5:1", says: `Encountered "Beginning of definition" at line 5, column 1 and token "0"`},
		{name: "assumption", kind: Broken, where: "Assumed:4:8", says: "Assumption line 4, col 8 to line 4, col 12 of module Assumed is false."},
		{name: "memory", kind: Memory, says: "java.lang.OutOfMemoryError: GC overhead limit exceeded"},
	} {
		out := captured(t, c.name, -1)
		require.Equal(t, c.kind, out.Kind, c.name)
		require.Equal(t, c.property, out.Property, c.name)
		require.Equal(t, c.where, out.Where, c.name)
		require.Contains(t, out.Text, c.says, c.name)
		require.Len(t, out.Trace, c.steps, c.name)
		require.Equal(t, c.distinct, out.Distinct, c.name)
		require.Equal(t, c.depth, out.Depth, c.name)
		require.Len(t, out.Actions, c.actions, c.name)
	}
}

func TestWhatHoldsIsCounted(t *testing.T) {
	out := captured(t, "holds", -1)
	require.Equal(t, map[int]bool{0: true}, out.Reached)
	require.Equal(t, []Action{
		{"Move", "", 60}, {"Back", "Toy:8:15", 24}, {"Back", "Toy:9:15", 12}, {"Leap", "", 0},
	}, out.Actions)
	require.Equal(t, 3, out.Fired())
	require.Equal(t, int64(97), out.Generated)
	require.Empty(t, out.Warnings)
	require.Len(t, captured(t, "constrained", -1).Warnings, 1)
}

func TestABehaviourIsToldByWhatChanges(t *testing.T) {
	require.Equal(t, `  1 Initial predicate
      at = (n1 :> 0 @@ n2 :> 0)
      log = {}
  2 Move line 7, col 12 to line 7, col 104 of module Toy
      at = (n1 :> 1 @@ n2 :> 0)
      log = {[at |-> 0, from |-> n1]}
  3 Move line 7, col 12 to line 7, col 104 of module Toy
      at = (n1 :> 2 @@ n2 :> 0)
      log = {[at |-> 0, from |-> n1], [at |-> 1, from |-> n1]}
`, captured(t, "invariant", -1).behaviour())
	require.True(t, strings.HasSuffix(captured(t, "stutters", -1).behaviour(), "  7 Stuttering\n"))
	long := &Outcome{}
	for i := range 100 {
		long.Trace = append(long.Trace, Step{"<Move>", "x = " + strconv.Itoa(i)})
	}
	text := long.behaviour()
	require.Contains(t, text, "  20 Move\n      x = 19\n  ... 60 steps ...\n  81 Move\n      x = 80\n")
	long = &Outcome{Trace: []Step{{"<Move>", `x = "` + strings.Repeat("a", 1000) + `"`}}}
	require.Less(t, len(long.behaviour()), 300)
}

func TestWhatTLCSaysAndHowItEndsMustAgree(t *testing.T) {
	require.Equal(t, Broken, captured(t, "holds", 1).Kind)
	require.Contains(t, captured(t, "holds", 12).Text, `TLC says "holds", and ends with status 12`)
	require.Equal(t, Broken, captured(t, "invariant", 0).Kind)
	require.Equal(t, Broken, captured(t, "deadlock", 12).Kind)

	// Success is said, not inferred.
	require.Equal(t, Broken, outcomeOf(t, "", 0).Kind)
	require.Equal(t, "TLC says nothing, and ends with status 0", outcomeOf(t, "", 0).Text)

	out := &Outcome{Kind: Holds}
	out.ended(exec.Command("sh", "-c", "kill -9 $$").Run())
	require.Equal(t, Killed, out.Kind)
	require.Equal(t, "TLC was killed: signal: killed", out.Text)
	out = &Outcome{Kind: Holds}
	out.ended(exec.Command("/omega-no-such-program").Run())
	require.Equal(t, Broken, out.Kind)
}

func TestOutputThatIsCutShortShowsNothing(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "holds.txt"))
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(text), "\n")
	success := strings.Index(rest, "STARTMSG 2193")
	require.Positive(t, success)
	for end := 0; end <= success; end += 97 {
		require.NotEqual(t, Holds, outcomeOf(t, rest[:end], 0).Kind, end)
	}
	require.Contains(t, outcomeOf(t, "@!@!@STARTMSG 2193:0 @!@!@\nModel checking comp", 0).Text, "Model checking comp")
}

func FuzzReadOutput(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(f, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(string(text))
	}
	f.Add("a@!@!@STARTMSG 1:1 @!@!@\n@!@!@STARTMSG 2:1 @!@!@\n@!@!@ENDMSG 2 @!@!@\n")
	f.Fuzz(func(t *testing.T, text string) {
		out, err := ReadOutput(strings.NewReader(text))
		require.NoError(t, err)
		if out.Kind == Holds {
			require.Contains(t, text, "STARTMSG 2193:")
		}
		out.behaviour()
	})
}
