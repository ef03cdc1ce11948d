// Package verify runs what checks this repository, layer by layer, and says of
// each layer whether it holds.
//
// The layers have fixed names. Those that this version has are
//
//	go      all tests under the race detector, fuzz seeds and spec examples among
//	        them, and the coverage of impl/kernel
//	static  gofmt, go vet, staticcheck, and go.mod against its sums and the imports
//	arch    the kernel's golden outputs on amd64, arm64 and s390x, the same bytes
//	tla     TLC on the models of tla/: those that must hold, with what must be
//	        reachable in them, and those that must violate the property named in them
//	corpus  the state graphs under conformance/corpus, made again, the same
//
// and the packages of tests conformance/NAME, which say in their own doc comments
// what they show: replay, traces, vectors, linear, sim, stutter, faults, mutants, ledger.
//
// The others are listed as not run and never as passed. A layer passes, fails or
// is not run; what it counted is told in numbers, so that a layer that has looked
// at nothing shows. The report holds if every layer that was asked for and exists
// has passed; there must be one. A layer whose tools are missing, or for which there
// is too little memory, fails.
//
// Layers run side by side, as many as there are processors, and as far as the
// memory that is available goes round. Each is told with the time that it may take
// (budgets, and CONTRIBUTING.md).
//
// A layer that has passed is not run again while everything that it depends on
// is the same: the files of the checkout, the tools, and the environment of Go.
// Failures are never remembered. A remembered result is marked, and the lines
// that `go test` had printed are printed again, marked too. The models are remembered
// one by one: a change of one runs this one again.
package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// Verdict is what came out of a layer.
type Verdict string

// The verdicts.
const (
	Pass   Verdict = "pass"
	Fail   Verdict = "fail"
	NotRun Verdict = "not-run"
)

// Names are the names of all layers, in the order of reports, those included
// that this version does not have.
var Names = []string{
	"go", "static", "arch", "lean", "tla", "corpus", "replay", "traces", "vectors", "linear", "sim", "stutter",
	"mutants", "faults", "ledger", "browser",
}

// Result is what came out of one layer.
type Result struct {
	Name    string             `json:"name"`
	Verdict Verdict            `json:"verdict"`
	Counts  map[string]float64 `json:"counts"` // what was looked at; names end in their unit
	Seconds float64            `json:"seconds"`
	// BudgetSeconds is what it may take on two cores with an empty cache; 0 where it
	// is not part of this version.
	BudgetSeconds float64 `json:"budget_seconds"`
	Cached        bool    `json:"cached"`
	Message       string  `json:"message"` // why it is not "pass", and where; else what to know
	// Lists are what it names, such as the axioms that proofs use; sorted.
	Lists map[string][]string `json:"lists,omitempty"`
	// Varying are the counts that differ from run to run over the same files.
	Varying []string `json:"varying,omitempty"`
}

// Stable returns the counts that every run over the same files gives.
func (r *Result) Stable() map[string]float64 { return r.where(false) }

// Measured returns the counts that differ from run to run.
func (r *Result) Measured() map[string]float64 { return r.where(true) }

func (r *Result) where(varies bool) map[string]float64 {
	counts := map[string]float64{}
	for name, n := range r.Counts {
		if slices.Contains(r.Varying, name) == varies {
			counts[name] = n
		}
	}
	return counts
}

// Used is a tool that layers have used.
type Used struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Report is what came out of all layers, in the order of Names.
type Report struct {
	OK     bool     `json:"ok"`
	Layers []Result `json:"layers"`

	// Missing joins a *tools.MissingError for each tool without which a layer could
	// not run, and failed.
	Missing error `json:"-"`

	// Pinned are the tools whose version this repository fixes, HostTools the others,
	// in the order of their names.
	Pinned    []Used `json:"-"`
	HostTools []Used `json:"-"`
}

// Options says what to verify and where to tell about it.
type Options struct {
	Dir       string    // a folder of the checkout
	Only      []string  // the layers to run; empty means all
	NoCache   bool      // run what has passed before, too
	Deep      bool      // run the large models, too, and more traces, seeds and vectors
	Mutants   bool      // try all mutants, not a sample
	CacheDir  string    // empty means DefaultCacheDir
	Progress  io.Writer // a line when a layer starts and ends, and the tools' diagnostics
	TestLines io.Writer // the summary lines of `go test`, one a package

	memoryMB int // what is available; 0 means what the system says
}

// Why Run does not even start. Match with errors.Is; a missing tool is a
// *tools.MissingError.
var (
	ErrUnknownLayer = errors.New("there is no such layer")
	ErrNested       = errors.New("verify is running already, and this is one of its checks")
)

