package stutter

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/kernel/invariant"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/kernel/order"
	"github.com/omega-sheaf-os/omega/impl/kernel/section"
)

func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

// keyAt is the key of node 1's event at a Lamport time.
func keyAt(lamport uint64) key.Key { return key.New(lamport, 1, 0, [14]byte{13: 1}) }

func eventAt(lamport uint64, value int32, deps ...key.Key) []byte {
	e := event.Event{Key: keyAt(lamport), Value: value, Deps: deps, Payload: []byte("payload")}
	return must(e.Append(nil))
}

func fileOf(events ...[]byte) []byte {
	file := frame.AppendHeader(nil, frame.Header{Node: 1})
	for _, e := range events {
		file = must(frame.Append(file, e))
	}
	return file
}

// crc writes the CRC of what is before the last four bytes there.
func crc(b []byte) []byte {
	end := len(b) - 4
	binary.BigEndian.PutUint32(b[end:], crc32.Checksum(b[:end], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// edited returns b after a change.
func edited(b []byte, change func(b []byte)) []byte {
	b = bytes.Clone(b)
	change(b)
	return b
}

// badBodies are bytes that are no events.
func badBodies() [][]byte {
	good := eventAt(9, 5, keyAt(1), keyAt(2))
	turned := edited(good, func(b []byte) { copy(b[34:], good[62:90]); copy(b[62:], good[34:62]) })
	return [][]byte{good[:20], good[:50], good[:len(good)-1], append(bytes.Clone(good), 0), turned, make([]byte, event.MaxSize+1), nil}
}

// badFiles are `.omega` files with every kind of damage.
func badFiles() [][]byte {
	good := fileOf(eventAt(1, 2), eventAt(2, 3))
	header := func(change func(b []byte)) []byte {
		b := edited(good[:32], change)
		return append(crc(b), good[32:]...)
	}
	at := 32 + 8 + len(eventAt(1, 2))
	bad := bytes.Clone(good[:at])
	frameOf := append(binary.BigEndian.AppendUint32(nil, 38), 0, 0, 0, 0)
	body := append(make([]byte, 37), 9)
	sum := crc32.Checksum(append(bytes.Clone(frameOf[:4]), body...), crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(frameOf[4:], sum)
	return [][]byte{
		good[:31], header(func(b []byte) { b[0] ^= 1 }), header(func(b []byte) { b[9] = 7 }), header(func(b []byte) { b[11] = 1 }),
		header(func(b []byte) { b[20] = 1 }), edited(good, func(b []byte) { b[30] ^= 1 }), good[:len(good)-1], good[:at+2],
		edited(good, func(b []byte) { b[at] = 0xFF }), edited(good, func(b []byte) { b[at+3] = 3 }), edited(good, func(b []byte) { b[len(good)-2] ^= 1 }),
		append(append(bad, frameOf...), body...),
	}
}

// signerOf is the private key of a member.
func signerOf(i int) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(append([]byte{byte(i + 1)}, make([]byte, 31)...))
}

func signature(i int, message []byte) cert.Signature {
	return cert.Signature(ed25519.Sign(signerOf(i), message))
}

func rosterOf(members int) cert.Roster {
	r := make(cert.Roster, 0, members+4)
	for i := range members {
		r = append(r, cert.Member{Name: fmt.Sprint("m", i), Key: cert.PublicKey(signerOf(i).Public().(ed25519.PublicKey)), Nodes: []uint32{uint32(i)}})
	}
	return r
}

// next seals and signs a certificate that may follow the chain.
func next(chain cert.Chain, t cert.Type, traceRoot merkle.Hash, body []byte, members int) *cert.Certificate {
	c := &cert.Certificate{Envelope: cert.Seal(t, traceRoot, chain.Length, chain.Head, body), Body: body}
	for i := range members {
		c.Signatures = append(c.Signatures, signature(i, cert.VoteMessage(chain.Name, c.Envelope.Hash())))
	}
	return c
}

func genesisOf(members int) *cert.Certificate {
	body := (&cert.GenesisBody{Roster: rosterOf(members)}).Append(nil)
	return next(cert.Chain{}, cert.Genesis, merkle.EmptyRoot(), body, members)
}

func chainOf(members int) cert.Chain { return must(cert.Chain{}.Check(genesisOf(members))) }

// lastResort is the genesis of a chain that succeeds one of three members, of whom
// the first and the last remain.
func lastResort() *cert.GenesisBody {
	g := &cert.GenesisBody{Roster: rosterOf(2), Successor: &cert.Successor{Chain: cert.Hash{1}, Head: cert.Hash{2}, Length: 3}}
	for _, i := range []int{0, 2} {
		g.Successor.Remaining = append(g.Successor.Remaining, cert.Remaining{Member: uint16(i), Signature: signature(i, g.LastResortMessage())})
	}
	return g
}

// mergeOf is a merge of no events that may follow the chain, after a change of its
// body.
func mergeOf(chain cert.Chain, members int, change func(m *cert.MergeBody)) *cert.Certificate {
	body := &cert.MergeBody{State: cert.NextState(chain.State, merkle.EmptyRoot()), EnvelopesRoot: chain.Envelopes.Root(), RosterHash: chain.Roster.Hash()}
	change(body)
	return next(chain, cert.Merge, merkle.EmptyRoot(), body.Append(nil), members)
}

// badCertificates may not follow the chain of two members, each for another reason.
func badCertificates(chain cert.Chain) []*cert.Certificate {
	good := func() *cert.Certificate { return mergeOf(chain, 2, func(*cert.MergeBody) {}) }
	edit := func(change func(c *cert.Certificate)) *cert.Certificate {
		c := good()
		change(c)
		return c
	}
	roster := (&cert.RosterChangeBody{OldHash: cert.Hash{1}, Roster: rosterOf(3)}).Append(nil)
	same := (&cert.RosterChangeBody{OldHash: chain.Roster.Hash(), Roster: rosterOf(2)}).Append(nil)
	empty := merkle.EmptyRoot()
	return []*cert.Certificate{
		edit(func(c *cert.Certificate) { c.Envelope.Type = 9 }), edit(func(c *cert.Certificate) { c.Envelope.Type = cert.Genesis }),
		edit(func(c *cert.Certificate) { c.Envelope.BatchID++ }), edit(func(c *cert.Certificate) { c.Envelope.Prev[0] ^= 1 }),
		edit(func(c *cert.Certificate) { c.Body = append(c.Body, 1) }), edit(func(c *cert.Certificate) { c.Envelope.ID[0] ^= 1 }),
		edit(func(c *cert.Certificate) { c.Signatures = c.Signatures[:1] }), edit(func(c *cert.Certificate) { c.Signatures[1][5] ^= 1 }),
		mergeOf(chain, 2, func(m *cert.MergeBody) { m.State[0] ^= 1 }), mergeOf(chain, 2, func(m *cert.MergeBody) { m.EnvelopesRoot[0] ^= 1 }),
		mergeOf(chain, 2, func(m *cert.MergeBody) { m.RosterHash[0] ^= 1 }), mergeOf(chain, 2, func(m *cert.MergeBody) { m.Events = 3 }),
		next(chain, cert.Evidence, merkle.Hash{1}, make([]byte, 32), 2), next(chain, cert.Evidence, empty, nil, 2), next(chain, cert.Obstruction, empty, nil, 2),
		next(chain, cert.RosterChange, empty, nil, 2), next(chain, cert.RosterChange, empty, roster, 2), next(chain, cert.RosterChange, empty, same, 2),
	}
}

// obstructionOf is a body that names one event as stale.
func obstructionOf(e []byte) *cert.ObstructionBody {
	return &cert.ObstructionBody{Items: []cert.ObstructionItem{{Key: *event.View(e).Key(), Kind: cert.Stale}}, Events: []event.View{e}}
}

// badRecords are bytes of which each is, in its way, no record.
func badRecords() [][]byte {
	good := must(cert.AppendRecord(nil, genesisOf(2)))
	length := func(n uint32) []byte {
		b := edited(good, func(b []byte) { binary.BigEndian.PutUint32(b, n) })
		crc(b[:8])
		return b
	}
	return [][]byte{
		good[:5], good[:len(good)-1], edited(good, func(b []byte) { b[2] ^= 1 }), length(10), length(1 << 31), edited(good, func(b []byte) { b[60] ^= 1 }),
		crc(edited(good, func(b []byte) { b[8+121+3]++ })), nil,
	}
}

// kernelSubjects are the kernel's functions but for the quorum's.
func kernelSubjects() map[string]func(p probe) {
	bodiesOf := func(b ...[]byte) [][]byte { return append(b, nil, []byte("no body")) }
	merge := &cert.MergeBody{Events: 1, Streams: []cert.Stream{{Node: 1, First: keyAt(1), Last: keyAt(1)}}}
	merge.Streams[0].Stats.Add(7)
	return map[string]func(p probe){
		"key.Parse": func(p probe) {
			k := keyAt(77)
			reading(p, [][]byte{[]byte(k.String())}, func(b []byte) (key.Key, error) { return key.Parse(string(b)) })
		},
		"event.Event.Append": appendEvents,
		"event.Parse": func(p probe) {
			reading(p, append(badBodies(), eventAt(3, 4, keyAt(1))), event.Parse)
		},
		"frame.ParseHeader": func(p probe) { reading(p, badFiles(), frame.ParseHeader) },
		"frame.Append": func(p probe) {
			for _, body := range badBodies() {
				p.appending(p, func(b []byte) ([]byte, error) { return frame.Append(b, body) })
			}
			rapid.Check(p.T, func(t *rapid.T) {
				body := damage(t, [][]byte{eventAt(3, 4, keyAt(1), keyAt(2))})
				p.appending(t, func(b []byte) ([]byte, error) { return frame.Append(b, body) })
			})
		},
		"frame.Next": func(p probe) {
			reading(p, badFiles()[6:], func(b []byte) (event.View, error) {
				at := min(int64(32+8+len(eventAt(1, 2))), int64(len(b)))
				v, after, err := frame.Next(b, at)
				if err != nil {
					require.Equal(p, at, after, "the offset moved on")
				}
				return v, err
			})
		},
		"section.Scan": func(p probe) {
			for _, file := range badFiles() {
				before := bytes.Clone(file)
				_, err := section.Scan(file, section.Options{Workers: 2})
				p.refused(p, err)
				require.Equal(p, before, file)
			}
		},
		"section.Glue":        glueFiles,
		"invariant.Reconcile": reconcileBatches,
		"order.NewRef": func(p probe) {
			for _, source := range []int{-1, 1 << 20, 0, 5} {
				for _, offset := range []int64{-1, 1 << 44, 1 << 60, 0} {
					ref, err := order.NewRef(source, offset)
					if source < 0 || source >= 1<<20 || offset != 0 {
						p.refused(p, err)
						require.Zero(p, ref)
					}
				}
			}
		},
		"merkle.ProveInclusion":   merkleProofs(merkle.ProveInclusion, func(n int) uint64 { return uint64(n) }),
		"merkle.ProveConsistency": merkleProofs(merkle.ProveConsistency, func(n int) uint64 { return uint64(n + 1) }),
		"merkle.CheckInclusion":   checkProofs,
		"merkle.CheckConsistency": checkProofs,
		"cert.ParseGenesisBody": func(p probe) {
			reading(p, bodiesOf(genesisOf(2).Body, lastResort().Append(nil)), cert.ParseGenesisBody)
		},
		"cert.GenesisBody.CheckSuccessor": func(p probe) {
			for _, old := range []cert.Roster{rosterOf(2), rosterOf(1), {rosterOf(3)[1], rosterOf(3)[0], rosterOf(3)[2]}} {
				g, twin := lastResort(), slices.Clone(old)
				p.refused(p, g.CheckSuccessor(old))
				require.Equal(p, lastResort(), g)
				require.Equal(p, twin, old)
			}
		},
		"cert.ParseMergeBody": func(p probe) { reading(p, bodiesOf(merge.Append(nil)), cert.ParseMergeBody) },
		"cert.ParseObstructionBody": func(p probe) {
			reading(p, bodiesOf(obstructionOf(eventAt(3, 4)).Append(nil)), cert.ParseObstructionBody)
		},
		"cert.ParseRosterChangeBody": func(p probe) {
			reading(p, bodiesOf((&cert.RosterChangeBody{Roster: rosterOf(2)}).Append(nil)), cert.ParseRosterChangeBody)
		},
		"cert.ParseEvidenceBody": func(p probe) { reading(p, bodiesOf(make([]byte, 32)), cert.ParseEvidenceBody) },
		"cert.ParseHash": func(p probe) {
			reading(p, [][]byte{[]byte(cert.Hash{1}.String())}, func(b []byte) (cert.Hash, error) { return cert.ParseHash(string(b)) })
		},
		"cert.ParseEnvelope":      func(p probe) { reading(p, [][]byte{make([]byte, 121), nil}, cert.ParseEnvelope) },
		"cert.ParseRoster":        func(p probe) { reading(p, bodiesOf(rosterOf(3).Append(nil)), cert.ParseRoster) },
		"cert.Roster.Validate":    validateRosters,
		"cert.CheckName":          func(p probe) { p.refused(p, cert.CheckName("-")); p.refused(p, cert.CheckName(text(65))) },
		"cert.CheckKey":           func(p probe) { p.refused(p, cert.CheckKey(cert.PublicKey{1})) },
		"cert.Chain.Check":        checkChain,
		"cert.Chain.CheckContent": checkChain,
		"cert.AppendRecord": func(p probe) {
			for _, c := range []*cert.Certificate{{Signatures: make([]cert.Signature, 1<<16)}, {Body: make([]byte, cert.MaxBody+1)}} {
				p.appending(p, func(b []byte) ([]byte, error) { return cert.AppendRecord(b, c) })
			}
		},
		"cert.NextRecord": func(p probe) {
			reading(p, append(badRecords(), must(cert.AppendRecord(nil, genesisOf(2)))), func(b []byte) (*cert.Certificate, error) {
				c, after, err := cert.NextRecord(b, 0)
				if err != nil {
					require.Zero(p, after, "the offset moved on")
				}
				return c, err
			})
		},
	}
}

func appendEvents(p probe) {
	many := make([]key.Key, event.MaxDeps+1)
	large := make([]byte, event.MaxSize)
	rapid.Check(p.T, func(t *rapid.T) {
		e := event.Event{Key: keyAt(9), Payload: []byte("p")}
		switch rapid.IntRange(0, 3).Draw(t, "how") {
		case 0:
			e.Deps = many
		case 1:
			e.Payload = large[:rapid.IntRange(event.MaxSize-event.MinSize+1, event.MaxSize).Draw(t, "size")]
		default:
			for _, lamport := range rapid.SliceOfN(rapid.Uint64Range(0, 5), 2, 6).Draw(t, "deps") {
				e.Deps = append(e.Deps, keyAt(lamport))
			}
		}
		deps, payload := slices.Clone(e.Deps), len(e.Payload)
		p.appending(t, e.Append)
		require.Equal(t, deps, e.Deps)
		require.Len(t, e.Payload, payload)
	})
}

var errAlloc = errors.New("no memory")

// noMemory gives room for the given number of calls.
func noMemory(calls int) section.Options {
	return section.Options{Alloc: func(n int) ([]order.Entry, error) {
		if calls--; calls < 0 {
			return nil, errAlloc
		}
		return make([]order.Entry, n), nil
	}}
}

func glueFiles(p probe) {
	good := fileOf(eventAt(1, 1), eventAt(2, 2))
	refuse := func(files [][]byte, opt section.Options) {
		before := slices.Clone(files)
		for i := range before {
			before[i] = bytes.Clone(files[i])
		}
		trace, err := section.Glue(files, opt)
		p.refused(p, err)
		require.Nil(p, trace)
		require.Equal(p, before, files)
	}
	for _, bad := range badFiles() {
		refuse([][]byte{good, bad, good}, section.Options{Workers: 2})
	}
	for calls := range 2 {
		refuse([][]byte{good}, noMemory(calls))
	}
	_, err := section.Glue(make([][]byte, order.MaxSources+1), section.Options{})
	p.refused(p, err)
}

// fickle is a past that says of each key first that it is not there, and then
// that it is.
type fickle struct{ asked map[key.Key]int }

func (f fickle) Versions(k *key.Key) []invariant.Version {
	if f.asked[*k]++; f.asked[*k] == 1 {
		return nil
	}
	return []invariant.Version{{Event: eventAt(1, 1)}}
}

func (fickle) Frontier(uint32, uint16) (key.Key, bool) { return key.Key{}, false }

func reconcileBatches(p probe) {
	refuse := func(data []byte, past invariant.Past, opt invariant.Options) {
		before := bytes.Clone(data)
		inputs := []invariant.Input{{Name: "one", Data: fileOf(eventAt(5, 5))}, {Name: "two", Data: data}}
		result, err := invariant.Reconcile(inputs, past, opt)
		p.refused(p, err)
		require.Nil(p, result)
		require.Equal(p, before, data)
	}
	for _, bad := range badFiles() {
		refuse(bad, invariant.Empty{}, invariant.Options{})
	}
	refuse(fileOf(eventAt(1, 1)), invariant.Empty{}, noMemory(1))
	refuse(fileOf(eventAt(3, 3, keyAt(2))), fickle{map[key.Key]int{}}, invariant.Options{})
}

func merkleProofs(prove func(uint64, []merkle.Hash) ([]merkle.Hash, error), bad func(n int) uint64) func(p probe) {
	return func(p probe) {
		for n := range 10 {
			for over := range uint64(4) {
				leaves := make([]merkle.Hash, n)
				for i := range leaves {
					leaves[i] = merkle.Hash{byte(i)}
				}
				before := slices.Clone(leaves)
				proof, err := prove(bad(n)+over, leaves)
				p.refused(p, err)
				require.Nil(p, proof)
				require.Equal(p, before, leaves)
			}
		}
	}
}

// checkProofs hands damaged proofs to a checker, which must leave them as they are.
func checkProofs(p probe) {
	for n := 2; n <= 20; n++ {
		leaves := make([]merkle.Hash, n)
		for i := range leaves {
			leaves[i] = merkle.LeafHash([]byte{byte(i)})
		}
		for i := 1; i < n; i++ {
			for damage := range 5 {
				checkDamagedProof(p, leaves, i, damage)
			}
		}
	}
}

func checkDamagedProof(p probe, leaves []merkle.Hash, i, damage int) {
	n := uint64(len(leaves))
	index, top, low := uint64(i), merkle.Root(leaves), merkle.Root(leaves[:i])
	inclusion := p.function == "merkle.CheckInclusion"
	proof := must(merkle.ProveConsistency(index, leaves))
	if inclusion {
		proof, low = must(merkle.ProveInclusion(index, leaves)), leaves[i]
	}
	switch damage {
	case 0:
		index = n + 1
	case 1:
		proof = append(proof, merkle.Hash{})
	case 2:
		proof[i%len(proof)][0] ^= 1
	case 3:
		low[0] ^= 1
	default:
		top[0] ^= 1
	}
	before := slices.Clone(proof)
	if inclusion {
		p.refused(p, merkle.CheckInclusion(top, n, index, low, proof))
	} else {
		p.refused(p, merkle.CheckConsistency(index, n, low, top, proof))
	}
	require.Equal(p, before, proof)
}

func validateRosters(p probe) {
	rapid.Check(p.T, func(t *rapid.T) {
		r := rosterOf(3)
		i := rapid.IntRange(0, 2).Draw(t, "member")
		switch rapid.IntRange(0, 5).Draw(t, "how") {
		case 0:
			r = r[:0]
		case 1:
			r[i].Name = rapid.SampledFrom([]string{"", "A", text(65), r[(i+1)%3].Name}).Draw(t, "name")
		case 2:
			r[i].Key = rapid.SampledFrom([]cert.PublicKey{{}, {1}, r[(i+1)%3].Key}).Draw(t, "key")
		case 3:
			r[i].Nodes = []uint32{9, 8}
		case 4:
			r[i].Nodes = []uint32{uint32((i + 1) % 3)}
		default:
			r[i].Nodes = []uint32{frame.Mixed}
		}
		before := slices.Clone(r)
		p.refused(t, r.Validate())
		require.Equal(t, before, r)
	})
}

// checkChain offers certificates that may not follow. The chain has a twin that
// they are not offered to.
func checkChain(p probe) {
	chain, twin := chainOf(2), chainOf(2)
	twins := badCertificates(twin)
	for i, c := range badCertificates(chain) {
		var after cert.Chain
		var err error
		if p.function == "cert.Chain.Check" {
			after, err = chain.Check(c)
		} else if after, err = chain.CheckContent(&c.Envelope, c.Body); err == nil {
			continue // the signatures alone are wrong
		}
		p.refused(p, err)
		require.Equal(p, twin, after, "certificate %d", i)
		require.Equal(p, twin, chain, "certificate %d", i)
		require.Equal(p, twins[i], c, "certificate %d was changed", i)
	}
}
