package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/toolchain/arch"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

func wellQuorum(context.Context) (string, error) { return "4 members agreed", nil }

func layerOf(t *testing.T, r *Report, letter string) Layer {
	t.Helper()
	for _, l := range r.Layers {
		if l.Layer == letter {
			return l
		}
	}
	require.FailNow(t, "no layer "+letter)
	return Layer{}
}

func TestEveryLayerOfThisVersionIsWellHereAndTheOthersAreNotGreen(t *testing.T) {
	needEmulators(t)
	fakeVerifiers(t)
	r, err := Run(t.Context(), Options{Root: ".", Log: io.Discard, Runtime: wellQuorum})
	require.NoError(t, err)
	require.Empty(t, r.Missing())
	require.True(t, r.OK)
	letters := ""
	for _, l := range r.Layers {
		letters += l.Layer
		exists := l.Layer != "G"
		require.Equal(t, exists, l.Exists(), l.Layer)
		require.Equal(t, exists, l.OK, l.Layer)
		require.True(t, l.SelfTest.OK, l.Layer)
		for _, tool := range l.Tools {
			require.True(t, tool.OK && filepath.IsAbs(tool.Path) && tool.Source != "" && tool.Version != "" && tool.Message == "", tool)
		}
	}
	require.Equal(t, "ABCDEFG", letters)
	require.Equal(t, "4 members agreed", layerOf(t, r, "B").SelfTest.Message)
	require.Len(t, layerOf(t, r, "F").Tools, 3)
	require.Equal(t, "OMEGA_LEAN", layerOf(t, r, "A").Tools[0].Source)
	require.Contains(t, layerOf(t, r, "G").SelfTest.Message, "not part of this version")
}

// needEmulators skips where no emulator can be had.
func needEmulators(t *testing.T) {
	t.Helper()
	for _, tool := range emulators() {
		if _, err := tool.FindOrInstall(t.Context(), os.Stderr); err != nil {
			t.Skip(err)
		}
	}
}

func TestTheJSONHasTheFieldsOfTheCommandLine(t *testing.T) {
	r, err := run(t.Context(), &Options{Log: io.Discard, Runtime: wellQuorum}, []examination{
		{"G", "observability", false, nil, func(context.Context, *Options) (string, error) { return "seen", nil }},
		{"B", "runtime", true, []tools.Tool{{Name: "frob", Program: "omega-no-such-program", Why: "this test", Mend: "make one"}}, testRuntime},
	})
	require.NoError(t, err)
	b, err := json.Marshal(r)
	require.NoError(t, err)
	require.JSONEq(t, `{"ok": false, "layers": [
		{"layer": "G", "name": "observability", "ok": false, "tools": [], "selftest": {"ok": true, "message": "seen"}},
		{"layer": "B", "name": "runtime", "ok": false,
			"tools": [{"name": "frob", "version": "", "source": "", "path": "", "ok": false,
				"message": "frob is needed for this test: there is no omega-no-such-program in PATH; make one"}],
			"selftest": {"ok": true, "message": "4 members agreed"}}]}`, string(b))
}

func TestWhatIsWrongWithALayerFailsTheReport(t *testing.T) {
	well := examination{"B", "runtime", true, nil, func(context.Context, *Options) (string, error) { return "well", nil }}
	for name, c := range map[string]struct {
		bad  examination
		want string
	}{
		"self-test": {
			examination{"C", "systems", true, nil, func(context.Context, *Options) (string, error) { return "", errors.New("no map\nat all") }},
			"layer C, self-test: no map",
		},
		"panic": {
			examination{"C", "systems", true, nil, func(context.Context, *Options) (string, error) { panic("no map") }},
			"layer C, self-test: the self-test panics: no map",
		},
		"no quorum": {examination{"B", "runtime", true, nil, testRuntime}, "layer B, self-test: no quorum was given to be tested"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := run(t.Context(), &Options{Log: io.Discard}, []examination{well, c.bad})
			require.NoError(t, err)
			require.False(t, r.OK)
			require.False(t, r.Layers[1].OK)
			require.True(t, r.Layers[0].OK)
			require.Equal(t, []string{c.want}, r.Missing())
		})
	}
}

