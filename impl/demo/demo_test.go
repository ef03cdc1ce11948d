package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/audit"
	"github.com/omega-sheaf-os/omega/impl/importer/git"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
	"github.com/omega-sheaf-os/omega/impl/omegalog/omegalogtest"
)

// repository is a git repository that a test makes.
type repository struct {
	t    *testing.T
	dir  string
	time int
}

func newRepository(t *testing.T) *repository {
	r := &repository{t: t, dir: t.TempDir(), time: 1_700_000_000}
	r.git("", "init", "-q", "-b", "main")
	return r
}

// git runs git as the author given.
func (r *repository) git(author string, args ...string) {
	r.t.Helper()
	r.time += 60
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	date := fmt.Sprintf("%d +0000", r.time)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME="+author, "GIT_AUTHOR_EMAIL="+author+"@example.org", "GIT_AUTHOR_DATE="+date,
		"GIT_COMMITTER_NAME="+author, "GIT_COMMITTER_EMAIL="+author+"@example.org", "GIT_COMMITTER_DATE="+date)
	out, err := cmd.CombinedOutput()
	require.NoErrorf(r.t, err, "git %v: %s", args, out)
}

func (r *repository) commits(author string, n int) {
	for range n {
		r.git(author, "commit", "-q", "--allow-empty", "-m", "work by "+author)
	}
}

// mergedHistory has n rounds of two authors and their merges: 1 + 4n commits.
func mergedHistory(t *testing.T, n int) *repository {
	r := newRepository(t)
	r.commits("ada", 1)
	for i := range n {
		side := "side-" + strconv.Itoa(i)
		r.git("", "checkout", "-q", "-b", side)
		r.commits("bob", 2)
		r.git("", "checkout", "-q", "main")
		r.commits("ada", 1)
		r.git("ada", "merge", "-q", "--no-ff", "-m", "merge", side)
	}
	return r
}

// run runs a demo whose temporary folders are below a fresh one, and returns what
// it says, too.
func run(t *testing.T, o Options) (*Report, string) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	var out bytes.Buffer
	o.Out, o.Program = &out, "omega-check"
	report, err := Run(context.Background(), o)
	require.NoError(t, err)
	requireTrue(t, report, out.String())
	return report, out.String()
}

// requireTrue checks what a report says against the folder that the demo leaves.
func requireTrue(t *testing.T, r *Report, text string) {
	t.Helper()
	require.True(t, r.OK)
	require.Len(t, r.Roots, r.Batches)
	require.EqualValues(t, r.Batches+1, r.Certificates)
	genesis, err := cert.ParseHash(r.Genesis)
	require.NoError(t, err)
	head, err := cert.ParseHash(r.Head)
	require.NoError(t, err)
	again, err := audit.Folder(filepath.Join(r.Folder, "data"), audit.Options{Genesis: &genesis, Head: &head})
	require.NoError(t, err)
	require.True(t, again.OK, "%v", again.FirstError)
	require.Equal(t, r.Events, again.Events)
	require.Equal(t, r.State, again.Chain.State.String())
	require.Equal(t, verdict(again), r.Audit)
	require.True(t, r.Audit.Pinned)
	require.EqualValues(t, int(r.Certificates)*r.Members, r.Audit.Signatures)
	require.False(t, r.Tampered.OK)
	require.NotEmpty(t, r.Tampered.FirstError)
	requireRefusal(t, r.Obstruction.Forged, "forged.omega", "batches")
	requireRefusal(t, r.Obstruction.Rewritten, "rewritten.omega", "traces")
	require.NotEqual(t, r.Obstruction.Forged, r.Obstruction.Rewritten)
	original, forged := r.Obstruction.Forged.Frames[0], filepath.Join(r.Folder, "forged.omega")
	require.Equal(t, fileSize(t, original[:strings.LastIndex(original, ":")]), fileSize(t, forged), "a copy of the whole section")
	for _, want := range []string{r.Genesis, r.Head, r.Folder, r.Obstruction.Forged.Key, "the chain holds", "equivocation", "unsigned", "certified"} {
		require.Contains(t, text, want)
	}
	require.Equal(t, 2, strings.Count(text, "the head is still"))
}

