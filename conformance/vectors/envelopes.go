package vectors

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"pgregory.net/rapid"
)

// The domain tags of CRT-3 and STA-1.
const (
	bodyTag  = "omega/body/v1\x00"
	idTag    = "omega/cert-id/v1\x00"
	certTag  = "omega/cert/v1\x00"
	stateTag = "omega/state/v1\x00"
)

// hashed are the byte strings of which Lean is told the SHA-256: what the
// specification has hashed, tag and all.
type hashed [][]byte

func (h hashed) text() string {
	return "(hashes " + list(h, func(input []byte) string {
		sum := sha256.Sum256(input)
		return "(" + bytesText(input) + ", " + bytesText(sum[:]) + ")"
	}) + ")"
}

func tagged(tag string, parts ...[]byte) []byte {
	return slices.Concat(append([][]byte{[]byte(tag)}, parts...)...)
}

// plainEnvelope returns the bytes of an envelope, made without the code under test.
func plainEnvelope(e cert.Envelope) []byte {
	b := append(slices.Clone(e.ID[:]), byte(e.Type))
	b = append(b, e.TraceRoot[:]...)
	b = binary.BigEndian.AppendUint64(b, e.BatchID)
	return append(append(b, e.BodyHash[:]...), e.Prev[:]...)
}

func envelopeText(e cert.Envelope) string {
	return fmt.Sprintf("(envelope %s %d %s %d %s %s)", bytesText(e.ID[:]), e.Type,
		bytesText(e.TraceRoot[:]), e.BatchID, bytesText(e.BodyHash[:]), bytesText(e.Prev[:]))
}

func drawHash(t *rapid.T) (h [32]byte) {
	copy(h[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
	return h
}

// drawAnyEnvelope draws one whose fields need not fit each other.
func drawAnyEnvelope(t *rapid.T) cert.Envelope {
	e := cert.Envelope{Type: cert.Type(rapid.Byte().Draw(t, "type")), TraceRoot: drawHash(t), BatchID: rapid.Uint64().Draw(t, "height")}
	e.BodyHash, e.Prev = drawHash(t), drawHash(t)
	copy(e.ID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
	return e
}

// seal gives the envelope the body_hash and cert_id of CRT-3, without the code
// under test, and returns what was hashed.
func seal(e *cert.Envelope, body []byte) hashed {
	ofBody := tagged(bodyTag, body)
	e.BodyHash = sha256.Sum256(ofBody)
	ofID := tagged(idTag, plainEnvelope(*e)[16:])
	sum := sha256.Sum256(ofID)
	e.ID = cert.ID(sum[:])
	return hashed{ofBody, ofID}
}

func drawEnvelopes(t *rapid.T, number int) []Vector {
	e := drawAnyEnvelope(t)
	written, encoded, digest := envelopeText(e), e.Bytes(), e.Hash()
	ofCert := tagged(certTag, plainEnvelope(e))
	raw := plainEnvelope(e)
	raw = raw[:rapid.SampledFrom([]int{121, 121, 120, 0}).Draw(t, "bytes")]
	parsed := "none"
	if e, err := cert.ParseEnvelope(raw); err == nil {
		parsed = "some " + envelopeText(e)
	}
	body := rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "body")
	sealed := cert.Seal(e.Type, e.TraceRoot, e.BatchID, e.Prev, body)
	bodyHash, state := cert.BodyHash(body), cert.NextState(e.Prev, e.TraceRoot)
	ofState := tagged(stateTag, e.Prev[:], e.TraceRoot[:])
	known := seal(&e, body)
	plain := fmt.Sprintf("(envelope [] %d %s %d %s %s)", e.Type, bytesText(e.TraceRoot[:]), e.BatchID, bytesText(e.BodyHash[:]), bytesText(e.Prev[:]))
	return []Vector{
		{Form: "cert.Envelope.Bytes", Call: "Envelope.encode " + written, Out: bytesText(encoded[:])},
		{Form: "cert.ParseEnvelope", Call: "Envelope.decode " + bytesText(raw), Out: parsed},
		{Form: "cert.Seal", Call: "Envelope.derivedId " + known.text() + " " + plain, Out: bytesText(sealed.ID[:])},
		{Form: "cert.BodyHash", Call: "Chain.bodyHash " + known.text() + " " + bytesText(body), Out: bytesText(bodyHash[:])},
		{Form: "cert.Envelope.Hash", Call: "Chain.certHash " + hashed{ofCert}.text() + " ⟨" + written + ", []⟩", Out: bytesText(digest[:])},
		{Form: "cert.NextState", Call: "Chain.nextState " + hashed{ofState}.text() + " " + bytesText(e.Prev[:]) + " " + bytesText(e.TraceRoot[:]), Out: bytesText(state[:])},
		drawLink(t, body, number),
	}
}

// ruleText are Lean's words for the rules of CHN-2 that speak of envelopes.
var ruleText = map[cert.CheckKind]string{
	cert.KindType: ".certType", cert.KindHeight: ".height", cert.KindPrev: ".prevHash",
	cert.KindBodyHash: ".bodyHash", cert.KindID: ".certId", cert.KindTraceRoot: ".traceRoot",
}

// drawLink draws a chain's last hash and length, and a certificate in which one thing,
// by the number of the change, or nothing keeps it from following. The rules for bodies are not the
// specification's: a body that breaks one shows that no rule before it is broken.
func drawLink(t *rapid.T, body []byte, change int) Vector {
	chain := cert.Chain{Head: drawHash(t), Length: uint64(change % 3)}
	e := cert.Envelope{Type: cert.Evidence, TraceRoot: sha256.Sum256(nil), BatchID: chain.Length, Prev: chain.Head}
	if chain.Length == 0 {
		e.Type = cert.Genesis
	}
	known := seal(&e, body)
	switch change %= 7; change {
	case 1:
		e.Type = cert.Type(rapid.ByteRange(0, 5).Draw(t, "type"))
	case 2:
		e.BatchID += rapid.SampledFrom([]uint64{1, 2, 1<<64 - 1}).Draw(t, "further")
	case 3:
		e.Prev[31] ^= 1
	case 4:
		e.TraceRoot[0] ^= 1
	case 5:
		e.BodyHash[0] ^= 1
	case 6:
		e.ID[0] ^= 1
	}
	if change == 4 || change < 4 && rapid.Bool().Draw(t, "sealed again") {
		known = seal(&e, body)
	}
	known = append(known, tagged(idTag, plainEnvelope(e)[16:]), nil)
	broken := "none"
	_, err := chain.CheckContent(&e, body)
	if rule, ok := errors.AsType[*cert.CheckError](err); ok && ruleText[rule.Kind] != "" {
		broken = "some " + ruleText[rule.Kind]
	}
	call := fmt.Sprintf("Chain.check %s %d %s ⟨%s, %s⟩", known.text(), chain.Length, bytesText(chain.Head[:]), envelopeText(e), bytesText(body))
	return Vector{Form: "cert.Chain.CheckContent", Call: call, Out: broken}
}
