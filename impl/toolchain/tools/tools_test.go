package tools

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// programs makes a folder of shell scripts, by name, the only one in PATH beside
// the system's own.
func programs(t *testing.T, scripts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o700))
	}
	t.Setenv("PATH", dir+":/bin")
	return dir
}

func sampleTool() Tool {
	return Tool{
		Name: "frobnicator", Program: "omega-frob", VersionArgs: []string{"--version"}, Why: "this test",
		Debian: []string{"frob", "frob-data"}, Mend: "make one",
	}
}

func TestAToolThatWorksIsFoundWithItsVersion(t *testing.T) {
	dir := programs(t, map[string]string{"omega-frob": `echo "frob (Debian 7.1-2) 7.1.2"; echo more`})
	f := sampleTool().Find(t.Context())
	require.NoError(t, f.Err)
	require.Equal(t, filepath.Join(dir, "omega-frob"), f.Path)
	require.Equal(t, "7.1", f.Version)
}

func TestAToolThatIsMissingOrBrokenIsNamedWithItsRemedy(t *testing.T) {
	for name, c := range map[string]struct {
		scripts map[string]string
		want    string
	}{
		"missing":    {nil, "there is no omega-frob in PATH"},
		"fails":      {map[string]string{"omega-frob": "echo 1.2; exit 9"}, "exit status 9"},
		"no version": {map[string]string{"omega-frob": "echo hello"}, "it tells no version"},
	} {
		t.Run(name, func(t *testing.T) {
			programs(t, c.scripts)
			f := sampleTool().Find(t.Context())
			missing, ok := errors.AsType[*MissingError](f.Err)
			require.True(t, ok)
			require.Equal(t, "frobnicator", missing.Tool.Name)
			for _, want := range []string{
				"frobnicator is needed for this test", c.want, "apt-get install -y frob frob-data", "elsewhere: make one",
			} {
				require.ErrorContains(t, f.Err, want)
			}
		})
	}
}

func TestAToolWithoutPackagesNamesItsOwnRemedy(t *testing.T) {
	programs(t, nil)
	f := Go().Find(t.Context())
	require.ErrorContains(t, f.Err, "go is needed for building and testing: there is no go in PATH; install Go 1.26 or later")
	require.NotContains(t, f.Err.Error(), "apt-get")
}

func TestTheToolsOfThisMachineAreFound(t *testing.T) {
	for _, tool := range []Tool{Go(), Git(), C()} {
		f := tool.Find(t.Context())
		require.NoError(t, f.Err)
		require.Regexp(t, `^\d+\.\d+`, f.Version, tool.Name)
	}
}

// A compiler that cannot compile is none: the headers are often missing.
func TestACompilerWithoutHeadersIsMissing(t *testing.T) {
	programs(t, map[string]string{"brokencc": `case "$1" in --version) echo 12.2.0;; *) echo "probe.c:1: stdlib.h: No such file" >&2; exit 1;; esac`})
	t.Setenv("CC", "brokencc -m64")
	f := C().Find(t.Context())
	require.ErrorContains(t, f.Err, "it does not compile: exit status 1: probe.c:1: stdlib.h: No such file")
	require.ErrorContains(t, f.Err, "libc6-dev")
}

// frobPackage is a package manager that knows its packages only after an update.
const frobPackage = `
here=$(dirname "$0")
case "$*" in
*update*) touch "$here/updated" ;;
*"install -y frob frob-data"*)
	[ -e "$here/updated" ] || { echo "Unable to locate package frob"; exit 100; }
	printf '#!/bin/sh\necho 7.2\n' > "$here/omega-frob"; chmod +x "$here/omega-frob" ;;
*) exit 2 ;;
esac
`

func TestInstallUpdatesTheListWhereThePackageIsUnknown(t *testing.T) {
	programs(t, map[string]string{"apt-get": frobPackage})
	var log bytes.Buffer
	f, err := sampleTool().install(t.Context(), &log, true)
	require.NoError(t, err)
	require.Equal(t, "7.2", f.Version)
	require.Contains(t, log.String(), "Unable to locate package frob")
	require.Equal(t, 2, strings.Count(log.String(), "apt-get install -y frob frob-data\n"))

	log.Reset()
	_, err = sampleTool().install(t.Context(), &log, true)
	require.NoError(t, err)
	require.Empty(t, log.String(), "what is there is not installed again")
}

func TestInstallSaysWhereItIsNoWay(t *testing.T) {
	programs(t, map[string]string{"apt-get": frobPackage})
	_, err := sampleTool().install(t.Context(), io.Discard, false)
	require.ErrorIs(t, err, ErrNoInstaller)
	tool := sampleTool()
	tool.Debian = nil
	_, err = tool.install(t.Context(), io.Discard, true)
	require.ErrorIs(t, err, ErrNoInstaller)

	programs(t, nil) // no package manager
	t.Setenv("PATH", t.TempDir())
	_, err = sampleTool().install(t.Context(), io.Discard, true)
	require.ErrorIs(t, err, ErrNoInstaller)
	_, err = sampleTool().FindOrInstall(t.Context(), io.Discard)
	require.ErrorContains(t, err, "there is no omega-frob in PATH")
}

func TestAnInstallationThatFailsOrHelpsNothingIsAnError(t *testing.T) {
	programs(t, map[string]string{"apt-get": "echo no network; exit 100"})
	_, err := sampleTool().install(t.Context(), io.Discard, true)
	require.ErrorContains(t, err, "frobnicator is needed for this test: apt-get update: exit status 100")

	programs(t, map[string]string{"apt-get": "exit 0"})
	_, err = sampleTool().install(t.Context(), io.Discard, true)
	require.ErrorContains(t, err, "there is no omega-frob in PATH")
}

func TestACancelledCommandTakesItsChildrenWithIt(t *testing.T) {
	dir := t.TempDir()
	pidFile := filepath.Join(dir, "pid")
	ctx, cancel := context.WithCancel(t.Context())
	cmd := Command(ctx, dir, []string{"PIDFILE=" + pidFile}, "/bin/sh", "-c", `sleep 600 & echo $! > "$PIDFILE".new; mv "$PIDFILE".new "$PIDFILE"; wait`)
	require.NoError(t, cmd.Start())
	var pid int
	require.Eventually(t, func() bool {
		b, err := os.ReadFile(pidFile)
		if err == nil {
			pid, err = strconv.Atoi(strings.TrimSpace(string(b)))
		}
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	cancel()
	require.Error(t, cmd.Wait())
	require.Eventually(t, func() bool { return !alive(pid) }, 10*time.Second, 10*time.Millisecond)
}

// alive reports whether the process runs; a zombie that nobody has waited for
// does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || !strings.Contains(string(stat), ") Z ")
}
