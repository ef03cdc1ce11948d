package main

import (
	"context"

	"github.com/omega-sheaf-os/omega/impl/importer/cloudevents"
	"github.com/omega-sheaf-os/omega/impl/importer/graph"
	"github.com/spf13/cobra"
)

func newImportCloudEvents(a *app) *cobra.Command {
	var o cloudevents.Options
	c := &cobra.Command{
		Use:   "cloudevents --input FILE... --output DIR",
		Short: "Turn CloudEvents into sections",
		Long: `Turns CloudEvents 1.0 in JSON, one a line or in batches, into events: the source is
the node, the type the stream, and the event before of the same source is a dep: by
time where each event of the source has one, else by place in the inputs.

--cause names an attribute whose value is the id of an event that this one comes
after, such as an extension causationid; of the same source if that has the id, else
of the one source that has it. It is not for traceparent, which names a span: see
import otlp. Of an event's data only the hash is taken over.
` + graphHelp,
		Example: `  omega-check import cloudevents --input events.jsonl --output sections
  omega-check import cloudevents --input events.jsonl --cause causationid --output sections --json`,
	}
	graphFlags(c, &o.Options)
	c.Flags().StringArrayVar(&o.Causes, "cause", nil, "the `NAME` of an attribute that holds a cause's id; repeats")
	return a.runs(c, false, func(ctx context.Context, _ []string) (result, error) {
		return a.importGraph(&o.Options, "event", "source", func() (graph.Summary, error) { return cloudevents.Import(ctx, o) })
	})
}
