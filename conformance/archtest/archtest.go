// Package archtest holds the repository to its own shape: which package may
// import which, what every file and package has, and that code and specification
// name the same clauses.
//
// Each check takes a tree of files and returns its findings, one a line, "file:
// what is wrong". So a test can show it a tree made up to break it, and see it
// complain: a check that cannot fail is worth nothing.
package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// module is this module's path, as imports name it.
const module = "github.com/omega-sheaf-os/omega/"

// goFile is one parsed Go file of the tree.
type goFile struct {
	path string
	test bool
	ast  *ast.File
	set  *token.FileSet
}

// dir is the folder of the file, from the tree's root.
func (f *goFile) dir() string { return path.Dir(f.path) }

func (f *goFile) line(p token.Pos) int { return f.set.Position(p).Line }

// skipped are folders that hold nothing of ours, or only input for tests.
func skipped(name string) bool {
	return name == "testdata" || len(name) > 1 && strings.HasPrefix(name, ".") && name != ".ci"
}

// files calls do for every file of the tree whose name matches.
func files(tree fs.FS, match *regexp.Regexp, do func(name string, content string) error) error {
	return fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && skipped(d.Name()):
			return fs.SkipDir
		case !d.Type().IsRegular() || !match.MatchString(name):
			return nil
		}
		b, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		return do(name, string(b))
	})
}

var isGo = regexp.MustCompile(`\.go$`)

// goFiles parses all Go files of the tree.
func goFiles(tree fs.FS) ([]*goFile, error) {
	var all []*goFile
	err := files(tree, isGo, func(name, content string) error {
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, name, content, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		all = append(all, &goFile{path: name, test: strings.HasSuffix(name, "_test.go"), ast: parsed, set: set})
		return nil
	})
	return all, err
}

// isKernel tells whether a folder is the kernel's.
func isKernel(dir string) bool { return strings.HasPrefix(dir+"/", "impl/kernel/") }

// Finding lists are sorted, so that a failure reads the same every time.
func sorted(findings []string) []string {
	slices.Sort(findings)
	return slices.Compact(findings)
}

func finding(file, format string, args ...any) string {
	return file + ": " + fmt.Sprintf(format, args...)
}
