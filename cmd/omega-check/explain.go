package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/archive"
	"github.com/omega-sheaf-os/omega/impl/certlog"
	"github.com/omega-sheaf-os/omega/impl/identity"
	"github.com/omega-sheaf-os/omega/impl/kernel/frame"
	"github.com/omega-sheaf-os/omega/impl/node"
	"github.com/omega-sheaf-os/omega/impl/omegalog"
	"github.com/spf13/cobra"
)

// shownParts is how many frames or records `explain` shows without --all.
const shownParts = 5

// explanation is what `explain` prints: the file's fields, in the order of its
// bytes, and what has been checked.
type explanation struct {
	OK     bool       `json:"ok"`
	File   string     `json:"file"`
	Format string     `json:"format"`
	Bytes  int64      `json:"bytes"`
	Facts  []fact     `json:"facts"`
	Parts  []*part    `json:"parts"`
	Hidden int        `json:"hidden"` // parts that are not shown
	Checks []check    `json:"checks"` // of the whole file
	Error  *fileError `json:"error"`

	about string
	all   bool
}

// fact is one thing that the file as a whole says.
type fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// fileError is the first thing wrong with a file.
type fileError struct {
	Kind    string `json:"kind"`
	Offset  int64  `json:"offset"`
	Message string `json:"message"`
}

// verdict is the outcome of one check.
type verdict string

const (
	holds   verdict = "holds"
	fails   verdict = "fails"
	unknown verdict = "unknown" // something needed to judge it is not there
)

type check struct {
	Name    string  `json:"name"`
	Verdict verdict `json:"verdict"`
	Message string  `json:"message"`
}

func (x *explanation) fact(name, format string, args ...any) {
	x.Facts = append(x.Facts, fact{name, fmt.Sprintf(format, args...)})
}

// check records a verdict on the whole file.
func (x *explanation) check(name string, v verdict, format string, args ...any) {
	x.Checks = append(x.Checks, check{name, v, fmt.Sprintf(format, args...)})
	if v == fails {
		x.OK = false
	}
}

// fault records the first thing wrong with the file's bytes.
func (x *explanation) fault(kind string, offset int64, message string) {
	x.OK = false
	x.Error = &fileError{kind, offset, message}
}

// part starts a part of the file at offset; past the limit it is counted, and
// its layout not shown.
func (x *explanation) part(name string, file []byte, offset int64) *part {
	p := &part{Name: name, Offset: offset, Fields: []field{}, Checks: []check{}, x: x, file: file, at: offset}
	p.hidden = !x.all && len(x.Parts) > shownParts
	if p.hidden {
		x.Hidden++
	} else {
		x.Parts = append(x.Parts, p)
	}
	return p
}

// reveal shows a hidden part in which a check fails, without its fields.
func (x *explanation) reveal(p *part) {
	if p.hidden {
		p.hidden = false
		x.Hidden--
		x.Parts = append(x.Parts, p)
	}
}

func newExplain(a *app) *cobra.Command {
	var input, data string
	var all bool
	c := &cobra.Command{
		Use:   "explain --input FILE",
		Short: "Decode any file of ours into words",
		Long: `Decodes a file field by field: where it stands, its bytes, what it says and what
that means, and checks all that the file alone lets one check: CRCs, hashes,
identifiers, links, signatures. It knows a file by its content:

  .omega        a section or a stored trace
  .omega.sig    the signature of a section
  cert.log      a chain of certificates, or one certificate
  omega.key     a member's key: its public part; the secret is never printed
  roster        the members' names, keys and nodes
  vote          a member's vote file

Signatures need the members' keys. A chain brings them in its genesis; for the
other files --data names a data folder whose chain has them. Of a long file the
first frames or records are shown, and all are checked; --all shows all.`,
		Example: `  omega-check explain --input alice.omega
  omega-check explain --input alice.omega.sig --data ./chain
  omega-check explain --input chain/cert.log --all --json`,
	}
	c.Flags().StringVar(&input, "input", "", "file to decode")
	c.Flags().StringVar(&data, "data", "", "data folder whose chain knows the members' keys")
	c.Flags().BoolVar(&all, "all", false, "show every frame or record")
	must(c.MarkFlagRequired("input"))
	completeFiles(c, "input")
	completeFolders(c, "data")
	return a.runs(c, true, func(_ context.Context, _ []string) (result, error) {
		p := a.progress("decoding " + filepath.Base(input))
		defer p.end()
		x, err := explain(input, data, all)
		if err != nil {
			return nil, err
		}
		if !x.OK {
			return x, answerNo()
		}
		return x, nil
	})
}

