package sim

import (
	"errors"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// Fault is a canary: what one member does wrong, so that the judge can show that it
// would see it. It stands in the shell, around Step; the product has none of it.
type Fault struct {
	Name    string
	Rules   []Rule // those that may be the first to be broken by it
	Liars   bool   // it takes a liar to show
	fragile bool   // it takes a crash behind a write to show: every other write is one
	before  func(m quorum.Message) quorum.Message
	after   func(t *wrong)
}

// wrong is a step with a fault, after the true one.
type wrong struct {
	x       *Node
	m       quorum.Message
	s       quorum.State
	effects []quorum.Effect
	err     error
}

// step is quorum.Step, with the fault if there is one.
func (f *Fault) step(x *Node, m quorum.Message) (quorum.State, []quorum.Effect, error) {
	if f == nil {
		return quorum.Step(x.Config, x.State, m)
	}
	if f.before != nil {
		m = f.before(m)
	}
	t := &wrong{x: x, m: m}
	t.s, t.effects, t.err = quorum.Step(x.Config, x.State, m)
	if f.after != nil {
		f.after(t)
	}
	return t.s, t.effects, t.err
}

// crashesAt returns behind which of the effects a fragile member crashes, or -1.
func (f *Fault) crashesAt(effects []quorum.Effect, pick func(n int) int) int {
	if f == nil || !f.fragile {
		return -1
	}
	i := slices.IndexFunc(effects, func(e quorum.Effect) bool { _, ok := e.(quorum.Persist); return ok })
	if i >= 0 && pick(2) == 0 {
		return i + 1
	}
	return -1
}

// Faults are all the canaries.
var Faults = []*Fault{
	{Name: "sends a prepare before it is on disk", Rules: []Rule{RulePrepare}, after: sendFirst[*quorum.Prepare]},
	{Name: "sends a commit before its lock is on disk", Rules: []Rule{RuleCommit}, after: sendFirst[*quorum.Commit]},
	{Name: "locks from the proof of an earlier attempt", Rules: []Rule{RuleLock}, after: lockFromProof},
	{Name: "takes N-1 commits for all", Rules: []Rule{RuleCertain}, after: certifyEarly},
	{Name: "prepares twice in one attempt", Rules: []Rule{RulePrepare}, after: prepareTwice},
	{Name: "signs before its peers have answered", Rules: []Rule{RuleReady}, after: beReady},
	{Name: "jumps over an attempt", Rules: []Rule{RuleAttempt}, after: jump},
	{Name: "forgets in a crash what it has prepared", Rules: []Rule{RuleHalt, RuleAttempt, RulePrepare, RuleProof, RuleLock}, fragile: true, before: onDisk(func(*quorum.Durable) *quorum.Durable {
		return nil
	})},
	{Name: "forgets in a crash that it is locked", Rules: []Rule{RuleHalt, RuleLock}, fragile: true, before: onDisk(func(d *quorum.Durable) *quorum.Durable {
		d.Lock = nil
		return d
	})},
	{Name: "relies on a proof that is not on disk", Rules: []Rule{RuleProof}, after: dropProof},
	{Name: "adopts a certificate that does not verify", Rules: []Rule{RuleCertain}, Liars: true, after: adoptAnything},
	{Name: "does not append what is decided", Rules: []Rule{RuleLog}, after: func(t *wrong) {
		t.effects = slices.DeleteFunc(t.effects, func(e quorum.Effect) bool { _, ok := e.(quorum.Append); return ok })
	}},
	{Name: "accuses an honest member", Rules: []Rule{RuleBlame}, after: accuse},
}

func onDisk(forget func(*quorum.Durable) *quorum.Durable) func(quorum.Message) quorum.Message {
	return func(m quorum.Message) quorum.Message {
		if s, ok := m.(quorum.Start); ok && s.Disk != nil {
			disk := *s.Disk
			disk.Candidates = slices.Clone(disk.Candidates)
			return quorum.Start{Disk: forget(&disk), Nonce: s.Nonce}
		}
		return m
	}
}

// sendFirst exchanges a Persist and the send of an M behind it.
func sendFirst[M quorum.Wire](t *wrong) {
	for i := 1; i < len(t.effects); i++ {
		_, persist := t.effects[i-1].(quorum.Persist)
		send, ok := t.effects[i].(quorum.Send)
		if !ok || !persist {
			continue
		}
		if _, ok := send.Message.(M); ok {
			t.effects[i-1], t.effects[i] = t.effects[i], t.effects[i-1]
		}
	}
}

// dropProof leaves the proof out of what goes to disk.
func dropProof(t *wrong) {
	for i, e := range t.effects {
		p, ok := e.(quorum.Persist)
		if !ok {
			continue
		}
		d, err := quorum.DecodeDurable(p.Durable)
		if err != nil || d.Lock != nil || d.Proof == nil {
			continue
		}
		d.Proof = nil
		d.Candidates = slices.DeleteFunc(d.Candidates, func(c quorum.Content) bool {
			return d.Prepare == nil || c.Digest() != d.Prepare.Digest
		})
		t.effects[i] = quorum.Persist{Durable: d.Encode()}
	}
}

func (t *wrong) do(e quorum.Effect) { t.effects = append(t.effects, e) }

func (t *wrong) me() int { return t.x.ID }

// persist is the member's disk for the state as it now is.
func (t *wrong) persist() {
	d := &quorum.Durable{
		Chain: t.s.Chain.Name, Height: t.s.Height(), Prepare: t.s.Prepares[t.me()].Newest, Proof: t.s.Proof, Lock: t.s.Lock,
	}
	for _, c := range t.s.Candidates {
		digest := c.Digest()
		if isFor(d.Proof, digest) || isFor(d.Lock, digest) || d.Prepare != nil && d.Prepare.Digest == digest {
			d.Candidates = append(d.Candidates, c)
		}
	}
	t.do(quorum.Persist{Durable: d.Encode()})
}

func (t *wrong) candidate(digest cert.Hash) *quorum.Content {
	for i := range t.s.Candidates {
		if t.s.Candidates[i].Digest() == digest {
			return &t.s.Candidates[i]
		}
	}
	return nil
}

func lockFromProof(t *wrong) {
	s := &t.s
	if t.err != nil || !s.Ready() || s.Lock != nil || s.Proof == nil || s.Proof.Attempt >= s.Attempt || t.candidate(s.Proof.Digest) == nil {
		return
	}
	s.Lock = s.Proof
	t.persist()
}

func certifyEarly(t *wrong) {
	s := &t.s
	if t.err != nil || s.Lock == nil || t.candidate(s.Lock.Digest) == nil {
		return
	}
	c := t.candidate(s.Lock.Digest)
	out, held := cert.Certificate{Envelope: c.Envelope, Body: c.Body}, 0
	for _, commit := range s.Commits {
		vote := cert.Signature{}
		if commit != nil && commit.Envelope == c.Envelope {
			vote, held = commit.Vote, held+1
		}
		out.Signatures = append(out.Signatures, vote)
	}
	if held == len(s.Commits)-1 {
		t.do(quorum.Append{Certificate: out})
	}
}

func prepareTwice(t *wrong) {
	p := t.x.State.Prepares[t.me()].Current
	if t.err != nil || t.s.Height() != t.x.State.Height() || p == nil || t.s.Prepares[t.me()].Current != p || t.s.Lock != nil {
		return
	}
	other := Content(t.s.Chain, 9)
	second := quorum.SignedPrepare{Attempt: p.Attempt, Digest: other.Digest()}
	second.Signature = t.x.Config.Signer.Sign(cert.PrepareMessage(t.s.Chain.Name, t.s.Height(), p.Attempt, second.Digest))
	d := &quorum.Durable{Chain: t.s.Chain.Name, Height: t.s.Height(), Prepare: &second, Proof: t.s.Proof, Candidates: []quorum.Content{other}}
	t.do(quorum.Persist{Durable: d.Encode()})
	t.do(quorum.Send{To: quorum.Everyone, Message: &quorum.Prepare{
		Chain: d.Chain, Height: d.Height, From: t.me(), SignedPrepare: second, Proof: t.s.Proof,
	}})
}

func beReady(t *wrong) {
	if _, ok := t.m.(quorum.Start); ok && t.err == nil {
		t.s.Answered = slices.Clone(t.s.Answered)
		for i := range t.s.Answered {
			t.s.Answered[i] = true
		}
		t.do(quorum.NeedCandidate{Height: t.s.Height(), Attempt: t.s.Attempt})
	}
}

func jump(t *wrong) {
	if _, ok := t.m.(quorum.Timeout); ok && t.err == nil && t.s.Prepares[t.me()].Current == nil {
		t.s.Attempt++
		t.do(quorum.NeedCandidate{Height: t.s.Height(), Attempt: t.s.Attempt})
	}
}

func adoptAnything(t *wrong) {
	m, ok := t.m.(*quorum.Decided)
	if !ok || !errors.Is(t.err, quorum.ErrCertificate) || m.Certificate.Envelope.Prev != t.x.Chain.Head {
		return
	}
	if next, err := t.x.Chain.CheckContent(&m.Certificate.Envelope, m.Certificate.Body); err == nil {
		t.s, t.err = quorum.Begin(next), nil
		t.s.Started = true
		t.do(quorum.Append{Certificate: m.Certificate})
	}
}

func accuse(t *wrong) {
	for i, p := range t.s.Prepares {
		if t.err == nil && i != t.me() && p.Newest != nil {
			m := &quorum.Prepare{Chain: t.s.Chain.Name, Height: t.s.Height(), From: i, SignedPrepare: *p.Newest}
			t.do(quorum.Evidence{Member: i, First: m, Second: m})
			return
		}
	}
}
