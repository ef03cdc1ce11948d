package events

import (
	"crypto/ed25519"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

func writer(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(append(make([]byte, 31), seed))
}

func public(k ed25519.PrivateKey) cert.PublicKey {
	return cert.PublicKey(k.Public().(ed25519.PublicKey))
}

func TestAKeyFromBeforeARotationStillSigns(t *testing.T) {
	chain, k := cert.Hash{1}, key.New(1, 7, 2, [key.EventIDSize]byte{})
	e, err := (&event.Event{Key: k}).Append(nil)
	require.NoError(t, err)
	before, now := writer(1), writer(2)
	signature := ed25519.Sign(before, SignedMessage(chain, e))
	header := nats.Header{SignatureHeader: {hex.EncodeToString(signature)}}
	subj := subject.Of(chain).Event(7, 2)
	for _, c := range []struct {
		keys   []cert.PublicKey
		signed bool
		err    error
	}{
		{[]cert.PublicKey{public(now), public(before)}, true, nil},
		{[]cert.PublicKey{public(now)}, false, ErrSignature},
		{nil, false, nil}, // nobody writes the node: nobody vouches for the event
	} {
		got, signed, err := judge(chain, func(node uint32) []cert.PublicKey {
			require.Equal(t, uint32(7), node)
			return c.keys
		}, subj, header, e)
		require.ErrorIs(t, err, c.err)
		require.Equal(t, c.signed, signed)
		require.Equal(t, c.signed, got == cert.Signature(signature))
	}
}

// FuzzJudge holds judge to a plain version: an event is signed if and only if the
// one header is the hex of a signature that verifies.
func FuzzJudge(f *testing.F) {
	chain, k := cert.Hash{1}, key.New(1, 7, 2, [key.EventIDSize]byte{})
	e, err := (&event.Event{Key: k, Payload: []byte("x")}).Append(nil)
	require.NoError(f, err)
	good := hex.EncodeToString(ed25519.Sign(writer(1), SignedMessage(chain, e)))
	subj := subject.Of(chain).Event(7, 2)
	f.Add(subj, good, e)
	f.Add(subj, "", e)
	f.Add(subj, good[2:], e)
	f.Add(subj+"0", good, e)
	f.Add(subj, good, e[1:])
	f.Fuzz(func(t *testing.T, subj, value string, data []byte) {
		signature, signed, err := judge(chain, func(uint32) []cert.PublicKey { return []cert.PublicKey{public(writer(1))} },
			subj, nats.Header{SignatureHeader: {value}}, data)
		decoded, hexErr := hex.DecodeString(value)
		verifies := hexErr == nil && len(decoded) == 64 && ed25519.Verify(writer(1).Public().(ed25519.PublicKey), SignedMessage(chain, data), decoded)
		v, parseErr := event.Parse(data)
		belongs := parseErr == nil && subj == subject.Of(chain).Event(v.Key().Node(), v.Key().Stream())
		require.Equal(t, verifies && belongs, signed)
		require.Equal(t, signed, err == nil)
		require.Equal(t, signed, signature != cert.Signature{})
	})
}

func TestTheMessageOfAnEventSaysWhatItIs(t *testing.T) {
	e, err := (&event.Event{Key: key.New(1, 7, 2, [key.EventIDSize]byte{})}).Append(nil)
	require.NoError(t, err)
	chain := subject.Of(cert.Hash{1})
	plain, err := newMessage(chain, e, nil)
	require.NoError(t, err)
	require.Equal(t, "omega.0100000000000000.events.7.2", plain.Subject)
	// sha256sum of the 38 bytes
	require.Equal(t, nats.Header{"Nats-Msg-Id": {"24bbb96cdfa9b148066b1e49c727db775626b0d7d763e12567e62923b4cc0959"}}, plain.Header)
	signed, err := newMessage(chain, e, &cert.Signature{1})
	require.NoError(t, err)
	require.NotEqual(t, plain.Header.Get("Nats-Msg-Id"), signed.Header.Get("Nats-Msg-Id"))
	require.Equal(t, "01"+strings.Repeat("0", 126), signed.Header.Get(SignatureHeader))
}
