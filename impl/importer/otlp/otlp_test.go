package otlp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/importer/graph"
	"github.com/omega-sheaf-os/omega/impl/importer/importtest"
)

// plainSpan is a span in plain words.
type plainSpan struct {
	namespace, service, instance, scope string
	trace, id, parent                   string // hex; parent empty for none
	links                               [][2]string
	name                                string
	kind, status                        int
	start, end                          uint64
}

func idOf(trace, span string) graph.ID {
	sum := sha256.Sum256([]byte("omega/import/otlp/v1\x00" + unhex(trace) + unhex(span)))
	return graph.ID(sum[:14])
}

func unhex(s string) string {
	var b []byte
	if _, err := fmt.Sscanf(s, "%x", &b); err != nil {
		panic(err)
	}
	return string(b)
}

// event works out the event of a span. known tells which spans are in the inputs.
func (s *plainSpan) event(known map[graph.ID]bool) importtest.Event {
	e := importtest.Event{ID: idOf(s.trace, s.id), Stream: s.scope, Writer: s.service}
	if s.service == "" {
		e.Writer = "unknown_service"
	}
	if s.namespace != "" {
		e.Writer = s.namespace + "/" + e.Writer
	}
	if s.instance != "" {
		e.Writer += " " + s.instance
	}
	payload := fmt.Sprintf("trace %s\nspan %s\n", s.trace, s.id)
	if s.parent != "" {
		payload += fmt.Sprintf("parent %s\n", s.parent)
		e.Causes = append(e.Causes, idOf(s.trace, s.parent))
	}
	for _, l := range s.links {
		payload += fmt.Sprintf("link %s %s\n", l[0], l[1])
		e.Causes = append(e.Causes, idOf(l[0], l[1]))
	}
	if s.scope != "" {
		payload += "scope " + s.scope + "\n"
	}
	if s.name != "" {
		payload += "name " + s.name + "\n"
	}
	e.Payload = payload + fmt.Sprintf("kind %s\nstatus %s\nstart %s\nend %s\n",
		[]string{"unspecified", "internal", "server", "client", "producer", "consumer"}[s.kind],
		[]string{"unset", "ok", "error"}[s.status], orDash(s.start), orDash(s.end))
	e.Causes = slices.DeleteFunc(e.Causes, func(id graph.ID) bool { return !known[id] })
	e.Value = plainMilliseconds(s.start, s.end)
	return e
}

