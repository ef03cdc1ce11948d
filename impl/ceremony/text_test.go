package ceremony

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// file is one of each kind, and its parser as one that writes again.
type file struct {
	text  []byte
	parse func(text []byte) ([]byte, error)
}

func again[T interface{ Format() []byte }](parse func([]byte) (T, error)) func([]byte) ([]byte, error) {
	return func(text []byte) ([]byte, error) {
		v, err := parse(text)
		if err != nil {
			return nil, err
		}
		return v.Format(), nil
	}
}

func files(t testing.TB) map[string]file {
	old := parties(t, 3)
	chain := begin(t, found(t, old))
	joins := newParty(t, "joins", 7, 8)
	c, err := NewChange(chain, cert.Roster{old[0].own.Member, joins.own.Member})
	require.NoError(t, err)
	s, err := c.Sign(chain, joins.own, joins.key)
	require.NoError(t, err)
	whole, err := c.Join(chain, []*Signature{s})
	require.NoError(t, err)
	g, err := Succeed(chain, []*Member{old[0].own, joins.own})
	require.NoError(t, err)
	r, err := g.SignLastResort(chain, old[0].key)
	require.NoError(t, err)
	remains, err := g.Remain(chain, []*Signature{r})
	require.NoError(t, err)
	plain, err := Gather([]*Member{old[0].own, joins.own})
	require.NoError(t, err)
	return map[string]file{
		"member": {joins.own.Format(), again(ParseMember)}, "signature": {s.Format(), again(ParseSignature)},
		"change": {c.Format(), again(ParseChange)}, "joined change": {whole.Format(), again(ParseChange)},
		"genesis": {plain.Format(), again(ParseGenesis)}, "successor": {g.Format(), again(ParseGenesis)},
		"signed successor": {remains.Format(), again(ParseGenesis)},
	}
}

func TestEveryFileHasOneSpelling(t *testing.T) {
	for name, f := range files(t) {
		got, err := f.parse(f.text)
		require.NoError(t, err, name)
		require.Equal(t, f.text, got, name)
		for at := range f.text {
			for _, bad := range [][]byte{
				f.text[:at], append(bytes.Clone(f.text[:at]), f.text[at+1:]...), with(f.text, at, ' '), with(f.text, at, f.text[at]^0x20),
				append(append(bytes.Clone(f.text[:at]), '0'), f.text[at:]...), append(append(bytes.Clone(f.text[:at]), '\n'), f.text[at:]...),
			} {
				again, err := f.parse(bad)
				if err == nil { // a digit, or a whole line that may be absent
					require.Equal(t, string(bad), string(again), "%s, byte %d", name, at)
					continue
				}
				var place *Error
				require.ErrorAs(t, err, &place, "%s, byte %d", name, at)
			}
		}
		_, err = f.parse(append(bytes.Clone(f.text), "more\n"...))
		require.Error(t, err, name)
	}
}

func with(text []byte, at int, c byte) []byte {
	b := bytes.Clone(text)
	b[at] = c
	return b
}

func TestAWrongLineIsNamedWithWhatIsThereAndWhatShould(t *testing.T) {
	all := files(t)
	for _, x := range []struct {
		file, old, new string
		line           int
		want           string
	}{
		{"member", "omega-member v1", "omega-member v2", 1, `got "omega-member v2", want "omega-member v1"`},
		{"member", "nodes 7,8", "nodes 7,08", 4, `got "nodes 7,08\n", want "nodes 7,8\n"`},
		{"member", "nodes 7,8", "nodes 7,x", 4, `got "x", want a number below 2^32`},
		{"member", "nodes 7,8", "nodes 8,7", 0, "not strictly increasing: 8, then 7"},
		{"member", "contact ", "contact \t", 0, "printable ASCII"},
		{"member", "nkey -", "nkey U", 0, "a user's nkey is U and 55 more"},
		{"member", "nkey -", "nkey U" + strings.Repeat("A", 54) + "1", 0, "a user's nkey"},
		{"member", "name joins", "name JOINS", 0, "names are of a-z"},
		{"signature", "of roster-change", "of rooster-change", 0, `got a signature of "rooster-change"`},
		{"signature", "name joins", "name -", 0, "has '-' at 0"},
		{"change", "height 1", "height 01", 3, `want "height 1\n"`},
		{"change", "height 1", "height 18446744073709551616", 3, "want a number below 2^64"},
		{"change", "omega-roster v1", "omega-roster v2", 6, `want "omega-roster v1"`},
		{"change", " 0\n", " 0 1\n", 7, "got 4 fields"},
		{"joined change", "joined ", "joined z", 6, "got 129 hex digits, want 128"},
		{"genesis", "random ", "random  ", 2, "got 65 hex digits, want 64"},
		{"successor", " 1\n", " 0\n", 3, "a chain of 0 certificates"},
		{"successor", " 1\n", "\n", 3, "got 2 values, want 3"},
		{"signed successor", "remaining 0 ", "remaining 65536 ", 4, "want a number below 2^16"},
	} {
		f := all[x.file]
		require.Contains(t, string(f.text), x.old)
		_, err := f.parse([]byte(strings.Replace(string(f.text), x.old, x.new, 1)))
		require.ErrorIs(t, err, ErrForm, "%+v", x)
		require.ErrorContains(t, err, x.want)
		var place *Error
		require.ErrorAs(t, err, &place)
		require.Equal(t, x.line, place.Line, "%v", err)
	}
	signed := string(all["signed successor"].text)
	at := strings.Index(signed, "remaining ")
	line := signed[at : at+strings.IndexByte(signed[at:], '\n')+1]
	_, err := ParseGenesis([]byte(strings.Replace(signed, line, line+line, 1)))
	require.ErrorIs(t, err, ErrForm, "one who remains signs once")
}

