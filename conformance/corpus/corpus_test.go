package corpus

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
)

// counterText is the corpus of testdata/Counter.tla, as the package's comment has
// it.
func counterText(t testing.TB) string {
	source, err := os.ReadFile("corpus.go")
	require.NoError(t, err)
	var b strings.Builder
	for line := range strings.Lines(string(source)) {
		if text, ok := strings.CutPrefix(line, "//\t"); ok {
			b.WriteString(text)
		}
	}
	return b.String()
}

func counterDump(t testing.TB) string {
	dump, err := os.ReadFile("testdata/Counter.dot") // made by TLC
	require.NoError(t, err)
	return string(dump)
}

func made(t require.TestingT, dump string) *Corpus {
	c, _, err := FromDot(strings.NewReader(dump), "Counter")
	require.NoError(t, err)
	return c
}

func textOf(c *Corpus) string {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	c.writeText(w)
	w.Flush()
	return b.String()
}

func packed(text string) *bytes.Buffer {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	fmt.Fprint(w, text)
	w.Close()
	return &b
}

func TestTheCorpusOfADumpIsTheOneInTheManual(t *testing.T) {
	c, within, err := FromDot(strings.NewReader(counterDump(t)), "Counter")
	require.NoError(t, err)
	require.Equal(t, int64(5), within) // the initial state is known to TLC three times
	require.Equal(t, counterText(t), textOf(c))
	require.Equal(t, 3, c.Inside())
	require.Equal(t, map[string]int{"Flip": 6}, c.Names())
	require.Equal(t, []Edge{{1, 0, 3}, {1, 1, 0}}, c.Out(1))
	require.Empty(t, c.Out(3))
	require.Equal(t, tlavalue.Int(1), c.Value(1, 1))
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	c := made(t, counterDump(t))
	var b bytes.Buffer
	require.NoError(t, c.Write(&b))
	again, err := Read(&b)
	require.NoError(t, err)
	require.Equal(t, c, again)
	require.Empty(t, Difference(c, again))
}

// dumped writes a graph of two variables as TLC dumps it, with its own numbers and
// in an order that random gives. An edge's action is known by its target.
func dumped(edges map[[3]int]bool, beyond map[int]bool, random *rand.Rand) string {
	id := func(state, action int) int { return state*100 + action + 1 }
	var lines []string
	seen := map[int]bool{}
	node := func(state, action int, style string) {
		if n := id(state, action); !seen[n] {
			seen[n] = true
			set := []string{"1", "2", "3"}
			random.Shuffle(3, func(i, j int) { set[i], set[j] = set[j], set[i] })
			act := fmt.Sprintf(`[name |-> \"A\", n |-> %d]`, action)
			lines = append(lines, fmt.Sprintf(`%d [label="/\\ x = %d\n/\\ s = {%s, %d}\n/\\ act = %s\n/\\ omegaBeyond = %s"%s]`,
				n, state%3, strings.Join(set, ", "), 10+state/3, act, strings.ToUpper(fmt.Sprint(beyond[state])), style))
		}
	}
	actions := map[int][]int{0: {-1}} // by which each state is reached
	node(0, -1, ",style = filled")
	for e := range edges {
		actions[e[2]] = append(actions[e[2]], e[1])
		node(e[2], e[1], "")
	}
	for e := range edges {
		for _, by := range actions[e[0]] {
			lines = append(lines, fmt.Sprintf(`%d -> %d [label="Next",color="black",fontcolor="black"];`, id(e[0], by), id(e[2], e[1])))
		}
	}
	random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	return strings.Join(dotHead, "\n") + "\n" + strings.Join(lines, "\n") + "\n{rank = same; 1;-2;}\n}\n}"
}

func TestTheOrderOfTheDumpDoesNotMatterAndNoEdgeIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// A random graph in which each state is reached, but only from within the bound.
		beyond := map[int]bool{}
		edges := map[[3]int]bool{}
		reached := []int{0}
		for range rapid.IntRange(1, 12).Draw(t, "edges") {
			from := rapid.SampledFrom(reached).Draw(t, "from")
			if beyond[from] {
				continue
			}
			action, to := len(edges), rapid.IntRange(0, 8).Draw(t, "to")
			if _, known := beyond[to]; !known && to != 0 {
				beyond[to] = rapid.IntRange(0, 3).Draw(t, "beyond") == 0
				reached = append(reached, to)
			}
			edges[[3]int{from, action, to}] = true
		}
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		c := made(t, dumped(edges, beyond, random))
		require.Equal(t, textOf(c), textOf(made(t, dumped(edges, beyond, random))))
		got := map[[3]int]bool{}
		number := func(s int32) int {
			s10 := c.Value(int(s), 0).(tlavalue.Set)
			return int(c.Value(int(s), 1).(tlavalue.Int)) + 3*(int(s10[3].(tlavalue.Int))-10)
		}
		for _, e := range c.Edges {
			n, _ := c.Actions[e.Action].Get("n")
			got[[3]int{number(e.From), int(n.(tlavalue.Int)), number(e.To)}] = true
		}
		require.Equal(t, edges, got)
		again, err := Read(packed(textOf(c)))
		require.NoError(t, err)
		require.Equal(t, textOf(c), textOf(again))
	})
}

