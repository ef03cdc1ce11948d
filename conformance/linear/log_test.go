package linear

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
)

// logCall is a call on the log: append a certificate, ask for the head, the number
// or a height, read the file beside it, or close and open it again.
type logCall struct {
	op         string
	cert, prev cert.Hash // append
	height     uint64    // append, at
}

// logAnswer is what it came to: whether the certificate was taken, a number, or
// the hashes of certificates.
type logAnswer struct {
	ok     bool
	number uint64
	hashes string
}

// logModel is the log as a plain list of hashes.
var logModel = porcupine.Model{
	Init:  func() any { return []cert.Hash(nil) },
	Equal: func(a, b any) bool { return slices.Equal(a.([]cert.Hash), b.([]cert.Hash)) },
	Step: func(state, in, out any) (bool, any) {
		list, c := state.([]cert.Hash), in.(logCall)
		var last, at cert.Hash
		if len(list) > 0 {
			last = list[len(list)-1]
		}
		if c.height < uint64(len(list)) {
			at = list[c.height]
		}
		var want logAnswer
		switch c.op {
		case "append":
			want.ok = c.height == uint64(len(list)) && c.prev == last
			if want.ok {
				list = append(slices.Clone(list), c.cert)
			}
		case "head":
			want.hashes = last.String()
		case "at":
			want.hashes = at.String()
		case "count":
			want.number = uint64(len(list))
		case "read", "records":
			want.hashes = fmt.Sprint(list)
		}
		return out == want || out == Unknown{}, list
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
}

// bare returns a certificate that the log takes: it judges heights and links alone.
func bare(height uint64, prev cert.Hash, salt string) *cert.Certificate {
	body := []byte(salt)
	return &cert.Certificate{Envelope: plainSeal(cert.Merge, rootOf(nil), height, prev, body), Body: body, Signatures: []cert.Signature{{1}}}
}

func hashOfHead(c *cert.Certificate) cert.Hash {
	if c == nil {
		return cert.Hash{}
	}
	return plainHash(&c.Envelope)
}

// sharedLog is a log that is now and then closed and opened again.
type sharedLog struct {
	t   *testing.T
	dir string
	mu  sync.RWMutex // held for writing while the log is not there
	log *certlog.Log
	// late are the calls that their clients did not wait for.
	late sync.WaitGroup
}

func (s *sharedLog) with(do func(l *certlog.Log) logAnswer) any {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return do(s.log)
}

func (s *sharedLog) append(c *cert.Certificate) any {
	return s.with(func(l *certlog.Log) logAnswer {
		err := l.Append(c)
		if err != nil && !errors.Is(err, certlog.ErrNext) {
			s.t.Errorf("append: %v", err)
		}
		return logAnswer{ok: err == nil}
	})
}

func (s *sharedLog) reopen() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.log.Close()
	if err == nil {
		s.log, err = certlog.Open(s.dir)
	}
	if err != nil {
		s.t.Errorf("reopen: %v", err)
	}
	return logAnswer{}
}

// read reads the file as an audit does; an incomplete record at its end is one that
// is being written.
func (s *sharedLog) read() any {
	records, err := certlog.Read(certlog.Path(s.dir))
	var damage *certlog.FileError
	if err != nil && !(errors.As(err, &damage) && damage.Err.Kind == cert.RecordTorn) {
		s.t.Errorf("read: %v", err)
	}
	return recordsAnswer(records)
}

func recordsAnswer(records []certlog.Record) logAnswer {
	var hashes []cert.Hash
	for _, r := range records {
		hashes = append(hashes, plainHash(&r.Certificate.Envelope))
	}
	return logAnswer{hashes: fmt.Sprint(hashes)}
}

func (s *sharedLog) draw(h *History, client int, r *rand.Rand, salt string) {
	var do func(l *certlog.Log) logAnswer
	c := logCall{height: uint64(r.IntN(12))}
	switch n := r.IntN(16); {
	case n == 0:
		h.Do(client, logCall{op: "reopen"}, s.reopen)
		return
	case n < 3:
		h.Do(client, logCall{op: "read"}, s.read)
		return
	case n < 5:
		c.op, do = "head", func(l *certlog.Log) logAnswer { return logAnswer{hashes: hashOfHead(l.Head()).String()} }
	case n < 7:
		c.op, do = "at", func(l *certlog.Log) logAnswer { return logAnswer{hashes: hashOfHead(l.At(c.height)).String()} }
	case n < 8:
		c.op, do = "count", func(l *certlog.Log) logAnswer { return logAnswer{number: l.Count()} }
	case n < 9:
		c.op, do = "records", func(l *certlog.Log) logAnswer { return recordsAnswer(l.Records()) }
	default:
		s.appendNext(h, client, r, salt)
		return
	}
	h.Do(client, c, func() any { return s.with(do) })
}

