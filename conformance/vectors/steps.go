package vectors

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/conformance/corpus"
	"github.com/omega-sheaf-os/omega/conformance/refine"
	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"pgregory.net/rapid"
)

// The steps begin at states of the model's graph. Half of them are edges of it; the
// others take the message of an edge, or of one from elsewhere in the graph, changed,
// and signed again unless its signature is what is changed. Of many the vectors are chosen so that they differ
// in what the model says is sent, and in the change. What the code gives has no part in
// the choice: a fault changes what stands in the vectors, and not which there are.

// heights is how far the contents of the world go: to where messages of the graph and
// one height beyond reach.
const heights = 4

// perVector is of how many steps a vector is chosen.
const perVector = 16

// scene is the graph and the world of its values.
type scene struct {
	world
	graph *corpus.Corpus
	mem   int // the variables
	disk  int
	log   int
	names []string                 // of the actions that are a step of the member, sorted
	asked map[string][]corpus.Edge // their edges
}

const me = 0 // the member that takes the steps, m1

func newScene(root string) (*scene, error) {
	f, err := os.Open(filepath.Join(root, "conformance", "corpus", "testdata", "QuorumGraph.corpus.gz"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	graph, err := corpus.Read(f)
	if err != nil {
		return nil, err
	}
	refined, err := refine.NewWorld([]string{"m1", "m2"}, []string{"a", "b"}, heights)
	if err != nil {
		return nil, err
	}
	s := &scene{world: world{refined: refined, cfg: refined.Config(me)}, graph: graph}
	for i, v := range graph.Variables {
		switch v.Name {
		case "mem":
			s.mem = i
		case "disk":
			s.disk = i
		case "log":
			s.log = i
		}
	}
	s.asked = map[string][]corpus.Edge{}
	for _, e := range graph.Edges {
		if name := graph.ActionName(int(e.Action)); name != "Crash" {
			s.asked[name] = append(s.asked[name], e)
		}
	}
	s.names = slices.Sorted(maps.Keys(s.asked))
	return s, s.numberDigests()
}

// drawEdge draws an action, and an edge of it.
func (s *scene) drawEdge(t *rapid.T) corpus.Edge {
	return rapid.SampledFrom(s.asked[rapid.SampledFrom(s.names).Draw(t, "action")]).Draw(t, "edge")
}

// numberDigests numbers the hashes of the genesis and all contents in their order.
func (s *scene) numberDigests() error {
	all := []cert.Hash{s.refined.Genesis.Name}
	var add func(names tlavalue.Seq) error
	add = func(names tlavalue.Seq) error {
		for _, v := range []tlavalue.Model{"a", "b"} {
			longer := append(slices.Clone(names), v)
			c, err := s.refined.Content(longer)
			if err != nil {
				return err
			}
			all = append(all, c.Digest())
			if len(longer) < heights {
				if err := add(longer); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := add(tlavalue.Seq{}); err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b cert.Hash) int { return bytes.Compare(a[:], b[:]) })
	s.digests = map[cert.Hash]int{{}: 0}
	for i, h := range all {
		s.digests[h] = i + 1
	}
	return nil
}

// mine returns what a variable holds of the member in a state.
func (s *scene) mine(state int32, variable int) tlavalue.Value {
	f, _ := s.graph.Value(int(state), variable).(tlavalue.Function)
	v, _ := f.Get(s.refined.Name(me))
	return v
}

func (s *scene) state(i int32) (quorum.State, error) {
	mem, log := s.mine(i, s.mem), s.mine(i, s.log)
	if mem == refine.None {
		return s.refined.Down(log)
	}
	return s.refined.State(mem, log)
}

// message returns what the action of an edge gives the member.
func (s *scene) message(e corpus.Edge) (quorum.Message, error) {
	arg, _ := s.graph.Actions[e.Action].Get("arg")
	switch name := s.graph.ActionName(int(e.Action)); name {
	case "Tick":
		return quorum.Tick{}, nil
	case "Timeout":
		return quorum.Timeout{}, nil
	case "Candidate":
		c, err := s.refined.Content(arg)
		attempt := uint64(0)
		if mem, ok := s.mine(e.From, s.mem).(tlavalue.Record); ok {
			v, _ := mem.Get("attempt")
			n, _ := v.(tlavalue.Int)
			attempt = uint64(n)
		}
		return quorum.Candidate{Attempt: attempt, Content: c}, err
	case "Start":
		n, _ := arg.(tlavalue.Int)
		disk, err := s.refined.Durable(me, s.mine(e.From, s.disk), s.mine(e.From, s.log))
		return quorum.Start{Disk: disk, Nonce: s.refined.NonceOf(int(n))}, err
	}
	return s.refined.Message(arg, refine.Everything)
}

// steps returns what makes vectors of Step: as many as are asked for.
func steps(root string) func(n int) ([]Vector, error) {
	return func(n int) ([]Vector, error) {
		s, err := newScene(root)
		if err != nil {
			return nil, err
		}
		var classes []string
		byClass := map[string][]situation{}
		for number := range n * perVector {
			at, err := example(number, func(t *rapid.T) situation { return s.draw(t, number) })
			if err = errors.Join(err, at.err); err != nil {
				return nil, err
			}
			if byClass[at.class] == nil {
				classes = append(classes, at.class)
			}
			byClass[at.class] = append(byClass[at.class], at)
		}
		var chosen []Vector
		for round := 0; round < n; round++ {
			for _, class := range classes {
				if of := byClass[class]; round < len(of) && len(chosen) < n {
					chosen = append(chosen, s.step(of[round]))
				}
			}
		}
		return chosen, nil
	}
}

// situation is what a step is given.
type situation struct {
	class   string // what it is to be chosen for
	state   quorum.State
	message quorum.Message
	err     error
}

// haltedEach is one of how many members has halted.
const haltedEach = 40

// draw draws a situation; every second is an edge of the graph.
func (s *scene) draw(t *rapid.T, number int) (at situation) {
	edge := s.drawEdge(t)
	if at.state, at.err = s.state(edge.From); at.err != nil {
		return at
	}
	what := number / 4 % changes
	if number%4 == 3 {
		edge = s.drawEdge(t)
	}
	if at.message, at.err = s.message(edge); at.err != nil {
		return at
	}
	if number%2 == 1 {
		at.class = fmt.Sprintf("%T %s ready %t", at.message, carries(at.message), at.state.Ready())
		switch at.message.(type) {
		case quorum.Tick, quorum.Timeout:
		default:
			at.message = s.change(t, at.message, what)
			at.class += fmt.Sprintf(" changed %d", what)
		}
	} else {
		sent, _ := s.graph.Actions[edge.Action].Get("sent")
		same := tlavalue.Compare(s.mine(edge.From, s.mem), s.mine(edge.To, s.mem)) == 0
		at.class = fmt.Sprintf("%s same %t %s", s.graph.ActionName(int(edge.Action)), same, sentTypes(sent))
	}
	if number%haltedEach == 1 {
		at.state.Halted = &quorum.Halt{Reason: quorum.Fork, Height: at.state.Height(), Seen: &quorum.Resync{}}
		at.class = "halted"
	}
	return at
}

// carries says what a message has that it can be without.
func carries(m quorum.Message) string {
	switch m := m.(type) {
	case *quorum.Prepare:
		return fmt.Sprintf("proof %t", m.Proof != nil)
	case *quorum.Commit:
		return fmt.Sprintf("proof %t", m.Proof != nil)
	case quorum.Start:
		return fmt.Sprintf("disk %t lock %t", m.Disk != nil, m.Disk != nil && m.Disk.Lock != nil)
	}
	return ""
}

// sentTypes returns the types of the messages that an action sends.
func sentTypes(sent tlavalue.Value) string {
	var types []string
	set, _ := sent.(tlavalue.Set)
	for _, v := range set {
		r, _ := v.(tlavalue.Record)
		kind, _ := r.Get("type")
		types = append(types, kind.String())
	}
	slices.Sort(types)
	return strings.Join(types, " ")
}

// step takes a step, and writes it as a vector.
func (s *scene) step(at situation) Vector {
	text := &stepText{world: &s.world}
	before, message := text.state(at.state), text.message(at.message)
	next, effects, err := quorum.Step(s.cfg, at.state, at.message)
	refusal := "none"
	if err != nil {
		refusal = "(some " + refusalText(err) + ")"
	}
	out := fmt.Sprintf("⟨%s, %s, %s⟩", text.state(next), list(effects, text.effect), refusal)
	form := "quorum.Step." + strings.TrimPrefix(strings.TrimPrefix(fmt.Sprintf("%T", at.message), "*"), "quorum.")
	if text.err != nil {
		return impossible(form, text.err.Error())
	}
	return Vector{Form: form, Call: fmt.Sprintf("Quorum.step %s %s %s", text.config(), before, message), Out: out}
}

// refusals are Lean's words for the errors of Step. An error can wrap several, of
// which the first here is the reason.
var refusals = []struct {
	err  error
	text string
}{
	{quorum.ErrDiskAhead, ".diskAhead"}, {quorum.ErrDisk, ".disk"}, {quorum.ErrCertificate, ".certificate"},
	{quorum.ErrCandidate, ".candidate"}, {quorum.ErrProof, ".proof"}, {quorum.ErrSignature, ".signature"},
	{quorum.ErrNotStarted, ".notStarted"}, {quorum.ErrStarted, ".started"}, {quorum.ErrHalted, ".halted"},
	{quorum.ErrWrongChain, ".wrongChain"}, {quorum.ErrWrongHeight, ".wrongHeight"}, {quorum.ErrUnknownMember, ".unknownMember"},
	{quorum.ErrNotAddressee, ".notAddressee"}, {quorum.ErrNonce, ".nonce"}, {quorum.ErrStaleAttempt, ".staleAttempt"},
	{quorum.ErrWrongAttempt, ".wrongAttempt"}, {quorum.ErrPrepared, ".prepared"}, {quorum.ErrNotPrepared, ".notPrepared"},
	{quorum.ErrNotReady, ".notReady"}, {quorum.ErrUnwanted, ".unwanted"},
}

func refusalText(err error) string {
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return r.text
		}
	}
	return fmt.Sprintf("%q", err)
}
