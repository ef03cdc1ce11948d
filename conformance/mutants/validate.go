package mutants

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Validate returns what is wrong with the faults beside their form, a line each,
// without running anything: an old text that does not stand in the declaration once,
// a function that does not reach the declaration, a check that is not there.
func Validate(root string, faults []*Fault) ([]string, error) {
	var problems []string
	tests := testNames{}
	packages, found := map[string]*code{}, map[Check]string{}
	for _, f := range faults {
		problem := func(format string, args ...any) {
			problems = append(problems, fmt.Sprintf("%s: fault %s: ", f.At, f.ID)+fmt.Sprintf(format, args...))
		}
		if _, _, err := f.Mutate(root); err != nil {
			problem("%v", err)
			continue
		}
		if len(f.Checks) == 0 {
			problem("no check must catch it")
		}
		for _, c := range f.Checks {
			what, known := found[c]
			if !known {
				what = tests.missing(root, c)
				found[c] = what
			}
			if what != "" {
				problem("%s", what)
			}
		}
		if f.Of == "" {
			continue
		}
		dir := path.Dir(f.File)
		if packages[dir] == nil {
			c, err := readCode(filepath.Join(root, filepath.FromSlash(dir)))
			if err != nil {
				return nil, err
			}
			packages[dir] = c
		}
		if what := packages[dir].owns(f, path.Base(dir)); what != "" {
			problem("%s", what)
		}
	}
	return problems, nil
}

// owns returns what is wrong with the function that a fault is of, or "".
func (c *code) owns(f *Fault, pkg string) string {
	name, ok := strings.CutPrefix(f.Of, pkg+".")
	switch {
	case !ok || c.uses[name] == nil:
		return fmt.Sprintf("there is no %s beside %s", f.Of, f.In)
	case !c.reaches(name, f.In):
		return fmt.Sprintf("%s does not reach %s", f.Of, f.In)
	}
	return ""
}

// testNames holds the names of the tests of packages, by folder.
type testNames map[string]map[string]bool

// missing returns what a check lacks to be one, or "".
func (t testNames) missing(root string, c Check) string {
	where := filepath.Join(root, filepath.FromSlash(c.Where))
	switch path.Ext(c.Where) {
	case ".cfg":
		if _, err := os.Stat(where); err != nil {
			return err.Error()
		}
		return ""
	case ".lean":
		text, err := os.ReadFile(where)
		if err == nil {
			_, _, err = declaration(c.Where, string(text), c.What)
		}
		if err != nil {
			return err.Error()
		}
		return ""
	}
	if t[c.Where] == nil {
		names := map[string]bool{}
		files, err := sources(where, true)
		if err != nil {
			return err.Error()
		}
		for _, f := range files {
			for _, d := range f.Decls {
				for name := range declared(d) {
					names[name] = true
				}
			}
		}
		t[c.Where] = names
	}
	if name, _, _ := strings.Cut(c.What, "/"); !t[c.Where][name] {
		return fmt.Sprintf("there is no test %s", c)
	}
	return ""
}
