package cert_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"slices"
	"testing"

	"filippo.io/edwards25519"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// plainRoster writes the layout of RST-1 field by field.
func plainRoster(r cert.Roster) []byte {
	b := pack(uint16(len(r)))
	for _, m := range r {
		b = append(b, pack(uint8(len(m.Name)), m.Name, m.Key, uint16(len(m.Nodes)), m.Nodes)...)
	}
	return b
}

func TestRostersFollowTheLayoutAndComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRoster(t)
		b := r.Append([]byte("before"))[len("before"):]
		require.Equal(t, plainRoster(r), b)
		got, err := cert.ParseRoster(b)
		require.NoError(t, err)
		require.Equal(t, r, got)
		require.Equal(t, cert.Hash(sha256.Sum256(append([]byte("omega/roster/v1\x00"), b...))), r.Hash())
	})
}

func TestCutRostersAndLeftOverBytesAreRefused(t *testing.T) {
	b := rosterOf(1, 2).Append(nil)
	for n := range b {
		r, err := cert.ParseRoster(b[:n])
		require.ErrorIs(t, err, cert.ErrRoster, n)
		require.Nil(t, r)
	}
	_, err := cert.ParseRoster(append(b, 0))
	require.ErrorIs(t, err, cert.ErrRoster)
}

// The encodings of the points whose order divides 8, other spellings included.
var smallOrder = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
}

// plainKey decides RST-3 by the arithmetic of the curve.
func plainKey(k cert.PublicKey) bool {
	p, err := new(edwards25519.Point).SetBytes(k[:])
	if err != nil || !bytes.Equal(p.Bytes(), k[:]) {
		return false
	}
	return new(edwards25519.Point).MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) == 0
}

// yKey encodes the point with the coordinate y, below 2^255, and the sign of x.
func yKey(y *big.Int, sign byte) cert.PublicKey {
	var k cert.PublicKey
	y.FillBytes(k[:])
	slices.Reverse(k[:])
	k[31] |= sign << 7
	return k
}

func TestKeysAreTakenExactlyWhereTheCurveSaysSo(t *testing.T) {
	check := func(t require.TestingT, k cert.PublicKey) {
		err := cert.CheckKey(k)
		require.Equal(t, plainKey(k), err == nil, "%x: %v", k, err)
	}
	for _, s := range smallOrder {
		b, err := hex.DecodeString(s)
		require.NoError(t, err)
		require.Error(t, cert.CheckKey(cert.PublicKey(b)), s)
		check(t, cert.PublicKey(b))
	}
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	for i := range int64(19) { // y and y+p have both 255 bits: the second is not canonical
		for sign := range byte(2) {
			check(t, yKey(big.NewInt(i), sign))
			check(t, yKey(new(big.Int).Sub(p, big.NewInt(i+1)), sign))
			notCanonical := yKey(new(big.Int).Add(p, big.NewInt(i)), sign)
			require.ErrorContains(t, cert.CheckKey(notCanonical), "not canonical")
			check(t, notCanonical)
		}
	}
	rapid.Check(t, func(t *rapid.T) { check(t, cert.PublicKey(drawBytes(t, cert.KeySize, "key"))) })
}

func TestKeysThatSignAreTaken(t *testing.T) {
	for i := range 50 {
		require.NoError(t, cert.CheckKey(cert.PublicKey(secretOf(i).Public().(ed25519.PublicKey))))
	}
}

