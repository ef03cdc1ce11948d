// Package demo shows the whole of OMEGA on a real history: it imports one, has
// four members certify it batch by batch, audits the chain from raw bytes, and
// then tries to falsify it, three times, to show what is refused and why.
//
// The history is that of a git repository, whose authors are nodes and whose
// commits are events; where there is none, a real one that comes with the
// program (package bundled). The members' keys are real and on disk, the quorum
// runs by messages on a bus in memory.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/impl/audit"
	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/importer/bundled"
	"github.com/omega-sheaf-os/omega/impl/importer/git"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node"
)

// batches is how many certificates the demo cuts a history into, where it is long
// enough.
const batches = 8

// Options say what to show.
type Options struct {
	Repo     string // a git repository; "": the one we stand in, or else the bundled history
	Members  int
	Program  string    // how the reader calls this program
	Out      io.Writer // what happens, as it happens, for people
	Progress func(done, total int)
}

// Refusal is one attempt that was refused.
type Refusal struct {
	Kind   string   `json:"kind"`
	Key    string   `json:"key"`
	Frames []string `json:"frames"` // "file:offset"
}

// Verdict is the outcome of an audit.
type Verdict struct {
	OK           bool           `json:"ok"`
	Pinned       bool           `json:"pinned"`
	Certificates uint64         `json:"certificates"`
	Events       uint64         `json:"events"`
	Signatures   uint64         `json:"signatures"`
	FirstError   *audit.Finding `json:"first_error"`
}

// Report is what the demo came to.
type Report struct {
	OK           bool     `json:"ok"`
	Source       string   `json:"source"`
	Members      int      `json:"members"`
	Events       uint64   `json:"events"`
	Batches      int      `json:"batches"`
	Certificates uint64   `json:"certificates"`
	Genesis      string   `json:"genesis"`
	Head         string   `json:"head"`
	State        string   `json:"state_hash"`
	Roots        []string `json:"roots"`
	Obstruction  struct {
		Forged    *Refusal `json:"forged"`
		Rewritten *Refusal `json:"rewritten"`
	} `json:"obstruction"`
	Tampered *Verdict `json:"tampered"` // of a copy of cert.log with one byte changed
	Audit    *Verdict `json:"audit"`
	Folder   string   `json:"folder"` // where it all lies
}

// show is a demo under way.
type show struct {
	Options
	dir     string // of everything
	data    string
	batches []importer.Batch
	last    []string // the signed sections of the last batch
	report  *Report
	folder  *node.Folder
}

