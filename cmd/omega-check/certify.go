package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/spf13/cobra"
)

// certifyResult is what `certify` prints: the batch as `reconcile` judges it, and
// the certificate, null where none was made.
type certifyResult struct {
	reconcileResult
	Certificate *certificate `json:"certificate"`
	Resumed     bool         `json:"resumed"` // the certificate completes an earlier run's, not this batch
	Output      *string      `json:"output"`
	Evidence    []string     `json:"evidence"` // members that signed two things that exclude each other
}

type certificate struct {
	Type       string `json:"type"`
	Height     uint64 `json:"height"`
	CertID     string `json:"cert_id"`
	CertHash   string `json:"cert_hash"`
	Signatures int    `json:"signatures"`
}

func newCertify(a *app) *cobra.Command {
	var paths []string
	var batch node.Batch
	var data, output string
	c := &cobra.Command{
		Use:   "certify --batch-id N --input FILE... --data DIR [--record-obstruction] [--output FILE]",
		Short: "Make a batch the chain's next certificate, signed by all members",
		Long: `Reconciles sections as the chain's next batch, runs the quorum's steps for the
members whose keys are in DIR, votes on disk before they leave, and appends the
certificate to cert.log. N must be the chain's next height. All members' keys must
be there: with fewer it is exit status 3, and nothing is written.

` + batchHelp + `

With an obstruction nothing is written, and the exit status is 1, unless
--record-obstruction is given: then the obstruction is certified, and its events are
set aside for good.

Where an earlier run was cut short after members had signed, that certificate is
completed first; the batch is then not yet certified, and the exit status is 1.`,
		Example: `  omega-check certify --batch-id 1 --input alice.omega --input bob.omega --data ./chain
  omega-check certify --batch-id 2 --input bad.omega --data ./chain --record-obstruction`,
	}
	inputFlag(c, &paths)
	c.Flags().Uint64Var(&batch.Height, "batch-id", 0, "number `N` of the batch, the chain's next height")
	c.Flags().StringVar(&data, "data", "", "data folder `DIR` of the chain")
	c.Flags().BoolVar(&batch.RecordObstruction, "record-obstruction", false, "certify an obstruction")
	c.Flags().StringVar(&output, "output", "", "`FILE` that gets the certificate alone")
	must(c.MarkFlagRequired("batch-id"))
	must(c.MarkFlagRequired("data"))
	completeFolders(c, "data")
	completeFiles(c, "output", "cert", "log")
	return a.runs(c, false, func(ctx context.Context, _ []string) (result, error) {
		if err := checkOutput(output); err != nil {
			return nil, err
		}
		sections, err := openSections(paths)
		if err != nil {
			return nil, err
		}
		defer sections.Close()
		folder, err := node.Open(data, a.askPassphrase)
		if err != nil {
			return nil, err
		}
		defer folder.Close()
		if torn := folder.Recovered(); torn != nil {
			fmt.Fprintf(a.err, "omega-check: %s: %v\n", certlog.Path(data), torn)
		}
		p := a.progress("certifying batch " + count(batch.Height))
		defer p.end()
		batch.Files = paths
		return certify(ctx, folder, sections, batch, output)
	})
}

// checkOutput finds out before anything is certified that output has a folder.
func checkOutput(output string) error {
	if output == "" {
		return nil
	}
	_, err := os.Stat(filepath.Dir(output))
	return err
}

func certify(ctx context.Context, folder *node.Folder, sections *node.Sections, batch node.Batch, output string) (result, error) {
	start := time.Now()
	before := folder.Chain
	out, err := folder.Certify(ctx, batch)
	if err != nil && out != nil && out.Certificate != nil {
		return nil, fmt.Errorf("height %d is certified, as %v; what failed came after it: %w",
			batch.Height, out.Certificate.Envelope.Hash(), err)
	}
	if err != nil {
		return nil, err
	}
	r := &certifyResult{reconcileResult: reconcileResult{BatchID: batch.Height}, Evidence: []string{}}
	for _, e := range out.Evidence {
		r.Evidence = append(r.Evidence, before.Roster[e.Member].Name)
	}
	r.take(out.Result, before.State)
	if r.Sections, err = reportSignatures(sections, &folder.View, out.Signatures); err != nil {
		return nil, err
	}
	r.OK = out.Certificate != nil && !out.Resumed
	if c := out.Certificate; c != nil {
		r.Certificate, r.Resumed = certificateOf(c), out.Resumed
		if output != "" {
			if err := certlog.WriteFile(output, c); err != nil {
				return nil, fmt.Errorf("the certificate is in the chain, but not in %s: %w", output, err)
			}
			r.Output = &output
		}
	}
	r.took = time.Since(start)
	if !r.OK {
		return r, answerNo()
	}
	return r, nil
}

func certificateOf(c *cert.Certificate) *certificate {
	e := &c.Envelope
	return &certificate{e.Type.String(), e.BatchID, e.ID.String(), e.Hash().String(), len(c.Signatures)}
}

func (r *certifyResult) text(t *text) {
	r.reconcileResult.text(t)
	for _, name := range r.Evidence {
		t.line("%s: %s has signed two things that exclude each other", t.bad("evidence"), printable(name))
	}
	if r.Certificate == nil {
		t.line("%s; --record-obstruction certifies the obstruction", t.bad("nothing was written"))
		return
	}
	c := r.Certificate
	t.line("certificate of height %d: %s, %s", c.Height, t.good(c.Type), plural(c.Signatures, "signature"))
	t.line("cert hash   %s", c.CertHash)
	if r.Output != nil {
		t.line("written to  %s", printable(*r.Output))
	}
	if r.Resumed {
		t.line("%s: the certificate completes a run that was cut short; certify this batch as %d",
			t.bad("this batch is not certified"), c.Height+1)
	}
}
