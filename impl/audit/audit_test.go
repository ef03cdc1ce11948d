package audit

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/omegalog/omegalogtest"
)

// newFolder makes a data folder of two members with a genesis, a merge of two
// events, an obstruction and a merge of two, and returns it and the cert_hashes.
func newFolder(t testing.TB) (string, []cert.Hash) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	_, err := node.Init(dir, node.DefaultSeats(2))
	require.NoError(t, err)
	first, second := omegalogtest.TwoBatches(t)
	forged := omegalogtest.Event(2, 2, omegalogtest.Key(1, 1))
	forged.Value++
	conflict := append(first[1:2:2], omegalogtest.WriteSection(t, t.TempDir(), "forged.omega", 2, forged))
	f, err := node.Open(dir, nil)
	require.NoError(t, err)
	defer f.Close()
	for i, files := range [][]string{first[:1], conflict, second} {
		_, err := f.Certify(context.Background(), node.Batch{Height: uint64(i + 1), Files: files, RecordObstruction: true})
		require.NoError(t, err)
	}
	var hashes []cert.Hash
	for _, c := range f.Certificates {
		hashes = append(hashes, c.Envelope.Hash())
	}
	require.Equal(t, cert.Obstruction, f.Certificates[2].Envelope.Type)
	require.Len(t, hashes, 4)
	return dir, hashes
}

func auditFolder(t testing.TB, dir string, opt Options) *Report {
	t.Helper()
	report, err := Folder(dir, opt)
	require.NoError(t, err)
	return report
}

func TestAWholeFolderHolds(t *testing.T) {
	dir, hashes := newFolder(t)
	var done, total int64
	report := auditFolder(t, dir, Options{Genesis: &hashes[0], Head: &hashes[3], Progress: func(d, n int64) { done, total = d, n }})
	require.Truef(t, report.OK, "%v", report.FirstError)
	require.True(t, report.Pinned)
	require.Equal(t, hashes[0], report.Genesis)
	require.Equal(t, hashes[3], report.Head)
	require.EqualValues(t, 4, report.Certificates)
	require.EqualValues(t, 4, report.Events)
	require.EqualValues(t, 2, report.Merges)
	require.EqualValues(t, 1, report.Obstructions)
	require.EqualValues(t, 2, report.Quarantined)
	require.EqualValues(t, 8, report.Signatures)
	require.Empty(t, report.Notes)
	require.InDelta(t, total, done, certlog.HeaderSize)

	log, err := Log(certlog.Path(dir), Options{})
	require.NoError(t, err)
	require.True(t, log.OK)
	require.False(t, log.Pinned)
	require.False(t, log.Traces)
}

// TestEverySingleByteOfTheFolderCounts changes each byte of each file in turn:
// the audit names that file, and nothing before it.
func TestEverySingleByteOfTheFolderCounts(t *testing.T) {
	dir, _ := newFolder(t)
	var files []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() != certlog.LockName {
			files = append(files, path)
		}
		return err
	}))
	require.Len(t, files, 1+1+2*2+2, "cert.log, roster, keys and votes, traces")
	for _, path := range files {
		good, err := os.ReadFile(path)
		require.NoError(t, err)
		info, err := os.Stat(path)
		require.NoError(t, err)
		stride := 1
		if len(good) > 1000 {
			stride = 7 // prime to the sizes of all fields
		}
		for at := 0; at < len(good); at += stride {
			bad := append([]byte(nil), good...)
			bad[at] ^= 1 << (at % 8)
			require.NoError(t, os.WriteFile(path, bad, info.Mode()))
			report := auditFolder(t, dir, Options{})
			require.Falsef(t, report.OK, "%s: byte %d of %d", path, at, len(good))
			require.Equalf(t, path, report.FirstError.File, "byte %d: %v", at, report.FirstError)
			if filepath.Ext(path) == ".omega" || filepath.Ext(path) == ".log" {
				require.LessOrEqualf(t, report.FirstError.Offset, int64(at), "%v", report.FirstError)
			}
		}
		require.NoError(t, os.WriteFile(path, good, info.Mode()))
	}
	require.True(t, auditFolder(t, dir, Options{}).OK)
}

