// Package quorum is the protocol by which N members agree on the next
// certificate of a chain and all N sign it, as one pure function:
//
//	Step(config, state, message) -> state, effects, error
//
// # Terms
//
// A height is the batch_id of the certificate that is being agreed on. Within a
// height members go through attempts 0, 1, 2 ... A digest is a certificate's
// cert_hash. A member's prepare says, signed: in this attempt I stand for this
// digest. N equal prepares of one attempt are a proof. A member that holds all N
// prepares of its current attempt, and all equal, is locked: it commits, that
// is, it gives its vote, the signature that stands in the certificate. N equal
// commits are the certificate.
//
// # Rules
//
//   - One prepare an attempt (QRM-10). A locked member prepares its lock; an
//     unlocked one the digest of the highest proof it knows; else its own
//     candidate (QRM-11). It prepares only a digest whose content it holds and
//     has validated itself (QRM-12).
//   - A member locks only from all N prepares of its current attempt, never from
//     a proof of an older one; it locks and commits once a height (QRM-13).
//   - The attempt advances one at a time, and only after preparing in it: when
//     all N prepares are held and differ, at a Tick when a prepare of a later
//     attempt is held, or at a Timeout (QRM-14).
//   - A verified proof higher than the one known is taken over from any prepare or
//     commit, and is on disk before anything is done by it (QRM-15).
//   - A certificate with N signatures proves itself, and is adopted from anyone
//     (QRM-16). Its N signatures are known to their signers: who misses one has
//     crashed between its commit and the end of the height.
//   - After a start a member signs no prepare and no commit until every peer has
//     answered what it holds of this member's at this height (QRM-17). A signature
//     of its own that it does not remember halts it (QRM-18).
//   - Two prepares of one member for one attempt that differ, and two commits for one
//     height, are evidence against it (QRM-19).
//   - A roster change is decided by the old roster. Those who join have signed its
//     content beforehand; who stays votes once, and its vote stands twice (QRM-23). With
//     it the members under the old roster end, and begin again under the new one
//     (QRM-24).
//
// # Effects
//
// What a step asks for is carried out by the shell, in order, and each is done
// before the next begins: Persist and Append are on disk, fsynced, before what
// follows leaves. A crash may fall between any two; what is left of the member
// then is its certificates and the bytes of its last Persist, from which Begin and
// Start make its state again. A failed Persist or Append is a crash.
//
// # Time
//
// The step has no clock. The shell sends Tick at a steady pace: it repeats what may
// have been lost, and its pace is the rate at which a member follows others to
// later attempts. It sends Timeout when a height has made no progress for a time
// that it lets grow from attempt to attempt.
//
// # Promises
//
// Two different certificates of one height need every member's double signature,
// so one honest member is enough against a fork (QRM-20). Progress is
// promised only with no liar and no silent member: that is the price of N of N.
package quorum

