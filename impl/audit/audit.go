// Package audit re-checks a chain from raw bytes, as somebody who was not there
// and trusts nobody.
//
// Nothing stored is taken on trust: every CRC, event, leaf, root, body, link and
// signature is computed again, for the whole chain from its genesis on, and every
// trace is put to the same rules as when it was certified (clauses AUD-1 to
// AUD-4). The first thing wrong is named with its kind, height, file and offset.
//
// What an audit cannot know is whether the chain is the right one: without a
// genesis hash from elsewhere it is unpinned, and a chain made up from nothing
// audits itself.
package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

// The kinds of findings beside those of records (LOG-4), of chains (CHN-2), of
// frames (FRM-5), of obstructions (OBS-1) and of package archive (AUD-3).
const (
	KindEmpty        = "no-certificate"
	KindGenesisPin   = "genesis-pin"
	KindHeadPin      = "head-pin"
	KindTraceMissing = "trace-missing"
	KindRosterFile   = "roster-file"
	KindKeyFile      = "key-file"
	KindVoteFile     = "vote-file"
	KindLockFile     = "lock-file"
)

// Finding is the first thing wrong. Height is that of the certificate being
// checked; Offset is in bytes from the start of File (AUD-3).
type Finding struct {
	Kind    string `json:"kind"`
	Height  uint64 `json:"height"`
	File    string `json:"file"`
	Offset  int64  `json:"offset"`
	Message string `json:"message"`
}

func (f *Finding) Error() string {
	return fmt.Sprintf("%s at height %d, %s, offset %d: %s", f.Kind, f.Height, f.File, f.Offset, f.Message)
}

// Report is the outcome of an audit. The counts are of what was checked and
// found right, up to the first error.
type Report struct {
	OK            bool       `json:"ok"`
	Pinned        bool       `json:"pinned"`
	Genesis       cert.Hash  `json:"-"`
	Head          cert.Hash  `json:"-"`
	Certificates  uint64     `json:"certificates"`
	Merges        uint64     `json:"merges"`
	Obstructions  uint64     `json:"obstructions"`
	Events        uint64     `json:"events"`
	Quarantined   uint64     `json:"quarantined"`
	Signatures    uint64     `json:"signatures"`
	RosterChanges uint64     `json:"roster_changes"`      // what each changes is in the notes
	Traces        bool       `json:"traces"`              // whether the events themselves were there to check
	Successor     *Successor `json:"successor,omitempty"` // only of a chain that succeeds another
	FirstError    *Finding   `json:"first_error"`
	Notes         []string   `json:"notes"` // what is no error, and worth a look
	Chain         cert.Chain `json:"-"`
}

// Options pin an audit and follow it.
type Options struct {
	Genesis *cert.Hash // the chain's name, from elsewhere
	Head    *cert.Hash // the cert_hash of the last certificate, from elsewhere
	// Predecessor is the data folder, or the cert.log, of the chain that this one
	// succeeds; "" where there is none to look at (AUD-6).
	Predecessor string
	Progress    func(done, total int64) // bytes of cert.log and traces; may be nil
	// Certificate, if not nil, is shown each certificate that was found right, and the
	// members who have signed it. Its bytes are valid until it returns.
	Certificate func(c *cert.Certificate, signers cert.Roster)
}

// Folder audits a data folder: cert.log, every trace, and every other file in it
// (AUD-1). The error is for what could not be read at all; what is wrong with
// what was read is in the report.
func Folder(dir string, opt Options) (*Report, error) {
	a := newAuditor(dir, opt)
	defer a.past.Close()
	return a.run(filepath.Join(dir, certlog.Name))
}

// Log audits a cert.log alone, or a certificate file that begins with a genesis:
// everything but the events, which it does not hold (AUD-2).
func Log(path string, opt Options) (*Report, error) {
	return newAuditor("", opt).run(path)
}

// newAuditor returns the auditor of a data folder, or with "" of a log alone.
func newAuditor(dir string, opt Options) *auditor {
	return &auditor{dir: dir, opt: opt, past: archive.New(dir), keys: map[string][]cert.PublicKey{}, traces: map[string]bool{}}
}

type auditor struct {
	dir    string // "" for a log alone
	opt    Options
	past   *archive.Past
	report Report

	log     string // path of the log
	chain   cert.Chain
	rosters []since
	keys    map[string][]cert.PublicKey // of all rosters so far, by name
	hashes  []cert.Hash                 // cert_hash by height
	traces  map[string]bool             // paths of merges' traces below dir
	done    int64
	total   int64
}

