package linear

import (
	"crypto/ed25519"
	"crypto/sha256"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// signer is the private key of a member.
func signer(i int) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(slices.Concat([]byte{byte(i)}, make([]byte, 31)))
}

func publicOf(i int) cert.PublicKey { return cert.PublicKey(signer(i).Public().(ed25519.PublicKey)) }

func signed(i int, message []byte) cert.Signature {
	return cert.Signature(ed25519.Sign(signer(i), message))
}

// roster returns three members, in a slice with room to spare: who appends to it
// by mistake writes where others write too.
func (w *world) roster() cert.Roster {
	r := make(cert.Roster, 0, 8)
	for i, nodes := range [][]uint32{{1, 5}, nil, {0, 2, 1 << 31}} {
		r = append(r, cert.Member{Name: []string{"paris", "t.k-1", "9_a"}[i], Key: publicOf(i), Nodes: nodes})
	}
	return r
}

// plainRoster is a roster by the words of RST-1.
func plainRoster(r cert.Roster) []byte {
	b := u16(len(r))
	for _, m := range r {
		b = slices.Concat(b, []byte{byte(len(m.Name))}, []byte(m.Name), m.Key[:], u16(len(m.Nodes)))
		for _, n := range m.Nodes {
			b = append(b, u32(int(n))...)
		}
	}
	return b
}

func hashOf(tag string, parts ...[]byte) cert.Hash {
	return sha256.Sum256(append([]byte(tag+"\x00"), slices.Concat(parts...)...))
}

func plainEnvelope(e *cert.Envelope) []byte {
	return slices.Concat(e.ID[:], []byte{byte(e.Type)}, e.TraceRoot[:], u64(e.BatchID), e.BodyHash[:], e.Prev[:])
}

func plainHash(e *cert.Envelope) cert.Hash { return hashOf("omega/cert/v1", plainEnvelope(e)) }

// plainSeal is an envelope by the words of CRT-3.
func plainSeal(t cert.Type, root merkle.Hash, height uint64, prev cert.Hash, body []byte) cert.Envelope {
	e := cert.Envelope{Type: t, TraceRoot: root, BatchID: height, BodyHash: hashOf("omega/body/v1", body), Prev: prev}
	id := hashOf("omega/cert-id/v1", plainEnvelope(&e)[16:])
	e.ID = cert.ID(id[:16])
	return e
}

// plainRecord is a record of cert.log by the words of LOG-2.
func plainRecord(c *cert.Certificate) []byte {
	content := slices.Concat(plainEnvelope(&c.Envelope), u32(len(c.Body)), c.Body, u16(len(c.Signatures)))
	for _, s := range c.Signatures {
		content = append(content, s[:]...)
	}
	head := u32(len(content) + 4)
	head = append(head, crcOf(head)...)
	return slices.Concat(head, content, crcOf(head, content))
}

// link is a certificate, and the plain chain with it.
type link struct {
	c     cert.Certificate
	chain plainChain
}

// plainChain is what a chain is known by.
type plainChain struct {
	Name, Head, State, RosterHash cert.Hash
	Length                        uint64
	Envelopes                     merkle.Hash
}

func seenChain(ch cert.Chain) plainChain {
	return plainChain{ch.Name, ch.Head, ch.State, hashOf("omega/roster/v1", plainRoster(ch.Roster)), ch.Length, ch.Envelopes.Root()}
}

// chainMaker makes a chain of one certificate of each type.
type chainMaker struct {
	links   []link
	members []int // who signs
	leaves  []merkle.Hash
	now     plainChain
}

