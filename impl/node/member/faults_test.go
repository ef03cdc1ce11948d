package member

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/audit"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
	"github.com/omega-sheaf-os/omega/impl/omegalog/omegalogtest"
	"github.com/omega-sheaf-os/omega/impl/transport"
)

// hand puts a section with the events into a member's inbox, as Submit does.
func (s *seat) hand(node uint32, events ...event.Event) {
	path := omegalogtest.WriteSection(s.w.t, s.w.t.TempDir(), "in.omega", node, events...)
	to, err := copyIn(s.dir, path)
	require.NoError(s.w.t, err)
	s.core.now = s.w.now
	s.ends(s.core.take(&file{path: to}))
}

// TestWhatOneMemberHasAllFetch hands each member a file of its own, too large for one
// round of chunks.
func TestWhatOneMemberHasAllFetch(t *testing.T) {
	w := newWorld(t, 3, transport.Faults{Seed: 1, Loss: 20, Reorder: 50})
	payload := make([]byte, 100_000)
	for i, s := range w.members {
		var events []event.Event
		for n := range uint64(40) {
			e := ev(n+1, uint32(i+1))
			e.Payload = payload
			events = append(events, e)
		}
		s.hand(uint32(i+1), append(events, ev(1, 99))...)
	}
	w.until(300, w.settled)
	for _, s := range w.members {
		inbox, err := inboxFiles(s.dir)
		require.NoError(t, err)
		require.Empty(t, inbox)
	}
	w.audit(121, 0)
}

// TestSectionsOfTheirWritersAreSigned looks into the batch of a height that a silent
// member holds up.
func TestSectionsOfTheirWritersAreSigned(t *testing.T) {
	w := newWorld(t, 3, transport.Faults{})
	w.pass(3)
	w.members[2].stop()
	w.members[0].hand(1, ev(1, 1), ev(2, 1), ev(1, 2), ev(1, 9))
	w.pass(5)
	for _, s := range w.members[:2] {
		b := s.core.batch
		require.Len(t, b.sections, 2)
		for _, p := range b.sections {
			require.True(t, p.here)
			require.Equal(t, p.Node == frame.Mixed, p.Signature == nil)
			if p.Node == frame.Mixed {
				require.EqualValues(t, 2, p.Events)
				continue
			}
			view, err := omegalog.Open(b.path(p.Root))
			require.NoError(t, err)
			section, err := view.Section()
			require.NoError(t, err)
			chain := s.core.store.Chain
			sig := omegalog.Signature{Chain: chain.Name, Section: section, Key: chain.Roster[0].Key, Signature: *p.Signature}
			writer, err := sig.Verify(chain.Name, section, chain.Roster)
			require.NoError(t, err)
			require.Zero(t, writer)
			require.NoError(t, view.Close())
		}
		st := s.core.status()
		require.Equal(t, []string{"m2"}, st.Missing)
		require.EqualValues(t, 1, st.Height)
	}
	w.pass(silence + 2)
	require.Equal(t, Silent, w.members[0].core.status().Members[2].Phase)
	require.Equal(t, Answering, w.members[0].core.status().Members[1].Phase)
	w.members[2].start()
	w.until(50, w.settled)
	w.audit(4, 0)
}

// TestNobodySignsWhatItsWriterHasNotSigned publishes an event that came unsigned.
func TestNobodySignsWhatItsWriterHasNotSigned(t *testing.T) {
	w := newWorld(t, 2, transport.Faults{})
	w.pass(3)
	w.members[1].stop()
	w.publish(ev(1, 1), ev(2, 1))
	w.stream[0].Signed = false
	w.pass(3)
	list := w.members[0].core.own().Sections
	require.Len(t, list, 2)
	for _, s := range list {
		require.EqualValues(t, 1, s.Events)
		require.Equal(t, s.Node == 1, s.Signature != nil)
		require.Contains(t, []uint32{1, frame.Mixed}, s.Node)
	}
	w.members[1].start()
	w.until(50, w.settled)
	w.audit(2, 0)
}

