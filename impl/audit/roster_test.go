package audit

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// history writes chains whose members' keys it holds.
type history struct {
	t     *testing.T
	keys  map[cert.PublicKey]*identity.Key
	log   *certlog.Log
	chain cert.Chain
	dir   string
}

func newHistory(t *testing.T, g *cert.GenesisBody, keys ...*identity.Key) *history {
	h := &history{t: t, keys: map[cert.PublicKey]*identity.Key{}, dir: t.TempDir()}
	for _, k := range keys {
		h.keys[k.Public()] = k
	}
	log, err := certlog.Create(h.dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close()) })
	h.log = log
	h.append(cert.Genesis, g.Append(nil))
	return h
}

// append appends a certificate with all signatures.
func (h *history) append(typ cert.Type, body []byte) {
	h.t.Helper()
	c := &cert.Certificate{Envelope: cert.Seal(typ, merkle.EmptyRoot(), h.chain.Length, h.chain.Head, body), Body: body}
	next, err := h.chain.CheckContent(&c.Envelope, body)
	require.NoError(h.t, err)
	for _, m := range h.chain.Signers(next) {
		c.Signatures = append(c.Signatures, h.keys[m.Key].Sign(cert.VoteMessage(h.chain.Name, next.Head)))
	}
	_, err = h.chain.Check(c)
	require.NoError(h.t, errors.Join(err, h.log.Append(c)))
	h.chain = next
}

func (h *history) change(r cert.Roster) {
	h.t.Helper()
	h.append(cert.RosterChange, (&cert.RosterChangeBody{OldHash: h.chain.Roster.Hash(), Roster: r}).Append(nil))
}

func seat(name string, k *identity.Key, nodes ...uint32) cert.Member {
	return cert.Member{Name: name, Key: k.Public(), Nodes: nodes}
}

func TestEveryChangeOfTheRosterIsNoted(t *testing.T) {
	a, b, c, d := identity.Generate(), identity.Generate(), identity.Generate(), identity.Generate()
	h := newHistory(t, &cert.GenesisBody{Roster: cert.Roster{seat("paris", a, 1), seat("tokyo", b, 2)}}, a, b, c, d)
	h.change(cert.Roster{seat("paris", c, 1), seat("lima", d)})
	h.change(cert.Roster{seat("lima", d), seat("paris", c, 1)})
	h.change(cert.Roster{seat("lima", d, 7), seat("paris", c, 1)})
	require.NoError(t, identity.SaveRoster(filepath.Join(h.dir, "roster"), cert.Roster{seat("paris", a, 1), seat("tokyo", b, 2)}))
	report := auditFolder(t, h.dir, Options{})
	require.Truef(t, report.OK, "%v", report.FirstError)
	require.EqualValues(t, 3, report.RosterChanges)
	require.Equal(t, []string{
		"the roster changes at height 1: tokyo leaves; paris has the new key " + identity.Fingerprint(c.Public()) +
			"; lima comes with the key " + identity.Fingerprint(d.Public()),
		"the roster changes at height 2: the members sign in another order",
		"the roster changes at height 3: lima writes the nodes [7], before []",
	}, report.Notes)
	require.Nil(t, report.Successor)
}

// lost returns a chain of three members, whose roster has changed once, and the
// genesis of the one that succeeds it without tokyo.
func lost(t *testing.T) (old *history, g *cert.GenesisBody, keys []*identity.Key) {
	for range 4 {
		keys = append(keys, identity.Generate())
	}
	roster := cert.Roster{seat("paris", keys[0], 1), seat("tokyo", keys[1], 2), seat("lima", keys[2])}
	old = newHistory(t, &cert.GenesisBody{Roster: cert.Roster{roster[2], roster[1], roster[0]}}, keys...)
	old.change(roster)
	old.append(cert.Evidence, make([]byte, 32))
	g = &cert.GenesisBody{Random: [32]byte{1}, Roster: cert.Roster{seat("paris", keys[3], 1), roster[2]}}
	g.Successor = &cert.Successor{Chain: old.chain.Name, Head: old.chain.Head, Length: old.chain.Length}
	remain(g, keys, 0, 2)
	return old, g, keys
}

func remain(g *cert.GenesisBody, keys []*identity.Key, members ...int) {
	g.Successor.Remaining = nil
	for _, i := range members {
		g.Successor.Remaining = append(g.Successor.Remaining, cert.Remaining{Member: uint16(i), Signature: keys[i].Sign(g.LastResortMessage())})
	}
}