func orDash(n uint64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

// plainMilliseconds is the value by exact fractions.
func plainMilliseconds(start, end uint64) int32 {
	if start == 0 || end == 0 {
		return 0
	}
	d := new(big.Int).Sub(new(big.Int).SetUint64(end), new(big.Int).SetUint64(start))
	floor, rest := new(big.Int).DivMod(d, big.NewInt(1000), new(big.Int))
	if rest.Int64() > 500 || rest.Int64() == 500 && floor.Bit(0) == 1 {
		floor.Add(floor, big.NewInt(1))
	}
	if floor.Cmp(big.NewInt(math.MaxInt32)) > 0 {
		return math.MaxInt32
	}
	if floor.Cmp(big.NewInt(math.MinInt32)) < 0 {
		return math.MinInt32
	}
	return int32(floor.Int64())
}

// draw makes spans whose parents and links are earlier ones, or missing.
func draw(t *rapid.T) []plainSpan {
	n := rapid.IntRange(1, 12).Draw(t, "spans")
	spans := make([]plainSpan, n)
	id := func(size, i int) string { return fmt.Sprintf("%0*x", 2*size, i+1) }
	for i := range spans {
		s := &spans[i]
		s.namespace = rapid.SampledFrom([]string{"", "shop"}).Draw(t, "namespace")
		s.service = rapid.SampledFrom([]string{"", "cart", "billing"}).Draw(t, "service")
		s.instance = rapid.SampledFrom([]string{"", "pod-1"}).Draw(t, "instance")
		s.scope = rapid.SampledFrom([]string{"", "http", "db"}).Draw(t, "scope")
		s.trace, s.id = id(16, rapid.IntRange(0, 1).Draw(t, "trace")), id(8, i)
		s.name = rapid.SampledFrom([]string{"", "GET /", "caf\u00e9 \"x\" <b>"}).Draw(t, "name")
		s.kind, s.status = rapid.IntRange(0, 5).Draw(t, "kind"), rapid.IntRange(0, 2).Draw(t, "status")
		s.start = rapid.SampledFrom([]uint64{0, 1, 1700000000000000000, math.MaxUint64}).Draw(t, "start")
		s.end = s.start + rapid.Uint64Range(0, 5000).Draw(t, "lasts")
		if rapid.IntRange(0, 9).Draw(t, "long") == 0 {
			s.end = rapid.Uint64().Draw(t, "end")
		}
		if i > 0 && rapid.Bool().Draw(t, "child") {
			parent := &spans[rapid.IntRange(0, i-1).Draw(t, "parent")]
			s.trace, s.parent = parent.trace, parent.id
		} else if rapid.IntRange(0, 4).Draw(t, "orphan") == 0 {
			s.parent = id(8, 99)
		}
		for range rapid.IntRange(0, 2).Draw(t, "links") {
			l := [2]string{s.trace, id(8, 77)}
			if i > 0 {
				linked := &spans[rapid.IntRange(0, i-1).Draw(t, "linked")]
				l = [2]string{linked.trace, linked.id}
			}
			s.links = append(s.links, l)
		}
	}
	return spans
}

func text(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}

// tracesOf makes OpenTelemetry's own message of some spans, a resource a span.
func tracesOf(spans []plainSpan) *tracepb.TracesData {
	m := &tracepb.TracesData{}
	for _, s := range spans {
		p := &tracepb.Span{TraceId: []byte(unhex(s.trace)), SpanId: []byte(unhex(s.id)), Name: s.name,
			Kind: tracepb.Span_SpanKind(s.kind), StartTimeUnixNano: s.start, EndTimeUnixNano: s.end,
			TraceState: "a=b", Flags: 1, DroppedAttributesCount: 3,
			Attributes: []*commonpb.KeyValue{text("user.email", "ada@example.org"), {Key: "n", Value: &commonpb.AnyValue{
				Value: &commonpb.AnyValue_IntValue{IntValue: 5}}}},
			Events: []*tracepb.Span_Event{{Name: "exception", TimeUnixNano: 7}}}
		if s.parent != "" {
			p.ParentSpanId = []byte(unhex(s.parent))
		}
		for _, l := range s.links {
			p.Links = append(p.Links, &tracepb.Span_Link{TraceId: []byte(unhex(l[0])), SpanId: []byte(unhex(l[1])), TraceState: "x"})
		}
		if s.status != 0 {
			p.Status = &tracepb.Status{Code: tracepb.Status_StatusCode(s.status), Message: "no"}
		}
		r := &resourcepb.Resource{Attributes: []*commonpb.KeyValue{text("host.name", "h")}}
		for _, a := range [][2]string{{"service.namespace", s.namespace}, {"service.name", s.service}, {"service.instance.id", s.instance}} {
			if a[1] != "" {
				r.Attributes = append(r.Attributes, text(a[0], a[1]))
			}
		}
		in := &tracepb.ScopeSpans{Spans: []*tracepb.Span{p}}
		if s.scope != "" {
			in.Scope = &commonpb.InstrumentationScope{Name: s.scope, Version: "1"}
		}
		m.ResourceSpans = append(m.ResourceSpans, &tracepb.ResourceSpans{Resource: r, ScopeSpans: []*tracepb.ScopeSpans{in}, SchemaUrl: "u"})
	}
	return m
}

// toJSON writes a message as OTLP/JSON: protobuf's own JSON, with the ids in hex.
func toJSON(t require.TestingT, m *tracepb.TracesData, numbers bool) []byte {
	b, err := protojson.MarshalOptions{UseEnumNumbers: numbers}.Marshal(m)
	require.NoError(t, err)
	var value any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	require.NoError(t, d.Decode(&value))
	hexIDs(value)
	b, err = json.Marshal(value) // sorts the members: spans come behind their scope, and the resource before both
	require.NoError(t, err)
	return b
}

func hexIDs(value any) {
	switch v := value.(type) {
	case []any:
		for _, e := range v {
			hexIDs(e)
		}
	case map[string]any:
		for name, member := range v {
			switch name {
			case "traceId", "spanId", "parentSpanId":
				var raw []byte
				_ = json.Unmarshal([]byte(`"`+member.(string)+`"`), &raw)
				v[name] = fmt.Sprintf("%X", raw)
			default:
				hexIDs(member)
			}
		}
	}
}

func load(t require.TestingT, dir string, format Format, files ...[]byte) (string, graph.Summary, error) {
	temp, err := os.MkdirTemp(dir, "")
	require.NoError(t, err)
	o := Options{Options: graph.Options{Output: filepath.Join(temp, "out")}, Format: format}
	for i, b := range files {
		o.Inputs = append(o.Inputs, filepath.Join(temp, fmt.Sprint("in", i)))
		require.NoError(t, os.WriteFile(o.Inputs[i], b, 0o666))
	}
	s, err := Import(context.Background(), o)
	return o.Output, s, err
}

// split deals spans to n parts.
func split(t *rapid.T, spans []plainSpan, n int) [][]plainSpan {
	parts := make([][]plainSpan, n)
	for _, s := range spans {
		i := rapid.IntRange(0, n-1).Draw(t, "part")
		parts[i] = append(parts[i], s)
	}
	return parts
}

func delimited(t require.TestingT, b []byte, m *tracepb.TracesData) []byte {
	body, err := proto.Marshal(m)
	require.NoError(t, err)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(body))), body...)
}

