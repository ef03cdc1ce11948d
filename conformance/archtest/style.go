package archtest

import (
	"go/ast"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

const maxLines = 600

var (
	isText = regexp.MustCompile(`\.(go|md|py|txtar|mod|yml|yaml)$|(^|/)(justfile|run|\.gitignore)$`)
	// The words are put together here, or this file would be found.
	reminder = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)
	// A path of one machine: a home, a temporary or a working folder.
	machine = regexp.MustCompile("(^|[\\s\"'`(=])/(ho" + "me|ro" + "ot|wo" + "rk|Us" + "ers)/")
)

// checkText finds left-over reminders, paths of one machine, and files that are
// too long to read.
func checkText(tree fs.FS) ([]string, error) {
	var findings []string
	err := files(tree, isText, func(name, content string) error {
		lines := strings.Split(content, "\n")
		for i, line := range lines {
			if w := reminder.FindString(line); w != "" {
				findings = append(findings, finding(name, "line %d: a left-over %s", i+1, w))
			}
			if machine.MatchString(line) {
				findings = append(findings, finding(name, "line %d: a path of one machine", i+1))
			}
		}
		if len(lines)-1 > maxLines {
			findings = append(findings, finding(name, "%d lines, at most %d", len(lines)-1, maxLines))
		}
		return nil
	})
	return sorted(findings), err
}

// checkDocs finds packages without a doc comment, and exported kernel functions
// whose comment names no clause. Error, Unwrap and String need none: what they
// return is for people.
func checkDocs(tree fs.FS) ([]string, error) {
	all, err := goFiles(tree)
	if err != nil {
		return nil, err
	}
	var findings []string
	documented := map[string]bool{}
	for _, f := range all {
		if f.test {
			continue
		}
		documented[f.dir()] = documented[f.dir()] || f.ast.Doc != nil
		if isKernel(f.dir()) {
			findings = append(findings, clauseless(f)...)
		}
	}
	for dir, ok := range documented {
		if !ok {
			findings = append(findings, finding(dir, "the package has no doc comment"))
		}
	}
	return sorted(findings), nil
}

func clauseless(f *goFile) []string {
	var findings []string
	for _, d := range f.ast.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || !fn.Name.IsExported() || !exportedReceiver(fn) {
			continue
		}
		switch fn.Name.Name {
		case "Error", "Unwrap", "String":
			continue
		}
		if !clauseID.MatchString(fn.Doc.Text()) {
			findings = append(findings, finding(f.path, "line %d: %s names no clause", f.line(fn.Pos()), fn.Name.Name))
		}
	}
	return findings
}

func exportedReceiver(fn *ast.FuncDecl) bool {
	if fn.Recv == nil {
		return true
	}
	id := base(fn.Recv.List[0].Type)
	return id == nil || id.IsExported()
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	fence   = regexp.MustCompile("(?ms)^```.*?^```")
	notSlug = regexp.MustCompile(`[^a-z0-9 _-]`)
	isLocal = regexp.MustCompile(`^[^:]*$`)
	isMD    = regexp.MustCompile(`\.md$`)
)

// slug is the anchor that a heading gets where the text is shown.
func slug(title string) string {
	return strings.ReplaceAll(notSlug.ReplaceAllString(strings.ToLower(title), ""), " ", "-")
}

// checkLinks finds links in Markdown that lead nowhere in the tree.
func checkLinks(tree fs.FS) ([]string, error) {
	anchors, targets := map[string]bool{}, map[string][]string{}
	err := files(tree, isMD, func(name, content string) error {
		content = fence.ReplaceAllString(content, "")
		for _, h := range heading.FindAllStringSubmatch(content, -1) {
			anchors[name+"#"+slug(h[1])] = true
		}
		for _, l := range link.FindAllStringSubmatch(content, -1) {
			if isLocal.MatchString(l[1]) {
				targets[name] = append(targets[name], l[1])
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var findings []string
	for name, links := range targets {
		for _, l := range links {
			file, anchor, hasAnchor := strings.Cut(l, "#")
			target := name
			if file != "" {
				target = path.Join(path.Dir(name), file)
			}
			if _, err := fs.Stat(tree, target); err != nil || hasAnchor && !anchors[target+"#"+anchor] {
				findings = append(findings, finding(name, "the link %s leads nowhere", l))
			}
		}
	}
	return sorted(findings), nil
}

// namedTest is a test as a text names it: TestX of a package.
var namedTest = regexp.MustCompile("`(Test[A-Z]\\w*)` \\(`([^`]+)`\\)")

// checkTests finds tests that Markdown names, with their folder, and that are not there.
func checkTests(tree fs.FS) ([]string, error) {
	all, err := goFiles(tree)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, f := range all {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && f.test {
				there[f.dir()+" "+fn.Name.Name] = true
			}
		}
	}
	var findings []string
	err = files(tree, isMD, func(name, content string) error {
		for _, m := range namedTest.FindAllStringSubmatch(content, -1) {
			if !there[m[2]+" "+m[1]] {
				findings = append(findings, finding(name, "there is no test %s in %s", m[1], m[2]))
			}
		}
		return nil
	})
	return sorted(findings), err
}
