package linear

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// member signs as member i.
type member int

func (m member) Sign(message []byte) cert.Signature { return signed(int(m), message) }

// message is a message between members, and its bytes by the words of QRM-2.
type message struct {
	m     quorum.Wire
	bytes []byte
}

// optional is an optional field.
func optional(b []byte) []byte {
	if b == nil {
		return []byte{0}
	}
	return append([]byte{1}, b...)
}

func plainPrepare(p *quorum.SignedPrepare) []byte {
	if p == nil {
		return nil
	}
	return slices.Concat(u64(p.Attempt), p.Digest[:], p.Signature[:])
}

func plainCommit(c *quorum.SignedCommit) []byte {
	if c == nil {
		return nil
	}
	return slices.Concat(plainEnvelope(&c.Envelope), c.Vote[:])
}

func plainProof(p *quorum.Proof) []byte {
	if p == nil {
		return nil
	}
	b := slices.Concat(u64(p.Attempt), p.Digest[:], u16(len(p.Signatures)))
	for _, s := range p.Signatures {
		b = append(b, s[:]...)
	}
	return b
}

func messages(links []link) []message {
	chain := links[0].chain.Name
	sig := func(i byte) cert.Signature { return cert.Signature{i, 63: i} }
	prepare := quorum.SignedPrepare{Attempt: 3, Digest: links[1].chain.Head, Signature: sig(1)}
	commit := quorum.SignedCommit{Envelope: links[2].c.Envelope, Vote: sig(2)}
	proof := &quorum.Proof{Attempt: 2, Digest: links[1].chain.Head, Signatures: []cert.Signature{sig(3), sig(4)}}
	var all []message
	for _, p := range []*quorum.Proof{nil, proof} {
		all = append(all,
			message{&quorum.Prepare{Chain: chain, Height: 1 << 40, From: 2, SignedPrepare: prepare, Proof: p},
				slices.Concat([]byte{1}, chain[:], u16(2), u64(1<<40), plainPrepare(&prepare), optional(plainProof(p)))},
			message{&quorum.Commit{Chain: chain, From: 300, SignedCommit: commit, Proof: p},
				slices.Concat([]byte{2}, chain[:], u16(300), plainCommit(&commit), optional(plainProof(p)))})
	}
	all = append(all,
		message{&quorum.Decided{Certificate: links[3].c}, append([]byte{3}, plainRecord(&links[3].c)...)},
		message{&quorum.Resync{Chain: chain, From: 1, Height: 5, Nonce: quorum.Nonce{6}, Signature: sig(7)},
			slices.Concat([]byte{4}, chain[:], u16(1), u64(5), []byte{6}, make([]byte, 15), slices.Clone(sigBytes(7)))})
	for _, p := range []*quorum.SignedPrepare{nil, &prepare} {
		for _, c := range []*quorum.SignedCommit{nil, &commit} {
			all = append(all, message{
				&quorum.ResyncReply{Chain: chain, From: 1, To: 2, Height: 9, Nonce: quorum.Nonce{8}, Prepare: p, Commit: c, Signature: sig(7)},
				slices.Concat([]byte{5}, chain[:], u16(1), u16(2), u64(9), []byte{8}, make([]byte, 15), optional(plainPrepare(p)), optional(plainCommit(c)), sigBytes(7)),
			})
		}
	}
	return all
}

func sigBytes(i byte) []byte {
	s := cert.Signature{i, 63: i}
	return s[:]
}

