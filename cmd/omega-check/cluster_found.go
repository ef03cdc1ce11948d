package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/ceremony"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/node/setup"
	"github.com/spf13/cobra"
)

// memberResult is what `cluster member` prints.
type memberResult struct {
	OK          bool     `json:"ok"`
	Data        string   `json:"data"`
	File        string   `json:"file"` // the public part
	Name        string   `json:"name"`
	Nodes       []uint32 `json:"nodes"`
	PublicKey   string   `json:"public_key"`
	Fingerprint string   `json:"fingerprint"`
	Nkey        string   `json:"nkey"`
	Certificate string   `json:"certificate,omitempty"` // of the host
}

func (r *memberResult) text(t *text) {
	t.line("%s  %s", r.Name, r.Fingerprint)
	t.line("send to who gathers     %s", printable(r.File))
	if r.Certificate != "" {
		t.line("send to the other hosts %s", printable(r.Certificate))
	}
	t.line("never send              %s", printable(filepath.Join(r.Data, "members")))
}

func newClusterMember(a *app) *cobra.Command {
	var data, nodes string
	var sealed bool
	var o setup.PartyOptions
	c := &cobra.Command{
		Use:   "member --name NAME --nodes N,N... --data DIR [--contact HOST:PORT] [--host NAME...]",
		Short: "Make a member's keys and its public part",
		Long: `Makes, in a folder that is absent or empty, the key by which a member signs on the
chain and the nkey by which it connects, and NAME.member, its public part, which is for
everybody. The folder becomes the member's data folder. No private key ever leaves it.

--nodes are the ids of the nodes whose events the member writes, "-" for none. With
--host also a TLS certificate for these names and addresses of the host, host.crt, and
its key: a cluster over several hosts needs them.`,
		Example: `  omega-check cluster member --name paris --nodes 1,2 --data ./paris --host 10.0.0.1 --contact 10.0.0.1:4222`,
	}
	c.Flags().StringVar(&o.Name, "name", "", "`NAME` in the roster")
	c.Flags().StringVar(&nodes, "nodes", "", "`IDS` of the nodes that it writes, with commas between, or -")
	c.Flags().StringVar(&data, "data", "", "`DIR`, absent or empty")
	c.Flags().StringVar(&o.Contact, "contact", "", "`HOST:PORT` where its engine takes clients, for the others to know")
	c.Flags().StringArrayVar(&o.Hosts, "host", nil, "`NAME` or address of its host, for a TLS certificate; repeats")
	c.Flags().BoolVar(&sealed, "passphrase", false, "seal the key with a passphrase")
	for _, name := range []string{"name", "nodes", "data"} {
		must(c.MarkFlagRequired(name))
	}
	completeFolders(c, "data")
	return a.runs(c, false, func(context.Context, []string) (result, error) {
		var err error
		if o.Nodes, err = parseNodes(nodes); err != nil {
			return nil, err
		}
		if err := cert.CheckName(o.Name); err != nil {
			return nil, usage("--name: %v", err)
		}
		if sealed {
			if o.Passphrase, err = a.newPassphrase(); err != nil {
				return nil, err
			}
		}
		p, err := setup.NewParty(data, o)
		if err != nil {
			return nil, err
		}
		r := &memberResult{
			OK: true, Data: data, File: setup.PartPath(data, o.Name), Name: o.Name, Nodes: p.Part.Nodes,
			PublicKey: hexOf(p.Part.Key[:]), Fingerprint: identity.Fingerprint(p.Part.Key), Nkey: p.Part.NKey,
		}
		if len(o.Hosts) > 0 {
			r.Certificate = filepath.Join(data, setup.HostCertificate)
		}
		return r, nil
	})
}

// parseNodes reads ids of nodes with commas between, increasing, or - for none.
func parseNodes(text string) ([]uint32, error) {
	nodes := []uint32{}
	if text == "-" {
		return nodes, nil
	}
	for _, word := range strings.Split(text, ",") {
		n, err := strconv.ParseUint(word, 10, 32)
		if err != nil {
			return nil, usage("--nodes: %q is no node's id: numbers with commas between, or -", word)
		}
		nodes = append(nodes, uint32(n))
	}
	return nodes, nil
}

