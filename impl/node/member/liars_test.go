package member

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
	"github.com/omega-sheaf-os/omega/impl/omegalog/omegalogtest"
	"github.com/omega-sheaf-os/omega/impl/transport"
)

// picture is all of a member that a refused message must not change.
type picture struct {
	chain     cert.Hash
	state     quorum.State
	manifests int
	sections  int
	early     int
	transfers int
	queue     int
	evidence  int
	pending   int
	heard     []time.Time
}

func (s *seat) picture() picture {
	c := s.core
	p := picture{
		chain: c.store.Chain.Head, state: c.state, sections: len(c.batch.sections), early: len(c.early), transfers: len(c.transfers),
		queue: len(c.follow.queue) + len(c.follow.bytes), evidence: len(c.evidence),
	}
	for _, held := range c.batch.manifests {
		p.manifests += len(held)
	}
	for _, x := range c.peers {
		p.heard = append(p.heard, x.heard)
	}
	p.pending, _ = c.pool.waiting()
	return p
}

// signManifest signs a manifest as the member that it names.
func (w *world) signManifest(m *Manifest) []byte {
	m.Chain = w.members[0].core.store.Chain.Name
	m.Signature = w.members[m.From].key.Sign(m.Message())
	return m.Encode()
}

func (w *world) signHello(m *Hello) []byte {
	m.Chain = w.members[0].core.store.Chain.Name
	m.Signature = w.members[m.From].key.Sign(m.Message())
	return m.Encode()
}

// TestWhatIsRefusedChangesNothingAndIsCounted hands a member one message of each cause.
func TestWhatIsRefusedChangesNothingAndIsCounted(t *testing.T) {
	w := newWorld(t, 3, transport.Faults{})
	w.publish(ev(1, 1))
	w.until(20, w.settled)
	s := w.members[0]
	chain := s.core.store.Chain
	hello := Hello{From: 1, Height: 2, Phase: Answering, Sent: 1 << 62}
	require.NoError(t, s.core.receive(w.now, w.signHello(&hello)))
	forged := cert.Signature{1}
	stranger := keyOf(t, 77)
	otherChain := Manifest{Chain: cert.Hash{1}, From: 1, Height: 2}
	otherChain.Signature = w.members[1].key.Sign(otherChain.Message())
	unknown := Manifest{Chain: chain.Name, From: 3, Height: 2}
	badSection := Manifest{From: 1, Height: 2, Sections: []Listed{{Node: 2, Signature: &forged}}}
	foreign := Manifest{From: 1, Height: 2, Sections: []Listed{{Node: 1}}}
	sig := w.members[1].key.Sign(foreign.Sections[0].message(chain.Name))
	foreign.Sections[0].Signature = &sig
	prepare := quorum.Prepare{Chain: chain.Name, Height: 2, From: 1}
	otherPrepare := quorum.Prepare{Chain: cert.Hash{1}, Height: 2, From: 1}
	decided := quorum.Decided{Certificate: *s.core.store.Certificates[1]}
	decided.Certificate.Envelope.BatchID = 2
	for _, x := range []struct {
		cause string
		bytes []byte
	}{
		{causeOversized, make([]byte, MaxMessage+1)},
		{causeMalformed, nil},
		{causeMalformed, []byte("garbage")},
		{causeMalformed, []byte{kindManifest, 1, 2}},
		{causeMalformed, append(w.signManifest(&Manifest{From: 1, Height: 2}), 0)},
		{causeMalformed, []byte{99}},
		{causeChain, otherChain.Encode()},
		{causeUnknown, unknown.Encode()},
		{causeOwn, w.signManifest(&Manifest{From: 0, Height: 2})},
		{causeOwn, w.signHello(&Hello{From: 0, Height: 9, Phase: Prepared, Sent: 1})},
		{causeSignature, (&Manifest{Chain: chain.Name, From: 1, Height: 2, Signature: stranger.Sign([]byte("x"))}).Encode()},
		{causeSignature, (&Hello{Chain: chain.Name, From: 1, Height: 9, Phase: Prepared, Sent: 1 << 63}).Encode()},
		{causeSection, w.signManifest(&badSection)},
		{causeSection, w.signManifest(&foreign)},
		{causeReplayed, hello.Encode()},
		{causeUnasked, (&Chunk{Chain: chain.Name, From: 1, Ticket: 5, Total: 1, Bytes: []byte{1}}).Encode()},
		{causeNotHeld, (&Want{Chain: chain.Name, From: 1, Object: Object{Class: SectionObject, Height: 2, Root: merkle.Hash{9}}, Chunks: 1}).Encode()},
		{causeNotHeld, (&Want{Chain: chain.Name, From: 1, Object: Object{Class: TraceObject, Height: 1, Root: merkle.Hash{9}}, Chunks: 1}).Encode()},
		{causeNotHeld, (&Want{Chain: chain.Name, From: 1, Object: Object{Class: TraceObject, Height: 1 << 60}, Chunks: 1}).Encode()},
		{causeChain, (&Want{From: 1, Object: Object{Class: LogObject}, Chunks: 1}).Encode()},
		{causeOwn, (&Want{Chain: chain.Name, From: 0, Object: Object{Class: LogObject}, Chunks: 1}).Encode()},
		{quorum.ErrSignature.Error(), quorum.Encode(&prepare)},
		{quorum.ErrWrongChain.Error(), quorum.Encode(&otherPrepare)},
		{quorum.ErrCertificate.Error(), quorum.Encode(&decided)},
	} {
		before, counts := s.picture(), maps.Clone(s.core.counts)
		out := counts["bytes out"]
		require.NoError(t, s.core.receive(w.now, x.bytes), x.cause)
		require.Equal(t, before, s.picture(), x.cause)
		require.Equal(t, counts["refused: "+x.cause]+1, s.core.counts["refused: "+x.cause], x.cause)
		require.Equal(t, out, s.core.counts["bytes out"], x.cause)
	}
	w.publish(ev(2, 1))
	w.until(50, w.settled)
	w.audit(2, 0)
}

