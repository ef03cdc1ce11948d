package client

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// maker makes the certificates of a chain as its members would.
type maker struct {
	keys   []*identity.Key
	chain  cert.Chain
	all    []*cert.Certificate
	roster cert.Roster
}

func newMaker(t require.TestingT, n int) *maker {
	m := &maker{}
	for i := range n {
		k := identity.Generate()
		m.keys = append(m.keys, k)
		m.roster = append(m.roster, cert.Member{Name: string(rune('a' + i)), Key: k.Public(), Nodes: []uint32{uint32(i)}})
	}
	m.add(t, cert.Genesis, (&cert.GenesisBody{Roster: m.roster}).Append(nil), m.keys)
	return m
}

// seal makes the certificate of a body at the end of the chain, signed by the keys.
func (m *maker) seal(kind cert.Type, body []byte, keys []*identity.Key) *cert.Certificate {
	c := &cert.Certificate{Envelope: cert.Seal(kind, merkle.EmptyRoot(), m.chain.Length, m.chain.Head, body), Body: body}
	for _, k := range keys {
		c.Signatures = append(c.Signatures, k.Sign(cert.VoteMessage(m.chain.Name, c.Envelope.Hash())))
	}
	return c
}

func (m *maker) add(t require.TestingT, kind cert.Type, body []byte, keys []*identity.Key) *cert.Certificate {
	c := m.seal(kind, body, keys)
	next, err := m.chain.Check(c)
	require.NoError(t, err)
	m.chain, m.all = next, append(m.all, c)
	return c
}

func (m *maker) evidence(t require.TestingT, n byte) *cert.Certificate {
	return m.add(t, cert.Evidence, (&cert.EvidenceBody{Bundle: cert.Hash{n}}).Append(nil), m.keys)
}

// rotate changes the first member's key.
func (m *maker) rotate(t require.TestingT) *cert.Certificate {
	k := identity.Generate()
	next := append(cert.Roster{}, m.roster...)
	next[0].Key = k.Public()
	keys := append([]*identity.Key{k}, m.keys[1:]...)
	c := m.add(t, cert.RosterChange, (&cert.RosterChangeBody{OldHash: m.roster.Hash(), Roster: next}).Append(nil), append(append([]*identity.Key{}, m.keys...), keys...))
	m.roster, m.keys = next, keys
	return c
}

// witness knows the first n certificates.
func (m *maker) witness(t require.TestingT, n int) *Witness {
	var chain cert.Chain
	for _, c := range m.all[:n] {
		var err error
		chain, err = chain.Check(c)
		require.NoError(t, err)
	}
	return NewWitness(chain, m.all[:n])
}

func record(t require.TestingT, c *cert.Certificate) []byte {
	b, err := cert.AppendRecord(nil, c)
	require.NoError(t, err)
	return b
}

func TestCertificatesInOrderAreSeenOnceEach(t *testing.T) {
	m := newMaker(t, 3)
	for i := range 4 {
		m.evidence(t, byte(i))
	}
	m.rotate(t)
	m.evidence(t, 9)
	w := m.witness(t, 1)
	require.Equal(t, m.chain.Name, w.Chain())
	for _, c := range m.all[1:] {
		for copies := range 3 {
			seen, err := w.Take(record(t, c))
			require.NoError(t, err)
			if copies > 0 {
				require.Nil(t, seen)
				continue
			}
			require.True(t, seen.Linked)
			require.Equal(t, c.Envelope, seen.Certificate.Envelope)
		}
	}
}

// TestWhatCameIsVerifiedWhateverWasMissed compares with what a plain look at the list of
// heights that came says.
func TestWhatCameIsVerifiedWhateverWasMissed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMaker(t, 2)
		for i := range rapid.IntRange(1, 6).Draw(t, "length") {
			m.evidence(t, byte(i))
		}
		known := rapid.IntRange(1, len(m.all)).Draw(t, "known")
		w := m.witness(t, known)
		came := map[uint64]bool{}
		for h := range known {
			came[uint64(h)] = true
		}
		for range 12 {
			h := uint64(rapid.IntRange(0, len(m.all)-1).Draw(t, "height"))
			seen, err := w.Take(record(t, m.all[h]))
			require.NoError(t, err)
			require.Equal(t, !came[h], seen != nil)
			if seen != nil {
				require.Equal(t, came[h-1], seen.Linked)
			}
			came[h] = true
		}
	})
}

