package member

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/audit"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// auditShare is how much longer an audit rests than it works.
const auditShare = 4

const auditName = "self-audit"

// auditAgainAndAgain audits the member's own chain until ctx ends (MAN-14).
func (m *Member) auditAgainAndAgain(ctx context.Context) {
	pause := time.NewTimer(m.cfg.Tick)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		began := time.Now()
		s := m.snapshot.Load()
		verdict := auditOnce(ctx, m.cfg.Dir, s.Chain, s.Certificates)
		m.audit.Store(&verdict)
		if !verdict.OK {
			m.cfg.Logger.Error("the self-audit fails", "error", verdict.Error)
			m.publish(News{Kind: AuditNews, Height: verdict.Certificates, Text: verdict.Error})
		}
		pause.Reset(max(m.cfg.Audit, auditShare*time.Since(began)))
	}
}

// auditOnce audits what cert.log holds now, which must be at least so many certificates
// of the chain, and the traces. It reads alone, from a copy of the log, since that grows
// meanwhile.
func auditOnce(ctx context.Context, dir string, chain cert.Hash, least uint64) AuditStatus {
	v := AuditStatus{}
	report, err := auditCopy(ctx, dir, chain)
	v.At = time.Now()
	switch {
	case err != nil:
		v.Error = err.Error()
	case report.FirstError != nil:
		v.Certificates, v.Error = report.Certificates, report.FirstError.Error()
	case report.Certificates < least:
		v.Certificates, v.Error = report.Certificates, fmt.Sprintf("the log has %d certificates, this member has appended %d", report.Certificates, least)
	default:
		v.Certificates, v.OK = report.Certificates, true
	}
	return v
}

func auditCopy(ctx context.Context, dir string, chain cert.Hash) (report *audit.Report, err error) {
	log, err := durable.OS{}.ReadFile(certlog.Path(dir))
	if err != nil {
		return nil, err
	}
	var torn *cert.RecordError
	if _, err := certlog.Parse(log); errors.As(err, &torn) && torn.Kind == cert.RecordTorn {
		log = log[:torn.Offset] // a certificate that is being appended
	}
	temp, err := os.MkdirTemp("", auditName)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	if err := os.WriteFile(certlog.Path(temp), log, 0o600); err != nil {
		return nil, err
	}
	traces, err := filepath.Abs(filepath.Join(dir, archive.TracesName))
	if err != nil {
		return nil, err
	}
	if err := os.Symlink(traces, filepath.Join(temp, archive.TracesName)); err != nil {
		return nil, err
	}
	return audit.Folder(temp, audit.Options{Genesis: &chain, Progress: rest(ctx)})
}

// rest returns what makes an audit pause after each piece of work, for longer than that
// took, and ends its goroutine when ctx ends.
func rest(ctx context.Context) func(done, total int64) {
	began := time.Now()
	return func(int64, int64) {
		pause := time.NewTimer(auditShare * time.Since(began))
		defer pause.Stop()
		select {
		case <-ctx.Done():
			runtime.Goexit()
		case <-pause.C:
		}
		began = time.Now()
	}
}
