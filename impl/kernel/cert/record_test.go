package cert_test

import (
	"bytes"
	"hash/crc32"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// plainCRC is CRC-32C bit by bit.
func plainCRC(b []byte) uint32 {
	crc := ^uint32(0)
	for _, c := range b {
		crc ^= uint32(c)
		for range 8 {
			crc = crc>>1 ^ 0x82f63b78*(crc&1)
		}
	}
	return ^crc
}

// plainRecord writes the layout of LOG-2.
func plainRecord(c *cert.Certificate) []byte {
	content := pack(c.Envelope.Bytes(), uint32(len(c.Body)), c.Body, uint16(len(c.Signatures)), c.Signatures)
	n := pack(uint32(len(content) + 4))
	b := append(n, pack(plainCRC(n), content)...)
	return append(b, pack(plainCRC(b))...)
}

// plainSealed wraps any content in a record's head and crc.
func plainSealed(content []byte) []byte {
	n := pack(uint32(len(content) + 4))
	b := append(n, pack(plainCRC(n), content)...)
	return append(b, pack(plainCRC(b))...)
}

func TestRecordsFollowTheLayoutAndComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &cert.Certificate{Body: rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "body")}
		e, err := cert.ParseEnvelope(drawBytes(t, cert.EnvelopeSize, "envelope"))
		require.NoError(t, err)
		c.Envelope, c.Signatures = e, make([]cert.Signature, rapid.IntRange(0, 3).Draw(t, "signatures"))
		for i := range c.Signatures {
			c.Signatures[i] = cert.Signature(drawBytes(t, cert.SignatureSize, "signature"))
		}
		file, err := cert.AppendRecord([]byte("before"), c)
		require.NoError(t, err)
		require.Equal(t, append([]byte("before"), plainRecord(c)...), file)

		got, next, err := cert.NextRecord(append(file, 1, 2, 3), int64(len("before")))
		require.NoError(t, err)
		require.Equal(t, int64(len(file)), next)
		require.Equal(t, c.Envelope, got.Envelope)
		require.True(t, bytes.Equal(c.Body, got.Body))
		require.Equal(t, c.Signatures, got.Signatures)
	})
}

func TestABodyIsReadInPlace(t *testing.T) {
	file := plainRecord(&cert.Certificate{Body: []byte("body")})
	c, _, err := cert.NextRecord(file, 0)
	require.NoError(t, err)
	require.Same(t, &file[8+cert.EnvelopeSize+4], &c.Body[0])
	require.Equal(t, len(c.Body), cap(c.Body))
}

func TestEveryDamageToARecordHasItsKindAndOffset(t *testing.T) {
	first := plainRecord(&cert.Certificate{Body: []byte("first")})
	second := plainRecord(&cert.Certificate{Body: []byte("second"), Signatures: make([]cert.Signature, 2)})
	at := len(first)
	head := func(n uint32) []byte { return pack(first, n, plainCRC(pack(n))) }
	file := pack(first, second)
	content := second[8 : len(second)-4]
	const bodyLen, body = cert.EnvelopeSize, cert.EnvelopeSize + 4

	for name, c := range map[string]struct {
		file []byte
		kind cert.RecordKind
	}{
		"one byte left":            {file[:at+1], cert.RecordTorn},
		"seven bytes left":         {file[:at+7], cert.RecordTorn},
		"a head alone":             {file[:at+8], cert.RecordTorn},
		"the last byte missing":    {file[:len(file)-1], cert.RecordTorn},
		"a damaged length":         {with(file, at+3, file[at+3]^1), cert.RecordLength},
		"a damaged length, beyond": {with(file, at, 1), cert.RecordLength},
		"a damaged length crc":     {with(file, at+4, file[at+4]^1), cert.RecordLength},
		"a length under the least": {head(130), cert.RecordLength},
		"a length of 4 GiB":        {head(0xffffffff), cert.RecordLength},
		"a length over the limit":  {head(131 + cert.MaxBody + 65535*64 + 1), cert.RecordLength},
		"the largest length, cut":  {head(131 + cert.MaxBody + 65535*64), cert.RecordTorn},
		"a damaged envelope":       {with(file, at+8, file[at+8]^1), cert.RecordCRC},
		"a damaged body":           {with(file, at+8+body, 0), cert.RecordCRC},
		"a damaged crc":            {with(file, len(file)-1, file[len(file)-1]^1), cert.RecordCRC},
		"a body beyond the end":    {pack(first, plainSealed(with(content, bodyLen, 0, 0, 1))), cert.RecordBad},
		"a body of 4 GiB":          {pack(first, plainSealed(with(content, bodyLen, 0xff, 0xff, 0xff, 0xff))), cert.RecordBad},
		"a body that ends early":   {pack(first, plainSealed(with(content, bodyLen, 0, 0, 0, 5))), cert.RecordBad},
		"a signature too many":     {pack(first, plainSealed(with(content, body+7, 3))), cert.RecordBad},
		"a signature too few":      {pack(first, plainSealed(with(content, body+7, 1))), cert.RecordBad},
		"a left-over byte":         {pack(first, plainSealed(append(bytes.Clone(content), 0))), cert.RecordBad},
	} {
		_, next, err := cert.NextRecord(c.file, 0)
		require.NoError(t, err, name)
		require.Equal(t, int64(at), next, name)
		kept := bytes.Clone(c.file)
		got, next, err := cert.NextRecord(c.file, next)
		var e *cert.RecordError
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, c.kind, e.Kind, "%s: %v", name, err)
		require.Equal(t, int64(at), e.Offset, name)
		require.Contains(t, err.Error(), string(c.kind), name)
		require.Nil(t, got, name)
		require.Equal(t, int64(at), next, name)
		require.Equal(t, kept, c.file, name)
	}
	_, next, err := cert.NextRecord(file, int64(len(file)))
	require.Equal(t, io.EOF, err)
	require.Equal(t, int64(len(file)), next)
}

