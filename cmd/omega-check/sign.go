package main

import (
	"context"
	"fmt"

	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
	"github.com/spf13/cobra"
)

// signResult is what `sign` prints.
type signResult struct {
	OK    bool         `json:"ok"`
	Chain string       `json:"chain"`
	Files []signedFile `json:"files"`
}

type signedFile struct {
	File      string `json:"file"`
	Signature string `json:"signature"` // the signature's file
	Node      uint32 `json:"node"`
	Events    uint64 `json:"events"`
	Root      string `json:"root"`
	Signer    string `json:"signer"`
}

func newSign(a *app) *cobra.Command {
	var paths []string
	var data, keyPath string
	c := &cobra.Command{
		Use:   "sign --input FILE... --data DIR [--key PATH]",
		Short: "Sign sections",
		Long: `Signs sections for the chain in DIR and writes FILE.omega.sig beside each. The
signature is over the chain's name, the node, the number of events and their root,
so that the member answers for what the section says, on this chain and no other.

The key is that of the member which the roster gives the section's node, from the
data folder, or with --key from another file. It must be that member's.`,
		Example: `  omega-check sign --input alice.omega --data ./chain
  omega-check sign --input alice.omega --data ./chain --key ~/omega.key`,
	}
	inputFlag(c, &paths)
	c.Flags().StringVar(&data, "data", "", "data folder `DIR` of the chain")
	c.Flags().StringVar(&keyPath, "key", "", "`PATH` of the key file")
	must(c.MarkFlagRequired("data"))
	completeFolders(c, "data")
	completeFiles(c, "key", "key")
	return a.runs(c, false, func(ctx context.Context, _ []string) (result, error) {
		sections, err := openSections(paths)
		if err != nil {
			return nil, err
		}
		defer sections.Close()
		view, err := node.Read(data)
		if err != nil {
			return nil, err
		}
		defer view.Close()
		return sign(ctx, view, paths, keyPath, a.askPassphrase)
	})
}

// sign signs the sections one by one; what is signed stays signed where a later
// one fails.
func sign(ctx context.Context, view *node.View, paths []string, keyPath string, ask node.Passphrase) (result, error) {
	r := &signResult{OK: true, Chain: view.Chain.Name.String(), Files: []signedFile{}}
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		key, err := signingKey(view, path, keyPath, ask)
		if err != nil {
			return nil, err
		}
		sig, err := view.SignSection(path, key)
		if err != nil {
			return nil, err
		}
		member, _ := view.Chain.Roster.Find(sig.Key)
		r.Files = append(r.Files, signedFile{
			File: path, Signature: path + omegalog.SignatureSuffix, Node: sig.Section.Node,
			Events: sig.Section.Count, Root: hexOf(sig.Section.Root[:]), Signer: view.Chain.Roster[member].Name,
		})
	}
	return r, nil
}

func signingKey(view *node.View, path, keyPath string, ask node.Passphrase) (*identity.Key, error) {
	if keyPath == "" {
		return view.SectionKey(path, ask)
	}
	return identity.Load(keyPath, func() ([]byte, error) { return ask(keyPath) })
}

func (r *signResult) text(t *text) {
	for _, f := range r.Files {
		t.line("%s: %s of node %d, signed by %s", printable(f.Signature), plural(f.Events, "event"), f.Node, f.Signer)
	}
}

func hexOf(b []byte) string { return fmt.Sprintf("%x", b) }
