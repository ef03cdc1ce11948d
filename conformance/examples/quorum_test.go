package examples

import (
	"crypto/ed25519"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// certified returns the chain of the examples up to a height, and the content
// that stands there.
func certified(t *testing.T, height uint64) (cert.Chain, quorum.Content, certificateExamples) {
	examples := load[certificateExamples](t, "certificates")
	var chain cert.Chain
	for _, x := range examples.Certificates[:height] {
		c, _, err := cert.NextRecord(x.Record, 0)
		require.NoError(t, err)
		chain, err = chain.Check(c)
		require.NoError(t, err)
	}
	x := examples.Certificates[height]
	e, err := cert.ParseEnvelope(x.Envelope)
	require.NoError(t, err)
	return chain, quorum.Content{Envelope: e, Body: x.Body}, examples
}

type seedSigner ed25519.PrivateKey

func (s seedSigner) Sign(message []byte) cert.Signature {
	return cert.Signature(ed25519.Sign(ed25519.PrivateKey(s), message))
}

// outcome is an effect as the examples tell it, its bytes in hex.
type outcome struct {
	Effect string
	Bytes  string
}

func outcomeOf(t *testing.T, effect quorum.Effect) outcome {
	switch e := effect.(type) {
	case quorum.Send:
		return outcome{"send", hex.EncodeToString(quorum.Encode(e.Message))}
	case quorum.Persist:
		again, err := quorum.DecodeDurable(e.Durable)
		require.NoError(t, err)
		require.Equal(t, e.Durable, again.Encode())
		return outcome{"persist", hex.EncodeToString(e.Durable)}
	case quorum.NeedCandidate:
		return outcome{"need", ""}
	case quorum.Append:
		record, err := cert.AppendRecord(nil, &e.Certificate)
		require.NoError(t, err)
		return outcome{"append", hex.EncodeToString(record)}
	case quorum.Announce:
		return outcome{"announce", hex.EncodeToString(quorum.Encode(&quorum.Decided{Certificate: e.Certificate}))}
	}
	require.Fail(t, "unexpected effect", "%T", effect)
	return outcome{}
}

// agreement is a height, as member 0 sees it.
type agreement struct {
	Height   uint64
	Joining  []Hex
	Nonce    Hex
	VoteFile Hex `json:"vote_file"`
	Steps    []struct {
		Name    string
		Message *Hex
		Effects []outcome
	}
}

func TestAHeightIsCertifiedByTheMessagesOfTheExamples(t *testing.T) {
	examples := load[struct {
		Clause string
		agreement
		Change agreement
	}](t, "quorum")
	examples.agreement.run(t)
	require.Len(t, examples.Change.Joining, 1)
	examples.Change.run(t)
}

func (examples agreement) run(t *testing.T) {
	chain, content, certificates := certified(t, examples.Height)
	for _, sig := range examples.Joining {
		content.Joining = append(content.Joining, cert.Signature(sig))
	}
	signer := seedSigner(ed25519.NewKeyFromSeed(certificates.Seeds["1"]))
	cfg, err := quorum.NewConfig(chain, chain.Roster[0].Key, signer)
	require.NoError(t, err)
	state := quorum.Begin(chain)
	for _, x := range examples.Steps {
		var m quorum.Message
		switch {
		case x.Message != nil:
			wire, err := quorum.Decode(*x.Message)
			require.NoError(t, err, x.Name)
			require.Equal(t, []byte(*x.Message), quorum.Encode(wire), x.Name)
			m = wire
		case x.Name == "start":
			m = quorum.Start{Nonce: quorum.Nonce(examples.Nonce)}
		default:
			m = quorum.Candidate{Content: content}
		}
		var effects []quorum.Effect
		state, effects, err = quorum.Step(cfg, state, m)
		require.NoError(t, err, x.Name)
		var got []outcome
		for _, e := range effects {
			got = append(got, outcomeOf(t, e))
		}
		require.Equal(t, x.Effects, got, x.Name)
	}
	require.Equal(t, examples.Height+1, state.Height())

	durable, err := hex.DecodeString(examples.Steps[3].Effects[0].Bytes)
	require.NoError(t, err)
	file, err := certlog.AppendVote(nil, durable)
	require.NoError(t, err)
	require.Equal(t, []byte(examples.VoteFile), file)
	inner, err := certlog.ParseVote(examples.VoteFile)
	require.NoError(t, err)
	require.Equal(t, durable, inner)
}
