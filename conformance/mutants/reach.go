package mutants

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// code is what the declarations of one package call each other: by name alone, so
// that a method counts as called wherever one of its name is.
type code struct {
	uses  map[string]map[string]bool // by declaration: the names that stand in it
	named map[string][]string        // by a name without its type: the declarations
}

func readCode(dir string) (*code, error) {
	files, err := sources(dir, false)
	if err != nil {
		return nil, err
	}
	c := &code{uses: map[string]map[string]bool{}, named: map[string][]string{}}
	for _, f := range files {
		for _, d := range f.Decls {
			for name, node := range declared(d) {
				used := map[string]bool{}
				ast.Inspect(node, func(n ast.Node) bool {
					if id, ok := n.(*ast.Ident); ok {
						used[id.Name] = true
					}
					return true
				})
				c.uses[name] = used
				short := name[strings.LastIndex(name, ".")+1:]
				c.named[short] = append(c.named[short], name)
			}
		}
	}
	return c, nil
}

// reaches reports whether a call of from can come to the declaration to.
func (c *code) reaches(from, to string) bool {
	seen := map[string]bool{from: true}
	for next := []string{from}; len(next) > 0; next = next[1:] {
		if next[0] == to {
			return true
		}
		for used := range c.uses[next[0]] {
			for _, name := range c.named[used] {
				if !seen[name] {
					seen[name] = true
					next = append(next, name)
				}
			}
		}
	}
	return false
}

// sources parses the Go files of dir: its tests, or all others.
func sources(dir string, tests bool) ([]*ast.File, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") != tests {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		files = append(files, f)
	}
	return files, nil
}