// appendNext appends what follows the head that the client sees. Each client has
// certificates of its own, so that of those who race for a height one wins.
func (s *sharedLog) appendNext(h *History, client int, r *rand.Rand, salt string) {
	s.mu.RLock()
	head := s.log.Head()
	s.mu.RUnlock()
	next := uint64(0)
	if head != nil {
		next = head.Envelope.BatchID + 1
	}
	c := bare(next, hashOfHead(head), salt)
	in := logCall{"append", plainHash(&c.Envelope), c.Envelope.Prev, next}
	if r.IntN(8) == 0 {
		h.Forget(client, in, &s.late, func() { s.append(c) })
		return
	}
	h.Do(client, in, func() any { return s.append(c) })
}

func TestTheCertificateLogIsLinearizable(t *testing.T) {
	for round := range uint64(layer.Runs(3, 60)) {
		dir := scratch(t)
		l, err := certlog.Create(dir)
		require.NoError(t, err)
		s := &sharedLog{t: t, dir: dir, log: l}
		h := NewHistory(4)
		h.Run(func(client int) {
			r := rand.New(rand.NewPCG(round, uint64(client)))
			for i := range 25 {
				s.draw(h, client, r, fmt.Sprint(round, client, i))
			}
		})
		s.late.Wait()
		require.Positive(t, s.log.Count())
		require.NoError(t, s.log.Close())
		judge(t, "the certificate log", logModel, h.Operations())
	}
	a, b := plainHash(&bare(0, cert.Hash{}, "a").Envelope), plainHash(&bare(0, cert.Hash{}, "b").Envelope)
	put := func(hash cert.Hash) logCall { return logCall{op: "append", cert: hash} }
	for name, operations := range map[string][]porcupine.Operation{
		"two firsts":                Calls(put(a), logAnswer{ok: true}, put(b), logAnswer{ok: true}),
		"a head that was lost":      Calls(put(a), logAnswer{ok: true}, logCall{op: "head"}, logAnswer{hashes: cert.Hash{}.String()}),
		"a read before the append":  Calls(logCall{op: "at"}, logAnswer{hashes: a.String()}, put(a), logAnswer{ok: true}),
		"a refusal without reason":  Calls(put(a), logAnswer{}),
		"lost by a restart":         Calls(put(a), logAnswer{ok: true}, logCall{op: "reopen"}, logAnswer{}, logCall{op: "count"}, logAnswer{}),
		"gone again after it stood": Calls(put(a), Unknown{}, logCall{op: "count"}, logAnswer{number: 1}, logCall{op: "count"}, logAnswer{}),
	} {
		refuse(t, logModel, name, operations)
	}
}

// voteCall is a call on a member's vote file: save, load, or read it beside.
type voteCall struct{ member, op, content string }

// voteModel is each vote file as a register.
var voteModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byMember := map[string][]porcupine.Operation{}
		for _, op := range history {
			member := op.Input.(voteCall).member
			byMember[member] = append(byMember[member], op)
		}
		var all [][]porcupine.Operation
		for _, member := range sortedKeys(byMember) {
			all = append(all, byMember[member])
		}
		return all
	},
	Init: func() any { return "" },
	Step: func(state, in, out any) (bool, any) {
		c := in.(voteCall)
		if c.op == "save" {
			return out == "" || out == Unknown{}, c.content
		}
		return out == state, state
	},
}

func TestVoteFilesAreLinearizable(t *testing.T) {
	for round := range uint64(layer.Runs(2, 40)) {
		dir := scratch(t)
		l, err := certlog.Create(dir)
		require.NoError(t, err)
		stores := map[string]*certlog.VoteStore{}
		for _, member := range []string{"m-1", "m-2"} {
			require.NoError(t, os.MkdirAll(filepath.Dir(certlog.VotePath(dir, member)), 0o700))
			stores[member], err = l.Votes(member)
			require.NoError(t, err)
		}
		h := NewHistory(4)
		var late sync.WaitGroup
		h.Run(func(client int) {
			r := rand.New(rand.NewPCG(round, uint64(client)))
			for i := range 20 {
				member := fmt.Sprint("m-", 1+r.IntN(2))
				store, content := stores[member], fmt.Sprint("vote ", client, " ", i)
				save := func() any { return words(store.Save([]byte(content))) }
				switch r.IntN(8) {
				case 0, 1:
					h.Do(client, voteCall{member, "read", ""}, func() any {
						b, err := certlog.ReadVote(certlog.VotePath(dir, member))
						if errors.Is(err, os.ErrNotExist) {
							return ""
						}
						return string(b) + words(err)
					})
				case 2, 3, 4:
					h.Do(client, voteCall{member, "load", ""}, func() any {
						b, there := store.Load()
						if !there && b != nil {
							return "absent, but not empty"
						}
						return string(b)
					})
				case 5:
					h.Forget(client, voteCall{member, "save", content}, &late, func() { save() })
				default:
					h.Do(client, voteCall{member, "save", content}, save)
				}
			}
		})
		late.Wait()
		require.NoError(t, l.Close())
		judge(t, "vote files", voteModel, h.Operations())
	}
	save, load := voteCall{"m", "save", "a"}, voteCall{"m", "load", ""}
	refuse(t, voteModel, "a vote that was lost", Calls(save, "", load, ""))
	refuse(t, voteModel, "a vote from nowhere", Calls(load, "a", save, ""))
	refuse(t, voteModel, "an older vote", Calls(save, "", voteCall{"m", "save", "b"}, "", load, "a"))
}

