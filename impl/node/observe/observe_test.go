package observe

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node/member"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/events"
	"github.com/omega-sheaf-os/omega/impl/transport/natsbus"
)

// fake is a node that is as a test says.
type fake struct {
	status     member.Status
	connection string
	bus        natsbus.Counts
	events     *events.ConsumerCounts
	engine     *engine.Counts
}

func (f *fake) Status() *member.Status { s := f.status; return &s }
func (f *fake) Connection() string     { return f.connection }
func (f *fake) Bus() natsbus.Counts    { return f.bus }
func (f *fake) Events() (events.ConsumerCounts, bool) {
	if f.events == nil {
		return events.ConsumerCounts{}, false
	}
	return *f.events, true
}

func (f *fake) Engine() (engine.Counts, bool) {
	if f.engine == nil {
		return engine.Counts{}, false
	}
	return *f.engine, true
}

// world is an observer with a clock that a test moves.
type world struct {
	*fake
	o   *Observer
	now time.Time
}

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func newWorld() *world {
	w := &world{now: start, fake: &fake{
		status: member.Status{
			Chain: cert.Hash{1}, Head: cert.Hash{2}, Member: "paris", Height: 7, Attempt: 2, Phase: member.Locked, Ready: true,
			Members: []member.MemberStatus{
				{Name: "paris", Phase: member.Locked, Height: 7, Heard: start},
				{Name: "tokyo", Phase: member.Silent},
			},
			Missing: []string{"tokyo"}, LastCertificate: start.Add(-3 * time.Second), Certificates: 7, Obstructions: 2,
			Pending: 11, PendingBytes: 1100, Held: 4, HeldBytes: 400, Transfers: 3,
			Counters: map[string]uint64{
				"bytes in": 51, "bytes out": 52, "evidence": 1, "refused: bad signature": 5, "refused: over the rate": 6,
				"dropped: inbox full": 8, "liars": 9,
			},
			Evidence: []member.Evidence{{Member: "tokyo", Kind: "commit", Height: 6}},
			Audit:    member.AuditStatus{At: start.Add(-9 * time.Second), OK: true, Certificates: 7},
		},
		bus:    natsbus.Counts{Lost: 31, Dropped: 32},
		events: &events.ConsumerCounts{Signed: 41, Unsigned: 42, Malformed: 43, WrongSubject: 44, BadSignature: 45, Repeated: 46, Missing: 47, Reopened: 48},
		engine: &engine.Counts{Refused: 61, Violations: 62, SlowConsumers: 63, Clients: 64, Routes: 65},
	}}
	w.o = newObserver(w, time.Minute, func() time.Time { return w.now })
	return w
}

func (w *world) get(t *testing.T, path string) (status int, body string) {
	t.Helper()
	r := httptest.NewRecorder()
	w.o.ServeHTTP(r, httptest.NewRequest(http.MethodGet, path, nil))
	b, err := io.ReadAll(r.Result().Body)
	require.NoError(t, err)
	return r.Code, string(b)
}

// samples are the lines of /metrics that are the member's own.
func (w *world) samples(t *testing.T) map[string]string {
	status, body := w.get(t, "/metrics")
	require.Equal(t, http.StatusOK, status)
	all := map[string]string{}
	for _, line := range strings.Split(body, "\n") {
		if strings.HasPrefix(line, "omega_") {
			at := strings.LastIndex(line, " ")
			all[line[:at]] = line[at+1:]
		}
	}
	return all
}

func TestEachMetricHasTheValueThatTheMemberHas(t *testing.T) {
	w := newWorld()
	require.Equal(t, map[string]string{
		"omega_height": "7", "omega_attempt": "2", `omega_phase{member="paris"}`: "3", `omega_phase{member="tokyo"}`: "0",
		`omega_seconds_since_heard{member="paris"}`: "0", "omega_missing_members": "1", "omega_ready": "1", "omega_halted": "0",
		"omega_certificates_total": "7", "omega_obstructions_total": "2", "omega_seconds_since_certificate": "3", "omega_evidence_total": "1",
		"omega_self_audit_ok": "1", "omega_self_audit_age_seconds": "9",
		"omega_pending_events": "11", "omega_pending_bytes": "1100", "omega_held_back_events": "4", "omega_held_back_bytes": "400",
		"omega_waited_seconds": "0", "omega_full": "0", "omega_transfers": "3",
		"omega_bytes_received_total": "51", "omega_bytes_sent_total": "52",
		`omega_messages_refused_total{cause="bad signature"}`: "5", `omega_messages_refused_total{cause="over the rate"}`: "6",
		`omega_messages_lost_total{where="inbox full"}`: "8", `omega_messages_lost_total{where="to the engine"}`: "31",
		`omega_messages_lost_total{where="from the engine"}`: "32", `omega_counted_total{what="liars"}`: "9",
		`omega_source_events_total{signed="yes"}`: "41", `omega_source_events_total{signed="no"}`: "42",
		`omega_source_refused_total{cause="malformed"}`: "43", `omega_source_refused_total{cause="wrong subject"}`: "44",
		`omega_source_refused_total{cause="bad signature"}`: "45",
		"omega_source_repeated_total":                       "46", "omega_source_missing": "47", "omega_source_reopened_total": "48",
		"omega_engine_connected": "1", "omega_engine_strangers_total": "61", "omega_engine_violations_total": "62",
		"omega_engine_slow_consumers_total": "63", "omega_engine_clients": "64", "omega_engine_routes": "65",
	}, w.samples(t))
}

