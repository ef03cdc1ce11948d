package download

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const content = "the bytes of the package"

// sample is a package whose file is content; it counts its fetches.
func sample(fetches *atomic.Int32) Package {
	sum := sha256.Sum256([]byte(content))
	return Package{
		Name: "sample", Version: "1.2.3", Title: "Sample 1.2", SizeMB: 1,
		Hash: "sha256-" + hex.EncodeToString(sum[:]), Run: []string{"program"},
		Fetch: func(_ context.Context, dir string, _ io.Writer) (string, error) {
			fetches.Add(1)
			path := filepath.Join(dir, "sample.tgz")
			return path, os.WriteFile(path, []byte(content), 0o600)
		},
		Unpack: func(_ context.Context, file, dir string) error {
			b, err := os.ReadFile(file)
			return errors.Join(err, os.WriteFile(filepath.Join(dir, "program"), b, 0o700),
				os.Mkdir(filepath.Join(dir, "lib"), 0o700), os.WriteFile(filepath.Join(dir, "lib", "data"), b, 0o600))
		},
	}
}

// left returns the names in the store that are no lock.
func left(t *testing.T, s *Store) []string {
	t.Helper()
	list, err := os.ReadDir(s.Dir)
	require.NoError(t, err)
	var names []string
	for _, e := range list {
		if !strings.HasSuffix(e.Name(), ".lock") {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestAPackageIsInstalledOnceAndThenFound(t *testing.T) {
	var fetches atomic.Int32
	p := sample(&fetches)
	dir := filepath.Join(t.TempDir(), "omega", "tools")
	s := &Store{Dir: dir}
	_, err := s.Find(p)
	require.ErrorIs(t, err, ErrAbsent)
	var log bytes.Buffer
	folder, err := s.Install(t.Context(), p, &log)
	require.NoError(t, err)
	require.Contains(t, log.String(), "installing Sample 1.2 (1 MB) ...\n")
	require.Equal(t, []string{filepath.Base(folder)}, left(t, s), "nothing else is left")
	require.Regexp(t, `^sample-1\.2\.3-[0-9a-f]{8}$`, filepath.Base(folder))
	for range 2 { // by the same process, and by the next
		again, err := s.Install(t.Context(), p, &log)
		require.NoError(t, err)
		require.Equal(t, folder, again)
		s = &Store{Dir: dir}
	}
	require.EqualValues(t, 1, fetches.Load())
}

func TestWhatIsPinnedNamesTheFolder(t *testing.T) {
	var n atomic.Int32
	s := &Store{Dir: "/cache"}
	p := sample(&n)
	folders := map[string]bool{s.Folder(p): true}
	for _, change := range []func(*Package){
		func(p *Package) { p.Version = "1.2.4" }, func(p *Package) { p.Hash += "0" }, func(p *Package) { p.Recipe = "patched" },
	} {
		other := p
		change(&other)
		require.False(t, folders[s.Folder(other)])
		folders[s.Folder(other)] = true
	}
}

func TestADownloadThatIsNotThePinnedOneIsNotInstalled(t *testing.T) {
	var fetches atomic.Int32
	for _, pin := range []string{
		"sha256-" + strings.Repeat("0", 64),
		"sha512-" + base64.StdEncoding.EncodeToString(make([]byte, 64)),
	} {
		p := sample(&fetches)
		p.Hash = pin
		s := &Store{Dir: t.TempDir()}
		_, err := s.Install(t.Context(), p, io.Discard)
		bad, ok := errors.AsType[*HashError](err)
		require.True(t, ok, err)
		require.Equal(t, pin, bad.Want)
		require.NotEqual(t, pin, bad.Got)
		require.ErrorContains(t, err, "sample.tgz is not the pinned one")
		require.Empty(t, left(t, s))
		_, err = s.Find(p)
		require.ErrorIs(t, err, ErrAbsent)
	}
}

func TestBothKindsOfHashAreCompared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	sum := sha512.Sum512([]byte(content))
	require.NoError(t, checkHash(path, "sha512-"+base64.StdEncoding.EncodeToString(sum[:])))
	for _, pin := range []string{"md5-00", "sha256-xyz", "sha512-!", ""} {
		err := checkHash(path, pin)
		require.Error(t, err)
		_, mismatch := errors.AsType[*HashError](err)
		require.False(t, mismatch, pin)
	}
	require.ErrorIs(t, checkHash(path+".none", "sha256-00"), fs.ErrNotExist)
}

func TestAnInstallationThatFailsOrIsKilledLeavesNothingThatIsUsed(t *testing.T) {
	var fetches atomic.Int32
	good := sample(&fetches)
	s := &Store{Dir: t.TempDir()}
	offline := errors.New("no network")
	for name, breaks := range map[string]func(p *Package){
		"fetch": func(p *Package) {
			p.Fetch = func(context.Context, string, io.Writer) (string, error) { return "", offline }
		},
		"unpack": func(p *Package) {
			p.Unpack = func(_ context.Context, _, dir string) error {
				return errors.Join(os.WriteFile(filepath.Join(dir, "program"), []byte("half"), 0o700), offline)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := good
			breaks(&p)
			_, err := s.Install(t.Context(), p, io.Discard)
			require.ErrorIs(t, err, offline)
			require.Empty(t, left(t, s))
		})
	}
	// What a killed process leaves: its folder, and a lock that nobody holds.
	killed := s.Folder(good) + ".new-123"
	require.NoError(t, os.MkdirAll(filepath.Join(killed, "tree"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(killed, "tree", "program"), []byte("half"), 0o700))
	_, err := s.Find(good)
	require.ErrorIs(t, err, ErrAbsent)
	folder, err := s.Install(t.Context(), good, io.Discard)
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Base(folder)}, left(t, s))
}

func TestDamageIsFoundBeforeUseAndMended(t *testing.T) {
	var fetches atomic.Int32
	p := sample(&fetches)
	dir := t.TempDir()
	folder, err := (&Store{Dir: dir}).Install(t.Context(), p, io.Discard)
	require.NoError(t, err)
	flip := func(name string, keepTime bool) {
		path := filepath.Join(folder, name)
		info, err := os.Stat(path)
		require.NoError(t, err)
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		b[3] ^= 1
		require.NoError(t, os.WriteFile(path, b, info.Mode()))
		if keepTime {
			require.NoError(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
		}
	}
	for name, damage := range map[string]func(){
		"program":             func() { flip("program", false) },
		"program, time kept":  func() { flip("program", true) },
		"data":                func() { time.Sleep(10 * time.Millisecond); flip("lib/data", false) },
		"a file is cut short": func() { require.NoError(t, os.Truncate(filepath.Join(folder, "lib", "data"), 3)) },
		"a file is missing":   func() { require.NoError(t, os.Remove(filepath.Join(folder, "lib", "data"))) },
		"no manifest":         func() { require.NoError(t, os.Remove(filepath.Join(folder, manifestName))) },
		"a broken manifest":   func() { require.NoError(t, os.WriteFile(filepath.Join(folder, manifestName), []byte("{"), 0o600)) },
		"an empty manifest":   func() { require.NoError(t, os.WriteFile(filepath.Join(folder, manifestName), []byte("[]"), 0o600)) },
		"a file is a folder": func() {
			path := filepath.Join(folder, "lib", "data")
			require.NoError(t, errors.Join(os.Remove(path), os.Mkdir(path, 0o700)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := fetches.Load()
			damage()
			s := &Store{Dir: dir}
			_, err := s.Find(p)
			damaged, ok := errors.AsType[*DamagedError](err)
			require.True(t, ok, err)
			require.Contains(t, damaged.File, folder)
			require.NotEqual(t, damaged.Got, damaged.Want)
			var log bytes.Buffer
			_, err = s.Install(t.Context(), p, &log)
			require.NoError(t, err)
			require.Contains(t, log.String(), "Sample 1.2 is installed again: the installed "+damaged.File+" is damaged")
			require.Equal(t, before+1, fetches.Load())
			require.Equal(t, []string{filepath.Base(folder)}, left(t, s))
		})
	}
	// Another time alone is no damage: a copied cache is whole.
	old := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(folder, "lib", "data"), old, old))
	_, err = (&Store{Dir: dir}).Find(p)
	require.NoError(t, err)
}

func TestOfTwoInstallationsAtOnceOneWaitsAndUsesTheOther(t *testing.T) {
	var fetches atomic.Int32
	p := sample(&fetches)
	dir := t.TempDir()
	started, goOn := make(chan bool), make(chan bool)
	slow := p
	slow.Fetch = func(ctx context.Context, dir string, log io.Writer) (string, error) {
		close(started)
		<-goOn
		return p.Fetch(ctx, dir, log)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := (&Store{Dir: dir}).Install(t.Context(), slow, io.Discard)
		if err != nil {
			t.Error(err)
		}
	})
	<-started
	limited, cancel := context.WithCancel(t.Context())
	_, err := (&Store{Dir: dir}).Install(limited, p, writerFunc(func(b []byte) (int, error) {
		cancel() // whoever gives up waiting gets the reason
		return len(b), nil
	}))
	require.ErrorIs(t, err, context.Canceled)
	var log bytes.Buffer
	_, err = (&Store{Dir: dir}).Install(t.Context(), p, writerFunc(func(b []byte) (int, error) {
		close(goOn) // it waits: let the first finish
		return log.Write(b)
	}))
	require.NoError(t, err)
	wg.Wait()
	require.Equal(t, "Sample 1.2: waits for another installation\n", log.String())
	require.EqualValues(t, 1, fetches.Load())
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestACacheThatCannotBeWrittenIsNamed(t *testing.T) {
	var fetches atomic.Int32
	file := filepath.Join(t.TempDir(), "file") // as root no folder is read-only: a file stands in the way
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := (&Store{Dir: filepath.Join(file, "tools")}).Install(t.Context(), sample(&fetches), io.Discard)
	require.ErrorContains(t, err, "there is no cache folder to install into")
	require.ErrorContains(t, err, file)
	if os.Geteuid() != 0 {
		dir := t.TempDir()
		require.NoError(t, os.Chmod(dir, 0o500))
		_, err := (&Store{Dir: dir}).Install(t.Context(), sample(&fetches), io.Discard)
		require.ErrorIs(t, err, fs.ErrPermission)
	}
	require.Zero(t, fetches.Load())
}

// archive makes a gzipped tar archive of headers, each with its name as content.
func archive(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	w := tar.NewWriter(zipped)
	for _, h := range headers {
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(h.Name))
		}
		require.NoError(t, w.WriteHeader(&h))
		if h.Typeflag == tar.TypeReg {
			_, err := io.WriteString(w, h.Name)
			require.NoError(t, err)
		}
	}
	require.NoError(t, errors.Join(w.Close(), zipped.Close()))
	return b.Bytes()
}

