package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

// plainCommit is a commit as git tells of it.
type plainCommit struct {
	hash, content, email string
	parents              []string
	lamport              uint64
	node                 uint32
}

// plainHistory asks git for the commits that the revisions reach and works out
// by recursion what the importer must say of each.
func plainHistory(r *testRepo, revisions string) map[string]*plainCommit {
	commits := make(map[string]*plainCommit)
	for line := range strings.SplitSeq(r.git("log", revisions, "--format=%H|%P|%aE"), "\n") {
		f := strings.Split(line, "|")
		c := &plainCommit{hash: f[0], email: strings.ToLower(f[2]), parents: strings.Fields(f[1])}
		commits[c.hash] = c
	}
	// Each message ends with one line feed, and none holds what parts the objects here.
	raw := r.gitWith(strings.Join(slices.Collect(maps.Keys(commits)), "\n"), "cat-file", "--batch=%%%(objectname)")
	for object := range strings.SplitSeq(raw, "%") {
		if hash, content, found := strings.Cut(object, "\n"); found {
			commits[hash].content = strings.TrimRight(content, "\n") + "\n"
		}
	}
	var longest func(c *plainCommit) uint64
	longest = func(c *plainCommit) uint64 {
		if c.lamport == 0 {
			for _, p := range c.parents {
				c.lamport = max(c.lamport, longest(commits[p]))
			}
			c.lamport++
		}
		return c.lamport
	}
	var order []*plainCommit
	for _, c := range commits {
		longest(c)
		order = append(order, c)
	}
	slices.SortFunc(order, func(a, b *plainCommit) int {
		return strings.Compare(fmt.Sprintf("%020d %s", a.lamport, a.hash), fmt.Sprintf("%020d %s", b.lamport, b.hash))
	})
	nodes := make(map[string]uint32)
	for _, c := range order {
		if nodes[c.email] == 0 {
			nodes[c.email] = uint32(len(nodes) + 1)
		}
		c.node = nodes[c.email]
	}
	return commits
}

func (c *plainCommit) key() key.Key {
	k, err := key.Parse(fmt.Sprintf("%016x%08x0000%s", c.lamport, c.node, c.hash[:28]))
	if err != nil {
		panic(err)
	}
	return k
}

var (
	plainHeader = regexp.MustCompile(`^tree (\S+)\n((?:parent \S+\n)*)author (.*)\ncommitter (.*)\n`)
	plainDate   = regexp.MustCompile(`^(?:.*>|[^>]*?) ((\d{1,18}) [+-]\d{1,8})$`)
)

// event works out the whole event, from the text of the object.
func (c *plainCommit) event(commits map[string]*plainCommit) event.Event {
	m := plainHeader.FindStringSubmatch(c.content)
	author, committer := plainDate.FindStringSubmatch(m[3]), plainDate.FindStringSubmatch(m[4])
	var e event.Event
	e.Key = c.key()
	for _, p := range c.parents {
		e.Deps = append(e.Deps, commits[p].key())
	}
	slices.SortFunc(e.Deps, func(a, b key.Key) int { return strings.Compare(a.String(), b.String()) })
	e.Deps = slices.Compact(e.Deps)
	e.Value = plainWaited(author[2], committer[2])
	e.Payload = fmt.Appendf(nil, "commit %s\ntree %s\n%sauthor %s\ncommitter %s\nobject %d %x\n",
		c.hash, m[1], m[2], author[1], committer[1], len(c.content), sha256.Sum256([]byte(c.content)))
	return e
}

