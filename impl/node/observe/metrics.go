package observe

import (
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/omega-sheaf-os/omega/impl/node/member"
)

// metric is one name and how its samples come about.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func newMetric(kind prometheus.ValueType, name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc("omega_"+name, help, labels, nil), kind}
}

// The metrics, which NOD-5 lists.
var (
	mHeight       = newMetric(prometheus.GaugeValue, "height", "Height being agreed on.")
	mAttempt      = newMetric(prometheus.GaugeValue, "attempt", "Attempt at that height.")
	mPhase        = newMetric(prometheus.GaugeValue, "phase", "How far a member has come at that height: 0 silent, 1 answering, 2 prepared, 3 locked, 4 committed.", "member")
	mSilence      = newMetric(prometheus.GaugeValue, "seconds_since_heard", "Seconds since a member was last heard; of those heard in this run.", "member")
	mMissing      = newMetric(prometheus.GaugeValue, "missing_members", "Members for whom the height waits.")
	mReady        = newMetric(prometheus.GaugeValue, "ready", "1 where this member may sign.")
	mHalted       = newMetric(prometheus.GaugeValue, "halted", "1 where this member has halted.")
	mCertificates = newMetric(prometheus.CounterValue, "certificates_total", "Certificates in the chain.")
	mObstructions = newMetric(prometheus.CounterValue, "obstructions_total", "Obstructions among them.")
	mSince        = newMetric(prometheus.GaugeValue, "seconds_since_certificate", "Seconds since the last certificate in this run, or since its start.")
	mEvidence     = newMetric(prometheus.CounterValue, "evidence_total", "Pieces of evidence against members in this run.")
	mAuditOK      = newMetric(prometheus.GaugeValue, "self_audit_ok", "Verdict of the last self-audit: 1 it holds, 0 it fails; absent before the first.")
	mAuditAge     = newMetric(prometheus.GaugeValue, "self_audit_age_seconds", "Seconds since the last self-audit ended.")

	mPending      = newMetric(prometheus.GaugeValue, "pending_events", "Events that wait, those held back among them.")
	mPendingBytes = newMetric(prometheus.GaugeValue, "pending_bytes", "Their bytes.")
	mHeld         = newMetric(prometheus.GaugeValue, "held_back_events", "Events held back for the sake of their deps.")
	mHeldBytes    = newMetric(prometheus.GaugeValue, "held_back_bytes", "Their bytes.")
	mWaited       = newMetric(prometheus.GaugeValue, "waited_seconds", "Seconds that events have waited at this height.")
	mFull         = newMetric(prometheus.GaugeValue, "full", "1 while nothing more is taken.")
	mTransfers    = newMetric(prometheus.GaugeValue, "transfers", "Sections, traces and parts of the log on their way here.")

	mReceived = newMetric(prometheus.CounterValue, "bytes_received_total", "Bytes of members' messages that came.")
	mSent     = newMetric(prometheus.CounterValue, "bytes_sent_total", "Bytes of messages to members.")
	mRefused  = newMetric(prometheus.CounterValue, "messages_refused_total", "Messages of members that were refused, by cause.", "cause")
	mLost     = newMetric(prometheus.CounterValue, "messages_lost_total", "Messages lost here: for want of an engine, of room on their way, or in the member's inbox.", "where")
	mCounted  = newMetric(prometheus.CounterValue, "counted_total", "What else a member counts.", "what")

	mTaken         = newMetric(prometheus.CounterValue, "source_events_total", "Events that the stream has handed over.", "signed")
	mSourceRefused = newMetric(prometheus.CounterValue, "source_refused_total", "Messages of the stream that are no event of the chain, by cause.", "cause")
	mRepeated      = newMetric(prometheus.CounterValue, "source_repeated_total", "Events that the stream has offered again.")
	mPassedOver    = newMetric(prometheus.GaugeValue, "source_missing", "Sequences passed over that have not come.")
	mReopened      = newMetric(prometheus.CounterValue, "source_reopened_total", "Times that the stream failed and was asked anew.")

	mConnected  = newMetric(prometheus.GaugeValue, "engine_connected", "1 while there is a connection to the engine.")
	mStrangers  = newMetric(prometheus.CounterValue, "engine_strangers_total", "Connections that the engine in this process has refused.")
	mViolations = newMetric(prometheus.CounterValue, "engine_violations_total", "Uses of a subject without permission.")
	mSlow       = newMetric(prometheus.CounterValue, "engine_slow_consumers_total", "Clients that the engine has cut off since they did not read.")
	mClients    = newMetric(prometheus.GaugeValue, "engine_clients", "Clients connected to the engine in this process.")
	mRoutes     = newMetric(prometheus.GaugeValue, "engine_routes", "Its connections to other servers.")
)

