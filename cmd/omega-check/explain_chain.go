package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node"
)

// upTo returns the chain of a data folder as it was with length certificates. It
// has been checked as a whole; the signatures are not verified again.
func upTo(known *node.View, length uint64) (cert.Chain, error) {
	var chain cert.Chain
	for _, c := range known.Certificates[:length] {
		next, err := chain.CheckContent(&c.Envelope, c.Body)
		if err != nil {
			return chain, err
		}
		chain = next
	}
	return chain, nil
}

// chainWalk checks certificate after certificate: by themselves, against the
// one before, and against the chain as far as that is known.
type chainWalk struct {
	known   *node.View
	chain   *cert.Chain // up to the certificate before; nil where unknown
	why     string      // why chain is nil
	records int
	types   [cert.Evidence + 1]int
	first   cert.Envelope
	last    cert.Envelope
}

// check judges the next certificate of the file.
func (w *chainWalk) check(p *part, c *cert.Certificate) error {
	e := &c.Envelope
	p.check("cert_hash", holds, "%v is the digest that is signed and linked to", e.Hash())
	sealed := cert.Seal(e.Type, e.TraceRoot, e.BatchID, e.Prev, c.Body)
	p.compare("body_hash", sealed.BodyHash == e.BodyHash, e.BodyHash, sealed.BodyHash)
	p.compare("cert_id", sealed.ID == e.ID, e.ID, sealed.ID)
	if w.records == 0 {
		w.first = *e
		if err := w.start(e); err != nil {
			return err
		}
	} else if before := w.last.Hash(); e.Prev == before {
		p.check("link", holds, "prev_cert_hash is the cert_hash of the one before")
	} else {
		p.check("link", fails, "prev_cert_hash is %v, the one before has %v", e.Prev, before)
	}
	if w.chain == nil {
		p.check("signatures", unknown, "%s", w.why)
	} else {
		w.next(p, c)
	}
	if int(e.Type) < len(w.types) {
		w.types[e.Type]++
	}
	w.last = *e
	w.records++
	return nil
}

// start finds the chain before the file's first certificate.
func (w *chainWalk) start(e *cert.Envelope) error {
	switch {
	case e.Type == cert.Genesis:
		w.chain = &cert.Chain{}
	case w.known == nil:
		w.why = "the members' keys stand in a genesis that is not in this file: --data names the folder of the chain"
	case w.known.Chain.Length < e.BatchID:
		w.why = fmt.Sprintf("the chain in %s has %s, this one has height %d",
			printable(w.known.Dir), plural(w.known.Chain.Length, "certificate"), e.BatchID)
	default:
		chain, err := upTo(w.known, e.BatchID)
		if err != nil {
			return err
		}
		w.chain = &chain
	}
	return nil
}

// next takes the chain one certificate further, or ends it there.
func (w *chainWalk) next(p *part, c *cert.Certificate) {
	next, err := w.chain.CheckContent(&c.Envelope, c.Body)
	if err != nil {
		var bad *cert.CheckError
		if errors.As(err, &bad) {
			p.check(string(bad.Kind), fails, "%s", bad.Message)
		} else {
			p.check("chain", fails, "%v", err)
		}
		w.chain, w.why = nil, "the chain is broken before it"
		return
	}
	p.check("chain", holds, "it follows the one before by every rule")
	signers := w.chain.Signers(next)
	if len(c.Signatures) != len(signers) {
		p.check("signatures", fails, "got %d, the roster has %s", len(c.Signatures), plural(len(signers), "member"))
	}
	var good []string
	for i := range min(len(c.Signatures), len(signers)) {
		if signers.Verify(i, w.chain.Name, next.Head, c.Signatures[i]) {
			good = append(good, signers[i].Name)
		} else {
			p.check("signature", fails, "number %d is not one by %q", i, signers[i].Name)
		}
	}
	if len(good) > 0 {
		p.check("signatures", holds, "%d of %d: %s", len(good), len(signers), strings.Join(good, ", "))
	}
	*w.chain = next
}

// facts tells what the certificates say together.
func (w *chainWalk) facts(x *explanation) {
	var kinds []string
	for t, n := range w.types {
		if n > 0 {
			kinds = append(kinds, fmt.Sprintf("%s %v", count(n), cert.Type(t)))
		}
	}
	x.fact("certificates", "%s", strings.Join(append([]string{count(w.records)}, kinds...), ", "))
	if w.records == 0 {
		return
	}
	x.fact("heights", "%d to %d", w.first.BatchID, w.last.BatchID)
	x.fact("head", "%v", w.last.Hash())
	if w.first.Type == cert.Genesis {
		name := w.first.Hash()
		x.fact("chain", "%v", name)
		switch {
		case w.known == nil:
			x.check("pin", unknown, "the keys come from this file's own genesis; compare the chain's name with one from elsewhere")
		case w.known.Chain.Name == name:
			x.check("pin", holds, "the genesis is that of %s", printable(w.known.Dir))
		default:
			x.check("pin", fails, "the genesis is not that of %s, which has %v", printable(w.known.Dir), w.known.Chain.Name)
		}
	}
}
