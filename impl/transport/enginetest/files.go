package enginetest

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
)

type safeBuilder struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *safeBuilder) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *safeBuilder) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func writeTrust(t testing.TB, hosts []string, at func(host string) (certificate, key, trust string)) {
	var all []byte
	var trust string
	for _, h := range hosts {
		certificate, key, path := at(h)
		require.NoError(t, credentials.SaveCertificate(certificate, key, []string{h, "127.0.0.1"}))
		b, err := os.ReadFile(certificate)
		require.NoError(t, err)
		all, trust = append(all, b...), path
	}
	require.NoError(t, os.WriteFile(trust, all, 0o644))
}
