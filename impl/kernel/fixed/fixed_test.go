package fixed

import (
	"encoding/hex"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func toBig(a Int128) *big.Int {
	b := new(big.Int).Lsh(big.NewInt(a.Hi), 64)
	return b.Add(b, new(big.Int).SetUint64(a.Lo))
}

// wrap brings b into the range of an i128, as two's complement does.
func wrap(b *big.Int) *big.Int {
	whole := new(big.Int).Lsh(big.NewInt(1), 128)
	half := new(big.Int).Lsh(big.NewInt(1), 127)
	r := new(big.Int).Mod(new(big.Int).Add(b, half), whole)
	return r.Sub(r, half)
}

// plainString writes b thousandths with three decimals.
func plainString(b *big.Int) string {
	digits := new(big.Int).Abs(b).String()
	if len(digits) < 4 {
		digits = strings.Repeat("0", 4-len(digits)) + digits
	}
	sign := ""
	if b.Sign() < 0 {
		sign = "-"
	}
	return sign + digits[:len(digits)-3] + "." + digits[len(digits)-3:]
}

// edges are the numbers where carries, borrows and signs turn.
var edges = []uint64{0, 1, 2, 9, 10, 999, 1000, 1 << 31, 1<<63 - 1, 1 << 63, math.MaxUint64 - 1, math.MaxUint64}

func anyInt128() *rapid.Generator[Int128] {
	half := rapid.OneOf(rapid.SampledFrom(edges), rapid.Uint64())
	return rapid.Custom(func(t *rapid.T) Int128 {
		return Int128{Hi: int64(half.Draw(t, "hi")), Lo: half.Draw(t, "lo")}
	})
}

func anyValue() *rapid.Generator[int32] {
	return rapid.OneOf(rapid.SampledFrom([]int32{math.MinInt32, -1, 0, 1, math.MaxInt32}), rapid.Int32())
}

func TestAdditionIsThatOfTheIntegersModulo2To128(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyInt128().Draw(t, "a"), anyInt128().Draw(t, "b")
		v := int64(rapid.OneOf(rapid.SampledFrom(edges), rapid.Uint64()).Draw(t, "v"))
		require.Zero(t, wrap(new(big.Int).Add(toBig(a), toBig(b))).Cmp(toBig(a.AddInt128(b))))
		require.Zero(t, wrap(new(big.Int).Add(toBig(a), big.NewInt(v))).Cmp(toBig(a.Add(v))))
	})
}

func TestBytesAndStringShowEveryNumberInFull(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := anyInt128().Draw(t, "a")
		b := a.Bytes()
		require.Equal(t, a, FromBytes(b))
		plain := new(big.Int).SetBytes(b[:]) // unsigned
		require.Zero(t, wrap(plain).Cmp(toBig(a)))
		require.Equal(t, plainString(toBig(a)), a.String())
	})
}

func TestFormatWritesThousandths(t *testing.T) {
	for v, want := range map[int32]string{
		0: "0.000", 1: "0.001", -1: "-0.001", -500: "-0.500", 999: "0.999", 1000: "1.000", 12345: "12.345",
		math.MaxInt32: "2147483.647", math.MinInt32: "-2147483.648",
	} {
		require.Equal(t, want, Format(v))
	}
	require.Equal(t, "-170141183460469231731687303715884105.728", Int128{Hi: math.MinInt64}.String())
	require.Equal(t, "170141183460469231731687303715884105.727", Int128{Hi: math.MaxInt64, Lo: math.MaxUint64}.String())
}

func TestBytesAreThoseOfTheManual(t *testing.T) {
	for v, want := range map[int32]string{
		12345: "00000000000000000000000000003039",
		-500:  "fffffffffffffffffffffffffffffe0c",
	} {
		b := Int128{}.Add(int64(v)).Bytes()
		require.Equal(t, want, hex.EncodeToString(b[:]))
	}
}

// plainStats computes the figures of values with big rationals.
func plainStats(values []int32) (s Stats, mean int32) {
	sum := new(big.Int)
	for i, v := range values {
		if i == 0 || v < s.Min {
			s.Min = v
		}
		if i == 0 || v > s.Max {
			s.Max = v
		}
		sum.Add(sum, big.NewInt(int64(v)))
	}
	s.Count = uint64(len(values))
	b := make([]byte, 16)
	new(big.Int).And(sum, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1))).FillBytes(b)
	s.Sum = FromBytes([16]byte(b))
	if len(values) > 0 {
		mean = plainMean(sum, s.Count)
	}
	return s, mean
}

