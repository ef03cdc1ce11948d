package shiviz

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/importer/graph"
	"github.com/omega-sheaf-os/omega/impl/importer/importtest"
)

func load(t require.TestingT, dir, expression string, files ...string) (string, graph.Summary, error) {
	temp, err := os.MkdirTemp(dir, "")
	require.NoError(t, err)
	o := Options{Options: graph.Options{Output: filepath.Join(temp, "out")}, Expression: expression}
	for i, text := range files {
		o.Inputs = append(o.Inputs, filepath.Join(temp, fmt.Sprint("in", i)))
		require.NoError(t, os.WriteFile(o.Inputs[i], []byte(text), 0o666))
	}
	s, err := Import(context.Background(), o)
	return o.Output, s, err
}

// plainEvent is one event of a run of hosts that keep vector clocks.
type plainEvent struct {
	host, text string
	clock      map[string]int
}

func (e *plainEvent) id() graph.ID { return idOf(e.host, e.clock[e.host]) }

func idOf(host string, n int) graph.ID {
	count := binary.BigEndian.AppendUint64(nil, uint64(n))
	sum := sha256.Sum256([]byte("omega/import/shiviz/v1\x00" + string(count) + host))
	return graph.ID(sum[:14])
}

func (e *plainEvent) payload() string {
	p := "host " + e.host + "\n"
	for _, h := range slices.Sorted(maps.Keys(e.clock)) {
		if e.clock[h] > 0 {
			p += fmt.Sprintf("clock %s %d\n", h, e.clock[h])
		}
	}
	return p + fmt.Sprintf("event %d %x\n", len(e.text), sha256.Sum256([]byte(e.text)))
}

func (e *plainEvent) lines() string {
	clock, err := json.Marshal(e.clock)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("%s\n%s %s\n", e.text, e.host, clock)
}

// run draws what hosts do: each event is local, or the receipt of some messages that
// were sent with earlier events.
func run(t *rapid.T) (events []plainEvent) {
	hosts := []string{"web", "db-1", "\u00e9t\u00e9"}
	clocks := map[string]map[string]int{}
	for i := range rapid.IntRange(1, 14).Draw(t, "events") {
		host := rapid.SampledFrom(hosts).Draw(t, "host")
		if clocks[host] == nil {
			clocks[host] = map[string]int{}
		}
		clock := clocks[host]
		clock[host]++
		for _, sender := range rapid.SliceOfN(rapid.IntRange(-3, i-1), 0, 3).Draw(t, "messages") {
			if sender >= 0 {
				for h, n := range events[sender].clock {
					clock[h] = max(clock[h], n)
				}
			}
		}
		e := plainEvent{host: host, clock: maps.Clone(clock), text: rapid.SampledFrom([]string{"did", "sent a message", ""}).Draw(t, "text")}
		if rapid.Bool().Draw(t, "zero") {
			e.clock["nobody"] = 0
		}
		events = append(events, e)
	}
	return events
}

// before tells by the definition of vector clocks whether x happened before y.
func before(x, y *plainEvent) bool {
	for h, n := range x.clock {
		if n > y.clock[h] {
			return false
		}
	}
	return x.id() != y.id()
}

// predecessors are those before e that are before no other such.
func predecessors(events []plainEvent, e *plainEvent) (ids []graph.ID) {
	for i := range events {
		x := &events[i]
		if before(x, e) && !slices.ContainsFunc(events, func(y plainEvent) bool { return before(x, &y) && before(&y, e) }) {
			ids = append(ids, x.id())
		}
	}
	return ids
}

func TestAnyRunGivesItsImmediatePredecessorsAsDeps(t *testing.T) {
	dir := importtest.Dir(t)
	rapid.Check(t, func(t *rapid.T) {
		events := run(t)
		var want []importtest.Event
		for i := range events {
			e := &events[i]
			want = append(want, importtest.Event{ID: e.id(), Writer: e.host, Payload: e.payload(), Causes: predecessors(events, e)})
		}
		var log string
		for i := range events {
			log += events[i].lines()
		}
		out, s, err := load(t, dir, "", log)
		require.NoError(t, err)
		importtest.Check(t, out, s, want)
		require.Empty(t, s.Notes)

		files := []string{"", ""}
		for i, e := range rapid.Permutation(append(slices.Clone(events), events...)).Draw(t, "order") {
			files[i%2] += "\n" + e.lines()
		}
		again, s, err := load(t, dir, "", files...)
		require.NoError(t, err)
		require.EqualValues(t, len(events), s.Duplicates)
		require.Equal(t, importtest.Files(t, out), importtest.Files(t, again))
	})
}