// durables returns states of a disk, and their bytes by the words of QRM-21.
func durables(links []link) (all []*quorum.Durable, encoded [][]byte) {
	content := func(i int) quorum.Content {
		return quorum.Content{Envelope: links[i].c.Envelope, Body: links[i].c.Body}
	}
	a, b := content(1), content(3)
	if bytes.Compare(links[1].chain.Head[:], links[3].chain.Head[:]) > 0 {
		a, b = b, a
	}
	digest := func(c quorum.Content) cert.Hash { return plainHash(&c.Envelope) }
	prepare := &quorum.SignedPrepare{Attempt: 4, Digest: digest(a), Signature: cert.Signature{1}}
	high := &quorum.Proof{Attempt: 3, Digest: digest(b), Signatures: []cert.Signature{{2}, {3}}}
	lock := &quorum.Proof{Attempt: 1, Digest: digest(b), Signatures: []cert.Signature{{4}, {5}}}
	add := func(d quorum.Durable) {
		d.Chain, d.Height = links[0].chain.Name, 7
		all = append(all, &d)
		e := slices.Concat(d.Chain[:], u64(d.Height), optional(plainPrepare(d.Prepare)), optional(plainProof(d.Proof)), optional(plainProof(d.Lock)), []byte{byte(len(d.Candidates))})
		for _, c := range d.Candidates {
			e = slices.Concat(e, plainEnvelope(&c.Envelope), u32(len(c.Body)), c.Body, u16(len(c.Joining)))
			for _, s := range c.Joining {
				e = append(e, s[:]...)
			}
		}
		encoded = append(encoded, e)
	}
	add(quorum.Durable{})
	add(quorum.Durable{Prepare: prepare, Candidates: []quorum.Content{a}})
	add(quorum.Durable{Prepare: prepare, Proof: high, Lock: lock, Candidates: []quorum.Content{a, b}})
	add(quorum.Durable{Proof: high, Candidates: []quorum.Content{b}})
	signed := a
	signed.Joining = []cert.Signature{{6}, {7, 63: 8}}
	add(quorum.Durable{Prepare: prepare, Candidates: []quorum.Content{signed}})
	// From here on they are not valid.
	add(quorum.Durable{Prepare: prepare})
	add(quorum.Durable{Prepare: prepare, Candidates: []quorum.Content{a, b}})
	add(quorum.Durable{Prepare: prepare, Proof: high, Lock: lock, Candidates: []quorum.Content{b, a}})
	add(quorum.Durable{Prepare: prepare, Proof: high, Lock: lock, Candidates: []quorum.Content{a}})
	return all, encoded
}

const validDurables = 5

func wireFacts(links []link) []fact[quorum.Wire] {
	var facts []fact[quorum.Wire]
	for _, m := range messages(links) {
		facts = append(facts, damaged[quorum.Wire](m.bytes, m.m, "encoding")...)
	}
	all := messages(links)
	unknown := append([]byte{6}, all[0].bytes[1:]...)
	option := slices.Clone(all[0].bytes)
	option[1+32+2+8+8+32+64] = 2
	return append(facts, fact[quorum.Wire]{bytes: unknown, why: "encoding"}, fact[quorum.Wire]{bytes: option, why: "encoding"})
}

func durableFacts(links []link) []fact[*quorum.Durable] {
	var facts []fact[*quorum.Durable]
	all, encoded := durables(links)
	for i := range all {
		if i < validDurables {
			facts = append(facts, damaged(encoded[i], all[i], "encoding")...)
		} else {
			facts = append(facts, fact[*quorum.Durable]{bytes: encoded[i], why: "encoding"})
		}
	}
	return facts
}

