package lean

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Tree is the folder formal/ as it is written.
type Tree struct {
	Modules   []*Module // sorted by name
	Negatives []*Negative
}

// Module is one module as it is written.
type Module struct {
	Name         string // Omega.Spec.Key
	Source       string
	Imports      []string
	Title        string // its first heading
	Declarations []Declaration
	code         string // the source without comments and strings, line by line the same
}

// Names of modules with a part of their own.
const (
	rootModule  = "Omega"
	auditModule = "Omega.Audit"
)

// path returns the module's file, relative to formal/, with slashes.
func (m *Module) path() string { return strings.ReplaceAll(m.Name, ".", "/") + ".lean" }

// File returns the module's file, relative to the checkout, with slashes.
func (m *Module) File() string { return "formal/" + m.path() }

// ErrNoPackage says that a folder holds no Lean package of ours.
var ErrNoPackage = errors.New("there is no Omega.lean in it")

// ReadTree reads the Lean package in dir. Error: ErrNoPackage.
func ReadTree(dir string) (*Tree, error) {
	if _, err := os.Stat(filepath.Join(dir, "Omega.lean")); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoPackage)
	}
	t := &Tree{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".lean" {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return t.add(filepath.ToSlash(rel), string(source))
	})
	slices.SortFunc(t.Modules, func(a, b *Module) int { return strings.Compare(a.Name, b.Name) })
	return t, err
}

// add adds the file at path, relative to formal/.
func (t *Tree) add(path, source string) error {
	switch name := strings.TrimSuffix(path, ".lean"); {
	case strings.HasPrefix(path, "negative/"):
		t.Negatives = append(t.Negatives, parseNegative(path, source))
	case name == rootModule || strings.HasPrefix(name, rootModule+"/"):
		t.Modules = append(t.Modules, parse(strings.ReplaceAll(name, "/", "."), source))
	default:
		return fmt.Errorf("formal/%s: a Lean file that is neither a module of Omega nor a negative", path)
	}
	return nil
}

var (
	importLine = regexp.MustCompile(`(?m)^(?:public |private |meta )*import (?:all )?(\S+)`)
	titleLine  = regexp.MustCompile(`(?m)^(?:/-! )?# (.*?)(?: -/)?$`)
)

func parse(name, source string) *Module {
	m := &Module{Name: name, Source: source, code: blank(source)}
	for _, match := range importLine.FindAllStringSubmatch(m.code, -1) {
		m.Imports = append(m.Imports, match[1])
	}
	if match := titleLine.FindStringSubmatch(source); match != nil {
		m.Title = match[1]
	}
	m.Declarations = declarations(m)
	return m
}

// blank replaces comments and strings of a Lean source by spaces; lines and
// columns stay where they are.
func blank(source string) string {
	out := []byte(source)
	erase := func(from, to int) {
		for i := from; i < to; i++ {
			if out[i] != '\n' {
				out[i] = ' '
			}
		}
	}
	for i := 0; i < len(source); {
		end := i + 1
		switch rest := source[i:]; {
		case strings.HasPrefix(rest, "--"):
			end = i + lineEnd(rest)
			erase(i, end)
		case strings.HasPrefix(rest, "/-"):
			end = i + commentEnd(rest)
			erase(i, end)
		case rest[0] == '"':
			end = i + stringEnd(rest)
			erase(i, end)
		case strings.HasPrefix(rest, `'"'`):
			end = i + len(`'"'`)
		}
		i = end
	}
	return string(out)
}

func lineEnd(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}

// commentEnd returns the length of the comment that s begins with; comments nest.
func commentEnd(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], "/-"):
			depth++
			i++
		case strings.HasPrefix(s[i:], "-/"):
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// stringEnd returns the length of the string literal that s begins with.
func stringEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// line returns the number, from 1, of the line that offset lies in.
func line(source string, offset int) int { return 1 + strings.Count(source[:offset], "\n") }