func TestADumpThatContradictsItselfIsRefused(t *testing.T) {
	dump := counterDump(t)
	lines := strings.Split(dump, "\n")
	first := lines[len(dotHead)] // the initial state
	var other string             // another one within the bound
	for _, l := range lines {
		if strings.Contains(l, `low = 1`) && strings.Contains(l, `high = 0`) {
			other = l
		}
	}
	require.NotEmpty(t, other)
	edge := func(from, to string) string {
		return strings.Fields(from)[0] + " -> " + strings.Fields(to)[0] + ` [label="N",color="black",fontcolor="black"];` + "\n"
	}
	flip := strings.NewReplacer(strings.Fields(other)[0], "77", "low = 1", "low = 2").Replace(other)
	for _, c := range []struct{ name, dump, want string }{
		{"two states by one action", strings.Replace(dump, first, first+"\n"+flip+"\n"+strings.TrimSpace(edge(first, flip)), 1), "leads to two states from"},
		{"a state cut off", strings.Replace(dump, other+"\n", "", 1), "which is not dumped"},
		{"an edge into the start", strings.Replace(dump, first, first+"\n"+strings.TrimSpace(edge(other, first)), 1), "an edge leads to an initial state without setting act"},
		{"two states with one number", strings.Replace(dump, first, first+"\n"+strings.Replace(first, `low = 0`, `low = 1`, 1), 1), "is dumped twice, and not the same"},
		{"cut short", dump[:len(dump)-2], "the dump is cut short"},
		{"going on", dump + "\n" + first + "\n", "the dump goes on after its end"},
		{"another head", strings.Replace(dump, "strict", "loose", 1), `line 1 of TLC's dump: "loose digraph DiskGraph {" is no line of a dump`},
		{"no value", strings.Replace(dump, `low = 0`, `low = ?`, 1), "the state is not understood: offset"},
		{"no act", strings.ReplaceAll(dump, `act = `, `acts = `), "the state lacks act or omegaBeyond"},
		{"an act without a name", strings.ReplaceAll(dump, `name |->`, `nome |->`), "is no record with a field name, a string"},
		{"other variables", strings.Replace(dump, `low = 1`, `law = 1`, 1), "the state has a variable"},
		{"more variables", strings.Replace(dump, `low = 1`, `low = 1\n/\\ law = 1`, 1), "the state has 3 variables, others have 2"},
		{"a bound by act", strings.Replace(dump, `omegaBeyond = TRUE`, `omegaBeyond = FALSE`, 1), "depends on act"},
		{"beyond and left", strings.ReplaceAll(dump, `omegaBeyond = FALSE`, `omegaBeyond = TRUE`), "an edge leaves a state beyond the bound"},
		{"empty", strings.Join(dotHead, "\n") + "\n}\n}", "Counter has no state"},
	} {
		_, _, err := FromDot(strings.NewReader(c.dump), "Counter")
		require.ErrorContains(t, err, c.want, c.name)
	}
}

func TestAnActThatDecidesWhatCanHappenIsRefused(t *testing.T) {
	dump := counterDump(t)
	// One edge less from one of TLC's three copies of the initial state.
	start := strings.Fields(strings.Split(dump, "\n")[len(dotHead)])[0]
	at := strings.Index(dump, start+" -> ")
	less := dump[:at] + dump[at+strings.Index(dump[at:], "\n")+1:]
	_, _, err := FromDot(strings.NewReader(less), "Counter")
	var matters *ActMattersError
	require.ErrorAs(t, err, &matters)
	require.Equal(t, "/\\ high = 0\n/\\ low = 0", matters.State)
}

