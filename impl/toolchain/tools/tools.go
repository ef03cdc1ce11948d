// Package tools finds the programs that OMEGA is built and verified with, and
// installs them where a Debian package manager can.
//
// A Tool is looked up in PATH, asked for its version and, where being there is
// not enough, tried out: a C compiler without its headers is not one. What
// Tool.Find returns is plain data: where it is, which version, and else what is
// wrong and the command that mends it.
package tools

import (
	"context"
	"errors"
	"fmt"
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
}

// Found is a tool as it was found, or was not.
type Found struct {
	Tool    Tool
	Path    string // empty where it is missing
	Version string // as it prints it, without words
	Err     error  // nil where it works, else a *MissingError
}

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
	if len(t.Debian) == 0 {
		return t.Mend
	}
	remedy := "on Debian: " + strings.Join(installCommand(t), " ")
	if t.Mend != "" {
		remedy += "; elsewhere: " + t.Mend
	}
	return remedy
}

// Find looks for the tool in PATH and tries it out.
func (t Tool) Find(ctx context.Context) Found {
	f := Found{Tool: t}
	path, err := exec.LookPath(t.Program)
	if err != nil {
		f.Err = &MissingError{t, fmt.Errorf("there is no %s in PATH", t.Program)}
		return f
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
