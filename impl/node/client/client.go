// Package client is what somebody does who is no member: publish events of `.omega`
// files to a chain's stream (clause CLI-19), and see for himself what members tell
// (CLI-20).
//
//	report, err := client.Publish(ctx, conn, chain, sections, client.Options{Sign: ...})
//
// sends every event of the sections, each stream's in canonical order, until the engine
// has acknowledged it. A second run sends them again and makes no second event.
//
//	witness := client.NewWitness(chain, certificates)
//	seen, err := witness.Take(payload)
//
// verifies a certificate as it came. Whether to trust the engine, or who has sent it, is
// no question: every member has signed it or it is refused.
package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/section"
	"github.com/omega-sheaf-os/omega/impl/transport"
	"github.com/omega-sheaf-os/omega/impl/transport/events"
)

// Options say how to publish.
type Options struct {
	// Sign signs the events of Own, which are those of nodes that the roster gives
	// to the signer; nil: nothing is signed.
	Sign events.Sign
	Own  func(node uint32) bool
	// Patience is how long no event may be acknowledged before Publish gives up.
	Patience time.Duration
	Logger   *slog.Logger
	Progress func(done, total int)
}

// Report says what was published.
type Report struct {
	Events     int    // that the engine has acknowledged
	Signed     int    // of these
	Duplicates uint64 // of these, the engine had them already
	Retries    uint64 // tries beyond the first
}

// ErrNoAnswer says that the engine has acknowledged nothing for too long.
var ErrNoAnswer = errors.New("the engine does not take the events")

// Publish sends every event of the sections and waits until the engine has all. The
// error is ErrNoAnswer, the context's, *section.DamageError, or that of an event that is too large; the report
// counts what the engine has then.
func Publish(ctx context.Context, conn *nats.Conn, chain cert.Hash, sections [][]byte, o Options) (*Report, error) {
	trace, err := section.Glue(sections, section.Options{})
	if err != nil {
		return nil, err
	}
	for i := range trace.Len() {
		if e := trace.Event(i); len(e) > transport.MaxMessage {
			return nil, fmt.Errorf("%w: the event %v has %d bytes, a message %d at most", transport.ErrTooLarge, e.Key(), len(e), transport.MaxMessage)
		}
	}
	p := &publication{options: o, report: &Report{}, total: trace.Len(), answered: make(chan struct{}, 1)}
	if p.unsigned, err = events.NewPublisher(conn, chain, nil, o.Logger); err != nil {
		return nil, err
	}
	defer p.unsigned.Close()
	if p.signed, err = events.NewPublisher(conn, chain, o.Sign, o.Logger); err != nil {
		return nil, err
	}
	defer p.signed.Close()
	return p.run(ctx, trace)
}

// publication is one run of Publish.
type publication struct {
	options          Options
	signed, unsigned *events.Publisher
	report           *Report
	total            int
	answered         chan struct{} // has one when something was acknowledged
}

// sent is an event on its way.
type sent struct {
	receipt *events.Receipt
	signed  bool
}

// run sends in one goroutine, which fills what the publishers hold, and waits for the
// receipts in order in another. It gives up when no receipt comes.
func (p *publication) run(ctx context.Context, trace *section.Trace) (*Report, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go p.watch(ctx, cancel)
	receipts := make(chan sent, 1024)
	var failed error
	go func() {
		defer close(receipts)
		failed = p.send(ctx, trace, receipts)
	}()
	for s := range receipts {
		if _, err := s.receipt.Wait(ctx); err != nil {
			cancel(err)
			continue
		}
		p.report.Events++
		if s.signed {
			p.report.Signed++
		}
		if p.options.Progress != nil {
			p.options.Progress(p.report.Events, p.total)
		}
		select {
		case p.answered <- struct{}{}:
		default:
		}
	}
	for _, publisher := range []*events.Publisher{p.signed, p.unsigned} {
		c := publisher.Counts()
		p.report.Duplicates += c.Duplicates
		p.report.Retries += c.Retries
	}
	if err := context.Cause(ctx); err != nil {
		return p.report, err
	}
	return p.report, failed
}

func (p *publication) send(ctx context.Context, trace *section.Trace, receipts chan<- sent) error {
	for i := range trace.Len() {
		e := trace.Event(i)
		s := sent{signed: p.options.Sign != nil && p.options.Own(e.Key().Node())}
		publisher := p.unsigned
		if s.signed {
			publisher = p.signed
		}
		var err error
		if s.receipt, err = publisher.Publish(ctx, e); err != nil {
			return err
		}
		receipts <- s
	}
	return nil
}

// watch cancels the work when nothing has been acknowledged for too long.
func (p *publication) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	patience := time.NewTimer(p.options.Patience)
	defer patience.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.answered:
			patience.Reset(p.options.Patience)
		case <-patience.C:
			cancel(fmt.Errorf("%w: none was acknowledged for %v", ErrNoAnswer, p.options.Patience))
			return
		}
	}
}
