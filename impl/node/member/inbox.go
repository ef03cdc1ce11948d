package member

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
	"github.com/omega-sheaf-os/omega/impl/transport"
)

const (
	inboxName    = "inbox"
	batchesName  = "batches"
	evidenceName = "evidence"
	sectionExt   = ".omega"
)

// ErrFull says that so much waits to be certified that nothing more is taken for now
// (MAN-11).
var ErrFull = errors.New("the member has no room for more events for now")

// ErrTooLarge says that a section has more than the member ever has room for.
var ErrTooLarge = errors.New("the section is larger than what may wait; cut it")

// file is a section in the inbox, on disk until all its events are certified or
// quarantined (MAN-11).
type file struct {
	path string
	left int // events that wait
}

// summary reads a section once: its events, and what they take.
func summary(path string) (n int, bytes int64, err error) {
	err = eachEvent(path, func(e event.View) error {
		n++
		bytes += size(e)
		return nil
	})
	return n, bytes, err
}

// eachEvent calls visit with each event of the section path, in place. The error is a
// *frame.Error, *omegalog.Error, *omegalog.ChangedError, or visit's.
func eachEvent(path string, visit func(e event.View) error) error {
	view, err := omegalog.Open(path)
	if err != nil {
		return err
	}
	err = omegalog.Guard(func() error {
		for f, err := range view.Events() {
			if err == nil {
				err = visit(f.Event)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		return nil
	}, view)
	return errors.Join(err, view.Close())
}

// copyIn copies the section path into the inbox, under a name that its bytes give, and
// returns that path. It is on disk when copyIn returns nil, and read again by whoever
// uses it: the file may have changed meanwhile.
func copyIn(dir, path string) (string, error) {
	b, err := durable.OS{}.ReadFile(path)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	to := filepath.Join(dir, inboxName, hex.EncodeToString(sum[:])+sectionExt)
	if err := durable.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return "", err
	}
	return to, durable.WriteFile(durable.OS{}, to, b, 0o644)
}

// inboxFiles returns the sections in the inbox, and removes half-written ones.
func inboxFiles(dir string) ([]string, error) {
	folder := filepath.Join(dir, inboxName)
	entries, err := readDir(folder)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		switch {
		case durable.IsTemp(e.Name()):
			if err := os.Remove(path); err != nil {
				return nil, err
			}
		case strings.HasSuffix(e.Name(), sectionExt):
			paths = append(paths, path)
		}
	}
	return paths, nil
}

// loadInbox takes what waits in the inbox since an earlier run.
func (c *core) loadInbox() error {
	paths, err := inboxFiles(c.cfg.Dir)
	if err != nil {
		return err
	}
	for _, path := range paths {
		if err := c.take(&file{path: path}); err != nil {
			return err
		}
	}
	return nil
}

// take adds the events of a section in the inbox to those that wait, and removes the
// file at once where the past holds them all.
func (c *core) take(f *file) error {
	own := c.ownNodes()
	err := eachEvent(f.path, func(e event.View) error {
		if c.known(e) {
			return nil
		}
		x := entry{event: slices.Clone(e), since: c.now, files: []*file{f}, signed: slices.Contains(own, e.Key().Node())}
		if waits := c.pool.find(e); waits == nil || !slices.Contains(waits.files, f) {
			f.left++
			c.pool.add(x)
		}
		return nil
	})
	if err == nil {
		err = c.store.Past.Err()
	}
	if err != nil {
		return err
	}
	return c.tidy(f)
}

// tidy removes a section from the inbox of which nothing waits.
func (c *core) tidy(f *file) error {
	if f.left > 0 {
		return nil
	}
	if err := c.reach("remove " + inboxName); err != nil {
		return err
	}
	if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// known reports whether the past holds the very event.
func (c *core) known(e event.View) bool {
	for _, v := range c.store.Past.Versions(e.Key()) {
		if string(v.Event) == string(e) {
			return true
		}
	}
	return false
}

// ownNodes returns the nodes that the roster gives this member.
func (c *core) ownNodes() []uint32 {
	if c.self < 0 {
		return nil
	}
	return c.store.Chain.Roster[c.self].Nodes
}

// offer takes an event of the source. One that is no event is dropped for good.
func (c *core) offer(item transport.Item) error {
	e, err := event.Parse(item.Event)
	if err != nil {
		c.count("source: "+causeMalformed, 1)
		c.log.Warn("the source gave what is no event", "sequence", item.Sequence, "error", err)
		c.acknowledge(item.Ack)
		return nil
	}
	c.pool.last = max(c.pool.last, item.Sequence)
	if !item.Signed {
		c.count("source: unsigned", 1)
	}
	c.count("source: events", 1)
	if c.known(e) {
		c.count("source: repeats", 1)
		c.acknowledge(item.Ack)
		return c.store.Past.Err()
	}
	c.pool.add(entry{event: slices.Clone(e), signed: item.Signed, sequence: item.Sequence, since: c.now, ack: item.Ack})
	return c.store.Past.Err()
}

func (c *core) acknowledge(ack func() error) {
	if ack == nil {
		return
	}
	if err := ack(); err != nil {
		c.count("source: not acknowledged", 1)
		c.log.Warn("the source did not take an acknowledgement; the event will come again", "error", err)
	}
}

// settle takes out an event that a certificate has certified or quarantined.
func (c *core) settle(e event.View) error {
	x := c.pool.remove(e)
	if x == nil {
		return nil
	}
	c.acknowledge(x.ack)
	for _, f := range x.files {
		f.left--
		if err := c.tidy(f); err != nil {
			return err
		}
	}
	return nil
}