// TestAnyBytesLeaveAMemberAlive hands a member damaged copies of true messages.
func TestAnyBytesLeaveAMemberAlive(t *testing.T) {
	w := newWorld(t, 2, transport.Faults{})
	s := w.members[0]
	var seen [][]byte
	deliver := s.core.deliver
	s.core.deliver = func(b []byte) {
		seen = append(seen, b)
		deliver(b)
	}
	require.NoError(t, s.core.end.Close())
	require.NoError(t, s.core.join())
	w.publish(ev(1, 1), ev(1, 2))
	w.until(20, w.settled)
	head := s.core.store.Chain.Head
	rapid.Check(t, func(t *rapid.T) {
		b := slices.Clone(rapid.SampledFrom(seen).Draw(t, "message"))
		for range rapid.IntRange(0, 3).Draw(t, "flips") {
			b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
		}
		b = b[:rapid.IntRange(0, len(b)).Draw(t, "length")]
		require.NoError(t, s.core.receive(w.now, b))
		require.Equal(t, head, s.core.store.Chain.Head)
		require.Empty(t, s.core.evidence)
		require.Empty(t, s.core.status().Halted)
	})
	w.publish(ev(2, 1))
	w.until(50, w.settled)
	w.audit(3, 0)
}

// TestTwoManifestsAreEvidenceAndBothCount has member 2 tell the others different
// batches, both of which it serves.
func TestTwoManifestsAreEvidenceAndBothCount(t *testing.T) {
	w := newWorld(t, 3, transport.Faults{})
	w.pass(3)
	liar := w.members[2]
	var raw [][]byte
	for i := range 2 {
		b := liar.sealed(ev(uint64(i)+1, 3))
		raw = append(raw, b)
		require.NoError(t, w.members[i].core.receive(w.now, b))
	}
	require.NoError(t, liar.core.hold(decodeManifest(t, raw[0])))
	require.NoError(t, liar.core.hold(decodeManifest(t, raw[1])))
	w.until(200, func() bool { return w.members[0].core.store.Chain.Length == 2 })
	w.until(20, w.settled)
	for _, s := range w.members[:2] {
		require.Len(t, s.core.evidence, 1)
		require.Equal(t, "m2", s.core.evidence[0].Member)
		require.ElementsMatch(t, raw, [][]byte{s.core.evidence[0].First, s.core.evidence[0].Second})
		require.FileExists(t, s.dir+"/evidence/00000001-m2-manifest-1")
	}
	w.audit(2, 0)
}

