package arch

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout/checkouttest"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

func TestCompareNamesTheFirstDifference(t *testing.T) {
	for _, c := range []struct {
		got, want string
		lines     int
		line      int // of the difference, 0 for none
	}{
		{"", "", 0, 0},
		{"a 1\nb 2\n", "a 1\nb 2\n", 2, 0},
		{"a 1\nb 2\n", "a 1\nb 3\n", 1, 2},
		{"a 1\n", "a 1\nb 2\n", 1, 2},
		{"a 1\nb 2\n", "a 1\n", 1, 2},
		{"a 1\nb 2", "a 1\nb 2\n", 1, 2},
		{"", "a 1\n", 0, 1},
	} {
		n, err := Compare([]byte(c.got), []byte(c.want))
		require.Equal(t, c.lines, n)
		if c.line == 0 {
			require.NoError(t, err)
			continue
		}
		difference, ok := errors.AsType[*DifferenceError](err)
		require.True(t, ok)
		require.Equal(t, c.line, difference.Line)
	}
}

func TestALongLineIsShownAroundItsDifference(t *testing.T) {
	long := strings.Repeat("0", 1000)
	_, err := Compare([]byte("name "+long+"1"+long+"\n"), []byte("name "+long+"2"+long+"\n"))
	zeros := long[:60]
	require.EqualError(t, err, "line 1 of the golden outputs, name, differs:\n got ...\""+zeros+"1"+zeros[1:]+"\"...\n"+
		"want ...\""+zeros+"2"+zeros[1:]+"\"...")
}

// nativeEndian is a golden program that reads memory in the machine's own byte
// order, which is the fault that this layer is for.
const nativeEndian = `
-- conformance/golden/main.go --
package main

import (
	"encoding/binary"
	"fmt"
)

func main() {
	fmt.Println("good", binary.BigEndian.Uint32([]byte{1, 2, 3, 4}))
	fmt.Println("bad", binary.NativeEndian.Uint32([]byte{1, 2, 3, 4}))
}
-- conformance/golden/testdata/golden.txt --
good 16909060
bad 67305985
`

func TestNativeByteOrderIsCaughtOnABigEndianMachine(t *testing.T) {
	needEmulators(t)
	root := checkouttest.New(t, nativeEndian)
	for _, goarch := range []string{"amd64", "arm64"} {
		n, err := Check(t.Context(), root, goarch, os.Stderr)
		require.NoError(t, err)
		require.Equal(t, 2, n)
	}
	_, err := Check(t.Context(), root, "s390x", os.Stderr)
	difference, ok := errors.AsType[*DifferenceError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, DifferenceError{Line: 2, Name: "bad", Got: `"bad 16909060\n"`, Want: `"bad 67305985\n"`}, *difference)
	require.ErrorContains(t, err, "s390x")
}

// needEmulators skips where no emulator can be had.
func needEmulators(t *testing.T) {
	t.Helper()
	for _, goarch := range Architectures {
		tool, foreign := Emulator(goarch)
		if !foreign {
			continue
		}
		if _, err := tool.FindOrInstall(t.Context(), os.Stderr); err != nil {
			t.Skip(err)
		}
	}
}

func TestAMissingEmulatorIsNamed(t *testing.T) {
	goPath, err := exec.LookPath("go")
	require.NoError(t, err)
	bin := t.TempDir()
	require.NoError(t, os.Symlink(goPath, filepath.Join(bin, "go")))
	t.Setenv("PATH", bin)
	root := checkouttest.New(t, nativeEndian)
	_, err = Check(t.Context(), root, "s390x", io.Discard)
	if runtime.GOOS != "linux" {
		require.ErrorIs(t, err, ErrNoLinux)
		return
	}
	missing, ok := errors.AsType[*tools.MissingError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "qemu-s390x-static", missing.Tool.Name)
	require.ErrorContains(t, err, "apt-get install -y qemu-user-static")
}

func TestAProgramThatDoesNotBuildOrFailsIsAnError(t *testing.T) {
	root := checkouttest.New(t, nativeEndian)
	checkouttest.Write(t, root, "conformance/golden/main.go", "package main\n\nfunc main() { undefined() }\n")
	_, err := Check(t.Context(), root, runtime.GOARCH, io.Discard)
	require.ErrorContains(t, err, "conformance/golden/main.go:3:15: undefined: undefined")

	checkouttest.Write(t, root, "conformance/golden/main.go", "package main\n\nfunc main() { panic(\"no\") }\n")
	_, err = Check(t.Context(), root, runtime.GOARCH, io.Discard)
	require.ErrorContains(t, err, "the program fails: exit status 2")
	require.ErrorContains(t, err, "panic: no")

	require.NoError(t, os.Remove(filepath.Join(root, GoldenFile)))
	_, err = Check(t.Context(), root, runtime.GOARCH, io.Discard)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// The real golden file must be the one that Check reads.
func TestTheGoldenFileIsWhereItIsSaidToBe(t *testing.T) {
	root, err := checkout.FindRoot(".")
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(root, GoldenFile))
	require.NoError(t, err)
	require.Greater(t, bytes.Count(b, []byte("\n")), 400)
}
