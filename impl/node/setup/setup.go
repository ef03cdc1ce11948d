// Package setup makes a running node out of a data folder and what it is told.
//
// # What it is told
//
// Load puts a Config together from four origins, each stronger than the one before
// (clause NOD-1): the defaults; a TOML file; the environment; the flags. Every setting
// has one name in all of them,
//
//	close-events = 4096             in the file
//	OMEGA_CLOSE_EVENTS=4096         in the environment
//	--close-events 4096             on the command line
//
// and Loaded knows where each value is from. A name that the file has and nobody knows
// is an error, with its line.
//
// # What it runs
//
// A Node is a member (package member) with all that it needs: the engine in this process,
// unless it runs elsewhere; a connection with the member's nkey; the bus, the stream of
// events, the truth that it tells; and, over HTTP, how it is (package observe).
//
//	node, err := setup.Start(ctx, &loaded.Config, passphrase, logger)
//	...
//	err = node.Run(ctx)
//
// Who may connect to the engine in this process stands in a file users of the data
// folder (clause NOD-2):
//
//	omega-users v1
//	member paris UAB5DTM...
//	client sensors UCX5ZQK... 7,9
//	observer archive UDK4EAS...
package setup

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/node/member"
	"github.com/omega-sheaf-os/omega/impl/node/observe"
	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/events"
	"github.com/omega-sheaf-os/omega/impl/transport/natsbus"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

// What a node waits for: an engine in this process that starts, and all that stops.
const (
	startTime = 20 * time.Second
	stopTime  = 10 * time.Second
)

// ErrStop says that something did not end in time.
var ErrStop = fmt.Errorf("the node did not stop within %v", stopTime)

// ErrHTTP says that the address of the HTTP server cannot be had.
var ErrHTTP = errors.New("cannot listen for HTTP")

// Node is a member with all that it needs. Run it once.
type Node struct {
	cfg  *Config
	seat *Seat
	log  *slog.Logger

	member *member.Member
	engine *engine.Engine // nil: elsewhere
	conn   *nats.Conn
	place  *place
	source *source           // nil: of who can become no member
	nkey   *credentials.Nkey // nil: the engine knows otherwise who this is
	seated chan struct{}     // has one when the roster has changed
	web    net.Listener
	server *http.Server

	mu     sync.Mutex  // guards roster
	roster cert.Roster // that signs the next height
}

// Start opens the data folder, starts the engine, and connects; an engine elsewhere
// need not be there yet. The errors: those of FindSeat, member.Open, LoadUsers,
// engine.Start, and of the files of credentials; ErrHTTP.
func Start(ctx context.Context, cfg *Config, passphrase node.Passphrase, log *slog.Logger) (*Node, error) {
	seat, err := FindSeat(cfg.Data, cfg.Member, passphrase)
	if err != nil {
		return nil, err
	}
	n := &Node{cfg: cfg, seat: seat, log: log, place: newPlace(), seated: make(chan struct{}, 1), roster: seat.Roster}
	if err := n.start(ctx); err != nil {
		return nil, errors.Join(err, n.stop())
	}
	return n, nil
}

func (n *Node) start(ctx context.Context) error {
	var err error
	if n.nkey, err = n.loadNkey(); err != nil {
		return err
	}
	if n.seat.Name != "" {
		n.source = newSource(n.seat, n.log)
	}
	if n.member, err = member.Open(n.memberConfig()); err != nil {
		return err
	}
	if n.cfg.HTTP != "" {
		if n.web, err = net.Listen("tcp", n.cfg.HTTP); err != nil {
			return fmt.Errorf("%w on %s: %w", ErrHTTP, n.cfg.HTTP, cause(err))
		}
	}
	if n.cfg.Embedded() {
		if err := n.startEngine(ctx); err != nil {
			return err
		}
	}
	if n.conn, err = n.dial(); err != nil {
		return err
	}
	n.place.connect(n.conn, n.seat.Chain, len(n.seat.Roster))
	if n.source != nil {
		n.source.conn = n.conn
	}
	return nil
}

// observerPlace is where this node sits on the bus while no roster has it, and where the
// engine's answers to it go in any case: rosters change while it is connected.
func (n *Node) observerPlace() int {
	if n.nkey != nil {
		return subject.Place(n.nkey.Public())
	}
	return subject.Place(identity.Fingerprint(n.seat.Key.Public()))
}

func (n *Node) memberConfig() member.Config {
	c := member.Config{
		Dir: n.cfg.Data, Key: n.seat.Key, Bus: n.place, Seat: n.observerPlace(), Logger: n.log, RosterChange: n.rosterChange,
		BatchEvents: n.cfg.CloseEvents, BatchBytes: n.cfg.CloseBytes, BatchAge: time.Duration(n.cfg.CloseAge), BatchLamports: n.cfg.CloseLamports,
		PendingEvents: n.cfg.PendingEvents, PendingBytes: n.cfg.PendingBytes, HoldFor: time.Duration(n.cfg.HoldFor),
		Tick: time.Duration(n.cfg.Tick), Timeout: time.Duration(n.cfg.Timeout), Audit: time.Duration(n.cfg.SelfAudit),
	}
	if n.source != nil {
		c.Source = n.source
	}
	return c
}

