package credentials

import (
	"bytes"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// NkeyName is the name of the nkey's file in its member's folder (ENG-5).
const NkeyName = "nats.nk"

// Nkey is the private key by which its owner is known to an engine. However it is
// printed, the secret is not.
type Nkey struct {
	public string
	// pair is a function because package fmt, which reads inner fields past their
	// methods, prints of a function its address alone.
	pair func() nkeys.KeyPair
}

// GenerateNkey makes a new nkey from the system's randomness.
func GenerateNkey() *Nkey {
	// crypto/rand ends the program rather than return an error.
	pair, _ := nkeys.CreateUser()
	return newNkey(pair)
}

func newNkey(pair nkeys.KeyPair) *Nkey {
	// A pair made here or read from a seed always has its public half.
	public, _ := pair.PublicKey()
	return &Nkey{public, func() nkeys.KeyPair { return pair }}
}

// Public returns the public half, 56 characters that begin with U.
func (k Nkey) Public() string { return k.public }

// String returns the public half.
func (k Nkey) String() string { return k.public }

// Sign signs the nonce by which an engine asks who is there.
func (k Nkey) Sign(nonce []byte) ([]byte, error) { return k.pair().Sign(nonce) }

// Option has a connection show this nkey.
func (k Nkey) Option() nats.Option { return nats.Nkey(k.public, k.Sign) }

// Save writes the nkey to the new file path, readable by its owner alone, durably.
// It never overwrites: fs.ErrExist. The error is *Error.
func (k Nkey) Save(path string) error {
	// A pair made here or read from a seed always has its seed.
	seed, _ := k.pair().Seed()
	return create(path, append(seed, '\n'), 0o600)
}

// LoadNkey reads the file path. The errors are *Error around fs.ErrNotExist,
// ErrNotRegular, ErrPermissions, ErrTooLarge, ErrNotSeed.
func LoadNkey(path string) (*Nkey, error) {
	file, err := readFile(path, true)
	if err != nil {
		return nil, err
	}
	k, err := decodeNkey(bytes.TrimSuffix(file, []byte("\n")))
	if err != nil {
		return nil, &Error{path, err}
	}
	return k, nil
}

func decodeNkey(seed []byte) (*Nkey, error) {
	_, raw, err := nkeys.DecodeSeed(seed)
	if err != nil {
		return nil, ErrNotSeed
	}
	// The decoder passes over line feeds; a seed has one spelling.
	spelled, err := nkeys.EncodeSeed(nkeys.PrefixByteUser, raw)
	if err != nil || !bytes.Equal(spelled, seed) {
		return nil, ErrNotSeed
	}
	pair, err := nkeys.FromSeed(seed)
	if err != nil {
		return nil, ErrNotSeed
	}
	return newNkey(pair), nil
}
