package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// keyResult is what `keys new` and `keys show` print.
type keyResult struct {
	OK             bool   `json:"ok"`
	File           string `json:"file"`
	PublicKey      string `json:"public_key"`
	Fingerprint    string `json:"fingerprint"`
	FingerprintHex string `json:"fingerprint_hex"`
}

func keyResultOf(path string, public cert.PublicKey) *keyResult {
	return &keyResult{
		OK: true, File: path, PublicKey: fmt.Sprintf("%x", public),
		Fingerprint: identity.Fingerprint(public), FingerprintHex: identity.FingerprintHex(public),
	}
}

func (k *keyResult) text(t *text) {
	t.line("%s", printable(k.File))
	t.line("  public key   %s", k.PublicKey)
	t.line("  fingerprint  %s", k.Fingerprint)
}

func newKeys(a *app) *cobra.Command {
	return group("keys", "Make and show members' keys",
		`A member signs with an Ed25519 key in a file omega.key, which its owner alone may
read. The secret never leaves the file, and no command prints it.`,
		newKeysNew(a), newKeysShow(a))
}

func newKeysNew(a *app) *cobra.Command {
	var output string
	var sealed bool
	c := &cobra.Command{
		Use:   "new --output PATH [--passphrase]",
		Short: "Make a new key",
		Long: `Makes a new Ed25519 key from the system's randomness and writes it to PATH,
readable by its owner alone (mode 0600). An existing file is never overwritten.

With --passphrase the key is sealed with one: it is asked for twice on a terminal,
or else is the first line of standard input.`,
		Example: `  omega-check keys new --output omega.key
  omega-check keys new --output omega.key --passphrase`,
	}
	c.Flags().StringVar(&output, "output", "", "`PATH` of the new key file")
	c.Flags().BoolVar(&sealed, "passphrase", false, "seal the key with a passphrase")
	must(c.MarkFlagRequired("output"))
	completeFiles(c, "output", "key")
	return a.runs(c, false, func(context.Context, []string) (result, error) {
		var passphrase []byte
		if sealed {
			var err error
			if passphrase, err = a.newPassphrase(); err != nil {
				return nil, err
			}
		}
		key := identity.Generate()
		if err := identity.Save(output, key, passphrase); err != nil {
			return nil, err
		}
		return keyResultOf(output, key.Public()), nil
	})
}

func newKeysShow(a *app) *cobra.Command {
	var input string
	c := &cobra.Command{
		Use:   "show --input PATH",
		Short: "Show the public part of a key",
		Long: `Prints the public key of a key file and its fingerprint, which people can compare
over another channel. A key file that others can read is refused. A sealed file is
shown without its passphrase, by the public key that it says.`,
		Example: "  omega-check keys show --input omega.key",
	}
	c.Flags().StringVar(&input, "input", "", "`PATH` of the key file")
	must(c.MarkFlagRequired("input"))
	completeFiles(c, "input", "key")
	return a.runs(c, true, func(context.Context, []string) (result, error) {
		public, err := identity.PublicOf(input)
		if err != nil {
			return nil, err
		}
		return keyResultOf(input, public), nil
	})
}

// askPassphrase asks for the passphrase of a sealed key: its owner's name, or its
// file's.
func (a *app) askPassphrase(whose string) ([]byte, error) {
	return a.readSecret("Passphrase of " + printable(whose) + ": ")
}

// newPassphrase asks for a new passphrase, twice where somebody types it.
func (a *app) newPassphrase() ([]byte, error) {
	first, err := a.readSecret("New passphrase: ")
	if err != nil || !term.IsTerminal(int(os.Stdin.Fd())) {
		return first, err
	}
	second, err := a.readSecret("Once more: ")
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(first, second) {
		return nil, usage("the two passphrases differ")
	}
	return first, nil
}

// readSecret reads a line from stdin, without showing it where that is a
// terminal. A signal ends the wait and gives the terminal back as it was.
func (a *app) readSecret(ask string) ([]byte, error) {
	fd := int(os.Stdin.Fd())
	before, notTerminal := term.GetState(fd)
	var word []byte
	var err error
	read := make(chan struct{})
	go func() {
		defer close(read)
		if notTerminal == nil {
			fmt.Fprint(a.err, ask)
			word, err = term.ReadPassword(fd)
			fmt.Fprintln(a.err)
		} else if word, err = a.stdin.ReadBytes('\n'); errors.Is(err, io.EOF) {
			err = nil
		}
	}()
	select {
	case <-read:
	case <-a.stop:
		if notTerminal == nil {
			return nil, errors.Join(context.Canceled, term.Restore(fd, before))
		}
		return nil, context.Canceled
	}
	word = bytes.TrimSuffix(word, []byte("\n"))
	switch {
	case err != nil:
		return nil, missing("the passphrase cannot be read: %v", err)
	case len(word) == 0:
		return nil, missing("the passphrase is empty")
	}
	return word, nil
}
