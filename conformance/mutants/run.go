package mutants

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/omega-sheaf-os/omega/conformance/vectors"
)

// Options say which faults are planted, and where.
type Options struct {
	Root    string            // of the checkout
	Filter  func(*Fault) bool // which faults; nil: all
	Workers int               // how many mutants at the same time; 0: one a processor
	Log     io.Writer         // takes a line a mutant; nil: nothing does
}

// Report is what a run has shown.
type Report struct {
	Results []Result // by the ledger's order
	Seconds float64
}

// Result says what came of one fault.
type Result struct {
	ID, Hash string // of the fault
	File     string // in which it is planted
	Checks   []Judged
	Error    string  // why the fault is no fault, or ""
	Seconds  float64 // for the mutant, all its checks together

	verdicts map[Check]Verdict // until Lean has had its say
}

// Judged is a check and what it did.
type Judged struct {
	Check   Check
	Verdict Verdict
}

// Killed reports whether every check that the fault names has failed by it.
func (r *Result) Killed() bool {
	return r.Error == "" && len(r.Checks) > 0 && !slices.ContainsFunc(r.Checks, func(j Judged) bool { return j.Verdict != Failed })
}

// Problems returns what is red, a line each: the survivors, and the faults that
// are none.
func (r *Report) Problems() []string {
	var problems []string
	for _, res := range r.Results {
		if res.Error != "" {
			problems = append(problems, fmt.Sprintf("%s: %s", res.ID, res.Error))
			continue
		}
		for _, j := range res.Checks {
			if j.Verdict != Failed {
				problems = append(problems, fmt.Sprintf("%s survives: %s %s", res.ID, j.Check, j.Verdict))
			}
		}
	}
	return problems
}

// Killed returns how many mutants were killed.
func (r *Report) Killed() int {
	n := 0
	for i := range r.Results {
		if r.Results[i].Killed() {
			n++
		}
	}
	return n
}

// Counts returns how many faults were planted in what, and how many were killed.
func (r *Report) Counts() map[string]float64 {
	counts := map[string]float64{"mutants": float64(len(r.Results)), "killed": float64(r.Killed()), "checks": 0}
	for _, name := range plantedIn {
		counts[name] = 0
	}
	for _, res := range r.Results {
		counts[plantedIn[path.Ext(res.File)]]++
		counts["checks"] += float64(len(res.Checks))
	}
	return counts
}

// plantedIn names the kinds of files that faults are planted in.
var plantedIn = map[string]string{".go": "in_code", ".tla": "in_models", ".lean": "in_specifications"}

// run is one Run under way.
type run struct {
	tester  // with the processors that one mutant may use
	vectors pending

	mu  sync.Mutex
	log io.Writer
	n   int // mutants done
	of  int
}

// Run runs the named checks without any fault, plants each fault and judges it.
// What it has shown is stored for Shown. An error means that nothing was judged;
// a survivor is none.
func Run(ctx context.Context, opts Options) (*Report, error) {
	faults, err := Load(opts.Root)
	if err != nil {
		return nil, err
	}
	if opts.Filter != nil {
		faults = slices.DeleteFunc(faults, func(f *Fault) bool { return !opts.Filter(f) })
	}
	if len(faults) == 0 {
		return nil, errors.New("there is no fault to plant")
	}
	report, err := runFaults(ctx, opts, faults)
	if err != nil {
		return nil, err
	}
	return report, store(ctx, opts.Root, report)
}

// runFaults is Run for these faults; it stores nothing.
func runFaults(ctx context.Context, opts Options, faults []*Fault) (*Report, error) {
	start := time.Now()
	workers := opts.Workers
	if workers == 0 {
		workers = runtime.NumCPU()
	}
	dir, err := os.MkdirTemp("", "omega-vectors-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	r := &run{
		tester:  tester{opts.Root, max(1, runtime.NumCPU()/workers)},
		vectors: pending{dir: dir, plain: map[string]vectors.Vector{}, of: map[string]place{}},
		log:     opts.Log, of: len(faults),
	}
	if r.log == nil {
		r.log = io.Discard
	}
	unfit, err := r.baseline(ctx, faults)
	if err != nil {
		return nil, err
	}
	report := &Report{Results: make([]Result, len(faults))}
	slots := make(chan struct{}, workers)
	var wg sync.WaitGroup
	for i, f := range faults {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			report.Results[i] = r.fault(ctx, f, unfit)
		})
	}
	wg.Wait()
	if err := errors.Join(ctx.Err(), r.askLean(ctx)); err != nil {
		return nil, err
	}
	for i, f := range faults {
		report.Results[i].settle(f)
		r.tell(&report.Results[i])
	}
	report.Seconds = time.Since(start).Seconds()
	return report, nil
}

