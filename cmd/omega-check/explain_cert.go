package main

import (
	"errors"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/node"
)

// explainLog decodes a cert.log, or the file of one certificate (LOG-1, LOG-2).
func explainLog(x *explanation, file []byte, known *node.View) error {
	records, fault := certlog.Parse(file)
	if fault == nil || len(records) > 0 {
		p := x.part("header", file, 0)
		p.field("magic", 8, showQuoted, "opens every cert.log")
		p.number("version", 2, "of the format")
		p.field("reserved", 6, nil, "zeros")
	}
	walk := chainWalk{known: known}
	for _, r := range records {
		c := r.Certificate
		p := x.part(fmt.Sprintf("%v certificate of height %d", c.Envelope.Type, c.Envelope.BatchID), file, r.Offset)
		explainRecord(p, c)
		if err := walk.check(p, c); err != nil {
			return err
		}
	}
	walk.facts(x)
	return x.recordDamage(fault)
}

// recordDamage takes over a *cert.RecordError as the file's; other errors, and
// none, it returns.
func (x *explanation) recordDamage(err error) error {
	var bad *cert.RecordError
	if !errors.As(err, &bad) {
		return err
	}
	x.fault(string(bad.Kind), bad.Offset, bad.Message)
	return nil
}

// explainRecord adds the fields of a record (LOG-2).
func explainRecord(p *part, c *cert.Certificate) {
	p.number("len", 4, "bytes behind len_crc")
	p.field("len_crc", 4, nil, "CRC-32C of len")
	p.field("cert_id", 16, nil, "from the envelope's other bytes")
	p.field("cert_type", 1, func([]byte) string { return c.Envelope.Type.String() }, "")
	p.field("trace_root_hash", 32, nil, "RFC 6962 root of the trace")
	p.number("batch_id", 8, "the height")
	p.field("body_hash", 32, nil, "from the body")
	p.field("prev_cert_hash", 32, nil, "cert_hash of the one before")
	p.number("body_len", 4, "bytes of the body")
	p.body(c)
	p.number("signatures", 2, "votes of the members")
	p.items(len(c.Signatures), cert.SignatureSize, "signature", func(i int) {
		p.field("signature", cert.SignatureSize, nil, fmt.Sprintf("number %d in roster order", i))
	})
	p.field("crc", 4, nil, "CRC-32C of all before it")
	p.check("crc", holds, "it is that of the record's bytes")
}

// body adds the fields of a certificate's body, or the whole as one field where
// its bytes are no such body.
func (p *part) body(c *cert.Certificate) {
	err := errors.New("the type is unknown")
	switch c.Envelope.Type {
	case cert.Genesis:
		var g *cert.GenesisBody
		if g, err = cert.ParseGenesisBody(c.Body); err == nil {
			p.field("random", 32, nil, "makes the chain's name unique")
			p.roster(g.Roster)
			p.successor(g.Successor)
		}
	case cert.Merge:
		var m *cert.MergeBody
		if m, err = cert.ParseMergeBody(c.Body); err == nil {
			p.merge(m)
		}
	case cert.Obstruction:
		var o *cert.ObstructionBody
		if o, err = cert.ParseObstructionBody(c.Body); err == nil {
			p.obstruction(o)
		}
	case cert.RosterChange:
		var r *cert.RosterChangeBody
		if r, err = cert.ParseRosterChangeBody(c.Body); err == nil {
			p.field("old_roster_hash", 32, nil, "the roster before")
			p.roster(r.Roster)
		}
	case cert.Evidence:
		if _, err = cert.ParseEvidenceBody(c.Body); err == nil {
			p.field("bundle", 32, nil, "SHA-256 of the evidence")
		}
	}
	if err != nil {
		p.field("body", int64(len(c.Body)), nil, "")
		p.check("body", fails, "%v", err)
	}
}

