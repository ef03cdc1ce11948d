package sim

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// Packet is one message on its way.
type Packet struct {
	From, To int
	Bytes    []byte
	cause    *Cause // nil: a liar sent it
}

// Node is an honest member: a state in memory, and what outlives it.
type Node struct {
	ID     int
	Config *quorum.Config
	Up     bool
	State  quorum.State
	Need   *quorum.NeedCandidate // what it waits for, or nil

	// The disk.
	Durable []byte             // of the last Persist, or nil
	Log     []cert.Certificate // behind the genesis
	Chain   cert.Chain         // that of Log

	fault    *Fault                       // the canary's, or nil
	book     map[cert.Hash]quorum.Content // what the member has made at this height
	answered [Most]bool                   // peers that have answered this start, at this height
	starts   uint64                       // so far; its nonce is made of it
	seq      int                          // records so far
	full     int                          // writes that will still fail
	speed    int                          // of its clock: how many timers run out at once
	store    Storage                      // beneath Durable and Log, or nil
	doubt    quorum.Effect                // the write that failed there, and may be done all the same, or nil
}

// Stats counts what has happened in a run.
type Stats struct {
	Steps, Refused, Undecodable, Crashes, FailedWrites, Appends, Locks, Halts, Evidence, Lies, Partitions int
}

// Add adds what has happened in another run.
func (s *Stats) Add(o Stats) {
	s.Steps, s.Refused, s.Undecodable = s.Steps+o.Steps, s.Refused+o.Refused, s.Undecodable+o.Undecodable
	s.Crashes, s.FailedWrites, s.Partitions = s.Crashes+o.Crashes, s.FailedWrites+o.FailedWrites, s.Partitions+o.Partitions
	s.Appends, s.Locks, s.Halts = s.Appends+o.Appends, s.Locks+o.Locks, s.Halts+o.Halts
	s.Evidence, s.Lies = s.Evidence+o.Evidence, s.Lies+o.Lies
}

// World is one run. Run makes and ends one; tests of single scenes hold one in
// their hands.
type World struct {
	Nodes   []*Node // by member; nil where it lies
	Net     []Packet
	Profile Profile
	Stats   Stats

	// Variant is what a member makes of its events in an attempt.
	Variant func(member int, height, attempt uint64) int
	// Closely is the distance of the steps that are made twice and compared.
	Closely int

	options  Options
	scheme   Scheme
	genesis  beginning
	rng      *rand.Rand
	history  []Packet // all that was ever sent
	contents map[cert.Hash]quorum.Content
	side     []bool // of a partition, by member; nil: none
	lull     bool   // hardly any faults for now
	calm     bool   // no faults any more
	judge    judge
	pool     pool
	flow     []byte

	cause *Cause           // the record under way, for what it sends
	sent  []quorum.Message // by the record under way, if it is recorded
}

// New returns a world in which all honest members are down, and who lies is drawn.
func New(seed uint64, o Options) *World {
	w := &World{options: o, rng: rand.New(rand.NewPCG(seed, 7)), scheme: Fast{}, Closely: 64}
	if o.Real {
		w.scheme = Ed25519{}
	}
	w.genesis.certificate, w.genesis.chain = Genesis(o.Members, 0)
	w.contents = map[cert.Hash]quorum.Content{}
	w.judge, w.pool = newJudge(w), newPool(w)
	w.Variant = func(int, uint64, uint64) int { return 0 }
	w.Profile = Profile{Loss: 10, Order: 30, Timeouts: 4, Lies: 10}
	for i := range o.Members {
		w.Nodes = append(w.Nodes, w.newNode(i))
	}
	for _, i := range w.rng.Perm(o.Members)[:o.Liars] {
		w.Nodes[i] = nil
	}
	return w
}

func (w *World) newNode(i int) *Node {
	chain := w.genesis.chain
	x := &Node{ID: i, Config: Config(w.scheme, chain, i), Chain: chain, book: map[cert.Hash]quorum.Content{}, speed: 1}
	if w.options.Storage != nil {
		x.store = w.options.Storage(i, w.genesis.certificate, w.rng.IntN)
	}
	return x
}

// Genesis returns the chain behind its genesis.
func (w *World) Genesis() cert.Chain { return w.genesis.chain }

// Honest returns the members that do not lie.
func (w *World) Honest() []*Node {
	nodes := make([]*Node, 0, len(w.Nodes))
	for _, x := range w.Nodes {
		if x != nil {
			nodes = append(nodes, x)
		}
	}
	return nodes
}

// Proofs returns how many different true proofs the liars can show, at all heights.
func (w *World) Proofs() (n int) {
	for _, k := range w.pool.stands {
		if _, ok := w.pool.proof(k); ok {
			n++
		}
	}
	return n
}

