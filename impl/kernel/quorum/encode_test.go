package quorum_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/conformance/sim"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

func drawBytes(t *rapid.T, n int) []byte { return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "bytes") }

func drawHash(t *rapid.T) cert.Hash           { return cert.Hash(drawBytes(t, 32)) }
func drawSignature(t *rapid.T) cert.Signature { return cert.Signature(drawBytes(t, 64)) }

func drawPrepare(t *rapid.T) quorum.SignedPrepare {
	return quorum.SignedPrepare{Attempt: rapid.Uint64().Draw(t, "attempt"), Digest: drawHash(t), Signature: drawSignature(t)}
}

func drawCommit(t *rapid.T) quorum.SignedCommit {
	return quorum.SignedCommit{Envelope: sim.Content(genesis(1, byte(rapid.IntRange(0, 3).Draw(t, "salt"))), 1).Envelope, Vote: drawSignature(t)}
}

func optional[T any](t *rapid.T, draw func(*rapid.T) T) *T {
	if !rapid.Bool().Draw(t, "present") {
		return nil
	}
	v := draw(t)
	return &v
}

func drawProof(t *rapid.T) quorum.Proof {
	p := quorum.Proof{Attempt: rapid.Uint64().Draw(t, "attempt"), Digest: drawHash(t), Signatures: []cert.Signature{}}
	for range rapid.IntRange(0, 3).Draw(t, "signatures") {
		p.Signatures = append(p.Signatures, drawSignature(t))
	}
	return p
}

func drawMessage(t *rapid.T) quorum.Wire {
	from, to := rapid.IntRange(0, 65535).Draw(t, "from"), rapid.IntRange(0, 65535).Draw(t, "to")
	height, nonce := rapid.Uint64().Draw(t, "height"), quorum.Nonce(drawBytes(t, 16))
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return &quorum.Prepare{Chain: drawHash(t), Height: height, From: from, SignedPrepare: drawPrepare(t), Proof: optional(t, drawProof)}
	case 1:
		return &quorum.Commit{Chain: drawHash(t), From: from, SignedCommit: drawCommit(t), Proof: optional(t, drawProof)}
	case 2:
		return &quorum.Resync{Chain: drawHash(t), From: from, Height: height, Nonce: nonce, Signature: drawSignature(t)}
	case 3:
		return &quorum.ResyncReply{
			Chain: drawHash(t), From: from, To: to, Height: height, Nonce: nonce,
			Prepare: optional(t, drawPrepare), Commit: optional(t, drawCommit), Signature: drawSignature(t),
		}
	}
	c := drawCommit(t)
	return &quorum.Decided{Certificate: cert.Certificate{
		Envelope: c.Envelope, Body: drawBytes(t, 5), Signatures: []cert.Signature{c.Vote},
	}}
}

func TestEveryMessageHasOneEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		b := quorum.Encode(m)
		got, err := quorum.Decode(b)
		require.NoError(t, err)
		require.Equal(t, m, got)
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		_, err = quorum.Decode(b[:cut])
		require.ErrorIs(t, err, quorum.ErrEncoding)
		_, err = quorum.Decode(append(b[:len(b):len(b)], 0))
		require.ErrorIs(t, err, quorum.ErrEncoding)
	})
}

func TestTheBytesOfAMessageAreThoseOfTheSpecification(t *testing.T) {
	m := &quorum.Prepare{Chain: cert.Hash{0xaa}, From: 2, Height: 3, SignedPrepare: quorum.SignedPrepare{Attempt: 4, Digest: cert.Hash{0xbb}, Signature: cert.Signature{0xcc}}}
	zeros := func(n int) string { return hex.EncodeToString(make([]byte, n)) }
	want := "01" + "aa" + zeros(31) + "0002" + "0000000000000003" + "0000000000000004" + "bb" + zeros(31) + "cc" + zeros(63)
	require.Equal(t, want+"00", hex.EncodeToString(quorum.Encode(m)))
	m.Proof = &quorum.Proof{Attempt: 1, Digest: cert.Hash{0xdd}, Signatures: []cert.Signature{{0xee}}}
	want += "01" + "0000000000000001" + "dd" + zeros(31) + "0001" + "ee" + zeros(63)
	require.Equal(t, want, hex.EncodeToString(quorum.Encode(m)))
}

func TestMalformedBytesAreRefused(t *testing.T) {
	prepare := quorum.Encode(&quorum.Prepare{})
	prepare[len(prepare)-1] = 2
	decided := quorum.Encode(&quorum.Decided{})
	decided[40] ^= 1
	for name, b := range map[string][]byte{
		"nothing": {}, "kind 0": {0}, "kind 6": {6, 1, 2}, "presence 2": prepare, "a damaged record": decided,
	} {
		_, err := quorum.Decode(b)
		require.ErrorIs(t, err, quorum.ErrEncoding, name)
	}
}

func TestACertificateThatNoRecordHoldsIsNotEncoded(t *testing.T) {
	huge := cert.Certificate{Signatures: make([]cert.Signature, 1<<16)}
	require.Panics(t, func() { quorum.Encode(&quorum.Decided{Certificate: huge}) })
}

