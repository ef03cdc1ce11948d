package linear

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
)

// KernelFolders are the kernel's packages, below a checkout.
const KernelFolders = "impl/kernel/*"

// A Function is an exported function or method.
type Function struct {
	Name  string // package.Function or package.Type.Method
	Fails bool   // its last result is an error
}

// Functions lists the exported functions and methods of the packages in the folders
// of a checkout, from their source, by name. Methods of types that are not exported
// are not among them.
func Functions(checkout string, folders ...string) ([]Function, error) {
	files, err := Sources(checkout, folders...)
	if err != nil {
		return nil, err
	}
	var list []Function
	for _, file := range files {
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

// Sources parses the files of the packages in the folders of a checkout, but for
// their tests. A folder may have * in its path.
func Sources(checkout string, folders ...string) ([]*ast.File, error) {
	var files []*ast.File
	for _, folder := range folders {
		paths, err := filepath.Glob(filepath.Join(checkout, filepath.FromSlash(folder), "*.go"))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return nil, err
			}
			files = append(files, file)
		}
	}
	return files, nil
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
