package examples

import (
	"crypto/ed25519"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

func TestKeyAndRosterFilesAreThoseOfTheExamples(t *testing.T) {
	examples := load[struct {
		Clause string
		Keys   []struct {
			Seed        Hex
			File        string
			Public      Hex
			Fingerprint string
		}
		Roster     Hex
		RosterFile string `json:"roster_file"`
	}](t, "identities")
	for _, x := range examples.Keys {
		k, err := identity.Decode([]byte(x.File))
		require.NoError(t, err)
		require.Equal(t, cert.PublicKey(x.Public), k.Public())
		require.Equal(t, x.File, string(identity.Encode(k)))
		require.Equal(t, x.Fingerprint, identity.Fingerprint(k.Public()))
		message := []byte("a message")
		want := ed25519.Sign(ed25519.NewKeyFromSeed(x.Seed), message)
		require.Equal(t, cert.Signature(want), k.Sign(message))
	}
	roster, err := cert.ParseRoster(examples.Roster)
	require.NoError(t, err)
	require.Equal(t, examples.RosterFile, string(identity.FormatRoster(roster)))
	parsed, err := identity.ParseRoster([]byte(examples.RosterFile))
	require.NoError(t, err)
	require.Equal(t, roster, parsed)
}
