package examples

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/kernel/event"
	"github.com/omega-sheaf-os/omega/impl/kernel/key"
	"github.com/omega-sheaf-os/omega/impl/kernel/merkle"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
)

type certificateExample struct {
	Height        uint64
	Type          cert.Type
	Trace         []Hex
	TraceRoot     Hex `json:"trace_root"`
	Body          Hex
	BodyHash      Hex `json:"body_hash"`
	CertID        Hex `json:"cert_id"`
	Envelope      Hex
	CertHash      Hex `json:"cert_hash"`
	State         Hex
	EnvelopesRoot Hex `json:"envelopes_root"`
	VoteMessage   Hex `json:"vote_message"`
	Signers       []int
	Signatures    []Hex
	Offset        int64
	Record        Hex
}

type certificateExamples struct {
	Clause       string
	Seeds        map[string]Hex
	Chain        Hex
	Certificates []certificateExample
	Log          Hex
	LastResort   struct {
		OldRoster     Hex `json:"old_roster"`
		Message, Body Hex
	} `json:"last_resort"`
	Rosters []struct {
		Members []struct {
			Name  string
			Key   Hex
			Nodes []uint32
		}
		Bytes, Hash Hex
	}
}

func TestRostersAreThoseOfTheExamples(t *testing.T) {
	for _, x := range load[certificateExamples](t, "certificates").Rosters {
		var r cert.Roster
		for _, m := range x.Members {
			nodes := m.Nodes
			if len(nodes) == 0 {
				nodes = nil
			}
			r = append(r, cert.Member{Name: m.Name, Key: cert.PublicKey(m.Key), Nodes: nodes})
		}
		require.NoError(t, r.Validate())
		require.Equal(t, []byte(x.Bytes), r.Append(nil))
		require.Equal(t, cert.Hash(x.Hash), r.Hash())
		parsed, err := cert.ParseRoster(x.Bytes)
		require.NoError(t, err)
		require.Equal(t, r, parsed)
	}
}

func TestALastResortIsThatOfTheExamples(t *testing.T) {
	examples := load[certificateExamples](t, "certificates")
	x := examples.LastResort
	g, err := cert.ParseGenesisBody(x.Body)
	require.NoError(t, err)
	require.Equal(t, []byte(x.Body), g.Append(nil))
	require.Equal(t, []byte(x.Message), g.LastResortMessage())
	require.Equal(t, cert.Hash(examples.Chain), g.Successor.Chain)
	require.Equal(t, uint64(len(examples.Certificates)), g.Successor.Length)
	old, err := cert.ParseRoster(x.OldRoster)
	require.NoError(t, err)
	require.NoError(t, g.CheckSuccessor(old))
	require.ErrorIs(t, g.CheckSuccessor(cert.Roster{old[1], old[0]}), cert.ErrBody)
}

func TestCertificatesAreThoseOfTheExamples(t *testing.T) {
	examples := load[certificateExamples](t, "certificates")
	var chain cert.Chain
	for _, x := range examples.Certificates {
		var err error
		next, body := checkContent(t, chain, x)
		var signatures []cert.Signature
		for _, n := range x.Signers {
			seed := examples.Seeds[fmt.Sprint(n)]
			signatures = append(signatures, cert.Signature(ed25519.Sign(ed25519.NewKeyFromSeed(seed), x.VoteMessage)))
		}
		envelope, err := cert.ParseEnvelope(x.Envelope)
		require.NoError(t, err)
		c := &cert.Certificate{Envelope: envelope, Body: body, Signatures: signatures}
		chain, err = chain.Check(c)
		require.NoError(t, err)
		require.Equal(t, next, chain)
		record, err := cert.AppendRecord(nil, c)
		require.NoError(t, err)
		require.Equal(t, []byte(x.Record), record)
		got, end, err := cert.NextRecord(examples.Log, x.Offset)
		require.NoError(t, err)
		require.Equal(t, c, got)
		require.Equal(t, x.Offset+int64(len(x.Record)), end)
	}
	require.Equal(t, cert.Hash(examples.Chain), chain.Name)
}

// checkContent makes the certificate's content from its parts, and holds every
// figure of the example to it.
func checkContent(t *testing.T, chain cert.Chain, x certificateExample) (cert.Chain, []byte) {
	var leaves []merkle.Hash
	var events []event.View
	for _, e := range x.Trace {
		leaves, events = append(leaves, merkle.LeafHash(e)), append(events, event.View(e))
	}
	root := merkle.Root(leaves)
	require.Equal(t, merkle.Hash(x.TraceRoot), root)
	body := again(t, x.Type, x.Body)
	if x.Type == cert.Merge {
		m, err := cert.ParseMergeBody(x.Body)
		require.NoError(t, err)
		require.Equal(t, mergeBody(chain, root, events), m)
	}
	e := cert.Seal(x.Type, root, x.Height, chain.Head, body)
	b := e.Bytes()
	require.Equal(t, []byte(x.Envelope), b[:])
	require.Equal(t, hex.EncodeToString(x.CertID), e.ID.String())
	require.Equal(t, cert.Hash(x.BodyHash), cert.BodyHash(body))
	require.Equal(t, cert.Hash(x.CertHash), e.Hash())
	require.Equal(t, []byte(x.VoteMessage), cert.VoteMessage(chain.Name, e.Hash()))
	next, err := chain.CheckContent(&e, body)
	require.NoError(t, err)
	require.Equal(t, cert.Hash(x.State), next.State)
	require.Equal(t, merkle.Hash(x.EnvelopesRoot), next.Envelopes.Root())
	return next, body
}

