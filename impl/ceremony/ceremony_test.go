package ceremony

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/audit"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// folder makes a data folder of the certificates.
func folder(t testing.TB, certificates ...*cert.Certificate) string {
	dir := t.TempDir()
	log, err := certlog.Create(dir)
	require.NoError(t, err)
	for _, c := range certificates {
		require.NoError(t, log.Append(c))
	}
	require.NoError(t, log.Close())
	return dir
}

func TestAChainIsFoundedByFilesAlone(t *testing.T) {
	for n := 1; n <= 5; n++ {
		all := parties(t, n)
		c := found(t, all)
		chain := begin(t, c)
		require.Len(t, chain.Roster, n)
		report, err := audit.Folder(folder(t, c), audit.Options{Genesis: &chain.Name})
		require.NoError(t, err)
		require.Truef(t, report.OK, "%v", report.FirstError)
		require.NotEqual(t, chain.Name, begin(t, found(t, all)).Name, "another ceremony is another chain")
	}
}

func TestPeopleCompareFingerprintsAndTheName(t *testing.T) {
	all := parties(t, 2)
	g, err := Gather([]*Member{all[0].own, all[1].own})
	require.NoError(t, err)
	require.Equal(t, []string{"m0 " + identity.Fingerprint(all[0].key.Public()), "m1 " + identity.Fingerprint(all[1].key.Public())}, Fingerprints(g.Roster))
	name, err := g.Name()
	require.NoError(t, err)
	require.Equal(t, name, begin(t, signed(t, g, all)).Name)
	for _, change := range []func(g *Genesis){
		func(g *Genesis) { g.Random[0]++ },
		func(g *Genesis) { g.Roster[1].Key = identity.Generate().Public() },
		func(g *Genesis) { g.Roster[0], g.Roster[1] = g.Roster[1], g.Roster[0] },
		func(g *Genesis) { g.Roster[0].Nodes = nil },
	} {
		other := *g
		other.Roster = slices.Clone(g.Roster)
		change(&other)
		got, err := other.Name()
		require.NoError(t, err)
		require.NotEqual(t, name, got)
	}
}

func TestAPartySignsOnlyWhatSaysOfItWhatItSays(t *testing.T) {
	all := parties(t, 3)
	g, err := Gather([]*Member{all[0].own, all[1].own})
	require.NoError(t, err)
	_, err = g.Sign(all[2].own, all[2].key)
	refused(t, err, ErrNotSigner, `of "m2"`)
	_, err = g.Sign(all[1].own, all[0].key)
	refused(t, err, ErrNotSigner, `of "m1"`)
	renamed := *g
	renamed.Roster = slices.Clone(g.Roster)
	renamed.Roster[0].Name = "somebody"
	_, err = renamed.Sign(all[0].own, all[0].key)
	refused(t, err, ErrOwn, `got "somebody" with the nodes 0, want "m0" with 0`)
	renamed.Roster[0].Name, renamed.Roster[0].Nodes = "m0", []uint32{0, 7}
	_, err = renamed.Sign(all[0].own, all[0].key)
	refused(t, err, ErrOwn, "with the nodes 0,7, want")
	_, err = Gather([]*Member{all[0].own, all[0].own})
	refused(t, err, ErrProposal, "stands twice")
	_, err = Gather(nil)
	refused(t, err, ErrProposal, "no member")
}

func TestAGenesisTakesEveryMembersOwnSignature(t *testing.T) {
	all := parties(t, 3)
	g, err := Gather([]*Member{all[0].own, all[1].own, all[2].own})
	require.NoError(t, err)
	var s []*Signature
	for _, p := range all {
		x, err := g.Sign(p.own, p.key)
		require.NoError(t, err)
		s = append(s, x)
	}
	edit := func(i int, change func(s *Signature)) []*Signature {
		x := *s[i]
		change(&x)
		list := slices.Clone(s)
		list[i] = &x
		return list
	}
	for name, x := range map[string]struct {
		signatures []*Signature
		cause      error
		want       string
	}{
		"none":            {nil, ErrMissing, "3 of 3: m0, m1, m2"},
		"one is missing":  {s[:2], ErrMissing, "1 of 3: m2"},
		"one twice":       {append(slices.Clone(s), s[0]), ErrTwice, `"m0"`},
		"under a name":    {edit(1, func(s *Signature) { s.Name = "m2" }), ErrSignature, `"m2"`},
		"of nobody":       {edit(1, func(s *Signature) { s.Name = "m7" }), ErrNotSigner, `"m7"`},
		"of another":      {edit(1, func(s *Signature) { s.Digest[0]++ }), ErrForeign, `"m1" has signed the genesis`},
		"of another kind": {edit(1, func(s *Signature) { s.Of = OfChange }), ErrForeign, "the roster-change"},
		"forged":          {edit(2, func(s *Signature) { s.Signature[5]++ }), ErrSignature, `"m2"`},
	} {
		_, err := g.Assemble(x.signatures)
		require.Error(t, err, name)
		refused(t, err, x.cause, x.want)
	}
	c, err := g.Assemble(s)
	require.NoError(t, err)
	begin(t, c)
}