// TestAnyRunThatIsChangedIsRefusedOrStillARun takes one event out of a run, or
// changes one count of a clock: whatever is no run any more must be refused, and what
// still is one must be taken.
func TestAnyRunThatIsChangedIsRefusedOrStillARun(t *testing.T) {
	dir := importtest.Dir(t)
	refused := 0
	rapid.Check(t, func(t *rapid.T) {
		events := run(t)
		i := rapid.IntRange(0, len(events)-1).Draw(t, "changed")
		if rapid.Bool().Draw(t, "lost") {
			events = slices.Delete(events, i, i+1)
		} else {
			host := rapid.SampledFrom([]string{"web", "db-1"}).Draw(t, "count of")
			events[i].clock[host] = rapid.IntRange(0, 5).Draw(t, "count")
		}
		var log string
		for i := range events {
			log += events[i].lines()
		}
		_, _, err := load(t, dir, "", log)
		if len(events) == 0 {
			require.ErrorIs(t, err, graph.ErrEmpty)
			return
		}
		require.Equal(t, isRun(events), err == nil, "%s%v", log, err)
		var bad *Error
		if err != nil {
			require.ErrorAs(t, err, &bad)
			refused++
		}
	})
	require.Greater(t, refused, 20)
}

// isRun tells by the definition whether clocks are those of a run: each event's
// clock is one more in its own count than the largest of the clocks of those that it
// knows, which are all there.
func isRun(events []plainEvent) bool {
	byID := map[graph.ID]*plainEvent{}
	for i := range events {
		e := &events[i]
		if other := byID[e.id()]; e.clock[e.host] == 0 || other != nil && other.payload() != e.payload() {
			return false
		}
		byID[e.id()] = e
	}
	for _, e := range byID {
		join := map[string]int{}
		for h, n := range e.clock {
			if h == e.host {
				n--
			}
			known := byID[idOf(h, n)]
			if n > 0 && known == nil {
				return false
			}
			if n > 0 {
				for k, m := range known.clock {
					join[k] = max(join[k], m)
				}
			}
		}
		join[e.host]++
		for h, n := range join {
			if e.clock[h] != n {
				return false
			}
		}
	}
	return true
}

func TestTheManualsLogAndPayloadAreReal(t *testing.T) {
	log := importtest.Manual(t, "shiviz.go", "DefaultExpression reads")
	out, s, err := load(t, importtest.Dir(t), "", log)
	require.NoError(t, err)
	require.EqualValues(t, 2, s.Events)
	require.EqualValues(t, 1, s.Causes)
	require.Contains(t, importtest.Files(t, out)["0002-billing.omega"], importtest.Manual(t, "shiviz.go", "// The payload"))
}

func TestExpressionsOfOtherFormsFindTheirEvents(t *testing.T) {
	want, _, err := load(t, importtest.Dir(t), "", "go on\na {\"a\":1}\nstop now\na {\"a\":2}\n")
	require.NoError(t, err)
	for expression, log := range map[string]string{
		`(?<host>\S*) (?<clock>{.*})\n(?<event>.*)`:                        "a {\"a\":1}\ngo on\na {\"a\":2}\nstop now\n",
		`^(?P<host>\w+) "(?P<event>.*)" (?P<clock>\{.*\})$`:                "a \"go on\" {\"a\":1}\na \"stop now\" {\"a\":2}",
		`(?<date>\d+) (?<event>.*)\n(?<host>\w*) (?<clock>.*)`:             "17 go on\na {\"a\":1}\n18 stop now\na {\"a\": 2 } \n",
		`(?<event>.*)\n(?<host>\S*) (?<clock>{.*})|never(?<date>)`:         "go on\r\na {\"a\":1}\r\nstop now\r\na {\"a\":2}\r\n",
		`(?s)(?<event>[^\n]*)\n(?<host>\S*) (?<clock>\{.*?\})(?<rest>\n*)`: "go on\na {\n\"a\":1}\n\n\nstop now\na {\"a\"\n:2}",
	} {
		got, s, err := load(t, importtest.Dir(t), expression, log)
		require.NoError(t, err, expression)
		require.Empty(t, s.Notes, expression)
		require.Equal(t, importtest.Files(t, want), importtest.Files(t, got), expression)
	}
}

func TestAnExpressionThatCannotWorkIsRefused(t *testing.T) {
	for expression, says := range map[string]string{
		`(`:                         "missing closing )",
		`(?<event>.*) (?<clock>.*)`: "it has 0 groups (?<host>...), want one",
		`(?<host>.*) (?<clock>.*)`:  "it has 0 groups (?<event>...), want one",
		`(?<host>.*) (?<event>.*)`:  "it has 0 groups (?<clock>...), want one",
		`(?=x)(?<host>.)`:           "invalid or unsupported Perl syntax",
		`(?<host>.)(?<host>.)(?<event>.)(?<clock>.)`: "it has 2 groups (?<host>...), want one",
	} {
		_, _, err := load(t, importtest.Dir(t), expression, "")
		require.ErrorIs(t, err, ErrExpression, expression)
		require.ErrorContains(t, err, says)
	}
}

func TestLinesThatHoldNoEventAreCounted(t *testing.T) {
	_, s, err := load(t, importtest.Dir(t), "", "started\n\nversion 1\n \ngo\na {\"a\":1}\ngone\n")
	require.NoError(t, err)
	require.Len(t, s.Notes, 1)
	require.Equal(t, NoMatch, s.Notes[0].Cause)
	require.EqualValues(t, 3, s.Notes[0].Count)
	lines := []int64{}
	for _, e := range s.Notes[0].First {
		lines = append(lines, e.Line)
	}
	require.Equal(t, []int64{1, 3, 7}, lines)
	_, _, err = load(t, importtest.Dir(t), "", "nothing")
	require.ErrorIs(t, err, graph.ErrEmpty)
}

