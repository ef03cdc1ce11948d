package main

import (
	"encoding/binary"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/fixed"
)

// writeNumbers prints fixed-point figures (FIX-2 to FIX-6).
func writeNumbers(p *printer) {
	for _, v := range extremes {
		p.text(fmt.Sprintf("fixed/format/%d", v), fixed.Format(v))
	}
	g := &generator{state: 1}
	sum := fixed.Int128{}
	for i := range 32 {
		sum = sum.AddInt128(fixed.Int128{Hi: int64(g.next()), Lo: g.next()}).Add(int64(g.next()))
		b := sum.Bytes()
		p.hex(fmt.Sprintf("fixed/sum/%02d", i), b[:])
		p.text(fmt.Sprintf("fixed/sum/%02d/text", i), fixed.FromBytes(b).String())
	}
	for n := range 24 {
		var all, part fixed.Stats
		for i := range n {
			part.Add(g.value())
			if i%5 == 4 {
				all.Merge(part)
				part = fixed.Stats{}
			}
		}
		all.Merge(part)
		p.hex(fmt.Sprintf("fixed/stats/%02d", n), appendStats(nil, &all))
	}
}

// appendStats appends count, sum, min, max and mean, the mean's absence as 00.
func appendStats(b []byte, s *fixed.Stats) []byte {
	sum := s.Sum.Bytes()
	b = append(binary.BigEndian.AppendUint64(b, s.Count), sum[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(s.Min))
	b = binary.BigEndian.AppendUint32(b, uint32(s.Max))
	mean, ok := s.Mean()
	if !ok {
		return append(b, 0)
	}
	return binary.BigEndian.AppendUint32(append(b, 1), uint32(mean))
}