func TestWhatIsMissingOrTooMuchIsNamed(t *testing.T) {
	dir, hashes := newFolder(t)
	keyPath := archive.KeyPath(dir, "member-1")
	stranger := filepath.Join(t.TempDir(), "omega.key")
	require.NoError(t, identity.Save(stranger, identity.Generate(), nil))
	log, err := os.ReadFile(certlog.Path(dir))
	require.NoError(t, err)
	trace := traces(t, dir)[0]
	for name, c := range map[string]struct {
		change func() error
		kind   string
		height uint64
	}{
		"no trace":           {func() error { return os.Remove(trace) }, KindTraceMissing, 1},
		"another's trace":    {func() error { return copyFile(traces(t, dir)[1], trace) }, "missing-dep", 1},
		"a lock with text":   {func() error { return os.WriteFile(filepath.Join(dir, "LOCK"), []byte("x"), 0o644) }, KindLockFile, 4},
		"a stranger's key":   {func() error { return copyFile(stranger, keyPath) }, KindKeyFile, 4},
		"a key for everyone": {func() error { return os.Chmod(keyPath, 0o644) }, KindKeyFile, 4},
		"a torn log":         {func() error { return os.WriteFile(certlog.Path(dir), log[:len(log)-1], 0o644) }, string(cert.RecordTorn), 3},
		"an empty log":       {func() error { return os.WriteFile(certlog.Path(dir), log[:certlog.HeaderSize], 0o644) }, KindEmpty, 0},
	} {
		saved := save(t, dir)
		require.NoError(t, c.change(), name)
		report := auditFolder(t, dir, Options{})
		require.False(t, report.OK, name)
		require.Equal(t, c.kind, report.FirstError.Kind, "%s: %v", name, report.FirstError)
		require.Equal(t, c.height, report.FirstError.Height, "%s: %v", name, report.FirstError)
		restore(t, saved)
	}
	require.True(t, auditFolder(t, dir, Options{}).OK)

	// A chain cut short by its last record is whole in itself: only a pinned head
	// tells.
	last := lastRecord(t, log)
	require.NoError(t, os.WriteFile(certlog.Path(dir), log[:last], 0o644))
	require.Equal(t, KindHeadPin, auditFolder(t, dir, Options{Head: &hashes[3]}).FirstError.Kind)
}

func TestPinsAreKept(t *testing.T) {
	dir, hashes := newFolder(t)
	wrong := cert.Hash{1}
	require.Equal(t, KindGenesisPin, auditFolder(t, dir, Options{Genesis: &wrong}).FirstError.Kind)
	require.Equal(t, KindHeadPin, auditFolder(t, dir, Options{Head: &wrong}).FirstError.Kind)
	early := auditFolder(t, dir, Options{Head: &hashes[1]})
	require.Equal(t, KindHeadPin, early.FirstError.Kind)
	require.Contains(t, early.FirstError.Message, "stands at height 1")
}

func TestFilesThatAreNoPartOfTheChainAreNoted(t *testing.T) {
	dir, _ := newFolder(t)
	stray := filepath.Join(dir, "traces", strings.Repeat("0", 8)+".omega.tmp-X")
	require.NoError(t, os.WriteFile(stray, []byte("half a trace"), 0o644))
	folder := filepath.Join(dir, "members", "member-1", "more")
	require.NoError(t, os.Mkdir(folder, 0o755))
	pipe := archive.KeyPath(dir, "member-2")
	require.NoError(t, os.Remove(pipe))
	require.NoError(t, unix.Mkfifo(pipe, 0o600))
	engine := filepath.Join(dir, "engine")
	require.NoError(t, os.MkdirAll(filepath.Join(engine, "jetstream"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(engine, "store"), nil, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "inner"), nil, 0o644))
	report := auditFolder(t, dir, Options{})
	require.Truef(t, report.OK, "%v", report.FirstError)
	require.Len(t, report.Notes, 4, "a folder is noted once, with all that is in it")
	for i, path := range []string{engine, folder, pipe, stray} {
		require.Contains(t, report.Notes[i], path)
	}
}

// TestAVoteAgainstTheChainIsFound replaces a chain's second half by what a member
// has not committed.
func TestAVoteAgainstTheChainIsFound(t *testing.T) {
	dir, _ := newFolder(t)
	path := certlog.VotePath(dir, "member-1")
	content, err := certlog.ReadVote(path)
	require.NoError(t, err)
	vote, err := quorum.DecodeDurable(content)
	require.NoError(t, err)
	require.NotNil(t, vote.Lock)
	for name, change := range map[string]func(d *quorum.Durable){
		"another chain":   func(d *quorum.Durable) { d.Chain[0] ^= 1 },
		"a later height":  func(d *quorum.Durable) { d.Height = 9 },
		"another content": func(d *quorum.Durable) { d.Height = 1 },
		"unsigned for it": func(d *quorum.Durable) { d.Height = 4 },
	} {
		bad := *vote
		change(&bad)
		file, err := certlog.AppendVote(nil, bad.Encode())
		require.NoError(t, err)
		saved := save(t, dir)
		require.NoError(t, os.WriteFile(path, file, 0o600))
		report := auditFolder(t, dir, Options{})
		require.False(t, report.OK, name)
		require.Equal(t, KindVoteFile, report.FirstError.Kind, name)
		restore(t, saved)
	}
}

func TestNoFolderIsAnError(t *testing.T) {
	_, err := Folder(t.TempDir(), Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = Log(t.TempDir(), Options{})
	require.Error(t, err)
}

func traces(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "traces", "*"))
	require.NoError(t, err)
	require.Len(t, names, 2)
	return names
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o600)
}

type savedFile struct {
	mode  os.FileMode
	bytes []byte
}

func save(t *testing.T, dir string) map[string]savedFile {
	t.Helper()
	files := map[string]savedFile{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		files[path] = savedFile{info.Mode(), b}
		return err
	}))
	return files
}

func restore(t *testing.T, files map[string]savedFile) {
	t.Helper()
	for path, f := range files {
		require.NoError(t, os.WriteFile(path, f.bytes, f.mode))
		require.NoError(t, os.Chmod(path, f.mode))
	}
}

// lastRecord returns where the last record of a log begins.
func lastRecord(t *testing.T, log []byte) int64 {
	t.Helper()
	records, err := certlog.Parse(log)
	require.NoError(t, err)
	return records[len(records)-1].Offset
}
