// Package tools finds the programs that OMEGA is built and verified with, and
// installs them where a Debian package manager, npm or Maven can.
//
// A Tool is looked up in PATH, asked for its version and, where being there is
// not enough, tried out: a C compiler without its headers is not one. What
// Tool.Find returns is plain data: where it is, which version, and else what is
// wrong and the command that mends it.
//
// Lean, the Node that runs it and TLC are installed, pinned by their hashes, into
// the folder omega/tools of the user's cache (package download). A user's own come
// first: a Lean of the pinned version in PATH, by elan or not, and what the
// environment names:
//
//	OMEGA_LEAN       a native Lean, of the pinned version
//	OMEGA_TLA2TOOLS  a jar with TLC; its hash is told, and not compared
//	OMEGA_CHROMIUM   a Chromium
//
// OpenLean and OpenTLC give what starts the two, wherever they are from.
package tools

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
)

// Tool is a program that something here needs.
type Tool struct {
	Name        string   // as people call it
	Program     string   // what is looked up in PATH
	VersionArgs []string // what makes it print its version
	Why         string   // what needs it
	Debian      []string // the packages that bring it; nil where Debian's will not do
	Mend        string   // what to do where Debian's packages are no way

	// try shows that the program at path works; nil where its version does.
	try func(ctx context.Context, path string) error
	// find finds what is not simply in PATH: its path, version, source and the
	// cause for which it does not work; nil where PATH is the place.
	find func(ctx context.Context) Found
	// get installs into the cache what Debian's packages do not bring; nil where
	// there is no such way.
	get func(ctx context.Context, log io.Writer) error
}

// Found is a tool as it was found, or was not.
type Found struct {
	Tool    Tool
	Path    string // empty where it is missing
	Source  string // SourcePath, SourceCache or the environment variable that names it
	Version string // as it prints it, without words
	Err     error  // nil where it works, else a *MissingError
}

// Where a tool is from, if no environment variable names it.
const (
	SourcePath  = "PATH"
	SourceCache = "cache"
)

// MissingError says that a tool is missing or does not work, and how to mend it.
type MissingError struct {
	Tool  Tool
	Cause error
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s is needed for %s: %v; %s", e.Tool.Name, e.Tool.Why, e.Cause, e.Tool.Remedy())
}

func (e *MissingError) Unwrap() error { return e.Cause }

// Remedy returns what a person can do to get the tool.
func (t Tool) Remedy() string {
	if t.get != nil {
		remedy := "`" + mendCommand + "` installs it"
		if t.Mend != "" {
			remedy += "; else: " + t.Mend
		}
		return remedy
	}
	if len(t.Debian) == 0 {
		return t.Mend
	}
	remedy := "on Debian: " + strings.Join(installCommand(t), " ")
	if t.Mend != "" {
		remedy += "; elsewhere: " + t.Mend
	}
	return remedy
}

// mendCommand installs what is missing, and installs again what is damaged.
const mendCommand = "omega-check doctor --root . --install"

// Find looks for the tool where it belongs and tries it out.
func (t Tool) Find(ctx context.Context) Found {
	if t.find != nil {
		f := t.find(ctx)
		f.Tool = t
		if f.Err != nil {
			f.Err = &MissingError{t, f.Err}
		}
		return f
	}
	f := Found{Tool: t, Source: SourcePath}
	path, err := exec.LookPath(t.Program)
	if err != nil {
		return Found{Tool: t, Err: &MissingError{t, fmt.Errorf("there is no %s in PATH", t.Program)}}
	}
	f.Path = path
	out, err := Command(ctx, "", nil, path, t.VersionArgs...).CombinedOutput()
	f.Version = version(string(out))
	if err == nil && f.Version == "" {
		err = errors.New("it tells no version")
	}
	if err == nil && t.try != nil {
		err = t.try(ctx, path)
	}
	if err != nil {
		f.Err = &MissingError{t, fmt.Errorf("%s does not work: %w", path, err)}
	}
	return f
}

var versionPattern = regexp.MustCompile(`\d+(\.\d+)+`)

// version returns the first version number in what a program prints of itself.
func version(output string) string { return versionPattern.FindString(output) }
