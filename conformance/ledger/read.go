package ledger

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/omega-sheaf-os/omega/conformance/mutants"
)

// function is an exported function or method of the kernel.
type function struct {
	name, file string
	line       int
	clauses    []string
	text       bool // it says a value in words, or leads from an error to its cause
}

var (
	clauseID   = regexp.MustCompile(`\b[A-Z]{3}-[0-9]+\b`)
	clauseSpan = regexp.MustCompile(`\b([A-Z]{3})-([0-9]+)\s+to\s+([A-Z]{3})-([0-9]+)\b`)
	definition = regexp.MustCompile(`^\*\*([A-Z]{3}-[0-9]+)\.\*\*`)
)

// foreign are words in the form of a clause that are none.
var foreign = map[string]bool{"SHA": true, "CRC": true, "RFC": true}

// readFunctions lists the kernel's exported functions, and methods of exported
// types, from their source.
func readFunctions(root string) ([]function, error) {
	var list []function
	err := eachGoFile(root, "impl/kernel/*", false, func(file string, fset *token.FileSet, f *ast.File) {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !fn.Name.IsExported() {
				continue
			}
			name := mutants.FunctionName(fn)
			if !ast.IsExported(name) {
				continue
			}
			list = append(list, function{
				name: f.Name.Name + "." + name, file: file, line: fset.Position(fn.Pos()).Line,
				clauses: namedClauses(fn.Doc.Text()), text: isText(name),
			})
		}
	})
	return list, err
}

func isText(name string) bool {
	_, method, ok := strings.Cut(name, ".")
	return ok && (method == "String" || method == "Error" || method == "Unwrap")
}

// namedClauses returns the clauses that a docstring names; "INV-2 to INV-4" names
// three.
func namedClauses(doc string) []string {
	var ids []string
	seen := map[string]bool{}
	add := func(id string) {
		if !seen[id] && !foreign[id[:3]] {
			ids = append(ids, id)
		}
		seen[id] = true
	}
	for _, span := range clauseSpan.FindAllStringSubmatch(doc, -1) {
		from, _ := strconv.Atoi(span[2])
		to, _ := strconv.Atoi(span[4])
		for n := from; span[1] == span[3] && n <= to; n++ {
			add(fmt.Sprintf("%s-%d", span[1], n))
		}
	}
	for _, id := range clauseID.FindAllString(doc, -1) {
		add(id)
	}
	return ids
}

// eachGoFile parses the Go files of the folders that fit the pattern: tests, or all
// others.
func eachGoFile(root, folders string, tests bool, each func(file string, fset *token.FileSet, f *ast.File)) error {
	paths, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(folders), "*.go"))
	if err != nil {
		return err
	}
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") != tests {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, p, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		file, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		each(filepath.ToSlash(file), fset, f)
	}
	return nil
}

// readClauses returns where each clause of spec/ is defined.
func readClauses(root string) (map[string]Link, error) {
	where := map[string]Link{}
	err := eachLine(root, "spec/*.md", func(file string, line int, text string) {
		if m := definition.FindStringSubmatch(text); m != nil {
			where[m[1]] = Link{m[1], file, line}
		}
	})
	return where, err
}

func eachLine(root, pattern string, each func(file string, line int, text string)) error {
	paths, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
	if err != nil {
		return err
	}
	for _, p := range paths {
		raw, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		file, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		for i, text := range strings.Split(string(raw), "\n") {
			each(filepath.ToSlash(file), i+1, text)
		}
	}
	return nil
}

var (
	leanPlace = regexp.MustCompile("`impl/kernel/([a-z]+)`")
	leanName  = regexp.MustCompile("(?:has (?:it|the step) as |^/-- )`([A-Za-z0-9.]+)`")
	leanStart = regexp.MustCompile(`^(?:def|structure|abbrev|inductive) ([A-Za-z0-9_.']+)`)
)

