package cloudevents

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/importer/graph"
	"github.com/omega-sheaf-os/omega/impl/importer/importtest"
)

func load(t require.TestingT, dir string, causes []string, files ...string) (string, graph.Summary, error) {
	temp, err := os.MkdirTemp(dir, "")
	require.NoError(t, err)
	o := Options{Options: graph.Options{Output: filepath.Join(temp, "out")}, Causes: causes}
	for i, text := range files {
		o.Inputs = append(o.Inputs, filepath.Join(temp, fmt.Sprint("in", i)))
		require.NoError(t, os.WriteFile(o.Inputs[i], []byte(text), 0o666))
	}
	s, err := Import(context.Background(), o)
	return o.Output, s, err
}

func idOf(source, id string) graph.ID {
	length := binary.BigEndian.AppendUint32(nil, uint32(len(source)))
	sum := sha256.Sum256([]byte("omega/import/cloudevents/v1\x00" + string(length) + source + id))
	return graph.ID(sum[:14])
}

// plainEvent is a CloudEvent in plain words.
type plainEvent struct {
	source, id, kind string
	time             string // empty for none
	causes           [2]string
	text             string // as JSON
}

func (e *plainEvent) payload() string {
	p := fmt.Sprintf("id %s\ntype %s\n", e.id, e.kind)
	if e.time != "" {
		p += "time " + e.time + "\n"
	}
	for _, c := range e.causes {
		if c != "" {
			p += "cause " + c + "\n"
		}
	}
	return p + fmt.Sprintf("event %d %x\n", len(e.text), sha256.Sum256([]byte(e.text)))
}

var causeNames = []string{"causationid", "because"}

// draw makes events in the order in which they happened. Their causes are earlier
// ones, or missing, or ids of several sources. Either each has a time of its own, or
// none has.
func draw(t *rapid.T) (events []plainEvent, timed bool) {
	timed = rapid.Bool().Draw(t, "timed")
	ids := []string{"1", "2", "3", "4", "5", "6"}
	seen := map[string]bool{}
	clock := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for range rapid.IntRange(1, 12).Draw(t, "events") {
		e := plainEvent{source: rapid.SampledFrom([]string{"/a", "/b", "urn:c"}).Draw(t, "source"), id: rapid.SampledFrom(ids).Draw(t, "id"),
			kind: rapid.SampledFrom([]string{"placed", "paid"}).Draw(t, "type")}
		if seen[e.source+" "+e.id] {
			continue
		}
		seen[e.source+" "+e.id] = true
		members := map[string]any{"specversion": "1.0", "id": e.id, "source": e.source, "type": e.kind, "subject": nil, "data": map[string]any{"n": []int{1, 2}}}
		for i, name := range causeNames {
			if rapid.Bool().Draw(t, "caused") {
				e.causes[i] = rapid.SampledFrom(ids).Draw(t, "cause")
				members[name] = e.causes[i]
			}
		}
		if timed {
			clock = clock.Add(time.Duration(rapid.Int64Range(1, 1e10).Draw(t, "passes")))
			zone := time.FixedZone("", 3600*rapid.IntRange(-3, 3).Draw(t, "zone"))
			e.time = clock.In(zone).Format(time.RFC3339Nano)
			members["time"] = e.time
		}
		b, err := json.Marshal(members)
		require.NoError(t, err)
		e.text = string(b)
		events = append(events, e)
	}
	return events, timed
}

// plainCauses are the causes of event i: the one before of its source, and those
// that it names. notes counts those it names that cannot be found.
func plainCauses(events []plainEvent, i int, notes map[string]uint64) (causes []graph.ID) {
	e := &events[i]
	for j := i - 1; j >= 0; j-- {
		if events[j].source == e.source {
			causes = append(causes, idOf(e.source, events[j].id))
			break
		}
	}
	for _, id := range e.causes {
		if id == "" {
			continue
		}
		var own, others []plainEvent
		for _, o := range events {
			if o.id == id && o.source == e.source {
				own = append(own, o)
			} else if o.id == id {
				others = append(others, o)
			}
		}
		switch {
		case len(own) == 1:
			causes = append(causes, idOf(e.source, id))
		case len(others) == 1:
			causes = append(causes, idOf(others[0].source, id))
		case len(others) > 1:
			notes[AmbiguousCause]++
		default:
			notes[MissingCause]++
		}
	}
	return causes
}

// later tells whether a cause comes later: then there may be a cycle.
func later(events []plainEvent, i int, causes []graph.ID) bool {
	for _, e := range events[i:] {
		if slices.Contains(causes, idOf(e.source, e.id)) {
			return true
		}
	}
	return false
}

