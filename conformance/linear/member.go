package linear

import (
	"maps"
	"slices"
	"strings"
)

// A Member is a quorum member in the plain: member 0 of some that all are up, at
// one height, with contents of which the others prepare by name. It says what
// quorum.Step does by the words of QRM-10 to QRM-19, for messages that carry no
// proofs, so that it can be checked by eye. It is a value; its methods return the
// next one.
type Member struct {
	Peers    int
	Attempt  int
	Own      string         // the candidate for this attempt, or ""
	Prepared map[int]string // by own attempt: what was prepared
	Current  map[int]string // by peer: prepared in this attempt
	Newest   map[int]Said   // by peer: in the highest attempt seen
	Proof    int            // the attempt of the highest proof; -1: none
	Lock     string         // "" while not locked
	Votes    map[int]string // by peer
	Guilty   map[string]bool
	Decided  bool // the height has its certificate: the lock
}

// Said is what a peer has prepared, and when.
type Said struct {
	Attempt int
	Name    string
}

// NewMember returns a member that is ready, at a fresh height, with so many peers.
func NewMember(peers int) Member {
	return Member{Peers: peers, Proof: -1, Prepared: map[int]string{}, Current: map[int]string{}, Newest: map[int]Said{},
		Votes: map[int]string{}, Guilty: map[string]bool{}}
}

func (m Member) clone() Member {
	m.Prepared, m.Current, m.Newest = maps.Clone(m.Prepared), maps.Clone(m.Current), maps.Clone(m.Newest)
	m.Votes, m.Guilty = maps.Clone(m.Votes), maps.Clone(m.Guilty)
	return m
}

// A Message is what a Member is told: a candidate for an attempt, a peer's prepare
// or commit, a tick, a timeout.
type Message struct {
	Kind    string // "candidate", "prepare", "commit", "tick" or "timeout"
	From    int    // 1 and up: a peer
	Attempt int
	Name    string // of the content
}

// Answer is what a step comes to: an error's class, or effects in their order, and
// where the member stands then.
type Answer struct {
	Refused, Effects string
	Attempt          int
	Lock             string
	Decided          bool
}

// turnOf is one step of a Member.
type turnOf struct {
	m       Member
	effects []string
}

func (t *turnOf) do(effects ...string) { t.effects = append(t.effects, effects...) }

// Step returns what the message makes of the member. A refused message makes
// nothing of it.
func (m Member) Step(msg Message) (Member, Answer) {
	t := turnOf{m: m.clone()}
	need := m.need()
	if why := t.take(msg); why != "" {
		return m, m.answer(why, "")
	}
	if now := t.m.need(); now != "" && (now != need || msg.Kind == "tick") {
		t.do("need")
	}
	return t.m, t.m.answer("", strings.Join(t.effects, " "))
}

func (m Member) answer(refused, effects string) Answer {
	if m.Decided { // at the next height nothing has happened yet
		return Answer{refused, effects, 0, "", true}
	}
	return Answer{refused, effects, m.Attempt, m.Lock, false}
}

// need names the place for which the member needs a candidate: an attempt at this
// height, or the next height; "" where it needs none.
func (m Member) need() string {
	_, prepared := m.Prepared[m.Attempt]
	switch {
	case m.Decided:
		return "next height"
	case prepared || m.Own != "" || m.Lock != "":
		return ""
	}
	return "attempt " + string(rune('0'+m.Attempt))
}

