package lean

import (
	"regexp"
	"strings"
)

// Declaration is something that a module declares by name.
type Declaration struct {
	Kind string // as written: def, theorem, ...
	Name string // in full: Omega.Claim.packing_is_injective; after "_private." where no other module sees it
	Doc  string // its docstring in one line, without the marks
	Line int    // from 1
}

// Claim returns the name within Omega.Claim, or "".
func (d Declaration) Claim() string { return within(d.Name, "Omega.Claim.") }

// Proof returns the name within Omega.Proof, or "".
func (d Declaration) Proof() string { return within(d.Name, "Omega.Proof.") }

// Witness returns the name within Omega.Witness, or "".
func (d Declaration) Witness() string { return within(d.Name, "Omega.Witness.") }

func within(name, namespace string) string {
	rest, ok := strings.CutPrefix(name, namespace)
	if !ok {
		return ""
	}
	return rest
}

// Tally counts what is declared.
type Tally struct {
	Claims    int
	Theorems  int // the claims' proofs
	Witnesses int
	Lemmas    int
}

// tally counts what all modules declare.
func (t *Tree) tally() Tally {
	var n Tally
	for _, m := range t.Modules {
		for _, d := range m.Declarations {
			switch {
			case d.Claim() != "":
				n.Claims++
			case d.Proof() != "":
				n.Theorems++
			case d.Witness() != "":
				n.Witnesses++
			case d.Kind == "theorem":
				n.Lemmas++
			}
		}
	}
	return n
}

const modifier = `(?:@\[[^\]]*\]\s*|(?:private|protected|public|noncomputable|meta|local|scoped|nonrec)\s+)*`

var (
	// scope opens or closes a namespace or a section.
	scope = regexp.MustCompile(`^` + modifier + `(namespace|section|end|mutual)(?:\s+(\S+))?\s*$`)
	// declares begins a declaration.
	declares  = regexp.MustCompile(`^` + modifier + `(def|abbrev|theorem|lemma|structure|inductive|class|instance|axiom|opaque)\s+([^\s:({\[]+)`)
	modifiers = regexp.MustCompile(`^` + modifier)
	doc       = regexp.MustCompile(`(?s)/--(.*?)-/`)
)

// declarations finds what a module declares, by its lines: a declaration and
// what opens or closes its namespace begin a line.
func declarations(m *Module) []Declaration {
	var found []Declaration
	var open []string // the namespaces, "" for a section
	docs := docstrings(m.Source)
	for i, code := range strings.Split(m.code, "\n") {
		if s := scope.FindStringSubmatch(code); s != nil {
			open = enter(open, s[1], s[2])
			continue
		}
		d := declares.FindStringSubmatch(code)
		if d == nil {
			continue
		}
		name, root := strings.CutPrefix(d[2], "_root_.")
		if !root {
			name = qualify(open, name)
		}
		if strings.Contains(modifiers.FindString(code), "private") {
			name = "_private." + name
		}
		found = append(found, Declaration{Kind: d[1], Name: name, Doc: docs[i+1], Line: i + 1})
	}
	return found
}

// enter returns the scopes that are open after the keyword with its name.
func enter(open []string, keyword, name string) []string {
	switch {
	case keyword == "namespace":
		return append(open, name)
	case keyword == "section" || keyword == "mutual":
		return append(open, "")
	case len(open) > 0:
		return open[:len(open)-1]
	}
	return open
}

func qualify(open []string, name string) string {
	for i := len(open) - 1; i >= 0; i-- {
		if open[i] != "" {
			name = open[i] + "." + name
		}
	}
	return name
}

// docstrings returns the docstrings by the number of the line that follows each,
// lines of attributes not counted.
func docstrings(source string) map[int]string {
	docs := map[int]string{}
	lines := strings.Split(source, "\n")
	for _, match := range doc.FindAllStringSubmatchIndex(source, -1) {
		next := line(source, match[1]) + 1
		for next <= len(lines) && strings.HasPrefix(lines[next-1], "@[") && !declares.MatchString(lines[next-1]) {
			next++
		}
		docs[next] = strings.Join(strings.Fields(source[match[2]:match[3]]), " ")
	}
	return docs
}
