// Command theorems writes the index of what is proved: formal/README.md, from the
// Lean sources of the checkout that it is run in.
//
//	go run ./conformance/theorems > formal/README.md
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
	"github.com/omega-sheaf-os/omega/impl/toolchain/lean"
)

func main() {
	index, err := index(".")
	if err != nil {
		fmt.Fprintf(os.Stderr, "theorems: %v\n", err)
		os.Exit(1)
	}
	fmt.Print(index)
}

// index returns the index of the checkout that dir lies in.
func index(dir string) (string, error) {
	root, err := checkout.FindRoot(dir)
	if err != nil {
		return "", err
	}
	tree, err := lean.ReadTree(filepath.Join(root, "formal"))
	if err != nil {
		return "", err
	}
	return tree.Index()
}
