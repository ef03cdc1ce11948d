package checkout_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout/checkouttest"
)

const sample = `
-- .gitignore --
*.log
-- a.txt --
first
-- deep/er/b.txt --
second
-- noise.log --
ignored by git
`

func TestRootIsFoundFromAnyFolderBelow(t *testing.T) {
	root := checkouttest.New(t, sample)
	for _, dir := range []string{".", "deep", "deep/er"} {
		got, err := checkout.FindRoot(filepath.Join(root, dir))
		require.NoError(t, err)
		require.Equal(t, root, got)
	}
}

func TestAFolderElsewhereIsNoCheckout(t *testing.T) {
	dir := t.TempDir()
	_, err := checkout.FindRoot(dir)
	require.ErrorIs(t, err, checkout.ErrNoCheckout)
	require.ErrorContains(t, err, dir)

	// Nor is that of another module.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.org/other\n"), 0o600))
	_, err = checkout.FindRoot(dir)
	require.ErrorIs(t, err, checkout.ErrNoCheckout)
}

func TestFilesAreThoseThatGitDoesNotIgnore(t *testing.T) {
	root := checkouttest.New(t, sample)
	all := []string{".gitignore", "a.txt", "deep/er/b.txt", "go.mod", "noise.log"}
	got, err := checkout.Files(t.Context(), root)
	require.NoError(t, err)
	require.Equal(t, all, got, "git does not know the folder yet")

	git(t, root, "init", "-q")
	git(t, root, "add", "a.txt") // tracked or not makes no difference
	got, err = checkout.Files(t.Context(), root)
	require.NoError(t, err)
	require.Equal(t, []string{".gitignore", "a.txt", "deep/er/b.txt", "go.mod"}, got)
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func TestHashSeesEveryChange(t *testing.T) {
	changes := map[string]func(t *testing.T, root string){
		"content":  func(t *testing.T, root string) { checkouttest.Write(t, root, "a.txt", "frist\n") },
		"mode":     func(t *testing.T, root string) { require.NoError(t, os.Chmod(filepath.Join(root, "a.txt"), 0o700)) },
		"deletion": func(t *testing.T, root string) { require.NoError(t, os.Remove(filepath.Join(root, "a.txt"))) },
		"a link": func(t *testing.T, root string) {
			require.NoError(t, os.Remove(filepath.Join(root, "a.txt")))
			require.NoError(t, os.Symlink("deep/er/b.txt", filepath.Join(root, "a.txt")))
		},
		"a folder": func(t *testing.T, root string) {
			require.NoError(t, os.Remove(filepath.Join(root, "a.txt")))
			require.NoError(t, os.Mkdir(filepath.Join(root, "a.txt"), 0o700))
		},
	}
	seen := map[string]string{}
	hash := func(t *testing.T, root string, parts ...string) string {
		h, err := checkout.Hash(root, []string{"a.txt", "deep/er/b.txt"}, parts)
		require.NoError(t, err)
		return h
	}
	before := hash(t, checkouttest.New(t, sample))
	seen[before] = "nothing"
	require.Equal(t, before, hash(t, checkouttest.New(t, sample)), "the folder's own name is no part")
	for name, change := range changes {
		root := checkouttest.New(t, sample)
		change(t, root)
		h := hash(t, root)
		require.NotContains(t, seen, h, name)
		seen[h] = name
	}
	root := checkouttest.New(t, sample)
	require.NotEqual(t, hash(t, root, "ab", "c"), hash(t, root, "a", "bc"))
	fewer, err := checkout.Hash(root, []string{"a.txt"}, nil)
	require.NoError(t, err)
	require.NotEqual(t, before, fewer)
}
