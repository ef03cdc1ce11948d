package stutter

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable/durabletest"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// tree returns the name, the mode and the bytes of everything below dir.
func tree(t T, dir string) map[string]string {
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content := []byte(nil)
		if entry.Type().IsRegular() {
			content, err = os.ReadFile(path)
		}
		all[path] = fmt.Sprintf("%v %x", info.Mode(), content)
		return err
	}))
	return all
}

// onDisk makes one call that must fail and leave the folder as it is.
func (p probe) onDisk(t T, dir string, do func() error) {
	t.Helper()
	before := tree(t, dir)
	p.refused(t, do())
	require.Equal(t, before, tree(t, dir), "%s: the folder was changed", p.function)
}

const (
	// fullAt is how large a file may grow on the disk that is full. What the testing
	// package itself writes stays below it.
	fullAt = 4 << 20
	// large is more than that.
	large = 5 << 20
)

// whileFull makes a call while no file of this process can grow beyond fullAt.
func whileFull(t T, do func() error) error {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var old unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &old))
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: fullAt, Max: old.Max}))
	defer func() { require.NoError(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &old)) }()
	return do()
}

// logWith is an open log of a chain of two members and n certificates.
func logWith(p probe, n int) (l *certlog.Log, dir string, chain cert.Chain) {
	dir = p.TempDir()
	l = must(certlog.Create(dir))
	p.Cleanup(func() { l.Close() })
	require.NoError(p, l.Append(genesisOf(2)))
	chain = chainOf(2)
	for range n - 1 {
		c := mergeOf(chain, 2, func(*cert.MergeBody) {})
		require.NoError(p, l.Append(c))
		chain = must(chain.Check(c))
	}
	require.NoError(p, os.MkdirAll(filepath.Dir(certlog.VotePath(dir, "m0")), 0o700))
	return l, dir, chain
}

// sameLog makes a call on the log that must fail, and leave its file and what it
// tells as they are.
func (p probe) sameLog(t T, l *certlog.Log, dir string, do func() error) {
	t.Helper()
	count, head, records := l.Count(), l.Head(), l.Records()
	p.onDisk(t, dir, do)
	require.Equal(t, count, l.Count())
	require.Same(t, head, l.Head())
	require.Equal(t, records, l.Records())
}

