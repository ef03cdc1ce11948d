package lean

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Source is a file that is no part of formal/ and imports modules of it.
type Source struct {
	Name string // of the file, without folder and ending
	Text string
}

// Message is an error that Lean tells of a source.
type Message struct {
	Line int // from 1
	Text string
}

// Try builds the modules that the source imports, has Lean check the source, and
// returns the errors in it, by line: none where Lean accepts it. What Lean has said
// of the same text before, with the same modules, is in the store. An error means
// that Lean gave no verdict.
func Try(ctx context.Context, opts Options, source Source) ([]Message, error) {
	tree, err := ReadTree(filepath.Join(opts.Root, "formal"))
	if err != nil {
		return nil, err
	}
	r, err := newRun(opts, tree)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(r.dir)
	imports := formalImports(blank(source.Text))
	needed, err := tree.closure(imports)
	if err != nil {
		return nil, err
	}
	if err := r.buildAll(ctx, needed); err != nil {
		return nil, err
	}
	if len(r.report.Problems) > 0 {
		return nil, fmt.Errorf("what %s imports is not built: %s", source.Name, strings.Join(r.report.Problems, "\n"))
	}
	path := source.Name + ".lean"
	parts := []string{source.Text}
	for _, name := range imports {
		parts = append(parts, r.outcome[name].key)
	}
	p, err := r.verdict(ctx, "source "+source.Name, path, source.Text, parts...)
	if err != nil {
		return nil, err
	}
	messages := errorsIn(path, p.Output)
	if p.Failed && len(messages) == 0 {
		return nil, fmt.Errorf("%s is refused, and no line of it is:\n%s", path, excerpt(p.Output))
	}
	return messages, nil
}

// Specs returns the names of the modules of formal/Omega/Spec, sorted.
func Specs(root string) ([]string, error) {
	tree, err := ReadTree(filepath.Join(root, "formal"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range tree.Modules {
		if strings.HasPrefix(m.Name, rootModule+".Spec.") {
			names = append(names, m.Name)
		}
	}
	return names, nil
}

// closure returns the modules with the given names and all that they import, each
// after those that it imports.
func (t *Tree) closure(names []string) ([]*Module, error) {
	ordered, err := t.Order()
	if err != nil {
		return nil, err
	}
	needed := map[string]bool{}
	for _, name := range names {
		if t.module(name) == nil {
			return nil, fmt.Errorf("there is no module %s in formal/", name)
		}
		needed[name] = true
	}
	for _, m := range slices.Backward(ordered) {
		for _, name := range m.Imports {
			needed[name] = needed[name] || needed[m.Name]
		}
	}
	return slices.DeleteFunc(ordered, func(m *Module) bool { return !needed[m.Name] }), nil
}

// firstError is the first line of an error; what else is said of it follows.
var firstError = regexp.MustCompile(`^(\S+\.lean):(\d+):\d+: error(?:\([^)]*\))?: (.*)$`)

// otherMessage begins what is no error.
var otherMessage = regexp.MustCompile(`^\S+\.lean:\d+:\d+: `)

// errorsIn returns the errors that output tells of the file at path.
func errorsIn(path, output string) []Message {
	var list []Message
	within := false
	for l := range strings.Lines(output) {
		l = strings.TrimSuffix(l, "\n")
		match := firstError.FindStringSubmatch(l)
		switch {
		case match != nil && strings.TrimPrefix(match[1], "formal/") == path:
			n, _ := strconv.Atoi(match[2]) // digits, by the pattern
			list = append(list, Message{Line: n, Text: match[3]})
			within = true
		case otherMessage.MatchString(l):
			within = false
		case within:
			list[len(list)-1].Text += "\n" + l
		}
	}
	return list
}
