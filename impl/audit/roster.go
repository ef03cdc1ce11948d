package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// KindPredecessor is the kind of findings about the chain that the audited one
// succeeds (AUD-6).
const KindPredecessor = "predecessor"

// Successor is what the genesis says of the chain that its own succeeds (BDY-8), and
// what the old chain says to that.
type Successor struct {
	Chain     string   `json:"chain"`
	Head      string   `json:"head"`
	Length    uint64   `json:"length"`    // of the old chain: the height of a certificate that who is lost may hold
	Remaining []uint16 `json:"remaining"` // members of the old roster, by their index
	Lost      []string `json:"lost"`      // the others' names; null where there was no old chain to look at
	Checked   bool     `json:"checked"`   // against the old chain
	Ahead     bool     `json:"ahead"`     // the old chain has the certificate of height Length
}

// since is a roster, and the height of the certificate that put it in force.
type since struct {
	height uint64
	roster cert.Roster
}

// rosterAfter returns the roster in force after the certificate of a height.
func (a *auditor) rosterAfter(height uint64) cert.Roster {
	for _, s := range slices.Backward(a.rosters) {
		if s.height <= height {
			return s.roster
		}
	}
	return nil
}

// addRoster takes over the roster that the certificate of this height puts in
// force, and notes what it changes.
func (a *auditor) addRoster(next cert.Roster) {
	if n := len(a.rosters); n > 0 {
		changes := strings.Join(compareRosters(a.rosters[n-1].roster, next), "; ")
		a.report.Notes = append(a.report.Notes, fmt.Sprintf("the roster changes at height %d: %s", a.chain.Length, changes))
	}
	a.rosters = append(a.rosters, since{a.chain.Length, next})
	for _, m := range next {
		a.keys[m.Name] = append(a.keys[m.Name], m.Key)
	}
}

// compareRosters says in words what differs, by the members' names.
func compareRosters(old, next cert.Roster) (changes []string) {
	say := func(format string, args ...any) { changes = append(changes, fmt.Sprintf(format, args...)) }
	named := func(r cert.Roster, name string) int {
		return slices.IndexFunc(r, func(m cert.Member) bool { return m.Name == name })
	}
	for _, m := range old {
		if named(next, m.Name) < 0 {
			say("%s leaves", m.Name)
		}
	}
	for _, m := range next {
		i := named(old, m.Name)
		switch {
		case i < 0:
			say("%s comes with the key %s", m.Name, identity.Fingerprint(m.Key))
		case old[i].Key != m.Key:
			say("%s has the new key %s", m.Name, identity.Fingerprint(m.Key))
		}
		if i >= 0 && !slices.Equal(old[i].Nodes, m.Nodes) {
			say("%s writes the nodes %v, before %v", m.Name, m.Nodes, old[i].Nodes)
		}
	}
	if len(changes) == 0 {
		say("the members sign in another order")
	}
	return changes
}

// checkGenesis looks at the chain that this one succeeds, if any (AUD-6).
func (a *auditor) checkGenesis(c *cert.Certificate, offset int64) error {
	g, err := cert.ParseGenesisBody(c.Body)
	if err != nil {
		return err // not after Chain.Check
	}
	s := g.Successor
	if s == nil {
		if a.opt.Predecessor != "" {
			return a.finding(KindPredecessor, a.log, offset, "the genesis names no chain that this one succeeds")
		}
		return nil
	}
	a.report.Successor = &Successor{Chain: s.Chain.String(), Head: s.Head.String(), Length: s.Length}
	for _, r := range s.Remaining {
		a.report.Successor.Remaining = append(a.report.Successor.Remaining, r.Member)
	}
	if a.opt.Predecessor != "" {
		if err := a.checkPredecessor(g, offset); err != nil {
			return err
		}
	}
	a.report.Notes = append(a.report.Notes, a.report.Successor.String())
	return nil
}

// succeeds says so where the genesis c names the pinned chain as the old one.
func (a *auditor) succeeds(c *cert.Certificate) string {
	if g, err := cert.ParseGenesisBody(c.Body); err == nil && g.Successor != nil && g.Successor.Chain == *a.opt.Genesis {
		return ", which this one says that it succeeds"
	}
	return ""
}

// checkPredecessor audits the old chain, and holds the genesis to it.
func (a *auditor) checkPredecessor(g *cert.GenesisBody, offset int64) error {
	s := g.Successor
	old, err := auditOld(a.opt.Predecessor, s.Chain)
	if err != nil {
		return err
	}
	wrong := func(format string, args ...any) error {
		return a.finding(KindPredecessor, a.log, offset, format, args...)
	}
	length := old.report.Certificates
	switch {
	case old.report.FirstError != nil:
		return old.report.FirstError
	case s.Length > length:
		return wrong("the genesis names %d certificates of the old chain, which has %d here", s.Length, length)
	case old.hashes[s.Length-1] != s.Head:
		return wrong("the genesis names the old head %v, the old chain has %v at height %d", s.Head, old.hashes[s.Length-1], s.Length-1)
	case length > s.Length+1:
		return wrong("the old chain has %d certificates behind the head that the genesis names; who remained has signed them", length-s.Length)
	}
	roster := old.rosterAfter(s.Length - 1)
	if err := g.CheckSuccessor(roster); err != nil {
		return wrong("%v", err)
	}
	out := a.report.Successor
	out.Checked, out.Ahead = true, length > s.Length
	for i, m := range roster {
		if !slices.Contains(out.Remaining, uint16(i)) {
			out.Lost = append(out.Lost, m.Name)
		}
	}
	return nil
}

// auditOld audits the data folder or the cert.log path, pinned to the chain.
func auditOld(path string, chain cert.Hash) (*auditor, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	dir, log := "", path
	if info.IsDir() {
		dir, log = path, filepath.Join(path, certlog.Name)
	}
	old := newAuditor(dir, Options{Genesis: &chain})
	defer old.past.Close()
	_, err = old.run(log)
	return old, err
}

// String says it in words, for people.
func (s *Successor) String() string {
	text := fmt.Sprintf("successor of the chain %s behind its head %s at height %d", s.Chain, s.Head, s.Length-1)
	if !s.Checked {
		return text + fmt.Sprintf(", by its members %v; not checked against the old chain; who is lost may hold a certificate of its height %d", s.Remaining, s.Length)
	}
	text += ", without " + strings.Join(s.Lost, ", ")
	if s.Ahead {
		return text + fmt.Sprintf("; THE OLD CHAIN GOES ON: it has a certificate of height %d, which this chain does not follow", s.Length)
	}
	return text + fmt.Sprintf("; who is lost may hold a certificate of its height %d", s.Length)
}
