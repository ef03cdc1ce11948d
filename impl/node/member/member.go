// Package member is one member of a cluster: a data folder with one key, a place on a
// bus, and events that come in by files and by a stream. It agrees with the others on
// one certificate after the other (clauses MAN-1 to MAN-16).
//
// # Parts
//
// Around the quorum's step (package quorum) a member has
//
//   - a pool of the events that wait (pool.go), bounded, from the inbox and the source;
//   - the batch of the height being agreed on: what each member has closed, by its signed
//     manifest (batch.go, seal.go), and the content that they give together (content.go);
//   - transfers (fetch.go) of what it lacks, by root, from whoever has it;
//   - what it follows (follow.go): certificates of others, with their traces, so that a
//     member that was away, or is new, has the whole chain;
//   - for each peer a share of its time (peer.go).
//
// All of this is a core without goroutines and without a clock: it is given messages,
// events and ticks with their time, and does all that follows before it returns. Run is
// the one goroutine that drives it; a test drives it step by step.
//
// # On disk
//
// Beside what every data folder has (DIR-1):
//
//	inbox/SHA256.omega                 sections that were submitted, until their events are in the chain
//	batches/HHHHHHHH-ROOT.omega        the sections of the height being agreed on, own and fetched
//	batches/HHHHHHHH-manifest          what this member has closed, as it was sent
//	batches/HHHHHHHH-DIGEST.content    contents prepared before the last
//	evidence/HHHHHHHH-NAME-KIND-1, -2  two messages of a member that exclude each other
//
// What is to be on disk before something leaves is there, synced, before. A write that
// fails ends the member as a crash does: opened again, it goes on.
package member

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/transport"
)

// ErrStopped says that the member does not run, or not any more.
var ErrStopped = errors.New("the member does not run")

func systemRandom(b []byte) { rand.Read(b) }

// Member is one member of a cluster. Its methods may be called by several goroutines.
type Member struct {
	cfg  Config
	core *core // of Run's goroutine, or of Open's caller before

	messages chan []byte
	commands chan func() error // for Run's goroutine
	waiting  atomic.Int64      // bytes in messages
	dropped  atomic.Uint64
	done     chan struct{} // closed when Run has ended
	running  atomic.Bool
	snapshot atomic.Pointer[Status]
	audit    atomic.Pointer[AuditStatus]

	mu   sync.Mutex
	subs map[*subscriber]bool
}

// Open opens the member's data folder: it takes the lock, repairs a torn tail, checks
// the chain, and reads what an earlier run has left. Close it, or Run it.
func Open(cfg Config) (*Member, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	c, err := openCore(cfg, cfg.Now())
	if err != nil {
		return nil, err
	}
	m := &Member{
		cfg: cfg, core: c, messages: make(chan []byte, inboxCount), commands: make(chan func() error), done: make(chan struct{}),
		subs: map[*subscriber]bool{},
	}
	c.deliver, c.news = m.deliver, m.publish
	m.audit.Store(&AuditStatus{})
	m.snapshot.Store(c.status())
	return m, nil
}

// deliver takes a message off the bus. Where too many wait it drops it: they are all
// repeated.
func (m *Member) deliver(b []byte) {
	if m.waiting.Add(int64(len(b))) <= inboxBytes {
		select {
		case m.messages <- b:
			return
		default:
		}
	}
	m.waiting.Add(-int64(len(b)))
	m.dropped.Add(1)
}