func TestWhatIsNotKnownHasNoSample(t *testing.T) {
	w := newWorld()
	w.status.Audit, w.status.LastCertificate = member.AuditStatus{}, time.Time{}
	w.events, w.engine, w.connection = nil, nil, "no servers available"
	w.now = start.Add(5 * time.Second)
	samples := w.samples(t)
	for name := range samples {
		require.False(t, strings.Contains(name, "audit") || strings.Contains(name, "source") || strings.Contains(name, "strangers"), name)
	}
	require.Equal(t, "5", samples["omega_seconds_since_certificate"], "since the start")
	require.Equal(t, "0", samples["omega_engine_connected"])
}

// documented are the rows of the table behind a clause: their first two cells.
func documented(t *testing.T, clause string) (rows []string) {
	page, err := os.ReadFile("../../../spec/node.md")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(page), "**"+clause+".**")
	require.True(t, found)
	for _, m := range regexp.MustCompile("(?m)^\\| `(omega_\\w+)` \\| (?:`(\\w+)`)? *\\|").FindAllStringSubmatch(text, -1) {
		rows = append(rows, m[1]+" "+m[2])
	}
	return rows
}

func TestTheTableInTheSpecificationHasTheMetricsThatThereAre(t *testing.T) {
	var there []string
	form := regexp.MustCompile(`fqName: "(\w+)".*variableLabels: \{(\w*)\}`)
	for _, m := range metrics {
		parts := form.FindStringSubmatch(m.desc.String())
		require.NotNil(t, parts, m.desc.String())
		there = append(there, parts[1]+" "+parts[2])
	}
	require.Equal(t, there, documented(t, "NOD-5"))
	seen := map[string]bool{}
	for name := range newWorld().samples(t) {
		name, _, _ = strings.Cut(name, "{")
		seen[name] = true
	}
	for _, row := range there {
		name, _, _ := strings.Cut(row, " ")
		require.True(t, seen[name], "%s has no sample", name)
	}
}

func TestHealthFailsForEachCauseAndSaysWhich(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(w *world)
		want []string
	}{
		{"nothing", func(*world) {}, nil},
		{"halted", func(w *world) { w.status.Halted = "own prepare" }, []string{"halted: own prepare"}},
		{"audit", func(w *world) { w.status.Audit = member.AuditStatus{At: start, Error: "trace-root at height 3"} },
			[]string{"the self-audit fails: trace-root at height 3"}},
		{"no audit yet", func(w *world) { w.status.Audit = member.AuditStatus{} }, nil},
		{"stale", func(w *world) { w.get(t, "/metrics"); w.now = start.Add(time.Minute) },
			[]string{"the head is stale: 7 events have waited for 1m0s at height 7, which waits for tokyo"}},
		{"not stale yet", func(w *world) { w.get(t, "/metrics"); w.now = start.Add(time.Minute - 1) }, nil},
		{"nothing waits", func(w *world) { w.status.Pending = 4; w.get(t, "/metrics"); w.now = start.Add(time.Hour) }, nil},
		{"a certificate came", func(w *world) { w.get(t, "/metrics"); w.now = start.Add(time.Minute); w.status.Height++ }, nil},
		{"all was certified, then more came", func(w *world) {
			w.get(t, "/metrics")
			w.status.Pending = w.status.Held
			w.get(t, "/healthz")
			w.now, w.status.Pending = start.Add(time.Hour), 100
		}, nil},
		{"all", func(w *world) {
			w.get(t, "/metrics")
			w.now, w.status.Halted, w.status.Missing = start.Add(time.Hour), "commit", nil
			w.status.Audit.OK, w.status.Audit.Error = false, "body"
		}, []string{"halted: commit", "the self-audit fails: body", "the head is stale: 7 events have waited for 1h0m0s at height 7"}},
	} {
		w := newWorld()
		c.make(w)
		status, body := w.get(t, "/healthz")
		if c.want == nil {
			require.Equal(t, http.StatusOK, status, "%s: %s", c.name, body)
			require.Equal(t, "ok\n", body)
			continue
		}
		require.Equal(t, http.StatusServiceUnavailable, status, c.name)
		require.Equal(t, strings.Join(c.want, "\n")+"\n", body, c.name)
	}
}

