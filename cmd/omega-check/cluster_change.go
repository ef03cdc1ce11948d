package main

import (
	"context"
	"slices"

	"github.com/omega-sheaf-os/omega/impl/ceremony"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/node/setup"
	"github.com/spf13/cobra"
)

func newClusterChange(a *app) *cobra.Command {
	return group("change", "Change who the members are, or their keys",
		`A change of the roster is a certificate that all old members sign, and then all new ones.
It is for one height of the chain, which the member that proposes it holds: nothing else
is certified meanwhile. It cannot remove a member that is silent.

  propose    a member says who joins and who leaves
  sign       ("cluster sign") each who joins signs, after checking the chain
  join       the proposal with all these signatures, roster.change, goes to all members
  approve    each member's people look at it, and give it to their member
  withdraw   takes back what propose or approve has given to a member

A change of a key is the same: the new key joins under the old name, and the old leaves.`,
		newChangePropose(a), newChangeJoin(a), newChangeApprove(a), newChangeWithdraw(a))
}

// changeResult tells of a roster change.
func changeResult(file string, c *ceremony.Change, old cert.Roster, next string) *proposalResult {
	chain := c.Chain.String()
	return &proposalResult{OK: true, File: file, Chain: &chain, Height: c.Height, Members: seatsOf(c.Roster), Changes: changes(old, c.Roster), next: next}
}

// changes says who joins and who leaves, by their keys.
func changes(old, next cert.Roster) (all []rosterChange) {
	for _, m := range old.Joiners(next) {
		all = append(all, rosterChange{m.Name, "joins"})
	}
	for _, m := range next.Joiners(old) {
		all = append(all, rosterChange{m.Name, "leaves"})
	}
	return all
}

func newChangePropose(a *app) *cobra.Command {
	var data, output string
	var parts, remove []string
	c := &cobra.Command{
		Use:   "propose --data DIR [--part NAME.member...] [--remove NAME...] --output roster.proposal",
		Short: "Propose who joins and who leaves",
		Long: `Makes the proposal of a change of the roster, for the next height of the chain in DIR:
those of the public parts join, in the place of a member of the same name where there is
one and else behind the others; those of --remove leave. The member in DIR holds the
height for it: nothing else is certified there, until "cluster change withdraw" or the
change itself.`,
		Example: `  omega-check cluster change propose --data ./paris --part oslo.member --remove tokyo --output roster.proposal`,
	}
	c.Flags().StringVar(&data, "data", "", "data folder `DIR` of a member")
	c.Flags().StringArrayVar(&remove, "remove", nil, "`NAME` of a member that leaves; repeats")
	partFlag(c, &parts)
	outputFlag(c, &output, "of the proposal")
	must(c.MarkFlagRequired("data"))
	c.MarkFlagsOneRequired("part", "remove")
	completeFolders(c, "data")
	return a.runs(c, false, func(context.Context, []string) (result, error) {
		chain, err := chainIn(data)
		if err != nil {
			return nil, err
		}
		members, err := loadAll(parts, ceremony.ParseMember)
		if err != nil {
			return nil, err
		}
		next, err := nextRoster(chain.Roster, members, remove)
		if err != nil {
			return nil, err
		}
		change, err := ceremony.NewChange(chain, next)
		if err != nil {
			return nil, err
		}
		if err := ceremony.Save(output, change.Format()); err != nil {
			return nil, err
		}
		return changeResult(output, change, chain.Roster, "this member holds the height; send it to those who join, who sign it"), setup.Propose(data, change)
	})
}

// nextRoster puts together who is a member from then on.
func nextRoster(old cert.Roster, join []*ceremony.Member, remove []string) (cert.Roster, error) {
	next := slices.Clone(old)
	at := func(name string) int {
		return slices.IndexFunc(next, func(m cert.Member) bool { return m.Name == name })
	}
	for _, name := range remove {
		i := at(name)
		if i < 0 {
			return nil, usage("--remove: the roster has no member %q", name)
		}
		next = slices.Delete(next, i, i+1)
	}
	for _, m := range join {
		if i := at(m.Name); i >= 0 {
			next[i] = m.Member
		} else {
			next = append(next, m.Member)
		}
	}
	return next, nil
}

// signChange signs a change for a party that joins, which has a copy of the chain.
func signChange(change *ceremony.Change, party *setup.Party, data, path, output string, name *cert.Hash) (result, error) {
	chain, err := chainIn(data)
	if err != nil {
		return nil, err
	}
	if err := checkName(name, chain.Name); err != nil {
		return nil, err
	}
	s, err := change.Sign(chain, party.Part, party.Key)
	if err != nil {
		return nil, about(path, err)
	}
	output = besideIt(output, path, "roster", party.Part.Name)
	return changeResult(output, change, chain.Roster, "send it to who proposes"), ceremony.Save(output, s.Format())
}