func quorumSubjects(w *world) map[string]subject {
	const list = "the list of messages"
	links := w.links()
	all := messages(links)
	states, encoded := durables(links)
	numbers := func(n int) func() []int {
		return func() []int {
			var list []int
			for i := range n {
				list = append(list, i)
			}
			return list
		}
	}
	s := newSeats(w, links)
	return map[string]subject{
		"quorum.Encode": pure(list, numbers(len(all)), func(i int) any { return quorum.Encode(all[i].m) }, func(i int) any { return all[i].bytes }),
		"quorum.Decode": known(list, wireFacts(links), quorum.Decode),
		"quorum.Durable.Encode": pure(list, numbers(len(states)), func(i int) any { return states[i].Encode() },
			func(i int) any { return encoded[i] }),
		"quorum.DecodeDurable": known(list, durableFacts(links), quorum.DecodeDurable),
		"quorum.Content.Digest": pure(list, numbers(len(links)),
			func(i int) any { c := quorum.Content{Envelope: links[i].c.Envelope}; return c.Digest() },
			func(i int) any { return links[i].chain.Head }),
		"quorum.NewConfig": pure("the roster", numbers(4),
			func(i int) any {
				cfg, err := quorum.NewConfig(s.chain, publicOf(i), member(i))
				if err != nil {
					return class(err)
				}
				msg := []byte("message")
				return results(cfg.Self, cfg.Chain, len(cfg.Roster), cfg.Signer.Sign(msg) == signed(i, msg), cfg.Verify(i, msg, signed(i, msg)), cfg.Verify(i, msg, signed(3, msg)))
			},
			func(i int) any {
				if i == 3 {
					return "unknown member"
				}
				return results(i, links[0].chain.Name, 3, true, true, false)
			}),
		"quorum.Begin": pure("the folder's chain", numbers(2),
			func(int) any {
				st := quorum.Begin(s.chain)
				return results(st.Chain.Head, st.Started, st.Attempt, len(st.Prepares), len(st.Commits), st.Lock == nil && st.Proof == nil && st.Halted == nil)
			},
			func(int) any { return results(links[0].chain.Head, false, uint64(0), 3, 3, true) }),
		"quorum.State.Height": pure("the states of a member", numbers(len(s.startup)), func(i int) any { return s.startup[i].Height() }, func(int) any { return uint64(1) }),
		"quorum.State.Ready": pure("the states of a member", numbers(len(s.startup)), func(i int) any { return s.startup[i].Ready() },
			func(i int) any { return i == len(s.startup)-1 }),
		"quorum.Step": s.subject(),
	}
}

// seats are what is needed to step a member: member 0 of three, at height 1.
type seats struct {
	chain   cert.Chain
	cfg     *quorum.Config
	startup []quorum.State // from Begin to ready; the last is
	content map[string]quorum.Content
}

func newSeats(_ *world, links []link) *seats {
	chain, err := cert.Chain{}.Check(&links[0].c)
	if err != nil {
		panic(err)
	}
	s := &seats{chain: chain, content: map[string]quorum.Content{}}
	if s.cfg, err = quorum.NewConfig(chain, publicOf(0), member(0)); err != nil {
		panic(err)
	}
	for i, name := range []string{"A", "B"} {
		body := slices.Concat([]byte{byte(i)}, make([]byte, 31))
		s.content[name] = quorum.Content{Envelope: plainSeal(cert.Evidence, rootOf(nil), 1, chain.Head, body), Body: body}
	}
	state := quorum.Begin(chain)
	tell := func(m quorum.Message) {
		s.startup = append(s.startup, state)
		if state, _, err = quorum.Step(s.cfg, state, m); err != nil {
			panic(err)
		}
	}
	tell(quorum.Start{Nonce: quorum.Nonce{1}})
	for peer := 1; peer < 3; peer++ {
		reply := &quorum.ResyncReply{Chain: chain.Name, From: peer, To: 0, Height: 1, Nonce: quorum.Nonce{1}}
		b := quorum.Encode(reply)
		reply.Signature = signed(peer, slices.Concat([]byte("omega/resync-reply/v1\x00"), chain.Name[:], b[33:len(b)-64]))
		tell(reply)
	}
	s.startup = append(s.startup, state)
	return s
}

// wire returns the product's message.
func (s *seats) wire(m Message) quorum.Message {
	c := s.content[m.Name]
	digest := plainHash(&c.Envelope)
	switch m.Kind {
	case "candidate":
		return quorum.Candidate{Attempt: uint64(m.Attempt), Content: c}
	case "prepare":
		p := &quorum.Prepare{Chain: s.chain.Name, Height: 1, From: m.From}
		p.Attempt, p.Digest = uint64(m.Attempt), digest
		p.Signature = signed(m.From, slices.Concat([]byte("omega/prepare/v1\x00"), s.chain.Name[:], u64(1), u64(p.Attempt), digest[:]))
		return p
	case "commit":
		vote := signed(m.From, slices.Concat([]byte("omega/vote/v1\x00"), s.chain.Name[:], digest[:]))
		return &quorum.Commit{Chain: s.chain.Name, From: m.From, SignedCommit: quorum.SignedCommit{Envelope: c.Envelope, Vote: vote}}
	case "tick":
		return quorum.Tick{}
	}
	return quorum.Timeout{}
}

