package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/impl/audit"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// errAdmitted says that the program admitted what it must refuse.
var errAdmitted = errors.New("a falsified history was admitted")

// forge hands over the last batch with a copy of one section in which one event
// has another value.
func (s *show) forge(ctx context.Context) error {
	s.title("4. Somebody forges one event in a copy of a section")
	copied := filepath.Join(s.dir, "forged.omega")
	if err := alter(s.last[0], copied, false); err != nil {
		return err
	}
	var err error
	s.report.Obstruction.Forged, err = s.refuse(ctx, append(s.last[:len(s.last):len(s.last)], copied))
	return err
}

// rewrite hands over an event that is certified already, with another value.
func (s *show) rewrite(ctx context.Context) error {
	s.title("5. Somebody rewrites one certified event, later")
	batch := &s.batches[0]
	rewritten := filepath.Join(s.dir, "rewritten.omega")
	if err := alter(filepath.Join(batch.Dir, batch.Sections[0]), rewritten, true); err != nil {
		return err
	}
	var err error
	s.report.Obstruction.Rewritten, err = s.refuse(ctx, []string{rewritten})
	return err
}

// alter copies a section with the value of its first event changed; alone leaves
// the other events out.
func alter(from, to string, alone bool) error {
	view, err := omegalog.Open(from)
	if err != nil {
		return err
	}
	defer view.Close()
	return omegalog.Guard(func() error {
		header, err := frame.ParseHeader(view.Bytes())
		if err != nil {
			return err
		}
		w, err := omegalog.Create(to, header.Node)
		if err != nil {
			return err
		}
		defer w.Abort()
		for f, err := range view.Events() {
			if err != nil {
				return err
			}
			if alone && w.Frames() > 0 {
				break
			}
			if err := w.Append(altered(f.Event, w.Frames() == 0)); err != nil {
				return err
			}
		}
		return w.Close()
	}, view)
}

// altered returns the event's bytes, or those of one that differs in its value.
func altered(v event.View, change bool) []byte {
	if !change {
		return v
	}
	e := v.Event()
	e.Value ^= 1 << 10
	b, err := e.Append(nil)
	if err != nil {
		panic(err) // e came from a valid event and has its size
	}
	return b
}

// refuse tries to certify the files as the next batch, and shows the obstruction.
func (s *show) refuse(ctx context.Context, files []string) (*Refusal, error) {
	before := s.folder.Chain.Head
	out, err := s.folder.Certify(ctx, node.Batch{Height: s.folder.Chain.Length, Files: files})
	if err != nil {
		return nil, err
	}
	if out.Certificate != nil || out.Result.Merged() || s.folder.Chain.Head != before {
		return nil, errAdmitted
	}
	o := &out.Result.Obstructions[0]
	r := &Refusal{Kind: o.Kind.String(), Key: o.Key.String()}
	s.say("   refused: %v: one key, two contents. Key %v", o.Kind, o.Key)
	for _, f := range o.Frames {
		r.Frames = append(r.Frames, fmt.Sprintf("%s:%d", f.File, f.Offset))
		s.say("     %-9s %s, offset %d", s.standing(f, files, out.Signatures), s.short(f.File), f.Offset)
	}
	s.say("   nothing was written; the head is still %v", before)
	return r, nil
}

// standing says what vouches for a frame.
func (s *show) standing(f invariant.Frame, files []string, states []node.SignatureState) string {
	for i, name := range files {
		if name == f.File {
			return string(states[i])
		}
	}
	return "certified"
}

func (s *show) short(path string) string {
	if rel, err := filepath.Rel(s.dir, path); err == nil {
		return rel
	}
	return path
}

// tamper changes one byte in a copy of cert.log and audits it.
func (s *show) tamper(context.Context) error {
	s.title("7. Somebody changes one byte of the chain on disk")
	log, err := os.ReadFile(certlog.Path(s.data))
	if err != nil {
		return err
	}
	at := len(log) / 2
	log[at] ^= 1
	path := filepath.Join(s.dir, "tampered-cert.log")
	if err := os.WriteFile(path, log, 0o644); err != nil {
		return err
	}
	report, err := audit.Log(path, audit.Options{})
	if err != nil {
		return err
	}
	s.report.Tampered = verdict(report)
	if report.OK {
		return errAdmitted
	}
	s.say("   byte %d of a copy of cert.log: %s at height %d, offset %d", at,
		report.FirstError.Kind, report.FirstError.Height, report.FirstError.Offset)
	return nil
}
