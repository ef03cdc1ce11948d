package linear

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/layer"
)

// totals are what all tests count together.
var totals struct {
	operations, histories, refused atomic.Int64
	objects                        sync.Map // by name: what was shared
}

// TestWhatWasJudgedIsCounted stands last: it tells what the tests before it have
// counted together.
func TestWhatWasJudgedIsCounted(t *testing.T) {
	objects := 0
	totals.objects.Range(func(any, any) bool { objects++; return true })
	require.Equal(t, totals.histories.Load() > 0, totals.refused.Load() > 0)
	layer.Count(t, "objects", objects)
	layer.Measure(t, "operations", int(totals.operations.Load()))
	layer.Measure(t, "histories", int(totals.histories.Load()))
	layer.Measure(t, "illegal_refused", int(totals.refused.Load()))
}