func (n *Node) startEngine(ctx context.Context) error {
	users, err := n.users()
	if err != nil {
		return err
	}
	chain := subject.Of(n.seat.Chain)
	options := engine.Options{
		Name: n.engineName(), Listen: n.cfg.Listen, StoreDir: n.cfg.engineStore(), Users: users,
		Guest: guests(chain, n.cfg.Guests), Logger: quieter(n.log.With("part", "engine")),
	}
	if n.cfg.ClusterListen != "" {
		options.Cluster = &engine.Cluster{Name: chain.String(), Listen: n.cfg.ClusterListen, Routes: n.cfg.Routes}
	}
	if n.cfg.TLSCert != "" {
		if options.TLS, err = credentials.LoadTLS(n.cfg.TLSCert, n.cfg.TLSKey, n.cfg.TLSCA); err != nil {
			return err
		}
	}
	if n.cfg.RoutesCA != "" {
		if options.RouteTLS, err = credentials.LoadTLS(n.cfg.TLSCert, n.cfg.TLSKey, n.cfg.RoutesCA); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	n.engine, err = engine.Start(ctx, options)
	if err == nil {
		n.log.Info("the engine runs", "url", n.engine.URL(), "routes", n.engine.RouteAddress(), "servers", n.cfg.servers())
	}
	return err
}

// users reads who may connect.
func (n *Node) users() ([]engine.User, error) {
	list, err := LoadUsers(n.cfg.usersFile())
	if err != nil {
		return nil, err
	}
	if missing := missingUsers(n.currentRoster(), list); len(missing) > 0 {
		n.log.Warn("members that cannot connect: they have no line in the users file", "file", n.cfg.usersFile(), "members", missing)
	}
	return engineUsers(subject.Of(n.seat.Chain), n.seat.Keys.Rosters(), list), nil
}

// engineName tells the servers of one engine apart.
func (n *Node) engineName() string {
	if n.seat.Name != "" {
		return n.seat.Name
	}
	return n.cfg.ClusterListen
}

// guests is what somebody without an nkey may do, nil for nothing.
func guests(chain subject.Chain, nodes []string) *subject.Permissions {
	if len(nodes) == 0 {
		return nil
	}
	p := chain.Client()
	for _, node := range nodes {
		p.Publish = append(p.Publish, chain.EventsOf(node))
	}
	return &p
}

// dial connects as the member, or as the observer.
func (n *Node) dial() (*nats.Conn, error) {
	o := natsbus.Options{
		URLs: n.cfg.Nats, Name: "omega " + n.engineName(), Inbox: subject.Of(n.seat.Chain).Inbox(n.observerPlace()),
		Nkey: n.nkey, Credentials: n.cfg.Creds, Logger: n.log,
	}
	if n.engine != nil {
		o.InProcess = n.engine
	} else {
		var err error
		if o.TLS, err = ClientTLS(n.cfg.TLSCA, n.cfg.TLSCert, n.cfg.TLSKey); err != nil {
			return nil, err
		}
	}
	return natsbus.Dial(o)
}

// loadNkey loads the nkey that the configuration names, or the member's.
func (n *Node) loadNkey() (*credentials.Nkey, error) {
	switch {
	case n.cfg.Nkey != "":
		return credentials.LoadNkey(n.cfg.Nkey)
	case n.cfg.Creds != "" || n.seat.Nkey == "":
		return nil, nil
	}
	k, err := credentials.LoadNkey(n.seat.Nkey)
	if errors.Is(err, fs.ErrNotExist) && !n.cfg.Embedded() {
		return nil, nil // an engine elsewhere may know who connects by its certificate
	}
	return k, err
}

// ClientTLS is how a client that is no server connects: nil without any file; with an
// authority alone it shows no certificate.
func ClientTLS(ca, certificate, key string) (*tls.Config, error) {
	switch {
	case ca == "":
		return nil, nil
	case certificate != "":
		return credentials.LoadTLS(certificate, key, ca)
	}
	trust, err := credentials.LoadTrust(ca)
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: trust}, nil
}

// cause is the innermost reason of a network error.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// ensure sets up the stream on the engine in this process, with its consumers.
func (n *Node) ensure(ctx context.Context) error {
	admin, err := n.engine.Admin()
	if err != nil {
		return err
	}
	defer admin.Close()
	var names []string
	for _, m := range n.currentRoster() {
		names = append(names, m.Name)
	}
	err = events.Ensure(ctx, admin, n.seat.Chain, events.Config{
		Servers: n.cfg.servers(), Members: names, MaxBytes: n.cfg.StreamBytes, MaxAge: time.Duration(n.cfg.StreamAge),
	})
	if err == nil {
		n.log.Info("the stream of events is there", "stream", subject.Of(n.seat.Chain).Stream())
	}
	return err
}

// URL is where clients find the engine in this process, "" where it runs elsewhere.
func (n *Node) URL() string {
	if n.engine == nil {
		return ""
	}
	return n.engine.URL()
}

// HTTP is where the HTTP server listens, "" where there is none.
func (n *Node) HTTP() string {
	if n.web == nil {
		return ""
	}
	return n.web.Addr().String()
}

// Status returns where the member stands.
func (n *Node) Status() *member.Status { return n.member.Status() }

// Connection is "" while there is one to the engine, else why there is none.
func (n *Node) Connection() string {
	if n.conn.IsConnected() {
		return ""
	}
	if err := n.conn.LastError(); err != nil {
		return strings.TrimPrefix(err.Error(), "nats: ")
	}
	return n.conn.Status().String()
}

// Bus returns what the bus has lost.
func (n *Node) Bus() natsbus.Counts { return n.place.counts() }

// Events returns what the source has seen, false where there is none yet.
func (n *Node) Events() (events.ConsumerCounts, bool) {
	if n.source == nil {
		return events.ConsumerCounts{}, false
	}
	return n.source.counts()
}

// Engine returns what the engine in this process has seen, false where it runs
// elsewhere.
func (n *Node) Engine() (engine.Counts, bool) {
	if n.engine == nil {
		return engine.Counts{}, false
	}
	return n.engine.Counts(), true
}

var _ observe.Node = (*Node)(nil)