// TestMembersWithOneStreamCloseEqualSections has one of them see more of it.
func TestMembersWithOneStreamCloseEqualSections(t *testing.T) {
	w := newWorld(t, 2, transport.Faults{})
	w.pass(3)
	w.publish(ev(1, 1), ev(1, 2), ev(2, 1), ev(2, 2), ev(3, 1))
	a, b := w.members[0], w.members[1]
	rest := w.stream[3:]
	w.stream = w.stream[:3]
	a.feed()
	w.stream = append(w.stream, rest...)
	for b.next < len(w.stream) {
		require.NoError(t, b.core.offer(w.stream[b.next]))
		b.next++
	}
	b.core.pool.since = w.now // the first has only come
	w.now = w.now.Add(100 * time.Millisecond)
	require.NoError(t, a.core.closeAt(w.now))
	require.EqualValues(t, 3, a.core.own().Last)
	w.settle()
	body, err := cert.ParseMergeBody(b.core.store.Certificates[1].Body)
	require.NoError(t, err)
	require.EqualValues(t, 3, body.Events)
	require.Zero(t, a.core.counts["refused: "+causeUnasked])
	w.until(20, w.settled)
	w.audit(5, 0)
}

// TestAnObstructionIsCertifiedAndTheRestGoesOn publishes two versions of one event.
func TestAnObstructionIsCertifiedAndTheRestGoesOn(t *testing.T) {
	w := newWorld(t, 3, transport.Faults{})
	other := ev(2, 1)
	other.Value++
	w.publish(ev(1, 1), ev(2, 1), other, ev(3, 1), ev(1, 2))
	w.until(60, w.settled)
	chain := w.members[0].core.store.Certificates
	require.Len(t, chain, 3)
	require.Equal(t, cert.Obstruction, chain[1].Envelope.Type)
	require.Equal(t, cert.Merge, chain[2].Envelope.Type)
	st := w.members[0].core.status()
	require.EqualValues(t, 1, st.Obstructions)
	require.Len(t, w.members[1].acked, 5)
	var kinds []NewsKind
	for _, n := range w.members[0].news {
		if n.Kind != PrepareNews && n.Kind != CommitNews {
			kinds = append(kinds, n.Kind)
		}
	}
	require.Equal(t, []NewsKind{CertificateNews, ObstructionNews, CertificateNews}, kinds)
	w.audit(3, 2)
}

func TestAnEventWaitsForItsDepsAndItsStreamWithIt(t *testing.T) {
	w := newWorld(t, 3, transport.Faults{})
	w.publish(ev(1, 1), ev(5, 1, omegalogtest.Key(4, 2)), ev(6, 1), ev(1, 3))
	w.pass(10)
	for _, s := range w.members {
		st := s.core.status()
		require.Equal(t, 2, st.Pending)
		require.Equal(t, 2, st.Held)
		require.EqualValues(t, 2, st.Height)
	}
	w.publish(ev(4, 2))
	w.until(50, w.settled)
	w.audit(5, 0)
}

func TestAnEventWhoseDepsNeverComeIsCertifiedAsAnObstruction(t *testing.T) {
	w := newWorldWith(t, 3, transport.Faults{}, func(c *Config) { c.HoldFor = 2 * time.Second })
	w.publish(ev(5, 1, omegalogtest.Key(4, 2)), ev(6, 1))
	w.pass(15)
	require.EqualValues(t, 1, w.members[0].core.status().Height)
	w.until(60, w.settled)
	require.Equal(t, cert.Obstruction, w.members[0].core.store.Certificates[1].Envelope.Type)
	w.audit(1, 1)
}

// TestEventsHeldBackTakeHalfOfTheRoomAtMost fills the pool with events that wait.
func TestEventsHeldBackTakeHalfOfTheRoomAtMost(t *testing.T) {
	w := newWorldWith(t, 2, transport.Faults{}, func(c *Config) { c.PendingEvents, c.HoldFor = 20, time.Hour })
	for i := range uint64(30) {
		e := ev(100+i, 1, omegalogtest.Key(1, 2))
		e.Key = key.New(100+i, 1, uint16(i), [14]byte{1})
		w.publish(e)
	}
	w.pass(60)
	st := w.members[0].core.status()
	require.LessOrEqual(t, st.Pending, 20)
	require.LessOrEqual(t, st.Held, 10)
	require.Positive(t, st.Obstructions)
	require.Equal(t, len(w.stream), w.members[0].next, "the source is asked again")
}

