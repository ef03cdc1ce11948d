// Package enginetest starts engines of NATS on the loopback for tests, and finds
// goroutines that outlive them.
package enginetest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/transport/credentials"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
)

// startTime is how long an engine may take to start.
const startTime = 20 * time.Second

// Chain is the name of the chain that Party's members belong to.
var Chain = cert.Hash{0xc4, 0xa1, 0x17}

// Start starts an engine on the loopback, on free ports unless the options name
// some, and stops it when the test ends.
func Start(t testing.TB, o engine.Options) *engine.Engine {
	t.Helper()
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.StoreDir == "" {
		o.StoreDir = t.TempDir()
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	e, err := engine.Start(ctx, o)
	require.NoError(t, err)
	t.Cleanup(e.Stop)
	return e
}

// Party is members, each with its nkey and its nodes, as an engine knows them.
type Party struct {
	Roster cert.Roster
	Nkeys  []*credentials.Nkey
	Users  []engine.User
}

// NewParty makes n members m0, m1 ...; member i writes node i+1. Their keys on the
// chain are left out.
func NewParty(n int) *Party {
	p := &Party{}
	for i := range n {
		m := cert.Member{Name: fmt.Sprintf("m%d", i), Nodes: []uint32{uint32(i + 1)}}
		nkey := credentials.GenerateNkey()
		p.Roster = append(p.Roster, m)
		p.Nkeys = append(p.Nkeys, nkey)
		p.Users = append(p.Users, engine.User{Nkey: nkey.Public(), Permissions: subject.Of(Chain).Member(i, &m)})
	}
	return p
}

// Names returns the members' roster names.
func (p *Party) Names() (names []string) {
	for i := range p.Roster {
		names = append(names, p.Roster[i].Name)
	}
	return names
}

var (
	// ours are the packages whose goroutines must end.
	ours = []string{"nats-io/", "omega/impl/transport/"}
	// theirs are what a server leaves behind that is stopped while its stores start.
	theirs = []string{"server/ats.Register.func1", "(*fileStore).flushStreamStateLoop"}
)

// Main is the TestMain of a package that uses engines: it runs the tests, or an
// engine where StartProcess has started this program for that, and fails if, once
// all is cleaned up, goroutines of engines or connections still run.
func Main(m *testing.M) {
	if text, ok := os.LookupEnv(processEnv); ok {
		os.Exit(serve(text))
	}
	code := m.Run()
	if left := leaked(); len(left) > 0 {
		fmt.Printf("%d goroutines are left:\n%s\n", len(left), strings.Join(left, "\n\n"))
		code = 1
	}
	os.Exit(code)
}

// leaked waits a while for the goroutines of engines to end, and returns those that do not.
func leaked() (left []string) {
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if left = running(); len(left) == 0 || time.Now().After(end) {
			return left
		}
	}
}

func running() (left []string) {
	stacks := make([]byte, 4<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, s := range strings.Split(string(stacks), "\n\n") {
		in := func(name string) bool { return strings.Contains(s, name) }
		if !in("enginetest.running") && slices.ContainsFunc(ours, in) && !slices.ContainsFunc(theirs, in) {
			left = append(left, s)
		}
	}
	return left
}

// Log is a logger whose text a test can read with Text.
type Log struct {
	*slog.Logger
	written *safeBuilder
}

// NewLog returns an empty one.
func NewLog() *Log {
	b := &safeBuilder{}
	return &Log{slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})), b}
}

// Text returns what was logged.
func (l *Log) Text() string { return l.written.String() }

// Certificates makes, in the test's folder, the TLS files of hosts that all trust
// each other and have the loopback's address.
func Certificates(t testing.TB, hosts ...string) func(host string) (certificate, key, trust string) {
	dir := t.TempDir()
	at := func(host string) (certificate, key, trust string) {
		return filepath.Join(dir, host+".crt"), filepath.Join(dir, host+".key"), filepath.Join(dir, "trust.crt")
	}
	writeTrust(t, hosts, at)
	return at
}
