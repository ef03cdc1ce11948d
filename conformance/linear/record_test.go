package linear

import (
	"math/big"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

func recordSubjects(links []link) map[string]subject {
	const list = "the log's bytes"
	var file []byte
	var offsets []int64
	for i := range links {
		offsets = append(offsets, int64(len(file)))
		file = append(file, plainRecord(&links[i].c)...)
	}
	type place struct {
		file []byte
		at   int64
		want any // the class of the error, or nil
	}
	places := func() []place {
		var all []place
		for i := range links {
			all = append(all, place{file, offsets[i], nil})
		}
		all = append(all, place{file, int64(len(file)), "error"})
		bad := func(why string, change func(b []byte) []byte) {
			all = append(all, place{change(plainRecord(&links[1].c)), 0, why + " at 0"})
		}
		bad("torn-tail", func(b []byte) []byte { return b[:7] })
		bad("torn-tail", func(b []byte) []byte { return b[:len(b)-1] })
		bad("record-length", func(b []byte) []byte { b[1] ^= 1; return b })
		bad("record-length", func(b []byte) []byte { b[5] ^= 1; return b })
		bad("record-length", func(b []byte) []byte { copy(b, u32(100)); copy(b[4:], crcOf(u32(100))); return b })
		bad("record-crc", func(b []byte) []byte { b[50] ^= 1; return b })
		bad("record-crc", func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
		bad("bad-record", func(b []byte) []byte { b[8+121+3]++; return append(b[:len(b)-4], crcOf(b[:len(b)-4])...) })
		return all
	}
	numbers := func() []int { return []int{0, 1, 2, 3, 4, 5, 6, 7} }
	certificate := func(i int) *cert.Certificate {
		if i == 7 {
			return &cert.Certificate{Signatures: make([]cert.Signature, 1<<16)}
		}
		return &links[i].c
	}
	return map[string]subject{
		"cert.AppendRecord": pure(list, numbers,
			func(i int) any {
				b, err := cert.AppendRecord([]byte("before"), certificate(i))
				return results(b, class(err))
			},
			func(i int) any {
				if i == 7 {
					return results([]byte("before"), "error")
				}
				return results(append([]byte("before"), plainRecord(certificate(i))...), nil)
			}),
		"cert.NextRecord": pure(list, places,
			func(p place) any {
				c, next, err := cert.NextRecord(p.file, p.at)
				return results(c, next, class(err))
			},
			func(p place) any {
				if p.want != nil {
					return results((*cert.Certificate)(nil), p.at, p.want)
				}
				i := slices.Index(offsets, p.at)
				return results(&links[i].c, p.at+int64(len(plainRecord(&links[i].c))), nil)
			}),
	}
}

// rosters returns a good roster and bad ones.
func rosters(w *world) (good cert.Roster, bad []cert.Roster) {
	change := func(do func(r cert.Roster) cert.Roster) {
		r := w.roster()
		for i := range r {
			r[i].Nodes = slices.Clone(r[i].Nodes)
		}
		bad = append(bad, do(r))
	}
	change(func(r cert.Roster) cert.Roster { return r[:0] })
	change(func(r cert.Roster) cert.Roster { r[1].Name = ""; return r })
	change(func(r cert.Roster) cert.Roster { r[1].Name = "-a"; return r })
	change(func(r cert.Roster) cert.Roster { r[1].Name = "Paris"; return r })
	change(func(r cert.Roster) cert.Roster { r[1].Name = strings.Repeat("a", 65); return r })
	change(func(r cert.Roster) cert.Roster { r[1].Name = r[0].Name; return r })
	change(func(r cert.Roster) cert.Roster { r[1].Key = r[0].Key; return r })
	change(func(r cert.Roster) cert.Roster { r[1].Key = cert.PublicKey{1}; return r })
	change(func(r cert.Roster) cert.Roster { r[1].Nodes = []uint32{2}; return r })
	change(func(r cert.Roster) cert.Roster { r[1].Nodes = []uint32{0xFFFFFFFF}; return r })
	change(func(r cert.Roster) cert.Roster { r[0].Nodes = []uint32{5, 1}; return r })
	change(func(r cert.Roster) cert.Roster { r[0].Nodes = []uint32{5, 5}; return r })
	return w.roster(), bad
}

// publicKeys returns keys of members, and points that no member may have.
func publicKeys() []cert.PublicKey {
	var keys []cert.PublicKey
	for i := range 8 {
		keys = append(keys, publicOf(i))
	}
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	point := func(y *big.Int, sign byte) {
		b := y.FillBytes(make([]byte, 32))
		slices.Reverse(b)
		b[31] |= sign
		keys = append(keys, cert.PublicKey(b))
	}
	for i := range int64(9) {
		point(big.NewInt(i), 0)
		point(new(big.Int).Sub(p, big.NewInt(i)), 0x80)
	}
	point(new(big.Int).Add(p, big.NewInt(3)), 0)
	for _, eighth := range []string{"7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7", "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826"} {
		point(new(big.Int).SetBytes(unhex(eighth)), 0)
	}
	return keys
}

// plainlyAKey says by arithmetic whether k is a point that a member may have: its y
// is below p, some x of the curve -x^2 + y^2 = 1 + d x^2 y^2 has it, and the point
// times 8 is not the neutral one.
func plainlyAKey(k cert.PublicKey) any {
	le := slices.Clone(k[:])
	le[31] &= 0x7f
	slices.Reverse(le)
	y := new(big.Int).SetBytes(le)
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	mod := func(n *big.Int) *big.Int { return n.Mod(n, p) }
	mul := func(a, b *big.Int) *big.Int { return mod(new(big.Int).Mul(a, b)) }
	inverse := func(a *big.Int) *big.Int { return new(big.Int).Exp(a, new(big.Int).Sub(p, big.NewInt(2)), p) }
	one := big.NewInt(1)
	d := mul(mod(big.NewInt(-121665)), inverse(big.NewInt(121666)))
	if y.Cmp(p) >= 0 {
		return "error"
	}
	yy := mul(y, y)
	xx := mul(mod(new(big.Int).Sub(yy, one)), inverse(mod(new(big.Int).Add(mul(d, yy), one))))
	if new(big.Int).ModSqrt(xx, p) == nil {
		return "error"
	}
	// Doubling: x^2 and y^2 alone give y of the double, (y^2+x^2)/(1-d x^2 y^2), and
	// so three times; the neutral point is the one with y = 1.
	for range 3 {
		dxy := mul(d, mul(xx, yy))
		y = mul(mod(new(big.Int).Add(yy, xx)), inverse(mod(new(big.Int).Sub(one, dxy))))
		yy = mul(y, y)
		xx = mul(mod(new(big.Int).Sub(yy, one)), inverse(mod(new(big.Int).Add(mul(d, yy), one))))
	}
	if y.Cmp(one) == 0 {
		return "error"
	}
	return nil
}

func rosterSubjects(w *world) map[string]subject {
	const list = "the roster"
	good, bad := rosters(w)
	facts := damaged(plainRoster(good), slices.Clone(good), "bad roster")
	for _, r := range bad {
		facts = append(facts, fact[cert.Roster]{bytes: plainRoster(r), why: "bad roster"})
	}
	numbers := func() []int {
		all := []int{-1}
		for i := range bad {
			all = append(all, i)
		}
		return all
	}
	names := func() []string {
		return []string{"a", "9", "a.b_c-d", strings.Repeat("z", 64), "", strings.Repeat("z", 65), "A", ".a", "-", "_a", "a b", "é", "a/b", "aZ", "a{", "a`"}
	}
	nodes := func() []uint32 { return []uint32{0, 1, 2, 3, 5, 1 << 31, 0xFFFFFFFF} }
	first := func() []int { return []int{0, 1, 2, 3} }
	message := func(i int) cert.Hash { return cert.Hash{byte(i)} }
	return map[string]subject{
		"cert.Roster.Validate": pure(list, numbers,
			func(i int) any {
				if i < 0 {
					return class(good.Validate())
				}
				return class(bad[i].Validate())
			},
			func(i int) any {
				if i < 0 {
					return nil
				}
				return "bad roster"
			}),
		"cert.ParseRoster": known(list, facts, cert.ParseRoster),
		"cert.CheckName": pure(list, names, func(s string) any { return class(cert.CheckName(s)) },
			func(s string) any {
				fine := strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == "" && s != "" && len(s) <= 64 && !strings.ContainsAny(s[:1], "._-")
				if fine {
					return nil
				}
				return "error"
			}),
		"cert.CheckKey":      pure("the list of keys", publicKeys, func(k cert.PublicKey) any { return class(cert.CheckKey(k)) }, plainlyAKey),
		"cert.Roster.Append": pure(list, first, func(i int) any { return good[:i].Append([]byte("x")) }, func(i int) any { return append([]byte("x"), plainRoster(good[:i])...) }),
		"cert.Roster.Hash":   pure(list, first, func(i int) any { return good[:i].Hash() }, func(i int) any { return hashOf("omega/roster/v1", plainRoster(good[:i])) }),
		"cert.Roster.Writer": pure(list, nodes,
			func(n uint32) any {
				i, ok := good.Writer(n)
				return results(i, ok)
			},
			func(n uint32) any {
				for i, m := range good {
					for _, node := range m.Nodes {
						if node == n {
							return results(i, true)
						}
					}
				}
				return results(0, false)
			}),
		"cert.Roster.Find": pure(list, first,
			func(i int) any {
				at, ok := good.Find(publicOf(i))
				return results(at, ok)
			},
			func(i int) any {
				if i == 3 {
					return results(-1, false)
				}
				return results(i, true)
			}),
		"cert.Roster.Joiners": pure(list, func() [][2]int { return pairs(4) },
			func(p [2]int) any { return []cert.Member(good[:p[0]].Joiners(good[:p[1]])) },
			func(p [2]int) any {
				if p[0] >= p[1] {
					return []cert.Member(nil)
				}
				return []cert.Member(good[p[0]:p[1]])
			}),
		"cert.Roster.Verify": pure(list, func() [][2]int { return pairs(3) },
			func(p [2]int) any {
				chain, hash := message(7), message(8)
				sig := signed(p[0], slices.Concat([]byte("omega/vote/v1\x00"), chain[:], hash[:]))
				return results(good.Verify(p[1], chain, hash, sig), good.Verify(p[1], hash, chain, sig))
			},
			func(p [2]int) any { return results(p[0] == p[1], false) }),
	}
}
