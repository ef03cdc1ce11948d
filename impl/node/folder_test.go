package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
	"github.com/omega-sheaf-os/omega/impl/omegalog/omegalogtest"
)

func TestInitLeavesNothingBehindWhereItIsRefused(t *testing.T) {
	parent := t.TempDir()
	full := filepath.Join(parent, "full")
	require.NoError(t, os.Mkdir(full, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(full, "file"), nil, 0o644))
	before := listing(t, parent)
	for name, c := range map[string]struct {
		dir   string
		seats []Seat
	}{
		"a full folder":    {full, DefaultSeats(1)},
		"a file":           {filepath.Join(full, "file"), DefaultSeats(1)},
		"no member":        {filepath.Join(parent, "new"), nil},
		"a name twice":     {filepath.Join(parent, "new"), append(DefaultSeats(1), Seat{Name: "member-1"})},
		"a node twice":     {filepath.Join(parent, "new"), []Seat{{"a", []uint32{1}}, {"b", []uint32{1}}}},
		"a name that is .": {filepath.Join(parent, "new"), []Seat{{"..", nil}}},
	} {
		_, err := Init(c.dir, c.seats)
		require.Error(t, err, name)
		require.Equal(t, before, listing(t, parent), name)
	}
	empty := filepath.Join(parent, "empty")
	require.NoError(t, os.Mkdir(empty, 0o700))
	genesis, err := Init(empty, DefaultSeats(3))
	require.NoError(t, err)
	require.Len(t, listing(t, parent), len(before)+1)
	v, err := Read(empty)
	require.NoError(t, err)
	defer v.Close()
	require.Equal(t, genesis.Envelope.Hash(), v.Chain.Name)
	require.Equal(t, "member-3", v.Chain.Roster[2].Name)
	require.Equal(t, []uint32{3}, v.Chain.Roster[2].Nodes)
	requireAudit(t, empty, 1)
}

func listing(t *testing.T, dir string) []string {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestAChainThatDoesNotHoldIsNotRead(t *testing.T) {
	dir := newChain(t, 2)
	f := openFolder(t, dir)
	certify(t, f, lone(t, 1))
	require.NoError(t, f.Close())
	log, err := os.ReadFile(certlog.Path(dir))
	require.NoError(t, err)
	records, err := certlog.Parse(log)
	require.NoError(t, err)

	forged := *records[1].Certificate
	forged.Signatures = append([]cert.Signature(nil), forged.Signatures...)
	forged.Signatures[1][0] ^= 1
	bad, err := cert.AppendRecord(append([]byte(nil), log[:records[1].Offset]...), &forged)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(certlog.Path(dir), bad, 0o644))
	for _, read := range []func() error{
		func() error { _, err := Read(dir); return err },
		func() error { _, err := Open(dir, nil); return err },
	} {
		var damage *certlog.FileError
		require.ErrorAs(t, read(), &damage)
		require.Equal(t, certlog.Path(dir), damage.Path)
		require.EqualValues(t, cert.KindSignature, damage.Err.Kind)
		require.Equal(t, records[1].Offset, damage.Err.Offset)
	}

	require.NoError(t, os.WriteFile(certlog.Path(dir), log[:certlog.HeaderSize], 0o644))
	_, err = Read(dir)
	require.ErrorIs(t, err, ErrNoChain)
	_, err = Open(dir, nil)
	require.ErrorIs(t, err, ErrNoChain)

	require.NoError(t, os.WriteFile(certlog.Path(dir), log[:len(log)-1], 0o644))
	var torn *cert.RecordError
	_, err = Read(dir)
	require.ErrorAs(t, err, &torn)
	f = openFolder(t, dir)
	require.Equal(t, records[1].Offset, f.Recovered().Offset)
	out := certify(t, f, lone(t, 9))
	require.True(t, out.Resumed, "the votes are for what was torn off")
	require.Equal(t, records[1].Certificate.Envelope, out.Certificate.Envelope)
}

// TestQuarantinedEventsAreNamedWhereTheyStandInTheLog rewrites one right after it
// was quarantined, and again in another process.
func TestQuarantinedEventsAreNamedWhereTheyStandInTheLog(t *testing.T) {
	dir := newChain(t, 2)
	f := openFolder(t, dir)
	certify(t, f, lone(t, 1))
	write := func(value int32) string {
		e := omegalogtest.Event(5, 1)
		e.Value = value
		return omegalogtest.WriteSection(t, t.TempDir(), "5.omega", 1, e)
	}
	_, err := f.Certify(context.Background(), Batch{Height: 2, Files: []string{write(1), write(2)}, RecordObstruction: true})
	require.NoError(t, err)
	for range 2 {
		out, err := f.Certify(context.Background(), Batch{Height: 3, Files: []string{write(3)}})
		require.NoError(t, err)
		require.Len(t, out.Result.Obstructions, 1)
		frames := out.Result.Obstructions[0].Frames
		require.Len(t, frames, 3)
		for i, at := range frames[1:] {
			require.Equal(t, certlog.Path(dir), at.File)
			log, err := os.ReadFile(at.File)
			require.NoError(t, err)
			size := int64(binary.BigEndian.Uint32(log[at.Offset:]))
			e, err := event.Parse(log[at.Offset+4 : at.Offset+4+size])
			require.NoError(t, err)
			require.EqualValues(t, i+1, e.Value())
		}
		require.NoError(t, f.Close())
		f = openFolder(t, dir)
	}
}