func TestASuccessorIsShownWithAndWithoutTheOldChain(t *testing.T) {
	old, g, keys := lost(t)
	h := newHistory(t, g, keys...)
	alone := auditFolder(t, h.dir, Options{})
	require.Truef(t, alone.OK, "%v", alone.FirstError)
	require.Equal(t, &Successor{Chain: old.chain.Name.String(), Head: old.chain.Head.String(), Length: 3, Remaining: []uint16{0, 2}}, alone.Successor)
	head := "successor of the chain " + old.chain.Name.String() + " behind its head " + old.chain.Head.String() + " at height 2, "
	require.Equal(t, []string{head + "by its members [0 2]; not checked against the old chain; who is lost may hold a certificate of its height 3"}, alone.Notes)

	for _, path := range []string{old.dir, certlog.Path(old.dir)} {
		report := auditFolder(t, h.dir, Options{Predecessor: path})
		require.Truef(t, report.OK, "%v", report.FirstError)
		require.True(t, report.Successor.Checked)
		require.False(t, report.Successor.Ahead)
		require.Equal(t, []string{"tokyo"}, report.Successor.Lost)
		require.Equal(t, []string{head + "without tokyo; who is lost may hold a certificate of its height 3"}, report.Notes)
	}
	old.append(cert.Evidence, make([]byte, 32))
	report := auditFolder(t, h.dir, Options{Predecessor: old.dir})
	require.True(t, report.OK)
	require.True(t, report.Successor.Ahead)
	require.Contains(t, report.Notes[0], "THE OLD CHAIN GOES ON: it has a certificate of height 3")

	pinned := auditFolder(t, h.dir, Options{Genesis: &old.chain.Name})
	require.Equal(t, KindGenesisPin, pinned.FirstError.Kind)
	require.Contains(t, pinned.FirstError.Message, "which this one says that it succeeds")
	require.NotContains(t, auditFolder(t, h.dir, Options{Genesis: &cert.Hash{1}}).FirstError.Message, "succeeds")
}

func TestASuccessorThatTheOldChainDoesNotBearOutFails(t *testing.T) {
	for name, x := range map[string]struct {
		change func(old *history, g *cert.GenesisBody, keys []*identity.Key)
		want   string
	}{
		"more than the old chain has": {func(_ *history, g *cert.GenesisBody, keys []*identity.Key) {
			g.Successor.Length++
			remain(g, keys, 0, 2)
		}, "which has 3 here"},
		"another head": {func(_ *history, g *cert.GenesisBody, keys []*identity.Key) {
			g.Successor.Head[0]++
			remain(g, keys, 0, 2)
		}, "at height 2"},
		"a head in the middle": {func(old *history, g *cert.GenesisBody, keys []*identity.Key) {
			old.append(cert.Evidence, make([]byte, 32))
			old.append(cert.Evidence, make([]byte, 32))
		}, "2 certificates behind the head"},
		"nobody is lost": {func(_ *history, g *cert.GenesisBody, keys []*identity.Key) { remain(g, keys, 0, 1, 2) }, "nobody is lost"},
		"nobody's index": {func(_ *history, g *cert.GenesisBody, keys []*identity.Key) { remain(g, keys, 0, 3) }, "the old roster has 3"},
		"a forged one":   {func(_ *history, g *cert.GenesisBody, _ []*identity.Key) { g.Successor.Remaining[1].Signature[7]++ }, `by "lima"`},
		"by the first keys": {func(old *history, g *cert.GenesisBody, keys []*identity.Key) { // whose roster had another order
			remain(g, []*identity.Key{keys[2], keys[1], keys[0]}, 0, 2)
		}, `by "paris"`},
	} {
		t.Run(name, func(t *testing.T) {
			old, g, keys := lost(t)
			x.change(old, g, keys)
			h := newHistory(t, g, keys...)
			report := auditFolder(t, h.dir, Options{Predecessor: old.dir})
			require.False(t, report.OK)
			require.Equal(t, KindPredecessor, report.FirstError.Kind)
			require.Contains(t, report.FirstError.Message, x.want)
			require.EqualValues(t, certlog.HeaderSize, report.FirstError.Offset)
			require.True(t, auditFolder(t, h.dir, Options{}).OK, "alone it holds, and says what was not checked")
		})
	}
}

func TestTheOldChainIsAuditedItself(t *testing.T) {
	old, g, keys := lost(t)
	h := newHistory(t, g, keys...)
	log := certlog.Path(old.dir)
	file, err := os.ReadFile(log)
	require.NoError(t, err)
	file[len(file)-40]++
	require.NoError(t, os.WriteFile(log, file, 0o644))
	report := auditFolder(t, h.dir, Options{Predecessor: old.dir})
	require.Equal(t, string(cert.RecordCRC), report.FirstError.Kind)
	require.Equal(t, log, report.FirstError.File)

	other := newHistory(t, &cert.GenesisBody{Roster: cert.Roster{seat("a", keys[0])}}, keys...)
	report = auditFolder(t, h.dir, Options{Predecessor: other.dir})
	require.Equal(t, KindGenesisPin, report.FirstError.Kind, "another chain")
	report = auditFolder(t, other.dir, Options{Predecessor: old.dir})
	require.Equal(t, KindPredecessor, report.FirstError.Kind, "it succeeds none")
	_, err = Folder(h.dir, Options{Predecessor: filepath.Join(old.dir, "none")})
	require.ErrorIs(t, err, os.ErrNotExist)
}