// proposalResult is what is printed of a proposal, for people to compare.
type proposalResult struct {
	OK          bool           `json:"ok"`
	File        string         `json:"file"`  // that was written
	Chain       *string        `json:"chain"` // the name that it has or will have; null where that is not settled
	Predecessor *string        `json:"predecessor"`
	Height      uint64         `json:"height"`
	Members     []initSeat     `json:"members"`
	Changes     []rosterChange `json:"changes,omitempty"`

	next string // what to do now
}

// rosterChange is what a roster change does to one member.
type rosterChange struct {
	Name   string `json:"name"`
	Change string `json:"change"` // joins, leaves
}

func (r *proposalResult) text(t *text) {
	t.line("wrote %s", printable(r.File))
	if r.Chain != nil {
		t.line("chain  %s", *r.Chain)
	}
	if r.Predecessor != nil {
		t.line("succeeds %s, which is left at height %d", *r.Predecessor, r.Height-1)
	} else if r.Height > 0 {
		t.line("a change of the roster at height %d", r.Height)
	}
	rows := [][]string{}
	for _, m := range r.Members {
		rows = append(rows, []string{"  " + m.Name, "nodes " + setup.FormatNodes(m.Nodes), m.Fingerprint})
	}
	t.table(rows)
	for _, c := range r.Changes {
		t.line("  %s %s", c.Name, c.Change)
	}
	t.line("%s", r.next)
}

func seatsOf(r cert.Roster) []initSeat {
	seats := []initSeat{}
	for _, m := range r {
		seats = append(seats, initSeat{m.Name, m.Nodes, hexOf(m.Key[:]), identity.Fingerprint(m.Key)})
	}
	return seats
}

// genesisResult tells of a genesis' proposal.
func genesisResult(file string, g *ceremony.Genesis, next string) *proposalResult {
	r := &proposalResult{OK: true, File: file, Members: seatsOf(g.Roster), next: next}
	if name, err := g.Name(); err == nil {
		text := name.String()
		r.Chain = &text
	}
	if s := g.Successor; s != nil {
		old := s.Chain.String()
		r.Predecessor, r.Height = &old, s.Length
	}
	return r
}

const compareThem = "compare the chain and every fingerprint with the others, by voice or another way that nobody can change; then sign"

func newClusterGather(a *app) *cobra.Command {
	var parts []string
	var output string
	c := &cobra.Command{
		Use:   "gather --part NAME.member... --output genesis.proposal",
		Short: "Make the proposal of a chain of all public parts",
		Long: `Makes the proposal of a chain whose members are those of the public parts, in this
order. Each part is checked: its own key has signed it. Send the proposal to all members,
who look at it, compare it, and sign it.`,
		Example: `  omega-check cluster gather --part paris.member --part tokyo.member --output genesis.proposal`,
	}
	partFlag(c, &parts)
	must(c.MarkFlagRequired("part"))
	outputFlag(c, &output, "of the proposal")
	return a.runs(c, false, func(context.Context, []string) (result, error) {
		members, err := loadAll(parts, ceremony.ParseMember)
		if err != nil {
			return nil, err
		}
		g, err := ceremony.Gather(members)
		if err != nil {
			return nil, err
		}
		return genesisResult(output, g, compareThem), ceremony.Save(output, g.Format())
	})
}

func partFlag(c *cobra.Command, paths *[]string) {
	c.Flags().StringArrayVar(paths, "part", nil, "a member's public part, `NAME.member`; repeats")
	completeFiles(c, "part", "member")
}

func outputFlag(c *cobra.Command, path *string, what string) {
	c.Flags().StringVar(path, "output", "", "the new `FILE` "+what)
	must(c.MarkFlagRequired("output"))
	completeFiles(c, "output")
}

