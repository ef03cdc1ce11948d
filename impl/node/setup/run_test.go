package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node/member"
	"github.com/omega-sheaf-os/omega/impl/omegalog/omegalogtest"
	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/enginetest"
	"github.com/omega-sheaf-os/omega/impl/transport/events"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

const patience = 30 * time.Second

func noPassphrase(string) ([]byte, error) { return nil, errors.New("there is nobody to ask") }

// logged keeps what was logged.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logged) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// trial makes a cluster and returns the members' settings, each with a log.
func trial(t *testing.T, members int) (dir string, configs []*Config) {
	dir = filepath.Join(t.TempDir(), "trial")
	made, err := Try(dir, TryOptions{Members: members, Listen: enginetest.FreeAddress(t), HTTP: "127.0.0.1:0"})
	require.NoError(t, err)
	require.True(t, made.Made)
	for _, path := range made.Configs {
		l, err := Load(path, noEnv, nil)
		require.NoError(t, err)
		l.Config.Tick = Duration(50 * time.Millisecond)
		l.Config.LogLevel = "debug"
		configs = append(configs, &l.Config)
	}
	return dir, configs
}

// running is a node that runs until stopped.
type running struct {
	*Node
	log  *logged
	stop func() error
}

func start(t *testing.T, c *Config) *running {
	r := &running{log: &logged{}}
	ctx, cancel := context.WithCancel(context.Background())
	var err error
	r.Node, err = Start(ctx, c, noPassphrase, NewLogger(c, r.log, false))
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { require.NoError(t, r.stop()) })
	return r
}

func (r *running) eventually(t *testing.T, what string, f func(s *member.Status) bool) {
	t.Helper()
	require.Eventually(t, func() bool { return f(r.Status()) }, patience, 5*time.Millisecond, what)
}

func get(t *testing.T, r *running, path string) (int, string) {
	answer, err := http.Get("http://" + r.HTTP() + path)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(body)
}

// TestMembersCertifyWhatFilesAndTheStreamBring runs members from their settings: their
// engine, their sources, their truth, their HTTP, and their end.
func TestMembersCertifyWhatFilesAndTheStreamBring(t *testing.T) {
	dir, configs := trial(t, 3)
	first, second := omegalogtest.TwoBatches(t)
	configs[1].Input = append(append([]string{}, first...), second...)
	var all []*running
	for _, c := range configs {
		all = append(all, start(t, c))
	}
	for _, r := range all {
		r.eventually(t, "the events of the files are certified", func(s *member.Status) bool { return s.Certificates >= 2 && s.Pending == 0 && s.Ready })
		require.Eventually(t, func() bool { code, _ := get(t, r, "/readyz"); return code == http.StatusOK }, patience, 10*time.Millisecond)
		code, body := get(t, r, "/healthz")
		require.Equal(t, http.StatusOK, code, body)
		require.Empty(t, r.Connection())
	}
	guest, err := nats.Connect(all[0].URL())
	require.NoError(t, err)
	defer guest.Close()
	truth, err := guest.SubscribeSync(subject.Of(all[0].seat.Chain).Truth("*"))
	require.NoError(t, err)
	require.NoError(t, guest.Flush())
	p, err := events.NewPublisher(guest, all[0].seat.Chain, nil, nil)
	require.NoError(t, err)
	defer p.Close()
	published := omegalogtest.Event(9, 77)
	event, err := published.Append(nil)
	require.NoError(t, err)
	receipt, err := p.Publish(t.Context(), event)
	require.NoError(t, err)
	_, err = receipt.Wait(t.Context())
	require.NoError(t, err)
	kinds := map[string]bool{}
	for !kinds["certificate"] {
		m, err := truth.NextMsg(patience)
		require.NoError(t, err)
		kinds[m.Subject[strings.LastIndex(m.Subject, ".")+1:]] = true
	}
	require.True(t, kinds["prepare"] && kinds["commit"], "%v", kinds)
	counts, ok := all[2].Engine()
	require.False(t, ok, "its engine runs elsewhere: %v", counts)
	counts, ok = all[0].Engine()
	require.True(t, ok)
	require.GreaterOrEqual(t, counts.Clients, 4)
	seen, ok := all[2].Events()
	require.True(t, ok)
	require.Equal(t, uint64(1), seen.Unsigned)

	_, err = Start(t.Context(), configs[1], noPassphrase, slog.New(slog.DiscardHandler))
	var locked *certlog.LockedError
	require.ErrorAs(t, err, &locked)
	for _, r := range all {
		began := time.Now()
		require.NoError(t, r.stop())
		require.Less(t, time.Since(began), stopTime)
	}
	logs := all[0].log.text() + all[1].log.text() + all[2].log.text()
	require.Contains(t, logs, `"msg":"certificate"`)
	for _, secret := range secrets(t, dir) {
		require.NotContains(t, logs, secret)
	}
}