func FuzzDecode(f *testing.F) {
	for i := range 20 {
		f.Add(quorum.Encode(rapid.Custom(drawMessage).Example(i)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := quorum.Decode(b)
		if err != nil {
			require.ErrorIs(t, err, quorum.ErrEncoding)
			return
		}
		require.Equal(t, b, quorum.Encode(m))
	})
}

// sampleDisk returns what the disk of member 0 of two holds once it has locked
// in attempt 1 and then learned a proof of attempt 2, and the candidates of all.
func sampleDisk() (sim.Ed25519, cert.Chain, *quorum.Durable) {
	m, chain := sim.Ed25519{}, genesis(2, 0)
	c := sim.Content(chain, 1)
	p := proofOf(m, chain, 1, c.Digest())
	high := proofOf(m, chain, 2, c.Digest())
	return m, chain, &quorum.Durable{
		Chain: chain.Name, Height: 1, Lock: p, Proof: high, Candidates: []quorum.Content{c},
		Prepare: &quorum.SignedPrepare{Attempt: 2, Digest: c.Digest(), Signature: high.Signatures[0]},
	}
}

// proofOf returns the proof that all members of the chain make.
func proofOf(m sim.Ed25519, chain cert.Chain, attempt uint64, digest cert.Hash) *quorum.Proof {
	p := &quorum.Proof{Attempt: attempt, Digest: digest}
	for i := range chain.Roster {
		p.Signatures = append(p.Signatures, m.Sign(i, cert.PrepareMessage(chain.Name, chain.Length, attempt, digest)))
	}
	return p
}

func FuzzDecodeDurable(f *testing.F) {
	_, _, d := sampleDisk()
	b := d.Encode()
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Add((&quorum.Durable{}).Encode())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := quorum.DecodeDurable(b)
		if err != nil {
			require.ErrorIs(t, err, quorum.ErrEncoding)
			return
		}
		require.Equal(t, b, d.Encode())
	})
}

func TestTheBytesOfADurableAreThoseOfTheSpecification(t *testing.T) {
	zeros := func(n int) string { return hex.EncodeToString(make([]byte, n)) }
	d := &quorum.Durable{Chain: cert.Hash{0xaa}, Height: 3}
	want := "aa" + zeros(31) + "0000000000000003"
	require.Equal(t, want+"00"+"00"+"00"+"00", hex.EncodeToString(d.Encode()))
	c := quorum.Content{Body: []byte("hi")}
	e, digest := c.Envelope.Bytes(), c.Digest()
	d.Prepare = &quorum.SignedPrepare{Attempt: 2, Digest: digest, Signature: cert.Signature{0xbb}}
	d.Proof = &quorum.Proof{Attempt: 2, Digest: digest, Signatures: []cert.Signature{{0xbb}}}
	d.Lock = &quorum.Proof{Attempt: 1, Digest: digest}
	d.Candidates = []quorum.Content{c}
	signed := hex.EncodeToString(digest[:])
	want += "01" + "0000000000000002" + signed + "bb" + zeros(63)
	want += "01" + "0000000000000002" + signed + "0001" + "bb" + zeros(63)
	want += "01" + "0000000000000001" + signed + "0000"
	want += "01" + hex.EncodeToString(e[:]) + "00000002" + "6869"
	require.Equal(t, want+"0000", hex.EncodeToString(d.Encode()))
	d.Candidates[0].Joining = []cert.Signature{{0xcc}, {0xdd}}
	require.Equal(t, want+"0002"+"cc"+zeros(63)+"dd"+zeros(63), hex.EncodeToString(d.Encode()))
}

// TestDamageToADurableIsRefusedByWhoReadsIt: cut or longer bytes are malformed;
// of changed ones DecodeDurable or Start refuses all but a lower height, which
// only the crc of the file around them tells (CLG-7).
func TestDamageToADurableIsRefusedByWhoReadsIt(t *testing.T) {
	m, chain, d := sampleDisk()
	b := d.Encode()
	got, err := quorum.DecodeDurable(b)
	require.NoError(t, err)
	require.Equal(t, d, got)
	_, err = quorum.DecodeDurable(append(b[:len(b):len(b)], 0))
	require.ErrorIs(t, err, quorum.ErrEncoding)
	for i := range b {
		_, err := quorum.DecodeDurable(b[:i])
		require.ErrorIs(t, err, quorum.ErrEncoding, "cut at %d", i)
		bad := append([]byte{}, b...)
		bad[i] ^= 1
		disk, err := quorum.DecodeDurable(bad)
		if err != nil {
			require.ErrorIs(t, err, quorum.ErrEncoding, "byte %d", i)
			continue
		}
		require.Equal(t, bad, disk.Encode(), "byte %d", i)
		_, _, err = quorum.Step(sim.Config(m, chain, 0), quorum.Begin(chain), quorum.Start{Disk: disk})
		require.Equal(t, disk.Height >= d.Height, err != nil, "byte %d: %v", i, err)
	}
}

