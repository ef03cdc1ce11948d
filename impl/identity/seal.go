package identity

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// sealedMark opens the first line of a sealed key (IDN-2).
const sealedMark = "omega-encrypted-key v1 "

// workFactor is the log2 of scrypt's N with which keys are sealed: about a
// second a guess (IDN-2).
const workFactor = 18

// sealed is a sealed key file in its parts.
type sealed struct {
	public cert.PublicKey
	armor  []byte
}

func isSealed(file []byte) bool { return bytes.HasPrefix(file, []byte(sealedMark)) }

// encode returns the file (IDN-2).
func (s *sealed) encode() []byte {
	head := fmt.Sprintf("%s%x", sealedMark, s.public)
	sum := sha256.Sum256(append([]byte(head+"\n"), s.armor...))
	return append(fmt.Appendf(nil, "%s %x\n", head, sum), s.armor...)
}

// parseSealed reads the parts of a sealed key and checks the hash over them; it
// needs no passphrase. The error is ErrDamaged.
func parseSealed(file []byte) (sealed, error) {
	line, rest, _ := bytes.Cut(file, []byte("\n"))
	fields := line[len(sealedMark):]
	if len(fields) < 2*cert.KeySize {
		return sealed{}, fmt.Errorf("%w: its first line is short", ErrDamaged)
	}
	s := sealed{armor: rest}
	if _, err := hex.Decode(s.public[:], fields[:2*cert.KeySize]); err != nil {
		return sealed{}, fmt.Errorf("%w: its public key is not hex", ErrDamaged)
	}
	if !bytes.Equal(s.encode(), file) {
		return sealed{}, fmt.Errorf("%w: its bytes do not give the sha256 in its first line", ErrDamaged)
	}
	return s, nil
}

// seal returns the sealed form of k.
func seal(k *Key, passphrase []byte, workFactor int) ([]byte, error) {
	if len(passphrase) == 0 {
		return nil, ErrEmpty
	}
	recipient, err := age.NewScryptRecipient(string(passphrase))
	if err != nil {
		return nil, err
	}
	recipient.SetWorkFactor(workFactor)
	var text bytes.Buffer
	lines := armor.NewWriter(&text)
	w, err := age.Encrypt(lines, recipient)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(Encode(k)); err != nil {
		return nil, err
	}
	if err := errors.Join(w.Close(), lines.Close()); err != nil {
		return nil, err
	}
	s := sealed{public: k.Public(), armor: text.Bytes()}
	return s.encode(), nil
}

// open decrypts the key. Errors: ErrEmpty, ErrPassphrase, ErrDamaged and those of Decode.
func (s *sealed) open(passphrase []byte) (*Key, error) {
	if len(passphrase) == 0 {
		return nil, ErrEmpty
	}
	identity, err := age.NewScryptIdentity(string(passphrase))
	if err != nil {
		return nil, err
	}
	identity.SetMaxWorkFactor(workFactor)
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(s.armor)), identity)
	var noMatch *age.NoIdentityMatchError
	if errors.As(err, &noMatch) {
		return nil, ErrPassphrase
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	text, err := io.ReadAll(io.LimitReader(r, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	k, err := Decode(text)
	if err != nil {
		return nil, err
	}
	if k.Public() != s.public {
		return nil, fmt.Errorf("%w: it says the public key %x and holds that of %x", ErrDamaged, s.public, k.Public())
	}
	return k, nil
}
