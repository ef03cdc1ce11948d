package main

import (
	"context"
	"fmt"
	"os"

	"github.com/omega-sheaf-os/omega/impl/node/setup"
	"github.com/spf13/cobra"
)

// nodeResult is what `node` prints when it has ended.
type nodeResult struct {
	OK           bool   `json:"ok"`
	Member       string `json:"member"` // "" for an observer
	Chain        string `json:"chain"`
	Head         string `json:"head"`
	Certificates uint64 `json:"certificates"`
	Halted       string `json:"halted,omitempty"`
}

func (r *nodeResult) text(t *text) {
	who := r.Member
	if who == "" {
		who = "the observer"
	}
	t.line("%s has stopped with %s, head %s", who, plural(r.Certificates, "certificate"), r.Head)
	if r.Halted != "" {
		t.line("%s  %s", t.bad("HALTED"), r.Halted)
	}
}

func newNode(a *app) *cobra.Command {
	var config string
	var printConfig bool
	c := &cobra.Command{
		Use:   "node --data DIR [--config FILE] [--nats URL...] [--input FILE...]",
		Short: "Run one member of a cluster",
		Long: `Runs the member whose key is in the data folder, until SIGTERM or SIGINT: it takes
events from the stream of an engine, and sections by --input, closes batches, agrees
with the others on one certificate after the other, and answers who lacks some. A
second signal ends it at once; killed at any moment it goes on where it was. A folder
without a key makes an observer, which follows the chain and signs nothing.

The engine is NATS. It runs in this process, and with others of its kind where
--cluster-listen and --routes say so; or elsewhere, with --nats. Who may connect to
the one in this process stands in a file users of the data folder, which "cluster
assemble" writes.

Every setting below can also stand in a TOML file (--config FILE, or OMEGA_CONFIG), by
its name without the dashes before it, and in the environment, as OMEGA_ and its name
in capitals with underscores, lists with commas. The file is stronger than the
defaults, the environment than the file, flags than both. --print-config shows each
value and where it is from, in the form of such a file, and ends.

Over HTTP, on the loopback unless told otherwise: /metrics for Prometheus; /healthz,
which fails where the member has halted, its own audit fails, or events wait too long;
/readyz, which fails until the engine is connected and all peers have answered; and
/status, all of it as JSON. Logs go to stderr.`,
		Example: `  omega-check node --data ./paris
  omega-check node --config /etc/omega/node.toml --print-config
  omega-check node --data ./tokyo --nats tls://10.0.0.1:4222 --tls-ca hosts.crt --tls-cert tokyo.crt --tls-key tokyo.key`,
	}
	c.Flags().StringVar(&config, "config", "", "a TOML `FILE` with settings")
	c.Flags().BoolVar(&printConfig, "print-config", false, "show each setting and where it is from, and end")
	completeFiles(c, "config", "toml")
	given := settingFlags(c)
	return a.runs(c, false, func(ctx context.Context, _ []string) (result, error) {
		if config == "" {
			config = os.Getenv(setup.EnvPrefix + "CONFIG")
		}
		loaded, err := setup.Load(config, os.LookupEnv, given())
		if err != nil {
			return nil, err
		}
		if printConfig {
			return configResultOf(loaded), nil
		}
		n, err := setup.Start(ctx, &loaded.Config, a.askPassphrase, setup.NewLogger(&loaded.Config, a.err, a.live))
		if err != nil {
			return nil, err
		}
		return nodeResultOf(n, n.Run(ctx))
	})
}

// settingFlags gives c a flag for each setting, and returns what collects those that
// were given.
func settingFlags(c *cobra.Command) (given func() map[string][]string) {
	c.Flags().SortFlags = false // a setting's help goes on from the one before
	settings := setup.Settings()
	flags := make([]settingFlag, len(settings))
	for i := range settings {
		s := &settings[i]
		flags[i] = settingFlag{words: nil, repeats: s.Repeats, kind: s.Arg, shown: s.Default}
		c.Flags().Var(&flags[i], s.Name, s.Help)
		switch {
		case s.Path && s.Arg == "DIR":
			completeFolders(c, s.Name)
		case s.Path:
			completeFiles(c, s.Name)
		}
	}
	return func() map[string][]string {
		all := map[string][]string{}
		for i := range settings {
			if flags[i].words != nil {
				all[settings[i].Name] = flags[i].words
			}
		}
		return all
	}
}

// settingFlag keeps the words of a flag as they were given: what they mean is judged
// together with what other origins say.
type settingFlag struct {
	words   []string
	repeats bool
	kind    string
	shown   string // the default
}

// Set takes one word.
func (f *settingFlag) Set(word string) error {
	if !f.repeats && f.words != nil {
		return fmt.Errorf("it is given twice: %q and %q", f.words[0], word)
	}
	f.words = append(f.words, word)
	return nil
}

// Type is what the help calls the value.
func (f *settingFlag) Type() string { return f.kind }

// String is the default, for the help.
func (f *settingFlag) String() string { return f.shown }

func nodeResultOf(n *setup.Node, err error) (result, error) {
	s := n.Status()
	r := &nodeResult{
		OK: err == nil && s.Halted == "", Member: s.Member, Chain: s.Chain.String(), Head: s.Head.String(),
		Certificates: s.Certificates, Halted: s.Halted,
	}
	switch {
	case err != nil:
		return nil, err
	case s.Halted != "":
		return r, answerNo()
	}
	return r, nil
}

// configResult is what `node --print-config` prints.
type configResult struct {
	OK       bool          `json:"ok"`
	Settings []configValue `json:"settings"`
}

type configValue struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	From  string `json:"from"`

	toml string
}

func configResultOf(l *setup.Loaded) *configResult {
	r := &configResult{OK: true}
	settings := setup.Settings()
	for i := range settings {
		s := &settings[i]
		r.Settings = append(r.Settings, configValue{s.Name, l.Value(s), l.Origin[s.Name], l.TOML(s)})
	}
	return r
}

func (r *configResult) text(t *text) {
	for _, s := range r.Settings {
		t.line("%-40s # %s", s.Name+" = "+s.toml, printable(s.From))
	}
}
