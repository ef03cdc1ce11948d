package archtest

import (
	"go/ast"
	"go/token"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// pure is all of the standard library that the kernel may import: nothing that
// reads a file, a clock, the network, the environment or a random number.
var pure = []string{
	"bytes", "cmp", "crypto/ed25519", "crypto/sha256", "encoding/binary", "encoding/hex", "errors", "fmt", "hash",
	"hash/crc32", "io", "iter", "maps", "math", "math/big", "math/bits", "slices", "sort", "strconv", "strings", "sync",
	"sync/atomic", "unsafe",
}

// layers are the folders from the bottom up. A package imports its own folder and
// lower layers. A folder belongs to the longest name here that begins its path.
var layers = [][]string{
	{"impl/kernel"},
	{"impl/certlog/durable"},
	{"impl/omegalog", "impl/certlog", "impl/identity", "impl/transport"},
	{"impl/archive"},
	{"conformance/tlavalue"},
	{"conformance/corpus"},
	{"impl/audit", "impl/ceremony", "impl/importer", "impl/toolchain"},
	{"impl/node", "impl/evidence"},
	{"impl/demo", "impl/console"},
	{"conformance", "conformance/corpus/generate"},
	{"cmd"},
}

// layerOf returns the number of the layer that dir lies in, and the name there.
func layerOf(dir string) (layer int, name string) {
	layer = -1
	for i, names := range layers {
		for _, n := range names {
			if strings.HasPrefix(dir+"/", n+"/") && len(n) > len(name) {
				layer, name = i, n
			}
		}
	}
	return layer, name
}

// checkImports finds imports against the direction of dependencies. Tests may
// import what they like: libraries are the kernel's oracles.
func checkImports(tree fs.FS) ([]string, error) {
	all, err := goFiles(tree)
	if err != nil {
		return nil, err
	}
	var findings []string
	for _, f := range all {
		if f.test {
			continue
		}
		layer, name := layerOf(f.dir())
		if layer < 0 {
			findings = append(findings, finding(f.path, "the folder is in no layer"))
			continue
		}
		for _, spec := range f.ast.Imports {
			if what := judgeImport(f, spec, layer, name); what != "" {
				findings = append(findings, finding(f.path, "%s", what))
			}
		}
	}
	return sorted(findings), nil
}

func judgeImport(f *goFile, spec *ast.ImportSpec, layer int, name string) string {
	imported, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return err.Error()
	}
	dir, ours := strings.CutPrefix(imported, module)
	switch {
	case ours:
		if other, otherName := layerOf(dir); other > layer || other == layer && otherName != name {
			return name + " imports " + dir + ", which is not below it"
		}
	case isKernel(f.dir()) && !slices.Contains(pure, imported):
		return "the kernel imports " + imported
	}
	return ""
}

// checkState finds package variables of the kernel that are assigned to: state
// that one call could leave to the next.
func checkState(tree fs.FS) ([]string, error) {
	all, err := goFiles(tree)
	if err != nil {
		return nil, err
	}
	variables := map[string]map[string]bool{}
	var kernel []*goFile
	for _, f := range all {
		if f.test || !isKernel(f.dir()) {
			continue
		}
		kernel = append(kernel, f)
		if variables[f.dir()] == nil {
			variables[f.dir()] = map[string]bool{}
		}
		for _, d := range f.ast.Decls {
			addVariables(d, variables[f.dir()])
		}
	}
	var findings []string
	for _, f := range kernel {
		report := func(e ast.Expr) {
			if id := base(e); id != nil && variables[f.dir()][id.Name] {
				findings = append(findings, finding(f.path, "line %d: the package variable %s is changed", f.line(id.Pos()), id.Name))
			}
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, e := range n.Lhs {
						report(e)
					}
				}
			case *ast.IncDecStmt:
				report(n.X)
			}
			return true
		})
	}
	return sorted(findings), nil
}

func addVariables(d ast.Decl, names map[string]bool) {
	general, ok := d.(*ast.GenDecl)
	if !ok || general.Tok != token.VAR {
		return
	}
	for _, spec := range general.Specs {
		for _, id := range spec.(*ast.ValueSpec).Names {
			if id.Name != "_" {
				names[id.Name] = true
			}
		}
	}
}

// base returns the variable at the root of what is assigned to, as x is of
// x.f[i], or nil.
func base(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}