// roster adds the fields of a roster (RST-1).
func (p *part) roster(r cert.Roster) {
	p.number("members", 2, "parties that must all sign")
	for i := range r {
		m := &r[i]
		p.number("name_len", 1, "")
		p.field("name", int64(len(m.Name)), showQuoted, fmt.Sprintf("member %d", i))
		p.field("key", cert.KeySize, nil, "Ed25519 public key")
		p.number("nodes", 2, "that the member writes")
		p.items(len(m.Nodes), 4, "node", func(int) { p.number("node", 4, "") })
	}
}

// successor adds the fields of the chain that this one succeeds, if any (BDY-8).
func (p *part) successor(s *cert.Successor) {
	if s == nil {
		return
	}
	p.field("old_chain", 32, nil, "the chain that this one succeeds: a member of it is lost")
	p.field("old_head", 32, nil, "its last certificate, as far as those who remain have it")
	p.number("old_length", 8, "its certificates")
	p.number("remaining", 2, "members of it who go on here")
	p.items(len(s.Remaining), 2+cert.SignatureSize, "member", func(int) {
		p.number("member", 2, "in the old roster")
		p.field("signature", cert.SignatureSize, nil, "by its old key")
	})
}

// merge adds the fields of a merge's body (BDY-2).
func (p *part) merge(m *cert.MergeBody) {
	p.field("state", 32, nil, "the state after this merge")
	p.number("events", 8, "in the trace")
	p.field("envelopes_root", 32, nil, "RFC 6962 root of the envelopes before")
	p.field("roster_hash", 32, nil, "the roster that signs")
	p.number("streams", 4, "with events in the trace")
	const analytics = 4 + 2 + 8 + 16 + 3*4
	p.items(len(m.Streams), analytics, "stream", func(int) {
		p.number("node", 4, "")
		p.number("stream", 2, "")
		p.number("count", 8, "events of the stream")
		p.field("sum", 16, showFigure, "of the values, exact")
		p.field("min", 4, showFigure, "")
		p.field("max", 4, showFigure, "")
		p.field("mean", 4, showFigure, "rounded once, half to even")
	})
	p.items(len(m.Streams), 2*key.Size, "first and last key", func(int) {
		p.field("first_key", key.Size, showKey, "")
		p.field("last_key", key.Size, showKey, "the stream's frontier")
	})
}

// obstruction adds the fields of an obstruction's body (BDY-4).
func (p *part) obstruction(o *cert.ObstructionBody) {
	p.number("items", 4, "reasons against the batch")
	p.items(len(o.Items), 2*key.Size+1, "item", func(i int) {
		it := &o.Items[i]
		p.field("key", key.Size, showKey, "the event concerned")
		p.field("kind", 1, func([]byte) string { return it.Kind.String() }, kindMeaning(it.Kind))
		if it.Kind.HasDep() {
			p.field("dep", key.Size, showKey, "the dep concerned")
		} else {
			p.field("dep", key.Size, nil, "none")
		}
	})
	p.number("events", 4, "that the items concern, all versions")
	p.versions(o.Events)
}

// versions adds events with their lengths; past the limit the rest is one field.
func (p *part) versions(events []event.View) {
	for i, e := range events {
		if i == shownItems && !p.x.all {
			var rest int64
			for _, e := range events[i:] {
				rest += 4 + int64(len(e))
			}
			p.field("...", rest, func([]byte) string { return plural(len(events)-i, "more event") }, "--all shows them")
			return
		}
		p.number("len", 4, "bytes of the event")
		p.event(e)
	}
}

func kindMeaning(k cert.ObstructionKind) string {
	switch k {
	case cert.Equivocation:
		return "the same key with other bytes"
	case cert.Lamport:
		return "it depends on an event that is not before it"
	case cert.MissingDep:
		return "it depends on an event that nobody has"
	case cert.Stale:
		return "it comes at or before what is certified of its stream"
	}
	return ""
}