func TestADurableOfAnotherFormIsRefused(t *testing.T) {
	_, chain, good := sampleDisk()
	other := sim.Content(chain, 2)
	change := func(f func(d *quorum.Durable)) []byte {
		d := *good
		f(&d)
		return d.Encode()
	}
	present := good.Encode()
	present[40] = 2
	for name, b := range map[string][]byte{
		"presence 2":            present,
		"candidate twice":       change(func(d *quorum.Durable) { d.Candidates = append(d.Candidates, d.Candidates[0]) }),
		"candidate for nothing": change(func(d *quorum.Durable) { d.Candidates = []quorum.Content{other} }),
		"prepare's is missing":  change(func(d *quorum.Durable) { d.Candidates = nil }),
		"lock's is missing":     change(func(d *quorum.Durable) { d.Candidates, d.Prepare = nil, nil }),
	} {
		_, err := quorum.DecodeDurable(b)
		require.ErrorIs(t, err, quorum.ErrEncoding, name)
	}
}

func TestOnlyADiskThatVerifiesIsStartedFrom(t *testing.T) {
	m, chain, good := sampleDisk()
	cfg := sim.Config(m, chain, 0)
	c, other := sim.Content(chain, 1), sim.Content(chain, 2)
	contents := func(cs ...quorum.Content) []quorum.Content {
		if len(cs) == 2 && string(hashBytes(cs[0])) > string(hashBytes(cs[1])) {
			cs[0], cs[1] = cs[1], cs[0]
		}
		return cs
	}
	signed := func(attempt uint64, c quorum.Content) *quorum.SignedPrepare {
		return &quorum.SignedPrepare{Attempt: attempt, Digest: c.Digest(), Signature: m.Sign(0, cert.PrepareMessage(chain.Name, 1, attempt, c.Digest()))}
	}
	for name, x := range map[string]struct {
		change func(d *quorum.Durable)
		want   error
	}{
		"as it was":              {func(*quorum.Durable) {}, nil},
		"an earlier height":      {func(d *quorum.Durable) { *d = quorum.Durable{Chain: chain.Name} }, nil},
		"nothing":                {func(d *quorum.Durable) { *d = quorum.Durable{Chain: chain.Name, Height: 1} }, nil},
		"another chain":          {func(d *quorum.Durable) { d.Chain[0]++ }, quorum.ErrWrongChain},
		"a later height":         {func(d *quorum.Durable) { d.Height++ }, quorum.ErrDiskAhead},
		"a missing candidate":    {func(d *quorum.Durable) { d.Candidates = nil }, quorum.ErrDisk},
		"a candidate's body":     {func(d *quorum.Durable) { d.Candidates = contents(quorum.Content{Envelope: c.Envelope}) }, quorum.ErrCandidate},
		"a prepare's signature":  {func(d *quorum.Durable) { d.Prepare = &quorum.SignedPrepare{Attempt: 2, Digest: c.Digest()} }, quorum.ErrSignature},
		"a prepare off the lock": {func(d *quorum.Durable) { d.Prepare, d.Candidates = signed(3, other), contents(c, other) }, quorum.ErrProof},
		"no prepare":             {func(d *quorum.Durable) { d.Prepare = nil }, quorum.ErrProof},
		"an older prepare":       {func(d *quorum.Durable) { d.Prepare = signed(1, c) }, quorum.ErrProof},
		"a lock's signature": {func(d *quorum.Durable) {
			d.Lock = &quorum.Proof{Attempt: 1, Digest: c.Digest(), Signatures: good.Proof.Signatures}
		}, quorum.ErrProof},
		"a lock above the proof": {func(d *quorum.Durable) { d.Lock, d.Proof = d.Proof, d.Lock }, quorum.ErrProof},
		"a lock without a proof": {func(d *quorum.Durable) { d.Proof = nil }, quorum.ErrProof},
		"a proof off the lock": {func(d *quorum.Durable) {
			d.Proof, d.Candidates = proofOf(m, chain, 2, other.Digest()), contents(c, other)
		}, quorum.ErrProof},
		"a proof of too few": {func(d *quorum.Durable) {
			d.Proof = &quorum.Proof{Attempt: 2, Digest: c.Digest(), Signatures: good.Proof.Signatures[:1]}
		}, quorum.ErrProof},
		"a proof off the prepare": {func(d *quorum.Durable) {
			d.Lock, d.Proof, d.Candidates = nil, proofOf(m, chain, 2, other.Digest()), contents(c, other)
		}, quorum.ErrProof},
	} {
		d := *good
		x.change(&d)
		s, effects, err := quorum.Step(cfg, quorum.Begin(chain), quorum.Start{Disk: &d})
		if x.want == nil {
			require.NoError(t, err, name)
			require.Len(t, effects, 1, name)
			continue
		}
		require.ErrorIs(t, err, x.want, name)
		require.Empty(t, effects)
		require.Equal(t, quorum.Begin(chain), s, name)
		if !errors.Is(err, quorum.ErrWrongChain) && !errors.Is(err, quorum.ErrDiskAhead) {
			require.ErrorIs(t, err, quorum.ErrDisk, name)
		}
	}
}

func hashBytes(c quorum.Content) []byte { h := c.Digest(); return h[:] }
