package tools

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	// leanVariable names a native Lean of the user's own.
	leanVariable = "OMEGA_LEAN"

	// leanVersion is the Lean that formal/ is written for.
	leanVersion = "4.28.0"

	// leanToolchain is its name for elan, as in formal/lean-toolchain.
	leanToolchain = "leanprover/lean4:v" + leanVersion

	// elanVariable tells elan's lean which toolchain to be.
	elanVariable = "ELAN_TOOLCHAIN"

	// versionTime and elanTime bound asking a Lean for its version, and getting
	// one with elan.
	versionTime = 30 * time.Second
	elanTime    = 15 * time.Minute
)

// Lean returns the proof checker: the pinned toolchain where a native one is
// there, else the same as WebAssembly with its Node, in the cache.
func Lean() Tool {
	return Tool{
		Name: "Lean", Program: "lean", Why: "checking the proofs of formal/",
		Mend: "get " + leanToolchain + " with elan, or name its lean in " + leanVariable,
		find: findLean, get: getLean,
	}
}

func findLean(ctx context.Context) Found {
	if path := os.Getenv(leanVariable); path != "" {
		f := Found{Path: path, Source: leanVariable}
		if f.Version, f.Err = nativeVersion(ctx, path); f.Err != nil {
			f.Err = fmt.Errorf("%s names %s: %w", leanVariable, path, f.Err)
		}
		return f
	}
	if path, err := nativeLean(ctx); err == nil {
		return Found{Path: path, Version: leanVersion, Source: SourcePath}
	}
	w, err := findWasm(ctx)
	if err != nil {
		return Found{Err: err}
	}
	return Found{Path: w.script(), Version: wasmVersion, Source: SourceCache}
}

// nativeLean returns a lean in PATH that is of the pinned version. One of elan's
// is asked only if elan has that toolchain: it would else fetch it.
func nativeLean(ctx context.Context) (string, error) {
	path, err := exec.LookPath("lean")
	if err != nil {
		return "", err
	}
	if elan, err := exec.LookPath("elan"); err == nil && !elanHas(ctx, elan) {
		return "", fmt.Errorf("elan has no %s", leanToolchain)
	}
	_, err = nativeVersion(ctx, path)
	return path, err
}

// NativeLean reports whether the Lean that is found runs without Node.
func NativeLean(ctx context.Context) bool {
	if os.Getenv(leanVariable) != "" {
		return true
	}
	_, err := nativeLean(ctx)
	return err == nil
}

// elanHas reports whether elan has the pinned toolchain installed.
func elanHas(ctx context.Context, elan string) bool {
	limited, cancel := context.WithTimeout(ctx, versionTime)
	defer cancel()
	out, err := Command(limited, "", nil, elan, "toolchain", "list").Output()
	for line := range strings.Lines(string(out)) {
		if name, _, _ := strings.Cut(strings.TrimSpace(line), " "); err == nil && name == leanToolchain {
			return true
		}
	}
	return false
}

// nativeVersion returns the version of the lean at path, which must be the pinned
// one.
func nativeVersion(ctx context.Context, path string) (string, error) {
	limited, cancel := context.WithTimeout(ctx, versionTime)
	defer cancel()
	out, err := Command(limited, "", []string{elanVariable + "=" + leanToolchain}, path, "--version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("it does not tell its version: %w: %s", err, firstLine(string(out)))
	}
	got := version(string(out))
	if got != leanVersion {
		return got, fmt.Errorf("it is Lean %q, want %s", got, leanVersion)
	}
	return got, nil
}

// getLean gets the pinned toolchain with elan where that is there, else, and
// where elan fails, the WebAssembly build.
func getLean(ctx context.Context, log io.Writer) error {
	if os.Getenv(leanVariable) != "" {
		return findLean(ctx).Err
	}
	elan, err := exec.LookPath("elan")
	if _, lean := exec.LookPath("lean"); err == nil && lean == nil && !elanHas(ctx, elan) {
		fmt.Fprintf(log, "installing %s with elan (for at most %s) ...\n", leanToolchain, elanTime)
		limited, cancel := context.WithTimeout(ctx, elanTime)
		defer cancel()
		cmd := Command(limited, "", nil, elan, "toolchain", "install", leanToolchain)
		cmd.Stdout, cmd.Stderr = log, log
		if err = cmd.Run(); err == nil {
			return nil
		}
		fmt.Fprintf(log, "elan cannot install it: %v; the WebAssembly build is used\n", errors.Join(err, limited.Err()))
	}
	return installWasm(ctx, log)
}

// LeanCompiler starts Lean.
type LeanCompiler struct {
	Found
	Native   bool
	MemoryMB int // of one process, at most as far as formal/ needs it

	wasm wasm
}

// nativeMemoryMB and wasmMemoryMB are what one process needs for a file of formal/.
const (
	nativeMemoryMB = 800
	wasmMemoryMB   = 2000
)

// OpenLean finds Lean. It installs nothing; its error is a *MissingError, or a
// *MemoryError where not even one process could run.
func OpenLean(ctx context.Context) (*LeanCompiler, error) {
	l, err := openLean(ctx)
	if err == nil {
		err = NeedMB("Lean", l.MemoryMB)
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

func openLean(ctx context.Context) (*LeanCompiler, error) {
	f := Lean().Find(ctx)
	if f.Err != nil {
		return nil, f.Err
	}
	l := &LeanCompiler{Found: f, Native: f.Source != SourceCache, MemoryMB: nativeMemoryMB}
	if !l.Native {
		var err error
		if l.wasm, err = findWasm(ctx); err != nil {
			return nil, &MissingError{f.Tool, err}
		}
		l.MemoryMB = wasmMemoryMB
	}
	return l, nil
}

// Command returns a command that runs Lean in dir with args; it finds the .olean
// files of imports in the folders of path beside its own library's. The WebAssembly
// build sees only dir, path and the folder of temporary files. When ctx ends it is
// killed.
func (l *LeanCompiler) Command(ctx context.Context, dir string, path []string, args ...string) *exec.Cmd {
	if !l.Native {
		return l.wasm.command(ctx, dir, path, args)
	}
	env := []string{elanVariable + "=" + leanToolchain, "LEAN_PATH=" + strings.Join(path, string(filepath.ListSeparator))}
	return Command(ctx, dir, env, l.Path, args...)
}

// Filter returns what Lean says of the file in output, all that one of its
// processes has printed: the WebAssembly build also tells what it is about.
func (l *LeanCompiler) Filter(output string) string {
	if l.Native {
		return output
	}
	return l.wasm.filter(output)
}
