package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/transport"
)

// ErrStuck says that the members of this folder came to no agreement although no
// message was lost.
var ErrStuck = errors.New("the members do not agree")

// maxRounds is far more silences than agreement among members that hear each
// other takes: each silence takes every member one attempt on.
const maxRounds = 64

// run is the members of a folder agreeing on one height.
type run struct {
	f       *Folder
	content quorum.Content // what this run's batch gives
	height  uint64
	bus     *transport.Memory
	ends    []transport.Endpoint // by member
	failed  error                // what went wrong in the delivery under way

	valid    map[cert.Hash]bool // contents, by digest
	evidence []quorum.Evidence  // what members have found against others
}

// agree has all members of the folder go through the quorum's steps for the next
// height, over a bus in memory, votes on disk and all, until each has the
// certificate (QRM-9). It returns the evidence that members have found.
func (f *Folder) agree(ctx context.Context, content quorum.Content) ([]quorum.Evidence, error) {
	r := &run{
		f: f, content: content, height: f.Chain.Length, bus: transport.NewMemory(len(f.members), transport.Faults{}),
		valid: map[cert.Hash]bool{content.Digest(): true},
	}
	for i := range f.members {
		end, err := r.bus.Join(i, func(b []byte) { r.failed = r.receive(i, b) })
		if err != nil {
			return nil, err
		}
		r.ends = append(r.ends, end)
	}
	err := r.untilDecided(ctx)
	return r.evidence, err
}

