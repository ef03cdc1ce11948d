package engine_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/enginetest"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

const patience = 10 * time.Second

func TestMain(m *testing.M) { enginetest.Main(m) }

func noKeys(uint32) []cert.PublicKey { return nil }

// connect connects once, with what is given.
func connect(t *testing.T, e *engine.Engine, o ...nats.Option) (*nats.Conn, error) {
	conn, err := nats.Connect(e.URL(), append(o, nats.Timeout(patience))...)
	if err == nil {
		t.Cleanup(conn.Close)
	}
	return conn, err
}

// next waits for what a connection's error handler says.
func next(t *testing.T, failures <-chan error) error {
	t.Helper()
	select {
	case err := <-failures:
		return err
	case <-time.After(patience):
		require.Fail(t, "the engine has refused nothing")
		return nil
	}
}

func TestStrangersAreRefusedCountedAndLogged(t *testing.T) {
	log := enginetest.NewLog()
	p := enginetest.NewParty(1)
	e := enginetest.Start(t, engine.Options{Users: p.Users, Logger: log.Logger})
	stranger := credentials.GenerateNkey()
	forged := nats.Nkey(p.Nkeys[0].Public(), stranger.Sign) // a member's name, another's key
	for i, way := range [][]nats.Option{
		nil, {stranger.Option()}, {forged}, {nats.UserInfo("admin", "hunter2")}, {nats.Token("hunter3")}, {nats.UserInfo("guest", "")},
	} {
		_, err := connect(t, e, way...)
		require.ErrorIs(t, err, nats.ErrAuthorization, "way %d", i)
		require.Eventually(t, func() bool { return e.Counts().Refused == uint64(i+1) }, patience, time.Millisecond, "way %d", i)
	}
	_, err := connect(t, e, p.Nkeys[0].Option())
	require.NoError(t, err)
	require.Equal(t, uint64(6), e.Counts().Refused)
	require.Equal(t, 1, e.Counts().Clients)
	require.Contains(t, log.Text(), "authentication error")
	require.Contains(t, log.Text(), stranger.Public())
	require.NotContains(t, log.Text(), "hunter", "a secret is in the log")
}

func TestAMemberSpeaksAsItselfAlone(t *testing.T) {
	p := enginetest.NewParty(3)
	e := enginetest.Start(t, engine.Options{Users: p.Users})
	failures := make(chan error, 100)
	liar, err := connect(t, e, p.Nkeys[0].Option(), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { failures <- err }))
	require.NoError(t, err)
	victim, err := connect(t, e, p.Nkeys[2].Option())
	require.NoError(t, err)
	chain, heard := subject.Of(enginetest.Chain), make(chan *nats.Msg, 100)
	_, err = victim.ChanSubscribe(chain.Receive(2), heard)
	require.NoError(t, err)
	require.NoError(t, victim.Flush())

	for _, subj := range []string{
		chain.Send(1, 2), chain.Event(2, 0), chain.Inbox(2) + ".x", subject.Of(cert.Hash{}).Send(0, 2),
		"$JS.API.CONSUMER.MSG.NEXT." + chain.Stream() + ".m1", "$JS.ACK." + chain.Stream() + ".m1.1.1.1.1.1",
		"$JS.API.STREAM.UPDATE." + chain.Stream(), "$SYS.REQ.SERVER.PING",
	} {
		require.NoError(t, liar.Publish(subj, []byte("forged")))
		require.ErrorIs(t, next(t, failures), nats.ErrPermissionViolation, subj)
	}
	for _, subj := range []string{chain.Receive(2), chain.Inbox(1) + ".>", chain.Events(), "$JS.API.>"} {
		_, err := liar.SubscribeSync(subj)
		require.NoError(t, err)
		require.ErrorIs(t, next(t, failures), nats.ErrPermissionViolation, subj)
	}
	require.Equal(t, uint64(12), e.Counts().Violations)
	require.NoError(t, liar.Publish(chain.Send(0, 2), []byte("honest")))
	select {
	case m := <-heard:
		require.Equal(t, "honest", string(m.Data))
	case <-time.After(patience):
		require.Fail(t, "the honest message did not arrive")
	}
}

func TestAnEmptyListOfSubjectsAllowsNothing(t *testing.T) {
	k := credentials.GenerateNkey()
	e := enginetest.Start(t, engine.Options{Users: []engine.User{{Nkey: k.Public()}}})
	failures := make(chan error, 2)
	conn, err := connect(t, e, k.Option(), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { failures <- err }))
	require.NoError(t, err)
	require.NoError(t, conn.Publish("anything", nil))
	require.ErrorContains(t, next(t, failures), "Publish")
	_, err = conn.SubscribeSync("anything")
	require.NoError(t, err)
	require.ErrorContains(t, next(t, failures), "Subscription")
}

