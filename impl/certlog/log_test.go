package certlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable/durabletest"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// appendAll appends the chain to the log of a fresh folder.
func appendAll(t *testing.T, dir string, chain []*cert.Certificate) {
	t.Helper()
	l, err := Create(dir)
	require.NoError(t, err)
	for _, c := range chain {
		require.NoError(t, l.Append(c))
	}
	require.NoError(t, l.Close())
}

func TestALogGrowsAcrossOpens(t *testing.T) {
	dir := t.TempDir()
	chain := testChain(4, 1)
	appendAll(t, dir, chain[:2])
	l, err := Open(dir)
	require.NoError(t, err)
	require.Nil(t, l.Recovered())
	require.Equal(t, chain[1], l.Head())
	require.NoError(t, l.Append(chain[2]))
	require.NoError(t, l.Append(chain[3]))
	require.EqualValues(t, 4, l.Count())
	require.Equal(t, chain, certificates(l))
	require.Equal(t, chain[2], l.At(2))
	require.Nil(t, l.At(4))
	require.NoError(t, l.Close())
	got, err := os.ReadFile(Path(dir))
	require.NoError(t, err)
	require.Equal(t, logBytes(chain), got)
}

func TestAnEmptyLogHasNoHead(t *testing.T) {
	l, err := Create(t.TempDir())
	require.NoError(t, err)
	defer l.Close()
	require.Nil(t, l.Head())
	require.Zero(t, l.Count())
	require.Empty(t, certificates(l))
}

func TestOpenNeedsALogAndLeavesOtherFoldersAlone(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(dir)
	require.ErrorIs(t, err, os.ErrNotExist)
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, names)
	_, err = Create(dir + "/none")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestCreateNeverReplacesALog(t *testing.T) {
	dir := t.TempDir()
	appendAll(t, dir, testChain(2, 1))
	_, err := Create(dir)
	require.ErrorIs(t, err, os.ErrExist)
	l, err := Open(dir)
	require.NoError(t, err, "the refused Create gave the lock back")
	require.EqualValues(t, 2, l.Count())
	require.NoError(t, l.Close())
}

func TestOnlyTheNextCertificateIsTaken(t *testing.T) {
	dir := t.TempDir()
	chain, other := testChain(4, 1), testChain(4, 2)
	appendAll(t, dir, chain[:2])
	before, err := os.ReadFile(Path(dir))
	require.NoError(t, err)
	l, err := Open(dir)
	require.NoError(t, err)
	defer l.Close()
	tooMany := *chain[2]
	tooMany.Signatures = make([]cert.Signature, 1<<17)
	for name, c := range map[string]*cert.Certificate{
		"the head again": chain[1], "one too far": chain[3], "a gap": testCertificate(3, chain[1].Envelope.Hash(), 1),
		"the next of another chain": other[2], "too many signatures": &tooMany,
	} {
		err := l.Append(c)
		require.Error(t, err, name)
		require.Equal(t, name != "too many signatures", errors.Is(err, ErrNext), name)
		require.Equal(t, chain[:2], certificates(l), name)
		after, err := os.ReadFile(Path(dir))
		require.NoError(t, err)
		require.Equal(t, before, after, name)
	}
	require.NoError(t, l.Append(chain[2]))
}

func TestALogWhoseRecordsDoNotLinkIsRefused(t *testing.T) {
	dir := t.TempDir()
	chain := testChain(3, 1)
	require.NoError(t, os.WriteFile(Path(dir), logBytes([]*cert.Certificate{chain[0], chain[2]}), 0o644))
	_, err := Open(dir)
	require.ErrorIs(t, err, ErrNext)
}

func TestTheLogKeepsItsOwnCopy(t *testing.T) {
	l, err := Create(t.TempDir())
	require.NoError(t, err)
	defer l.Close()
	c := testChain(1, 1)[0]
	require.NoError(t, l.Append(c))
	c.Body[0] ^= 1
	c.Signatures[0][0] ^= 1
	require.Equal(t, testChain(1, 1)[0], l.Head())
}

