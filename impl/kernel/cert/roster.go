package cert

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// KeySize is the size of an Ed25519 public key in bytes.
const KeySize = ed25519.PublicKeySize

// MaxNameLen is the longest member name in bytes (RST-2).
const MaxNameLen = 64

// maxMembers bounds a roster, and so the signatures of a record (RST-1).
const maxMembers = 1<<16 - 1

// PublicKey is a member's Ed25519 public key.
type PublicKey [KeySize]byte

// Member is one party of the roster: its name, its key and the node ids whose
// sections it signs, strictly increasing (RST-1).
type Member struct {
	Name  string
	Key   PublicKey
	Nodes []uint32
}

// Roster is the members of a chain, in the order of their signatures (RST-1).
type Roster []Member

// ErrRoster is wrapped by every error about a roster's content or bytes.
var ErrRoster = errors.New("bad roster")

func rosterError(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrRoster, fmt.Errorf(format, args...))
}

// Validate checks the rules of a roster: at least one member; names of one to 64
// of a-z 0-9 . _ - that start with a letter or digit, none twice; keys canonical,
// of no small order, none twice; node ids strictly increasing, none with two members
// and none the id of mixed files (RST-2 to RST-4).
func (r Roster) Validate() error {
	if len(r) == 0 {
		return rosterError("it has no member, and an empty roster would finalise everything")
	}
	if len(r) > maxMembers {
		return rosterError("%d members, at most %d", len(r), maxMembers)
	}
	names, keys, nodes := map[string]bool{}, map[PublicKey]string{}, map[uint32]string{}
	for i := range r {
		m := &r[i]
		if err := m.validate(); err != nil {
			return rosterError("member %d: %w", i, err)
		}
		if names[m.Name] {
			return rosterError("member %d: the name %q stands twice", i, m.Name)
		}
		if other, ok := keys[m.Key]; ok {
			return rosterError("%q has the key of %q", m.Name, other)
		}
		for _, n := range m.Nodes {
			if other, ok := nodes[n]; ok {
				return rosterError("%q writes node %d, and so does %q", m.Name, n, other)
			}
			nodes[n] = m.Name
		}
		names[m.Name], keys[m.Key] = true, m.Name
	}
	return nil
}

func (m *Member) validate() error {
	if err := CheckName(m.Name); err != nil {
		return err
	}
	if err := CheckKey(m.Key); err != nil {
		return fmt.Errorf("%q: %w", m.Name, err)
	}
	if len(m.Nodes) > 1<<16-1 {
		return fmt.Errorf("%q: %d nodes, at most %d", m.Name, len(m.Nodes), 1<<16-1)
	}
	for i, n := range m.Nodes {
		if n == 0xFFFFFFFF {
			return fmt.Errorf("%q: node %d stands for mixed files and has no writer", m.Name, n)
		}
		if i > 0 && m.Nodes[i-1] >= n {
			return fmt.Errorf("%q: nodes are not strictly increasing: %d, then %d", m.Name, m.Nodes[i-1], n)
		}
	}
	return nil
}

// CheckName returns an error where name is not the name of a member (RST-2).
func CheckName(name string) error {
	if name == "" || len(name) > MaxNameLen {
		return fmt.Errorf("a name has 1 to %d bytes, got %d", MaxNameLen, len(name))
	}
	for i := range len(name) {
		c := name[i]
		alnum := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || c != '.' && c != '_' && c != '-') {
			return fmt.Errorf("the name %q has %q at %d; names are of a-z 0-9 . _ - and start with a letter or digit", name, c, i)
		}
	}
	return nil
}

func number(hex string) *big.Int {
	n, _ := new(big.Int).SetString(hex, 16)
	return n
}

// The curve of RFC 8032, 5.1: the prime of its field, its constant d, and the y
// coordinates of the points whose order divides 8.
var (
	one        = big.NewInt(1)
	fieldPrime = number("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed")
	curveD     = number("52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3")
	smallY     = []*big.Int{
		number("0"),
		number("1"),
		number("5fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826"),
		number("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7"),
		number("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec"),
	}
)