func (a *auditor) run(log string) (*Report, error) {
	a.log = log
	view, err := omegalog.Open(log)
	if err != nil {
		return nil, err
	}
	defer view.Close()
	a.total = int64(len(view.Bytes())) + a.traceBytes()
	a.report.Traces = a.dir != ""
	err = omegalog.Guard(func() error { return a.checkAll(view.Bytes()) }, view)
	var (
		finding *Finding
		changed *omegalog.ChangedError
	)
	switch {
	case err == nil:
		a.report.OK = true
	case errors.As(err, &finding):
		a.report.FirstError = finding
	case errors.As(err, &changed):
		a.report.FirstError = a.finding(archive.KindChanged, changed.Path, changed.Offset, "%s", changed.Message)
	default:
		return nil, err
	}
	a.report.Genesis, a.report.Head, a.report.Chain = a.chain.Name, a.chain.Head, a.chain
	a.report.Pinned = a.opt.Genesis != nil
	return &a.report, nil
}

func (a *auditor) checkAll(file []byte) error {
	if err := a.checkLog(file); err != nil {
		return err
	}
	if err := a.checkPins(); err != nil {
		return err
	}
	if a.dir == "" {
		return nil
	}
	return a.checkRest()
}

func (a *auditor) finding(kind, file string, offset int64, format string, args ...any) *Finding {
	return &Finding{Kind: kind, Height: a.chain.Length, File: file, Offset: offset, Message: fmt.Sprintf(format, args...)}
}

// checkLog checks each record of cert.log as the chain's next certificate, up to
// the first damage.
func (a *auditor) checkLog(file []byte) error {
	records, damage := certlog.Parse(file)
	for _, r := range records {
		if err := a.checkCertificate(r.Certificate, r.Offset); err != nil {
			return err
		}
		a.progress(r.Size)
	}
	if damage != nil {
		return a.recordFinding(damage)
	}
	if a.chain.Length == 0 {
		return a.finding(KindEmpty, a.log, int64(len(file)), "the log has no certificate, not even a genesis")
	}
	return nil
}

func (a *auditor) checkCertificate(c *cert.Certificate, offset int64) error {
	next, err := a.chain.Check(c)
	var bad *cert.CheckError
	if errors.As(err, &bad) {
		return a.finding(string(bad.Kind), a.log, offset, "%s", bad.Message)
	}
	if a.chain.Length == 0 && a.opt.Genesis != nil && next.Name != *a.opt.Genesis {
		return a.finding(KindGenesisPin, a.log, offset, "the chain is %v, pinned is %v%s", next.Name, *a.opt.Genesis, a.succeeds(c))
	}
	switch c.Envelope.Type {
	case cert.Genesis:
		err = a.checkGenesis(c, offset)
	case cert.Merge:
		err = a.checkMerge(c, offset)
	case cert.Obstruction:
		err = a.checkObstruction(c, offset)
	}
	if err != nil {
		return err
	}
	a.accept(c, next)
	return nil
}

// accept counts a certificate that was found right.
func (a *auditor) accept(c *cert.Certificate, next cert.Chain) {
	switch c.Envelope.Type {
	case cert.Genesis:
		a.addRoster(next.Roster)
	case cert.Merge:
		a.report.Merges++
	case cert.Obstruction:
		a.report.Obstructions++
	case cert.RosterChange:
		a.report.RosterChanges++
		a.addRoster(next.Roster)
	}
	if a.opt.Certificate != nil {
		a.opt.Certificate(c, a.chain.Signers(next))
	}
	a.chain = next
	a.hashes = append(a.hashes, next.Head)
	a.report.Certificates++
	a.report.Signatures += uint64(len(c.Signatures))
}

func (a *auditor) checkPins() error {
	want := a.opt.Head
	if want == nil || *want == a.chain.Head {
		return nil
	}
	for h, hash := range a.hashes {
		if hash == *want {
			return a.finding(KindHeadPin, a.log, 0, "the head is %v; pinned is %v, which stands at height %d", a.chain.Head, *want, h)
		}
	}
	return a.finding(KindHeadPin, a.log, 0, "the head is %v; pinned is %v, which is not in this chain", a.chain.Head, *want)
}

func (a *auditor) traceBytes() int64 {
	if a.dir == "" {
		return 0
	}
	var total int64
	names, _ := filepath.Glob(filepath.Join(a.dir, "traces", "*"))
	for _, name := range names {
		if info, err := os.Stat(name); err == nil {
			total += info.Size()
		}
	}
	return total
}

func (a *auditor) progress(n int64) {
	a.done += n
	if a.opt.Progress != nil {
		a.opt.Progress(a.done, a.total)
	}
}

// recordFinding turns damage to the log into a finding.
func (a *auditor) recordFinding(err error) error {
	var bad *cert.RecordError
	if !errors.As(err, &bad) {
		return err
	}
	return a.finding(string(bad.Kind), a.log, bad.Offset, "%s", bad.Message)
}