func (t *turnOf) take(msg Message) (refused string) {
	if t.m.Decided {
		return t.afterwards(msg)
	}
	_, prepared := t.m.Prepared[t.m.Attempt]
	switch msg.Kind {
	case "candidate":
		switch {
		case msg.Attempt != t.m.Attempt:
			return "wrong attempt"
		case prepared:
			return "prepared"
		}
		t.m.Own = msg.Name
		t.progress()
	case "prepare":
		if !t.hold(msg) && msg.Attempt < t.m.Attempt {
			return "stale"
		}
		t.progress()
	case "commit":
		if first, ok := t.m.Votes[msg.From]; !ok {
			t.m.Votes[msg.From] = msg.Name
		} else if first != msg.Name {
			t.accuse(msg.From, "commit")
		}
		t.progress()
	case "timeout":
		if !prepared {
			return "not prepared"
		}
		t.advance()
		t.progress()
	case "tick":
		ahead := slices.ContainsFunc(slices.Collect(maps.Values(t.m.Newest)), func(s Said) bool { return s.Attempt > t.m.Attempt })
		if prepared && ahead {
			t.advance()
			t.progress()
			return ""
		}
		if len(t.m.Prepared) > 0 {
			t.do("send prepare")
		}
		if t.m.Lock != "" {
			t.do("send commit")
		}
	}
	return ""
}

// afterwards is take at the next height, of which nothing is heard here.
func (t *turnOf) afterwards(msg Message) string {
	switch msg.Kind {
	case "candidate":
		if msg.Attempt > 0 {
			return "wrong attempt"
		}
		return "candidate"
	case "prepare", "commit":
		t.do("send certificate")
	case "timeout":
		return "not prepared"
	}
	return ""
}

// hold keeps a peer's prepare, and reports whether it told something new.
func (t *turnOf) hold(msg Message) bool {
	kept := false
	newest, ok := t.m.Newest[msg.From]
	switch {
	case !ok || msg.Attempt > newest.Attempt:
		t.m.Newest[msg.From], kept = Said{msg.Attempt, msg.Name}, true
	case msg.Attempt == newest.Attempt && msg.Name != newest.Name:
		kept = t.accuse(msg.From, "prepare")
	}
	if msg.Attempt == t.m.Attempt {
		if current, ok := t.m.Current[msg.From]; !ok {
			t.m.Current[msg.From], kept = msg.Name, true
		} else if current != msg.Name {
			kept = t.accuse(msg.From, "prepare") || kept
		}
	}
	return kept
}

func (t *turnOf) accuse(peer int, kind string) bool {
	name := kind + string(rune('0'+peer))
	if t.m.Guilty[name] {
		return false
	}
	t.m.Guilty[name] = true
	t.do("evidence")
	return true
}

func (t *turnOf) advance() {
	t.m.Attempt++
	t.m.Own = ""
	t.m.Current = map[int]string{}
	for peer, said := range t.m.Newest {
		if said.Attempt == t.m.Attempt {
			t.m.Current[peer] = said.Name
		}
	}
}

// progress prepares, locks, advances and decides as far as it goes.
func (t *turnOf) progress() {
	for t.prepare() && len(t.m.Current) == t.m.Peers {
		mine := t.m.Prepared[t.m.Attempt]
		if slices.ContainsFunc(slices.Collect(maps.Values(t.m.Current)), func(name string) bool { return name != mine }) {
			t.advance()
			continue
		}
		t.lock(mine)
		break
	}
	for peer := 1; peer <= t.m.Peers; peer++ {
		if t.m.Lock == "" || t.m.Votes[peer] != t.m.Lock {
			return
		}
	}
	t.do("append", "announce")
	t.m.Decided = true
}

// prepare prepares in this attempt what is wanted, once, and reports whether the
// member has prepared in it.
func (t *turnOf) prepare() bool {
	if _, done := t.m.Prepared[t.m.Attempt]; done {
		return true
	}
	wanted := t.m.Own
	if t.m.Lock != "" {
		wanted = t.m.Lock
	}
	if wanted == "" {
		return false
	}
	t.m.Prepared[t.m.Attempt] = wanted
	t.do("persist", "send prepare")
	return true
}

// lock takes equal prepares of all for the highest proof, and locks if the member
// has not yet.
func (t *turnOf) lock(name string) {
	higher := t.m.Proof < t.m.Attempt
	t.m.Proof = max(t.m.Proof, t.m.Attempt)
	switch {
	case t.m.Lock == "":
		t.m.Lock = name
		t.do("persist", "send commit")
	case higher:
		t.do("persist")
	}
}