// plainWaited is the value by exact fractions.
func plainWaited(authored, committed string) int32 {
	a, _ := new(big.Int).SetString(authored, 10)
	c, _ := new(big.Int).SetString(committed, 10)
	d := new(big.Rat).SetInt(new(big.Int).Sub(c, a))
	x := d.Mul(d, big.NewRat(1000, 3600))
	floor := new(big.Int).Div(x.Num(), x.Denom())
	rest := new(big.Rat).Sub(x, new(big.Rat).SetInt(floor))
	if half := rest.Cmp(big.NewRat(1, 2)); half > 0 || (half == 0 && floor.Bit(0) == 1) {
		floor.Add(floor, big.NewInt(1))
	}
	switch {
	case floor.Cmp(big.NewInt(1<<31-1)) > 0:
		return 1<<31 - 1
	case floor.Cmp(big.NewInt(-1<<31)) < 0:
		return -1 << 31
	}
	return int32(floor.Int64())
}

// drawHistory fills a repository with commits: several roots, merges of up to
// five, authors in several spellings, and now and then a mailmap.
func drawHistory(t *rapid.T, r *testRepo) {
	people := []string{"Ada <ada@x>", "ADA L. <Ada@X>", "Ada <ada@home>", "Bob <bob@x>", "<nameless@x>", "B\xc3\xb6b <b\xff@y>", "Ada <bob@x>"}
	mailmaps := []string{"", "Ada Lovelace <ada@x> <ada@HOME>\n", "<bob@x> <nameless@x>\n# none\nRob <rob@x> ada <bob@x>\n", "Only Name <ADA@x>\n<\n"}
	var b strings.Builder
	mailmap := rapid.SampledFrom(mailmaps).Draw(t, "mailmap")
	fmt.Fprintf(&b, "blob\nmark :1000\ndata %d\n%s\n", len(mailmap), mailmap)
	n := rapid.IntRange(1, 14).Draw(t, "commits")
	for i := 1; i <= n; i++ {
		person := rapid.SampledFrom(people).Draw(t, "author")
		authored := rapid.Int64Range(0, 1<<33).Draw(t, "authored")
		committed := authored + rapid.Int64Range(-1<<12, 1<<12).Draw(t, "waited")
		fmt.Fprintf(&b, "reset refs/heads/c%d\ncommit refs/heads/c%d\nmark :%d\nauthor %s %d +0130\ncommitter C <c@x> %d -0800\ndata <<.\n%d\n.\n",
			i, i, i, person, authored, max(committed, 0), i)
		var parents []int
		if i > 1 {
			parents = rapid.SliceOfNDistinct(rapid.IntRange(1, i-1), 0, min(i-1, 5), rapid.ID[int]).Draw(t, "parents")
		}
		for j, p := range parents {
			fmt.Fprintf(&b, "%s :%d\n", []string{"from", "merge"}[min(j, 1)], p)
		}
		b.WriteString("M 100644 :1000 .mailmap\n\n")
	}
	fmt.Fprintf(&b, "reset refs/heads/main\nfrom :%d\n\n", n)
	r.gitWith(b.String(), "fast-import", "--quiet", "--force")
}

func TestEachCommitIsTheEventThatAPlainReadingGives(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		temp, err := os.MkdirTemp(dir, "")
		require.NoError(t, err)
		r := &testRepo{t: t, dir: filepath.Join(temp, "repo")}
		format := rapid.SampledFrom([]string{"sha1", "sha1", "sha256"}).Draw(t, "format")
		r.runIn(temp, "", "init", "--quiet", "--bare", "--initial-branch=main", "--template=", "--object-format="+format, r.dir)
		drawHistory(t, r)
		all := rapid.Bool().Draw(t, "all")
		s, err := Import(context.Background(), Options{Repo: r.dir, Output: filepath.Join(temp, "out"), All: all})
		require.NoError(t, err)
		got := readBack(t, filepath.Join(temp, "out"), s)
		checkHistory(t, got, plainHistory(r, map[bool]string{false: "HEAD", true: "--all"}[all]))
	})
}