func TestAnyEventsGiveThoseOfAPlainReading(t *testing.T) {
	dir := importtest.Dir(t)
	checked := 0
	rapid.Check(t, func(t *rapid.T) {
		events, timed := draw(t)
		notes := map[string]uint64{}
		var want []importtest.Event
		cyclic := false
		for i := range events {
			e := &events[i]
			causes := plainCauses(events, i, notes)
			cyclic = cyclic || later(events, i, causes)
			want = append(want, importtest.Event{ID: idOf(e.source, e.id), Writer: e.source, Stream: e.kind, Payload: e.payload(), Causes: causes})
		}
		var lines strings.Builder
		for _, e := range events {
			lines.WriteString(e.text + "\n")
		}
		out, s, err := load(t, dir, causeNames, lines.String())
		require.NoError(t, err)
		if !cyclic {
			importtest.Check(t, out, s, want)
			require.Equal(t, notes, importtest.Counts(s.Notes))
			checked++
		}

		// As batches, with white space, each event twice, and in any order where the times tell it.
		order := slices.Clone(events)
		if timed {
			order = rapid.Permutation(order).Draw(t, "order")
		}
		files := []string{"", ""}
		for i, e := range append(slices.Clone(order), order...) {
			file := &files[2*i/(2*len(order))]
			if i%3 == 0 {
				*file += e.text + " "
				continue
			}
			var indented bytes.Buffer
			require.NoError(t, json.Indent(&indented, []byte("["+e.text+"]"), "", "\t"))
			*file += indented.String()
		}
		again, s, err := load(t, dir, causeNames, files...)
		require.NoError(t, err)
		require.EqualValues(t, len(events), s.Duplicates)
		require.Equal(t, importtest.Files(t, out), importtest.Files(t, again))
	})
	require.Greater(t, checked, 10)
}

func TestTheManualsPayloadIsARealOne(t *testing.T) {
	text := `{"specversion":"1.0","id":"A234-1234-1234","source":"/shop","type":"com.example.order.placed","time":"2018-04-05T17:31:00Z",` +
		`"causationid":"B234-1234-1234","data":{"n":1}}`
	out, _, err := load(t, importtest.Dir(t), causeNames, text)
	require.NoError(t, err)
	require.Contains(t, importtest.Files(t, out)["0001-shop.omega"], importtest.Manual(t, "cloudevents.go", "// The payload"))
}

func TestEventsOfASourceGoByTimeOrByPlace(t *testing.T) {
	event := func(source, id, time string) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":%q,"type":"t"%s}`, id, source, time)
	}
	at := func(text string) string { return `,"time":"` + text + `"` }
	order := func(files ...string) string {
		out, s, err := load(t, importtest.Dir(t), nil, files...)
		require.NoError(t, err)
		require.Equal(t, s.Events-s.Writers, s.Causes, "one dep but for the first")
		content := importtest.Files(t, out)
		section := content["0001-a.omega"] + content["0002-a.omega"]
		ids := []string{"one", "two", "three"}
		slices.SortFunc(ids, func(x, y string) int {
			return strings.Index(section, "id "+x+"\n") - strings.Index(section, "id "+y+"\n")
		})
		return strings.Join(ids, " ")
	}
	early, late := at("2026-01-01T12:00:00.5+01:00"), at("2026-01-01T11:30:00Z")
	require.Equal(t, "one two three", order(event("a", "one", "")+event("a", "two", ""), event("a", "three", "")), "by place")
	require.Equal(t, "two one three", order(event("a", "one", late)+event("a", "two", early)+event("a", "three", late)), "by time, then place")
	require.Equal(t, "one two three", order(event("a", "one", late)+event("a", "two", early)+event("a", "three", "")), "one has none")
	require.Equal(t, "two one three", order(event("a", "one", late)+event("b", "other", "")+event("a", "two", early)+event("a", "three", late)), "another source's does not count")
	require.Equal(t, "one two three", order(event("a", "one", late)+event("a", "two", at("yesterday"))+event("a", "three", early)), "a bad one is none")
}

