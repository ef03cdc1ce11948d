package main

import (
	"context"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/importer/graph"
	"github.com/omega-sheaf-os/omega/impl/importer/otlp"
	"github.com/spf13/cobra"
)

// otlpFormats are the values of --format.
var otlpFormats = []string{"auto", string(otlp.JSON), string(otlp.Delimited), string(otlp.Protobuf)}

func newImportOTLP(a *app) *cobra.Command {
	var o otlp.Options
	var format string
	c := &cobra.Command{
		Use:   "otlp --input FILE... --output DIR",
		Short: "Turn OpenTelemetry traces into sections",
		Long: `Turns the spans of OpenTelemetry traces into events: the service instance is the
node (service.namespace, service.name and service.instance.id), the instrumentation
scope the stream, the parent and the links are the deps, and the value is the
duration in milliseconds. No attribute is taken over.

--format is json (requests as JSON objects, one a line or otherwise), delimited
(protobuf messages behind lengths of four bytes, as the collector's file exporter
writes), protobuf (one bare message), or auto, which goes by the first bytes.
Compressed files must be expanded first.
` + graphHelp,
		Example: `  omega-check import otlp --input traces.jsonl --output sections
  omega-check import otlp --input a.pb --input b.pb --format delimited --output sections --json`,
	}
	graphFlags(c, &o.Options)
	c.Flags().StringVar(&format, "format", "auto", "`FORM` of the files: "+strings.Join(otlpFormats, ", "))
	must(c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(otlpFormats, cobra.ShellCompDirectiveNoFileComp)))
	return a.runs(c, false, func(ctx context.Context, _ []string) (result, error) {
		if !slices.Contains(otlpFormats, format) {
			return nil, usage("there is no format %q: it is one of %s", format, strings.Join(otlpFormats, ", "))
		}
		if format != "auto" {
			o.Format = otlp.Format(format)
		}
		return a.importGraph(&o.Options, "span", "service instance", func() (graph.Summary, error) { return otlp.Import(ctx, o) })
	})
}
