package download

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// maxUnpacked bounds the bytes of an archive: what is pinned is far below.
const maxUnpacked = 4 << 30

// Untar unpacks a gzipped tar archive into dir. Folders and regular files are
// made, with the names that rename gives them; those named "" are left out. Other
// kinds of entries, and names that lead out of dir, are errors.
func Untar(ctx context.Context, archive io.Reader, dir string, rename func(name string) string) error {
	unzipped, err := gzip.NewReader(archive)
	if err != nil {
		return err
	}
	left := int64(maxUnpacked)
	for r := tar.NewReader(unzipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		name := rename(path.Clean(h.Name))
		if name == "" || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if !filepath.IsLocal(name) {
			return fmt.Errorf("the archive's name %q leads out of its folder", h.Name)
		}
		if left -= h.Size; left < 0 {
			return fmt.Errorf("the archive holds more than %d bytes", int64(maxUnpacked))
		}
		if err := untarOne(r, h, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return err
		}
	}
}

func untarOne(r io.Reader, h *tar.Header, target string) error {
	switch h.Typeflag {
	case tar.TypeDir:
		return os.MkdirAll(target, 0o700)
	case tar.TypeReg:
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		mode := os.FileMode(0o600)
		if h.Mode&0o100 != 0 {
			mode = 0o700
		}
		f, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, r)
		return errors.Join(err, f.Close())
	}
	return fmt.Errorf("the archive's %q is neither file nor folder", h.Name)
}

// Beneath returns a renaming for Untar that keeps what lies beneath the folder
// prefix, without it.
func Beneath(prefix string) func(string) string {
	return func(name string) string {
		rest, ok := strings.CutPrefix(name, prefix+"/")
		if !ok {
			return ""
		}
		return rest
	}
}