func newChangeJoin(a *app) *cobra.Command {
	var data, path, output string
	var signatures []string
	c := &cobra.Command{
		Use:   "join --proposal FILE --signature FILE... --data DIR --output roster.change",
		Short: "Join the signatures of those who join to the proposal",
		Long: `Makes of the proposal, and the signatures of all who join, what the members decide:
roster.change, which goes to all of them. Without anybody who joins no signature is needed.`,
		Example: `  omega-check cluster change join --proposal roster.proposal --signature roster.signature.oslo --data ./paris --output roster.change`,
	}
	proposalFlag(c, &path)
	signatureFlag(c, &signatures)
	c.Flags().StringVar(&data, "data", "", "data folder `DIR` of a member")
	outputFlag(c, &output, "of the change")
	must(c.MarkFlagRequired("data"))
	completeFolders(c, "data")
	return a.runs(c, false, func(context.Context, []string) (result, error) {
		chain, change, err := chainAnd(data, path, ceremony.ParseChange)
		if err != nil {
			return nil, err
		}
		answers, err := loadAll(signatures, ceremony.ParseSignature)
		if err != nil {
			return nil, err
		}
		joined, err := change.Join(chain, answers)
		if err != nil {
			return nil, about(path, err)
		}
		return changeResult(output, joined, chain.Roster, "send it to all members, whose people approve it"), ceremony.Save(output, joined.Format())
	})
}

func newChangeApprove(a *app) *cobra.Command {
	var data, path string
	var parts []string
	c := &cobra.Command{
		Use:   "approve --change FILE --data DIR [--part NAME.member...]",
		Short: "Approve a change: give it to this member",
		Long: `Gives a change of the roster, which has been looked at, to the member in DIR, which stands
for it from then on, whether it runs now or is started later. Once the people of all
members have done so it is certified. If another certificate comes first it is void.

--part are the public parts of those who join: they go into the file users, by which the
engine in the member's process knows who may connect.`,
		Example: `  omega-check cluster change approve --change roster.change --data ./paris --part oslo.member`,
	}
	c.Flags().StringVar(&path, "change", "", "the change's `FILE`")
	c.Flags().StringVar(&data, "data", "", "data folder `DIR` of the member")
	partFlag(c, &parts)
	for _, name := range []string{"data", "change"} {
		must(c.MarkFlagRequired(name))
	}
	completeFolders(c, "data")
	completeFiles(c, "change", "change")
	return a.runs(c, false, func(context.Context, []string) (result, error) {
		chain, change, err := chainAnd(data, path, ceremony.ParseChange)
		if err != nil {
			return nil, err
		}
		members, err := loadAll(parts, ceremony.ParseMember)
		if err != nil {
			return nil, err
		}
		to, err := setup.Approve(data, chain, change, members)
		if err != nil {
			return nil, about(path, err)
		}
		return changeResult(to, change, chain.Roster, "this member stands for it; it is certified once the people of all members have approved it"), nil
	})
}

// withdrawResult is what `cluster change withdraw` prints.
type withdrawResult struct {
	OK      bool     `json:"ok"`
	Removed []string `json:"removed"`
}

func (r *withdrawResult) text(t *text) {
	for _, path := range r.Removed {
		t.line("removed %s", printable(path))
	}
	if len(r.Removed) == 0 {
		t.line("nothing was proposed or approved there")
		return
	}
	t.line("start the member again, if it runs: until then it holds the height, or stands for the change")
}

func newChangeWithdraw(a *app) *cobra.Command {
	var data string
	c := &cobra.Command{
		Use:   "withdraw --data DIR",
		Short: "Take back a change that was proposed or approved",
		Long: `Takes out of the data folder DIR the change that was proposed or approved there. A member
that runs holds the height, or stands for the change, until it is started again.`,
		Example: `  omega-check cluster change withdraw --data ./paris`,
	}
	c.Flags().StringVar(&data, "data", "", "data folder `DIR` of the member")
	must(c.MarkFlagRequired("data"))
	completeFolders(c, "data")
	return a.runs(c, false, func(context.Context, []string) (result, error) {
		removed, err := setup.Withdraw(data)
		if err != nil {
			return nil, err
		}
		return &withdrawResult{OK: true, Removed: append([]string{}, removed...)}, nil
	})
}
