package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/evidence"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
	"github.com/omega-sheaf-os/omega/impl/toolchain/verify"
	"github.com/spf13/cobra"
)

// evidenceWritten is what `verify --evidence` adds to its report.
type evidenceWritten struct {
	Folder      string       `json:"folder"`
	Bundle      string       `json:"bundle"`      // SHA-256 of bundle.json
	Certificate *certificate `json:"certificate"` // null where nobody has signed
}

// evidenceRun is what a verify with --evidence needs from before the run.
type evidenceRun struct {
	dir, data, root string
	files           []evidence.File
	folder          *node.Folder // nil where nobody is to sign
}

// beginEvidence finds out before the long run whether its outcome can be written
// and signed.
func beginEvidence(ctx context.Context, a *app, dir, data string) (*evidenceRun, error) {
	r := &evidenceRun{dir: dir, data: data}
	var err error
	if r.root, err = checkout.FindRoot("."); err != nil {
		return nil, err
	}
	if err := evidence.Reserve(dir); err != nil {
		return nil, err
	}
	if r.files, err = evidence.Hash(ctx, r.root); err != nil {
		return nil, err
	}
	if data != "" {
		if r.folder, err = node.Open(data, a.askPassphrase); err != nil {
			return nil, err
		}
		if torn := r.folder.Recovered(); torn != nil {
			fmt.Fprintf(a.err, "omega-check: %s: %v\n", certlog.Path(data), torn)
		}
	}
	return r, nil
}

func (r *evidenceRun) close() error {
	if r.folder == nil {
		return nil
	}
	return r.folder.Close()
}

// finish writes the evidence of the report, and has the members sign it.
func (r *evidenceRun) finish(ctx context.Context, report *verify.Report) (*evidenceWritten, error) {
	again, err := evidence.Hash(ctx, r.root)
	if err != nil {
		return nil, err
	}
	bundle, err := evidence.Make(report, r.files)
	if err != nil {
		return nil, err
	}
	if changed := evidence.Differences(r.files, again); len(changed) > 0 {
		return nil, fmt.Errorf("%w: %s", evidence.ErrChanged, changed[0])
	}
	commit, err := checkout.Commit(ctx, r.root)
	if err != nil {
		return nil, err
	}
	if err := evidence.Write(r.dir, bundle, evidence.MakeRun(report, time.Now().UTC().Format(time.RFC3339), commit)); err != nil {
		return nil, err
	}
	digest := bundle.Digest()
	w := &evidenceWritten{Folder: r.dir, Bundle: digest.String()}
	if r.folder == nil {
		return w, nil
	}
	out, err := r.folder.CertifyEvidence(ctx, digest)
	if err != nil {
		return w, err
	}
	if out.Resumed {
		return w, fmt.Errorf("%w at height %d; run it again for the evidence", errResumed, out.Certificate.Envelope.BatchID)
	}
	w.Certificate = certificateOf(out.Certificate)
	return w, evidence.CopyLog(r.dir, r.data)
}

// errResumed says that an earlier run's certificate was completed first.
var errResumed = errors.New("a certificate that an earlier run was cut short at is completed")

func (w *evidenceWritten) text(t *text) {
	t.line("evidence %s, sha256 of its bundle %s", w.Folder, w.Bundle)
	if c := w.Certificate; c != nil {
		t.line("signed by %d members, at height %d as %s", c.Signatures, c.Height, c.CertHash)
		return
	}
	t.line("UNSIGNED: nobody stands for this evidence; give --data, the folder of the members who are to sign it")
}

// checkEvidenceResult is what `check-evidence` prints.
type checkEvidenceResult struct {
	OK          bool             `json:"ok"`
	Bundle      string           `json:"bundle"`
	Signed      bool             `json:"signed"`
	Pinned      bool             `json:"pinned"`
	Genesis     *string          `json:"genesis"`
	Height      *uint64          `json:"height"`
	Signers     []string         `json:"signers"`
	Files       int              `json:"files"`
	Groups      []evidence.Group `json:"groups"`
	Tools       []evidence.Tool  `json:"tools"`
	Layers      []evidence.Layer `json:"layers"`
	Root        *string          `json:"root"` // the checkout it was held against
	Differences []string         `json:"differences"`
	Message     string           `json:"message"` // why it is not ok
}