// TestWhenThereIsNoRoomNothingIsTaken holds one member up, so that events pile up at
// the others.
func TestWhenThereIsNoRoomNothingIsTaken(t *testing.T) {
	w := newWorldWith(t, 2, transport.Faults{}, func(c *Config) { c.PendingEvents = 5 })
	w.pass(3)
	w.members[1].stop()
	for i := range uint64(20) {
		w.publish(ev(i+1, 1))
	}
	w.pass(5)
	s := w.members[0]
	require.Equal(t, 5, s.next)
	require.True(t, s.core.status().Full)
	require.False(t, s.core.pool.reserve(1, 10))
	w.members[1].start()
	w.until(100, w.settled)
	require.Len(t, s.acked, 20)
	w.audit(20, 0)
}

// TestTheManifestOfAHeightIsTheSameAfterACrash crashes a member that waits for another.
func TestTheManifestOfAHeightIsTheSameAfterACrash(t *testing.T) {
	w := newWorld(t, 2, transport.Faults{})
	w.publish(ev(1, 1))
	w.pass(3)
	w.members[1].stop()
	w.publish(ev(2, 1))
	w.pass(5)
	s := w.members[0]
	first := s.core.own().raw
	s.stop()
	w.publish(ev(3, 1), ev(1, 2))
	s.start()
	w.pass(5)
	require.Equal(t, first, s.core.own().raw)
	w.members[1].start()
	w.until(50, w.settled)
	require.Empty(t, w.members[1].core.evidence)
	w.audit(4, 0)
}

func TestADamagedOwnManifestStopsTheMember(t *testing.T) {
	w := newWorld(t, 2, transport.Faults{})
	w.pass(3)
	w.members[1].stop()
	w.publish(ev(1, 1))
	w.pass(5)
	s := w.members[0]
	path := s.core.batch.file(manifestName)
	cfg := s.core.cfg
	s.stop()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	raw[60]++
	require.NoError(t, os.WriteFile(path, raw, 0o644))
	_, err = openCore(cfg, w.now)
	require.ErrorIs(t, err, ErrMalformed)
	require.ErrorContains(t, err, path)
	s.ended = err
}

// newcomer adds a seat for somebody who has the genesis and no more.
func (w *world) newcomer(k *identity.Key) *seat {
	s := w.seat(len(w.members), k)
	require.NoError(w.t, node.Found(s.dir, w.genesis))
	return s
}

// TestANewcomerFollowsTheWholeChain has one catch up 200 certificates while more come,
// over a bus with faults, through crashes.
func TestANewcomerFollowsTheWholeChain(t *testing.T) {
	w := newWorld(t, 2, transport.Faults{Seed: 3, Loss: 50, Duplicate: 50, Reorder: 50})
	for i := range uint64(200) {
		w.publish(ev(i+1, uint32(i%2)+1))
		w.until(60, w.settled)
	}
	require.GreaterOrEqual(t, w.members[0].core.store.Chain.Length, uint64(201))
	s := w.newcomer(keyOf(t, 99))
	w.crashes = 2
	s.start()
	w.publish(ev(500, 1))
	w.until(600, func() bool { w.restart(); return s.core != nil && s.core.store.Chain.Length > 201 })
	w.crashes = 0
	w.until(100, func() bool { w.restart(); return w.settled() })
	require.Equal(t, "", s.core.status().Member)
	require.Len(t, s.acked, 201, "what others have certified is acknowledged")
	w.audit(201, 0)
}