func TestATornTailIsNamedAndCutOff(t *testing.T) {
	chain := testChain(3, 1)
	whole, two := logBytes(chain), len(logBytes(chain[:2]))
	for n := two + 1; n < len(whole); n += 7 {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(Path(dir), whole[:n], 0o644))
		l, err := Open(dir)
		require.NoError(t, err)
		sum := sha256.Sum256(whole[two:n])
		require.Equal(t, &TornTail{Offset: int64(two), Size: int64(n - two), SHA256: hex.EncodeToString(sum[:])}, l.Recovered())
		require.Contains(t, l.Recovered().String(), hex.EncodeToString(sum[:]))
		require.Equal(t, chain[:2], certificates(l))
		require.NoError(t, l.Append(chain[2]))
		require.NoError(t, l.Close())
		got, err := os.ReadFile(Path(dir))
		require.NoError(t, err)
		require.Equal(t, whole, got)
	}
}

func TestDamageBeforeTheTailIsAnErrorAndIsNotRepaired(t *testing.T) {
	chain := testChain(3, 1)
	whole := logBytes(chain)
	for _, torn := range []int{0, 5} {
		for i := 0; i < len(whole)-torn; i += 11 {
			file := bytes.Clone(whole[:len(whole)-torn])
			file[i] ^= 0x40
			if torn > 0 && i >= len(logBytes(chain[:2]))+8 {
				continue // damage inside what is torn anyway
			}
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(Path(dir), file, 0o644))
			_, err := Open(dir)
			var damage *FileError
			require.ErrorAs(t, err, &damage, "byte %d", i)
			require.Equal(t, Path(dir), damage.Path)
			got, err := os.ReadFile(Path(dir))
			require.NoError(t, err)
			require.Equal(t, file, got, "byte %d", i)
		}
	}
}

func TestAClosedLogTakesNothing(t *testing.T) {
	l, err := Create(t.TempDir())
	require.NoError(t, err)
	chain := testChain(2, 1)
	require.NoError(t, l.Append(chain[0]))
	require.NoError(t, l.Close())
	require.NoError(t, l.Close())
	require.ErrorIs(t, l.Append(chain[1]), ErrClosed)
	require.Equal(t, chain[0], l.Head())
}

// TestEveryFaultAndEveryCrashKeepsWhatWasAppended is the promise of CLG-4 to
// CLG-6 at every operation, failed in every way, and then at every crash.
func TestEveryFaultAndEveryCrashKeepsWhatWasAppended(t *testing.T) {
	chain := testChain(5, 1)
	rapid.Check(t, func(t *rapid.T) {
		disk := durabletest.New("d")
		putLog(t, disk, chain[:2])
		if rapid.Bool().Draw(t, "torn") {
			f, err := disk.OpenWrite(testPath)
			require.NoError(t, err)
			_, err = f.Write(logBytes(chain[:3])[len(logBytes(chain[:2])):][:9])
			require.NoError(t, err)
		}
		disk.FailAt(rapid.IntRange(0, 14).Draw(t, "step"), rapid.SampledFrom(durabletest.Outcomes).Draw(t, "outcome"))
		acked, tried := runLog(t, disk, chain)
		disk.FailAt(0, 0)
		l, err := OpenOn(disk.Crash(draw(t)), testPath)
		require.NoError(t, err)
		require.GreaterOrEqual(t, int(l.Count()), acked)
		require.LessOrEqual(t, int(l.Count()), tried)
		require.Equal(t, chain[:l.Count()], certificates(l))
	})
}

// runLog opens the log and appends the rest of the chain, again after an error.
// It returns how many certificates are sure to be there and how many may be.
func runLog(t *rapid.T, disk *durabletest.Disk, chain []*cert.Certificate) (acked, tried int) {
	acked, tried = 2, 2
	l, err := OpenOn(disk, testPath)
	if err != nil {
		require.ErrorIs(t, err, durabletest.ErrFault)
		if l, err = OpenOn(disk, testPath); err != nil {
			t.Fatal(err)
		}
	}
	for acked < len(chain) {
		before, _ := disk.ReadFile(testPath)
		tried = max(tried, acked+1)
		err := l.Append(chain[acked])
		if err == nil {
			acked++
			continue
		}
		require.ErrorIs(t, err, durabletest.ErrFault)
		require.Equal(t, chain[:acked], certificates(l), "an error is a stutter")
		if errors.Is(err, ErrFatal) {
			require.Equal(t, err, l.Append(chain[acked]), "a dead log stays dead")
			return acked, tried
		}
		if before != nil {
			after, err := disk.ReadFile(testPath)
			require.NoError(t, err)
			require.Equal(t, before, after, "an error leaves the bytes as they were")
		}
	}
	return acked, tried
}

