package tlc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
)

// Judge returns what is wrong with an outcome of Check, or nothing where it is
// what c expects.
func (c *Config) Judge(o *Outcome) []string {
	if c.Run == Negative {
		if what := c.judgeNegative(o); what != "" {
			return []string{c.Path + ": " + what}
		}
		return nil
	}
	if o.Kind != Holds {
		return []string{c.failure(o)}
	}
	var problems []string
	add := func(format string, args ...any) {
		problems = append(problems, c.Path+": "+fmt.Sprintf(format, args...))
	}
	for _, w := range o.Warnings {
		add("TLC warns: %s", w)
	}
	if c.Distinct != 0 && o.Distinct != c.Distinct {
		add("the model changed: it has %d distinct states, depth %d; recorded are %d, depth %d: record the new count",
			o.Distinct, o.Depth, c.Distinct, c.Depth)
	}
	for i, name := range c.Reach {
		if !o.Reached[i] {
			add("%s is true in no state: what it stands for is not checked", name)
		}
	}
	return append(problems, c.judgeActions(o)...)
}

func (c *Config) judgeNegative(o *Outcome) string {
	name := c.violated(o)
	switch {
	case name == c.Violates:
		return ""
	case o.Kind == Holds:
		return fmt.Sprintf("nothing is violated; want %s. %s", c.Violates, c.Why)
	case name != "":
		return fmt.Sprintf("%s is violated; want %s\n%s", name, c.Violates, o.behaviour())
	}
	return fmt.Sprintf("want %s violated\n%s", c.Violates, c.failure(o))
}

// violated returns what o shows to be violated, or "".
func (c *Config) violated(o *Outcome) string {
	switch {
	case o.Kind == Deadlock:
		return deadlockName
	case o.Kind != Violated || o.Property != "":
		return o.Property
	}
	temporal := c.words("PROPERTY")
	if len(temporal) == 1 {
		return temporal[0]
	}
	return "one of " + strings.Join(temporal, ", ")
}

// failure says why a run shows nothing, with the place in the checkout.
func (c *Config) failure(o *Outcome) string {
	at := c.Path
	if module, rest, ok := strings.Cut(o.Where, ":"); ok {
		switch {
		case module == configName:
			at = c.Path + ":" + rest
		case slices.ContainsFunc(c.modules, func(m *Module) bool { return m.Name == module }):
			at = fmt.Sprintf("%s/%s.tla:%s: (%s)", Folder, module, rest, c.Name)
		}
	}
	what := string(o.Kind)
	if name := c.violated(o); name != "" {
		what = name + " is violated"
	}
	return strings.TrimSuffix(fmt.Sprintf("%s: %s: %s\n%s", at, what, clip(o.Text, 2000), o.behaviour()), "\n")
}

// judgeActions finds the actions that have not happened, and those that have and
// should not.
func (c *Config) judgeActions(o *Outcome) []string {
	var problems []string
	if len(o.Actions) == 0 {
		problems = append(problems, c.Path+": TLC tells of no action")
	}
	known := map[string]bool{}
	for _, a := range o.Actions {
		known[a.Name] = true
		listed := slices.ContainsFunc(c.Never, func(u Unfired) bool { return u.Action == a.Name })
		name := a.Name
		if a.Place != "" {
			name += " (" + a.Place + ")"
		}
		switch {
		case a.Fired == 0 && !listed:
			problems = append(problems, fmt.Sprintf("%s: the action %s never happens", c.Path, name))
		case a.Fired > 0 && listed:
			problems = append(problems, fmt.Sprintf("%s: the action %s happens, and is listed as one that never does", c.Path, name))
		}
	}
	for _, u := range c.Never {
		if !known[u.Action] {
			problems = append(problems, fmt.Sprintf("%s: never: there is no action %s", c.Path, u.Action))
		}
	}
	return problems
}

// Fired returns how many of the actions have happened.
func (o *Outcome) Fired() int {
	n := 0
	for _, a := range o.Actions {
		if a.Fired > 0 {
			n++
		}
	}
	return n
}

// The bounds of a behaviour as it is told: its first and last steps, and of each
// what has changed.
const (
	shownFirst = 20
	shownLast  = 20
	shownValue = 240 // bytes
)

// behaviour tells the steps of o.Trace: each action and the variables that it
// has changed.
func (o *Outcome) behaviour() string {
	var b strings.Builder
	before := map[string]string{}
	for i, step := range o.Trace {
		changed := changes(before, step.State)
		if i >= shownFirst && i < len(o.Trace)-shownLast {
			if i == shownFirst {
				fmt.Fprintf(&b, "  ... %d steps ...\n", len(o.Trace)-shownFirst-shownLast)
			}
			continue
		}
		fmt.Fprintf(&b, "  %d %s\n", i+1, strings.Trim(step.Action, "<>"))
		for _, line := range changed {
			fmt.Fprintf(&b, "      %s\n", line)
		}
	}
	return b.String()
}

// changes returns the variables that state gives another value than before, and
// notes them there.
func changes(before map[string]string, state string) []string {
	variables, err := tlavalue.ParseState(state)
	if err != nil {
		return nil // where it stutters, and where a value is none that is written out
	}
	var lines []string
	for _, v := range variables {
		text := v.Value.String()
		if before[v.Name] != text {
			before[v.Name] = text
			lines = append(lines, v.Name+" = "+clip(text, shownValue))
		}
	}
	return lines
}

// clip cuts a text that is longer than n bytes.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "..."
}