// Restart begins a member from its disk alone. A real disk may fail again: then the
// member stays down.
func (w *World) Restart(x *Node) {
	if x.store != nil && !w.load(x) {
		return
	}
	x.State, x.Need, x.Up = quorum.Begin(x.Chain), nil, true
	x.starts++
	var nonce quorum.Nonce
	binary.BigEndian.PutUint64(nonce[8:], x.starts)
	x.answered = [Most]bool{}
	var disk *quorum.Durable
	if x.Durable != nil {
		disk = w.decode(x, x.Durable)
	}
	if err := w.Step(x, quorum.Start{Disk: disk, Nonce: nonce}); err != nil {
		w.fail(RuleStart, x, "refused: %v", err)
	}
}

func (w *World) decode(x *Node, durable []byte) *quorum.Durable {
	d, err := quorum.DecodeDurable(durable)
	if err != nil {
		w.fail(RuleDisk, x, "what was persisted does not decode: %v", err)
	}
	return d
}

// Restore puts an older copy of the member's disk in the place of its own, while it is
// down.
func (x *Node) Restore(copy Node) {
	x.Durable, x.Log, x.Chain, x.Up = copy.Durable, copy.Log, copy.Chain, false
}

// Step gives one message to a member, carries out the effects, or some of them
// and then crashes, and returns the error for which it was refused. The content of a
// Candidate counts as made.
func (w *World) Step(x *Node, m quorum.Message) error {
	if c, ok := m.(quorum.Candidate); ok {
		w.contents[c.Content.Digest()] = c.Content
	}
	return w.take(x, m, nil)
}

func (w *World) take(x *Node, m quorum.Message, cause *Cause) error {
	w.Stats.Steps++
	before := x.State.Height()
	next, effects, err := w.judge.step(x, m)
	w.note(x, m, effects, err)
	if err != nil {
		w.Stats.Refused++
		w.record(x, Record{Cause: cause, Message: m, Refused: err})
		return err
	}
	x.State = next
	if r, ok := m.(*quorum.ResyncReply); ok && r.Nonce == next.Nonce && r.Height == before {
		x.answered[r.From] = true
	}
	if next.Height() != before && !next.Ready() {
		x.answered = [Most]bool{}
	}
	w.carryOutAll(x, m, effects, cause)
	if x.Up {
		w.judge.rest(x)
	}
	return nil
}

// carryOutAll carries out the effects up to a crash, and records the step.
func (w *World) carryOutAll(x *Node, m quorum.Message, effects []quorum.Effect, cause *Cause) {
	w.cause, w.sent = nil, nil
	if w.options.Record != nil {
		w.cause = &Cause{x.ID, x.seq}
	}
	stop := w.crashPoint(x, effects)
	done, counted := 0, 0
	for i, e := range effects {
		counts := countedEffect(e)
		if counts {
			counted++
		}
		if !x.Up {
			continue
		}
		if i == stop {
			w.down(x)
			continue
		}
		if w.carryOut(x, e) && counts {
			done++
		}
	}
	if stop == len(effects) && x.Up {
		w.down(x)
	}
	r := Record{Cause: cause, Message: m, Sent: w.sent}
	switch {
	case x.Up:
		w.record(x, r)
	case done == counted && (counted > 0 || stop == len(effects)):
		x.Up = true // it was, between the last effect and the crash
		w.record(x, r)
		x.Up = false
		w.record(x, Record{})
	case done == 0:
		w.record(x, Record{})
	default:
		r.Cut = done
		w.record(x, r)
	}
}

// crashPoint draws before which effect the member crashes: none for -1, and
// len(effects) for behind the last.
func (w *World) crashPoint(x *Node, effects []quorum.Effect) int {
	if at := x.fault.crashesAt(effects, w.rng.IntN); at >= 0 && !w.calm {
		return at
	}
	if !w.weather().Crashes || len(effects) == 0 {
		return -1
	}
	rare := 12
	if slices.ContainsFunc(effects, writes) {
		rare = 5
	}
	if w.rng.IntN(rare) > 0 {
		return -1
	}
	at := w.rng.IntN(len(effects) + 1)
	if at == 0 || at == len(effects) { // between two effects it tells more
		at = w.rng.IntN(len(effects) + 1)
	}
	return at
}

func writes(e quorum.Effect) bool {
	switch e.(type) {
	case quorum.Persist, quorum.Append:
		return true
	}
	return false
}

func countedEffect(e quorum.Effect) bool {
	switch e.(type) {
	case quorum.Send, quorum.Announce, quorum.SendCertificate:
		return true
	}
	return writes(e)
}

