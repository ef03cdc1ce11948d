package tlc

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Run says how and when a configuration is run.
type Run string

// The runs.
const (
	Quick    Run = "quick"
	Large    Run = "large"
	Graph    Run = "graph"
	Negative Run = "negative"
)

// Config is a configuration of tla/.
type Config struct {
	Name     string // QuorumTwo, of QuorumTwo.cfg
	Path     string // of the file, relative to the checkout
	Run      Run
	Module   string
	Violates string // what a negative one must violate, or deadlockName
	Why      string
	Distinct int64 // 0 where it is not recorded
	Depth    int
	Reach    []string
	Never    []Unfired

	text       string
	statements []statement
	modules    []*Module // Module, and all that it is made of
}

// Unfired is an action that cannot happen, and why not.
type Unfired struct{ Action, Reason string }

// deadlockName is what a configuration violates that must come to an end.
const deadlockName = "deadlock"

// Module is a file of tla/.
type Module struct {
	Name, Path string
	text       string
}

// Folder is where the models are, relative to the checkout.
const Folder = "tla"

// ConfigError says what is wrong with a file of Folder.
type ConfigError struct {
	Path string
	Line int // from 1, 0 where it is no line's
	What string
}

func (e *ConfigError) Error() string {
	if e.Line == 0 {
		return e.Path + ": " + e.What
	}
	return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.What)
}

// Load reads the configurations of the checkout root, sorted by name. The error
// joins a *ConfigError for each that is none, and for each module that none uses;
// the others are returned all the same.
func Load(root string) ([]*Config, error) {
	modules, err := loadModules(root)
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(root, Folder, "*.cfg"))
	if err != nil {
		return nil, err
	}
	var configs []*Config
	var problems []error
	used := map[string]bool{}
	for _, p := range paths {
		c, err := loadConfig(p, modules)
		if err != nil {
			problems = append(problems, err)
		} else {
			configs = append(configs, c)
		}
		for _, m := range c.modules {
			used[m.Name] = true
		}
	}
	for _, m := range modules {
		if !used[m.Name] {
			problems = append(problems, &ConfigError{m.Path, 0, "no configuration uses this module"})
		}
	}
	return configs, errors.Join(problems...)
}

func loadModules(root string) ([]*Module, error) {
	paths, err := filepath.Glob(filepath.Join(root, Folder, "*.tla"))
	if err != nil {
		return nil, err
	}
	var modules []*Module
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		base := filepath.Base(p)
		modules = append(modules, &Module{Name: strings.TrimSuffix(base, ".tla"), Path: path.Join(Folder, base), text: string(text)})
	}
	return modules, nil
}

// loadConfig reads one configuration. With an error, it has at least the modules
// that it names.
func loadConfig(file string, modules []*Module) (*Config, error) {
	base := filepath.Base(file)
	c := &Config{Name: strings.TrimSuffix(base, ".cfg"), Path: path.Join(Folder, base)}
	text, err := os.ReadFile(file)
	if err != nil {
		return c, err
	}
	c.text = string(text)
	if err := c.readHead(); err != nil {
		return c, err
	}
	c.statements = readStatements(c.text)
	c.modules = closure(c.Module, modules)
	if len(c.modules) == 0 {
		return c, c.bad(0, "there is no module %s", c.Module)
	}
	return c, c.check()
}

func (c *Config) bad(line int, format string, args ...any) error {
	return &ConfigError{c.Path, line, fmt.Sprintf(format, args...)}
}

var fieldPattern = regexp.MustCompile(`^\\\* ([a-z]+):(?: (.*))?$`)

// readHead reads the fields of the comments with which the file begins.
func (c *Config) readHead() error {
	var values []string // of each field, which goes on over lines
	var names []string
	var lines []int
	for i, line := range strings.Split(c.text, "\n") {
		if !strings.HasPrefix(line, `\*`) {
			break
		}
		if m := fieldPattern.FindStringSubmatch(line); m != nil {
			names, values, lines = append(names, m[1]), append(values, strings.TrimSpace(m[2])), append(lines, i+1)
		} else if len(values) > 0 {
			values[len(values)-1] += " " + strings.TrimSpace(line[2:])
		} else {
			return c.bad(i+1, "the file begins with a line `\\* run: ...`")
		}
	}
	for i, name := range names {
		repeats := name == "reach" || name == "never"
		if !repeats && slices.Contains(names[:i], name) {
			return c.bad(lines[i], "a second field %q", name)
		}
		if what := c.set(name, values[i]); what != "" {
			return c.bad(lines[i], "%s: %s", name, what)
		}
	}
	for _, name := range []string{"run", "module", "expect", "why"} {
		if !slices.Contains(names, name) {
			return c.bad(0, "no field %q at its head", name)
		}
	}
	return nil
}

var (
	namePattern   = regexp.MustCompile(`^\w+$`)
	statesPattern = regexp.MustCompile(`^([1-9]\d*) distinct, depth ([1-9]\d*)$`)
)

