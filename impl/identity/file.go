package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// KeyName is the name of a key file in its member's folder (IDN-1).
const KeyName = "omega.key"

// maxKeyFile is more than any key file has, in bytes.
const maxKeyFile = 16 << 10

const pemType = "PRIVATE KEY"

// The ways in which a key file is refused (IDN-1, IDN-2). Match with errors.Is.
var (
	ErrPermissions = errors.New("others can read the key")
	ErrNotRegular  = durable.ErrNotRegular
	ErrPEMType     = errors.New("not a PEM block of type " + pemType)
	ErrLeftOver    = errors.New("left-over bytes behind the key")
	ErrNotEd25519  = errors.New("not an Ed25519 key in PKCS#8")
	ErrSpelling    = errors.New("not the one spelling of this key")
	ErrDamaged     = errors.New("the encrypted key is damaged")
	ErrPassphrase  = errors.New("wrong passphrase")
	ErrEncrypted   = errors.New("the key is encrypted and needs a passphrase")
	ErrEmpty       = errors.New("the passphrase is empty")
)

// Error names the key file that an operation failed on.
type Error struct {
	Path string
	Err  error
}

func (e *Error) Error() string { return e.Path + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

func pathError(path string, err error) error {
	return &Error{Path: path, Err: durable.Cause(err)}
}

// Encode returns the open form of the key, the bytes of a PEM file (IDN-1).
func Encode(k *Key) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(k.private())
	if err != nil {
		panic(err) // every Ed25519 key has a PKCS#8 form
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})
}

// Decode reads the open form (IDN-1). Errors, which hold nothing of the key:
// ErrPEMType, ErrLeftOver, ErrNotEd25519, ErrSpelling.
func Decode(file []byte) (*Key, error) {
	block, rest := pem.Decode(file)
	if block == nil || block.Type != pemType {
		return nil, ErrPEMType
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%w: %d bytes", ErrLeftOver, len(rest))
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, ErrNotEd25519
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, ErrNotEd25519
	}
	k := newKey(private)
	if !bytes.Equal(Encode(k), file) {
		return nil, ErrSpelling
	}
	return k, nil
}

// Save writes the key to the new file path, readable by its owner alone, durably
// (IDN-1). With a passphrase, which is not nil, it writes the sealed form
// (IDN-2). It never overwrites: fs.ErrExist. The errors are *Error.
func Save(path string, k *Key, passphrase []byte) error {
	file := Encode(k)
	if passphrase != nil {
		var err error
		if file, err = seal(k, passphrase, workFactor); err != nil {
			return pathError(path, err)
		}
	}
	if err := durable.CreateFile(durable.OS{}, path, file, 0o600); err != nil {
		return pathError(path, err)
	}
	return nil
}

// Load reads the key file path (IDN-1, IDN-2). passphrase is asked only for a
// sealed key, and may be nil. The errors are *Error around fs.ErrNotExist,
// ErrNotRegular, ErrPermissions, those of Decode, ErrEncrypted, ErrDamaged,
// ErrPassphrase, or what passphrase returned.
func Load(path string, passphrase func() ([]byte, error)) (*Key, error) {
	file, err := readPrivate(path)
	if err != nil {
		return nil, pathError(path, err)
	}
	k, err := decodeAny(file, passphrase)
	if err != nil {
		return nil, &Error{Path: path, Err: err}
	}
	return k, nil
}

func decodeAny(file []byte, passphrase func() ([]byte, error)) (*Key, error) {
	if !isSealed(file) {
		return Decode(file)
	}
	s, err := parseSealed(file)
	if err != nil {
		return nil, err
	}
	if passphrase == nil {
		return nil, ErrEncrypted
	}
	word, err := passphrase()
	if err != nil {
		return nil, err
	}
	return s.open(word)
}

// PublicOf returns the public key of the key file path. A sealed file needs no
// passphrase: it says its public key, which whoever can write the file can
// change, and which Load checks. The errors are those of Load.
func PublicOf(path string) (cert.PublicKey, error) {
	file, err := readPrivate(path)
	if err != nil {
		return cert.PublicKey{}, pathError(path, err)
	}
	public, err := publicOf(file)
	if err != nil {
		return cert.PublicKey{}, &Error{Path: path, Err: err}
	}
	return public, nil
}

func publicOf(file []byte) (cert.PublicKey, error) {
	if isSealed(file) {
		s, err := parseSealed(file)
		return s.public, err
	}
	k, err := Decode(file)
	if err != nil {
		return cert.PublicKey{}, err
	}
	return k.Public(), nil
}

// readPrivate reads a regular file that nobody but its owner may read.
func readPrivate(path string) ([]byte, error) {
	return durable.ReadUpTo(path, maxKeyFile, func(info fs.FileInfo) error {
		if perm := info.Mode().Perm(); perm&0o077 != 0 {
			return fmt.Errorf("%w: its mode is %04o; run: chmod 600 %s", ErrPermissions, perm, path)
		}
		if info.Size() > maxKeyFile {
			return fmt.Errorf("%w: %d bytes, at most %d", ErrLeftOver, info.Size(), maxKeyFile)
		}
		return nil
	})
}