func TestUsersCanBeReplacedWhileItRuns(t *testing.T) {
	p := enginetest.NewParty(2)
	e := enginetest.Start(t, engine.Options{Users: p.Users[:1]})
	gone := make(chan struct{})
	first, err := connect(t, e, p.Nkeys[0].Option(), nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { close(gone) }))
	require.NoError(t, err)
	_, err = connect(t, e, p.Nkeys[1].Option())
	require.ErrorIs(t, err, nats.ErrAuthorization)
	admin, err := e.Admin()
	require.NoError(t, err)
	defer admin.Close()

	require.ErrorIs(t, e.SetUsers([]engine.User{{Nkey: "nobody"}}), engine.ErrUser)
	require.NoError(t, first.Flush(), "a refused change has changed something")
	require.NoError(t, e.SetUsers(p.Users[1:]))
	select {
	case <-gone:
	case <-time.After(patience):
		require.Fail(t, "who is no user any more was not cut off")
	}
	_, err = connect(t, e, p.Nkeys[1].Option())
	require.NoError(t, err)
	_, err = connect(t, e, p.Nkeys[0].Option())
	require.ErrorIs(t, err, nats.ErrAuthorization)
	require.NoError(t, admin.Flush())
	e.Stop()
	require.ErrorIs(t, e.SetUsers(p.Users), engine.ErrStopped)
}

