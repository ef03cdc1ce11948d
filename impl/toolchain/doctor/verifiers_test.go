package doctor

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the verifiers print where they do their work.
const (
	leanRefuses = "Probe.lean:4:39: error: Tactic `decide` proved that the proposition\n  2 + 2 = 5\nis false\n"
	tlcWorks    = `case "$(cat Counter.cfg)" in *"Last = 4"*) echo "Error: Invariant BelowLimit is violated."; exit 12;; esac
echo "Model checking completed. No error has been found."`
	browserWorks = `echo '<html><head></head><body>omega 42</body></html>'`
)

// fakeVerifiers puts programs that behave as Lean, TLC and Chromium into the
// places where a user's own are looked for: the real ones need minutes and the
// network. It returns the folder they are in.
func fakeVerifiers(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	emptyCache(t)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("OMEGA_LEAN", filepath.Join(dir, "lean"))
	t.Setenv("OMEGA_CHROMIUM", filepath.Join(dir, "browser"))
	t.Setenv("OMEGA_TLA2TOOLS", filepath.Join(dir, "tlc.jar"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tlc.jar"), []byte("a jar"), 0o600))
	fakeLean(t, dir, 1, leanRefuses)
	fake(t, dir, "java", `openjdk version "17.0.1"`, tlcWorks)
	fake(t, dir, "browser", "Chromium 130.0.1", browserWorks)
	return dir
}

// emptyCache gives the test a cache of its own for tools, and Go the one it has.
func emptyCache(t *testing.T) {
	t.Helper()
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	require.NoError(t, err)
	t.Setenv("GOCACHE", strings.TrimSpace(string(out)))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
}

// fake writes a program that tells a version where it is asked for one, and else
// runs script.
func fake(t *testing.T, dir, name, version, script string) {
	t.Helper()
	text := "#!/bin/sh\ncase \"$1\" in -version|--version) echo '" + version + "'; exit;; esac\n" + script + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700))
}

func fakeLean(t *testing.T, dir string, status int, says string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "said"), []byte(says), 0o600))
	fake(t, dir, "lean", "Lean (version 4.28.0, x86_64)", "cat '"+dir+"/said'; exit "+string(rune('0'+status)))
}

func TestALeanThatDoesNotTellTrueFromFalseIsNotWell(t *testing.T) {
	dir := fakeVerifiers(t)
	o := &Options{Log: io.Discard}
	seen, err := testFormal(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, "Lean 4.28.0, native, accepts a true theorem and refuses a false one", seen)
	for name, c := range map[string]struct {
		status     int
		says, want string
	}{
		"accepts all":        {0, "", "a false theorem is accepted"},
		"refuses all":        {1, "Probe.lean:2:1: error: no\n" + leanRefuses, "a true theorem is refused"},
		"has no module":      {1, "Probe.lean:1:0: error: unknown module prefix 'Init'\n", "a true theorem is refused"},
		"overflows":          {1, "Stack overflow detected. Aborting.\n", "not refused by its line; Lean ends with status 1"},
		"dies after telling": {7, leanRefuses, "Lean ends with status 7"},
	} {
		t.Run(name, func(t *testing.T) {
			fakeLean(t, dir, c.status, c.says)
			_, err := testFormal(t.Context(), o)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestATLCThatFindsNothingOrTooMuchIsNotWell(t *testing.T) {
	dir := fakeVerifiers(t)
	_, err := testProtocol(t.Context(), &Options{Log: io.Discard})
	require.NoError(t, err)
	for name, c := range map[string]struct{ script, want string }{
		"finds nothing":   {"echo 'No error has been found.'", "does not find a planted violation: status 0"},
		"another error":   {"echo 'Parse Error'; exit 12", "does not find a planted violation: status 12: Parse Error"},
		"finds too much":  {"echo 'Invariant BelowLimit is violated'; exit 12", "does not pass a model that holds"},
		"ends in silence": {`case "$(cat Counter.cfg)" in *"Last = 4"*) echo "Invariant BelowLimit is violated"; exit 12;; esac`, "does not pass a model that holds: status 0"},
	} {
		t.Run(name, func(t *testing.T) {
			fake(t, dir, "java", `openjdk version "17.0.1"`, c.script)
			_, err := testProtocol(t.Context(), &Options{Log: io.Discard})
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestABrowserThatRunsNoScriptIsNotWell(t *testing.T) {
	dir := fakeVerifiers(t)
	fake(t, dir, "browser", "Chromium 130.0.1", "echo '<body><script>42</script></body>'")
	_, err := testObservability(t.Context(), &Options{Log: io.Discard})
	require.ErrorContains(t, err, "does not run a page's script")
	fake(t, dir, "browser", "Chromium 130.0.1", "echo no display >&2; exit 3")
	_, err = testObservability(t.Context(), &Options{Log: io.Discard})
	require.ErrorContains(t, err, "exit status 3: no display")
}
