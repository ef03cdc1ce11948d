package main

import (
	"context"

	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/spf13/cobra"
)

// maxInitMembers bounds `init`: one folder with all keys is for trying out.
const maxInitMembers = 1000

// initResult is what `init` prints.
type initResult struct {
	OK      bool       `json:"ok"`
	Data    string     `json:"data"`
	Genesis string     `json:"genesis"`
	Members []initSeat `json:"members"`
}

type initSeat struct {
	Name        string   `json:"name"`
	Nodes       []uint32 `json:"nodes"`
	PublicKey   string   `json:"public_key"`
	Fingerprint string   `json:"fingerprint"`
}

func newInit(a *app) *cobra.Command {
	var data string
	var members int
	c := &cobra.Command{
		Use:   "init --data DIR --members N",
		Short: "Start a chain with N members in one folder",
		Long: `Makes a data folder with the keys of N members, member-1 to member-N, their roster
and the genesis certificate that they all sign. Member i writes node i.

All keys in one folder are for trying out: parties that do not trust each other make
their keys apart. The folder must be absent or empty, and appears whole or not at all.
Write down the genesis: it is the chain's name, and audits are pinned to it.`,
		Example: "  omega-check init --data ./chain --members 4",
	}
	c.Flags().StringVar(&data, "data", "", "data folder `DIR`, absent or empty")
	c.Flags().IntVar(&members, "members", 0, "number `N` of members, at least 1")
	must(c.MarkFlagRequired("data"))
	must(c.MarkFlagRequired("members"))
	completeFolders(c, "data")
	return a.runs(c, false, func(context.Context, []string) (result, error) {
		if members < 1 || members > maxInitMembers {
			return nil, usage("--members is 1 to %d, got %d", maxInitMembers, members)
		}
		genesis, err := node.Init(data, node.DefaultSeats(members))
		if err != nil {
			return nil, err
		}
		return initResultOf(data, genesis)
	})
}

func initResultOf(data string, genesis *cert.Certificate) (result, error) {
	body, err := cert.ParseGenesisBody(genesis.Body)
	if err != nil {
		return nil, err
	}
	r := &initResult{OK: true, Data: data, Genesis: genesis.Envelope.Hash().String()}
	for _, m := range body.Roster {
		r.Members = append(r.Members, initSeat{m.Name, m.Nodes, hexOf(m.Key[:]), identity.Fingerprint(m.Key)})
	}
	return r, nil
}

func (r *initResult) text(t *text) {
	t.line("chain of %s in %s", plural(len(r.Members), "member"), printable(r.Data))
	t.line("genesis  %s", r.Genesis)
	rows := [][]string{}
	for _, m := range r.Members {
		rows = append(rows, []string{"  " + m.Name, "node " + count(uint64(m.Nodes[0])), m.Fingerprint})
	}
	t.table(rows)
}