// TestAContentThatAllMayHavePreparedOutlivesCrashes has members differ in attempt 0, and
// one of them crash before it prepares in attempt 1, and the other behind it.
func TestAContentThatAllMayHavePreparedOutlivesCrashes(t *testing.T) {
	w := newWorld(t, 3, transport.Faults{})
	w.pass(3)
	s, other, liar := w.members[0], w.members[1], w.members[2]
	other.core.fault = func(string) error {
		if other.core.state.Attempt == 1 {
			return errCrash
		}
		return nil
	}
	raw := [][]byte{liar.sealed(ev(1, 3)), liar.sealed(ev(2, 3))}
	require.NoError(t, s.core.receive(w.now, raw[0]))
	require.NoError(t, other.core.receive(w.now, raw[1]))
	for _, b := range raw {
		require.NoError(t, liar.core.hold(decodeManifest(t, b)))
	}
	w.until(50, func() bool {
		return other.core == nil && s.core.state.Attempt == 1 && s.core.state.Prepares[0].Current != nil
	})
	made := maps.Clone(s.core.batch.contents)
	require.Len(t, made, 2)
	s.stop()
	s.start()
	require.Equal(t, made, s.core.batch.contents)
	other.start()
	w.until(100, func() bool { return s.core.store.Chain.Length == 2 && w.settled() })
	w.audit(2, 0)
}

func decodeManifest(t *testing.T, b []byte) *Manifest {
	m, err := Decode(b)
	require.NoError(t, err)
	return m.(*Manifest)
}

// sealed writes a section into the member's batch, and returns a manifest that lists it.
func (s *seat) sealed(events ...event.Event) []byte {
	b := s.core.batch
	var list []*entry
	for _, e := range events {
		raw, err := e.Append(nil)
		require.NoError(s.w.t, err)
		list = append(list, &entry{event: raw})
	}
	g := group{node: 3, events: list}
	listed := s.core.describe(&g)
	require.NoError(s.w.t, os.MkdirAll(b.dir, 0o755))
	require.NoError(s.w.t, writeSection(b.path(listed.Root), &g))
	return s.w.signManifest(&Manifest{From: s.index, Height: b.height, Sections: []Listed{listed}})
}

// TestOfManyManifestsOfOneMemberTheLeastTwoCount hands them over in any order.
func TestOfManyManifestsOfOneMemberTheLeastTwoCount(t *testing.T) {
	w := newWorld(t, 3, transport.Faults{})
	w.pass(3)
	var all [][]byte
	for i := range 6 {
		all = append(all, w.signManifest(&Manifest{From: 2, Height: 1, First: uint64(i)}))
	}
	for i, s := range w.members[:2] {
		for n := range all {
			require.NoError(t, s.core.receive(w.now, all[(n*5+i*2)%6]))
		}
		require.Len(t, s.core.batch.manifests[2], perMember)
		require.Len(t, s.core.evidence, 1)
	}
	require.Equal(t, w.members[0].core.batch.manifests[2], w.members[1].core.batch.manifests[2])
}

