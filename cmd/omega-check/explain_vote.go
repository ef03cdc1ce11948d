package main

import (
	"crypto/ed25519"
	"errors"

	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/node"
)

// voteContentAt is where the content of a vote file begins (CLG-7).
const voteContentAt = 14

// explainVote decodes a member's vote file: what it has signed at one height
// (CLG-7, QRM-21).
func explainVote(x *explanation, file []byte, known *node.View) error {
	content, err := certlog.ParseVote(file)
	var bad *certlog.VoteError
	if errors.As(err, &bad) {
		x.fault("bad-vote", bad.Offset, bad.Message)
		return nil
	} else if err != nil {
		return err
	}
	d, err := quorum.DecodeDurable(content)
	if err != nil {
		x.fault("bad-vote", voteContentAt, err.Error())
		return nil
	}
	p := x.part("vote file", file, 0)
	p.field("magic", 8, showQuoted, "opens every vote file")
	p.number("version", 2, "of the format")
	p.number("len", 4, "bytes of the content")
	p.durable(d)
	p.field("crc", 4, nil, "CRC-32C of all before it")
	p.check("crc", holds, "it is that of its bytes")
	x.fact("height", "%d", d.Height)
	x.fact("prepared", "%s", preparedName(d.Prepare))
	x.fact("locked", "%s", lockedName(d.Lock))
	return checkVotes(x, p, d, known)
}

func preparedName(s *quorum.SignedPrepare) string {
	if s == nil {
		return "nothing"
	}
	return "attempt " + count(s.Attempt) + ", " + s.Digest.String()
}

func lockedName(lock *quorum.Proof) string {
	if lock == nil {
		return "no: the member has given no vote at this height"
	}
	return "on " + lock.Digest.String() + ": the member votes for nothing else at this height"
}

// durable adds the fields of what a member keeps of a height (QRM-21).
func (p *part) durable(d *quorum.Durable) {
	p.field("chain", 32, nil, "the chain's name")
	p.number("height", 8, "of the certificate voted on")
	if p.optional("prepare", d.Prepare != nil, "the newest that the member has signed") {
		p.number("attempt", 8, "")
		p.field("digest", 32, nil, "cert_hash prepared")
		p.field("signature", 64, nil, "the member's")
	}
	p.proof("proof", d.Proof, "the highest that the member knows")
	p.proof("lock", d.Lock, "what the member is locked from")
	p.number("candidates", 1, "contents that the fields above refer to")
	for i := range d.Candidates {
		body := int64(len(d.Candidates[i].Body))
		p.field("envelope", cert.EnvelopeSize, func([]byte) string { return d.Candidates[i].Envelope.Type.String() }, "of a certificate to be")
		p.number("body_len", 4, "bytes of its body")
		p.field("body", body, nil, "")
		p.number("joining", 2, "signatures of those who join by it")
		p.items(len(d.Candidates[i].Joining), cert.SignatureSize, "signature", func(int) {
			p.field("signature", cert.SignatureSize, nil, "a vote, in the new roster's order")
		})
	}
}

// optional adds the byte before an optional field, and returns whether it is there.
func (p *part) optional(name string, there bool, meaning string) bool {
	p.field(name, 1, func([]byte) string { return map[bool]string{true: "present", false: "absent"}[there] }, meaning)
	return there
}

func (p *part) proof(name string, proof *quorum.Proof, meaning string) {
	if !p.optional(name, proof != nil, meaning) {
		return
	}
	p.number("attempt", 8, "")
	p.field("digest", 32, nil, "cert_hash that all have prepared")
	p.number("count", 2, "signatures")
	p.items(len(proof.Signatures), cert.SignatureSize, "signature", func(int) {
		p.field("signature", cert.SignatureSize, nil, "of a prepare, in roster order")
	})
}

// checkVotes verifies the signatures in a vote file by the chain's roster.
func checkVotes(x *explanation, p *part, d *quorum.Durable, known *node.View) error {
	if known == nil {
		x.check("signatures", unknown, "the members' keys stand in the chain: --data names its folder")
		return nil
	}
	if d.Chain != known.Chain.Name {
		x.check("chain", fails, "the vote is for the chain %v, the one of %s is %v", d.Chain, printable(known.Dir), known.Chain.Name)
		return nil
	}
	if d.Height > known.Chain.Length {
		x.check("height", fails, "the vote is for height %d, the chain in %s has %s", d.Height, printable(known.Dir), plural(known.Chain.Length, "certificate"))
		return nil
	}
	chain, err := upTo(known, d.Height)
	if err != nil {
		return err
	}
	votes := voteCheck{part: p, chain: chain, height: d.Height}
	if d.Prepare != nil {
		votes.prepare(d.Prepare)
	}
	votes.proof("proof", d.Proof)
	votes.proof("lock", d.Lock)
	return nil
}

type voteCheck struct {
	part   *part
	chain  cert.Chain
	height uint64
}

func (v *voteCheck) verify(member int, attempt uint64, digest cert.Hash, sig cert.Signature) bool {
	message := cert.PrepareMessage(v.chain.Name, v.height, attempt, digest)
	return ed25519.Verify(v.chain.Roster[member].Key[:], message, sig[:])
}

// prepare finds the member whose prepare it is.
func (v *voteCheck) prepare(s *quorum.SignedPrepare) {
	for i := range v.chain.Roster {
		if v.verify(i, s.Attempt, s.Digest, s.Signature) {
			v.part.check("prepare", holds, "signed by %q", v.chain.Roster[i].Name)
			return
		}
	}
	v.part.check("prepare", fails, "no member of the roster has signed it")
}

func (v *voteCheck) proof(name string, p *quorum.Proof) {
	if p == nil {
		return
	}
	if len(p.Signatures) != len(v.chain.Roster) {
		v.part.check(name, fails, "got %s, the roster has %s", plural(len(p.Signatures), "signature"), plural(len(v.chain.Roster), "member"))
		return
	}
	for i, sig := range p.Signatures {
		if !v.verify(i, p.Attempt, p.Digest, sig) {
			v.part.check(name, fails, "signature %d is not one by %q", i, v.chain.Roster[i].Name)
			return
		}
	}
	v.part.check(name, holds, "all %s have signed it", plural(len(p.Signatures), "member"))
}
