package git

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/importer"
)

// objectFile returns where a loose object lies.
func (r *testRepo) objectFile(hash string) string {
	return filepath.Join(r.dir, "objects", hash[:2], hash[2:])
}

// chain makes a history of three commits and returns their hashes.
func (r *testRepo) chain() []string {
	one := r.commit("Ada <ada@x>", "one")
	two := r.commit("Bob <bob@x>", "two", one)
	three := r.commit("Ada <ada@x>", "three", two)
	r.head(three)
	return []string{one, two, three}
}

func TestWhatCannotBeImportedIsRefusedAndLeavesNothing(t *testing.T) {
	cases := []struct {
		name  string
		build func(t *testing.T, r *testRepo, o *Options)
		want  error
		says  string
	}{
		{"no such folder", func(t *testing.T, r *testRepo, o *Options) { o.Repo += "-gone" }, ErrNotRepository, "no such file"},
		{"a file", func(t *testing.T, r *testRepo, o *Options) { o.Repo = filepath.Join(o.Repo, "HEAD") }, ErrNotRepository, "is no folder"},
		{"a folder without a repository", func(t *testing.T, r *testRepo, o *Options) { o.Repo = t.TempDir() }, ErrNotRepository, "rev-parse"},
		{"another's repository", func(t *testing.T, r *testRepo, o *Options) {
			if os.Geteuid() != 0 {
				t.Skip("needs root, to give a folder away")
			}
			require.NoError(t, os.Chown(r.dir, 12345, 12345))
			t.Setenv("HOME", t.TempDir())
		}, ErrOwner, "git config --global --add safe.directory"},
		{"no commit", func(t *testing.T, r *testRepo, o *Options) {}, ErrEmpty, "HEAD names none"},
		{"no commit with All", func(t *testing.T, r *testRepo, o *Options) { o.All = true }, ErrEmpty, "no ref"},
		{"commits on other branches only", func(t *testing.T, r *testRepo, o *Options) {
			r.git("update-ref", "refs/heads/other", r.commit("A <a>", "m"))
		}, ErrEmpty, "HEAD names none"},
		{"shallow", func(t *testing.T, r *testRepo, o *Options) {
			r.chain()
			o.Repo = filepath.Join(t.TempDir(), "shallow")
			r.git("clone", "--quiet", "--depth=1", "file://"+r.dir, o.Repo)
		}, ErrShallow, "--unshallow"},
		{"a missing root", func(t *testing.T, r *testRepo, o *Options) {
			require.NoError(t, os.Remove(r.objectFile(r.chain()[0])))
		}, ErrMissing, "Could not read"},
		{"a missing tip", func(t *testing.T, r *testRepo, o *Options) {
			require.NoError(t, os.Remove(r.objectFile(r.chain()[2])))
		}, ErrMissing, "bad object"},
		{"a missing mailmap", func(t *testing.T, r *testRepo, o *Options) {
			require.NoError(t, os.Remove(r.objectFile(r.mailmapCommit("<a@x> <b@x>\n"))))
		}, ErrMissing, "cat-file"},
		{"a damaged object", func(t *testing.T, r *testRepo, o *Options) {
			overwrite(t, r.objectFile(r.chain()[1]), "damaged")
		}, ErrCorrupt, "is corrupt"},
		{"an object that is another", func(t *testing.T, r *testRepo, o *Options) {
			c := r.chain()
			other, err := os.ReadFile(r.objectFile(r.commit("Eve <eve@x>", "forged")))
			require.NoError(t, err)
			overwrite(t, r.objectFile(c[0]), string(other))
		}, ErrCorrupt, ""},
		{"a commit without an author", func(t *testing.T, r *testRepo, o *Options) {
			r.head(r.store(sampleCommitter, "", "m"))
		}, ErrCommit, `want a line "author", got "committer`},
		{"a commit without a committer", func(t *testing.T, r *testRepo, o *Options) {
			r.head(r.store(sampleAuthor, "", "m"))
		}, ErrCommit, `want a line "committer"`},
		{"an output with something in it", func(t *testing.T, r *testRepo, o *Options) {
			r.chain()
			require.NoError(t, os.Mkdir(o.Output, 0o777))
			overwrite(t, filepath.Join(o.Output, "mine"), "mine")
		}, importer.ErrOutput, "it holds mine"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRepo(t, "sha1")
			o := Options{Repo: r.dir, Output: filepath.Join(t.TempDir(), "out")}
			c.build(t, r, &o)
			before := listing(t, filepath.Dir(o.Output))
			s, err := Import(context.Background(), o)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.says)
			require.Zero(t, s)
			require.Equal(t, before, listing(t, filepath.Dir(o.Output)))
		})
	}
}

