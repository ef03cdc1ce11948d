package traces

import (
	"fmt"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/conformance/refine"
	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
)

// The names of the module that is made for TLC, of what it defines, and of the module
// that it extends.
const (
	recordedModule = "RecordedTraces"
	recorded       = "Recorded"
	judgeModule    = "TraceQuorum"
)

// group is a sequence of traces, and what it is called in a module.
type group struct {
	name   string
	traces []*Trace
}

// module returns a module with the traces, of which all have the same members and
// liars, and the model values in it that are no members.
func module(name string, groups ...group) (text string, others []string) {
	w := &values{names: map[string]string{}, models: map[tlavalue.Model]bool{}}
	var bodies strings.Builder
	n := 0
	for _, g := range groups {
		var names []string
		for _, t := range g.traces {
			n++
			names = append(names, fmt.Sprintf("t%d", n))
			fmt.Fprintf(&bodies, "t%d == <<\n%s>>\n", n, strings.Join(w.events(t), ",\n"))
		}
		fmt.Fprintf(&bodies, "%s == <<%s>>\n", g.name, strings.Join(names, ", "))
	}
	members := groups[0].traces[0].Members
	others = w.others(members)
	return fmt.Sprintf("---- MODULE %s ----\nEXTENDS %s\nCONSTANTS %s\n%s%s====\n",
		name, judgeModule, strings.Join(slices.Concat(words(members), others), ", "), &w.definitions, &bodies), others
}

// configuration returns the settings of the model for traces like t, of which the group
// has a name: what the model leaves open is in the traces, so that Attempts, of which
// its liars speak, bounds nothing.
func configuration(t *Trace, values []string, name string) string {
	var b strings.Builder
	b.WriteString("SPECIFICATION TraceSpec\nCONSTANTS\n")
	for _, model := range slices.Concat(words(t.Members), values, []string{"None"}) {
		fmt.Fprintf(&b, "    %s = %s\n", model, model)
	}
	fmt.Fprintf(&b, "    Members = {%s}\n    Liars = {%s}\n    Values = {%s}\n",
		strings.Join(words(t.Members), ", "), strings.Join(words(t.Liars), ", "), strings.Join(values, ", "))
	for _, setting := range []string{"Attempts = {}", "Backups = {}", "Awake = FALSE", "Dropped = {}",
		"Traces <- " + name, "MayCrash <- CrashHere", "Label <- CutHere"} {
		fmt.Fprintf(&b, "    %s\n", setting)
	}
	b.WriteString("CHECK_DEADLOCK FALSE\n")
	return b.String()
}

func words(models []tlavalue.Model) []string {
	out := make([]string, len(models))
	for i, m := range models {
		out[i] = string(m)
	}
	return out
}

// values writes values as TLA+, each that is long by a name of its own.
type values struct {
	definitions strings.Builder
	names       map[string]string // by text
	models      map[tlavalue.Model]bool
}

// short is the length in bytes up to which a value gets no name.
const short = 24

// others returns the model values that are no members, and not None.
func (w *values) others(members []tlavalue.Model) []string {
	var all []string
	for m := range w.models {
		if m != refine.None && !slices.Contains(members, m) {
			all = append(all, string(m))
		}
	}
	slices.Sort(all)
	return all
}

// text returns what stands for v in the module.
func (w *values) text(v tlavalue.Value) string {
	var text string
	switch v := v.(type) {
	case tlavalue.Model:
		w.models[v] = true
		return v.String()
	case tlavalue.Set:
		text = "{" + w.list(v) + "}"
	case tlavalue.Seq:
		text = "<<" + w.list(v) + ">>"
	case tlavalue.Record:
		var fields []string
		for _, f := range v {
			fields = append(fields, f.Name+" |-> "+w.text(f.Value))
		}
		text = "[" + strings.Join(fields, ", ") + "]"
	case tlavalue.Function:
		var pairs []string
		for _, p := range v {
			pairs = append(pairs, w.text(p.Arg)+" :> "+w.text(p.Value))
		}
		text = "(" + strings.Join(pairs, " @@ ") + ")"
	default:
		return v.String()
	}
	if len(text) <= short {
		return text
	}
	name, ok := w.names[text]
	if !ok {
		name = fmt.Sprintf("x%d", len(w.names)+1)
		w.names[text] = name
		fmt.Fprintf(&w.definitions, "%s == %s\n", name, text)
	}
	return name
}

func (w *values) list(all []tlavalue.Value) string {
	texts := make([]string, len(all))
	for i, v := range all {
		texts[i] = w.text(v)
	}
	return strings.Join(texts, ", ")
}

// events returns the events of t as records of TLA+.
func (w *values) events(t *Trace) []string {
	index := map[Place]int{}
	for i := len(t.Events) - 1; i >= 0; i-- {
		index[t.Events[i].Place] = i + 1
	}
	var all []string
	for i := range t.Events {
		e := &t.Events[i]
		cause := 0
		if e.Cause != nil {
			if cause = index[*e.Cause]; cause == 0 {
				cause = len(t.Events) + 1
			}
		}
		all = append(all, fmt.Sprintf(
			"[member |-> %s, seq |-> %d, act |-> %q, arg |-> %s, cause |-> %d, refused |-> %v, sent |-> %s, cut |-> %d, state |-> %s, disk |-> %s, log |-> %s]",
			w.text(e.Member), e.Seq, e.Act, w.text(e.Arg), cause, tlavalue.Bool(e.Refused), w.text(e.Sent), e.Cut,
			w.text(e.State), w.text(e.Disk), w.text(e.Log)))
	}
	return all
}
