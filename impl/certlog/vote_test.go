package certlog

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable/durabletest"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

func TestAVoteFileHasTheseBytes(t *testing.T) {
	b, err := AppendVote(nil, []byte("hi"))
	require.NoError(t, err)
	require.Equal(t, "4f4d454741564f54"+"0001"+"00000002"+"6869"+"920748b6", hex.EncodeToString(b))
	got, err := ParseVote(b)
	require.NoError(t, err)
	require.Equal(t, "hi", string(got))
}

func TestEveryEditOfAVoteFileIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file, err := AppendVote(nil, rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(t, "content"))
		require.NoError(t, err)
		at := rapid.IntRange(0, len(file)-1).Draw(t, "at")
		refuse := func(file []byte) {
			_, err := ParseVote(file)
			var damage *VoteError
			require.ErrorAs(t, err, &damage)
			require.LessOrEqual(t, damage.Offset, int64(len(file)))
		}
		refuse(file[:at])
		refuse(append(file[:len(file):len(file)], rapid.Byte().Draw(t, "left over")))
		file[at] ^= rapid.ByteRange(1, 255).Draw(t, "flip")
		refuse(file)
	})
}

// A length that is not the content's is refused where the check sum has it, too.
func TestAVoteFileHasTheContentThatItsLengthSays(t *testing.T) {
	for _, n := range []byte{0, 1, 3} {
		file, err := AppendVote(nil, []byte("hi"))
		require.NoError(t, err)
		file[voteContentAt-1] = n
		binary.BigEndian.PutUint32(file[len(file)-4:], crc32.Checksum(file[:len(file)-4], castagnoli))
		_, err = ParseVote(file)
		var damage *VoteError
		require.ErrorAs(t, err, &damage)
		require.EqualValues(t, voteLenAt, damage.Offset)
	}
}

func TestDamageToAVoteFileIsNamedByItsOffset(t *testing.T) {
	dir := voteDir(t, "paris")
	whole, err := AppendVote(nil, []byte("content"))
	require.NoError(t, err)
	for at, want := range map[int]int64{0: 0, 9: 8, 13: 10, 15: int64(len(whole) - 4), len(whole) - 1: int64(len(whole) - 4)} {
		file := append([]byte(nil), whole...)
		file[at] ^= 0x10
		require.NoError(t, os.WriteFile(VotePath(dir, "paris"), file, 0o600))
		l, err := Open(dir)
		require.NoError(t, err)
		_, err = l.Votes("paris")
		var damage *VoteError
		require.ErrorAs(t, err, &damage)
		require.Equal(t, want, damage.Offset)
		require.ErrorContains(t, err, VotePath(dir, "paris")+": bad vote file at offset ")
		require.NoError(t, l.Close())
		_, err = ReadVote(VotePath(dir, "paris"))
		require.ErrorAs(t, err, &damage)
	}
}

// voteDir returns a data folder with an empty log and the members' folders.
func voteDir(t *testing.T, names ...string) string {
	dir := t.TempDir()
	for _, name := range names {
		require.NoError(t, os.MkdirAll(filepath.Dir(VotePath(dir, name)), 0o700))
	}
	appendAll(t, dir, nil)
	return dir
}

