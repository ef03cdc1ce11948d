package lean

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// auditFile is the file of the working folder that runs the audit.
const auditFile = "RunAudit.lean"

// auditBody returns what follows the imports in the audit's module: it is
// checked anew within each file that uses it, since not every build of Lean can
// run what another module has compiled.
func (t *Tree) auditBody() (string, error) {
	m := t.module(auditModule)
	if m == nil {
		return "", fmt.Errorf("formal/Omega/Audit.lean: it is not there")
	}
	header, body, found := strings.Cut(m.Source, auditImport)
	if !found || strings.TrimSpace(header) != "module" {
		return "", fmt.Errorf("%s:1: it does not begin with module and %q", m.File(), strings.TrimSpace(auditImport))
	}
	return body, nil
}

const (
	auditImport  = "public meta import Lean\n"
	auditSection = "public meta section\n"
)

// auditSource returns the file that audits all modules. Where Lean shows the
// bodies of core's theorems it does so only to files that are no modules.
func (t *Tree) auditSource(native bool) (string, error) {
	body, err := t.auditBody()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	importLine := "import "
	if !native {
		importLine = "import all "
		b.WriteString("module\n\n")
	}
	for _, m := range t.Modules {
		if m.Name != auditModule {
			b.WriteString(importLine + m.Name + "\n")
		}
	}
	if native {
		b.WriteString("import Lean\n")
		body = strings.Replace(body, auditSection, "section\n", 1)
	} else {
		b.WriteString(auditImport)
	}
	b.WriteString(body + "\nrun_cmd Omega.Audit.checkAll\n")
	return b.String(), nil
}

// audit runs the audit over all modules, or finds what it has said of them.
func (r *run) audit(ctx context.Context) error {
	source, err := r.tree.auditSource(r.opts.Native)
	if err != nil {
		r.problem("%v", err)
		return nil
	}
	parts := []string{source}
	for _, m := range r.tree.Modules {
		if m.Name != auditModule {
			parts = append(parts, r.outcome[m.Name].key)
		}
	}
	p, err := r.verdict(ctx, "audit", auditFile, source, parts...)
	if err != nil {
		r.problem("%v", err)
		return ctx.Err()
	}
	r.judgeAudit(p)
	return nil
}

var (
	auditCount   = regexp.MustCompile(`(?m)^audit: count (\w+) (\d+)$`)
	auditAxiom   = regexp.MustCompile(`(?m)^audit: axiom (\S+)$`)
	auditFinding = regexp.MustCompile(`(?m)^audit: finding (\S+): (.*)$`)
)

// judgeAudit reads what the audit printed.
func (r *run) judgeAudit(p product) {
	findings := auditFinding.FindAllStringSubmatch(p.Output, -1)
	for _, f := range findings {
		r.problem("%s: %s: %s", r.tree.where(f[1]), f[1], f[2])
	}
	if p.Failed && len(findings) == 0 {
		r.problem("the audit does not run:\n%s", excerpt(p.Output))
		return
	}
	for _, a := range auditAxiom.FindAllStringSubmatch(p.Output, -1) {
		r.report.Axioms = append(r.report.Axioms, a[1])
	}
	slices.Sort(r.report.Axioms)
	counts := map[string]int{}
	for _, c := range auditCount.FindAllStringSubmatch(p.Output, -1) {
		counts[c[1]], _ = strconv.Atoi(c[2])
	}
	r.report.Leaves = counts["core_leaves"]
	if r.opts.Native && r.report.Leaves > 0 {
		r.problem("the audit sees no body of %d constants of core, and should see all", r.report.Leaves)
	}
	for _, c := range []struct {
		name    string
		written int
	}{{"claims", r.report.Claims}, {"proofs", r.report.Theorems}, {"witnesses", r.report.Witnesses}} {
		if counts[c.name] != c.written {
			r.problem("the audit sees %d %s, the files declare %d", counts[c.name], c.name, c.written)
		}
	}
}

// where returns the file and line of a declaration, or of none.
func (t *Tree) where(name string) string {
	for _, m := range t.Modules {
		for _, d := range m.Declarations {
			if d.Name == name {
				return fmt.Sprintf("%s:%d", m.File(), d.Line)
			}
		}
	}
	return "formal"
}