// nestedVariable tells the processes that verify starts which checkout is being
// verified: a test that verified its own checkout would never end.
const nestedVariable = "OMEGA_VERIFY_ROOT"

// Run runs the layers of opts and reports on all. An error means that nothing
// was judged: ErrUnknownLayer, ErrNested, checkout.ErrNoCheckout, a *tools.MissingError
// for Go, or that of ctx. A layer that fails is no error, nor is one that lacks a
// tool: see Report.Missing.
func Run(ctx context.Context, opts Options) (*Report, error) {
	return run(ctx, opts, existing)
}

// DefaultCacheDir returns the folder in which passed layers are remembered.
func DefaultCacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "omega", "verify"), nil
}

// layer is a layer that this version has.
type layer struct {
	name     string
	needs    func() []tools.Tool    // without which it cannot start
	matters  func(path string) bool // whether a file of the checkout bears on it
	run      func(ctx context.Context, t *task) outcome
	memoryMB int  // what it and all that it starts need at most
	deeper   bool // whether it does more where Options.Deep is set
	mutants  bool // whether it does more where Options.Mutants is set
}

// task is what a layer is given.
type task struct {
	root  string   // the checkout
	files []string // its files, relative to root, sorted
	log   io.Writer
	line  func(string) // takes a summary line of `go test`

	memoryMB int    // what the layer may use
	deep     bool   // whether to do what takes long, too
	mutants  bool   // whether to try all mutants
	parts    *cache // what parts of the layer have passed before; nil where nothing is to be remembered
	reuse    bool   // whether to load from parts
}

// outcome is what a layer gives. It holds where problems is empty.
type outcome struct {
	counts   map[string]float64
	varying  []string // the counts that differ from run to run
	lists    map[string][]string
	problems []string
	message  string // what to know where it holds
}

func run(ctx context.Context, opts Options, layers []layer) (*Report, error) {
	selected, err := choose(layers, opts.Only)
	if err != nil {
		return nil, err
	}
	r, err := newRunner(ctx, opts)
	if err != nil {
		return nil, err
	}
	if err := r.findTools(ctx, selected); err != nil {
		return nil, err
	}
	results := r.runAll(ctx, selected)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rep := report(results, layers, opts.Only)
	rep.Missing = r.lacking()
	rep.Pinned, rep.HostTools = r.used()
	return rep, nil
}

// choose returns the layers that only names, all where it is empty.
func choose(layers []layer, only []string) ([]layer, error) {
	for _, name := range only {
		if !slices.Contains(Names, name) {
			return nil, fmt.Errorf("%w: %q; the layers are %s", ErrUnknownLayer, name, strings.Join(Names, ", "))
		}
	}
	if len(only) == 0 {
		return layers, nil
	}
	var selected []layer
	for _, l := range layers {
		if slices.Contains(only, l.name) {
			selected = append(selected, l)
		}
	}
	return selected, nil
}

// report lists all layers, also those that were not run, and why not.
func report(results map[string]Result, layers []layer, only []string) *Report {
	rep := &Report{OK: len(results) > 0}
	for _, name := range Names {
		res, ran := results[name]
		if !ran {
			res = Result{Name: name, Verdict: NotRun, Counts: map[string]float64{}, Message: "not asked for"}
			if !slices.ContainsFunc(layers, func(l layer) bool { return l.name == name }) {
				res.Message = MissingLayer
				rep.OK = rep.OK && !slices.Contains(only, name)
			} else {
				res.BudgetSeconds = budgets[name].Seconds()
			}
		}
		rep.OK = rep.OK && res.Verdict != Fail
		rep.Layers = append(rep.Layers, res)
	}
	return rep
}

// MissingLayer is the message of a layer that does not exist yet.
const MissingLayer = "not part of this version"

// Summary says in a line for each verdict what the report stands for, and what it
// does not.
func (r *Report) Summary() string {
	var passed, failed, unasked, absent []string
	for _, l := range r.Layers {
		switch {
		case l.Verdict == Pass:
			passed = append(passed, l.Name)
		case l.Verdict == Fail:
			failed = append(failed, l.Name)
		case l.Message == MissingLayer:
			absent = append(absent, l.Name)
		default:
			unasked = append(unasked, l.Name)
		}
	}
	var lines []string
	add := func(names []string, what string) {
		if len(names) > 0 {
			lines = append(lines, fmt.Sprintf("%d %s: %s", len(names), what, strings.Join(names, ", ")))
		}
	}
	add(failed, "FAILED")
	add(passed, "passed")
	add(unasked, "not asked for")
	add(absent, "NOT RUN, not part of this version")
	return strings.Join(lines, "\n")
}
