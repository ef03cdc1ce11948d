package main

import (
	"errors"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// explainSignature decodes the signature of a section (SIG-1 to SIG-3).
func explainSignature(x *explanation, file []byte, known *node.View) error {
	sig, err := omegalog.ParseSignature(file)
	if err != nil {
		x.fault("bad-signature", 0, err.Error())
		return nil
	}
	p := x.part("signature", file, 0)
	p.field("magic", 8, showQuoted, "opens every .omega.sig file")
	p.number("version", 2, "of the format")
	p.field("chain", 32, nil, "the chain that the section is for")
	p.number("node", 4, "the section's writer")
	p.number("count", 8, "events of the section")
	p.field("root", 32, nil, "RFC 6962 root of them, in file order")
	p.field("public_key", 32, nil, "of the signer")
	p.field("signature", 64, nil, "Ed25519 over chain, node, count and root")
	p.field("crc", 4, nil, "CRC-32C of all before it")
	p.check("crc", holds, "it is that of its bytes")
	if err := sig.VerifyKey(); err != nil {
		p.check("signature", fails, "%v", err)
	} else {
		p.check("signature", holds, "the holder of the public key has signed")
	}
	explainSigner(x, sig, known)
	explainSigned(x, sig, known)
	return nil
}

// explainSigner says whose key it is.
func explainSigner(x *explanation, sig *omegalog.Signature, known *node.View) {
	if known == nil {
		x.check("signer", unknown, "whose key it is stands in the chain's roster: --data names its folder")
		return
	}
	member, ok := known.Chain.Roster.Find(sig.Key)
	switch {
	case sig.Chain != known.Chain.Name:
		x.check("signer", fails, "it is for the chain %v, the one of %s is %v", sig.Chain, printable(known.Dir), known.Chain.Name)
	case !ok:
		x.check("signer", fails, "the roster has no member with this key")
	default:
		x.check("signer", holds, "the key is that of %q", known.Chain.Roster[member].Name)
	}
}

// explainSigned compares the signature with the section beside it.
func explainSigned(x *explanation, sig *omegalog.Signature, known *node.View) {
	path := strings.TrimSuffix(x.File, omegalog.SignatureSuffix)
	view, err := omegalog.Open(path)
	if path == x.File || err != nil {
		x.check("section", unknown, "the section does not lie beside the signature under the same name")
		return
	}
	defer view.Close()
	var got omegalog.Section
	err = omegalog.Guard(func() (err error) {
		got, err = view.Section()
		return err
	}, view)
	switch {
	case err != nil:
		x.check("section", fails, "%s: %v", printable(path), err)
	case got != sig.Section:
		x.check("section", fails, "%s has node %d, %s and root %v", printable(path), got.Node, plural(got.Count, "event"), got.Root)
	case known == nil:
		x.check("section", holds, "%s has this node, count and root", printable(path))
	default:
		_, err := sig.Verify(known.Chain.Name, got, known.Chain.Roster)
		if errors.Is(err, omegalog.ErrSignatureSigner) {
			x.check("section", fails, "%v", err)
		} else if err == nil {
			x.check("section", holds, "%s has this node, count and root, and the roster gives the node to the signer", printable(path))
		}
	}
}
