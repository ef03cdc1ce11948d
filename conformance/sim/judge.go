package sim

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// Rule is a promise that the judge holds the members to.
type Rule string

// The rules, by what they promise.
const (
	RulePure     Rule = "Step is a function that leaves its arguments alone, and an error changes nothing"
	RulePanic    Rule = "no step panics"
	RuleStart    Rule = "a member starts from its own disk"
	RuleDisk     Rule = "the disk has what was written"
	RuleNeed     Rule = "what is asked of the shell can be had"
	RuleHeld     Rule = "the candidates held are those referred to, in order"
	RuleAttempt  Rule = "attempts go one by one, and none is forgotten"
	RuleStand    Rule = "a member stands for its lock, else for the highest proof it knows, else for what it made"
	RuleProof    Rule = "no proof is forgotten, and none is relied on before it is on disk"
	RuleLock     Rule = "a member locks once a height, from all prepares of its attempt, and never forgets it"
	RuleSplit    Rule = "no two honest members are locked apart"
	RulePrepare  Rule = "one prepare an attempt, on disk before it leaves"
	RuleCommit   Rule = "one commit a height, its lock on disk before it leaves"
	RuleReady    Rule = "nothing is signed before every peer has answered"
	RuleCertain  Rule = "a certificate has all signatures, and follows the chain"
	RuleFork     Rule = "one certificate a height"
	RuleLog      Rule = "the certificate log has what the member has decided"
	RuleBlame    Rule = "nobody honest is accused, and evidence convicts"
	RuleHalt     Rule = "a member with its own disk does not halt"
	RuleProgress Rule = "all decide once faults stop"
)

// Failure is the first rule that was broken in a run.
type Failure struct {
	Rule   Rule
	Member int // -1: nobody's alone
	Height uint64
	Text   string
}

func (f *Failure) Error() string {
	return fmt.Sprintf("broken: %s: member %d, height %d: %s", f.Rule, f.Member, f.Height, f.Text)
}

// fail ends the run. The Failure is the panic's value, which Run takes back.
func (w *World) fail(rule Rule, x *Node, format string, args ...any) {
	f := &Failure{Rule: rule, Member: -1, Text: fmt.Sprintf(format, args...)}
	if x != nil {
		f.Member, f.Height = x.ID, x.State.Height()
	}
	panic(f)
}

type at struct {
	member          int
	height, attempt uint64
}

// judge holds what has happened, as far as a promise is about it.
type judge struct {
	w        *World
	decided  map[uint64]cert.Hash
	locked   map[uint64]cert.Hash // by height, over all honest members
	locks    map[at]quorum.Proof  // by member and height
	commits  map[at]cert.Hash
	prepares map[at]cert.Hash // by member, height and attempt
	next     map[at]uint64    // by member and height: the first attempt not prepared in yet
}

func newJudge(w *World) judge {
	return judge{
		w: w, decided: map[uint64]cert.Hash{}, locked: map[uint64]cert.Hash{}, locks: map[at]quorum.Proof{},
		commits: map[at]cert.Hash{}, prepares: map[at]cert.Hash{}, next: map[at]uint64{},
	}
}

// step makes a step. Some it makes twice, and compares.
func (j *judge) step(x *Node, m quorum.Message) (quorum.State, []quorum.Effect, error) {
	closely := j.w.Stats.Steps%j.w.Closely == 0
	before := ""
	if closely {
		before = fingerprint(&x.State)
	}
	next, effects, err := x.fault.step(x, m)
	if closely && x.fault == nil {
		j.pure(x, m, before, &next, effects, err)
	}
	if err != nil {
		if len(effects) > 0 {
			j.w.fail(RulePure, x, "%d effects beside the error %v", len(effects), err)
		}
		return next, nil, err
	}
	j.held(x, &next)
	if p := carried(m); p != nil && next.Height() == x.State.Height() && next.Halted == nil && height(m) == next.Height() &&
		(next.Proof == nil || next.Proof.Attempt < p.Attempt) {
		j.w.fail(RuleProof, x, "a %s has brought a proof of %d, which is not taken over", actOf(m), p.Attempt)
	}
	if next.Lock != nil && next.Lock.Digest != next.Proof.Digest {
		j.w.fail(RuleProof, x, "the highest proof is for %v, the lock for %v", next.Proof.Digest, next.Lock.Digest)
	}
	return next, effects, nil
}

