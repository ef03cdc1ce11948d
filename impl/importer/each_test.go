package importer

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEachDoesEverythingOnceAndStopsAtAnError(t *testing.T) {
	for _, n := range []int{0, 1, filesAtOnce, 100} {
		done := make([]atomic.Int32, n)
		require.NoError(t, Each(context.Background(), n, func(_ context.Context, i int) error {
			done[i].Add(1)
			return nil
		}))
		for i := range done {
			require.EqualValues(t, 1, done[i].Load())
		}
	}
	bad := errors.New("bad")
	var calls atomic.Int32
	err := Each(context.Background(), 1000, func(ctx context.Context, i int) error {
		calls.Add(1)
		if i == 3 {
			return bad
		}
		<-ctx.Done() // the failing task ends the others
		return ctx.Err()
	})
	require.Equal(t, bad, err)
	require.LessOrEqual(t, int(calls.Load()), filesAtOnce)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, Each(ctx, 5, func(context.Context, int) error { panic("not called") }), context.Canceled)
}
