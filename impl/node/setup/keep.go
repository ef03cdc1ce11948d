package setup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/omega-sheaf-os/omega/impl/ceremony"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/node/member"
)

// keepEvery is the pace at which files that people change are looked at.
const keepEvery = time.Second

// currentRoster is the roster that signs the next height.
func (n *Node) currentRoster() cert.Roster {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.roster
}

// rosterChange takes in that the chain has another roster from now on.
func (n *Node) rosterChange(c *cert.Certificate) {
	body, err := cert.ParseRosterChangeBody(c.Body)
	if err == nil {
		err = n.seat.Keys.Learn(c)
	}
	if err != nil {
		n.log.Error("a roster change cannot be read", "error", err) // not one that the chain has taken
		return
	}
	roster := body.Roster
	n.mu.Lock()
	before := n.roster
	n.roster = roster
	n.mu.Unlock()
	n.place.bus.Resize(len(roster))
	if n.source != nil {
		if _, ok := roster.Find(n.seat.Key.Public()); ok {
			n.source.seat()
		} else if _, was := before.Find(n.seat.Key.Public()); was {
			n.source.leave()
		}
	}
	n.log.Info("the roster has changed", "height", c.Envelope.BatchID, "members", len(roster))
	select {
	case n.seated <- struct{}{}:
	default:
	}
}

// keep holds the engine in this process to the roster and the users file, and the member
// to what its people have approved, until ctx ends. The error is events.ErrConfig.
func (n *Node) keep(ctx context.Context) error {
	k := &keeper{node: n}
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	ensured := make(chan error, 1)
	stop := n.startEnsure(ctx, ensured)
	defer func() { stop() }()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-ensured:
			if err != nil && ctx.Err() == nil {
				return err
			}
		case <-n.seated:
			stop()
			stop = n.startEnsure(ctx, ensured)
			k.users()
		case <-tick.C:
			if k.usersChanged() {
				k.users()
			}
			k.change()
		}
	}
}

// startEnsure has the stream set up, where the engine runs in this process; stop ends
// that, and waits for it.
func (n *Node) startEnsure(ctx context.Context, ensured chan<- error) (stop func()) {
	if n.engine == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := n.ensure(ctx)
		if ctx.Err() != nil {
			return
		}
		select {
		case ensured <- err:
		default:
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// keeper is what a node remembers of the files that it looks at.
type keeper struct {
	node    *Node
	file    os.FileInfo // of the users file when it was last looked at; nil: it was not there
	offered string      // the change that the member stands for, as its file has it
	held    uint64      // the height that the member holds; 0: none
}

// usersChanged reports whether the users file is another than the last time. At first
// it is what the engine was started with.
func (k *keeper) usersChanged() bool {
	if k.node.engine == nil {
		return false
	}
	info, err := os.Stat(k.node.cfg.usersFile())
	if err != nil {
		return false // whoever writes it is not done, or it is gone: nobody is cut off for that
	}
	before := k.file
	k.file = info
	return before != nil && (before.ModTime() != info.ModTime() || before.Size() != info.Size() || !os.SameFile(before, info))
}

// users gives the engine the users as the file and the roster have them now.
func (k *keeper) users() {
	n := k.node
	if n.engine == nil {
		return
	}
	users, err := n.users()
	if err == nil {
		err = n.engine.SetUsers(users)
	}
	if err != nil {
		n.log.Error("the users file is not taken; who may connect stays as it was", "error", err)
		return
	}
	n.log.Info("who may connect is as the users file and the roster say", "users", len(users))
}

// change has the member hold its height for a change that it proposes, and stand for one
// that its people have approved (NOD-3).
func (k *keeper) change() {
	height := k.node.member.Status().Height
	if c := k.load(ProposedName, height); c != nil && k.held != height {
		if err := k.node.member.Hold(height); err != nil {
			k.told("the height is not held", err)
			return
		}
		k.held = height
		k.node.log.Warn("the height is held for a change of the roster: no batch is certified before that", "height", height)
	}
	c := k.load(ApprovedName, height)
	if c == nil {
		return
	}
	text := string(c.Format())
	if text == k.offered {
		return
	}
	k.offered = text
	if err := k.propose(c); err != nil {
		k.told("the approved change of the roster does not hold", err)
		return
	}
	k.node.log.Warn("the member stands for a change of the roster", "height", height)
}

// propose gives a change to the member, once it follows the chain on disk.
func (k *keeper) propose(c *ceremony.Change) error {
	view, err := node.Read(k.node.cfg.Data)
	if err != nil {
		return err
	}
	content, err := c.Content(view.Chain)
	if err := errors.Join(err, view.Close()); err != nil {
		return err
	}
	return k.node.member.Propose(content)
}

func (k *keeper) told(what string, err error) {
	if !errors.Is(err, member.ErrStopped) {
		k.node.log.Error(what, "error", err)
	}
}

// load reads a change in the data folder that is for this height; nil: there is none. One
// whose height is over is removed.
func (k *keeper) load(name string, height uint64) *ceremony.Change {
	path := filepath.Join(k.node.cfg.Data, name)
	c, err := changeIn(path)
	switch {
	case err != nil:
		k.told("a change of the roster cannot be read", err)
		return nil
	case c == nil || c.Height > height:
		return nil
	case c.Height == height:
		return c
	}
	if err := os.Remove(path); err != nil {
		k.told("a change of the roster that is over cannot be removed", err)
	}
	return nil
}
