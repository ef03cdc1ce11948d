package traces

import (
	"slices"

	"github.com/omega-sheaf-os/omega/conformance/sim"
)

// ExampleModule is the module that Example makes.
const ExampleModule = "TraceExample"

// Example returns a module of two traces, with which tla/TraceQuorum.tla is itself
// checked: Recorded is a run of two members to one certificate, and Forged the same
// without the event in the middle.
func Example(seed uint64) (string, error) {
	t, err := Record(seed, sim.Options{Members: 2, Heights: 1})
	if err != nil {
		return "", err
	}
	forged := *t
	middle := len(t.Events) / 2
	forged.Events = slices.Delete(slices.Clone(t.Events), middle, middle+1)
	text, _ := module(ExampleModule, group{recorded, []*Trace{t}}, group{"Forged", []*Trace{&forged}})
	return text, nil
}
