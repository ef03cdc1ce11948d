package observe

import (
	"time"

	"github.com/omega-sheaf-os/omega/impl/transport/engine"
	"github.com/omega-sheaf-os/omega/impl/transport/events"
)

func (o *Observer) secondsSince(t time.Time) float64 { return o.now().Sub(t).Seconds() }

// report is the object of /status (NOD-4). Times are RFC 3339, null where there is
// none.
type report struct {
	Healthy bool     `json:"healthy"`
	Ready   bool     `json:"ready"`
	Why     []string `json:"why"` // not healthy, or not ready

	Chain           string            `json:"chain"`
	Head            string            `json:"head"`
	Member          string            `json:"member"` // "" for an observer
	Height          uint64            `json:"height"`
	Attempt         uint64            `json:"attempt"`
	Phase           string            `json:"phase"`
	Certificates    uint64            `json:"certificates"`
	Obstructions    uint64            `json:"obstructions"`
	LastCertificate *time.Time        `json:"last_certificate"`
	Members         []memberReport    `json:"members"`
	Missing         []string          `json:"missing"`
	Pending         int               `json:"pending_events"`
	PendingBytes    int64             `json:"pending_bytes"`
	Held            int               `json:"held_back_events"`
	HeldBytes       int64             `json:"held_back_bytes"`
	Full            bool              `json:"full"`
	Transfers       int               `json:"transfers"`
	Counters        map[string]uint64 `json:"counters"`
	Evidence        []evidenceReport  `json:"evidence"`
	SelfAudit       *auditReport      `json:"self_audit"`
	Source          *sourceReport     `json:"source"`
	Engine          engineReport      `json:"engine"`
}

type memberReport struct {
	Name   string     `json:"name"`
	Phase  string     `json:"phase"`
	Height uint64     `json:"height"`
	Heard  *time.Time `json:"heard"`
}

type evidenceReport struct {
	Member string `json:"member"`
	Kind   string `json:"kind"`
	Height uint64 `json:"height"`
}

type auditReport struct {
	At           time.Time `json:"at"`
	OK           bool      `json:"ok"`
	Certificates uint64    `json:"certificates"`
	Error        string    `json:"error,omitempty"`
}

type sourceReport struct {
	Signed       uint64 `json:"signed"`
	Unsigned     uint64 `json:"unsigned"`
	Malformed    uint64 `json:"malformed"`
	WrongSubject uint64 `json:"wrong_subject"`
	BadSignature uint64 `json:"bad_signature"`
	Repeated     uint64 `json:"repeated"`
	Missing      uint64 `json:"missing"`
	Reopened     uint64 `json:"reopened"`
}

type engineReport struct {
	Connected bool          `json:"connected"`
	Error     string        `json:"error,omitempty"`
	Lost      uint64        `json:"messages_lost"`
	Dropped   uint64        `json:"messages_dropped"`
	Embedded  *embeddedPart `json:"embedded"` // null where it runs elsewhere
}

type embeddedPart struct {
	Strangers     uint64 `json:"strangers"`
	Violations    uint64 `json:"violations"`
	SlowConsumers uint64 `json:"slow_consumers"`
	Clients       int    `json:"clients"`
	Routes        int    `json:"routes"`
}

func (o *Observer) report() *report {
	sick, unready := o.sick(), o.unready()
	s := o.node.Status()
	r := &report{
		Healthy: len(sick) == 0, Ready: len(unready) == 0, Why: append(append([]string{}, sick...), unready...),
		Chain: s.Chain.String(), Head: s.Head.String(), Member: s.Member, Height: s.Height, Attempt: s.Attempt,
		Phase: s.Phase.String(), Certificates: s.Certificates, Obstructions: s.Obstructions,
		LastCertificate: orNull(s.LastCertificate), Members: []memberReport{}, Missing: append([]string{}, s.Missing...),
		Pending: s.Pending, PendingBytes: s.PendingBytes, Held: s.Held, HeldBytes: s.HeldBytes, Full: s.Full,
		Transfers: s.Transfers, Counters: s.Counters, Evidence: []evidenceReport{},
	}
	for _, m := range s.Members {
		r.Members = append(r.Members, memberReport{m.Name, m.Phase.String(), m.Height, orNull(m.Heard)})
	}
	for _, e := range s.Evidence {
		r.Evidence = append(r.Evidence, evidenceReport{e.Member, e.Kind, e.Height})
	}
	if a := s.Audit; !a.At.IsZero() {
		r.SelfAudit = &auditReport{a.At, a.OK, a.Certificates, a.Error}
	}
	if c, ok := o.node.Events(); ok {
		r.Source = sourceOf(c)
	}
	bus, connection := o.node.Bus(), o.node.Connection()
	r.Engine = engineReport{Connected: connection == "", Error: connection, Lost: bus.Lost, Dropped: bus.Dropped}
	if c, ok := o.node.Engine(); ok {
		r.Engine.Embedded = embeddedOf(c)
	}
	return r
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func sourceOf(c events.ConsumerCounts) *sourceReport {
	return &sourceReport{c.Signed, c.Unsigned, c.Malformed, c.WrongSubject, c.BadSignature, c.Repeated, c.Missing, c.Reopened}
}

func embeddedOf(c engine.Counts) *embeddedPart {
	return &embeddedPart{c.Refused, c.Violations, c.SlowConsumers, c.Clients, c.Routes}
}