func TestAKeyThatIsNotTheMembersIsRefused(t *testing.T) {
	dir := newChain(t, 2)
	path := archive.KeyPath(dir, "member-2")
	require.NoError(t, os.Remove(path))
	require.NoError(t, identity.Save(path, identity.Generate(), nil))
	_, err := Open(dir, nil)
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "member-2")
	require.NoError(t, os.Chmod(path, 0o644))
	_, err = Open(dir, nil)
	require.ErrorIs(t, err, identity.ErrPermissions)
}

func TestManySectionsAreSignedAsOneIs(t *testing.T) {
	dir := newChain(t, 2)
	v, err := Read(dir)
	require.NoError(t, err)
	defer v.Close()
	var paths []string
	for i := range uint64(40) {
		node := uint32(i%2 + 1)
		paths = append(paths, omegalogtest.WriteSection(t, t.TempDir(), "s.omega", node, omegalogtest.Event(i+1, node)))
	}
	require.NoError(t, v.SignSections(context.Background(), paths, nil))
	for i, path := range paths {
		many, err := os.ReadFile(path + omegalog.SignatureSuffix)
		require.NoError(t, err)
		key, err := v.SectionKey(path, nil)
		require.NoError(t, err)
		require.Equal(t, v.Chain.Roster[i%2].Key, key.Public())
		_, err = v.SignSection(path, key)
		require.NoError(t, err)
		one, err := os.ReadFile(path + omegalog.SignatureSuffix)
		require.NoError(t, err)
		require.Equal(t, one, many)
	}
	f := openFolder(t, dir)
	out := certify(t, f, paths...)
	for _, state := range out.Signatures {
		require.Equal(t, Signed, state)
	}
}

func TestSectionsThatCannotBeSignedAreNamed(t *testing.T) {
	dir := newChain(t, 2)
	v, err := Read(dir)
	require.NoError(t, err)
	defer v.Close()
	good, folder := lone(t, 1), t.TempDir()
	damaged := omegalogtest.WriteSection(t, folder, "damaged.omega", 1, omegalogtest.Event(1, 1))
	require.NoError(t, changeLastByte(damaged))
	header := filepath.Join(folder, "header.omega")
	require.NoError(t, os.WriteFile(header, []byte("OMEGA"), 0o644))
	for name, c := range map[string]struct {
		path string
		want error
		kind frame.Kind
	}{
		"another's node": {omegalogtest.WriteSection(t, folder, "3.omega", 3), omegalog.ErrSignatureSigner, ""},
		"a mixed file":   {omegalogtest.WriteSection(t, folder, "mixed.omega", frame.Mixed), omegalog.ErrSignatureSigner, ""},
		"no file":        {filepath.Join(folder, "nowhere.omega"), os.ErrNotExist, ""},
		"a damaged file": {damaged, nil, frame.FrameCRC},
		"no header":      {header, nil, frame.BadHeader},
	} {
		err := v.SignSections(context.Background(), []string{good, c.path}, nil)
		require.ErrorContains(t, err, c.path, name)
		if c.want != nil {
			require.ErrorIs(t, err, c.want, name)
		} else {
			var damage *frame.Error
			require.ErrorAs(t, err, &damage, name)
			require.Equal(t, c.kind, damage.Kind)
		}
		require.NoFileExists(t, c.path+omegalog.SignatureSuffix, name)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, v.SignSections(cancelled, []string{good}, nil), context.Canceled)
	require.NoError(t, os.Remove(archive.KeyPath(dir, "member-1")))
	require.ErrorIs(t, v.SignSections(context.Background(), []string{good}, nil), os.ErrNotExist)
}

// TestTwoProcessesTakeTurns certifies beside another process: each is refused while
// the other has the folder, and there is one chain.
func TestTwoProcessesTakeTurns(t *testing.T) {
	dir := newChain(t, 2)
	for h := range uint64(400) {
		omegalogtest.WriteSection(t, filepath.Dir(dir), fmt.Sprintf("%d.omega", h), 1, omegalogtest.Event(h+1, 1))
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killEnv+"="+dir)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	mine, refused := 0, 0
	deadline := time.Now().Add(20 * time.Second)
	for (mine < 3 || refused < 1 || chainLength(t, dir) < mine+3) && time.Now().Before(deadline) {
		f, err := Open(dir, nil)
		var locked *certlog.LockedError
		if errors.As(err, &locked) {
			require.Contains(t, []int{0, cmd.Process.Pid}, locked.PID)
			refused++
			time.Sleep(time.Millisecond)
			continue
		}
		require.NoError(t, err)
		certify(t, f, filepath.Join(dir, "..", fmt.Sprintf("%d.omega", f.Chain.Length)))
		require.NoError(t, f.Close())
		mine++
		time.Sleep(10 * time.Millisecond)
	}
	require.NoError(t, cmd.Process.Kill())
	require.ErrorContains(t, cmd.Wait(), "killed")
	f := openFolder(t, dir)
	length := int(f.Chain.Length)
	require.NoError(t, f.Close())
	require.GreaterOrEqual(t, length, 1+mine)
	require.Positive(t, mine)
	require.Positive(t, refused)
	requireAudit(t, dir, length)
}
