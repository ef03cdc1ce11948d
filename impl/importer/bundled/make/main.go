// Command make writes the sections of package bundled again, from a clone of the
// repository that they come from. It runs in the package's folder, where it
// replaces the folder sections.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/impl/importer"
	"github.com/omega-sheaf-os/omega/impl/importer/git"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
)

// bound is the largest Lamport time of a bundled commit. It gives 338 of them.
const bound = 250

func main() {
	repo := flag.String("repo", "", "a clone of https://github.com/etcd-io/etcd")
	flag.Parse()
	if err := run(*repo); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(repo string) error {
	temp, err := os.MkdirTemp("", "bundled-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	ctx, all := context.Background(), filepath.Join(temp, "all")
	if _, err := git.Import(ctx, git.Options{Repo: repo, Output: all}); err != nil {
		return err
	}
	batches, _, err := importer.Split(ctx, all, []uint64{bound}, filepath.Join(temp, "split"))
	if err != nil {
		return err
	}
	names, err := importer.ReadNames(all)
	if err != nil {
		return err
	}
	if err := os.RemoveAll("sections"); err != nil {
		return err
	}
	return anonymize(batches[0], names, "sections")
}

// anonymize moves a batch's sections to output under handles instead of names.
func anonymize(batch importer.Batch, names []importer.Name, output string) error {
	stage, err := importer.NewStage(output)
	if err != nil {
		return err
	}
	defer stage.Discard()
	var table []importer.Name
	for i, file := range batch.Sections {
		// Nodes count up in the order of their first events, so that a first
		// batch has the first nodes and no other.
		if names[i].File != file {
			return fmt.Errorf("section %d is %s, the table of names has %s", i+1, file, names[i].File)
		}
		b, err := os.ReadFile(filepath.Join(batch.Dir, file))
		if err != nil {
			return err
		}
		handle := fmt.Sprintf("author-%02d", i+1)
		n := importer.Name{Node: names[i].Node, Events: countEvents(b), Name: handle}
		n.File = importer.SectionFile(n.Node, uint32(len(batch.Sections)), handle)
		table = append(table, n)
		if err := os.WriteFile(filepath.Join(stage.Dir(), n.File), b, 0o666); err != nil {
			return err
		}
	}
	b := importer.AppendNames(nil, table)
	if err := os.WriteFile(filepath.Join(stage.Dir(), importer.NamesFile), b, 0o666); err != nil {
		return err
	}
	return stage.Publish()
}

// countEvents returns the number of frames of a section that Split has written.
func countEvents(file []byte) (n uint64) {
	for at := int64(frame.HeaderSize); ; n++ {
		_, next, err := frame.Next(file, at)
		if err != nil {
			return n
		}
		at = next
	}
}
