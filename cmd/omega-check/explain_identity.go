package main

import (
	"bytes"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node"
)

// The first bytes of the files of package identity (IDN-1, IDN-2, IDN-4).
const (
	openKeyMark   = "-----BEGIN "
	sealedKeyMark = "omega-encrypted-key "
	rosterMark    = "omega-roster "
)

// explainKey decodes the public part of a key file. No byte that holds the
// secret, in clear or sealed, is printed.
func explainKey(x *explanation, file []byte, known *node.View) error {
	public, err := identity.PublicOf(x.File)
	if err != nil {
		_, cause := pathOf(err)
		x.fault("bad-key", 0, cause.Error())
		return nil
	}
	p := x.part("key", file, 0)
	line := int64(bytes.IndexByte(file, '\n') + 1)
	if bytes.HasPrefix(file, []byte(sealedKeyMark)) {
		x.fact("form", "sealed with a passphrase; the first line says the public key, which the passphrase would prove")
		p.field("first line", line, showText, "format, public key, sha256 of the rest")
		p.secret("sealed key", int64(len(file))-line, "encrypted by age, armored")
		p.check("sha256", holds, "it is that of its bytes")
	} else {
		x.fact("form", "open: whoever reads the file has the key")
		p.field("first line", line, showText, "PEM")
		p.secret("private key", int64(len(file))-line, "PKCS#8, Ed25519")
		p.check("spelling", holds, "it is the one that this key has")
	}
	x.fact("public key", "%x", public)
	x.fact("fingerprint", "%s", identity.Fingerprint(public))
	x.check("permissions", holds, "its owner alone can read it")
	if known == nil {
		return nil
	}
	if i, ok := known.Chain.Roster.Find(public); ok {
		x.check("member", holds, "it is the key of %q", known.Chain.Roster[i].Name)
	} else {
		x.check("member", fails, "the roster has no member with this key")
	}
	return nil
}

// secret adds the next n bytes as a field that shows none of them.
func (p *part) secret(name string, n int64, meaning string) {
	p.Fields = append(p.Fields, field{Name: name, Offset: p.at, Bytes: n, Value: "(not shown)", Meaning: meaning})
	p.at += n
	p.Bytes += n
}

func showText(b []byte) string { return printable(string(bytes.TrimSuffix(b, []byte("\n")))) }

// explainRoster decodes a roster file (IDN-4).
func explainRoster(x *explanation, file []byte, known *node.View) error {
	roster, err := identity.ParseRoster(file)
	if err != nil {
		x.fault("bad-roster", 0, err.Error())
		return nil
	}
	x.fact("members", "%d", len(roster))
	x.fact("roster hash", "%v", roster.Hash())
	p := x.part("roster", file, 0)
	for i := -1; p.at < int64(len(file)); i++ {
		name, meaning := "format", ""
		if i >= 0 {
			name = "member"
			meaning = memberMeaning(&roster[i])
		}
		p.field(name, int64(bytes.IndexByte(file[p.at:], '\n')+1), showText, meaning)
	}
	x.check("roster", holds, "names, keys and nodes are valid, and none stands twice")
	if known == nil {
		return nil
	}
	if roster.Hash() == known.Chain.Roster.Hash() {
		x.check("chain", holds, "it is the roster of the chain in %s", printable(known.Dir))
	} else {
		x.check("chain", fails, "the chain in %s has another roster, %v", printable(known.Dir), known.Chain.Roster.Hash())
	}
	return nil
}

func memberMeaning(m *cert.Member) string {
	return fmt.Sprintf("%s, writes %s", identity.Fingerprint(m.Key), plural(len(m.Nodes), "node"))
}