func checkHistory(t require.TestingT, got *imported, want map[string]*plainCommit) {
	nodes := make(map[uint32]bool)
	sum := Summary{Commits: len(want)}
	require.Len(t, got.byCommit, len(want))
	for hash, c := range want {
		e := c.event(want)
		require.Equal(t, e, got.byCommit[hash])
		nodes[c.node] = true
		sum.MaxLamport = max(sum.MaxLamport, c.lamport)
		sum.Roots += count(len(e.Deps) == 0)
		sum.Merges += count(len(e.Deps) >= 2)
		sum.Octopus += count(len(e.Deps) >= 3)
		for _, dep := range e.Deps {
			require.Less(t, dep.Lamport(), e.Key.Lamport())
		}
	}
	for node, events := range got.sections {
		for i, e := range events {
			require.Equal(t, node, e.Key.Node())
			require.True(t, i == 0 || events[i-1].Key.Compare(&e.Key) < 0, "section %d is not increasing", node)
		}
	}
	sum.Authors = len(nodes)
	for _, n := range got.names {
		info, err := os.Stat(filepath.Join(got.dir, n.File))
		require.NoError(t, err)
		sum.Bytes += info.Size()
	}
	require.Equal(t, sum, got.summary)
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestTheSameCommitsGiveTheSameBytesHoweverTheyAreStored(t *testing.T) {
	r := newRepo(t, "sha1")
	root, other := r.commit("Ada <ada@x>", "one"), r.commit("Bob <bob@x>", "two")
	left, right := r.commit("Bob <bob@x>", "left", root), r.commit("Ada <ada@x>", "right", root)
	r.head(r.commit("Cy <cy@x>", "octopus", left, right, other))
	once, twice := r.load(t, false), r.load(t, false)
	require.Equal(t, once.bytes(t), twice.bytes(t))
	require.Equal(t, Summary{Commits: 5, Authors: 3, Roots: 2, Merges: 1, Octopus: 1, MaxLamport: 3, Bytes: once.summary.Bytes}, once.summary)

	clone := &testRepo{t: t, dir: filepath.Join(t.TempDir(), "clone")}
	r.runIn(filepath.Dir(clone.dir), "", "clone", "--quiet", "--no-checkout", r.dir, clone.dir)
	clone.git("gc", "--quiet")
	clone.git("commit-graph", "write")
	require.NoError(t, os.Mkdir(filepath.Join(clone.dir, "sub"), 0o777))
	clone.dir = filepath.Join(clone.dir, "sub")
	require.Equal(t, once.bytes(t), clone.load(t, false).bytes(t))
}

func TestParentsNamedTwiceAreOneDep(t *testing.T) {
	r := newRepo(t, "sha1")
	root := r.commit("Ada <ada@x>", "root")
	tip := r.store("parent "+root, "parent "+root, sampleAuthor, sampleCommitter, "", "m", "")
	r.head(tip)
	in := r.load(t, false)
	e := in.byCommit[tip]
	require.Equal(t, []key.Key{in.byCommit[root].Key}, e.Deps)
	require.Equal(t, 2, strings.Count(string(e.Payload), "parent "+root+"\n"))
	require.Zero(t, in.summary.Merges)
}

func TestOddCommitsHaveThePayloadThatTheirBytesGive(t *testing.T) {
	cases := map[string]struct {
		author, committer    string
		more                 []string
		wantAuthor, wantComm string
		value                int32
	}{
		"ordinary":         {"A <a> 100 +0000", "C <c> 3700 -0130", nil, "100 +0000", "3700 -0130", 1000},
		"before":           {"A <a> 3700 +0000", "C <c> 100 +0000", nil, "3700 +0000", "100 +0000", -1000},
		"no date":          {"A <a>", "C <c> 3700 +0000", nil, "-", "3700 +0000", 0},
		"words for a date": {"A <a> Mon Apr 3", "C <c> 3700 +0000", nil, "-", "3700 +0000", 0},
		"negative date":    {"A <a> -5 +0000", "C <c> 3700 +0000", nil, "-", "3700 +0000", 0},
		"long zone":        {"A <a> 100 +051800", "C <c> 100 -7", nil, "100 +051800", "100 -7", 0},
		"zone without end": {"A <a> 100 +123456789", "C <c> 100 +", nil, "-", "-", 0},
		"no sign":          {"A <a> 100 0000", "C <c> 100 +00:0", nil, "-", "-", 0},
		"18 digits":        {"A <a> 0 +0000", "C <c> 999999999999999999 +0000", nil, "0 +0000", "999999999999999999 +0000", 1<<31 - 1},
		"18 digits before": {"A <a> 999999999999999999 +0000", "C <c> 0 +0000", nil, "999999999999999999 +0000", "0 +0000", -1 << 31},
		"19 digits":        {"A <a> 1000000000000000000 +0000", "C <c> 1 +0000", nil, "-", "1 +0000", 0},
		"two brackets":     {"A <a <b>> 1 +0000", "C <c>> 1 +0000", nil, "1 +0000", "1 +0000", 0},
		"latin-1":          {"J\xf6rg <j\xf6@x> 1 +0000", "C <c> 1 +0000", []string{"encoding ISO-8859-1"}, "1 +0000", "1 +0000", 0},
		"signed":           {"A <a> 1 +0000", "C <c> 1 +0000", []string{"gpgsig -----BEGIN", " x", " -----END"}, "1 +0000", "1 +0000", 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := newRepo(t, "sha1")
			lines := append([]string{"author " + c.author, "committer " + c.committer}, c.more...)
			tip := r.store(append(lines, "", "m\xff\x00n")...)
			r.head(tip)
			e := r.load(t, false).byCommit[tip]
			content := "tree " + r.gitWith("", "mktree") + "\n" + strings.Join(append(lines, "", "m\xff\x00n"), "\n")
			require.Equal(t, "commit "+tip+"\ntree "+r.gitWith("", "mktree")+"\nauthor "+c.wantAuthor+
				"\ncommitter "+c.wantComm+"\nobject "+strconv.Itoa(len(content))+" "+sum(content)+"\n", string(e.Payload))
			require.Equal(t, c.value, e.Value)
		})
	}
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// TestTheManualsPayloadIsARealOne makes the merge that the package's doc
// comment shows.
func TestTheManualsPayloadIsARealOne(t *testing.T) {
	r := newRepo(t, "sha1")
	one, two := r.commit("Ada <ada@example.org>", "one"), r.commit("Bob <bob@example.org>", "two")
	tip := r.store("parent "+one, "parent "+two, sampleAuthor, sampleCommitter, "", "Merge", "")
	r.head(tip)
	in := r.load(t, false)
	manual, err := os.ReadFile("git.go")
	require.NoError(t, err)
	var shown strings.Builder
	for _, m := range regexp.MustCompile(`(?m)^//\t((?:commit|tree|parent|author|committer|object) .*\n)`).FindAllSubmatch(manual, -1) {
		shown.Write(m[1])
	}
	require.Equal(t, string(in.byCommit[tip].Payload), shown.String())
	require.EqualValues(t, 1000, in.byCommit[tip].Value)
}

func TestProgressCountsEachCommitTwice(t *testing.T) {
	r := newRepo(t, "sha1")
	var b strings.Builder
	const n = 1500
	for i := range n {
		fmt.Fprintf(&b, "commit refs/heads/main\ncommitter P%d <p%d@x> %d +0000\ndata 0\n\n", i%40, i%40, i)
	}
	r.gitWith(b.String(), "fast-import", "--quiet")
	var done []int
	s, err := Import(context.Background(), Options{Repo: r.dir, Output: filepath.Join(t.TempDir(), "out"),
		Progress: func(d, total int) {
			require.Equal(t, 2*n, total)
			done = append(done, d)
		}})
	require.NoError(t, err)
	require.Equal(t, []int{1024, 2048, 2 * n}, done)
	require.Equal(t, Summary{Commits: n, Authors: 40, Roots: 1, MaxLamport: n, Bytes: s.Bytes}, s)
}
