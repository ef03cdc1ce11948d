package lean

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Regenerate is the command that writes the index anew, at the checkout's root.
const Regenerate = "go run ./conformance/theorems > formal/README.md"

const indexFile = "README.md"

// indexHead is what stands before the claims.
const indexHead = `# Formal proofs

What is proved about this system, and checked by Lean 4. This page is made from the Lean sources by
` + "`" + Regenerate + "`" + `; ` + "`omega-check verify --only lean`" + ` fails where it differs from them.

%s

## How it is checked

` + "`omega-check verify --only lean`" + ` builds every module, audits the theorems and tries the negatives. It uses
the toolchain that ` + "[lean-toolchain](lean-toolchain)" + ` pins where elan or a ` + "`lean`" + ` of that version is there, and
else installs Lean's WebAssembly build. With elan, ` + "`lake build --wfail`" + ` in this folder checks the same
proofs, without the audit and the negatives.

- [Omega/Spec](Omega/Spec) holds functions and claims. A claim is a proposition: nothing in it is proved.
- [Omega/Proof](Omega/Proof) holds a theorem ` + "`Omega.Proof.X`" + ` for each claim ` + "`Omega.Claim.X`" + `, and a theorem
  ` + "`Omega.Witness.X`" + `: values for which the claim's hypotheses hold, so that it does not speak of nothing.
- [Omega/Audit.lean](Omega/Audit.lean) sees that each claim has both, and what they rest on.
- [negative](negative) holds files that must be refused, each with what the refusal must say.

## What is trusted

Lean's kernel; its three axioms ` + "`propext`, `Classical.choice`, `Quot.sound`" + `, and no other; on the WebAssembly
build also Lean's core library, whose proofs that build does not bring (the audit says how many of its
constants are used). That the claims say what they should is for the reader: they are below. No claim
assumes that a hash is injective.

## Claims
`

// Index returns the text of formal/README.md: every claim in plain words with
// where it is stated and proved, by module. The error names a claim without a
// theorem.
func (t *Tree) Index() (string, error) {
	proofs, witnesses := map[string]*Module{}, map[string]*Module{}
	modules := 0
	for _, m := range t.Modules {
		if m.Name != auditModule {
			modules++
		}
		for _, d := range m.Declarations {
			proofs[d.Proof()], witnesses[d.Witness()] = m, m // "" where it is none
		}
	}
	n := t.tally()
	var b strings.Builder
	fmt.Fprintf(&b, indexHead, fmt.Sprintf("%d claims, each with a proof and a witness, %d lemmas, %d modules.", n.Claims, n.Lemmas, modules))
	for _, m := range t.Modules {
		if err := m.index(&b, proofs, witnesses); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// index writes the part of the index that is about one module.
func (m *Module) index(b *strings.Builder, proofs, witnesses map[string]*Module) error {
	first := true
	for _, d := range m.Declarations {
		name := d.Claim()
		if name == "" {
			continue
		}
		proof, witness := proofs[name], witnesses[name]
		if proof == nil || witness == nil {
			return fmt.Errorf("%s:%d: the claim %s has no proof or no witness", m.File(), d.Line, name)
		}
		if first {
			fmt.Fprintf(b, "\n### %s\n\nStated in [%s](%s).\n\n", m.heading(), m.Name, m.path())
			first = false
		}
		fmt.Fprintf(b, "- **%s.** %s  \n  `%s`: [proof](%s), [witness](%s)\n", sentence(name), d.Doc, name, proof.path(), witness.path())
	}
	return nil
}

// heading is the module's title, or its name.
func (m *Module) heading() string {
	if m.Title != "" {
		return m.Title
	}
	return m.Name
}

// sentence makes a sentence of a name: packing_is_injective, "Packing is injective".
func sentence(name string) string {
	words := strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

// CheckIndex returns what is wrong with the index in the folder dir, or "".
func (t *Tree) CheckIndex(dir string) string {
	want, err := t.Index()
	if err != nil {
		return err.Error()
	}
	got, err := os.ReadFile(filepath.Join(dir, indexFile))
	if err != nil {
		return err.Error()
	}
	if string(got) == want {
		return ""
	}
	gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(want, "\n")
	n := 0
	for n < len(gotLines) && n < len(wantLines) && gotLines[n] == wantLines[n] {
		n++
	}
	return fmt.Sprintf("formal/%s:%d: it is not what the Lean sources give; make it anew: %s", indexFile, n+1, Regenerate)
}
