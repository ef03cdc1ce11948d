package credentials

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// noExpiry is what RFC 5280, 4.1.2.5 has for a certificate without an end: one that
// is trusted by name is withdrawn by taking it out of the peers' files.
var noExpiry = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// noStart lies before any clock that a host may have.
var noStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// GenerateCertificate makes an Ed25519 key and a self-signed certificate for it
// that is good for these host names and addresses, as client and as server, and
// signs no other (ENG-6). Both are in PEM.
func GenerateCertificate(hosts []string) (certificate, key []byte) {
	// crypto/rand ends the program rather than return an error, and an Ed25519 key
	// always has its forms.
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	template := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)), Subject: pkix.Name{CommonName: "omega"},
		NotBefore: noStart, NotAfter: noExpiry, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		panic(err) // the template above is complete
	}
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(private)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// SaveCertificate makes a certificate for these hosts and writes it and its key to
// two new files, durably, the key readable by its owner alone. The error is *Error.
func SaveCertificate(certificatePath, keyPath string, hosts []string) error {
	certificate, key := GenerateCertificate(hosts)
	if err := create(keyPath, key, 0o600); err != nil {
		return err
	}
	return create(certificatePath, certificate, 0o644)
}

// LoadTLS reads a host's certificate and key, and the certificates of those whom it
// trusts, for connections that are mutually authenticated, from and to it: TLS 1.3
// or later, and who shows no trusted certificate is refused (ENG-6). The errors are
// *Error around fs.ErrNotExist, ErrNotRegular, ErrPermissions, ErrTooLarge,
// ErrNoCertificate, ErrNoKey.
func LoadTLS(certificatePath, keyPath, trustPath string) (*tls.Config, error) {
	certificate, err := readFile(certificatePath, false)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(certificate); block == nil || block.Type != "CERTIFICATE" {
		return nil, &Error{certificatePath, ErrNoCertificate}
	}
	key, err := readFile(keyPath, true)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, &Error{keyPath, ErrNoKey}
	}
	trust, err := LoadTrust(trustPath)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair},
		RootCAs: trust, ClientCAs: trust, ClientAuth: tls.RequireAndVerifyClientCert,
	}, nil
}

// LoadTrust reads a file of certificates, one behind the other. The errors are those of LoadTLS.
func LoadTrust(path string) (*x509.CertPool, error) {
	rest, err := readFile(path, false)
	if err != nil {
		return nil, err
	}
	pool, count := x509.NewCertPool(), 0
	for len(bytes.TrimSpace(rest)) > 0 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			return nil, &Error{path, fmt.Errorf("%w behind the first %d", ErrNoCertificate, count)}
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, &Error{path, fmt.Errorf("%w: number %d: %w", ErrNoCertificate, count+1, err)}
		}
		pool.AddCert(c)
		count++
	}
	if count == 0 {
		return nil, &Error{path, ErrNoCertificate}
	}
	return pool, nil
}
