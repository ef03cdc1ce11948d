package quorum_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/sim"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

func TestAnOwnSignatureThatTheDiskDoesNotKnowHalts(t *testing.T) {
	fresh := func(t *testing.T) *bench { return newBench(t) }
	prepared := func(t *testing.T) *bench {
		b := newBench(t)
		b.step(quorum.Candidate{Content: sim.Content(b.chain, 1)})
		return b
	}
	locked := func(t *testing.T) *bench {
		b := prepared(t)
		b.step(b.prepare(1, 0, sim.Content(b.chain, 1)))
		b.step(b.prepare(2, 0, sim.Content(b.chain, 1)))
		b.step(quorum.Timeout{})
		return b
	}
	decided := func(t *testing.T) *bench {
		b := newBench(t)
		b.decide(sim.Content(b.chain, 1))
		return b
	}
	withProof := func(m *quorum.Prepare, b *bench, attempt uint64, c quorum.Content) *quorum.Prepare {
		m.Proof = proofOf(b.Ed25519, b.chain, attempt, c.Digest())
		return m
	}
	for name, x := range map[string]struct {
		bench func(*testing.T) *bench
		show  func(b *bench, c, other quorum.Content) quorum.Message
		want  quorum.Reason
	}{
		"a prepare, and none on disk": {fresh, func(b *bench, c, _ quorum.Content) quorum.Message { return b.prepare(0, 0, c) }, quorum.UnknownPrepare},
		"a newer prepare":             {prepared, func(b *bench, c, _ quorum.Content) quorum.Message { return b.prepare(0, 1, c) }, quorum.UnknownPrepare},
		"another prepare":             {prepared, func(b *bench, _, o quorum.Content) quorum.Message { return b.prepare(0, 0, o) }, quorum.UnknownPrepare},
		"a prepare off the lock":      {locked, func(b *bench, _, o quorum.Content) quorum.Message { return b.prepare(0, 0, o) }, quorum.UnknownPrepare},
		"a prepare of a later height": {prepared, func(b *bench, _, _ quorum.Content) quorum.Message { return b.prepareAt(0, 2, 0, b.above(1)) }, quorum.UnknownPrepare},
		"a proof with a newer one":    {prepared, func(b *bench, c, _ quorum.Content) quorum.Message { return withProof(b.prepare(1, 0, c), b, 1, c) }, quorum.UnknownPrepare},
		"a reply with a newer one":    {prepared, func(b *bench, c, _ quorum.Content) quorum.Message { return b.reply(1, b.prepare(0, 1, c), nil) }, quorum.UnknownPrepare},
		"a commit, and no lock":       {prepared, func(b *bench, c, _ quorum.Content) quorum.Message { return b.commit(0, c) }, quorum.UnknownCommit},
		"a commit off the lock":       {locked, func(b *bench, _, o quorum.Content) quorum.Message { return b.commit(0, o) }, quorum.UnknownCommit},
		"a commit of a later height":  {locked, func(b *bench, _, _ quorum.Content) quorum.Message { return b.commit(0, b.above(1)) }, quorum.UnknownCommit},
		"a commit with a newer proof": {fresh, func(b *bench, c, _ quorum.Content) quorum.Message {
			m := b.commit(1, c)
			m.Proof = proofOf(b.Ed25519, b.chain, 0, c.Digest())
			return m
		}, quorum.UnknownPrepare},
		"a reply with a commit": {prepared, func(b *bench, c, _ quorum.Content) quorum.Message { return b.reply(1, nil, b.commit(0, c)) }, quorum.UnknownCommit},
		"a certificate, and no lock": {prepared, func(b *bench, c, _ quorum.Content) quorum.Message {
			return &quorum.Decided{Certificate: b.certificate(c)}
		}, quorum.UnknownCommit},
		"a certificate off the lock": {locked, func(b *bench, _, o quorum.Content) quorum.Message {
			return &quorum.Decided{Certificate: b.certificate(o)}
		}, quorum.UnknownCommit},
		"another certificate of the last": {decided, func(b *bench, _, o quorum.Content) quorum.Message {
			return &quorum.Decided{Certificate: b.certificate(o)}
		}, quorum.Fork},
	} {
		t.Run(name, func(t *testing.T) {
			b := x.bench(t)
			start := genesis(3, 0)
			m := x.show(b, sim.Content(start, 1), sim.Content(start, 2))
			effects := b.step(m)
			require.Equal(t, []string{"halt"}, kinds(effects))
			halt := effects[0].(quorum.Halt)
			require.Equal(t, x.want, halt.Reason)
			require.NotNil(t, halt.Seen)
			if own := b.s.Prepares[0].Newest; own != nil {
				require.Equal(t, *own, halt.Disk.SignedPrepare)
				require.Equal(t, b.s.Lock, halt.Disk.Proof)
			}
			require.Equal(t, &halt, b.s.Halted)
			_, _, err := quorum.Step(b.cfg, b.s, m)
			require.ErrorIs(t, err, quorum.ErrHalted)
		})
	}
}

func TestAnEchoOfTheOwnSignaturesTellsNothing(t *testing.T) {
	b := newBench(t)
	c := sim.Content(b.chain, 1)
	b.step(quorum.Candidate{Content: c})
	b.step(b.prepare(1, 0, c))
	b.step(b.prepare(2, 0, c))
	for _, m := range []quorum.Message{b.prepare(0, 0, c), b.commit(0, c), b.reply(1, b.prepare(0, 0, c), b.commit(0, c))} {
		before := b.s
		require.Empty(t, b.step(m))
		require.Equal(t, before, b.s)
	}
}

func TestAForgedSecondCertificateIsRefused(t *testing.T) {
	b := newBench(t)
	fork := b.certificate(sim.Content(b.chain, 2))
	b.decide(sim.Content(b.chain, 1))
	fork.Signatures[2] = fork.Signatures[1]
	_, _, err := quorum.Step(b.cfg, b.s, &quorum.Decided{Certificate: fork})
	require.ErrorIs(t, err, quorum.ErrCertificate)
}
