package linear

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/audit"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node"
)

// folderCall is a call on a data folder: certify a section file, read the chain, or
// audit it.
type folderCall struct {
	op   string // "certify", "read" or "audit"
	file int
}

// certified is where a certificate stands, and how many events it has taken in.
type certified struct{ height, events uint64 }

// The folder's model is its chain: the files in the order of their certificates, a
// byte each. A file certified before gives a certificate of no events, '-'.

func folderStep(state, in, out any) (bool, any) {
	chain, c := state.(string), in.(folderCall)
	switch {
	case c.op == "read":
		return out == chain || out == Unknown{}, chain
	case c.op == "audit":
		return out == len(chain)+1 || out == Unknown{}, chain
	case out == "locked":
		return true, chain
	}
	name, events := string(rune('a'+c.file)), uint64(1)
	if strings.Contains(chain, name) {
		name, events = "-", 0
	}
	next := chain + name
	return out == certified{uint64(len(next)), events} || out == Unknown{}, next
}

var folderModel = porcupine.Model{
	Init:              func() any { return "" },
	Step:              folderStep,
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
}

// childVariable makes this test binary certify a file in a folder, as a process of
// its own that may be killed: "folder|file".
const childVariable = "OMEGA_LINEAR_CHILD"

func TestMain(m *testing.M) {
	if folder, file, child := strings.Cut(os.Getenv(childVariable), "|"); child {
		_, err := certifyIn(context.Background(), folder, file)
		fmt.Fprintln(os.Stderr, err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// certifyIn opens the folder, certifies the file as its next batch and closes it.
// Where that has completed what an earlier run left behind, it certifies again.
func certifyIn(ctx context.Context, dir, file string) (where certified, err error) {
	f, err := node.Open(dir, nil)
	if err != nil {
		return where, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for {
		out, err := f.Certify(ctx, node.Batch{Height: f.Chain.Length, Files: []string{file}})
		if err != nil {
			return where, err
		}
		if !out.Resumed {
			return certified{out.Certificate.Envelope.BatchID, out.Result.Events}, nil
		}
	}
}

// impatient is a context that is over when it has been asked some times.
type impatient struct {
	context.Context
	left int
}

func (c *impatient) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// sharedFolder is a data folder that several goroutines and processes certify in.
type sharedFolder struct {
	t       *testing.T
	dir     string
	files   []string          // by number
	byRoot  map[string]string // the name of each file's event, by its trace's root
	crashed *atomic.Int64     // calls that were cut off
}

// newSharedFolder makes a chain of two members, and files of one event each, all of
// different streams, so that any order of them is admitted.
func newSharedFolder(t *testing.T, files int, crashed *atomic.Int64) *sharedFolder {
	s := &sharedFolder{t: t, dir: filepath.Join(scratch(t), "folder"), byRoot: map[string]string{rootOf(nil).String(): "-"}, crashed: crashed}
	_, err := node.Init(s.dir, node.DefaultSeats(2))
	require.NoError(t, err)
	for i := range files {
		e := parts{lamport: 1, node: uint32(10 + i), id: strings.Repeat("0", 28)}
		path := filepath.Join(t.TempDir(), "section.omega")
		require.NoError(t, os.WriteFile(path, plainFile(e.node, e), 0o600))
		s.files = append(s.files, path)
		s.byRoot[plainRoot([]string{string(e.bytes())}).String()] = string(rune('a' + i))
	}
	return s
}

func (s *sharedFolder) certify(ctx context.Context, file int) any {
	where, err := certifyIn(ctx, s.dir, s.files[file])
	var locked *certlog.LockedError
	switch {
	case err == nil:
		return where
	case errors.As(err, &locked):
		return "locked"
	case errors.Is(err, context.Canceled):
		s.crashed.Add(1)
		return Unknown{}
	}
	s.t.Errorf("certify: %v", err)
	return err
}

// kill certifies in a process of its own, which is killed after a while.
func (s *sharedFolder) kill(file int, after time.Duration) any {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+s.dir+"|"+s.files[file])
	if err := cmd.Start(); err != nil {
		s.t.Errorf("start: %v", err)
		return err
	}
	time.Sleep(after)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	s.crashed.Add(1)
	return Unknown{}
}

func (s *sharedFolder) read() any {
	v, err := node.Read(s.dir)
	var damage *certlog.FileError
	if errors.As(err, &damage) && damage.Err.Kind == cert.RecordTorn {
		return Unknown{} // a record is being written
	}
	if err != nil {
		s.t.Errorf("read: %v", err)
		return err
	}
	defer v.Close()
	chain := ""
	for _, c := range v.Certificates[1:] {
		chain += s.byRoot[c.Envelope.TraceRoot.String()]
	}
	return chain
}

// audit has an auditor look, which is told where the log changes under its eyes.
func (s *sharedFolder) audit() any {
	report, err := audit.Folder(s.dir, audit.Options{})
	switch {
	case err != nil:
		s.t.Errorf("audit: %v", err)
		return err
	case report.OK:
		return int(report.Certificates)
	case report.FirstError.Kind == archive.KindChanged || report.FirstError.Kind == string(cert.RecordTorn):
		return Unknown{}
	}
	s.t.Errorf("audit: %v", report.FirstError)
	return report.FirstError.Error()
}

func (s *sharedFolder) draw(client int, r *rand.Rand) (any, func() any) {
	file := r.IntN(len(s.files))
	switch n := r.IntN(12); {
	case n < 2:
		return folderCall{op: "read"}, s.read
	case n < 3:
		return folderCall{op: "audit"}, s.audit
	case n < 4:
		after := time.Duration(r.IntN(120)) * time.Millisecond
		return folderCall{"certify", file}, func() any { return s.kill(file, after) }
	case n < 6:
		ctx := &impatient{context.Background(), r.IntN(14)}
		return folderCall{"certify", file}, func() any { return s.certify(ctx, file) }
	}
	return folderCall{"certify", file}, func() any { return s.certify(context.Background(), file) }
}

// TestADataFolderIsLinearizable has goroutines and processes certify in one folder,
// some of them killed or cut off, while others read and audit it.
func TestADataFolderIsLinearizable(t *testing.T) {
	var crashed atomic.Int64
	s := subject{object: "a data folder", model: folderModel, rounds: 1, clients: 4, calls: 12}
	s.illegal = map[string][]porcupine.Operation{
		"two at one height":      Calls(folderCall{"certify", 0}, certified{1, 1}, folderCall{"certify", 1}, certified{1, 1}),
		"a certificate lost":     Calls(folderCall{"certify", 0}, certified{1, 1}, folderCall{op: "read"}, ""),
		"an event twice":         Calls(folderCall{"certify", 0}, certified{1, 1}, folderCall{"certify", 0}, certified{2, 1}),
		"back to an older chain": Calls(folderCall{"certify", 0}, Unknown{}, folderCall{op: "audit"}, 2, folderCall{op: "audit"}, 1),
	}
	s.start = func(t *testing.T, _ uint64) session {
		folder := newSharedFolder(t, 6, &crashed)
		return session{
			draw: folder.draw,
			end: func(t *testing.T) {
				// Whatever was cut off, the folder is whole and takes the next batch.
				last, err := certifyIn(context.Background(), folder.dir, folder.files[0])
				require.NoError(t, err)
				require.Greater(t, last.height, uint64(4), "hardly anything was certified")
				report, err := audit.Folder(folder.dir, audit.Options{})
				require.NoError(t, err)
				require.Nil(t, report.FirstError)
			},
		}
	}
	s.check(t)
	layer.Measure(t, "calls_cut_off", int(crashed.Load()))
}
