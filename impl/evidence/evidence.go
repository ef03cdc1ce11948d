// Package evidence is what a run of every check leaves behind for somebody who
// was not there: a folder with
//
//	bundle.json  what was checked and what came out, the same bytes in every run
//	             over the same checkout with the same tools (EVD-1)
//	run.json     when and where, how long each layer took, and what was measured:
//	             what differs from run to run, and is signed by nobody (EVD-2)
//	cert.log     where members have signed: their chain, whose last certificate is
//	             a verification evidence over the SHA-256 of bundle.json (BDY-7)
//
// A member signs the bundle that its own run has given, so that N signatures stand
// for N runs. Without cert.log nobody has signed: whoever changes bundle.json
// changes what it says.
package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/kernel/cert"
	"github.com/omega-sheaf-os/omega/impl/toolchain/checkout"
	"github.com/omega-sheaf-os/omega/impl/toolchain/files"
	"github.com/omega-sheaf-os/omega/impl/toolchain/verify"
)

// The files of an evidence folder (EVD-1, EVD-2).
const (
	BundleName = "bundle.json"
	RunName    = "run.json"
	LogName    = "cert.log"
)

// Format is what a bundle begins with (EVD-1).
const Format = "omega/evidence/v1"

// MaxBundle bounds bundle.json, in bytes.
const MaxBundle = 16 << 20

// Bundle is what was checked, and what came out (EVD-1).
type Bundle struct {
	Format string  `json:"format"`
	Groups []Group `json:"groups"` // the checkout, by what the files are
	Tools  []Tool  `json:"tools"`  // those that are pinned
	Layers []Layer `json:"layers"` // every layer of the command line's list
	Files  []File  `json:"files"`  // the checkout, in order of path
}

// Group sums up some of the files: the hash is over their lines of `sha256sum`.
type Group struct {
	Name   string `json:"name"`
	Files  int    `json:"files"`
	SHA256 string `json:"sha256"`
}

// Tool is a pinned tool that judged.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Layer is what came out of a layer: its verdict, its counts but for what is
// measured, and names such as those of the axioms used.
type Layer struct {
	Name    string              `json:"name"`
	Verdict verify.Verdict      `json:"verdict"`
	Counts  map[string]float64  `json:"counts"`
	Lists   map[string][]string `json:"lists"`
}

// File is a file of the checkout.
type File struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// Why a bundle cannot be made or read. Match with errors.Is.
var (
	ErrNotPassed  = errors.New("not everything has passed")
	ErrChanged    = errors.New("the checkout has changed while it was checked")
	ErrNotABundle = errors.New("not a bundle of evidence")
	ErrExists     = errors.New("there is evidence already")
)

// groups are the kinds of files, by the beginning of their paths; the first that
// fits counts.
var groups = []struct{ name, prefix string }{
	{"corpora", "conformance/corpus/testdata/"},
	{"models", "tla/"},
	{"proofs", "formal/"},
	{"specification", "spec/"},
	{"sources", ""},
}

func groupOf(path string) string {
	for _, g := range groups {
		if strings.HasPrefix(path, g.prefix) {
			return g.name
		}
	}
	return ""
}

// Hash returns the SHA-256 of each file of the checkout root, in order of path.
func Hash(ctx context.Context, root string) ([]File, error) {
	paths, err := checkout.Files(ctx, root)
	if err != nil {
		return nil, err
	}
	var all []File
	for _, path := range paths {
		full := filepath.Join(root, filepath.FromSlash(path))
		info, err := os.Lstat(full)
		if errors.Is(err, fs.ErrNotExist) {
			continue // known to git, and removed
		}
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s: %v: evidence is of regular files", path, info.Mode().Type())
		}
		sum, err := files.Hash(full)
		if err != nil {
			return nil, err
		}
		all = append(all, File{path, sum})
	}
	return all, nil
}

