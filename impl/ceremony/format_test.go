package ceremony

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// parisKey is the key of the manual's example, that of package identity's manual.
const parisKey = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
-----END PRIVATE KEY-----
`

func paris(t *testing.T) *party {
	key, err := identity.Decode([]byte(parisKey))
	require.NoError(t, err)
	own, err := NewMember(cert.Member{Name: "paris", Nodes: []uint32{1, 2}}, "tls://paris.example:4222", "-", key)
	require.NoError(t, err)
	return &party{key: key, own: own}
}

func TestThePublicPartIsThatOfTheManual(t *testing.T) {
	own := paris(t).own
	text := string(own.Format())
	manual, err := os.ReadFile("ceremony.go")
	require.NoError(t, err)
	require.Contains(t, string(manual), "//\t"+strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n//\t")+"\n//\n")
	before, signature, ok := strings.Cut(text, "signature ")
	require.True(t, ok)
	sig, err := hex.DecodeString(strings.TrimSuffix(signature, "\n"))
	require.NoError(t, err)
	require.True(t, ed25519.Verify(own.Key[:], []byte("omega/member/v1\x00"+before), sig))
}

func TestProposalsAreThoseOfTheSpecification(t *testing.T) {
	p := paris(t)
	member := fmt.Sprintf("omega-roster v1\nparis %x 1,2\n", p.own.Key)
	digits := func(first string, n int) string { return first + strings.Repeat("0", 2*n-2) }
	g := &Genesis{cert.GenesisBody{Random: [32]byte{1}, Roster: cert.Roster{p.own.Member}}}
	require.Equal(t, "omega-genesis v1\nrandom "+digits("01", 32)+"\n"+member, string(g.Format()))
	g.Successor = &cert.Successor{Chain: cert.Hash{2}, Head: cert.Hash{3}, Length: 4, Remaining: []cert.Remaining{{Member: 5, Signature: cert.Signature{6}}}}
	require.Equal(t, "omega-genesis v1\nrandom "+digits("01", 32)+"\npredecessor "+digits("02", 32)+" "+digits("03", 32)+" 4\nremaining 5 "+digits("06", 64)+"\n"+member,
		string(g.Format()))
	c := &Change{Chain: cert.Hash{1}, Height: 2, Head: cert.Hash{3}, OldRoster: cert.Hash{4}, Roster: g.Roster, Joined: []cert.Signature{{5}}}
	require.Equal(t, "omega-roster-change v1\nchain "+digits("01", 32)+"\nheight 2\nhead "+digits("03", 32)+"\nold-roster "+digits("04", 32)+
		"\njoined "+digits("05", 64)+"\n"+member, string(c.Format()))
	s := &Signature{Of: OfLastResort, Digest: cert.Hash{1}, Name: "paris", Signature: cert.Signature{2}}
	require.Equal(t, "omega-signature v1\nof last-resort\ndigest "+digits("01", 32)+"\nname paris\nsignature "+digits("02", 64)+"\n", string(s.Format()))
}
