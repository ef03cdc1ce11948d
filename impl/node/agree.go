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
}

// agree has all members of the folder go through the quorum's steps for the next
// height, over a bus in memory, votes on disk and all, and returns the
// certificate that they appended (QRM-9).
func (f *Folder) agree(ctx context.Context, content quorum.Content) (*cert.Certificate, error) {
	r := &run{f: f, content: content, height: f.Chain.Length, bus: transport.NewMemory(len(f.members), transport.Faults{})}
	for i := range f.members {
		end, err := r.bus.Join(i, func(b []byte) { r.failed = r.receive(i, b) })
		if err != nil {
			return nil, err
		}
		r.ends = append(r.ends, end)
	}
	for i, m := range f.members {
		if err := r.start(i, m); err != nil {
			return nil, fmt.Errorf("member %s: %w", m.name, err)
		}
	}
	for range maxRounds {
		if err := r.settle(ctx); err != nil {
			return nil, err
		}
		if r.decided() {
			return f.log.At(r.height), nil
		}
		if err := r.nudge(); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w at height %d", ErrStuck, r.height)
}

// start starts a member from what its disk holds, unless it runs already.
func (r *run) start(i int, m *member) error {
	if m.state.Started {
		return r.step(i, m, quorum.Tick{})
	}
	m.state = quorum.Begin(r.f.Chain)
	start := quorum.Start{Disk: m.disk}
	rand.Read(start.Nonce[:])
	return r.step(i, m, start)
}

// settle delivers messages until there are none.
func (r *run) settle(ctx context.Context) error {
	for r.bus.Deliver() {
		if err := errors.Join(r.failed, ctx.Err()); err != nil {
			return err
		}
	}
	return ctx.Err()
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

// nudge takes every member that is behind one attempt on.
func (r *run) nudge() error {
	for i, m := range r.f.members {
		if m.state.Height() > r.height {
			continue
		}
		var msg quorum.Message = quorum.Timeout{}
		err := r.step(i, m, msg)
		if errors.Is(err, quorum.ErrNotReady) || errors.Is(err, quorum.ErrNotPrepared) {
			err = r.step(i, m, quorum.Tick{})
		}
		if err != nil {
			return fmt.Errorf("member %s: %w", m.name, err)
		}
	}
	return nil
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
func (r *run) step(i int, m *member, msg quorum.Message) error {
	state, effects, err := quorum.Step(m.cfg, m.state, msg)
	if err != nil {
		return err
	}
	m.state = state
	for _, e := range effects {
		if r.f.beforeEffect != nil {
			if err := r.f.beforeEffect(e); err != nil {
				return err
			}
		}
		if err := r.do(i, m, e); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) do(i int, m *member, effect quorum.Effect) error {
	switch e := effect.(type) {
	case quorum.Persist:
		return m.votes.Save(e.Durable)
	case quorum.Send:
		return r.send(i, e.To, e.Message)
	case quorum.Append:
		return r.f.append(&e.Certificate)
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
		return fmt.Errorf("%w: member %d has signed two things: %v and %v", ErrStuck, e.Member, e.First, e.Second)
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
		found, err := r.earlier(need.Digest)
		if err != nil {
			return err
		}
		content = *found
	}
	return r.step(i, m, quorum.Candidate{Attempt: need.Attempt, Content: content})
}

// earlier finds a content among what the members' disks hold, and checks it anew.
func (r *run) earlier(digest cert.Hash) (*quorum.Content, error) {
	for _, m := range r.f.members {
		for i := range m.state.Candidates {
			if c := &m.state.Candidates[i]; c.Digest() == digest {
				return c, r.f.validate(c)
			}
		}
	}
	return nil, fmt.Errorf("%w: nobody holds the content of %v", ErrStuck, digest)
}