func fileSize(t *testing.T, path string) int64 {
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Size()
}

// requireRefusal checks that the frames of an equivocation hold its key in two
// versions that differ in the value alone, in the files named.
func requireRefusal(t *testing.T, r *Refusal, files ...string) {
	t.Helper()
	require.Equal(t, "equivocation", r.Kind)
	require.Len(t, r.Frames, 2)
	var versions []event.Event
	for i, at := range r.Frames {
		colon := strings.LastIndex(at, ":")
		path := at[:colon]
		offset, err := strconv.ParseInt(at[colon+1:], 10, 64)
		require.NoError(t, err)
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		e, _, err := frame.Next(content, offset)
		require.NoError(t, err)
		require.Equal(t, r.Key, e.Key().String())
		versions = append(versions, e.Event())
		require.True(t, strings.Contains(at, files[0]) || strings.Contains(at, files[1]), "frame %d: %s", i, at)
	}
	require.NotEqual(t, versions[0].Value, versions[1].Value)
	versions[0].Value = versions[1].Value
	require.Equal(t, versions[0], versions[1])
}

func TestARepositoryOfTwoAuthorsIsShown(t *testing.T) {
	r := mergedHistory(t, 6)
	report, text := run(t, Options{Repo: r.dir, Members: 4})
	require.Equal(t, "git "+r.dir, report.Source)
	require.EqualValues(t, 25, report.Events)
	require.Equal(t, batches, report.Batches)
	for _, want := range []string{"25 commits", "6 merges", "1 roots", "ada", "bob", "25 events by 2 nodes", "4 of 4 signatures"} {
		require.Contains(t, text, want)
	}
	for _, line := range []string{"audit --data ", "explain --input ", "ingest --input ", "reconcile --batch-id 9 "} {
		require.Contains(t, text, "omega-check "+line)
	}
}

func TestShortHistoriesAreShown(t *testing.T) {
	for commits, members := range map[int]int{1: 1, 2: 2, 3: 5, 7: 1} {
		r := newRepository(t)
		r.commits("ada", commits)
		report, _ := run(t, Options{Repo: r.dir, Members: members})
		require.EqualValues(t, commits, report.Events)
		require.Equal(t, min(commits, batches), report.Batches)
	}
}

func TestTwoRunsGiveTheSameRoots(t *testing.T) {
	r := mergedHistory(t, 2)
	one, _ := run(t, Options{Repo: r.dir, Members: 2})
	other, _ := run(t, Options{Repo: r.dir, Members: 3})
	require.Equal(t, one.Roots, other.Roots)
	require.Equal(t, one.State, other.State)
	require.NotEqual(t, one.Genesis, other.Genesis)
}

func TestWhereWeStandIsTakenFirstAndTheBundledHistoryElse(t *testing.T) {
	r := mergedHistory(t, 3)
	t.Chdir(r.dir)
	report, _ := run(t, Options{Members: 1})
	require.Equal(t, "git", report.Source)
	require.EqualValues(t, 13, report.Events)

	shallow := filepath.Join(t.TempDir(), "shallow")
	r.git("", "clone", "-q", "--depth", "1", "file://"+r.dir, shallow)
	empty := newRepository(t)
	for dir, why := range map[string]error{shallow: git.ErrShallow, t.TempDir(): git.ErrNotRepository, empty.dir: git.ErrEmpty} {
		t.Chdir(dir)
		report, text := run(t, Options{Members: 1})
		require.Equal(t, "bundled", report.Source)
		require.EqualValues(t, 338, report.Events)
		require.Equal(t, batches, report.Batches)
		require.Contains(t, text, why.Error())
	}
}