// TestARosterChangeTakesEffectWhereItIsAppended has an observer become a member and a
// member leave, with and without faults.
func TestARosterChangeTakesEffectWhereItIsAppended(t *testing.T) {
	for seed := range uint64(3) {
		f := transport.Faults{Seed: seed}
		if seed > 0 {
			f.Loss, f.Duplicate, f.Reorder = 100, 50, 100
		}
		w := newWorld(t, 3, f)
		w.publish(ev(1, 1))
		w.until(100, w.settled)
		s := w.newcomer(keyOf(t, 99))
		s.start()
		w.until(100, w.settled)

		change := w.exchange(s.key)
		require.NoError(t, w.members[0].core.holdHeight(2))
		require.ErrorIs(t, w.members[0].core.holdHeight(3), node.ErrHeight)
		w.publish(ev(2, 1))
		w.pass(10)
		require.EqualValues(t, 2, w.members[0].core.store.Chain.Length, "one member holds the height")
		w.crashes = 2 * int(min(seed, 10))
		left := w.members[2]
		w.until(600, func() bool {
			w.restart()
			for _, m := range w.members[:3] {
				if m.core != nil && m.core.self >= 0 && m.core.proposal == nil && m.core.batch.height == 2 {
					err, crash := m.core.propose(change)
					require.NoError(t, err)
					m.ends(crash)
				}
			}
			return s.core != nil && s.core.self == 2 && (left.ended != nil || left.core != nil && left.core.self < 0 && left.core.left == 0)
		})
		w.crashes = 0
		if left.core == nil { // else it has crashed behind the next certificate, and has come back as an observer
			require.ErrorIs(t, left.ended, ErrRemoved)
		}
		left.stop()
		w.members = []*seat{w.members[0], w.members[1], s}
		w.publish(ev(3, 1), ev(1, 7))
		w.until(300, func() bool { w.restart(); return w.settled() && w.members[0].core.store.Chain.Length > 3 })
		require.Equal(t, "new", s.core.status().Member)
		require.Equal(t, cert.RosterChange, s.core.store.Certificates[2].Envelope.Type)
		w.audit(4, 0)
		report, err := audit.Folder(left.dir, audit.Options{})
		require.NoError(t, err)
		require.True(t, report.OK, report.FirstError)
	}
}

// exchange is the change of roster by which the third member leaves for one with the key.
func (w *world) exchange(k *identity.Key) quorum.Content {
	chain := w.members[0].core.store.Chain
	next := cert.Roster{chain.Roster[0], chain.Roster[1], {Name: "new", Key: k.Public(), Nodes: []uint32{7}}}
	body := cert.RosterChangeBody{OldHash: chain.Roster.Hash(), Roster: next}
	change := quorum.Content{Body: body.Append(nil)}
	change.Envelope = cert.Seal(cert.RosterChange, merkle.EmptyRoot(), chain.Length, chain.Head, change.Body)
	change.Joining = []cert.Signature{k.Sign(cert.VoteMessage(chain.Name, change.Digest()))}
	return change
}

// TestWhoHasAChangeOfTheRosterHandsItOut leaves each of those who have it alone, and
// starts it again.
func TestWhoHasAChangeOfTheRosterHandsItOut(t *testing.T) {
	w := newWorld(t, 3, transport.Faults{})
	w.pass(3)
	change := w.exchange(keyOf(t, 99))
	for _, s := range w.members {
		err, crash := s.core.propose(change)
		require.NoError(t, err)
		require.NoError(t, crash)
	}
	w.until(20, func() bool { return w.members[0].core.left+w.members[1].core.left+w.members[2].core.left == 1 })
	told := 0
	_, err := w.bus.Join(11, func(b []byte) {
		if d, err := quorum.Decode(b); err == nil {
			if d, ok := d.(*quorum.Decided); ok && d.Certificate.Envelope.Hash() == change.Digest() {
				told++
			}
		}
	})
	require.NoError(t, err)
	for _, again := range []bool{false, true} {
		for i, s := range w.members {
			for _, other := range w.members {
				other.stop()
			}
			require.NoError(t, s.ended)
			s.start()
			if again {
				s.stop()
				s.start()
			}
			told = 0
			w.pass(3)
			require.Equal(t, 3, told, "member %d", i)
			require.Equal(t, i == 2, s.core.status().Leaving)
		}
	}
}