// TestAPeerThatSendsWrongBytesIsDroppedAndAnotherAsked has member 1 answer wrongly for a
// section that member 2 has too.
func TestAPeerThatSendsWrongBytesIsDroppedAndAnotherAsked(t *testing.T) {
	other := ev(2, 9)
	other.Value++
	for name, lie := range map[string]struct {
		change func(*Chunk)
		cause  string
	}{
		"a byte":         {func(c *Chunk) { c.Bytes[len(c.Bytes)-1] ^= 1 }, causeLie},
		"another event":  {func(c *Chunk) { c.Bytes = sectionBytes(t, ev(1, 9), other) }, causeLie},
		"a larger size":  {func(c *Chunk) { c.Total++ }, causeLie},
		"a smaller size": {func(c *Chunk) { c.Total--; c.Bytes = c.Bytes[:len(c.Bytes)-1] }, causeLie},
		"nothing":        {func(c *Chunk) { c.Bytes, c.Total = nil, 0 }, causeLie},
		"another place":  {func(c *Chunk) { c.Bytes, c.Offset = c.Bytes[1:], 1 }, causeUnasked},
		"another's name": {func(c *Chunk) { c.From = 2 }, causeUnasked},
		"another chain":  {func(c *Chunk) { c.Chain[0]++ }, causeUnasked},
		"another ticket": {func(c *Chunk) { c.Ticket++ }, causeUnasked},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3, transport.Faults{Seed: 1}) // by which the liar is asked first
			liar := w.members[1]
			hears := liar.core.deliver
			lies := 0
			liar.core.deliver = func(b []byte) {
				m, err := Decode(b)
				want, ok := m.(*Want)
				if err != nil || !ok || want.Object.Class != SectionObject {
					hears(b)
					return
				}
				lies++
				path, _ := liar.core.locate(&want.Object)
				raw, err := readFile(path)
				require.NoError(t, err)
				chunk := Chunk{Chain: want.Chain, From: 1, Ticket: want.Ticket, Total: uint64(len(raw)), Bytes: raw}
				lie.change(&chunk)
				require.NoError(t, liar.core.end.Send(want.From, chunk.Encode()))
			}
			require.NoError(t, liar.core.end.Close())
			require.NoError(t, liar.core.join())
			w.pass(3)
			for _, s := range w.members[1:] {
				s.hand(9, ev(1, 9), ev(2, 9))
			}
			w.until(200, w.settled)
			require.Positive(t, lies)
			counts := w.members[0].core.counts
			require.Positive(t, counts["refused: "+lie.cause])
			require.Equal(t, lie.cause == causeLie, counts["liars"] > 0)
			w.audit(2, 0)
		})
	}
}

// TestAPeerThatOnlyLiesIsAskedAtThePaceOfTicks is the only one to have a section.
func TestAPeerThatOnlyLiesIsAskedAtThePaceOfTicks(t *testing.T) {
	w := newWorld(t, 2, transport.Faults{})
	liar := w.members[1]
	hears, lies := liar.core.deliver, 0
	liar.core.deliver = func(b []byte) {
		m, _ := Decode(b)
		want, ok := m.(*Want)
		if !ok || want.Object.Class != SectionObject {
			hears(b)
			return
		}
		lies++
		raw := sectionBytes(t, ev(1, 9))
		raw[len(raw)-1] ^= 1
		chunk := Chunk{Chain: want.Chain, From: 1, Ticket: want.Ticket, Total: uint64(len(raw)), Bytes: raw}
		require.NoError(t, liar.core.end.Send(want.From, chunk.Encode()))
	}
	require.NoError(t, liar.core.end.Close())
	require.NoError(t, liar.core.join())
	w.pass(3)
	liar.hand(9, ev(1, 9))
	w.pass(20)
	require.Positive(t, lies)
	require.LessOrEqual(t, lies, 20)
	require.EqualValues(t, 1, w.members[0].core.store.Chain.Length)
	liar.core.deliver = hears
	require.NoError(t, liar.core.end.Close())
	require.NoError(t, liar.core.join())
	w.until(20, w.settled)
	w.audit(1, 0)
}

