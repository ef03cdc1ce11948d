package doctor

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// testImplementation compares the cryptography with the answers of its standards,
// and shows that the race detector finds a race (layer F).
func testImplementation(ctx context.Context, _ *Options) (string, error) {
	if err := checkAnswers(knownAnswers); err != nil {
		return "", err
	}
	if err := checkSignatures(); err != nil {
		return "", err
	}
	if err := checkRaceDetector(ctx); err != nil {
		return "", err
	}
	return "SHA-256, Ed25519 and CRC-32C give the answers of their standards; the race detector finds a planted race", nil
}

// answer is what a function must give for an input.
type answer struct {
	name  string
	f     func(in []byte) []byte
	in    string // bytes in hex
	want  string // bytes in hex
	times int    // how often in is repeated
}

// knownAnswers are test vectors of FIPS 180-4 (SHA-256), of RFC 8032, section
// 7.1 (Ed25519: the input is seed | message), and of RFC 3720, B.4 (CRC-32C).
var knownAnswers = []answer{
	{"SHA-256 of nothing", sha, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 1},
	{"SHA-256 of abc", sha, "616263", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 1},
	{"SHA-256 of a million a", sha, "61", "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", 1000000},
	{"Ed25519, test 1", sign, "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b", 1},
	{"Ed25519, test 2", sign, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb72",
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00", 1},
	{"CRC-32C of 32 zeros", crc, "00", "8a9136aa", 32},
	{"CRC-32C of 32 ones", crc, "ff", "62a8ab43", 32},
}

func sha(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}

func sign(b []byte) []byte {
	return ed25519.Sign(ed25519.NewKeyFromSeed(b[:ed25519.SeedSize]), b[ed25519.SeedSize:])
}

func crc(b []byte) []byte {
	return binary.BigEndian.AppendUint32(nil, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

func checkAnswers(answers []answer) error {
	for _, a := range answers {
		in, err := hex.DecodeString(strings.Repeat(a.in, a.times))
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		if got := hex.EncodeToString(a.f(in)); got != a.want {
			return fmt.Errorf("%s is %s, want %s", a.name, got, a.want)
		}
	}
	return nil
}

// checkSignatures shows that a signature holds, and does not with any bit of it
// flipped.
func checkSignatures() error {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public := private.Public().(ed25519.PublicKey)
	message := []byte("omega")
	signature := ed25519.Sign(private, message)
	if !ed25519.Verify(public, message, signature) {
		return errors.New("Ed25519: a good signature is refused")
	}
	for bit := range 8 * len(signature) {
		bad := bytes.Clone(signature)
		bad[bit/8] ^= 1 << (bit % 8)
		if ed25519.Verify(public, message, bad) {
			return fmt.Errorf("Ed25519: a signature with bit %d flipped is taken", bit)
		}
	}
	return nil
}

// racy is a program with a data race.
const racy = `package main

func main() {
	n, done := 0, make(chan bool)
	go func() { n++; done <- true }()
	n++
	<-done
}
`

// checkRaceDetector builds racy with the race detector, which must find the race.
func checkRaceDetector(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "omega-doctor-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	source := filepath.Join(dir, "racy.go")
	if err := os.WriteFile(source, []byte(racy), 0o600); err != nil {
		return err
	}
	env := []string{"CGO_ENABLED=1", "GO111MODULE=off", "GOFLAGS="}
	out, err := tools.Command(ctx, dir, env, "go", "run", "-race", source).CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("WARNING: DATA RACE")) {
		return fmt.Errorf("the race detector does not find a planted race: %v: %s", err, bytes.TrimSpace(out))
	}
	return nil
}