// Make returns the bundle of a report on the files, hashed before the run.
// Error: ErrNotPassed where a layer of this version has not passed.
func Make(report *verify.Report, all []File) (*Bundle, error) {
	b := &Bundle{Format: Format, Files: all, Groups: groupsOf(all), Tools: []Tool{}, Layers: []Layer{}}
	for _, t := range report.Pinned {
		b.Tools = append(b.Tools, Tool(t))
	}
	for i := range report.Layers {
		l := &report.Layers[i]
		if l.Verdict != verify.Pass && l.Message != verify.MissingLayer {
			return nil, fmt.Errorf("%w: %s: %s", ErrNotPassed, l.Name, l.Verdict)
		}
		lists := l.Lists
		if lists == nil {
			lists = map[string][]string{}
		}
		b.Layers = append(b.Layers, Layer{Name: l.Name, Verdict: l.Verdict, Counts: l.Stable(), Lists: lists})
	}
	return b, nil
}

func groupsOf(all []File) []Group {
	counts, sums := map[string]int{}, map[string]hash.Hash{}
	for _, f := range all {
		name := groupOf(f.Path)
		if sums[name] == nil {
			sums[name] = sha256.New()
		}
		counts[name]++
		fmt.Fprintf(sums[name], "%s  %s\n", f.SHA256, f.Path)
	}
	list := []Group{}
	for _, g := range groups {
		if sum := sums[g.name]; sum != nil {
			list = append(list, Group{Name: g.name, Files: counts[g.name], SHA256: fmt.Sprintf("%x", sum.Sum(nil))})
		}
	}
	return list
}

// Encode returns the bytes of bundle.json: one text for each bundle (EVD-1).
func (b *Bundle) Encode() []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(b); err != nil {
		panic(err) // maps of numbers, and strings
	}
	return out.Bytes()
}

// Digest returns the SHA-256 of bundle.json, the bundle of a certificate's body
// (BDY-7).
func (b *Bundle) Digest() cert.Hash { return sha256.Sum256(b.Encode()) }

// Parse reads bundle.json, and refuses whatever Encode would not have written.
// Error: ErrNotABundle.
func Parse(text []byte) (*Bundle, error) {
	if len(text) > MaxBundle {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrNotABundle, MaxBundle)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	b := &Bundle{}
	if err := d.Decode(b); err != nil {
		return nil, fmt.Errorf("%w: offset %d: %w", ErrNotABundle, d.InputOffset(), err)
	}
	if b.Format != Format {
		return nil, fmt.Errorf("%w: the format is %q; %q is read", ErrNotABundle, b.Format, Format)
	}
	if again := b.Encode(); !bytes.Equal(again, text) {
		return nil, fmt.Errorf("%w: offset %d: not as it would be written", ErrNotABundle, firstDifference(text, again))
	}
	if !slices.Equal(b.Groups, groupsOf(b.Files)) {
		return nil, fmt.Errorf("%w: the groups are not those of the files", ErrNotABundle)
	}
	return b, nil
}

func firstDifference(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// Run is what stands beside a bundle, and differs from run to run (EVD-2).
type Run struct {
	Time      string        `json:"time"` // RFC 3339, UTC, when the run ended
	OS        string        `json:"os"`
	Arch      string        `json:"arch"`
	CPUs      int           `json:"cpus"`
	Commit    string        `json:"commit"` // what git calls the checkout; empty where it does not know it
	Layers    []RunLayer    `json:"layers"`
	HostTools []verify.Used `json:"host_tools"` // those that are not pinned
}

// RunLayer is how a layer was run, and what it has measured.
type RunLayer struct {
	Name     string             `json:"name"`
	Seconds  float64            `json:"seconds"`
	Cached   bool               `json:"cached"` // it had passed before, on the same files
	Measured map[string]float64 `json:"measured"`
}

// MakeRun returns what stands beside the bundle of a report that was made at time.
func MakeRun(report *verify.Report, time, commit string) *Run {
	r := &Run{Time: time, OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Commit: commit, HostTools: report.HostTools}
	for i := range report.Layers {
		l := &report.Layers[i]
		if l.Verdict == verify.Pass {
			r.Layers = append(r.Layers, RunLayer{Name: l.Name, Seconds: l.Seconds, Cached: l.Cached, Measured: l.Measured()})
		}
	}
	return r
}
