package setup

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/omega-sheaf-os/omega/impl/node/member"
)

// Config is what a node is told. A field's tag has its name, which is that of the flag
// and of the file's key, and in capitals behind OMEGA_ that of the environment.
type Config struct {
	Data   string `toml:"data" kind:"path" arg:"DIR" help:"data folder of the member"`
	Member string `toml:"member" arg:"NAME" help:"whose key in the folder to use, where it has several"`

	Nats    []string `toml:"nats" arg:"URL" help:"server of an engine that runs elsewhere, nats:// or tls://; repeats"`
	Creds   string   `toml:"creds" kind:"path" arg:"FILE" help:"credentials that such an engine has given"`
	Nkey    string   `toml:"nkey" kind:"path" arg:"FILE" help:"the member's nkey (default members/NAME/nats.nk in the data folder)"`
	TLSCA   string   `toml:"tls-ca" kind:"path" arg:"FILE" help:"certificates of the hosts, or of the authority, to trust"`
	TLSCert string   `toml:"tls-cert" kind:"path" arg:"FILE" help:"this host's certificate"`
	TLSKey  string   `toml:"tls-key" kind:"path" arg:"FILE" help:"its key"`

	Listen        string   `toml:"listen" arg:"HOST:PORT" help:"where the engine in this process takes clients; port 0 takes a free one"`
	ClusterListen string   `toml:"cluster-listen" arg:"HOST:PORT" help:"where it takes the other servers of the engine"`
	Routes        []string `toml:"routes" arg:"HOST:PORT" help:"cluster address of a server of the engine, this one's among them; repeats"`
	RoutesCA      string   `toml:"routes-ca" kind:"path" arg:"FILE" help:"certificates of the hosts with a server of the engine (default those of tls-ca)"`
	EngineStore   string   `toml:"engine-store" kind:"path" arg:"DIR" help:"the engine's own folder (default engine in the data folder)"`
	Users         string   `toml:"users" kind:"path" arg:"FILE" help:"who may connect to it (default users in the data folder)"`
	Guests        []string `toml:"guests" arg:"NODE" help:"node whose events anybody may publish, * for every node, and hear the truth; repeats"`
	StreamBytes   int64    `toml:"stream-bytes" arg:"N" help:"bytes of events that the engine keeps; beyond that it takes none"`
	StreamAge     Duration `toml:"stream-age" arg:"D" help:"time after which an event that somebody does not take is gone; 0s: never"`

	HTTP       string   `toml:"http" arg:"HOST:PORT" help:"where /metrics, /healthz, /readyz and /status are; empty: nowhere"`
	StaleAfter Duration `toml:"stale-after" arg:"D" help:"time without a certificate, while events wait, after which /healthz fails"`

	CloseEvents   int      `toml:"close-events" arg:"N" help:"events at which a batch is closed"`
	CloseBytes    int64    `toml:"close-bytes" arg:"N" help:"bytes of events at which it is"`
	CloseAge      Duration `toml:"close-age" arg:"D" help:"time that its first event waits at most"`
	CloseLamports uint64   `toml:"close-lamports" arg:"N" help:"range of Lamport times at which it is; 0: any"`
	PendingEvents int      `toml:"pending-events" arg:"N" help:"events that wait at most; beyond that none are taken"`
	PendingBytes  int64    `toml:"pending-bytes" arg:"N" help:"bytes of them at most"`
	HoldFor       Duration `toml:"hold-for" arg:"D" help:"time that an event waits for its deps at most"`
	Tick          Duration `toml:"tick" arg:"D" help:"pace at which what may be lost is repeated"`
	Timeout       Duration `toml:"timeout" arg:"D" help:"time before the first attempt of a height is given up"`
	SelfAudit     Duration `toml:"self-audit" arg:"D" help:"pause between two audits of the own folder, at least"`

	Log      string `toml:"log" arg:"FORM" help:"text, json, or auto: text on a terminal, else json"`
	LogLevel string `toml:"log-level" arg:"LEVEL" help:"debug, info, warn or error"`

	Input []string `toml:"input" kind:"path" arg:"FILE" help:"a .omega file to submit at the start; repeats"`
}

// Defaults is a Config of which nothing has been said.
func Defaults() Config {
	return Config{
		Listen: "127.0.0.1:4222", StreamBytes: 1 << 30,
		HTTP: "127.0.0.1:8642", StaleAfter: Duration(time.Minute),
		CloseEvents: 4096, CloseBytes: 4 << 20, CloseAge: Duration(100 * time.Millisecond),
		PendingEvents: 1 << 18, PendingBytes: member.MaxBatch / 2, HoldFor: Duration(30 * time.Second),
		Tick: Duration(200 * time.Millisecond), Timeout: Duration(4 * time.Second), SelfAudit: Duration(time.Minute),
		Log: "auto", LogLevel: "info",
	}
}

// Embedded reports whether the engine is to run in this process.
func (c *Config) Embedded() bool { return len(c.Nats) == 0 }

// servers is how many servers the engine of this process has.
func (c *Config) servers() int { return max(1, len(c.Routes)) }

// SettingError says what is wrong with the value of a setting. From is as Origin has
// it.
type SettingError struct {
	Name, From string
	Err        error
}

func (e *SettingError) Error() string {
	return fmt.Sprintf("%s (from %s): %v", e.Name, e.From, e.Err)
}

func (e *SettingError) Unwrap() error { return e.Err }

