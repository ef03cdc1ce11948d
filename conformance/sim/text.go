package sim

import (
	"fmt"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// String returns the record in one line, for people.
func (r Record) String() string {
	b := &strings.Builder{}
	fmt.Fprintf(b, "m%d #%d %s", r.Member, r.Seq, describe(r.Message))
	if r.Cause != nil {
		fmt.Fprintf(b, " by m%d #%d", r.Cause.Member, r.Cause.Seq)
	}
	if r.Refused != nil {
		fmt.Fprintf(b, " refused: %v", r.Refused)
	}
	for _, m := range r.Sent {
		fmt.Fprintf(b, ", sends %s", describe(m))
	}
	if r.Cut > 0 {
		fmt.Fprintf(b, ", crashes behind effect %d", r.Cut)
	}
	if !r.Up {
		return b.String() + "; down"
	}
	fmt.Fprintf(b, "; height %d attempt %d%s%s", r.State.Height(), r.State.Attempt, proofText(" proof", r.State.Proof), proofText(" lock", r.State.Lock))
	return b.String()
}

func describe(m quorum.Message) string {
	switch m := m.(type) {
	case *quorum.Prepare:
		return fmt.Sprintf("prepare(m%d height %d attempt %d %s%s)", m.From, m.Height, m.Attempt, short(m.Digest), proofText(" proof", m.Proof))
	case *quorum.Commit:
		return fmt.Sprintf("commit(m%d height %d %s)", m.From, m.Envelope.BatchID, short(m.Envelope.Hash()))
	case *quorum.Decided:
		return fmt.Sprintf("decided(height %d %s)", m.Certificate.Envelope.BatchID, short(m.Certificate.Envelope.Hash()))
	case *quorum.Resync:
		return fmt.Sprintf("resync(m%d height %d)", m.From, m.Height)
	case *quorum.ResyncReply:
		return fmt.Sprintf("reply(m%d to m%d height %d, prepare %t, commit %t)", m.From, m.To, m.Height, m.Prepare != nil, m.Commit != nil)
	case quorum.Start:
		return fmt.Sprintf("start(disk %t)", m.Disk != nil)
	case quorum.Candidate:
		return fmt.Sprintf("candidate(attempt %d %s)", m.Attempt, short(m.Digest()))
	}
	return strings.ToLower(string(actOf(m)))
}

func short(h cert.Hash) string { return h.String()[:8] }

func proofText(name string, p *quorum.Proof) string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf("%s(%d %s)", name, p.Attempt, short(p.Digest))
}