func same(name string) string { return name }

func TestAnArchiveIsUnpackedWithoutItsFolder(t *testing.T) {
	dir := t.TempDir()
	b := archive(t,
		tar.Header{Name: "package/", Typeflag: tar.TypeDir, Mode: 0o755}, tar.Header{Name: "package/bin/run", Typeflag: tar.TypeReg, Mode: 0o755},
		tar.Header{Name: "./package/empty/", Typeflag: tar.TypeDir, Mode: 0o755}, tar.Header{Name: "package/a.txt", Typeflag: tar.TypeReg, Mode: 0o644},
		tar.Header{Name: "other/b.txt", Typeflag: tar.TypeReg, Mode: 0o644})
	require.NoError(t, Untar(t.Context(), bytes.NewReader(b), dir, Beneath("package")))
	var seen []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		info, infoErr := d.Info()
		name, relErr := filepath.Rel(dir, path)
		seen = append(seen, fmt.Sprintf("%s %v", name, info.Mode()))
		return errors.Join(err, infoErr, relErr)
	}))
	require.Equal(t, []string{"a.txt -rw-------", "bin drwx------", "bin/run -rwx------", "empty drwx------"}, seen[1:])
	got, err := os.ReadFile(filepath.Join(dir, "bin", "run"))
	require.NoError(t, err)
	require.Equal(t, "package/bin/run", string(got))
}

