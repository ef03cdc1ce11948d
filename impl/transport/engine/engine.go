// Package engine runs a server of NATS with JetStream inside this process: the
// engine that carries messages and events where no other is named, so that one
// binary is a whole cluster.
//
// Who connects shows an nkey (ENG-5), and may use the subjects that its User lists,
// nothing else. There is no way in without one, but for Guest. Between hosts, TLS
// in which both sides show a certificate keeps strangers out of the connection
// (ENG-6); without it servers form a cluster on the loopback only. What is
// acknowledged is on disk, synced (ENG-8).
//
//	e, err := engine.Start(ctx, engine.Options{
//		Name: "paris", Listen: "127.0.0.1:4222", StoreDir: "engine",
//		Users: []engine.User{{Nkey: "UAB...", Permissions: subject.Of(chain).Client(7)}},
//	})
//	...
//	defer e.Stop()
//
// The engine prints nothing. What the server has to say goes to a slog.Logger.
package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

// User is somebody who may connect: whose nkey has this public half.
type User struct {
	Nkey string
	subject.Permissions
}

// Cluster says with which other servers this one forms an engine.
type Cluster struct {
	Name   string   // the same on each
	Listen string   // host:port for the other servers; port 0 takes a free one
	Routes []string // host:port of the others, which need not run yet; its own does no harm
}

// Limits bound what others can make the engine hold. The zero of each takes the
// value named here.
type Limits struct {
	MaxPayload     int   // bytes of a message with its headers; 1 MiB
	MaxConnections int   // 1024
	MaxPending     int64 // bytes kept for a client that does not read, then it is cut off; 16 MiB
	MaxStore       int64 // bytes of the streams on disk; 10 GiB
}

// Options say what an engine is to be.
type Options struct {
	Name     string // of this server; differs within a cluster
	Listen   string // host:port for clients; port 0 takes a free one
	Cluster  *Cluster
	StoreDir string // for the streams; of one engine alone
	// TLS, where there is one, is for clients; LoadTLS of package credentials gives it.
	TLS *tls.Config
	// RouteTLS is for the cluster's other servers, who may do everything; nil: TLS.
	RouteTLS *tls.Config
	Users    []User
	Guest    *subject.Permissions // of who shows no nkey; nil: refused
	Limits   Limits
	Logger   *slog.Logger // nil: nothing is logged
}

// The ways in which an engine cannot start. Match with errors.Is.
var (
	ErrListen     = errors.New("cannot listen")
	ErrOpenRoutes = errors.New("servers of a cluster beyond the loopback need TLS in which both sides show a certificate")
	ErrNoRoutes   = errors.New("a cluster's server needs the address of another")
	ErrUser       = errors.New("not the public half of a user's nkey")
	ErrStart      = errors.New("the engine did not start")
	ErrNotReady   = errors.New("the engine is not ready")
	ErrStopped    = errors.New("the engine is stopped")
)

// Counts are what an engine has seen since its start.
type Counts struct {
	Refused       uint64 // connections without a known nkey, or a trusted certificate, or beyond the limit
	Violations    uint64 // uses of a subject that a user has no permission for
	SlowConsumers uint64 // clients cut off since they did not read
	Clients       int    // connected now
	Routes        int    // connections to other servers now
}

// Engine is a running server. It is safe for concurrent use.
type Engine struct {
	server  *server.Server
	log     *journal
	admin   *credentials.Nkey
	guest   string        // the nkey that stands for who shows none; nobody has its seed
	options Options       // as at the start
	started chan struct{} // closed when the server's Start has returned

	mu      sync.Mutex // held while users are replaced, guards stopped
	stopped bool
}

// Start runs a server and waits until clients can connect and JetStream is there; a
// cluster's other servers it does not wait for. The errors: ErrListen, which names
// the address, ErrOpenRoutes, ErrNoRoutes, ErrUser, ErrStart, and ErrNotReady with the context's.
func Start(ctx context.Context, o Options) (*Engine, error) {
	e := &Engine{
		log: newJournal(o.Logger), admin: credentials.GenerateNkey(), guest: credentials.GenerateNkey().Public(),
		options: o, started: make(chan struct{}),
	}
	options, err := e.serverOptions(o.Users)
	if err != nil {
		return nil, err
	}
	if err := free(o); err != nil {
		return nil, err
	}
	if e.server, err = server.NewServer(options); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	e.server.SetLoggerV2(e.log, false, false, false)
	go func() {
		defer close(e.started)
		e.server.Start()
	}()
	if err := e.ready(ctx); err != nil {
		e.Stop()
		return nil, err
	}
	return e, nil
}

// free finds an address that something else listens on, to name it: the server
// itself would only log it.
func free(o Options) error {
	addresses := []string{o.Listen}
	if o.Cluster != nil {
		addresses = append(addresses, o.Cluster.Listen)
	}
	for _, address := range addresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("%w on %s: %w", ErrListen, address, err)
		}
		l.Close()
	}
	return nil
}

// ready waits until the server takes clients and has JetStream, or has said why not.
func (e *Engine) ready(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%w: %w", ErrNotReady, err)
		}
		if e.server.ReadyForConnections(time.Millisecond) && e.server.JetStreamEnabled() {
			return nil
		}
		select {
		case why := <-e.log.fatal:
			return fmt.Errorf("%w: %s", ErrStart, why)
		case <-tick.C:
		}
	}
}

// Stop ends the server and waits until all of it is down. It may be called again.
func (e *Engine) Stop() {
	e.mu.Lock()
	e.stopped = true
	e.mu.Unlock()
	<-e.started // or it would go on to listen
	e.server.Shutdown()
	e.server.WaitForShutdown()
}

// URL is where clients find this server.
func (e *Engine) URL() string { return e.server.ClientURL() }

// RouteAddress is where other servers find this one, "" without a cluster.
func (e *Engine) RouteAddress() string {
	if a := e.server.ClusterAddr(); a != nil {
		return a.String()
	}
	return ""
}

// InProcessConn connects to the server without a socket: an Engine is what
// nats.InProcessServer and package natsbus take.
func (e *Engine) InProcessConn() (net.Conn, error) { return e.server.InProcessConn() }

// Admin connects with all permissions, from within this process alone, to set up
// streams. Its nkey is made at each start and kept nowhere.
func (e *Engine) Admin() (*nats.Conn, error) {
	return nats.Connect("", nats.InProcessServer(e), e.admin.Option(), nats.Name("omega-admin"),
		nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond),
		// The library's own handler prints.
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { e.log.log.Warn("admin", "error", err) }))
}

// SetUsers replaces the users; who is none any more is cut off, and who has other
// permissions now goes on with these. The errors: ErrUser, ErrStopped.
func (e *Engine) SetUsers(users []User) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return ErrStopped
	}
	options, err := e.serverOptions(users)
	if err != nil {
		return err
	}
	return e.server.ReloadOptions(options)
}

// Counts returns what the engine has seen.
func (e *Engine) Counts() Counts {
	return Counts{
		Refused: e.log.refused.Load(), Violations: e.log.violations.Load(),
		SlowConsumers: uint64(e.server.NumSlowConsumers()),
		Clients:       e.server.NumClients(), Routes: e.server.NumRoutes(),
	}
}
