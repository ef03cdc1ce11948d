package faults_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/conformance/layer"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
	"github.com/omega-sheaf-os/omega/impl/node/member"
)

const (
	liar   = 3
	victim = 0
)

// A lie is what arrives at the victim in place of a message of the liar's. What the
// liar's key can sign it signs.
type lie struct {
	name   string
	tell   func(w *world, b []byte) [][]byte
	caught func(s *member.Status) bool // what the victim shows of it
}

var lies = []lie{
	{"double_prepare", func(w *world, b []byte) [][]byte {
		m, ok := decodeQuorum(b).(*quorum.Prepare)
		if !ok {
			return [][]byte{b}
		}
		other := *m
		other.Digest[0]++
		other.Signature = w.Seats[liar].Key.Sign(cert.PrepareMessage(m.Chain, m.Height, m.Attempt, other.Digest))
		return [][]byte{b, quorum.Encode(&other)}
	}, accused("prepare")},
	{"double_commit", func(w *world, b []byte) [][]byte {
		m, ok := decodeQuorum(b).(*quorum.Commit)
		if !ok {
			return [][]byte{b}
		}
		other := *m
		other.Envelope.TraceRoot[0]++
		other.Vote = w.Seats[liar].Key.Sign(cert.VoteMessage(m.Chain, other.Envelope.Hash()))
		return [][]byte{quorum.Encode(&other), b}
	}, accused("commit")},
	{"forged_proof", func(w *world, b []byte) [][]byte {
		m, ok := decodeQuorum(b).(*quorum.Prepare)
		if !ok {
			return [][]byte{b}
		}
		other := *m
		other.Proof = &quorum.Proof{Attempt: m.Attempt, Digest: cert.Hash{7}, Signatures: make([]cert.Signature, len(w.Seats))}
		other.Proof.Signatures[liar] = w.Seats[liar].Key.Sign(cert.PrepareMessage(m.Chain, m.Height, m.Attempt, cert.Hash{7}))
		return [][]byte{quorum.Encode(&other)}
	}, counted("refused")},
	{"withheld_commit", func(_ *world, b []byte) [][]byte {
		switch decodeQuorum(b).(type) {
		case *quorum.Commit, *quorum.Decided:
			return nil
		}
		return [][]byte{b}
	}, func(*member.Status) bool { return true }},
	{"two_manifests", func(w *world, b []byte) [][]byte {
		m, ok := decodeOwn(b).(*member.Manifest)
		if !ok || m.From != liar {
			return [][]byte{b}
		}
		other := *m
		other.First++
		other.Last++
		other.Signature = w.Seats[liar].Key.Sign(other.Message())
		return [][]byte{b, other.Encode()}
	}, accused("manifest")},
	{"wrong_chunks", func(_ *world, b []byte) [][]byte {
		m, ok := decodeOwn(b).(*member.Chunk)
		if !ok || m.Offset > 0 || m.Total != uint64(len(m.Bytes)) || len(m.Bytes) < frame.HeaderSize {
			return [][]byte{b}
		}
		other := *m
		other.Bytes = otherEvents(m.Bytes)
		return [][]byte{other.Encode()}
	}, counted("liars")},
	{"garbage", func(_ *world, b []byte) [][]byte {
		noise := make([]byte, rand.IntN(2000))
		for i := range noise {
			noise[i] = byte(rand.Uint32())
		}
		flipped := slices.Clone(b)
		flipped[rand.IntN(len(flipped))] ^= 1 << rand.IntN(8)
		return [][]byte{noise, flipped, b[:rand.IntN(len(b))], b}
	}, counted("refused: malformed")},
}

// accused tells whether the victim has two messages of the liar as evidence.
func accused(kind string) func(*member.Status) bool {
	return func(s *member.Status) bool {
		return slices.ContainsFunc(s.Evidence, func(e member.Evidence) bool { return e.Kind == kind && e.Member == "m3" })
	}
}

// counted tells whether the victim has counted something.
func counted(cause string) func(*member.Status) bool {
	return func(s *member.Status) bool {
		for name, n := range s.Counters {
			if strings.HasPrefix(name, cause) && n > 0 {
				return true
			}
		}
		return false
	}
}

// otherEvents returns a section, as whole as the given one, of other events.
func otherEvents(section []byte) []byte {
	changed := slices.Clone(section[:frame.HeaderSize])
	for offset := int64(frame.HeaderSize); ; {
		e, next, err := frame.Next(section, offset)
		if err != nil {
			return changed
		}
		body := slices.Clone(e)
		body[len(body)-1] ^= 1
		if changed, err = frame.Append(changed, body); err != nil {
			panic(err)
		}
		offset = next
	}
}

func decodeQuorum(b []byte) quorum.Wire {
	m, err := quorum.Decode(b)
	if err != nil {
		return nil
	}
	return m
}

func decodeOwn(b []byte) any {
	m, err := member.Decode(b)
	if err != nil {
		return nil
	}
	return m
}

// lyingTime is for how long a liar lies.
func lyingTime() time.Duration { return time.Duration(layer.Runs(1, 10)) * time.Second }

// TestALiarForksNothingAndIsSeen has one of four members lie to another for a while.
// The lie is seen where it can be, no two members certify different things, and when it
// ends the chain goes on with all that was handed in.
func TestALiarForksNothingAndIsSeen(t *testing.T) {
	t.Parallel()
	for _, l := range lies {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "liar_"+l.name, 4)
			w.certify(2, 0, 1, 2, 3)
			require.NoError(w.t, w.Settle(patience))
			before := w.Height(victim)
			w.wire.Change(func(from, to int, b []byte) [][]byte {
				if from != liar || to != victim {
					return [][]byte{b}
				}
				return l.tell(w, b)
			})
			for end := time.Now().Add(lyingTime()); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
				if w.Seats[victim].Member.Status().Pending == 0 {
					for i := range 4 {
						require.NoError(t, w.Submit(i, w.Events(i, 2, 100)...))
					}
				}
			}
			w.until(func() bool { return l.caught(w.Seats[victim].Member.Status()) })
			during := w.Height(victim)
			w.wire.Change(nil)
			after := w.certify(3, 0, 1, 2, 3)
			for _, s := range w.Seats {
				require.Empty(t, s.Member.Status().Halted)
			}
			w.counts(before, during-before, after-during)
			w.judge()
		})
	}
}