// Run is the member's life: it ends, with nil, when ctx does. Any other end is a crash,
// after which the folder can be opened again, or ErrRemoved. The member is closed then.
func (m *Member) Run(ctx context.Context) error {
	if m.running.Swap(true) {
		return ErrStopped
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	items := make(chan transport.Item)
	failed := make(chan error, 1)
	if m.cfg.Source != nil {
		wg.Go(func() { feed(ctx, m.cfg.Source, items, failed) })
	}
	if m.cfg.Audit > 0 {
		wg.Go(func() { m.auditAgainAndAgain(ctx) })
	}
	err := m.core.start(m.cfg.Now())
	if err == nil {
		err = m.loop(ctx, items, failed)
	}
	cancel()
	close(m.done)
	wg.Wait()
	m.publishStatus()
	return errors.Join(err, m.core.closeAll(), m.endSubscriptions())
}

// Close gives back the folder of a member that does not run.
func (m *Member) Close() error {
	if m.running.Swap(true) {
		return nil
	}
	close(m.done)
	return m.core.closeAll()
}

// feed hands over the source's events, one at a time.
func feed(ctx context.Context, source transport.Source, items chan<- transport.Item, failed chan<- error) {
	for {
		item, err := source.Next(ctx)
		if err != nil {
			if ctx.Err() == nil {
				failed <- fmt.Errorf("the source of events: %w", err)
			}
			return
		}
		select {
		case items <- item:
		case <-ctx.Done():
			return
		}
	}
}

// loop takes one thing after the other. Events are taken while there is room for them.
func (m *Member) loop(ctx context.Context, items <-chan transport.Item, failed <-chan error) error {
	ticker := time.NewTicker(m.cfg.Tick)
	defer ticker.Stop()
	soon := time.NewTimer(time.Hour)
	defer soon.Stop()
	for {
		open := items
		if !m.core.pool.hasRoom() {
			open = nil
		}
		var err error
		select {
		case <-ctx.Done():
			return nil
		case err = <-failed:
		case b := <-m.messages:
			m.waiting.Add(-int64(len(b)))
			err = m.core.receive(m.cfg.Now(), b)
		case item := <-open:
			err = m.take(item)
			soon.Reset(m.cfg.BatchAge)
		case command := <-m.commands:
			err = command()
			soon.Reset(m.cfg.BatchAge)
		case <-soon.C:
			err = m.core.closeAt(m.cfg.Now())
		case <-ticker.C:
			err = m.core.tick(m.cfg.Now())
			m.publishStatus()
		}
		if err != nil {
			return err
		}
	}
}

func (m *Member) take(item transport.Item) error {
	m.core.now = m.cfg.Now()
	if err := m.core.offer(item); err != nil {
		return err
	}
	return m.core.closeAt(m.core.now)
}

// do runs f in Run's goroutine, and waits for it. Its error is the caller's; crash is
// the member's.
func (m *Member) do(f func() (err, crash error)) error {
	reply := make(chan error, 1)
	command := func() error {
		err, crash := f()
		reply <- err
		return crash
	}
	select {
	case m.commands <- command:
		return <-reply
	case <-m.done:
		return ErrStopped
	}
}

// Submit takes the events of the section path. When it returns nil they are in the
// inbox, on disk, and will be certified or quarantined. Errors: ErrFull, ErrTooLarge,
// ErrStopped, *frame.Error, *omegalog.Error, those of copying.
func (m *Member) Submit(path string) error {
	n, bytes, err := summary(path)
	if err != nil {
		return err
	}
	p := m.core.pool
	if n > p.limit || bytes > p.limitBytes {
		return fmt.Errorf("%w: %s: %d events of %d bytes, at most %d of %d", ErrTooLarge, path, n, bytes, p.limit, p.limitBytes)
	}
	if !p.reserve(n, bytes) {
		return fmt.Errorf("%w: %s: %d events of %d bytes", ErrFull, path, n, bytes)
	}
	defer p.release(n, bytes)
	to, err := copyIn(m.cfg.Dir, path)
	if err != nil {
		return err
	}
	if _, _, err := summary(to); err != nil { // it changed while it was copied
		return errors.Join(err, os.Remove(to))
	}
	return m.do(func() (error, error) {
		m.core.now = m.cfg.Now()
		crash := m.core.take(&file{path: to})
		if crash == nil {
			crash = m.core.closeAt(m.core.now)
		}
		return nil, crash
	})
}

// Propose has this member stand for a content other than a batch, at the content's
// height: a roster change, or a verification evidence (MAN-16). Once the operators of all
// members have proposed the same, it is certified. Errors: ErrStopped, or why the content
// cannot follow the chain.
func (m *Member) Propose(content quorum.Content) error {
	return m.do(func() (error, error) { return m.core.propose(content) })
}

// Hold has this member offer no batch at the height being agreed on, so that the chain
// stands until there is a proposal for it (MAN-16). It ends with the height, or with the
// member. Errors: ErrStopped, node.ErrHeight.
func (m *Member) Hold(height uint64) error {
	return m.do(func() (error, error) { return m.core.holdHeight(height), nil })
}

// Status returns where the member stands, as of its last tick.
func (m *Member) Status() *Status {
	s := *m.snapshot.Load()
	s.Audit = *m.audit.Load()
	return &s
}

func (m *Member) publishStatus() {
	s := m.core.status()
	if n := m.dropped.Load(); n > 0 {
		s.Counters["dropped: "+causeInbox] = n
	}
	m.snapshot.Store(s)
}

// Subscription is a stream of news. Where its reader does not keep up, news are lost,
// and counted.
type Subscription struct {
	C      <-chan News // closed when the member ends, or by Close
	member *Member
	sub    *subscriber
}

type subscriber struct {
	c      chan News
	missed uint64
}

// Subscribe returns what happens from now on, of which up to n news wait for the reader.
func (m *Member) Subscribe(n int) *Subscription {
	s := &subscriber{c: make(chan News, n)}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.subs == nil {
		close(s.c)
	} else {
		m.subs[s] = true
	}
	return &Subscription{C: s.c, member: m, sub: s}
}

// Missed returns how many news were lost.
func (s *Subscription) Missed() uint64 {
	s.member.mu.Lock()
	defer s.member.mu.Unlock()
	return s.sub.missed
}

// Close ends the subscription. A second Close does nothing.
func (s *Subscription) Close() {
	s.member.mu.Lock()
	defer s.member.mu.Unlock()
	if s.member.subs[s.sub] {
		delete(s.member.subs, s.sub)
		close(s.sub.c)
	}
}

func (m *Member) publish(n News) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for s := range m.subs {
		select {
		case s.c <- n:
		default:
			s.missed++
		}
	}
}

func (m *Member) endSubscriptions() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for s := range m.subs {
		close(s.c)
	}
	m.subs = nil
	return nil
}