func TestAnErrorThatIsNotFatalHoldsAcrossACrash(t *testing.T) {
	chain := testChain(2, 1)
	for _, outcome := range durabletest.Outcomes {
		rapid.Check(t, func(t *rapid.T) {
			disk := durabletest.New("d")
			putLog(t, disk, chain[:1])
			l, err := OpenOn(disk, testPath)
			require.NoError(t, err)
			disk.FailAt(1, outcome)
			err = l.Append(chain[1])
			require.ErrorIs(t, err, durabletest.ErrFault)
			require.NotErrorIs(t, err, ErrFatal)
			got, err := disk.Crash(draw(t)).ReadFile(testPath)
			require.NoError(t, err)
			require.Equal(t, logBytes(chain[:1]), got)
		})
	}
}

// TestWhatOpenHasReadSurvivesACrash: the process before may have been killed at
// any moment, and what this one has seen must stay.
func TestWhatOpenHasReadSurvivesACrash(t *testing.T) {
	chain := testChain(2, 1)
	record := logBytes(chain)[len(logBytes(chain[:1])):]
	for name, leave := range map[string]func(t *rapid.T, disk *durabletest.Disk){
		"killed before the fsync": func(t *rapid.T, disk *durabletest.Disk) {
			putLog(t, disk, chain[:1])
			f, err := disk.OpenWrite(testPath)
			require.NoError(t, err)
			_, err = f.Write(record)
			require.NoError(t, err)
		},
		"stopped by a failed fsync": func(t *rapid.T, disk *durabletest.Disk) {
			putLog(t, disk, chain[:1])
			l, err := OpenOn(disk, testPath)
			require.NoError(t, err)
			disk.FailAt(2, durabletest.NotDone)
			require.ErrorIs(t, l.Append(chain[1]), ErrFatal)
		},
		"killed before the fsync of the folder": func(t *rapid.T, disk *durabletest.Disk) {
			f, err := disk.Create(testPath, 0o644)
			require.NoError(t, err)
			_, err = f.Write(logBytes(chain))
			require.NoError(t, err)
			require.NoError(t, f.Sync())
		},
	} {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			disk := durabletest.New("d")
			leave(t, disk)
			for range 2 {
				l, err := OpenOn(disk, testPath)
				require.NoError(t, err)
				require.Equal(t, chain, certificates(l))
				disk = disk.Crash(draw(t))
			}
		}))
	}
}

func TestAFailedFsyncIsFatal(t *testing.T) {
	chain := testChain(2, 1)
	disk := durabletest.New("d")
	putLog(t, disk, chain[:1])
	l, err := OpenOn(disk, testPath)
	require.NoError(t, err)
	disk.FailAt(2, durabletest.NotDone) // 1 is the write, 2 the fsync
	require.ErrorIs(t, l.Append(chain[1]), ErrFatal)
	steps := disk.Steps()
	require.ErrorIs(t, l.Append(chain[1]), ErrFatal)
	require.Equal(t, steps, disk.Steps(), "nothing is tried again")
	require.Equal(t, chain[0], l.Head())
}

func TestAFailedRepairIsFatal(t *testing.T) {
	chain := testChain(2, 1)
	l, err := Create(t.TempDir())
	require.NoError(t, err)
	defer l.Close()
	require.NoError(t, l.Append(chain[0]))
	require.NoError(t, l.file.Close()) // the write fails, and so does the repair
	require.ErrorIs(t, l.Append(chain[1]), ErrFatal)
}

func TestACrashAtAnyMomentOfCreateLeavesNoLogOrAnEmptyOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disk := durabletest.New("d")
		disk.FailAt(rapid.IntRange(0, 14).Draw(t, "step"), rapid.SampledFrom(durabletest.Outcomes).Draw(t, "outcome"))
		_, createErr := create(disk, testPath)
		disk.FailAt(0, 0)
		after := disk.Crash(draw(t))
		l, err := OpenOn(after, testPath)
		if createErr != nil && errors.Is(err, os.ErrNotExist) {
			l, err = create(after, testPath)
		}
		require.NoError(t, err)
		require.Zero(t, l.Count())
		names, err := after.List("d")
		require.NoError(t, err)
		require.Equal(t, []string{"cert.log"}, names, "no temporary file is left")
	})
}

// certificates returns the chain that a log holds.
func certificates(l *Log) []*cert.Certificate {
	var all []*cert.Certificate
	for _, r := range l.Records() {
		all = append(all, r.Certificate)
	}
	return all
}