func proposalFlag(c *cobra.Command, path *string) {
	c.Flags().StringVar(path, "proposal", "", "the proposal's `FILE`")
	must(c.MarkFlagRequired("proposal"))
	completeFiles(c, "proposal", "proposal")
}

func signatureFlag(c *cobra.Command, paths *[]string) {
	c.Flags().StringArrayVar(paths, "signature", nil, "one party's signature `FILE`; repeats")
	completeFiles(c, "signature")
}

// loadAll reads files of one form.
func loadAll[T any](paths []string, parse func([]byte) (T, error)) (all []T, err error) {
	for _, path := range paths {
		v, err := ceremony.Load(path, parse)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// about names the file that an error is about, where that does not.
func about(path string, err error) error {
	var named *ceremony.Error
	if errors.As(err, &named) && named.File == "" {
		return &ceremony.Error{File: path, Line: named.Line, Err: named.Err}
	}
	return err
}

// proposal is either of the two kinds.
type proposal struct {
	genesis *ceremony.Genesis
	change  *ceremony.Change
}

func loadProposal(path string) (proposal, error) {
	return ceremony.Load(path, func(text []byte) (p proposal, err error) {
		if bytes.HasPrefix(text, []byte("omega-roster-change ")) {
			p.change, err = ceremony.ParseChange(text)
		} else {
			p.genesis, err = ceremony.ParseGenesis(text)
		}
		return p, err
	})
}

func newClusterSign(a *app) *cobra.Command {
	var path, data, genesis, output string
	c := &cobra.Command{
		Use:   "sign --proposal FILE --data DIR [--genesis HEX] [--output FILE]",
		Short: "Sign a proposal, after comparing it with the others",
		Long: `Signs the proposal of a chain, or of a change of the roster by who joins, with the key in
DIR, after checking that it says of this member what the member's own public part says.
The signature goes beside the proposal, as genesis.signature.NAME or
roster.signature.NAME, unless --output says where.

What is printed is for comparing: the chain's name stands for all that a proposal says,
every fingerprint for a member's key. --genesis is the name that you have compared, and
another is refused. For a change of the roster DIR has a copy of the chain too, which
you have audited.`,
		Example: `  omega-check cluster sign --proposal genesis.proposal --data ./paris --genesis 5f2c...`,
	}
	proposalFlag(c, &path)
	c.Flags().StringVar(&data, "data", "", "`DIR` of the member")
	c.Flags().StringVar(&genesis, "genesis", "", "the chain's name, as compared, 64 `HEX` digits")
	c.Flags().StringVar(&output, "output", "", "the new `FILE` of the signature")
	must(c.MarkFlagRequired("data"))
	completeFolders(c, "data")
	completeFiles(c, "output")
	return a.runs(c, false, func(context.Context, []string) (result, error) {
		p, err := loadProposal(path)
		if err != nil {
			return nil, err
		}
		name, err := pin("genesis", genesis)
		if err != nil {
			return nil, err
		}
		party, err := setup.LoadParty(data, a.askPassphrase)
		if err != nil {
			return nil, err
		}
		if p.change != nil {
			return signChange(p.change, party, data, path, output, name)
		}
		return signGenesis(p.genesis, party, path, output, name)
	})
}

func signGenesis(g *ceremony.Genesis, party *setup.Party, path, output string, name *cert.Hash) (result, error) {
	s, err := g.Sign(party.Part, party.Key)
	if err != nil {
		return nil, about(path, err)
	}
	if err := checkName(name, s.Digest); err != nil {
		return nil, err
	}
	output = besideIt(output, path, "genesis", party.Part.Name)
	return genesisResult(output, g, "send it to all members, once all of this is what they have too"), ceremony.Save(output, s.Format())
}

// checkName refuses a chain whose name is not the one that people have compared.
func checkName(want *cert.Hash, got cert.Hash) error {
	if want != nil && *want != got {
		return &exitError{status: statusNo, Kind: "genesis-pin", Message: fmt.Sprintf("the chain is %v, --genesis is %v", got, *want)}
	}
	return nil
}

// besideIt is where a signature goes: to output, or beside the proposal.
func besideIt(output, proposal, of, name string) string {
	if output != "" {
		return output
	}
	return filepath.Join(filepath.Dir(proposal), of+".signature."+name)
}

// assembleResult is what `cluster assemble` prints.
type assembleResult struct {
	OK      bool       `json:"ok"`
	Data    string     `json:"data"`
	Genesis string     `json:"genesis"`
	Members []initSeat `json:"members"`
	Users   string     `json:"users"`
	Output  string     `json:"output,omitempty"`
}

func (r *assembleResult) text(t *text) {
	t.line("chain of %s in %s", plural(len(r.Members), "member"), printable(r.Data))
	t.line("genesis  %s", r.Genesis)
	t.line("write it down where nobody else can change it: audits are pinned to it")
	if r.Output != "" {
		t.line("its certificate, for everybody, is %s", printable(r.Output))
	}
}

func newClusterAssemble(a *app) *cobra.Command {
	var path, data, output string
	var parts, signatures []string
	c := &cobra.Command{
		Use:   "assemble --proposal FILE --signature FILE... --part NAME.member... --data DIR [--output FILE]",
		Short: "Make a member's data folder of the proposal and all signatures",
		Long: `Makes of the proposal and the signatures of all its members the genesis certificate, and
of the member's folder its data folder, in which the chain begins. Every member does so,
and all have the same certificate, byte for byte.

The public parts say by which nkeys the members connect: they go into the file users, by
which the engine in the member's process knows who may. --output gets the certificate of
the genesis, for others who will watch or audit.`,
		Example: `  omega-check cluster assemble --proposal genesis.proposal --data ./paris \
      --signature genesis.signature.paris --signature genesis.signature.tokyo \
      --part paris.member --part tokyo.member`,
	}
	proposalFlag(c, &path)
	signatureFlag(c, &signatures)
	partFlag(c, &parts)
	c.Flags().StringVar(&data, "data", "", "`DIR` of the member")
	c.Flags().StringVar(&output, "output", "", "the new `FILE` of the genesis' certificate")
	for _, name := range []string{"data", "signature", "part"} {
		must(c.MarkFlagRequired(name))
	}
	completeFolders(c, "data")
	completeFiles(c, "output", "cert")
	return a.runs(c, false, func(context.Context, []string) (result, error) {
		g, err := ceremony.Load(path, ceremony.ParseGenesis)
		if err != nil {
			return nil, err
		}
		answers, err := loadAll(signatures, ceremony.ParseSignature)
		if err != nil {
			return nil, err
		}
		members, err := loadAll(parts, ceremony.ParseMember)
		if err != nil {
			return nil, err
		}
		genesis, err := g.Assemble(answers)
		if err != nil {
			return nil, about(path, err)
		}
		return assemble(data, output, g.Roster, genesis, members)
	})
}

func assemble(data, output string, roster cert.Roster, genesis *cert.Certificate, parts []*ceremony.Member) (result, error) {
	if err := setup.Settle(data, genesis, parts); err != nil {
		return nil, err
	}
	if output != "" {
		if err := certlog.WriteFile(output, genesis); err != nil {
			return nil, err
		}
	}
	return &assembleResult{
		OK: true, Data: data, Genesis: genesis.Envelope.Hash().String(), Members: seatsOf(roster),
		Users: filepath.Join(data, setup.UsersName), Output: output,
	}, nil
}

// chainIn reads the chain in a data folder.
func chainIn(data string) (cert.Chain, error) {
	view, err := node.Read(data)
	if err != nil {
		return cert.Chain{}, err
	}
	return view.Chain, view.Close()
}

// chainAnd reads the chain in the data folder, and a file of people's about it.
func chainAnd[T any](data, path string, parse func([]byte) (T, error)) (cert.Chain, T, error) {
	chain, err := chainIn(data)
	if err != nil {
		var none T
		return chain, none, err
	}
	v, err := ceremony.Load(path, parse)
	return chain, v, err
}