func TestReadinessFailsForEachCauseAndSaysWhich(t *testing.T) {
	for _, c := range []struct {
		name, want string
		make       func(w *world)
	}{
		{"nothing", "ok\n", func(*world) {}},
		{"engine", "no engine: EOF\n", func(w *world) { w.connection = "EOF" }},
		{"stream", "the engine has no stream of events for this member yet\n", func(w *world) { w.events = nil }},
		{"halted", "halted: commit\n", func(w *world) { w.status.Halted, w.status.Ready = "commit", false }},
		{"observer", "an observer signs nothing\n", func(w *world) { w.status.Member, w.status.Ready, w.events = "", false, nil }},
		{"peers", "not answered yet: tokyo\n", func(w *world) { w.status.Ready = false }},
		{"peers, unnamed", "not all peers have answered yet\n", func(w *world) { w.status.Ready, w.status.Missing = false, nil }},
		{"two", "no engine: EOF\nnot answered yet: tokyo\n", func(w *world) { w.connection, w.status.Ready = "EOF", false }},
	} {
		w := newWorld()
		c.make(w)
		status, body := w.get(t, "/readyz")
		require.Equal(t, c.want, body, c.name)
		require.Equal(t, c.want == "ok\n", status == http.StatusOK, c.name)
	}
}

func TestTheStatusIsOneObjectThatSaysAll(t *testing.T) {
	w := newWorld()
	w.connection = "EOF"
	status, body := w.get(t, "/status")
	require.Equal(t, http.StatusOK, status)
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	require.Equal(t, true, got["healthy"])
	require.Equal(t, false, got["ready"])
	require.Equal(t, []any{"no engine: EOF"}, got["why"])
	require.Equal(t, "locked", got["phase"])
	require.Equal(t, float64(7), got["height"])
	require.Equal(t, "2026-11-01T11:59:57Z", got["last_certificate"])
	require.Equal(t, map[string]any{"name": "tokyo", "phase": "silent", "height": 0.0, "heard": nil}, got["members"].([]any)[1])
	require.Equal(t, map[string]any{"member": "tokyo", "kind": "commit", "height": 6.0}, got["evidence"].([]any)[0])
	require.Equal(t, 44.0, got["source"].(map[string]any)["wrong_subject"])
	require.Equal(t, 61.0, got["engine"].(map[string]any)["embedded"].(map[string]any)["strangers"])
	for field, value := range got {
		require.NotNil(t, value, field)
	}
	w.events, w.engine, w.status.Audit = nil, nil, member.AuditStatus{}
	_, body = w.get(t, "/status")
	require.Contains(t, body, `"self_audit":null,"source":null`)
	require.Contains(t, body, `"embedded":null`)
}

func TestNothingElseIsAnsweredAndNothingCanBeChanged(t *testing.T) {
	w := newWorld()
	status, _ := w.get(t, "/")
	require.Equal(t, http.StatusNotFound, status)
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/status"} {
		r := httptest.NewRecorder()
		w.o.ServeHTTP(r, httptest.NewRequest(http.MethodPost, path, strings.NewReader("x")))
		require.Equal(t, http.StatusMethodNotAllowed, r.Code, path)
	}
}

func TestWatchNoticesThatEventsWaitThoughNobodyAsks(t *testing.T) {
	var mu sync.Mutex
	now := start
	w := newWorld()
	w.o = newObserver(w, time.Minute, func() time.Time { mu.Lock(); defer mu.Unlock(); return now })
	ctx := t.Context()
	go w.o.Watch(ctx)
	require.Eventually(t, func() bool { w.o.mu.Lock(); defer w.o.mu.Unlock(); return !w.o.since.IsZero() }, 5*time.Second, time.Millisecond)
	mu.Lock()
	now = start.Add(2 * time.Minute)
	mu.Unlock()
	status, _ := w.get(t, "/healthz")
	require.Equal(t, http.StatusServiceUnavailable, status)
}

func TestManyMayAskAtOnce(t *testing.T) {
	w := newWorld()
	var all sync.WaitGroup
	for _, path := range slices.Repeat([]string{"/metrics", "/healthz", "/readyz", "/status"}, 4) {
		all.Go(func() { w.get(t, path) })
	}
	all.Wait()
}
