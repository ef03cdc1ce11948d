package lean

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// Negative is a file that must be refused.
type Negative struct {
	Path    string // relative to formal/
	Source  string
	Imports []string
	Expect  []string // what its refusal must say
	code    string
}

const expectPrefix = "-- expect: "

func parseNegative(path, source string) *Negative {
	n := &Negative{Path: path, Source: source, code: blank(source)}
	for l := range strings.Lines(source) {
		expected, ok := strings.CutPrefix(l, expectPrefix)
		if !ok {
			break
		}
		n.Expect = append(n.Expect, strings.TrimSpace(expected))
	}
	n.Imports = formalImports(n.code)
	return n
}

// formalImports returns the modules of formal/ that code imports.
func formalImports(code string) []string {
	var names []string
	for _, match := range importLine.FindAllStringSubmatch(code, -1) {
		if strings.HasPrefix(match[1], rootModule+".") {
			names = append(names, match[1])
		}
	}
	return names
}

// audited is how a negative asks for the audit of names, in its last lines.
const audited = "\nrun_cmd Omega.Audit.check"

// source returns what Lean is given: with the audit in it where that is asked for.
func (n *Negative) source(audit string) string {
	before, after, found := strings.Cut(n.Source, audited)
	if !found {
		return n.Source
	}
	return before + audit + audited + after
}

// negatives tries all files that must be refused.
func (r *run) negatives(ctx context.Context) error {
	if len(r.tree.Negatives) == 0 {
		r.problem("formal/negative: there is no file that must be refused")
		return nil
	}
	audit, err := r.tree.auditBody()
	if err != nil {
		r.problem("%v", err)
		return nil
	}
	said := make([]string, len(r.tree.Negatives))
	slots := make(chan struct{}, max(1, r.opts.Workers))
	var wg sync.WaitGroup
	for i, n := range r.tree.Negatives {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			said[i] = r.negative(ctx, n, audit)
		})
	}
	wg.Wait()
	for i, problem := range said {
		if problem == "" {
			r.report.Negatives++
			r.report.Reasons += len(r.tree.Negatives[i].Expect)
		} else {
			r.problem("%s", problem)
		}
	}
	return ctx.Err()
}

// negative tries one file and returns what is wrong with its refusal, or "".
func (r *run) negative(ctx context.Context, n *Negative, audit string) string {
	if len(n.Expect) == 0 {
		return fmt.Sprintf("formal/%s:1: no line %q says how it must be refused", n.Path, expectPrefix)
	}
	source := n.source(audit)
	parts := []string{n.Path, source}
	for _, name := range n.Imports {
		if r.outcome[name] == nil {
			return fmt.Sprintf("formal/%s:1: it imports %s, which is no module that is built", n.Path, name)
		}
		parts = append(parts, r.outcome[name].key)
	}
	p, err := r.verdict(ctx, "negative "+n.Path, n.Path, source, parts...)
	if err != nil {
		return err.Error()
	}
	return n.judge(p)
}

// judge compares a refusal with what is expected of it.
func (n *Negative) judge(p product) string {
	said := p.Output
	for _, f := range forbiddenWords(n.code) {
		said += fmt.Sprintf("\nformal/%s:%d: the word %s", n.Path, f.line, f.word)
	}
	if !p.Failed {
		return fmt.Sprintf("formal/%s:1: Lean accepts it; it must be refused: %s", n.Path, n.Expect[0])
	}
	for _, e := range n.Expect {
		if !strings.Contains(said, e) {
			return fmt.Sprintf("formal/%s:1: it is refused, but nothing says %q:\n%s", n.Path, e, excerpt(said))
		}
	}
	return ""
}