// secrets are the lines of all files that hold a private key.
func secrets(t *testing.T, dir string) (all []string) {
	for _, name := range []string{archive.KeyName, credentials.NkeyName} {
		paths, err := filepath.Glob(filepath.Join(dir, "*", archive.MembersName, "*", name))
		require.NoError(t, err)
		require.Len(t, paths, 3)
		for _, path := range paths {
			file, err := os.ReadFile(path)
			require.NoError(t, err)
			for line := range strings.Lines(string(file)) {
				if !strings.HasPrefix(line, "-----") {
					all = append(all, strings.TrimSpace(line))
				}
			}
		}
	}
	return all
}

func TestWhoIsTakenOutOfTheUsersFileIsCutOffAndWhoComesIntoItMayConnect(t *testing.T) {
	_, configs := trial(t, 1)
	configs[0].Guests = nil
	r := start(t, configs[0])
	nkey := credentials.GenerateNkey()
	connect := func() (*nats.Conn, error) { return nats.Connect(r.URL(), nkey.Option(), nats.NoReconnect()) }
	_, err := connect()
	require.ErrorIs(t, err, nats.ErrAuthorization)
	require.Eventually(t, func() bool { c, _ := r.Engine(); return c.Refused == 1 }, patience, time.Millisecond)

	path := configs[0].usersFile()
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	time.Sleep(2 * keepEvery) // the node has looked at the file
	require.NoError(t, os.WriteFile(path, append(before, fmt.Sprintf("client c %s 7\n", nkey.Public())...), 0o644))
	var conn *nats.Conn
	require.Eventually(t, func() bool { conn, err = connect(); return err == nil }, patience, 50*time.Millisecond)
	defer conn.Close()

	require.NoError(t, os.WriteFile(path, append(before, "nonsense\n"...), 0o644))
	require.Eventually(t, func() bool { return strings.Contains(r.log.text(), "who may connect stays as it was") }, patience, 10*time.Millisecond)
	require.True(t, conn.IsConnected())
	require.NoError(t, os.WriteFile(path, before, 0o644))
	require.Eventually(t, conn.IsClosed, patience, 10*time.Millisecond)
	r.eventually(t, "the member is still there", func(s *member.Status) bool { return s.Ready })
	require.Empty(t, r.Connection())
}