func (m *chainMaker) add(t cert.Type, root merkle.Hash, body []byte, members ...int) {
	c := cert.Certificate{Envelope: plainSeal(t, root, uint64(len(m.links)), m.now.Head, body), Body: body}
	hash := plainHash(&c.Envelope)
	for _, i := range append(slices.Clone(m.members), members...) {
		c.Signatures = append(c.Signatures, signed(i, slices.Concat([]byte("omega/vote/v1\x00"), m.now.Name[:], hash[:])))
	}
	if m.now.Length == 0 {
		m.now.Name = hash
	}
	m.now.Head = hash
	m.now.Length++
	m.leaves = append(m.leaves, leafOf(plainEnvelope(&c.Envelope)))
	m.now.Envelopes = rootOf(m.leaves)
	m.links = append(m.links, link{c, m.now})
}

// links returns a chain: genesis, two merges, an obstruction, evidence, a change of
// the roster, a merge.
func (w *world) links() []link {
	m := &chainMaker{}
	empty := rootOf(nil)
	roster := w.roster()
	m.now.RosterHash = hashOf("omega/roster/v1", plainRoster(roster))
	m.add(cert.Genesis, empty, append(make([]byte, 32), plainRoster(roster)...), 0, 1, 2)
	m.members = []int{0, 1, 2}
	merge := func(events uint64) {
		body, root := &cert.MergeBody{}, empty
		if events > 0 {
			body, root = w.mergeBody(func(*cert.MergeBody) {}), merkle.Hash{4}
		}
		m.now.State = hashOf("omega/state/v1", m.now.State[:], root[:])
		body.State, body.EnvelopesRoot, body.RosterHash = m.now.State, rootOf(m.leaves), m.now.RosterHash
		m.add(cert.Merge, root, plainMerge(body))
	}
	merge(1)
	merge(0)
	body, _ := plainObstruction(w.obstructionBody(func(*cert.ObstructionBody) {}))
	m.add(cert.Obstruction, empty, body)
	m.add(cert.Evidence, empty, make([]byte, 32))
	old := m.now.RosterHash
	m.now.RosterHash = hashOf("omega/roster/v1", plainRoster(roster[1:]))
	m.add(cert.RosterChange, empty, slices.Concat(old[:], plainRoster(roster[1:])), 1, 2)
	m.members = []int{1, 2}
	merge(1)
	return m.links
}

// offer is a call on the shared chain: certificate number link, with one thing
// wrong, or nothing.
type offer struct {
	link   int
	damage string
}

// damages change a certificate, and say what the check finds.
var damages = map[string]func(c *cert.Certificate) (kind string){
	"one signature too few": func(c *cert.Certificate) string {
		c.Signatures = c.Signatures[1:]
		return "signature-count"
	},
	"one signature too many": func(c *cert.Certificate) string {
		c.Signatures = slices.Concat(c.Signatures, c.Signatures[:1])
		return "signature-count"
	},
	"the signatures in another order": func(c *cert.Certificate) string {
		c.Signatures = slices.Clone(c.Signatures)
		slices.Reverse(c.Signatures)
		return "signature"
	},
	"the last signature changed": func(c *cert.Certificate) string {
		c.Signatures = slices.Clone(c.Signatures)
		c.Signatures[len(c.Signatures)-1][0] ^= 1
		return "signature"
	},
	"another body": func(c *cert.Certificate) string {
		c.Body = append(slices.Clone(c.Body), 0)
		return "body-hash"
	},
	"another previous hash": func(c *cert.Certificate) string {
		c.Envelope.Prev[0] ^= 1
		return "prev-hash"
	},
	"another id": func(c *cert.Certificate) string {
		c.Envelope.ID[0] ^= 1
		return "cert-id"
	},
	"a body that is none, sealed": func(c *cert.Certificate) string {
		e := &c.Envelope
		c.Body = []byte("none")
		*e = plainSeal(e.Type, e.TraceRoot, e.BatchID, e.Prev, c.Body)
		return "body"
	},
	"an unknown type": func(c *cert.Certificate) string {
		c.Envelope.Type = 5
		return "cert-type"
	},
	"a trace root that is not the body's, sealed": func(c *cert.Certificate) string {
		e := &c.Envelope
		root := e.TraceRoot
		root[31] ^= 1
		*e = plainSeal(e.Type, root, e.BatchID, e.Prev, c.Body)
		if e.Type == cert.Merge {
			return "state"
		}
		return "trace-root"
	},
}

