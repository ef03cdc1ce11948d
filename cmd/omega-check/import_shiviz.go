package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/importer/graph"
	"github.com/omega-sheaf-os/omega/impl/importer/shiviz"
	"github.com/spf13/cobra"
)

func newImportShiViz(a *app) *cobra.Command {
	var o shiviz.Options
	c := &cobra.Command{
		Use:   "shiviz --input FILE... --output DIR [--regex RE]",
		Short: "Turn logs with vector clocks into sections",
		Long: `Turns a log with vector clocks, as ShiViz shows it, into events: the host is the
node, and the deps are the immediate predecessors, exactly as the clocks have them.
Several files are one log.

--regex finds the events, with groups (?<host>...), (?<clock>...), a JSON object of
counts, and (?<event>...). Its syntax is Go's; ^ and $ match at each line. Lines
that hold no event are counted. A log whose clocks contradict each other, which has
lost events or holds several runs, is refused, with the line. Of what the log says
only the hash is taken over.
` + graphHelp,
		Example: `  omega-check import shiviz --input run.log --output sections
  omega-check import shiviz --input run.log --regex '(?<host>\S*) (?<clock>{.*})\n(?<event>.*)' --output sections`,
	}
	graphFlags(c, &o.Options)
	c.Flags().StringVar(&o.Expression, "regex", shiviz.DefaultExpression, "the regular expression `RE` that finds events")
	return a.runs(c, false, func(ctx context.Context, _ []string) (result, error) {
		r, err := a.importGraph(&o.Options, "event", "host", func() (graph.Summary, error) { return shiviz.Import(ctx, o) })
		var bad *shiviz.Error
		switch {
		case errors.Is(err, shiviz.ErrExpression):
			err = usage("--regex: %v", err)
		case errors.As(err, &bad):
			err = &exitError{status: statusNo, Kind: "bad-clock", File: bad.Path, Offset: &bad.Offset, Message: fmt.Sprintf("line %d: %s", bad.Line, bad.Message)}
		}
		return r, err
	})
}
