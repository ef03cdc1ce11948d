package evidence

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/omega-sheaf-os/omega/impl/audit"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/certlog/durable"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
)

// Reserve makes the folder dir, or finds it empty, before a long run whose outcome
// is to be written there. Error: ErrExists.
func Reserve(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("%s: %w, or something else: %s", dir, ErrExists, entries[0].Name())
	}
	return err
}

// Write writes bundle.json and run.json into dir.
func Write(dir string, b *Bundle, r *Run) error {
	beside, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return errors.Join(
		durable.WriteFile(durable.OS{}, filepath.Join(dir, RunName), append(beside, '\n'), 0o644),
		durable.WriteFile(durable.OS{}, filepath.Join(dir, BundleName), b.Encode(), 0o644),
	)
}

// CopyLog copies the cert.log of the data folder, whose last certificate is over
// the bundle in dir, into dir.
func CopyLog(dir, data string) error {
	b, err := os.ReadFile(certlog.Path(data))
	if err != nil {
		return err
	}
	return durable.WriteFile(durable.OS{}, filepath.Join(dir, LogName), b, 0o644)
}

// Checked is what a check of a folder has found.
type Checked struct {
	Bundle *Bundle
	Digest cert.Hash // of bundle.json

	// Audit is of the chain in the folder; nil where there is none, and nobody has
	// signed. Height is that of the certificate over the bundle, 0 where the chain
	// has none; Signers are the members whose signatures it carries.
	Audit   *audit.Report
	Height  uint64
	Signers []string

	Differences []string // from the checkout it was held against; nil where there was none
}

// OK reports whether the folder holds together: a chain that is there is whole,
// and is over this bundle, and so is the checkout.
func (c *Checked) OK() bool {
	signed := c.Audit == nil || c.Audit.OK && c.Height > 0
	return signed && len(c.Differences) == 0
}

// Check checks an evidence folder from its bytes, offline (EVD-3). The chain is
// pinned to genesis where that is given. all are the files of a checkout to hold
// the bundle against; nil for none. The error is for what cannot be read.
func Check(dir string, genesis *cert.Hash, all []File) (*Checked, error) {
	path := filepath.Join(dir, BundleName)
	text, err := durable.ReadUpTo(path, MaxBundle, nil)
	if err != nil {
		return nil, err
	}
	bundle, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c := &Checked{Bundle: bundle, Digest: sha256.Sum256(text)}
	if all != nil {
		c.Differences = Differences(bundle.Files, all)
	}
	log := filepath.Join(dir, LogName)
	if _, err := os.Lstat(log); errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	c.Audit, err = audit.Log(log, audit.Options{Genesis: genesis, Certificate: c.look})
	if err != nil {
		return nil, err
	}
	if !c.Audit.OK {
		c.Height, c.Signers = 0, nil
	}
	return c, nil
}

// look notes a certificate of the chain that is over the bundle.
func (c *Checked) look(d *cert.Certificate, signers cert.Roster) {
	if d.Envelope.Type != cert.Evidence {
		return
	}
	body, err := cert.ParseEvidenceBody(d.Body)
	if err == nil && body.Bundle == c.Digest { // the audit has found it right
		c.Height, c.Signers = d.Envelope.BatchID, names(signers)
	}
}

func names(r cert.Roster) []string {
	var all []string
	for i := range r {
		all = append(all, r[i].Name)
	}
	return all
}

// Differences tells in which files a checkout is another than the one of a bundle.
// Both lists are in order of path.
func Differences(bundle, all []File) []string {
	is := map[string]string{}
	for _, f := range all {
		is[f.Path] = f.SHA256
	}
	found := []string{}
	for _, f := range bundle {
		switch got, ok := is[f.Path]; {
		case !ok:
			found = append(found, fmt.Sprintf("%s: is gone", f.Path))
		case got != f.SHA256:
			found = append(found, fmt.Sprintf("%s: sha256 is %s, the evidence is of %s", f.Path, got, f.SHA256))
		}
		delete(is, f.Path)
	}
	for _, f := range all {
		if _, more := is[f.Path]; more {
			found = append(found, fmt.Sprintf("%s: the evidence does not have it", f.Path))
		}
	}
	return found
}