func TestAVoteIsThereAfterReopening(t *testing.T) {
	dir := voteDir(t, "paris", "tokyo")
	for i := range 3 {
		l, err := Open(dir)
		require.NoError(t, err)
		s, err := l.Votes("paris")
		require.NoError(t, err)
		got, ok := s.Load()
		require.Equal(t, i > 0, ok)
		if ok {
			require.Equal(t, fmt.Sprint("vote ", i-1), string(got))
		}
		content := []byte(fmt.Sprint("vote ", i))
		require.NoError(t, s.Save(content))
		content[0] = 'X'
		got, ok = s.Load()
		require.True(t, ok)
		require.Equal(t, fmt.Sprint("vote ", i), string(got), "the store keeps its own copy")
		got[0] = 'X'
		got, _ = s.Load()
		require.Equal(t, fmt.Sprint("vote ", i), string(got), "and gives copies of it")
		other, err := l.Votes("tokyo")
		require.NoError(t, err)
		_, ok = other.Load()
		require.False(t, ok, "a member's vote is its own")
		require.NoError(t, l.Close())
		require.ErrorIs(t, s.Save(nil), ErrClosed)
		_, err = l.Votes("paris")
		require.ErrorIs(t, err, ErrClosed)
	}
	info, err := os.Stat(VotePath(dir, "paris"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	got, err := ReadVote(VotePath(dir, "paris"))
	require.NoError(t, err)
	require.Equal(t, "vote 2", string(got))
}

func TestAnEmptyVoteIsNotAMissingOne(t *testing.T) {
	l, err := Open(voteDir(t, "paris"))
	require.NoError(t, err)
	defer l.Close()
	s, err := l.Votes("paris")
	require.NoError(t, err)
	require.NoError(t, s.Save(nil))
	_, ok := s.Load()
	require.True(t, ok)
}

func TestOnlyMembersOfTheFolderHaveVotes(t *testing.T) {
	l, err := Open(voteDir(t, "paris"))
	require.NoError(t, err)
	defer l.Close()
	_, err = l.Votes("tokyo")
	require.ErrorIs(t, err, ErrNoMember)
	_, err = l.Votes("../paris")
	require.Error(t, err)
	require.Error(t, cert.CheckName("../paris"))
}

const votePathOnDisk = "d/members/paris/vote"

// TestEveryFaultAndEveryCrashKeepsTheVote is the promise of CLG-7: a vote that
// was saved is found again, whatever fails and whenever the machine stops.
func TestEveryFaultAndEveryCrashKeepsTheVote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disk := durabletest.New("d", filepath.Dir(votePathOnDisk))
		putLog(t, disk, nil)
		l, err := OpenOn(disk, testPath)
		require.NoError(t, err)
		disk.FailAt(rapid.IntRange(0, 28).Draw(t, "step"), rapid.SampledFrom(durabletest.Outcomes).Draw(t, "outcome"))
		acked, tried, fatal := runVotes(t, l)
		disk.FailAt(0, 0)
		disk = disk.Crash(draw(t))
		l, err = OpenOn(disk, testPath)
		require.NoError(t, err)
		s, err := l.Votes("paris")
		require.NoError(t, err)
		got, ok := s.Load()
		require.Contains(t, []string{acked, tried}, string(got))
		require.Equal(t, string(got) != "", ok)
		if !fatal {
			require.Equal(t, acked, string(got), "an error is a stutter")
		}
		names, err := disk.List(filepath.Dir(votePathOnDisk))
		require.NoError(t, err)
		require.Subset(t, []string{"vote"}, names, "no temporary file is left")
	})
}

// runVotes saves votes until one is fatal. It returns the last that was saved,
// the last that was tried, and whether that was fatal.
func runVotes(t *rapid.T, l *Log) (acked, tried string, fatal bool) {
	s, err := l.Votes("paris")
	if err != nil {
		require.ErrorIs(t, err, durabletest.ErrFault)
		return "", "", false
	}
	for i := range 4 {
		tried = fmt.Sprint("vote ", i)
		err := s.Save([]byte(tried))
		if err == nil {
			acked = tried
			continue
		}
		require.ErrorIs(t, err, durabletest.ErrFault)
		got, _ := s.Load()
		require.Equal(t, acked, string(got))
		var unknown *durable.UnknownError
		require.Equal(t, errors.As(err, &unknown), errors.Is(err, ErrFatal))
		if errors.Is(err, ErrFatal) {
			require.Equal(t, err, s.Save(nil), "a dead store stays dead")
			require.ErrorIs(t, l.Append(testChain(1, 1)[0]), ErrFatal, "and so does its log")
			return acked, tried, true
		}
	}
	return acked, tried, false
}

// TestAVoteThatWasLoadedSurvivesACrash: whoever wrote it was killed before it
// synced the folder, and what the next process has seen must stay.
func TestAVoteThatWasLoadedSurvivesACrash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disk := durabletest.New("d", filepath.Dir(votePathOnDisk))
		putLog(t, disk, nil)
		f, err := disk.Create(votePathOnDisk, 0o600)
		require.NoError(t, err)
		file, err := AppendVote(nil, []byte("vote"))
		require.NoError(t, err)
		_, err = f.Write(file)
		require.NoError(t, err)
		require.NoError(t, f.Sync())
		for range 2 {
			l, err := OpenOn(disk, testPath)
			require.NoError(t, err)
			s, err := l.Votes("paris")
			require.NoError(t, err)
			got, _ := s.Load()
			require.Equal(t, "vote", string(got))
			disk = disk.Crash(draw(t))
		}
	})
}

func FuzzParseVoteGivesBackWhatItRead(f *testing.F) {
	whole, _ := AppendVote(nil, []byte("content"))
	f.Add(whole)
	f.Add(whole[:10])
	f.Add([]byte("OMEGAVOT"))
	f.Fuzz(func(t *testing.T, file []byte) {
		content, err := ParseVote(file)
		if err == nil {
			again, err := AppendVote(nil, content)
			require.NoError(t, err)
			require.Equal(t, file, again)
		}
	})
}