func logSubjects() map[string]func(p probe) {
	damagedLog := func(p probe) string {
		l, dir, _ := logWith(p, 2)
		require.NoError(p, l.Close())
		path := certlog.Path(dir)
		b := must(os.ReadFile(path))
		b[len(b)-5] ^= 1
		require.NoError(p, os.WriteFile(path, b, 0o644))
		return dir
	}
	logBytes := func() [][]byte {
		good := certlog.AppendHeader(nil)
		return [][]byte{
			must(cert.AppendRecord(good, genesisOf(2))), good[:9], edited(good, func(b []byte) { b[0] = 1 }), edited(good, func(b []byte) { b[9] = 7 }), edited(good, func(b []byte) { b[15] = 1 }),
		}
	}
	return map[string]func(p probe){
		"certlog.Create": func(p probe) {
			l, dir, _ := logWith(p, 2)
			p.sameLog(p, l, dir, func() error { return second(certlog.Create(dir)) }) // it is locked
			require.NoError(p, l.Close())
			p.onDisk(p, dir, func() error { return second(certlog.Create(dir)) })
		},
		"certlog.Open": func(p probe) {
			l, dir, _ := logWith(p, 2)
			p.sameLog(p, l, dir, func() error { return second(certlog.Open(dir)) })
			bad := damagedLog(p)
			p.onDisk(p, bad, func() error { return second(certlog.Open(bad)) })
			none := p.TempDir()
			p.onDisk(p, none, func() error { return second(certlog.Open(none)) })
			jumping := p.TempDir()
			b := certlog.AppendHeader(nil)
			for range 2 {
				b = must(cert.AppendRecord(b, genesisOf(2)))
			}
			require.NoError(p, os.WriteFile(certlog.Path(jumping), b, 0o644))
			require.NoError(p, os.WriteFile(filepath.Join(jumping, certlog.LockName), nil, 0o644))
			p.onDisk(p, jumping, func() error { return second(certlog.Open(jumping)) })
		},
		"certlog.OpenOn": func(p probe) {
			for step := 1; ; step++ {
				disk, want := diskLog(p)
				disk.FailAt(step, durabletest.NotDone)
				_, err := certlog.OpenOn(disk, onDiskPath)
				disk.FailAt(0, 0)
				if err == nil {
					break
				}
				p.refused(p, err)
				require.Equal(p, want, must(disk.ReadFile(onDiskPath)), "step %d", step)
			}
		},
		"certlog.Parse": func(p probe) {
			for _, b := range append(logBytes(), append(certlog.AppendHeader(nil), badRecords()[5]...)) {
				before := string(b)
				if _, err := certlog.Parse(b); err != nil {
					p.refused(p, err)
				}
				require.Equal(p, before, string(b))
			}
		},
		"certlog.Read": func(p probe) {
			dir := damagedLog(p)
			p.onDisk(p, dir, func() error { return second(certlog.Read(certlog.Path(dir))) })
		},
		"certlog.WriteFile": func(p probe) {
			dir := p.TempDir()
			path := filepath.Join(dir, "one.log")
			require.NoError(p, certlog.WriteFile(path, genesisOf(2)))
			p.onDisk(p, dir, func() error {
				return certlog.WriteFile(path, &cert.Certificate{Signatures: make([]cert.Signature, 1<<16)})
			})
			big := next(cert.Chain{}, cert.Genesis, merkle.EmptyRoot(), make([]byte, large), 2)
			p.onDisk(p, dir, func() error { return whileFull(p, func() error { return certlog.WriteFile(path, big) }) })
		},
		"certlog.Log.Append": appendToLog,
		"certlog.Log.Votes": func(p probe) {
			l, dir, _ := logWith(p, 2)
			votes := func(name string) func() error { return func() error { return second(l.Votes(name)) } }
			p.sameLog(p, l, dir, votes("nobody"))
			p.sameLog(p, l, dir, votes("../m0"))
			require.NoError(p, os.WriteFile(certlog.VotePath(dir, "m0"), []byte("no vote"), 0o600))
			p.sameLog(p, l, dir, votes("m0"))
			require.NoError(p, l.Close())
			p.onDisk(p, dir, votes("m0"))
		},
		"certlog.AppendVote": func(p probe) {
			p.appending(p, func(b []byte) ([]byte, error) { return certlog.AppendVote(b, make([]byte, certlog.MaxVote+1)) })
		},
		"certlog.ParseVote": func(p probe) {
			reading(p, [][]byte{must(certlog.AppendVote(nil, []byte("content"))), nil, make([]byte, 40)}, certlog.ParseVote)
		},
		"certlog.ReadVote": func(p probe) {
			dir := p.TempDir()
			path := filepath.Join(dir, "vote")
			p.onDisk(p, dir, func() error { return second(certlog.ReadVote(path)) })
			require.NoError(p, os.WriteFile(path, []byte("no vote"), 0o600))
			p.onDisk(p, dir, func() error { return second(certlog.ReadVote(path)) })
		},
		"certlog.VoteStore.Save": saveVotes,
	}
}

// second returns the error of a call with two results.
func second[V any](_ V, err error) error { return err }

const onDiskPath = "d/cert.log"

// diskLog is a disk in memory with a log of one certificate, and its bytes.
func diskLog(p probe) (*durabletest.Disk, []byte) {
	disk := durabletest.New("d")
	file := must(cert.AppendRecord(certlog.AppendHeader(nil), genesisOf(2)))
	require.NoError(p, durable.WriteFile(disk, onDiskPath, file, 0o644))
	return disk, file
}

// appendOnFaults appends while one operation of the disk after the other fails, in
// every way.
func appendOnFaults(p probe) {
	c := mergeOf(chainOf(2), 2, func(*cert.MergeBody) {})
	for _, outcome := range durabletest.Outcomes {
		for step := 1; ; step++ {
			disk, want := diskLog(p)
			l := must(certlog.OpenOn(disk, onDiskPath))
			head, records := l.Head(), l.Records()
			disk.FailAt(step, outcome)
			err := l.Append(c)
			disk.FailAt(0, 0)
			if err == nil {
				require.Greater(p, step, 2, "an append writes and syncs")
				break
			}
			p.refused(p, err)
			require.Same(p, head, l.Head())
			require.Equal(p, records, l.Records())
			if !errors.Is(err, certlog.ErrFatal) {
				require.Equal(p, want, must(disk.ReadFile(onDiskPath)), "step %d, outcome %d", step, outcome)
			}
		}
	}
}

