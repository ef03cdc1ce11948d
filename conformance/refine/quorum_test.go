package refine

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/corpus"
	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// graph reads a corpus, and gives the values of its variables.
func graph(t *testing.T, name string) map[string][]tlavalue.Value {
	f, err := os.Open("../corpus/testdata/" + name + ".corpus.gz")
	require.NoError(t, err)
	defer f.Close()
	c, err := corpus.Read(f)
	require.NoError(t, err)
	values := map[string][]tlavalue.Value{}
	for _, v := range c.Variables {
		values[v.Name] = v.Values
	}
	return values
}

func newWorld(t *testing.T) *World {
	w, err := NewWorld([]string{"m1", "m2"}, []string{"a", "b"}, 3)
	require.NoError(t, err)
	return w
}

// member1 returns what a variable's value holds of m1.
func member1(t *testing.T, v tlavalue.Value) tlavalue.Value {
	of, ok := v.(tlavalue.Function).Get(tlavalue.Model("m1"))
	require.True(t, ok)
	return of
}

// logOfHeight returns a log in which the height is under way, for a digest of it.
func logOfHeight(digests ...tlavalue.Value) tlavalue.Value {
	log := tlavalue.Seq{}
	for _, v := range digests {
		if d, ok := v.(tlavalue.Seq); ok {
			for h := 1; h < len(d); h++ {
				log = append(log, record(fields{"digest": d[:h], "votes": tlavalue.Set{tlavalue.Model("m1"), tlavalue.Model("m2")}}))
			}
			break
		}
	}
	return log
}

// digestsIn returns all digests that stand anywhere in v.
func digestsIn(v tlavalue.Value) (all []tlavalue.Value) {
	switch v := v.(type) {
	case tlavalue.Seq:
		if len(v) > 0 {
			if value, ok := v[0].(tlavalue.Model); ok && (value == "a" || value == "b") {
				return []tlavalue.Value{v}
			}
		}
		for _, e := range v {
			all = append(all, digestsIn(e)...)
		}
	case tlavalue.Set:
		for _, e := range v {
			all = append(all, digestsIn(e)...)
		}
	case tlavalue.Record:
		for _, f := range v {
			all = append(all, digestsIn(f.Value)...)
		}
	case tlavalue.Function:
		for _, p := range v {
			all = append(all, digestsIn(p.Value)...)
		}
	}
	return all
}

func TestEveryStateOfTheGraphGoesToTheCodeAndBack(t *testing.T) {
	w, members := newWorld(t), 0
	for _, value := range graph(t, "QuorumGraph")["mem"] {
		mem := member1(t, value)
		if mem == None {
			continue
		}
		log := logOfHeight(digestsIn(mem)...)
		s, err := w.State(mem, log)
		require.NoError(t, err)
		back, err := w.Member(&s)
		require.NoError(t, err, "%v", mem)
		require.Equal(t, mem.String(), back.String())
		head, err := w.Head(&s)
		require.NoError(t, err)
		require.Len(t, head, len(log.(tlavalue.Seq)))
		members++
	}
	require.Greater(t, members, 100)
}

func TestEveryDiskOfTheGraphGoesToItsBytesAndBack(t *testing.T) {
	w, disks := newWorld(t), 0
	for _, value := range graph(t, "QuorumGraph")["disk"] {
		disk := member1(t, value)
		log := logOfHeight(digestsIn(disk)...)
		d, err := w.Durable(0, disk, log)
		require.NoError(t, err)
		height := uint64(len(log.(tlavalue.Seq))) + 1
		if d != nil {
			decoded, err := quorum.DecodeDurable(d.Encode())
			require.NoError(t, err)
			require.Equal(t, d.Encode(), decoded.Encode())
			d = decoded
			void, err := w.Disk(0, d, height+1)
			require.NoError(t, err)
			require.Equal(t, None, void)
			disks++
		}
		back, err := w.Disk(0, d, height)
		require.NoError(t, err)
		require.Equal(t, disk.String(), back.String())
	}
	require.Greater(t, disks, 10)
}

func TestEveryMessageOfTheGraphGoesToItsBytesAndBack(t *testing.T) {
	w := newWorld(t)
	messages := map[string]tlavalue.Value{}
	for _, net := range graph(t, "QuorumGraph")["net"] {
		for _, x := range net.(tlavalue.Set) {
			messages[x.String()] = x
		}
	}
	require.Greater(t, len(messages), 20)
	for _, x := range messages {
		msg, err := w.Message(x, Everything)
		require.NoError(t, err)
		decoded, err := quorum.Decode(quorum.Encode(msg))
		require.NoError(t, err)
		back, err := w.Naming.Message(decoded)
		require.NoError(t, err)
		require.Equal(t, x.String(), back.String())
	}
}

// sample is one state of the code in which every field says something.
func sample(t *testing.T, w *World) quorum.State {
	mem, err := tlavalue.Parse(`[answered |-> {m1, m2}, attempt |-> 1, candidates |-> {<<a>>, <<b>>},
		commits |-> (m1 :> <<a>> @@ m2 :> <<b>>),
		current |-> (m1 :> [attempt |-> 1, digest |-> <<a>>] @@ m2 :> None), evidence |-> {<<m2, "commit">>, <<m2, "prepare">>},
		halted |-> None, lock |-> [attempt |-> 0, by |-> {m1, m2}, digest |-> <<a>>],
		newest |-> (m1 :> [attempt |-> 1, digest |-> <<a>>] @@ m2 :> [attempt |-> 0, digest |-> <<a>>]), nonce |-> 1,
		own |-> <<b>>, proof |-> [attempt |-> 0, by |-> {m1, m2}, digest |-> <<a>>]]`)
	require.NoError(t, err)
	s, err := w.State(mem, tlavalue.Seq{})
	require.NoError(t, err)
	back, err := w.Member(&s)
	require.NoError(t, err)
	require.Equal(t, mem.String(), back.String())
	return s
}