// carried returns the proof that a message brings, or nil.
func carried(m quorum.Message) *quorum.Proof {
	switch m := m.(type) {
	case *quorum.Prepare:
		return m.Proof
	case *quorum.Commit:
		return m.Proof
	}
	return nil
}

// height returns that of a prepare or commit.
func height(m quorum.Message) uint64 {
	switch m := m.(type) {
	case *quorum.Prepare:
		return m.Height
	case *quorum.Commit:
		return m.Envelope.BatchID
	}
	return 0
}

func (j *judge) pure(x *Node, m quorum.Message, before string, next *quorum.State, effects []quorum.Effect, err error) {
	if before != fingerprint(&x.State) {
		j.w.fail(RulePure, x, "a step by %s has changed its argument", actOf(m))
	}
	if err != nil && before != fingerprint(next) {
		j.w.fail(RulePure, x, "the error %v has changed the state", err)
	}
	again, effects2, err2 := quorum.Step(x.Config, x.State, m)
	if (err == nil) != (err2 == nil) || fingerprint(next) != fingerprint(&again) || said(effects) != said(effects2) {
		j.w.fail(RulePure, x, "a second step by the same %s gives something else", actOf(m))
	}
}

// held checks that the candidates are in order, and that each is referred to.
func (j *judge) held(x *Node, s *quorum.State) {
	var last cert.Hash
	for i := range s.Candidates {
		digest := s.Candidates[i].Digest()
		p := s.Prepares[x.ID].Newest
		if digest != s.Own && !(p != nil && p.Digest == digest) && !isFor(s.Proof, digest) && !isFor(s.Lock, digest) {
			j.w.fail(RuleHeld, x, "the candidate %v is kept for nothing", digest)
		}
		if i > 0 && bytes.Compare(last[:], digest[:]) >= 0 {
			j.w.fail(RuleHeld, x, "the candidates %d and %d are out of order", i-1, i)
		}
		last = digest
	}
}

func isFor(p *quorum.Proof, digest cert.Hash) bool { return p != nil && p.Digest == digest }

// rest checks a member that has done all that a step asks for.
func (j *judge) rest(x *Node) {
	if x.State.Chain.Head != x.Chain.Head || x.State.Height() != x.Chain.Length {
		j.w.fail(RuleLog, x, "the member is behind %v, its log ends with %v at %d", x.State.Chain.Head, x.Chain.Head, x.Chain.Length-1)
	}
}

// persist checks what goes to disk: a lock is set once and from the attempt of
// the newest prepare, attempts go one by one, nothing known is forgotten.
func (j *judge) persist(x *Node, e quorum.Persist) {
	d := j.w.decode(x, e.Durable)
	if !bytes.Equal(d.Encode(), e.Durable) || d.Chain != x.Chain.Name {
		j.w.fail(RuleDisk, x, "what goes to disk is not what it is decoded to, or of another chain")
	}
	k := at{member: x.ID, height: d.Height}
	if x.Durable != nil {
		if old := j.w.decode(x, x.Durable); old.Height == d.Height {
			j.compare(x, old, d)
		}
	}
	if d.Prepare != nil && d.Prepare.Attempt >= j.next[k] {
		j.newPrepare(x, d, j.next[k])
		j.next[k] = d.Prepare.Attempt + 1
	}
	j.persistLock(x, k, d)
}

