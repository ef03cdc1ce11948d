package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age/armor"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

func TestTheOpenFormIsThatOfTheManual(t *testing.T) {
	require.Equal(t, testPEM, string(Encode(testKey())))
	k, err := Decode([]byte(testPEM))
	require.NoError(t, err)
	require.Equal(t, testPublic, publicHex(k))
}

func TestAKeyReadsBackAndSigns(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 {
		k := Generate()
		require.NoError(t, cert.CheckKey(k.Public()))
		path := filepath.Join(dir, fmt.Sprint(i))
		require.NoError(t, Save(path, k, nil))
		again, err := Load(path, nil)
		require.NoError(t, err)
		require.Equal(t, k.Public(), again.Public())
		public, err := PublicOf(path)
		require.NoError(t, err)
		require.Equal(t, k.Public(), public)
		sig := again.Sign([]byte("message"))
		require.True(t, ed25519.Verify(public[:], []byte("message"), sig[:]))
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
}

func TestASealedKeyReadsBackWithItsPassphraseAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), KeyName)
	k := Generate()
	require.NoError(t, os.WriteFile(path, mustSeal(t, k, "open sesame"), 0o600))
	public, err := PublicOf(path)
	require.NoError(t, err)
	require.Equal(t, k.Public(), public, "the public key needs no passphrase")
	again, err := Load(path, asks("open sesame"))
	require.NoError(t, err)
	require.Equal(t, k.private(), again.private())
	_, err = Load(path, nil)
	require.ErrorIs(t, err, ErrEncrypted)
}

func TestSaveSealsWithTheFullWorkFactor(t *testing.T) {
	path := filepath.Join(t.TempDir(), KeyName)
	require.NoError(t, Save(path, testKey(), []byte("open sesame")))
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(file), "PRIVATE KEY")
	s, err := parseSealed(file)
	require.NoError(t, err)
	require.Equal(t, testKey().Public(), s.public)
	require.Regexp(t, `\n-> scrypt [^ ]+ 18\n`, string(unarmor(t, s.armor)))
}

func unarmor(t *testing.T, text []byte) []byte {
	b, err := io.ReadAll(armor.NewReader(bytes.NewReader(text)))
	require.NoError(t, err)
	return b
}

func TestWrongPassphrasesAreRefused(t *testing.T) {
	file := mustSeal(t, testKey(), "right")
	_, err := decodeAny(file, asks("wrong"))
	require.ErrorIs(t, err, ErrPassphrase)
	_, err = decodeAny(file, asks(""))
	require.ErrorIs(t, err, ErrEmpty)
	asked := fmt.Errorf("no terminal")
	_, err = decodeAny(file, func() ([]byte, error) { return nil, asked })
	require.ErrorIs(t, err, asked)
	_, err = decodeAny([]byte(testPEM), func() ([]byte, error) { t.Error("asked for an open key"); return nil, nil })
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), KeyName)
	require.ErrorIs(t, Save(path, testKey(), []byte{}), ErrEmpty)
	require.NoFileExists(t, path)
}

func TestSaveNeverOverwrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), KeyName)
	require.NoError(t, Save(path, testKey(), nil))
	require.ErrorIs(t, Save(path, Generate(), nil), os.ErrExist)
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, testPEM, string(file))
}

func TestAKeyThatOthersCanReadIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), KeyName)
	require.NoError(t, Save(path, testKey(), nil))
	for mode := range os.FileMode(0o1000) {
		if mode&0o400 == 0 {
			continue
		}
		require.NoError(t, os.Chmod(path, mode))
		_, err := Load(path, nil)
		_, publicErr := PublicOf(path)
		if mode&0o077 == 0 {
			require.NoError(t, err, "%o", mode)
			require.NoError(t, publicErr, "%o", mode)
			continue
		}
		require.ErrorIs(t, err, ErrPermissions, "%o", mode)
		require.ErrorIs(t, publicErr, ErrPermissions, "%o", mode)
		require.ErrorContains(t, err, "chmod 600 "+path)
	}
}

