package main

import (
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/spf13/cobra"
)

// inputFlag gives c the flag --input, which repeats, one path each.
func inputFlag(c *cobra.Command, paths *[]string) {
	c.Flags().StringArrayVar(paths, "input", nil, "a .omega `FILE`; repeats, one path each")
	must(c.MarkFlagRequired("input"))
	completeFiles(c, "input", "omega")
}

// openSections maps all files, or none.
func openSections(paths []string) (*node.Sections, error) {
	for _, path := range paths {
		if path == "" {
			return nil, usage("the name of a file is empty")
		}
	}
	return node.OpenSections(paths)
}
