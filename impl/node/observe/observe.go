// Package observe shows over HTTP how a member is (clauses NOD-4 and NOD-5):
//
//	/metrics   for Prometheus
//	/healthz   200 where nothing is wrong, else 503 and why, a line each
//	/readyz    200 where the member may sign, else 503 and why
//	/status    all that is known, as one JSON object
//
// It asks when it is asked, and changes nothing. Who may ask is settled by the
// address that it listens on: the loopback, unless somebody says otherwise.
package observe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/omega-sheaf-os/omega/impl/node/member"
	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/events"
	"github.com/omega-sheaf-os/omega/impl/transport/natsbus"
)

// Node is what is looked at.
type Node interface {
	Status() *member.Status
	// Connection is "" while there is one to the engine, else why there is none.
	Connection() string
	Bus() natsbus.Counts
	// Events are those of the source, false where there is none yet.
	Events() (events.ConsumerCounts, bool)
	// Engine are those of the engine in this process, false where it runs elsewhere.
	Engine() (engine.Counts, bool)
}

// sampleEvery is how often Watch looks.
const sampleEvery = time.Second

// Observer answers requests about a node. It is safe for concurrent use.
type Observer struct {
	node    Node
	stale   time.Duration // without progress, while events wait
	started time.Time
	now     func() time.Time
	mux     http.ServeMux

	mu     sync.Mutex // guards what follows
	height uint64     // at which the member was last
	since  time.Time  // since when it has been there with events that wait; zero: none wait
}

// New returns an observer to whom a head is stale when events have waited for so long
// at one height.
func New(node Node, stale time.Duration) *Observer { return newObserver(node, stale, time.Now) }

func newObserver(node Node, stale time.Duration, now func() time.Time) *Observer {
	o := &Observer{node: node, stale: stale, started: now(), now: now}
	registry := prometheus.NewRegistry()
	registry.MustRegister(&collector{o}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	o.mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	o.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, o.sick()) })
	o.mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, o.unready()) })
	o.mux.HandleFunc("GET /status", o.status)
	return o
}

// ServeHTTP answers one request.
func (o *Observer) ServeHTTP(w http.ResponseWriter, r *http.Request) { o.mux.ServeHTTP(w, r) }

// Watch looks at the node again and again, until ctx ends, so that it is known for how
// long events have waited.
func (o *Observer) Watch(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		o.sample(o.node.Status())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sample enters what the member's height and events are now. Events that are held back
// for their deps are not waiting for a certificate.
func (o *Observer) sample(s *member.Status) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch waiting := s.Pending > s.Held; {
	case !waiting:
		o.since = time.Time{}
	case o.since.IsZero() || s.Height != o.height:
		o.since = o.now()
	}
	o.height = s.Height
}

// waited returns for how long events have waited at this height.
func (o *Observer) waited() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() {
		return 0
	}
	return o.now().Sub(o.since)
}

// sick returns what is wrong (NOD-4).
func (o *Observer) sick() (why []string) {
	s := o.node.Status()
	o.sample(s)
	if s.Halted != "" {
		why = append(why, "halted: "+s.Halted)
	}
	if a := s.Audit; !a.At.IsZero() && !a.OK {
		why = append(why, "the self-audit fails: "+a.Error)
	}
	if waited := o.waited(); waited >= o.stale {
		text := fmt.Sprintf("the head is stale: %d events have waited for %v at height %d", s.Pending-s.Held, waited.Round(time.Second), s.Height)
		if len(s.Missing) > 0 {
			text += ", which waits for " + strings.Join(s.Missing, ", ")
		}
		why = append(why, text)
	}
	return why
}

// unready returns why the member cannot sign (NOD-4).
func (o *Observer) unready() (why []string) {
	s := o.node.Status()
	if c := o.node.Connection(); c != "" {
		why = append(why, "no engine: "+c)
	}
	if _, ok := o.node.Events(); !ok && s.Member != "" {
		why = append(why, "the engine has no stream of events for this member yet")
	}
	switch {
	case s.Halted != "":
		why = append(why, "halted: "+s.Halted)
	case s.Member == "":
		why = append(why, "an observer signs nothing")
	case !s.Ready && len(s.Missing) > 0:
		why = append(why, "not answered yet: "+strings.Join(s.Missing, ", "))
	case !s.Ready:
		why = append(why, "not all peers have answered yet")
	}
	return why
}

func answer(w http.ResponseWriter, why []string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if len(why) == 0 {
		fmt.Fprintln(w, "ok")
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	fmt.Fprintln(w, strings.Join(why, "\n"))
}

func (o *Observer) status(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	// An error is a client that is gone.
	_ = e.Encode(o.report())
}
