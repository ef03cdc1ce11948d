package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/omega-sheaf-os/omega/impl/importer/cloudevents"
	"github.com/omega-sheaf-os/omega/impl/importer/graph"
	"github.com/omega-sheaf-os/omega/impl/importer/otlp"
	"github.com/omega-sheaf-os/omega/impl/importer/shiviz"
)

// spansAMessage is how many spans stand in one message of a trace file.
const spansAMessage = 100

func attribute(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}

// spanAttributes are what a span of a web service carries; no import takes them over.
var spanAttributes = []*commonpb.KeyValue{
	attribute("http.request.method", "GET"), attribute("url.path", "/api/v1/carts/8273/items"),
	attribute("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"), attribute("server.address", "cart-7.shop.internal"),
}

// spans makes a message of spans, from the number first on. Each but some is the
// child of an earlier one.
func spans(first int, r *rand.Rand) *tracepb.TracesData {
	id := func(i int) (trace, span []byte) {
		return binary.BigEndian.AppendUint64(make([]byte, 8), uint64(i/50+1)), binary.BigEndian.AppendUint64(nil, uint64(i+1))
	}
	in := &tracepb.ScopeSpans{Scope: &commonpb.InstrumentationScope{Name: "io.opentelemetry.http"}}
	for i := first; i < first+spansAMessage; i++ {
		s := &tracepb.Span{Name: "GET /api/v1/carts/{id}/items", Kind: tracepb.Span_SPAN_KIND_SERVER, Attributes: spanAttributes,
			StartTimeUnixNano: 1_700_000_000_000_000_000 + uint64(i)*1000, EndTimeUnixNano: 1_700_000_000_000_000_000 + uint64(i)*1000 + r.Uint64N(1e9)}
		s.TraceId, s.SpanId = id(i)
		if i%50 > 0 {
			_, s.ParentSpanId = id(i - 1 - r.IntN(i%50))
		}
		in.Spans = append(in.Spans, s)
	}
	return &tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{in},
		Resource: &resourcepb.Resource{Attributes: []*commonpb.KeyValue{attribute("service.name", fmt.Sprintf("service-%d", first/spansAMessage%8))}}}}}
}

// jsonSpans writes a message as OTLP/JSON.
func jsonSpans(m *tracepb.TracesData) []byte {
	var b bytes.Buffer
	for _, r := range m.ResourceSpans {
		fmt.Fprintf(&b, `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":%q}}]},"scopeSpans":[{"scope":{"name":%q},"spans":[`,
			r.Resource.Attributes[0].Value.GetStringValue(), r.ScopeSpans[0].Scope.Name)
		for i, s := range r.ScopeSpans[0].Spans {
			b.WriteString(strings.Repeat(",", min(i, 1)))
			fmt.Fprintf(&b, `{"traceId":"%x","spanId":"%x","parentSpanId":"%x","name":%q,"kind":%d,"startTimeUnixNano":"%d","endTimeUnixNano":"%d","attributes":[`,
				s.TraceId, s.SpanId, s.ParentSpanId, s.Name, s.Kind, s.StartTimeUnixNano, s.EndTimeUnixNano)
			for i, a := range s.Attributes {
				fmt.Fprintf(&b, `%s{"key":%q,"value":{"stringValue":%q}}`, strings.Repeat(",", min(i, 1)), a.Key, a.Value.GetStringValue())
			}
			b.WriteString(`],"status":{}}`)
		}
		b.WriteString("]}]}]}\n")
	}
	return b.Bytes()
}

// traceFiles writes n spans in both forms, and returns their bytes.
func traceFiles(n int) (lines, delimited []byte, err error) {
	r := rand.New(rand.NewPCG(6, 4))
	for first := 0; first < n; first += spansAMessage {
		m := spans(first, r)
		lines = append(lines, jsonSpans(m)...)
		body, err := proto.Marshal(m)
		if err != nil {
			return nil, nil, err
		}
		delimited = append(binary.BigEndian.AppendUint32(delimited, uint32(len(body))), body...)
	}
	return lines, delimited, nil
}

// bareSpan is what an import needs of a span.
type bareSpan struct {
	TraceID, SpanID, ParentSpanID, Name string
	Kind                                int
	StartTimeUnixNano, EndTimeUnixNano  string
	Links                               []struct{ TraceID, SpanID string }
	Status                              struct{ Code int }
}

func bareJSON[T any](file []byte) {
	for line := range bytes.Lines(file) {
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			panic(err)
		}
	}
}