// TestDoublePreparesAndCommitsAreKeptAsEvidence signs two of each as member 2.
func TestDoublePreparesAndCommitsAreKeptAsEvidence(t *testing.T) {
	w := newWorld(t, 3, transport.Faults{})
	w.pass(3)
	c, liar := w.members[0].core, w.members[2].key
	chain := c.store.Chain
	for i := range byte(3) {
		p := quorum.Prepare{Chain: chain.Name, Height: 1, From: 2, SignedPrepare: quorum.SignedPrepare{Digest: cert.Hash{i + 1}}}
		p.Signature = liar.Sign(cert.PrepareMessage(chain.Name, 1, 0, p.Digest))
		require.NoError(t, c.receive(w.now, quorum.Encode(&p)))
		v := quorum.Commit{Chain: chain.Name, From: 2}
		v.Envelope.BatchID, v.Envelope.BodyHash[0] = 1, i
		v.Vote = liar.Sign(cert.VoteMessage(chain.Name, v.Envelope.Hash()))
		require.NoError(t, c.receive(w.now, quorum.Encode(&v)))
	}
	require.Len(t, c.evidence, 2)
	for _, kind := range []string{"prepare", "commit"} {
		for _, n := range []string{"1", "2"} {
			raw, err := os.ReadFile(w.members[0].dir + "/evidence/00000001-m2-" + kind + "-" + n)
			require.NoError(t, err)
			_, err = quorum.Decode(raw)
			require.NoError(t, err)
		}
	}
	require.EqualValues(t, 2, c.counts["evidence"])
	require.Equal(t, EvidenceNews, w.members[0].news[len(w.members[0].news)-1].Kind)
	text, err := json.Marshal(c.status())
	require.NoError(t, err)
	require.Contains(t, string(text), `"Phase":"committed"`)
	require.Equal(t, "unknown", Phase(9).String())
}

func sectionBytes(t *testing.T, events ...event.Event) []byte {
	b, err := readFile(omegalogtest.WriteSection(t, t.TempDir(), "x.omega", frame.Mixed, events...))
	require.NoError(t, err)
	return b
}

func readFile(path string) ([]byte, error) {
	view, err := omegalog.Open(path)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	return slices.Clone(view.Bytes()), nil
}

// TestALogThatIsNotTheChainsIsRefused has a newcomer's only peer send one with a byte
// changed, and then the true one.
func TestALogThatIsNotTheChainsIsRefused(t *testing.T) {
	w := newWorld(t, 1, transport.Faults{})
	for i := range uint64(3) {
		w.publish(ev(i+1, 1))
		w.until(20, w.settled)
	}
	log, err := readFile(w.members[0].dir + "/cert.log")
	require.NoError(t, err)
	s := w.newcomer(keyOf(t, 99))
	s.start()
	c := s.core
	offset := c.store.Size()
	for at := offset; at < int64(len(log)); at += 97 {
		c.behind(0)
		require.Len(t, c.transfers, 1)
		damaged := slices.Clone(log[offset:])
		damaged[at-offset] ^= 0x10
		chunk := Chunk{
			Chain: c.store.Chain.Name, From: 0, Ticket: c.transfers[0].ticket, Offset: uint64(offset), Total: uint64(len(log)), Bytes: damaged,
		}
		before := c.store.Chain.Length
		require.NoError(t, c.receive(w.now, chunk.Encode()))
		require.Equal(t, before, c.store.Chain.Length)
		c.dropTransfers(func(*transfer) bool { return true })
		c.follow = follow{}
	}
	forged := *w.members[0].core.store.Certificates[1]
	forged.Signatures = []cert.Signature{{1}}
	record, err := cert.AppendRecord(nil, &forged)
	require.NoError(t, err)
	c.behind(0)
	chunk := Chunk{
		Chain: c.store.Chain.Name, From: 0, Ticket: c.transfers[0].ticket, Offset: uint64(offset), Total: uint64(len(log)), Bytes: record,
	}
	require.NoError(t, c.receive(w.now, chunk.Encode()))
	chunk.Offset, chunk.Bytes = chunk.Offset+uint64(len(record)), log[int(offset)+len(record):]
	require.NoError(t, c.receive(w.now, chunk.Encode()))
	require.EqualValues(t, 1, c.store.Chain.Length)
	require.True(t, c.follow.liars[0])
	w.until(50, w.settled)
	w.audit(3, 0)
}

