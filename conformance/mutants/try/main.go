// Command try helps who writes a fault for the ledger: it plants the faults whose
// ids begin with PREFIX and prints the tests that fail under each, as the lines "by"
// of the ledger.
//
//	go run ./conformance/mutants/try PREFIX [FOLDER...]
//
// Without folders it runs the tests of the fault's own package, of
// conformance/golden and of conformance/examples.
package main

import (
	"context"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/omega-sheaf-os/omega/conformance/mutants"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "try: want PREFIX [FOLDER...]")
		os.Exit(2)
	}
	if err := try(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "try: %v\n", err)
		os.Exit(1)
	}
}

func try(prefix string, folders []string) error {
	root, err := checkout.FindRoot(".")
	if err != nil {
		return err
	}
	faults, err := mutants.Load(root)
	if err != nil {
		return err
	}
	for _, f := range faults {
		if !strings.HasPrefix(f.ID, prefix) || path.Ext(f.File) != ".go" {
			continue
		}
		in := folders
		if len(in) == 0 {
			in = []string{path.Dir(f.File), "conformance/golden", "conformance/examples"}
		}
		failed, err := mutants.Catchers(context.Background(), root, f, in...)
		fmt.Printf("fault %s\n", f.ID)
		if err != nil {
			fmt.Printf("# %v\n", err)
		}
		for _, c := range failed {
			fmt.Printf("by %s\n", c)
		}
	}
	return nil
}