type bareTraces struct {
	ResourceSpans []struct {
		Resource   struct{ Attributes []struct{ Key string } }
		ScopeSpans []struct {
			Scope struct{ Name string }
			Spans []bareSpan
		}
	}
}

func bareProtobuf(file []byte) {
	for at := 0; at < len(file); {
		n := int(binary.BigEndian.Uint32(file[at:]))
		var m tracepb.TracesData
		if err := proto.Unmarshal(file[at+4:at+4+n], &m); err != nil {
			panic(err)
		}
		at += 4 + n
	}
}

type bareEvent struct{ SpecVersion, ID, Source, Type, Time, CausationID string }

func eventFile(n int) []byte {
	var b bytes.Buffer
	cause := "null"
	for i := range n {
		fmt.Fprintf(&b, `{"specversion":"1.0","id":"%d","source":"/shop/%d","type":"com.example.order.placed","time":"2026-01-02T03:%02d:%02d.%06dZ","causationid":%s,"datacontenttype":"application/json","data":{"order":%d,"items":[{"sku":"A-%d","n":2},{"sku":"B-1","n":1}],"note":"leave it at the door, thanks"}}`+"\n",
			i, i%8, i/60_000_000%60, i/1_000_000%60, i%1_000_000, cause, i, i)
		cause = strconv.Quote(strconv.Itoa(i / 2 * 2))
	}
	return b.Bytes()
}

func clockFile(n int) []byte {
	var b bytes.Buffer
	var counts [4]int
	for i := range n {
		counts[i%4]++
		fmt.Fprintf(&b, "received a message and answered it\nhost-%d {", i%4)
		for h, count := range counts {
			fmt.Fprintf(&b, `%s"host-%d":%d`, strings.Repeat(", ", min(h, 1)), h, count)
		}
		b.WriteString("}\n")
	}
	return b.Bytes()
}

var clockExpression = regexp.MustCompile(shiviz.DefaultExpression)

func benchImport(dir string, short bool) ([]row, error) {
	n, repeat := 200_000, 7
	if short {
		n, repeat = 100_000, 5
	}
	lines, delimited, err := traceFiles(n)
	if err != nil {
		return nil, err
	}
	events, clocks := eventFile(n), clockFile(n/2)
	var rows []row
	for _, c := range []struct {
		name, peer string
		bound      float64
		file       []byte
		bare       func()
		run        func(o graph.Options) (graph.Summary, error)
	}{
		{"import otlp, JSON", "encoding/json over the same bytes", 0.6, lines, func() { bareJSON[bareTraces](lines) },
			func(o graph.Options) (graph.Summary, error) {
				return otlp.Import(context.Background(), otlp.Options{Options: o})
			}},
		{"import otlp, protobuf", "proto.Unmarshal of the same bytes", 0.3, delimited, func() { bareProtobuf(delimited) },
			func(o graph.Options) (graph.Summary, error) {
				return otlp.Import(context.Background(), otlp.Options{Options: o})
			}},
		{"import cloudevents", "encoding/json over the same bytes", 0.4, events, func() { bareJSON[bareEvent](events) },
			func(o graph.Options) (graph.Summary, error) {
				return cloudevents.Import(context.Background(), cloudevents.Options{Options: o, Causes: []string{"causationid"}})
			}},
		{"import shiviz", "the regular expression over the same bytes", 0.25, clocks, func() { runtime.KeepAlive(clockExpression.FindAllSubmatchIndex(clocks, -1)) },
			func(o graph.Options) (graph.Summary, error) {
				return shiviz.Import(context.Background(), shiviz.Options{Options: o})
			}},
	} {
		in := filepath.Join(dir, "import")
		if err := os.WriteFile(in, c.file, 0o600); err != nil {
			return nil, err
		}
		var failed error
		ratios := turns(repeat, c.bare, func() {
			o := graph.Options{Inputs: []string{in}, Output: filepath.Join(dir, "imported")}
			if s, err := c.run(o); err != nil || len(s.Notes) > 0 {
				failed = fmt.Errorf("%s: %v, %v", c.name, s.Notes, err)
			}
			if err := os.RemoveAll(o.Output); err != nil {
				failed = err
			}
		})
		if failed != nil {
			return nil, failed
		}
		rows = append(rows, row{name: c.name, bound: c.bound, compares: c.peer + " / import, sections on disk", ratios: ratios})
	}
	return rows, nil
}
