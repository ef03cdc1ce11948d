package stutter

import (
	"maps"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// seat signs as a member.
type seat int

func (s seat) Sign(message []byte) cert.Signature { return signature(int(s), message) }

func configOf(members int) *quorum.Config {
	chain := chainOf(members)
	return must(quorum.NewConfig(chain, chain.Roster[0].Key, seat(0)))
}

// contentOf is what may follow the chain of three: A, B, a roster change, or what
// follows nothing.
func contentOf(name string) quorum.Content {
	chain := chainOf(3)
	body, kind := append([]byte(name), make([]byte, 32-len(name))...), cert.Evidence
	switch name {
	case "roster change":
		body, kind = (&cert.RosterChangeBody{OldHash: chain.Roster.Hash(), Roster: rosterOf(2)}).Append(nil), cert.RosterChange
	case "astray":
		chain.Head[0] ^= 1
	}
	return quorum.Content{Envelope: cert.Seal(kind, merkle.EmptyRoot(), 1, chain.Head, body), Body: body}
}

func digestOf(name string) cert.Hash {
	c := contentOf(name)
	return c.Digest()
}

func prepareOf(from int, attempt uint64, name string) quorum.SignedPrepare {
	return quorum.SignedPrepare{Attempt: attempt, Digest: digestOf(name),
		Signature: signature(from, cert.PrepareMessage(chainOf(3).Name, 1, attempt, digestOf(name)))}
}

func proofOf(attempt uint64, name string) *quorum.Proof {
	p := &quorum.Proof{Attempt: attempt, Digest: digestOf(name)}
	for i := range 3 {
		p.Signatures = append(p.Signatures, prepareOf(i, attempt, name).Signature)
	}
	return p
}

func prepare(from int, attempt uint64, name string, edit ...func(m *quorum.Prepare)) *quorum.Prepare {
	m := &quorum.Prepare{Chain: chainOf(3).Name, Height: 1, From: from, SignedPrepare: prepareOf(from, attempt, name)}
	for _, e := range edit {
		e(m)
	}
	return m
}

func commit(from int, name string) *quorum.Commit {
	c := contentOf(name)
	return &quorum.Commit{Chain: chainOf(3).Name, From: from,
		SignedCommit: quorum.SignedCommit{Envelope: c.Envelope, Vote: signature(from, cert.VoteMessage(chainOf(3).Name, c.Digest()))}}
}

func reply(from int, edit func(m *quorum.ResyncReply)) *quorum.ResyncReply {
	m := &quorum.ResyncReply{Chain: chainOf(3).Name, From: from, Height: 1, Nonce: quorum.Nonce{1}}
	edit(m)
	b := quorum.Encode(m)
	m.Signature = signature(from, slices.Concat([]byte("omega/resync-reply/v1\x00"), m.Chain[:], b[33:len(b)-cert.SignatureSize]))
	return m
}

func decided(name string, edit func(c *cert.Certificate)) *quorum.Decided {
	content := contentOf(name)
	c := cert.Certificate{Envelope: content.Envelope, Body: content.Body}
	for i := range 3 {
		c.Signatures = append(c.Signatures, signature(i, cert.VoteMessage(chainOf(3).Name, content.Digest())))
	}
	edit(&c)
	return &quorum.Decided{Certificate: c}
}

func startWith(d *quorum.Durable) quorum.Start { return quorum.Start{Disk: d, Nonce: quorum.Nonce{1}} }

// acts are messages, good and bad, each made anew at every call. Those with "!" are
// for a config that is not the member's.
var acts = map[string]func() quorum.Message{
	"start":        func() quorum.Message { return startWith(nil) },
	"start astray": func() quorum.Message { return startWith(&quorum.Durable{Chain: cert.Hash{1}, Height: 1}) },
	"start ahead":  func() quorum.Message { return startWith(&quorum.Durable{Chain: chainOf(3).Name, Height: 9}) },
	"start forged": func() quorum.Message {
		p := prepareOf(1, 0, "A")
		return startWith(&quorum.Durable{Chain: chainOf(3).Name, Height: 1, Prepare: &p, Candidates: []quorum.Content{contentOf("A")}})
	},
	"start contradicting": func() quorum.Message {
		p := prepareOf(0, 0, "A")
		return startWith(&quorum.Durable{Chain: chainOf(3).Name, Height: 1, Prepare: &p, Proof: proofOf(2, "A"), Candidates: []quorum.Content{contentOf("A")}})
	},
	"reply 1":           func() quorum.Message { return reply(1, func(*quorum.ResyncReply) {}) },
	"reply 2":           func() quorum.Message { return reply(2, func(*quorum.ResyncReply) {}) },
	"reply late":        func() quorum.Message { return reply(1, func(m *quorum.ResyncReply) { m.Nonce[5] = 9 }) },
	"reply for another": func() quorum.Message { return reply(1, func(m *quorum.ResyncReply) { m.To = 2 }) },
	"reply of a height": func() quorum.Message { return reply(1, func(m *quorum.ResyncReply) { m.Height = 7 }) },
	"reply with a lie": func() quorum.Message {
		return reply(1, func(m *quorum.ResyncReply) { p := prepareOf(1, 0, "A"); m.Prepare = &p })
	},
	"reply with a commit": func() quorum.Message {
		return reply(1, func(m *quorum.ResyncReply) { m.Commit = &commit(2, "A").SignedCommit })
	},
	"reply forged":        func() quorum.Message { m := reply(1, func(*quorum.ResyncReply) {}); m.Signature[0] ^= 1; return m },
	"resync forged":       func() quorum.Message { return &quorum.Resync{Chain: chainOf(3).Name, From: 1, Height: 1} },
	"resync of nobody":    func() quorum.Message { return &quorum.Resync{Chain: chainOf(3).Name, From: 7, Height: 1} },
	"resync astray":       func() quorum.Message { return &quorum.Resync{From: 1, Height: 1} },
	"candidate A":         func() quorum.Message { return quorum.Candidate{Content: contentOf("A")} },
	"candidate B":         func() quorum.Message { return quorum.Candidate{Content: contentOf("B")} },
	"candidate A in 1":    func() quorum.Message { return quorum.Candidate{Attempt: 1, Content: contentOf("A")} },
	"candidate A in 2":    func() quorum.Message { return quorum.Candidate{Attempt: 2, Content: contentOf("A")} },
	"candidate astray":    func() quorum.Message { return quorum.Candidate{Content: contentOf("astray")} },
	"candidate too large": func() quorum.Message { c := contentOf("A"); c.Body = tooLarge; return quorum.Candidate{Content: c} },
	"candidate joining": func() quorum.Message {
		c := contentOf("roster change") // by which nobody joins
		c.Joining = []cert.Signature{signature(3, cert.VoteMessage(chainOf(3).Name, c.Digest()))}
		return quorum.Candidate{Content: c}
	},
	"prepare 1 A":      func() quorum.Message { return prepare(1, 0, "A") },
	"prepare 1 B":      func() quorum.Message { return prepare(1, 0, "B") },
	"prepare 2 A":      func() quorum.Message { return prepare(2, 0, "A") },
	"prepare 2 B in 1": func() quorum.Message { return prepare(2, 1, "B") },
	"prepare with proof": func() quorum.Message {
		return prepare(1, 2, "B", func(m *quorum.Prepare) { m.Proof = proofOf(0, "B") })
	},
	"prepare with a short proof": func() quorum.Message {
		return prepare(1, 2, "B", func(m *quorum.Prepare) { m.Proof = proofOf(3, "B"); m.Proof.Signatures = m.Proof.Signatures[1:] })
	},
	"prepare with a false proof": func() quorum.Message {
		return prepare(2, 2, "B", func(m *quorum.Prepare) { m.Proof = proofOf(3, "B"); m.Proof.Signatures[2][0] ^= 1 })
	},
	"prepare forged":      func() quorum.Message { return prepare(1, 0, "A", func(m *quorum.Prepare) { m.Attempt = 1 }) },
	"prepare of nobody":   func() quorum.Message { return prepare(1, 0, "A", func(m *quorum.Prepare) { m.From = -1 }) },
	"prepare of mine":     func() quorum.Message { return prepare(0, 5, "B") },
	"commit 1 A":          func() quorum.Message { return commit(1, "A") },
	"commit 2 A":          func() quorum.Message { return commit(2, "A") },
	"commit 2 B":          func() quorum.Message { return commit(2, "B") },
	"commit forged":       func() quorum.Message { m := commit(2, "A"); m.Vote[0] ^= 1; return m },
	"commit with a proof": func() quorum.Message { m := commit(2, "A"); m.Proof = &quorum.Proof{Attempt: 4}; return m },
	"decided forged":      func() quorum.Message { return decided("A", func(c *cert.Certificate) { c.Signatures[1][0] ^= 1 }) },
	"decided astray":      func() quorum.Message { return decided("astray", func(*cert.Certificate) {}) },
	"decided short": func() quorum.Message {
		return decided("A", func(c *cert.Certificate) { c.Signatures = c.Signatures[1:] })
	},
	"decided of roster": func() quorum.Message { return decided("roster change", func(*cert.Certificate) {}) },
	"decided far ahead": func() quorum.Message { return decided("A", func(c *cert.Certificate) { c.Envelope.BatchID = 8 }) },
	"decided long ago":  func() quorum.Message { return &quorum.Decided{Certificate: *genesisOf(3)} },
	"tick":              func() quorum.Message { return quorum.Tick{} },
	"timeout":           func() quorum.Message { return quorum.Timeout{} },
	"tick of a chain!":  func() quorum.Message { return quorum.Tick{} },
	"tick of a roster!": func() quorum.Message { return quorum.Tick{} },
}

var tooLarge = make([]byte, cert.MaxBody+1)

// stories lead to states in which some errors can be provoked.
var stories = []string{
	"tick, start astray, start ahead, start forged, start contradicting, start, start, timeout, reply 1, reply 2, timeout",
	"start, reply 1, reply 2, candidate A, timeout, prepare 1 A, prepare 1 A, candidate A, candidate A in 1, prepare 1 A, prepare forged",
	"start, reply 1, reply 2, candidate B, timeout, candidate A in 1, timeout, prepare with proof, candidate A in 2, candidate A in 1",
	"start, reply 1, reply 2, candidate A, prepare 1 A, prepare 2 A, commit 1 A, commit 2 A, decided long ago, prepare of mine, tick",
	"start, reply 1, reply 2, prepare of mine, tick, start, candidate A",
	"start, reply late, reply for another, reply forged, reply 1, reply 2, tick of a chain!, tick of a roster!, decided forged, decided of roster",
	"start, reply 1, reply 2, candidate too large, candidate astray, candidate joining, candidate A, candidate B",
}

// twins are a member's state and its twin, which is told what is not refused.
type twins struct {
	p      probe
	cfg    map[string]*quorum.Config
	member quorum.State
	twin   quorum.State
}

func newTwins(p probe) *twins {
	other, roster := configOf(2), configOf(3)
	roster.Roster = rosterOf(4)
	return &twins{
		p: p, cfg: map[string]*quorum.Config{"": configOf(3), "tick of a chain!": other, "tick of a roster!": roster},
		member: quorum.Begin(chainOf(3)), twin: quorum.Begin(chainOf(3)),
	}
}

func (w *twins) tell(t T, name string) {
	cfg, ok := w.cfg[name]
	if !ok {
		cfg = w.cfg[""]
	}
	m := acts[name]()
	after, effects, err := quorum.Step(cfg, w.member, m)
	if err == nil {
		w.member = after
		w.twin, _, err = quorum.Step(cfg, w.twin, acts[name]())
		require.NoError(t, err)
	} else {
		w.p.refused(t, err)
		require.Nil(t, effects, "%s: effects with %v", name, err)
		require.Equal(t, w.twin, after, "%s: another state with %v", name, err)
	}
	require.Equal(t, w.twin, w.member, "%s: %v has changed the state", name, err)
	if name != "candidate too large" {
		require.Equal(t, acts[name](), m, "%s: the message was changed", name)
	}
}

func stepSubjects() map[string]func(p probe) {
	return map[string]func(p probe){
		"quorum.Step": func(p probe) {
			for _, story := range stories {
				w := newTwins(p)
				for _, name := range strings.Split(story, ", ") {
					w.tell(p, name)
				}
			}
			names := slices.Sorted(maps.Keys(acts))
			rapid.Check(p.T, func(t *rapid.T) {
				w := newTwins(p)
				if rapid.IntRange(0, 4).Draw(t, "begin") > 0 {
					for _, name := range []string{"start", "reply 1", "reply 2"} {
						w.tell(t, name)
					}
				}
				for range rapid.IntRange(1, 12).Draw(t, "messages") {
					w.tell(t, rapid.SampledFrom(names).Draw(t, "message"))
				}
			})
		},
		"quorum.NewConfig": func(p probe) {
			chain, twin := chainOf(3), chainOf(3)
			cfg, err := quorum.NewConfig(chain, cert.PublicKey{7}, seat(0))
			p.refused(p, err)
			require.Nil(p, cfg)
			require.Equal(p, twin, chain)
		},
		"quorum.Decode": func(p probe) {
			var valid [][]byte
			for _, m := range []quorum.Wire{
				prepare(1, 2, "B", func(m *quorum.Prepare) { m.Proof = proofOf(0, "B") }), commit(1, "A"), decided("A", func(*cert.Certificate) {}),
				reply(1, func(m *quorum.ResyncReply) { m.Commit = &commit(2, "A").SignedCommit }), &quorum.Resync{},
			} {
				valid = append(valid, quorum.Encode(m))
			}
			reading(p, append(valid, nil, []byte{9}), quorum.Decode)
		},
		"quorum.DecodeDurable": func(p probe) {
			q := prepareOf(0, 0, "A")
			d := &quorum.Durable{Chain: chainOf(3).Name, Height: 1, Prepare: &q, Proof: proofOf(2, "A"), Candidates: []quorum.Content{contentOf("A")}}
			reading(p, [][]byte{d.Encode(), nil}, quorum.DecodeDurable)
		},
	}
}
