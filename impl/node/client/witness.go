package client

import (
	"errors"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// Why a truth is not taken (CLI-20). Match with errors.Is.
var (
	ErrNotRecord   = errors.New("not one record of a cert.log")
	ErrOnlyOutline = errors.New("the certificate is too large for the engine: its envelope alone proves nothing")
	ErrNotSigned   = errors.New("not signed by all members")
	ErrEnvelope    = errors.New("the envelope is not that of its body")
	ErrFork        = errors.New("two certificates of one height, each signed by all members")
	ErrOtherLink   = errors.New("the certificate does not follow the one before it")
)

// Seen is a certificate that a Witness has verified.
type Seen struct {
	Certificate *cert.Certificate
	// Linked says that the certificate right before it was seen too, and is the one
	// that it names. Else what lies between is in the members' cert.log.
	Linked bool
}

// memory is how many heights a Witness remembers, to find a fork in.
const memory = 1 << 16

// Witness verifies the certificates of one chain as they come: each has the signature
// of every member over itself, so that nothing else needs to be trusted, neither who has
// sent it nor the engine (ENG-14). It starts from what is known of the chain, at least
// its genesis.
type Witness struct {
	chain  cert.Chain           // as far as it was seen whole
	whole  bool                 // nothing was missed since
	roster cert.Roster          // that signs what comes
	last   uint64               // the newest height
	hashes map[uint64]cert.Hash // of the heights seen, the last ones
}

// NewWitness starts from a chain that was checked, and its certificates.
func NewWitness(chain cert.Chain, certificates []*cert.Certificate) *Witness {
	w := &Witness{chain: chain, whole: true, roster: chain.Roster, last: chain.Length - 1, hashes: map[uint64]cert.Hash{}}
	for _, c := range certificates {
		w.remember(c)
	}
	return w
}

// Chain returns the chain's name.
func (w *Witness) Chain() cert.Hash { return w.chain.Name }

// Take verifies the payload of a truth of the kind certificate or obstruction. It
// returns nil, and no error, for what was seen already. A refusal changes nothing.
func (w *Witness) Take(payload []byte) (*Seen, error) {
	if len(payload) == cert.EnvelopeSize {
		return nil, ErrOnlyOutline
	}
	c, size, err := cert.NextRecord(payload, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotRecord, err)
	}
	if size != int64(len(payload)) {
		return nil, fmt.Errorf("%w: %d bytes behind it", ErrNotRecord, int64(len(payload))-size)
	}
	height, hash := c.Envelope.BatchID, c.Envelope.Hash()
	if known, ok := w.hashes[height]; ok {
		return nil, w.compare(c, known, hash)
	}
	if w.whole && height == w.chain.Length {
		return w.next(c)
	}
	return w.later(c)
}

// compare judges a second certificate of a height.
func (w *Witness) compare(c *cert.Certificate, known, hash cert.Hash) error {
	if known == hash {
		return nil
	}
	if _, err := w.verify(c); err != nil {
		return err
	}
	return fmt.Errorf("%w: height %d: %v and %v", ErrFork, c.Envelope.BatchID, known, hash)
}

// next takes the certificate that follows the whole chain.
func (w *Witness) next(c *cert.Certificate) (*Seen, error) {
	chain, err := w.chain.Check(c)
	if err != nil {
		return nil, err
	}
	w.chain, w.roster = chain, chain.Roster
	w.remember(c)
	return &Seen{c, true}, nil
}

// later takes a certificate before which some were missed.
func (w *Witness) later(c *cert.Certificate) (*Seen, error) {
	roster, err := w.verify(c)
	if err != nil {
		return nil, err
	}
	e := &c.Envelope
	before, linked := w.hashes[e.BatchID-1]
	if linked && before != e.Prev {
		return nil, fmt.Errorf("%w: height %d names %v, height %d is %v", ErrOtherLink, e.BatchID, e.Prev, e.BatchID-1, before)
	}
	if e.BatchID > w.last {
		w.whole, w.roster = false, roster
	}
	w.remember(c)
	return &Seen{c, linked}, nil
}

// verify checks a certificate by itself: its body is that of its envelope, and every
// member of the roster, which it returns as it is behind it, has signed.
func (w *Witness) verify(c *cert.Certificate) (cert.Roster, error) {
	e := &c.Envelope
	if e.BatchID == 0 || cert.Seal(e.Type, e.TraceRoot, e.BatchID, e.Prev, c.Body) != *e {
		return nil, fmt.Errorf("%w: height %d", ErrEnvelope, e.BatchID)
	}
	signers, next := w.roster, w.roster
	if e.Type == cert.RosterChange {
		body, err := cert.ParseRosterChangeBody(c.Body)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrEnvelope, err)
		}
		if body.OldHash != w.roster.Hash() {
			return nil, fmt.Errorf("%w: height %d changes another roster than the one last known", ErrNotSigned, e.BatchID)
		}
		next = body.Roster
		signers = append(append(cert.Roster{}, w.roster...), next...)
	}
	if len(c.Signatures) != len(signers) {
		return nil, fmt.Errorf("%w: height %d: %d signatures, %d members", ErrNotSigned, e.BatchID, len(c.Signatures), len(signers))
	}
	for i := range signers {
		if !signers.Verify(i, w.chain.Name, e.Hash(), c.Signatures[i]) {
			return nil, fmt.Errorf("%w: height %d: %s", ErrNotSigned, e.BatchID, signers[i].Name)
		}
	}
	return next, nil
}

func (w *Witness) remember(c *cert.Certificate) {
	height := c.Envelope.BatchID
	w.hashes[height] = c.Envelope.Hash()
	w.last = max(w.last, height)
	if len(w.hashes) > memory {
		for h := range w.hashes {
			if h+memory/2 < w.last {
				delete(w.hashes, h)
			}
		}
	}
}
