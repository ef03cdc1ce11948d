package engine_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/enginetest"
)

// TestWhoMayConnectAsAClientIsNoServerByThat is for the certificates of clients: a server
// of the engine may do everything.
func TestWhoMayConnectAsAClientIsNoServerByThat(t *testing.T) {
	files := enginetest.Certificates(t, "a", "b", "client")
	servers := filepath.Join(t.TempDir(), "servers.crt")
	var both []byte
	for _, host := range []string{"a", "b"} {
		path, _, _ := files(host)
		certificate, err := os.ReadFile(path)
		require.NoError(t, err)
		both = append(both, certificate...)
	}
	require.NoError(t, os.WriteFile(servers, both, 0o644))
	start := func(name, route string) *engine.Engine {
		certificate, key, all := files(name)
		clients, err := credentials.LoadTLS(certificate, key, all)
		require.NoError(t, err)
		between, err := credentials.LoadTLS(certificate, key, servers)
		require.NoError(t, err)
		return enginetest.Start(t, engine.Options{
			Name: name, TLS: clients, RouteTLS: between, Users: enginetest.NewParty(1).Users,
			Cluster: &engine.Cluster{Name: "c", Listen: "127.0.0.1:0", Routes: []string{route}},
		})
	}
	a := start("a", enginetest.FreeAddress(t))
	pretender := start("client", a.RouteAddress())
	require.Eventually(t, func() bool { return a.Counts().Refused > 0 }, patience, time.Millisecond)
	b := start("b", a.RouteAddress())
	require.Eventually(t, func() bool { return a.Counts().Routes > 0 && b.Counts().Routes > 0 }, patience, time.Millisecond)
	require.Zero(t, pretender.Counts().Routes)

	clients, err := credentials.LoadTLS(files("client"))
	require.NoError(t, err)
	_, err = nats.Connect(a.URL(), nats.Secure(clients))
	require.ErrorIs(t, err, nats.ErrAuthorization, "the certificate lets it connect; it has no nkey")
}
