package credentials_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
)

func seedOf(t *testing.T, path string) string {
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return strings.TrimSpace(string(b))
}

func TestAnNkeyIsKeptAsTheToolsOfNATSReadIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), credentials.NkeyName)
	k := credentials.GenerateNkey()
	require.NoError(t, k.Save(path))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	require.Equal(t, int64(59), info.Size())
	pair, err := nkeys.FromSeed([]byte(seedOf(t, path)))
	require.NoError(t, err)
	public, err := pair.PublicKey()
	require.NoError(t, err)
	require.Equal(t, public, k.Public())

	loaded, err := credentials.LoadNkey(path)
	require.NoError(t, err)
	require.Equal(t, k.Public(), loaded.Public())
	nonce := []byte("nonce")
	signature, err := loaded.Sign(nonce)
	require.NoError(t, err)
	require.NoError(t, pair.Verify(nonce, signature))
	require.ErrorIs(t, k.Save(path), fs.ErrExist)
	require.NotEqual(t, k.Public(), credentials.GenerateNkey().Public())
}

func TestHoweverAnNkeyIsPrintedTheSecretIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nk")
	k := credentials.GenerateNkey()
	require.NoError(t, k.Save(path))
	seed := seedOf(t, path)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{k, *k, []any{k}, struct{ K credentials.Nkey }{*k}} {
			text := fmt.Sprintf(verb, v)
			require.NotContains(t, text, seed)
			require.NotContains(t, text, fmt.Sprintf("%x", seed))
			require.NotContains(t, text, strings.Trim(fmt.Sprint([]byte(seed)), "[]"))
		}
	}
	require.Equal(t, k.Public(), k.String())
}

func TestWrongNkeyFilesAreRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string, perm fs.FileMode) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), perm))
		return path
	}
	good := filepath.Join(dir, "good")
	require.NoError(t, credentials.GenerateNkey().Save(good))
	seed := seedOf(t, good)
	account, err := nkeys.CreateAccount()
	require.NoError(t, err)
	accountSeed, err := account.Seed()
	require.NoError(t, err)
	for path, want := range map[string]error{
		filepath.Join(dir, "none"):                          fs.ErrNotExist,
		dir:                                                 credentials.ErrNotRegular,
		write("open", seed, 0o644):                          credentials.ErrPermissions,
		write("empty", "", 0o600):                           credentials.ErrNotSeed,
		write("cut", seed[:57], 0o600):                      credentials.ErrNotSeed,
		write("two", seed+"\n\n", 0o600):                    credentials.ErrNotSeed,
		write("account", string(accountSeed), 0o600):        credentials.ErrNotSeed,
		write("large", strings.Repeat("S", 1<<20+1), 0o600): credentials.ErrTooLarge,
	} {
		_, err := credentials.LoadNkey(path)
		require.ErrorIs(t, err, want)
		var at *credentials.Error
		require.ErrorAs(t, err, &at)
		require.Equal(t, path, at.Path)
		require.Equal(t, 1, strings.Count(strings.Split(err.Error(), "; run:")[0], path), "the path stands once: %v", err)
		require.NotContains(t, err.Error(), "SU")
	}
}

func TestACertificateIsForItsHostsAndSignsNoOther(t *testing.T) {
	certificate, key := credentials.GenerateCertificate([]string{"paris.example", "192.0.2.7", "::1"})
	_, err := tls.X509KeyPair(certificate, key)
	require.NoError(t, err)
	block, rest := pem.Decode(certificate)
	require.Empty(t, rest)
	c, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	require.NoError(t, c.VerifyHostname("paris.example"))
	require.NoError(t, c.VerifyHostname("192.0.2.7"))
	require.NoError(t, c.VerifyHostname("::1"))
	require.Error(t, c.VerifyHostname("tokyo.example"))
	require.False(t, c.IsCA)
	require.Equal(t, 9999, c.NotAfter.Year())
	require.Less(t, c.NotBefore.Year(), 2001)
	require.Positive(t, c.SerialNumber.Sign())
}

// host writes a host's files and returns their paths.
func host(t *testing.T, dir, name string) (certificate, key string) {
	certificate, key = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	require.NoError(t, credentials.SaveCertificate(certificate, key, []string{"127.0.0.1"}))
	return certificate, key
}