// offered returns what an offer to a chain of a given length comes to.
func offered(links []link, length int, o offer) any {
	at := func(kind string) any { return kind + " at " + string(rune('0'+length)) }
	c := links[o.link].c
	wrong := ""
	if o.damage != "" {
		wrong = damages[o.damage](&c)
	}
	switch {
	case wrong == "cert-type", (o.link == 0) != (length == 0):
		return at("cert-type")
	case o.link != length:
		return at("height")
	case wrong != "":
		return at(wrong)
	}
	return links[o.link].chain
}

func sortedDamages() []string {
	var names []string
	for name := range damages {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// chainSubject has clients share one chain, as the members in one folder do: each
// checks an offer against the chain that it sees, outside the lock, and puts the
// next one in its place if nobody was quicker.
func chainSubject(links []link) subject {
	s := subject{object: "the folder's chain", rounds: 3, calls: 14}
	s.model = porcupine.Model{
		Init: func() any { return 0 },
		Step: func(state, in, out any) (bool, any) {
			want := offered(links, state.(int), in.(offer))
			if _, taken := want.(plainChain); taken {
				return out == want, state.(int) + 1
			}
			return out == want, state
		},
	}
	s.illegal = map[string][]porcupine.Operation{
		"a chain that went back":   Calls(offer{link: 0}, links[0].chain, offer{link: 0}, links[0].chain),
		"a certificate in advance": Calls(offer{link: 0}, links[0].chain, offer{link: 2}, links[2].chain),
	}
	s.start = func(*testing.T, uint64) session {
		var mu sync.Mutex
		var shared cert.Chain
		return session{draw: func(_ int, r *rand.Rand) (any, func() any) {
			o := offer{link: r.IntN(len(links))}
			if r.IntN(3) > 0 {
				mu.Lock()
				o.link = min(int(shared.Length), len(links)-1)
				mu.Unlock()
			}
			if r.IntN(2) == 0 {
				o.damage = sortedDamages()[r.IntN(len(damages))]
			}
			c := links[o.link].c
			if o.damage != "" {
				damages[o.damage](&c)
			}
			return o, func() any {
				for {
					mu.Lock()
					was := shared
					mu.Unlock()
					next, err := was.Check(&c)
					if err != nil {
						if !reflect.DeepEqual(seenChain(next), seenChain(was)) {
							return "a refusal has changed the chain"
						}
						return class(err)
					}
					seen := seenChain(next)
					mu.Lock()
					if shared.Length == was.Length {
						shared = next
						mu.Unlock()
						return seen
					}
					mu.Unlock()
				}
			}
		}}
	}
	return s
}

func certSubjects(w *world) map[string]subject {
	const list = "the list of certificates"
	links := w.links()
	places := func() []int { return []int{0, 1, 2, 3, 4, 5, 6} }
	chains := sync.OnceValue(func() []cert.Chain {
		all := []cert.Chain{{}}
		for i := range links {
			next, err := all[i].CheckContent(&links[i].c.Envelope, links[i].c.Body)
			if err != nil {
				panic(err)
			}
			all = append(all, next)
		}
		roster := make(cert.Roster, 0, 16) // with room, see world.roster
		all[5].Roster = append(roster, all[5].Roster...)
		return all
	})
	var contents []struct {
		length int
		offer
	}
	for length := range links {
		for i := range links {
			contents = append(contents, struct {
				length int
				offer
			}{length, offer{link: i}})
		}
		for _, name := range sortedDamages() {
			if !strings.Contains(name, "signature") {
				contents = append(contents, struct {
					length int
					offer
				}{length, offer{length, name}})
			}
		}
	}
	numbers := func() []int {
		var all []int
		for i := range contents {
			all = append(all, i)
		}
		return all
	}
	hashes := func() []string {
		h := strings.Repeat("0a", 32)
		return []string{h, strings.ToUpper(h), h[:63], h + "0", "", "x" + h[1:]}
	}
	subjects := map[string]subject{
		"cert.ParseHash": pure("the list of spellings", hashes,
			func(s string) any {
				h, err := cert.ParseHash(s)
				return results(h, class(err))
			},
			func(s string) any {
				if strings.ToLower(s) != hashes()[0] {
					return results(cert.Hash{}, "error")
				}
				return results(cert.Hash(slices.Repeat([]byte{10}, 32)), nil)
			}),
		"cert.BodyHash": pure(list, places, func(i int) any { return cert.BodyHash(links[i].c.Body) }, func(i int) any { return hashOf("omega/body/v1", links[i].c.Body) }),
		"cert.NextState": pure(list, places, func(i int) any { return cert.NextState(links[i].chain.Head, merkle.Hash{byte(i)}) },
			func(i int) any {
				return hashOf("omega/state/v1", links[i].chain.Head[:], []byte{byte(i)}, make([]byte, 31))
			}),
		"cert.VoteMessage": pure(list, places, func(i int) any { return cert.VoteMessage(links[0].chain.Name, links[i].chain.Head) },
			func(i int) any {
				return slices.Concat([]byte("omega/vote/v1\x00"), links[0].chain.Name[:], links[i].chain.Head[:])
			}),
		"cert.PrepareMessage": pure(list, places, func(i int) any {
			return cert.PrepareMessage(links[0].chain.Name, uint64(i), 1<<40, links[i].chain.Head)
		},
			func(i int) any {
				return slices.Concat([]byte("omega/prepare/v1\x00"), links[0].chain.Name[:], u64(uint64(i)), u64(1<<40), links[i].chain.Head[:])
			}),
		"cert.Seal": pure(list, places, func(i int) any {
			e := &links[i].c.Envelope
			return cert.Seal(e.Type, e.TraceRoot, e.BatchID, e.Prev, links[i].c.Body)
		}, func(i int) any { return links[i].c.Envelope }),
		"cert.Envelope.Bytes": pure(list, places, func(i int) any { b := links[i].c.Envelope.Bytes(); return b[:] }, func(i int) any { return plainEnvelope(&links[i].c.Envelope) }),
		"cert.Envelope.Hash":  pure(list, places, func(i int) any { return links[i].c.Envelope.Hash() }, func(i int) any { return plainHash(&links[i].c.Envelope) }),
		"cert.ParseEnvelope": known(list, damaged(plainEnvelope(&links[1].c.Envelope), links[1].c.Envelope, "error"),
			cert.ParseEnvelope),
		"cert.Chain.Check": chainSubject(links),
		"cert.Chain.CheckContent": pure("the folder's chain", numbers,
			func(i int) any {
				c := links[contents[i].link].c
				if d := contents[i].damage; d != "" {
					damages[d](&c)
				}
				next, err := chains()[contents[i].length].CheckContent(&c.Envelope, c.Body)
				if err != nil {
					return class(err)
				}
				return seenChain(next)
			},
			func(i int) any { return offered(links, contents[i].length, contents[i].offer) }),
		"cert.Chain.Signers": pure("the folder's chain", places,
			func(i int) any { return []cert.Member(chains()[i].Signers(chains()[i+1])) },
			func(i int) any {
				r := w.roster()
				switch {
				case i < 5:
					return []cert.Member(r)
				case i == 5:
					return []cert.Member(slices.Concat(r, r[1:]))
				}
				return []cert.Member(r[1:])
			}),
	}
	for _, some := range []map[string]subject{recordSubjects(links), rosterSubjects(w)} {
		for name, s := range some {
			subjects[name] = s
		}
	}
	return subjects
}
