package main

import (
	"errors"
	"runtime"

	"github.com/omega-sheaf-os/omega/impl/omegalog"
	"github.com/spf13/cobra"
)

// workers is how many work on mapped bytes at the same time.
func workers() int { return runtime.GOMAXPROCS(0) }

// inputFlag gives c the flag --input, which repeats, one path each.
func inputFlag(c *cobra.Command, paths *[]string) {
	c.Flags().StringArrayVar(paths, "input", nil, "a .omega `FILE`; repeats, one path each")
	must(c.MarkFlagRequired("input"))
	completeFiles(c, "input", "omega")
}

// openInput maps the file at path. Where that cannot be, the error says why with
// status 3 (CLI-4).
func openInput(path string) (*omegalog.OmegaLogView, error) {
	if path == "" {
		return nil, usage("the name of a file is empty")
	}
	view, err := omegalog.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return view, nil
}

// openInputs maps all files, or none.
func openInputs(paths []string) ([]*omegalog.OmegaLogView, error) {
	views := make([]*omegalog.OmegaLogView, 0, len(paths))
	for _, path := range paths {
		view, err := openInput(path)
		if err != nil {
			closeAll(views)
			return nil, err
		}
		views = append(views, view)
	}
	return views, nil
}

func closeAll(views []*omegalog.OmegaLogView) {
	for _, v := range views {
		v.Close()
	}
}

// guard runs f over mapped files. A file that changes meanwhile is a refusal:
// what was read of it is not what is there.
func guard(f func() error, views ...*omegalog.OmegaLogView) error {
	err := omegalog.Guard(f, views...)
	var changed *omegalog.ChangedError
	if errors.As(err, &changed) {
		return damaged(changed.Path, kindChanged, changed.Offset, "the file was changed while it was read: "+changed.Message)
	}
	return err
}