func TestWhatCannotBeMappedIsNamed(t *testing.T) {
	good := `"specversion":"1.0","id":"1","source":"/s","type":"t"`
	cases := map[string]struct {
		text, says string
		want       map[string]uint64
		events     uint64
	}{
		"no object":            {`5 ["x",[]]`, "the value is no object", map[string]uint64{NotEvent: 3}, 1},
		"old version":          {`{"specversion":"0.3","id":"1","source":"/s","type":"t"}`, `specversion is "0.3", want "1.0"`, map[string]uint64{BadVersion: 1}, 1},
		"no version":           {`{}`, `specversion is "", want "1.0"`, map[string]uint64{BadVersion: 1}, 1},
		"no id":                {`{"specversion":"1.0","source":"/s","type":"t"}`, "id is no text", map[string]uint64{BadID: 1}, 1},
		"empty id":             {`{"specversion":"1.0","id":"","source":"/s","type":"t"}`, "id is no text", map[string]uint64{BadID: 1}, 1},
		"id a number":          {`{"specversion":"1.0","id":5,"source":"/s","type":"t"}`, "id is no text", map[string]uint64{BadID: 1}, 1},
		"no source":            {`{"specversion":"1.0","id":"1","source":null,"type":"t"}`, "source is no text", map[string]uint64{BadSource: 1}, 1},
		"long source":          {`{"specversion":"1.0","id":"1","source":"` + strings.Repeat("s", 4097) + `","type":"t"}`, "source has 4097 bytes, at most 4096", map[string]uint64{BadSource: 1}, 1},
		"no type":              {`{"specversion":"1.0","id":"1","source":"/s"}`, "type is no text", map[string]uint64{BadType: 1}, 1},
		"bad time":             {`{` + good + `,"time":"2026-13-01T00:00:00Z"}`, `"2026-13-01T00:00:00Z" is no time`, map[string]uint64{BadTime: 1}, 2},
		"time a number":        {`{` + good + `,"time":5}`, "time is no text", map[string]uint64{BadTime: 1}, 2},
		"no time":              {`{` + good + `,"time":null}`, "", map[string]uint64{}, 2},
		"missing cause":        {`{` + good + `,"because":"9"}`, "cause is in none", map[string]uint64{MissingCause: 1}, 2},
		"a cause that is null": {`{` + good + `,"because":null}`, "", map[string]uint64{}, 2},
		"an odd cause":         {`{` + good + `,"because":["1"]}`, "because is neither a text nor a number", map[string]uint64{BadCause: 1}, 2},
		"own cause":            {`{` + good + `,"because":1}`, "names itself", map[string]uint64{graph.Cycle: 1}, 2},
		"ambiguous cause":      {`{` + good + `,"because":"x"}` + `{"specversion":"1.0","id":"x","source":"/t","type":"t"}`, "several sources", map[string]uint64{AmbiguousCause: 1}, 3},
		"cause of the later":   {`{` + good + `,"because":"2"}` + `{"specversion":"1.0","id":"2","source":"/s","type":"t"}`, "2 events lie on its cycle", map[string]uint64{graph.Cycle: 2}, 3},
		"conflict":             {`{` + good + `,"data":1}{` + good + `,"data":2}`, "same identity", map[string]uint64{graph.Conflict: 1}, 2},
		"long type":            {`{"specversion":"1.0","id":"1","source":"/s","type":"` + strings.Repeat("t", 1025) + `"}`, "the type has 1025 bytes, the first 1024 are kept", map[string]uint64{"long-text": 1}, 2},
		"torn":                 {`{` + good, "the file ends within a value", map[string]uint64{graph.BadJSON: 1}, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, s, err := load(t, importtest.Dir(t), causeNames, `{"specversion":"1.0","id":"x","source":"/x","type":"t"}`+"\n"+c.text)
			require.NoError(t, err)
			require.Equal(t, c.want, importtest.Counts(s.Notes))
			require.Equal(t, c.events, s.Events)
			if len(s.Notes) > 0 {
				require.Contains(t, s.Notes[0].First[0].Message, c.says)
				require.EqualValues(t, 2, s.Notes[0].First[0].Line)
			}
		})
	}
	_, _, err := load(t, importtest.Dir(t), nil, "[]\n")
	require.ErrorIs(t, err, graph.ErrEmpty)
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","because":"2","time":"2026-01-01T00:00:00Z"}`))
	f.Add([]byte(`[{"specversion":"1.0","id":"2","source":"/s","type":"t","data":{"a":[1]}}, 5]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, s, err := load(t, importtest.Dir(t), causeNames, string(b))
		if err != nil {
			require.True(t, strings.Contains(err.Error(), graph.ErrEmpty.Error()) || strings.Contains(err.Error(), graph.ErrCompressed.Error()), "%v", err)
			return
		}
		again, twice, err := load(t, importtest.Dir(t), causeNames, string(b), string(b))
		require.NoError(t, err)
		require.Equal(t, importtest.Files(t, out), importtest.Files(t, again))
		require.Equal(t, s.Events, twice.Events)
	})
}
