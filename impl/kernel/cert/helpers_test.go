package cert_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/fixed"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
)

// secretOf returns the key that member i of every test roster has.
func secretOf(i int) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i + 1)}, ed25519.SeedSize))
}

// rosterOf returns a roster of the members with these numbers: number i is
// called m<i> and writes the nodes 10i and 10i+1.
func rosterOf(numbers ...int) cert.Roster {
	var r cert.Roster
	for _, i := range numbers {
		r = append(r, cert.Member{
			Name:  fmt.Sprintf("m%d", i),
			Key:   cert.PublicKey(secretOf(i).Public().(ed25519.PublicKey)),
			Nodes: []uint32{uint32(10 * i), uint32(10*i + 1)},
		})
	}
	return r
}

// sign returns the votes of the members with these numbers.
func sign(chain cert.Chain, e *cert.Envelope, numbers ...int) []cert.Signature {
	var sigs []cert.Signature
	for _, i := range numbers {
		sigs = append(sigs, cert.Signature(ed25519.Sign(secretOf(i), cert.VoteMessage(chain.Name, e.Hash()))))
	}
	return sigs
}

// build seals the body as the chain's next certificate, signed by the members
// with these numbers.
func build(chain cert.Chain, t cert.Type, root merkle.Hash, body []byte, signers ...int) *cert.Certificate {
	e := cert.Seal(t, root, chain.Length, chain.Head, body)
	return &cert.Certificate{Envelope: e, Body: body, Signatures: sign(chain, &e, signers...)}
}

func eventOf(t require.TestingT, k key.Key, payload string, deps ...key.Key) event.View {
	e := event.Event{Key: k, Payload: []byte(payload), Deps: deps}
	b, err := e.Append(nil)
	require.NoError(t, err)
	v, err := event.Parse(b)
	require.NoError(t, err)
	return v
}

func keyOf(lamport uint64, node uint32, stream uint16, id byte) key.Key {
	return key.New(lamport, node, stream, [key.EventIDSize]byte{13: id})
}

func statsOf(values ...int32) fixed.Stats {
	var s fixed.Stats
	for _, v := range values {
		s.Add(v)
	}
	return s
}

// mergeBody is the body of a merge of two streams with three events onto chain.
func mergeBody(chain cert.Chain, root merkle.Hash) *cert.MergeBody {
	return &cert.MergeBody{
		State:         cert.NextState(chain.State, root),
		Events:        3,
		EnvelopesRoot: chain.Envelopes.Root(),
		RosterHash:    chain.Roster.Hash(),
		Streams: []cert.Stream{
			{Node: 10, Stream: 1, Stats: statsOf(1, 2), First: keyOf(1, 10, 1, 0), Last: keyOf(2, 10, 1, 0)},
			{Node: 11, Stream: 0, Stats: statsOf(-500), First: keyOf(3, 11, 0, 7), Last: keyOf(3, 11, 0, 7)},
		},
	}
}

// obstructionBody has one obstruction of each kind.
func obstructionBody(t require.TestingT) *cert.ObstructionBody {
	twice, late, lost, stale := keyOf(5, 10, 0, 1), keyOf(6, 10, 0, 2), keyOf(7, 10, 0, 3), keyOf(8, 10, 0, 4)
	absent := keyOf(4, 99, 0, 9)
	return &cert.ObstructionBody{
		Items: []cert.ObstructionItem{
			{Key: twice, Kind: cert.Equivocation},
			{Key: twice, Kind: cert.MissingDep, Dep: absent},
			{Key: late, Kind: cert.Lamport, Dep: late},
			{Key: lost, Kind: cert.MissingDep, Dep: absent},
			{Key: stale, Kind: cert.Stale},
		},
		Events: []event.View{
			eventOf(t, twice, "one"),
			eventOf(t, twice, "two", absent),
			eventOf(t, late, "", late),
			eventOf(t, lost, "", absent),
			eventOf(t, stale, ""),
		},
	}
}