func TestACrashIsToldFromDamage(t *testing.T) {
	file := plainRecord(&cert.Certificate{Body: []byte("body"), Signatures: make([]cert.Signature, 1)})
	for n := 1; n < len(file); n++ {
		_, _, err := cert.NextRecord(file[:n], 0)
		var e *cert.RecordError
		require.ErrorAs(t, err, &e)
		require.Equal(t, cert.RecordTorn, e.Kind, "cut to %d bytes", n)
	}
	for at := range file {
		_, _, err := cert.NextRecord(with(file, at, file[at]^4), 0)
		var e *cert.RecordError
		require.ErrorAs(t, err, &e)
		require.NotEqual(t, cert.RecordTorn, e.Kind, "a flip at %d passes for a crash", at)
	}
}

func TestWhatIsTooLargeGetsNoRecord(t *testing.T) {
	room := []byte("prefix and some room behind it")
	kept := bytes.Clone(room)
	for name, c := range map[string]*cert.Certificate{
		"a body":     {Body: make([]byte, cert.MaxBody+1)},
		"signatures": {Signatures: make([]cert.Signature, 1<<16)},
	} {
		got, err := cert.AppendRecord(room[:6], c)
		require.Error(t, err, name)
		require.Equal(t, "prefix", string(got), name)
		require.Equal(t, kept, room, name)
	}
}

func TestABodyOverTheLimitIsRefusedInsideAWholeRecord(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs 256 MB")
	}
	const bodyAt = 8 + cert.EnvelopeSize + 4
	file := make([]byte, bodyAt+cert.MaxBody+1+2+4) // and no signature
	copy(file, pack(uint32(len(file)-8)))
	copy(file[4:], pack(plainCRC(file[:4])))
	copy(file[8+cert.EnvelopeSize:], pack(uint32(cert.MaxBody+1)))
	end := len(file) - 4
	copy(file[end:], pack(crc32.Checksum(file[:end], castagnoli)))
	_, _, err := cert.NextRecord(file, 0)
	var e *cert.RecordError
	require.ErrorAs(t, err, &e)
	require.Equal(t, cert.RecordBad, e.Kind, "%v", err)
	require.ErrorContains(t, err, "at most")
}

func FuzzNextRecord(f *testing.F) {
	certs, _ := sampleChain(f)
	file, _ := records(f, certs[:2])
	f.Add(file, uint16(0))
	f.Add(file[:len(file)-1], uint16(0))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, uint16(0))
	f.Add(plainSealed(make([]byte, 300)), uint16(1))
	f.Fuzz(func(t *testing.T, b []byte, offset uint16) {
		if int(offset) > len(b) {
			return
		}
		c, next, err := cert.NextRecord(b, int64(offset))
		switch {
		case err == nil:
			require.Equal(t, plainRecord(c), b[offset:next])
		case err == io.EOF:
			require.Len(t, b, int(offset))
		default:
			var e *cert.RecordError
			require.ErrorAs(t, err, &e)
			require.Equal(t, int64(offset), e.Offset)
			require.Equal(t, int64(offset), next)
			require.Nil(t, c)
		}
	})
}
