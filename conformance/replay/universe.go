package replay

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/omega-sheaf-os/omega/conformance/refine"
	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// sentinels are the errors of which a refusal wraps one (QRM-22).
var sentinels = []error{
	quorum.ErrNotStarted, quorum.ErrStarted, quorum.ErrHalted, quorum.ErrWrongChain, quorum.ErrWrongRoster,
	quorum.ErrWrongHeight, quorum.ErrUnknownMember, quorum.ErrNotAddressee, quorum.ErrSignature, quorum.ErrNonce,
	quorum.ErrProof, quorum.ErrStaleAttempt, quorum.ErrWrongAttempt, quorum.ErrPrepared, quorum.ErrNotPrepared,
	quorum.ErrNotReady, quorum.ErrCandidate, quorum.ErrUnwanted, quorum.ErrJoining, quorum.ErrCertificate,
	quorum.ErrDisk, quorum.ErrDiskAhead, quorum.ErrEncoding,
}

func rec(pairs ...any) tlavalue.Value {
	var list []tlavalue.Pair
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, tlavalue.Pair{Arg: tlavalue.String(pairs[i].(string)), Value: pairs[i+1].(tlavalue.Value)})
	}
	r, _ := tlavalue.NewFunction(list)
	return r
}

// maxStarts is up to which number nonces are in the universe: one above those of
// the graph.
func (q *Quorum) maxStarts() int { return q.bounds.starts + 2 }

// makeUniverse returns the messages of which instances are made: those of the graph,
// and those of its members, heights, attempts, digests and nonces. A proof says
// that all have signed it; which of them have depends on the state.
func (q *Quorum) makeUniverse(values []string) ([]tlavalue.Value, error) {
	all := tlavalue.Set{}
	add := func(v tlavalue.Value) { all = append(all, v) }
	for _, v := range q.c.Variables[q.net].Values {
		net, ok := v.(tlavalue.Set)
		if !ok {
			return nil, fmt.Errorf("net is %v", v)
		}
		for _, x := range net {
			add(x)
		}
	}
	everybody := tlavalue.Set{}
	for _, m := range q.members {
		everybody = append(everybody, m)
	}
	var digests []tlavalue.Value // of one height
	before := []tlavalue.Seq{{}}
	for height := 1; height <= q.bounds.height+1; height++ {
		digests, before = nil, successors(before, values)
		for _, d := range before {
			digests = append(digests, d)
			add(rec("type", tlavalue.String("decided"), "digest", d, "votes", everybody))
		}
		var stands []tlavalue.Value
		for a := range q.bounds.attempt + 2 {
			for _, d := range digests {
				stands = append(stands, rec("attempt", tlavalue.Int(a), "digest", d))
			}
		}
		for _, from := range q.members {
			q.addSigned(from, height, digests, stands, everybody, add)
			q.addReplies(from, height, digests, stands, add)
		}
	}
	slices.SortFunc(all, tlavalue.Compare)
	return slices.CompactFunc(all, equal), nil
}

func successors(digests []tlavalue.Seq, values []string) (next []tlavalue.Seq) {
	for _, d := range digests {
		for _, v := range values {
			next = append(next, append(slices.Clip(d), tlavalue.Model(v)))
		}
	}
	return next
}

// addSigned adds the prepares, commits and questions of a member at a height.
func (q *Quorum) addSigned(from tlavalue.Model, height int, digests, stands []tlavalue.Value, everybody tlavalue.Set, add func(tlavalue.Value)) {
	proofs := []tlavalue.Value{refine.None}
	if q.liars.Has(from) { // of the others, the proofs of the graph
		for _, p := range stands {
			proofs = append(proofs, rec("attempt", field(p, "attempt"), "digest", field(p, "digest"), "by", everybody))
		}
	}
	for _, proof := range proofs {
		for _, p := range stands {
			add(rec("type", tlavalue.String("prepare"), "from", from, "height", tlavalue.Int(height),
				"attempt", field(p, "attempt"), "digest", field(p, "digest"), "proof", proof))
		}
		for _, d := range digests {
			add(rec("type", tlavalue.String("commit"), "from", from, "digest", d, "proof", proof))
		}
	}
	for nonce := range q.maxStarts() {
		add(rec("type", tlavalue.String("resync"), "from", from, "height", tlavalue.Int(height), "nonce", tlavalue.Int(nonce)))
	}
}

// addReplies adds the replies of a member at a height; an honest one's, whose
// signature nobody has, say nothing.
func (q *Quorum) addReplies(from tlavalue.Model, height int, digests, stands []tlavalue.Value, add func(tlavalue.Value)) {
	prepares, commits := []tlavalue.Value{refine.None}, []tlavalue.Value{refine.None}
	if q.liars.Has(from) {
		prepares, commits = append(prepares, stands...), append(commits, digests...)
	}
	for _, to := range q.members {
		for nonce := range q.maxStarts() {
			for _, p := range prepares {
				for _, c := range commits {
					add(rec("type", tlavalue.String("reply"), "from", from, "to", to, "height", tlavalue.Int(height),
						"nonce", tlavalue.Int(nonce), "prepare", p, "commit", c))
				}
			}
		}
	}
}