func TestOnlyRegularFilesAreKeys(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, unix.Mkfifo(pipe, 0o600))
	link := filepath.Join(dir, "link to pipe")
	require.NoError(t, os.Symlink(pipe, link))
	for _, path := range []string{dir, pipe, link, "/dev/null"} {
		_, err := Load(path, nil)
		require.ErrorIs(t, err, ErrNotRegular)
		require.ErrorContains(t, err, path+": ")
	}
	_, err := Load(filepath.Join(dir, "none"), nil)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestASymbolicLinkIsJudgedByWhatItLeadsTo(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, KeyName), filepath.Join(dir, "link")
	require.NoError(t, Save(path, testKey(), nil))
	require.NoError(t, os.Symlink(path, link))
	_, err := Load(link, nil)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(path, 0o640))
	_, err = Load(link, nil)
	require.ErrorIs(t, err, ErrPermissions)
	require.ErrorIs(t, Save(link, testKey(), nil), os.ErrExist)
}

func TestOtherFilesAreNoKeys(t *testing.T) {
	ecdsa := `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAAECAwQFBgcICQoL
-----END PRIVATE KEY-----
`
	for name, c := range map[string]struct {
		file string
		want error
	}{
		"empty":            {"", ErrPEMType},
		"no PEM":           {"a key\n", ErrPEMType},
		"a public key":     {strings.ReplaceAll(testPEM, "PRIVATE", "PUBLIC"), ErrPEMType},
		"another kind":     {ecdsa, ErrNotEd25519},
		"two keys":         {testPEM + testPEM, ErrLeftOver},
		"a blank line":     {testPEM + "\n", ErrLeftOver},
		"text before":      {"key:\n" + testPEM, ErrSpelling},
		"no last line end": {strings.TrimSuffix(testPEM, "\n"), ErrSpelling},
		"CRLF":             {strings.ReplaceAll(testPEM, "\n", "\r\n"), ErrSpelling},
		"a header":         {strings.Replace(testPEM, "-----\n", "-----\nComment: x\n\n", 1), ErrSpelling},
		"a short mark":     {sealedMark, ErrDamaged},
		"no hex":           {sealedMark + strings.Repeat("z", 80) + "\n", ErrDamaged},
		"upper-case hex":   {sealedMark + strings.ToUpper(testPublic) + " 00\n", ErrDamaged},
	} {
		_, err := decodeAny([]byte(c.file), asks("word"))
		require.ErrorIs(t, err, c.want, name)
		_, err = publicOf([]byte(c.file))
		require.ErrorIs(t, err, c.want, name)
	}
	path := filepath.Join(t.TempDir(), KeyName)
	require.NoError(t, os.WriteFile(path, make([]byte, maxKeyFile+1), 0o600))
	_, err := Load(path, nil)
	require.ErrorIs(t, err, ErrLeftOver)
}

func TestEveryEditOfAnOpenKeyGivesAnotherKeyOrAnError(t *testing.T) {
	for i := range testPEM {
		for _, flip := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 255} {
			file := []byte(testPEM)
			file[i] ^= flip
			if public, err := publicOf(file); err == nil {
				require.NotEqual(t, testKey().Public(), public, "byte %d", i)
			}
		}
	}
}

func TestEveryEditOfASealedKeyIsFoundWithoutThePassphrase(t *testing.T) {
	whole := mustSeal(t, testKey(), "word")
	for i := range whole {
		for _, flip := range []byte{1, 0x20, 0x80} {
			file := bytes.Clone(whole)
			file[i] ^= flip
			_, err := publicOf(file)
			require.Error(t, err, "byte %d", i)
		}
		_, err := publicOf(whole[:i])
		require.Error(t, err, "cut to %d", i)
	}
	_, err := publicOf(append(bytes.Clone(whole), '\n'))
	require.ErrorIs(t, err, ErrDamaged)
}

// reseal gives the parts of a sealed key a right sha256, as a forger would.
func reseal(t *testing.T, edit func(s *sealed)) []byte {
	s, err := parseSealed(mustSeal(t, testKey(), "word"))
	require.NoError(t, err)
	s.armor = bytes.Clone(s.armor)
	edit(&s)
	return s.encode()
}