// change takes a chain of these members through a change to next, signed by those who
// join, and decided by a member alone where there is only one.
func TestAChangeIsSignedByWhoJoinsAndDecidedByTheMembers(t *testing.T) {
	old, joins := newParty(t, "paris", 1), newParty(t, "tokyo", 2)
	rotated := newParty(t, "paris", 1)
	genesis := found(t, []*party{old})
	chain := begin(t, genesis)
	proposal, err := NewChange(chain, cert.Roster{rotated.own.Member, joins.own.Member})
	require.NoError(t, err)
	_, err = proposal.Content(chain)
	refused(t, err, ErrMissing, "0 signatures of those who join, want 2")
	var signatures []*Signature
	for _, p := range []*party{joins, rotated} {
		s, err := sent(t, proposal, ParseChange).Sign(chain, p.own, p.key)
		require.NoError(t, err)
		signatures = append(signatures, sent(t, s, ParseSignature))
	}
	change, err := proposal.Join(chain, signatures)
	require.NoError(t, err)
	require.Empty(t, proposal.Joined)
	content, err := sent(t, change, ParseChange).Content(chain)
	require.NoError(t, err)

	cfg, err := quorum.NewConfig(chain, old.key.Public(), old.key)
	require.NoError(t, err)
	state, _, err := quorum.Step(cfg, quorum.Begin(chain), quorum.Start{})
	require.NoError(t, err)
	state, effects, err := quorum.Step(cfg, state, quorum.Candidate{Content: content})
	require.NoError(t, err)
	at := slices.IndexFunc(effects, func(e quorum.Effect) bool { _, ok := e.(quorum.Append); return ok })
	made := effects[at].(quorum.Append).Certificate
	next, err := chain.Check(&made)
	require.NoError(t, err)
	require.Equal(t, state.Chain, next)
	report, err := audit.Folder(folder(t, genesis, &made), audit.Options{Genesis: &chain.Name})
	require.NoError(t, err)
	require.True(t, report.OK)
	require.EqualValues(t, 1, report.RosterChanges)

	_, err = change.Content(next)
	refused(t, err, ErrProposal, "it is for height 1, the chain's next is 2: propose it again")
	_, err = change.Sign(next, joins.own, joins.key)
	refused(t, err, ErrProposal, "propose it again")
}

func TestAChangeThatDoesNotFitTheChainIsRefused(t *testing.T) {
	all := parties(t, 4)
	chain := begin(t, found(t, all[:2]))
	next := cert.Roster{all[0].own.Member, all[2].own.Member}
	good, err := NewChange(chain, next)
	require.NoError(t, err)
	for want, change := range map[string]func(c *Change){
		"it is for the chain": func(c *Change) { c.Chain[0]++ },
		"it is for height 0":  func(c *Change) { c.Height = 0 },
		"prev-hash":           func(c *Change) { c.Head[0]++ },
		"roster-hash":         func(c *Change) { c.OldRoster[0]++ },
		"the old one":         func(c *Change) { c.Roster = chain.Roster },
	} {
		c := *good
		change(&c)
		_, err := c.Sign(chain, all[2].own, all[2].key)
		refused(t, err, ErrProposal, want)
		_, err = c.Join(chain, nil)
		refused(t, err, ErrProposal, want)
		_, err = c.Content(chain)
		refused(t, err, ErrProposal, want)
	}
	_, err = NewChange(chain, chain.Roster)
	refused(t, err, ErrProposal, "the old one")
	_, err = good.Sign(chain, all[0].own, all[0].key)
	refused(t, err, ErrNotSigner, "nobody joins with the key")
	_, err = good.Sign(chain, all[3].own, all[3].key)
	refused(t, err, ErrNotSigner, "nobody joins with the key")
	renamed := *good
	renamed.Roster = slices.Clone(next)
	renamed.Roster[1].Nodes = nil
	_, err = renamed.Sign(chain, all[2].own, all[2].key)
	refused(t, err, ErrOwn, "with the nodes -, want")
	_, err = good.Join(chain, nil)
	refused(t, err, ErrMissing, "1 of 1: m2")
	forged := *good
	forged.Joined = make([]cert.Signature, 1)
	_, err = forged.Content(chain)
	refused(t, err, ErrSignature, `that of "m2"`)

	leaving, err := NewChange(chain, next[:1])
	require.NoError(t, err)
	content, err := leaving.Content(chain)
	require.NoError(t, err, "nobody joins")
	require.Empty(t, content.Joining)
}

