package linear

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Function is an exported function or method of the kernel.
type Function struct {
	Name  string // package.Function or package.Type.Method
	Fails bool   // its last result is an error
}

// Functions lists the exported functions and methods of the kernel's packages in
// the checkout, from their source, by name. Methods of types that are not
// exported are not among them.
func Functions(checkout string) ([]Function, error) {
	paths, err := filepath.Glob(filepath.Join(checkout, "impl", "kernel", "*", "*.go"))
	if err != nil {
		return nil, err
	}
	var list []Function
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, source, 0)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.IsExported() {
				if name, ok := nameOf(f); ok {
					list = append(list, Function{Name: file.Name.Name + "." + name, Fails: fails(f)})
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// nameOf returns Function or Type.Method, unless the type is not exported.
func nameOf(f *ast.FuncDecl) (string, bool) {
	if f.Recv == nil {
		return f.Name.Name, true
	}
	recv := f.Recv.List[0].Type
	if star, ok := recv.(*ast.StarExpr); ok {
		recv = star.X
	}
	id, ok := recv.(*ast.Ident)
	if !ok || !id.IsExported() {
		return "", false
	}
	return id.Name + "." + f.Name.Name, true
}

func fails(f *ast.FuncDecl) bool {
	results := f.Type.Results
	if results == nil {
		return false
	}
	id, ok := results.List[len(results.List)-1].Type.(*ast.Ident)
	return ok && id.Name == "error"
}

// IsText reports whether the name is that of a method that says a value in words
// for people, or leads from an error to its cause.
func IsText(name string) bool {
	return strings.Count(name, ".") == 2 &&
		(strings.HasSuffix(name, ".String") || strings.HasSuffix(name, ".Error") || strings.HasSuffix(name, ".Unwrap"))
}
