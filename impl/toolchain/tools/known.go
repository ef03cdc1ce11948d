package tools

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Go returns the Go toolchain.
func Go() Tool {
	return Tool{
		Name: "go", Program: "go", VersionArgs: []string{"version"}, Why: "building and testing",
		Mend: "install Go 1.26 or later and put its bin folder into PATH",
	}
}

// Git returns git.
func Git() Tool {
	return Tool{
		Name: "git", Program: "git", VersionArgs: []string{"--version"}, Why: "`import git` and the demo",
		Debian: []string{"git"}, Mend: "install git",
	}
}

// C returns the C compiler that Go's race detector links with: the one that CC
// names, else gcc, on a Mac clang.
func C() Tool {
	program := "gcc"
	if runtime.GOOS == "darwin" {
		program = "clang"
	}
	if cc := strings.Fields(os.Getenv("CC")); len(cc) > 0 {
		program = cc[0]
	}
	return Tool{
		Name: "C compiler", Program: program, VersionArgs: []string{"--version"}, Why: "Go's race detector",
		Debian: []string{"gcc", "libc6-dev"}, Mend: "install a C compiler, or name one in CC", try: compile,
	}
}

// compile shows that the C compiler at path has the headers that cgo needs.
func compile(ctx context.Context, path string) error {
	dir, err := os.MkdirTemp("", "omega-cc-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	source := filepath.Join(dir, "probe.c")
	if err := os.WriteFile(source, []byte("#include <stdlib.h>\n#include <pthread.h>\nint main(void) { return 0; }\n"), 0o600); err != nil {
		return err
	}
	out, err := Command(ctx, dir, nil, path, "-o", filepath.Join(dir, "probe"), source).CombinedOutput()
	if err != nil {
		return fmt.Errorf("it does not compile: %w: %s", err, firstLine(string(out)))
	}
	return nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// qemuNames are qemu's names for Go's architectures.
var qemuNames = map[string]string{"amd64": "x86_64", "arm64": "aarch64", "s390x": "s390x"}

// Qemu returns the emulator that runs Linux programs of the Go architecture
// goarch: amd64, arm64 or s390x.
func Qemu(goarch string) Tool {
	program := "qemu-" + qemuNames[goarch] + "-static"
	return Tool{
		Name: program, Program: program, VersionArgs: []string{"--version"}, Why: "running the kernel as on " + goarch,
		Debian: []string{"qemu-user-static"}, Mend: "install qemu's user-mode emulation for Linux, statically linked",
	}
}

// Strace returns the tracer that ends a process, or fails it, at one call of the system.
func Strace() Tool {
	return Tool{
		Name: "strace", Program: "strace", VersionArgs: []string{"--version"}, Why: "faults of a member's system calls",
		Debian: []string{"strace"}, Mend: "install strace 6 or later, on Linux, and let it trace", try: trace,
	}
}

// trace shows that the tracer at path may trace, and fails a call when told to.
func trace(ctx context.Context, path string) error {
	out, err := Command(ctx, "", nil, path, "-f", "-qq", "-o", os.DevNull, "-e", "inject=fsync:error=EIO:when=1", path, "--version").CombinedOutput()
	if err != nil {
		return fmt.Errorf("it does not trace: %w: %s", err, firstLine(string(out)))
	}
	return nil
}
