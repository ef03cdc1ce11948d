package lean

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// forbidden are the words that can put something other than a checked proof
// behind a theorem, run code of ours while it is checked, or hide a warning.
var forbidden = regexp.MustCompile(`(^|[^\w.'!?])(axiom|sorry|native_decide|opaque|unsafe|partial|implemented_by|extern|csimp|` +
	`elab|elab_rules|macro|macro_rules|run_cmd|run_elab|run_meta|initialize|builtin_initialize|debug\.\w+|warningAsError|warn\.\w+|linter\.\w+|#\w+)($|[^\w'!?])`)

// Problems returns what is wrong with the modules as they are written, before
// Lean sees them: each begins with its file and line.
func (t *Tree) Problems() []string {
	var problems []string
	for _, m := range t.Modules {
		problems = append(problems, m.problems()...)
	}
	return append(problems, t.unimported()...)
}

// problems returns what is wrong with the text of a module.
func (m *Module) problems() []string {
	var problems []string
	add := func(line int, format string, args ...any) {
		problems = append(problems, fmt.Sprintf("%s:%d: ", m.File(), line)+fmt.Sprintf(format, args...))
	}
	if first, _, _ := strings.Cut(strings.TrimSpace(m.code), "\n"); strings.TrimSpace(first) != "module" {
		add(1, "it does not begin with the word module")
	}
	if m.Name == auditModule {
		return problems
	}
	for _, p := range forbiddenWords(m.code) {
		add(p.line, "the word %s", p.word)
	}
	for _, d := range m.Declarations {
		if d.Claim() == "" {
			continue
		}
		if d.Doc == "" {
			add(d.Line, "the claim %s has no docstring", d.Claim())
		}
		if !strings.HasPrefix(m.Name, "Omega.Spec.") {
			add(d.Line, "the claim %s is not in Omega/Spec", d.Claim())
		}
	}
	return problems
}

type place struct {
	line int
	word string
}

func forbiddenWords(code string) []place {
	var places []place
	for _, match := range forbidden.FindAllStringSubmatchIndex(code, -1) {
		places = append(places, place{line(code, match[4]), code[match[4]:match[5]]})
	}
	return places
}

// unimported returns the modules that Omega.lean does not import: nobody who
// builds the package would see them fail.
func (t *Tree) unimported() []string {
	root := t.module(rootModule)
	var problems []string
	for _, m := range t.Modules {
		if m.Name != rootModule && m.Name != auditModule && !slices.Contains(root.Imports, m.Name) {
			problems = append(problems, fmt.Sprintf("%s:1: Omega.lean does not import %s", m.File(), m.Name))
		}
	}
	return problems
}

// module returns the module of that name, or nil.
func (t *Tree) module(name string) *Module {
	i, ok := slices.BinarySearchFunc(t.Modules, name, func(m *Module, name string) int { return cmp.Compare(m.Name, name) })
	if !ok {
		return nil
	}
	return t.Modules[i]
}

// Order returns the modules that are built, each after those that it imports:
// all but the audit. The error names an import that is not there or a cycle.
func (t *Tree) Order() ([]*Module, error) {
	var ordered []*Module
	done := map[string]bool{}
	var visit func(m *Module, path []string) error
	visit = func(m *Module, path []string) error {
		if i := slices.Index(path, m.Name); i >= 0 {
			return fmt.Errorf("%s:1: a cycle of imports: %s", m.File(), strings.Join(append(path[i:], m.Name), " imports "))
		}
		if done[m.Name] {
			return nil
		}
		for _, name := range m.Imports {
			imported := t.module(name)
			if imported == nil || name == auditModule {
				return fmt.Errorf("%s:1: it imports %s, which is no module that is built", m.File(), name)
			}
			if err := visit(imported, append(path, m.Name)); err != nil {
				return err
			}
		}
		done[m.Name] = true
		ordered = append(ordered, m)
		return nil
	}
	for _, m := range t.Modules {
		if m.Name == auditModule {
			continue
		}
		if err := visit(m, nil); err != nil {
			return nil, err
		}
	}
	return ordered, nil
}