// set takes a field; it returns what is wrong with it, if anything is.
func (c *Config) set(name, value string) string {
	switch name {
	case "run":
		c.Run = Run(value)
		if !slices.Contains([]Run{Quick, Large, Graph, Negative}, c.Run) {
			return fmt.Sprintf("got %q, want quick, large, graph or negative", value)
		}
	case "module":
		c.Module = value
	case "expect":
		violates, negative := strings.CutPrefix(value, "violates ")
		if negative && namePattern.MatchString(violates) {
			c.Violates = violates
		} else if value != "holds" {
			return fmt.Sprintf("got %q, want `holds` or `violates NAME`", value)
		}
	case "why":
		if c.Why = value; value == "" {
			return "it is empty"
		}
	case "states":
		m := statesPattern.FindStringSubmatch(value)
		if m == nil {
			return fmt.Sprintf("got %q, want `N distinct, depth D`", value)
		}
		c.Distinct, _ = strconv.ParseInt(m[1], 10, 64)
		c.Depth, _ = strconv.Atoi(m[2])
	case "reach":
		if !namePattern.MatchString(value) {
			return fmt.Sprintf("got %q, want the name of a state predicate", value)
		}
		c.Reach = append(c.Reach, value)
	case "never":
		action, reason, _ := strings.Cut(value, " ")
		if action == "" || reason == "" {
			return "an action and a reason are wanted"
		}
		c.Never = append(c.Never, Unfired{action, reason})
	default:
		return "there is no such field; it is one of run, module, expect, why, states, reach, never"
	}
	return ""
}

// check finds what cannot be judged.
func (c *Config) check() error {
	switch {
	case (c.Run == Negative) != (c.Violates != ""):
		return c.bad(0, "a negative configuration, and no other, expects that a property is violated")
	case (c.Run == Quick || c.Run == Graph) && c.Distinct == 0:
		return c.bad(0, "no field \"states\": the number of states must be recorded")
	case c.Run == Negative && len(c.Reach)+len(c.Never) > 0:
		return c.bad(0, "a negative configuration is not explored to its end: reach and never say nothing")
	case c.Violates != "" && c.Violates != deadlockName && !slices.Contains(c.Properties(), c.Violates):
		return c.bad(0, "it expects %s to be violated, and does not list it", c.Violates)
	}
	if c.Run == Graph {
		return c.checkGraph()
	}
	return nil
}

// Properties returns the invariants and properties that c lists.
func (c *Config) Properties() []string { return append(c.words("INVARIANT"), c.words("PROPERTY")...) }

// statement is a keyword of TLC's configurations and what follows it.
type statement struct {
	keyword string
	words   []string
}

// keywords are TLC's, each with the name by which it is known here.
var keywords = map[string]string{
	"CONSTANT": "CONSTANT", "CONSTANTS": "CONSTANT", "CONSTRAINT": "CONSTRAINT", "CONSTRAINTS": "CONSTRAINT",
	"ACTION_CONSTRAINT": "ACTION_CONSTRAINT", "ACTION_CONSTRAINTS": "ACTION_CONSTRAINT",
	"INVARIANT": "INVARIANT", "INVARIANTS": "INVARIANT", "PROPERTY": "PROPERTY", "PROPERTIES": "PROPERTY",
	"INIT": "INIT", "NEXT": "NEXT", "SPECIFICATION": "SPECIFICATION", "SYMMETRY": "SYMMETRY", "VIEW": "VIEW",
	"CHECK_DEADLOCK": "CHECK_DEADLOCK", "ALIAS": "ALIAS", "POSTCONDITION": "POSTCONDITION", "TYPE": "TYPE",
	"TYPE_CONSTRAINT": "TYPE_CONSTRAINT",
}

var commentPattern = regexp.MustCompile(`(?s)\\\*[^\n]*|\(\*.*?\*\)`)

// readStatements splits a configuration. Whether it is one is for TLC to say.
func readStatements(text string) []statement {
	var all []statement
	for _, word := range strings.Fields(commentPattern.ReplaceAllString(text, " ")) {
		if keyword, ok := keywords[word]; ok {
			all = append(all, statement{keyword: keyword})
		} else if len(all) > 0 {
			all[len(all)-1].words = append(all[len(all)-1].words, word)
		}
	}
	return all
}

// words returns what follows keyword, wherever it stands.
func (c *Config) words(keyword string) []string {
	var words []string
	for _, s := range c.statements {
		if s.keyword == keyword {
			words = append(words, s.words...)
		}
	}
	return words
}

var (
	extendsPattern  = regexp.MustCompile(`(?m)^\s*EXTENDS\s+(\w+(?:\s*,\s*\w+)*)`)
	instancePattern = regexp.MustCompile(`\bINSTANCE\s+(\w+)`)
)

// closure returns the module called name and all of modules that it is made of, or
// none where there is none of that name.
func closure(name string, modules []*Module) []*Module {
	var found []*Module
	var visit func(name string)
	visit = func(name string) {
		i := slices.IndexFunc(modules, func(m *Module) bool { return m.Name == name })
		if i < 0 || slices.Contains(found, modules[i]) {
			return // one of TLC's own, or known
		}
		m := modules[i]
		found = append(found, m)
		text := commentPattern.ReplaceAllString(m.text, " ")
		for _, e := range extendsPattern.FindAllStringSubmatch(text, -1) {
			for _, n := range strings.Split(e[1], ",") {
				visit(strings.TrimSpace(n))
			}
		}
		for _, i := range instancePattern.FindAllStringSubmatch(text, -1) {
			visit(i[1])
		}
	}
	visit(name)
	return found
}
