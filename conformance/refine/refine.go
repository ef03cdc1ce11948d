// Package refine is the refinement mapping between the code and its models: what
// each value of tla/Quorum.tla and tla/DataPath.tla is in the code. What compares
// runs of the one with runs of the other, in either direction, does it through
// this package, and says nothing of the mapping itself.
//
// # The quorum
//
//	model                         code
//	mem[m]                        quorum.State; None where it has not started: the process is down
//	disk[m]                       the quorum.Durable of the last Persist; None where it is of an earlier height
//	log[m]                        the certificates appended behind the genesis; State.Chain ends with the last
//	net, act.sent                 the messages of Send and Announce, and what SendCertificate names
//	act.arg                       the quorum.Message: a record, a digest (Candidate), a number (Start), None
//	a digest <<a, b>>             the cert_hash of a certificate of height 2 whose prev_cert_hash is that of <<a>>
//	a proof's by                  those whose signatures in it verify; a certificate's votes likewise
//	a nonce                       its number among the starts
//
// A signature is no value of the model, where a message names its signer and nobody
// else's can be made. So the mapping is a partial function: a value of the code in
// which a signature that the model takes for granted does not verify has no
// counterpart. The same holds for a prepare, commit or candidate whose digest nobody
// has named, for lists that are not as long as the roster, candidates out of order,
// evidence that shows nothing, and a message sent to where it cannot be meant for.
// Such a value gives an error that wraps ErrForeign.
//
// From the code to the model lead Naming's methods. A Naming knows what the members,
// digests and nonces of a run are called:
//
//	names := refine.NewNaming(chain.Name, []string{"m1", "m2"}, cfg.Verify)
//	names.AddContent(&content, "a")  // each content, after the one before it
//	names.AddNonce(nonce, 1)
//	value, err := names.Member(&state)
//
// From the model to the code lead World's methods. A World has a roster with keys of
// its own, and makes every content that a digest of its values can name, each an
// evidence certificate sealed over the one before; so a digest is one content.
//
// # The data path
//
//	model                         code
//	an event [key, text, deps]    an event of stream 0 whose payload is text, and whose value follows from it
//	a section                     the bytes of an `.omega` file
//	pool[m]                       the inputs of invariant.Reconcile, in their order
//	PastOf(log[m])                the invariant.Past of what the log's results have certified and set aside
//	a result                      an invariant.Result: its trace, or its obstructions and what they set aside
//	equal results                 contents with the same cert_hash
package refine

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/omega-sheaf-os/omega/conformance/tlavalue"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/quorum"
)

// ErrForeign is wrapped by the error for a value of the code that has no counterpart
// in the model.
var ErrForeign = errors.New("no counterpart in the model")

// None is the model's value for the absence of anything.
const None = tlavalue.Model("None")

// Naming says how the model calls what a run of the code is about.
type Naming struct {
	chain   cert.Hash
	members []tlavalue.Model
	verify  func(member int, msg []byte, sig cert.Signature) bool
	digests map[cert.Hash]tlavalue.Seq
	nonces  map[quorum.Nonce]int
}

// NewNaming returns the names for the chain: of its members, in the order of the
// roster, and no others yet. Verify is that of the members' configs.
func NewNaming(chain cert.Hash, members []string, verify func(int, []byte, cert.Signature) bool) *Naming {
	n := &Naming{
		chain: chain, verify: verify,
		digests: map[cert.Hash]tlavalue.Seq{chain: {}}, nonces: map[quorum.Nonce]int{},
	}
	for _, m := range members {
		n.members = append(n.members, tlavalue.Model(m))
	}
	return n
}

// AddContent names a content by the value chosen at its height. What it follows must
// have a name.
func (n *Naming) AddContent(c *quorum.Content, value string) error {
	before, ok := n.digests[c.Envelope.Prev]
	if !ok {
		return fmt.Errorf("%w: %s follows %v, which has no name", ErrForeign, value, c.Envelope.Prev)
	}
	n.digests[c.Digest()] = append(slices.Clone(before), tlavalue.Model(value))
	return nil
}

// AddNonce gives a nonce its number.
func (n *Naming) AddNonce(nonce quorum.Nonce, number int) { n.nonces[nonce] = number }

// Name returns the model's name of a member of the roster.
func (n *Naming) Name(member int) tlavalue.Model { return n.members[member] }

// Digest returns the model's digest for a cert_hash; <<>> for the genesis.
func (n *Naming) Digest(hash cert.Hash) (tlavalue.Value, error) {
	m := mapping{Naming: n}
	return m.digest(hash), m.err
}

// mapping makes values of the model. After the first error they are worth nothing.
type mapping struct {
	*Naming
	err error
}

// foreign notes the first reason for which there is no counterpart.
func (m *mapping) foreign(format string, args ...any) tlavalue.Value {
	if m.err == nil {
		m.err = fmt.Errorf("%w: %w", ErrForeign, fmt.Errorf(format, args...))
	}
	return None
}

func (m *mapping) digest(hash cert.Hash) tlavalue.Value {
	d, ok := m.digests[hash]
	if !ok {
		return m.foreign("the digest %v has no name", hash)
	}
	return d
}

func (m *mapping) nonce(nonce quorum.Nonce) tlavalue.Value {
	number, ok := m.nonces[nonce]
	if !ok {
		return m.foreign("the nonce %x has no number", nonce)
	}
	return tlavalue.Int(number)
}

// number returns a height or an attempt.
func (m *mapping) number(n uint64) tlavalue.Value {
	if n > math.MaxInt32 {
		return m.foreign("the model counts to %d, got %d", math.MaxInt32, n)
	}
	return tlavalue.Int(n)
}

func (m *mapping) member(i int) tlavalue.Value {
	if i < 0 || i >= len(m.members) {
		return m.foreign("there is no member %d", i)
	}
	return m.members[i]
}

// membersWhere returns the set of those members of which is true.
func (m *mapping) membersWhere(is func(i int) bool) tlavalue.Value {
	var in []tlavalue.Value
	for i, name := range m.members {
		if is(i) {
			in = append(in, name)
		}
	}
	return m.set(in)
}

// function returns the function that gives of(i) for member i.
func (m *mapping) function(of func(i int) tlavalue.Value) tlavalue.Value {
	pairs := make([]tlavalue.Pair, len(m.members))
	for i, name := range m.members {
		pairs[i] = tlavalue.Pair{Arg: name, Value: of(i)}
	}
	f, ok := tlavalue.NewFunction(pairs)
	if !ok {
		return m.foreign("two members have one name")
	}
	return f
}

func (m *mapping) set(elements []tlavalue.Value) tlavalue.Value {
	s, ok := tlavalue.NewSet(elements)
	if !ok {
		return m.foreign("one element stands twice in %v", tlavalue.Seq(elements))
	}
	return s
}

// fields are those of a record, in any order.
type fields map[string]tlavalue.Value

func record(f fields) tlavalue.Value {
	r := make(tlavalue.Record, 0, len(f))
	for name, value := range f {
		r = append(r, tlavalue.Field{Name: name, Value: value})
	}
	slices.SortFunc(r, func(a, b tlavalue.Field) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return r
}
