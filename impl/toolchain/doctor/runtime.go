package doctor

import (
	"context"
	"errors"
)

// ErrNoRuntime says that the program gave no quorum to test.
var ErrNoRuntime = errors.New("no quorum was given to be tested")

// testRuntime runs the quorum of Options.Runtime (layer B).
func testRuntime(ctx context.Context, o *Options) (string, error) {
	if o.Runtime == nil {
		return "", ErrNoRuntime
	}
	return o.Runtime(ctx)
}