func TestAnySpansInAnyFormGiveTheEventsOfAPlainReading(t *testing.T) {
	dir := importtest.Dir(t)
	rapid.Check(t, func(t *rapid.T) {
		spans := draw(t)
		known := map[graph.ID]bool{}
		notes := map[string]uint64{}
		for _, s := range spans {
			known[idOf(s.trace, s.id)] = true
		}
		var events []importtest.Event
		for _, s := range spans {
			events = append(events, s.event(known))
			count := func(cause string, yes bool) {
				if yes {
					notes[cause]++
				}
			}
			count(NoService, s.service == "")
			count(EndsTooSoon, s.end != 0 && s.end < s.start)
			count(MissingParent, s.parent != "" && !known[idOf(s.trace, s.parent)])
			for _, l := range s.links {
				count(MissingLink, !known[idOf(l[0], l[1])])
			}
		}
		var first map[string]string
		for _, form := range []string{"lines", rapid.SampledFrom([]string{"one value", "delimited", "bare"}).Draw(t, "form")} {
			var file []byte
			order := rapid.Permutation(spans).Draw(t, "order")
			switch form {
			case "lines":
				for _, part := range split(t, order, 3) {
					file = append(append(file, toJSON(t, tracesOf(part), rapid.Bool().Draw(t, "numbers"))...), '\n')
				}
			case "one value":
				var indented bytes.Buffer
				require.NoError(t, json.Indent(&indented, toJSON(t, tracesOf(order), true), "", "  "))
				file = indented.Bytes()
			case "delimited":
				for _, part := range split(t, order, 3) {
					file = delimited(t, file, tracesOf(part))
				}
			case "bare":
				var err error
				file, err = proto.Marshal(tracesOf(order))
				require.NoError(t, err)
			}
			out, s, err := load(t, dir, Auto, file)
			require.NoError(t, err, form)
			importtest.Check(t, out, s, events)
			require.Equal(t, notes, importtest.Counts(s.Notes), form)
			require.Zero(t, s.Duplicates)
			if first == nil {
				first = importtest.Files(t, out)
			}
			require.Equal(t, first, importtest.Files(t, out), form)
		}
	})
}