// metrics are all of them.
var metrics = []metric{
	mHeight, mAttempt, mPhase, mSilence, mMissing, mReady, mHalted, mCertificates, mObstructions, mSince, mEvidence, mAuditOK, mAuditAge,
	mPending, mPendingBytes, mHeld, mHeldBytes, mWaited, mFull, mTransfers,
	mReceived, mSent, mRefused, mLost, mCounted,
	mTaken, mSourceRefused, mRepeated, mPassedOver, mReopened,
	mConnected, mStrangers, mViolations, mSlow, mClients, mRoutes,
}

// collector gives a registry what an observer sees at the moment.
type collector struct{ o *Observer }

// Describe lists the metrics.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range metrics {
		out <- m.desc
	}
}

// Collect gives the samples.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := &sampler{out}
	status := c.o.node.Status()
	c.o.sample(status)
	s.agreement(c.o, status)
	s.waiting(c.o, status)
	s.counters(status.Counters)
	bus := c.o.node.Bus()
	s.give(mLost, float64(bus.Lost), "to the engine")
	s.give(mLost, float64(bus.Dropped), "from the engine")
	s.source(c.o.node)
	s.engine(c.o.node)
}

type sampler struct{ out chan<- prometheus.Metric }

func (s *sampler) give(m metric, value float64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(m.desc, m.kind, value, labels...)
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (s *sampler) agreement(o *Observer, status *member.Status) {
	s.give(mHeight, float64(status.Height))
	s.give(mAttempt, float64(status.Attempt))
	for _, m := range status.Members {
		s.give(mPhase, float64(m.Phase), m.Name)
		if !m.Heard.IsZero() {
			s.give(mSilence, o.secondsSince(m.Heard), m.Name)
		}
	}
	s.give(mMissing, float64(len(status.Missing)))
	s.give(mReady, bit(status.Ready))
	s.give(mHalted, bit(status.Halted != ""))
	s.give(mCertificates, float64(status.Certificates))
	s.give(mObstructions, float64(status.Obstructions))
	since := status.LastCertificate
	if since.IsZero() {
		since = o.started
	}
	s.give(mSince, o.secondsSince(since))
	if a := status.Audit; !a.At.IsZero() {
		s.give(mAuditOK, bit(a.OK))
		s.give(mAuditAge, o.secondsSince(a.At))
	}
}

func (s *sampler) waiting(o *Observer, status *member.Status) {
	s.give(mPending, float64(status.Pending))
	s.give(mPendingBytes, float64(status.PendingBytes))
	s.give(mHeld, float64(status.Held))
	s.give(mHeldBytes, float64(status.HeldBytes))
	s.give(mWaited, o.waited().Seconds())
	s.give(mFull, bit(status.Full))
	s.give(mTransfers, float64(status.Transfers))
}

// counters gives what the member counts by words.
func (s *sampler) counters(all map[string]uint64) {
	s.give(mReceived, float64(all["bytes in"]))
	s.give(mSent, float64(all["bytes out"]))
	s.give(mEvidence, float64(all["evidence"]))
	for _, what := range slices.Sorted(maps.Keys(all)) {
		n := float64(all[what])
		if cause, ok := strings.CutPrefix(what, "refused: "); ok {
			s.give(mRefused, n, cause)
		} else if where, ok := strings.CutPrefix(what, "dropped: "); ok {
			s.give(mLost, n, where)
		} else if what != "bytes in" && what != "bytes out" && what != "evidence" {
			s.give(mCounted, n, what)
		}
	}
}

func (s *sampler) source(node Node) {
	c, ok := node.Events()
	if !ok {
		return
	}
	s.give(mTaken, float64(c.Signed), "yes")
	s.give(mTaken, float64(c.Unsigned), "no")
	s.give(mSourceRefused, float64(c.Malformed), "malformed")
	s.give(mSourceRefused, float64(c.WrongSubject), "wrong subject")
	s.give(mSourceRefused, float64(c.BadSignature), "bad signature")
	s.give(mRepeated, float64(c.Repeated))
	s.give(mPassedOver, float64(c.Missing))
	s.give(mReopened, float64(c.Reopened))
}

func (s *sampler) engine(node Node) {
	s.give(mConnected, bit(node.Connection() == ""))
	c, ok := node.Engine()
	if !ok {
		return
	}
	s.give(mStrangers, float64(c.Refused))
	s.give(mViolations, float64(c.Violations))
	s.give(mSlow, float64(c.SlowConsumers))
	s.give(mClients, float64(c.Clients))
	s.give(mRoutes, float64(c.Routes))
}