// words is an error's text, "" where there is none.
func words(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

// lockModel is the folder's lock: held, or not.
var lockModel = porcupine.Model{
	Init: func() any { return false },
	Step: func(state, in, out any) (bool, any) {
		held := state.(bool)
		switch {
		case in == "open" && out == "opened":
			return !held, true
		case in == "open" && out == "locked":
			return held, held
		case in == "close" && out == "":
			return held, false
		}
		return false, held
	},
}

// openFolder opens the log in dir, and says how that went.
func openFolder(dir string) (*certlog.Log, string) {
	l, err := certlog.Open(dir)
	var locked *certlog.LockedError
	switch {
	case err == nil:
		return l, "opened"
	case errors.As(err, &locked) && (locked.PID == os.Getpid() || locked.PID == 0):
		return nil, "locked"
	}
	return nil, words(err)
}

// TestTheFoldersLockIsLinearizable has clients open and close one folder. Who holds it
// asks for it a second time, so that two ask at once in every run.
func TestTheFoldersLockIsLinearizable(t *testing.T) {
	for round := range uint64(layer.Runs(3, 60)) {
		dir := scratch(t)
		first, err := certlog.Create(dir)
		require.NoError(t, err)
		require.NoError(t, first.Close())
		h := NewHistory(4)
		h.Run(func(client int) {
			r := rand.New(rand.NewPCG(round, uint64(client)))
			for range 12 {
				var l, again *certlog.Log
				var said string
				if h.Do(client, "open", func() any { l, said = openFolder(dir); return said }) == "opened" {
					if h.Do(client, "open", func() any { again, said = openFolder(dir); return said }) == "opened" {
						h.Do(client, "close", func() any { return words(again.Close()) })
					}
					for range r.IntN(3) {
						_ = l.Append(bare(l.Count(), hashOfHead(l.Head()), fmt.Sprint(client)))
					}
					h.Do(client, "close", func() any { return words(l.Close()) })
				}
			}
		})
		judge(t, "the folder's lock", lockModel, h.Operations())
	}
	refuse(t, lockModel, "two holders", Calls("open", "opened", "open", "opened"))
	refuse(t, lockModel, "locked by nobody", Calls("open", "opened", "close", "", "open", "locked"))
}

// TestTheArchiveIsLinearizable asks one archive of more traces than it keeps mapped:
// each question may unmap the trace that another has just used.
func TestTheArchiveIsLinearizable(t *testing.T) {
	const merges = 300
	dir := scratch(t)
	past := archive.New(dir)
	require.NoError(t, os.Mkdir(filepath.Join(dir, archive.TracesName), 0o700))
	want := map[string]invariant.Version{}
	var keys []string
	for height := range uint64(merges) {
		events := []parts{
			{lamport: 2 * height, node: 1, id: fmt.Sprintf("%028x", height), payload: "first"},
			{lamport: 2*height + 1, node: uint32(1 + height%3), stream: 1, id: fmt.Sprintf("%028x", 7), payload: "second"},
		}
		var bytes []string
		for _, e := range events {
			bytes = append(bytes, string(e.bytes()))
		}
		path := filepath.Join(dir, archive.TracePath(height, plainRoot(bytes)))
		require.NoError(t, os.WriteFile(path, plainFile(0xFFFFFFFF, events...), 0o600))
		require.NoError(t, past.AddMerge(height, plainRoot(bytes), &cert.MergeBody{Streams: plainStreams(bytes)}))
		offset := int64(32)
		for i, e := range bytes {
			want[events[i].key()] = invariant.Version{Event: []byte(e), Frame: invariant.Frame{File: path, Offset: offset}}
			keys = append(keys, events[i].key())
			offset += int64(8 + len(e))
		}
		absent := events[0]
		absent.lamport++
		keys = append(keys, absent.key())
	}
	r := rand.New(rand.NewPCG(5, 5))
	r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	s := pure("the archive", func() []string { return keys },
		func(digits string) any {
			k := keyOf(digits)
			frontier, _ := past.Frontier(k.Node(), k.Stream())
			return results(past.Versions(&k), frontier, past.Err())
		},
		func(digits string) any {
			var versions []invariant.Version
			if v, there := want[digits]; there {
				versions = []invariant.Version{v}
			}
			last := key.Key{}
			for other := range want {
				if k := keyOf(other); digits[16:28] == other[16:28] && k.Compare(&last) > 0 {
					last = k
				}
			}
			return results(versions, last, nil)
		})
	s.check(t)
	require.NoError(t, past.Close())
}