func TestTheManualsPayloadIsARealOne(t *testing.T) {
	s := plainSpan{service: "cart", scope: "io.opentelemetry.http", trace: "5b8efff798038103d269b633813fc60c", id: "eee19b7ec3c1b174",
		parent: "eee19b7ec3c1b173", links: [][2]string{{"0102030405060708090a0b0c0d0e0f10", "1112131415161718"}},
		name: "GET /cart", kind: 2, status: 2, start: 1700000000000000000, end: 1700000000012345678}
	out, _, err := load(t, importtest.Dir(t), Auto, toJSON(t, tracesOf([]plainSpan{s}), true))
	require.NoError(t, err)
	manual := importtest.Manual(t, "otlp.go", "// The payload")
	require.Contains(t, importtest.Files(t, out)["0001-cart.omega"], manual)
	require.Equal(t, s.event(nil).Payload, manual)
	require.EqualValues(t, 12346, s.event(nil).Value)
}

func TestDurationsAreRoundedHalfToEvenAndClamped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		near := rapid.SampledFrom([]uint64{1, 1 << 40, math.MaxUint64 - 1<<41}).Draw(t, "near")
		start := near + rapid.Uint64Range(0, 1<<41).Draw(t, "start")/500*500
		end := near + rapid.Uint64Range(0, 1<<41).Draw(t, "end")/500*500
		require.Equal(t, plainMilliseconds(start, end), milliseconds(start, end))
	})
	for _, c := range []struct {
		start, end uint64
		want       int32
	}{{0, 9000, 0}, {9000, 0, 0}, {1, math.MaxUint64, math.MaxInt32}, {math.MaxUint64, 1, math.MinInt32}, {1, 501, 0}, {1, 1501, 2}, {1501, 1, -2}} {
		require.Equal(t, c.want, milliseconds(c.start, c.end))
	}
}

// line makes a JSON request of one span with the given members.
func line(members string) string {
	return `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},"scopeSpans":[{"spans":[{` + members + `}]}]}]}` + "\n"
}

const (
	goodTrace = `"traceId":"0102030405060708090a0b0c0d0e0f10"`
	good      = goodTrace + `,"spanId":"0102030405060708"`
)