func TestAChainGoesOnWithoutALostMember(t *testing.T) {
	old := parties(t, 3) // m1 will be lost
	genesis := found(t, old)
	chain := begin(t, genesis)
	again := newParty(t, "m0", 0)
	g, err := Succeed(chain, []*Member{again.own, old[2].own})
	require.NoError(t, err)
	_, err = g.Sign(again.own, again.key)
	refused(t, err, ErrMissing, "nobody who remains")
	_, err = g.SignLastResort(chain, again.key)
	refused(t, err, ErrNotSigner, "no member of the old roster")
	var signatures []*Signature
	for _, p := range []*party{old[2], old[0]} {
		s, err := sent(t, g, ParseGenesis).SignLastResort(chain, p.key)
		require.NoError(t, err)
		require.Equal(t, cert.Hash(sha256.Sum256(g.LastResortMessage())), s.Digest)
		signatures = append(signatures, sent(t, s, ParseSignature))
	}
	_, err = g.Remain(chain, nil)
	refused(t, err, ErrMissing, "nobody who remains")
	_, err = g.Remain(chain, []*Signature{signatures[0], signatures[0]})
	refused(t, err, ErrTwice, `"m2"`)
	lost, err := g.SignLastResort(chain, old[1].key)
	require.NoError(t, err)
	_, err = g.Remain(chain, append(slices.Clone(signatures), lost))
	refused(t, err, ErrProposal, "nobody is lost")

	whole, err := g.Remain(chain, signatures)
	require.NoError(t, err)
	require.Empty(t, g.Successor.Remaining)
	require.NoError(t, sent(t, whole, ParseGenesis).CheckPredecessor(chain))
	other := chain
	other.Length++
	refused(t, whole.CheckPredecessor(other), ErrProposal, "with 1 certificates")
	c := signed(t, whole, []*party{again, old[2]})
	report, err := audit.Folder(folder(t, c), audit.Options{Predecessor: folder(t, genesis)})
	require.NoError(t, err)
	require.Truef(t, report.OK, "%v", report.FirstError)
	require.Equal(t, []string{"m1"}, report.Successor.Lost)

	for _, other := range []cert.Chain{{}, {Name: chain.Name, Length: 2, Head: chain.Head}, {Name: cert.Hash{1}, Length: 1, Head: chain.Head}, {Name: chain.Name, Length: 1}} {
		_, err = g.SignLastResort(other, old[0].key)
		refused(t, err, ErrProposal, "it is for the chain")
	}
	_, err = Succeed(cert.Chain{}, nil)
	refused(t, err, ErrProposal, "no genesis")
	plain, err := Gather([]*Member{old[0].own})
	require.NoError(t, err)
	_, err = plain.SignLastResort(chain, old[0].key)
	refused(t, err, ErrProposal, "succeeds none")
}

func TestFilesAreNotOverwrittenAndBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m0.member")
	own := newParty(t, "m0").own
	require.NoError(t, Save(path, own.Format()))
	require.ErrorIs(t, Save(path, nil), os.ErrExist)
	_, err := Load(path+"x", ParseMember)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, path+"x: ")
	_, err = Load(filepath.Dir(path), ParseMember)
	require.ErrorContains(t, err, "a folder")
	long := filepath.Join(t.TempDir(), "long")
	require.NoError(t, os.WriteFile(long, []byte(strings.Repeat("a", MaxFile+100)), 0o644))
	_, err = Load(long, ParseMember)
	require.ErrorIs(t, err, ErrTooLarge)
	require.ErrorContains(t, err, long)
	bad := filepath.Join(t.TempDir(), "bad")
	require.NoError(t, os.WriteFile(bad, []byte("omega-member v1\nnom x\n"), 0o644))
	_, err = Load(bad, ParseMember)
	require.ErrorIs(t, err, ErrForm)
	require.ErrorContains(t, err, bad+": line 2: ")
	var place *Error
	require.True(t, errors.As(err, &place))
	require.Equal(t, 2, place.Line)
}
