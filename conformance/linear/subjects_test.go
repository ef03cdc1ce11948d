package linear

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/layer"
)

// picture is where to draw the cluster's run.
var picture = flag.String("linear.picture", "", "draw a good run of the cluster into this file")

const root = "../.." // the checkout

// A subject is one function, or one shared object, that clients call at the same
// time.
type subject struct {
	object string // what the calls share
	model  porcupine.Model
	// start makes a fresh object for one history, and returns how a client calls it.
	start func(t *testing.T, round uint64) session
	// illegal are histories that cannot be; nil: a good one with a wrong output is
	// made of each run's.
	illegal map[string][]porcupine.Operation

	rounds, clients, calls int // 0: as usual
}

// A session is one object in use.
type session struct {
	// draw chooses a call: its input, and what makes it.
	draw func(client int, r *rand.Rand) (in any, call func() any)
	// end looks at what the calls have left behind; it may be nil.
	end func(t *testing.T)
	// explain says in words what is wrong with one operation, or ""; it may be nil.
	explain func(op porcupine.Operation) string
	// model is the subject's where that has none of its own.
	model porcupine.Model
}

// check runs the subject and has porcupine judge its histories, and refuse the
// illegal ones.
func (s subject) check(t *testing.T) {
	rounds, clients, calls := max(s.rounds, 1), max(s.clients, 4), s.calls
	if calls == 0 {
		calls = 16
	}
	for round := range uint64(layer.Runs(rounds, 20*rounds)) {
		now := s.start(t, round)
		h := NewHistory(clients)
		h.Run(func(client int) {
			r := rand.New(rand.NewPCG(round, uint64(client)))
			for range calls {
				in, call := now.draw(client, r)
				h.Do(client, in, call)
			}
		})
		if now.end != nil {
			now.end(t)
		}
		model := s.model
		if now.model.Step != nil {
			model = now.model
		}
		if now.explain != nil {
			for _, op := range h.Operations() {
				if why := now.explain(op); why != "" {
					t.Log(why)
					break
				}
			}
		}
		judge(t, s.object, model, h.Operations())
		if s.illegal == nil {
			refuse(t, model, "a wrong output", spoil(h.Operations()))
		}
	}
	for name, operations := range s.illegal {
		refuse(t, s.model, name, operations)
	}
}

// judge requires that porcupine finds an order of the operations on the object.
func judge(t *testing.T, object string, model porcupine.Model, operations []porcupine.Operation) {
	t.Helper()
	totals.operations.Add(int64(len(operations)))
	totals.histories.Add(1)
	totals.objects.Store(object, true)
	require.NoError(t, Check(model, operations, filepath.Join(t.ArtifactDir(), "history.html")))
}

// refuse requires that porcupine finds that the operations have no order.
func refuse(t *testing.T, model porcupine.Model, name string, operations []porcupine.Operation) {
	t.Helper()
	totals.refused.Add(1)
	require.Equal(t, porcupine.Illegal, porcupine.CheckOperationsTimeout(model, operations, patience), "%s: must be refused", name)
}

// spoil gives one operation the output of another with another input, or, where
// all outputs are the same, one of no meaning.
func spoil(operations []porcupine.Operation) []porcupine.Operation {
	bad := slices.Clone(operations)
	last := len(bad) - 1
	for i := range bad {
		if !reflect.DeepEqual(value(bad[i].Output), value(bad[last].Output)) {
			bad[last].Output = bad[i].Output
			return bad
		}
	}
	bad[last].Output = "none of these"
	return bad
}

func value(out any) any {
	if o, ok := out.(*Observed); ok {
		return o.Value
	}
	return out
}

// heavy are functions whose inputs are large: they are called less often.
var heavy = []string{"order.Sort", "section.Glue", "section.Scan", "invariant.Reconcile", "event.Event.Append", "event.Parse", "merkle.TraceRoot", "merkle.Root"}

// pure is a function of shared inputs that nobody changes, with results of the
// caller's own. plain is what it should give, written so that it can be checked by
// eye.
func pure[I any](object string, inputs func() []I, call, plain func(in I) any) subject {
	s := subject{object: object}
	s.start = func(*testing.T, uint64) session {
		shared := inputs()
		var want []any
		for _, in := range inputs() {
			want = append(want, plain(in))
		}
		var turn atomic.Int64 // so that every input has its turn
		return session{
			model: Pure(want),
			draw: func(int, *rand.Rand) (any, func() any) {
				i := int(turn.Add(1)-1) % len(shared)
				return i, func() any { return Observe(call(shared[i])) }
			},
			explain: func(op porcupine.Operation) string {
				i := op.Input.(int)
				if o, ok := op.Output.(*Observed); ok && o.Is(i, want) {
					return ""
				}
				return fmt.Sprintf("input %d, %.2000s: got %.2000s, want %.2000s", i, fmt.Sprint(inputs()[i]), fmt.Sprint(op.Output), fmt.Sprint(want[i]))
			},
			end: func(t *testing.T) { require.Equal(t, inputs(), shared, "a call has changed its input") },
		}
	}
	s.calls = max(40, (2*len(inputs())+3)/4)
	return s
}

// results are the outputs of a function with several.
func results(values ...any) any { return values }

func TestEveryKernelFunctionHasASubject(t *testing.T) {
	functions, err := Functions(root, KernelFolders)
	require.NoError(t, err)
	subjects, counted := kernelSubjects(newWorld(t)), 0
	for _, f := range functions {
		_, has := subjects[f.Name]
		require.Equal(t, !IsText(f.Name), has, "%s: whether it has a subject", f.Name)
		if has {
			counted++
		}
	}
	require.Equal(t, len(subjects), counted, "subjects of functions that are not there")
	layer.Count(t, "functions", counted)
}

func TestKernelFunctionsAreLinearizable(t *testing.T) {
	subjects := kernelSubjects(newWorld(t))
	for _, name := range slices.Sorted(maps.Keys(subjects)) {
		t.Run(name, subjects[name].check)
	}
}

// kernelSubjects returns the subject of each function, by its name.
func kernelSubjects(w *world) map[string]subject {
	all := map[string]subject{}
	for _, some := range []func(*world) map[string]subject{
		keySubjects, eventSubjects, frameSubjects, fixedSubjects, merkleSubjects, orderSubjects, sectionSubjects,
		invariantSubjects, bodySubjects, certSubjects, quorumSubjects,
	} {
		for name, s := range some(w) {
			if _, twice := all[name]; twice {
				panic(fmt.Sprintf("%s has two subjects", name))
			}
			if slices.Contains(heavy, name) {
				s.calls = 9
			}
			all[name] = s
		}
	}
	return all
}
