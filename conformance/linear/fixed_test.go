package linear

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/omega-sheaf-os/omega/impl/kernel/fixed"
)

// exactly returns a as a number of any size.
func exactly(a fixed.Int128) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(a.Hi), 64)
	return n.Add(n, new(big.Int).SetUint64(a.Lo))
}

// modulo returns n as 128 bits of two's complement.
func modulo(n *big.Int) [16]byte {
	n = new(big.Int).Mod(n, new(big.Int).Lsh(big.NewInt(1), 128))
	return [16]byte(n.FillBytes(make([]byte, 16)))
}

// numbers of every sign and size.
func numbers() []fixed.Int128 {
	return []fixed.Int128{
		{}, {Lo: 1}, {Lo: math.MaxUint64}, {Hi: -1, Lo: math.MaxUint64}, {Hi: 1}, {Hi: math.MaxInt64, Lo: math.MaxUint64},
		{Hi: math.MinInt64}, {Hi: -1}, {Hi: 3, Lo: 1 << 63}, {Hi: -7, Lo: 12345},
	}
}

// tally is what the plain version knows of values: all of them.
type tally []int32

// figures are what is asked of a tally.
func (t tally) figures() any {
	if len(t) == 0 {
		return fixed.Stats{}
	}
	sum := new(big.Int)
	for _, v := range t {
		sum.Add(sum, big.NewInt(int64(v)))
	}
	return fixed.Stats{Count: uint64(len(t)), Sum: fixed.FromBytes(modulo(sum)), Min: slices.Min(t), Max: slices.Max(t)}
}

// mean is the quotient, to the nearest, a half to the even one.
func (t tally) mean() any {
	if len(t) == 0 {
		return results(int32(0), false)
	}
	sum := int64(0)
	for _, v := range t {
		sum += int64(v)
	}
	return results(roundHalfEven(sum, int64(len(t))), true)
}

func roundHalfEven(sum, n int64) int32 {
	down := sum / n
	if sum%n < 0 {
		down--
	}
	rest := 2 * (sum - down*n)
	if rest > n || rest == n && down%2 != 0 {
		down++
	}
	return int32(down)
}

// statsCall is a call on the shared figures.
type statsCall struct {
	op     string // "add", "merge", "mean" or "read"
	values string // of the values added or merged: fmt.Sprint
}

// statsSubject has clients share one Stats as a register: who changes it takes it
// and puts it back under a lock, who asks for its mean works on a copy.
func statsSubject(op string) subject {
	pool := []tally{{}, {5}, {-3, 4}, {math.MaxInt32, math.MaxInt32}, {math.MinInt32}, {0}}
	byText := map[string]tally{}
	for _, values := range pool {
		byText[fmt.Sprint(values)] = values
	}
	s := subject{object: "a register of figures", rounds: 2, calls: 10}
	s.model = porcupine.Model{
		Init:  func() any { return tally(nil) },
		Equal: func(a, b any) bool { return slices.Equal(a.(tally), b.(tally)) },
		Step: func(state, in, out any) (bool, any) {
			all, c := state.(tally), in.(statsCall)
			switch c.op {
			case "mean":
				return reflect.DeepEqual(out, all.mean()), all
			case "read":
				return reflect.DeepEqual(out, all.figures()), all
			}
			next := append(slices.Clone(all), byText[c.values]...)
			slices.Sort(next) // the order of values makes no other state
			return reflect.DeepEqual(out, next.figures()), next
		},
	}
	s.illegal = map[string][]porcupine.Operation{
		"a value that was lost": Calls(statsCall{"add", "[5]"}, tally{5}.figures(), statsCall{"read", ""}, tally{}.figures()),
		"a half away from even": Calls(statsCall{"merge", "[-3 4]"}, tally{-3, 4}.figures(), statsCall{"mean", ""}, results(int32(1), true)),
	}
	s.start = func(*testing.T, uint64) session {
		var mu sync.Mutex
		var shared fixed.Stats
		change := func(do func(s *fixed.Stats)) any {
			mu.Lock()
			defer mu.Unlock()
			do(&shared)
			return shared
		}
		look := func() fixed.Stats {
			mu.Lock()
			defer mu.Unlock()
			return shared
		}
		return session{draw: func(_ int, r *rand.Rand) (any, func() any) {
			values := pool[r.IntN(len(pool))]
			switch c := (statsCall{op, fmt.Sprint(values)}); {
			case r.IntN(4) == 0:
				return statsCall{op: "read"}, func() any { return look() }
			case op == "mean" && r.IntN(2) == 0:
				return statsCall{op: "mean"}, func() any {
					mine := look()
					mean, ok := mine.Mean()
					return results(mean, ok)
				}
			case op == "add" || op == "mean" && len(values) == 1:
				c.op, c.values = "add", fmt.Sprint(values[:min(1, len(values))])
				if len(values) == 0 {
					c.values = "[0]"
				}
				return c, func() any { return change(func(s *fixed.Stats) { s.Add(append(values, 0)[0]) }) }
			default:
				c.op = "merge"
				return c, func() any {
					var other fixed.Stats
					for _, v := range values {
						other.Add(v)
					}
					return change(func(s *fixed.Stats) { s.Merge(other) })
				}
			}
		}}
	}
	for _, values := range pool {
		if len(values) > 0 {
			byText[fmt.Sprint(values[:1])] = values[:1]
		}
	}
	return s
}

func fixedSubjects(*world) map[string]subject {
	const list = "the list of numbers"
	sums := func() [][2]fixed.Int128 {
		var all [][2]fixed.Int128
		for _, a := range numbers() {
			for _, b := range numbers() {
				all = append(all, [2]fixed.Int128{a, b})
			}
		}
		return all
	}
	return map[string]subject{
		"fixed.Int128.Add": pure(list, sums,
			func(p [2]fixed.Int128) any { return p[0].Add(int64(p[1].Lo)).Bytes() },
			func(p [2]fixed.Int128) any {
				return modulo(new(big.Int).Add(exactly(p[0]), big.NewInt(int64(p[1].Lo))))
			}),
		"fixed.Int128.AddInt128": pure(list, sums,
			func(p [2]fixed.Int128) any { return p[0].AddInt128(p[1]).Bytes() },
			func(p [2]fixed.Int128) any { return modulo(new(big.Int).Add(exactly(p[0]), exactly(p[1]))) }),
		"fixed.Int128.Bytes": pure(list, numbers,
			func(a fixed.Int128) any { return a.Bytes() }, func(a fixed.Int128) any { return modulo(exactly(a)) }),
		"fixed.FromBytes": pure(list, numbers,
			func(a fixed.Int128) any { return fixed.FromBytes(modulo(exactly(a))) }, func(a fixed.Int128) any { return a }),
		"fixed.Format": pure(list, func() []int32 { return []int32{0, 1, -1, 999, -1000, 12345, -500, math.MaxInt32, math.MinInt32} },
			func(v int32) any { return fixed.Format(v) },
			func(v int32) any {
				sign, n := "", int64(v)
				if n < 0 {
					sign, n = "-", -n
				}
				return fmt.Sprintf("%s%d.%03d", sign, n/1000, n%1000)
			}),
		"fixed.Stats.Add":   statsSubject("add"),
		"fixed.Stats.Merge": statsSubject("merge"),
		"fixed.Stats.Mean":  statsSubject("mean"),
	}
}
