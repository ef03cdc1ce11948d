// Package identity holds who a member is: its Ed25519 key, in a file that nobody
// else may read, and the roster in which the members' public keys stand.
//
// A key file is in one of two forms (clauses IDN-1, IDN-2), each with one
// spelling, so that an edit of any byte is seen. Open: PKCS#8 in PEM, as OpenSSL
// reads and writes it,
//
//	-----BEGIN PRIVATE KEY-----
//	MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
//	-----END PRIVATE KEY-----
//
// or sealed with a passphrase: one line and then the open form, encrypted by age
// (scrypt) and armored,
//
//	omega-encrypted-key v1 <public key hex> <sha256 hex>
//	-----BEGIN AGE ENCRYPTED FILE-----
//	...
//
// where the sha256 is of "omega-encrypted-key v1 <public key hex>\n" and all
// that follows the first line. It shows damage without the passphrase; it proves
// nothing to somebody who can write the file.
//
// The roster file is text, a line for each member in the order of their
// signatures (IDN-4):
//
//	omega-roster v1
//	paris 03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8 1,2
//	tokyo 79b5562e8fe654f94078b112e8a98ba7901f853ae695bed7e0e3910bad049664 -
package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// Key is a member's private key. However it is printed, the secret is not.
type Key struct {
	// private is a function because package fmt, which reads inner fields past
	// their methods, prints of a function its address alone.
	private func() ed25519.PrivateKey
}

func newKey(private ed25519.PrivateKey) *Key {
	return &Key{private: func() ed25519.PrivateKey { return private }}
}

// Generate makes a new key from the system's randomness.
func Generate() *Key {
	// crypto/rand ends the program rather than return an error.
	_, private, _ := ed25519.GenerateKey(rand.Reader)
	return newKey(private)
}

// Public returns the public key.
func (k Key) Public() cert.PublicKey {
	return cert.PublicKey(k.private().Public().(ed25519.PublicKey))
}

// Sign returns the Ed25519 signature of message.
func (k Key) Sign(message []byte) cert.Signature {
	return cert.Signature(ed25519.Sign(k.private(), message))
}

// String returns the public key's fingerprint.
func (k Key) String() string { return Fingerprint(k.Public()) }

// Fingerprint returns "SHA256:" and the base64 of the public key's SHA-256, as
// ssh prints them: 50 characters that people can compare (IDN-3).
func Fingerprint(public cert.PublicKey) string {
	sum := sha256.Sum256(public[:])
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// FingerprintHex returns the same hash as 64 hex digits (IDN-3).
func FingerprintHex(public cert.PublicKey) string {
	sum := sha256.Sum256(public[:])
	return hex.EncodeToString(sum[:])
}
