package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node/client"
	"github.com/omega-sheaf-os/omega/impl/node/setup"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
	"github.com/spf13/cobra"
)

// publishResult is what `publish` prints.
type publishResult struct {
	OK         bool   `json:"ok"`
	Chain      string `json:"chain"`
	Events     int    `json:"events"` // that the engine has
	Signed     int    `json:"signed"` // of these
	Duplicates uint64 `json:"duplicates"`
	Retries    uint64 `json:"retries"`
}

func (r *publishResult) text(t *text) {
	t.line("%s in the stream: %s signed, %s that it had already, %s again", plural(r.Events, "event"), count(r.Signed), count(r.Duplicates), count(r.Retries))
}

func newPublish(a *app) *cobra.Command {
	var paths []string
	var data, member, genesis string
	var patience time.Duration
	var x connection
	c := &cobra.Command{
		Use:   "publish --input FILE... --data DIR | --genesis HEX [--nats URL...]",
		Short: "Publish events to a cluster",
		Long: `Publishes every event of the .omega files to the stream of a chain, each node's
stream in order, until the engine has acknowledged it: then it is on disk, and members
take it from there. Run again after a failure it makes no second event.

--data names a data folder with a member's key: that member's events are signed, and
its nkey says who connects. --genesis, the chain's name, does for others: their events
are unsigned, unless a member's key signs them, and --nkey says who connects.`,
		Example: `  omega-check publish --input alice.omega --data ./alice
  omega-check publish --input sensors.omega --genesis 5f2c... --nkey sensors.nk --nats nats://10.0.0.1:4222`,
	}
	inputFlag(c, &paths)
	c.Flags().StringVar(&data, "data", "", "data folder `DIR` of a member")
	c.Flags().StringVar(&member, "member", "", "`NAME` of the member, where the folder has several keys")
	c.Flags().StringVar(&genesis, "genesis", "", "the chain's name, 64 `HEX` digits")
	c.Flags().DurationVar(&patience, "patience", 30*time.Second, "`TIME` after which to give up when the engine takes nothing")
	x.flags(c)
	c.MarkFlagsOneRequired("data", "genesis")
	c.MarkFlagsMutuallyExclusive("data", "genesis")
	completeFolders(c, "data")
	return a.runs(c, true, func(ctx context.Context, _ []string) (result, error) {
		sections, files, err := mapFiles(paths)
		if err != nil {
			return nil, err
		}
		defer sections()
		p := &publishing{app: a, options: client.Options{Patience: patience, Logger: a.notes()}}
		if data != "" {
			err = p.asMember(data, member)
		} else {
			p.chain, err = chainFlag(genesis)
		}
		if err != nil {
			return nil, err
		}
		return p.run(ctx, &x, files)
	})
}

// publishing is one run of `publish`.
type publishing struct {
	*app
	chain       cert.Hash
	nkey, inbox string
	options     client.Options
}

// asMember has the member in the folder sign, and connect.
func (p *publishing) asMember(data, member string) error {
	seat, err := setup.FindSeat(data, member, p.askPassphrase)
	if err != nil {
		return err
	}
	p.chain = seat.Chain
	if seat.Index < 0 {
		return nil
	}
	own := seat.Roster[seat.Index]
	p.options.Sign = seat.Key.Sign
	p.options.Own = func(node uint32) bool {
		i, ok := seat.Roster.Writer(node)
		return ok && seat.Roster[i].Name == own.Name
	}
	if _, err := os.Lstat(seat.Nkey); !errors.Is(err, fs.ErrNotExist) {
		p.nkey, p.inbox = seat.Nkey, subject.Of(seat.Chain).Inbox(seat.Index)
	}
	return nil
}

func (p *publishing) run(ctx context.Context, x *connection, files [][]byte) (result, error) {
	if x.nkey != "" || x.creds != "" {
		p.nkey, p.inbox = "", ""
	}
	conn, err := x.dial("omega publish", p.nkey, p.inbox, p.options.Logger)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	bar := p.progress("publishing")
	defer bar.end()
	p.options.Progress = bar.step
	report, err := client.Publish(ctx, conn, p.chain, files, p.options)
	if errors.Is(err, client.ErrNoAnswer) && conn.LastError() != nil {
		return nil, missing("%v; %s: %v", err, x.urls[0], conn.LastError())
	}
	if err != nil {
		return nil, err
	}
	return &publishResult{
		OK: true, Chain: p.chain.String(), Events: report.Events, Signed: report.Signed, Duplicates: report.Duplicates, Retries: report.Retries,
	}, nil
}

// mapFiles maps all files, or none; done unmaps them.
func mapFiles(paths []string) (done func(), files [][]byte, err error) {
	var views []*omegalog.OmegaLogView
	done = func() {
		for _, v := range views {
			_ = v.Close()
		}
	}
	for _, path := range paths {
		v, err := omegalog.Open(path)
		if err != nil {
			done()
			return nil, nil, err
		}
		views = append(views, v)
		files = append(files, v.Bytes())
	}
	return done, files, nil
}