func TestAPublicPartIsSignedByItsKey(t *testing.T) {
	p, other := newParty(t, "paris", 1, 2), newParty(t, "paris", 1, 2)
	nkey := "U" + strings.Repeat("A", 55)
	m, err := NewMember(p.own.Member, "-", nkey, p.key)
	require.NoError(t, err)
	require.Equal(t, nkey, sent(t, m, ParseMember).NKey)
	for name, change := range map[string]func(m *Member){
		"another key":     func(m *Member) { m.Key = other.own.Key },
		"another name":    func(m *Member) { m.Name = "lima" },
		"other nodes":     func(m *Member) { m.Nodes = []uint32{1} },
		"another contact": func(m *Member) { m.Contact = "tls://evil:1" },
		"another nkey":    func(m *Member) { m.NKey = "-" },
		"another's":       func(m *Member) { m.Signature = other.own.Signature },
	} {
		changed := *m
		change(&changed)
		_, err := ParseMember(changed.Format())
		require.ErrorIs(t, err, ErrPossession, name)
	}
	for _, contact := range []string{"", "a b", "é", strings.Repeat("a", 256)} {
		_, err := NewMember(p.own.Member, contact, "-", p.key)
		refused(t, err, ErrForm, "contact")
	}
	_, err = NewMember(cert.Member{Name: "A"}, "-", "-", p.key)
	refused(t, err, ErrForm, "has 'A'")
}

func TestWhatIsDrawnComesBack(t *testing.T) {
	all := parties(t, 4)
	rapid.Check(t, func(t *rapid.T) {
		s := &Signature{
			Of: rapid.SampledFrom([]Kind{OfGenesis, OfLastResort, OfChange}).Draw(t, "of"), Digest: drawHash(t),
			Name: rapid.StringMatching(`[a-z0-9][a-z0-9._-]{0,63}`).Draw(t, "name"), Signature: drawSignature(t),
		}
		got, err := ParseSignature(s.Format())
		require.NoError(t, err)
		require.Equal(t, s, got)
		var roster cert.Roster
		for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, 3), 1, 4, rapid.ID).Draw(t, "members") {
			roster = append(roster, all[i].own.Member)
		}
		c := &Change{Chain: drawHash(t), Height: rapid.Uint64().Draw(t, "height"), Head: drawHash(t), OldRoster: drawHash(t), Roster: roster}
		g := &Genesis{GenesisBody: cert.GenesisBody{Random: drawHash(t), Roster: roster}}
		if rapid.Bool().Draw(t, "succeeds") {
			g.Successor = &cert.Successor{Chain: drawHash(t), Head: drawHash(t), Length: rapid.Uint64Min(1).Draw(t, "length")}
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "signatures") {
			c.Joined = append(c.Joined, drawSignature(t))
			if g.Successor != nil {
				g.Successor.Remaining = append(g.Successor.Remaining, cert.Remaining{Member: uint16(i * 3), Signature: drawSignature(t)})
			}
		}
		change, err := ParseChange(c.Format())
		require.NoError(t, err)
		require.Equal(t, c, change)
		genesis, err := ParseGenesis(g.Format())
		require.NoError(t, err)
		require.Equal(t, g, genesis)
	})
}

func drawHash(t *rapid.T) cert.Hash {
	return cert.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
}

func drawSignature(t *rapid.T) cert.Signature {
	return cert.Signature(rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "signature"))
}

// fuzz holds a parser to: what it takes it writes again, the same bytes.
func fuzz[T interface{ Format() []byte }](f *testing.F, parse func([]byte) (T, error), names ...string) {
	all := files(f)
	for _, name := range names {
		f.Add(all[name].text)
	}
	f.Add([]byte("omega-roster v1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := parse(text)
		var place *Error
		if err != nil {
			require.ErrorAs(t, err, &place)
			return
		}
		require.Equal(t, string(text), string(v.Format()), fmt.Sprint(v))
	})
}

func FuzzParseMember(f *testing.F)    { fuzz(f, ParseMember, "member") }
func FuzzParseSignature(f *testing.F) { fuzz(f, ParseSignature, "signature") }
func FuzzParseChange(f *testing.F)    { fuzz(f, ParseChange, "change", "joined change") }
func FuzzParseGenesis(f *testing.F) {
	fuzz(f, ParseGenesis, "genesis", "successor", "signed successor")
}
