package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node/setup"
	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
	"github.com/omega-sheaf-os/omega/impl/transport/natsbus"
	"github.com/spf13/cobra"
)

// connection is how a command that is no node reaches an engine.
type connection struct {
	urls                         []string
	creds, nkey, ca, crt, keyPEM string
}

const defaultURL = "nats://127.0.0.1:4222"

func (x *connection) flags(c *cobra.Command) {
	c.Flags().StringArrayVar(&x.urls, "nats", []string{defaultURL}, "`URL` of a server of the engine, nats:// or tls://; repeats")
	c.Flags().StringVar(&x.creds, "creds", "", "a `FILE` of credentials that the engine has given")
	c.Flags().StringVar(&x.nkey, "nkey", "", "a `FILE` with the nkey to connect with")
	c.Flags().StringVar(&x.ca, "tls-ca", "", "a `FILE` of the certificates to trust")
	c.Flags().StringVar(&x.crt, "tls-cert", "", "a `FILE` with the own certificate")
	c.Flags().StringVar(&x.keyPEM, "tls-key", "", "a `FILE` with its key")
	for _, name := range []string{"creds", "nkey", "tls-ca", "tls-cert", "tls-key"} {
		completeFiles(c, name)
	}
	c.MarkFlagsMutuallyExclusive("creds", "nkey")
	c.MarkFlagsRequiredTogether("tls-cert", "tls-key")
}

// dial connects as whoever the flags say, or else with the nkey of a file that may not
// be there; inbox is what subjects of answers begin with, "" for the usual.
func (x *connection) dial(name, nkey, inbox string, log *slog.Logger) (*nats.Conn, error) {
	for _, u := range x.urls {
		if strings.Contains(u, "@") {
			return nil, usage("--nats: a URL holds who connects: that is for --nkey or --creds")
		}
	}
	o := natsbus.Options{URLs: x.urls, Name: name, Credentials: x.creds, Inbox: inbox, Logger: log}
	if x.nkey != "" {
		nkey = x.nkey
	}
	var err error
	if nkey != "" {
		if o.Nkey, err = credentials.LoadNkey(nkey); err != nil {
			return nil, err
		}
	}
	if x.ca == "" && x.crt != "" {
		return nil, usage("--tls-cert needs --tls-ca: the certificates to trust")
	}
	if o.TLS, err = setup.ClientTLS(x.ca, x.crt, x.keyPEM); err != nil {
		return nil, err
	}
	return natsbus.Dial(o)
}

// chainFlag reads --genesis where it is needed.
func chainFlag(hex string) (cert.Hash, error) {
	h, err := pin("genesis", hex)
	if err != nil {
		return cert.Hash{}, err
	}
	return *h, nil
}

// notes is a logger that tells people on stderr of what goes wrong on the way, each kind
// of trouble once: it is tried again for as long as it lasts.
func (a *app) notes() *slog.Logger { return slog.New(&notes{to: a.streams, told: &told{}}) }

type notes struct {
	to   *streams
	told *told
}

// told is what was told already.
type told struct {
	mu    sync.Mutex
	lines []string
}

// Enabled reports whether people are told of this level.
func (n *notes) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// Handle tells it, unless it was told before.
func (n *notes) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(attr slog.Attr) bool {
		if attr.Key == "error" && attr.Value.Any() != nil {
			line += ": " + strings.TrimPrefix(attr.Value.String(), "nats: ")
		}
		return true
	})
	n.told.mu.Lock()
	defer n.told.mu.Unlock()
	if slices.Contains(n.told.lines, line) {
		return nil
	}
	n.told.lines = append(n.told.lines, line)
	_, err := fmt.Fprintf(n.to.err, "omega-check: %s\n", line)
	return err
}

// WithAttrs and WithGroup change nothing: the message and its error are what is told.
func (n *notes) WithAttrs([]slog.Attr) slog.Handler { return n }

// WithGroup returns the handler itself.
func (n *notes) WithGroup(string) slog.Handler { return n }
