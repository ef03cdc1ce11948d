package cert_test

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// lastResort returns a genesis of the members given that succeeds a chain of the
// members 1, 2 and 3, of whom 1 and 3 remain.
func lastResort(roster cert.Roster) *cert.GenesisBody {
	g := &cert.GenesisBody{Random: [32]byte{9}, Roster: roster, Successor: &cert.Successor{Chain: cert.Hash{1}, Head: cert.Hash{2}, Length: 7}}
	g.Successor.Remaining = remaining(g, 0, 1, 2, 3)
	return g
}

// remaining signs for pairs of an index in the old roster and a member's number.
func remaining(g *cert.GenesisBody, pairs ...int) (all []cert.Remaining) {
	for i := 0; i < len(pairs); i += 2 {
		sig := cert.Signature(ed25519.Sign(secretOf(pairs[i+1]), g.LastResortMessage()))
		all = append(all, cert.Remaining{Member: uint16(pairs[i]), Signature: sig})
	}
	return all
}

func TestAGenesisThatSucceedsFollowsTheLayoutAndComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &cert.GenesisBody{Random: [32]byte(drawBytes(t, 32, "random")), Roster: drawRoster(t)}
		s := &cert.Successor{
			Chain: cert.Hash(drawBytes(t, 32, "chain")), Head: cert.Hash(drawBytes(t, 32, "head")),
			Length: rapid.Uint64Min(1).Draw(t, "length"),
		}
		g.Successor = s
		want := pack(g.Random, plainRoster(g.Roster), s.Chain, s.Head, s.Length)
		hash := g.Roster.Hash()
		require.Equal(t, pack("omega/last-resort/v1\x00", s.Chain, s.Head, s.Length, hash, g.Random), g.LastResortMessage())
		members := rapid.SliceOfNDistinct(rapid.Uint16(), 1, 5, rapid.ID).Draw(t, "members")
		slices.Sort(members)
		want = append(want, pack(uint16(len(members)))...)
		for _, m := range members {
			r := cert.Remaining{Member: m, Signature: cert.Signature(drawBytes(t, 64, "signature"))}
			s.Remaining = append(s.Remaining, r)
			want = append(want, pack(m, r.Signature)...)
		}
		b := g.Append([]byte("before"))[len("before"):]
		require.Equal(t, want, b)
		got, err := cert.ParseGenesisBody(b)
		require.NoError(t, err)
		require.Equal(t, g, got)
	})
}

func TestEveryPartOfASuccessorIsNeeded(t *testing.T) {
	plain := &cert.GenesisBody{Random: [32]byte{9}, Roster: rosterOf(3, 4)}
	from, b := len(plain.Append(nil)), lastResort(rosterOf(3, 4)).Append(nil)
	for n := range b {
		g, err := cert.ParseGenesisBody(b[:n])
		if n == from {
			require.NoError(t, err)
			require.Nil(t, g.Successor)
			continue
		}
		require.ErrorIs(t, err, cert.ErrBody, "cut to %d bytes", n)
		require.Nil(t, g)
	}
	_, err := cert.ParseGenesisBody(append(bytes.Clone(b), 0))
	require.ErrorIs(t, err, cert.ErrBody)
	for name, change := range map[string]func(s *cert.Successor){
		"of no certificate": func(s *cert.Successor) { s.Length = 0 },
		"by nobody":         func(s *cert.Successor) { s.Remaining = nil },
		"one twice":         func(s *cert.Successor) { s.Remaining[1] = s.Remaining[0] },
		"in another order":  func(s *cert.Successor) { slices.Reverse(s.Remaining) },
	} {
		g := lastResort(rosterOf(3, 4))
		change(g.Successor)
		_, err := cert.ParseGenesisBody(g.Append(nil))
		require.ErrorIs(t, err, cert.ErrBody, name)
	}
}

func TestThoseWhoRemainAreCheckedByTheirOldKeys(t *testing.T) {
	old := rosterOf(1, 2, 3)
	require.NoError(t, lastResort(rosterOf(3, 4)).CheckSuccessor(old))
	for name, x := range map[string]struct {
		change func(g *cert.GenesisBody)
		want   string
	}{
		"nobody is lost":       {func(g *cert.GenesisBody) { g.Successor.Remaining = remaining(g, 0, 1, 1, 2, 2, 3) }, "nobody is lost"},
		"who was never there":  {func(g *cert.GenesisBody) { g.Successor.Remaining = remaining(g, 0, 1, 3, 3) }, "the old roster has 3"},
		"the one who is lost":  {func(g *cert.GenesisBody) { g.Successor.Remaining = remaining(g, 0, 1, 1, 3) }, `by "m2"`},
		"a new key":            {func(g *cert.GenesisBody) { g.Successor.Remaining = remaining(g, 0, 1, 2, 4) }, `by "m3"`},
		"another chain":        {func(g *cert.GenesisBody) { g.Successor.Chain[0]++ }, `by "m1"`},
		"another head":         {func(g *cert.GenesisBody) { g.Successor.Head[0]++ }, `by "m1"`},
		"another length":       {func(g *cert.GenesisBody) { g.Successor.Length++ }, `by "m1"`},
		"another roster":       {func(g *cert.GenesisBody) { g.Roster = rosterOf(3, 5) }, `by "m1"`},
		"another ceremony":     {func(g *cert.GenesisBody) { g.Random[31]++ }, `by "m1"`},
		"the last one, forged": {func(g *cert.GenesisBody) { g.Successor.Remaining[1].Signature[9]++ }, `by "m3"`},
	} {
		g := lastResort(rosterOf(3, 4))
		x.change(g)
		err := g.CheckSuccessor(old)
		require.ErrorIs(t, err, cert.ErrBody, name)
		require.ErrorContains(t, err, x.want, name)
	}
}

func TestThoseWhoJoinAreTheNewKeysInTheNewOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old, next := drawRoster(t), drawRoster(t)
		var want cert.Roster
		for _, m := range next {
			if !slices.ContainsFunc(old, func(o cert.Member) bool { return o.Key == m.Key }) {
				want = append(want, m)
			}
		}
		require.Equal(t, want, old.Joiners(next))
	})
}