func TestOnlyTheCanonicalFormIsRead(t *testing.T) {
	text := counterText(t)
	for _, c := range []struct{ old, new, want string }{
		{"omega-corpus 1 ", "omega-corpus 2 ", `line 1 of the corpus: got "omega-corpus 2 Counter", want omega-corpus 1 NAME`},
		{"variable high 2\n0\n1\n", "variable high 2\n1\n0\n", "line 4 of the corpus: got \"0\", want values in their order"},
		{"variable high 2\n0\n", "variable high 2\n 0\n", "the value as it is written, 0"},
		{"variable high 2\n0\n", "variable high 2\n?\n", "a value: offset 0"},
		{"variable high 2", "variable high 02", "a number from 0 to 16777216"},
		{"variable high 2", "variable high 99999999", "a number from 0 to 16777216"},
		{"variable low", "variable high", "want variables in their order"},
		{"variable low 2", "variables 2", "want variable NAME N or states N"},
		{"i 0 0\n- 0 1", "- 0 1\ni 0 0", "want states in their order"},
		{"i 0 0", "x 0 0", "want flags and 2 values"},
		{"i 0 0", "i 0", "want flags and 2 values"},
		{"i 0 0", "i 0 2", "want numbers below 2"},
		{"i 0 0", "i 0 +0", "want numbers below 2"},
		{"actions 2", "action 2", "want actions N"},
		{`[bit |-> "high", name |-> "Flip"]`, `[bit |-> "high"]`, "want a record with a field name"},
		{`[bit |-> "high", name |-> "Flip"]`, "1", "want a record with a field name"},
		{"edges 6", "edge 6", "want edges N"},
		{"edges 6", "edges 7", `want a line with its end`},
		{"edges 6", "edges 5", "want the end"},
		{"0 0 2\n0 1 1", "0 1 1\n0 0 2", "want edges in their order"},
		{"0 0 2\n0 1 1", "0 0 2\n0 0 3", "want one edge for each action of a state"},
		{"2 0 0\n2 1 3", "2 0 0\n3 1 3", "want no edge from a state beyond the bound"},
		{"0 0 2", "0 0", "want FROM ACTION TO"},
		{"0 0 2", "0 0 4", "want numbers below 4"},
		{"2 1 3\n", "2 1 3", "want a line with its end"},
		{"variable high 2\n0", "variable high 2\n\"" + strings.Repeat("a", maxLineBytes) + "\"", "a line of at most 1048576 bytes"},
	} {
		require.Contains(t, text, c.old)
		_, err := Read(packed(strings.Replace(text, c.old, c.new, 1)))
		require.ErrorContains(t, err, c.want, "%.60q", c.new)
		var format *FormatError
		require.ErrorAs(t, err, &format)
	}
	_, err := Read(strings.NewReader("not packed"))
	require.ErrorIs(t, err, gzip.ErrHeader)
	whole := packed(text).Bytes()
	for end := range len(whole) {
		_, err := Read(bytes.NewReader(whole[:end]))
		require.Error(t, err, end)
	}
}

func TestADifferenceIsTheEdgeThatOnlyOneSideHas(t *testing.T) {
	c := made(t, counterDump(t))
	less := made(t, counterDump(t))
	less.Edges = append(append([]Edge{}, less.Edges[:2]...), less.Edges[3:]...) // without 1 0 3
	edge := `[bit |-> "high", name |-> "Flip"] from
/\ high = 0
/\ low = 1
to
/\ high = 1
/\ low = 1`
	require.Equal(t, "only the model has 1 of the edges, the first:\n"+edge, Difference(c, less))
	require.Equal(t, "only the corpus has 1 of the edges, the first:\n"+edge, Difference(less, c))
	flagged := made(t, counterDump(t))
	flagged.States[3].Initial = true
	require.Equal(t, "only the model has 1 of the states, the first:\nflags ib\n/\\ high = 1\n/\\ low = 1\n"+
		"only the corpus has 1 of the states, the first:\nflags b\n/\\ high = 1\n/\\ low = 1", Difference(flagged, c))
	renamed := made(t, counterDump(t))
	renamed.Name = "Other"
	require.Equal(t, "the model is Other high low, the corpus has Counter high low", Difference(renamed, c))
}

func FuzzRead(f *testing.F) {
	f.Add(counterText(f))
	f.Add("omega-corpus 1 x\nstates 0\nactions 0\nedges 0\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Read(packed(text))
		if err == nil {
			require.Equal(t, text, textOf(c))
		}
	})
}

func FuzzFromDot(f *testing.F) {
	f.Add(counterDump(f))
	f.Fuzz(func(t *testing.T, dump string) {
		c, _, err := FromDot(strings.NewReader(dump), "x")
		if err != nil {
			return
		}
		again, err := Read(packed(textOf(c)))
		require.NoError(t, err)
		require.Equal(t, textOf(c), textOf(again))
	})
}