// shake has a client and a server shake hands over the loopback.
func shake(t *testing.T, server, client *tls.Config) (serverErr, clientErr error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			err = tls.Server(c, server).Handshake()
			c.Close()
		}
		done <- err
	}()
	c, clientErr := tls.Dial("tcp", l.Addr().String(), client)
	serverErr = <-done // the server judges after the client is done
	if clientErr == nil {
		c.Close()
	}
	return serverErr, clientErr
}

func TestHostsTrustWhoStandsInThePeersFile(t *testing.T) {
	dir := t.TempDir()
	aCert, aKey := host(t, dir, "a")
	bCert, bKey := host(t, dir, "b")
	cCert, cKey := host(t, dir, "c")
	trust := filepath.Join(dir, "trust")
	a, err := os.ReadFile(aCert)
	require.NoError(t, err)
	b, err := os.ReadFile(bCert)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(trust, append(append(a, '\n'), b...), 0o600))
	load := func(certificate, key string) *tls.Config {
		c, err := credentials.LoadTLS(certificate, key, trust)
		require.NoError(t, err)
		return c
	}
	ta, tb, tc := load(aCert, aKey), load(bCert, bKey), load(cCert, cKey)
	serverErr, clientErr := shake(t, ta, tb)
	require.NoError(t, serverErr)
	require.NoError(t, clientErr)
	serverErr, _ = shake(t, ta, tc)
	require.ErrorContains(t, serverErr, "unknown authority")
	_, clientErr = shake(t, tc, ta)
	require.ErrorContains(t, clientErr, "unknown authority")
	serverErr, _ = shake(t, ta, &tls.Config{RootCAs: ta.RootCAs})
	require.Error(t, serverErr, "who shows no certificate is let in")
	old := tb.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	serverErr, _ = shake(t, ta, old)
	require.Error(t, serverErr, "TLS 1.2 is taken")
}

func TestWrongTLSFilesAreRefused(t *testing.T) {
	dir := t.TempDir()
	certificate, key := host(t, dir, "a")
	_, otherKey := host(t, dir, "b")
	write := func(name, content string, perm fs.FileMode) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), perm))
		return path
	}
	good, err := os.ReadFile(certificate)
	require.NoError(t, err)
	secret, err := os.ReadFile(key)
	require.NoError(t, err)
	none := filepath.Join(dir, "none")
	for name, c := range map[string]struct {
		certificate, key, trust string
		at                      string
		want                    error
	}{
		"no certificate":    {none, key, certificate, none, fs.ErrNotExist},
		"no key":            {certificate, none, certificate, none, fs.ErrNotExist},
		"no trust":          {certificate, key, none, none, fs.ErrNotExist},
		"key for all":       {certificate, write("open", string(secret), 0o640), certificate, filepath.Join(dir, "open"), credentials.ErrPermissions},
		"another's key":     {certificate, otherKey, certificate, otherKey, credentials.ErrNoKey},
		"key, no PEM":       {certificate, write("text", "text", 0o600), certificate, filepath.Join(dir, "text"), credentials.ErrNoKey},
		"certificate's key": {key, key, certificate, key, credentials.ErrNoCertificate},
		"nobody trusted":    {certificate, key, write("nobody", "\n", 0o600), filepath.Join(dir, "nobody"), credentials.ErrNoCertificate},
		"a key trusted":     {certificate, key, key, key, credentials.ErrNoCertificate},
		"cut in the second": {certificate, key, write("second", string(good)+string(good[:len(good)-9]), 0o600), filepath.Join(dir, "second"), credentials.ErrNoCertificate},
		"no X.509":          {certificate, key, write("x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0o600), filepath.Join(dir, "x"), credentials.ErrNoCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := credentials.LoadTLS(c.certificate, c.key, c.trust)
			require.ErrorIs(t, err, c.want)
			var at *credentials.Error
			require.ErrorAs(t, err, &at)
			require.Equal(t, c.at, at.Path)
		})
	}
	require.ErrorIs(t, credentials.SaveCertificate(none, key, nil), fs.ErrExist)
	require.NoFileExists(t, none)
}
