package member

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

func drawHash(t *rapid.T, name string) (h [32]byte) {
	copy(h[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, name))
	return h
}

func drawSignature(t *rapid.T, name string) (s cert.Signature) {
	copy(s[:], rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, name))
	return s
}

func drawManifest(t *rapid.T) *Manifest {
	m := &Manifest{
		Chain: drawHash(t, "chain"), From: rapid.IntRange(0, 1<<16-1).Draw(t, "from"), Height: rapid.Uint64().Draw(t, "height"),
		First: rapid.Uint64().Draw(t, "first"), Last: rapid.Uint64().Draw(t, "last"), Signature: drawSignature(t, "signature"),
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "sections") {
		s := Listed{
			Node: rapid.Uint32().Draw(t, "node"), Events: rapid.Uint64().Draw(t, "events"), Root: drawHash(t, "root"),
			Bytes: rapid.Uint64Range(0, MaxBatch/5).Draw(t, "bytes"),
		}
		s.Root[0] = byte(i)
		if rapid.Bool().Draw(t, "signed") {
			sig := drawSignature(t, "section signature")
			s.Signature = &sig
		}
		m.Sections = append(m.Sections, s)
	}
	return m
}

func drawMessage(t *rapid.T) interface{ Encode() []byte } {
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return drawManifest(t)
	case 1:
		m := &Want{
			Chain: drawHash(t, "chain"), From: rapid.IntRange(0, 1<<16-1).Draw(t, "from"), Ticket: rapid.Uint64().Draw(t, "ticket"),
			Object: Object{Class: Class(rapid.IntRange(1, 3).Draw(t, "class"))}, Offset: rapid.Uint64().Draw(t, "offset"),
			Chunks: uint8(rapid.IntRange(1, MaxChunks).Draw(t, "chunks")),
		}
		if m.Object.Class != LogObject {
			m.Object.Height, m.Object.Root = rapid.Uint64().Draw(t, "height"), drawHash(t, "root")
		}
		return m
	case 2:
		m := &Chunk{
			Chain: drawHash(t, "chain"), From: rapid.IntRange(0, 1<<16-1).Draw(t, "from"), Ticket: rapid.Uint64().Draw(t, "ticket"),
			Offset: rapid.Uint64Range(0, 1<<40).Draw(t, "offset"), Bytes: rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(t, "bytes"),
		}
		if len(m.Bytes) > 0 {
			m.Total = m.Offset + uint64(len(m.Bytes)) + rapid.Uint64Range(0, 1<<40).Draw(t, "more")
		}
		return m
	}
	return &Hello{
		Chain: drawHash(t, "chain"), From: rapid.IntRange(0, 1<<16-1).Draw(t, "from"), Height: rapid.Uint64().Draw(t, "height"),
		Attempt: rapid.Uint64().Draw(t, "attempt"), Phase: Phase(rapid.IntRange(1, 4).Draw(t, "phase")),
		Sent: rapid.Uint64().Draw(t, "sent"), Head: drawHash(t, "head"), Signature: drawSignature(t, "signature"),
	}
}

func TestAMessageThatIsDecodedIsTheOneThatWasEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		b := m.Encode()
		got, err := Decode(b)
		require.NoError(t, err)
		require.Equal(t, b, got.(interface{ Encode() []byte }).Encode())
		if c, ok := m.(*Chunk); ok && len(c.Bytes) == 0 {
			c.Bytes = got.(*Chunk).Bytes
		}
		require.Equal(t, m, got)
		_, err = Decode(append(slices.Clone(b), 0))
		if _, chunk := m.(*Chunk); !chunk {
			require.ErrorIs(t, err, ErrMalformed, "left-over bytes")
		}
	})
}

func TestCutOffMessagesAreRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		b := m.Encode()
		n := rapid.IntRange(0, len(b)-1).Draw(t, "length")
		got, err := Decode(b[:n])
		if c, ok := m.(*Chunk); ok && n > len(b)-len(c.Bytes) {
			require.NoError(t, err, "a shorter chunk is one too")
			require.Equal(t, c.Bytes[:len(c.Bytes)-(len(b)-n)], got.(*Chunk).Bytes)
			return
		}
		require.ErrorIs(t, err, ErrMalformed)
		require.Nil(t, got)
	})
}

// TestWhatASignatureCoversIsAllBeforeIt flips each byte before the signature.
func TestWhatASignatureCoversIsAllBeforeIt(t *testing.T) {
	key := keyOf(t, 7)
	rapid.Check(t, func(t *rapid.T) {
		m := drawManifest(t)
		tag := manifestTag
		b, message := m.Encode(), m.Message()
		if rapid.Bool().Draw(t, "hello") {
			h := &Hello{Height: 5, Phase: Answering, Sent: 9, Head: m.Chain, Signature: m.Signature}
			tag, b, message = helloTag, h.Encode(), h.Message()
		}
		require.Equal(t, tag+string(b[:len(b)-cert.SignatureSize]), string(message))
		require.NotEqual(t, key.Sign(message), m.Signature)
	})
}

