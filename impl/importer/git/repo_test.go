package git

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
)

// testRepo is a repository that a test builds.
type testRepo struct {
	t   require.TestingT
	dir string
}

// newRepo makes a bare repository in a new folder. format is sha1 or sha256.
func newRepo(t testing.TB, format string) *testRepo {
	r := &testRepo{t: t, dir: filepath.Join(t.TempDir(), "repo.git")}
	r.runIn(filepath.Dir(r.dir), "", "init", "--quiet", "--bare", "--initial-branch=main", "--template=", "--object-format="+format, r.dir)
	return r
}

// git runs a git command in the repository and returns what it writes.
func (r *testRepo) git(args ...string) string { return r.runIn(r.dir, "", args...) }

// gitWith is git with a standard input.
func (r *testRepo) gitWith(stdin string, args ...string) string {
	return r.runIn(r.dir, stdin, args...)
}

func (r *testRepo) runIn(dir, stdin string, args ...string) string {
	c := exec.Command("git", args...)
	c.Dir = dir
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@x", "GIT_AUTHOR_DATE=1700000000 +0000",
		"GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@x", "GIT_COMMITTER_DATE=1700003600 +0000"}
	c.Stdin = strings.NewReader(stdin)
	out, err := c.CombinedOutput()
	require.NoError(r.t, err, "git %v: %s", args, out)
	return strings.TrimSuffix(string(out), "\n")
}

const (
	sampleAuthor    = "author Ada <ada@example.org> 1700000000 -0200"
	sampleCommitter = "committer Bob <bob@example.org> 1700003600 +0000"
)

// store writes an object of the given lines after the tree, whatever they are,
// as a commit and returns its hash.
func (r *testRepo) store(lines ...string) string {
	tree := r.gitWith("", "mktree")
	content := "tree " + tree + "\n" + strings.Join(lines, "\n")
	return r.gitWith(content, "hash-object", "-w", "-t", "commit", "--literally", "--stdin")
}

// commit stores an ordinary commit of an author, whose message sets it apart.
func (r *testRepo) commit(author, message string, parents ...string) string {
	var lines []string
	for _, p := range parents {
		lines = append(lines, "parent "+p)
	}
	return r.store(append(lines, "author "+author+" 1700000000 +0000", sampleCommitter, "", message, "")...)
}

// head makes HEAD's branch point to a commit.
func (r *testRepo) head(commit string) { r.git("update-ref", "refs/heads/main", commit) }

// load imports the repository and reads back what was written.
func (r *testRepo) load(t testing.TB, all bool) *imported {
	out := filepath.Join(t.TempDir(), "out")
	s, err := Import(context.Background(), Options{Repo: r.dir, Output: out, All: all})
	require.NoError(t, err)
	return readBack(t, out, s)
}

// imported is an imported folder, read with the plainest of means.
type imported struct {
	dir      string
	summary  Summary
	names    []importer.Name
	sections map[uint32][]event.Event // by the header's node, in file order
	byCommit map[string]event.Event   // by the hash that the payload names
}

func readBack(t require.TestingT, dir string, s Summary) *imported {
	names, err := importer.ReadNames(dir)
	require.NoError(t, err)
	in := &imported{dir: dir, summary: s, names: names,
		sections: make(map[uint32][]event.Event), byCommit: make(map[string]event.Event)}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, len(names)+1)
	for _, n := range names {
		file, err := os.ReadFile(filepath.Join(dir, n.File))
		require.NoError(t, err)
		h, err := frame.ParseHeader(file)
		require.NoError(t, err)
		require.Equal(t, n.Node, h.Node)
		for at := int64(frame.HeaderSize); at < int64(len(file)); {
			var v event.View
			v, at, err = frame.Next(file, at)
			require.NoError(t, err)
			e := v.Event()
			in.sections[h.Node] = append(in.sections[h.Node], e)
			commit := strings.TrimPrefix(strings.Split(string(e.Payload), "\n")[0], "commit ")
			require.NotContains(t, in.byCommit, commit)
			in.byCommit[commit] = e
		}
		require.Len(t, in.sections[n.Node], int(n.Events))
	}
	return in
}

// bytes returns the whole folder as text, for comparing.
func (in *imported) bytes(t require.TestingT) string {
	var b strings.Builder
	entries, err := os.ReadDir(in.dir)
	require.NoError(t, err)
	for _, e := range entries {
		file, err := os.ReadFile(filepath.Join(in.dir, e.Name()))
		require.NoError(t, err)
		fmt.Fprintf(&b, "%s\n%q\n", e.Name(), file)
	}
	return b.String()
}