// readFormal returns what names a function outside of the kernel: the vectors that
// are drawn of it, and the definitions of formal/ whose docstrings name it.
func readFormal(root string) (map[string][]Link, error) {
	links := map[string][]Link{}
	err := eachGoFile(root, "conformance/vectors", false, func(file string, fset *token.FileSet, f *ast.File) {
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if name, err := strconv.Unquote(lit.Value); err == nil && isFunctionName(name) {
					name = strings.TrimSuffix(name, ".")
					link := Link{"vectors of " + name, file, fset.Position(lit.Pos()).Line}
					links[name] = append(links[name], link)
					if parts := strings.Split(name, "."); len(parts) > 2 && parts[2] != "" && !ast.IsExported(parts[len(parts)-1]) {
						whole := strings.Join(parts[:len(parts)-1], ".") // "order.Sort.distinct" is of order.Sort
						links[whole] = append(links[whole], link)
					}
				}
			}
			return true
		})
	})
	if err != nil {
		return nil, err
	}
	pkg, function := "", ""
	return links, eachLine(root, "formal/Omega/Spec/*.lean", func(file string, line int, text string) {
		if m := leanPlace.FindStringSubmatch(text); m != nil {
			pkg = m[1]
		}
		if m := leanName.FindStringSubmatch(text); m != nil {
			function = m[1]
		}
		if m := leanStart.FindStringSubmatch(text); m != nil && pkg != "" && function != "" {
			name := pkg + "." + function
			links[name] = append(links[name], Link{m[1], file, line})
			function = ""
		}
	})
}

var functionName = regexp.MustCompile(`^[a-z]+\.[A-Z][A-Za-z0-9]*(\.[A-Za-z]*)*$`)

func isFunctionName(s string) bool { return functionName.MatchString(s) }

// exceptionsFile says which cells are not applicable, and why.
const exceptionsFile = "conformance/ledger/exceptions.txt"

// exception is one line of it: columns, with commas between them, a pattern of
// functions, and the reason.
type exception struct {
	columns, pattern, reason, at string
	used                         bool
}

func (e *exception) fits(c Column, function string) bool {
	listed := e.columns == "all"
	for name := range strings.SplitSeq(e.columns, ",") {
		listed = listed || Column(name) == c
	}
	ok, _ := path.Match(e.pattern, function) // a bad pattern fits nothing, and is then spare
	return listed && ok
}

func readExceptions(name string) ([]exception, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var list []exception
	for i, line := range strings.Split(string(raw), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		at := fmt.Sprintf("%s:%d", exceptionsFile, i+1)
		fields := strings.Fields(line)
		if len(fields) < 5 {
			return nil, fmt.Errorf("%s: want columns, a function and a reason in words, got %q", at, line)
		}
		list = append(list, exception{columns: fields[0], pattern: fields[1], reason: strings.Join(fields[2:], " "), at: at})
	}
	return list, nil
}

// test is a test function of a package.
type test struct {
	file  string
	line  int
	draws bool // it draws its inputs: by rapid, or as a fuzz target
}

// test finds the test that a check names, which must be there.
func (b *builder) test(check mutants.Check) (test, error) {
	all, ok := b.tests[check.Where]
	if !ok {
		all = map[string]test{}
		err := eachGoFile(b.root, check.Where, true, func(file string, fset *token.FileSet, f *ast.File) {
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
					all[fn.Name.Name] = test{file, fset.Position(fn.Pos()).Line, draws(fn)}
				}
			}
		})
		if err != nil {
			return test{}, err
		}
		b.tests[check.Where] = all
	}
	name, _, _ := strings.Cut(check.What, "/")
	t, ok := all[name]
	if !ok {
		return test{}, fmt.Errorf("there is no test %s", check)
	}
	return t, nil
}

// draws reports whether a test draws its inputs.
func draws(fn *ast.FuncDecl) bool {
	if strings.HasPrefix(fn.Name.Name, "Fuzz") {
		return true
	}
	found := false
	ast.Inspect(fn, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == "rapid" {
			found = true
		}
		return true
	})
	return found
}

// splitPlace takes file:line apart.
func splitPlace(at string) (file string, line int) {
	file, digits, _ := strings.Cut(at, ":")
	line, _ = strconv.Atoi(digits)
	return file, line
}
