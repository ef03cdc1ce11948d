package vectors

import (
	"fmt"
	"math/big"

	"github.com/omega-sheaf-os/omega/impl/kernel/fixed"
	"pgregory.net/rapid"
)

// bigOf returns the number, read without the code under test.
func bigOf(a fixed.Int128) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(a.Hi), 64)
	return n.Add(n, new(big.Int).SetUint64(a.Lo))
}

func int128Text(a fixed.Int128) string { return "(" + bigOf(a).String() + ")" }

func statsText(s fixed.Stats) string {
	return fmt.Sprintf("⟨%d, %s, %s, %s⟩", s.Count, int128Text(s.Sum), intText(s.Min), intText(s.Max))
}

// statsOf takes values one by one.
func statsOf(values []int32) (s fixed.Stats) {
	for _, v := range values {
		s.Add(v)
	}
	return s
}

// meanText returns Go's mean, as Lean writes it.
func meanText(s fixed.Stats) string {
	m, ok := s.Mean()
	if !ok {
		return "none"
	}
	return "some " + intText(m)
}

// drawFigures draws figures that few values would not give: of a sum near to halves
// of the count, or far beyond what so many values can sum up to.
func drawFigures(t *rapid.T) fixed.Stats {
	s := fixed.Stats{Count: rapid.Uint64().Draw(t, "count")}
	n := new(big.Int).SetUint64(s.Count)
	n.Mul(n, big.NewInt(int64(rapid.Int32().Draw(t, "about"))))
	if rapid.Bool().Draw(t, "half") {
		n.Add(n, new(big.Int).SetUint64(s.Count/2))
	}
	n.Add(n, big.NewInt(rapid.Int64Range(-1, 1).Draw(t, "more")))
	if rapid.IntRange(0, 5).Draw(t, "beyond") == 0 {
		n.Lsh(n, uint(rapid.IntRange(0, 30).Draw(t, "bits")))
	}
	s.Sum.Lo = new(big.Int).And(n, new(big.Int).SetUint64(1<<64-1)).Uint64()
	s.Sum.Hi = new(big.Int).Rsh(n, 64).Int64()
	return s
}

func drawNumbers(t *rapid.T, number int) []Vector {
	values := rapid.SliceOfN(rapid.OneOf(rapid.Int32(), rapid.Int32Range(-3, 3)), 0, 12)
	left, right := values.Draw(t, "values"), values.Draw(t, "others")
	if number%4 == 3 { // no values, and values that 0 would be below
		left, right = nil, rapid.SliceOfN(rapid.Int32Range(1, 9), 1, 3).Draw(t, "positive")
	}
	a, b := statsOf(left), statsOf(right)
	both := a
	both.Merge(b)
	few, many := statsOf(values.Draw(t, "few")), drawFigures(t)
	x := fixed.Int128{Hi: rapid.Int64().Draw(t, "high"), Lo: rapid.Uint64().Draw(t, "low")}
	y := fixed.Int128{Hi: rapid.Int64().Draw(t, "high"), Lo: rapid.Uint64().Draw(t, "low")}
	v := rapid.Int64().Draw(t, "added")
	encoded := x.Bytes()
	raw := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes"))
	return []Vector{
		{Form: "fixed.Stats.Add", Call: "Fixed.Stats.of " + list(left, intText), Out: statsText(a)},
		{Form: "fixed.Stats.Merge", Call: "Fixed.Stats.merge " + statsText(a) + " " + statsText(b), Out: statsText(both)},
		{Form: "fixed.Stats.Mean", Call: "Fixed.Stats.mean " + statsText(few), Out: meanText(few)},
		{Form: "fixed.Stats.Mean", Call: "Fixed.Stats.mean " + statsText(many), Out: meanText(many)},
		{Form: "fixed.Int128.Add", Call: fmt.Sprintf("Fixed.wrap (%s + %s)", int128Text(x), intText(v)), Out: int128Text(x.Add(v))},
		{Form: "fixed.Int128.AddInt128", Call: fmt.Sprintf("Fixed.wrap (%s + %s)", int128Text(x), int128Text(y)), Out: int128Text(x.AddInt128(y))},
		{Form: "fixed.Int128.Bytes", Call: "Fixed.encode " + int128Text(x), Out: bytesText(encoded[:])},
		{Form: "fixed.FromBytes", Call: "Fixed.decode " + bytesText(raw[:]), Out: int128Text(fixed.FromBytes(raw))},
	}
}
