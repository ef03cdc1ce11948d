// Generate makes the corpora of conformance/corpus/testdata again, one for each
// graph configuration of tla/, after a deliberate change of a model and for no
// other reason:
//
//	go run ./conformance/corpus/generate
//
// The layer `corpus` of verify makes them too and compares.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tlc"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := generate(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(ctx context.Context) error {
	root, err := checkout.FindRoot(".")
	if err != nil {
		return err
	}
	configs, err := tlc.Load(root)
	if err != nil {
		return err
	}
	for _, tool := range tlc.Tools() {
		if _, err := tool.FindOrInstall(ctx, os.Stderr); err != nil {
			return err
		}
	}
	program, err := tlc.Open(ctx)
	if err != nil {
		return err
	}
	for _, c := range configs {
		if c.Run != tlc.Graph {
			continue
		}
		if err := write(ctx, program, c, filepath.Join(root, c.CorpusPath())); err != nil {
			return err
		}
	}
	return nil
}

// write makes one corpus and replaces the file.
func write(ctx context.Context, program tlc.Program, c *tlc.Config, path string) error {
	made, err := program.Corpus(ctx, c)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	if err := made.Write(&packed); err != nil {
		return err
	}
	if err := os.WriteFile(path, packed.Bytes(), 0o644); err != nil {
		return err
	}
	fmt.Printf("%s: %d states, %d of them beyond the bound, %d edges, %d actions, %d bytes\n",
		c.CorpusPath(), len(made.States), len(made.States)-made.Inside(), len(made.Edges), len(made.Names()), packed.Len())
	return nil
}