func TestWhatCannotBeMappedIsNamed(t *testing.T) {
	long := strings.Repeat("n", 1023) + "\u00e9"
	var many strings.Builder
	for i := range 65_536 {
		fmt.Fprintf(&many, `,{%s,"spanId":"01020304%08x"}`, goodTrace, i)
	}
	cases := map[string]struct {
		text, says string
		want       map[string]uint64
		events     uint64
	}{
		"short trace id":    {line(`"traceId":"0102","spanId":"0102030405060708"`), "the trace id has 2 bytes, want 16", map[string]uint64{BadTraceID: 1}, 1},
		"long trace id":     {line(`"traceId":"` + strings.Repeat("0a", 17) + `","spanId":"0102030405060708"`), "the trace id has 17 bytes", map[string]uint64{BadTraceID: 1}, 1},
		"zero trace id":     {line(`"traceId":"00000000000000000000000000000000","spanId":"0102030405060708"`), "the trace id is zero", map[string]uint64{BadTraceID: 1}, 1},
		"base64 trace id":   {line(`"traceId":"W47/95gDgQPSabYzgT/GDA==","spanId":"0102030405060708"`), "the trace id is no hex", map[string]uint64{BadTraceID: 1}, 1},
		"trace id a number": {line(`"traceId":5,"spanId":"0102030405060708"`), "the trace id is no hex", map[string]uint64{BadTraceID: 1}, 1},
		"no trace id":       {line(`"traceId":null,"spanId":"0102030405060708"`), "the trace id has 0 bytes", map[string]uint64{BadTraceID: 1}, 1},
		"zero span id":      {line(goodTrace + `,"spanId":"0000000000000000"`), "the span id is zero", map[string]uint64{BadSpanID: 1}, 1},
		"odd span id":       {line(goodTrace + `,"spanId":"010"`), "the span id is no hex", map[string]uint64{BadSpanID: 1}, 1},
		"zero parent":       {line(good + `,"parentSpanId":"0000000000000000"`), "the parent's span id is zero", map[string]uint64{BadParentID: 1}, 2},
		"parent no hex":     {line(good + `,"parentSpanId":"x"`), "the parent's span id is no hex", map[string]uint64{BadParentID: 1}, 2},
		"empty parent":      {line(good + `,"parentSpanId":""`), "", map[string]uint64{}, 2},
		"missing parent":    {line(good + `,"parentSpanId":"0102030405060709"`), "the parent is in none of the inputs", map[string]uint64{MissingParent: 1}, 2},
		"own parent":        {line(good + `,"parentSpanId":"0102030405060708"`), "names itself", map[string]uint64{graph.Cycle: 1}, 2},
		"bad links": {line(good + `,"links":[{"traceId":"01","spanId":"0102030405060708"},{` + goodTrace + `},{}]`),
			"the trace id of a link has 1 bytes", map[string]uint64{BadLinkID: 3}, 2},
		"missing link":      {line(good + `,"links":[{` + goodTrace + `,"spanId":"0102030405060709"}]`), "the linked span is in none", map[string]uint64{MissingLink: 1}, 2},
		"too many links":    {line(good + `,"links":[` + many.String()[1:] + `]`), "the span has 65536 links, the first 65534 are kept", map[string]uint64{TooManyLinks: 1, MissingLink: 65_534}, 2},
		"bad time":          {line(good + `,"startTimeUnixNano":"soon","endTimeUnixNano":-1`), "the time is no number", map[string]uint64{BadTime: 2}, 2},
		"ends too soon":     {line(good + `,"startTimeUnixNano":"9","endTimeUnixNano":7`), "the span ends 2 ns before it starts", map[string]uint64{EndsTooSoon: 1}, 2},
		"long name":         {line(good + `,"name":"` + long + `"`), "the name has 1025 bytes, the first 1023 are kept", map[string]uint64{"long-text": 1}, 2},
		"spans no array":    {`{"resourceSpans":[{"scopeSpans":{}}]}`, `"scopeSpans" is no array`, map[string]uint64{BadStructure: 1, NoService: 1}, 1},
		"a span no object":  {`{"resourceSpans":[5]}`, `an element of "resourceSpans" is no object`, map[string]uint64{BadStructure: 1}, 1},
		"metrics":           {`{"resourceMetrics":[]}`, `the object has no "resourceSpans"`, map[string]uint64{NotTraces: 1}, 1},
		"a batch":           {`[]`, "the value is no object", map[string]uint64{NotTraces: 1}, 1},
		"an empty request":  {"{}\n" + `{"resourceSpans":null}` + "\n" + `{"resourceSpans":[]}`, "", map[string]uint64{}, 1},
		"no JSON":           {"{\"resourceSpans\":\n", "the file ends within a value", map[string]uint64{graph.BadJSON: 1}, 1},
		"conflict":          {line(good+`,"name":"b"`) + line(good+`,"name":"a"`), "another event of the same identity stays", map[string]uint64{graph.Conflict: 1}, 2},
		"no service name":   {`{"resourceSpans":[{"scopeSpans":[{"spans":[{` + good + `}]}]}]}`, "unknown_service", map[string]uint64{NoService: 1}, 2},
		"a cycle of two":    {line(good+`,"parentSpanId":"0102030405060709"`) + line(goodTrace+`,"spanId":"0102030405060709","parentSpanId":"0102030405060708"`), "2 events lie on its cycle", map[string]uint64{graph.Cycle: 2}, 3},
		"enums of no names": {line(good + `,"kind":"SPAN_KIND_NEW","status":{"code":7}`), "", map[string]uint64{}, 2},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			other := line(`"traceId":"ffffffffffffffffffffffffffffffff","spanId":"ffffffffffffffff"`)
			_, s, err := load(t, importtest.Dir(t), JSON, []byte(other+c.text))
			require.NoError(t, err)
			require.Equal(t, c.want, importtest.Counts(s.Notes))
			require.Equal(t, c.events, s.Events)
			said := ""
			for _, n := range s.Notes {
				said += n.First[0].Message + "\n"
				require.GreaterOrEqual(t, n.First[0].Line, int64(2))
			}
			require.Contains(t, said, c.says)
		})
	}
}

