package certlog

import (
	"encoding/binary"

	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// testChain returns n certificates that link, each with a body of its own salt.
// The log judges heights and links alone, so that is all they have.
func testChain(n int, salt uint64) []*cert.Certificate {
	var chain []*cert.Certificate
	var prev cert.Hash
	for h := range uint64(n) {
		c := testCertificate(h, prev, salt)
		prev = c.Envelope.Hash()
		chain = append(chain, c)
	}
	return chain
}

func testCertificate(height uint64, prev cert.Hash, salt uint64) *cert.Certificate {
	body := binary.BigEndian.AppendUint64([]byte("body"), salt)
	kind := cert.Merge
	if height == 0 {
		kind = cert.Genesis
	}
	return &cert.Certificate{
		Envelope:   cert.Seal(kind, merkle.EmptyRoot(), height, prev, body),
		Body:       body,
		Signatures: []cert.Signature{{1, byte(height)}, {2}},
	}
}

// logBytes is the plain way to the bytes of a log.
func logBytes(chain []*cert.Certificate) []byte {
	b := AppendHeader(nil)
	for _, c := range chain {
		var err error
		if b, err = cert.AppendRecord(b, c); err != nil {
			panic(err)
		}
	}
	return b
}

// draw adapts rapid to what a crash has to decide.
func draw(t *rapid.T) func(n int) int {
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") }
}

const testPath = "d/cert.log"

// putLog writes the chain's log to the disk, durably.
func putLog(t fataler, disk durable.FS, chain []*cert.Certificate) {
	if err := durable.WriteFile(disk, testPath, logBytes(chain), 0o644); err != nil {
		t.Fatalf("%v", err)
	}
}

type fataler interface {
	Fatalf(format string, args ...any)
}