// mailmapCommit makes HEAD a commit with a mailmap and returns the mailmap's hash.
func (r *testRepo) mailmapCommit(mailmap string) string {
	r.gitWith("commit refs/heads/main\ncommitter A <a@x> 1 +0000\ndata 0\nM 100644 inline .mailmap\ndata <<.\n"+mailmap+".\n",
		"-c", "fastimport.unpackLimit=1000", "fast-import", "--quiet")
	return r.git("rev-parse", "HEAD:.mailmap")
}

func overwrite(t *testing.T, path, content string) {
	require.NoError(t, os.RemoveAll(path))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o666))
}

// listing names everything under a folder.
func listing(t *testing.T, dir string) (names []string) {
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		names = append(names, path)
		return err
	}))
	return names
}

func TestWithoutGitTheErrorSaysSo(t *testing.T) {
	r := newRepo(t, "sha1")
	r.chain()
	t.Setenv("PATH", t.TempDir())
	_, err := Import(context.Background(), Options{Repo: r.dir, Output: filepath.Join(t.TempDir(), "out")})
	require.ErrorIs(t, err, ErrNoGit)
}

func TestAnImportThatIsStoppedLeavesNothing(t *testing.T) {
	r := newRepo(t, "sha1")
	var b strings.Builder
	const n = 2500
	for i := range n {
		fmt.Fprintf(&b, "commit refs/heads/main\ncommitter P%d <p%d@x> %d +0000\ndata 0\n\n", i%9, i%9, i)
	}
	r.gitWith(b.String(), "fast-import", "--quiet")
	for _, at := range []int{0, 1, 2000, 4000} { // before, while reading, while writing
		ctx, cancel := context.WithCancel(context.Background())
		stop := func(done, _ int) {
			if done >= at {
				cancel()
			}
		}
		if at == 0 {
			cancel()
		}
		parent := t.TempDir()
		s, err := Import(ctx, Options{Repo: r.dir, Output: filepath.Join(parent, "out"), Progress: stop})
		require.ErrorIs(t, err, context.Canceled, "at %d", at)
		require.Zero(t, s)
		require.Equal(t, []string{parent}, listing(t, parent))
		cancel()
	}
}

func TestReplaceRefsGraftsAndTheEnvironmentChangeNothing(t *testing.T) {
	r := newRepo(t, "sha1")
	c := r.chain()
	want := r.load(t, false)
	require.Len(t, want.byCommit, 3)

	r.git("update-ref", "refs/replace/"+c[1], r.commit("Eve <eve@x>", "replaced"))
	require.NoError(t, os.Mkdir(filepath.Join(r.dir, "info"), 0o777))
	overwrite(t, filepath.Join(r.dir, "info", "grafts"), c[2]+"\n")
	r.git("config", "mailmap.file", filepath.Join(r.dir, "user.mailmap"))
	overwrite(t, filepath.Join(r.dir, "user.mailmap"), "Zoe <zoe@x> <ada@x>\n")
	r.git("config", "core.pager", "false")
	other := newRepo(t, "sha1")
	t.Setenv("GIT_DIR", other.dir)
	t.Setenv("GIT_OBJECT_DIRECTORY", filepath.Join(other.dir, "objects"))
	t.Setenv("LC_ALL", "de_DE.UTF-8")
	require.Equal(t, want.bytes(t), r.load(t, false).bytes(t))
	require.Equal(t, want.bytes(t), r.load(t, true).bytes(t))
}

func TestAllTakesEveryRefAndHeadWhatItReaches(t *testing.T) {
	r := newRepo(t, "sha1")
	c := r.chain()
	branch := r.commit("Cy <cy@x>", "branch", c[0])
	tagged := r.commit("Di <di@x>", "tagged")
	r.git("update-ref", "refs/heads/branch", branch)
	r.git("tag", "-a", "-m", "t", "v1", tagged)
	require.Len(t, r.load(t, false).byCommit, 3)
	require.Len(t, r.load(t, true).byCommit, 5)
	r.git("symbolic-ref", "HEAD", "refs/heads/unborn")
	require.Len(t, r.load(t, true).byCommit, 5)
}

func TestAPartialCloneHasTheSameHistory(t *testing.T) {
	r := newRepo(t, "sha1")
	r.mailmapCommit("Ada <ada@x> <a@x>\n")
	r.git("config", "uploadpack.allowFilter", "true")
	want := r.load(t, false)
	partial := &testRepo{t: t, dir: filepath.Join(t.TempDir(), "partial")}
	r.git("clone", "--quiet", "--filter=blob:none", "file://"+r.dir, partial.dir)
	require.Equal(t, want.bytes(t), partial.load(t, false).bytes(t))

	// A bare one lacks the mailmap, and nothing is fetched to get it.
	bare := filepath.Join(t.TempDir(), "bare")
	r.git("clone", "--quiet", "--bare", "--filter=blob:none", "file://"+r.dir, bare)
	_, err := Import(context.Background(), Options{Repo: bare, Output: filepath.Join(t.TempDir(), "out")})
	require.ErrorIs(t, err, ErrMissing)
}
