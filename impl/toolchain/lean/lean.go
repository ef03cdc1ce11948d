// Package lean checks the Lean package of the folder formal/: it builds each
// module, audits what was proved, and sees that what must be refused is refused.
//
// Terms. A *module* is a file below formal/Omega, or formal/Omega.lean itself,
// which imports all others; Omega.Proof.Key is formal/Omega/Proof/Key.lean. A
// *claim* is a definition in the namespace Omega.Claim, found in Omega/Spec: a
// proposition that a person reads. Its *proof* and its *witness*, that its
// hypotheses can hold, have its name in Omega.Proof and Omega.Witness. Every
// other theorem is a *lemma*. A *negative* is a file of formal/negative that
// must be refused, for the reasons written in its first lines:
//
//	-- expect: audit: finding Omega.anything_goes: is an axiom of this package
//
// Building. Modules are checked one file a process, each after those that it
// imports, by the same command on every build of Lean:
//
//	lean -DwarningAsError=true -DmaxErrors=1000000 --root=DIR -o DIR/Omega/Spec/Key.olean DIR/Omega/Spec/Key.lean
//
// What a module gives is stored under the SHA-256 of its source, of the keys of
// its imports, and of Lean's identity. So a module is checked again if and only
// if it, something it imports, or Lean has changed. A stored file is put in place
// by renaming and begins with its own SHA-256: one that is not whole is not used.
// Every run has a working folder of its own, so that several can share a store.
//
// The audit (formal/Omega/Audit.lean) is run over all modules at once. On Lean's
// WebAssembly build, core shows no bodies of theorems: there the constants of
// core that are trusted as leaves are counted. Native Lean shows all, and a leaf
// is a finding.
//
// Try has Lean check a file of somebody else's against the modules of formal/.
package lean

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Compiler runs Lean on one file.
type Compiler interface {
	// Command returns the command `lean args...` that runs in the folder dir and
	// finds compiled modules in the folders path.
	Command(ctx context.Context, dir string, path []string, args ...string) *exec.Cmd
	// Filter removes from Lean's output what its build adds to it.
	Filter(output string) string
}

// Options says what to check, with which Lean, and how.
type Options struct {
	Root     string // the checkout
	Compiler Compiler
	Identity string // names the compiler exactly: its version and what it is made of
	Native   bool   // whether it shows the bodies of core's theorems
	Workers  int    // how many modules to check at a time
	StoreDir string // where checked modules are stored; empty means DefaultStoreDir
	Again    bool   // check what is stored, too
	Log      io.Writer
}

// Report is what came out.
type Report struct {
	Modules int // to be built: all but the audit
	Checked int // of them, in this run; the others were stored
	Tally
	Negatives int // files that were refused as they must be
	Reasons   int // that their refusals had to name, and did
	Axioms    []string
	Leaves    int      // constants of core that the audit could not look into
	Problems  []string // empty where all holds
}

// DefaultStoreDir returns the folder in which checked modules are stored.
func DefaultStoreDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "omega", "lean"), nil
}

// run is one run of Check.
type run struct {
	opts    Options
	tree    *Tree
	store   *store
	dir     string // the working folder
	report  Report
	outcome map[string]*outcome // by module
	told    progress
}

// Check reads formal/ below the checkout, builds, audits and tries the negatives.
// An error means that nothing was judged; what is refused is a problem of the
// report.
func Check(ctx context.Context, opts Options) (*Report, error) {
	tree, err := ReadTree(filepath.Join(opts.Root, "formal"))
	if err != nil {
		return nil, err
	}
	r, err := newRun(opts, tree)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(r.dir)
	r.report.Problems = tree.Problems()
	if p := tree.CheckIndex(filepath.Join(opts.Root, "formal")); p != "" {
		r.problem("%s", p)
	}
	ordered, err := tree.Order()
	if err != nil {
		r.problem("%v", err)
		return &r.report, nil
	}
	r.report.Modules = len(ordered)
	if err := r.check(ctx, ordered); err != nil {
		return nil, err
	}
	return &r.report, ctx.Err()
}

// newRun opens the store and makes a working folder, r.dir, which is the caller's to
// remove.
func newRun(opts Options, tree *Tree) (*run, error) {
	var err error
	if opts.StoreDir == "" {
		if opts.StoreDir, err = DefaultStoreDir(); err != nil {
			return nil, err
		}
	}
	r := &run{opts: opts, tree: tree, store: &store{opts.StoreDir, opts.Again}}
	if err := r.store.open(); err != nil {
		return nil, err
	}
	r.dir, err = r.store.workDir()
	return r, err
}

// check builds the modules in their order and, where that works, the rest.
func (r *run) check(ctx context.Context, ordered []*Module) error {
	if err := r.buildAll(ctx, ordered); err != nil {
		return err
	}
	r.count()
	if slices.ContainsFunc(ordered, func(m *Module) bool { return !r.outcome[m.Name].ok }) {
		r.problem("not audited, and no negative tried: not all modules are built")
		return nil
	}
	if err := r.audit(ctx); err != nil {
		return err
	}
	return r.negatives(ctx)
}

// buildAll lays the sources out and builds the modules in their order.
func (r *run) buildAll(ctx context.Context, ordered []*Module) error {
	r.told = progress{log: r.opts.Log, of: len(ordered), start: time.Now()}
	if err := r.layOut(); err != nil {
		return err
	}
	return r.build(ctx, ordered)
}

// layOut writes the sources into the working folder: some builds of Lean see
// only part of the file system.
func (r *run) layOut() error {
	for _, m := range r.tree.Modules {
		if err := r.write(m.path(), m.Source); err != nil {
			return err
		}
	}
	return nil
}

// write writes a file of the working folder.
func (r *run) write(path, text string) error {
	path = filepath.Join(r.dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// count counts what the modules declare, and which were checked in this run.
func (r *run) count() {
	r.report.Tally = r.tree.tally()
	for _, o := range r.outcome {
		if o.fresh {
			r.report.Checked++
		}
	}
}

func (r *run) problem(format string, args ...any) {
	r.report.Problems = append(r.report.Problems, fmt.Sprintf(format, args...))
}

// Told says in a line what was checked.
func (r *Report) Told() string {
	text := fmt.Sprintf("%d modules (%d stored): %d claims, %d proofs, %d witnesses, %d lemmas; axioms: %s; %d negatives refused for %d reasons",
		r.Modules, r.Modules-r.Checked, r.Claims, r.Theorems, r.Witnesses, r.Lemmas, strings.Join(r.Axioms, ", "), r.Negatives, r.Reasons)
	if r.Leaves > 0 {
		text += fmt.Sprintf("; core is trusted as a leaf: %d constants", r.Leaves)
	}
	return text
}

// Counts returns the report's numbers by name.
func (r *Report) Counts() map[string]float64 {
	return map[string]float64{
		"modules": float64(r.Modules), "modules_checked": float64(r.Checked), "claims": float64(r.Claims),
		"theorems": float64(r.Theorems), "witnesses": float64(r.Witnesses), "lemmas": float64(r.Lemmas),
		"axioms": float64(len(r.Axioms)), "core_leaves": float64(r.Leaves), "negatives": float64(r.Negatives),
		"negative_reasons": float64(r.Reasons),
	}
}
