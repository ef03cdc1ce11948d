package fixed

import (
	"math"
	"math/bits"
)

// Stats are the figures of a set of values (FIX-5). The zero Stats are those of
// no values. Order does not matter: the same values give the same Stats, however
// they are split, added and merged.
type Stats struct {
	Count    uint64
	Sum      Int128 // exact, in thousandths
	Min, Max int32  // in thousandths; both 0 while Count is 0
}

// Add takes one value, in thousandths, into s (FIX-5).
func (s *Stats) Add(v int32) {
	if s.Count == 0 {
		s.Min, s.Max = v, v
	}
	s.Count++
	s.Sum = s.Sum.Add(int64(v))
	s.Min, s.Max = min(s.Min, v), max(s.Max, v)
}

// Merge takes all values of o into s (FIX-5).
func (s *Stats) Merge(o Stats) {
	switch {
	case o.Count == 0:
		return
	case s.Count == 0:
		*s = o
		return
	}
	s.Count += o.Count
	s.Sum = s.Sum.AddInt128(o.Sum)
	s.Min, s.Max = min(s.Min, o.Min), max(s.Max, o.Max)
}

// Mean returns Sum / Count in thousandths, rounded once, half to even (FIX-6).
// It returns 0 and false where there is no mean: Count is 0, or Sum is further
// from 0 than Count values can reach, which Add and Merge never produce.
func (s *Stats) Mean() (int32, bool) {
	hi, lo := s.Sum.magnitude()
	if hi >= s.Count {
		return 0, false
	}
	quotient, remainder := bits.Div64(hi, lo, s.Count)
	// Twice the remainder may need 65 bits; what is left to a whole does not.
	switch rest := s.Count - remainder; {
	case remainder > rest, remainder == rest && quotient%2 == 1:
		quotient++
	}
	if s.Sum.Hi < 0 {
		if quotient > -math.MinInt32 {
			return 0, false
		}
		return int32(-int64(quotient)), true
	}
	if quotient > math.MaxInt32 {
		return 0, false
	}
	return int32(quotient), true
}
