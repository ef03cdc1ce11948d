package omegalog

import (
	"crypto/ed25519"
	"encoding/hex"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// testSigner signs with a key from a seed of one repeated byte.
type testSigner byte

func (s testSigner) private() ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	for i := range seed {
		seed[i] = byte(s)
	}
	return ed25519.NewKeyFromSeed(seed)
}

func (s testSigner) Public() cert.PublicKey {
	return cert.PublicKey(s.private().Public().(ed25519.PublicKey))
}

func (s testSigner) Sign(message []byte) cert.Signature {
	return cert.Signature(ed25519.Sign(s.private(), message))
}

var testRoster = cert.Roster{
	{Name: "paris", Key: testSigner(1).Public(), Nodes: []uint32{7, 8}},
	{Name: "tokyo", Key: testSigner(2).Public(), Nodes: []uint32{9}},
}

var testChain = cert.Hash{0xc4, 0xa1}

func mustSign(t require.TestingT, s Section, signer Signer) *Signature {
	sig, err := Sign(testChain, s, signer)
	require.NoError(t, err)
	return sig
}

func TestASectionIsItsWriterAndItsEventsInFileOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		events := drawEvents(rt)
		v := openView(t, sectionBytes(7, events))
		got, err := v.Section()
		require.NoError(rt, err)
		var leaves []merkle.Hash
		for _, e := range events {
			leaves = append(leaves, merkle.LeafHash(e))
		}
		require.Equal(rt, Section{Node: 7, Count: uint64(len(events)), Root: merkle.Root(leaves)}, got)
	})
}

func TestADamagedSectionHasNoSum(t *testing.T) {
	file := sectionBytes(7, testEvents(2, 5))
	v := openView(t, file[:len(file)-1])
	got, err := v.Section()
	var damage *frame.Error
	require.ErrorAs(t, err, &damage)
	require.Equal(t, frame.TornTail, damage.Kind)
	require.Zero(t, got)
}

func TestTheMessageHasTheseBytes(t *testing.T) {
	s := Section{Node: 7, Count: 2, Root: merkle.Hash{0xab}}
	require.Equal(t, hex.EncodeToString([]byte("omega/section/v1\x00"))+
		hex.EncodeToString(testChain[:])+"00000007"+"0000000000000002"+hex.EncodeToString(s.Root[:]),
		hex.EncodeToString(s.Message(testChain)))
}

func TestASignatureReadsBackAndVerifies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		section := Section{
			Node:  rapid.SampledFrom([]uint32{7, 8, 9}).Draw(t, "node"),
			Count: rapid.Uint64().Draw(t, "count"),
			Root:  merkle.LeafHash(rapid.SliceOf(rapid.Byte()).Draw(t, "leaf")),
		}
		want, _ := testRoster.Writer(section.Node)
		sig := mustSign(t, section, testSigner(want+1))
		file := sig.Append(nil)
		require.Len(t, file, SignatureSize)
		again, err := ParseSignature(file)
		require.NoError(t, err)
		require.Equal(t, sig, again)
		require.NoError(t, again.VerifyKey())
		member, err := again.Verify(testChain, section, testRoster)
		require.NoError(t, err)
		require.Equal(t, want, member)
	})
}

func TestASignatureFileIs186Bytes(t *testing.T) {
	require.Equal(t, 186, SignatureSize)
}

func TestEveryEditOfASignatureFileIsFound(t *testing.T) {
	file := mustSign(t, Section{Node: 7, Count: 1}, testSigner(1)).Append(nil)
	for i := range file {
		for _, flip := range []byte{1, 0x80, 0xff} {
			file[i] ^= flip
			_, err := ParseSignature(file)
			file[i] ^= flip
			require.ErrorIs(t, err, ErrSignatureFormat, "byte %d", i)
		}
		_, err := ParseSignature(file[:i])
		require.ErrorIs(t, err, ErrSignatureFormat, "cut to %d", i)
	}
	_, err := ParseSignature(append(file, 0))
	require.ErrorIs(t, err, ErrSignatureFormat)
}

