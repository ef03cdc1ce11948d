package tlc

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/conformance/corpus"
)

// runModule is the module made for a run where the model's own is not enough.
const runModule = "OmegaRun"

// firstRegister is the first of TLC's registers, of TLCGet and TLCSet, that the
// predicates to be reached use.
const firstRegister = 700

// plainFiles returns the files of a run as c has it. Each predicate that must be
// reached becomes an invariant that is always true and prints a line when the
// predicate first is.
func (c *Config) plainFiles() (*scratch, error) {
	s := c.moduleFiles()
	s.files[configName] = c.text
	if len(c.Reach) == 0 {
		return s, nil
	}
	var module, config strings.Builder
	fmt.Fprintf(&module, "---- MODULE %s ----\nEXTENDS %s, TLC\n", runModule, c.Module)
	for i, name := range c.Reach {
		register := firstRegister + i
		fmt.Fprintf(&module, "ASSUME TLCSet(%d, 0)\nOmegaReach%d == IF TLCGet(%d) = 0 /\\ %s THEN TLCSet(%d, 1) /\\ PrintT(<<\"omega-reach\", %d>>) ELSE TRUE\n",
			register, i, register, name, register, i)
		fmt.Fprintf(&config, "INVARIANT OmegaReach%d\n", i)
	}
	module.WriteString("====\n")
	s.module = runModule
	s.files[runModule+".tla"] = module.String()
	s.files[configName] = c.text + "\n" + config.String() // behind it: its lines keep their numbers
	return s, nil
}

func (c *Config) moduleFiles() *scratch {
	s := &scratch{module: c.Module, files: map[string]string{}}
	for _, m := range c.modules {
		s.files[m.Name+".tla"] = m.text
	}
	return s
}

// checkGraph finds what would keep the graph from being the model's.
func (c *Config) checkGraph() error {
	for _, keyword := range []string{"SYMMETRY", "VIEW", "ACTION_CONSTRAINT", "INIT", "NEXT"} {
		if len(c.words(keyword)) > 0 {
			return c.bad(0, "a graph configuration has no %s: its bounds are in CONSTRAINT, and all else in SPECIFICATION", keyword)
		}
	}
	_, _, err := c.initAndNext()
	return err
}

// initAndNext returns the names of the initial predicate and of the next-state
// relation of a specification of the form `Spec == Init /\ [][Next]_vars`.
func (c *Config) initAndNext() (init, next string, err error) {
	spec := strings.Join(c.words("SPECIFICATION"), " ")
	if !namePattern.MatchString(spec) {
		return "", "", c.bad(0, "a graph configuration names one SPECIFICATION")
	}
	pattern := regexp.MustCompile(`(?m)^` + spec + `\s*==\s*(?:/\\\s*)?(\w+)\s*/\\\s*\[\]\[(\w+)\]_`)
	for _, m := range c.modules {
		if found := pattern.FindStringSubmatch(m.text); found != nil {
			return found[1], found[2], nil
		}
	}
	return "", "", c.bad(0, "%s is not defined as Init /\\ [][Next]_vars", spec)
}

// dropped is what the run that dumps the graph leaves out or says in its own way.
// Properties are checked by the run as the configuration has it.
var dropped = []string{"SPECIFICATION", "CONSTRAINT", "CHECK_DEADLOCK", "PROPERTY"}

// graphFiles returns the files of a run that dumps the graph. The constraint
// becomes a variable, false in what lies within; what is beyond is entered and not
// left, so that all edges are seen of all states within.
func (c *Config) graphFiles() (*scratch, error) {
	init, next, err := c.initAndNext()
	if err != nil {
		return nil, err
	}
	bound := "TRUE"
	if names := c.words("CONSTRAINT"); len(names) > 0 {
		bound = strings.Join(names, ` /\ `)
	}
	s := c.moduleFiles()
	s.module = runModule
	s.files[runModule+".tla"] = fmt.Sprintf(`---- MODULE %[1]s ----
EXTENDS %[2]s
VARIABLE %[3]s
OmegaBound == %[4]s
OmegaInit == %[5]s /\ %[3]s = ~OmegaBound
OmegaNext == ~%[3]s /\ %[6]s /\ %[3]s' = ~OmegaBound'
====
`, runModule, c.Module, corpus.BeyondVariable, bound, init, next)
	var config strings.Builder
	for _, st := range c.statements {
		if !slices.Contains(dropped, st.keyword) {
			fmt.Fprintf(&config, "%s %s\n", st.keyword, strings.Join(st.words, " "))
		}
	}
	config.WriteString("INIT OmegaInit\nNEXT OmegaNext\nCHECK_DEADLOCK FALSE\n")
	s.files[configName] = config.String()
	return s, nil
}