// sampleChain returns a chain with a certificate of every type, and the chain
// before each of them.
func sampleChain(t require.TestingT) (certs []*cert.Certificate, before []cert.Chain) {
	var chain cert.Chain
	empty := merkle.EmptyRoot()
	root := merkle.LeafHash([]byte("a trace"))
	add := func(c *cert.Certificate) {
		next, err := chain.Check(c)
		require.NoError(t, err)
		certs, before, chain = append(certs, c), append(before, chain), next
	}
	genesis := cert.GenesisBody{Random: [32]byte{1, 2, 3}, Roster: rosterOf(1, 2)}
	add(build(chain, cert.Genesis, empty, genesis.Append(nil), 1, 2))
	add(build(chain, cert.Merge, root, mergeBody(chain, root).Append(nil), 1, 2))
	add(build(chain, cert.Obstruction, empty, obstructionBody(t).Append(nil), 1, 2))
	change := cert.RosterChangeBody{OldHash: chain.Roster.Hash(), Roster: rosterOf(2, 3)}
	add(build(chain, cert.RosterChange, empty, change.Append(nil), 1, 2, 2, 3))
	evidence := cert.EvidenceBody{Bundle: cert.Hash{9}}
	add(build(chain, cert.Evidence, empty, evidence.Append(nil), 2, 3))
	none := cert.MergeBody{State: cert.NextState(chain.State, empty),
		EnvelopesRoot: chain.Envelopes.Root(), RosterHash: chain.Roster.Hash()}
	add(build(chain, cert.Merge, empty, none.Append(nil), 2, 3))
	return certs, before
}

// records returns the records of certs one behind the other.
func records(t require.TestingT, certs []*cert.Certificate) (file []byte, offsets []int64) {
	for _, c := range certs {
		offsets = append(offsets, int64(len(file)))
		var err error
		file, err = cert.AppendRecord(file, c)
		require.NoError(t, err)
	}
	return file, offsets
}

// audit checks a chain of records from its first byte to its last.
func audit(file []byte) (cert.Chain, error) {
	var chain cert.Chain
	for at := int64(0); ; {
		c, next, err := cert.NextRecord(file, at)
		if err == io.EOF {
			return chain, nil
		}
		if err != nil {
			return chain, err
		}
		if chain, err = chain.Check(c); err != nil {
			return chain, err
		}
		at = next
	}
}

// pack writes the parts one behind the other, integers big-endian.
func pack(parts ...any) []byte {
	var b bytes.Buffer
	for _, part := range parts {
		if s, ok := part.(string); ok {
			part = []byte(s)
		}
		if err := binary.Write(&b, binary.BigEndian, part); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

// with returns a copy of b with the bytes over written at offset.
func with(b []byte, offset int, over ...byte) []byte {
	return slices.Concat(b[:offset], over, b[offset+len(over):])
}

func drawBytes(t *rapid.T, n int, label string) []byte {
	return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, label)
}

// drawRoster draws a valid roster of one to four members.
func drawRoster(t *rapid.T) cert.Roster {
	order := rapid.Permutation([]int{0, 1, 2, 3, 4}).Draw(t, "members")
	r := rosterOf(order[:rapid.IntRange(1, 4).Draw(t, "count")]...)
	for i := range r {
		r[i].Name += rapid.StringMatching(`[a-z0-9._-]{0,60}`).Draw(t, "name")
		r[i].Nodes = nil
		for n := range uint32(rapid.IntRange(0, 3).Draw(t, "nodes")) {
			r[i].Nodes = append(r[i].Nodes, uint32(i)<<24+n*rapid.Uint32Range(1, 1000).Draw(t, "node")+n)
		}
		slices.Sort(r[i].Nodes)
		r[i].Nodes = slices.Compact(r[i].Nodes)
	}
	return r
}

var longName = strings.Repeat("n", cert.MaxNameLen)
