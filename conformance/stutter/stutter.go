// Package stutter checks that an error changes nothing: after a function or an
// operation has returned one, state, files, head, input and output slices are, bit
// for bit, what they were before. In the words of TLA+, a step that is refused is
// a stutter step.
//
// Subjects are all exported functions and methods that return an error, of the
// kernel, the certificate log with its vote files, durable files, `.omega` files and
// the archive; their list is read from the source, and so is the list of error
// classes: sentinels, error types and kinds (Classes). Each function must have
// returned an error, and each class must have been seen, in every run; the few
// that cannot be provoked from outside are listed with the reason.
//
// Three ways of looking are used. A slice to append to is handed over with room
// behind its length: it must come back as it went in, and so must the room
// (TestErrorIsStutter/event.Event.Append and others). A value with inner parts, such
// as a member's state, has a twin, made apart by the same steps, to which what is
// refused is not given: both must stay equal. Of folders every name, mode and byte is
// compared.
//
// TestErrorIsStutter/PACKAGE.FUNCTION, or PACKAGE.TYPE.METHOD, draws invalid inputs
// with rapid, beside those that each class needs.
package stutter

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/conformance/linear"
)

// Folders hold the packages whose errors are looked at, below a checkout.
var Folders = []string{linear.KernelFolders, "impl/certlog", "impl/certlog/durable", "impl/omegalog", "impl/archive"}

// Classes lists the error classes of the packages in the folders of a checkout, by
// name, PACKAGE.NAME: exported variables Err..., exported types ...Error, and the
// constants that tell kinds of damage apart.
func Classes(checkout string, folders ...string) ([]string, error) {
	files, err := linear.Sources(checkout, folders...)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, file := range files {
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				for _, name := range classesIn(g) {
					list = append(list, file.Name.Name+"."+name)
				}
			}
		}
	}
	slices.Sort(list)
	return list, nil
}

func classesIn(g *ast.GenDecl) []string {
	var list []string
	for _, spec := range g.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && strings.HasSuffix(s.Name.Name, "Error") {
				list = append(list, s.Name.Name)
			}
		case *ast.ValueSpec:
			for _, name := range s.Names {
				if name.IsExported() && (isSentinel(g, name) || isKind(s, name)) {
					list = append(list, name.Name)
				}
			}
		}
	}
	return list
}

func isSentinel(g *ast.GenDecl, name *ast.Ident) bool {
	return g.Tok == token.VAR && strings.HasPrefix(name.Name, "Err")
}

// isKind reports whether the name is that of a kind of damage, which an error
// carries as a string.
func isKind(s *ast.ValueSpec, name *ast.Ident) bool {
	switch t := s.Type.(type) {
	case *ast.Ident:
		return t.Name == "Kind" || t.Name == "CheckKind" || t.Name == "RecordKind"
	case *ast.SelectorExpr:
		return t.Sel.Name == "RecordKind"
	}
	return strings.HasPrefix(name.Name, "Kind")
}