func TestAForgedSealIsFoundWithThePassphrase(t *testing.T) {
	for name, edit := range map[string]func(s *sealed){
		"another public key": func(s *sealed) { s.public = Generate().Public() },
		"no armor":           func(s *sealed) { s.armor = nil },
		"damaged content":    func(s *sealed) { s.armor[len(s.armor)-60] ^= 1 },
	} {
		_, err := decodeAny(reseal(t, edit), asks("word"))
		require.ErrorIs(t, err, ErrDamaged, name)
	}
	start := time.Now()
	_, err := decodeAny(reseal(t, func(s *sealed) {
		costly := bytes.Replace(unarmor(t, s.armor), fmt.Appendf(nil, " %d\n", quickWork), []byte(" 30\n"), 1)
		var text bytes.Buffer
		w := armor.NewWriter(&text)
		_, err := w.Write(costly)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		s.armor = text.Bytes()
	}), asks("word"))
	require.ErrorContains(t, err, "work factor")
	require.Less(t, time.Since(start), 10*time.Second, "a file must not make us work without bound")
}

func TestNoPrintOfAKeyTellsTheSecret(t *testing.T) {
	k := testKey()
	secret := k.private().Seed()
	js, err := json.Marshal(map[string]any{"key": k, "value": *k})
	require.NoError(t, err)
	texts := []string{string(js)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p"} {
		texts = append(texts, fmt.Sprintf(verb, k), fmt.Sprintf(verb, *k), fmt.Sprintf(verb, struct{ K *Key }{k}),
			fmt.Sprintf(verb, struct{ k Key }{*k}), fmt.Sprintf(verb, &struct{ k *Key }{k}))
	}
	for i := range len(testPEM) { // errors of damaged keys
		file := []byte(testPEM)
		file[i] ^= 1
		if _, err := Decode(file); err != nil {
			texts = append(texts, err.Error())
		}
	}
	forms := []string{
		hex.EncodeToString(secret[8:16]), strings.ToUpper(hex.EncodeToString(secret[8:16])),
		base64.StdEncoding.EncodeToString(secret[9:15]), strings.Trim(fmt.Sprint(secret[8:16]), "[]"), testPEM[60:70],
	}
	for _, text := range texts {
		for _, form := range forms {
			require.NotContains(t, text, form)
		}
	}
}

func TestFingerprintsAreThoseOfSHA256(t *testing.T) {
	sum := sha256.Sum256(testKey().private().Public().(ed25519.PublicKey))
	public := testKey().Public()
	require.Equal(t, hex.EncodeToString(sum[:]), FingerprintHex(public))
	require.Equal(t, "SHA256:"+strings.TrimRight(base64.StdEncoding.EncodeToString(sum[:]), "="), Fingerprint(public))
	require.Len(t, Fingerprint(public), 50)
}

func TestOpenSSLReadsOurKeysAndWeItsKeys(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed, so nothing was compared with it")
	}
	dir := t.TempDir()
	ours, theirs := filepath.Join(dir, "ours"), filepath.Join(dir, "theirs")
	require.NoError(t, Save(ours, testKey(), nil))
	out, err := exec.Command(openssl, "pkey", "-in", ours, "-pubout", "-outform", "DER").Output()
	require.NoError(t, err)
	require.True(t, bytes.HasSuffix(out, testKey().private().Public().(ed25519.PublicKey)))

	require.NoError(t, exec.Command(openssl, "genpkey", "-algorithm", "ed25519", "-out", theirs).Run())
	require.NoError(t, os.Chmod(theirs, 0o600))
	k, err := Load(theirs, nil)
	require.NoError(t, err)
	out, err = exec.Command(openssl, "pkey", "-in", theirs, "-pubout", "-outform", "DER").Output()
	require.NoError(t, err)
	public := k.Public()
	require.True(t, bytes.HasSuffix(out, public[:]))
}

func TestEveryKeyHasOneSpelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed")
		k := keyOf(seed)
		again, err := Decode(Encode(k))
		require.NoError(t, err)
		require.Equal(t, k.private(), again.private())
	})
}

func FuzzDecodeTakesOneSpelling(f *testing.F) {
	f.Add([]byte(testPEM))
	f.Add([]byte(testPEM + "\n"))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"))
	f.Add(mustSeal(f, testKey(), "word"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if k, err := Decode(file); err == nil {
			require.Equal(t, file, Encode(k))
		}
		if isSealed(file) {
			if s, err := parseSealed(file); err == nil {
				require.Equal(t, file, s.encode())
			}
		}
	})
}