import (
	"crypto/ed25519"
	"fmt"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// Signer makes a member's signatures. It must give the same signature for the
// same bytes, as Ed25519 does.
type Signer interface {
	Sign(msg []byte) cert.Signature
}

// Config is what a member is, for as long as the roster stays the same. It is
// never changed by Step.
type Config struct {
	Chain  cert.Hash   // the chain's name
	Roster cert.Roster // the N members; a member is named by its index
	Self   int         // this member
	Signer Signer
	Verify func(member int, msg []byte, sig cert.Signature) bool
}

// NewConfig returns the config of the member with the public key, for which the
// signer signs, on the chain; signatures are Ed25519. It fails where the roster
// does not name the key (QRM-9).
func NewConfig(chain cert.Chain, public cert.PublicKey, signer Signer) (*Config, error) {
	self, ok := chain.Roster.Find(public)
	if !ok {
		return nil, fmt.Errorf("%w: no member has the key %x", ErrUnknownMember, public)
	}
	roster := slices.Clone(chain.Roster)
	return &Config{
		Chain:  chain.Name,
		Roster: roster,
		Self:   self,
		Signer: signer,
		Verify: func(member int, msg []byte, sig cert.Signature) bool {
			return ed25519.Verify(roster[member].Key[:], msg, sig[:])
		},
	}, nil
}

// Content is a certificate before its signatures: an envelope and its body. The
// body's bytes are shared and never changed. That of a roster change has the votes
// of those who join by it, in the new roster's order; any other has none (QRM-23).
type Content struct {
	Envelope cert.Envelope
	Body     []byte
	Joining  []cert.Signature
}

// Digest returns the cert_hash of the content (CRT-3).
func (c *Content) Digest() cert.Hash { return c.Envelope.Hash() }

// SignedPrepare is what one known member signed in one attempt at one known
// height (QRM-3).
type SignedPrepare struct {
	Attempt   uint64
	Digest    cert.Hash
	Signature cert.Signature
}

// SignedCommit is one known member's vote. It carries the envelope, so that the
// height of the vote is beyond doubt (QRM-4).
type SignedCommit struct {
	Envelope cert.Envelope
	Vote     cert.Signature
}

// Proof is N equal prepares of one attempt at one known height, the signatures
// in roster order (QRM-5).
type Proof struct {
	Attempt    uint64
	Digest     cert.Hash
	Signatures []cert.Signature
}

// Held is what is held of one member's prepares at this height.
type Held struct {
	Current *SignedPrepare // the one of the current attempt, or nil
	Newest  *SignedPrepare // the one of the highest attempt seen, or nil
}

// State is all that a member knows. It is a value: Step returns a new one and
// leaves the old one as it was. What the pointers point to and the bytes of
// bodies and signatures are never changed. The fields Candidates, Proof, Lock and
// the own newest prepare are what survives a crash, see Durable.
type State struct {
	Chain   cert.Chain // certified so far; Chain.Length is the height
	Started bool
	// Changed tells that the last certificate is a roster change, as Start said of the
	// log, until the height is over (QRM-24).
	Changed bool

	// Nonce is this start's; Answered tells which members have answered it at
	// this height, this member itself included. Once all have, the member is
	// ready, and stays so.
	Nonce    Nonce
	Answered []bool

	// Attempt is that of the own newest prepare, or the one behind it. It only
	// grows within a height.
	Attempt uint64
	// Candidates are the contents held and validated, strictly increasing by
	// digest: the own one for this attempt, and those of the own newest prepare,
	// the highest proof and the lock. So there are at most four.
	Candidates []Content
	// Own is the digest of the own candidate for this attempt; zero: none yet.
	Own cert.Hash

	// Proof is the highest known, or nil. Its attempt only grows within a height.
	Proof *Proof
	// Lock is the proof from which this member locked, or nil. It is set once a
	// height. While it is set, Proof has its digest.
	Lock *Proof

	Prepares []Held          // by member, this one included
	Commits  []*SignedCommit // by member, this one included; nil: none
	Evidence []Evidence      // found at this height, at most one a member and kind
	Halted   *Halt           // set once, for ever
}

// Begin returns the state of a member that knows its certificates and nothing
// else. The chain has its genesis. Its first message is Start (QRM-17).
func Begin(chain cert.Chain) State {
	s := State{Chain: chain}
	s.enter(chain)
	return s
}

// enter starts the height behind chain.
func (s *State) enter(chain cert.Chain) {
	n := len(chain.Roster)
	s.Chain, s.Attempt, s.Candidates, s.Own = chain, 0, nil, cert.Hash{}
	s.Proof, s.Lock, s.Evidence, s.Changed = nil, nil, nil, false
	s.Prepares, s.Commits = make([]Held, n), make([]*SignedCommit, n)
}

// Height returns the height being agreed on (CRT-2).
func (s *State) Height() uint64 { return s.Chain.Length }

// Ready reports whether the member may sign: it has started, and every peer has
// answered (QRM-17).
func (s *State) Ready() bool {
	return s.Started && s.Halted == nil && !slices.Contains(s.Answered, false)
}

// clone returns a state whose slices can be changed without changing s.
func (s State) clone() State {
	s.Answered = slices.Clone(s.Answered)
	s.Candidates = slices.Clone(s.Candidates)
	s.Prepares = slices.Clone(s.Prepares)
	s.Commits = slices.Clone(s.Commits)
	s.Evidence = slices.Clone(s.Evidence)
	return s
}
