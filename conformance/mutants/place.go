package mutants

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// Mutate returns the content of the fault's file in the checkout root with the
// change made, and the number of the first line that it changes. The error says
// that the file or the declaration is not there, or that the old text does not
// occur in it exactly once.
func (f *Fault) Mutate(root string) (content string, line int, err error) {
	raw, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(f.File)))
	if err != nil {
		return "", 0, err
	}
	source := string(raw)
	from, to, err := declaration(f.File, source, f.In)
	if err != nil {
		return "", 0, err
	}
	if n := strings.Count(source[from:to], f.Old); n != 1 {
		return "", 0, fmt.Errorf("%s: %s has the old text %d times, want once: %q", f.File, f.In, n, f.Old)
	}
	at := from + strings.Index(source[from:to], f.Old)
	return source[:at] + f.New + source[at+len(f.Old):], 1 + strings.Count(source[:at], "\n"), nil
}

// declaration returns where the declaration called name begins and ends in source.
func declaration(file, source, name string) (from, to int, err error) {
	switch path.Ext(file) {
	case ".go":
		return goDeclaration(file, source, name)
	case ".tla":
		return textDeclaration(file, source, name, `^`+regexp.QuoteMeta(name)+`(\(.*\))? ==`, `^(\S.* ==|----|====)`)
	case ".lean":
		return textDeclaration(file, source, name, `^(def|theorem|abbrev|structure|inductive|instance) `+regexp.QuoteMeta(name)+`\b`, `^(\S)`)
	}
	return 0, 0, fmt.Errorf("%s: faults are planted in .go, .tla and .lean files", file)
}

// textDeclaration finds a declaration that begins on the first line that starts
// matches and ends before the next one that ends matches.
func textDeclaration(file, source, name, starts, ends string) (from, to int, err error) {
	begin, end := regexp.MustCompile(starts), regexp.MustCompile(ends)
	at, found := 0, false
	for line := range strings.Lines(source) {
		switch {
		case found && end.MatchString(line):
			return from, at, nil
		case !found && begin.MatchString(line):
			from, found = at, true
		}
		at += len(line)
	}
	if !found {
		return 0, 0, fmt.Errorf("%s: there is no declaration %s", file, name)
	}
	return from, at, nil
}

func goDeclaration(file, source, name string) (from, to int, err error) {
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, source, parser.SkipObjectResolution)
	if err != nil {
		return 0, 0, err
	}
	for _, d := range parsed.Decls {
		for declared, node := range declared(d) {
			if declared == name {
				return fset.Position(node.Pos()).Offset, fset.Position(node.End()).Offset, nil
			}
		}
	}
	return 0, 0, fmt.Errorf("%s: there is no declaration %s", file, name)
}

// declared returns the names that d declares, a method's with its type before it.
func declared(d ast.Decl) map[string]ast.Node {
	names := map[string]ast.Node{}
	switch d := d.(type) {
	case *ast.FuncDecl:
		names[FunctionName(d)] = d
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, n := range spec.Names {
					names[n.Name] = spec
				}
			case *ast.TypeSpec:
				names[spec.Name.Name] = spec
			}
		}
	}
	return names
}

// FunctionName returns the name of a function, or Type.Method.
func FunctionName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if index, ok := t.(*ast.IndexExpr); ok {
		t = index.X
	}
	return t.(*ast.Ident).Name + "." + d.Name.Name
}
