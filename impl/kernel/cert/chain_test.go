package cert_test

import (
	"bytes"
	"hash/crc32"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

func TestAChainOfEveryTypeHolds(t *testing.T) {
	certs, before := sampleChain(t)
	var leaves []merkle.Hash
	for i, c := range certs {
		require.Equal(t, uint64(i), before[i].Length)
		require.Equal(t, merkle.Root(leaves), before[i].Envelopes.Root(), i)
		b := c.Envelope.Bytes()
		leaves = append(leaves, merkle.LeafHash(b[:]))
	}
	file, _ := records(t, certs)
	chain, err := audit(file)
	require.NoError(t, err)
	require.Equal(t, certs[0].Envelope.Hash(), chain.Name)
	require.Equal(t, certs[5].Envelope.Hash(), chain.Head)
	require.Equal(t, rosterOf(2, 3), chain.Roster)
	first := cert.NextState(cert.Hash{}, certs[1].Envelope.TraceRoot)
	require.Equal(t, first, before[5].State, "only a merge changes the state")
	require.Equal(t, cert.NextState(first, merkle.EmptyRoot()), chain.State)
}

// breach is one change to a certificate that breaks one rule of CHN-2.
type breach struct {
	name string
	kind cert.CheckKind
	at   int // the height at which it is tried
	make func(chain cert.Chain, c cert.Certificate) *cert.Certificate
}

// reseal returns the certificate with the envelope changed by f, and its id,
// its body's hash and its signatures made to fit again.
func reseal(f func(e *cert.Envelope, body []byte) []byte, signers ...int) func(cert.Chain, cert.Certificate) *cert.Certificate {
	return func(chain cert.Chain, c cert.Certificate) *cert.Certificate {
		e := c.Envelope
		body := f(&e, bytes.Clone(c.Body))
		e = cert.Seal(e.Type, e.TraceRoot, e.BatchID, e.Prev, body)
		return &cert.Certificate{Envelope: e, Body: body, Signatures: sign(chain, &e, signers...)}
	}
}

func envelope(f func(e *cert.Envelope), signers ...int) func(cert.Chain, cert.Certificate) *cert.Certificate {
	return reseal(func(e *cert.Envelope, body []byte) []byte { f(e); return body }, signers...)
}

// merged changes the merge of sampleChain in one field.
func merged(f func(m *cert.MergeBody)) func(cert.Chain, cert.Certificate) *cert.Certificate {
	return reseal(func(_ *cert.Envelope, body []byte) []byte {
		m, err := cert.ParseMergeBody(body)
		if err != nil {
			panic(err)
		}
		f(m)
		return m.Append(nil)
	}, 1, 2)
}

func flippedBody(signers ...int) func(cert.Chain, cert.Certificate) *cert.Certificate {
	return reseal(func(_ *cert.Envelope, body []byte) []byte { return append(body, 0) }, signers...)
}

func breaches() []breach {
	garble := func(f func(c *cert.Certificate)) func(cert.Chain, cert.Certificate) *cert.Certificate {
		return func(_ cert.Chain, c cert.Certificate) *cert.Certificate {
			c.Body, c.Signatures = bytes.Clone(c.Body), append([]cert.Signature(nil), c.Signatures...)
			f(&c)
			return &c
		}
	}
	oldRoster := func(_ *cert.Envelope, _ []byte) []byte {
		change := cert.RosterChangeBody{OldHash: rosterOf(1, 2).Hash(), Roster: rosterOf(1, 2)}
		return change.Append(nil)
	}
	return []breach{
		{"an unknown type", cert.KindType, 1, envelope(func(e *cert.Envelope) { e.Type = 5 }, 1, 2)},
		{"a merge first", cert.KindType, 0, envelope(func(e *cert.Envelope) { e.Type = cert.Merge }, 1, 2)},
		{"a second genesis", cert.KindType, 1, envelope(func(e *cert.Envelope) { e.Type = cert.Genesis }, 1, 2)},
		{"a gap", cert.KindHeight, 1, envelope(func(e *cert.Envelope) { e.BatchID = 2 }, 1, 2)},
		{"a genesis at 1", cert.KindHeight, 0, envelope(func(e *cert.Envelope) { e.BatchID = 1 }, 1, 2)},
		{"another predecessor", cert.KindPrev, 2, envelope(func(e *cert.Envelope) { e.Prev[0]++ }, 1, 2)},
		{"a genesis with a predecessor", cert.KindPrev, 0, envelope(func(e *cert.Envelope) { e.Prev[0]++ }, 1, 2)},
		{"another body", cert.KindBodyHash, 1, garble(func(c *cert.Certificate) { c.Body[40]++ })},
		{"another body hash", cert.KindBodyHash, 1, garble(func(c *cert.Certificate) { c.Envelope.BodyHash[0]++ })},
		{"another id", cert.KindID, 1, garble(func(c *cert.Certificate) { c.Envelope.ID[15]++ })},
		{"a root without a merge", cert.KindTraceRoot, 2, envelope(func(e *cert.Envelope) { e.TraceRoot[0]++ }, 1, 2)},
		{"the zero root without a merge", cert.KindTraceRoot, 0, envelope(func(e *cert.Envelope) { e.TraceRoot = merkle.Hash{} }, 1, 2)},
		{"a bad genesis body", cert.KindBody, 0, flippedBody(1, 2)},
		{"a bad merge body", cert.KindBody, 1, flippedBody(1, 2)},
		{"a bad obstruction body", cert.KindBody, 2, flippedBody(1, 2)},
		{"a bad roster change body", cert.KindBody, 3, flippedBody(1, 2, 2, 3)},
		{"a bad evidence body", cert.KindBody, 4, flippedBody(2, 3)},
		{"a roster change to the same roster", cert.KindBody, 3, reseal(oldRoster, 1, 2)},
		{"another state", cert.KindState, 1, merged(func(m *cert.MergeBody) { m.State[0]++ })},
		{"a root that the state lacks", cert.KindState, 1, envelope(func(e *cert.Envelope) { e.TraceRoot[0]++ }, 1, 2)},
		{"another root of envelopes", cert.KindEnvelopesRoot, 1, merged(func(m *cert.MergeBody) { m.EnvelopesRoot[0]++ })},
		{"another roster in a merge", cert.KindRosterHash, 1, merged(func(m *cert.MergeBody) { m.RosterHash[0]++ })},
		{"another old roster", cert.KindRosterHash, 3, reseal(func(_ *cert.Envelope, body []byte) []byte {
			body[0]++
			return body
		}, 1, 2, 2, 3)},
		{"no events under a root", cert.KindTraceRoot, 1, merged(func(m *cert.MergeBody) { m.Events, m.Streams = 0, nil })},
		{"events under the empty root", cert.KindTraceRoot, 5, reseal(func(_ *cert.Envelope, body []byte) []byte {
			m, _ := cert.ParseMergeBody(body)
			m.Events, m.Streams = 3, mergeBody(cert.Chain{}, merkle.EmptyRoot()).Streams
			return m.Append(nil)
		}, 2, 3)},
		{"no signature", cert.KindSignatureCount, 1, garble(func(c *cert.Certificate) { c.Signatures = nil })},
		{"N-1 signatures", cert.KindSignatureCount, 1, garble(func(c *cert.Certificate) { c.Signatures = c.Signatures[:1] })},
		{"N+1 signatures", cert.KindSignatureCount, 1, garble(func(c *cert.Certificate) { c.Signatures = append(c.Signatures, c.Signatures[0]) })},
		{"a genesis signed by one", cert.KindSignatureCount, 0, garble(func(c *cert.Certificate) { c.Signatures = c.Signatures[1:] })},
		{"a roster change by the old alone", cert.KindSignatureCount, 3, garble(func(c *cert.Certificate) { c.Signatures = c.Signatures[:2] })},
		{"one member twice", cert.KindSignature, 1, garble(func(c *cert.Certificate) { c.Signatures[1] = c.Signatures[0] })},
		{"another order", cert.KindSignature, 1, garble(func(c *cert.Certificate) {
			c.Signatures[0], c.Signatures[1] = c.Signatures[1], c.Signatures[0]
		})},
		{"the new roster first", cert.KindSignature, 3, envelope(func(*cert.Envelope) {}, 2, 3, 1, 2)},
		{"the old roster after its change", cert.KindSignature, 4, envelope(func(*cert.Envelope) {}, 1, 2)},
		{"a flipped signature", cert.KindSignature, 1, garble(func(c *cert.Certificate) { c.Signatures[1][63] ^= 1 })},
		{"signatures under another chain", cert.KindSignature, 1, func(_ cert.Chain, c cert.Certificate) *cert.Certificate {
			c.Signatures = sign(cert.Chain{Name: cert.Hash{1}}, &c.Envelope, 1, 2)
			return &c
		}},
		{"signatures as if for genesis", cert.KindSignature, 1, func(_ cert.Chain, c cert.Certificate) *cert.Certificate {
			c.Signatures = sign(cert.Chain{}, &c.Envelope, 1, 2)
			return &c
		}},
	}
}

func TestEachBreachHasItsKindAndChangesNothing(t *testing.T) {
	certs, chains := sampleChain(t)
	reached := map[cert.CheckKind]bool{}
	for _, b := range breaches() {
		chain := chains[b.at]
		bad := b.make(chain, *certs[b.at])
		got, err := chain.Check(bad)
		var e *cert.CheckError
		require.ErrorAs(t, err, &e, b.name)
		require.Equal(t, b.kind, e.Kind, "%s: %v", b.name, err)
		require.Equal(t, uint64(b.at), e.Height, b.name)
		require.Contains(t, err.Error(), string(b.kind)+" at height", b.name)
		require.Equal(t, chain, got, "%s changed the chain", b.name)
		_, err = got.Check(certs[b.at])
		require.NoError(t, err, "%s: the right certificate no longer fits", b.name)
		reached[b.kind] = true
	}
	for _, kind := range []cert.CheckKind{
		cert.KindType, cert.KindHeight, cert.KindPrev, cert.KindBodyHash, cert.KindID, cert.KindTraceRoot, cert.KindBody,
		cert.KindState, cert.KindEnvelopesRoot, cert.KindRosterHash, cert.KindSignatureCount, cert.KindSignature,
	} {
		require.True(t, reached[kind], kind)
	}
}

func TestSignersOfARosterChangeAreTheOldThenTheNew(t *testing.T) {
	certs, chains := sampleChain(t)
	next, err := chains[3].CheckContent(&certs[3].Envelope, certs[3].Body)
	require.NoError(t, err)
	require.Equal(t, append(rosterOf(1, 2), rosterOf(2, 3)...), chains[3].Signers(next))
	require.Equal(t, rosterOf(1, 2), chains[3].Roster, "the old roster was changed")
}

// castagnoli is only for mending checks here; TestRecordsFollowTheLayout holds
// the code to a plain version.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// TestEveryFlippedByteOfAChainIsFound flips each byte of a whole cert.log, first
// as it is, then with the record's checks mended, so that the certificate's own
// rules must find it.
func TestEveryFlippedByteOfAChainIsFound(t *testing.T) {
	certs, before := sampleChain(t)
	file, offsets := records(t, certs)
	for at := range file {
		i := len(offsets) - 1
		for int64(at) < offsets[i] {
			i--
		}
		end := int64(len(file))
		if i+1 < len(offsets) {
			end = offsets[i+1]
		}
		record := with(file[offsets[i]:end], at-int(offsets[i]), file[at]^0x10)
		_, _, err := cert.NextRecord(record, 0)
		require.Error(t, err, "byte %d", at)

		copy(record[4:8], pack(crc32.Checksum(record[:4], castagnoli)))
		n := len(record) - 4
		copy(record[n:], pack(crc32.Checksum(record[:n], castagnoli)))
		c, next, err := cert.NextRecord(record, 0)
		if err != nil {
			continue
		}
		require.Len(t, record, int(next))
		_, err = before[i].Check(c)
		inCheck := int64(at) >= end-4 || int64(at) >= offsets[i]+4 && int64(at) < offsets[i]+8
		require.Equal(t, inCheck, err == nil, "byte %d of record %d", at-int(offsets[i]), i)
	}
}
