package vectors

import (
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"pgregory.net/rapid"
)

// changes is how many changes there are to a message, none among them.
const changes = 8

// change changes one thing in a message, by the number of the change, and signs it
// again, unless that is what is changed.
func (s *scene) change(t *rapid.T, m quorum.Message, what int) quorum.Message {
	switch m := m.(type) {
	case *quorum.Prepare:
		return s.changePrepare(*m, what)
	case *quorum.Commit:
		return s.changeCommit(t, *m, what)
	case *quorum.Decided:
		return s.changeDecided(t, *m, what)
	case *quorum.Resync:
		return s.changeResync(*m, what)
	case *quorum.ResyncReply:
		return s.changeReply(*m, what)
	case quorum.Candidate:
		switch what {
		case 1:
			m.Attempt++
		case 2:
			m.Envelope.BatchID++
		case 3:
			m.Body = append(slices.Clone(m.Body), 0)
		}
		return m
	case quorum.Start:
		return s.changeStart(m, what)
	}
	return m
}

// changeHead makes the changes 1 to 5 of a message that says its chain, sender and
// height.
func (s *scene) changeHead(chain *cert.Hash, from *int, height *uint64, what int) {
	switch what {
	case 1:
		chain[0] ^= 1
	case 2:
		*from = len(s.cfg.Roster)
	case 3:
		*height++
	case 4:
		*height--
	case 5:
		*from = me
	}
}

func (s *scene) changePrepare(m quorum.Prepare, what int) quorum.Message {
	s.changeHead(&m.Chain, &m.From, &m.Height, what)
	if what == 6 {
		m.Proof = broken(m.Proof)
	}
	if m.From < len(s.cfg.Roster) {
		m.Signature = s.refined.Sign(m.From, cert.PrepareMessage(s.cfg.Chain, m.Height, m.Attempt, m.Digest))
	}
	if what == 7 {
		m.Signature[0] ^= 1
	}
	return &m
}

// broken returns a proof of which the last signature is not one.
func broken(p *quorum.Proof) *quorum.Proof {
	if p == nil {
		return nil
	}
	other := *p
	other.Signatures = slices.Clone(p.Signatures)
	other.Signatures[len(other.Signatures)-1][0] ^= 1
	return &other
}

// otherContent returns any content that the world knows.
func (s *scene) otherContent(t *rapid.T) quorum.Content {
	m, err := s.message(rapid.SampledFrom(s.asked["Candidate"]).Draw(t, "content"))
	if err != nil {
		panic(err)
	}
	return m.(quorum.Candidate).Content
}

func (s *scene) changeCommit(t *rapid.T, m quorum.Commit, what int) quorum.Message {
	switch what {
	case 1:
		m.Chain[0] ^= 1
	case 2:
		m.From = len(s.cfg.Roster)
	case 3:
		m.Envelope = s.otherContent(t).Envelope
	case 4, 5:
		m.From = me
	case 6:
		m.Proof = broken(m.Proof)
	}
	if m.From < len(s.cfg.Roster) {
		m.Vote = s.refined.Sign(m.From, cert.VoteMessage(s.cfg.Chain, m.Envelope.Hash()))
	}
	if what == 7 {
		m.Vote[0] ^= 1
	}
	return &m
}

func (s *scene) changeDecided(t *rapid.T, m quorum.Decided, what int) quorum.Message {
	c := &m.Certificate
	c.Signatures = slices.Clone(c.Signatures)
	if what < 4 {
		other := s.otherContent(t)
		c.Envelope, c.Body = other.Envelope, other.Body
	}
	for i := range c.Signatures {
		c.Signatures[i] = s.refined.Sign(i, cert.VoteMessage(s.cfg.Chain, c.Envelope.Hash()))
	}
	switch what {
	case 3, 4:
		c.Signatures[1][0] ^= 1
	case 5:
		c.Body = append(slices.Clone(c.Body), 0)
	case 6:
		c.Signatures = c.Signatures[:1]
	}
	return &m
}

func (s *scene) changeResync(m quorum.Resync, what int) quorum.Message {
	s.changeHead(&m.Chain, &m.From, &m.Height, what)
	if m.From < len(s.cfg.Roster) {
		m.Signature = s.refined.Sign(m.From, signedPart("omega/resync/v1\x00", &m))
	}
	if what == 7 {
		m.Signature[0] ^= 1
	}
	return &m
}

func (s *scene) changeReply(m quorum.ResyncReply, what int) quorum.Message {
	switch what {
	case 1:
		m.Chain[0] ^= 1
	case 2:
		m.From = len(s.cfg.Roster)
	case 3:
		m.To = 1
	case 4:
		m.Nonce[0] ^= 1
	case 5:
		m.Height++
	case 6:
		if m.Prepare != nil {
			p := *m.Prepare
			p.Signature[0] ^= 1
			m.Prepare = &p
		}
	}
	if m.From < len(s.cfg.Roster) {
		m.Signature = s.refined.Sign(m.From, signedPart("omega/resync-reply/v1\x00", &m))
	}
	if what == 7 {
		m.Signature[0] ^= 1
	}
	return &m
}

func (s *scene) changeStart(m quorum.Start, what int) quorum.Message {
	if m.Disk == nil {
		return m
	}
	d := *m.Disk
	switch what {
	case 1:
		d.Chain[0] ^= 1
	case 2:
		d.Height++
	case 3:
		d.Height--
	case 4:
		d.Candidates = nil
	case 5:
		d.Proof = broken(d.Proof)
	case 6:
		d.Lock = d.Proof
	case 7:
		if d.Prepare != nil {
			p := *d.Prepare
			p.Signature[0] ^= 1
			d.Prepare = &p
		}
	}
	m.Disk = &d
	return m
}