// isInstance reports whether a message is one that the model has for the member: an
// honest member's, or one that a liar can say there.
func (q *Quorum) isInstance(sit *situation, x tlavalue.Value, signed map[string]bool) bool {
	from, ok := field(x, "from").(tlavalue.Model)
	if !ok {
		return true // a certificate has no sender
	}
	if !q.liars.Has(from) {
		return sit.net.Has(x) || !q.anotherProof(x, signed)
	}
	switch kind := field(x, "type"); kind {
	case tlavalue.String("reply"):
		return sit.oneWrong(x)
	case tlavalue.String("resync"):
		return equal(field(x, "height"), tlavalue.Int(sit.height())) && equal(field(x, "nonce"), tlavalue.Int(0))
	}
	if a := field(x, "attempt"); a != nil && !q.lies.Has(a) || !sit.follows(field(x, "digest")) {
		return false
	}
	proof := field(x, "proof")
	return proof == tlavalue.Value(refine.None) || q.lies.Has(field(proof, "attempt")) && sit.follows(field(proof, "digest"))
}

// oneWrong reports whether a reply is one to the member's last question; or is so but
// for one field and shows at most one signature, since each alone must be refused.
func (s *situation) oneWrong(x tlavalue.Value) bool {
	wrong := 0
	for _, f := range []struct {
		name string
		want tlavalue.Value
	}{{"to", s.name}, {"height", tlavalue.Int(s.height())}, {"nonce", field(s.mem, "nonce")}} {
		if field(x, f.name) != f.want {
			wrong++
		}
	}
	shows := field(x, "prepare") != tlavalue.Value(refine.None) && field(x, "commit") != tlavalue.Value(refine.None)
	return wrong == 0 || wrong == 1 && !shows
}

// follows reports whether a digest can follow the member's log.
func (s *situation) follows(digest tlavalue.Value) bool {
	d, ok := digest.(tlavalue.Seq)
	if !ok || len(d) != s.height() {
		return false
	}
	return len(d) == 1 || equal(field(s.entries[len(s.entries)-1], "digest"), d[:len(d)-1])
}

// anotherProof reports whether a member has signed the message, but sent it with
// another proof, which its signature does not cover.
func (q *Quorum) anotherProof(x tlavalue.Value, signed map[string]bool) bool {
	kind := field(x, "type")
	if kind != tlavalue.Value(tlavalue.String("prepare")) && kind != tlavalue.Value(tlavalue.String("commit")) {
		return false
	}
	really := true
	_, err := q.w.Message(without(x), func(member int, msg []byte) bool {
		really = really && signed[signature(member, msg)]
		return true
	})
	return err == nil && really
}

// without returns a prepare or commit without its proof.
func without(x tlavalue.Value) tlavalue.Value {
	r := slices.Clone(x.(tlavalue.Record))
	for i := range r {
		if r[i].Name == "proof" {
			r[i].Value = refine.None
		}
	}
	return r
}

func signature(member int, msg []byte) string { return string(append([]byte{byte(member)}, msg...)) }

// signedIn returns what honest members have signed in a state, as far as the network
// has it.
func (q *Quorum) signedIn(sit *situation) map[string]bool {
	index := q.c.States[sit.state].Values[q.net]
	signed, ok := q.shared.signed[index]
	if !ok {
		signed = map[string]bool{}
		for _, x := range sit.net {
			_, err := q.w.Message(x, func(member int, msg []byte) bool {
				signed[signature(member, msg)] = true
				return true
			})
			if err != nil {
				q.add("%v", err)
			}
		}
		q.shared.signed[index] = signed
	}
	return signed
}

// refusals tries all instances of actions of a member in a state.
func (q *Quorum) refusals(sit *situation, groups map[string]*group) {
	input, err := q.stateOf(sit)
	if err != nil {
		q.add("%v", err)
		return
	}
	met := 0
	try := func(name string, arg tlavalue.Value, msg quorum.Message, err error) {
		if err != nil {
			q.add("%v", err)
		} else if groups[groupKey(sit.name, name, arg)] != nil {
			met++
		} else {
			q.try(sit, groups, input, name, arg, msg)
		}
	}
	signed := q.signedIn(sit)
	exists := func(member int, msg []byte) bool {
		return q.liars.Has(q.members[member]) || signed[signature(member, msg)]
	}
	for _, x := range q.shared.universe {
		if q.isInstance(sit, x, signed) {
			msg, err := q.w.Message(x, exists)
			try(receives[field(x, "type")], x, msg, err)
		}
	}
	q.tryShell(sit, try)
	q.checkMet(sit, groups, met)
	again, err := q.stateOf(sit)
	if err != nil || !unchanged(&input, &again) {
		q.add("a refused message has changed the state that it met (%v)\n%s", err, stateText(q.c, sit.state))
	}
}