func TestMembersMayComeInAnyOrder(t *testing.T) {
	front := line(good + `,"name":"n"`)
	back := `{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"n",` + good + `}],"scope":{"name":"http"}}],"resource":{"attributes":` +
		`[{"value":{"stringValue":"s"},"key":"service.name"}]}}]}`
	front = strings.Replace(front, `{"spans"`, `{"scope":{"name":"http"},"spans"`, 1)
	one, _, err := load(t, importtest.Dir(t), Auto, []byte(front))
	require.NoError(t, err)
	two, _, err := load(t, importtest.Dir(t), Auto, []byte(back))
	require.NoError(t, err)
	require.Equal(t, importtest.Files(t, one), importtest.Files(t, two))
}

func TestDamagedMessagesAreLeftOutAlone(t *testing.T) {
	first := delimited(t, nil, tracesOf([]plainSpan{{service: "s", trace: strings.Repeat("01", 16), id: strings.Repeat("01", 8)}}))
	bad := append([]byte(nil), first...)
	bad[4] = 1<<3 | 4 // the end of a group that never began
	third := delimited(t, nil, tracesOf([]plainSpan{{service: "s", trace: strings.Repeat("02", 16), id: strings.Repeat("02", 8)}}))
	for name, c := range map[string]struct {
		tail, says string
		offset     int
	}{
		"a bad message":  {string(bad) + string(third), "no message of traces", len(first) + 4},
		"a torn message": {string(third) + string(third[:20]), "the message has", len(first) + len(third)},
		"a torn length":  {string(third) + "\x00\x00", "2 left-over bytes", len(first) + len(third)},
	} {
		t.Run(name, func(t *testing.T) {
			_, s, err := load(t, importtest.Dir(t), Auto, append(append([]byte{0, 0, 0, 0}, first...), c.tail...))
			require.NoError(t, err)
			require.EqualValues(t, 2, s.Events)
			require.Equal(t, map[string]uint64{BadProtobuf: 1}, importtest.Counts(s.Notes))
			require.Contains(t, s.Notes[0].First[0].Message, c.says)
			require.EqualValues(t, c.offset+4, s.Notes[0].First[0].Offset)
			require.Zero(t, s.Notes[0].First[0].Line)
		})
	}
}

// nest puts bytes into fields of messages, the innermost number last.
func nest(b []byte, numbers ...protowire.Number) []byte {
	for _, n := range slices.Backward(numbers) {
		b = protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), b)
	}
	return b
}

func TestAMessageIsJudgedAsFarAsItIsRead(t *testing.T) {
	bad := []byte{0x0a, 0x05, 0x01} // a field of five bytes that has one
	for name, path := range map[string][]protowire.Number{
		"resource spans": {1}, "resource": {1, 1}, "attribute": {1, 1, 1}, "its value": {1, 1, 1, 2},
		"scope spans": {1, 2}, "scope": {1, 2, 1}, "span": {1, 2, 2}, "link": {1, 2, 2, 13}, "status": {1, 2, 2, 15},
	} {
		require.False(t, traces.fits(nest(bad, path...)), name)
		require.True(t, traces.fits(nest(nil, path...)), name)
	}
	for name, path := range map[string][]protowire.Number{"span event": {1, 2, 2, 11}, "span attribute": {1, 2, 2, 9}, "unknown": {7}} {
		require.True(t, traces.fits(nest(bad, path...)), name)
	}
}

func TestTheSpanThatStaysKeepsItsOwnParent(t *testing.T) {
	trace := strings.Repeat("01", 16)
	root := plainSpan{service: "s", trace: trace, id: strings.Repeat("01", 8)}
	other := plainSpan{service: "s", trace: trace, id: strings.Repeat("02", 8)}
	less, more := plainSpan{service: "s", trace: trace, id: strings.Repeat("03", 8)}, plainSpan{service: "s", trace: trace, id: strings.Repeat("03", 8)}
	less.parent, more.parent = root.id, other.id
	known := map[graph.ID]bool{idOf(trace, root.id): true, idOf(trace, other.id): true}
	for _, order := range [][]plainSpan{{root, other, less, more}, {more, less, root, other}} {
		out, s, err := load(t, importtest.Dir(t), Auto, toJSON(t, tracesOf(order), true))
		require.NoError(t, err)
		importtest.Check(t, out, s, []importtest.Event{root.event(nil), other.event(nil), less.event(known)})
		require.Equal(t, map[string]uint64{graph.Conflict: 1}, importtest.Counts(s.Notes))
	}
}

