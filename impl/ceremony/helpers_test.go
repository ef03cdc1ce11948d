package ceremony

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// party is somebody on a host of its own: what it has, and what it sends.
type party struct {
	key *identity.Key
	own *Member
}

func newParty(t testing.TB, name string, nodes ...uint32) *party {
	key := identity.Generate()
	own, err := NewMember(cert.Member{Name: name, Nodes: nodes}, "tls://"+name+".example:4222", "-", key)
	require.NoError(t, err)
	return &party{key: key, own: own}
}

func parties(t testing.TB, n int) (all []*party) {
	for i := range n {
		all = append(all, newParty(t, fmt.Sprint("m", i), uint32(i)))
	}
	return all
}

// sent is what comes out of a file that was sent.
func sent[T interface{ Format() []byte }](t testing.TB, v T, parse func([]byte) (T, error)) T {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, Save(path, v.Format()))
	got, err := Load(path, parse)
	require.NoError(t, err)
	require.Equal(t, v, got)
	return got
}

// found holds the whole ceremony of a chain.
func found(t testing.TB, all []*party) *cert.Certificate {
	t.Helper()
	var members []*Member
	for _, p := range all {
		members = append(members, sent(t, p.own, ParseMember))
	}
	g, err := Gather(members)
	require.NoError(t, err)
	return signed(t, g, all)
}

// signed has all sign the proposal, the last one first.
func signed(t testing.TB, g *Genesis, all []*party) *cert.Certificate {
	t.Helper()
	var signatures []*Signature
	for i := range all {
		p := all[len(all)-1-i]
		s, err := sent(t, g, ParseGenesis).Sign(p.own, p.key)
		require.NoError(t, err)
		signatures = append(signatures, sent(t, s, ParseSignature))
	}
	c, err := g.Assemble(signatures)
	require.NoError(t, err)
	return c
}

func begin(t testing.TB, c *cert.Certificate) cert.Chain {
	t.Helper()
	chain, err := cert.Chain{}.Check(c)
	require.NoError(t, err)
	return chain
}

// refused requires an error of the cause that says want.
func refused(t testing.TB, err, cause error, want string) {
	t.Helper()
	require.ErrorIs(t, err, cause)
	require.ErrorContains(t, err, want)
	var place *Error
	require.True(t, errors.As(err, &place))
}