// onlyGo leaves nothing in PATH but Go.
func onlyGo(t *testing.T) {
	t.Helper()
	goPath, err := exec.LookPath("go")
	require.NoError(t, err)
	bin := t.TempDir()
	require.NoError(t, os.Symlink(goPath, filepath.Join(bin, "go")))
	t.Setenv("PATH", bin)
}

func TestMissingToolsAreNamedWithTheirRemedy(t *testing.T) {
	onlyGo(t)
	emptyCache(t)
	for _, install := range []bool{false, true} { // there is nothing to install with
		r, err := Run(t.Context(), Options{Root: ".", Install: install, Log: io.Discard, Runtime: wellQuorum})
		require.NoError(t, err)
		require.False(t, r.OK)
		d, f := layerOf(t, r, "D"), layerOf(t, r, "F")
		require.False(t, d.OK)
		require.Contains(t, d.Tools[0].Message, "apt-get install -y qemu-user-static")
		require.False(t, d.SelfTest.OK)
		require.True(t, f.Tools[0].OK, "Go is there")
		require.Contains(t, f.Tools[1].Message, "C compiler is needed for Go's race detector")
		require.Contains(t, f.Tools[2].Message, "git is needed")
		require.Contains(t, f.SelfTest.Message, "the race detector does not find a planted race")
		c := layerOf(t, r, "C")
		require.True(t, c.SelfTest.OK)
		require.Contains(t, c.Tools[0].Message, "apt-get install -y strace")
		a, e, g := layerOf(t, r, "A"), layerOf(t, r, "E"), layerOf(t, r, "G")
		require.Contains(t, e.Tools[0].Message, "java is needed for running TLC")
		require.Contains(t, g.Tools[0].Message, "apt-get install -y chromium")
		if install {
			require.Contains(t, a.Tools[0].Message, "npm is needed for fetching Lean and its Node: there is no npm in PATH")
			require.Contains(t, e.Tools[1].Message, "Maven is needed for fetching TLC: there is no mvn in PATH")
		} else {
			require.Contains(t, a.Tools[0].Message, "Lean is needed for checking the proofs of formal/: it is not installed; `omega-check doctor --root . --install`")
			require.Contains(t, e.Tools[1].Message, "TLC is needed for checking the models of tla/: it is not installed")
		}
		require.Len(t, r.Missing(), 10)
	}
}

func TestInstallGetsWhatIsMissing(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root installs packages")
	}
	bin := t.TempDir()
	installer := "#!/bin/sh\nprintf '#!/bin/sh\\necho 7.2\\n' > " + bin + "/omega-frob; /bin/chmod +x " + bin + "/omega-frob\n"
	require.NoError(t, os.WriteFile(filepath.Join(bin, "apt-get"), []byte(installer), 0o700))
	t.Setenv("PATH", bin)
	frob := tools.Tool{Name: "frob", Program: "omega-frob", Why: "this test", Debian: []string{"frob"}}
	list := []examination{{"B", "runtime", true, []tools.Tool{frob}, testRuntime}}
	var log bytes.Buffer
	r, err := run(t.Context(), &Options{Log: &log, Runtime: wellQuorum}, list)
	require.NoError(t, err)
	require.False(t, r.OK, "nothing is installed unasked")
	r, err = run(t.Context(), &Options{Log: &log, Runtime: wellQuorum, Install: true}, list)
	require.NoError(t, err)
	require.True(t, r.OK, r.Missing())
	require.Contains(t, log.String(), "apt-get install -y frob")
}

func TestOutsideACheckoutTheOtherArchitecturesAreNotGreen(t *testing.T) {
	_, err := testAnalytics(t.Context(), &Options{Root: t.TempDir(), Log: io.Discard})
	require.ErrorIs(t, err, checkout.ErrNoCheckout)
	require.Len(t, emulators(), len(arch.Architectures)-1)
}

func TestAWrongAnswerIsNoticed(t *testing.T) {
	require.NoError(t, checkAnswers(knownAnswers))
	for i := range knownAnswers {
		wrong := knownAnswers[i]
		wrong.want = "00" + wrong.want[2:]
		require.ErrorContains(t, checkAnswers([]answer{wrong}), wrong.name)
	}
	require.ErrorContains(t, checkAnswers([]answer{{"odd", sha, "0", "", 1}}), "odd")
}

func TestCancellingEndsTheExamination(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Run(ctx, Options{Root: ".", Log: io.Discard})
	require.ErrorIs(t, err, context.Canceled)
}
