package node

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/omegalog/omegalogtest"
)

func TestAVerificationEvidenceIsTheChainsNextCertificate(t *testing.T) {
	t.Parallel()
	first, second := omegalogtest.TwoBatches(t)
	f := openFolder(t, newChain(t, 3))
	certify(t, f, first...)
	before := f.Chain
	out, err := f.CertifyEvidence(t.Context(), cert.Hash{7})
	require.NoError(t, err)
	require.False(t, out.Resumed)
	require.Equal(t, cert.Evidence, out.Certificate.Envelope.Type)
	body, err := cert.ParseEvidenceBody(out.Certificate.Body)
	require.NoError(t, err)
	require.Equal(t, cert.Hash{7}, body.Bundle)
	next, err := before.Check(out.Certificate)
	require.NoError(t, err)
	require.Equal(t, before.State, next.State)
	certify(t, f, second...)
}

// A run that was cut short between the commits and the certificate is completed by
// the next one, whatever that is for.
func TestAnEvidenceThatWasLockedIsCompleted(t *testing.T) {
	t.Parallel()
	f := openFolder(t, newChain(t, 2))
	f.beforeEffect = func(e quorum.Effect) error {
		if isAppend(e) {
			return errCrash
		}
		return nil
	}
	_, err := f.CertifyEvidence(t.Context(), cert.Hash{7})
	require.ErrorIs(t, err, errCrash)
	f.beforeEffect = nil
	out := certify(t, f, lone(t, 1))
	require.True(t, out.Resumed)
	require.Equal(t, cert.Evidence, out.Certificate.Envelope.Type)
	out = certify(t, f, lone(t, 1))
	require.False(t, out.Resumed)
	require.Equal(t, cert.Merge, out.Certificate.Envelope.Type)
}
