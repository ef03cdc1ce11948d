package quorum_test

import (
	"bytes"
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// judge holds what the protocol promises, and fails the test at the first effect
// that breaks it.
type judge struct {
	w         *world
	decided   map[uint64]cert.Hash
	locked    map[uint64]cert.Hash // by height, over all honest members
	locks     map[at]quorum.Proof  // by member and height
	commits   map[at]cert.Hash
	prepares  map[at]cert.Hash // by member, height and attempt
	persisted map[at]uint64    // attempts prepared so far
}

type at struct {
	member          int
	height, attempt uint64
}

func newJudge(w *world) judge {
	return judge{
		w: w, decided: map[uint64]cert.Hash{}, locked: map[uint64]cert.Hash{}, locks: map[at]quorum.Proof{},
		commits: map[at]cert.Hash{}, prepares: map[at]cert.Hash{}, persisted: map[at]uint64{},
	}
}

// fingerprint returns bytes that say all of a state.
func fingerprint(s *quorum.State) string {
	b := fmt.Appendf(nil, "%d %x %x %t %x %v %d %x %d|", s.Chain.Length, s.Chain.Name, s.Chain.Head,
		s.Started, s.Nonce, s.Answered, s.Attempt, s.Own, len(s.Evidence))
	if s.Halted != nil {
		b = append(b, said([]quorum.Effect{*s.Halted})...)
	}
	for i := range s.Candidates {
		e := s.Candidates[i].Envelope.Bytes()
		b = append(append(append(b, e[:]...), s.Candidates[i].Body...), '|')
	}
	prepare := func(p *quorum.SignedPrepare, proof *quorum.Proof) {
		b = append(b, '/')
		m := quorum.Prepare{Proof: proof}
		if p != nil {
			m.SignedPrepare = *p
		}
		b = append(b, quorum.Encode(&m)...)
	}
	prepare(nil, s.Proof)
	prepare(nil, s.Lock)
	for i := range s.Prepares {
		prepare(s.Prepares[i].Current, nil)
		prepare(s.Prepares[i].Newest, nil)
		if c := s.Commits[i]; c != nil {
			b = append(append(b, c.Vote[:]...), c.Envelope.ID[:]...)
		}
	}
	for _, e := range s.Evidence {
		b = append(append(b, quorum.Encode(e.First)...), quorum.Encode(e.Second)...)
	}
	return string(b)
}

// said returns bytes that say all of the effects.
func said(effects []quorum.Effect) string {
	var b []byte
	for _, e := range effects {
		switch e := e.(type) {
		case quorum.Persist:
			b = append(b, e.Durable...)
		case quorum.Send:
			b = append(fmt.Append(b, e.To), quorum.Encode(e.Message)...)
		case quorum.Evidence:
			b = append(append(fmt.Append(b, e.Member), quorum.Encode(e.First)...), quorum.Encode(e.Second)...)
		case quorum.Halt:
			b = append(append(b, e.Reason...), quorum.Encode(e.Seen)...)
		default: // without pointers
			b = fmt.Appendf(b, "%T %v", e, e)
		}
		b = append(b, '|')
	}
	return string(b)
}

// step makes a step, and checks that it is a function that leaves its arguments
// alone and that an error changes nothing; closely, at every fourth step.
func (j *judge) step(cfg *quorum.Config, s quorum.State, m quorum.Message) (quorum.State, []quorum.Effect, error) {
	t, before := j.w.t, ""
	closely := j.w.rng.IntN(4) == 0
	if closely {
		before = fingerprint(&s)
	}
	next, effects, err := quorum.Step(cfg, s, m)
	if closely {
		require.True(t, before == fingerprint(&s), "Step changed its argument")
	}
	if err != nil {
		require.True(t, !closely || before == fingerprint(&next), "an error changed the state")
		require.Empty(t, effects)
		return next, effects, err
	}
	if closely {
		again, effects2, err := quorum.Step(cfg, s, m)
		require.NoError(t, err)
		require.True(t, fingerprint(&next) == fingerprint(&again), "Step is no function")
		require.True(t, said(effects) == said(effects2), "Step is no function")
	}
	j.candidates(cfg.Self, &next)
	if next.Lock != nil {
		require.Equal(t, next.Lock.Digest, next.Proof.Digest, "the highest proof is not for the lock")
	}
	return next, effects, nil
}

// candidates checks that the candidates are in order, and that each is referred to.
func (j *judge) candidates(self int, s *quorum.State) {
	refers := map[cert.Hash]bool{s.Own: true}
	if p := s.Prepares[self].Newest; p != nil {
		refers[p.Digest] = true
	}
	for _, p := range []*quorum.Proof{s.Proof, s.Lock} {
		if p != nil {
			refers[p.Digest] = true
		}
	}
	for i := range s.Candidates {
		digest := s.Candidates[i].Digest()
		require.True(j.w.t, refers[digest], "a candidate is kept for nothing")
		if i > 0 {
			before := s.Candidates[i-1].Digest()
			require.Negative(j.w.t, bytes.Compare(before[:], digest[:]))
		}
	}
}

// persist checks what goes to disk: a lock is set once and from the attempt of
// the newest prepare, attempts go one by one, nothing known is forgotten.
func (j *judge) persist(x *node, e quorum.Persist) {
	t := j.w.t
	d, err := quorum.DecodeDurable(e.Durable)
	require.NoError(t, err)
	require.Equal(t, e.Durable, d.Encode())
	k := at{member: x.id, height: d.Height}
	if old := x.disk(t); old != nil && old.Height == d.Height {
		require.False(t, old.Proof != nil && (d.Proof == nil || d.Proof.Attempt < old.Proof.Attempt), "a proof is forgotten")
		require.False(t, old.Prepare != nil && d.Prepare.Attempt < old.Prepare.Attempt, "an attempt is forgotten")
	}
	if p := d.Prepare; p != nil {
		require.LessOrEqual(t, p.Attempt, j.persisted[k], "an attempt is jumped over")
		j.persisted[k] = max(j.persisted[k], p.Attempt+1)
	}
	old, ok := j.locks[k]
	if d.Lock == nil {
		require.False(t, ok, "a lock is forgotten")
		return
	}
	if ok {
		require.Equal(t, old, *d.Lock, "a lock is changed")
		return
	}
	j.w.stats.locks++
	require.Equal(t, d.Prepare.Attempt, d.Lock.Attempt, "locked from another attempt than the current one")
	require.Len(t, d.Lock.Signatures, j.w.n)
	j.locks[k] = *d.Lock
	once(t, j.locked, d.Height, d.Lock.Digest, "two honest members are locked apart")
}

func (x *node) disk(t tester) *quorum.Durable {
	if x.durable == nil {
		return nil
	}
	d, err := quorum.DecodeDurable(x.durable)
	require.NoError(t, err)
	return d
}

// send checks what leaves: it is on disk, it is the only one of its kind, and all
// peers have answered since the start.
func (j *judge) send(x *node, e quorum.Send) {
	t := j.w.t
	switch m := e.Message.(type) {
	case *quorum.Prepare:
		d := j.signing(x, m.Height)
		require.Equal(t, m.SignedPrepare, *d.Prepare, "a prepare leaves before it is on disk")
		require.Equal(t, m.Proof, d.Proof, "a proof is relied on before it is on disk")
		once(t, j.prepares, at{x.id, m.Height, m.Attempt}, m.Digest, "two prepares in one attempt")
	case *quorum.Commit:
		height := m.Envelope.BatchID
		d := j.signing(x, height)
		require.NotNil(t, d.Lock, "a commit leaves before its lock is on disk")
		require.Equal(t, d.Lock.Digest, m.Envelope.Hash())
		once(t, j.commits, at{member: x.id, height: height}, m.Envelope.Hash(), "two commits at one height")
	}
}

// signing checks that the member may sign at the height, and returns its disk.
func (j *judge) signing(x *node, height uint64) *quorum.Durable {
	t := j.w.t
	for i := range j.w.n {
		require.True(t, i == x.id || x.answered[i], "member %d signs before %d has answered", x.id, i)
	}
	d := x.disk(t)
	require.NotNil(t, d)
	require.Equal(t, height, d.Height)
	return d
}

func (j *judge) append(x *node, e quorum.Append) {
	height := e.Certificate.Envelope.BatchID
	require.Len(j.w.t, e.Certificate.Signatures, j.w.n)
	once(j.w.t, j.decided, height, e.Certificate.Envelope.Hash(), "two certificates of one height")
}

// once notes the value of a key, or checks that it is the one noted before.
func once[K comparable](t tester, m map[K]cert.Hash, k K, v cert.Hash, message string) {
	if old, ok := m[k]; ok {
		require.Equal(t, old, v, "%s: %v", message, k)
	}
	m[k] = v
}