func TestAStateThatTheModelCannotSayIsForeign(t *testing.T) {
	w := newWorld(t)
	for name, damage := range map[string]func(s *quorum.State){
		"a broken prepare": func(s *quorum.State) {
			p := *s.Prepares[1].Newest
			p.Signature[3] ^= 1
			s.Prepares[1].Newest = &p
		},
		"another's prepare": func(s *quorum.State) { s.Prepares[1].Current = s.Prepares[0].Current },
		"a broken vote": func(s *quorum.State) {
			c := *s.Commits[1]
			c.Vote[3] ^= 1
			s.Commits[1] = &c
		},
		"a vote of another height": func(s *quorum.State) {
			other, err := w.Content(tlavalue.Seq{tlavalue.Model("a"), tlavalue.Model("a")})
			require.NoError(t, err)
			s.Commits[1] = &quorum.SignedCommit{Envelope: other.Envelope, Vote: w.Sign(1, cert.VoteMessage(w.chain, other.Digest()))}
		},
		"a digest without a name":   func(s *quorum.State) { s.Own = cert.Hash{1} },
		"a nonce without a number":  func(s *quorum.State) { s.Nonce = quorum.Nonce{9} },
		"a candidate twice":         func(s *quorum.State) { s.Candidates[1] = s.Candidates[0] },
		"candidates out of order":   func(s *quorum.State) { s.Candidates[0], s.Candidates[1] = s.Candidates[1], s.Candidates[0] },
		"a candidate's other body":  func(s *quorum.State) { s.Candidates[0].Body = []byte("x") },
		"a proof of one":            func(s *quorum.State) { s.Proof.Signatures = s.Proof.Signatures[:1] },
		"too few commits":           func(s *quorum.State) { s.Commits = s.Commits[:1] },
		"another chain":             func(s *quorum.State) { s.Chain.Name = cert.Hash{1} },
		"an endless attempt":        func(s *quorum.State) { s.Attempt = 1 << 31 },
		"a strange halt":            func(s *quorum.State) { s.Halted = &quorum.Halt{Reason: "tired"} },
		"evidence of nothing":       func(s *quorum.State) { s.Evidence[0].Second = s.Evidence[0].First },
		"evidence of two kinds":     func(s *quorum.State) { s.Evidence[0].Second = s.Evidence[1].First },
		"evidence against another":  func(s *quorum.State) { s.Evidence[0].Member = 0 },
		"one accusation twice":      func(s *quorum.State) { s.Evidence[0] = s.Evidence[1] },
		"evidence of other heights": func(s *quorum.State) { s.Chain.Length = 7 },
	} {
		s := sample(t, w)
		damage(&s)
		_, err := w.Member(&s)
		require.ErrorIs(t, err, ErrForeign, name)
	}
}

func TestAMessageThatTheModelCannotSayIsForeign(t *testing.T) {
	w := newWorld(t)
	reply, err := tlavalue.Parse(`[commit |-> <<a>>, from |-> m2, height |-> 1, nonce |-> 1,
		prepare |-> [attempt |-> 0, digest |-> <<a>>], to |-> m1, type |-> "reply"]`)
	require.NoError(t, err)
	good, err := w.Message(reply, Everything)
	require.NoError(t, err)
	_, err = w.Naming.Message(good)
	require.NoError(t, err)
	only := func(text byte) Exists { // all but the signatures of messages that begin so
		return func(_ int, msg []byte) bool { return msg[len("omega/")] != text }
	}
	for name, exists := range map[string]Exists{"the reply": only('r'), "the prepare": only('p'), "the vote": only('v')} {
		bad, err := w.Message(reply, exists)
		require.NoError(t, err)
		_, err = w.Naming.Message(bad)
		require.ErrorIs(t, err, ErrForeign, name)
	}
	prepare := made(t, w, `[type |-> "prepare", from |-> m1, height |-> 1, attempt |-> 0, digest |-> <<a>>, proof |-> None]`)
	answer := made(t, w, `[type |-> "reply", from |-> m1, to |-> m2, height |-> 1, nonce |-> 1, prepare |-> None, commit |-> None]`)
	question := made(t, w, `[type |-> "resync", from |-> m1, height |-> 1, nonce |-> 1]`)
	certified := func(uint64) *cert.Certificate { return nil }
	for _, to := range []quorum.Send{
		{To: quorum.Everyone, Message: prepare}, {To: 1, Message: answer},
		{To: 1, Message: question}, {To: quorum.Everyone, Message: question},
	} {
		_, err := w.Effects(0, 1, []quorum.Effect{to}, certified)
		require.NoError(t, err)
	}
	for name, e := range map[string]quorum.Effect{
		"a reply to oneself":      quorum.Send{To: 0, Message: answer},
		"a reply to everyone":     quorum.Send{To: quorum.Everyone, Message: answer},
		"a prepare to one":        quorum.Send{To: 1, Message: prepare},
		"a question to oneself":   quorum.Send{To: 0, Message: question},
		"a question to nobody":    quorum.Send{To: 2, Message: question},
		"bytes of no Durable":     quorum.Persist{Durable: []byte{1}},
		"a certificate not there": quorum.SendCertificate{To: 1, Height: 1},
	} {
		_, err := w.Effects(0, 1, []quorum.Effect{e}, certified)
		require.ErrorIs(t, err, ErrForeign, name)
	}
}

// made returns the message of a record.
func made(t *testing.T, w *World, text string) quorum.Wire {
	m, err := w.Message(parsed(t, text), Everything)
	require.NoError(t, err)
	return m
}