func TestARepositoryThatIsRefusedLeavesNothingBehind(t *testing.T) {
	r := mergedHistory(t, 1)
	shallow := filepath.Join(t.TempDir(), "shallow")
	r.git("", "clone", "-q", "--depth", "1", "file://"+r.dir, shallow)
	done, cancel := context.WithCancel(context.Background())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		repo string
		want error
	}{
		"no repository": {context.Background(), t.TempDir(), git.ErrNotRepository},
		"a shallow one": {context.Background(), shallow, git.ErrShallow},
		"an empty one":  {context.Background(), newRepository(t).dir, git.ErrEmpty},
		"cancelled":     {done, r.dir, context.Canceled},
	} {
		temp := t.TempDir()
		t.Setenv("TMPDIR", temp)
		report, err := Run(c.ctx, Options{Repo: c.repo, Members: 2, Out: io.Discard})
		require.ErrorIs(t, err, c.want, name)
		require.Nil(t, report)
		left, err := os.ReadDir(temp)
		require.NoError(t, err)
		require.Empty(t, left, name)
	}
}

// cancelAt ends a context when a text is written.
type cancelAt struct {
	text   string
	cancel func()
}

func (c cancelAt) Write(b []byte) (int, error) {
	if strings.Contains(string(b), c.text) {
		c.cancel()
	}
	return len(b), nil
}

func TestAnInterruptionLeavesNothingBehind(t *testing.T) {
	r := mergedHistory(t, 3)
	for _, text := range []string{"1. A real", "2. ", "3. Batch", "height 3", "4. Somebody", "5. Somebody"} {
		temp := t.TempDir()
		t.Setenv("TMPDIR", temp)
		ctx, cancel := context.WithCancel(context.Background())
		_, err := Run(ctx, Options{Repo: r.dir, Members: 2, Out: cancelAt{text, cancel}})
		cancel()
		require.ErrorIs(t, err, context.Canceled, text)
		left, err := os.ReadDir(temp)
		require.NoError(t, err)
		require.Empty(t, left, text)
	}
}

// TestAnAlteredEventIsValidWhateverItsValue alters the extremes.
func TestAnAlteredEventIsValidWhateverItsValue(t *testing.T) {
	for _, value := range []int32{0, 1 << 10, -1, -1 << 31, 1<<31 - 1} {
		e := event.Event{Key: key.New(1, 1, 0, [14]byte{1}), Value: value, Payload: []byte("p")}
		b, err := e.Append(nil)
		require.NoError(t, err)
		v, err := event.Parse(altered(b, true))
		require.NoError(t, err)
		require.NotEqual(t, value, v.Value())
		require.Equal(t, b, altered(b, false))
	}
}

// TestACopyDiffersInItsFirstEventAlone alters a section of three events, and takes
// its first one alone.
func TestACopyDiffersInItsFirstEventAlone(t *testing.T) {
	dir := t.TempDir()
	from := omegalogtest.WriteSection(t, dir, "from.omega", 7, omegalogtest.Event(1, 7), omegalogtest.Event(2, 7), omegalogtest.Event(3, 7))
	for _, alone := range []bool{false, true} {
		to := filepath.Join(dir, fmt.Sprint(alone))
		require.NoError(t, alter(from, to, alone))
		view, err := omegalog.Open(to)
		require.NoError(t, err)
		defer view.Close()
		header, err := view.Header()
		require.NoError(t, err)
		require.EqualValues(t, 7, header.Node)
		var got []int32
		for f, err := range view.Events() {
			require.NoError(t, err)
			got = append(got, f.Event.Value())
		}
		require.Equal(t, []int32{100 ^ 1<<10, 200, 300}[:len(got)], got)
		require.Equal(t, alone, len(got) == 1)
	}
	require.Error(t, alter(filepath.Join(dir, "nowhere"), filepath.Join(dir, "to"), false))
	require.NoFileExists(t, filepath.Join(dir, "to"))
}
