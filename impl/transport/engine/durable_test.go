package engine

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhatIsAcknowledgedIsSynced looks at what the server was told: only a loss of power shows the difference.
func TestWhatIsAcknowledgedIsSynced(t *testing.T) {
	e, err := Start(t.Context(), Options{Name: "s", Listen: "127.0.0.1:0", StoreDir: t.TempDir()})
	require.NoError(t, err)
	defer e.Stop()
	require.True(t, e.server.JetStreamConfig().SyncAlways)
}
