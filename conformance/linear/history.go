package linear

import (
	"fmt"
	"math"
	"os"
	"reflect"
	"runtime/debug"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// Unknown is the output of an operation whose client was never told one: it
// crashed or gave up waiting. A model allows it both to have happened and not.
type Unknown struct{}

// Panic is the output of a call that panicked or touched memory it may not.
type Panic struct{ Message string }

// never is the return time of an operation that has none.
const never = math.MaxInt64

// A History gathers the operations of clients that run at the same time. Each
// client has a list of its own, so that recording orders nothing: the race
// detector sees what the calls do, and no lock of ours.
type History struct {
	start time.Time
	lists [][]porcupine.Operation // by client
}

// NewHistory returns the empty history of a number of clients.
func NewHistory(clients int) *History {
	return &History{start: time.Now(), lists: make([][]porcupine.Operation, clients)}
}

// Do makes one call of a client and records it.
func (h *History) Do(client int, in any, call func() any) any {
	from := time.Since(h.start).Nanoseconds()
	out := guarded(call)
	to := time.Since(h.start).Nanoseconds()
	if out == (Unknown{}) {
		to = never
	}
	h.Add(client, in, out, from, to)
	return out
}

// Add records an operation whose times are known from elsewhere.
func (h *History) Add(client int, in, out any, from, to int64) {
	h.lists[client] = append(h.lists[client], porcupine.Operation{ClientId: client, Input: in, Output: out, Call: from, Return: to})
}

// Forget has a client make a call and not wait for it: what it comes to is Unknown.
// The call may still be under way when Forget returns; done is told when it ends.
func (h *History) Forget(client int, in any, done *sync.WaitGroup, call func()) {
	from := time.Since(h.start).Nanoseconds()
	done.Go(call)
	h.Add(client, in, Unknown{}, from, never)
}

// guarded makes a panic, and a fault in mapped memory, the call's output.
func guarded(call func() any) (out any) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			out = Panic{fmt.Sprint(r)}
		}
	}()
	return call()
}

// Run has the clients work at the same time and returns when all have ended.
func (h *History) Run(work func(client int)) {
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	for client := range h.lists {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-begin
			work(client)
		})
	}
	ready.Wait()
	close(begin)
	done.Wait()
}

// Operations returns what all clients have done.
func (h *History) Operations() []porcupine.Operation {
	var all []porcupine.Operation
	for _, list := range h.lists {
		all = append(all, list...)
	}
	return all
}

// Calls makes a history of calls that come one after the other from the pairs of
// an input and an output.
func Calls(pairs ...any) []porcupine.Operation {
	var list []porcupine.Operation
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, porcupine.Operation{Input: pairs[i], Output: pairs[i+1], Call: int64(i), Return: int64(i) + 1})
	}
	return list
}

// patience is how long porcupine may look for an order. What it has not found by
// then is no verdict, and red.
const patience = 2 * time.Minute

// Check returns an error where the operations are not linearizable by the model,
// or where that could not be found out. With a picture, it draws them there.
func Check(model porcupine.Model, operations []porcupine.Operation, picture string) error {
	result := porcupine.CheckOperationsTimeout(model, operations, patience)
	if result == porcupine.Ok {
		return nil
	}
	if picture != "" {
		if err := Draw(model, operations, picture); err != nil {
			return fmt.Errorf("%d operations: porcupine says %s, and no picture could be drawn: %w", len(operations), result, err)
		}
	}
	return fmt.Errorf("%d operations: porcupine says %s; the picture is %s", len(operations), result, picture)
}

// Draw writes porcupine's picture of the operations to the file path: an HTML page
// that needs nothing beside it.
func Draw(model porcupine.Model, operations []porcupine.Operation, path string) error {
	_, info := porcupine.CheckOperationsVerbose(model, operations, patience)
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := porcupine.Visualize(model, info, f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// Observed is an output that is compared with others as seldom as can be.
type Observed struct {
	Value any
	equal map[int]bool // by input: whether it is that input's output
}

// Observe wraps an output.
func Observe(value any) *Observed { return &Observed{value, map[int]bool{}} }

// Is reports whether the output is that of input i, which is want[i].
func (o *Observed) Is(i int, want []any) bool {
	equal, known := o.equal[i]
	if !known {
		equal = reflect.DeepEqual(want[i], o.Value)
		o.equal[i] = equal
	}
	return equal
}

// Pure is the model of a function without state: the output of input i, *Observed,
// is want[i].
func Pure(want []any) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return nil },
		Step: func(state, in, out any) (bool, any) {
			o, ok := out.(*Observed)
			return ok && o.Is(in.(int), want), state
		},
		DescribeOperation: func(in, out any) string {
			if o, ok := out.(*Observed); ok {
				out = o.Value
			}
			return fmt.Sprintf("input %d -> %.200s", in, fmt.Sprint(out))
		},
	}
}
