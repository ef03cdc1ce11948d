package faults_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/conformance/mutants"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
)

// syncing are the functions that make something durable.
var syncing = []string{"Sync", "SyncDir", "SyncParent"}

// TestEveryCallThatMakesDurableHasAFaultInWhichItIsLeftOut reads the product: the layer
// mutants shows that each such fault turns a test red.
func TestEveryCallThatMakesDurableHasAFaultInWhichItIsLeftOut(t *testing.T) {
	root, err := checkout.FindRoot(".")
	require.NoError(t, err)
	all, err := mutants.Load(root)
	require.NoError(t, err)
	calls := 0
	for place, n := range syncCalls(t, root) {
		calls += n
		left := 0
		for _, f := range all {
			if f.File+" "+f.In == place && strings.Contains(f.Old, "Sync") && !strings.Contains(f.New, "Sync") {
				left++
			}
		}
		require.Equal(t, n, left, "%s: faults that leave out a sync", place)
	}
	require.Greater(t, calls, 10)
	layer.Count(t, "syncs", calls)
}

// syncCalls counts the calls in impl/, by file and declaration.
func syncCalls(t *testing.T, root string) map[string]int {
	found := map[string]int{}
	require.NoError(t, filepath.WalkDir(filepath.Join(root, "impl"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "test"+string(os.PathSeparator)) {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && slices.Contains(syncing, called(call)) {
					found[filepath.ToSlash(name)+" "+declared(f)]++
				}
				return true
			})
		}
		return nil
	}))
	return found
}

func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// declared is a declaration's name, as the ledger of faults has it.
func declared(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	t := f.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	return t.(*ast.Ident).Name + "." + f.Name.Name
}