func newCheckEvidence(a *app) *cobra.Command {
	var input, root, genesis string
	c := &cobra.Command{
		Use:   "check-evidence --input DIR [--genesis HEX] [--root DIR]",
		Short: "Check the evidence that verify --evidence has written, offline",
		Long: `Checks from its bytes that an evidence folder holds together: bundle.json is as it
is written, the chain in cert.log holds from its genesis to its head, and one of its
certificates, signed by all members, is over the SHA-256 of this bundle. --genesis is
the chain's name as you know it from elsewhere; without it the chain is UNPINNED.
Without cert.log the evidence is UNSIGNED, and with --genesis that is a no.

--root holds the bundle against a checkout: each file must have the hash that the
evidence names, and none may be missing or more.`,
		Example: `  omega-check check-evidence --input ../evidence --genesis 5f2c... --root .`,
	}
	c.Flags().StringVar(&input, "input", "", "evidence folder `DIR`")
	c.Flags().StringVar(&root, "root", "", "a folder `DIR` of the checkout")
	c.Flags().StringVar(&genesis, "genesis", "", "the genesis' cert_hash, 64 `HEX` digits")
	must(c.MarkFlagRequired("input"))
	completeFolders(c, "input")
	completeFolders(c, "root")
	return a.runs(c, false, func(ctx context.Context, _ []string) (result, error) {
		pinned, err := pin("genesis", genesis)
		if err != nil {
			return nil, err
		}
		var files []evidence.File
		var where *string
		if root != "" {
			found, err := checkout.FindRoot(root)
			if err != nil {
				return nil, err
			}
			if files, err = evidence.Hash(ctx, found); err != nil {
				return nil, err
			}
			where = &found
		}
		checked, err := evidence.Check(input, pinned, files)
		if err != nil {
			return nil, err
		}
		r := checkEvidenceResultOf(checked, pinned != nil)
		r.Root = where
		if !r.OK {
			return r, answerNo()
		}
		return r, nil
	})
}

func checkEvidenceResultOf(c *evidence.Checked, wanted bool) *checkEvidenceResult {
	b := c.Bundle
	r := &checkEvidenceResult{
		OK: c.OK(), Bundle: c.Digest.String(), Signed: c.Height > 0, Signers: c.Signers, Files: len(b.Files),
		Groups: b.Groups, Tools: b.Tools, Layers: b.Layers, Differences: c.Differences,
	}
	if r.Signers == nil {
		r.Signers = []string{}
	}
	if r.Differences == nil {
		r.Differences = []string{}
	}
	switch {
	case c.Audit == nil && wanted:
		r.OK, r.Message = false, "nobody has signed it: there is no cert.log"
	case c.Audit == nil:
	case !c.Audit.OK:
		f := c.Audit.FirstError
		r.Message = fmt.Sprintf("the chain does not hold: %s at height %d, %s, offset %d: %s", f.Kind, f.Height, f.File, f.Offset, f.Message)
	default:
		genesis := c.Audit.Genesis.String()
		r.Genesis, r.Pinned = &genesis, c.Audit.Pinned
		if c.Height == 0 {
			r.Message = "no certificate of the chain is over this bundle"
		} else {
			r.Height = &c.Height
		}
	}
	if r.Message == "" && len(c.Differences) > 0 {
		r.Message = fmt.Sprintf("the checkout is another: %s", c.Differences[0])
	}
	return r
}

func (r *checkEvidenceResult) text(t *text) {
	t.line("bundle   %s", r.Bundle)
	for _, g := range r.Groups {
		t.line("%-14s %s, sha256 %s", g.Name, plural(uint64(g.Files), "file"), g.SHA256)
	}
	for _, tool := range r.Tools {
		t.line("%-14s %s", tool.Name, printable(tool.Version))
	}
	for i := range r.Layers {
		t.line("%-14s %s", r.Layers[i].Name, r.Layers[i].Verdict)
	}
	if r.Root != nil {
		t.line("checkout %s: %s", *r.Root, plural(uint64(len(r.Differences)), "difference"))
		for _, d := range r.Differences {
			t.line("  %s", printable(d))
		}
	}
	if r.Height != nil {
		t.line("signed by %d members, at height %d of the chain %s", len(r.Signers), *r.Height, *r.Genesis)
		for _, name := range r.Signers {
			t.line("  %s", printable(name))
		}
	}
	switch {
	case r.Message != "":
		t.line("%s  %s", t.bad("FAILS"), printable(r.Message))
	case r.Signed:
		t.line("%s", t.good("the evidence holds"))
	default:
		t.line("the evidence holds together; UNSIGNED: nobody stands for it, and anybody can have made it")
	}
	if r.Signed && !r.Pinned {
		t.line("UNPINNED: a forged chain signs anything; give --genesis as you know it from elsewhere")
	}
}
