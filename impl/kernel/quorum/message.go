package quorum

import (
	"encoding/binary"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// Message is what Step takes. From other members come *Prepare, *Commit,
// *Decided, *Resync and *ResyncReply, which have bytes (Encode, Decode); from the
// shell come Start, Candidate, Tick and Timeout, which have none.
type Message interface {
	// apply makes the message's change in t. After an error t is thrown away.
	apply(t *turn) error
}

// Wire is a message that travels between members (QRM-1).
type Wire interface {
	Message
	append(b []byte) []byte
}

// Nonce is fresh for every start of a member (QRM-17).
type Nonce [16]byte

// Prepare says that From stands for a digest in one attempt, and carries the
// highest proof that From knows, or nil (QRM-3).
type Prepare struct {
	Chain  cert.Hash
	Height uint64
	From   int
	SignedPrepare
	Proof *Proof
}

// Commit is From's vote, with the highest proof that it knows, or nil (QRM-4).
// Its height is the envelope's.
type Commit struct {
	Chain cert.Hash
	From  int
	SignedCommit
	Proof *Proof
}

// Decided is a whole certificate. It needs no sender: N signatures prove it
// (QRM-6).
type Decided struct {
	Certificate cert.Certificate
}

// Resync asks every peer what it holds of From's at From's height (QRM-7). A
// peer that is further answers with the certificate of that height.
type Resync struct {
	Chain     cert.Hash
	From      int
	Height    uint64
	Nonce     Nonce
	Signature cert.Signature
}

// ResyncReply tells To what From holds of To's at the height: its newest
// prepare and its commit, or nil (QRM-8).
type ResyncReply struct {
	Chain     cert.Hash
	From, To  int
	Height    uint64
	Nonce     Nonce // the one of the Resync
	Prepare   *SignedPrepare
	Commit    *SignedCommit
	Signature cert.Signature
}

// Start is a member's first message: what its disk holds, or nil, and a nonce
// that no start has used before (QRM-17). Step verifies all of what the disk holds.
// Changed tells that the last certificate of the log is a roster change (QRM-24).
type Start struct {
	Disk    *Durable
	Nonce   Nonce
	Changed bool
}

// Candidate is a content that this member has itself made, or made again, from
// events that it holds: its own for the attempt, or the one that NeedCandidate
// asked for (QRM-12). Step checks it against the chain. The body must not be
// changed afterwards.
type Candidate struct {
	Attempt uint64
	Content
}

// Tick repeats what may have been lost, and takes the member one attempt on where
// a peer is in a later one (QRM-14). Its pace is the shell's.
type Tick struct{}

// Timeout takes the member to the next attempt, whatever the others do (QRM-14).
// Its time, growing with the attempts, is the shell's.
type Timeout struct{}

const (
	resyncTag = "omega/resync/v1\x00"
	replyTag  = "omega/resync-reply/v1\x00"
)

// signed returns the bytes that From signs (QRM-7):
//
//	"omega/resync/v1\0" | chain | from u16 | height u64 | nonce[16]
func (m *Resync) signed() []byte {
	b := append([]byte(resyncTag), m.Chain[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(m.From))
	b = binary.BigEndian.AppendUint64(b, m.Height)
	return append(b, m.Nonce[:]...)
}

// signed returns the bytes that From signs (QRM-8):
//
//	"omega/resync-reply/v1\0" | chain | the message's bytes behind the chain and before the signature
func (m *ResyncReply) signed() []byte {
	b := append([]byte(replyTag), m.Chain[:]...)
	return m.appendContent(b)
}

func (p *SignedPrepare) verify(cfg *Config, height uint64, member int) bool {
	msg := cert.PrepareMessage(cfg.Chain, height, p.Attempt, p.Digest)
	return cfg.Verify(member, msg, p.Signature)
}

func (c *SignedCommit) verify(cfg *Config, member int) bool {
	return cfg.Verify(member, cert.VoteMessage(cfg.Chain, c.Envelope.Hash()), c.Vote)
}