// newPrepare checks the first prepare of an attempt: want is the attempt that is next.
func (j *judge) newPrepare(x *Node, d *quorum.Durable, want uint64) {
	p := d.Prepare
	if p.Attempt > want {
		j.w.fail(RuleAttempt, x, "it prepares in %d, and has not in %d", p.Attempt, want)
	}
	if d.Lock != nil && d.Lock.Digest != p.Digest {
		j.w.fail(RuleStand, x, "locked on %v it prepares %v in %d", d.Lock.Digest, p.Digest, p.Attempt)
	}
	if d.Proof != nil && d.Proof.Digest != p.Digest {
		j.w.fail(RuleStand, x, "it prepares %v in %d, and knows a proof of %d for %v", p.Digest, p.Attempt, d.Proof.Attempt, d.Proof.Digest)
	}
	if _, ok := j.w.contents[p.Digest]; !ok || j.w.contents[p.Digest].Envelope.Prev != x.Chain.Head {
		j.w.fail(RuleStand, x, "it prepares %v in %d, which nobody made for this height", p.Digest, p.Attempt)
	}
}

func (j *judge) compare(x *Node, old, d *quorum.Durable) {
	if old.Proof != nil && (d.Proof == nil || d.Proof.Attempt < old.Proof.Attempt) {
		j.w.fail(RuleProof, x, "the proof of %d is forgotten", old.Proof.Attempt)
	}
	if old.Prepare != nil && (d.Prepare == nil || d.Prepare.Attempt < old.Prepare.Attempt) {
		j.w.fail(RuleAttempt, x, "the prepare of %d is forgotten", old.Prepare.Attempt)
	}
}

func (j *judge) persistLock(x *Node, k at, d *quorum.Durable) {
	old, ok := j.locks[k]
	switch {
	case d.Lock == nil && ok:
		j.w.fail(RuleLock, x, "the lock of %d is forgotten", old.Attempt)
	case d.Lock == nil:
	case ok:
		if old.Attempt != d.Lock.Attempt || old.Digest != d.Lock.Digest {
			j.w.fail(RuleLock, x, "the lock of %d for %v is one of %d for %v now", old.Attempt, old.Digest, d.Lock.Attempt, d.Lock.Digest)
		}
	default:
		j.newLock(x, k, d)
	}
}

func (j *judge) newLock(x *Node, k at, d *quorum.Durable) {
	j.w.Stats.Locks++
	lock := d.Lock
	if d.Prepare == nil || d.Prepare.Attempt != lock.Attempt {
		j.w.fail(RuleLock, x, "locked from %d, which is not the attempt of its newest prepare", lock.Attempt)
	}
	if !j.signed(lock.Signatures, cert.PrepareMessage(d.Chain, d.Height, lock.Attempt, lock.Digest)) {
		j.w.fail(RuleLock, x, "locked from %d, whose prepares are not all there", lock.Attempt)
	}
	j.locks[k] = *lock
	once(j.w, RuleSplit, x, j.locked, d.Height, lock.Digest)
}

// signed reports whether all members have signed msg.
func (j *judge) signed(signatures []cert.Signature, msg []byte) bool {
	for i, sig := range signatures {
		if !j.w.scheme.Verify(i, msg, sig) {
			return false
		}
	}
	return len(signatures) == len(j.w.Nodes)
}

// send checks what leaves: it is on disk, it is the only one of its kind, and all
// peers have answered since the start.
func (j *judge) send(x *Node, e quorum.Send) {
	switch m := e.Message.(type) {
	case *quorum.Prepare:
		d := j.signing(x, m.Height)
		if d == nil || d.Prepare == nil || *d.Prepare != m.SignedPrepare {
			j.w.fail(RulePrepare, x, "the prepare of %d for %v leaves before it is on disk", m.Attempt, m.Digest)
		}
		if !sameProof(m.Proof, d.Proof) {
			j.w.fail(RuleProof, x, "a proof leaves with a prepare that is not the one on disk")
		}
		once(j.w, RulePrepare, x, j.prepares, at{x.ID, m.Height, m.Attempt}, m.Digest)
	case *quorum.Commit:
		d := j.signing(x, m.Envelope.BatchID)
		if digest := m.Envelope.Hash(); d == nil || !isFor(d.Lock, digest) {
			j.w.fail(RuleCommit, x, "the commit for %v leaves before its lock is on disk", digest)
		}
		once(j.w, RuleCommit, x, j.commits, at{member: x.ID, height: m.Envelope.BatchID}, m.Envelope.Hash())
	}
}

