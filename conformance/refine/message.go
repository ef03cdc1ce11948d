package refine

import (
	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// The tags before what the signatures of a Resync and its reply cover (QRM-7, QRM-8).
const (
	resyncTag = "omega/resync/v1\x00"
	replyTag  = "omega/resync-reply/v1\x00"
)

// signedPart returns what the signature at the end of a message covers: a tag, and
// the message's bytes behind its kind and before the signature.
func signedPart(tag string, m quorum.Wire) []byte {
	b := quorum.Encode(m)
	return append([]byte(tag), b[1:len(b)-cert.SignatureSize]...)
}

// Message returns act.arg for what a step takes: a message of net, a digest for a
// Candidate, the nonce's number for a Start, None for Tick and Timeout.
func (n *Naming) Message(msg quorum.Message) (tlavalue.Value, error) {
	m := mapping{Naming: n}
	v := m.message(msg)
	return v, m.err
}

func (m *mapping) message(msg quorum.Message) tlavalue.Value {
	switch msg := msg.(type) {
	case *quorum.Prepare:
		return m.prepareMessage(msg)
	case *quorum.Commit:
		return m.commitMessage(msg)
	case *quorum.Decided:
		return record(fields{
			"type":   tlavalue.String("decided"),
			"digest": m.digest(msg.Certificate.Envelope.Hash()),
			"votes":  m.votes(&msg.Certificate),
		})
	case *quorum.Resync:
		m.checkFrom(msg.Chain, msg.From, signedPart(resyncTag, msg), msg.Signature)
		return record(fields{
			"type": tlavalue.String("resync"), "from": m.member(msg.From),
			"height": m.number(msg.Height), "nonce": m.nonce(msg.Nonce),
		})
	case *quorum.ResyncReply:
		return m.replyMessage(msg)
	case quorum.Candidate:
		return m.digest(msg.Digest())
	case quorum.Start:
		return m.nonce(msg.Nonce)
	case quorum.Tick, quorum.Timeout:
		return None
	}
	return m.foreign("a message %T", msg)
}

// checkFrom checks that a message of the chain is signed by its sender.
func (m *mapping) checkFrom(chain cert.Hash, from int, signed []byte, sig cert.Signature) {
	switch {
	case chain != m.chain:
		m.foreign("a message of the chain %v", chain)
	case from < 0 || from >= len(m.members):
		m.foreign("a message of member %d", from)
	case !m.verify(from, signed, sig):
		m.foreign("a message that member %d has not signed", from)
	}
}

func (m *mapping) prepareMessage(p *quorum.Prepare) tlavalue.Value {
	m.checkFrom(p.Chain, p.From, cert.PrepareMessage(p.Chain, p.Height, p.Attempt, p.Digest), p.Signature)
	return record(fields{
		"type": tlavalue.String("prepare"), "from": m.member(p.From), "height": m.number(p.Height),
		"attempt": m.number(p.Attempt), "digest": m.digest(p.Digest), "proof": m.proof(p.Height, p.Proof),
	})
}

func (m *mapping) commitMessage(c *quorum.Commit) tlavalue.Value {
	m.checkFrom(c.Chain, c.From, cert.VoteMessage(c.Chain, c.Envelope.Hash()), c.Vote)
	return record(fields{
		"type": tlavalue.String("commit"), "from": m.member(c.From),
		"digest": m.digest(c.Envelope.Hash()), "proof": m.proof(c.Envelope.BatchID, c.Proof),
	})
}

func (m *mapping) replyMessage(r *quorum.ResyncReply) tlavalue.Value {
	m.checkFrom(r.Chain, r.From, signedPart(replyTag, r), r.Signature)
	to := m.member(r.To)
	if m.err != nil {
		return None
	}
	return record(fields{
		"type": tlavalue.String("reply"), "from": m.member(r.From), "to": to,
		"height": m.number(r.Height), "nonce": m.nonce(r.Nonce),
		"prepare": m.prepare(r.Height, r.To, r.Prepare), "commit": m.commit(r.Height, r.To, r.Commit),
	})
}

// The kinds of the model's effects.
const (
	SendEffect    = "send"
	PersistEffect = "persist"
	AppendEffect  = "append"
)

// Effect is an effect of the model, one that cut counts. Value is the message sent,
// disk[m] as persisted, or the entry of log[m].
type Effect struct {
	Kind  string
	Value tlavalue.Value
}

// Effects returns the model's effects of a step of member self, which was at the
// given height: Announce and SendCertificate are sends, and what only tells the shell
// is left out. Certified returns the certificate of a height that the member has.
func (n *Naming) Effects(self int, height uint64, effects []quorum.Effect, certified func(height uint64) *cert.Certificate) ([]Effect, error) {
	m := mapping{Naming: n}
	var out []Effect
	for _, e := range effects {
		switch e := e.(type) {
		case quorum.Persist:
			out = append(out, Effect{PersistEffect, m.persisted(self, e.Durable, height)})
		case quorum.Send:
			m.checkTo(self, e)
			out = append(out, Effect{SendEffect, m.message(e.Message)})
		case quorum.Append:
			out = append(out, Effect{AppendEffect, m.certificate(&e.Certificate)})
		case quorum.Announce:
			out = append(out, Effect{SendEffect, m.message(&quorum.Decided{Certificate: e.Certificate})})
		case quorum.SendCertificate:
			c := certified(e.Height)
			if c == nil || e.To == self {
				m.foreign("the certificate of height %d is sent to member %d", e.Height, e.To)
				continue
			}
			out = append(out, Effect{SendEffect, m.message(&quorum.Decided{Certificate: *c})})
		}
	}
	return out, m.err
}

func (m *mapping) persisted(self int, b []byte, height uint64) tlavalue.Value {
	d, err := quorum.DecodeDurable(b)
	if err != nil {
		return m.foreign("a Persist of bytes that do not decode: %w", err)
	}
	return m.disk(self, d, height)
}

// checkTo checks that a message goes to whom it is meant for: a reply to the one that
// asked, a question to peers, and all else to everyone. The model does not say it,
// since there everybody may receive everything.
func (m *mapping) checkTo(self int, s quorum.Send) {
	fits := s.To == quorum.Everyone
	switch msg := s.Message.(type) {
	case *quorum.ResyncReply:
		fits = s.To == msg.To
	case *quorum.Resync:
		fits = fits || s.To >= 0 && s.To < len(m.members)
	}
	if !fits || s.To == self {
		m.foreign("a %T is sent to member %d", s.Message, s.To)
	}
}
