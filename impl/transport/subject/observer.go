package subject

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
)

// Observers have places on the bus from firstPlace on, of which there are places:
// beyond those of any roster, and below the end of a message's u16 (MAN-6).
const (
	firstPlace = 60_000
	places     = 4096
)

// Place returns the place on the bus of whoever connects with this nkey while no roster
// has him: 60000 and the first two bytes of the SHA-256 of the public half, modulo 4096
// (ENG-2). Two on one place hear each other's answers, which both refuse: chance then
// makes one of them slow.
func Place(nkey string) int {
	h := sha256.Sum256([]byte(nkey))
	return firstPlace + int(binary.BigEndian.Uint16(h[:]))%places
}

// IsPlace reports whether an index is an observer's place.
func IsPlace(index int) bool { return index >= firstPlace && index < firstPlace+places }

// Observer returns what somebody with this nkey may do who follows the chain: ask
// members for what it lacks, and hear their answers and the truth (ENG-3).
func (c Chain) Observer(nkey string) Permissions {
	place := Place(nkey)
	return Permissions{
		Publish:   []string{c.at("from." + strconv.Itoa(place) + ".to.*")},
		Subscribe: []string{c.Receive(place), c.at("truth.*"), c.Inbox(place) + ".>"},
	}
}

// Both returns what two lists allow together.
func (p Permissions) Both(other Permissions) Permissions {
	return Permissions{append(append([]string{}, p.Publish...), other.Publish...), append(append([]string{}, p.Subscribe...), other.Subscribe...)}
}

// EventsOf matches the subjects of the events of one node, or of all where it is *.
func (c Chain) EventsOf(node string) string { return c.at("events." + node + ".*") }