// format is one kind of file that explain knows.
type format struct {
	name      string
	begins    string // its first bytes
	extension string // of its usual name; says what a file with a damaged start was meant to be
	about     string
	explain   func(x *explanation, file []byte, known *node.View) error
}

// formats returns the files that explain knows, in the order of its help.
func formats() []format {
	return []format{
		{"section", frame.Magic, ".omega", "a section: events in frames", explainSection},
		{"certificates", certlog.Magic, certlog.Name, "certificates, each with its envelope, body and signatures", explainLog},
		{"signature", omegalog.SignatureMagic, omegalog.SignatureSuffix, "the signature of a section", explainSignature},
		{"key", openKeyMark, identity.KeyName, "a member's key", explainKey},
		{"key", sealedKeyMark, identity.KeyName, "a member's key", explainKey},
		{"roster", rosterMark, archive.RosterName, "the members of a chain", explainRoster},
		{"vote", certlog.VoteMagic, "vote", "what a member has signed at one height", explainVote},
	}
}

// explain decodes the file at path. data names a data folder or is empty.
func explain(path, data string, all bool) (*explanation, error) {
	sections, err := openSections([]string{path})
	if err != nil {
		return nil, err
	}
	defer sections.Close()
	view := sections.Views[0]
	var known *node.View
	if data != "" {
		if known, err = node.Read(data); err != nil {
			return nil, err
		}
		defer known.Close()
	}
	x := &explanation{OK: true, File: path, all: all, Parts: []*part{}, Facts: []fact{}, Checks: []check{}}
	err = omegalog.Guard(func() error {
		file := view.Bytes()
		x.Bytes = int64(len(file))
		f, err := recognise(path, file)
		if err != nil {
			return err
		}
		x.Format, x.about = f.name, f.about
		return f.explain(x, file, known)
	}, view)
	if err != nil {
		return nil, err
	}
	return x, nil
}

// recognise finds the format of a file by its first bytes, or failing that by
// its name, so that a damaged start is told as damage.
func recognise(path string, file []byte) (format, error) {
	for _, f := range formats() {
		if bytes.HasPrefix(file, []byte(f.begins)) {
			return f, nil
		}
	}
	var names []string
	for _, f := range formats() {
		if base := filepath.Base(path); base == f.extension || f.extension[0] == '.' && strings.HasSuffix(base, f.extension) {
			return f, nil
		}
		names = append(names, fmt.Sprintf("%q (%s)", f.begins, f.name))
	}
	return format{}, &exitError{status: statusNo, Kind: "unknown-format", File: path,
		Message: fmt.Sprintf("no file of ours: it begins with %s, ours begin with %s", beginning(file), strings.Join(names, ", "))}
}

func beginning(file []byte) string {
	if len(file) == 0 {
		return "nothing, it is empty"
	}
	return fmt.Sprintf("%q", file[:min(len(file), 16)])
}

func (x *explanation) text(t *text) {
	t.line("%s: %s, %s", printable(x.File), x.about, plural(x.Bytes, "byte"))
	for _, f := range x.Facts {
		t.line("  %-16s %s", f.Name, f.Value)
	}
	for _, p := range x.Parts {
		p.text(t)
	}
	if x.Hidden > 0 {
		t.line("\n... and %s more, checked as well (--all shows them)", count(x.Hidden))
	}
	if len(x.Checks) > 0 || x.Error != nil {
		t.line("")
	}
	writeChecks(t, x.Checks)
	if x.Error != nil {
		t.line("  %s  %s at offset %d: %s", t.bad("fails"), x.Error.Kind, x.Error.Offset, x.Error.Message)
	}
}

func writeChecks(t *text, checks []check) {
	for _, c := range checks {
		mark := string(c.Verdict)
		switch c.Verdict {
		case holds:
			mark = t.good(mark)
		case fails:
			mark = t.bad(mark)
		}
		t.line("  %s  %s: %s", mark, c.Name, c.Message)
	}
}
