package faults

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/audit"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// The ways in which Judge finds a promise broken. Match with errors.Is.
var (
	ErrAudit   = errors.New("a folder does not pass its audit")
	ErrFork    = errors.New("two folders hold different certificates of one height")
	ErrLost    = errors.New("an event that was acknowledged is not in the chain")
	ErrDoubled = errors.New("an event is in the chain twice")
	ErrUnequal = errors.New("the folders do not hold one chain")
)

// Verdict is what Judge has counted.
type Verdict struct {
	Certificates int
	Events       int // in the chain
	Acknowledged int // of these, and there all
}

// Judge looks at the folders of members that are all down: each passes its audit, all
// hold the same cert.log, and each event that was acknowledged is in the chain, once.
func (c *Cluster) Judge() (Verdict, error) {
	var v Verdict
	var logs [][]byte
	for _, s := range c.Seats {
		report, err := audit.Folder(s.Dir, audit.Options{})
		if err != nil {
			return v, err
		}
		if !report.OK {
			return v, fmt.Errorf("%w: %s: %v", ErrAudit, s.Dir, report.FirstError)
		}
		v.Certificates = int(report.Certificates)
		log, err := os.ReadFile(certlog.Path(s.Dir))
		if err != nil {
			return v, err
		}
		logs = append(logs, log)
	}
	if err := equal(logs); err != nil {
		return v, err
	}
	for _, s := range c.Seats {
		times, err := ChainEvents(s.Dir)
		if err != nil {
			return v, err
		}
		for e, n := range times {
			if n > 1 {
				return v, fmt.Errorf("%w: %s: %x", ErrDoubled, s.Dir, e)
			}
		}
		for e := range c.acked {
			if times[e] == 0 {
				return v, fmt.Errorf("%w: %s: %x", ErrLost, s.Dir, e)
			}
		}
		v.Events, v.Acknowledged = len(times), len(c.acked)
	}
	return v, nil
}

// equal compares logs, and tells a fork from one that is shorter than another.
func equal(logs [][]byte) error {
	for i, log := range logs[1:] {
		n := min(len(log), len(logs[0]))
		if !bytes.Equal(log[:n], logs[0][:n]) {
			return fmt.Errorf("%w: members 0 and %d", ErrFork, i+1)
		}
		if len(log) != len(logs[0]) {
			return fmt.Errorf("%w: members 0 and %d have %d and %d bytes", ErrUnequal, i+1, len(logs[0]), len(log))
		}
	}
	return nil
}

// ChainEvents counts the events of a folder's traces and obstructions.
func ChainEvents(dir string) (map[string]int, error) {
	times := map[string]int{}
	log, err := os.ReadFile(certlog.Path(dir))
	if err != nil {
		return nil, err
	}
	records, err := certlog.Parse(log)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		switch r.Certificate.Envelope.Type {
		case cert.Merge:
			e := &r.Certificate.Envelope
			if err := CountEvents(filepath.Join(dir, archive.TracePath(e.BatchID, e.TraceRoot)), times); err != nil {
				return nil, err
			}
		case cert.Obstruction:
			body, err := cert.ParseObstructionBody(r.Certificate.Body)
			if err != nil {
				return nil, err
			}
			for _, e := range body.Events {
				times[string(e)]++
			}
		}
	}
	return times, nil
}

// CountEvents counts the events of a section or trace.
func CountEvents(path string, times map[string]int) error {
	view, err := omegalog.Open(path)
	if err != nil {
		return err
	}
	for f, err := range view.Events() {
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", path, err), view.Close())
		}
		times[string(f.Event)]++
	}
	return view.Close()
}