// plainMean rounds by the definition: of the two integers beside the quotient
// the nearer one, and of two as near the even one.
func plainMean(sum *big.Int, count uint64) int32 {
	quotient := new(big.Rat).SetFrac(sum, new(big.Int).SetUint64(count))
	floor := new(big.Int).Div(quotient.Num(), quotient.Denom()) // Euclidean; the denominator is positive
	above := new(big.Int).Add(floor, big.NewInt(1))
	down := new(big.Rat).Sub(quotient, new(big.Rat).SetInt(floor))
	up := new(big.Rat).Sub(new(big.Rat).SetInt(above), quotient)
	nearer := down.Cmp(up)
	if nearer < 0 || nearer == 0 && floor.Bit(0) == 0 {
		return int32(floor.Int64())
	}
	return int32(above.Int64())
}

func TestStatsAreThoseOfTheDefinitionHoweverTheValuesAreSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(anyValue(), 0, 40).Draw(t, "values")
		want, wantMean := plainStats(values)
		var parts [3]Stats
		for _, v := range values {
			parts[rapid.IntRange(0, 2).Draw(t, "part")].Add(v)
		}
		var got Stats
		for _, p := range parts {
			got.Merge(p)
		}
		require.Equal(t, want, got)
		mean, ok := got.Mean()
		require.Equal(t, len(values) > 0, ok)
		require.Equal(t, wantMean, mean)
		if ok {
			require.True(t, got.Min <= mean && mean <= got.Max)
		}
	})
}

func TestMeanIsRoundedOnceHalfToEven(t *testing.T) {
	for _, c := range []struct {
		values []int32
		want   int32
	}{
		{[]int32{1, 2}, 2}, {[]int32{2, 3}, 2}, {[]int32{-1, -2}, -2}, {[]int32{-2, -3}, -2},
		{[]int32{0, 1}, 0}, {[]int32{0, -1}, 0}, {[]int32{1, 1, 2}, 1}, {[]int32{1, 2, 2}, 2},
		{[]int32{math.MinInt32, math.MinInt32}, math.MinInt32}, {[]int32{math.MaxInt32, math.MaxInt32 - 1}, math.MaxInt32 - 1},
		{[]int32{math.MinInt32, math.MaxInt32}, 0},
	} {
		var s Stats
		for _, v := range c.values {
			s.Add(v)
		}
		got, ok := s.Mean()
		require.True(t, ok)
		require.Equal(t, c.want, got, "%v", c.values)
	}
}

// Counts of any size, up to 2^64-1, that no test could add one by one.
func TestMeanOfLargeCountsIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.OneOf(rapid.Uint64Min(1), rapid.Uint64Range(math.MaxUint64-3, math.MaxUint64)).Draw(t, "count")
		mean := int64(anyValue().Draw(t, "near"))
		sum := new(big.Int).Mul(big.NewInt(mean), new(big.Int).SetUint64(count))
		move := rapid.SampledFrom([]uint64{0, 1, count/2 - 1, count / 2, count/2 + 1}).Draw(t, "move") % count
		if mean > 0 {
			sum.Sub(sum, new(big.Int).SetUint64(move))
		} else {
			sum.Add(sum, new(big.Int).SetUint64(move))
		}
		b := make([]byte, 16)
		new(big.Int).Mod(sum, new(big.Int).Lsh(big.NewInt(1), 128)).FillBytes(b)
		s := Stats{Count: count, Sum: FromBytes([16]byte(b))}
		got, ok := s.Mean()
		require.True(t, ok)
		require.Equal(t, plainMean(sum, count), got)
	})
}

func TestWhatNoValuesGiveHasNoMean(t *testing.T) {
	for name, s := range map[string]Stats{
		"no values":        {},
		"no count":         {Sum: Int128{Lo: 1}},
		"sum past u64":     {Count: 1, Sum: Int128{Hi: 1}},
		"sum just too big": {Count: 1, Sum: Int128{Lo: math.MaxInt32 + 1}},
		"sum just too low": {Count: 1, Sum: Int128{}.Add(math.MinInt32 - 1)},
		"least sum":        {Count: math.MaxUint64, Sum: Int128{Hi: math.MinInt64}},
	} {
		mean, ok := s.Mean()
		require.False(t, ok, name)
		require.Zero(t, mean, name)
	}
	s := Stats{Count: 1, Sum: Int128{}.Add(math.MinInt32)}
	mean, ok := s.Mean()
	require.True(t, ok)
	require.Equal(t, int32(math.MinInt32), mean)
}

func BenchmarkStatsAdd(b *testing.B) {
	values := make([]int32, 1<<16)
	for i := range values {
		values[i] = int32(rand.Uint32())
	}
	var s Stats
	for i := 0; b.Loop(); i++ {
		s.Add(values[i%len(values)])
	}
}