func appendToLog(p probe) {
	appendOnFaults(p)
	l, dir, chain := logWith(p, 3)
	good := mergeOf(chain, 2, func(*cert.MergeBody) {})
	rapid.Check(p.T, func(t *rapid.T) {
		bad := *good
		switch rapid.IntRange(0, 3).Draw(t, "how") {
		case 0:
			bad.Envelope.BatchID += rapid.Uint64Range(1, 9).Draw(t, "by")
		case 1:
			bad.Envelope.BatchID--
		case 2:
			bad.Envelope.Prev[rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1
		default:
			bad.Signatures = make([]cert.Signature, 1<<16)
		}
		p.sameLog(t, l, dir, func() error { return l.Append(&bad) })
	})
	// A disk that is full takes some of the record, and gives it back.
	big := next(chain, cert.Merge, merkle.EmptyRoot(), make([]byte, large), 2)
	p.sameLog(p, l, dir, func() error { return whileFull(p, func() error { return l.Append(big) }) })
	require.NoError(p, l.Append(good), "the log takes the certificate all the same")
	// What a log that is dead or closed refuses changes nothing either.
	chain = must(chain.Check(good))
	after := mergeOf(chain, 2, func(*cert.MergeBody) {})
	kill(p, l, dir)
	p.sameLog(p, l, dir, func() error { return l.Append(after) })
	require.NoError(p, l.Close())
	p.sameLog(p, l, dir, func() error { return l.Append(after) })
}

// kill makes a vote of the log fail at its rename, after which nobody knows what the
// disk holds.
func kill(p probe, l *certlog.Log, dir string) *certlog.VoteStore {
	require.NoError(p, os.MkdirAll(filepath.Dir(certlog.VotePath(dir, "doomed")), 0o700))
	votes := must(l.Votes("doomed"))
	require.NoError(p, os.MkdirAll(filepath.Join(certlog.VotePath(dir, "doomed"), "inside"), 0o700))
	require.ErrorIs(p, votes.Save([]byte("vote")), certlog.ErrFatal)
	return votes
}

func saveVotes(p probe) {
	l, dir, _ := logWith(p, 2)
	votes := must(l.Votes("m0"))
	same := func(do func() error) {
		content, there := votes.Load()
		p.sameLog(p, l, dir, do)
		now, still := votes.Load()
		require.Equal(p, content, now)
		require.Equal(p, there, still)
	}
	full := func() error { return whileFull(p, func() error { return votes.Save(make([]byte, large)) }) }
	same(full)
	require.NoError(p, votes.Save([]byte("second")))
	same(full)
	same(func() error { return votes.Save(make([]byte, certlog.MaxVote+1)) })
	doomed := kill(p, l, dir)
	same(func() error { return votes.Save([]byte("fourth")) })
	same(func() error { return doomed.Save([]byte("fourth")) })
	require.NoError(p, l.Close())
	same(func() error { return votes.Save([]byte("fifth")) })
}

// faulty makes calls on a disk in memory of which one operation after the other
// fails; what a process sees of the file must be as before, unless the error says
// that this is unknown.
func faulty(p probe, do func(disk durable.FS) error) {
	for step := 1; ; step++ {
		disk := durabletest.New("d")
		require.NoError(p, durable.WriteFile(disk, "d/f", []byte("old"), 0o600))
		require.NoError(p, durable.WriteFile(disk, "d/g", []byte("other"), 0o600))
		disk.FailAt(step, durabletest.NotDone)
		err := do(disk)
		disk.FailAt(0, 0)
		if err == nil {
			require.Greater(p, step, 1)
			return
		}
		p.refused(p, err)
		names := must(disk.List("d"))
		var unknown *durable.UnknownError
		if !errors.As(err, &unknown) {
			require.Subset(p, []string{"f", "g"}, names)
		}
		got := must(disk.ReadFile("d/f"))
		if unknown == nil || unknown.Op == "rename" {
			require.Equal(p, "old", string(got), "step %d: %v", step, err)
		}
	}
}

func fileSubjects() map[string]func(p probe) {
	missing := func(do func(path string) error) func(p probe) {
		return func(p probe) {
			dir := p.TempDir()
			require.NoError(p, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
			require.NoError(p, os.WriteFile(filepath.Join(dir, "folder", "file"), []byte("content"), 0o600))
			p.onDisk(p, dir, func() error { return do(filepath.Join(dir, "none", "none")) })
		}
	}
	notRegular := func(do func(path string) error) func(p probe) {
		return func(p probe) {
			missing(do)(p)
			dir := p.TempDir()
			require.NoError(p, os.Mkdir(filepath.Join(dir, "x.omega"), 0o700))
			p.onDisk(p, dir, func() error { return do(filepath.Join(dir, "x.omega")) })
		}
	}
	disk := durable.OS{}
	subjects := map[string]func(p probe){
		"durable.CheckRegular": notRegular(durable.CheckRegular),
		"durable.ReadUpTo":     notRegular(func(path string) error { return second(durable.ReadUpTo(path, 9, nil)) }),
		"durable.OS.OpenWrite": notRegular(func(path string) error { return second(disk.OpenWrite(path)) }),
		"durable.OS.ReadFile":  notRegular(func(path string) error { return second(disk.ReadFile(path)) }),
		"durable.OS.Create":    missing(func(path string) error { return second(disk.Create(path, 0o600)) }),
		"durable.OS.List":      missing(func(path string) error { return second(disk.List(path)) }),
		"durable.OS.Remove":    missing(disk.Remove),
		"durable.OS.Rename":    missing(func(path string) error { return disk.Rename(path, path+"2") }),
		"durable.OS.SyncDir":   missing(disk.SyncDir),
		"durable.SyncParent":   missing(func(path string) error { return durable.SyncParent(disk, path) }),
		"durable.Clean":        missing(func(path string) error { return durable.Clean(disk, path) }),
		"durable.MkdirAll": func(p probe) {
			dir := p.TempDir()
			path := filepath.Join(dir, "file")
			require.NoError(p, os.WriteFile(path, nil, 0o600))
			p.onDisk(p, dir, func() error { return durable.MkdirAll(filepath.Join(path, "below"), 0o700) })
		},
		"durable.WriteFile": func(p probe) {
			faulty(p, func(disk durable.FS) error { return durable.WriteFile(disk, "d/f", []byte("new"), 0o600) })
		},
		"durable.CreateFile": func(p probe) {
			faulty(p, func(disk durable.FS) error { return durable.CreateFile(disk, "d/h", []byte("new"), 0o600) })
		},
		"durable.Replace": func(p probe) {
			faulty(p, func(disk durable.FS) error { return durable.Replace(disk, "d/g", "d/f") })
		},
		"durable.Sync": func(p probe) {
			faulty(p, func(disk durable.FS) error {
				f, err := disk.OpenWrite("d/f")
				if err != nil {
					return err
				}
				return durable.Sync(f, "d/f")
			})
		},
		"omegalog.Open":           notRegular(func(path string) error { return second(omegalog.Open(path)) }),
		"omegalog.Create":         missing(func(path string) error { return second(omegalog.Create(path, 1)) }),
		"omegalog.ReadSignature":  missing(func(path string) error { return second(omegalog.ReadSignature(path)) }),
		"omegalog.Arena.Alloc":    missing(func(path string) error { return second(omegalog.NewArena(path, 0).Alloc(5)) }),
		"omegalog.WriteSignature": missing(func(path string) error { return omegalog.WriteSignature(path, &omegalog.Signature{}) }),
	}
	for name, s := range map[string]func(p probe){
		"omegalog.OmegaLogView.Header":  viewSubject(func(v *omegalog.OmegaLogView) error { return second(v.Header()) }),
		"omegalog.OmegaLogView.Section": viewSubject(func(v *omegalog.OmegaLogView) error { return second(v.Section()) }),
		"omegalog.OmegaLogView.Check":   changedSubject(func(v *omegalog.OmegaLogView) error { return v.Check() }),
		"omegalog.Guard": changedSubject(func(v *omegalog.OmegaLogView) error {
			return omegalog.Guard(func() error { return second(v.Section()) }, v)
		}),
		"omegalog.Writer.Append":       writerSubject,
		"omegalog.Writer.Close":        writerSubject,
		"omegalog.Sign":                signSubject,
		"omegalog.ParseSignature":      signSubject,
		"omegalog.Signature.Verify":    signSubject,
		"omegalog.Signature.VerifyKey": signSubject,
	} {
		subjects[name] = s
	}
	return subjects
}

// viewSubject reads damaged files through a view.
func viewSubject(read func(v *omegalog.OmegaLogView) error) func(p probe) {
	return func(p probe) {
		dir := p.TempDir()
		path := filepath.Join(dir, "x.omega")
		for _, file := range badFiles() {
			require.NoError(p, os.WriteFile(path, file, 0o600))
			v := must(omegalog.Open(path))
			before := tree(p, dir)
			if err := read(v); err != nil {
				p.refused(p, err)
			}
			require.Equal(p, before, tree(p, dir))
			require.Equal(p, file, append([]byte{}, v.Bytes()...))
			require.NoError(p, v.Close())
		}
	}
}

// changedSubject looks at files that were changed under the map.
func changedSubject(look func(v *omegalog.OmegaLogView) error) func(p probe) {
	return func(p probe) {
		dir := p.TempDir()
		path := filepath.Join(dir, "x.omega")
		for _, size := range []int64{0, 40, 4000} {
			require.NoError(p, os.WriteFile(path, fileOf(eventAt(1, 1), eventAt(2, 2)), 0o600))
			v := must(omegalog.Open(path))
			require.NoError(p, os.Truncate(path, size))
			p.onDisk(p, dir, func() error { return look(v) })
			require.NoError(p, v.Close())
		}
	}
}

func writerSubject(p probe) {
	dir := p.TempDir()
	path := filepath.Join(dir, "x.omega")
	require.NoError(p, os.WriteFile(path, []byte("older"), 0o600))
	w := must(omegalog.Create(path, 1))
	require.NoError(p, w.Append(eventAt(1, 1)))
	for _, bad := range badBodies() {
		frames := w.Frames()
		err := w.Append(bad)
		require.Error(p, err)
		if p.function == "omegalog.Writer.Append" {
			p.refused(p, err)
		}
		require.Equal(p, frames, w.Frames())
	}
	require.NoError(p, w.Append(eventAt(2, 2)))
	require.NoError(p, w.Close())
	require.Equal(p, fileOf(eventAt(1, 1), eventAt(2, 2)), must(os.ReadFile(path)), "a refused event has left something in the file")
	p.onDisk(p, dir, func() error {
		if p.function == "omegalog.Writer.Append" {
			return w.Append(eventAt(3, 3))
		}
		return w.Close()
	})
	before := tree(p, dir)
	full := must(omegalog.Create(path, 1))
	e := event.Event{Payload: make([]byte, large)}
	require.NoError(p, full.Append(must(e.Append(nil))))
	for range 2 { // the second call tells the same
		err := whileFull(p, full.Close)
		require.Error(p, err)
		if p.function == "omegalog.Writer.Close" {
			p.refused(p, err)
		}
	}
	require.Equal(p, before, tree(p, dir), "a full disk has changed the folder")
}

// privateKey signs sections.
type privateKey int

func (k privateKey) Public() cert.PublicKey             { return rosterOf(3)[k].Key }
func (k privateKey) Sign(message []byte) cert.Signature { return signature(int(k), message) }

func signSubject(p probe) {
	section := omegalog.Section{Node: 1, Count: 2, Root: merkle.Hash{3}}
	chain, roster := cert.Hash{4}, rosterOf(3)
	good := must(omegalog.Sign(chain, section, privateKey(1)))
	switch p.function {
	case "omegalog.Sign":
		got, err := omegalog.Sign(chain, omegalog.Section{Node: frame.Mixed}, privateKey(0))
		p.refused(p, err)
		require.Nil(p, got)
	case "omegalog.ParseSignature":
		b := good.Append(nil)
		edit := func(at int) []byte { return edited(b, func(b []byte) { b[at] ^= 1 }) }
		reading(p, [][]byte{b, b[1:], edit(0), edit(9), edit(50), crc(edited(b, func(b []byte) { copy(b[42:], "\xff\xff\xff\xff") }))}, omegalog.ParseSignature)
	default:
		for i, change := range []func(s *omegalog.Signature){
			func(s *omegalog.Signature) { s.Chain[0] ^= 1 }, func(s *omegalog.Signature) { s.Section.Node = 2 }, func(s *omegalog.Signature) { s.Section.Count++ },
			func(s *omegalog.Signature) { s.Section.Root[0] ^= 1 }, func(s *omegalog.Signature) { s.Key[0] ^= 1 }, func(s *omegalog.Signature) { s.Signature[0] ^= 1 },
		} {
			bad, same := *good, *good
			change(&bad)
			change(&same)
			if p.function == "omegalog.Signature.VerifyKey" {
				p.refused(p, bad.VerifyKey())
			} else {
				member, err := bad.Verify(chain, section, roster)
				p.refused(p, err)
				require.Zero(p, member)
			}
			require.Equal(p, same, bad, "%d", i)
			require.Equal(p, rosterOf(3), roster)
		}
	}
}
