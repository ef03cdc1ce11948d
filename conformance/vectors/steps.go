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

// The steps begin at states of the model's graph. Some are edges of it; others take
// a message from anywhere in the graph, changed, and signed again, as likely as not; and
// some go on from where those have led. Of many the vectors are chosen so that every
// kind of message with every outcome is among them.

// heights is how far the contents of the world go: to where messages of the graph and
// one height beyond reach.
const heights = 4

// perVector is of how many walks a vector is chosen.
const perVector = 8

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

// taken is a vector and what tells it from others.
type taken struct {
	class  string
	vector Vector
}

// steps returns vectors of Step: as many as are asked for.
func steps(root string) func(n int) ([]Vector, error) {
	return func(n int) ([]Vector, error) {
		s, err := newScene(root)
		if err != nil {
			return nil, err
		}
		generator := rapid.Custom(s.walk)
		byClass := map[string][]Vector{}
		for seed := range n * perVector {
			for _, step := range generator.Example(seed + 1) {
				byClass[step.class] = append(byClass[step.class], step.vector)
			}
		}
		var chosen []Vector
		for round := 0; len(chosen) < n && round < n; round++ {
			for _, class := range slices.Sorted(maps.Keys(byClass)) {
				if of := byClass[class]; round < len(of) && len(chosen) < n {
					chosen = append(chosen, of[round])
				}
			}
		}
		return chosen, nil
	}
}

// walk draws a state of the graph and one to three steps from there.
func (s *scene) walk(t *rapid.T) []taken {
	edge := s.drawEdge(t)
	state, err := s.state(edge.From)
	if err != nil {
		panic(err)
	}
	var steps []taken
	for range rapid.IntRange(1, 3).Draw(t, "steps") {
		m, err := s.message(edge)
		if err != nil {
			panic(err)
		}
		if len(steps) > 0 || rapid.Bool().Draw(t, "changed") {
			m = s.change(t, m)
		}
		step, next := s.step(state, m)
		steps, state = append(steps, step), next
		edge = s.drawEdge(t)
	}
	return steps
}

// step takes a step, and writes it as a vector.
func (s *scene) step(state quorum.State, m quorum.Message) (taken, quorum.State) {
	text := &stepText{world: &s.world}
	before, message := text.state(state), text.message(m)
	next, effects, err := quorum.Step(s.cfg, state, m)
	class := fmt.Sprintf("%T", m)
	refusal := "none"
	if err != nil {
		refusal = "(some " + refusalText(err) + ")"
		class += " " + refusal
	}
	for _, e := range effects {
		class += fmt.Sprintf(" %T", e)
	}
	out := fmt.Sprintf("⟨%s, %s, %s⟩", text.state(next), list(effects, text.effect), refusal)
	form := "quorum.Step." + strings.TrimPrefix(strings.TrimPrefix(fmt.Sprintf("%T", m), "*"), "quorum.")
	if text.err != nil {
		return taken{"impossible", impossible(form, text.err.Error())}, state
	}
	return taken{class, Vector{Form: form, Call: fmt.Sprintf("Quorum.step %s %s %s", text.config(), before, message), Out: out}}, next
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
