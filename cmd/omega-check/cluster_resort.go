package main

import (
	"context"

	"github.com/omega-sheaf-os/omega/impl/ceremony"
	"github.com/omega-sheaf-os/omega/impl/node/setup"
	"github.com/spf13/cobra"
)

func newClusterLastResort(a *app) *cobra.Command {
	return group("last-resort", "Go on without a member that is lost, in a new chain",
		`Where a member or its key is gone for good the chain stands still. Those who remain found
a new one, whose genesis names the old chain and its head, and carries their signatures by
their old keys. Audits that are pinned to the old chain fail it, and shall. The lost member
may hold one certificate more of the old chain: every audit says so.

  propose    one of them makes the proposal, from its own copy of the old chain
  sign       each who remains compares it with its own copy, and signs by its old key
  remain     the proposal with these signatures

and then "cluster sign" and "cluster assemble", as for any new chain.`,
		newResortPropose(a), newResortSign(a), newResortRemain(a))
}

func oldFlag(c *cobra.Command, data *string) {
	c.Flags().StringVar(data, "old", "", "data folder `DIR` of the old chain")
	must(c.MarkFlagRequired("old"))
	completeFolders(c, "old")
}

func newResortPropose(a *app) *cobra.Command {
	var old, output string
	var parts []string
	c := &cobra.Command{
		Use:   "propose --old DIR --part NAME.member... --output FILE",
		Short: "Make the proposal of a chain that succeeds an old one",
		Long: `Makes the proposal of a chain of the members of the public parts, that succeeds the one in
DIR where that ends. All who remain have stopped their members, and have the same head.`,
		Example: `  omega-check cluster last-resort propose --old ./paris --part paris2.member --part tokyo2.member --output resort.proposal`,
	}
	oldFlag(c, &old)
	partFlag(c, &parts)
	must(c.MarkFlagRequired("part"))
	outputFlag(c, &output, "of the proposal")
	return a.runs(c, false, func(context.Context, []string) (result, error) {
		chain, err := chainIn(old)
		if err != nil {
			return nil, err
		}
		members, err := loadAll(parts, ceremony.ParseMember)
		if err != nil {
			return nil, err
		}
		g, err := ceremony.Succeed(chain, members)
		if err != nil {
			return nil, err
		}
		return genesisResult(output, g, "send it to all who remain, who sign it by their old keys"), ceremony.Save(output, g.Format())
	})
}

func newResortSign(a *app) *cobra.Command {
	var old, path, output string
	c := &cobra.Command{
		Use:   "sign --proposal FILE --old DIR [--output FILE]",
		Short: "Sign by an old key, and leave the old chain",
		Long: `Signs, with the key in the old chain's folder DIR, that its member goes on in the new
chain, after checking that the proposal names the chain and the head that DIR has. The
signature goes beside the proposal, as last-resort.signature.NAME, unless --output says
where. Never start the old member again.`,
		Example: `  omega-check cluster last-resort sign --proposal resort.proposal --old ./paris`,
	}
	oldFlag(c, &old)
	proposalFlag(c, &path)
	c.Flags().StringVar(&output, "output", "", "the new `FILE` of the signature")
	completeFiles(c, "output")
	return a.runs(c, false, func(context.Context, []string) (result, error) {
		chain, g, err := chainAnd(old, path, ceremony.ParseGenesis)
		if err != nil {
			return nil, err
		}
		seat, err := setup.FindSeat(old, "", a.askPassphrase)
		if err != nil {
			return nil, err
		}
		s, err := g.SignLastResort(chain, seat.Key)
		if err != nil {
			return nil, about(path, err)
		}
		output = besideIt(output, path, "last-resort", s.Name)
		return genesisResult(output, g, "send it to who proposes, and never start the old member again"), ceremony.Save(output, s.Format())
	})
}

func newResortRemain(a *app) *cobra.Command {
	var old, path, output string
	var signatures []string
	c := &cobra.Command{
		Use:   "remain --proposal FILE --signature FILE... --old DIR --output genesis.proposal",
		Short: "Join the signatures of those who remain to the proposal",
		Long: `Makes of the proposal, and the signatures by the old keys of those who remain, the proposal
that all new members sign with "cluster sign".`,
		Example: `  omega-check cluster last-resort remain --proposal resort.proposal --signature last-resort.signature.paris --old ./paris --output genesis.proposal`,
	}
	oldFlag(c, &old)
	proposalFlag(c, &path)
	signatureFlag(c, &signatures)
	must(c.MarkFlagRequired("signature"))
	outputFlag(c, &output, "of the proposal")
	return a.runs(c, false, func(context.Context, []string) (result, error) {
		chain, g, err := chainAnd(old, path, ceremony.ParseGenesis)
		if err != nil {
			return nil, err
		}
		answers, err := loadAll(signatures, ceremony.ParseSignature)
		if err != nil {
			return nil, err
		}
		next, err := g.Remain(chain, answers)
		if err != nil {
			return nil, about(path, err)
		}
		return genesisResult(output, next, compareThem), ceremony.Save(output, next.Format())
	})
}
