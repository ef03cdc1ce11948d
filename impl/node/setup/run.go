package setup

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/omega-sheaf-os/omega/impl/node/member"
	"github.com/omega-sheaf-os/omega/impl/node/observe"
)

// submitPause is between two tries to submit a file while there is no room for it.
const submitPause = 200 * time.Millisecond

// Run is the node's life. It ends, with nil, when ctx does; with ErrStop where something
// does not end in time. Any other error is why it cannot go on: the member's, or that of
// a file to submit, or events.ErrConfig.
func (n *Node) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- n.run(ctx, cancel) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(stopTime):
		return ErrStop
	}
}

func (n *Node) run(ctx context.Context, cancel context.CancelFunc) error {
	var work sync.WaitGroup
	var mu sync.Mutex
	var failed []error
	fail := func(err error) {
		if err != nil && ctx.Err() == nil {
			mu.Lock()
			defer mu.Unlock()
			failed = append(failed, err)
			cancel()
		}
	}
	news := n.member.Subscribe(newsRoom)
	work.Go(func() { n.tell(news) })
	work.Go(func() { fail(n.keep(ctx)) })
	if n.web != nil {
		n.serve(ctx, &work)
	}
	work.Go(func() { fail(n.submit(ctx)) })
	n.log.Info("the member runs", "member", n.seat.Name, "chain", n.seat.Chain.String(), "members", len(n.seat.Roster),
		"height", n.member.Status().Height, "http", n.HTTP())
	err := n.member.Run(ctx)
	cancel()
	err = errors.Join(err, n.stop())
	work.Wait()
	n.log.Info("the member has stopped", "height", n.member.Status().Height)
	return errors.Join(append(failed, err)...)
}

func (n *Node) serve(ctx context.Context, work *sync.WaitGroup) {
	observer := observe.New(n, time.Duration(n.cfg.StaleAfter))
	work.Go(func() { observer.Watch(ctx) })
	n.server = &http.Server{Handler: observer, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: 1 << 16}
	work.Go(func() {
		if err := n.server.Serve(n.web); !errors.Is(err, http.ErrServerClosed) {
			n.log.Error("the HTTP server has ended", "error", err)
		}
	})
}

// submit hands the member the files that it was told of, one after the other, each when
// there is room.
func (n *Node) submit(ctx context.Context) error {
	for _, path := range n.cfg.Input {
		for {
			err := n.member.Submit(path)
			if err == nil {
				n.log.Info("a section is submitted", "file", path)
				break
			}
			if ctx.Err() != nil {
				return nil
			}
			if !errors.Is(err, member.ErrFull) {
				return fmt.Errorf("input: %w", err)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(submitPause):
			}
		}
	}
	return nil
}

// stop closes what is open, the engine last.
func (n *Node) stop() error {
	var err error
	if n.member != nil {
		err = n.member.Close()
	}
	if n.server != nil {
		err = errors.Join(err, n.server.Close())
	} else if n.web != nil {
		err = errors.Join(err, n.web.Close())
	}
	if n.source != nil {
		n.source.close()
	}
	if n.conn != nil {
		if n.conn.IsConnected() {
			// What the member has said last is on its way when Close returns.
			_ = n.conn.FlushTimeout(time.Second)
		}
		n.conn.Close()
	}
	if n.engine != nil {
		n.engine.Stop()
	}
	return err
}
