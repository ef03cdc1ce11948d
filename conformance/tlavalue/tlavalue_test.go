package tlavalue

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func parsed(t require.TestingT, text string) Value {
	v, err := Parse(text)
	require.NoError(t, err, text)
	return v
}

func TestValuesHaveOneForm(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"TRUE", "TRUE"},
		{" FALSE\n", "FALSE"},
		{"-2147483648", "-2147483648"},
		{`"a\"b\\c\t\n\f\r é"`, `"a\"b\\c\t\n\f\r é"`},
		{"n1", "n1"},
		{"{}", "{}"},
		{`{n2, {}, n1, 3, "x", 1..2, TRUE}`, `{TRUE, 3, "x", n1, n2, {}, {1, 2}}`},
		{"3..1", "{}"},
		{"-1 .. 1", "{-1, 0, 1}"},
		{"<<>>", "<<>>"},
		{"<<1,<<n1>> , {}>>", "<<1, <<n1>>, {}>>"},
		{"[from |-> n1,\n  at |-> 0]", "[at |-> 0, from |-> n1]"},
		{"(n2 :> 1 @@ n1 :> (n1 :> 0))", "(n1 :> (n1 :> 0) @@ n2 :> 1)"},
		{"(2 :> b @@ 1 :> a)", "<<a, b>>"},
		{"(2 :> b @@ 0 :> a)", "(0 :> a @@ 2 :> b)"},
		{`("b" :> 1 @@ "a" :> 2)`, "[a |-> 2, b |-> 1]"},
		{`("1b" :> 1 @@ "a" :> 2)`, `("1b" :> 1 @@ "a" :> 2)`},
		{`("TRUE" :> 1)`, `("TRUE" :> 1)`},
	} {
		v := parsed(t, c.text)
		require.Equal(t, c.want, v.String(), c.text)
		require.Equal(t, v, parsed(t, v.String()))
	}
}

func TestWhatIsNoValueIsRefusedWithItsPlace(t *testing.T) {
	deep := strings.Repeat("<<", MaxDepth)
	for _, c := range []struct {
		text   string
		offset int
		want   string
	}{
		{"", 0, "a value"},
		{"1 2", 2, "the end"},
		{"SUBSET {1}", 7, "the end"},
		{"{1, 2", 5, `"}"`},
		{"{1, 2, 1}", 0, "each element once"},
		{"{1..2, {2, 1}}", 0, "each element once"},
		{"[a |-> 1, a |-> 2]", 0, "each argument once"},
		{"(1 :> 1 @@ 1 :> 2)", 0, "each argument once"},
		{"[]", 1, "a name"},
		{"[TRUE |-> 1]", 1, "a name"},
		{"[a = 1]", 3, `"|->"`},
		{"(1)", 2, `":>"`},
		{"<<1, >>", 5, "a value"},
		{`"ab`, 0, "a string with its end"},
		{`"a\q"`, 3, `one of " \ t n f r`},
		{"2147483648", 0, "an integer from -2147483648 to 2147483647"},
		{"1a", 0, "an integer from -2147483648 to 2147483647"},
		{"1..", 3, "an integer from -2147483648 to 2147483647"},
		{"<<1..1048576>>", 2, "at most 1048576 values"},
		{"0..2147483647", 0, "at most 1048576 values"},
		{deep + "1", 2 * MaxDepth, "at most 64 values within one another"},
	} {
		_, err := Parse(c.text)
		var e *Error
		require.ErrorAs(t, err, &e, c.text)
		require.Equal(t, c.offset, e.Offset, "%.40s: %v", c.text, e)
		require.Equal(t, c.want, e.Want, c.text)
	}
	_, err := Parse("{1, ?}")
	require.EqualError(t, err, `offset 4: got "?}", want a value`)
}

func TestAStateIsItsVariablesInTheirOrder(t *testing.T) {
	got, err := ParseState("/\\ pos = (n1 :> 0)\n/\\ act = [name |-> \"Init\",\n  at |-> 2]")
	require.NoError(t, err)
	require.Equal(t, []Variable{
		{"pos", Function{{Model("n1"), Int(0)}}},
		{"act", Record{{"at", Int(2)}, {"name", String("Init")}}},
	}, got)
	got, err = ParseState("x = 0\n")
	require.NoError(t, err)
	require.Equal(t, []Variable{{"x", Int(0)}}, got)
	for _, bad := range []string{"", "/\\", "x", "x = 0 y = 1", "/\\ x = 0 y = 1", "x = 0 /\\ y = 1", "/\\ 1 = 1"} {
		_, err := ParseState(bad)
		require.Error(t, err, bad)
	}
}

func TestPartsAreFoundByName(t *testing.T) {
	r := parsed(t, "[b |-> 1, a |-> 2]").(Record)
	v, ok := r.Get("b")
	require.True(t, ok)
	require.Equal(t, Int(1), v)
	_, ok = r.Get("c")
	require.False(t, ok)
	f := parsed(t, "(n2 :> 1 @@ n1 :> 2)").(Function)
	v, ok = f.Get(Model("n2"))
	require.True(t, ok)
	require.Equal(t, Int(1), v)
	_, ok = f.Get(String("n2"))
	require.False(t, ok)
	s := parsed(t, "{3, 1}").(Set)
	require.True(t, s.Has(Int(3)))
	require.False(t, s.Has(Int(2)))
}