func TestAnArchiveThatIsBadOrLeadsOutIsRefused(t *testing.T) {
	good := archive(t, tar.Header{Name: "a", Typeflag: tar.TypeReg, Mode: 0o644})
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"out of the folder": {archive(t, tar.Header{Name: "../a", Typeflag: tar.TypeReg}), "leads out of its folder"},
		"absolute":          {archive(t, tar.Header{Name: "/etc/a", Typeflag: tar.TypeReg}), "leads out of its folder"},
		"a link":            {archive(t, tar.Header{Name: "a", Linkname: "/etc", Typeflag: tar.TypeSymlink}), "neither file nor folder"},
		"twice":             {archive(t, tar.Header{Name: "a", Typeflag: tar.TypeReg}, tar.Header{Name: "a", Typeflag: tar.TypeReg}), "file exists"},
		"cut short":         {good[:len(good)-20], "EOF"},
		"no archive":        {[]byte("hello, this is no archive"), "invalid header"},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, Untar(t.Context(), bytes.NewReader(c.b), t.TempDir(), same), c.want)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, Untar(ctx, bytes.NewReader(good), t.TempDir(), same), context.Canceled)
}

// Whatever an archive holds, nothing is written outside its folder.
func FuzzUntarStaysInItsFolder(f *testing.F) {
	f.Add("a/b", byte(tar.TypeReg))
	f.Add("../out", byte(tar.TypeReg))
	f.Add("a/../../out", byte(tar.TypeDir))
	f.Add("/out", byte(tar.TypeReg))
	f.Fuzz(func(t *testing.T, name string, kind byte) {
		outer := t.TempDir()
		dir := filepath.Join(outer, "in")
		require.NoError(t, os.Mkdir(dir, 0o700))
		var b bytes.Buffer
		zipped := gzip.NewWriter(&b)
		w := tar.NewWriter(zipped)
		if w.WriteHeader(&tar.Header{Name: name, Typeflag: kind, Mode: 0o644}) != nil || w.Close() != nil {
			return // no archive can hold it
		}
		require.NoError(t, zipped.Close())
		_ = Untar(t.Context(), &b, dir, same) // its refusals are another test's
		list, err := os.ReadDir(outer)
		require.NoError(t, err)
		require.Len(t, list, 1)
	})
}
