package main

import (
	"context"

	"github.com/omega-sheaf-os/omega/impl/audit"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/spf13/cobra"
)

// auditResult is what `audit` prints. Genesis and head are null where the chain
// has none that holds.
type auditResult struct {
	OK      bool    `json:"ok"`
	Pinned  bool    `json:"pinned"`
	Genesis *string `json:"genesis"`
	Head    *string `json:"head"`
	*audit.Report
}

func newAudit(a *app) *cobra.Command {
	var data, input, genesis, head, predecessor string
	c := &cobra.Command{
		Use:   "audit --data DIR | --input FILE [--genesis HEX] [--head HEX] [--predecessor PATH]",
		Short: "Check a chain again from raw bytes",
		Long: `Checks a chain as somebody who was not there and trusts nobody: every CRC, event,
leaf, root, body, link and signature is computed again, from the genesis to the
head, and every trace is put to the rules by which it was certified. The first thing
wrong is named with its kind, height, file and offset.

--data checks a data folder with the events themselves; --input a cert.log alone,
without them. --genesis is the chain's name as you know it from elsewhere: without
it the audit is UNPINNED, and a chain made up from nothing would pass. --head pins
the last certificate, without which a shortened chain would pass. --predecessor is the
data folder, or the cert.log, of the chain that this one says it succeeds: it is
audited too, and held to what the genesis says of it.`,
		Example: `  omega-check audit --data ./chain --genesis 5f2c...
  omega-check audit --input cert.log --json`,
	}
	c.Flags().StringVar(&data, "data", "", "data folder `DIR`")
	c.Flags().StringVar(&input, "input", "", "a cert.log `FILE`, or a certificate that begins a chain")
	c.Flags().StringVar(&genesis, "genesis", "", "the genesis' cert_hash, 64 `HEX` digits")
	c.Flags().StringVar(&head, "head", "", "the last certificate's cert_hash, 64 `HEX` digits")
	c.Flags().StringVar(&predecessor, "predecessor", "", "data folder or cert.log `PATH` of the chain that this one succeeds")
	c.MarkFlagsOneRequired("data", "input")
	c.MarkFlagsMutuallyExclusive("data", "input")
	completeFolders(c, "data")
	completeFiles(c, "input", "log", "cert")
	return a.runs(c, true, func(context.Context, []string) (result, error) {
		opt := audit.Options{Predecessor: predecessor}
		var err error
		if opt.Genesis, err = pin("genesis", genesis); err != nil {
			return nil, err
		}
		if opt.Head, err = pin("head", head); err != nil {
			return nil, err
		}
		p := a.progress("auditing")
		defer p.end()
		opt.Progress = func(done, total int64) { p.step(int(done), int(total)) }
		if data != "" {
			return auditResultOf(audit.Folder(data, opt))
		}
		return auditResultOf(audit.Log(input, opt))
	})
}

// pin reads a hash that an audit is pinned to; an empty one is none.
func pin(flag, hex string) (*cert.Hash, error) {
	if hex == "" {
		return nil, nil
	}
	h, err := cert.ParseHash(hex)
	if err != nil {
		return nil, usage("--%s: %v", flag, err)
	}
	return &h, nil
}

func auditResultOf(report *audit.Report, err error) (result, error) {
	if err != nil {
		return nil, err
	}
	if report.Notes == nil {
		report.Notes = []string{}
	}
	r := &auditResult{OK: report.OK, Pinned: report.Pinned, Report: report}
	if report.Chain.Length > 0 {
		genesis, head := report.Genesis.String(), report.Head.String()
		r.Genesis, r.Head = &genesis, &head
	}
	if !r.OK {
		return r, answerNo()
	}
	return r, nil
}

func (r *auditResult) text(t *text) {
	if r.Genesis != nil {
		t.line("genesis  %s", *r.Genesis)
		t.line("head     %s", *r.Head)
	}
	t.line("%s checked: %s, %s, %s, %s", plural(r.Certificates, "certificate"), plural(r.Events, "event"),
		plural(r.Signatures, "signature"), plural(r.Obstructions, "obstruction"), plural(r.RosterChanges, "roster change"))
	if !r.Traces {
		t.line("the events themselves were not there to check: --data checks them too")
	}
	for _, note := range r.Notes {
		t.line("note: %s", printable(note))
	}
	if f := r.FirstError; f != nil {
		t.line("%s  %s at height %d, %s, offset %d: %s", t.bad("FAILS"), f.Kind, f.Height, printable(f.File), f.Offset, f.Message)
	} else {
		t.line("%s", t.good("the chain holds"))
	}
	if !r.Pinned {
		t.line("UNPINNED: a forged chain audits itself; give --genesis as you know it from elsewhere")
	}
}
