// Package checkouttest makes small checkouts for tests of what works on one.
package checkouttest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
)

// New writes the files of the txtar archive into a new folder, together with a
// go.mod of this repository's module that needs no other, and returns it.
func New(t *testing.T, archive string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	Write(t, root, "go.mod", "module "+checkout.Module+"\n\ngo 1.26.0\n")
	for _, f := range txtar.Parse([]byte(archive)).Files {
		Write(t, root, f.Name, string(f.Data))
	}
	return root
}

// Write writes one file of the checkout root, and its folder.
func Write(t *testing.T, root, path, content string) {
	t.Helper()
	full := filepath.Join(root, path)
	require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o700))
	require.NoError(t, os.WriteFile(full, []byte(content), 0o600))
}