// down takes a member's memory.
func (w *World) down(x *Node) {
	x.Up = false
	w.Stats.Crashes++
	if x.store != nil {
		x.store.Crash()
	}
}

// Crash takes a member's memory between two steps.
func (w *World) Crash(x *Node) {
	w.down(x)
	w.record(x, Record{})
}

// carryOut does one effect, and reports whether it was done. Where it was not, the
// member is down.
func (w *World) carryOut(x *Node, e quorum.Effect) bool {
	switch e := e.(type) {
	case quorum.Persist:
		return w.write(x, e)
	case quorum.Send:
		w.judge.send(x, e)
		w.pool.see(e.Message)
		w.send(x.ID, e.To, e.Message)
	case quorum.Append:
		return w.write(x, e)
	case quorum.Announce:
		w.send(x.ID, quorum.Everyone, &quorum.Decided{Certificate: e.Certificate})
	case quorum.SendCertificate:
		w.sendCertificate(x, e)
	case quorum.NeedCandidate:
		if e.Height != x.State.Height() {
			w.fail(RuleNeed, x, "a candidate for height %d is asked for", e.Height)
		}
		x.Need = &e
	case quorum.Evidence:
		w.Stats.Evidence++
		w.judge.evidence(x, e)
	case quorum.Halt:
		w.judge.halt(x, e)
	}
	return true
}

func (w *World) sendCertificate(x *Node, e quorum.SendCertificate) {
	if e.Height >= x.Chain.Length {
		w.fail(RuleNeed, x, "the certificate of %d is to be sent, the log's next is %d", e.Height, x.Chain.Length)
	}
	c := w.genesis.certificate
	if e.Height > 0 {
		c = x.Log[e.Height-1]
	}
	w.send(x.ID, e.To, &quorum.Decided{Certificate: c})
}

func (w *World) send(from, to int, m quorum.Wire) {
	if w.options.Record != nil && w.Nodes[from] != nil {
		w.sent = append(w.sent, m)
	}
	w.sendBytes(from, to, quorum.Encode(m), w.cause)
}

func (w *World) sendBytes(from, to int, b []byte, cause *Cause) {
	for i := range w.Nodes {
		if to == i || to == quorum.Everyone && i != from {
			p := Packet{from, i, b, cause}
			w.Net, w.history = append(w.Net, p), append(w.history, p)
		}
	}
}

// Supply gives a member the candidate that it waits for.
func (w *World) Supply(x *Node) {
	need := x.Need
	if need == nil || !x.Up || need.Height != x.State.Height() || need.Attempt != x.State.Attempt || w.finished(x) {
		return
	}
	x.Need = nil
	c := w.content(x.Chain, w.Variant(x.ID, need.Height, need.Attempt))
	if need.Digest != (cert.Hash{}) {
		var ok bool
		if c, ok = x.book[need.Digest]; !ok {
			w.fail(RuleNeed, x, "a candidate is asked for that it has never made: %v", need.Digest)
		}
	}
	x.book[c.Digest()] = c
	_ = w.Step(x, quorum.Candidate{Attempt: need.Attempt, Content: c}) // refused where a proof came first
}

func (w *World) content(chain cert.Chain, variant int) quorum.Content {
	c := Content(chain, variant)
	w.contents[c.Digest()] = c
	return c
}

// Deliver takes packet i off the net and hands it over.
func (w *World) Deliver(i int) { w.Hand(w.remove(i)) }

func (w *World) remove(i int) Packet {
	p := w.Net[i]
	if i > 0 {
		copy(w.Net[1:i+1], w.Net[:i])
	}
	w.Net = w.Net[1:]
	return p
}

// Hand gives a packet to its member. It is lost where the member is down.
func (w *World) Hand(p Packet) {
	m, err := quorum.Decode(p.Bytes)
	if err != nil {
		w.Stats.Undecodable++
		if !errors.Is(err, quorum.ErrEncoding) {
			w.fail(RulePure, nil, "an error of another kind for bytes that do not decode: %v", err)
		}
		return
	}
	if x := w.Nodes[p.To]; x == nil {
		w.pool.answer(p.To, m)
	} else if x.Up {
		_ = w.take(x, m, p.cause)
	}
}

// record hands over a record, with the member as it now is.
func (w *World) record(x *Node, r Record) {
	if w.options.Record == nil {
		return
	}
	r.Member, r.Seq, r.Act, r.Up = x.ID, x.seq, actOf(r.Message), x.Up
	x.seq++
	if x.Up {
		r.State = x.State
	}
	r.Disk = slices.Clone(x.Durable)
	for i := range x.Log {
		r.Log = append(r.Log, x.Log[i].Envelope.Hash())
	}
	w.options.Record(r)
}