func TestAChangeOfTheRosterIsFollowedBehindAGap(t *testing.T) {
	m := newMaker(t, 3)
	m.evidence(t, 1)
	m.evidence(t, 2)
	change := m.rotate(t)
	last := m.evidence(t, 3)
	w := m.witness(t, 1)
	_, err := w.Take(record(t, last))
	require.ErrorIs(t, err, ErrNotSigned, "the roster that has signed is not known yet")
	seen, err := w.Take(record(t, change))
	require.NoError(t, err)
	require.False(t, seen.Linked)
	seen, err = w.Take(record(t, last))
	require.NoError(t, err)
	require.True(t, seen.Linked)
}

func TestWhatDoesNotVerifyIsRefusedAndChangesNothing(t *testing.T) {
	m := newMaker(t, 3)
	m.evidence(t, 1)
	good := m.evidence(t, 2)
	fork := m.seal(cert.Evidence, (&cert.EvidenceBody{Bundle: cert.Hash{7}}).Append(nil), m.keys)
	stranger := newMaker(t, 3)
	damaged := func(f func(c *cert.Certificate)) []byte {
		c := *good
		c.Body, c.Signatures = append([]byte{}, good.Body...), append([]cert.Signature{}, good.Signatures...)
		f(&c)
		return record(t, &c)
	}
	envelope := good.Envelope.Bytes()
	for name, c := range map[string]struct {
		payload []byte
		err     error
	}{
		"nothing":          {nil, ErrNotRecord},
		"half":             {record(t, good)[:200], ErrNotRecord},
		"two":              {append(record(t, good), record(t, good)...), ErrNotRecord},
		"envelope alone":   {envelope[:], ErrOnlyOutline},
		"a signature":      {damaged(func(c *cert.Certificate) { c.Signatures[2][5] ^= 1 }), ErrNotSigned},
		"one too few":      {damaged(func(c *cert.Certificate) { c.Signatures = c.Signatures[:2] }), ErrNotSigned},
		"one too many":     {damaged(func(c *cert.Certificate) { c.Signatures = append(c.Signatures, c.Signatures[0]) }), ErrNotSigned},
		"another body":     {damaged(func(c *cert.Certificate) { c.Body[0] ^= 1 }), ErrEnvelope},
		"another chain's":  {record(t, stranger.evidence(t, 1)), nil},
		"another genesis":  {record(t, stranger.all[0]), nil},
		"by strangers":     {record(t, m.seal(cert.Evidence, good.Body, stranger.keys)), ErrNotSigned},
		"a false roster":   {record(t, m.seal(cert.RosterChange, (&cert.RosterChangeBody{OldHash: cert.Hash{1}, Roster: stranger.roster}).Append(nil), append(append([]*identity.Key{}, m.keys...), stranger.keys...))), ErrNotSigned},
		"a roster of none": {record(t, m.seal(cert.RosterChange, nil, m.keys)), ErrEnvelope},
	} {
		w := m.witness(t, 1)
		seen, err := w.Take(c.payload)
		require.Error(t, err, name)
		require.Nil(t, seen, name)
		if c.err != nil {
			require.ErrorIs(t, err, c.err, name)
		}
		require.Equal(t, m.witness(t, 1), w, name)
	}
	w := m.witness(t, 3)
	_, err := w.Take(record(t, fork))
	require.NoError(t, err, "the next height")
	_, err = w.Take(record(t, m.evidence(t, 8)))
	require.ErrorIs(t, err, ErrFork)
	_, err = w.Take(damaged(func(c *cert.Certificate) { c.Signatures[0][0] ^= 1 }))
	require.NoError(t, err, "its hash is known: the signatures of a copy say nothing more")
}

func TestACertificateThatNamesAnotherPredecessorIsRefused(t *testing.T) {
	m := newMaker(t, 2)
	m.evidence(t, 1)
	m.evidence(t, 2)
	w := m.witness(t, 1)
	_, err := w.Take(record(t, m.all[2]))
	require.NoError(t, err)
	m.chain.Head = cert.Hash{5}
	_, err = w.Take(record(t, m.seal(cert.Evidence, m.all[2].Body, m.keys)))
	require.ErrorIs(t, err, ErrOtherLink)
}

func TestAWitnessForgetsHeightsThatAreLongAgo(t *testing.T) {
	m := newMaker(t, 1)
	w := m.witness(t, 1)
	for h := range uint64(memory + 10) {
		w.remember(&cert.Certificate{Envelope: cert.Envelope{BatchID: h}})
	}
	require.LessOrEqual(t, len(w.hashes), memory)
	require.Contains(t, w.hashes, uint64(memory+9))
	require.Contains(t, w.hashes, uint64(memory))
	require.NotContains(t, w.hashes, uint64(1))
}