// TestAPeerGetsNoMoreBytesThanItsShare asks for a trace again and again.
func TestAPeerGetsNoMoreBytesThanItsShare(t *testing.T) {
	w := newWorld(t, 2, transport.Faults{})
	large := ev(1, 1)
	large.Payload = make([]byte, 10*ChunkSize)
	w.members[0].hand(1, large)
	w.until(50, w.settled)
	c := w.members[0].core
	e := &c.store.Certificates[1].Envelope
	want := Want{
		Chain: c.store.Chain.Name, From: 1, Object: Object{Class: TraceObject, Height: 1, Root: e.TraceRoot}, Chunks: MaxChunks,
	}
	out := c.counts["bytes out"]
	c.peers[1].refill(w.now)
	c.peers[1].serve = 20 * ChunkSize
	for range 4 {
		require.NoError(t, c.receive(w.now, want.Encode()))
	}
	require.EqualValues(t, 2, c.counts["not served for now"])
	require.InDelta(t, 20*ChunkSize, c.counts["bytes out"]-out, 5000)
}

// TestOneSenderIsHeardNoMoreThanItsShare sends more than a second's worth at once.
func TestOneSenderIsHeardNoMoreThanItsShare(t *testing.T) {
	w := newWorld(t, 3, transport.Faults{})
	w.pass(3)
	c := w.members[0].core
	hello := (&Hello{Chain: c.store.Chain.Name, From: 1, Phase: Answering, Sent: 1}).Encode()
	c.peers[1].refill(w.now)
	require.EqualValues(t, 2*peerMessages, c.peers[1].messages)
	c.peers[1].messages = 10
	for range 30 {
		require.NoError(t, c.receive(w.now, hello))
	}
	require.EqualValues(t, 20, c.counts["refused: "+causeRate])
	require.Zero(t, w.members[1].core.counts["refused: "+causeRate])
	w.publish(ev(1, 1))
	w.until(50, w.settled)
}

// TestAPeerIsSentNoMoreThanItsShare asks for the log again and again.
func TestAPeerIsSentNoMoreThanItsShare(t *testing.T) {
	p := peer{}
	now := time.Unix(1, 0)
	p.refill(now)
	require.EqualValues(t, 2*serveBytes, p.serve)
	p.serve = 0
	p.refill(now.Add(time.Second / 2))
	require.EqualValues(t, serveBytes/2, p.serve)
	p.refill(now.Add(-time.Hour))
	require.EqualValues(t, serveBytes/2, p.serve, "a clock that is put back gives nothing")
	p.refill(now.Add(time.Hour))
	require.EqualValues(t, 2*serveBytes, p.serve)
}

// TestManifestsForLaterHeightsTakeBoundedRoom sends many that verify.
func TestManifestsForLaterHeightsTakeBoundedRoom(t *testing.T) {
	w := newWorld(t, 3, transport.Faults{})
	w.pass(3)
	c := w.members[0].core
	for i := range uint64(100) {
		require.NoError(t, c.receive(w.now, w.signManifest(&Manifest{From: 2, Height: 2, First: i})))
		require.NoError(t, c.receive(w.now, w.signManifest(&Manifest{From: 2, Height: 3 + i})))
	}
	require.LessOrEqual(t, len(c.early), perMember*4)
	require.LessOrEqual(t, len(c.transfers), maxTransfers)
	w.publish(ev(1, 1), ev(1, 2))
	w.until(100, w.settled)
	w.audit(2, 0)
}