// CheckKey returns an error where k is not the canonical encoding of a point on
// the curve, or is a point of small order, under which one signature can fit
// many messages (RST-3).
func CheckKey(k PublicKey) error {
	le := k
	le[KeySize-1] &= 0x7f // the top bit is the sign of x
	slices.Reverse(le[:])
	y := new(big.Int).SetBytes(le[:])
	if y.Cmp(fieldPrime) >= 0 {
		return fmt.Errorf("the key %x is not canonical: y is not below 2^255-19", k)
	}
	if slices.ContainsFunc(smallY, func(small *big.Int) bool { return y.Cmp(small) == 0 }) {
		return fmt.Errorf("the key %x is a point of small order", k)
	}
	// On the curve x^2 = (y^2-1) / (d*y^2+1), so the quotient, or just as well
	// the product, is a square.
	yy := new(big.Int).Mul(y, y)
	u := new(big.Int).Sub(yy, one)
	v := new(big.Int).Add(yy.Mul(yy, curveD), one)
	if big.Jacobi(u.Mul(u, v).Mod(u, fieldPrime), fieldPrime) != 1 {
		return fmt.Errorf("the key %x is not a point on the curve", k)
	}
	return nil
}

// Append appends the roster's bytes to b (RST-1):
//
//	count u16 | count x (name_len u8 | name | key[32] | node_count u16 | node_count x node u32)
//
// The roster must be valid.
func (r Roster) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(r)))
	for i := range r {
		m := &r[i]
		b = append(b, byte(len(m.Name)))
		b = append(b, m.Name...)
		b = append(b, m.Key[:]...)
		b = binary.BigEndian.AppendUint16(b, uint16(len(m.Nodes)))
		for _, n := range m.Nodes {
			b = binary.BigEndian.AppendUint32(b, n)
		}
	}
	return b
}

// ParseRoster reads a roster that fills b to its end, and validates it (RST-1 to
// RST-4).
func ParseRoster(b []byte) (Roster, error) {
	d := decoder{b: b}
	r, err := d.roster()
	if err != nil {
		return nil, err
	}
	if err := d.end(); err != nil {
		return nil, rosterError("%w", err)
	}
	return r, nil
}

// roster reads a roster from the front of what is left, and validates it.
func (d *decoder) roster() (Roster, error) {
	count := int(d.u16())
	r := make(Roster, 0, min(count, len(d.b)/KeySize))
	for range count {
		m := Member{Name: string(d.take(int(d.u8())))}
		copy(m.Key[:], d.take(KeySize))
		nodes := int(d.u16())
		if raw := d.take(4 * nodes); raw != nil && nodes > 0 {
			m.Nodes = make([]uint32, nodes)
			for i := range m.Nodes {
				m.Nodes[i] = binary.BigEndian.Uint32(raw[4*i:])
			}
		}
		if d.err != nil {
			break
		}
		r = append(r, m)
	}
	if d.err != nil {
		return nil, rosterError("%w", d.err)
	}
	if err := r.Validate(); err != nil {
		return nil, err
	}
	return r, nil
}

// Hash returns the roster's hash (RST-5).
func (r Roster) Hash() Hash { return tagged(rosterTag, r.Append(nil)) }

// Writer returns the index of the member that writes node, or false (RST-4).
func (r Roster) Writer(node uint32) (int, bool) {
	for i := range r {
		if _, ok := slices.BinarySearch(r[i].Nodes, node); ok {
			return i, true
		}
	}
	return 0, false
}

// Find returns the index of the member with the key, or false (RST-3).
func (r Roster) Find(k PublicKey) (int, bool) {
	i := slices.IndexFunc(r, func(m Member) bool { return m.Key == k })
	return i, i >= 0
}

// Joiners returns the members of next whose keys r does not have, in their order:
// those who sign a roster change from r to next before it is decided (QRM-23).
func (r Roster) Joiners(next Roster) Roster {
	known := make(map[PublicKey]bool, len(r))
	for i := range r {
		known[r[i].Key] = true
	}
	var joiners Roster
	for _, m := range next {
		if !known[m.Key] {
			joiners = append(joiners, m)
		}
	}
	return joiners
}

// Verify checks one vote of member i for the certificate hash on chain (CRT-5).
func (r Roster) Verify(i int, chain, certHash Hash, sig Signature) bool {
	return ed25519.Verify(r[i].Key[:], VoteMessage(chain, certHash), sig[:])
}