func TestASignatureForAMixedFileIsNone(t *testing.T) {
	mixed := Section{Node: frame.Mixed}
	_, err := Sign(testChain, mixed, testSigner(1))
	require.ErrorIs(t, err, ErrMixed)
	forged := Signature{Section: mixed, Key: testSigner(1).Public()}
	_, err = ParseSignature(forged.Append(nil))
	require.ErrorIs(t, err, ErrSignatureFormat)
}

func TestASignatureHoldsForNothingElse(t *testing.T) {
	section := Section{Node: 7, Count: 3, Root: merkle.Hash{1}}
	for _, c := range []struct {
		name string
		edit func(sig *Signature, chain *cert.Hash, s *Section, r cert.Roster)
		want error
	}{
		{"another chain", func(_ *Signature, chain *cert.Hash, _ *Section, _ cert.Roster) { chain[0]++ }, ErrSignatureChain},
		{"another node", func(_ *Signature, _ *cert.Hash, s *Section, _ cert.Roster) { s.Node++ }, ErrSignatureNode},
		{"another count", func(_ *Signature, _ *cert.Hash, s *Section, _ cert.Roster) { s.Count++ }, ErrSignatureCount},
		{"another root", func(_ *Signature, _ *cert.Hash, s *Section, _ cert.Roster) { s.Root[31]++ }, ErrSignatureRoot},
		{"nobody's node", func(_ *Signature, _ *cert.Hash, _ *Section, r cert.Roster) { r[0].Nodes = nil }, ErrSignatureSigner},
		{"another's node", func(sig *Signature, _ *cert.Hash, s *Section, _ cert.Roster) {
			*sig = *mustSign(t, *s, testSigner(2))
		}, ErrSignatureSigner},
		{"damaged signature", func(sig *Signature, _ *cert.Hash, _ *Section, _ cert.Roster) { sig.Signature[3] ^= 1 }, ErrSignatureKey},
		{"claim without the key", func(sig *Signature, _ *cert.Hash, s *Section, _ cert.Roster) {
			*sig = *mustSign(t, *s, testSigner(2))
			sig.Key = testSigner(1).Public()
		}, ErrSignatureKey},
		{"all the signed fields changed together", func(sig *Signature, chain *cert.Hash, s *Section, _ cert.Roster) {
			chain[0]++
			s.Node, s.Count = 8, 4
			sig.Chain, sig.Section = *chain, *s
		}, ErrSignatureKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			sig, chain, s := mustSign(t, section, testSigner(1)), testChain, section
			roster := append(cert.Roster(nil), testRoster...)
			c.edit(sig, &chain, &s, roster)
			_, err := sig.Verify(chain, s, roster)
			require.ErrorIs(t, err, c.want)
		})
	}
}

func TestASignatureStandsBesideItsSection(t *testing.T) {
	path := putFile(t, sectionBytes(7, nil))
	_, err := ReadSignature(path)
	require.ErrorIs(t, err, os.ErrNotExist, "an unsigned section")
	for count := range uint64(2) { // the second replaces the first
		sig := mustSign(t, Section{Node: 7, Count: count}, testSigner(1))
		require.NoError(t, WriteSignature(path, sig))
		got, err := ReadSignature(path)
		require.NoError(t, err)
		require.Equal(t, sig, got)
	}
	require.NoError(t, os.Truncate(path+".sig", 100))
	_, err = ReadSignature(path)
	require.ErrorIs(t, err, ErrSignatureFormat)
	require.ErrorContains(t, err, path+".sig: ")
	require.NoError(t, os.Remove(path+".sig"))
	require.NoError(t, os.Mkdir(path+".sig", 0o700))
	_, err = ReadSignature(path)
	require.ErrorIs(t, err, durable.ErrNotRegular)
	require.Error(t, WriteSignature(path, mustSign(t, Section{}, testSigner(1))))
}

func FuzzParseSignatureGivesBackWhatItRead(f *testing.F) {
	sig, _ := Sign(testChain, Section{Node: 7, Count: 1}, testSigner(1))
	f.Add(sig.Append(nil))
	f.Add([]byte("OMEGASIG"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if s, err := ParseSignature(file); err == nil {
			require.Equal(t, file, s.Append(nil))
		}
	})
}