// TestWhatAllOperatorsProposeIsCertified has them do so one after the other, while
// events go on.
func TestWhatAllOperatorsProposeIsCertified(t *testing.T) {
	w := newWorld(t, 3, transport.Faults{})
	w.pass(3)
	chain := w.members[0].core.store.Chain
	content := quorum.Content{Body: (&cert.EvidenceBody{Bundle: cert.Hash{7}}).Append(nil)}
	content.Envelope = cert.Seal(cert.Evidence, merkle.EmptyRoot(), chain.Length, chain.Head, content.Body)
	propose := func(i int) {
		err, crash := w.members[i].core.propose(content)
		require.NoError(t, err)
		require.NoError(t, crash)
	}
	propose(0)
	w.pass(3)
	propose(1)
	w.pass(3)
	require.EqualValues(t, 1, w.members[0].core.store.Chain.Length)
	propose(2)
	w.until(20, func() bool { return w.members[0].core.store.Chain.Length == 2 })
	require.Equal(t, cert.Evidence, w.members[0].core.store.Certificates[1].Envelope.Type)
	err, crash := w.members[0].core.propose(content)
	require.Error(t, err, "its height is over")
	require.NoError(t, crash)

	chain = w.members[0].core.store.Chain
	content.Envelope = cert.Seal(cert.Evidence, merkle.EmptyRoot(), chain.Length, chain.Head, content.Body)
	propose(0)
	w.pass(2)
	w.publish(ev(1, 1))
	w.until(300, w.settled)
	require.Equal(t, cert.Merge, w.members[0].core.store.Certificates[2].Envelope.Type, "one operator alone holds nobody up")
	w.audit(1, 0)
}

// TestARestoredBackupHaltsTheMember gives a member its disk of some heights ago.
func TestARestoredBackupHaltsTheMember(t *testing.T) {
	w := newWorld(t, 3, transport.Faults{})
	w.publish(ev(1, 1))
	w.until(20, w.settled)
	s := w.members[2]
	s.stop()
	backup := filepath.Join(t.TempDir(), "backup")
	require.NoError(t, os.CopyFS(backup, os.DirFS(s.dir)))
	s.start()
	w.publish(ev(2, 1))
	w.until(20, w.settled)
	s.stop()
	s.dir = backup
	require.NoError(t, os.Chmod(filepath.Join(backup, "members", "m2", "omega.key"), 0o600))
	s.start()
	w.until(50, func() bool { return s.core.status().Halted != "" })
	require.EqualValues(t, 2, s.core.store.Chain.Length)
	require.False(t, s.core.status().Ready)
	require.Equal(t, HaltNews, s.news[len(s.news)-1].Kind)
	w.publish(ev(3, 1))
	w.pass(30)
	require.EqualValues(t, 3, w.members[0].core.store.Chain.Length, "N of N goes on with nobody halted alone")
}

func TestASourceThatGivesNoEventLosesNothingElse(t *testing.T) {
	w := newWorld(t, 2, transport.Faults{})
	w.stream = append(w.stream, transport.Item{Sequence: 1, Event: []byte("no event")})
	w.publish(ev(1, 1))
	w.until(30, w.settled)
	require.EqualValues(t, 1, w.members[0].core.counts["source: malformed"])
	require.Len(t, w.members[0].acked, 2)
	w.audit(1, 0)
}

// TestAnEventThatCouldNotBeAcknowledgedIsWhenItComesAgain has the first acknowledgement
// fail.
func TestAnEventThatCouldNotBeAcknowledgedIsWhenItComesAgain(t *testing.T) {
	w := newWorld(t, 1, transport.Faults{})
	w.pass(2)
	c, acks := w.members[0].core, 0
	w.publish(ev(1, 1))
	item := w.stream[0]
	w.stream = nil
	item.Ack = func() error {
		acks++
		if acks == 1 {
			return errCrash
		}
		return nil
	}
	require.NoError(t, c.offer(item))
	w.until(20, func() bool { return acks == 1 })
	require.EqualValues(t, 1, c.counts["source: not acknowledged"])
	require.NoError(t, c.offer(item))
	require.Equal(t, 2, acks)
	require.Zero(t, c.status().Pending)
	w.audit(1, 0)
}

// TestAPlaceThatIsTakenIsTriedAgain has another sit where a member starts.
func TestAPlaceThatIsTakenIsTriedAgain(t *testing.T) {
	w := newWorld(t, 2, transport.Faults{})
	w.members[1].stop()
	end, err := w.bus.Join(1, func([]byte) {})
	require.NoError(t, err)
	w.members[1].start()
	w.publish(ev(1, 1))
	w.pass(5)
	require.Positive(t, w.members[1].core.counts["place on the bus taken"])
	require.NoError(t, end.Close())
	w.until(50, w.settled)
	w.audit(1, 0)
}
