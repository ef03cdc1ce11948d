//go:build !race

package merkle

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// With the race detector, marshaling a SHA-256 allocates.
func TestTraceRootAllocatesNothingPerLeaf(t *testing.T) {
	long := make([]byte, shortLeaf+1)
	leaf := func(i int) []byte { return long[:shortLeaf+i%2] }
	allocs := testing.AllocsPerRun(1, func() { TraceRoot(8*chunkSize, leaf, 2) })
	require.LessOrEqual(t, allocs, 40.0)
}
