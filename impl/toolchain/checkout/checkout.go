// Package checkout finds the checkout of this repository that a folder lies in,
// lists its files, and hashes them.
package checkout

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/omega-sheaf-os/omega/impl/toolchain/files"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// Module is the path of this repository's module.
const Module = "github.com/omega-sheaf-os/omega"

// ErrNoCheckout says that a folder is not in a checkout of this repository.
var ErrNoCheckout = errors.New("not a checkout of " + Module)

// FindRoot returns the root of the checkout that holds the folder dir: the
// nearest folder upwards whose go.mod is that of Module. Error: ErrNoCheckout.
func FindRoot(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if resolved, err := filepath.EvalSymlinks(start); err == nil {
		start = resolved
	}
	for root := start; ; root = filepath.Dir(root) {
		mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
		if err == nil && modfile.ModulePath(mod) == Module {
			return root, nil
		}
		if root == filepath.Dir(root) {
			return "", fmt.Errorf("%w: neither %s nor a folder above it has its go.mod; clone the repository and run it there",
				ErrNoCheckout, start)
		}
	}
}

// Commit returns what git calls the state of the checkout root, with "-dirty" behind
// it where files differ from it; nothing where git does not know the checkout.
func Commit(ctx context.Context, root string) (string, error) {
	out, err := tools.Command(ctx, root, nil, "git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty").Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) || errors.Is(err, exec.ErrNotFound) {
		return "", ctx.Err()
	}
	return strings.TrimSpace(string(out)), err
}

// Files returns the files of the checkout root that are not ignored by git,
// relative to root and sorted; where git does not know the checkout, all files.
func Files(ctx context.Context, root string) ([]string, error) {
	out, err := tools.Command(ctx, root, nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	files := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if err != nil || !slices.Contains(files, "go.mod") {
		if files, err = walkFiles(root); err != nil {
			return nil, err
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

func walkFiles(root string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		rel, err := filepath.Rel(root, path)
		files = append(files, filepath.ToSlash(rel))
		return err
	})
	return files, err
}

// Hash returns a hash of parts and of the files' names, modes and content.
// A file that is gone counts as gone.
func Hash(root string, files, parts []string) (string, error) {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%q\n", p)
	}
	for _, path := range files {
		line, err := describeFile(filepath.Join(root, path))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %s\n", path, line)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func describeFile(path string) (string, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "gone", nil
	case err != nil:
		return "", err
	case info.Mode()&fs.ModeSymlink != 0:
		to, err := os.Readlink(path)
		return fmt.Sprintf("link %q", to), err
	case !info.Mode().IsRegular():
		return info.Mode().String(), nil
	}
	sum, err := files.Hash(path)
	return fmt.Sprintf("%v %s", info.Mode()&0o111 != 0, sum), err
}
