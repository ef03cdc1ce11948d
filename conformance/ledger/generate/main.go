// Command generate writes the kernel's ledger, as text, JSON and an HTML page, into
// a folder: ledger.txt, ledger.json and ledger.html. It is run in the checkout:
//
//	go run ./conformance/ledger/generate FOLDER
//
// It exits with 1 where something in the table is red.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/conformance/ledger"
	"github.com/omega-sheaf-os/omega/conformance/mutants"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "generate: want FOLDER")
		os.Exit(2)
	}
	table, err := generate(context.Background(), os.Args[1])
	if err != nil {
		fmt.Fprintf(os.Stderr, "generate: %v\n", err)
		os.Exit(3)
	}
	fmt.Println(table.Counts)
	if n := len(table.Problems); n > 0 {
		fmt.Printf("%d problems; the first: %s\n", n, table.Problems[0])
		os.Exit(1)
	}
}

func generate(ctx context.Context, folder string) (*ledger.Table, error) {
	root, err := checkout.FindRoot(".")
	if err != nil {
		return nil, err
	}
	shown, err := mutants.Shown(ctx, root)
	if err != nil {
		return nil, err
	}
	table, err := ledger.Build(ctx, root, shown)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	base, err := filepath.Rel(absolute, root)
	if err != nil {
		return nil, err
	}
	return table, errors.Join(
		write(filepath.Join(folder, "ledger.txt"), table.WriteText),
		write(filepath.Join(folder, "ledger.json"), table.WriteJSON),
		write(filepath.Join(folder, "ledger.html"), func(w io.Writer) error {
			return table.WriteHTML(w, filepath.ToSlash(base)+"/")
		}),
	)
}

// write writes a file with what do gives.
func write(path string, do func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(do(f), f.Close())
}