// answer puts what Step returned in the plain member's words.
func (s *seats) answer(state quorum.State, effects []quorum.Effect, err error) any {
	var names []string
	for _, e := range effects {
		names = append(names, effectName(e))
	}
	a := Answer{Effects: strings.Join(names, " "), Attempt: int(state.Attempt), Decided: state.Height() == 2}
	if err != nil {
		a.Refused = fmt.Sprint(class(err))
	}
	for name, c := range s.content {
		if state.Lock != nil && state.Lock.Digest == plainHash(&c.Envelope) {
			a.Lock = name
		}
	}
	return a
}

func effectName(e quorum.Effect) string {
	switch e := e.(type) {
	case quorum.Send:
		if _, ok := e.Message.(*quorum.Commit); ok {
			return "send commit"
		}
		return "send prepare"
	case quorum.SendCertificate:
		return "send certificate"
	case quorum.NeedCandidate:
		return "need"
	}
	return strings.ToLower(strings.TrimPrefix(reflect.TypeOf(e).String(), "quorum."))
}

// subject has clients hand messages to one member: each steps the state that it
// sees, outside the lock, and puts the next one in its place if nobody was quicker.
func (s *seats) subject() subject {
	draw := func(r *rand.Rand) Message {
		name := []string{"A", "A", "A", "B"}[r.IntN(4)]
		switch r.IntN(9) {
		case 0, 1:
			return Message{Kind: "candidate", Attempt: r.IntN(2), Name: name}
		case 2, 3, 4:
			return Message{Kind: "prepare", From: 1 + r.IntN(2), Attempt: r.IntN(3), Name: name}
		case 5, 6:
			return Message{Kind: "commit", From: 1 + r.IntN(2), Name: name}
		case 7:
			return Message{Kind: "tick"}
		}
		return Message{Kind: "timeout"}
	}
	sub := subject{object: "a member's state", rounds: 12, calls: 8}
	sub.model = porcupine.Model{
		Init:  func() any { return NewMember(2) },
		Equal: func(a, b any) bool { return reflect.DeepEqual(a, b) },
		Step: func(state, in, out any) (bool, any) {
			next, want := state.(Member).Step(in.(Message))
			return out == want, next
		},
	}
	candidate := Message{Kind: "candidate", Name: "A"}
	first := Answer{Effects: "persist send prepare"}
	sub.illegal = map[string][]porcupine.Operation{
		"two prepares in one attempt": Calls(candidate, first, Message{Kind: "candidate", Name: "B"}, first),
		"a lock without a peer": Calls(candidate, first, Message{Kind: "prepare", From: 1, Name: "A"},
			Answer{Effects: "persist send commit", Lock: "A"}),
	}
	sub.start = func(*testing.T, uint64) session {
		var mu sync.Mutex
		shared, version := s.startup[len(s.startup)-1], 0
		return session{draw: func(_ int, r *rand.Rand) (any, func() any) {
			m := draw(r)
			wire := s.wire(m)
			return m, func() any {
				for {
					mu.Lock()
					was, seen := shared, version
					mu.Unlock()
					next, effects, err := quorum.Step(s.cfg, was, wire)
					if err != nil && (effects != nil || !reflect.DeepEqual(next, was)) {
						return errors.New("a refusal has changed the state")
					}
					mu.Lock()
					if version == seen {
						shared, version = next, version+1
						mu.Unlock()
						return s.answer(next, effects, err)
					}
					mu.Unlock()
				}
			}
		}}
	}
	return sub
}