func sameProof(a, b *quorum.Proof) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Attempt == b.Attempt && a.Digest == b.Digest
}

// signing checks that the member may sign at the height, and returns what its disk
// holds for it, or nil.
func (j *judge) signing(x *Node, height uint64) *quorum.Durable {
	for i := range j.w.Nodes {
		if i != x.ID && !x.answered[i] {
			j.w.fail(RuleReady, x, "it signs before member %d has answered", i)
		}
	}
	if x.Durable == nil {
		return nil
	}
	d := j.w.decode(x, x.Durable)
	if d.Height != height {
		return nil
	}
	return d
}

// append checks a certificate by all of its bytes.
func (j *judge) append(x *Node, c *cert.Certificate) {
	j.w.Stats.Appends++
	if err := j.check(x.Chain, c); err != nil {
		j.w.fail(RuleCertain, x, "%v", err)
	}
	once(j.w, RuleFork, x, j.decided, c.Envelope.BatchID, c.Envelope.Hash())
}

var errVotes = errors.New("not all members have voted for it")

func (j *judge) check(chain cert.Chain, c *cert.Certificate) error {
	if j.w.options.Real {
		_, err := chain.Check(c)
		return err
	}
	next, err := chain.CheckContent(&c.Envelope, c.Body)
	if err == nil && !j.signed(c.Signatures, cert.VoteMessage(chain.Name, next.Head)) {
		err = errVotes
	}
	return err
}

// evidence checks that what is shown against a member is two things signed by it,
// and that it lies.
func (j *judge) evidence(x *Node, e quorum.Evidence) {
	if j.w.Nodes[e.Member] != nil {
		j.w.fail(RuleBlame, x, "it accuses the honest member %d", e.Member)
	}
	first, ok := j.statement(e.Member, e.First)
	second, ok2 := j.statement(e.Member, e.Second)
	if !ok || !ok2 || first.k != second.k || first.digest == second.digest {
		j.w.fail(RuleBlame, x, "the evidence against %d convicts nobody", e.Member)
	}
}

type statement struct {
	k      at
	commit bool
	digest cert.Hash
}

func (j *judge) statement(member int, m quorum.Wire) (statement, bool) {
	v := j.w.scheme.Verify
	switch m := m.(type) {
	case *quorum.Prepare:
		msg := cert.PrepareMessage(m.Chain, m.Height, m.Attempt, m.Digest)
		return statement{at{m.From, m.Height, m.Attempt}, false, m.Digest}, m.From == member && v(member, msg, m.Signature)
	case *quorum.Commit:
		digest := m.Envelope.Hash()
		ok := m.From == member && v(member, cert.VoteMessage(m.Chain, digest), m.Vote)
		return statement{at{m.From, m.Envelope.BatchID, 0}, true, digest}, ok
	}
	return statement{}, false
}

func (j *judge) halt(x *Node, e quorum.Halt) {
	j.w.Stats.Halts++
	if !j.w.options.Backups {
		j.w.fail(RuleHalt, x, "%s", e.Reason)
	}
}

// once notes the value of a key, or checks that it is the one noted before.
func once[K comparable](w *World, rule Rule, x *Node, m map[K]cert.Hash, k K, v cert.Hash) {
	old, ok := m[k]
	if ok && old != v {
		w.fail(rule, x, "%v: got %v, and before that %v", k, v, old)
	}
	if !ok {
		m[k] = v
	}
}
