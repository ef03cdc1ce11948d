package audit

import (
	"errors"
	"io/fs"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// checkMerge puts a merge's trace to the rules by which it was certified, and
// adds it to the past (AUD-4).
func (a *auditor) checkMerge(c *cert.Certificate, offset int64) error {
	body, err := cert.ParseMergeBody(c.Body)
	if err != nil {
		return a.finding(string(cert.KindBody), a.log, offset, "%v", err)
	}
	if a.dir == "" {
		return nil
	}
	path := a.tracePath(&c.Envelope)
	view, err := omegalog.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return a.finding(KindTraceMissing, path, 0, "the trace of this certificate is not there")
	}
	if err != nil {
		return err
	}
	defer view.Close()
	if err := a.past.CheckTrace(view, c.Envelope.TraceRoot, body); err != nil {
		return a.ruleFinding(err)
	}
	if err := a.past.AddMerge(c.Envelope.BatchID, c.Envelope.TraceRoot, body); err != nil {
		return a.finding(archive.KindTraceOrder, path, 0, "%v", err)
	}
	a.report.Events += body.Events
	a.progress(int64(len(view.Bytes())))
	return nil
}

// checkObstruction checks that an obstruction certificate names real conflicts,
// and adds its events to the quarantine (AUD-4).
func (a *auditor) checkObstruction(c *cert.Certificate, offset int64) error {
	body, err := cert.ParseObstructionBody(c.Body)
	if err != nil {
		return a.finding(string(cert.KindBody), a.log, offset, "%v", err)
	}
	if a.dir == "" {
		return nil
	}
	if err := a.past.CheckObstruction(a.log, offset+cert.BodyOffset, body); err != nil {
		return a.ruleFinding(err)
	}
	a.report.Quarantined += a.past.AddObstruction(a.log, offset+cert.BodyOffset, body)
	return nil
}

// ruleFinding turns a broken rule into a finding. A trace that is unfit as part of
// the past was found right before, at its height: it has changed since.
func (a *auditor) ruleFinding(err error) error {
	var rule *archive.RuleError
	var trace *archive.TraceError
	switch {
	case errors.As(err, &rule):
		return a.finding(rule.Kind, rule.File, rule.Offset, "%s", rule.Message)
	case errors.As(err, &trace):
		return a.finding(archive.KindChanged, trace.Path, 0, "since it was checked: %v", trace.Err)
	}
	return err
}