func TestStartSaysWhyNot(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	address, free := taken.Addr().String(), "127.0.0.1:0"
	oneSided := &tls.Config{MinVersion: tls.VersionTLS13}
	for name, c := range map[string]struct {
		o    engine.Options
		want error
		text string
	}{
		"port in use":        {engine.Options{Listen: address}, engine.ErrListen, "on " + address + ": listen tcp " + address + ": bind: address already in use"},
		"route port in use":  {engine.Options{Listen: free, Cluster: &engine.Cluster{Name: "c", Listen: address, Routes: []string{address}}}, engine.ErrListen, address},
		"no port":            {engine.Options{Listen: "127.0.0.1"}, engine.ErrListen, "missing port"},
		"port too large":     {engine.Options{Listen: "127.0.0.1:65536"}, engine.ErrListen, "65536"},
		"open routes":        {engine.Options{Listen: free, Cluster: &engine.Cluster{Name: "c", Listen: "0.0.0.0:0"}}, engine.ErrOpenRoutes, "0.0.0.0:0"},
		"open routes by TLS": {engine.Options{Listen: free, TLS: oneSided, Cluster: &engine.Cluster{Name: "c", Listen: "0.0.0.0:0"}}, engine.ErrOpenRoutes, "0.0.0.0:0"},
		"routes everywhere":  {engine.Options{Listen: free, Cluster: &engine.Cluster{Name: "c", Listen: ":0"}}, engine.ErrOpenRoutes, ":0"},
		"no routes":          {engine.Options{Listen: free, Cluster: &engine.Cluster{Name: "c", Listen: free}}, engine.ErrNoRoutes, ""},
		"no user":            {engine.Options{Listen: free, Users: []engine.User{{Nkey: "SUAsecret"}}}, engine.ErrUser, "user 0"},
		"no folder":          {engine.Options{Listen: free, StoreDir: file}, engine.ErrStart, "JetStream"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.o.StoreDir == "" {
				c.o.StoreDir = t.TempDir()
			}
			c.o.Name = "s"
			e, err := engine.Start(t.Context(), c.o)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.text)
			require.Nil(t, e)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

// TestAStartThatIsCalledOffLeavesNothingBehind relies on Main, which finds what runs on.
func TestAStartThatIsCalledOffLeavesNothingBehind(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		_, err := engine.Start(ctx, engine.Options{Listen: "127.0.0.1:0", StoreDir: t.TempDir()})
		require.ErrorIs(t, err, engine.ErrNotReady)
	}
}

func TestItPrintsNothing(t *testing.T) {
	read, write, err := os.Pipe()
	require.NoError(t, err)
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = write, write
	e, err := engine.Start(t.Context(), engine.Options{Listen: "127.0.0.1:0", StoreDir: t.TempDir()})
	if err == nil {
		_, _ = connect(t, e)
		e.Stop()
		e.Stop()
	}
	os.Stdout, os.Stderr = stdout, stderr
	require.NoError(t, err)
	require.NoError(t, write.Close())
	var printed bytes.Buffer
	_, err = printed.ReadFrom(read)
	require.NoError(t, err)
	require.Empty(t, printed.String())
}

func TestStopFreesThePortsAndTheFolder(t *testing.T) {
	o := engine.Options{
		Name: "s", Listen: enginetest.FreeAddress(t), StoreDir: t.TempDir(),
		Cluster: &engine.Cluster{Name: "c", Listen: enginetest.FreeAddress(t), Routes: []string{enginetest.FreeAddress(t)}},
	}
	for range 3 {
		e, err := engine.Start(t.Context(), o)
		require.NoError(t, err)
		require.Equal(t, "nats://"+o.Listen, e.URL())
		require.Equal(t, o.Cluster.Listen, e.RouteAddress())
		var group sync.WaitGroup
		for range 2 { // who stops it second waits as well
			group.Go(func() {
				e.Stop()
				if conn, err := net.Dial("tcp", o.Listen); err == nil {
					conn.Close()
					t.Error("it listens when Stop has returned")
				}
			})
		}
		group.Wait()
		require.Empty(t, e.RouteAddress())
	}
}

func TestLimitsHoldClientsBack(t *testing.T) {
	p := enginetest.NewParty(2)
	e := enginetest.Start(t, engine.Options{Users: p.Users, Limits: engine.Limits{MaxPayload: 1000, MaxConnections: 2, MaxPending: 100_000}})
	a, err := connect(t, e, p.Nkeys[0].Option())
	require.NoError(t, err)
	require.Equal(t, int64(1000), a.MaxPayload())
	require.ErrorIs(t, a.Publish(subject.Of(enginetest.Chain).Send(0, 1), make([]byte, 1001)), nats.ErrMaxPayload)

	// Who does not read is cut off.
	slow := dialText(t, e)
	signature, err := p.Nkeys[1].Sign([]byte(slow.info.Nonce))
	require.NoError(t, err)
	slow.say(connectLine(p.Nkeys[1].Public(), signature) + "SUB omega.c4a1170000000000.from.*.to.1 1\r\nPING\r\n")
	require.Equal(t, "PONG", slow.line())
	_, err = connect(t, e, p.Nkeys[1].Option())
	require.Error(t, err)
	require.Equal(t, uint64(1), e.Counts().Refused)
	require.Eventually(t, func() bool {
		for range 1000 {
			require.NoError(t, a.Publish(subject.Of(enginetest.Chain).Send(0, 1), make([]byte, 1000)))
		}
		return a.Flush() == nil && e.Counts().SlowConsumers > 0
	}, patience, time.Millisecond)
	require.Eventually(t, func() bool {
		_, err := connect(t, e, p.Nkeys[1].Option())
		return err == nil
	}, patience, 10*time.Millisecond, "its place stays taken")
}

func TestTLSRefusesWhoShowsNoTrustedCertificate(t *testing.T) {
	files := enginetest.Certificates(t, "paris", "tokyo")
	load := func(host string) *tls.Config {
		c, err := credentials.LoadTLS(files(host))
		require.NoError(t, err)
		return c
	}
	p := enginetest.NewParty(1)
	e := enginetest.Start(t, engine.Options{Users: p.Users, TLS: load("paris")})
	require.True(t, strings.HasPrefix(e.URL(), "tls://"))
	member := p.Nkeys[0].Option()
	_, err := connect(t, e, member, nats.Secure(load("tokyo")))
	require.NoError(t, err)
	require.Zero(t, e.Counts().Refused)

	trust := load("tokyo").RootCAs
	for i, c := range []*tls.Config{
		{RootCAs: trust}, // shows none
		{RootCAs: trust, Certificates: []tls.Certificate{strangersPair(t)}},
	} {
		_, err = connect(t, e, member, nats.Secure(c))
		require.Error(t, err)
		require.Eventually(t, func() bool { return e.Counts().Refused == uint64(i+1) }, patience, time.Millisecond)
	}
	_, err = connect(t, e, member, nats.Secure(&tls.Config{Certificates: load("tokyo").Certificates}))
	require.ErrorContains(t, err, "unknown authority", "the client trusts any server")
	_, err = connect(t, e, nats.Secure(load("tokyo")))
	require.ErrorIs(t, err, nats.ErrAuthorization, "a certificate is no nkey")
	admin, err := e.Admin()
	require.NoError(t, err)
	admin.Close()
}

func strangersPair(t *testing.T) tls.Certificate {
	certificate, key := credentials.GenerateCertificate([]string{"127.0.0.1"})
	pair, err := tls.X509KeyPair(certificate, key)
	require.NoError(t, err)
	return pair
}

func TestServersOfAClusterKnowEachOtherByTLS(t *testing.T) {
	files := enginetest.Certificates(t, "a", "b")
	others := enginetest.Certificates(t, "stranger")
	start := func(name string, files func(string) (string, string, string), route string) *engine.Engine {
		config, err := credentials.LoadTLS(files(name))
		require.NoError(t, err)
		return enginetest.Start(t, engine.Options{
			Name: name, TLS: config, Cluster: &engine.Cluster{Name: "c", Listen: "127.0.0.1:0", Routes: []string{route}},
		})
	}
	a := start("a", files, enginetest.FreeAddress(t))
	stranger := start("stranger", others, a.RouteAddress())
	require.Eventually(t, func() bool { return a.Counts().Refused > 0 }, patience, time.Millisecond)
	b := start("b", files, a.RouteAddress())
	require.Eventually(t, func() bool { return a.Counts().Routes > 0 && b.Counts().Routes > 0 }, patience, time.Millisecond)
	require.Zero(t, stranger.Counts().Routes)
}
