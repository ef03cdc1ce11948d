package examples

import (
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/fixed"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

func TestFixedPointIsThatOfTheExamples(t *testing.T) {
	examples := load[struct {
		Clause string
		Sets   []struct {
			Values   []int32
			Count    uint64
			Sum      big.Int
			SumBytes Hex    `json:"sum_bytes"`
			SumText  string `json:"sum_text"`
			Min, Max string
			Mean     *int32
			MeanText string `json:"mean_text"`
		}
		Numbers []struct {
			Bytes Hex
			Text  string
		}
		Means []struct {
			Sum   Hex
			Count uint64
			Mean  int32
		}
	}](t, "fixed")
	for _, x := range examples.Sets {
		var s fixed.Stats
		for _, v := range x.Values {
			s.Add(v)
		}
		require.Equal(t, x.Count, s.Count)
		require.Equal(t, [16]byte(x.SumBytes), s.Sum.Bytes(), "%v", x.Sum.String())
		require.Equal(t, x.SumText, s.Sum.String())
		mean, ok := s.Mean()
		require.Equal(t, x.Mean != nil, ok)
		if ok {
			require.Equal(t, *x.Mean, mean, "%v", x.Values)
			require.Equal(t, x.MeanText, fixed.Format(mean))
			require.Equal(t, x.Min, fixed.Format(s.Min))
			require.Equal(t, x.Max, fixed.Format(s.Max))
		}
	}
	for _, x := range examples.Numbers {
		n := fixed.FromBytes([16]byte(x.Bytes))
		require.Equal(t, x.Text, n.String())
		require.Equal(t, [16]byte(x.Bytes), n.Bytes())
	}
	for _, x := range examples.Means {
		s := fixed.Stats{Count: x.Count, Sum: fixed.FromBytes([16]byte(x.Sum))}
		mean, ok := s.Mean()
		require.True(t, ok)
		require.Equal(t, x.Mean, mean)
	}
}

func hashes(hexes []Hex) []merkle.Hash {
	var hs []merkle.Hash
	for _, h := range hexes {
		hs = append(hs, merkle.Hash(h))
	}
	return hs
}

func TestTreesAndProofsAreThoseOfTheExamples(t *testing.T) {
	examples := load[struct {
		Clause     string
		Leaves     []Hex
		LeafHashes []Hex `json:"leaf_hashes"`
		Roots      []Hex
		Inclusion  []struct {
			Size, Index uint64
			Proof       []Hex
		}
		Consistency []struct {
			Old, New uint64
			Proof    []Hex
		}
	}](t, "merkle")
	leaves, roots := hashes(examples.LeafHashes), hashes(examples.Roots)
	require.Len(t, roots, len(leaves)+1)
	for i, leaf := range examples.Leaves {
		require.Equal(t, leaves[i], merkle.LeafHash(leaf))
	}
	for n, want := range roots {
		require.Equal(t, want, merkle.Root(leaves[:n]))
		require.Equal(t, want, merkle.TraceRoot(n, func(i int) []byte { return examples.Leaves[i] }, 2))
	}
	for _, x := range examples.Inclusion {
		proof, err := merkle.ProveInclusion(x.Index, leaves[:x.Size])
		require.NoError(t, err)
		require.True(t, slices.Equal(hashes(x.Proof), proof))
		require.NoError(t, merkle.CheckInclusion(roots[x.Size], x.Size, x.Index, leaves[x.Index], hashes(x.Proof)))
	}
	for _, x := range examples.Consistency {
		proof, err := merkle.ProveConsistency(x.Old, leaves[:x.New])
		require.NoError(t, err)
		require.Equal(t, hashes(x.Proof), proof, "%d of %d", x.Old, x.New)
		require.NoError(t, merkle.CheckConsistency(x.Old, x.New, roots[x.Old], roots[x.New], hashes(x.Proof)))
	}
}