func (r *run) untilDecided(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i, m := range r.f.members {
		if err := r.start(i, m); err != nil {
			return fmt.Errorf("member %s: %w", m.name, err)
		}
	}
	for range maxRounds {
		if err := r.settle(ctx); err != nil {
			return err
		}
		if r.decided() {
			return nil
		}
		if err := r.nudge(); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w at height %d", ErrStuck, r.height)
}

// start starts a member from what its disk holds, or goes on where it runs
// already. The contents that it holds are validated anew: they are of an earlier
// run, and their traces may be gone.
func (r *run) start(i int, m *member) error {
	if m.state.Started {
		if err := r.validate(m.state.Candidates); err != nil {
			return err
		}
		return r.step(i, m, quorum.Tick{})
	}
	disk, err := m.disk()
	if err != nil {
		return err
	}
	if disk != nil {
		if err := r.validate(disk.Candidates); err != nil {
			return err
		}
	}
	m.state = quorum.Begin(r.f.Chain)
	start := quorum.Start{Disk: disk}
	rand.Read(start.Nonce[:])
	return r.step(i, m, start)
}

// validate validates the contents that are for this run's height, each once: all
// members rely on the same folder.
func (r *run) validate(contents []quorum.Content) error {
	for i := range contents {
		c := &contents[i]
		digest := c.Digest()
		if c.Envelope.BatchID != r.height || r.valid[digest] {
			continue
		}
		if err := r.f.Validate(c); err != nil {
			return err
		}
		r.valid[digest] = true
	}
	return nil
}

// settle delivers messages until there are none. It heeds the context until there
// is a certificate: after that there is nothing to take back.
func (r *run) settle(ctx context.Context) error {
	for r.bus.Deliver() {
		if r.failed != nil {
			return r.failed
		}
		if r.f.log.Count() == r.height && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// receive gives a message that the bus has delivered to member i.
func (r *run) receive(i int, b []byte) error {
	msg, err := quorum.Decode(b)
	if err == nil {
		err = r.step(i, r.f.members[i], msg)
	}
	if err != nil && !refused(err) {
		return fmt.Errorf("member %s: %w", r.f.members[i].name, err)
	}
	return nil
}

// refused reports whether a step refused a message that another member may
// rightly send, too late for this one.
func refused(err error) bool {
	return errors.Is(err, quorum.ErrStaleAttempt) || errors.Is(err, quorum.ErrNonce) || errors.Is(err, quorum.ErrWrongHeight)
}

// nudge gives every member a tick, by which those behind follow, one attempt at a
// time; only where all stand at the same place it takes them on by a timeout. A
// timeout for all would leave those behind as far behind as they are.
func (r *run) nudge() error {
	var msg quorum.Message = quorum.Tick{}
	if r.abreast() {
		msg = quorum.Timeout{}
	}
	for i, m := range r.f.members {
		if err := r.step(i, m, msg); err != nil {
			return fmt.Errorf("member %s: %w", m.name, err)
		}
	}
	return nil
}

// abreast reports whether all members are ready and have prepared in the same
// attempt of the height.
func (r *run) abreast() bool {
	first := &r.f.members[0].state
	for i, m := range r.f.members {
		s := &m.state
		if s.Height() != r.height || s.Attempt != first.Attempt || !s.Ready() || s.Prepares[i].Current == nil {
			return false
		}
	}
	return true
}

func (r *run) decided() bool {
	for _, m := range r.f.members {
		if m.state.Height() <= r.height {
			return false
		}
	}
	return true
}

// step gives one message to a member and carries out what it asks for, in order.
// An effect that fails counts as a crash of the member: it knows nothing any more
// but what its disk holds (QRM-9). A halted one stays halted.
func (r *run) step(i int, m *member, msg quorum.Message) error {
	state, effects, err := quorum.Step(m.cfg, m.state, msg)
	if err != nil {
		return err
	}
	m.state = state
	for _, e := range effects {
		if err := r.carryOut(i, m, e); err != nil {
			if m.state.Halted == nil {
				m.state = quorum.State{}
			}
			return err
		}
	}
	return nil
}

func (r *run) carryOut(i int, m *member, e quorum.Effect) error {
	if r.f.beforeEffect != nil {
		if err := r.f.beforeEffect(e); err != nil {
			return err
		}
	}
	return r.do(i, m, e)
}

func (r *run) do(i int, m *member, effect quorum.Effect) error {
	switch e := effect.(type) {
	case quorum.Persist:
		return m.votes.Save(e.Durable)
	case quorum.Send:
		return r.send(i, e.To, e.Message)
	case quorum.Append:
		return r.f.Append(&e.Certificate)
	case quorum.Announce:
		return r.send(i, quorum.Everyone, &quorum.Decided{Certificate: e.Certificate})
	case quorum.SendCertificate:
		if c := r.f.log.At(e.Height); c != nil {
			return r.send(i, e.To, &quorum.Decided{Certificate: *c})
		}
	case quorum.NeedCandidate:
		if e.Height == r.height {
			return r.candidate(i, m, e)
		}
	case quorum.Evidence:
		r.evidence = append(r.evidence, e)
	case quorum.Halt:
		return fmt.Errorf("%w: %s at height %d: its disk has %v, a peer shows %v", quorum.ErrHalted, e.Reason, e.Height, e.Disk, e.Seen)
	}
	return nil
}

func (r *run) send(from, to int, msg quorum.Wire) error {
	if to == quorum.Everyone {
		return r.ends[from].Broadcast(quorum.Encode(msg))
	}
	return r.ends[from].Send(to, quorum.Encode(msg))
}

// candidate gives a member the content that it asks for: the batch's, or the one
// that members have signed for in a run that was cut short (QRM-12).
func (r *run) candidate(i int, m *member, need quorum.NeedCandidate) error {
	content := r.content
	if need.Digest != (cert.Hash{}) && need.Digest != content.Digest() {
		var err error
		if content, err = r.earlier(need.Digest); err != nil {
			return err
		}
	}
	return r.step(i, m, quorum.Candidate{Attempt: need.Attempt, Content: content})
}

// earlier finds a content among what the members hold, which start has validated.
func (r *run) earlier(digest cert.Hash) (quorum.Content, error) {
	for _, m := range r.f.members {
		for _, c := range m.state.Candidates {
			if c.Digest() == digest {
				return c, nil
			}
		}
	}
	return quorum.Content{}, fmt.Errorf("%w: nobody holds the content of %v", ErrStuck, digest)
}