func TestBoundsOfMessagesAreRefusedOneBeyond(t *testing.T) {
	manifest := func(change func(*Manifest)) []byte {
		m := &Manifest{Sections: []Listed{{Root: merkle.Hash{1}, Bytes: 10}, {Root: merkle.Hash{2}, Bytes: 20}}}
		change(m)
		return m.Encode()
	}
	want := func(change func(*Want)) []byte {
		m := &Want{Object: Object{Class: SectionObject}, Chunks: MaxChunks}
		change(m)
		return m.Encode()
	}
	many := func(n int) (list []Listed) {
		for i := range n {
			list = append(list, Listed{Root: merkle.Hash{byte(i >> 8), byte(i)}})
		}
		return list
	}
	chunk := Chunk{Offset: 5, Total: 5 + ChunkSize, Bytes: make([]byte, ChunkSize)}
	hello := Hello{Phase: Committed}
	good := map[string][]byte{
		"manifest":      manifest(func(*Manifest) {}),
		"most bytes":    manifest(func(m *Manifest) { m.Sections[0].Bytes = MaxBatch - 20 }),
		"most sections": manifest(func(m *Manifest) { m.Sections = many(MaxSections) }),
		"want":          want(func(*Want) {}),
		"log":           want(func(m *Want) { m.Object = Object{Class: LogObject} }),
		"chunk":         chunk.Encode(),
		"no bytes":      (&Chunk{Offset: 7, Total: 7}).Encode(),
		"beyond":        (&Chunk{Offset: 8, Total: 7}).Encode(),
		"hello":         hello.Encode(),
	}
	for name, b := range good {
		_, err := Decode(b)
		require.NoError(t, err, name)
	}
	flag := good["manifest"]
	flag = slices.Clone(flag)
	flag[1+32+2+24+4+4+8+32+8] = 2
	larger := append((&Chunk{Offset: 5, Total: 1 << 30, Bytes: make([]byte, ChunkSize)}).Encode(), 0)
	for name, b := range map[string][]byte{
		"empty":              nil,
		"unknown kind":       {20},
		"a quorum's kind":    {1},
		"bytes":              manifest(func(m *Manifest) { m.Sections[0].Bytes = MaxBatch - 19 }),
		"bytes overflow":     manifest(func(m *Manifest) { m.Sections[1].Bytes = 1<<64 - 5 }),
		"sections":           manifest(func(m *Manifest) { m.Sections = many(MaxSections + 1) }),
		"order":              manifest(func(m *Manifest) { m.Sections[0].Root[0] = 3 }),
		"twice":              manifest(func(m *Manifest) { m.Sections[1].Root[0] = 1 }),
		"flag":               flag,
		"class 0":            want(func(m *Want) { m.Object.Class = 0 }),
		"class 4":            want(func(m *Want) { m.Object.Class = 4 }),
		"log with height":    want(func(m *Want) { m.Object = Object{Class: LogObject, Height: 1} }),
		"log with root":      want(func(m *Want) { m.Object = Object{Class: LogObject, Root: merkle.Hash{1}} }),
		"no chunk":           want(func(m *Want) { m.Chunks = 0 }),
		"chunks":             want(func(m *Want) { m.Chunks = MaxChunks + 1 }),
		"chunk too large":    larger,
		"chunk beyond":       (&Chunk{Offset: 5, Total: 6, Bytes: []byte{1, 2}}).Encode(),
		"chunk at the end":   (&Chunk{Offset: 6, Total: 6, Bytes: []byte{1}}).Encode(),
		"chunk over the end": (&Chunk{Offset: 7, Total: 6, Bytes: []byte{1}}).Encode(),
		"chunk without any":  (&Chunk{Offset: 5, Total: 6}).Encode(),
		"phase 0":            (&Hello{}).Encode(),
		"phase 5":            (&Hello{Phase: 5}).Encode(),
		"too large":          make([]byte, MaxMessage+1),
	} {
		_, err := Decode(b)
		require.ErrorIs(t, err, ErrMalformed, name)
	}
}

func FuzzDecode(f *testing.F) {
	sig := cert.Signature{1}
	f.Add((&Manifest{Sections: []Listed{{Root: merkle.Hash{1}, Bytes: 10, Signature: &sig}, {Root: merkle.Hash{2}}}}).Encode())
	f.Add((&Want{Object: Object{Class: LogObject}, Chunks: 1}).Encode())
	f.Add((&Chunk{Offset: 1, Total: 3, Bytes: []byte{1, 2}}).Encode())
	f.Add((&Hello{Phase: Locked}).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		m, err := Decode(b)
		require.Equal(t, before, b)
		if err != nil {
			require.ErrorIs(t, err, ErrMalformed)
			return
		}
		require.Equal(t, b, m.(interface{ Encode() []byte }).Encode(), "one spelling")
	})
}
