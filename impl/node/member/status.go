package member

import (
	"maps"
	"slices"
	"time"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// Phase is how far a member has come at a height (MAN-9).
type Phase uint8

// The phases. Silent is never sent.
const (
	Silent    Phase = 0
	Answering Phase = 1
	Prepared  Phase = 2
	Locked    Phase = 3
	Committed Phase = 4
)

var phaseNames = []string{"silent", "answering", "prepared", "locked", "committed"}

// String returns the phase's name.
func (p Phase) String() string {
	if int(p) < len(phaseNames) {
		return phaseNames[p]
	}
	return "unknown"
}

// MarshalText returns the phase's name.
func (p Phase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// MemberStatus is what is known of one member.
type MemberStatus struct {
	Name   string
	Phase  Phase     // at this member's height
	Height uint64    // as it said last; 0: never
	Heard  time.Time // when a signed message of it last came; zero: never in this run
}

// AuditStatus is what the last self-audit has found (MAN-14).
type AuditStatus struct {
	At           time.Time // when it ended; zero: none has yet
	OK           bool
	Certificates uint64 // that were found right
	Error        string
}

// Status is where a member stands, at one moment.
type Status struct {
	Chain, Head     cert.Hash
	Member          string // its name; "" for an observer
	Height, Attempt uint64
	Phase           Phase
	Ready           bool           // it may sign, and is not halted
	Halted          string         // why, or ""
	Leaving         bool           // a roster change has taken it out; it still hands that out
	Holding         bool           // it offers no batch at this height
	Members         []MemberStatus // in the order of the roster
	Missing         []string       // for whom this height waits
	LastCertificate time.Time      // zero: none in this run
	Certificates    uint64         // in the chain
	Obstructions    uint64         // of these

	Pending      int // events that wait, those held back among them
	PendingBytes int64
	Held         int // of these, held back for the sake of their deps
	HeldBytes    int64
	Full         bool // nothing more is taken for now
	Transfers    int  // objects on their way here
	Counters     map[string]uint64
	Evidence     []Evidence
	Audit        AuditStatus
}

// NewsKind is what a News is about.
type NewsKind string

// The kinds of news.
const (
	PrepareNews     NewsKind = "prepare"
	CommitNews      NewsKind = "commit"
	CertificateNews NewsKind = "certificate"
	ObstructionNews NewsKind = "obstruction"
	EvidenceNews    NewsKind = "evidence"
	HaltNews        NewsKind = "halt"
	AuditNews       NewsKind = "audit"
)

// News is something that happened. Beside kind and height it has what the kind is about.
type News struct {
	Kind        NewsKind
	Height      uint64
	Certificate *cert.Certificate // of certificate and obstruction
	Message     []byte            // of prepare and commit: this member's own (QRM-2)
	Evidence    *Evidence
	Text        string // of halt and audit
}

// silence is after how many ticks without a signed message a member counts as silent.
const silence = 4 * helloEvery

// phase returns how far a member has come, by its signatures or by what it says.
func (c *core) phase(i int) Phase {
	s := &c.state
	switch {
	case s.Commits[i] != nil:
		return Committed
	case i == c.self && s.Lock != nil:
		return Locked
	case s.Prepares[i].Newest != nil:
		return max(Prepared, c.said(i))
	case i == c.self:
		return Answering
	case c.now.Sub(c.peers[i].heard) > silence*c.cfg.Tick:
		return Silent
	}
	return max(Answering, c.said(i))
}

// said returns the phase in which a member says it is at this height.
func (c *core) said(i int) Phase {
	if p := &c.peers[i]; p.height == c.batch.height && c.now.Sub(p.heard) <= silence*c.cfg.Tick {
		return p.phase
	}
	return Silent
}

// missing returns for whom the height waits.
func (c *core) missing() []string {
	var names []string
	for i, m := range c.store.Chain.Roster {
		if i != c.self && c.waitsFor(i) {
			names = append(names, m.Name)
		}
	}
	return names
}

func (c *core) waitsFor(i int) bool {
	s := &c.state
	switch {
	case c.self < 0 || s.Halted != nil:
		return false
	case !s.Ready():
		return !s.Started || !s.Answered[i]
	case c.own() == nil:
		return c.phase(i) == Silent
	case s.Lock != nil:
		return s.Commits[i] == nil
	case s.Prepares[c.self].Current != nil:
		return s.Prepares[i].Current == nil
	}
	return len(c.batch.manifests[i]) == 0
}

// status returns a copy of what is known.
func (c *core) status() *Status {
	s := &Status{
		Chain: c.store.Chain.Name, Head: c.store.Chain.Head, Height: c.batch.height, Certificates: c.store.Chain.Length,
		LastCertificate: c.lastCert, Obstructions: c.obstructions, Held: c.pool.held, HeldBytes: c.pool.heldBytes, Leaving: c.left > 0, Holding: c.batch.held,
		Full: !c.pool.hasRoom(), Transfers: len(c.transfers), Counters: maps.Clone(c.counts), Evidence: slices.Clone(c.evidence),
		Missing: c.missing(),
	}
	s.Pending, s.PendingBytes = c.pool.waiting()
	for i, m := range c.store.Chain.Roster {
		x := MemberStatus{Name: m.Name, Height: c.peers[i].height, Heard: c.peers[i].heard}
		if c.self >= 0 {
			x.Phase = c.phase(i)
		}
		if i == c.self {
			x.Height, x.Heard = c.batch.height, c.now
		}
		s.Members = append(s.Members, x)
	}
	if c.self >= 0 {
		s.Member, s.Attempt, s.Phase, s.Ready = c.store.Chain.Roster[c.self].Name, c.state.Attempt, c.phase(c.self), c.state.Ready()
		if h := c.state.Halted; h != nil {
			s.Halted = string(h.Reason)
		}
	}
	return s
}
