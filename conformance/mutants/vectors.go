package mutants

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/omega-sheaf-os/omega/conformance/vectors"
	"github.com/omega-sheaf-os/omega/impl/toolchain/lean"
	"github.com/omega-sheaf-os/omega/impl/toolchain/tools"
)

// vectorsFolder is the package whose tests have Lean judge what the code gives. To
// start Lean takes longer than most mutants, so these tests only write their
// vectors while the mutants run, and one process then judges those of all.
const vectorsFolder = "conformance/vectors"

// judgedVectors is how many vectors of a mutant and kind Lean is given: the first that
// differ from those without a fault. One that it refuses is enough.
const judgedVectors = 3

// byVectors takes the checks apart: those of vectorsFolder, and the others.
func byVectors(checks []Check) (ofVectors, others []Check) {
	for _, c := range checks {
		if c.Where == vectorsFolder {
			ofVectors = append(ofVectors, c)
		} else {
			others = append(others, c)
		}
	}
	return ofVectors, others
}

// kindOf returns the kind of vectors that a check of vectorsFolder judges:
// TestKeysAreLeans those of "keys".
func kindOf(c Check) string {
	return strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(c.What, "Test"), "AreLeans"))
}

// pending gathers the vectors that Lean is to judge.
type pending struct {
	dir   string
	plain map[string]vectors.Vector // without a fault, by call

	mu    sync.Mutex
	files []string
	of    map[string]place // by file
}

// place is where the verdicts on the vectors of a file go.
type place struct {
	verdicts map[Check]Verdict
	checks   []Check
}

// draw writes the vectors of the checks, with the overlay file if it is not empty,
// and reads them. Where a test fails on the way there, it has caught the fault.
func (t tester) draw(ctx context.Context, overlayFile, file string, checks []Check) ([]vectors.Vector, map[Check]Verdict, error) {
	args := []string{"test", "-count=1", "-vet=off", "-timeout", testLimit, "-run", pattern(checks), "-p", fmt.Sprint(t.procs)}
	if overlayFile != "" {
		args = append(args, "-overlay", overlayFile)
	}
	cmd := tools.Command(ctx, t.root, steady, "go", append(args, "./"+vectorsFolder, "-vectors.write="+file)...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, nil, ctx.Err()
	case errors.As(err, &exit):
		// It is run again for the verdict on each test.
		verdicts, err := t.goTest(ctx, overlayFile, checks)
		return nil, verdicts, err
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %s", err, excerpt(string(out)))
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	list, err := vectors.Read(bytes.NewReader(raw))
	return list, nil, err
}

// baselineVectors draws the vectors without a fault; Lean judges them together with
// the mutants'.
func (r *run) baselineVectors(ctx context.Context, checks []Check) (map[Check]Verdict, error) {
	list, verdicts, err := tester{r.root, r.procs}.draw(ctx, "", filepath.Join(r.vectors.dir, "plain.lean"), checks)
	if err != nil || verdicts != nil {
		return verdicts, err
	}
	for _, v := range list {
		if !v.Wrong {
			r.vectors.plain[v.Kind+" "+v.Call] = v
		}
	}
	return nil, nil
}

// judgeVectors draws the mutant's vectors and keeps for Lean those that differ. Where
// none does, the check has passed: the code gives the same.
func (r *run) judgeVectors(ctx context.Context, f *Fault, overlayFile string, checks []Check, verdicts map[Check]Verdict) error {
	file := filepath.Join(r.vectors.dir, f.ID+".lean")
	list, failed, err := r.draw(ctx, overlayFile, file, checks)
	if err != nil {
		return err
	}
	for _, c := range checks {
		verdicts[c] = Passed
		if v, ok := failed[c]; ok {
			verdicts[c] = v
		}
	}
	if failed != nil {
		return nil
	}
	var differ []vectors.Vector
	perKind := map[string]int{}
	for _, v := range list {
		plain, known := r.vectors.plain[v.Kind+" "+v.Call]
		if !v.Wrong && (!known || plain.Out != v.Out) && perKind[v.Kind] < judgedVectors {
			perKind[v.Kind]++
			differ = append(differ, v)
		}
	}
	if len(differ) == 0 {
		return nil
	}
	if err := writeVectors(r.root, file, differ); err != nil {
		return err
	}
	r.vectors.mu.Lock()
	defer r.vectors.mu.Unlock()
	r.vectors.files = append(r.vectors.files, file)
	r.vectors.of[file] = place{verdicts, checks}
	return nil
}

func writeVectors(root, file string, list []vectors.Vector) error {
	imports, err := lean.Specs(root)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if _, err := vectors.Write(&b, imports, list); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o600)
}

// askLean has Lean judge all vectors that are kept, in one process, and puts the
// verdicts in their places. Those without a fault that have the same calls are judged
// with them: one of them refused is an error.
func (r *run) askLean(ctx context.Context) error {
	if len(r.vectors.files) == 0 {
		return nil
	}
	plain := filepath.Join(r.vectors.dir, "plain.lean")
	if err := r.writePlain(plain); err != nil {
		return err
	}
	verdicts, err := vectors.Check(ctx, r.root, r.log, append(slices.Clone(r.vectors.files), plain)...)
	if err != nil {
		return err
	}
	for _, v := range verdicts {
		if v.File == plain {
			if len(v.Failed) > 0 {
				return fmt.Errorf("without any fault, Lean refuses: %s", &v.Failed[0])
			}
			continue
		}
		at := r.vectors.of[v.File]
		for _, c := range at.checks {
			if slices.Contains(v.Kinds(), kindOf(c)) {
				at.verdicts[c] = Failed
			}
		}
	}
	return nil
}

// writePlain writes the vectors without a fault whose calls the mutants' have.
func (r *run) writePlain(file string) error {
	called := map[string]bool{}
	var list []vectors.Vector
	for _, name := range r.vectors.files {
		raw, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		mutated, err := vectors.Read(bytes.NewReader(raw))
		if err != nil {
			return err
		}
		for _, v := range mutated {
			id := v.Kind + " " + v.Call
			if plain, ok := r.vectors.plain[id]; ok && !called[id] {
				called[id] = true
				list = append(list, plain)
			}
		}
	}
	if len(list) == 0 {
		for _, v := range r.vectors.plain {
			list = append(list, v)
			break
		}
	}
	return writeVectors(r.root, file, list)
}