// baseline runs every check of Go that the faults name, without any fault, and
// returns those that do not pass: they can show nothing.
func (r *run) baseline(ctx context.Context, faults []*Fault) (map[Check]Verdict, error) {
	var checks []Check
	for _, f := range faults {
		for _, c := range f.Checks {
			if f.isGo() && !slices.Contains(checks, c) {
				checks = append(checks, c)
			}
		}
	}
	unfit := map[Check]Verdict{}
	if len(checks) == 0 {
		return unfit, nil
	}
	start := time.Now()
	verdicts, err := r.withoutFault(ctx, checks)
	if err != nil {
		return nil, fmt.Errorf("without any fault: %w", err)
	}
	for _, c := range checks {
		if v := verdicts[c]; v != Passed {
			unfit[c] = v
		}
	}
	fmt.Fprintf(r.log, "mutants: %d checks without any fault: %d pass, %.0f s\n", len(checks), len(checks)-len(unfit), time.Since(start).Seconds())
	return unfit, nil
}

// withoutFault runs the checks over the checkout as it is.
func (r *run) withoutFault(ctx context.Context, checks []Check) (map[Check]Verdict, error) {
	verdicts := map[Check]Verdict{}
	ofVectors, others := byVectors(checks)
	if len(others) > 0 {
		var err error
		if verdicts, err = (tester{r.root, runtime.NumCPU()}).goTest(ctx, "", others); err != nil {
			return nil, err
		}
	}
	if len(ofVectors) == 0 {
		return verdicts, nil
	}
	failed, err := r.baselineVectors(ctx, ofVectors)
	for _, c := range ofVectors {
		verdicts[c] = Passed // askLean has the last word
	}
	maps.Copy(verdicts, failed)
	return verdicts, err
}

func (f *Fault) isGo() bool { return path.Ext(f.File) == ".go" }

// fault plants one fault and judges its checks.
func (r *run) fault(ctx context.Context, f *Fault, unfit map[Check]Verdict) Result {
	start := time.Now()
	res := Result{ID: f.ID, Hash: f.Hash(), File: f.File}
	if len(f.Checks) == 0 {
		res.Error = f.At + ": no check must catch it"
	}
	for _, c := range f.Checks {
		if v, ok := unfit[c]; ok {
			res.Error = fmt.Sprintf("%s: without any fault, %s %s", f.At, c, v)
		}
	}
	if res.Error == "" {
		var err error
		if res.verdicts, err = r.judge(ctx, f); err != nil {
			res.Error = fmt.Sprintf("%s: %v", f.At, err)
		}
	}
	res.Seconds = time.Since(start).Seconds()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	fmt.Fprintf(r.log, "mutants: %d/%d %s, %.1f s\n", r.n, r.of, f.ID, res.Seconds)
	return res
}

// settle takes over the verdicts, which are all in.
func (r *Result) settle(f *Fault) {
	if r.Error != "" {
		return
	}
	for _, c := range f.Checks {
		r.Checks = append(r.Checks, Judged{c, r.verdicts[c]})
	}
}

// judge plants the fault in a folder of its own and runs its checks there.
func (r *run) judge(ctx context.Context, f *Fault) (map[Check]Verdict, error) {
	dir, err := os.MkdirTemp("", "omega-mutant-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	switch path.Ext(f.File) {
	case ".tla":
		return r.judgeModel(ctx, f, dir)
	case ".lean":
		return r.judgeProof(ctx, f, dir)
	}
	overlayFile, err := f.plant(r.root, dir)
	if err != nil {
		return nil, err
	}
	verdicts := map[Check]Verdict{}
	ofVectors, others := byVectors(f.Checks)
	if len(others) > 0 {
		if verdicts, err = r.goTest(ctx, overlayFile, others); err != nil {
			return nil, err
		}
	}
	if len(ofVectors) > 0 {
		err = r.judgeVectors(ctx, f, overlayFile, ofVectors, verdicts)
	}
	return verdicts, err
}

// tell says what came of a fault.
func (r *run) tell(res *Result) {
	if res.Killed() {
		fmt.Fprintf(r.log, "mutants: %s: killed by %d\n", res.ID, len(res.Checks))
		return
	}
	fmt.Fprintf(r.log, "mutants: NOT KILLED: %s\n", strings.Join((&Report{Results: []Result{*res}}).Problems(), "; "))
}
