package key_test

import (
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

func drawID(t *rapid.T, label string) [key.EventIDSize]byte {
	return [key.EventIDSize]byte(rapid.SliceOfN(rapid.Byte(), key.EventIDSize, key.EventIDSize).Draw(t, label))
}

// drawKey draws from few values a field, so that two keys often share some.
func drawKey(t *rapid.T, label string) key.Key {
	few := rapid.SampledFrom([]uint64{0, 1, 255, 256, 1<<63 - 1, 1 << 63, 1<<64 - 1})
	id := drawID(t, label+" id")
	if rapid.Bool().Draw(t, label+" has a small id") {
		id = [key.EventIDSize]byte{13: id[13] % 3}
	}
	return key.New(few.Draw(t, label+" lamport"), uint32(few.Draw(t, label+" node")),
		uint16(few.Draw(t, label+" stream")), id)
}

// plainK is K of the specification, by the arithmetic of whole numbers.
func plainK(k *key.Key) *big.Int {
	id := k.EventID()
	n := new(big.Int).SetUint64(k.Lamport())
	n.Lsh(n, 32).Or(n, big.NewInt(int64(k.Node())))
	n.Lsh(n, 16).Or(n, big.NewInt(int64(k.Stream())))
	return n.Lsh(n, 112).Or(n, new(big.Int).SetBytes(id[:]))
}

func TestFieldsComeBackAsTheyWentIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lamport, node := rapid.Uint64().Draw(t, "lamport"), rapid.Uint32().Draw(t, "node")
		stream, id := rapid.Uint16().Draw(t, "stream"), drawID(t, "id")
		k := key.New(lamport, node, stream, id)
		require.Equal(t, lamport, k.Lamport())
		require.Equal(t, node, k.Node())
		require.Equal(t, stream, k.Stream())
		require.Equal(t, id, k.EventID())
		require.Zero(t, new(big.Int).SetBytes(k[:]).Cmp(plainK(&k)), "the bytes are not K")
	})
}

func TestComparingBytesComparesK(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawKey(t, "a"), drawKey(t, "b")
		if rapid.Bool().Draw(t, "they differ in one byte") {
			b = a
			b[rapid.IntRange(0, key.Size-1).Draw(t, "at")] ^= rapid.ByteRange(1, 255).Draw(t, "with")
		}
		require.Equal(t, plainK(&a).Cmp(plainK(&b)), a.Compare(&b))
		require.Equal(t, a == b, a.Compare(&b) == 0)
	})
}

func TestTextComesBackAsTheSameKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := drawKey(t, "k")
		got, err := key.Parse(k.String())
		require.NoError(t, err)
		require.Equal(t, k, got)
	})
}

func TestTheManualsKeyIsThatKey(t *testing.T) {
	k := key.New(7, 3, 1, [key.EventIDSize]byte{13: 0x0a})
	require.Equal(t, "0000000000000007000000030001000000000000000000000000000a", k.String())
	require.Equal(t, key.Key{}, key.New(0, 0, 0, [key.EventIDSize]byte{}))
}

func TestOtherSpellingsAreRefused(t *testing.T) {
	good := key.New(0xabc, 3, 1, [key.EventIDSize]byte{}).String()
	for name, text := range map[string]string{
		"empty":         "",
		"a digit short": good[1:],
		"a digit long":  good + "0",
		"upper case":    strings.ToUpper(good),
		"one upper":     strings.Replace(good, "a", "A", 1),
		"no hex digit":  "g" + good[1:],
		"a space":       " " + good[1:],
		"0x":            "0x" + good[2:],
	} {
		k, err := key.Parse(text)
		require.Error(t, err, name)
		require.Equal(t, key.Key{}, k, name)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("0000000000000007000000030001000000000000000000000000000a")
	f.Add(strings.Repeat("F", 56))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := key.Parse(text)
		raw, hexErr := hex.DecodeString(text)
		wellFormed := hexErr == nil && len(raw) == key.Size && strings.ToLower(text) == text
		require.Equal(t, wellFormed, err == nil)
		if err == nil {
			require.Equal(t, text, k.String())
		}
	})
}
