package identity

import (
	"crypto/ed25519"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

// testKey is the key of the seed 00 01 02 ... 1f, that of the package's example.
func testKey() *Key {
	seed := make([]byte, ed25519.SeedSize)
	for i := range seed {
		seed[i] = byte(i)
	}
	return keyOf(seed)
}

func keyOf(seed []byte) *Key {
	return newKey(ed25519.NewKeyFromSeed(seed))
}

const (
	testPEM = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
-----END PRIVATE KEY-----
`
	testPublic = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
	// quickWork keeps the tests short; the files differ in nothing else.
	quickWork = 4
)

func mustSeal(t testing.TB, k *Key, passphrase string) []byte {
	file, err := seal(k, []byte(passphrase), quickWork)
	require.NoError(t, err)
	return file
}

// asks returns a function that gives the passphrase.
func asks(passphrase string) func() ([]byte, error) {
	return func() ([]byte, error) { return []byte(passphrase), nil }
}

func publicHex(k *Key) string {
	public := k.Public()
	return hex.EncodeToString(public[:])
}
