package cert_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

func plainHash(parts ...any) cert.Hash { return sha256.Sum256(pack(parts...)) }

// plainEnvelope writes the layout of CRT-1 and the hashes of CRT-3 word by word.
func plainEnvelope(t cert.Type, root merkle.Hash, height uint64, prev cert.Hash, body []byte) []byte {
	rest := pack(t, root, height, plainHash("omega/body/v1\x00", body), prev)
	id := plainHash("omega/cert-id/v1\x00", rest)
	return append(id[:16:16], rest...)
}

func TestSealedEnvelopesFollowTheLayoutAndComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := cert.Type(rapid.Byte().Draw(t, "type"))
		root, prev := merkle.Hash(drawBytes(t, 32, "root")), cert.Hash(drawBytes(t, 32, "prev"))
		height := rapid.Uint64().Draw(t, "height")
		body := rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(t, "body")
		e := cert.Seal(typ, root, height, prev, body)
		b := e.Bytes()
		require.Equal(t, plainEnvelope(typ, root, height, prev, body), b[:])
		require.Equal(t, plainHash("omega/cert/v1\x00", b[:]), e.Hash())
		got, err := cert.ParseEnvelope(b[:])
		require.NoError(t, err)
		require.Equal(t, e, got)
	})
}

func TestAnEnvelopeOfAnotherLengthIsRefused(t *testing.T) {
	for _, n := range []int{0, 1, 120, 122, 242} {
		e, err := cert.ParseEnvelope(make([]byte, n))
		require.Error(t, err, n)
		require.Equal(t, cert.Envelope{}, e)
	}
}

func TestStatesAndMessagesFollowTheirLayouts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := cert.Hash(drawBytes(t, 32, "a")), cert.Hash(drawBytes(t, 32, "b"))
		height, attempt := rapid.Uint64().Draw(t, "height"), rapid.Uint64().Draw(t, "attempt")
		require.Equal(t, plainHash("omega/state/v1\x00", a, b), cert.NextState(a, merkle.Hash(b)))
		require.Equal(t, pack("omega/vote/v1\x00", a, b), cert.VoteMessage(a, b))
		require.Equal(t, pack("omega/prepare/v1\x00", a, height, attempt, b), cert.PrepareMessage(a, height, attempt, b))
	})
}

func TestAVoteHoldsForOneMemberOneChainAndOneCertificate(t *testing.T) {
	r := rosterOf(1, 2)
	chain, hash := cert.Hash{1}, cert.Hash{2}
	sig := cert.Signature(ed25519.Sign(secretOf(1), cert.VoteMessage(chain, hash)))
	require.True(t, r.Verify(0, chain, hash, sig))
	require.False(t, r.Verify(1, chain, hash, sig), "another member")
	require.False(t, r.Verify(0, cert.Hash{}, hash, sig), "another chain")
	require.False(t, r.Verify(0, chain, cert.Hash{}, sig), "another certificate")
	require.False(t, r.Verify(0, hash, chain, sig), "the hashes exchanged")
	prepare := cert.Signature(ed25519.Sign(secretOf(1), cert.PrepareMessage(chain, 1, 1, hash)))
	require.False(t, r.Verify(0, chain, hash, prepare), "a prepare is no vote")
}

func TestTypesKindsAndHashesHaveNames(t *testing.T) {
	require.Equal(t, "genesis", cert.Genesis.String())
	require.Equal(t, "verification evidence", cert.Evidence.String())
	require.Equal(t, "type 5", cert.Type(5).String())
	require.Equal(t, "missing-dep", cert.MissingDep.String())
	require.Equal(t, "kind 4", cert.ObstructionKind(4).String())
	require.Equal(t, strings.Repeat("00", 15)+"ff", cert.ID{15: 0xff}.String())
	require.Equal(t, strings.Repeat("00", 31)+"ff", cert.Hash{31: 0xff}.String())
}

func TestAHashIsReadFromItsText(t *testing.T) {
	h := cert.Hash(sha256.Sum256(nil))
	for _, s := range []string{h.String(), strings.ToUpper(h.String())} {
		got, err := cert.ParseHash(s)
		require.NoError(t, err)
		require.Equal(t, h, got)
	}
	for _, s := range []string{"", h.String()[1:], h.String() + "0", "g" + h.String()[1:]} {
		got, err := cert.ParseHash(s)
		require.Error(t, err)
		require.Equal(t, cert.Hash{}, got)
	}
}

func FuzzParseEnvelope(f *testing.F) {
	f.Add(plainEnvelope(cert.Merge, merkle.EmptyRoot(), 7, cert.Hash{1}, nil))
	f.Add(bytes.Repeat([]byte{0xff}, 121))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := cert.ParseEnvelope(b)
		require.Equal(t, len(b) == cert.EnvelopeSize, err == nil)
		if err == nil {
			got := e.Bytes()
			require.Equal(t, b, got[:])
		}
	})
}