// check judges values that have come together. The error is *SettingError.
func (l *Loaded) check() error {
	c := &l.Config
	for _, s := range []struct {
		name string
		err  error
	}{
		{"data", required(c.Data)},
		{"nats", checkURLs(c.Nats)},
		{"listen", checkAddress(c.Listen, c.Embedded())},
		{"cluster-listen", checkAddress(c.ClusterListen, c.ClusterListen != "" || len(c.Routes) > 0)},
		{"routes", checkRoutes(c)},
		{"guests", checkGuests(c.Guests)},
		{"tls-ca", together(c.TLSCert != "" || c.TLSKey != "", c.TLSCA, "tls-cert and tls-key")},
		{"tls-cert", together(c.TLSKey != "" || c.ClusterListen != "" && c.TLSCA != "", c.TLSCert, "tls-key")},
		{"tls-key", together(c.TLSCert != "", c.TLSKey, "tls-cert")},
		{"routes-ca", apartOf(c.RoutesCA, c.TLSCert)},
		{"stream-bytes", atLeast(c.StreamBytes, 1<<20)},
		{"stream-age", atLeast(c.StreamAge, 0)},
		{"http", checkAddress(c.HTTP, c.HTTP != "")},
		{"stale-after", atLeast(c.StaleAfter, Duration(time.Second))},
		{"close-events", atLeast(c.CloseEvents, 1)},
		{"close-bytes", atLeast(c.CloseBytes, 1)},
		{"close-age", atLeast(c.CloseAge, Duration(time.Millisecond))},
		{"pending-events", atLeast(c.PendingEvents, c.CloseEvents)},
		{"pending-bytes", within(c.PendingBytes, c.CloseBytes, member.MaxBatch/2)},
		{"hold-for", atLeast(c.HoldFor, Duration(time.Millisecond))},
		{"tick", within(c.Tick, Duration(10*time.Millisecond), Duration(time.Minute))},
		{"timeout", within(c.Timeout, 2*c.Tick, Duration(time.Minute))},
		{"self-audit", atLeast(c.SelfAudit, Duration(time.Second))},
		{"log", oneOf(c.Log, "auto", "text", "json")},
		{"log-level", oneOf(c.LogLevel, "debug", "info", "warn", "error")},
	} {
		if s.err != nil {
			return &SettingError{s.name, l.Origin[s.name], s.err}
		}
	}
	return l.checkApart()
}

// apart are the settings of an engine in this process, which one elsewhere does not
// have, and the other way round.
var (
	embeddedOnly = []string{"listen", "cluster-listen", "routes", "routes-ca", "engine-store", "users", "guests", "stream-bytes", "stream-age"}
	externalOnly = []string{"creds"}
)

func (l *Loaded) checkApart() error {
	names, why := embeddedOnly, "the engine runs elsewhere: nats is set"
	if l.Config.Embedded() {
		names, why = externalOnly, "the engine runs in this process: nats is not set"
	}
	for _, name := range names {
		if from := l.Origin[name]; from != FromDefault {
			return &SettingError{name, from, errors.New(why)}
		}
	}
	if l.Config.Creds != "" && l.Config.Nkey != "" {
		return &SettingError{"creds", l.Origin["creds"], errors.New("either creds or nkey says who this is")}
	}
	return nil
}

func required(value string) error {
	if value == "" {
		return errors.New("it is required")
	}
	return nil
}

func together(needed bool, value, with string) error {
	if needed && value == "" {
		return fmt.Errorf("it is required beside %s", with)
	}
	return nil
}

func apartOf(ca, certificate string) error {
	if ca != "" && certificate == "" {
		return errors.New("it needs tls-cert and tls-key beside it")
	}
	return nil
}

func atLeast[T int | int64 | Duration](got, least T) error {
	if got < least {
		return fmt.Errorf("%v is less than %v", got, least)
	}
	return nil
}

func within[T int64 | Duration](got, least, most T) error {
	if got < least || got > most {
		return fmt.Errorf("%v is not from %v to %v", got, least, most)
	}
	return nil
}

func oneOf(got string, words ...string) error {
	if !slices.Contains(words, got) {
		return fmt.Errorf("%q is none of %q", got, words)
	}
	return nil
}

// checkURLs keeps passwords out of URLs, which are logged and printed.
func checkURLs(all []string) error {
	for _, text := range all {
		u, err := url.Parse(text)
		switch {
		case err != nil:
			return errors.New("not a URL: nats://HOST:PORT or tls://HOST:PORT")
		case u.User != nil:
			return fmt.Errorf("the URL of %s holds who connects: that is for nkey or creds", u.Host)
		case u.Scheme != "nats" && u.Scheme != "tls" || u.Host == "":
			return fmt.Errorf("%q is not nats://HOST:PORT or tls://HOST:PORT", text)
		}
	}
	return nil
}

func checkAddress(text string, needed bool) error {
	if !needed {
		return nil
	}
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return fmt.Errorf("%q is not HOST:PORT", text)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q: the port is no number to 65535", text)
	}
	return nil
}

func checkRoutes(c *Config) error {
	if c.ClusterListen != "" && len(c.Routes) == 0 {
		return errors.New("it is required beside cluster-listen: every server of the engine, this one too")
	}
	for _, r := range c.Routes {
		if err := checkAddress(r, true); err != nil {
			return err
		}
	}
	return nil
}

func checkGuests(all []string) error {
	for _, node := range all {
		if _, err := strconv.ParseUint(node, 10, 32); err != nil && node != "*" {
			return fmt.Errorf("%q is neither a node's number nor *", node)
		}
	}
	return nil
}

// engineStore is the folder of the engine in this process.
func (c *Config) engineStore() string { return orIn(c.EngineStore, c.Data, "engine") }

// usersFile is the path of the file of who may connect.
func (c *Config) usersFile() string { return orIn(c.Users, c.Data, UsersName) }

func orIn(path, dir, name string) string {
	if path != "" {
		return path
	}
	return filepath.Join(dir, name)
}
