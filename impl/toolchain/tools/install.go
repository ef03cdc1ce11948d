package tools

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// ErrNoInstaller says that a tool cannot be installed from here: this is no
// Debian, or not root's process, or Debian's packages will not do.
var ErrNoInstaller = errors.New("it cannot be installed from here")

// installing lets one installation run at a time: the package manager has one
// lock, and the second to come would fail on it.
var installing sync.Mutex

func installCommand(t Tool) []string {
	return append([]string{"apt-get", "install", "-y"}, t.Debian...)
}

// Install installs the tool by the package manager, whose output goes to log,
// and returns it as then found. Its error is ErrNoInstaller where that is no
// way, and a *MissingError where it was tried in vain. Root on Debian only.
func (t Tool) Install(ctx context.Context, log io.Writer) (Found, error) {
	return t.install(ctx, log, os.Geteuid() == 0)
}

func (t Tool) install(ctx context.Context, log io.Writer, root bool) (Found, error) {
	installing.Lock()
	defer installing.Unlock()
	if f := t.Find(ctx); f.Err == nil {
		return f, nil
	}
	if len(t.Debian) == 0 || !root {
		return Found{}, fmt.Errorf("%s: %w", t.Name, ErrNoInstaller)
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return Found{}, fmt.Errorf("%s: %w", t.Name, ErrNoInstaller)
	}
	install := installCommand(t)
	err := apt(ctx, log, install)
	if err != nil { // a new machine has no list of packages yet
		if err = apt(ctx, log, []string{"apt-get", "update"}); err == nil {
			err = apt(ctx, log, install)
		}
	}
	if err != nil {
		return Found{}, &MissingError{t, err}
	}
	f := t.Find(ctx)
	return f, f.Err
}

func apt(ctx context.Context, log io.Writer, command []string) error {
	fmt.Fprintln(log, strings.Join(command, " "))
	args := append([]string{"-q", "-o", "DPkg::Lock::Timeout=300"}, command[1:]...)
	cmd := Command(ctx, "", []string{"DEBIAN_FRONTEND=noninteractive"}, command[0], args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(command, " "), err)
	}
	return nil
}

// FindOrInstall finds the tool and, where it is missing or broken, tries to
// install it. The error is a *MissingError that says how to mend it.
func (t Tool) FindOrInstall(ctx context.Context, log io.Writer) (Found, error) {
	f := t.Find(ctx)
	if f.Err == nil {
		return f, nil
	}
	if t.get != nil {
		return t.installIntoCache(ctx, log)
	}
	installed, err := t.Install(ctx, log)
	if errors.Is(err, ErrNoInstaller) {
		return f, f.Err
	}
	if err != nil {
		return f, err
	}
	return installed, nil
}

// installIntoCache gets the tool into the user's cache, and finds it there.
func (t Tool) installIntoCache(ctx context.Context, log io.Writer) (Found, error) {
	if err := t.get(ctx, log); err != nil {
		if _, ok := errors.AsType[*MissingError](err); !ok || ctx.Err() != nil {
			err = &MissingError{t, err}
		}
		return Found{Tool: t}, err
	}
	f := t.Find(ctx)
	return f, f.Err
}
