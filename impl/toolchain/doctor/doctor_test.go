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
	"strings"
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
	r, err := Run(t.Context(), Options{Root: ".", Log: io.Discard, Runtime: wellQuorum})
	require.NoError(t, err)
	require.Empty(t, r.Missing())
	require.True(t, r.OK)
	letters := ""
	for _, l := range r.Layers {
		letters += l.Layer
		exists := strings.Contains("BCDF", l.Layer)
		require.Equal(t, exists, l.Exists(), l.Layer)
		require.Equal(t, exists, l.OK, l.Layer)
		require.Equal(t, exists, l.SelfTest.OK, l.Layer)
		if !exists {
			require.Contains(t, l.SelfTest.Message, "comes with a later version")
			require.Empty(t, l.Tools)
		}
		for _, tool := range l.Tools {
			require.True(t, tool.OK && filepath.IsAbs(tool.Source) && tool.Version != "" && tool.Message == "", tool)
		}
	}
	require.Equal(t, "ABCDEFG", letters)
	require.Equal(t, "4 members agreed", layerOf(t, r, "B").SelfTest.Message)
	require.Len(t, layerOf(t, r, "F").Tools, 3)
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
		{"A", "formal", nil, nil},
		{"B", "runtime", []tools.Tool{{Name: "frob", Program: "omega-no-such-program", Why: "this test", Mend: "make one"}}, testRuntime},
	})
	require.NoError(t, err)
	b, err := json.Marshal(r)
	require.NoError(t, err)
	require.JSONEq(t, `{"ok": false, "layers": [
		{"layer": "A", "name": "formal", "ok": false, "tools": [],
			"selftest": {"ok": false, "message": "comes with a later version; nothing in this one needs it"}},
		{"layer": "B", "name": "runtime", "ok": false,
			"tools": [{"name": "frob", "version": "", "source": "", "ok": false,
				"message": "frob is needed for this test: there is no omega-no-such-program in PATH; make one"}],
			"selftest": {"ok": true, "message": "4 members agreed"}}]}`, string(b))
}

func TestWhatIsWrongWithALayerFailsTheReport(t *testing.T) {
	well := examination{"B", "runtime", nil, func(context.Context, *Options) (string, error) { return "well", nil }}
	for name, c := range map[string]struct {
		bad  examination
		want string
	}{
		"self-test": {
			examination{"C", "systems", nil, func(context.Context, *Options) (string, error) { return "", errors.New("no map\nat all") }},
			"layer C, self-test: no map",
		},
		"panic": {
			examination{"C", "systems", nil, func(context.Context, *Options) (string, error) { panic("no map") }},
			"layer C, self-test: the self-test panics: no map",
		},
		"no quorum": {examination{"B", "runtime", nil, testRuntime}, "layer B, self-test: no quorum was given to be tested"},
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
		require.True(t, layerOf(t, r, "C").OK)
		require.Len(t, r.Missing(), 6)
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
	list := []examination{{"B", "runtime", []tools.Tool{frob}, testRuntime}}
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