func TestRostersThatBreakARuleAreRefused(t *testing.T) {
	edit := func(f func(r cert.Roster)) cert.Roster {
		r := rosterOf(1, 2)
		f(r)
		return r
	}
	for want, r := range map[string]cert.Roster{
		"no member":           {},
		"stands twice":        edit(func(r cert.Roster) { r[1].Name = r[0].Name }),
		"has the key of":      edit(func(r cert.Roster) { r[1].Key = r[0].Key }),
		"and so does":         edit(func(r cert.Roster) { r[1].Nodes = r[0].Nodes }),
		"small order":         edit(func(r cert.Roster) { r[0].Key = cert.PublicKey{1} }),
		"not canonical":       edit(func(r cert.Roster) { r[0].Key = cert.PublicKey(bytes.Repeat([]byte{0xff}, 32)) }),
		"not a point":         edit(func(r cert.Roster) { r[0].Key = cert.PublicKey{2} }),
		"stands for mixed":    edit(func(r cert.Roster) { r[0].Nodes = []uint32{0xffffffff} }),
		"10, then 10":         edit(func(r cert.Roster) { r[0].Nodes = []uint32{10, 10} }),
		"11, then 10":         edit(func(r cert.Roster) { r[0].Nodes = []uint32{11, 10} }),
		"65536 nodes":         edit(func(r cert.Roster) { r[0].Nodes = make([]uint32, 1<<16) }),
		"got 0":               edit(func(r cert.Roster) { r[0].Name = "" }),
		"got 65":              edit(func(r cert.Roster) { r[0].Name = longName + "n" }),
		"65536 members":       make(cert.Roster, 1<<16),
		`has '.' at 0`:        edit(func(r cert.Roster) { r[0].Name = ".hidden" }),
		`has '-' at 0`:        edit(func(r cert.Roster) { r[0].Name = "-flag" }),
		`has '/' at 1`:        edit(func(r cert.Roster) { r[0].Name = "a/b" }),
		`has 'A' at 1`:        edit(func(r cert.Roster) { r[0].Name = "aA" }),
		`has ' ' at 1`:        edit(func(r cert.Roster) { r[0].Name = "a b" }),
		`has 'Ã' at 1`:        edit(func(r cert.Roster) { r[0].Name = "aé" }),
		`has '\x00' at 1`:     edit(func(r cert.Roster) { r[0].Name = "a\x00" }),
		`member 1: "m2": the`: edit(func(r cert.Roster) { r[1].Key = cert.PublicKey{} }),
	} {
		err := r.Validate()
		require.ErrorIs(t, err, cert.ErrRoster, want)
		require.ErrorContains(t, err, want)
		if len(r) < 1<<16 && len(r) > 0 && len(r[0].Nodes) < 1<<16 && len(r[0].Name) <= cert.MaxNameLen {
			_, err = cert.ParseRoster(r.Append(nil))
			require.ErrorIs(t, err, cert.ErrRoster, want)
		}
	}
	require.NoError(t, edit(func(r cert.Roster) { r[0].Name = longName }).Validate())
	require.NoError(t, edit(func(r cert.Roster) { r[0].Name = "0.a_b-c" }).Validate())
	require.NoError(t, edit(func(r cert.Roster) { r[0].Nodes = []uint32{0, 0xfffffffe} }).Validate())
}

func TestMembersAreFoundByNodeAndKey(t *testing.T) {
	r := rosterOf(3, 1, 2)
	for node, want := range map[uint32]int{30: 0, 31: 0, 10: 1, 21: 2} {
		i, ok := r.Writer(node)
		require.True(t, ok)
		require.Equal(t, want, i)
	}
	_, ok := r.Writer(32)
	require.False(t, ok)
	i, ok := r.Find(r[2].Key)
	require.True(t, ok)
	require.Equal(t, 2, i)
	_, ok = r.Find(cert.PublicKey{})
	require.False(t, ok)
}

func FuzzParseRoster(f *testing.F) {
	f.Add(rosterOf(1).Append(nil))
	f.Add(rosterOf(1, 2, 3).Append(nil))
	f.Add([]byte{0, 0})
	f.Add([]byte{0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := cert.ParseRoster(b)
		if err != nil {
			require.ErrorIs(t, err, cert.ErrRoster)
			require.Nil(t, r)
			return
		}
		require.Equal(t, b, plainRoster(r))
		require.NoError(t, r.Validate())
	})
}
