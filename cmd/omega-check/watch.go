package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node/client"
	"github.com/omega-sheaf-os/omega/impl/transport/subject"
	"github.com/spf13/cobra"
)

// watchRoom is how many truths wait for the reader; those beyond are lost, and told.
const watchRoom = 4096

// watchResult is what `watch` prints at its end.
type watchResult struct {
	OK           bool   `json:"ok"`
	Chain        string `json:"chain"`
	Pinned       bool   `json:"pinned"`
	Certificates int    `json:"certificates"`
	Refused      int    `json:"refused"`
	Lost         int    `json:"lost"`
}

func (r *watchResult) text(t *text) {
	t.line("%s verified, %d refused, %d lost on the way", plural(r.Certificates, "certificate"), r.Refused, r.Lost)
	if !r.Pinned {
		t.line("UNPINNED: the chain is the one that the file says; give --genesis as you know it from elsewhere")
	}
}

// seenCertificate is one certificate, as it comes.
type seenCertificate struct {
	Height     uint64 `json:"height"`
	Type       string `json:"type"`
	CertHash   string `json:"cert_hash"`
	TraceRoot  string `json:"trace_root"`
	Signatures int    `json:"signatures"`
	Linked     bool   `json:"linked"`
}

func (s *seenCertificate) text(t *text) {
	what := s.Type
	if s.Type == cert.Obstruction.String() {
		what = t.bad(what)
	}
	line := fmt.Sprintf("%8d  %s  %s, %s", s.Height, s.CertHash, what, plural(s.Signatures, "signature"))
	if !s.Linked {
		line += ", behind some that did not come this way"
	}
	t.line("%s", line)
}

func newWatch(a *app) *cobra.Command {
	var data, input, genesis string
	var least int
	var x connection
	c := &cobra.Command{
		Use:   "watch --input FILE | --data DIR [--genesis HEX] [--nats URL...] [--count N]",
		Short: "See certificates as they come, and verify each",
		Long: `Subscribes to the certificates that members tell, and prints each once when it is
verified: every member has signed it, over a body and an envelope that are whole, and it
follows the one before. Neither the engine nor who has sent it needs to be trusted. What
does not verify is refused and told; two certificates of one height end it with status 1.

It starts from what you have of the chain: --input, a cert.log or the certificate of the
genesis, or --data, a data folder. --genesis pins the chain's name, as you know it from
elsewhere. --count ends it after N certificates, else a signal does, with status 0.

With --json one object a line for each certificate, and one at the end.`,
		Example: `  omega-check watch --input genesis.cert --genesis 5f2c...
  omega-check watch --data ./chain --nats tls://10.0.0.1:4222 --tls-ca hosts.crt --tls-cert me.crt --tls-key me.key --count 3`,
	}
	c.Flags().StringVar(&data, "data", "", "data folder `DIR` of the chain")
	c.Flags().StringVar(&input, "input", "", "a cert.log `FILE`, or the genesis' certificate")
	c.Flags().StringVar(&genesis, "genesis", "", "the chain's name, 64 `HEX` digits")
	c.Flags().IntVar(&least, "count", 0, "end after `N` certificates; 0: never")
	x.flags(c)
	c.MarkFlagsOneRequired("data", "input")
	c.MarkFlagsMutuallyExclusive("data", "input")
	completeFolders(c, "data")
	completeFiles(c, "input", "log", "cert")
	return a.runs(c, false, func(ctx context.Context, _ []string) (result, error) {
		if data != "" {
			input = certlog.Path(data)
		}
		witness, err := witnessOf(input, genesis)
		if err != nil {
			return nil, err
		}
		conn, err := x.dial("omega watch", "", "", a.notes())
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		w := &watching{app: a, witness: witness, least: least, result: &watchResult{OK: true, Chain: witness.Chain().String(), Pinned: genesis != ""}}
		return w.run(ctx, conn)
	})
}

// witnessOf starts a witness from a cert.log, whose chain it checks.
func witnessOf(path, genesis string) (*client.Witness, error) {
	name, err := pin("genesis", genesis)
	if err != nil {
		return nil, err
	}
	records, err := certlog.Read(path)
	if err != nil {
		return nil, err
	}
	var chain cert.Chain
	var all []*cert.Certificate
	for _, r := range records {
		if chain, err = chain.Check(r.Certificate); err != nil {
			return nil, &exitError{status: statusNo, Kind: kindRefused, File: path, Offset: &r.Offset, Message: err.Error()}
		}
		all = append(all, r.Certificate)
	}
	if len(all) == 0 {
		return nil, &exitError{status: statusNo, Kind: kindRefused, File: path, Message: "it has no certificate"}
	}
	if name != nil && *name != chain.Name {
		return nil, &exitError{status: statusNo, Kind: "genesis-pin", File: path, Message: fmt.Sprintf("the chain is %v, --genesis is %v", chain.Name, *name)}
	}
	return client.NewWitness(chain, all), nil
}

// watching is one run of `watch`.
type watching struct {
	*app
	witness *client.Witness
	least   int
	result  *watchResult
}

func (w *watching) run(ctx context.Context, conn *nats.Conn) (result, error) {
	truths := make(chan *nats.Msg, watchRoom)
	s, err := conn.ChanSubscribe(subject.Of(w.witness.Chain()).Truth(subject.Certificate), truths)
	if err != nil {
		return nil, err
	}
	for {
		if n, err := s.Dropped(); err == nil {
			w.result.Lost = n
		}
		select {
		case <-ctx.Done():
			return w.result, nil
		case m := <-truths:
			if err := w.take(m.Data); err != nil {
				return nil, err
			}
		}
		if w.least > 0 && w.result.Certificates >= w.least {
			return w.result, nil
		}
	}
}

// take verifies one truth and prints it. The error is a fork, or that nothing can be
// printed.
func (w *watching) take(payload []byte) error {
	seen, err := w.witness.Take(payload)
	switch {
	case errors.Is(err, client.ErrFork):
		return err
	case err != nil:
		w.result.Refused++
		fmt.Fprintf(w.err, "omega-check: refused: %v\n", err)
		return nil
	case seen == nil:
		return nil
	}
	w.result.Certificates++
	e := &seen.Certificate.Envelope
	return w.printLine(&seenCertificate{
		Height: e.BatchID, Type: e.Type.String(), CertHash: e.Hash().String(), TraceRoot: hexOf(e.TraceRoot[:]),
		Signatures: len(seen.Certificate.Signatures), Linked: seen.Linked,
	})
}

// printLine prints one of several results.
func (s *streams) printLine(r result) error {
	var b bytes.Buffer
	if s.json {
		if err := json.NewEncoder(&b).Encode(r); err != nil {
			return err
		}
	} else {
		r.text(&text{w: &b, color: s.color})
	}
	_, err := s.out.Write(b.Bytes())
	return err
}
