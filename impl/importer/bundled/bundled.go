// Package bundled holds a real history as sections, for where there is no
// repository to import: the oldest commits of etcd, a key-value store that itself
// lives by consensus.
//
// The sections hold hashes, parents and dates, as package git renders them (clause
// IMP-11), and no text of etcd's: no message, name or e-mail. The authors go by
// author-01, author-02 and so on, in the order of their node ids. They are made
// from a clone of https://github.com/etcd-io/etcd in this folder by
//
//	go run ./make --repo CLONE
//
// from the commits that its HEAD reaches, of which the 338 of Lamport time up to
// 250 are kept. Their ancestors are all among them.
package bundled

import (
	"embed"
	"io/fs"
	"os"

	"github.com/omega-sheaf-os/omega/impl/importer"
)

//go:embed sections
var files embed.FS

// Write makes output a folder of the bundled sections and their table of names, in
// the form of package importer. Errors: importer.ErrOutput, those of the file
// system; then nothing is written.
func Write(output string) error {
	stage, err := importer.NewStage(output)
	if err != nil {
		return err
	}
	defer stage.Discard()
	sections, err := fs.Sub(files, "sections")
	if err != nil {
		return err
	}
	if err := os.CopyFS(stage.Dir(), sections); err != nil {
		return err
	}
	return stage.Publish()
}