// checkMet checks that all actions of a member in a state but its crash were met among
// the instances.
func (q *Quorum) checkMet(sit *situation, groups map[string]*group, met int) {
	for _, g := range groups {
		if g.sit.name == sit.name && g.name != "Crash" {
			met--
		}
	}
	if _, crash := groups[groupKey(sit.name, "Crash", refine.None)]; crash != sit.up() {
		q.add("a crash has an edge: %v, in\n%s", crash, stateText(q.c, sit.state))
	}
	if met != 0 {
		q.add("%d actions of the graph are no instances in\n%s", -met, stateText(q.c, sit.state))
	}
}

// tryShell tries what the shell can ask of a member: candidates for any attempt, a
// tick, a timeout, a start.
func (q *Quorum) tryShell(sit *situation, try func(string, tlavalue.Value, quorum.Message, error)) {
	now, _ := field(sit.mem, "attempt").(tlavalue.Int)
	for _, x := range q.shared.universe {
		if field(x, "type") != tlavalue.Value(tlavalue.String("decided")) {
			continue
		}
		digest := field(x, "digest")
		for attempt := range tlavalue.Int(q.bounds.attempt + 3) {
			msg, err := q.candidate(digest, uint64(attempt))
			if attempt == now {
				try("Candidate", digest, msg, err)
			} else {
				try("Candidate", tlavalue.Seq{digest, attempt}, msg, err) // for which the model has no action
			}
		}
	}
	try("Tick", refine.None, quorum.Tick{}, nil)
	try("Timeout", refine.None, quorum.Timeout{}, nil)
	start, err := q.start(sit)
	try("Start", tlavalue.Int(sit.starts+1), start, err)
}

// try gives the code an instance that has no edge.
func (q *Quorum) try(sit *situation, groups map[string]*group, input quorum.State, name string, arg tlavalue.Value, msg quorum.Message) {
	next, effects, err := quorum.Step(q.w.Config(sit.member), input, msg)
	switch {
	case err == nil && q.ignores(sit, groups, input, name, arg, msg):
		q.Ignored++
	case err == nil:
		q.add("the code takes what the model has no step for: %s of %v, in\n%s", name, arg, stateText(q.c, sit.state))
	case len(effects) > 0 || !unchanged(&next, &input):
		q.add("refused, with effects %v or another state: %s of %v, in\n%s", effects, name, arg, stateText(q.c, sit.state))
	default:
		q.Refusals++
		q.Reasons[reason(err)]++
	}
}

// reason returns the error of the package that err wraps; a certificate that does not
// verify says why by another.
func reason(err error) error {
	for _, s := range []error{quorum.ErrCertificate, quorum.ErrDisk} {
		if errors.Is(err, s) {
			return s
		}
	}
	for _, s := range sentinels {
		if errors.Is(err, s) {
			return s
		}
	}
	return nil
}

// ignores reports whether the code takes an instance without an edge rightly: because
// what does not verify in it is not looked at.
func (q *Quorum) ignores(sit *situation, groups map[string]*group, input quorum.State, name string, arg tlavalue.Value, msg quorum.Message) bool {
	o := q.step(sit, input, msg)
	switch name {
	case "RecvDecided": // the last certificate again, with whatever votes
		n := len(sit.entries)
		return n > 0 && equal(field(sit.entries[n-1], "digest"), field(arg, "digest")) && len(o.effects) == 0 && equal(o.mem, sit.mem)
	case "RecvPrepare", "RecvCommit": // a proof that is not higher than the one known
		proof, known := field(arg, "proof"), field(sit.mem, "proof")
		if proof == tlavalue.Value(refine.None) || known == tlavalue.Value(refine.None) {
			return false
		}
		if tlavalue.Compare(field(proof, "attempt"), field(known, "attempt")) > 0 {
			return false
		}
		sibling := groups[groupKey(sit.name, name, without(arg))]
		return sibling != nil && o.same(q.outcome(sibling))
	}
	return false
}

// unchanged reports whether two states are the same, all that is in them included.
func unchanged(a, b *quorum.State) bool {
	return sameChain(&a.Chain, &b.Chain) && a.Started == b.Started && a.Nonce == b.Nonce && a.Attempt == b.Attempt && a.Own == b.Own &&
		reflect.DeepEqual(a.Answered, b.Answered) && reflect.DeepEqual(a.Candidates, b.Candidates) &&
		reflect.DeepEqual(a.Proof, b.Proof) && reflect.DeepEqual(a.Lock, b.Lock) &&
		reflect.DeepEqual(a.Prepares, b.Prepares) && reflect.DeepEqual(a.Commits, b.Commits) &&
		reflect.DeepEqual(a.Evidence, b.Evidence) && reflect.DeepEqual(a.Halted, b.Halted)
}

func sameChain(a, b *cert.Chain) bool {
	return a.Name == b.Name && a.Head == b.Head && a.Length == b.Length && a.State == b.State &&
		a.Envelopes == b.Envelopes && reflect.DeepEqual(a.Roster, b.Roster)
}