func TestWhatKeepsANodeFromStartingIsNamedAndLeavesTheFolderFree(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	_, configs := trial(t, 2)
	for name, c := range map[string]struct {
		change func(c *Config)
		err    error
		want   string
	}{
		"engine's address": {func(c *Config) { c.Listen = taken.Addr().String() }, engine.ErrListen, taken.Addr().String()},
		"HTTP's address":   {func(c *Config) { c.HTTP = taken.Addr().String() }, ErrHTTP, taken.Addr().String()},
		"users":            {func(c *Config) { c.Users = "nowhere" }, os.ErrNotExist, "nowhere"},
		"nkey":             {func(c *Config) { c.Nkey = "nowhere.nk" }, os.ErrNotExist, "nowhere.nk"},
		"certificate": {func(c *Config) { c.TLSCA, c.TLSCert, c.TLSKey = "ca", "nowhere.crt", "key" },
			os.ErrNotExist, "nowhere.crt"},
		"open routes": {func(c *Config) { c.ClusterListen, c.Routes = "0.0.0.0:0", []string{"0.0.0.0:1"} }, engine.ErrOpenRoutes, "0.0.0.0:0"},
		"no chain":    {func(c *Config) { c.Data = t.TempDir() }, os.ErrNotExist, "cert.log"},
		"no member":   {func(c *Config) { c.Member = "nobody" }, os.ErrNotExist, "nobody"},
	} {
		config := *configs[0]
		c.change(&config)
		_, err := Start(t.Context(), &config, noPassphrase, slog.New(slog.DiscardHandler))
		require.ErrorIs(t, err, c.err, name)
		require.ErrorContains(t, err, c.want, name)
	}
	r := start(t, configs[0])
	require.Eventually(t, func() bool { _, ok := r.Events(); return ok }, patience, time.Millisecond)
	require.NoError(t, r.stop())
}

func TestADamagedFileToSubmitEndsTheNodeAndIsNamed(t *testing.T) {
	_, configs := trial(t, 2)
	path := filepath.Join(t.TempDir(), "bad.omega")
	require.NoError(t, os.WriteFile(path, []byte("OMEGALOG"), 0o644))
	configs[1].Input = []string{path} // whose engine does not run, and need not
	n, err := Start(t.Context(), configs[1], noPassphrase, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.ErrorContains(t, n.Run(t.Context()), path)
}

func TestAFolderWithoutAKeyIsAnObserverThatFollows(t *testing.T) {
	dir, configs := trial(t, 2)
	users, err := LoadUsers(configs[0].usersFile())
	require.NoError(t, err)
	nkey := credentials.GenerateNkey()
	path := filepath.Join(t.TempDir(), "observer.nk")
	require.NoError(t, nkey.Save(path))
	require.NoError(t, SaveUsers(configs[0].usersFile(), append(users, User{Kind: ObserverUser, Name: "archive", Nkey: nkey.Public()})))
	first, _ := omegalogtest.TwoBatches(t)
	configs[0].Input = first
	observer := *configs[1]
	observer.Data, observer.Nkey = filepath.Join(dir, "observer"), path
	require.NoError(t, os.MkdirAll(filepath.Join(observer.Data, archive.TracesName), 0o755))
	log, err := os.ReadFile(certlog.Path(configs[0].Data))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(certlog.Path(observer.Data), log, 0o644))

	start(t, configs[0])
	start(t, configs[1])
	r := start(t, &observer)
	r.eventually(t, "it has the certificate", func(s *member.Status) bool { return s.Certificates == 2 })
	require.Empty(t, r.Status().Member)
	code, body := get(t, r, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, body, "an observer signs nothing")
	_, ok := r.Events()
	require.False(t, ok)
}

func TestAKeyringKnowsTheKeysBeforeTheLastChange(t *testing.T) {
	k := NewKeyring()
	require.Empty(t, k.Of(1))
	roster := func(key byte) cert.Roster {
		return cert.Roster{{Name: "a", Key: cert.PublicKey{key}, Nodes: []uint32{1}}}
	}
	learn := func(n byte) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.learn(roster(n))
	}
	learn(1)
	require.Equal(t, []cert.PublicKey{{1}}, k.Of(1))
	require.Empty(t, k.Of(2))
	learn(2)
	require.Equal(t, []cert.PublicKey{{2}, {1}}, k.Of(1))
	learn(2)
	require.Equal(t, []cert.PublicKey{{2}}, k.Of(1))
	learn(3)
	require.Equal(t, []cert.PublicKey{{3}, {2}}, k.Of(1))
	require.Equal(t, []cert.Roster{roster(3), roster(2)}, k.Rosters())
}