// mergeBody is the body of a merge of events, which are in order, onto chain.
func mergeBody(chain cert.Chain, root merkle.Hash, events []event.View) *cert.MergeBody {
	m := &cert.MergeBody{State: cert.NextState(chain.State, root), Events: uint64(len(events)),
		EnvelopesRoot: chain.Envelopes.Root(), RosterHash: chain.Roster.Hash(), Streams: []cert.Stream{}}
	for _, e := range events {
		k := e.Key()
		i := 0
		for i < len(m.Streams) && (m.Streams[i].Node != k.Node() || m.Streams[i].Stream != k.Stream()) {
			i++
		}
		if i == len(m.Streams) {
			m.Streams = append(m.Streams, cert.Stream{Node: k.Node(), Stream: k.Stream(), First: *k})
		}
		m.Streams[i].Stats.Add(e.Value())
		m.Streams[i].Last = *k
	}
	return m
}

// again parses a body and writes it again.
func again(t *testing.T, typ cert.Type, b []byte) []byte {
	type body interface{ Append(b []byte) []byte }
	var got body
	var err error
	switch typ {
	case cert.Genesis:
		got, err = cert.ParseGenesisBody(b)
	case cert.Merge:
		got, err = cert.ParseMergeBody(b)
	case cert.Obstruction:
		got, err = cert.ParseObstructionBody(b)
	case cert.RosterChange:
		got, err = cert.ParseRosterChangeBody(b)
	default:
		got, err = cert.ParseEvidenceBody(b)
	}
	require.NoError(t, err)
	require.Equal(t, b, got.Append(nil))
	return got.Append(nil)
}

func TestObstructionsCarryTheirEvents(t *testing.T) {
	for _, x := range load[certificateExamples](t, "certificates").Certificates {
		if x.Type != cert.Obstruction {
			continue
		}
		o, err := cert.ParseObstructionBody(x.Body)
		require.NoError(t, err)
		require.Len(t, o.Items, 2)
		require.Equal(t, cert.MissingDep, o.Items[0].Kind)
		require.Equal(t, cert.Equivocation, o.Items[1].Kind)
		require.Equal(t, key.New(1, 9, 9, [key.EventIDSize]byte{13: 9}), o.Items[0].Dep)
		require.Len(t, o.Events, 3)
	}
}

func TestSignaturesAreThoseOfTheExamples(t *testing.T) {
	examples := load[struct {
		Clause                   string
		Seed, Key, Chain, Digest Hex
		Section                  Hex
		SectionSignature         Hex `json:"section_signature"`
		Messages                 []struct {
			Name               string
			Message, Signature Hex
			Refused            []Hex
		}
		Keys []struct {
			Key  Hex
			Good bool
		}
	}](t, "signatures")
	private := ed25519.NewKeyFromSeed(examples.Seed)
	public := private.Public().(ed25519.PublicKey)
	require.Equal(t, []byte(examples.Key), []byte(public))
	for _, x := range examples.Messages {
		require.Equal(t, []byte(x.Signature), ed25519.Sign(private, x.Message), x.Name)
		for _, bad := range x.Refused {
			require.False(t, ed25519.Verify(public, x.Message, bad), x.Name)
		}
	}
	chain, digest := cert.Hash(examples.Chain), cert.Hash(examples.Digest)
	require.Equal(t, []byte(examples.Messages[0].Message), cert.VoteMessage(chain, digest))
	require.Equal(t, []byte(examples.Messages[1].Message), cert.VoteMessage(cert.Hash{}, digest))
	require.Equal(t, []byte(examples.Messages[2].Message), cert.PrepareMessage(chain, 5, 2, digest))
	checkSectionSignature(t, examples.Section, examples.SectionSignature, examples.Messages[3].Message, chain)
	for _, x := range examples.Keys {
		err := cert.CheckKey(cert.PublicKey(x.Key))
		require.Equal(t, x.Good, err == nil, "%x: %v", []byte(x.Key), err)
	}
}

// checkSectionSignature makes the signature's content from the section and holds
// the signature file to it.
func checkSectionSignature(t *testing.T, section, file, message []byte, chain cert.Hash) {
	path := filepath.Join(t.TempDir(), "a.omega")
	require.NoError(t, os.WriteFile(path, section, 0o600))
	view, err := omegalog.Open(path)
	require.NoError(t, err)
	defer view.Close()
	sum, err := view.Section()
	require.NoError(t, err)
	require.Equal(t, message, sum.Message(chain))
	sig, err := omegalog.ParseSignature(file)
	require.NoError(t, err)
	require.Equal(t, file, sig.Append(nil))
	require.Equal(t, sum, sig.Section)
	roster := cert.Roster{{Name: "m1", Key: sig.Key, Nodes: []uint32{10, 11}}}
	member, err := sig.Verify(chain, sum, roster)
	require.NoError(t, err)
	require.Zero(t, member)
}