func TestTheFormIsToldByTheFirstBytesOrByName(t *testing.T) {
	m := tracesOf([]plainSpan{{service: "s", trace: strings.Repeat("01", 16), id: strings.Repeat("01", 8)}})
	bare, err := proto.Marshal(m)
	require.NoError(t, err)
	framed := delimited(t, nil, m)
	// A bare message whose first bytes are those of JSON behind an empty line.
	odd, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{SchemaUrl: strings.Repeat("u", '{'-2)}}})
	require.NoError(t, err)
	require.Equal(t, "\n{", string(odd[:2]))
	for text, want := range map[string]Format{
		"": JSON, "\ufeff \n{}": JSON, "\n{\"resourceSpans\":[]}": JSON, "{": JSON,
		string(bare): Protobuf, string(odd): Protobuf, string(framed): Delimited, "\x00\x00\x00\x00" + string(framed): Delimited,
		string(bare[:len(bare)-1]): Auto, string(framed[:len(framed)-1]): Auto, "hello": Auto, "\x00\x00\x00\x00": Auto, "[]": Auto,
	} {
		require.Equal(t, want, detect([]byte(text)), "%q", text)
	}
	_, _, err = load(t, importtest.Dir(t), Auto, []byte("hello"))
	require.ErrorIs(t, err, ErrFormat)
	_, s, err := load(t, importtest.Dir(t), Delimited, append(append([]byte{0, 0, 0, 1, 0xff}, framed...), 0))
	require.NoError(t, err)
	require.Equal(t, map[string]uint64{BadProtobuf: 2}, importtest.Counts(s.Notes))
	_, _, err = load(t, importtest.Dir(t), Protobuf, framed)
	require.ErrorIs(t, err, graph.ErrEmpty)
}

// FuzzProtobuf compares what is read of a message with what protobuf's own reader
// says that it holds.
func FuzzProtobuf(f *testing.F) {
	b, err := proto.Marshal(tracesOf([]plainSpan{{service: "s", scope: "c", trace: strings.Repeat("01", 16), id: strings.Repeat("01", 8),
		parent: strings.Repeat("02", 8), links: [][2]string{{strings.Repeat("01", 16), strings.Repeat("03", 8)}}, name: "n", kind: 3, status: 1, start: 5, end: 9}}))
	require.NoError(f, err)
	f.Add(b)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var m tracepb.TracesData
		if proto.Unmarshal(b, &m) != nil {
			_, _, _ = load(t, importtest.Dir(t), Protobuf, b)
			return
		}
		want := map[graph.ID]bool{}
		for _, r := range m.ResourceSpans {
			for _, s := range r.ScopeSpans {
				for _, p := range s.Spans {
					if len(p.TraceId) == 16 && len(p.SpanId) == 8 && strings.Trim(string(p.TraceId), "\x00") != "" && strings.Trim(string(p.SpanId), "\x00") != "" {
						want[idOf(fmt.Sprintf("%x", p.TraceId), fmt.Sprintf("%x", p.SpanId))] = true
					}
				}
			}
		}
		out, s, err := load(t, importtest.Dir(t), Protobuf, b)
		if len(want) == 0 {
			require.ErrorIs(t, err, graph.ErrEmpty)
			return
		}
		require.NoError(t, err)
		require.EqualValues(t, len(want), s.Events)
		require.NotEmpty(t, importtest.Files(t, out))
	})
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(line(good + `,"name":"n","kind":2,"links":[{` + good + `}],"status":{"code":1}`)))
	f.Add([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{` + good + `}]}],"resource":{}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, s, err := load(t, importtest.Dir(t), JSON, b)
		if err != nil {
			require.True(t, strings.Contains(err.Error(), graph.ErrEmpty.Error()) || strings.Contains(err.Error(), graph.ErrCompressed.Error()), "%v", err)
			return
		}
		again, _, err := load(t, importtest.Dir(t), JSON, append(append(b, '\n'), b...))
		require.NoError(t, err)
		require.Equal(t, importtest.Files(t, out), importtest.Files(t, again), s)
	})
}