// plain is a value as a tree that any order of its parts leaves the same: the
// oracle of what is equal.
func plain(v Value) string {
	var parts []string
	switch v := v.(type) {
	case Set:
		for _, e := range v {
			parts = append(parts, plain(e))
		}
	case Seq:
		for i, e := range v {
			parts = append(parts, fmt.Sprintf("%d>%s", i+1, plain(e)))
		}
	case Record:
		for _, f := range v {
			parts = append(parts, fmt.Sprintf("%q>%s", f.Name, plain(f.Value)))
		}
	case Function:
		for _, p := range v {
			parts = append(parts, plain(p.Arg)+">"+plain(p.Value))
		}
	default:
		return fmt.Sprintf("%T%v", v, v)
	}
	slices.Sort(parts)
	return fmt.Sprintf("%T(%s)", v, strings.Join(parts, ","))
}

// values draws values, small ones so that equal ones are drawn, too.
func values(depth int) *rapid.Generator[Value] {
	leaves := []*rapid.Generator[Value]{
		rapid.Map(rapid.Bool(), func(b bool) Value { return Bool(b) }),
		rapid.Map(rapid.OneOf(rapid.Int32Range(-2, 3), rapid.SampledFrom([]int32{math.MinInt32, math.MaxInt32})),
			func(n int32) Value { return Int(n) }),
		rapid.Map(rapid.OneOf(rapid.SampledFrom([]string{"", "a", "b", "1", "TRUE", "\"", "\\"}), rapid.String()), func(s string) Value { return String(s) }),
		rapid.Map(rapid.SampledFrom([]string{"n1", "n2", "_x"}), func(s string) Value { return Model(s) }),
	}
	if depth == 0 {
		return rapid.OneOf(leaves...)
	}
	within := values(depth - 1)
	return rapid.OneOf(append(leaves,
		rapid.Map(rapid.SliceOfN(within, 0, 3), func(vs []Value) Value {
			slices.SortFunc(vs, Compare)
			s, _ := NewSet(slices.CompactFunc(vs, func(a, b Value) bool { return Compare(a, b) == 0 }))
			return s
		}),
		rapid.Map(rapid.SliceOfN(within, 0, 3), func(vs []Value) Value { return Seq(vs) }),
		rapid.Map(rapid.SliceOfN(rapid.Map(rapid.SliceOfN(within, 2, 2), func(vs []Value) Pair { return Pair{vs[0], vs[1]} }), 1, 3),
			func(ps []Pair) Value {
				slices.SortFunc(ps, func(a, b Pair) int { return Compare(a.Arg, b.Arg) })
				f, _ := NewFunction(slices.CompactFunc(ps, func(a, b Pair) bool { return Compare(a.Arg, b.Arg) == 0 }))
				return f
			}))...)
}

// shuffled writes v with the parts of sets, records and functions in any order.
func shuffled(t *rapid.T, v Value) string {
	list := func(open, between, end string, n int, part func(int) string) string {
		parts := make([]string, n)
		for i, at := range rapid.Permutation(indexes(n)).Draw(t, "order") {
			parts[i] = part(at)
		}
		return open + strings.Join(parts, between) + end
	}
	switch v := v.(type) {
	case Set:
		return list("{", ",\n  ", "}", len(v), func(i int) string { return shuffled(t, v[i]) })
	case Record:
		return list("[", " , ", "]", len(v), func(i int) string { return v[i].Name + "|->" + shuffled(t, v[i].Value) })
	case Function:
		return list("( ", "@@", " )", len(v), func(i int) string { return shuffled(t, v[i].Arg) + ":>" + shuffled(t, v[i].Value) })
	case Seq:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = shuffled(t, v[i])
		}
		return "<< " + strings.Join(parts, ",") + " >>"
	}
	return v.String()
}

func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestAnyOrderOfThePartsGivesTheSameValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := values(3).Draw(t, "value")
		require.Equal(t, v, parsed(t, v.String()))
		require.Equal(t, v.String(), parsed(t, shuffled(t, v)).String())
	})
}

func TestCompareIsAnOrderInWhichEqualMeansTheSameValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := values(2).Draw(t, "a"), values(2).Draw(t, "b"), values(2).Draw(t, "c")
		require.Equal(t, plain(a) == plain(b), Compare(a, b) == 0)
		require.Equal(t, a.String() == b.String(), Compare(a, b) == 0)
		require.Equal(t, Compare(a, b), -Compare(b, a))
		if Compare(a, b) <= 0 && Compare(b, c) <= 0 {
			require.LessOrEqual(t, Compare(a, c), 0)
		}
		require.Zero(t, Compare(a, a))
		if a.rank() != b.rank() {
			require.Equal(t, cmp.Compare(a.rank(), b.rank()), Compare(a, b))
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"TRUE", `{n2, {}, n1, 3, "x\n", 1..2}`, "<<1, <<>>>>", "[from |-> n1, at |-> 0]", "(n2 :> 1 @@ n1 :> 2)", "(1 :> 2", "-1..4",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(v.String())
		require.NoError(t, err)
		require.Equal(t, v, again)
	})
}
