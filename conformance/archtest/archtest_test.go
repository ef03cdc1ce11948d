package archtest

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// repository is this checkout.
var repository = os.DirFS("../..")

var checks = map[string]func(tree fs.FS) ([]string, error){
	"imports": checkImports,
	"state":   checkState,
	"text":    checkText,
	"docs":    checkDocs,
	"links":   checkLinks,
	"clauses": checkClauses,
	"tests":   checkTests,
}

func TestTheRepositoryKeepsItsShape(t *testing.T) {
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			findings, err := check(repository)
			require.NoError(t, err)
			require.Empty(t, findings, "%d findings:\n%s", len(findings), strings.Join(findings, "\n"))
		})
	}
}

// good is a tree that every check is content with.
func good() fstest.MapFS {
	return tree(map[string]string{
		"impl/kernel/key/key.go": "// Package key.\npackage key\n\nimport \"bytes\"\n\nvar table = bytes.MinRead\n\n" +
			"// Size is KEY-1.\nfunc Size() int { table := 1; _ = table; return table }\n\ntype T int\n\nfunc (T) String() string { return \"\" }\n",
		"impl/omegalog/view.go":   "// Package omegalog.\npackage omegalog\n\nimport (\n\t\"os\"\n\n\t\"" + module + "impl/kernel/key\"\n)\n\nvar _, _ = os.Args, key.Size\n",
		"impl/omegalog/a_test.go": "package omegalog\n\nimport _ \"" + module + "cmd/x\"\n\nfunc TestViews() {}\n",
		"docs/tests.md":           "Shown by `TestViews` (`impl/omegalog`).\n",
		"spec/README.md":          "# Spec\n\n| topic | file |\n| --- | --- |\n| KEY | [keys](keys.md#key-keys) |\n",
		"spec/keys.md":            "# KEY: keys\n\n**KEY-1.** A key. See [above](#key-keys), SHA-256.\n\n**KEY-2.** As KEY-1.\n",
	})
}

func tree(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, content := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return fsys
}

func TestAGoodTreeHasNoFindings(t *testing.T) {
	for name, check := range checks {
		findings, err := check(good())
		require.NoError(t, err, name)
		require.Empty(t, findings, name)
	}
}

func TestEachCheckFindsWhatItIsFor(t *testing.T) {
	kernel := func(body string) string { return "// Package key.\npackage key\n\n" + body }
	for _, c := range []struct{ check, file, content, finding string }{
		{"imports", "impl/kernel/key/os.go", kernel(`import _ "os"`), "the kernel imports os"},
		{"imports", "impl/kernel/key/os.go", kernel(`import _ "time"`), "the kernel imports time"},
		{"imports", "impl/kernel/key/os.go", kernel(`import _ "math/rand"`), "the kernel imports math/rand"},
		{"imports", "impl/kernel/key/lib.go", kernel(`import _ "example.org/lib"`), "the kernel imports example.org/lib"},
		{"imports", "impl/kernel/key/up.go", kernel(`import _ "` + module + `impl/omegalog"`), "impl/kernel imports impl/omegalog"},
		{"imports", "impl/certlog/side.go", "package certlog\n\nimport _ \"" + module + "impl/omegalog\"", "impl/certlog imports impl/omegalog"},
		{"imports", "impl/certlog/durable/up.go", "package durable\n\nimport _ \"" + module + "impl/certlog\"", "impl/certlog/durable imports impl/certlog"},
		{"imports", "impl/node/up.go", "package node\n\nimport _ \"" + module + "cmd/omega-check\"", "impl/node imports cmd"},
		{"imports", "impl/kernels/stray.go", "package kernels", "the folder is in no layer"},
		{"state", "impl/kernel/key/s.go", kernel("var n int\n\nfunc f() { n++ }"), "n is changed"},
		{"state", "impl/kernel/key/s.go", kernel("func f() { table = 2 }"), "table is changed"},
		{"state", "impl/kernel/key/s.go", kernel("var m = map[int][]int{}\n\nfunc f() { (*m[1])[2] += 1 }"), "m is changed"},
		{"text", "impl/kernel/key/t.go", kernel("// TO" + "DO: later"), "line 4: a left-over"},
		{"text", "docs/a.md", "see FIX" + "ME", "a left-over"},
		{"text", "docs/a.md", "in `/ro" + "ot/x`", "a path of one machine"},
		{"text", "docs/a.md", strings.Repeat("x\n", maxLines+1), "601 lines"},
		{"docs", "impl/omegalog/other/a.go", "package other", "impl/omegalog/other: the package has no doc comment"},
		{"docs", "impl/kernel/key/d.go", kernel("// Get gets.\nfunc Get() {}"), "Get names no clause"},
		{"docs", "impl/kernel/key/d.go", kernel("func (T) Get() {}"), "Get names no clause"},
		{"links", "docs/a.md", "[x](b.md)", "the link b.md leads nowhere"},
		{"links", "docs/a.md", "[x](../spec/keys.md#nothing)", "leads nowhere"},
		{"links", "docs/a.md", "[x](#nothing)", "leads nowhere"},
		{"tests", "docs/a.md", "shown by `TestKeys` (`impl/omegalog`)", "there is no test TestKeys in impl/omegalog"},
		{"clauses", "impl/kernel/key/c.go", kernel("// F is KEY" + "-9.\nfunc F() {}"), "KEY" + "-9 is no clause"},
		{"clauses", "spec/more.md", "**KEY-1.** Again.", "KEY-1 is defined in spec/keys.md too"},
		{"clauses", "spec/more.md", "**KEY" + "-3.** Elsewhere.", "KEY has clauses in spec/keys.md too"},
		{"clauses", "spec/more.md", "**NEW" + "-1.** New.", "no row leads to NEW in spec/more.md"},
		{"clauses", "spec/more.md", "**NEW" + "-2.** New.", "NEW has 1 clauses, the last is NEW" + "-2"},
	} {
		bad := good()
		bad[c.file] = &fstest.MapFile{Data: []byte(c.content)}
		findings, err := checks[c.check](bad)
		require.NoError(t, err)
		require.Contains(t, strings.Join(findings, "\n"), c.finding, "%s: %s", c.check, c.file)
	}
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	bad := good()
	bad["impl/kernel/key/bad.go"] = &fstest.MapFile{Data: []byte("no Go")}
	for _, check := range []string{"imports", "state", "docs"} {
		_, err := checks[check](bad)
		require.Error(t, err, check)
	}
}
