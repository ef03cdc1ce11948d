// Command generate writes tla/TraceExample.tla anew, from the run of a seed:
//
//	go run ./conformance/traces/generate -seed 2120
//
// The state counts in the configurations that use it are those of the run.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/conformance/traces"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tlc"
)

func main() {
	seed := flag.Uint64("seed", 2120, "of the run")
	flag.Parse()
	if err := generate(*seed); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(seed uint64) error {
	root, err := checkout.FindRoot(".")
	if err != nil {
		return err
	}
	text, err := traces.Example(seed)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, tlc.Folder, traces.ExampleModule+".tla"), []byte(text), 0o644)
}