// Run runs the demo in a new folder below the system's temporary one, which it
// leaves there to be looked at.
func Run(ctx context.Context, o Options) (*Report, error) {
	dir, err := os.MkdirTemp("", "omega-demo-")
	if err != nil {
		return nil, err
	}
	s := &show{Options: o, dir: dir, data: filepath.Join(dir, "data"), report: &Report{Members: o.Members, Folder: dir}}
	if err := s.run(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s.report, nil
}

func (s *show) run(ctx context.Context) error {
	acts := []func(context.Context) error{
		s.importHistory, s.found, s.certifyAllButLast, s.forge, s.certifyLast, s.rewrite, s.auditAll, s.tamper,
	}
	defer func() {
		if s.folder != nil {
			s.folder.Close()
		}
	}()
	for _, act := range acts {
		if err := errors.Join(act(ctx), ctx.Err()); err != nil {
			return err
		}
	}
	s.report.OK = s.report.Audit.OK && !s.report.Tampered.OK
	s.next()
	return nil
}

func (s *show) say(format string, args ...any) { fmt.Fprintf(s.Out, format+"\n", args...) }

func (s *show) title(format string, args ...any) { s.say("\n"+format, args...) }

// importHistory gets sections from the repository, or the bundled ones, and cuts
// them into batches.
func (s *show) importHistory(ctx context.Context) error {
	sections := filepath.Join(s.dir, "sections")
	s.title("1. A real history becomes sections")
	if err := s.obtain(ctx, sections); err != nil {
		return err
	}
	names, err := importer.ReadNames(sections)
	if err != nil {
		return err
	}
	for _, n := range names {
		s.report.Events += n.Events
	}
	bounds, err := importer.Cut(ctx, sections, batches)
	if err != nil {
		return err
	}
	s.batches, _, err = importer.Split(ctx, sections, bounds, filepath.Join(s.dir, "batches"))
	if err != nil {
		return err
	}
	s.report.Batches = len(s.batches)
	s.say("   %d events by %d nodes, one .omega section each; cut by Lamport time into %d batches",
		s.report.Events, len(names), len(s.batches))
	for i, n := range names[:min(len(names), 4)] {
		s.say("   node %-4d %-24s %6d events", n.Node, n.Name, n.Events)
		if i == 3 && len(names) > 4 {
			s.say("   ... and %d more", len(names)-4)
		}
	}
	return s.makeChain(names)
}

func (s *show) obtain(ctx context.Context, sections string) error {
	repo := s.Repo
	if repo == "" {
		repo = "."
	}
	summary, err := git.Import(ctx, git.Options{Repo: repo, Output: sections, Progress: s.Progress})
	if err == nil {
		s.report.Source = "git " + repo
		if s.Repo == "" {
			s.report.Source = "git"
		}
		s.say("   the git repository %s: %d commits, longest causal path %d, %d merges, %d roots",
			repo, summary.Commits, summary.MaxLamport, summary.Merges, summary.Roots)
		return nil
	}
	why := noHistory(err)
	if s.Repo != "" || ctx.Err() != nil || why == nil {
		return err
	}
	s.say("   no history to take here: %v", why)
	s.say("   so the one that comes with the program: the first commits of etcd")
	s.report.Source = "bundled"
	return bundled.Write(sections)
}

// noHistory returns why the place we stand in has no history to show, or nil
// where err is about something else.
func noHistory(err error) error {
	for _, e := range []error{git.ErrNotRepository, git.ErrShallow, git.ErrEmpty, git.ErrNoGit} {
		if errors.Is(err, e) {
			return e
		}
	}
	return nil
}

// makeChain gives each node to a member and makes the chain.
func (s *show) makeChain(names []importer.Name) error {
	seats := node.DefaultSeats(s.Members)
	for i := range seats {
		seats[i].Nodes = nil
	}
	for i, n := range names {
		seat := &seats[i%len(seats)]
		seat.Nodes = append(seat.Nodes, n.Node)
	}
	s.title("2. %d members found a chain", s.Members)
	genesis, err := node.Init(s.data, seats)
	if err != nil {
		return err
	}
	s.report.Genesis = genesis.Envelope.Hash().String()
	s.say("   each has an Ed25519 key and answers for the sections of its nodes")
	s.say("   genesis %s", s.report.Genesis)
	return nil
}

// found opens the chain for writing.
func (s *show) found(context.Context) (err error) {
	s.folder, err = node.Open(s.data, nil)
	return err
}

// files returns the section files of a batch, signed by their writers.
func (s *show) files(ctx context.Context, b *importer.Batch) ([]string, error) {
	files := make([]string, len(b.Sections))
	for i, name := range b.Sections {
		files[i] = filepath.Join(b.Dir, name)
	}
	return files, s.folder.SignSections(ctx, files, nil)
}

func (s *show) certifyAllButLast(ctx context.Context) error {
	s.title("3. Batch by batch: glue, check, prepare, lock, commit")
	for i := range s.batches {
		files, err := s.files(ctx, &s.batches[i])
		if err != nil {
			return err
		}
		if i == len(s.batches)-1 {
			s.last = files
			return nil
		}
		if err := s.certify(ctx, files); err != nil {
			return err
		}
	}
	return nil
}

func (s *show) certifyLast(ctx context.Context) error {
	s.say("   without the forged copy:")
	return s.certify(ctx, s.last)
}

func (s *show) certify(ctx context.Context, files []string) error {
	height := s.folder.Chain.Length
	out, err := s.folder.Certify(ctx, node.Batch{Height: height, Files: files})
	if err != nil {
		return err
	}
	if out.Certificate == nil {
		return fmt.Errorf("batch %d of a history that should be causal has %d obstructions, the first: %v of %v",
			height, len(out.Result.Obstructions), out.Result.Obstructions[0].Kind, out.Result.Obstructions[0].Key)
	}
	root := out.Result.TraceRoot.String()
	s.report.Roots = append(s.report.Roots, root)
	s.say("   height %-3d merge  %7d events from %4d sections  root %s  %d of %d signatures",
		height, out.Result.Events, len(files), root[:16], len(out.Certificate.Signatures), s.Members)
	s.report.Head = s.folder.Chain.Head.String()
	s.report.State = s.folder.Chain.State.String()
	s.report.Certificates = s.folder.Chain.Length
	return nil
}

func (s *show) auditAll(context.Context) error {
	s.title("6. Anyone can check it, from raw bytes, with public keys alone")
	genesis, err := cert.ParseHash(s.report.Genesis)
	if err != nil {
		return err
	}
	report, err := audit.Folder(s.data, audit.Options{Genesis: &genesis})
	if err != nil {
		return err
	}
	s.report.Audit = verdict(report)
	if !report.OK {
		s.say("   the audit fails: %v", report.FirstError)
		return nil
	}
	s.say("   audit: the chain holds: %d certificates, %d events, %d signatures, pinned to the genesis",
		report.Certificates, report.Events, report.Signatures)
	s.say("   head %s", s.report.Head)
	return nil
}

func verdict(r *audit.Report) *Verdict {
	return &Verdict{
		OK: r.OK, Pinned: r.Pinned, Certificates: r.Certificates, Events: r.Events, Signatures: r.Signatures,
		FirstError: r.FirstError,
	}
}

// next says what to try.
func (s *show) next() {
	last := s.batches[len(s.batches)-1]
	s.title("Try next (all of it lies in %s; remove it when you are done)", s.dir)
	for _, line := range []string{
		"audit --data " + s.data + " --genesis " + s.report.Genesis,
		"explain --input " + filepath.Join(s.data, "cert.log"),
		"ingest --input " + filepath.Join(last.Dir, last.Sections[0]),
		"reconcile --batch-id " + fmt.Sprint(s.report.Certificates) + " --data " + s.data + " --input " + filepath.Join(s.dir, "rewritten.omega"),
	} {
		s.say("   %s %s", s.Program, line)
	}
}
