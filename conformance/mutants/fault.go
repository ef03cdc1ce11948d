package mutants

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Folder holds the ledger of faults, relative to the checkout.
const Folder = "conformance/mutants/faults"

// Fault is one change and the checks that must catch it.
type Fault struct {
	ID       string
	File     string // relative to the checkout
	In       string // the declaration in it
	Of       string // the kernel function whose fault it is, as package.Function or package.Type.Method; may be empty
	Old, New string
	Checks   []Check
	At       string // where it stands in the ledger: file:line
}

// Check is one test of a Go package, one property of a model, or one theorem.
type Check struct {
	Where string // the package's folder, the .cfg or the .lean file, relative to the checkout
	What  string
}

func (c Check) String() string { return c.Where + " " + c.What }

// Hash names the fault's content: another text is another fault.
func (f *Fault) Hash() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %q %q\n", f.ID, f.File, f.In, f.Of, f.Old, f.New)
	for _, c := range f.Checks {
		fmt.Fprintf(h, "%q\n", c)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Load reads the ledger of the checkout root: its faults by file and line. The
// error is the first thing wrong with its form; Validate looks at the rest.
func Load(root string) ([]*Fault, error) {
	names, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(Folder), "*.txt"))
	if err != nil {
		return nil, err
	}
	var all []*Fault
	seen := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		faults, err := parse(path.Join(Folder, filepath.Base(name)), string(text))
		if err != nil {
			return nil, err
		}
		for _, f := range faults {
			if other, ok := seen[f.ID]; ok {
				return nil, fmt.Errorf("%s: the fault %s stands at %s too", f.At, f.ID, other)
			}
			seen[f.ID] = f.At
		}
		all = append(all, faults...)
	}
	return all, nil
}

// parse reads one file of the ledger.
func parse(name, text string) ([]*Fault, error) {
	var faults []*Fault
	var f *Fault
	for i, line := range strings.Split(text, "\n") {
		at := fmt.Sprintf("%s:%d", name, i+1)
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			continue
		case word == "fault":
			f = &Fault{ID: rest, At: at}
			faults = append(faults, f)
			continue
		case f == nil:
			return nil, fmt.Errorf("%s: the file begins with no fault: %q", at, line)
		}
		if err := f.take(word, rest); err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
	}
	for _, f := range faults {
		if err := f.complete(); err != nil {
			return nil, fmt.Errorf("%s: fault %s: %w", f.At, f.ID, err)
		}
	}
	return faults, nil
}

// take takes one line of a fault.
func (f *Fault) take(word, rest string) error {
	first, second, _ := strings.Cut(rest, " ")
	switch word {
	case "in":
		f.File, f.In = first, second
	case "of":
		f.Of = rest
	case "-":
		f.Old = join(f.Old, rest)
	case "+":
		f.New = join(f.New, rest)
	case "by":
		f.Checks = append(f.Checks, Check{first, second})
	default:
		return fmt.Errorf("a line begins with %q; want fault, in, of, -, +, by or #", word)
	}
	return nil
}

func join(text, line string) string {
	if text == "" {
		return line
	}
	return text + "\n" + line
}

var isID = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`)

// complete checks that the fault has all its parts, and fills in Of.
func (f *Fault) complete() error {
	switch {
	case !isID.MatchString(f.ID):
		return fmt.Errorf("an id is lower-case words with - between them")
	case f.File == "" || f.In == "":
		return fmt.Errorf("it names no file and declaration")
	case f.Old == "":
		return fmt.Errorf("it says not what is replaced")
	case f.Old == f.New:
		return fmt.Errorf("it changes nothing")
	}
	for i, c := range f.Checks {
		if c.What == "" || slices.Contains(f.Checks[:i], c) {
			return fmt.Errorf("the check %q names nothing, or stands twice", c)
		}
	}
	if f.Of == "" && IsKernel(f.File) {
		f.Of = path.Base(path.Dir(f.File)) + "." + f.In
	}
	return nil
}

// IsKernel tells the Go files of the kernel.
func IsKernel(file string) bool {
	return strings.HasPrefix(file, "impl/kernel/") && path.Ext(file) == ".go"
}