func TestClocksThatContradictEachOtherAreRefusedWithTheLine(t *testing.T) {
	cases := map[string]struct {
		log, says string
		line      int64
	}{
		"no first":       {"x\na {\"a\":2}\n", `it is event 2 of "a", and the log lacks event 1`, 2},
		"a gap":          {"x\na {\"a\":1}\nx\na {\"a\":4}\nx\na {\"a\":3}\n", `it is event 4 of "a", and the log lacks event 2`, 4},
		"goes back":      {"x\nb {\"b\":1}\nx\na {\"a\":1,\"b\":1}\nx\na {\"a\":2}\n", `the clock of "a" goes back: it knows event 0 of "b", and knew event 1`, 6},
		"the future":     {"x\nb {\"b\":1}\nx\na {\"a\":1,\"b\":2}\n", `the clock knows event 2 of "b", which is not in the log`, 4},
		"unknown host":   {"x\na {\"a\":1,\"c\":1}\n", `the clock knows event 1 of "c", which is not in the log`, 2},
		"intransitive":   {"x\nc {\"c\":1}\nx\nb {\"b\":1,\"c\":1}\nx\na {\"a\":1,\"b\":1}\n", `knows event 1 of "b", which knows event 1 of "c": this one comes after event 0 of it`, 6},
		"each other":     {"x\na {\"a\":1,\"b\":1}\nx\nb {\"a\":1,\"b\":1}\n", `knows event 1 of "b", which knows event 1 of "a": this one comes after event 0 of it`, 2},
		"two of one":     {"x\na {\"a\":1}\n\ny\na {\"a\":1}\n", `another event 1 of "a" stands in`, 5},
		"two clocks":     {"x\nb {\"b\":1}\nx\na {\"a\":1}\nx\na {\"a\":1,\"b\":1}\n", `another event 1 of "a" stands in`, 6},
		"without itself": {"x\na {\"b\":1}\n", `the clock of "a" does not count "a" itself`, 2},
		"zero itself":    {"x\na {\"a\":0}\n", `does not count "a" itself`, 2},
		"no JSON":        {"x\na {a:1}\n", "the clock is no JSON: no JSON at offset 1: unexpected 'a'", 2},
		"more than JSON": {"x\na {\"a\":1} }\n", `the clock is no JSON: "}" stands behind it`, 2},
		"a fraction":     {"x\na {\"a\":1.5}\n", `the clock counts 1.5 of "a", want a whole number up to 2147483647`, 2},
		"below zero":     {"x\na {\"a\":1,\"b\":-1}\n", `counts -1 of "b"`, 2},
		"a text":         {"x\na {\"a\":\"1\"}\n", `counts "1" of "a"`, 2},
		"large":          {"x\na {\"a\":2147483648}\n", `counts 2147483648 of "a"`, 2},
		"twice":          {"x\na {\"a\":1,\"a\":2}\n", `the clock counts "a" twice`, 2},
		"no host":        {"x\n {\"a\":1}\n", "the host's name has 0 bytes, want 1 to 1024", 2},
		"a long host":    {"x\n" + strings.Repeat("h", 1025) + " {\"a\":1}\n", "the host's name has 1025 bytes", 2},
		"an empty host":  {"x\na {\"a\":1,\"\":1}\n", "the clock names a host of 0 bytes", 2},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			out, s, err := load(t, importtest.Dir(t), "", c.log)
			var bad *Error
			require.True(t, errors.As(err, &bad), "%v", err)
			require.Contains(t, bad.Message, c.says)
			require.Equal(t, c.line, bad.Line)
			require.Equal(t, byte('{'), c.log[bad.Offset])
			require.Zero(t, s)
			require.NoDirExists(t, out)
		})
	}
	_, _, err := load(t, importtest.Dir(t), `(?<event>.*)\n(?<host>\w*) (?<clock>.*)`, "x\na [1]\n")
	require.ErrorContains(t, err, "line 2: the clock is no JSON object")
}

func FuzzImport(f *testing.F) {
	f.Add("x\nb {\"b\":1}\nx\na {\"a\":1,\"b\":1}\nx\na {\"a\":2,\"b\":1}\n")
	f.Add("noise\nx\na {\"a\":1, \"c\":0}\n")
	f.Fuzz(func(t *testing.T, log string) {
		out, s, err := load(t, importtest.Dir(t), "", log)
		var bad *Error
		if err != nil {
			require.True(t, errors.As(err, &bad) || errors.Is(err, graph.ErrEmpty) || errors.Is(err, graph.ErrCompressed), "%v", err)
			return
		}
		again, twice, err := load(t, importtest.Dir(t), "", log, log)
		require.NoError(t, err)
		require.Equal(t, importtest.Files(t, out), importtest.Files(t, again))
		require.Equal(t, s.Events+s.Duplicates, twice.Duplicates)
		_, err = importer.ReadNames(out)
		require.NoError(t, err)
	})
}
