package engine

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

// The limits where Limits names none.
const (
	defaultPayload     = 1 << 20
	defaultConnections = 1024
	defaultPending     = 16 << 20
	defaultStore       = 10 << 30
)

// inProcess is the kind of connection that Admin makes.
const inProcess = "IN_PROCESS"

// serverOptions writes the options, with these users, as the server has them.
func (e *Engine) serverOptions(users []User) (*server.Options, error) {
	o := &e.options
	host, port, err := split(o.Listen)
	if err != nil {
		return nil, err
	}
	s := &server.Options{
		ServerName: o.Name, Host: host, Port: port, TLSConfig: o.TLS, TLS: o.TLS != nil, TLSVerify: mutual(o.TLS),
		MaxPayload: int32(cmp.Or(o.Limits.MaxPayload, defaultPayload)),
		MaxConn:    cmp.Or(o.Limits.MaxConnections, defaultConnections),
		MaxPending: cmp.Or(o.Limits.MaxPending, defaultPending),
		NoSigs:     true, DisableJetStreamBanner: true,
		PingInterval: 5 * time.Second, MaxPingsOut: 2, WriteDeadline: 5 * time.Second,
		JetStream: true, StoreDir: o.StoreDir, SyncAlways: true,
		JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: cmp.Or(o.Limits.MaxStore, defaultStore),
	}
	if err := e.addCluster(s); err != nil {
		return nil, err
	}
	return s, e.addUsers(s, users)
}

func (e *Engine) addCluster(s *server.Options) error {
	c := e.options.Cluster
	if c == nil {
		return nil
	}
	host, port, err := split(c.Listen)
	if err != nil {
		return err
	}
	between := cmp.Or(e.options.RouteTLS, e.options.TLS)
	if ip := net.ParseIP(host); !mutual(between) && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%w: %s", ErrOpenRoutes, c.Listen)
	}
	s.Cluster = server.ClusterOpts{Name: c.Name, Host: host, Port: port, TLSConfig: between, ConnectRetries: -1}
	if len(c.Routes) == 0 {
		return ErrNoRoutes
	}
	for _, route := range c.Routes {
		s.Routes = append(s.Routes, &url.URL{Scheme: "nats-route", Host: route})
	}
	return nil
}

func (e *Engine) addUsers(s *server.Options, users []User) error {
	s.Nkeys = []*server.NkeyUser{{Nkey: e.admin.Public(), AllowedConnectionTypes: map[string]struct{}{inProcess: {}}}}
	for i, u := range users {
		if !nkeys.IsValidPublicUserKey(u.Nkey) {
			// What it is instead may be a secret.
			return fmt.Errorf("%w: user %d", ErrUser, i)
		}
		s.Nkeys = append(s.Nkeys, &server.NkeyUser{Nkey: u.Nkey, Permissions: permissions(u.Permissions)})
	}
	if guest := e.options.Guest; guest != nil {
		s.Nkeys = append(s.Nkeys, &server.NkeyUser{Nkey: e.guest, Permissions: permissions(*guest)})
		s.NoAuthUser = e.guest
	}
	return nil
}

// permissions writes permissions as the server has them, to which an empty list
// would allow everything.
func permissions(p subject.Permissions) *server.Permissions {
	list := func(allowed []string) *server.SubjectPermission {
		if len(allowed) == 0 {
			return &server.SubjectPermission{Deny: []string{">"}}
		}
		return &server.SubjectPermission{Allow: allowed}
	}
	return &server.Permissions{Publish: list(p.Publish), Subscribe: list(p.Subscribe)}
}

func mutual(c *tls.Config) bool { return c != nil && c.ClientAuth == tls.RequireAndVerifyClientCert }

// split parses host:port for the server, to which port 0 is -1.
func split(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("%w on %q: %w", ErrListen, address, err)
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%w on %q: the port is no number to 65535", ErrListen, address)
	}
	if number == 0 {
		return host, server.RANDOM_PORT, nil
	}
	return host, int(number), nil
}
