package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/omega-sheaf-os/omega/impl/node/setup"
	"github.com/spf13/cobra"
)

func newCluster(a *app) *cobra.Command {
	return group("cluster", "Found a chain of members on several hosts, and change its roster",
		`Each member makes its own keys on its own host, and no private key leaves it: what the
members send each other are small text files. To found a chain:

  member     each makes its keys, and its public part NAME.member
  gather     one makes genesis.proposal of all public parts
  sign       each compares the fingerprints with the others, and signs
  assemble   each makes its data folder of the proposal and all signatures

"change" is for members that join, leave, or change keys; "last-resort" for going on
without a member that is lost; "try" makes and runs a whole cluster on this machine.`,
		newClusterTry(a), newClusterMember(a), newClusterGather(a), newClusterSign(a), newClusterAssemble(a),
		newClusterChange(a), newClusterLastResort(a))
}

// maxTryMembers bounds `cluster try`: all members are in one process.
const maxTryMembers = 16

// tryResult is what `cluster try` prints when it has ended.
type tryResult struct {
	OK      bool         `json:"ok"`
	Data    string       `json:"data"`
	Chain   string       `json:"chain"`
	Members []nodeResult `json:"members"`
}

func (r *tryResult) text(t *text) {
	for i := range r.Members {
		r.Members[i].text(t)
	}
}

func newClusterTry(a *app) *cobra.Command {
	var data string
	var o setup.TryOptions
	c := &cobra.Command{
		Use:   "try --data DIR [--members N]",
		Short: "Make a cluster on this machine and run it",
		Long: `Makes a cluster of N members in DIR, a folder each, and runs them all in this process
until SIGTERM or SIGINT. A cluster that is in DIR already is run as it is.

The first member's process has the engine, which lets everybody on this machine publish
events and hear the truth. Each folder has a node.toml, so that any member can be run by
itself instead, as "omega-check node --config DIR/member-1/node.toml" does.`,
		Example: `  omega-check cluster try --data ./try
  omega-check cluster try --data ./try --members 7 --listen 127.0.0.1:4333`,
	}
	c.Flags().StringVar(&data, "data", "", "`DIR` of the cluster, absent, empty, or one that was made so")
	c.Flags().IntVar(&o.Members, "members", 4, "number `N` of members")
	c.Flags().StringVar(&o.Listen, "listen", "127.0.0.1:4222", "`HOST:PORT` where the engine takes clients")
	c.Flags().StringVar(&o.HTTP, "http", "127.0.0.1:8642", "`HOST:PORT` of the first member's HTTP; the others have the ports behind it")
	must(c.MarkFlagRequired("data"))
	completeFolders(c, "data")
	return a.runs(c, false, func(ctx context.Context, _ []string) (result, error) {
		if o.Members < 1 || o.Members > maxTryMembers {
			return nil, usage("--members is 1 to %d, got %d", maxTryMembers, o.Members)
		}
		trial, err := setup.Try(data, o)
		if err != nil {
			return nil, err
		}
		if !trial.Made && c.Flags().Changed("members") && o.Members != len(trial.Configs) {
			return nil, usage("--members is %d, the cluster in %s has %d", o.Members, printable(data), len(trial.Configs))
		}
		return a.try(ctx, data, trial)
	})
}

// try runs all members of a trial until one fails or ctx ends.
func (a *app) try(ctx context.Context, data string, trial *setup.Trial) (result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var nodes []*setup.Node
	var work sync.WaitGroup
	errs := make([]error, len(trial.Configs))
	var failed error
	for i, path := range trial.Configs {
		n, err := a.startConfig(ctx, path)
		if err != nil {
			failed = fmt.Errorf("%s: %w", path, err)
			cancel()
			break
		}
		nodes = append(nodes, n)
		work.Go(func() {
			errs[i] = n.Run(ctx)
			cancel()
		})
	}
	if failed == nil {
		a.tellTry(data, trial, nodes)
	}
	work.Wait()
	if err := errors.Join(append(errs, failed)...); err != nil {
		return nil, err
	}
	r := &tryResult{OK: true, Data: data, Chain: trial.Chain.String()}
	for _, n := range nodes {
		s := n.Status()
		r.Members = append(r.Members, nodeResult{
			OK: s.Halted == "", Member: s.Member, Chain: s.Chain.String(), Head: s.Head.String(), Certificates: s.Certificates, Halted: s.Halted,
		})
		r.OK = r.OK && s.Halted == ""
	}
	if !r.OK {
		return r, answerNo()
	}
	return r, nil
}

// startConfig starts the node of a configuration file, and tells of warnings alone.
func (a *app) startConfig(ctx context.Context, path string) (*setup.Node, error) {
	loaded, err := setup.Load(path, func(string) (string, bool) { return "", false }, nil)
	if err != nil {
		return nil, err
	}
	loaded.Config.LogLevel = "warn"
	log := setup.NewLogger(&loaded.Config, a.err, a.live)
	return setup.Start(ctx, &loaded.Config, a.askPassphrase, log)
}

// tellTry tells what to do with a cluster that runs.
func (a *app) tellTry(data string, trial *setup.Trial, nodes []*setup.Node) {
	self := os.Args[0]
	folder := printable(data) + "/member-1"
	fmt.Fprintf(a.err, `%s of chain %s run; ^C ends them

publish events   %s publish --input FILE.omega --genesis %s --nats %s
see the truth    %s watch --data %s --nats %s
how a member is  curl http://%s/status
audit            %s audit --data %s --genesis %s
`, plural(len(nodes), "member"), trial.Chain, self, trial.Chain, nodes[0].URL(), self, folder, nodes[0].URL(), nodes[0].HTTP(), self, folder, trial.Chain)
}
