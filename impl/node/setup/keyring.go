package setup

import (
	"slices"
	"sync"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// Keyring knows by which keys a node's writer may have signed: the one that the roster
// gives it, and the one that the roster before gave it, since events may have been on
// their way when the key was rotated (ENG-11). It is safe for concurrent use.
type Keyring struct {
	mu      sync.Mutex
	rosters []cert.Roster // the last two, the newer one first
}

// NewKeyring returns one that knows no key.
func NewKeyring() *Keyring { return &Keyring{} }

// Learn takes in a certificate of the chain, which has been verified. The error says
// that its body is none.
func (k *Keyring) Learn(c *cert.Certificate) error {
	var roster cert.Roster
	switch c.Envelope.Type {
	case cert.Genesis:
		body, err := cert.ParseGenesisBody(c.Body)
		if err != nil {
			return err
		}
		roster = body.Roster
	case cert.RosterChange:
		body, err := cert.ParseRosterChangeBody(c.Body)
		if err != nil {
			return err
		}
		roster = body.Roster
	default:
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.learn(roster)
	return nil
}

func (k *Keyring) learn(roster cert.Roster) {
	k.rosters = append([]cert.Roster{roster}, k.rosters...)
	k.rosters = k.rosters[:min(2, len(k.rosters))]
}

// Rosters returns the roster in force, and the one before it, if any.
func (k *Keyring) Rosters() []cert.Roster {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.rosters)
}

// Of returns the keys of a node's writer, the newest first.
func (k *Keyring) Of(node uint32) (keys []cert.PublicKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.rosters {
		if i, ok := r.Writer(node); ok && !slices.Contains(keys, r[i].Key) {
			keys = append(keys, r[i].Key)
		}
	}
	return keys
}
